"""ZOO-ROLL-1 to ZOO-ROLL-2b: rollout as a Markov chain, and identities of relevance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter
from qktheory.base.shapes import Array, shapes_of
from qktheory.numerics.ergodicity import dobrushin, softmax
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times
from qktheory.theorems.sun2026.sinks import check_rows

FloatArray = NDArray[np.float64]

_l, _L, _i, _j = (sp.Symbol(name, integer=True) for name in ("l", "L", "i", "j"))
_A, _S, _V, _G, _O = (sp.IndexedBase(name) for name in "ASVGO")
_tau = sp.Function("tau")

# --- ZOO-ROLL-1 -----------------------------------------------------------------------------------


def _rollout(A: FloatArray) -> dict[str, Any]:
    mixed = 0.5 * (A + np.eye(A.shape[-1]))
    product = np.eye(A.shape[-1])
    for layer in mixed:
        product = layer @ product
    return {
        "rollout": product,
        "dobrushin_rollout": dobrushin(product),
        "dobrushin_product": float(np.prod([dobrushin(layer) for layer in mixed])),
        "dobrushin_bound": float(np.prod([0.5 + 0.5 * dobrushin(layer) for layer in A])),
    }


def _draw_layers(rng: np.random.Generator) -> dict[str, Any]:
    L, T = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    return {"A": softmax(2.0 * rng.normal(size=(L * T, T))).reshape(L, T, T)}


def _by_paths(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Sum over all subsets of layers: a skipped one contributes I/2, another A/2."""
    A = parameters["A"]
    total = np.zeros(A.shape[1:])
    for subset in range(2 ** len(A)):
        path = np.eye(A.shape[-1])
        for layer, one in enumerate(A):
            path = one @ path if subset >> layer & 1 else path
        total += path
    return {"rollout": total / 2 ** len(A)}


def _contracting(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    rollout, product, bound = (
        float(values[f"dobrushin_{k}"]) for k in ("rollout", "product", "bound")
    )
    # The coefficient of the rollout is a sum of T differences of entries, each known to 1e-16 for
    # every layer; that of the factors is a product, known to rounding however small.
    L, T = parameters["A"].shape[:2]
    return [(rollout, product + 2.0**-52 * L * T), (product, bound)]


_FOUND = entries(
    "found",
    {
        "rollout": sp.Product((_A[_l] + sp.Symbol("I")) / 2, (_l, 1, _L)),
        "dobrushin_rollout": _tau(sp.Symbol("R")),
        "dobrushin_product": sp.Product(_tau((_A[_l] + sp.Symbol("I")) / 2), (_l, 1, _L)),
        "dobrushin_bound": sp.Product((1 + _tau(_A[_l])) / 2, (_l, 1, _L)),
    },
)
_CASES = (
    {"A": [[[0.7, 0.3], [0.4, 0.6]], [[0.5, 0.5], [0.2, 0.8]]]},
    {"A": [[[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]] * 3},
    {"A": [[[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.25, 0.5, 0.25]], [[0.0, 0.0, 1.0]] * 3]},
)

register(
    Claim(
        id="ZOO-ROLL-1",
        title="rollout contracts like a Markov chain",
        statement=(
            "Attention rollout, the product of (A_l + I)/2, is row-stochastic and its Dobrushin "
            "coefficient is at most the product of those of the factors, each at most "
            "(1 + tau(A_l))/2: the rollout view of rank collapse."
        ),
        source=cite("abnar2020", "rollout, with its contraction"),
        standing="derived",
        observable="rollout",
        parameters=(Parameter("A", Array("L", "T", "T"), "attention, first layer first"),),
        complete=check_rows,
        where={"found": Routine(named("rollout", "A"), _rollout, ("A",))},
        values=_FOUND,
        cases=_CASES,
        judged_by=(
            PathwiseBound(_contracting, _draw_layers, rounding=1e-11),
            Identity(_by_paths, _draw_layers, tolerance=1e-12),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"rollout": times(1.05, _FOUND["rollout"])}),
    )
)

# --- ZOO-ROLL-2a ----------------------------------------------------------------------------------

_LAYER = (
    Parameter("S", Array("T", "T"), "scores, (T, T)"),
    Parameter("V", Array("T", "d_v"), "values, (T, d_v)"),
    Parameter("G", Array("T", "d_v"), "gradient of the loss with respect to the output"),
)


def _relevance(S: FloatArray, V: FloatArray, G: FloatArray) -> dict[str, Any]:
    A = softmax(S)
    A_gradient = G @ V.T
    rows = np.sum(A * A_gradient, axis=1)
    return {
        "row_relevance": rows,
        "row_output_product": np.sum(G * (A @ V), axis=1),
        "total_relevance": float(rows.sum()),
        "total_value_product": float(np.sum(V * (A.T @ G))),
        "score_gradient": A * (A_gradient - rows[:, None]),
    }


def _by_complex_steps(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Differentiate <G, softmax(S) V> itself, by scores, by rows of A and by values."""
    S, V, G = (parameters[k] for k in ("S", "V", "G"))
    gradient = np.zeros_like(S)
    for place in np.ndindex(*S.shape):
        stepped = S.astype(np.complex128)
        stepped[place] += 1e-40j
        weights = np.exp(stepped - S.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        gradient[place] = float(np.sum(G * (weights @ V)).imag) / 1e-40
    A = softmax(S)
    rows = [float(G[i] @ (A[i] @ V)) for i in range(len(S))]
    return {
        "row_relevance": np.array(rows),
        "total_relevance": float(sum(rows)),
        # Euler's relation: the loss is linear in V.
        "total_value_product": float(np.sum(G * (A @ V))),
        "score_gradient": gradient,
    }


def _draw_head(rng: np.random.Generator) -> dict[str, Any]:
    T, width = (int(k) for k in rng.integers(1, 5, size=2))
    return {
        "S": rng.normal(size=(T, T)) * 2.0,
        "V": rng.normal(size=(T, width)),
        "G": rng.normal(size=(T, width)),
    }


_RELEVANCE = entries(
    "found",
    {
        "row_relevance": sp.Sum(_A[_i, _j] * sp.Symbol("dL/dA_ij"), (_j, 1, sp.Symbol("T"))),
        "row_output_product": named("inner", _G[_i], _O[_i]),
        "total_relevance": sp.Sum(named("inner", _G[_i], _O[_i]), (_i, 1, sp.Symbol("T"))),
        "total_value_product": sp.Sum(
            named("inner", _V[_j], sp.Symbol("dL/dv_j")), (_j, 1, sp.Symbol("T"))
        ),
        "score_gradient": _A[_i, _j] * (sp.Symbol("dL/dA_ij") - named("inner", _G[_i], _O[_i])),
    },
)

register(
    Claim(
        id="ZOO-ROLL-2a",
        title="gradient times attention is conserved",
        statement=(
            "For O = softmax(S) V and any loss, sum_j A_ij dL/dA_ij = <dL/dO_i, O_i>, rows of "
            "dL/dS sum to 0, and the total relevance is sum_j <v_j, dL/dv_j>."
        ),
        source=cite("chefer2021", "gradient times attention"),
        standing="derived",
        observable="relevance",
        parameters=_LAYER,
        complete=shapes_of(_LAYER),
        where={"found": Routine(named("relevance", "S", "V", "G"), _relevance, ("S", "V", "G"))},
        values=_RELEVANCE,
        cases=(
            {"S": [[0.0, 1.0], [0.5, -0.5]], "V": [[1.0], [2.0]], "G": [[1.0], [-1.0]]},
            {
                "S": [[0.6, -0.9, -0.9], [-0.6, 0.2, -0.1], [0.4, -0.1, -0.2]],
                "V": [[-0.6, -0.7], [0.2, -0.1], [-1.2, -0.4]],
                "G": [[0.3, -0.9], [-0.2, 2.2], [-1.4, 0.1]],
            },
            {"S": [[3.0]], "V": [[2.0, 1.0]], "G": [[0.5, -2.0]]},
        ),
        judged_by=(Identity(_by_complex_steps, _draw_head, tolerance=1e-9),),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"row_relevance": times(1.05, _RELEVANCE["row_relevance"])}
        ),
    )
)

# --- ZOO-ROLL-2b ----------------------------------------------------------------------------------

_MAPS = (
    Parameter("A", Array("L", "H", "T", "T"), "attention, first layer first"),
    Parameter("A_gradient", Array("L", "H", "T", "T"), "gradient of the target by attention"),
)


def _chefer(A: FloatArray, A_gradient: FloatArray) -> FloatArray:
    relevance = np.eye(A.shape[-1])
    for weights, gradient in zip(A, A_gradient, strict=True):
        relevance = relevance + np.maximum(gradient * weights, 0.0).mean(axis=0) @ relevance
    return relevance


def _product(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Multiply the factors I + A_bar_l from the last layer on."""
    product = np.eye(parameters["A"].shape[-1])
    for layer in range(len(parameters["A"])):
        mean = np.zeros_like(product)
        for weights, gradient in zip(
            parameters["A"][layer], parameters["A_gradient"][layer], strict=True
        ):
            mean += np.where(weights * gradient > 0.0, weights * gradient, 0.0)
        factor = np.eye(len(product)) + mean / len(parameters["A"][layer])
        product = (product.T @ factor.T).T
    return {"relevance": product}


def _draw_maps(rng: np.random.Generator) -> dict[str, Any]:
    L, H, T = (int(k) for k in rng.integers(1, 4, size=3))
    weights = softmax(rng.normal(size=(L * H * T, T))).reshape(L, H, T, T)
    return {"A": weights, "A_gradient": rng.normal(size=(L, H, T, T))}


def _grows(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with the relevance before the last layer, entry by entry."""
    before = _chefer(parameters["A"][:-1], parameters["A_gradient"][:-1])
    return list(zip(before.ravel().tolist(), np.ravel(values["relevance"]).tolist(), strict=True))


_CHEFER = Routine(
    sp.Product(sp.Symbol("I") + named("mean", named("positive", "A_gradient*A")), (_l, 1, _L)),
    _chefer,
    ("A", "A_gradient"),
)

register(
    Claim(
        id="ZOO-ROLL-2b",
        title="relevance through layers is a product",
        statement=(
            "The update R <- R + A_bar R with A_bar the mean over heads of the positive part of "
            "gradient times attention is the product of I + A_bar_l, entrywise non-decreasing."
        ),
        source=cite("chefer2021", "update of the relevance"),
        standing="theorem",
        observable="relevance",
        parameters=_MAPS,
        complete=shapes_of(_MAPS),
        values={"relevance": _CHEFER},
        cases=(
            {"A": [[[[0.7, 0.3], [0.4, 0.6]]]], "A_gradient": [[[[1.0, -1.0], [0.5, 2.0]]]]},
            {
                "A": [[[[0.7, 0.3], [0.4, 0.6]]], [[[0.5, 0.5], [0.1, 0.9]]]],
                "A_gradient": [[[[1.0, -1.0], [0.5, 2.0]]], [[[-1.0, 1.0], [0.5, -2.0]]]],
            },
            {"A": [[[[1.0]], [[1.0]]]], "A_gradient": [[[[0.5]], [[-0.5]]]]},
        ),
        judged_by=(
            Identity(_product, _draw_maps, tolerance=1e-12),
            PathwiseBound(_grows, _draw_maps),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"relevance": times(1.05, _CHEFER)}),
    )
)
