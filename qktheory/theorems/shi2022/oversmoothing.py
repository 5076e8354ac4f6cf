"""RANK-9a to RANK-9d: over-smoothing in the Frobenius norm, and LayerNorm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.ergodicity import dobrushin, mean_free_norm
from qktheory.numerics.layer_norm import layer_norm, token_deviations
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import centred, frobenius_norm, norm_2
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.dong2021.diameters import STOCHASTIC, check_stochastic, draw_stochastic
from qktheory.theorems.dong2021.rowwise_network import W_IN, W_OUT, check_network
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite

Floats = s.Floats


def shi(what: str) -> Source:
    """Return the paper as the source of a statement."""
    return cite("shi2022", what)


_s, _d_M, _norm_W = symbol("pi_p_norm_2"), symbol("frobenius"), symbol("w_v_norm_2")

# --- RANK-9a --------------------------------------------------------------------------------------


def _norm_of_p(factor: float) -> Routine:
    return s.routine(
        "split", sp.Float(factor) * s.norm_2(s.Pi * s.P), lambda x: factor * mean_free_norm(x.Z)
    )


def _rounding_of_scores(p: Mapping[str, Any]) -> float:
    """Return the relative error of the weights: that of the exponential of a rounded score."""
    X = centred(p["X"])
    scores = np.abs(X @ p["W_QK"] @ X.T).max() / p["temperature"]
    return float(2.0**-52 * scores)


register(
    Claim(
        id="RANK-9a",
        title="Frobenius residual of one layer",
        statement=(
            "d_M(P X W_V) <= ||Pi P|| ||W_V|| d_M(X) for the Frobenius residual d_M, where "
            "||Pi P||^2 is the largest eigenvalue of P^T Pi P."
        ),
        source=shi("Lemma on one layer"),
        standing="theorem",
        observable="Frobenius residual",
        parameters=(s.TOKENS, s.W_QK, s.W_V, s.TEMPERATURE),
        complete=s.check_widths,
        where={"split": s.MEAN_SPLIT},
        values={
            "pi_p_norm_2": _norm_of_p(1.0),
            "frobenius": s.routine("split", s.norm_F(s.Pi * s.X), lambda x: frobenius_norm(x.R)),
            "frobenius_out": Routine(
                s.norm_F(s.Pi * s.P * s.X * s.W),
                lambda x, W_V: frobenius_norm(centred(x.deviation @ W_V)),
                ("split", "W_V"),
            ),
            "w_v_norm_2": s.routine("W_V", s.norm_2(s.W), norm_2),
            "bound": _s * _norm_W * _d_M,
        },
        cases=(s.chapter_input(0.5), s.PAIR, s.chapter_input(2.0)),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["frobenius_out"]), float(v["bound"]) * (1.0 + _rounding_of_scores(p)))
                ],
                s.draw_layer,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin("||Pi P|| 5 % too small", {"pi_p_norm_2": _norm_of_p(0.95)}),
    )
)

# --- RANK-9b --------------------------------------------------------------------------------------

_tau = symbol("tau_dobrushin")
_rows = Routine(s.n, len, ("P",))


def _draw_p(rng: np.random.Generator) -> dict[str, Any]:
    P = draw_stochastic(rng)
    if rng.random() < 0.3 and len(P) > 1:  # half of the rows on one key, half on another
        P = np.zeros_like(P)
        P[: len(P) // 2, 0] = 1.0
        P[len(P) // 2 :, 1] = 1.0
    return {"P": P}


register(
    Claim(
        id="RANK-9b",
        title="the Frobenius contraction factor can exceed one",
        statement=(
            "||Pi P|| <= tau(P) sqrt(T/2) <= sqrt(T/2) for a row-stochastic P, attained by half of "
            "the rows on one key and half on another; only for doubly stochastic P is it at most "
            "1."
        ),
        source=shi("the factor sqrt(lambda_max), corrected: it is not at most 1"),
        standing="corrected",
        observable="contraction factor",
        parameters=(STOCHASTIC,),
        complete=check_stochastic,
        where={"rows": _rows},
        values={
            "pi_p_norm_2": s.routine("P", s.norm_2(s.Pi * s.P), mean_free_norm),
            "tau_dobrushin": s.routine("P", s.tau(s.P), dobrushin),
            "bound_tau": _tau * sp.sqrt(sp.Symbol("rows") / 2),
            "bound_half": sp.sqrt(sp.Symbol("rows") / 2),
        },
        cases=(
            {"P": np.repeat(np.eye(6)[:2], 3, axis=0).tolist()},
            {"P": [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]},
            {"P": [[0.75, 0.25], [0.5, 0.5]]},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["pi_p_norm_2"]), float(v["bound_tau"]) + 1e-14),
                    (float(v["pi_p_norm_2"]), float(v["bound_half"])),
                ],
                _draw_p,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "T/2 taken as T/2.1", {"bound_tau": _tau * sp.sqrt(sp.Symbol("rows") / 2.1)}
        ),
    )
)

# --- RANK-9c --------------------------------------------------------------------------------------

NORM_EPS = Parameter(
    "norm_eps", Real(low=0.0, typical=(0.0, 0.5)), "added to the variance in LayerNorm", 0.0
)


def _tokens_of_some_variance(p: dict[str, Any]) -> None:
    if p["norm_eps"] == 0.0 and not token_deviations(p["X"]).all():
        raise bad_value("X", p["X"].tolist(), "tokens of non-constant features, or norm_eps > 0")


def _draw_normed(rng: np.random.Generator) -> dict[str, Any]:
    X = s.draw_tokens(rng, int(rng.integers(1, 7)), int(rng.integers(2, 6)))
    return {"X": X, "norm_eps": float(rng.choice([0.0, 10.0 ** rng.uniform(-3.0, 0.0)]))}


_sigma, _eps = symbol("sigma_min"), symbol("norm_eps")
_LN = sp.Function("LN")

register(
    Claim(
        id="RANK-9c",
        title="LayerNorm expands residuals by at most the smallest token deviation",
        statement=(
            "d_M(LN X) <= d_M(X)/sqrt(sigma_min^2 + norm_eps), sigma_min the smallest standard "
            "deviation of a token: the radial map is Lipschitz outside a ball."
        ),
        source=shi("LayerNorm, with its epsilon"),
        standing="derived",
        observable="Frobenius residual",
        parameters=(s.TOKENS, NORM_EPS),
        complete=_tokens_of_some_variance,
        values={
            "sigma_min": s.routine(
                "X", sp.Function("min_i")(sp.Symbol("sigma_i")), lambda X: token_deviations(X).min()
            ),
            "frobenius": s.routine("X", s.norm_F(s.Pi * s.X), lambda X: frobenius_norm(centred(X))),
            "frobenius_out": Routine(
                s.norm_F(s.Pi * _LN(s.X)),
                lambda X, eps: frobenius_norm(centred(layer_norm(X, eps))),
                ("X", "norm_eps"),
            ),
            "bound": _d_M / sp.sqrt(_sigma**2 + _eps),
        },
        cases=(
            {"X": (0.5 * s.X_4).tolist()},
            {"X": (0.5 * s.X_4).tolist(), "norm_eps": 0.1},
            {"X": [[1, -1], [-1, 1]]},
            {"X": [[1, 1], [2, -2]], "norm_eps": 0.25},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [(float(v["frobenius_out"]), float(v["bound"]) + 1e-13)],
                _draw_normed,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "sigma_min^2 5 % too large", {"bound": _d_M / sp.sqrt(1.05 * _sigma**2 + _eps)}
        ),
        proof=(
            "On {||x|| >= r} the radial map x -> f(||x||) x/||x|| is f(r)/r-Lipschitz if f(t)/t "
            "decreases and f' <= f/t; sum over pairs, d_M^2 = sum_ij ||x_i - x_j||^2/(2T)."
        ),
    )
)

# --- RANK-9d --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A post-LN block: X' = LN(Y + ReLU(Y W_in) W_out), Y = LN(X + attention)."""

    tokens: Floats
    lambda_max: float
    sigma_1: float
    sigma_2: float
    out: Floats


def _block(
    X: Floats, W_QK: Floats, W_V: Floats, W_in: Floats, W_out: Floats, temperature: float
) -> Block:
    splits = [LayerSplit(X, a, temperature) for a in s.heads_of(W_QK)]
    before = X + sum(
        (one.common_row + one.deviation) @ w for one, w in zip(splits, s.heads_of(W_V), strict=True)
    )
    normed = layer_norm(before)
    after = normed + np.maximum(normed @ W_in, 0.0) @ W_out
    return Block(
        X,
        max(mean_free_norm(one.Z) for one in splits) ** 2,
        float(token_deviations(before).min()),
        float(token_deviations(after).min()),
        layer_norm(after),
    )


def _check_block(p: dict[str, Any]) -> None:
    s.check_square_widths(p)
    check_network(p)
    width = p["X"].shape[1]
    if p["W_out"].shape[1] != width:
        raise bad_value("W_out", f"array of shape {p['W_out'].shape}", f"d = {width} columns")
    if width == 1:
        raise bad_value("X", p["X"].tolist(), "tokens of at least 2 features, for LayerNorm")


def _largest_weight(W_V: Floats, W_in: Floats, W_out: Floats) -> float:
    return max(norm_2(w) for w in (*s.heads_of(W_V), W_in, W_out))


def _heads(W_V: Floats) -> float:
    return float(len(s.heads_of(W_V)))


_s_w, _lambda, _s_1, _s_2 = (symbol(x) for x in ("s_w", "lambda_max", "sigma_1", "sigma_2"))
_H = sp.Symbol("heads")


_FACTOR = (1 + _s_w**2) * (1 + sp.sqrt(_lambda) * _H * _s_w) / (_s_1 * _s_2)


def _draw_block(rng: np.random.Generator) -> dict[str, Any]:
    width, units = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    heads = int(rng.integers(1, 3))
    return {
        "X": s.draw_tokens(rng, int(rng.integers(1, 6)), width),
        "W_QK": rng.normal(size=(heads, width, width)),
        "W_V": rng.normal(size=(heads, width, width)),
        "W_in": rng.normal(size=(width, units)),
        "W_out": rng.normal(size=(units, width)),
        "temperature": 10.0 ** rng.uniform(-0.3, 0.7),
    }


def _written_out(p: Mapping[str, Any]) -> dict[str, float]:
    """Evaluate the factor from the layers themselves."""
    X, weights = p["X"], []
    out, largest = X, 0.0
    for a, w in zip(s.heads_of(p["W_QK"]), s.heads_of(p["W_V"]), strict=True):
        S = X @ a @ X.T / p["temperature"]
        P = np.exp(S - S.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        out = out + P @ X @ w
        Q = P - P.mean(axis=0)
        largest = max(largest, float(np.linalg.eigvalsh(Q.T @ Q)[-1]))
        weights.append(float(np.linalg.svd(w)[1][0]))
    weights += [float(np.linalg.svd(p[name])[1][0]) for name in ("W_in", "W_out")]
    s_w, H = max(weights), len(s.heads_of(p["W_V"]))
    Y = (out - out.mean(axis=1, keepdims=True)) / out.std(axis=1, keepdims=True)
    Y = Y + np.maximum(Y @ p["W_in"], 0.0) @ p["W_out"]
    sigmas = float(out.std(axis=1).min()) * float(Y.std(axis=1).min())
    return {"factor": (1.0 + s_w**2) * (1.0 + math.sqrt(max(largest, 0.0)) * H * s_w) / sigmas}


def _draw_plain_block(rng: np.random.Generator) -> dict[str, Any]:
    drawn = _draw_block(rng)
    return {**drawn, "X": rng.normal(size=(4, drawn["X"].shape[1]))}


_CHAPTER_BLOCK: dict[str, Any] = {
    "X": (0.5 * s.X_4).tolist(),
    "W_QK": s.A_1,
    "W_V": s.W_1,
    "W_in": s.A_2,
    "W_out": s.W_2,
    "temperature": 2.0,
}

register(
    Claim(
        id="RANK-9d",
        title="a post-LN block",
        statement=(
            "d_M(X') <= (1 + s_W^2)(1 + sqrt(lambda_max) H s_W)/(sigma_1 sigma_2) d_M(X) for "
            "Y = LN(X + attention), X' = LN(Y + ReLU(Y W_in) W_out): a sufficient condition for "
            "over-smoothing, never met without LayerNorm."
        ),
        source=shi("Theorem on post-LN blocks"),
        standing="theorem",
        observable="Frobenius residual",
        parameters=(s.TOKENS, s.HEADS_QK, s.HEADS_V, W_IN, W_OUT, s.TEMPERATURE),
        complete=_check_block,
        where={
            "block": Routine(
                _LN(s.X), _block, ("X", "W_QK", "W_V", "W_in", "W_out", "temperature")
            ),
            "heads": s.routine("W_V", _H, _heads),
        },
        values={
            "s_w": Routine(
                sp.Function("max")(s.norm_2(s.W)), _largest_weight, ("W_V", "W_in", "W_out")
            ),
            "lambda_max": s.routine("block", s.norm_2(s.Pi * s.P) ** 2, lambda x: x.lambda_max),
            "sigma_1": s.routine("block", sp.Symbol("sigma_1"), lambda x: x.sigma_1),
            "sigma_2": s.routine("block", sp.Symbol("sigma_2"), lambda x: x.sigma_2),
            "factor": _FACTOR,
            "frobenius": s.routine(
                "block", s.norm_F(s.Pi * s.X), lambda x: frobenius_norm(centred(x.tokens))
            ),
            "frobenius_out": s.routine(
                "block", s.norm_F(s.Pi * _LN(s.X)), lambda x: frobenius_norm(centred(x.out))
            ),
            "bound": symbol("factor") * _d_M,
        },
        cases=(
            _CHAPTER_BLOCK,
            {
                **_CHAPTER_BLOCK,
                "W_QK": [s.A_1, s.A_2],
                "W_V": [s.W_1, s.W_2],
                "W_in": [[1, -2], [0, 1], [3, 1]],
                "W_out": [[1, 0, -1], [2, 1, 0]],
            },
            {**_CHAPTER_BLOCK, "temperature": 0.5},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [(float(v["frobenius_out"]), float(v["bound"]) + 1e-10)],
                _draw_block,
                rounding=1e-9,
            ),
            Identity(_written_out, _draw_plain_block, tolerance=1e-6),
        ),
        wrong_twin=WrongTwin(
            "sigma_1 sigma_2 taken 5 % too large", {"factor": _FACTOR / sp.Rational(105, 100)}
        ),
    )
)
