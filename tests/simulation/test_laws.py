"""All simulators of a row draw from the same law.

Every comparison is a two-sample test with false-alarm rate 2e-9: of means six standard errors, of
laws the Kolmogorov distance 0.032 at 20 000 samples, blind with probability 1e-3 at most beyond
0.060 (`tests.statistics`). Each specification has a wrong twin that must fail at the same size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from qktheory.observables.draws import Rows
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, RowSimulator
from tests.simulation.cases import FULL3, MAPS, W3, experiment
from tests.statistics import Distance, distance_of_laws, distance_of_means

N = 20_000
LAWS = {"iid": "iid_row", "random_walk": "bridge_row"}
SCALARS = ("entropy", "participation", "self_weight", "max_weight")


def rows(ensemble: Ensemble, simulator: str, n: int = N, seed: int = 7) -> Rows:
    drawn = SIMULATORS[simulator](Realization(ensemble, seed))
    assert isinstance(drawn, RowSimulator)
    return drawn.rows(0, n)


def in_blocks(ensemble: Ensemble, simulator: str, size: int = 2000) -> NDArray[np.float64]:
    """Logits of N rows, drawn a block at a time where tokens would fill the memory."""
    drawn = SIMULATORS[simulator](Realization(ensemble, 7))
    assert isinstance(drawn, RowSimulator)
    return np.concatenate([drawn.rows(start, size).logits for start in range(0, N, size)])


def compare(
    a: NDArray[np.float64], b: NDArray[np.float64], ensemble: Ensemble
) -> dict[str, Distance]:
    """Distances of laws of observables and of single logits, and of their mean products."""
    T = ensemble.T
    query = np.full(len(a), T - 1)
    first, second = (Rows(x, query, ensemble.attention.normalize) for x in (a, b))
    found = {}
    for name in SCALARS:
        compute = OBSERVABLES[name].compute  # type: ignore[attr-defined]
        found[name] = distance_of_laws(compute(first), compute(second))
    keys = sorted({0, T // 3, T // 2, T - 1})
    for i in keys:
        found[f"law of w_{i}"] = distance_of_laws(a[:, i], b[:, i])
        for j in keys:
            found[f"E w_{i} w_{j}"] = distance_of_means(a[:, i] * a[:, j], b[:, i] * b[:, j])
    # Neighbouring keys: increments of the walk, differences of iid logits.
    if T > 2:
        found["law of w_2 - w_1"] = distance_of_laws(a[:, 1] - a[:, 0], b[:, 1] - b[:, 0])
    return found


def disagreeing(found: dict[str, Distance]) -> list[str]:
    return [name for name, distance in found.items() if distance.differs]


@pytest.mark.parametrize("T", [1, 2, 5, 48])
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("law", LAWS)
def test_the_reduction_has_the_law_of_the_full_simulation(law: str, name: str, T: int) -> None:
    ensemble = experiment(name, law, T)
    found = compare(in_blocks(ensemble, "full"), in_blocks(ensemble, LAWS[law]), ensemble)
    assert disagreeing(found) == []
    assert found["entropy"].visible < 0.061


@pytest.mark.parametrize("law", LAWS)
def test_also_for_a_long_row(law: str) -> None:
    ensemble = experiment("general W, full Sigma", law, 400)
    n = 5000
    a, b = rows(ensemble, "full", n), rows(ensemble, LAWS[law], n)
    assert disagreeing(compare(a.logits, b.logits, ensemble)) == []


#: Reductions with one mistake each, as a map of the logits of correct rows.
MISTAKES: dict[str, dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "iid": {
        "temperature 10 % too low": lambda w: 1.1 * w,
        "the query is not among its keys": lambda w: np.column_stack([w[:, :-1], w[:, 0]]),
        "the query stands first": lambda w: np.roll(w, 1, axis=1),
    },
    "random_walk": {
        "temperature 10 % too low": lambda w: 1.1 * w,
        "no drift": lambda w: w - w[:, -1:] * np.arange(1, w.shape[1] + 1) / w.shape[1],
        "key 1 at the pinned origin": lambda w: np.column_stack([0 * w[:, :1], w[:, 1:]]),
        "time runs backwards": lambda w: w[:, ::-1],
    },
}


@pytest.mark.parametrize(
    ("law", "mistake"), [(law, name) for law, names in MISTAKES.items() for name in names]
)
def test_a_mistaken_reduction_is_noticed(law: str, mistake: str) -> None:
    ensemble = experiment("general W, full Sigma", law, 5)
    wrong = MISTAKES[law][mistake](in_blocks(ensemble, LAWS[law]))
    assert disagreeing(compare(in_blocks(ensemble, "full"), wrong, ensemble)) != []


@pytest.mark.parametrize(("law", "wrong"), [("iid", "bridge_row"), ("random_walk", "iid_row")])
def test_the_reduction_of_another_law_is_noticed(law: str, wrong: str) -> None:
    ensemble = experiment("general W, full Sigma", law, 5)
    found = compare(in_blocks(ensemble, "full"), in_blocks(ensemble, wrong), ensemble)
    assert disagreeing(found) != []


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("law", [*LAWS, "ar1"])
def test_the_whole_matrix_has_the_last_row_of_the_full_simulation(law: str, name: str) -> None:
    """Both draw the same tokens, so they agree sample by sample and not in law only."""
    table = experiment(name, "iid", 7).to_dict()
    table["tokens"]["law"] = law
    if law == "ar1":
        table["tokens"]["phi"] = 0.5
    realization = Realization(Ensemble.from_dict(table), 3)
    names = [*SCALARS, "logit", "centred_logit", "profile", "rho", "alive_fraction", "y_3"]
    observables = [OBSERVABLES[n] for n in names]
    whole = SIMULATORS["full_matrix"](realization).measure(observables, 0, 50)
    row = SIMULATORS["full"](realization).measure(observables, 0, 50)
    for name_, a, b in zip(names, whole, row, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12, err_msg=name_)
    other = SIMULATORS["full"](realization).measure(observables, 1, 50)
    assert not np.allclose(row[0], other[0])


# --- the transpose of LOC-8 -----------------------------------------------------------------------


def transposed(ensemble: Ensemble) -> Ensemble:
    """With W^T for W: same xi, eta, eta_F and drift, but s^2 = x^T W^T Sigma W x."""
    table = ensemble.to_dict()
    table["matrix"]["W"] = np.transpose(table["matrix"]["W"]).tolist()
    return Ensemble.from_dict(table)


def given_query(law: str, query: list[float] | None) -> Ensemble:
    tokens = {"law": law, "covariance": FULL3, **({"query": query} if query else {})}
    return Ensemble.from_dict({"d": 3, "T": 6, "matrix": {"W": W3}, "tokens": tokens})


@pytest.mark.parametrize("law", LAWS)
def test_given_the_query_the_transpose_is_noticed(law: str) -> None:
    """x^T W Sigma W^T x is 1.852 at this query and its transposed variant 0.363."""
    x, W, S = np.array([1.0, 0.0, -1.0]), np.array(W3), np.array(FULL3)
    right, wrong = x @ W @ S @ W.T @ x, x @ W.T @ S @ W @ x
    assert (round(right, 12), round(wrong, 12)) == (1.852, 0.363)
    ensemble = given_query(law, x.tolist())
    full = in_blocks(ensemble, "full")
    assert disagreeing(compare(full, in_blocks(ensemble, LAWS[law]), ensemble)) == []
    found = compare(full, in_blocks(transposed(ensemble), LAWS[law]), ensemble)
    assert "entropy" in disagreeing(found)
    assert "E w_0 w_0" in disagreeing(found)
    # Drift and self-logit do not depend on the transpose.
    assert found["E w_5 w_5"].agrees
    expected = right * (5.0 / 6.0 if law == "random_walk" else 1.0)
    mean = x @ W @ x / 6.0 if law == "random_walk" else 0.0
    assert distance_of_means((full[:, 0] - mean) ** 2, expected).agrees


@pytest.mark.parametrize("law", LAWS)
def test_over_queries_the_transpose_hides_from_all_second_moments(law: str) -> None:
    """Mean and covariance of the logits depend on xi, eta, eta_F only (LOC-1): no test of them
    can see the transpose, which is why the specification above pins the query."""
    ensemble = given_query(law, None)
    full, variant = in_blocks(ensemble, "full"), in_blocks(transposed(ensemble), LAWS[law])
    for i in range(6):
        assert distance_of_means(full[:, i], variant[:, i]).agrees
        for j in range(6):
            assert distance_of_means(full[:, i] * full[:, j], variant[:, i] * variant[:, j]).agrees
