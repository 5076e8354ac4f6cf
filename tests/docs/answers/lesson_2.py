"""Answers to the lesson on QK spectra."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp

import qktheory as qk

_S_C = math.sqrt(2 * math.log(256))
_TABLES: dict[str, Any] = {
    "d": 32,
    "T": 64,
    "spectrum": {"law": "uniform", "xi": 4.0, "eta": 2.0},
    "matrix": {"model": "schur", "departure": 2.0},
}


def _other(**tables: Any) -> dict[str, Any]:
    return {**_TABLES, **tables}


RIGHT: dict[str, list[Any]] = {
    "2.1": [2.25, sp.Rational(144, 64)],
    "2.2": [[[0, 1], [-1, 0]], np.array([[0.0, -1.0], [1.0, 0.0]]), sp.Matrix([[0, 1], [-1, 0]])],
    "2.3": [8 * math.sqrt(2 * math.log(256) - 1), 25.41],
    "2.4": [
        _TABLES,
        qk.Ensemble.from_dict(_TABLES),
        _other(spectrum={"law": "semicircle", "xi": 4.0, "eta": 2.0}),
    ],
}
WRONG: dict[str, list[Any]] = {
    "2.1": [144.0, 2.2499, 2.3, 0.0, 12 / 64, -1.0],
    "2.2": [
        [[1, 0], [0, -1]],
        [[0, 1], [1, 0]],
        [[0, 2], [-2, 0]],
        [[0, math.sqrt(2)], [0, 0]],
        np.zeros((3, 3)),
        [[0, 0], [0, 0]],
        [[math.nan, 1], [-1, 0]],
    ],
    "2.3": [8 * _S_C, math.sqrt(_S_C**2 - 1), _S_C, -25.41, 24.0],
    "2.4": [
        _other(matrix={"model": "symmetric"}),
        _other(matrix={"model": "schur", "departure": 4.0}),
        _other(matrix={"model": "schur", "departure": 2.0, "draw": "every_sample"}),
        # The right traces by complex eigenvalues: sum |lambda|^2 = eta + 4 b^2 for a pair a +- ib.
        _other(matrix={"model": "normal", "complex_pairs": [[0.0, 1.0]]}),
        _other(T=32),
        _other(spectrum={"law": "uniform", "xi": 4.0, "eta": 0.1}),
        _other(spectrum={"law": "uniform", "xi": 4.0, "eta": 1.0}),
        {},
    ],
}
