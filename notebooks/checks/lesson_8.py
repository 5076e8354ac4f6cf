"""Checks of the lesson on writing and verifying a theorem."""

from __future__ import annotations

import numpy as np
import sympy as sp

import qktheory as qk
from qktheory.kernels import seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import PathwiseBound
from qktheory.verification.judge import Context, find_budget, judge

from . import Unreadable, close, exercise, formula, number, same_formula


@exercise("8.1")
def a_triangle_of_scores(answer: object) -> str | None:
    """tr (W Sigma)^3 / temperature^3."""
    found = number(answer)
    W, Sigma = np.array([[1.0, 2.0], [1.0, 0.0]]), np.diag([2.0, 1.0])
    right = float(np.trace(np.linalg.matrix_power(W @ Sigma, 3))) / 8.0
    if close(found, right):
        return None
    if close(found, 8.0 * right):
        return "Every score is divided by the temperature."
    if close(found, np.trace(np.linalg.matrix_power(W, 3)) / 8.0):
        return "Every token brings its covariance: it stands between two W."
    return "expectation(Form(x, W, y) * Form(y, W, z) * Form(z, W, x)) has a single pairing."


@exercise("8.2")
def kurtosis_of_a_logit(answer: object) -> str | None:
    """E w^4 = 3 (F^2 + 2 tr (W^T W)^2) (SPEC-13)."""
    found = formula(answer, ["d"])
    d = sp.Symbol("d", positive=True)
    right = 3 * (1 + 2 / d)
    points = {"d": [1.0, 2.0, 7.0]}
    if same_formula(found, right, **points):
        return None
    if same_formula(found + 3, right, **points):
        return "That is the excess over a Gaussian; the ratio itself is asked for."
    if same_formula(found, 1 + 2 / d, **points):
        return "That is for two different keys. With one key its four copies pair in three ways."
    return "Both the four copies of x and the four of y pair in three ways; trace them."


def _largest_ratio(T: int) -> float:
    """Return the largest e^H Y_2 of rows of T weights: one of them large, the rest equal."""
    levels = np.linspace(1.0 / T, 1.0, 2001)[1:-1]
    entropies = [qk.evaluate("ENT-10d", T=T, participation=y)["max_entropy"] for y in levels]
    return float(np.max(np.exp(entropies) * levels))


@exercise("8.3")
def shortest_counterexample(answer: object) -> str | None:
    """The least T with max e^H Y_2 > 2, by the sharp bound ENT-10d."""
    T = number(answer)
    if int(T) != T or not 2 <= T <= 1000:
        return "A number of keys is an integer; this one is small."
    if _largest_ratio(int(T)) <= 2.0:
        return "At this length every row obeys the bound: see ENT-10d."
    if T > 2 and _largest_ratio(int(T) - 1) > 2.0:
        return "It fails there, and for shorter rows as well."
    return None


def _rows() -> list[np.ndarray]:
    rng = np.random.default_rng(8)
    return [rng.normal(size=n) * scale for n, scale in ((2, 1.0), (5, 0.3), (9, 4.0))]


@exercise("8.4")
def a_claim(answer: object) -> str | None:
    """A claim that holds, whose twin is close and is refuted."""
    if not isinstance(answer, Claim):
        raise Unreadable("The answer should be a Claim.")
    if {p.name for p in answer.parameters} != {"logits"}:
        return "Its one parameter should be `logits`."
    if not any(isinstance(judgement, PathwiseBound) for judgement in answer.judged_by):
        return "It should be judged as a PathwiseBound."
    try:
        twin = answer.twin()
        for logits in _rows():
            p = np.exp(logits - logits.max())
            p /= p.sum()
            values = answer.evaluate(logits=logits.tolist())
            wrong = twin.evaluate(logits=logits.tolist())
            if not {"participation", "bound"} <= set(values):
                return "Its values should be `participation` and `bound`."
            if not close(values["participation"], np.sum(p**2), rel=1e-9):
                return "The participation is the sum of the squared weights."
            if not close(values["bound"], p.max() ** 2, rel=1e-9):
                return "The bound is the square of the largest weight."
            ends = [wrong[name] / values[name] for name in ("participation", "bound")]
            if max(abs(end - 1.0) for end in ends) > 0.1 + 1e-9:
                return "The twin should be off by at most 10 %."
        verdicts = [_verdict(answer, twin), _verdict(twin, answer)]
    except Exception as error:
        raise Unreadable(f"Judging it raises {type(error).__name__}: {error}.") from None
    if verdicts[0] == "refuted":
        return "The verifier refutes it: which side of its pairs is the smaller one?"
    if verdicts[1] != "refuted":
        return "Its twin comes out supported: add a case at which both sides are nearly equal."
    return None


def _verdict(claim: Claim, rival: Claim) -> str:
    """Judge a claim that is not in the catalogue on its cases and on random draws."""
    with worker_threads(1) as workers:
        context = Context(find_budget("quick"), seed_key(0), 1e-6, workers, lambda line: None)
        found = {case.verdict for case in judge(claim, rival, context)}
    return "refuted" if "refuted" in found else "supported"
