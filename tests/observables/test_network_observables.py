"""Observables of networks against their definitions, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import entr

from qktheory.numerics.common_row import least_norm_1, least_norm_1inf, least_norm_inf
from qktheory.numerics.ergodicity import dobrushin, hilbert_diameter, second_modulus
from qktheory.numerics.matrix_norms import centred, diameter_2, frobenius_norm, norm_1inf
from qktheory.numerics.stable_rank import stable_ranks
from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import OBSERVABLES, NetworkObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulators.network import NetworkSimulator

Floats = NDArray[np.float64]
T, D, L = 6, 5, 3


def passes(n: int = 3, **network: Any) -> NetworkPass:
    table = {
        "d": D,
        "T": T,
        "matrix": {"model": "ginibre", "scale": 2.0, "draw": "every_sample"},
        "network": {"depth": L, "heads": 2, "value": {"model": "ginibre"}, **network},
    }
    return NetworkSimulator(Realization(Ensemble.from_dict(table), 4)).passes(0, n)


def exp_entropy(values: Floats) -> float:
    p = values / values.sum()
    p = p[p > 0]
    return math.exp(-float((p * np.log(p)).sum()))


def cosine(X: Floats) -> float:
    Y = X / np.linalg.norm(X, axis=1, keepdims=True)
    return float((Y @ Y.T)[~np.eye(T, dtype=bool)].mean())


OF_TOKENS: dict[str, Callable[[Floats], float]] = {
    "log10_residual": lambda X: math.log10(norm_1inf(centred(X))),
    "log10_relative_residual": lambda X: math.log10(norm_1inf(centred(X)) / norm_1inf(X)),
    "log10_frobenius": lambda X: math.log10(frobenius_norm(centred(X))),
    "log10_diameter": lambda X: math.log10(diameter_2(X)),
    "log10_median_residual": lambda X: math.log10(least_norm_1(X)),
    "log10_chebyshev_residual": lambda X: math.log10(least_norm_inf(X)),
    "log10_best_residual": lambda X: math.log10(least_norm_1inf(X)),
    "token_stable_rank": lambda X: stable_ranks(X).sr_x,
    "gram_stable_rank": lambda X: stable_ranks(X).sr_sigma,
    "log10_token_stable_rank_excess": lambda X: math.log10(stable_ranks(X).sr_x_minus_1),
    "log10_gram_stable_rank_excess": lambda X: math.log10(stable_ranks(X).sr_sigma_minus_1),
    "token_effective_rank": lambda X: exp_entropy(np.linalg.svd(X, compute_uv=False)),
    "mean_cosine": cosine,
    "spike_ratio": lambda X: float(np.abs(X).max() / np.median(np.abs(X))),
}
#: Of attention weights and scores.
OF_HEADS: dict[str, Callable[[Floats, Floats], float]] = {
    "ergodicity_coefficient": lambda P, S: dobrushin(P),
    "score_diameter": lambda P, S: hilbert_diameter(S),
    "spectral_gap": lambda P, S: 1.0 - second_modulus(P),
    "layer_entropy": lambda P, S: float(entr(P).sum(axis=1).mean()),
    "layer_stable_rank": lambda P, S: stable_ranks(P).sr_x,
    "layer_effective_rank": lambda P, S: exp_entropy(np.linalg.svd(P, compute_uv=False)),
    "layer_sink_score": lambda P, S: float(P[:, 0].sum() / len(P)),
    "layer_sink_rate": lambda P, S: float(P[:, 0].sum() / len(P) > 0.3),
}


def test_every_observable_of_networks_is_specified_here() -> None:
    known = {*OF_TOKENS, *OF_HEADS, "log10_gradient"}
    found = {name for name in OBSERVABLES if OBSERVABLES[name].needs == "network"}
    # Paths have a page of their own, and no last layer.
    paths = {"path_length", "path_residual_share"}
    assert found == known | {f"final_{name}" for name in known} | paths


def measured(name: str, networks: NetworkPass) -> Floats:
    observable = OBSERVABLES[name]
    assert isinstance(observable, NetworkObservable)
    values = observable.compute(networks)
    assert values.shape == (len(networks), observable.size(T, L))
    return values


@pytest.mark.parametrize("network", [{}, {"skip": "plain", "layer_norm": "pre"}], ids=str)
@pytest.mark.parametrize("name", OF_TOKENS)
def test_observables_of_tokens(name: str, network: dict[str, Any]) -> None:
    networks = passes(**network)
    values, final = measured(name, networks), measured(f"final_{name}", networks)
    for layer, state in enumerate(networks.states):
        for k, X in enumerate(state.tokens().value()):
            assert values[k, layer] == pytest.approx(OF_TOKENS[name](X), rel=1e-7, abs=1e-7)
    np.testing.assert_array_equal(final[:, 0], values[:, -1])


@pytest.mark.parametrize("name", OF_HEADS)
def test_observables_of_attention(name: str) -> None:
    networks = passes()
    values, final = measured(name, networks), measured(f"final_{name}", networks)
    for layer, record in enumerate(networks.layers):
        P, S = record.weights.weights(), record.scores.total()
        for k in range(len(networks)):
            want = np.mean([OF_HEADS[name](P[k, h], S[k, h]) for h in range(2)])
            assert values[k, layer] == pytest.approx(want, rel=1e-9, abs=1e-9)
    np.testing.assert_array_equal(final[:, 0], values[:, -1])


@pytest.mark.parametrize("name", [*OF_TOKENS, *OF_HEADS])
def test_values_lie_in_the_declared_range(name: str) -> None:
    """Uniform attention, near one-hot attention and collapsed tokens included."""
    bounds = OBSERVABLES[name].bounds(T)
    if bounds is None:
        return
    for scale in (0.0, 1.0, 300.0):
        for skip in ("none", "plain"):
            table = {
                "d": D,
                "T": T,
                "matrix": {"model": "ginibre", "scale": scale},
                "network": {"depth": L, "value": {"model": "ginibre"}, "skip": skip},
            }
            simulator = NetworkSimulator(Realization(Ensemble.from_dict(table), 1))
            values = measured(name, simulator.passes(0, 40))
            assert bounds[0] <= values.min() <= values.max() <= bounds[1]


def test_stable_ranks_of_nearly_equal_tokens_keep_their_digits() -> None:
    """Against exact arithmetic (`stable_ranks`), spreads of 1e-1 to 1e-12 of the common row."""
    rng = np.random.default_rng(0)
    c, R = rng.normal(size=D), rng.normal(size=(T, D))
    for digits in range(1, 13):
        X = c + 10.0**-digits * R
        from qktheory.numerics.spread_stack import SpreadStack
        from qktheory.observables.network_pass import _singular_ratios

        state = SpreadStack.of(X[None])
        ratios = _singular_ratios(state, state.tokens().mantissa)[0]
        # Tokens of so small a spread are themselves rounded: c + R is where digits go.
        tolerance = max(1e-11, 3e-16 * 10.0**digits)
        want = stable_ranks(X)
        assert float((ratios[1:] ** 2).sum()) == pytest.approx(want.sr_x_minus_1, rel=tolerance)
        assert float((ratios[1:] ** 4).sum()) == pytest.approx(want.sr_sigma_minus_1, rel=tolerance)


def test_gradients_are_differences_of_the_whole_network() -> None:
    """|d<G, X_L>/dX_0| against central differences in all directions, LayerNorm and MLP too."""
    table = {
        "d": D,
        "T": T,
        "matrix": {"model": "ginibre"},
        "network": {
            "depth": L,
            "heads": 2,
            "skip": "plain",
            "layer_norm": "pre",
            "value": {"model": "ginibre"},
            "mlp": {"width": 7, "activation": "gelu"},
        },
    }
    simulator = NetworkSimulator(Realization(Ensemble.from_dict(table), 2))
    whole = simulator.passes(0, 1)
    X, G = whole.states[0].tokens().value()[0], simulator._cotangent(0, 1)[0]
    fixed = {**table, "tokens": {"law": "fixed"}}

    def loss(tokens: Floats) -> float:
        spec = {**fixed, "tokens": {"law": "fixed", "X": tokens.tolist()}}
        own = NetworkSimulator(Realization(Ensemble.from_dict(spec), 2)).passes(0, 1)
        return float((G * own.states[-1].tokens().value()[0]).sum())

    gradient = np.zeros_like(X)
    for place in np.ndindex(*X.shape):
        step = np.zeros_like(X)
        step[place] = 1e-5
        gradient[place] = (loss(X + step) - loss(X - step)) / 2e-5
    found = measured("log10_gradient", whole)[0]
    assert 10.0 ** found[0] == pytest.approx(float(np.linalg.norm(gradient)), rel=1e-8)
    assert 10.0 ** found[-1] == pytest.approx(float(np.linalg.norm(G)), rel=1e-13)
