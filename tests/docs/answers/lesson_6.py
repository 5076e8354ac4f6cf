"""Answers to the exercises of lesson 6, right ones and those that a slip leads to."""

from __future__ import annotations

from typing import Any

import sympy as sp

s, s2 = sp.symbols("s s2", positive=True)
q, c2 = sp.exp(s**2), sp.exp(s2) - 1

RIGHT: dict[str, list[Any]] = {
    "6.1": [q**3 - 3 * q + 2, (q - 1) ** 2 * (q + 2)],
    "6.2": [0.72328],
    "6.3": [[1, 0.5, 0.4, 0.25, 0.2], (1, sp.Rational(1, 2), 0.4, 0.25, 0.2)],
    "6.4": [s2 / (3 * c2), sp.Symbol("s2") / (3 * sp.exp(sp.Symbol("s2")) - 3)],
}
WRONG: dict[str, list[Any]] = {
    "6.1": [q**3, q**3 - 1, q**3 - 3 * q**2 + 2, sp.exp(3 * s) - 3 * sp.exp(s) + 2, 0],
    "6.2": [0.6931, 0.85046, 1.0, -1.0, 100.0],
    "6.3": [
        [1, 0.4, 0.16, 0.125, 0.064],
        [1, 0.5, 0.4, 0.25, 0.16],
        [0.5, 0.4, 0.25, 0.2, 0.16],
        [1, 0.5, -0.4, 0.25, -0.2],
        [1, 0.5, 0.4],
    ],
    "6.4": [s2 / c2, 3 * c2 / s2, s2 / (4 * c2), sp.Rational(1, 4), s2 * c2],
}
