"""Ladders of T at fixed b = s/s_c, far beyond what can be sampled, by the exact moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from qktheory.theorems.judgements import Asymptotic, Evaluate

__all__ = ["LN_T", "at_fixed_ratio", "critical"]

#: From T = 10^6 to 10^97.
LN_T = (14.0, 56.0, 224.0)


def critical(log_t: float) -> float:
    """Return s_c of a number of keys given by its logarithm."""
    return math.sqrt(2.0 * log_t)


def at_fixed_ratio(
    value: str,
    ratio: Callable[[Mapping[str, Any]], float],
    finite: Callable[[float, float, Mapping[str, Any]], float],
    rate: float,
    limit: Callable[[Evaluate, Mapping[str, Any], float, float], float] | None = None,
    ladder: tuple[float, ...] = LN_T,
    slack: float = 1.3,
    floor: float = 1e-9,
) -> Asymptotic:
    """Return a judgement along T at s = b s_c(T), with ln T as the size.

    Parameters
    ----------
    value : str
        Name of the value.
    ratio : callable
        From the parameters of a case to b.
    finite : callable
        From (T, s, parameters) to the finite-T quantity.
    rate : float
        The error shrinks like (ln T)^(-rate).
    limit : callable, optional
        From the evaluation, parameters, T and s to its target; the value by default.
    ladder, slack, floor
        As in `Asymptotic`.

    Returns
    -------
    Asymptotic
    """

    def rung(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
        T, s = math.exp(size), ratio(parameters) * critical(size)
        target = limit(evaluate, parameters, T, s) if limit else evaluate(parameters)[value]
        return float(finite(T, s, parameters)), float(target)

    return Asymptotic(value, "ln T", ladder, rung, rate=rate, slack=slack, floor=floor)
