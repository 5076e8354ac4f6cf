"""Answers to the lesson on clipped and true softmax."""

from __future__ import annotations

from typing import Any

import sympy as sp

m = sp.Symbol("m", real=True)

RIGHT: dict[str, list[Any]] = {
    "4.1": [0.01, sp.Rational(1, 100)],
    "4.2": [sp.exp(m), (sp.exp(m) - 1) / (1 - sp.exp(-m)), sp.exp(sp.Symbol("m"))],
    "4.3": [1024, 1024.0],
    "4.4": [[3.9, 0.1, 0, 0, 0, 0, 0, 0], [0.2, 3.8, 0, 0, 0, 0, 0, 0]],
}
WRONG: dict[str, list[Any]] = {
    "4.1": [0.17, 1.0, 0.0, 0.0101],
    "4.2": [sp.exp(-m), m, sp.exp(m / 2), sp.exp(2 * m), sp.Symbol("k"), 1],
    "4.3": [256.0, 4.0, 1 / 1024, 0.0, -1024.0],
    "4.4": [
        [4, 0, 0, 0, 0, 0, 0, 0],
        [0.5] * 8,
        [2.9, 1.1, 0, 0, 0, 0, 0, 0],  # more localized, but of smaller square trace
        [4.1, 0, 0, 0, 0, 0, 0, 0],
        [5, -1, 0, 0, 0, 0, 0, 0],  # Lambda 0.73 at a square trace of 26
        [3, -3, 2, 2, 0, 0, 0, 0],
        [4, 0, 0],
        [1e200, 4 - 1e200, 0, 0, 0, 0, 0, 0],
        [1e8, 4 - 1e8, 0, 0, 0, 0, 0, 0],
    ],
}
