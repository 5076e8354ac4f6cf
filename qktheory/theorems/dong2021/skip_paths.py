"""RANK-8a to RANK-8c: skip connections, and networks as sums over paths."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Parameter
from qktheory.base.errors import bad_value
from qktheory.numerics.attention_paths import (
    PathDecomposition,
    log_binomial_weight,
    path_counts,
    path_decomposition,
)
from qktheory.numerics.ergodicity import mean_free_norm, softmax
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import centred, frobenius_norm, norm_2
from qktheory.simulation.realization import Realization
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import (
    Assumption,
    Claim,
    Predicts,
    Routine,
    WrongTwin,
    register,
)
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

Floats = s.Floats

# --- RANK-8a --------------------------------------------------------------------------------------

_rate, _d_M = symbol("rate"), symbol("frobenius")
_h, _H = sp.Symbol("h", integer=True), sp.Symbol("H", integer=True)


def _splits(X: Floats, W_QK: Floats, temperature: float) -> list[LayerSplit]:
    return [LayerSplit(X, a, temperature) for a in s.heads_of(W_QK)]


def _with_skip(splits: list[LayerSplit], W_V: Floats) -> float:
    terms = [one.deviation @ w for one, w in zip(splits, s.heads_of(W_V), strict=True)]
    return frobenius_norm(centred(splits[0].R + sum(terms)))


def _sum_of_rates(factor: float) -> Routine:
    return Routine(
        sp.Float(factor) * sp.Sum(sp.Symbol("s_h") * s.norm_2(sp.Symbol("W_h")), (_h, 1, _H)),
        lambda sizes, W_V: (
            factor * sum(size * norm_2(w) for size, w in zip(sizes, s.heads_of(W_V), strict=True))
        ),
        ("pi_p_norm_2_heads", "W_V"),
    )


register(
    Claim(
        id="RANK-8a",
        title="a layer with skip connection moves the residual at most geometrically",
        statement=(
            "With a skip |d_M(X') - d_M(X)| <= (sum_h ||Pi P_h|| ||W_h||) d_M(X) for the Frobenius "
            "residual d_M: collapse is at worst geometric."
        ),
        source=s.extends_dong("skip connections, Section 4, as a quantitative lower bound"),
        standing="derived",
        observable="Frobenius residual",
        parameters=(s.TOKENS, s.HEADS_QK, s.HEADS_V, s.TEMPERATURE),
        complete=s.check_square_widths,
        where={"splits": Routine(s.P * s.X, _splits, ("X", "W_QK", "temperature"))},
        values={
            "pi_p_norm_2_heads": s.routine(
                "splits", s.norm_2(s.Pi * s.P), lambda x: [mean_free_norm(one.Z) for one in x]
            ),
            "rate": _sum_of_rates(1.0),
            "frobenius": s.routine(
                "splits", s.norm_F(s.Pi * s.X), lambda x: frobenius_norm(x[0].R)
            ),
            "frobenius_out": Routine(
                s.norm_F(s.Pi * sp.Symbol("X'", commutative=False)), _with_skip, ("splits", "W_V")
            ),
            "lower_bound": sp.Max(0, 1 - _rate) * _d_M,
            "upper_bound": (1 + _rate) * _d_M,
        },
        cases=(
            {**s.chapter_input(0.5), "W_V": (np.array(s.W_1) / 8.0).tolist()},
            s.chapter_input(0.5, 2),
            s.PAIR,
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["lower_bound"]), float(v["frobenius_out"])),
                    (float(v["frobenius_out"]), float(v["upper_bound"])),
                ],
                lambda rng: s.draw_layer(rng, int(rng.integers(1, 3))),
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin("rate 5 % too small", {"rate": _sum_of_rates(0.95)}),
        proof="Pi P = Pi P Pi, because P maps the constant vector to itself.",
    )
)

# --- RANK-8b --------------------------------------------------------------------------------------


def _decompose(
    X: Floats,
    W_QK: Floats,
    W_V: Floats,
    temperature: float,
    L: int,
    bias: Floats | None,
    skip: bool,
) -> PathDecomposition:
    width = X.shape[1]
    biases = s.biases_of(np.zeros(width) if bias is None else bias, L)
    A, W = s.layers_of(W_QK, L), s.layers_of(W_V, L)
    assert biases is not None
    return path_decomposition(X, A, W, temperature, biases, skip)


def _heads(W_QK: Floats) -> int:
    return 1 if W_QK.ndim == 2 else int(W_QK.shape[-3])


def enumerate_paths(p: Mapping[str, Any]) -> dict[str, Any]:
    """Add up every path of a small network, one by one."""
    L, X = p["L"], p["X"]
    A, W = s.layers_of(p["W_QK"], L), s.layers_of(p["W_V"], L)
    H, (T, width) = (A.shape[1] if L else 1), X.shape
    bias = s.biases_of(np.zeros(width) if p["bias"] is None else p["bias"], L)
    assert bias is not None
    x, attention, total = X, [], np.zeros(width)
    for l in range(L):
        P = [softmax(x @ a @ x.T / p["temperature"]) for a in A[l]]
        attention.append(P)
        x = sum(P[h] @ x @ W[l][h] for h in range(H)) + bias[l] + (x if p["skip"] else 0.0)
        total = bias[l] + sum(total @ w for w in W[l]) + (total if p["skip"] else 0.0)
    by_length, counts, trace = np.zeros((L + 1, T, width)), np.zeros(L + 1), 0.0
    ascending = np.zeros((T, width))
    choices = [*range(H), *([-1] if p["skip"] else [])]
    for path in itertools.product(choices, repeat=L):
        down, up, right = np.eye(T), np.eye(T), np.eye(width)
        for l, h in enumerate(path):
            if h >= 0:
                down, up, right = attention[l][h] @ down, up @ attention[l][h], right @ W[l][h]
        length = sum(h >= 0 for h in path)
        counts[length] += 1
        by_length[length] += down @ X @ right
        ascending += up @ X @ right
        trace += float(np.trace(down) * np.trace(right))
    found = {
        "path_counts": counts,
        "bias_total": total,
        "x_out": by_length.sum(axis=0) + total,
        "kronecker_trace": trace,
    }
    # Differences of the tokens, where floats written out like this still show them.
    out = frobenius_norm(x - x.mean(axis=0))
    if out > 1e-4 * float(np.abs(x).max()):
        found["frobenius_out"] = out
        lengths = [frobenius_norm(one - one.mean(axis=0)) for one in by_length]
        found["frobenius_by_length"] = lengths
    error = float(np.abs(ascending + total - x).max())
    if error > 1e-4 * float(np.abs(x).max()):
        found["ascending_order_error"] = error
    return found


def _draw_paths(rng: np.random.Generator) -> dict[str, Any]:
    drawn = s.draw_network(rng, 3, skip=bool(rng.integers(2)))
    width = drawn["X"].shape[1]
    # Scores of order one: the sum over paths is then not itself a collapsed output.
    drawn["X"] = rng.normal(size=drawn["X"].shape)
    drawn["W_QK"] = rng.normal(size=drawn["W_QK"].shape)
    return {**drawn, "temperature": 1.5, "bias": rng.normal(size=width)}


def _of_paths(statement: Any, name: str) -> Routine:
    return s.routine("paths", statement, lambda found: getattr(found, name))


_P_path, _W_path = sp.Symbol("P_path", commutative=False), sp.Symbol("W_path", commutative=False)
_paths = sp.Function("sum_path")
_trace = sp.Function("tr")
_ARGUMENTS = ("X", "W_QK", "W_V", "temperature", "L", "bias", "skip")

register(
    Claim(
        id="RANK-8b",
        title="the path identity",
        statement=(
            "Along the actual forward pass X_L = sum over paths of P_path X_0 W_path + 1 b^T, with "
            "P in descending and W in ascending order of the layers; a skip lets a path pass "
            "layers by: Binomial(L, k) H^k paths of length k."
        ),
        source=s.extends_dong("path decomposition, Theorem 2.1"),
        standing="theorem",
        observable="tokens",
        parameters=(
            s.TOKENS,
            s.LAYERS_QK,
            s.LAYERS_V,
            s.TEMPERATURE,
            s.DEPTH,
            s.BIAS,
            s.SKIP,
        ),
        complete=s.check_square_widths,
        where={"paths": Routine(_paths(_P_path * s.X * _W_path), _decompose, _ARGUMENTS)},
        values={
            "path_counts": Routine(
                sp.binomial(s.L, sp.Symbol("k")) * _H ** sp.Symbol("k"),
                lambda L, W_QK, skip: path_counts(L, _heads(W_QK), skip),
                ("L", "W_QK", "skip"),
            ),
            "bias_total": _of_paths(sp.Symbol("b_L"), "bias_total"),
            "x_out": _of_paths(_paths(_P_path * s.X * _W_path) + sp.Symbol("b_L"), "x_out"),
            "frobenius_by_length": _of_paths(
                s.norm_F(s.Pi * _paths(_P_path * s.X * _W_path)), "frobenius_by_length"
            ),
            "frobenius_out": _of_paths(s.norm_F(s.Pi * sp.Symbol("X_L")), "frobenius_out"),
            "kronecker_trace": _of_paths(
                _paths(_trace(_P_path) * _trace(_W_path)), "kronecker_trace"
            ),
            "ascending_order_error": _of_paths(
                sp.Function("max")(sp.Symbol("X_asc") - sp.Symbol("X_L")), "ascending_order_error"
            ),
        },
        cases=(
            s.chapter_input(0.25, 2, L=3, bias=[0.25, -0.25, 0], skip=True),
            s.chapter_input(0.5, 2, L=2, bias=[[0.25, -0.25, 0], [1, 0, 0]]),
            {"X": [[1], [-1]], "W_QK": [[1]], "W_V": [[0.5]], "L": 1, "skip": True},
        ),
        judged_by=(Identity(enumerate_paths, _draw_paths, tolerance=1e-9, most_draws=60),),
        wrong_twin=WrongTwin(
            "bias 5 % too large",
            {
                "bias_total": s.routine(
                    "paths", 1.05 * sp.Symbol("b_L"), lambda found: 1.05 * found.bias_total
                )
            },
        ),
    )
)

# --- RANK-8c --------------------------------------------------------------------------------------

LAYERS = Parameter("L", Integer(low=0, high=10**15, typical=(0, 100)), "number of layers")
HEADS = Parameter("H", Integer(low=1, high=10**15, typical=(1, 16)), "number of heads")
LENGTH = Parameter("path_length", Integer(low=0, typical=(0, 20)), "k, layers used, at most L")


def _at_most_depth(p: dict[str, Any]) -> None:
    if p["path_length"] > p["L"]:
        raise bad_value("path_length", p["path_length"], f"an integer <= L = {p['L']}")


def _by_counting(p: Mapping[str, Any]) -> dict[str, float]:
    L, H, k = p["L"], p["H"], p["path_length"]
    share = Fraction(math.comb(L, k) * H**k, (1 + H) ** L)
    # Numerator and denominator are beyond floats, their lengths are not.
    logarithm = math.log10(share.numerator) - math.log10(share.denominator)
    return {
        "mean_length": float(Fraction(L * H, 1 + H)),
        "log10_probability": logarithm,
        "log10_total_paths": math.log10((1 + H) ** L),
    }


def _law(realization: Realization) -> tuple[Floats, float]:
    """Return the shares of lengths 0..L in a network."""
    network = realization.ensemble.network
    assert network is not None
    L, H = network.depth, network.heads
    return np.exp([log_binomial_weight(L, H, k) for k in range(L + 1)]), 0.0


_L, _k = symbol("L"), symbol("path_length")
_heads_symbol = symbol("H")
_LAW = sp.binomial(_L, _k) * _heads_symbol**_k / (1 + _heads_symbol) ** _L
_LOG = Routine(
    sp.log(_LAW), lambda L, H, k: log_binomial_weight(L, H, k), ("L", "H", "path_length")
)

register(
    Claim(
        id="RANK-8c",
        title="the law of path lengths",
        statement=(
            "Of the (1 + H)^L paths through a network with skips the share of length k is "
            "Binomial(L, H/(1 + H)): most paths are long."
        ),
        source=s.extends_dong("path lengths, Figure 2"),
        standing="theorem",
        observable="path_length",
        networks=True,
        W="either",
        assumptions=(
            Assumption(
                "skip connections",
                "every layer has a skip connection",
                lambda r: r.ensemble.network is not None and r.ensemble.network.skip_factor != 0.0,
            ),
        ),
        predicts=(Predicts("path_length", "probability", "exact", compute=_law),),
        parameters=(LAYERS, HEADS, LENGTH),
        complete=_at_most_depth,
        where={"log_share": _LOG},
        values={
            "mean_length": _L * _heads_symbol / (1 + _heads_symbol),
            "probability": s.routine("log_share", _LAW, math.exp),
            "log10_probability": s.routine(
                "log_share", s.log10(_LAW), lambda x: x / math.log(10.0)
            ),
            "log10_total_paths": Routine(
                _L * s.log10(1 + _heads_symbol),
                lambda L, H: L * math.log1p(H) / math.log(10.0),
                ("L", "H"),
            ),
        },
        cases=(
            {"L": 12, "H": 12, "path_length": 12},
            {"L": 96, "H": 12, "path_length": 90},
            {"L": 3, "H": 1, "path_length": 0},
        ),
        judged_by=(
            Identity(
                _by_counting,
                lambda rng: {
                    "L": (depth := int(rng.integers(1, 60))),
                    "H": int(rng.integers(1, 20)),
                    "path_length": int(rng.integers(0, depth + 1)),
                },
                tolerance=1e-10,
            ),
        ),
        wrong_twin=WrongTwin(
            "mean with 1.05 + H in the denominator",
            {"mean_length": _L * _heads_symbol / (sp.Rational(105, 100) + _heads_symbol)},
        ),
    )
)
