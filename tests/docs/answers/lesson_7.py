"""Answers to the exercises of lesson 7, right ones and those that a slip leads to."""

from __future__ import annotations

from typing import Any

import sympy as sp

rho_0, sigma_V = sp.symbols("rho_0 sigma_V", positive=True)
grown = rho_0 * sp.exp(sigma_V**2)


def layer(cosine: Any, alpha: Any, sigma_V: Any, Y: Any, C: Any) -> Any:
    norm = alpha**2 + sigma_V**2 * (cosine + (1 - cosine) * Y)
    return (alpha**2 * cosine + sigma_V**2 * (cosine + (1 - cosine) * C)) / norm


def without_overlap(cosine: Any, alpha: Any, sigma_V: Any, Y: Any, C: Any) -> Any:
    return layer(cosine, alpha, sigma_V, Y, 0.0)


def one_minus(cosine: Any, alpha: Any, sigma_V: Any, Y: Any, C: Any) -> Any:
    return 1 - layer(cosine, alpha, sigma_V, Y, C)


RIGHT: dict[str, list[Any]] = {
    # R = log 19 + log 9 = 5.141664, 1/sqrt(e^(R/48) - 1).
    "7.1": [2.9728],
    "7.2": [rho_0, sp.Symbol("rho_0") + 0],
    # Odds 1.25^12/9 = 1.616871: rho = 0.617864, (0.382136/0.9)^2.
    "7.3": [0.18028, 0.1803],
    "7.4": [layer],
}
WRONG: dict[str, list[Any]] = {
    "7.1": [3.0554, 1.367, 0.0, 9.0],
    "7.2": [grown / (1 - rho_0 + grown), 1, 0, rho_0 * sigma_V],
    "7.3": [5.547, 0.4246, 0.1361, 0.146, 1.0],
    "7.4": [without_overlap, one_minus, lambda *given: 0.5, lambda cosine: cosine],
}
