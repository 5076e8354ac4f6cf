"""The simulator of networks: addressed weights, known cases, RANK-11."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qktheory as qk
from qktheory.numerics.depth_trajectory import attention_trajectory
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulate import Simulation
from qktheory.simulation.simulators.network import NetworkSimulator
from qktheory.theorems.dong2021.setting import A_1, W_1, X_4
from tests.simulation.test_bits import fingerprint

NARROW = {"model": "gaussian_factors", "d_k": 2, "scale": 0.5}
OBSERVED = ["log10_relative_residual", "spectral_gap", "log10_gradient", "token_stable_rank"]


def spec(draw: str = "every_sample", **network: Any) -> dict[str, Any]:
    return {
        "d": 8,
        "T": 5,
        "matrix": {**NARROW, "draw": draw},
        "attention": {"temperature": 1.5},
        "network": {"depth": 3, "heads": 2, "value": NARROW, **network},
    }


NETWORKS: list[dict[str, Any]] = [
    {},
    {"skip": "plain", "mlp": {"width": 12}, "layer_norm": "pre"},
    {"weights": "shared", "mlp": {"width": 12, "activation": "gelu"}, "window": 2},
    {"value": {"model": "ginibre"}, "output": NARROW, "layer_norm": "post", "norm_eps": 0.1},
    {"value": {"model": "symmetric", "spectrum": {"law": "uniform", "mean": 0.1, "variance": 0.2}}},
]


@pytest.mark.parametrize("draw", ["once", "every_sample"])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_a_sample_depends_on_its_number_alone(network: dict[str, Any], draw: str) -> None:
    ensemble = Ensemble.from_dict(spec(draw, **network))
    observables = [OBSERVABLES[name] for name in OBSERVED]
    simulator = NetworkSimulator(Realization(ensemble, 3))
    whole = simulator.measure(observables, 0, 9)
    for first, count in ((0, 1), (8, 1), (1, 8), (3, 4)):
        part = NetworkSimulator(Realization(ensemble, 3)).measure(observables, first, count)
        for a, b in zip(whole, part, strict=True):
            assert a[first : first + count].tobytes() == b.tobytes()


@pytest.mark.parametrize("draw", ["once", "every_sample"])
def test_threads_and_batches_do_not_matter(draw: str) -> None:
    results = {
        fingerprint(qk.simulate(spec(draw), OBSERVED, samples=600, threads=t, batch=b))
        for t, b in ((1, None), (2, 256), (3, 300))
    }
    assert len(results) == 1


def test_the_first_layer_of_one_head_is_the_single_layer() -> None:
    """Same W, same tokens: the mean row entropy of both agrees sample by sample."""
    table = spec(heads=1)
    network = Simulation.prepare(table, ["layer_entropy"], seed=5).draws(0, 6)["layer_entropy"]
    single = {k: v for k, v in table.items() if k != "network"}
    single["attention"] = {"temperature": 1.5, "query": "all"}
    entropy = Simulation.prepare(single, ["entropy"], seed=5).draws(0, 6)["entropy"]
    np.testing.assert_allclose(network[:, 0], entropy, rtol=1e-12)


def test_fresh_weights_differ_between_layers_and_shared_ones_do_not() -> None:
    for weights, same in (("fresh", False), ("shared", True)):
        simulator = NetworkSimulator(Realization(Ensemble.from_dict(spec(weights=weights)), 0))
        first, second = (simulator.weights(k, 0, 2) for k in (0, 1))
        for name in ("query_key", "value"):
            a, b = getattr(first, name).left, getattr(second, name).left
            assert np.array_equal(a, b) == same
            assert not np.array_equal(a[0, 0], a[0, 1])
            assert not np.array_equal(a[0, 0], a[1, 0])


def test_the_reference_trajectory_of_the_chapter() -> None:
    """X_4/4, head 1 (RANK-4), from a spec file."""
    table = {
        "d": 3,
        "T": 4,
        "matrix": {"W": np.array(A_1).tolist()},
        "tokens": {"law": "fixed", "X": (X_4 / 4).tolist()},
        "attention": {"temperature": 2.0},
        "network": {"depth": 6, "value": {"W": np.array(W_1).tolist()}},
    }
    found = qk.simulate(table, ["log10_residual"], samples=1)["log10_residual"].mean
    want = [-0.045088315175, -0.911516287280, -3.431469870685, -10.959541059006]
    want += [-33.556959359399, -101.84836903686, -306.58275768938]
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)


def test_masked_networks_collapse_at_the_rate_of_the_mask() -> None:
    """The table of RANK-6: A_1 scores, causal mask, W = I."""
    table = {
        "d": 3,
        "T": 4,
        "matrix": {"W": np.array(A_1).tolist()},
        "tokens": {"law": "fixed", "X": (X_4 / 4).tolist()},
        "attention": {"temperature": 2.0, "mask": "causal"},
        "network": {"depth": 25, "value": {"W": np.eye(3).tolist()}},
    }
    found = qk.simulate(table, ["log10_frobenius"], samples=1)["log10_frobenius"].mean
    want = [-0.0493048989, -0.410656201, -0.6123275887, -0.8196975252, -1.318071136]
    want += [-2.753131807, -7.257684656]
    np.testing.assert_allclose(found[[0, 1, 2, 3, 5, 10, 25]], want, rtol=0, atol=2e-9)


def test_the_circle_recurrence() -> None:
    """Two tokens turned by pi/50 a step, w = 1: gaps of RANK-11, down to 1e-145."""
    phi, theta = 2.0 * np.pi * 499 / 1000, 2.0 * np.pi / 100
    turn = [[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]]
    table = {
        "d": 2,
        "T": 2,
        "matrix": {"W": np.eye(2).tolist()},
        "tokens": {"law": "fixed", "X": [[0.3, 0.0], [0.3 * np.cos(phi), 0.3 * np.sin(phi)]]},
        "attention": {"temperature": 2.0**0.5},
        "network": {"depth": 5, "value": {"W": turn}},
    }
    found = qk.simulate(table, ["log10_diameter"], samples=1)["log10_diameter"].mean
    gaps = [0.599997039121, 0.0381317379623, 9.80132524724e-6, 1.66448319e-16, 8.151983e-49]
    np.testing.assert_allclose(found, np.log10([*gaps, 9.57668e-146]), rtol=1e-7)


def test_networks_against_single_trajectories() -> None:
    """Eight drawn networks of three heads, weights of every layer, to residuals of 1e-300."""
    ensemble = Ensemble.from_dict(spec(depth=6, heads=3))
    simulator = NetworkSimulator(Realization(ensemble, 1))
    found = simulator.measure([OBSERVABLES["log10_residual"]], 0, 8)[0]
    for k in range(8):
        layers = [simulator.weights(layer, k, 1) for layer in range(6)]
        maps = [
            [[left @ right.T for left, right in zip(m.left[0], m.right[0], strict=True)]
             for m in (layer.query_key, layer.value)]
            for layer in layers
        ]  # fmt: skip
        X = ensemble.tokens.draw(simulator.realization.stream("tokens"), k, 1, 5, 8)[0]
        want = attention_trajectory(
            X, [np.array(a) for a, _ in maps], [np.array(w) for _, w in maps], 1.5
        )
        np.testing.assert_allclose(found[k], want.log10_norm_1inf, rtol=1e-10, atol=1e-10)
    assert found.min() < -200.0


def test_variants_of_a_spec() -> None:
    """RANK-11 has eight networks; bad variants are refused by name."""
    from qktheory.simulation.specification import Specification, read_preset

    networks = read_preset("rank-collapse").variants
    assert len(networks) == 8
    assert networks["skip, MLP"].network is not None
    assert networks["skip, MLP"].network.mlp is not None
    for bad, message in (
        ([{"network.skip": "plain"}], "variants.title = None"),
        ([{"title": "a"}, {"title": "a"}], "variants.title = 'a'"),
        ({"title": "a"}, "expected a list of tables"),
        ([{"title": "a", "network.skp": 1}], "did you mean 'skip'"),
        ([{"title": "a", "d.x": 1}], "d = 8: expected a table"),
    ):
        with pytest.raises(ValueError) as caught:
            Specification.from_dict({**spec(), "variants": bad})
        assert message in str(caught.value)


def test_rows_of_long_sequences_need_no_square_matrix() -> None:
    """T = 32768, all queries: a score matrix would take 8 GiB, a sample may take 1 GiB."""
    table = {
        "d": 16,
        "T": 32768,
        "matrix": {"model": "ginibre"},
        "attention": {"query": "all", "mask": "causal"},
    }
    simulation = Simulation.prepare(table, ["entropy", "participation"])
    (run,) = simulation.runs
    assert run.simulator.name == "full_matrix"
    assert run.simulator.bytes_for(run.observables) < 1 << 28
    assert run.simulator.bytes_for([OBSERVABLES["stable_rank"]]) > 1 << 33
    small = {**table, "T": 3000}
    simulation = Simulation.prepare(small, ["entropy"], threads=1)
    simulation.draws(0, 1)
    tracemalloc.start()
    simulation.draws(0, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 3000**2 / 8


# --- refusals -------------------------------------------------------------------------------------


def refused(table: dict[str, Any], name: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        qk.simulate(table, [name], samples=3)
    assert message in str(caught.value)


def test_what_does_not_belong_together_is_refused_with_a_reason() -> None:
    single = {k: v for k, v in spec().items() if k != "network"}
    refused(single, "log10_residual", "the experiment has no [network]")
    refused(spec(), "entropy", "the experiment is a network")
    refused(spec(window=1), "score_diameter", "with masked keys it is infinite")
    hard = {**spec(), "attention": {"normalizer": "hardmax"}}
    refused(hard, "log10_gradient", "gradients are those of a softmax")
    sinkhorn = {**spec(window=1), "attention": {"normalizer": "sinkhorn"}}
    refused(sinkhorn, "log10_residual", "expected one that takes masks")
    double = {**single, "attention": {"normalizer": "doubly_normalized"}}
    with pytest.raises(ValueError, match="needs the whole score matrix"):
        qk.simulate(double, ["entropy"], samples=3, simulator="full")
    assert float(qk.simulate(double, ["entropy"], samples=3)["entropy"]) > 0.0


def test_values_that_are_not_finite_are_refused_with_the_layer() -> None:
    equal = {**spec(), "tokens": {"law": "fixed", "X": [[1.0] * 8] * 5}}
    refused(equal, "log10_residual", "log10_residual of sample 0 has no finite value at state 0")
    constant = {**equal, "network": {**spec()["network"], "layer_norm": "pre"}}
    refused(constant, "log10_gradient", "layer 1 fails, LayerNorm of a token of constant features")
    huge = spec()
    huge["matrix"]["scale"] = 1e130
    huge["network"]["value"] = {**NARROW, "scale": 1e130}
    refused(huge, "log10_residual", "fails, ")


def test_claims_about_single_layers_say_nothing_about_networks() -> None:
    from qktheory.theorems.catalogue import claims

    realization = Realization(Ensemble.from_dict(spec()), 0)
    for claim in claims():
        if not claim.networks:
            failing = claim.failing_assumption(realization)
            assert failing is not None
            assert failing.name == "a single layer"


# --- RANK-11 --------------------------------------------------------------------------------------

HEAD = {"model": "gaussian_factors", "d_k": 8, "scale": 0.5}
MLP = {"width": 128}
#: Mean log10 of the relative residual over 64 seeds, with standard errors, at these layers.
LAYERS = (1, 2, 3, 4, 6, 12)
TABLE: list[tuple[dict[str, Any], list[float], list[float]]] = [
    ({}, [-0.168, -1.386, -5.534, -18.02, -168.1], [0.012, 0.033, 0.095, 0.28, 2.5]),
    ({"mlp": MLP}, [-0.249, -1.569, -6.085, -19.69, -183.2], [0.010, 0.032, 0.098, 0.30, 2.8]),
    (
        {"layer_norm": "post"},
        [-0.149, -0.722, -2.402, -7.468, -68.27],
        [0.011, 0.030, 0.089, 0.268, 2.42],
    ),
    (
        {"skip": "plain"},
        [-0.030, -0.073, -0.126, -0.194, -0.363, -0.871],
        [0.002, 0.006, 0.008, 0.011, 0.016, 0.035],
    ),
    (
        {"skip": "plain", "mlp": MLP},
        [-0.084, -0.192, -0.256, -0.340, -0.472, -0.951],
        [0.004, 0.008, 0.010, 0.014, 0.015, 0.036],
    ),
    (
        {"skip": "plain", "mlp": MLP, "layer_norm": "post"},
        [-0.059, -0.163, -0.271, -0.405, -0.685, -1.497],
        [0.004, 0.007, 0.012, 0.015, 0.020, 0.033],
    ),
    (
        {"skip": "plain", "mlp": MLP, "layer_norm": "pre"},
        [-0.074, -0.140, -0.181, -0.227, -0.275, -0.358],
        [0.004, 0.007, 0.009, 0.010, 0.010, 0.010],
    ),
    ({"big": True}, [-0.035, -0.084, -0.172, -0.342, -1.964], [0.004, 0.007, 0.014, 0.029, 0.212]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("network", "means", "errors"), TABLE)
def test_the_depth_curves_of_random_networks(
    network: dict[str, Any], means: list[float], errors: list[float]
) -> None:
    """RANK-11: 43 means of 64 seeds against those of 256 networks.

    A miss of four joint standard errors anywhere has probability below 0.3 %. A table that is three
    tenths off is found out.
    """
    scale = 4.5 if network.get("big") else 0.5
    table = {
        "d": 32,
        "T": 16,
        "matrix": {**HEAD, "scale": scale, "draw": "every_sample"},
        "attention": {"temperature": 8.0**0.5},
        "network": {
            "depth": 12 if len(means) == 6 else 6,
            "heads": 4,
            "value": HEAD,
            **{k: v for k, v in network.items() if k != "big"},
        },
    }
    estimate = qk.simulate(table, ["log10_relative_residual"], samples=256, seed=11)[
        "log10_relative_residual"
    ]
    assert estimate.mean[0] == pytest.approx(-0.014, abs=0.004)
    places = np.array(LAYERS[: len(means)])
    joint = np.hypot(estimate.std_error[places], errors)
    distance = np.abs(estimate.mean[places] - means)
    assert (distance < 4.0 * joint).all()
    assert (np.abs(estimate.mean[places] - 1.3 * np.array(means)) > 4.0 * joint).any()


@given(
    heads=st.integers(1, 3),
    depth=st.integers(1, 3),
    skip=st.sampled_from(["none", "plain"]),
    norm=st.sampled_from(["none", "pre", "post"]),
    normalizer=st.sampled_from(["softmax", "clipped_linear", "doubly_normalized", "sinkhorn"]),
    mlp=st.sampled_from([None, {"width": 3}, {"width": 2, "activation": "gelu"}]),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 50.0]),
)
@settings(max_examples=40, deadline=None)
def test_any_network_survives_toml_and_gives_finite_numbers(
    heads: int, depth: int, skip: str, norm: str, normalizer: str, mlp: Any, scale: float
) -> None:
    network = {"depth": depth, "heads": heads, "skip": skip, "layer_norm": norm, "norm_eps": 1e-9}
    table = {
        "d": 4,
        "T": 3,
        "matrix": {"model": "ginibre", "scale": scale, "draw": "every_sample"},
        "attention": {"normalizer": normalizer},
        "network": {**network, "value": {"model": "ginibre"}, **({"mlp": mlp} if mlp else {})},
    }
    ensemble = Ensemble.from_dict(table)
    assert Ensemble.from_toml(ensemble.to_toml()) == ensemble
    try:
        simulation = qk.simulate(ensemble, ["layer_entropy", "token_stable_rank"], samples=4)
    except ValueError as error:
        # A relu that leaves nothing.
        if mlp is None or not re.search("token_stable_rank of sample|constant", str(error)):
            raise
        return
    for estimate in simulation.estimates.values():
        assert np.isfinite(estimate.mean).all()
