"""Answers to the lesson on localization."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

RIGHT: dict[str, list[Any]] = {
    "3.1": [0.5, sp.Rational(1, 2)],
    "3.2": [math.sqrt(7), sp.sqrt(7), 2.6458],
    "3.3": [72 / (7 * math.log(7)), 72 / (7 * sp.log(7)), 5.285812],
    # The tip of the lens is at 2.014405 (LOC-6).
    "3.4": [2.005, 2.0144, -2.01],
}
WRONG: dict[str, list[Any]] = {
    "3.1": [3.5, 2.0, -0.5, 6.0],
    "3.2": [7.0, 1 / math.sqrt(7), 1.0, math.sqrt(7 / 12)],
    "3.3": [5.28, 5.2859, 7.0, 1.0, -5.2858],
    "3.4": [2.0, 2.0145, 1.9, 2.5, 0.0],
}
