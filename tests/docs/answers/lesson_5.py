"""Answers to the exercises of lesson 5, right ones and those that a slip leads to."""

from __future__ import annotations

from typing import Any

import sympy as sp

a, v, L = sp.symbols("a v L", positive=True)

RIGHT: dict[str, list[Any]] = {
    # sinh z = 2 z at z = 2.1773189849653068, y = z/2.
    "5.1": [1.0887, 1.08865949, sp.Float("1.08866")],
    "5.2": [8, 8.0],
    # log10 of the residual: -306.58 at layer 6, about three times as much a layer.
    "5.3": [10],
    "5.4": [1 / sp.sqrt(2 * a * v * L), (2 * sp.Symbol("v") * sp.Symbol("a") * L) ** (-0.5)],
}
WRONG: dict[str, list[Any]] = {
    "5.1": [2.17732, 1.0, 1.09, 0.0, 2.0],
    "5.2": [32, 4, 16, 2],
    "5.3": [9, 11, 6, 10_000],
    "5.4": [
        1 / sp.sqrt(a * v * L),
        -1 / sp.sqrt(2 * a * v * L),
        sp.exp(-a * v * L),
        1 / (2 * a * v * L),
        sp.sqrt(2 * a * v * L),
        0,
    ],
}
