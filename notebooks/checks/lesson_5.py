"""Checks of the lesson on rank collapse."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp
from scipy.optimize import brentq

import qktheory as qk

from . import close, exercise, formula, number, same_formula

#: The four tokens of the lesson and its layer.
TOKENS = np.array([[1.0, 0, 2], [0, 1, -1], [2, -1, 0], [-1, 1, 1]])
LAYER = {
    "W_QK": [[1.0, 0, -1], [0, 2, 1], [1, -1, 0]],
    "W_V": [[1.0, 2, 0], [0, 1, -1], [1, 0, 1]],
    "temperature": 2.0,
}


def _slope(y: float) -> float:
    return float(qk.evaluate("RANK-5d", y=y)["slope"])


@exercise("5.1")
def exponent_two(answer: object) -> str | None:
    """Solve 4y/sinh 2y = 1: the local exponent of RANK-5d is 2 there."""
    y = abs(number(answer))
    root = brentq(lambda y: _slope(y) - 2.0, 0.1, 10.0, xtol=1e-14)
    if close(y, root, rel=1e-4):
        return None
    if close(y, 2.0 * root, rel=1e-3):
        return "That is the argument of the hyperbolic sine: y itself is half of it."
    return f"At your y the exponent is {_slope(y):.4f}. It falls from 3 to 1 as y grows."


@exercise("5.2")
def constant_two(answer: object) -> str | None:
    """sqrt(G/2) <= 2 for G <= 8, and G <= T."""
    T = number(answer)
    if T == 8:
        return None
    if T == 32:
        return "That is the answer for constant 4. Which G has sqrt(G/2) = 2?"
    return "Theorem B has the constant sqrt(G/2), and G is at most the number of tokens."


@cache
def _first_layer_below(log10: float) -> int:
    path = qk.evaluate("RANK-4f", X=TOKENS / 4, **LAYER, L=14)["log10_norm_1inf"]
    return int(np.argmax(np.array(path) < log10))


@exercise("5.3")
def layers_to_collapse(answer: object) -> str | None:
    """First layer of RANK-4f below 1e-10000."""
    layers = number(answer)
    wanted = _first_layer_below(-10_000.0)
    if layers == wanted:
        return None
    if abs(layers - wanted) == 1.0:
        return "One layer off: the logarithm triples once a layer, and layer 6 is at -306.6."
    return "Ask RANK-4f for more layers; its list begins with layer 0."


@exercise("5.4")
def slow_closing(answer: object) -> str | None:
    """Integrate dr/dL = -a v r^3: r = (2 a v L)^(-1/2) (RANK-5e)."""
    found = formula(answer, ["a", "v", "L"])
    a, v, L = sp.symbols("a v L", positive=True)
    points = {"a": [0.5, 1.0, 3.0], "v": [0.3, 0.7, 0.9], "L": [100.0, 5000.0, 37.0]}
    right = 1 / sp.sqrt(2 * a * v * L)
    if same_formula(found, right, **points):
        return None
    if same_formula(found**2, right**2, **points):
        return "The gap is positive: check the sign of your root."
    at_one = found.subs(dict.fromkeys(found.free_symbols, 1))
    if at_one != 0 and same_formula(found / at_one, 1 / sp.sqrt(a * v * L), **points):
        return "The power law is right. Look at the constant: integrate dr/dL = -a v r^3."
    return "For a small gap r' - r is about -a v r^3; integrate that over L and let L be large."
