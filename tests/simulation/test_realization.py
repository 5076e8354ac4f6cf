"""What an Ensemble and a seed make: the map, its traces, the simulator, labelled results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, choose
from tests.simulation.test_ensemble import SPECTRUM, TABLE


@pytest.mark.parametrize("variance", [1.0, 0.0, 2.5])
@pytest.mark.parametrize("temperature", [1.0, 0.4, "sqrt_d"])
@pytest.mark.parametrize("draw", ["quantiles", "random"])
def test_exact_targets_reach_the_map_of_the_tokens(
    variance: float, temperature: float | str, draw: str
) -> None:
    """xi and eta of M = W variance/temperature, to rounding, for isotropic Sigma."""
    ensemble = Ensemble.from_dict(
        {
            "d": 16,
            "T": 8,
            "spectrum": {**SPECTRUM, "draw": draw},
            "tokens": {"covariance": variance},
            "attention": {"temperature": temperature},
        }
    )
    realization = Realization(ensemble, 5)
    factor = variance / (4.0 if temperature == "sqrt_d" else float(temperature))
    assert realization.xi == pytest.approx(1.0 * factor, rel=1e-13, abs=0)
    assert realization.eta == pytest.approx(0.5 * factor**2, rel=1e-13, abs=0)
    assert realization.eta_F == realization.eta
    eigenvalues = np.linalg.eigvalsh(realization.M)
    assert realization.eigenvalues is not None
    np.testing.assert_allclose(
        np.sort(eigenvalues), np.sort(realization.eigenvalues), atol=1e-13 * max(factor, 1e-3)
    )


@pytest.mark.parametrize(
    "covariance", [[[2.0, 1.0], [1.0, 3.0]], [1.0, 0.0], [[1.0, 2.0], [2.0, 4.0]]]
)
def test_traces_for_any_map_and_covariance(covariance: Any) -> None:
    """tr(W Sigma)/t, tr((W Sigma)^2)/t^2, tr(W Sigma W^T Sigma)/t^2 from their definition."""
    W = np.array([[1.0, 0.0], [2.0, -1.0]])
    ensemble = Ensemble.from_dict(
        {
            "d": 2,
            "T": 3,
            "matrix": {"W": W},
            "tokens": {"covariance": covariance},
            "attention": {"temperature": 2.0},
        }
    )
    S = np.array(covariance) if np.ndim(covariance) == 2 else np.diag(covariance)
    realization = Realization(ensemble, 0)
    np.testing.assert_allclose(
        [realization.xi, realization.eta, realization.eta_F],
        [
            np.trace(W @ S) / 2.0,
            np.trace(W @ S @ W @ S) / 4.0,
            np.trace(W @ S @ W.T @ S) / 4.0,
        ],
        rtol=1e-12,
        atol=1e-14,
    )


def test_the_map_depends_on_the_seed_and_the_cell() -> None:
    ensemble = Ensemble.from_dict(TABLE)
    W = [Realization(ensemble, s, c).matrix.W for s, c in ((0, 0), (0, 0), (1, 0), (0, 1))]
    np.testing.assert_array_equal(W[0], W[1])
    assert not np.allclose(W[0], W[2])
    assert not np.allclose(W[0], W[3])


def test_the_cheapest_simulator_is_chosen() -> None:
    wide = {**TABLE, "d": 64, "T": 256}
    choices = {
        ("iid", "entropy"): "iid_row",
        ("random_walk", "rho"): "bridge_row",
        ("ar1", "entropy"): "full",
        ("equicorrelated", "entropy"): "equicorrelated_row",
        ("iid", "stable_rank"): "full_matrix",
    }
    for (law, observable), name in choices.items():
        tokens = {
            "law": law,
            **{"ar1": {"phi": 0.5}, "equicorrelated": {"cosine": 0.3}}.get(law, {}),
        }
        ensemble = Ensemble.from_dict({**wide, "tokens": tokens})
        assert choose(ensemble, OBSERVABLES[observable]) is SIMULATORS[name]
    causal = Ensemble.from_dict({**wide, "attention": {"query": "all"}})
    assert choose(causal, OBSERVABLES["entropy"]) is SIMULATORS["full_matrix"]


def test_results_as_a_labelled_dataset() -> None:
    simulation = qk.simulate(TABLE, ["entropy", "profile"], samples=100)
    dataset = simulation.to_xarray()
    assert dataset["profile_mean"].dims == ("key",)
    assert float(dataset["entropy_mean"]) == float(simulation["entropy"])
    assert float(dataset["entropy_ci_low"]) == simulation["entropy"].low[0]
    assert int(dataset["profile_n"]) == 100
    assert dataset["key"].values.tolist() == list(range(1, 9))
    with pytest.raises(TypeError, match="8 components"):
        float(simulation["profile"])
