"""Observables against definitions in plain NumPy and against cases with exact answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import qktheory as qk
from qktheory.attention.normalizer import NORMALIZERS
from qktheory.kernels import ScoreRows
from qktheory.observables.draws import Matrices, Rows, UnformedRows
from qktheory.observables.observable import OBSERVABLES, Observable, RowObservable, find_observables
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS

Array = NDArray[np.float64]

# --- definitions ----------------------------------------------------------------------------------


def weights(w: Array, normalizer: str) -> Array:
    """One row of attention; -inf is a masked key."""
    visible = np.isfinite(w)
    if normalizer == "softmax":
        e = np.exp(w - w[visible].max())
        return e / e.sum()
    T, mean = visible.sum(), w[visible].mean()
    A = np.zeros_like(w)
    A[visible] = np.clip((1 + w[visible] - mean) / T, 0, 1)
    return A


def share(w: Array, normalizer: str) -> Array:
    A = weights(w, normalizer)
    return A / A.sum()


def centred(w: Array) -> Array:
    return w - w[np.isfinite(w)].mean()


def alive(w: Array) -> Array:
    T = np.isfinite(w).sum()
    return ((centred(w) > -1) & (centred(w) < T - 1)).astype(float)


def shannon(p: Array) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


#: From (logits of a row, position of the query, normaliser) to the value.
ROW_DEFINITIONS: dict[str, Callable[[Array, int, str], float | Array]] = {
    "entropy": lambda w, i, n: shannon(share(w, n)),
    "participation": lambda w, i, n: float((share(w, n) ** 2).sum()),
    "y_3": lambda w, i, n: float((share(w, n) ** 3).sum()),
    "y_0.5": lambda w, i, n: float((share(w, n) ** 0.5).sum()),
    "max_weight": lambda w, i, n: float(share(w, n).max()),
    "self_weight": lambda w, i, n: float(weights(w, n)[i]),
    "alive_fraction": lambda w, i, n: float(alive(w).mean()),
    "profile": lambda w, i, n: weights(w, n),
    "rho": lambda w, i, n: alive(w),
    "logit": lambda w, i, n: w,
    "centred_logit": lambda w, i, n: centred(w),
}


def stable_rank(A: Array) -> float:
    gram = np.linalg.eigvalsh(A.T @ A)
    return float(np.trace(A.T @ A) / gram[-1])


def effective_rank(A: Array) -> float:
    sigma = np.sqrt(np.maximum(np.linalg.eigvalsh(A.T @ A), 0.0))
    return math.exp(shannon(sigma / sigma.sum()))


MATRIX_DEFINITIONS: dict[str, Callable[[Array], float]] = {
    "stable_rank": stable_rank,
    "effective_rank": effective_rank,
    "sink_score": lambda A: sum(row[0] for row in A) / len(A),
    "sink_rate": lambda A: float(sum(row[0] for row in A) / len(A) > 0.3),
}


def test_every_observable_is_specified_here() -> None:
    """Those of networks are in test_network_observables, of features in test_feature_rows."""
    elsewhere = ("network", "features")
    single = {name for name in OBSERVABLES if OBSERVABLES[name].needs not in elsewhere}
    assert single <= set(ROW_DEFINITIONS) | set(MATRIX_DEFINITIONS)


def measured(name: str, logits: Array, query: int, normalizer: str = "softmax") -> Array:
    observable = OBSERVABLES[name]
    assert isinstance(observable, RowObservable)
    rows = Rows(np.atleast_2d(logits), np.array([query]), NORMALIZERS[normalizer])
    return observable.compute(rows).reshape(-1)


ROWS = st.lists(st.floats(-9.0, 9.0), min_size=1, max_size=8)


@pytest.mark.parametrize("normalizer", ["softmax", "clipped_linear"])
@pytest.mark.parametrize("name", ROW_DEFINITIONS)
@given(row=ROWS, at=st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_row_observables_are_their_definition(
    name: str, normalizer: str, row: list[float], at: int
) -> None:
    w, query = np.array(row), at % len(row)
    expected = ROW_DEFINITIONS[name](w, query, normalizer)
    if name in ("rho", "alive_fraction"):
        q, T = centred(w), len(w)
        if np.minimum(np.abs(q + 1), np.abs(q - T + 1)).min() < 1e-12:
            return  # rounding decides
    np.testing.assert_allclose(
        measured(name, w, query, normalizer), np.atleast_1d(expected), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("normalizer", ["softmax", "clipped_linear"])
@pytest.mark.parametrize("name", [n for n in ROW_DEFINITIONS if "logit" not in n])
@given(row=st.lists(st.floats(-200.0, 200.0), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_values_lie_in_the_declared_range(name: str, normalizer: str, row: list[float]) -> None:
    """The range enters the confidence intervals, so it must hold on every draw."""
    bounds = OBSERVABLES[name].bounds(len(row))
    assert bounds is not None
    values = measured(name, np.array(row), 0, normalizer)
    slack = 1e-12 * max(map(abs, bounds))
    assert values.min() >= bounds[0] - slack
    assert values.max() <= bounds[1] + slack


@pytest.mark.parametrize("T", [1, 2, 3, 64, 1000])
def test_a_uniform_row(T: int) -> None:
    w = np.full(T, 0.75)
    assert measured("entropy", w, 0)[0] == pytest.approx(math.log(T), rel=1e-15, abs=0)
    for name, value in (("participation", 1 / T), ("max_weight", 1 / T), ("self_weight", 1 / T)):
        assert measured(name, w, T - 1)[0] == pytest.approx(value, rel=4e-16)
    assert measured("y_3", w, 0)[0] == pytest.approx(T**-2.0, rel=1e-13)
    np.testing.assert_array_equal(measured("centred_logit", w, 0), np.zeros(T))
    # q = 0 is alive, except that a single key has the empty interval (-1, 0).
    np.testing.assert_array_equal(measured("rho", w, 0), np.full(T, float(T > 1)))


@pytest.mark.parametrize("T", [2, 3, 50])
def test_a_row_with_all_its_weight_on_one_key(T: int) -> None:
    w = np.zeros(T)
    w[1] = 1e4
    expected = {"entropy": 0.0, "participation": 1.0, "max_weight": 1.0, "y_3": 1.0, "y_0.5": 1.0}
    for name, value in expected.items():
        assert measured(name, w, 0)[0] == value
    assert measured("self_weight", w, 1)[0] == 1.0
    assert measured("self_weight", w, 0)[0] == 0.0
    np.testing.assert_array_equal(measured("profile", w, 0), np.eye(T)[1])


def test_a_single_key() -> None:
    w = np.array([-3.0])
    assert measured("entropy", w, 0)[0] == 0.0
    for name in ("participation", "max_weight", "self_weight", "y_3"):
        assert measured(name, w, 0)[0] == 1.0
    assert OBSERVABLES["entropy"].bounds(1) == (0.0, 0.0)


@given(row=st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=8))
@settings(deadline=None)
def test_participations_are_a_family(row: list[float]) -> None:
    """Y_1 = 1, Y_2 is `participation`, Y_q decreases with q, and -d/dq ln Y_q at 1 is H."""
    w = np.array(row)
    assert measured("y_1", w, 0)[0] == pytest.approx(1.0, rel=1e-13)
    assert measured("y_2", w, 0)[0] == pytest.approx(measured("participation", w, 0)[0], rel=1e-12)
    orders = [measured(f"y_{q}", w, 0)[0] for q in ("0.5", "1", "1.5", "2", "4")]
    assert all(a >= b * (1 - 1e-12) for a, b in pairwise(orders))
    slope = measured("y_0.99999", w, 0)[0] - measured("y_1.00001", w, 0)[0]
    assert slope / 2e-5 == pytest.approx(measured("entropy", w, 0)[0], rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("normalizer", ["softmax", "clipped_linear"])
def test_y_2_and_participation_are_one_quantity(normalizer: str) -> None:
    w = np.random.default_rng(0).normal(0.0, 3.0, size=12)
    y_2, participation = (measured(n, w, 0, normalizer)[0] for n in ("y_2", "participation"))
    assert y_2 == pytest.approx(participation, rel=1e-13)


# --- matrices -------------------------------------------------------------------------------------


def logits_of(A: Array) -> Array:
    """Scores whose softmax is the given stochastic matrix."""
    with np.errstate(divide="ignore"):
        return np.log(A)


def of_matrix(name: str, logits: Array, normalizer: str = "softmax") -> float:
    observable = OBSERVABLES[name]
    return float(observable.compute(Matrices(logits[None], NORMALIZERS[normalizer]))[0])  # type: ignore[attr-defined]


KNOWN = [
    (np.full((5, 5), 0.2), 1.0, 1.0),
    (np.eye(4), 4.0, 4.0),
    (np.eye(3)[[1, 2, 0]], 3.0, 3.0),
    (np.array([[1.0]]), 1.0, 1.0),
    (np.tile([0.7, 0.2, 0.1], (3, 1)), 1.0, 1.0),
    # Two blocks of uniform rows: singular values (1, 1, 0, 0).
    (np.kron(np.eye(2), np.full((2, 2), 0.5)), 2.0, 2.0),
    # [[a, b], [b, a]]: singular values 1 and a - b = 0.6.
    (np.array([[0.8, 0.2], [0.2, 0.8]]), 1.36, 1.6 / 0.6**0.375),
]


@pytest.mark.parametrize(("A", "stable", "effective"), KNOWN)
def test_ranks_of_known_matrices(A: Array, stable: float, effective: float) -> None:
    assert of_matrix("stable_rank", logits_of(A)) == pytest.approx(stable, rel=1e-13)
    assert of_matrix("effective_rank", logits_of(A)) == pytest.approx(effective, rel=1e-12)


@pytest.mark.parametrize("normalizer", ["softmax", "clipped_linear"])
@pytest.mark.parametrize("name", MATRIX_DEFINITIONS)
def test_matrix_observables_are_their_definition_and_within_range(
    name: str, normalizer: str
) -> None:
    rng = np.random.default_rng(3)
    for T in (1, 2, 6):
        logits = rng.normal(0.0, 2.0, size=(T, T))
        A = np.array([weights(row, normalizer) for row in logits])
        value = of_matrix(name, logits, normalizer)
        assert value == pytest.approx(MATRIX_DEFINITIONS[name](A), rel=1e-7)
        bounds = OBSERVABLES[name].bounds(T)
        assert bounds is not None
        assert bounds[0] <= value * (1 + 1e-12)
        assert value <= bounds[1] * (1 + 1e-11)


def test_sink_scores_have_a_null_model() -> None:
    """iid scores under a causal mask: H_T/T on average (ZOO-SINK-1a), and no head is a sink.

    False alarms below 1e-6: five standard errors of the mean over 2000 heads. The wrong twin, the
    score of unmasked attention, fails.
    """
    T, heads = 24, 2000
    scores = np.random.default_rng(5).normal(0.0, 1.0, size=(heads, T, T))
    free = Matrices(scores.copy(), NORMALIZERS["softmax"])
    scores[:, *np.triu_indices(T, 1)] = -np.inf
    matrices = Matrices(scores, NORMALIZERS["softmax"])
    expected = qk.evaluate("ZOO-SINK-1a", T=T)["sink_score_uniform"]
    for drawn, agrees in ((matrices, True), (free, False)):
        found = OBSERVABLES["sink_score"].compute(drawn)  # type: ignore[attr-defined]
        error = found.std() / math.sqrt(heads)
        assert (abs(found.mean() - expected) < 5.0 * error) == agrees
    assert OBSERVABLES["sink_rate"].compute(matrices).mean() < 0.01  # type: ignore[attr-defined]


# --- over all queries -----------------------------------------------------------------------------


@pytest.mark.parametrize("mask", ["none", "causal"])
@pytest.mark.parametrize("normalizer", ["softmax", "clipped_linear"])
def test_over_all_queries_the_rows_are_averaged(normalizer: str, mask: str) -> None:
    """From the tokens to the average, by definition: row t of a causal mask has t keys."""
    T, d = 7, 3
    rng = np.random.default_rng(8)
    X, W = rng.normal(size=(T, d)), rng.normal(size=(d, d))
    ensemble = Ensemble.from_dict(
        {
            "d": d,
            "T": T,
            "matrix": {"W": W},
            "tokens": {"law": "fixed", "X": X},
            "attention": {
                "temperature": "sqrt_d",
                "query": "all",
                "mask": mask,
                "normalizer": normalizer,
            },
        }
    )
    S = X @ W @ X.T / math.sqrt(d)
    if mask == "causal":
        S[np.triu_indices(T, 1)] = -np.inf
    names = [n for n in ROW_DEFINITIONS if mask == "none" or "logit" not in n]
    simulator = SIMULATORS["full_matrix"](Realization(ensemble, 0))
    found = simulator.measure([OBSERVABLES[n] for n in names], 0, 2)
    for name, value in zip(names, found, strict=True):
        rows = [ROW_DEFINITIONS[name](S[i], i, normalizer) for i in range(T)]
        expected = np.mean(np.array([np.atleast_1d(r) for r in rows]), axis=0)
        np.testing.assert_allclose(value, np.tile(expected, (2, 1)), rtol=1e-11, atol=1e-13)
    A = np.array([weights(S[i], normalizer) for i in range(T)])
    ranks = simulator.measure([OBSERVABLES[n] for n in MATRIX_DEFINITIONS], 0, 1)
    for name, value in zip(MATRIX_DEFINITIONS, ranks, strict=True):
        assert value[0, 0] == pytest.approx(MATRIX_DEFINITIONS[name](A), rel=1e-7)


def test_no_weight_exceeds_one_however_large_the_scores() -> None:
    """Each token attends to itself alone: scores of 1000 are rounded by 1e-13."""
    X = np.random.default_rng(0).standard_normal((64, 16))
    rows = UnformedRows(ScoreRows(50.0 * X, X), NORMALIZERS["softmax"])
    assert rows.self_weight.max() == 1.0
    np.testing.assert_allclose(
        rows.self_weight[:5], rows.weights[np.arange(5), np.arange(5)], 1e-11
    )


# --- the catalogue --------------------------------------------------------------------------------


def test_selections() -> None:
    assert [o.name for o in find_observables(["rho", "entropy", "rho"])] == ["rho", "entropy"]
    own = RowObservable("entropy", "", "", lambda T: None, compute=lambda rows: rows.weights)
    with pytest.raises(ValueError, match="two different observables are called 'entropy'"):
        find_observables(["entropy", own])
    for name, near in (("entropie", "entropy"), ("Rho", "rho"), ("stable rank", "stable_rank")):
        with pytest.raises(ValueError, match=f"did you mean '{near}'"):
            find_observables([name])
    for name in ("y_", "y_-1", "y_x", "y_nan", "y_0"):
        with pytest.raises(ValueError, match=r"unknown observable|q = 0"):
            find_observables([name])


def test_sizes() -> None:
    for observable in map(OBSERVABLES.__getitem__, OBSERVABLES):
        assert isinstance(observable, Observable)
        length = {"key": 7, "state": 4, "layer": 3, "length": 4}[observable.index]
        assert observable.size(7, depth=3) == (length if observable.vector else 1)
        assert observable.needs in ("row", "matrix", "network", "features")
        assert observable.title
        assert observable.definition
