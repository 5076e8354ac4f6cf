"""Monte Carlo against the numbers printed in the localization chapter, LOC-9 to LOC-13.

Seeds are fixed. A comparison with a printed number allows six standard errors of both sides (false
alarms below 2e-9) and half a unit of the last printed digit, and must refuse the entry beside it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.observables.draws import Matrices, Rows
from qktheory.observables.observable import MatrixObservable, RowObservable
from qktheory.theorems.bao2024.aliveness import semicircle_spectrum
from qktheory.theorems.bao2024.collapse import full_attention
from qktheory.theorems.bao2024.true_softmax import bridge_ensemble
from tests.statistics import Distance


def distance(values: Any, printed: float, unit: float, error: float = 0.0) -> Distance:
    """Compare a sample mean with a printed number that has a standard error of its own."""
    sample = np.asarray(values, dtype=np.float64)
    own = sample.std(ddof=1) / math.sqrt(sample.size)
    threshold = 6.0 * math.hypot(own, error) + 0.5 * unit
    return Distance(abs(float(sample.mean()) - printed), threshold, 2.0 * threshold)


# --- LOC-9 ----------------------------------------------------------------------------------------

#: Increment variance: how far, in percent, the participation lies below the continuum.
DISCRETISATION = {0.5: (1.0, 0.1), 1.0: (3.5, 0.1), 2.0: (10.0, 1.0)}


@pytest.mark.parametrize("s2", DISCRETISATION)
def test_participation_below_the_continuum(s2: float) -> None:
    """LOC-9 "Discretization": m = 0, kappa^2 = 16, T = 16/s^2."""
    T = round(16.0 / s2)
    continuum = qk.evaluate("LOC-9b", self_logit=0.0, kappa2=16.0)["scaled_participation"]
    assert continuum == pytest.approx(7.0 / 3.0, rel=1e-12)
    simulation = qk.Simulation.prepare(
        bridge_ensemble(0.0, s2, T), ["participation"], seed=0, simulator="bridge_row"
    )
    scaled = T * simulation.draws(0, 400_000)["participation"]
    below = 100.0 * (1.0 - scaled / continuum)
    percent, unit = DISCRETISATION[s2]
    assert distance(below, percent, unit).agrees
    for wrong in {0.0, *(entry for entry, _ in DISCRETISATION.values())} - {percent}:
        assert distance(below, wrong, unit).differs


def profile(self_logit: float, s2: float, T: int) -> qk.Estimate:
    simulation = qk.simulate(
        bridge_ensemble(self_logit, s2, T),
        ["profile"],
        samples=100_000,
        seed=1,
        delta=1e-6,
        simulator="full",
    )
    return simulation["profile"]


@pytest.mark.parametrize(("s2", "T"), [(0.01, 5), (1.0, 12), (9.0, 12), (4.0, 2)])
def test_keys_of_a_bridge_without_drift_are_exchangeable(s2: float, T: int) -> None:
    """LOC-9.1: E A_i = 1/T for every key at every s; intervals simultaneous at 1e-6."""
    found = profile(0.0, s2, T)
    assert found.mean.shape == (T,)
    assert (found.low <= 1.0 / T).all()
    assert (found.high >= 1.0 / T).all()
    drifting = profile(0.5, s2, T)
    assert ((drifting.low > 1.0 / T) | (drifting.high < 1.0 / T)).any()


# --- LOC-10 ---------------------------------------------------------------------------------------

#: Variance of the semicircle in units of mean^2 (None: a single spike): Lambda with its standard
#: error, T E Y_2. d = 8, T xi = 4, 4e6 samples.
LOCALIZATION = {
    0.0: (0.93132, 1.9e-4, 2.31417),
    1.0: (0.90491, 2.6e-4, 2.54351),
    4.0: (0.80595, 3.0e-4, 3.31487),
    25.0: (0.48701, 2.2e-4, 8.44002),
    None: (0.82573, 4.4e-4, 3.75543),
}


def eigenvalues(variance: float | None) -> list[float]:
    if variance is None:
        return [4.0] + [0.0] * 7
    if variance == 0.0:
        return [0.5] * 8
    return [float(mu) for mu in semicircle_spectrum(4.0, 2.0 * (1.0 + variance), 8)]


@pytest.mark.parametrize("variance", LOCALIZATION)
@pytest.mark.parametrize("T", [1, 1000])
def test_lambda_of_eight_eigenvalues(variance: float | None, T: int) -> None:
    Lambda, error, participation = LOCALIZATION[variance]
    spectrum = np.array(eigenvalues(variance))
    found = qk.evaluate("LOC-10a", eigenvalues=(spectrum / T).tolist(), T=T)
    # Six standard errors of a printed number: false alarms below 2e-9.
    assert abs(found["Lambda"] - Lambda) <= 6.0 * error
    # |d/dm (m/2) coth(m/2)| <= 1/2, so its standard deviation is at most half that of m.
    error_of_participation = 0.5 * math.sqrt(2.0 * float(spectrum @ spectrum)) / 2000.0
    assert abs(found["scaled_participation"] - participation) <= 6.0 * error_of_participation
    for other, (value, other_error, _) in LOCALIZATION.items():
        if other != variance:
            assert abs(found["Lambda"] - value) > 6.0 * (error + other_error)


def test_lambda_is_the_difference_of_the_ends_over_their_sum() -> None:
    """Definition of Lambda, against the two other values of the claim."""
    for variance in LOCALIZATION:
        found = qk.evaluate("LOC-10a", eigenvalues=eigenvalues(variance), T=1)
        end, first = found["scaled_end_weight"], found["scaled_first_weight"]
        assert end - first == pytest.approx(4.0, rel=1e-9)
        assert found["Lambda"] == pytest.approx((end - first) / (end + first), rel=1e-9)


# --- LOC-12 ---------------------------------------------------------------------------------------

#: xi, eta, T: quarters of rho, quarters of E A, sum E A (1 - A), H/ln T with its standard error.
#: 20 000 rows of the wide-spectrum law.
CLIPPED_AND_TRUE: dict[tuple[float, float, int], tuple[Any, Any, float, float, float]] = {
    (2 / 256, 4 / 256**2, 256): (
        (0.177, 0.256, 0.289, 0.278),
        (0.164, 0.169, 0.231, 0.436),
        0.992,
        0.9250,
        4e-4,
    ),
    (0.0, 4 / 256**2, 256): (
        (0.232, 0.268, 0.268, 0.232),
        (0.286, 0.213, 0.212, 0.288),
        0.993,
        0.9375,
        3e-4,
    ),
    (1.0, 0.01, 256): (
        (0.000, 0.027, 0.476, 0.496),
        (0.000, 0.000, 0.000, 1.000),
        0.514,
        0.1921,
        7e-4,
    ),
    (4.0, 0.5, 256): (
        (0.000, 0.085, 0.759, 0.156),
        (0.000, 0.000, 0.002, 0.997),
        0.128,
        0.0407,
        4e-4,
    ),
    (0.0, 1.0, 256): (
        (0.237, 0.263, 0.263, 0.237),
        (0.365, 0.136, 0.133, 0.366),
        0.123,
        0.0390,
        4e-4,
    ),
}


@pytest.mark.parametrize(("xi", "eta", "T"), CLIPPED_AND_TRUE)
def test_the_clipped_theory_against_the_true_softmax(xi: float, eta: float, T: int) -> None:
    rho, weights, sensitivity, entropy, entropy_error = CLIPPED_AND_TRUE[xi, eta, T]
    assert qk.evaluate("LOC-12a", xi=xi, eta=eta, T=T)["rho_quarters"] == pytest.approx(
        rho, abs=5.1e-4
    )
    quarters = [
        RowObservable(
            f"quarter_{k}",
            "share of a quarter",
            "share of a quarter",
            lambda T: (0.0, 1.0),
            compute=lambda rows, k=k: rows.weights[:, k * T // 4 : (k + 1) * T // 4].sum(axis=1),
        )
        for k in range(4)
    ]
    # Width 2048 for the law of infinite width: the error of order 1/d is far below six
    # standard errors.
    simulation = qk.Simulation.prepare(
        {
            "d": 2048,
            "T": T,
            "spectrum": {"law": "semicircle", "xi": xi, "eta": eta},
            "tokens": {"law": "random_walk"},
        },
        ["participation", "entropy", *quarters],
        seed=2,
        simulator="bridge_row",
    )
    drawn = simulation.draws(0, 10_000)
    found = [drawn[f"quarter_{k}"] for k in range(4)]
    for sample, printed in zip(found, weights, strict=True):
        # The table has as many rows twice over: its standard error is ours divided by sqrt 2.
        error = float(sample.std()) / math.sqrt(20_000)
        assert distance(sample, printed, 1e-3, error).agrees
    assert distance(found[3], rho[3], 1e-3, float(found[3].std()) / math.sqrt(20_000)).differs
    spread = 1.0 - drawn["participation"]
    error = float(spread.std()) / math.sqrt(20_000)
    assert distance(spread, sensitivity, 1e-3, error).agrees
    assert distance(spread, 0.8 * sensitivity, 1e-3, error).differs
    relative = drawn["entropy"] / math.log(T)
    assert distance(relative, entropy, 1e-4, entropy_error).agrees
    assert distance(relative, 0.8 * entropy, 1e-4, entropy_error).differs


def test_row_sums_of_the_clipped_theory() -> None:
    """Last column of the table of LOC-12, all printed digits."""
    for (xi, eta), want in {
        (2 / 256, 4 / 256**2): 1.1215382554,
        (1.0, 0.01): 32.6107733961,
        (4.0, 0.5): 93.9476179657,
        (0.0, 1.0): 47.3891800933,
    }.items():
        found = qk.evaluate("LOC-12a", xi=xi, eta=eta, T=256)["pl_row_sum"]
        assert found == pytest.approx(want, abs=6e-11)


# --- LOC-13 ---------------------------------------------------------------------------------------

#: Setting: spread a of the eigenvalues -> (H/ln of visible keys, stable rank), 60 draws each.
COLLAPSE: dict[tuple[str, str, float], dict[float, tuple[float, float]]] = {
    ("random_walk", "causal", 1.0): {0.0: (0.363, 17.1), 3.0: (0.288, 5.5)},
    ("random_walk", "causal", 1 / 32): {0.0: (0.985, 2.18), 10.0: (0.904, 2.52)},
    ("random_walk", "none", 1.0): {0.0: (0.595, 1.81), 3.0: (0.316, 1.95)},
    ("iid", "causal", 4.0): {0.0: (0.540, 20.0), 3.0: (0.473, 10.3)},
    ("iid", "causal", 8.0): {0.0: (0.112, 52.3), 3.0: (0.228, 12.1)},
}


def relative_entropy(matrices: Matrices) -> np.ndarray:
    """Mean over rows t >= 2 of H/ln(number of visible keys)."""
    rows: Rows = matrices.rows
    visible = np.isfinite(matrices.logits).sum(axis=2)
    entropy = rows.statistics["entropy"].reshape(visible.shape)
    return np.asarray((entropy[:, 1:] / np.log(visible[:, 1:])).mean(axis=1))


RELATIVE_ENTROPY = MatrixObservable(
    "relative_entropy", "H/ln t", "H/ln t", lambda T: (0.0, 1.0), compute=relative_entropy
)
DRAWS = 240


@pytest.fixture(scope="module")
def collapse() -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    found = {}
    for tokens, mask, xi in COLLAPSE:
        for a in COLLAPSE[tokens, mask, xi]:
            simulation = qk.Simulation.prepare(
                full_attention({"tokens": tokens, "mask": mask, "xi": xi}, a),
                [RELATIVE_ENTROPY, "stable_rank"],
                seed=3,
            )
            drawn = simulation.draws(0, DRAWS)
            found[tokens, mask, xi, a] = (drawn["relative_entropy"], drawn["stable_rank"])
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("tokens", "mask", "xi"), COLLAPSE)
def test_the_table_of_entropy_and_rank_collapse(
    tokens: str, mask: str, xi: float, collapse: dict[Any, tuple[np.ndarray, np.ndarray]]
) -> None:
    """The standard error of an entry is that of 60 draws, from the spread of ours."""
    entries = COLLAPSE[tokens, mask, xi]
    for a, printed in entries.items():
        (other,) = (entry for b, entry in entries.items() if b != a)
        for k, unit in enumerate((1e-3, 10.0 ** math.floor(math.log10(printed[1]) - 2 + 1e-9))):
            sample = collapse[tokens, mask, xi, a][k]
            error = float(sample.std(ddof=1)) / math.sqrt(60)
            assert distance(sample, printed[k], unit, error).agrees, (a, k, sample.mean())
            if abs(printed[k] - other[k]) > 12.0 * error:
                assert distance(sample, other[k], unit, error).differs, (a, k)


@pytest.mark.slow
def test_the_verdict_on_small_variance(collapse: dict[Any, tuple[np.ndarray, np.ndarray]]) -> None:
    """LOC-13 "Verdict": six standard errors for each sign."""

    def gain(*setting: Any) -> list[float]:
        narrow, wide = (
            collapse[*setting, a] for a in (0.0, 3.0 if (*setting, 3.0) in collapse else 10.0)
        )
        return [
            float((n.mean() - w.mean()) / math.sqrt((n.var() + w.var()) / DRAWS))
            for n, w in zip(narrow, wide, strict=True)
        ]

    assert min(gain("random_walk", "causal", 1.0)) > 6.0
    entropy, rank = gain("iid", "causal", 8.0)
    assert entropy < -6.0
    assert rank > 6.0
    for setting in (("random_walk", "none", 1.0), ("random_walk", "causal", 1 / 32)):
        for a in COLLAPSE[setting]:
            assert collapse[*setting, a][1].mean() < 3.0
