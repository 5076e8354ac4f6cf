"""Errors planted on purpose: a sign, a factor or an exponent, and what must catch them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp

from qktheory.kernels import (
    ROW_STATISTICS,
    Stream,
    leaf_moments,
    merge_moments,
    row_statistics,
    seed_key,
)
from qktheory.kernels.arrays import erf_array, exp_array, log_array
from qktheory.symbolic.derivation import Step
from qktheory.theorems.derivations import DERIVATIONS, derive

__all__ = ["Fault", "derivation_faults", "kernel_faults", "wrong_sides"]


@dataclass(frozen=True)
class Fault:
    """One planted error; `caught` runs the check that should see it."""

    where: str
    error: str
    caught: Callable[[], bool]


def _shifted_exponent(side: sp.Expr) -> sp.Expr | None:
    """Raise the exponent of a symbol by 1/4 (of an integer one by 1 where roots make no sense)."""
    for factor in sp.preorder_traversal(side):
        if isinstance(factor, sp.Pow) and factor.exp.is_Rational and factor.base.free_symbols:
            return side.xreplace({factor: factor.base ** (factor.exp + sp.Rational(1, 4))})
    return None


def wrong_sides(step: Step) -> Iterator[tuple[str, sp.Basic]]:
    """Yield right sides with one error: a factor, a sign, an exponent."""
    side = step.rhs
    if side == 0:
        yield "constant", sp.Rational(1, 10)
        return
    yield "factor 11/10", sp.Rational(11, 10) * side
    terms = side.args if isinstance(side, sp.Add | sp.MatAdd) else (side,)
    yield "sign", side - 2 * terms[-1]
    if isinstance(side, sp.Expr) and not side.has(sp.Integral, sp.MatrixExpr):
        shifted = _shifted_exponent(side)
        if shifted is not None and shifted != side:
            yield "exponent + 1/4", shifted


def derivation_faults() -> list[Fault]:
    """Plant errors in the right side of every equality of every derivation."""
    faults = []
    for claim in sorted(DERIVATIONS):
        for number, step in enumerate(derive(claim).steps, 1):
            if step.relation != "=":
                continue
            for error, side in wrong_sides(step):
                faults.append(
                    Fault(
                        f"{claim}, step {number}",
                        error,
                        lambda step=step, side=side: (
                            not step.check.holds(step.lhs, step.relation, side)
                        ),
                    )
                )
    return faults


# --- kernels and estimators -----------------------------------------------------------------------

POINTS = np.linspace(-20.0, 20.0, 401)
LOGITS = np.random.default_rng(5).normal(size=(50, 17)) * 3.0


def _ulp(found: np.ndarray, right: np.ndarray) -> float:
    return float(np.max(np.abs(found - right) / np.spacing(np.abs(right))))


def _statistic(name: str, rows: np.ndarray) -> np.ndarray:
    return np.asarray(row_statistics(rows))[..., list(ROW_STATISTICS).index(name)]


def _entropy(rows: np.ndarray) -> np.ndarray:
    weights = np.exp(rows - rows.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return -np.sum(weights * np.log(weights), axis=1)


def _merged(between: float, divisor: float) -> float:
    """Variance of two leaves, with errors: weight of the term between them, samples counted."""
    rows = Stream(seed_key(0), 3, 0).normals(0, 512, 1) + np.repeat([[0.0], [2.0]], 256, axis=0)
    first, second = (leaf_moments(part, 256).group(0) for part in (rows[:256], rows[256:]))
    step = float(second.mean[0] - first.mean[0])
    m2 = float(first.m2[0] + second.m2[0]) + between * step**2 * 128.0
    merged = merge_moments(first, second)
    assert abs(merged.variance[0] / rows.var(ddof=1) - 1.0) < 1e-12
    return abs(m2 / (512 - divisor) / rows.var(ddof=1) - 1.0)


def kernel_faults() -> list[Fault]:
    """Plant errors in what kernels and estimators return; their references must differ."""
    right_exp, right_log = np.exp(POINTS), np.log(np.abs(POINTS) + 0.5)
    entropy, participation = _entropy(LOGITS), _power_sum(LOGITS, 2.0)
    normals = Stream(seed_key(0), 1, 1).normals(0, 4096, 8)
    other = Stream(seed_key(0), 1, 2).normals(0, 4096, 8)
    error = 6.0 / np.sqrt(normals.size)

    def apart(found: np.ndarray, right: np.ndarray, allowed: float = 1e-12) -> bool:
        return bool(np.max(np.abs(found - right)) > allowed)

    def misses(found: np.ndarray, right: np.ndarray) -> bool:
        return _ulp(found, right) > 2.0

    planted: dict[tuple[str, str], Callable[[], bool]] = {
        ("none", "none"): lambda: (
            misses(exp_array(POINTS), right_exp)
            or misses(log_array(np.abs(POINTS) + 0.5), right_log)
            or apart(_statistic("entropy", LOGITS), entropy)
            or apart(_statistic("participation", LOGITS), participation)
            or abs(normals.mean()) > error
            or abs(normals.var() - 1.0) > 2 * error
            or abs(np.mean(normals * other)) > error
            or _merged(1.0, 1.0) > 1e-12
        ),
        ("exp", "factor 1 + 1e-15"): lambda: misses(exp_array(POINTS) * (1 + 1e-15), right_exp),
        ("exp", "argument + 1e-15"): lambda: misses(exp_array(POINTS + 1e-15), right_exp),
        ("log", "sign"): lambda: misses(-log_array(np.abs(POINTS) + 0.5), right_log),
        ("log", "base 2"): lambda: misses(log_array(np.abs(POINTS) + 0.5) / np.log(2.0), right_log),
        ("erf", "argument over sqrt 2"): lambda: apart(
            erf_array(POINTS / np.sqrt(2.0)), erf_array(POINTS)
        ),
        ("row entropy", "bits instead of nats"): lambda: apart(
            _statistic("entropy", LOGITS) / np.log(2.0), entropy
        ),
        ("row entropy", "temperature 0.99"): lambda: apart(
            _statistic("entropy", LOGITS / 0.99), entropy
        ),
        ("row entropy", "sign of the logits"): lambda: apart(
            _statistic("entropy", -LOGITS), entropy
        ),
        ("row participation", "exponent 2.25"): lambda: apart(
            _power_sum(LOGITS, 2.25), _statistic("participation", LOGITS)
        ),
        ("row participation", "last key dropped"): lambda: apart(
            _statistic("participation", LOGITS[:, :-1]), participation
        ),
        ("normals", "mean + 0.05"): lambda: abs(normals.mean() + 0.05) > error,
        ("normals", "factor 1.05"): lambda: abs((1.05 * normals).var() - 1.0) > 2 * error,
        ("normals", "one seed for two cells"): lambda: (
            abs(np.mean(normals * Stream(seed_key(0), 1, 1).normals(0, 4096, 8))) > error
        ),
        ("moments", "population variance"): lambda: _merged(1.0, 0.0) > 1e-12,
        ("moments", "no term between leaves"): lambda: _merged(0.0, 1.0) > 1e-12,
        ("moments", "sign of the term between leaves"): lambda: _merged(-1.0, 1.0) > 1e-12,
    }
    return [Fault(where, what, caught) for (where, what), caught in planted.items()]


def _power_sum(rows: np.ndarray, power: float) -> np.ndarray:
    weights = np.exp(rows - rows.max(axis=1, keepdims=True))
    return ((weights / weights.sum(axis=1, keepdims=True)) ** power).sum(axis=1)
