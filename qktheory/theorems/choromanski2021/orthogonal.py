"""ZOO-RF-2, ZOO-RF-3: orthogonal features, where they help and where they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.orthogonal_features import (
    LARGEST_CROSSING,
    check_feature_count,
    crossing_delta,
    orthogonal_bound,
    orthogonal_mse,
    pair_moment,
    trig_gain,
)
from qktheory.spectra.haar import haar_frames
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.choromanski2021.iid_features import draw_pair
from qktheory.theorems.claim import Claim, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity, PathwiseBound

_F = sp.Function("F")
_t = sp.Symbol("t")


def pair_function(u: sp.Expr) -> sp.Expr:
    """Return F(u) = 1F1(d; d/2; u)."""
    return sp.hyper([s.d], [s.d / 2], u)


def orthogonal_frequencies(d: int, m: int, stream: Stream, first: int, n: int) -> s.FloatArray:
    """Draw m frequencies of orthogonal blocks of d, (n, m, d): Haar directions, chi_d norms."""
    blocks = []
    for block in range(-(-m // d)):
        size = min(d, m - block * d)
        place = (stream.experiment + 2 * block + 1) % (1 << 32)
        directions = haar_frames(d, size, stream.child(experiment=place), first, n)
        place = (place + 1) % (1 << 32)
        normals = stream.child(experiment=place).normals(first, n, size * d).reshape(n, size, d)
        blocks.append(np.linalg.norm(normals, axis=2)[:, :, None] * directions.transpose(0, 2, 1))
    return np.concatenate(blocks, axis=1)


# --- ZOO-RF-2 -------------------------------------------------------------------------------------

_ARGUMENTS = ("norm_x", "norm_y", "cosine", "d", "feature_count")
_ONE = {
    "positive": sp.exp(2 * s.z2),
    "hyperbolic": (1 + sp.exp(2 * s.z2)) / 2,
    "trig": (1 + sp.exp(-2 * s.delta2)) / 2,
}


def _statement(kind: str) -> sp.Expr:
    sign, square = (-1, s.delta2) if kind == "trig" else (1, s.z2)
    pairs = (s.m - 1) * _F(sign * square / 2) - s.m * sp.exp(sign * square)
    return sp.exp(-sign * s.N) / s.m * (_ONE[kind] + pairs)


def _mse(kind: Any, factor: float = 1.0) -> Any:
    return s.routine(
        sp.nsimplify(factor) * _statement(kind),
        lambda x, y, c, d, m: factor * orthogonal_mse(s.pair_of(x, y, c), d, m, kind),
        *_ARGUMENTS,
    )


_BOUND = (
    s.K**2 * (sp.exp(s.z2) - 1) / s.m
    - 2 * (s.m - 1) / (s.m * (s.d + 2)) * (s.K - sp.exp(-s.N / 2)) ** 2
)


def _complete_blocks(parameters: dict[str, Any]) -> None:
    check_feature_count(parameters["d"], parameters["feature_count"], blocks=True)


def _draw_errors(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    pair = s.pair_of(p["norm_x"], p["norm_y"], p["cosine"])
    x, y = s.plane(pair, p["d"])
    omega = orthogonal_frequencies(p["d"], p["feature_count"], stream, first, n)
    half, kernel = math.exp(0.5 * pair.squares), math.exp(pair.logit)
    sums = omega @ (x + y)
    estimates = {
        "trig": half * np.cos(omega @ (x - y)).mean(axis=1),
        "positive": np.exp(sums).mean(axis=1) / half,
        "hyperbolic": np.cosh(sums).mean(axis=1) / half,
    }
    return {f"mse_orthogonal_{kind}": (e - kernel) ** 2 for kind, e in estimates.items()}


def _draw_block(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(2, 40))
    return {**draw_pair(rng), "d": size, "feature_count": int(rng.integers(1, size + 1))}


register(
    Claim(
        id="ZOO-RF-2",
        title="mean square errors of orthogonal features at any width",
        statement=(
            "With Haar-orthogonal directions and independent chi_d norms every pair of features "
            "has the moment F(u) = 1F1(d; d/2; u), which gives all three errors exactly; positive "
            "features gain at least 2(m-1)/(m(d+2)) (K - e^(-N/2))^2. B blocks divide by B."
        ),
        source=s.extends_choromanski("Theorem 2; exact at every d"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(s.NORM_X, s.NORM_Y, s.COSINE, s.SIZE, s.FEATURE_COUNT),
        complete=_complete_blocks,
        values={
            "mse_orthogonal_positive": _mse("positive"),
            "mse_orthogonal_hyperbolic": _mse("hyperbolic"),
            "mse_orthogonal_trig": _mse("trig"),
            "bound_orthogonal_positive": s.routine(
                _BOUND,
                lambda x, y, c, d, m: orthogonal_bound(s.pair_of(x, y, c), d, m),
                *_ARGUMENTS,
            ),
        },
        cases=(
            {"norm_x": 0.4, "norm_y": 0.4, "cosine": -0.4, "d": 3, "feature_count": 3},
            {"norm_x": 0.3, "norm_y": 0.2, "cosine": 0.2, "d": 4, "feature_count": 2},
            {"norm_x": 0.4, "norm_y": 0.3, "cosine": -0.2, "d": 2, "feature_count": 4},
        ),
        judged_by=(
            DrawnExpectation(
                ("mse_orthogonal_positive", "mse_orthogonal_hyperbolic", "mse_orthogonal_trig"),
                _draw_errors,
                lambda p: 60.0 * p["feature_count"] * p["d"],
            ),
            PathwiseBound(
                lambda p, v, rng: [(v["mse_orthogonal_positive"], v["bound_orthogonal_positive"])],
                _draw_block,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "trigonometric error 10 % too large", {"mse_orthogonal_trig": _mse("trig", 1.1)}
        ),
        proof=(
            "Given norms a, b, two rows of a Haar matrix have the joint moments of a Dirichlet "
            "pair: E e^((omega_1 + omega_2)^T z) is the Humbert series Phi_2(d/2, d/2; d/2; t, t) "
            "= 1F1(d; d/2; t), t = |z|^2/2. The bound is 1 - (d/2)_k (d/2)_l/(d/2)_(k+l) >= "
            "2/(d+2) for k, l >= 1, term by term."
        ),
    )
)

# --- ZOO-RF-3a ------------------------------------------------------------------------------------

_delta = symbol("delta")
_DELTA = Parameter(
    "delta", Real(low=0.0, high=1e15, high_open=True, typical=(0.0, 30.0)), "|x - y|^2"
)
_COUNT = Parameter(
    "feature_count",
    Integer(low=1, high=10**15, typical=(1, 40)),
    "number of features m <= d; d by default",
    default=None,
)


def _complete_count(parameters: dict[str, Any]) -> None:
    if parameters["feature_count"] is None:
        parameters["feature_count"] = parameters["d"]
    check_feature_count(parameters["d"], parameters["feature_count"])


def _gain(sign: int = 1) -> Any:
    excess = _F(-_delta / 2) - sp.exp(-_delta)
    statement = 1 + sign * 2 * (s.m - 1) * excess / (1 - sp.exp(-_delta)) ** 2

    def compute(d: int, delta: float, m: int) -> float | None:
        found = trig_gain(d, delta, m)
        return None if found is None else 1.0 + sign * (found - 1.0)

    return s.routine(statement, compute, "d", "delta", "feature_count")


def _draw_pairs(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Return products of cosines of two orthogonal and of two independent frequencies."""
    radius = math.sqrt(p["delta"])
    omega = orthogonal_frequencies(p["d"], 2, stream, first, n)
    free = stream.normals(first, n, 2)
    return {
        "pair_term_orthogonal": np.cos(radius * omega[:, :, 0]).prod(axis=1),
        "pair_term_iid": np.cos(radius * free).prod(axis=1),
    }


def _moment_by_series(d: int, delta: float) -> Decimal:
    """Sum 1F1(d; d/2; -delta/2) as it stands, with digits to spare."""
    with localcontext() as context:
        context.prec = 60 + int(delta)
        term = total = Decimal(1)
        for k in range(80 + int(5.0 * delta)):
            term *= -Decimal(delta) * (d + k) / ((d + 2 * k) * (k + 1))
            total += term
        return total


def _by_series(p: Mapping[str, Any]) -> dict[str, float]:
    moment = _moment_by_series(p["d"], p["delta"])
    found = {"pair_term_orthogonal": float(moment), "pair_term_iid": math.exp(-p["delta"])}
    if p["delta"] > 0.0:
        with localcontext() as context:
            context.prec = 60
            iid = (-Decimal(p["delta"])).exp()
            ratio = 1 + 2 * (p["feature_count"] - 1) * (moment - iid) / (1 - iid) ** 2
        found["mse_ratio"] = float(ratio)
    return found


def _draw_delta(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(1, 30))
    return {
        "d": size,
        "delta": float(rng.uniform(0.0, 25.0)) * 10.0 ** -float(rng.integers(0, 4)),
        "feature_count": int(rng.integers(1, size + 1)),
    }


register(
    Claim(
        id="ZOO-RF-3a",
        title="orthogonal against independent trigonometric features",
        statement=(
            "The errors of m orthogonal and m independent trigonometric features have the ratio "
            "1 + 2(m-1)(F(-delta/2) - e^(-delta))/(1 - e^(-delta))^2, delta = |x - y|^2, which "
            "exceeds 1 wherever F(-delta/2) > e^(-delta)."
        ),
        source=s.extends_choromanski("orthogonality of trigonometric features"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(s.SIZE, _DELTA, _COUNT),
        complete=_complete_count,
        values={
            "pair_term_orthogonal": s.routine(
                pair_function(-_delta / 2),
                lambda d, delta: pair_moment(d, -0.5 * delta),
                "d",
                "delta",
            ),
            "pair_term_iid": s.routine(sp.exp(-_delta), lambda delta: math.exp(-delta), "delta"),
            "mse_ratio": _gain(),
        },
        cases=(
            {"d": 4, "delta": 12.0},
            {"d": 2, "delta": 1.5},
            {"d": 8, "delta": 1.0, "feature_count": 3},
        ),
        judged_by=(
            DrawnExpectation(
                ("pair_term_orthogonal", "pair_term_iid"), _draw_pairs, lambda p: 80.0 * p["d"]
            ),
            Identity(_by_series, _draw_delta, tolerance=1e-10, most_draws=60),
        ),
        wrong_twin=WrongTwin("sign of the pair term", {"mse_ratio": _gain(-1)}),
        proof="Expand the square of the mean of m features: m diagonal and m(m-1) pair terms.",
    )
)

# --- ZOO-RF-3b ------------------------------------------------------------------------------------


def _crossing(factor: float = 1.0) -> Any:
    def compute(d: int) -> float | None:
        found = crossing_delta(d)
        return None if found is None else factor * found

    return s.routine(
        sp.nsimplify(factor) * sp.Function("smallest_zero")(_F(-_t / 2) - sp.exp(-_t)), compute, "d"
    )


def _walk(p: Mapping[str, Any]) -> dict[str, Any]:
    """Look for a sign change in small steps, by the series as it stands."""

    def excess(delta: float) -> float:
        moment = _moment_by_series(p["d"], delta)
        with localcontext() as context:
            context.prec = 60 + int(delta)
            return float(moment * Decimal(delta).exp() - 1)

    delta, step = 4.0, 0.25
    while excess(delta) < 0.0:
        delta += step
        if delta > 16.0:
            return {"has_crossing": 0}
    low, high = delta - step, delta
    for _ in range(45):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return {"has_crossing": 1, "crossing_delta": high}


register(
    Claim(
        id="ZOO-RF-3b",
        title="where orthogonal trigonometric features begin to lose",
        statement=(
            "The smallest delta > 0 with F(-delta/2) = e^(-delta), beyond which m orthogonal "
            "trigonometric features are worse than m independent ones: none for d = 2, 10.96 for "
            "d = 3, 8.73 for d = 6, and a jump between d = 22 and d = 23."
        ),
        source=s.extends_choromanski("orthogonality of trigonometric features"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(
            Parameter("d", Integer(low=2, high=LARGEST_CROSSING, typical=(2, 30)), "dimension"),
        ),
        values={
            "has_crossing": s.routine(
                sp.Function("exists")(_t), lambda d: int(crossing_delta(d) is not None), "d"
            ),
            "crossing_delta": _crossing(),
        },
        cases=({"d": 2}, {"d": 3}, {"d": 4}, {"d": 8}),
        judged_by=(
            Identity(
                _walk, lambda rng: {"d": int(rng.integers(2, 17))}, tolerance=1e-9, most_draws=4
            ),
        ),
        wrong_twin=WrongTwin("crossing 2 % too far", {"crossing_delta": _crossing(1.02)}),
    )
)

# --- folklore -------------------------------------------------------------------------------------

register(
    Claim(
        id="ZOO-RF-3-folklore",
        title="orthogonal features always help",
        statement=(
            "Believed: orthogonal features have a smaller error than independent ones, for every "
            "pair of vectors. False for trigonometric features at large distances (ZOO-RF-3a), "
            "by up to 1.5 %; true for positive ones (ZOO-RF-2)."
        ),
        source=s.RAHIMI_2007,
        standing="folklore",
        observable="random-feature kernel",
        parameters=(s.SIZE, _DELTA, _COUNT),
        complete=_complete_count,
        values={
            "largest_ratio": s.routine(sp.Integer(1), lambda d: 1.0, "d"),
        },
        cases=(
            {"d": 3, "delta": 14.0},
            {"d": 4, "delta": 12.0},
            {"d": 16, "delta": 11.5, "feature_count": 8},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (trig_gain(p["d"], p["delta"], p["feature_count"]) or 1.0, v["largest_ratio"])
                ],
                _draw_delta,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "bound 1 taken as 0.99",
            {"largest_ratio": s.routine(sp.Float(0.99), lambda d: 0.99, "d")},
        ),
    )
)
