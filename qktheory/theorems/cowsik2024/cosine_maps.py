"""ZOO-DEPTH-1, ZOO-DEPTH-2: cosine of tokens through layers with random W_QK."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.cosine_maps import cosine_after, overlap_map
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

_T, _rho, _s2 = symbol("T"), symbol("cosine"), symbol("logit_variance")
TOKENS = Parameter("T", Integer(low=2, high=10**15, typical=(2, 60)), "number of tokens")
LOGIT_VARIANCE = Parameter(
    "logit_variance",
    Real(low=0.0, high=700.0, typical=(0.0, 3.0)),
    "variance over W_QK of a logit of two tokens of norm sqrt(d)",
)

# --- ZOO-DEPTH-1 ----------------------------------------------------------------------------------


def _check_cosine(p: dict[str, Any]) -> None:
    if overlap_map(p["T"], p["cosine"], p["logit_variance"]).mean_square < 0.0:
        raise bad_value("cosine", p["cosine"], "a number >= -1/(T - 1) and <= 1")


def _after(T: int, cosine: float, s2: float) -> dict[str, float | None]:
    out = overlap_map(T, cosine, s2)
    some = out.mean_square > 0.0  # tokens that cancel have no direction
    return {
        "mean_square_out": out.mean_square,
        "overlap_out": out.mean_square - out.gap,
        "cosine_out": 1.0 - out.gap / out.mean_square if some else None,
        "one_minus_cosine_out": out.gap / out.mean_square if some else None,
        "one_minus_cosine_cubic": s2 / T * (1.0 - cosine) ** 3,
    }


def _two_rows(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw two attention rows whose scores have the covariance of a Gaussian W_QK."""
    T, rho = parameters["T"], parameters["cosine"]
    z = stream.normals(first, n, 2 * T).reshape(n, 2, T)
    z[:, 1] = rho * z[:, 0] + math.sqrt(1.0 - rho * rho) * z[:, 1]
    # A part of the scores that all keys of a row share does not matter.
    scores = math.sqrt(parameters["logit_variance"] * (1.0 - rho)) * z
    A = np.exp(scores - scores.max(axis=2, keepdims=True))
    A /= A.sum(axis=2, keepdims=True)
    return {
        "mean_square_out": rho + (1.0 - rho) * np.sum(A[:, 0] ** 2, axis=1),
        "overlap_out": rho + (1.0 - rho) * np.sum(A[:, 0] * A[:, 1], axis=1),
    }


def _in_decimals(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Evaluate both maps with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        T, rho, s2 = (Decimal(parameters[k]) for k in ("T", "cosine", "logit_variance"))
        square = rho + (1 - rho) / T * (s2 * (1 - rho)).exp()
        overlap = rho + (1 - rho) / T * (s2 * rho * (1 - rho)).exp()
        return {
            "cosine_out": float(overlap / square),
            "one_minus_cosine_out": float(1 - overlap / square),
        }


_square = _rho + (1 - _rho) / _T * sp.exp(_s2 * (1 - _rho))
_overlap = _rho + (1 - _rho) / _T * sp.exp(_s2 * _rho * (1 - _rho))
_VALUES = entries(
    "found",
    {
        "mean_square_out": _square,
        "overlap_out": _overlap,
        "cosine_out": _overlap / _square,
        "one_minus_cosine_out": 1 - _overlap / _square,
        "one_minus_cosine_cubic": _s2 / _T * (1 - _rho) ** 3,
    },
)

register(
    Claim(
        id="ZOO-DEPTH-1",
        title="cosine of tokens after one layer of random attention",
        statement=(
            "For tokens of common cosine rho and a Gaussian W_QK of logit variance s^2 << log T, "
            "outputs have mean square rho + (1 - rho)/T e^(s^2 (1 - rho)) and overlap rho + "
            "(1 - rho)/T e^(s^2 rho (1 - rho)): near 1 the gap falls to its cube times s^2/T."
        ),
        source=cite("cowsik2024", "angle map of one layer"),
        standing="derived",
        observable="cosine",
        parameters=(
            TOKENS,
            Parameter("cosine", Real(-1.0, 1.0, typical=(0.0, 1.0)), "rho"),
            LOGIT_VARIANCE,
        ),
        complete=_check_cosine,
        where={"found": Routine(named("layer", "rho"), _after, ("T", "cosine", "logit_variance"))},
        values=_VALUES,
        cases=(
            {"T": 100, "cosine": 0.3, "logit_variance": 1.0},
            {"T": 64, "cosine": 0.0, "logit_variance": 0.5},
            {"T": 50, "cosine": 0.8, "logit_variance": 2.0},
        ),
        judged_by=(
            DrawnLimit(
                ("mean_square_out", "overlap_out"),
                "T",
                ((32, 4096), (256, 1024), (1024, 256)),
                lambda p, size: {**p, "T": size},
                _two_rows,
                rate=0.8,
                aim=0.05,
            ),
            Identity(
                _in_decimals,
                lambda rng: {
                    "T": int(rng.integers(2, 1000)),
                    "cosine": float(1.0 - 10.0 ** rng.uniform(-9.0, 0.0)),
                    "logit_variance": float(rng.uniform(0.01, 3.0)),
                },
                tolerance=1e-11,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %",
            {
                "one_minus_cosine_out": times(1.05, _VALUES["one_minus_cosine_out"]),
                "mean_square_out": times(1.05, _VALUES["mean_square_out"]),
            },
        ),
        proof=(
            "Given tokens, scores of rows i, k have covariance s^2 rho_ik rho_jl, so up to a shift "
            "of the row they are s sqrt(1 - rho) z_j with rows correlated by rho. E sum_j A_ij "
            "A_kj is (1/T) E e^(w + w')/(E e^w)^2 for large T."
        ),
    )
)

# --- ZOO-DEPTH-2 ----------------------------------------------------------------------------------


def _through(T: int, s2: float, L: int, layernorm: str, cosine_0: float) -> dict[str, float]:
    gap = cosine_after(T, s2, L, layernorm == "post", cosine_0)
    return {"one_minus_cosine": gap, "depth_times_gap": L * gap}


def _gram_layers(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Follow the Gram matrix at infinite width through fresh layers with a skip branch."""
    T, L, rho = (parameters[k] for k in ("T", "L", "cosine_0"))
    scale = math.sqrt(parameters["logit_variance"])
    gram = np.broadcast_to(rho + (1.0 - rho) * np.eye(T), (n, T, T))
    for layer in range(L):
        norms = np.sqrt(np.einsum("rii->ri", gram))
        cosines = gram / norms[:, :, None] / norms[:, None]
        values_, vectors = np.linalg.eigh(cosines)
        root = (vectors * np.sqrt(np.maximum(values_, 0.0))[:, None]) @ vectors.transpose(0, 2, 1)
        fresh = stream.child(experiment=(stream.experiment + layer + 1) % (1 << 32))
        scores = scale * root @ fresh.normals(first, n, T * T).reshape(n, T, T) @ root
        A = np.exp(scores - scores.max(axis=2, keepdims=True))
        A /= A.sum(axis=2, keepdims=True)
        # Before a layer tokens are normalised; its branch acts on the normalised ones.
        branch = A @ cosines @ A.transpose(0, 2, 1)
        gram = (cosines if parameters["layernorm"] == "post" else gram) + branch
    norms = np.sqrt(np.einsum("rii->ri", gram))
    cosines = gram / norms[:, :, None] / norms[:, None]
    gap = 1.0 - (cosines.sum(axis=(1, 2)) - T) / (T * (T - 1))
    return {"one_minus_cosine": gap}


def _step_by_step(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Run the recursion of means with 50 digits."""
    p = parameters
    with localcontext() as context:
        context.prec = 50
        T, s2 = Decimal(p["T"]), Decimal(p["logit_variance"])
        q, c = Decimal(1), Decimal(p["cosine_0"])
        for _ in range(p["L"]):
            r = c / q
            q += r + (1 - r) / T * (s2 * (1 - r)).exp()
            c += r + (1 - r) / T * (s2 * r * (1 - r)).exp()
            if p["layernorm"] == "post":
                q, c = Decimal(1), c / q
        return {
            "one_minus_cosine": float(1 - c / q),
            "depth_times_gap": float(p["L"] * (1 - c / q)),
        }


def _draw_depth(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": int(rng.integers(2, 100)),
        "logit_variance": float(rng.uniform(0.0, 2.0)),
        "L": int(rng.integers(0, 40)),
        "layernorm": str(rng.choice(["pre", "post"])),
        "cosine_0": float(rng.uniform(0.0, 1.0)),
    }


_l = sp.Symbol("l", integer=True)
_q, _c = sp.Function("q"), sp.Function("c")
_GAP = 1 - _c(symbol("L")) / _q(symbol("L"))
_DEPTH = entries("found", {"one_minus_cosine": _GAP, "depth_times_gap": symbol("L") * _GAP})

register(
    Claim(
        id="ZOO-DEPTH-2",
        title="cosine of tokens through depth, by the place of the normalisation",
        statement=(
            "With a skip branch of equal variance, 1 - cosine halves in every layer under "
            "post-norm, whatever the spectrum of W_QK, and falls only like 1/L under pre-norm."
        ),
        source=cite("cowsik2024", "iterated angle map, pre- and post-norm"),
        standing="derived",
        observable="cosine",
        parameters=(
            TOKENS,
            LOGIT_VARIANCE,
            Parameter("L", Integer(low=0, high=10**6, typical=(0, 60)), "number of layers"),
            Parameter("layernorm", Choice(("pre", "post")), "where tokens are normalised"),
            Parameter("cosine_0", Real(0.0, 1.0), "cosine at the start", 0.0),
        ),
        where={
            "found": Routine(
                sp.Eq(_q(_l + 1), _q(_l) + sp.Function("mean_square")(_c(_l) / _q(_l))),
                _through,
                ("T", "logit_variance", "L", "layernorm", "cosine_0"),
            )
        },
        values=_DEPTH,
        cases=(
            {"T": 32, "logit_variance": 0.25, "L": 4, "layernorm": "pre", "cosine_0": 0.2},
            {"T": 32, "logit_variance": 0.5, "L": 3, "layernorm": "post", "cosine_0": 0.0},
            {"T": 32, "logit_variance": 1.0, "L": 2, "layernorm": "pre", "cosine_0": 0.5},
        ),
        judged_by=(
            DrawnLimit(
                ("one_minus_cosine",),
                "T",
                ((8, 64), (48, 64)),
                lambda p, size: {**p, "T": size},
                _gram_layers,
                rate=0.6,
                aim=0.05,
            ),
            Identity(_step_by_step, _draw_depth, tolerance=1e-10, most_draws=40),
        ),
        wrong_twin=WrongTwin(
            "constant off by 8 %", {"one_minus_cosine": times(1.08, _DEPTH["one_minus_cosine"])}
        ),
    )
)
