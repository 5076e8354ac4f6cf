"""The [network] table, and layers against the definitions they are written with on paper."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from qktheory.attention.backward import pull_back
from qktheory.attention.forward import LayerRule, LayerWeights, layer_step
from qktheory.attention.head_map import DrawnMaps
from qktheory.attention.network import Network
from qktheory.attention.normalizer import NORMALIZERS
from qktheory.numerics.depth_trajectory import attention_trajectory
from qktheory.numerics.spread_stack import SpreadStack
from qktheory.numerics.token_spread import ScoreBias

Floats = NDArray[np.float64]
VALUE = {"model": "ginibre"}
FULL: dict[str, Any] = {
    "depth": 3,
    "heads": 2,
    "weights": "shared",
    "skip": "alpha",
    "alpha": 0.5,
    "layer_norm": "pre",
    "norm_eps": 1e-5,
    "window": 2,
    "position_bias": 0.25,
    "visible": [[1, 1, 0], [1, 1, 1], [0, 1, 1]],
    "query_bias": [0.1, 0.2],
    "key_bias": [0.3, 0.0],
    "value_bias": [1.0, -1.0],
    "value": {"model": "gaussian_factors", "d_k": 1, "scale": 2.0},
    "output": {"W": [[1.0, 0.5], [0.0, 1.0]]},
    "mlp": {"width": 5, "activation": "gelu", "gain_in": 1.0, "gain_out": 2.0, "skip": False},
}


def test_everything_that_is_written_is_read_back() -> None:
    network = Network.from_dict(FULL)
    assert Network.from_dict(network.to_dict()) == network
    network.check(3, 2, "causal")
    assert network.output is not None
    assert network.output.model.name == "data"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"depth": 0}, "network.depth = 0: expected an integer >= 1"),
    ({"heads": 1.5}, "network.heads = 1.5"),
    ({"dept": 2}, "did you mean 'depth'"),
    ({"skip": "plane"}, "did you mean 'plain'"),
    ({"skip": "plain"}, "network.alpha = 0.5: expected a number exactly if skip = 'alpha'"),
    ({"alpha": None}, "network.alpha = None"),
    ({"alpha": math.nan}, "network.alpha = nan"),
    ({"layer_norm": "both"}, "value of network.layer_norm 'both'"),
    ({"norm_eps": -1.0}, "network.norm_eps = -1"),
    ({"window": -1}, "network.window = -1"),
    ({"position_bias": [0.0, math.inf]}, "network.position_bias"),
    ({"visible": [[1, 2], [1, 1]]}, "a matrix of zeros and ones"),
    ({"value": {"model": "ginibr"}}, "did you mean 'ginibre'"),
    ({"value": {"model": "ginibre", "scale": -1.0}}, "network.value.scale = -1"),
    ({"value": 3}, "network.value = 3: expected a table"),
    ({"value": {"W": [[math.nan, 0.0], [0.0, 1.0]]}}, "network.value.W"),
    ({"mlp": {}}, "network.mlp.width is missing"),
    ({"mlp": {"width": 3, "activation": "tanh"}}, "value of network.mlp.activation"),
    ({"mlp": {"width": 3, "skip": 1}}, "network.mlp.skip = 1: expected true or false"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[str(change) for change, _ in BAD])
def test_bad_tables_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Network.from_dict({k: v for k, v in {**FULL, **change}.items() if v is not None})
    assert message.replace(" = None", "") in str(caught.value)


SIZES: list[tuple[dict[str, Any], int, int, str]] = [
    ({}, 1, 2, "T = 1: expected an integer >= 2: centring"),
    ({"layer_norm": "post"}, 3, 1, "d = 1: expected an integer >= 2: LayerNorm"),
    ({"value": {"model": "data", "W": [[1.0]]}}, 3, 2, "[network.value]: d = 2: expected 1"),
    ({"value": {"model": "factored", "d_k": 3, "spectrum": {"law": "point", "location": 1.0}}}, 3,
     2, "d_k = 3: expected an integer <= d = 2"),
    ({"query_bias": [1.0]}, 3, 2, "network.query_bias"),
    ({"position_bias": [1.0, 2.0]}, 3, 2, "network.position_bias"),
    ({"visible": [[1, 0], [0, 1]]}, 3, 2, "network.visible"),
    ({"visible": [[0, 1, 1], [1, 1, 1], [1, 1, 1]]}, 3, 2, "leaves query 1 without a key"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "T", "d", "message"), SIZES)
def test_sizes_that_do_not_fit_are_refused(
    change: dict[str, Any], T: int, d: int, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        Network.from_dict({"depth": 1, "value": VALUE, **change}).check(T, d, "causal")
    assert message in str(caught.value)


# --- layers ---------------------------------------------------------------------------------------

T, D, HEADS, N = 5, 4, 3, 2


def drawn(rng: np.random.Generator, narrow: bool = False) -> DrawnMaps:
    if narrow:
        left, right = rng.normal(size=(2, N, HEADS, D, 2))
        return DrawnMaps(left, right)
    return DrawnMaps(rng.normal(size=(N, HEADS, D, D)))


def dense(maps: DrawnMaps) -> Floats:
    return maps.left if maps.right is None else maps.left @ maps.right.swapaxes(-1, -2)


def on_paper(X: Floats, weights: LayerWeights, rule: LayerRule, k: int, bias: Floats) -> Floats:
    """One layer of network k from its formula, in plain floats (complex ones too)."""
    network = rule.network
    pre, post = network.layer_norm == "pre", network.layer_norm == "post"
    norm = lambda Y: (  # noqa: E731
        (Y - Y.mean(-1, keepdims=True))
        / np.sqrt(((Y - Y.mean(-1, keepdims=True)) ** 2).mean(-1, keepdims=True) + network.norm_eps)
    )
    seen = norm(X) if pre else X
    u = 0.0 if network.query_bias is None else seen @ network.query_bias.values
    v = 0.0 if network.key_bias is None else (seen @ network.key_bias.values)[:, None]
    out = network.skip_factor * X
    for h in range(HEADS):
        A, W = dense(weights.query_key)[k, h], dense(weights.value)[k, h]
        if weights.output is not None:
            W = W @ dense(weights.output)[k, h]
        S = (seen @ A @ seen.T + u + v) / rule.temperature + bias
        if rule.normalizer.name == "softmax":
            P = np.exp(S - S.real.max(axis=1, keepdims=True))
            P = P / P.sum(axis=1, keepdims=True)
        else:
            P = rule.normalizer.weights(S)
        out = out + P @ seen @ W
    if network.value_bias is not None:
        out = out + network.value_bias.values
    out = norm(out) if post else out
    if weights.mlp is not None:
        assert network.mlp is not None
        inner = (norm(out) if pre else out) @ weights.mlp[0][k]
        active = inner * (inner.real > 0) if network.mlp.activation == "relu" else _gelu(inner)
        branch = active @ weights.mlp[1][k]
        out = branch + out if rule.mlp_skip else branch
        out = norm(out) if post else out
    return np.asarray(out)


def _gelu(x: Any) -> Any:
    """x Phi(x), with the first-order term of an imaginary increment."""
    a, b = x.real, x.imag
    slope = ndtr(a) + a * np.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)
    value = a * ndtr(a)
    return value + 1j * b * slope if np.iscomplexobj(x) else value


def setting(
    seed: int, normalizer: str = "softmax", mask: str = "none", **table: Any
) -> tuple[SpreadStack, LayerWeights, LayerRule, Floats]:
    rng = np.random.default_rng(seed)
    network = Network.from_dict({"depth": 1, "heads": HEADS, "value": VALUE, **table})
    bias = network.score_bias(T, mask)
    mlp = None
    if network.mlp is not None:
        mlp = rng.normal(size=(N, D, 6)), rng.normal(size=(N, 6, D))
    weights = LayerWeights(
        drawn(rng, narrow=seed % 2 == 0),
        drawn(rng, narrow=seed % 3 == 0),
        drawn(rng) if "output" in table else None,
        mlp,
    )
    rule = LayerRule.of(network, T, mask, 2.5, NORMALIZERS[normalizer])
    X = SpreadStack.of(rng.normal(size=(N, T, D)))
    return X, weights, rule, np.zeros((T, T)) if bias is None else bias


MLP = {"width": 6}
LAYERS: list[dict[str, Any]] = [
    {},
    {"skip": "plain", "output": VALUE},
    {"skip": "alpha", "alpha": -0.7, "layer_norm": "post"},
    {"layer_norm": "pre", "norm_eps": 0.1, "skip": "plain", "mlp": MLP},
    {"layer_norm": "post", "mlp": {**MLP, "activation": "gelu"}, "skip": "plain"},
    {"layer_norm": "post", "norm_eps": 0.2, "mlp": MLP},
    {"mlp": {**MLP, "activation": "gelu", "skip": True}, "value_bias": [1.0, 2.0, 0.0, -1.0]},
    {"query_bias": [1.0, -1.0, 0.5, 2.0], "key_bias": [0.3, 1.0, 0.0, 1.0]},
    {"position_bias": 0.8, "mask": "causal"},
    {"position_bias": [0.0, 1.0, -1.0, 0.5, 2.0]},
    {"window": 1, "mask": "causal", "skip": "plain"},
    {"position_bias": [[0.3, 1.0, -2.0, 0.0, 4.0]] * T},
]


#: A key that no query sees.
SEEN = {
    "visible": [
        [0, 1, 1, 0, 1],
        [0, 0, 0, 0, 1],
        [0, 1, 1, 1, 1],
        [0, 1, 0, 1, 0],
        [0, 1, 1, 1, 1],
    ]
}


@pytest.mark.parametrize("table", [*LAYERS, SEEN], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_layers_are_their_formula(seed: int, table: dict[str, Any]) -> None:
    tokens, weights, rule, bias = setting(seed, **table)
    found, _ = layer_step(tokens, weights, rule)
    for k in range(N):
        want = on_paper(tokens.tokens().value()[k], weights, rule, k, bias)
        np.testing.assert_allclose(found.tokens().value()[k], want, rtol=0, atol=2e-12)


def test_a_bias_for_all_queries_alike_is_a_bias_of_the_keys() -> None:
    """It is no obstacle to collapse: the deviation keeps its relative accuracy (RANK-6)."""
    assert ScoreBias(np.array([[0.3, 1.0, -2.0]] * 3)).own is None


@pytest.mark.parametrize(
    "normalizer", ["clipped_linear", "doubly_normalized", "sinkhorn", "hardmax"]
)
@pytest.mark.parametrize("table", [{}, LAYERS[3], LAYERS[7], LAYERS[9], SEEN], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_layers_of_other_normalisers(seed: int, table: dict[str, Any], normalizer: str) -> None:
    if normalizer == "sinkhorn" and "visible" in table:
        return  # an Ensemble refuses it
    tokens, weights, rule, bias = setting(seed, normalizer, **table)
    found, _ = layer_step(tokens, weights, rule)
    for k in range(N):
        want = on_paper(tokens.tokens().value()[k], weights, rule, k, bias)
        np.testing.assert_allclose(found.tokens().value()[k], want, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "table",
    [{}, {"layer_norm": "post"}, {"value_bias": [0.5, 0.0, -1.0, 2.0]}, {"position_bias": 0.7}],
    ids=str,
)
def test_residuals_of_any_size(table: dict[str, Any]) -> None:
    """Eight layers against the pairs of RANK-4, which are checked with 12 digits against mpmath."""
    tokens, weights, rule, bias = setting(1, **table)
    weights = replace(
        weights,
        query_key=DrawnMaps(0.2 * dense(weights.query_key)),
        value=DrawnMaps(0.3 * dense(weights.value)),
    )
    states = [tokens]
    for _ in range(8):
        states.append(layer_step(states[-1], weights, rule)[0])
    network = rule.network
    for k in range(N):
        want = attention_trajectory(
            tokens.tokens().value()[k],
            [dense(weights.query_key)[k]] * 8,
            [dense(weights.value)[k]] * 8,
            2.5,
            None if network.value_bias is None else [network.value_bias.values] * 8,
            norm=network.layer_norm == "post",
            score_bias=bias if bias.any() else None,
        ).log10_frobenius
        assert want is not None
        found = [
            s.residual.log10(np.sqrt((s.residual.mantissa**2).sum(axis=(1, 2))))[k] for s in states
        ]
        np.testing.assert_allclose(found, want, rtol=3e-11, atol=1e-10)
        if bias.any():
            assert want[-1] > -10.0  # a genuine bias: geometric only
        else:
            assert want[-1] < -300.0


def test_doubly_normalised_tokens_collapse_by_their_covariance() -> None:
    """Pi R' = Pi R A R^T R/T W/temperature + O(|R|^5) (RANK-10), at a spread of 2^-3000."""
    for name in ("doubly_normalized", "sinkhorn"):
        tokens, weights, rule, _ = setting(2, name)
        tokens = replace(
            tokens, residual=replace(tokens.residual, exponent=tokens.residual.exponent - 3000)
        )
        found, _ = layer_step(tokens, weights, rule)
        R = tokens.residual.mantissa
        unit = 3 * tokens.residual.exponent
        for k in range(N):
            want = sum(
                R[k] @ A @ R[k].T @ R[k] @ W / T / 2.5
                for A, W in zip(dense(weights.query_key)[k], dense(weights.value)[k], strict=True)
            )
            np.testing.assert_allclose(
                found.residual.at(unit)[k], want - want.mean(axis=0), rtol=0, atol=1e-12
            )


def test_clipped_linear_attention_without_clipping_is_exactly_cubic() -> None:
    tokens, weights, rule, _ = setting(2, "clipped_linear")
    tiny = replace(
        tokens, residual=replace(tokens.residual, exponent=tokens.residual.exponent - 3000)
    )
    found, record = layer_step(tiny, weights, rule)
    unit = 3 * tiny.residual.exponent
    R = tiny.residual.mantissa
    for k in range(N):
        want = sum(
            R[k] @ A @ R[k].T @ R[k] @ W / T / 2.5
            for A, W in zip(dense(weights.query_key)[k], dense(weights.value)[k], strict=True)
        )
        np.testing.assert_allclose(
            found.residual.at(unit)[k], want - want.mean(axis=0), rtol=0, atol=1e-12
        )
    assert record.weights.excess is None


def test_scores_beyond_floats_are_refused() -> None:
    tokens, weights, rule, _ = setting(0)
    huge = replace(weights, query_key=DrawnMaps(1e200 * dense(weights.query_key)))
    large = replace(
        tokens, residual=replace(tokens.residual, exponent=tokens.residual.exponent + 400)
    )
    with pytest.raises(OverflowError, match=r"beyond double precision|too large for a float"):
        layer_step(large, huge, rule)


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", LAYERS, ids=str)
def test_gradients_are_complex_steps(table: dict[str, Any]) -> None:
    """<G, f(X + i h V)>.imag/h with h = 1e-30 has no cancellation, in 5 random directions."""
    if table.get("layer_norm") == "pre" and "norm_eps" not in table:
        table = {**table, "norm_eps": 0.1}
    tokens, weights, rule, bias = setting(5, **table)
    X = tokens.tokens().value()
    _, record = layer_step(tokens, weights, rule)
    rng = np.random.default_rng(0)
    G = rng.normal(size=X.shape)
    found = pull_back(G, X, weights, rule, record.weights.weights())
    for k in range(N):
        for _ in range(5):
            V = rng.normal(size=(T, D))
            stepped = on_paper(X[k] + 1e-30j * V, weights, rule, k, bias)
            want = float((G[k] * stepped.imag).sum() / 1e-30)
            assert float((found[k] * V).sum()) == pytest.approx(want, rel=1e-10, abs=1e-11)


def test_a_gradient_that_forgets_the_scores_is_found_out() -> None:
    tokens, weights, rule, bias = setting(5)
    X = tokens.tokens().value()
    _, record = layer_step(tokens, weights, rule)
    G, V = np.random.default_rng(0).normal(size=(2, N, T, D))
    P = record.weights.weights()
    wrong = sum(
        P[:, h].swapaxes(1, 2) @ G @ dense(weights.value)[:, h].swapaxes(1, 2) for h in range(HEADS)
    )
    stepped = on_paper(X[0] + 1e-30j * V[0], weights, rule, 0, bias)
    assert abs(float((wrong[0] * V[0]).sum()) - float((G[0] * stepped.imag).sum() / 1e-30)) > 0.1
