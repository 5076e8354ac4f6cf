"""LOC-10: positional localization and peakedness of the true softmax, ordered by majorization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.bridge_average import (
    mean_drift_weight,
    mean_half_coth,
    mean_half_coth_normal,
    positional_localization,
    positional_localization_normal,
)
from qktheory.observables.draws import Rows
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.aliveness import semicircle_spectrum
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Ordering, SampledOrdering

FloatArray = NDArray[np.float64]

t = s.t
half_coth = symbol("mean_half_coth")
_m = sp.Symbol("m", real=True)
_MEAN = sp.Function("E")(_m / 2 * sp.coth(_m / 2))

#: Lambda = T xi/E[m coth(m/2)] and E m/(1 - e^-m), E m/(e^m - 1) of LOC-9.
_LAMBDA = t * s.xi / (2 * _MEAN)
_END = sp.Function("E")(_m / (1 - sp.exp(-_m)))
_FIRST = sp.Function("E")(_m / (sp.exp(_m) - 1))
_PARTICIPATION = half_coth + t**2 * s.eta / 12


def _of_spectrum(statement: sp.Basic, function: Callable[[FloatArray], float]) -> Routine:
    """Return a value that is a function of T times the spectrum."""
    return Routine(
        statement, lambda mu, T: float(function(T * np.asarray(mu))), ("eigenvalues", "T")
    )


_TWIN = WrongTwin(
    "sign of the T^2 eta/12 of the participation",
    {"scaled_participation": half_coth - t**2 * s.eta / 12},
)

# --- majorization ---------------------------------------------------------------------------------


def spread(eigenvalues: FloatArray, steps: int) -> list[FloatArray]:
    """Return spectra with the same trace, from the concentrated one to the given one.

    The convex combinations (1 - a) mean + a eigenvalues with increasing a are ordered by
    majorization.
    """
    mean = float(eigenvalues.mean())
    return [(1.0 - a) * mean + a * eigenvalues for a in np.linspace(0.0, 1.0, steps)]


def _chain(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    spectra = spread(np.asarray(parameters["eigenvalues"]), 4)
    return [{**parameters, "eigenvalues": spectrum} for spectrum in spectra]


def _reversed(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return _chain(evaluate, parameters)[::-1]


def _lateness(evaluate: Evaluate, parameters: Mapping[str, Any]) -> float:
    return abs(float(evaluate(parameters)["Lambda"]))


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a random chain by a random spectrum of moderate logits."""
    T = 10.0 ** rng.uniform(1.0, 4.0)
    d = int(rng.integers(2, 9))
    eigenvalues = (rng.normal(size=d) + rng.normal()) * 10.0 ** rng.uniform(-1.0, 1.0) / T
    return {"eigenvalues": eigenvalues, "T": int(T)}


def _ensembles(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Ensemble]:
    return [
        Ensemble.from_dict(
            {
                "d": len(spectrum),
                "T": parameters["T"],
                "spectrum": {"law": "list", "eigenvalues": spectrum.tolist()},
                "tokens": {"law": "random_walk"},
            }
        )
        for spectrum in spread(np.asarray(parameters["eigenvalues"]), 2)
    ]


def _first_weight(rows: Rows) -> FloatArray:
    return np.asarray(np.exp(rows.logits[:, 0] - rows.statistics["log_partition"]))


def _semicircle(scale: float, d: int, trace: float, T: int) -> list[float]:
    """Semicircle of variance scale * mean^2 and trace/T, d eigenvalues."""
    mean = trace / T / d
    spectrum = semicircle_spectrum(trace / T, d * mean**2 * (1.0 + scale), d)
    return [float(value) for value in spectrum]


def _is_long(parameters: Mapping[str, Any]) -> bool:
    """Tell whether a walk is close to its limit: at T = 128 steps can reverse the order."""
    return bool(parameters["T"] >= 512)


register(
    Claim(
        id="LOC-10a",
        title="concentration orders localization and peakedness in opposite directions",
        statement=(
            "For symmetric M at fixed trace, in the continuum: E Y_2, E A_T and E A_1 are "
            "Schur-convex in the spectrum, |Lambda| = |E A_T - E A_1|/(E A_T + E A_1) is "
            "Schur-concave. The concentrated spectrum localizes most and is least peaked."
        ),
        source=s.extends_bao("localization theorem for the true softmax"),
        standing="derived",
        observable="participation",
        parameters=(s.EIGENVALUES, s.T),
        where={
            "xi": Routine(sp.Trace(s.W), lambda mu: float(np.sum(mu)), ("eigenvalues",)),
            "eta": Routine(
                sp.Trace(s.W**2), lambda mu: float(np.sum(np.square(mu))), ("eigenvalues",)
            ),
            "mean_half_coth": _of_spectrum(_MEAN, mean_half_coth),
        },
        values={
            "Lambda": _of_spectrum(_LAMBDA, positional_localization),
            "scaled_participation": _PARTICIPATION,
            "scaled_end_weight": _of_spectrum(_END, mean_drift_weight),
            "scaled_first_weight": _of_spectrum(_FIRST, lambda w: mean_drift_weight(-w)),
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.SYMMETRIC, s.SOFTMAX),
        cases=(
            {"eigenvalues": _semicircle(1.0, 8, 4.0, 512), "T": 512},
            {"eigenvalues": [4.0 / 512, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "T": 512},
            {"eigenvalues": [-2.0 / 512, 0.5 / 512, 1.0 / 512], "T": 512},
        ),
        judged_by=(
            Ordering("scaled_participation", _chain, _draw, most_draws=5),
            Ordering("scaled_end_weight", _chain, _draw, most_draws=5),
            Ordering("scaled_first_weight", _chain, _draw, most_draws=5),
            Ordering("Lambda", _reversed, _draw, _lateness, most_draws=5),
            SampledOrdering(
                _ensembles,
                lambda q: s.functional(
                    "participation", lambda rows: rows.statistics["participation"]
                ),
                meant_for=_is_long,
            ),
            SampledOrdering(
                _ensembles,
                lambda q: s.functional("end weight", lambda rows: rows.self_weight),
                meant_for=_is_long,
            ),
            SampledOrdering(
                _ensembles,
                lambda q: s.functional("first weight", _first_weight),
                meant_for=_is_long,
            ),
        ),
        wrong_twin=_TWIN,
    )
)

# --- LOC-10b --------------------------------------------------------------------------------------


def _at_width(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    T = parameters["T"]
    mu = semicircle_spectrum(parameters["xi"], parameters["eta"], int(size))
    finite = float(mean_half_coth(T * mu)) + T**2 * float(np.sum(mu**2)) / 12.0
    return finite, float(evaluate(parameters)["scaled_participation"])


def _lambda_at_width(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    T, xi = parameters["T"], parameters["xi"]
    mu = semicircle_spectrum(xi, parameters["eta"], int(size))
    finite = float(positional_localization(T * mu))
    return finite, float(evaluate(parameters)["Lambda"])


ETA = Parameter("eta", Real(low=0.0, typical=(0.01, 0.1)), "trace of M^2")

register(
    Claim(
        id="LOC-10b",
        title="localization of the true softmax for a wide spectrum",
        statement=(
            "As d grows without spikes, m ~ N(T xi, 2 T^2 eta): Lambda = T xi/E[m coth(m/2)] and "
            "T E Y_2 = E[(m/2) coth(m/2)] + T^2 eta/12; here variance does order."
        ),
        source=s.extends_bao("localization theorem, large d"),
        standing="derived",
        observable="participation",
        parameters=(s.XI, ETA, s.T),
        where={
            "mean_half_coth": Routine(
                _MEAN,
                lambda xi, eta, T: float(mean_half_coth_normal(T * xi, 2.0 * T**2 * eta)),
                ("xi", "eta", "T"),
            )
        },
        values={
            "Lambda": Routine(
                _LAMBDA,
                lambda xi, eta, T: float(positional_localization_normal(T * xi, 2.0 * T**2 * eta)),
                ("xi", "eta", "T"),
            ),
            "scaled_participation": _PARTICIPATION,
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.SYMMETRIC, s.SOFTMAX),
        cases=(
            {"xi": 4.0 / 512, "eta": 4.0 / 512**2, "T": 512},
            {"xi": -1.0 / 256, "eta": 10.0 / 256**2, "T": 256},
            {"xi": 0.0, "eta": 1.0 / 64**2, "T": 64},
        ),
        judged_by=(
            Asymptotic("scaled_participation", "d", (16, 64, 256, 1024), _at_width, rate=0.5),
            Asymptotic("Lambda", "d", (16, 64, 256, 1024), _lambda_at_width, rate=0.5),
        ),
        wrong_twin=_TWIN,
    )
)

# --- folklore -------------------------------------------------------------------------------------


def _complete_sorted(parameters: dict[str, Any]) -> None:
    if np.sum(parameters["eigenvalues"]) == 0.0:
        raise bad_value("eigenvalues", parameters["eigenvalues"], "a list with a sum that is not 0")


def _by_variance(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Spectra of the same trace in the order of decreasing variance."""
    first = np.asarray(parameters["eigenvalues"])
    d, trace, T = first.size, float(first.sum()), parameters["T"]
    others = [np.array(_semicircle(a, d, T * trace, T)) for a in (0.5, 4.0)]
    spectra = sorted([first, *others], key=lambda mu: -float(np.sum(mu**2)))
    return [{**parameters, "eigenvalues": spectrum} for spectrum in spectra]


register(
    Claim(
        id="LOC-10-folklore",
        title="the variance of the eigenvalues orders softmax localization",
        statement=(
            "Believed: at fixed trace, of two spectra the one with the smaller variance has the "
            "larger |Lambda|. False: the order is majorization (LOC-10a). A single spike localizes "
            "more than a semicircle of smaller variance."
        ),
        source=s.extends_bao("reading of Theorem 1 for the softmax"),
        standing="folklore",
        observable="profile",
        parameters=(s.EIGENVALUES, s.T),
        complete=_complete_sorted,
        values={"Lambda": _of_spectrum(_LAMBDA, positional_localization)},
        cases=(
            {"eigenvalues": [4.0 / 512] + [0.0] * 7, "T": 512},
            {"eigenvalues": [2.0 / 512, 2.0 / 512] + [0.0] * 6, "T": 512},
            {"eigenvalues": [4.0 / 64] + [0.0] * 7, "T": 64},
        ),
        judged_by=(Ordering("Lambda", _by_variance, measure=_lateness),),
        wrong_twin=WrongTwin(
            "Lambda taken 5 % too small",
            {"Lambda": _of_spectrum(_LAMBDA, lambda w: 0.95 * positional_localization(w))},
        ),
    )
)
