"""Checks of the lesson on clipped and true softmax."""

from __future__ import annotations

import numpy as np
import sympy as sp

import qktheory as qk

from . import close, exercise, formula, number, numbers, same_formula


@exercise("4.1")
def mean_weight_without_drift(answer: object) -> str | None:
    """1/T, by exchangeability."""
    weight = number(answer)
    right = qk.evaluate("LOC-9a", self_logit=0.0, T=100)["end_weight_bound"]
    if close(weight, right):
        return None
    return "The question is about the mean over rows: which of the 100 keys would be preferred?"


@exercise("4.2")
def ratio_of_the_ends(answer: object) -> str | None:
    """(m/(1 - e^-m)) / (m/(e^m - 1)) = e^m."""
    ratio = formula(answer, ["m"])
    m = sp.Symbol("m")
    points = [-1.5, 0.7, 2.0]
    if same_formula(ratio, sp.exp(m), m=points):
        return None
    if same_formula(ratio, sp.exp(-m), m=points):
        return "Upside down: with a positive drift the last key gains."
    if same_formula(ratio, m, m=points):
        return "That is the difference of the two (times T), not the ratio."
    return "Divide the two expressions of LOC-9b, and let SymPy simplify."


@exercise("4.3")
def temperature_of_unit_drift(answer: object) -> str | None:
    """E m = T xi/temperature."""
    temperature = number(answer)
    if temperature <= 0.0:
        return "A temperature is positive."
    W = [[4.0 / temperature]]
    drift = qk.evaluate("LOC-8b", W_QK=W, Sigma=[[1.0]], temperature=1.0, T=256)["mean_self_logit"]
    if close(drift, 1.0):
        return None
    return (
        f"With this temperature E m is {drift:.4g}: m is the logit of the last token with itself."
    )


@exercise("4.4")
def against_the_order_of_variance(answer: object) -> str | None:
    """Any spectrum that the comparison does not majorize, by LOC-10a."""
    values = numbers(answer, 8, "a list of eight numbers")
    if not close(values.sum(), 4.0, rel=1e-9):
        return f"Their sum is {values.sum():.6g} instead of 4."
    if np.count_nonzero(np.abs(values) > 1e-9) < 2:
        return "That is the single eigenvalue of the table; move a little of it to another one."
    quantiles = ((np.arange(8) + 0.5) / 8).tolist()
    shape = np.array(qk.evaluate("SPEC-9", law="semicircle", std=1.0, u=quantiles)["quantile"])
    shape /= np.sqrt(np.mean(shape**2))
    compared = 0.5 * (1 + 2 * shape)
    spread, wide = float(np.sum(values**2)), float(np.sum(compared**2))
    if spread > 1e6:
        return "Such large eigenvalues do not localize; stay below a hundred."
    if spread <= wide:
        return f"The square trace {spread:.4g} is not larger than {wide:.4g}."
    ours, theirs = (
        qk.evaluate("LOC-10a", eigenvalues=v.tolist(), T=1)["Lambda"] for v in (values, compared)
    )
    if abs(ours) <= abs(theirs):
        return f"Lambda is {ours:.4f}, and that of the spectrum to beat {theirs:.4f}."
    return None
