"""Answers to the lesson on softmax rows as a random energy model."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

b = sp.Symbol("b", positive=True)
_S_C = math.sqrt(2 * math.log(4096))

RIGHT: dict[str, list[Any]] = {
    "1.1": [math.sqrt(math.log(4096)), sp.sqrt(sp.log(4096)), 2.884],
    "1.2": [3.1512, 3.150],
    "1.3": [2 * (1 - b) ** 2, 2 - 4 * sp.Symbol("b") + 2 * sp.Symbol("b") ** 2],
    # The table of ENT-8 in the specification.
    "1.4": [2.8806375943, 2.88],
}
WRONG: dict[str, list[Any]] = {
    "1.1": [math.sqrt(0.5), _S_C / 2, _S_C, -2.884, 2.92],
    "1.2": [2.884, 3.16, 0.0, -3.15, 1e6],
    "1.3": [1 - 2 * b**2, ((1 - b**2) / (2 * b)) ** 2, -2 * (1 - b) ** 2, 4 * b, sp.Symbol("x"), 0],
    "1.4": [math.sqrt(2 * math.log(1024)), 2.88 / 8, 2.88 * 8, 2.88**2, -2.88, 1.0],
}
