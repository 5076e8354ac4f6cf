"""ENT-0 and ENT-1: one row, the freezing point, and the exact means of a Gaussian row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.numerics.gaussian_row import mean_entropy, mean_log_partition, mean_participation
from qktheory.numerics.normal import normal_pdf
from qktheory.numerics.softmax_rows import SoftmaxRows
from qktheory.observables.observable import RowObservable
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Expectation, Identity
from qktheory.theorems.random_energy import setting as e

FloatArray = NDArray[np.float64]

# --- ENT-0a ---------------------------------------------------------------------------------------

_j = sp.Symbol("j", integer=True)
_l, _A = sp.IndexedBase("l"), sp.IndexedBase("A")
_n = sp.Symbol("n_keys", integer=True, positive=True)


def _over_keys(term: sp.Expr) -> sp.Expr:
    return sp.Sum(term, (_j, 1, _n))


_STATEMENTS = {
    "log_z": sp.log(_over_keys(sp.exp(_l[_j]))),
    "weighted_mean": _over_keys(_A[_j] * _l[_j]),
    "entropy": -_over_keys(_A[_j] * sp.log(_A[_j])),
    "participation": _over_keys(_A[_j] ** 2),
    "y_q": _over_keys(_A[_j] ** e.q),
}


def _statistic(name: str, compute: Callable[[SoftmaxRows], FloatArray]) -> Routine:
    return Routine(
        _STATEMENTS[name], lambda logits: float(compute(SoftmaxRows(logits))[0]), ("logits",)
    )


_Y_OF_ROW = Routine(
    _STATEMENTS["y_q"], lambda logits, q: float(SoftmaxRows(logits).y(q)[0]), ("logits", "q")
)


def _other_statistics(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Shift the logits by their maximum and sum at more than double precision."""
    logits, q = np.asarray(parameters["logits"]), float(parameters["q"])
    order = np.sort(logits - logits.max())
    # The largest apart: next to a dominant key log Z is as small as the weight of the others.
    others = math.fsum(np.exp(order[:-1]))
    weights = np.exp(order) / (1.0 + others)
    log_z = math.log1p(others)
    entropy = log_z - math.fsum(weights * order)
    y2 = math.fsum(weights**2)
    return {
        "log_z": log_z + float(logits.max()),
        "weighted_mean": math.fsum(weights * order) + float(logits.max()),
        "entropy": entropy,
        "participation": y2,
        "y_q": math.fsum(weights**q),
        "effective_tokens": 1.0 / y2,
        "perplexity": math.exp(entropy),
    }


def _draw_row(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(1, 30))
    return {
        "logits": rng.normal(size=size) * 10.0 ** rng.uniform(-2.0, 1.0) + rng.normal(),
        "q": 1.0 + 4.0 * rng.random(),
    }


register(
    Claim(
        id="ENT-0a",
        title="statistics of one softmax row",
        statement=(
            "For a row of logits l with weights A = softmax(l): log Z, <l> = sum A_j l_j, "
            "H = log Z - <l>, Y_q = sum A_j^q, the effective tokens 1/Y_2 and the perplexity e^H."
        ),
        source=e.extends_derrida("conventions for one row"),
        standing="derived",
        observable="entropy",
        parameters=(e.LOGITS, e.Q),
        values={
            "log_z": _statistic("log_z", lambda row: row.log_z),
            "weighted_mean": _statistic("weighted_mean", lambda row: row.weighted_mean),
            "entropy": _statistic("entropy", lambda row: row.entropy),
            "participation": _statistic("participation", lambda row: row.participation),
            "y_q": _Y_OF_ROW,
            "effective_tokens": 1 / symbol("participation"),
            "perplexity": sp.exp(symbol("entropy")),
        },
        cases=(
            {"logits": [0.3, -1.2, 2.5, 0.0, 0.7], "q": 3.0},
            {"logits": [1.0, 1.0, 1.0, 1.0], "q": 1.5},
            {"logits": [4.0, -3.0, 0.5]},
        ),
        judged_by=(Identity(_other_statistics, _draw_row, 1e-12),),
        wrong_twin=WrongTwin(
            "<l> in the entropy taken 1.05 times",
            {"entropy": symbol("log_z") - sp.Rational(105, 100) * symbol("weighted_mean")},
        ),
    )
)

# --- ENT-0b ---------------------------------------------------------------------------------------


def _second_route(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Solve T exp(-s_c^2/2) = 1 for s_c."""
    T, s = parameters["T"], parameters["s"]
    freezing = brentq(lambda x: math.log(T) - 0.5 * x * x, 0.0, 40.0, xtol=1e-15, rtol=1e-15)
    return {"s_c": freezing, "b": s / freezing, "m": freezing / s}


def _draw_scale(rng: np.random.Generator) -> dict[str, float]:
    return {"T": 10.0 ** rng.uniform(0.01, 30.0), "s": 10.0 ** rng.uniform(-2.0, 2.0)}


register(
    Claim(
        id="ENT-0b",
        title="freezing point of a Gaussian row",
        statement=(
            "The row freezes at s_c = sqrt(2 log T), where T exp(-s_c^2/2) = 1; b = s/s_c is the "
            "inverse temperature of the Random Energy Model over its critical value, m = 1/b."
        ),
        source=e.DERRIDA_1981,
        standing="theorem",
        observable="none",
        parameters=(e.T_ABOVE_1, e.S_POSITIVE),
        values={
            "s_c": e.s_c,
            "b": e.s / sp.sqrt(2 * sp.log(e.t)),
            "m": sp.sqrt(2 * sp.log(e.t)) / e.s,
        },
        cases=({"T": 1024, "s": 2.0}, {"T": 1e12, "s": 12.0}, {"T": 1.5, "s": 0.3}),
        judged_by=(Identity(_second_route, _draw_scale, 1e-12),),
        wrong_twin=WrongTwin(
            "constant 2 under the root taken as 2.1",
            {"s_c": sp.sqrt(sp.Rational(21, 10) * sp.log(e.t))},
        ),
    )
)

# --- ENT-1 ----------------------------------------------------------------------------------------


def row_values(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    """Return the observables whose means ENT-1 states."""
    T, q = int(parameters["T"]), float(parameters["q"])
    return {
        "mean_log_z": e.on_iid_row("log_z", lambda row: row.log_z),
        "mean_entropy": e.on_iid_row("entropy", lambda row: row.entropy, (0.0, math.log(T))),
        "mean_participation": e.on_iid_row("participation", lambda r: r.y(2.0), (0.0, 1.0)),
        "mean_y_q": e.on_iid_row("y_q", lambda row: row.y(q), (0.0, 1.0)),
    }


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


def _panels(low: float, high: float, width: float) -> tuple[FloatArray, FloatArray]:
    edges = np.linspace(low, high, math.ceil((high - low) / width) + 1)
    half = 0.5 * (edges[1] - edges[0])
    nodes = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * _NODES
    return nodes.ravel(), np.tile(half * _WEIGHTS, edges.size - 1)


def _by_gauss(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Evaluate the integrals as they stand in ENT-1 by nested Gauss rules."""
    T, s, q = (float(parameters[name]) for name in ("T", "s", "q"))
    top = math.sqrt(2.0 * math.log(T))
    g, weights = _panels(-9.5, top + 9.5, min(8.0, 12.0 / s))
    weights = weights * normal_pdf(g)
    u, du = _panels(-math.log(T) - s * s - 42.0, 9.5 * s + 5.0, 8.0)
    v = u[:, None] + s * g
    x = np.exp(np.minimum(v, 7.0))
    decay = np.exp(-x)
    deficit, phi = -np.expm1(-x) @ weights, decay @ weights
    log_phi = np.where(deficit < 0.5, np.log1p(-deficit.clip(max=0.5)), np.log(phi.clip(1e-300)))
    power = np.exp((T - 1.0) * log_phi)
    entropy = -np.euler_gamma - T * float(du @ (((v * x * decay) @ weights) * power))
    y = {p: T / math.gamma(p) * float(du @ (((x**p * decay) @ weights) * power)) for p in (2.0, q)}
    return {
        "mean_log_z": float(du @ (np.exp(-np.exp(np.minimum(u, 7.0))) - power * phi)),
        "mean_entropy": entropy,
        "mean_participation": y[2.0],
        "mean_y_q": y[q],
    }


def _draw_law(rng: np.random.Generator) -> dict[str, float]:
    return {
        "T": 10.0 ** rng.uniform(0.2, 6.0),
        "s": rng.uniform(0.3, 4.0),
        "q": 1.0 + 3.0 * rng.random(),
    }


_LOG_Z = e.over_u(sp.exp(-sp.exp(e.u)) - e.phi**e.t)
_Y_2 = e.t * e.over_u(e.psi(2) * e.phi ** (e.t - 1))
_Y_Q = e.t / sp.gamma(e.q) * e.over_u(e.psi(e.q) * e.phi ** (e.t - 1))
_H = -sp.EulerGamma - e.t * e.over_u(e.psi(1, 1) * e.phi ** (e.t - 1))


register(
    Claim(
        id="ENT-1",
        title="exact means of a Gaussian row",
        statement=(
            "For T iid N(0, s^2) logits, E log Z, E H and E Y_q are one-dimensional integrals over "
            "phi(u) = E exp(-e^(u + s g)) and Psi_{q,p}(u) = E v^p e^(q v) exp(-e^v), v = u + s g, "
            "for every real T >= 1."
        ),
        source=e.extends_derrida("exact means at finite size"),
        standing="derived",
        observable="entropy",
        parameters=(e.T, e.S, e.Q),
        where={"width": e.s},
        values={
            "mean_log_z": Routine(_LOG_Z, mean_log_partition, ("T", "width")),
            "mean_entropy": Routine(_H, mean_entropy, ("T", "width")),
            "mean_participation": Routine(_Y_2, mean_participation, ("T", "width")),
            "mean_y_q": Routine(_Y_Q, mean_participation, ("T", "width", "q")),
        },
        cases=(
            {"T": 16, "s": 2.0, "q": 3.0},
            {"T": 64, "s": 0.7, "q": 1.5},
            {"T": 128, "s": 4.0},
            {"T": 2, "s": 1.0, "q": 1.2},
        ),
        judged_by=(
            Expectation(e.iid_row, row_values),
            Identity(_by_gauss, _draw_law, 1e-9, most_draws=8),
        ),
        wrong_twin=WrongTwin(
            "standard deviation s taken as 1.08 s", {"width": sp.Rational(108, 100) * e.s}
        ),
    )
)
