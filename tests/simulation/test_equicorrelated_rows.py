"""Rows of equicorrelated tokens, Gaussian cloud and exact simplex, have the full simulator's law.

False-alarm rate 2e-9 a comparison and the power of `tests.simulation.test_laws`, whose comparisons
these are: laws of four observables and of single logits, and mean products of logits, which show
the common part of the keys that softmax does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import choose
from tests.simulation.cases import MAPS, experiment
from tests.simulation.test_bits import simulators, slices_agree
from tests.simulation.test_laws import compare, disagreeing, in_blocks
from tests.statistics import distance_of_means

Array = NDArray[np.float64]


def cloud(name: str, cosine: float, T: int) -> Ensemble:
    table = experiment(name, "iid", T).to_dict()
    table["tokens"] |= {"law": "equicorrelated", "cosine": cosine}
    return Ensemble.from_dict(table)


def simplex(cosine: float, T: int, d: int = 6, **changes: Any) -> Ensemble:
    matrix = {"model": "gaussian_factors", "d_k": 3, "scale": 1.4, "draw": "every_sample"}
    matrix = {name: value for name, value in (matrix | changes).items() if value is not None}
    return Ensemble.from_dict(
        {
            "d": d,
            "T": T,
            "matrix": matrix,
            "tokens": {"law": "simplex", "cosine": cosine},
            "attention": {"temperature": "sqrt_d"},
        }
    )


# --- the Gaussian cloud, W held fixed -------------------------------------------------------------


@pytest.mark.parametrize(
    ("cosine", "T"), [(0.4, 1), (0.4, 2), (0.4, 12), (-0.2, 5), (-0.25, 5), (1.0, 5), (0.0, 5)]
)
@pytest.mark.parametrize("name", ["general W, full Sigma", "general W, pinned query"])
def test_the_cloud_has_the_law_of_the_full_simulation(name: str, cosine: float, T: int) -> None:
    ensemble = cloud(name, cosine, T)
    found = compare(
        in_blocks(ensemble, "full"), in_blocks(ensemble, "equicorrelated_row"), ensemble
    )
    assert disagreeing(found) == []
    assert found["entropy"].visible < 0.061


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_so_it_has_for_every_kind_of_map(name: str) -> None:
    ensemble = cloud(name, 0.5, 7)
    found = compare(
        in_blocks(ensemble, "full"), in_blocks(ensemble, "equicorrelated_row"), ensemble
    )
    assert disagreeing(found) == []


def test_the_cloud_may_meet_a_map_of_its_own_in_every_sample() -> None:
    table = cloud("general W, full Sigma", 0.4, 5).to_dict()
    table["matrix"] = {"model": "goe", "draw": "every_sample"}
    ensemble = Ensemble.from_dict(table)
    n = 6000
    a, b = (in_blocks(ensemble, s)[:n] for s in ("full", "equicorrelated_row"))
    assert disagreeing(compare(a, b, ensemble)) == []


# --- the simplex, W Gaussian and redrawn ----------------------------------------------------------


#: Samples of the full simulator take 0.1 ms each: the maps are made one by one.
SIMPLICES = [
    pytest.param({}, 0.3, 6),
    pytest.param({"model": "ginibre", "d_k": None}, -0.2, 6),
    pytest.param({"d_k": 1}, 0.0, 4, marks=pytest.mark.slow),
    pytest.param({}, 1.0, 3, marks=pytest.mark.slow),
    pytest.param({}, -0.2, 6, marks=pytest.mark.slow),
    pytest.param({}, 0.7, 1, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("matrix", "cosine", "T"), SIMPLICES)
def test_the_simplex_has_the_law_of_the_full_simulation(
    matrix: dict[str, Any], cosine: float, T: int
) -> None:
    ensemble = simplex(cosine, T, **matrix)
    a, b = in_blocks(ensemble, "full"), in_blocks(ensemble, "simplex_row")
    found = compare(a, b, ensemble)
    assert disagreeing(found) == []
    assert found["entropy"].visible < 0.061


def test_the_self_logit_of_the_simplex_is_one_among_the_others() -> None:
    """ENT-13: E w_TT^2 = E w_Tj^2 = s0^2 and E w_TT w_Tj = s0^2 cosine."""
    logits = in_blocks(simplex(0.3, 5), "full")
    assert distance_of_means(logits[:, -1] ** 2, 1.96).agrees
    assert distance_of_means(logits[:, 0] ** 2, 1.96).agrees
    assert distance_of_means(logits[:, 0] * logits[:, -1], 0.3 * 1.96).agrees
    assert distance_of_means(logits[:, -1] ** 2, 1.15 * 1.96).differs


def test_scales_of_queries_are_chi_squares_over_d_k() -> None:
    """w_1 - w_2 given s is N(0, 2 (1 - cosine) s^2): kurtosis 3 (1 + 2/d_k) instead of 3."""
    logits = in_blocks(simplex(0.3, 5), "simplex_row")
    difference = (logits[:, 0] - logits[:, 1]) / np.sqrt(2.0 * 0.7 * 1.96)
    assert distance_of_means(difference**4, 3.0 * (1.0 + 2.0 / 3.0)).agrees
    assert distance_of_means(difference**4, 3.0).differs
    assert stats.kstest(difference, "norm").pvalue < 1e-9


# --- mistakes are noticed -------------------------------------------------------------------------

#: Reductions with one mistake each, as a map of the logits of correct rows.
MISTAKES: dict[str, Callable[[Array], Array]] = {
    "temperature 10 % too low": lambda w: 1.1 * w,
    "no common part": lambda w: w - w.mean(axis=1, keepdims=True),
    "a self-logit of its own": lambda w: np.column_stack([w[:, :-1], 1.3 * w[:, -1]]),
    "one scale for all queries": lambda w: 1.4 * w / w.std(axis=1, keepdims=True),
}


def test_mistaken_simplex_rows_are_noticed() -> None:
    ensemble = simplex(0.3, 6)
    full, right = in_blocks(ensemble, "full"), in_blocks(ensemble, "simplex_row")
    for name, mistake in MISTAKES.items():
        assert disagreeing(compare(full, mistake(right), ensemble)) != [], name


@pytest.mark.parametrize("other", [0.3, 0.5])
def test_another_cosine_is_noticed(other: float) -> None:
    name = "general W, full Sigma"
    full = in_blocks(cloud(name, 0.4, 8), "full")
    wrong = in_blocks(cloud(name, other, 8), "equicorrelated_row")
    assert disagreeing(compare(full, wrong, cloud(name, 0.4, 8))) != []


# --- reach and bits -------------------------------------------------------------------------------


def test_the_reductions_are_chosen_where_they_hold_and_nowhere_else() -> None:
    entropy = OBSERVABLES["entropy"]
    assert choose(cloud("general W, full Sigma", 0.4, 8), entropy).name == "equicorrelated_row"
    assert choose(simplex(0.3, 5), entropy).name == "simplex_row"
    assert choose(simplex(0.3, 5, draw="once"), entropy).name == "full"
    assert choose(simplex(0.3, 5, model="goe", d_k=None), entropy).name == "full"
    assert choose(simplex(0.3, 5), OBSERVABLES["stable_rank"]).name == "full_matrix"


@pytest.mark.parametrize("T", [1, 2, 6, 33])
def test_a_sample_depends_on_its_number_alone(T: int) -> None:
    names = set()
    for ensemble in (cloud("general W, full Sigma", 0.4, T), simplex(0.4, T, d=33)):
        for simulator, observables in simulators(ensemble):
            names.add(simulator.name)
            assert slices_agree(simulator, observables, 12), simulator.name
    assert names == {"full", "full_matrix", "equicorrelated_row", "simplex_row"}


def test_logits_beyond_double_precision_are_refused() -> None:
    ensemble = simplex(0.3, 5, scale=1e150)
    with pytest.raises(ValueError, match="keeps logits below"):
        choose(ensemble, OBSERVABLES["entropy"])(Realization(ensemble, 0))
