"""W drawn anew for every sample: what a sample depends on, which law it has, what then is refused.

Statistical comparisons have a false-alarm rate of 2e-9 each (`tests.statistics`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, RowSimulator
from qktheory.theorems.claim import CLAIMS, W_IS_FIXED
from tests.simulation.cases import FULL3
from tests.simulation.test_bits import fingerprint, simulators, slices_agree
from tests.statistics import distance_of_means

N = 8000
#: Models of every kind: eigenvalues known, none known, factors wide and narrow.
MATRICES: dict[str, dict[str, Any]] = {
    "symmetric": {"spectrum": {"law": "semicircle", "xi": 0.6, "eta": 1.0}, "matrix": {}},
    "random spectrum": {
        "spectrum": {"law": "uniform", "half_width": 1.0, "draw": "random"},
        "matrix": {"model": "normal", "complex_pairs": [[0.2, 0.9]]},
    },
    "gaussian_factors": {"matrix": {"model": "gaussian_factors", "d_k": 3}},
    "narrow factors": {"matrix": {"model": "gaussian_factors", "d_k": 1, "scale": 1.3}},
    "ginibre": {"matrix": {"model": "ginibre"}},
    "goe": {"matrix": {"model": "goe", "scale": 0.7}},
}


def redrawn(name: str, law: str = "iid", T: int = 5, **more: Any) -> Ensemble:
    table = MATRICES[name]
    tokens = {"law": law, "covariance": FULL3, **more.pop("tokens", {})}
    matrix = {**table["matrix"], "draw": "every_sample"}
    return Ensemble.from_dict({"d": 3, "T": T, **table, "matrix": matrix, "tokens": tokens, **more})


def logits(ensemble: Ensemble, simulator: str, n: int = N, seed: int = 7) -> NDArray[np.float64]:
    drawn = SIMULATORS[simulator](Realization(ensemble, seed))
    assert isinstance(drawn, RowSimulator)
    return drawn.rows(0, n).logits


# --- the table ------------------------------------------------------------------------------------


def test_the_key_is_written_only_where_it_says_something() -> None:
    once = Ensemble.from_dict({"d": 3, "T": 2, "matrix": {"model": "ginibre", "draw": "once"}})
    every = redrawn("ginibre")
    assert "draw" not in once.to_dict()["matrix"]
    assert every.to_dict()["matrix"]["draw"] == "every_sample"
    assert Ensemble.from_toml(every.to_toml()) == every
    assert every.replace(matrix_draw="once") != every
    assert "redrawn" in repr(every)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ({"model": "goe", "draw": "every_smaple"}, "matrix.draw 'every_smaple'; did you mean"),
        ({"model": "goe", "draw": 1}, "matrix.draw 1"),
        ({"W": np.eye(3).tolist(), "draw": "every_sample"}, "expected 'once': model 'data' draws"),
    ],
)
def test_what_cannot_be_drawn_is_refused(matrix: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ensemble.from_dict({"d": 3, "T": 2, "matrix": matrix})


@pytest.mark.parametrize("name", ["matrix", "M", "xi", "eta", "eta_F", "eigenvalues", "symmetric"])
def test_there_is_no_single_map_to_ask_for(name: str) -> None:
    with pytest.raises(ValueError, match=r"matrix.draw = 'every_sample': there is no single W"):
        getattr(Realization(redrawn("ginibre"), 0), name)


# --- what a sample depends on ---------------------------------------------------------------------


def test_the_map_of_a_sample_is_a_function_of_seed_cell_and_number() -> None:
    def map_of(seed: int, cell: int, sample: int) -> NDArray[np.float64]:
        return Realization(redrawn("goe"), seed, cell).matrix_of(sample).W

    np.testing.assert_array_equal(map_of(3, 1, 5), map_of(3, 1, 5))
    for other in ((4, 1, 5), (3, 2, 5), (3, 1, 6)):
        assert not np.allclose(map_of(3, 1, 5), map_of(*other))
    once = Realization(redrawn("goe").replace(matrix_draw="once"), 3, 1)
    assert once.matrix_of(5) is once.matrix
    np.testing.assert_array_equal(once.matrix.W, map_of(3, 1, 0))


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("law", ["iid", "random_walk", "equicorrelated"])
def test_a_sample_depends_on_its_number_alone(name: str, law: str) -> None:
    tokens = {"cosine": 0.3} if law == "equicorrelated" else {}
    kinds = set()
    for simulator, observables in simulators(redrawn(name, law, 9, tokens=tokens)):
        kinds.add(simulator.name)
        assert slices_agree(simulator, observables, 12), simulator.name
    reduction = {"iid": "iid_row", "random_walk": "bridge_row", "equicorrelated": law + "_row"}
    assert kinds == {"full", "full_matrix", reduction[law]}


@pytest.mark.parametrize("name", ["gaussian_factors", "ginibre", "goe", "symmetric"])
def test_so_it_does_at_widths_where_products_are_blocked(name: str) -> None:
    d = 37
    half = np.random.default_rng(d).normal(size=(d, d))
    matrix = {**MATRICES[name]["matrix"], "draw": "every_sample"}
    table = {**MATRICES[name], "matrix": matrix, "tokens": {"covariance": half @ half.T / d}}
    ensemble = Ensemble.from_dict({"d": d, "T": 40, **table})
    for simulator, observables in simulators(ensemble):
        rows = [o for o in observables if o.needs == "row"]
        assert slices_agree(simulator, rows, 7), simulator.name


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("d", [1, 2, 6])
def test_images_are_those_of_the_map_of_each_sample(name: str, d: int) -> None:
    """Models that form no W find what W gives."""
    if name == "random spectrum" and d == 1:
        return
    matrix = {**MATRICES[name]["matrix"], "draw": "every_sample"}
    table = {"spectrum": {"law": "point", "location": 0.5}} if name == "symmetric" else {}
    ensemble = Ensemble.from_dict({"d": d, "T": 2, **MATRICES[name], **table, "matrix": matrix})
    realization = Realization(ensemble, 4)
    x = np.random.default_rng(0).normal(size=(5, 3, d))
    expected = [x[k] @ realization.matrix_of(7 + k).W for k in range(5)]
    np.testing.assert_allclose(realization.images(x, 7), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("simulator", ["full", "iid_row", "full_matrix"])
def test_threads_and_batches_do_not_matter(simulator: str) -> None:
    names = ["entropy", "max_weight", "profile"]
    ways: list[dict[str, Any]] = [
        {"threads": 1},
        {"threads": 2, "batch": 256},
        {"threads": 3, "batch": 300},
    ]
    results = {
        fingerprint(
            qk.simulate(redrawn("gaussian_factors"), names, samples=700, simulator=simulator, **way)
        )
        for way in ways
    }
    assert len(results) == 1


# --- its law --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("law", ["iid", "random_walk"])
def test_whole_matrix_and_last_row_agree_sample_by_sample(name: str, law: str) -> None:
    """Both draw the same tokens and the same W."""
    realization = Realization(redrawn(name, law, 6), 3)
    observables = [OBSERVABLES[n] for n in ("entropy", "logit", "profile")]
    whole = SIMULATORS["full_matrix"](realization).measure(observables, 4, 20)
    row = SIMULATORS["full"](realization).measure(observables, 4, 20)
    for a, b in zip(whole, row, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_the_full_simulator_uses_the_tokens_and_the_map_of_each_sample() -> None:
    """Logits of sample k, formed from its own X and W by their definition."""
    ensemble = redrawn("gaussian_factors", attention={"temperature": 2.0})
    realization = Realization(ensemble, 3)
    X = ensemble.tokens.draw(realization.stream("tokens"), 0, 4, 5, 3)
    expected = [X[k, -1] @ realization.matrix_of(k).W @ X[k].T / 2.0 for k in range(4)]
    found = SIMULATORS["full"](realization).rows(0, 4).logits  # type: ignore[attr-defined]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_means_are_averages_over_both() -> None:
    """E w_1^2 for iid N(0, I): E eta_F = d for a Ginibre W and d (d + 1)/d for GOE, whatever W of
    the seed; with W held fixed it is that W's own |W|_F^2."""
    for name, scale, expected in (("ginibre", 1.0, 3.0), ("goe", 0.7, 4.0 * 0.49)):
        table = {"d": 3, "T": 2, "matrix": {**MATRICES[name]["matrix"], "draw": "every_sample"}}
        ensemble = Ensemble.from_dict(table)
        assert scale == getattr(ensemble.matrix, "scale", None)
        for simulator in ("full", "iid_row"):
            square = logits(ensemble, simulator)[:, 0] ** 2
            assert distance_of_means(square, expected).agrees
            assert distance_of_means(square, 1.4 * expected).differs
        fixed = ensemble.replace(matrix_draw="once")
        own = Realization(fixed, 7).eta_F
        assert distance_of_means(logits(fixed, "full")[:, 0] ** 2, own).agrees
        assert not math.isclose(own, expected, rel_tol=0.02)


def test_samples_with_a_common_map_are_correlated_and_redrawn_ones_are_not() -> None:
    """Self-logits x^T W x of samples 0 and 1 at one pinned query, over 3000 seeds."""
    table = {
        "d": 3,
        "T": 2,
        "matrix": {"model": "ginibre"},
        "tokens": {"law": "iid", "query": [1.0, 1.0, 0.0]},
    }
    products: dict[str, list[float]] = {"once": [], "every_sample": []}
    for draw, found in products.items():
        ensemble = Ensemble.from_dict({**table, "matrix": {"model": "ginibre", "draw": draw}})
        for seed in range(3000):
            self_logits = logits(ensemble, "full", 2, seed)[:, 1]
            found.append(float(self_logits[0] * self_logits[1]))
    # The self-logit x^T W x of a fixed query has variance |x|^4/d = 4/3 over W.
    assert distance_of_means(products["once"], 4.0 / 3.0).agrees
    assert distance_of_means(products["every_sample"], 0.0).agrees
    assert distance_of_means(products["every_sample"], 4.0 / 3.0).differs


# --- claims ---------------------------------------------------------------------------------------


def test_claims_about_one_map_do_not_apply_and_say_why() -> None:
    """Checked before the claim's own assumptions, some of which would look at W."""
    ensemble = redrawn("symmetric", "random_walk")
    failing = qk.applicability(ensemble)
    held = qk.applicability(ensemble.replace(matrix_draw="once"))
    about_one_map = [name for name in CLAIMS if CLAIMS[name].W == "fixed"]
    assert len(about_one_map) > 30
    for name in about_one_map:
        if CLAIMS[name].assumptions:
            assert failing[name] == f"{W_IS_FIXED.name}: {W_IS_FIXED.text}"
    assert sum(reason is None for reason in held.values()) > 10
    compared = qk.compare(ensemble, ["entropy", "rho"], samples=300)
    for observable in compared.observables.values():
        assert {p.claim.W for p in observable.predictions} <= {"redrawn", "either"}


@pytest.mark.parametrize("matrix", [{"model": "ginibre"}, {"model": "gaussian_factors", "d_k": 3}])
def test_the_typical_norm_is_that_of_the_draws(matrix: dict[str, object]) -> None:
    """E tr W W^T = scale^2 d: 200 draws, three standard errors (false alarm 0.3 %, fixed seed)."""
    ensemble = Ensemble.from_dict(
        {"d": 12, "T": 4, "matrix": {**matrix, "scale": 0.7, "draw": "every_sample"}}
        | {"tokens": {"law": "iid"}}
    )
    realization = Realization(ensemble, 3)
    norms = np.array([realization.matrix_of(k).eta_F for k in range(200)])
    typical = ensemble.matrix.typical_norm(12)
    assert typical is not None
    standard_error = norms.std() / np.sqrt(norms.size)
    assert abs(norms.mean() - typical**2) < 3.0 * standard_error
    # The wrong twin: 10 % more norm is seen.
    assert abs(norms.mean() - (1.1 * typical) ** 2) > 3.0 * standard_error


def test_large_redrawn_maps_are_not_formed_to_check_the_size_of_logits() -> None:
    """T = d = 2^17: W would take 128 GB."""
    size = 1 << 17
    ensemble = Ensemble.from_dict(
        {
            "d": size,
            "T": size,
            "matrix": {"model": "ginibre", "draw": "every_sample"},
            "tokens": {"law": "simplex", "cosine": 0.0},
            "attention": {"temperature": "sqrt_d"},
        }
    )
    estimate = qk.simulate(ensemble, ["entropy"], samples=4, seed=1).estimates["entropy"]
    # Gaussian logits of unit variance: E H = ln T - 1/2 + O(1/T).
    assert float(estimate) == pytest.approx(np.log(size) - 0.5, abs=0.05)
    with pytest.raises(ValueError, match=r"attention.temperature = .*: expected one that keeps"):
        qk.simulate(
            Ensemble.from_dict(
                {**ensemble.to_dict(), "matrix": {**ensemble.to_dict()["matrix"], "scale": 1e150}}
            ),
            ["entropy"],
            samples=4,
        )
