"""RMT-6a, 6b, 6c: stable ranks of tokens in width and depth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from qktheory.base.domains import Matrix, Parameter
from qktheory.kernels import Stream
from qktheory.numerics.stable_rank import stable_ranks
from qktheory.simulation.realization import Realization
from qktheory.spectra.matrices.ginibre import Ginibre
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import CLAIMS, Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit, Identity
from qktheory.theorems.network_setting import iid_scores
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.depth import CONTRACTION, r
from qktheory.theorems.saada2025.draws import branch, iid_attention, without_mean

FloatArray = NDArray[np.float64]

gamma = s.t / s.d
#: Variance of the scores where a claim leaves it free: lognormal weights that are nearly Gaussian.
_S2 = 0.25


def fresh_tokens(
    parameters: Mapping[str, Any], stream: Stream, first: int, n: int, perp: bool
) -> FloatArray:
    """Return X_l of fresh layers from X_0 = [I 0], (n, T, d)."""
    T, d = parameters["T"], parameters["d"]
    X: FloatArray = np.broadcast_to(np.eye(T, d), (n, T, d))
    for number in range(parameters["layer"]):
        child = branch(stream, 2 * number)
        A = iid_attention(T, parameters.get("s2", _S2), child, first, n)
        A = without_mean(A) if perp else A
        values = branch(stream, 2 * number + 1).normals(first, n, d * d)
        X = A @ X @ (values.reshape(n, d, d) / math.sqrt(d))
    return X


def excesses(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sum s^2/s_1^2 and sum s^4/s_1^4 over all singular values but the first."""
    singular = np.linalg.svd(X, compute_uv=False)
    ratios = (singular[:, 1:] / singular[:, :1]) ** 2
    return np.asarray(ratios.sum(axis=1)), np.asarray((ratios**2).sum(axis=1))


def scaled(parameters: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Change T at the same T/d."""
    return {
        **parameters,
        "T": size,
        "d": max(size, round(size * parameters["d"] / parameters["T"])),
    }


def _power(base: float, exponent: float, factor: float) -> float:
    """Return factor base^exponent by its logarithm, which may be far below -308."""
    return factor * math.exp(exponent * math.log(base)) if base > 0.0 else 0.0


# --- RMT-6a ---------------------------------------------------------------------------------------


def _draw_common(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    x, sigma = excesses(fresh_tokens(parameters, stream, first, n, perp=False))
    return {"sr_x_minus_1": x, "sr_x_minus_1_refined": x, "sr_sigma_minus_1": sigma}


def _refined(T: int, r: float, layer: int) -> float:
    if r >= 1.0:
        return float(T) / layer
    # (1 - r)/(1 - r^l) without cancellation.
    rest = 1.0 - r**layer if r < 0.5 else -math.expm1(layer * math.log1p(-(1.0 - r)))
    return _power(r, layer, T * (1.0 - r) / rest)


def _leading(exponent: sp.Expr, power: float) -> Routine:
    """Return c_T^(2l) T^(1 - l) = T r^l, with another exponent for the twin."""
    return Routine(
        s.c2_t**s.layer * s.t**exponent,
        lambda T, r, layer: _power(r, layer, float(T) ** power),
        ("T", "contraction", "layer"),
    )


def _sigma(T: int, d: int, r: float, layer: int) -> float:
    return _power(r, 2.0 * layer, T * (1.0 + layer + layer * T / d))


def _one_layer(realization: Realization) -> dict[str, Any]:
    return {**iid_scores(realization), "layer": 1}


def _is_one_head(realization: Realization) -> bool:
    network = realization.ensemble.network
    return (
        network is not None
        and network.heads == 1
        and network.skip_factor == 0.0
        and isinstance(network.value.model, Ginibre)
        and realization.ensemble.d >= realization.ensemble.T
    )


def _final(observable: str, value: str) -> Predicts:
    """Return a prediction of the decimal logarithm of a value after one layer."""

    def logarithm(realization: Realization) -> tuple[float, float]:
        values = CLAIMS["RMT-6a"].values_at(_one_layer(realization))
        return math.log10(float(values[value])), 0.0

    return Predicts(observable, value, "asymptotic", compute=logarithm, when=_is_one_head)


register(
    Claim(
        id="RMT-6a",
        title="stable rank of tokens under fresh attention",
        statement=(
            "With X_0 X_0^T = I, T = gamma d: sr(X_l) - 1 ~ c_T^(2l) T^(1-l) and sr(X_l X_l^T) - 1 "
            "~ (1 + l + l gamma) c_T^(4l) T^(1-2l): layer 1 does not collapse in the first "
            "convention, and rates in width are 1 - l and 1 - 2l."
        ),
        source=s.extends_saada("exponents of the collapse in width"),
        standing="corrected",
        observable="stable_rank",
        W="redrawn",
        networks=True,
        assumptions=(s.IID_SCORES,),
        predicts=(
            _final("final_log10_token_stable_rank_excess", "sr_x_minus_1_refined"),
            _final("final_log10_gram_stable_rank_excess", "sr_sigma_minus_1"),
        ),
        parameters=(s.T, s.SIZE, s.S2, s.LAYER),
        complete=s.complete_aspect,
        where={"c2_t": s.C2_T, "contraction": CONTRACTION},
        values={
            "sr_x_minus_1": _leading(1 - s.layer, 1.0),
            "sr_x_minus_1_refined": Routine(
                s.t * r**s.layer * (1 - r) / (1 - r**s.layer),
                _refined,
                ("T", "contraction", "layer"),
            ),
            "sr_sigma_minus_1": Routine(
                (1 + s.layer + s.layer * gamma)
                * s.c2_t ** (2 * s.layer)
                * s.t ** (1 - 2 * s.layer),
                _sigma,
                ("T", "d", "contraction", "layer"),
            ),
        },
        cases=(
            {"T": 100, "d": 100, "s2": 0.25, "layer": 1},
            {"T": 100, "d": 200, "s2": 0.25, "layer": 2},
            {"T": 100, "d": 400, "s2": 0.1, "layer": 2},
        ),
        judged_by=(
            DrawnLimit(
                ("sr_x_minus_1", "sr_x_minus_1_refined", "sr_sigma_minus_1"),
                "T",
                ((20, 256), (80, 64)),
                scaled,
                _draw_common,
                rate=0.3,
                aim=0.55,
            ),
        ),
        wrong_twin=WrongTwin(
            "exponent 1 - l taken as 5/4 - l",
            {"sr_x_minus_1": _leading(sp.Rational(5, 4) - s.layer, 1.25)},
        ),
    )
)

# --- RMT-6b ---------------------------------------------------------------------------------------

y_star, z_star = symbol("y_star"), symbol("z_star")
_b = s.layer + (s.layer - 1) * gamma


def _y(T: int, d: int, layer: int) -> float:
    # The root of 2 l gamma y^2 + (l + (l - 1) gamma) y = 1 without cancellation.
    ratio = T / d
    middle = layer + (layer - 1) * ratio
    return 2.0 / (middle + math.sqrt(middle**2 + 8.0 * layer * ratio))


def _z(T: int, d: int, layer: int, y: float) -> float:
    return math.exp((layer + 1.0) * math.log1p(y) + layer * math.log1p(T / d * y)) / y


def _by_minimum(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the least z(y) by search, and the second moment from z(y) at small y."""
    T, d, layer = parameters["T"], parameters["d"], parameters["layer"]
    found = minimize_scalar(
        lambda t: math.log(_z(T, d, layer, math.exp(t))),
        bracket=(math.log(1e-3 / layer), math.log(1.0 / layer)),
        tol=1e-12,
    )
    edge = math.exp(float(found.fun))
    # y z(y) = m_1 + (m_2/m_1) y + ...: a complex step gives the slope at 0.
    step = 1e-30
    slope = ((1 + 1j * step) ** (layer + 1) * (1 + 1j * step * T / d) ** layer).imag / step
    return {"z_star": edge, "sr_x": T / edge, "sr_sigma": T * slope / edge**2}


def _draw_sizes(rng: np.random.Generator) -> dict[str, Any]:
    T = int(10.0 ** rng.uniform(0.0, 4.0))
    return {
        "T": T,
        "d": int(T * 10.0 ** rng.uniform(0.0, 2.0)) + 1,
        "layer": int(rng.integers(1, 30)),
    }


def _draw_perp(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    x, sigma = excesses(fresh_tokens(parameters, stream, first, n, perp=True))
    return {"sr_x": 1.0 + x, "sr_sigma": 1.0 + sigma}


def _edge(factor: float = 1.0) -> Routine:
    return Routine(
        factor * (1 + y_star) ** (s.layer + 1) * (1 + gamma * y_star) ** s.layer / y_star,
        lambda T, d, layer, y: factor * _z(T, d, layer, y),
        ("T", "d", "layer", "y_star"),
    )


register(
    Claim(
        id="RMT-6b",
        title="stable rank of tokens under attention without its mean",
        statement=(
            "With A - J in place of A, squared singular values of X_l are those of a product of "
            "free factors, z(y) = (1+y)^(l+1) (1+gamma y)^l/y, edge z_star: sr(X_l) ~ T/z_star, "
            "sr(X_l X_l^T) ~ T (1 + l + l gamma)/z_star^2: no collapse in width, but in depth."
        ),
        source=s.extends_saada("constants of the stable rank without the outlier"),
        standing="derived",
        observable="stable_rank",
        parameters=(s.T, s.SIZE, s.LAYER),
        complete=s.complete_aspect,
        values={
            "y_star": Routine(
                (-_b + sp.sqrt(_b**2 + 8 * s.layer * gamma)) / (4 * s.layer * gamma),
                _y,
                ("T", "d", "layer"),
            ),
            "z_star": _edge(),
            "sr_x": s.t / z_star,
            "sr_sigma": s.t * (1 + s.layer + s.layer * gamma) / z_star**2,
        },
        cases=(
            {"T": 100, "d": 100, "layer": 1},
            {"T": 100, "d": 200, "layer": 1},
            {"T": 100, "d": 100, "layer": 2},
        ),
        judged_by=(
            Identity(_by_minimum, _draw_sizes, tolerance=1e-10),
            DrawnLimit(
                ("sr_x", "sr_sigma"),
                "T",
                ((24, 256), (96, 64)),
                scaled,
                _draw_perp,
                rate=0.1,
                aim=0.55,
            ),
        ),
        wrong_twin=WrongTwin("edge 3 % too large", {"z_star": _edge(1.03)}),
    )
)

# --- RMT-6c ---------------------------------------------------------------------------------------

_X = sp.MatrixSymbol("X", s.t, s.d)
_sv = sp.IndexedBase("s")
_i = sp.Symbol("i", integer=True, positive=True)


def _rank(name: str, order: int, start: int, factor: float = 1.0) -> Routine:
    return Routine(
        factor * sp.Sum(_sv[_i] ** order, (_i, start, s.t)) / _sv[1] ** order,
        lambda ranks: factor * getattr(ranks, name),
        ("ranks",),
    )


def _by_gram(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Traces and the largest eigenvalue of X X^T: good for matrices far from rank one."""
    X = parameters["X"]
    gram = X @ X.T
    top = float(np.linalg.eigvalsh(gram)[-1])
    return {
        "sr_x": float(np.trace(gram)) / top,
        "sr_sigma": float(np.sum(gram**2)) / top**2,
        "sr_x_minus_1": float(np.trace(gram)) / top - 1.0,
        "sr_sigma_minus_1": float(np.sum(gram**2)) / top**2 - 1.0,
    }


def _draw_matrix(rng: np.random.Generator) -> dict[str, Any]:
    rows, columns = (int(k) for k in rng.integers(2, 9, size=2))
    first, second, X = 0.0, 0.0, np.zeros((rows, columns))
    # Two large directions at least keep the other route away from its cancellation.
    while second <= 0.1 * first:
        X = rng.normal(size=(rows, columns)) + 2.0 * np.eye(rows, columns)
        first, second = np.linalg.svd(X, compute_uv=False)[:2]
    return {"X": X * 10.0 ** rng.uniform(-30.0, 30.0)}


register(
    Claim(
        id="RMT-6c",
        title="the two stable ranks of a token matrix",
        statement=(
            "sr(X) = sum s_i^2/s_1^2 and sr(X X^T) = sum s_i^4/s_1^4 over the singular values of "
            "X, each at least 1; less 1, the sums from the second one on."
        ),
        source=s.SAADA_2025,
        standing="theorem",
        observable="stable_rank",
        parameters=(Parameter("X", Matrix(), "token matrix, (T, d), not zero"),),
        where={"ranks": Routine(sp.Function("s")(_X), stable_ranks, ("X",))},
        values={
            "sr_x": _rank("sr_x", 2, 1),
            "sr_sigma": _rank("sr_sigma", 4, 1),
            "sr_x_minus_1": _rank("sr_x_minus_1", 2, 2),
            "sr_sigma_minus_1": _rank("sr_sigma_minus_1", 4, 2),
        },
        cases=(
            {"X": [[3.0, 0.0], [0.0, 4.0]]},
            {"X": [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0]]},
            {"X": [[1.0, 1.0], [1.0, -1.0], [0.5, 2.0]]},
        ),
        judged_by=(Identity(_by_gram, _draw_matrix, tolerance=1e-9),),
        wrong_twin=WrongTwin("sr_x 5 % too large", {"sr_x": _rank("sr_x", 2, 1, 1.05)}),
    )
)
