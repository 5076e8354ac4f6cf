"""LOC-11: saturated logits, the argmax law of a drifted bridge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.argmax_law import argmax_density, argmax_density_averaged
from qktheory.numerics.clenshaw_curtis import clenshaw_curtis
from qktheory.observables.draws import Rows
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.true_softmax import bridge_ensemble
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Evaluate, Identity, Law

FloatArray = NDArray[np.float64]

theta, beta, b = symbol("theta"), symbol("beta"), symbol("xi_over_sqrt_eta")
INSIDE = Parameter(
    "theta",
    Real(low=0.0, high=1.0, low_open=True, high_open=True, typical=(0.02, 0.98)),
    "relative position key/T, in (0, 1)",
)
BETA = Parameter("beta", Real(typical=(-3.0, 3.0)), "drift over kappa, m/(s sqrt T)")
RATIO = Parameter("xi_over_sqrt_eta", Real(typical=(-3.0, 3.0)), "xi/sqrt(eta)")

#: Length of the discrete bridges; the argmax on T points differs by O(T^(-1/2)) in law.
_T = 4096
_MODEL_ERROR = 0.02
#: Of the quadrature beside LOC-11b, which then errs by less than 1e-12.
_INTERVALS = 512


def _density(u: sp.Expr, drift: sp.Expr, sign: int = -1) -> sp.Expr:
    """f(u | beta) for beta >= 0."""
    odds = u / (1 - u)
    return sp.sqrt(2 / sp.pi) * drift * sp.sqrt(odds) * sp.exp(-(drift**2) / (2 * odds)) + 2 * (
        1 + sign * drift**2
    ) * NormalInterval(-sp.oo, -drift / sp.sqrt(odds))


_POSITIVE = _density(theta, sp.Abs(beta))
_STATEMENT = sp.Piecewise((_POSITIVE, beta >= 0), (_POSITIVE.subs(theta, 1 - theta), True))


def _value(factor: float = 1.0) -> Routine:
    return Routine(
        factor * _STATEMENT,
        lambda u, drift: factor * argmax_density(u, drift),
        ("theta", "beta"),
    )


def _argmax(rows: Rows) -> FloatArray:
    return np.asarray((rows.logits.argmax(axis=1) + 0.5) / rows.T)


def _cumulate(density: FloatArray, grid: FloatArray, points: FloatArray) -> FloatArray:
    """Integrate a density given on the midpoints of a grid."""
    steps = np.diff(grid)
    total = np.concatenate([[0.0], np.cumsum(density * steps)])
    return np.asarray(np.interp(points, grid, total))


def _grid(count: int) -> FloatArray:
    """Return points that crowd at both ends, where the density has square-root edges."""
    return np.asarray(np.sin(np.linspace(0.0, math.pi / 2.0, count)) ** 2)


def _distribution(
    evaluate: Evaluate, parameters: Mapping[str, Any], points: FloatArray
) -> FloatArray:
    grid = _grid(20001)
    middle = (grid[1:] + grid[:-1]) / 2.0
    density = evaluate({**parameters, "theta": middle})["argmax_density"]
    return _cumulate(np.asarray(density), grid, points)


register(
    Claim(
        id="LOC-11a",
        title="where a saturated row puts its weight: argmax of a drifted bridge",
        statement=(
            "For T, kappa -> infinity at fixed beta = m/kappa, T E A_{theta T} tends to the "
            "density f(theta | beta) of the argmax of a Brownian bridge with drift beta."
        ),
        source=s.extends_bao("saturated regime"),
        standing="derived",
        observable="profile",
        parameters=(INSIDE, BETA),
        values={"argmax_density": _value()},
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.SOFTMAX),
        cases=(
            {"theta": 0.5, "beta": 1.0},
            {"theta": 0.5, "beta": -0.5},
            {"theta": 0.5, "beta": 0.3},
        ),
        judged_by=(
            Law(
                # kappa = 1: the argmax does not depend on the scale of the logits.
                lambda q: bridge_ensemble(q["beta"], 1.0 / _T, _T),
                lambda q: s.functional("argmax/T", _argmax),
                _distribution,
                model_error=_MODEL_ERROR,
                simulator="bridge_row",
            ),
        ),
        wrong_twin=WrongTwin("density taken 10 % too large", {"argmax_density": _value(1.1)}),
    )
)

# --- LOC-11b --------------------------------------------------------------------------------------

_g = sp.Symbol("g", real=True)
_AVERAGE = sp.Integral(
    _STATEMENT.subs(beta, b + sp.sqrt(2) * _g) * sp.exp(-(_g**2) / 2) / sp.sqrt(2 * sp.pi),
    (_g, -sp.oo, sp.oo),
)


def _averaged(factor: float = 1.0) -> Routine:
    return Routine(
        factor * _AVERAGE,
        lambda u, ratio: factor * argmax_density_averaged(u, ratio),
        ("theta", "xi_over_sqrt_eta"),
    )


@lru_cache(maxsize=1)
def _rule() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on [-1, 1]."""
    nodes = np.cos(np.pi * np.arange(_INTERVALS + 1) / _INTERVALS)
    return nodes, clenshaw_curtis(_INTERVALS)


def _by_quadrature(parameters: Mapping[str, Any]) -> dict[str, float]:
    u, ratio = parameters["theta"], parameters["xi_over_sqrt_eta"]

    # The density has a kink where the drift changes sign; on either side it is analytic.
    kink = -ratio / math.sqrt(2.0)
    nodes, weights = _rule()
    total = 0.0
    for end in (min(-12.0, kink - 1.0), max(12.0, kink + 1.0)):
        half = abs(end - kink) / 2.0
        g = (end + kink) / 2.0 + half * nodes
        bell = np.exp(-g * g / 2.0) / math.sqrt(2.0 * math.pi)
        density = argmax_density(u, ratio + math.sqrt(2.0) * g)
        total += half * float(weights @ (density * bell))
    return {"argmax_density_averaged": total}


def _wide_ensemble(parameters: Mapping[str, Any]) -> Ensemble:
    """Semicircle of width 1024: m/kappa is b + sqrt 2 g up to 1/sqrt d."""
    eta = 1.0
    return Ensemble.from_dict(
        {
            "d": 1024,
            "T": 2048,
            "spectrum": {
                "law": "semicircle",
                "xi": parameters["xi_over_sqrt_eta"] * math.sqrt(eta),
                "eta": eta,
            },
            "tokens": {"law": "random_walk"},
        }
    )


def _averaged_distribution(
    evaluate: Evaluate, parameters: Mapping[str, Any], points: FloatArray
) -> FloatArray:
    grid = _grid(501)
    middle = (grid[1:] + grid[:-1]) / 2.0
    density = evaluate({**parameters, "theta": middle})["argmax_density_averaged"]
    return _cumulate(np.asarray(density), grid, points)


register(
    Claim(
        id="LOC-11b",
        title="profile of the true softmax for logits of size T",
        statement=(
            "At fixed (xi, eta) and T, d -> infinity, T E A_{theta T} tends to "
            "E_g f(theta | b + sqrt 2 g), b = xi/sqrt(eta): the profile depends on b only, and at "
            "b = 0 both ends are favoured."
        ),
        source=s.extends_bao("true softmax in the scaling of the paper"),
        standing="derived",
        observable="profile",
        parameters=(INSIDE, RATIO),
        values={"argmax_density_averaged": _averaged()},
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.SYMMETRIC, s.SOFTMAX),
        cases=(
            {"theta": 0.5, "xi_over_sqrt_eta": 1.0},
            {"theta": 0.1, "xi_over_sqrt_eta": 0.0},
            {"theta": 0.9, "xi_over_sqrt_eta": -0.5},
        ),
        judged_by=(
            Identity(
                _by_quadrature,
                lambda rng: {
                    "theta": float(rng.uniform(0.02, 0.98)),
                    "xi_over_sqrt_eta": float(rng.uniform(-3.0, 3.0)),
                },
                tolerance=1e-8,
                most_draws=20,
            ),
            Law(
                _wide_ensemble,
                lambda q: s.functional("argmax/T", _argmax),
                _averaged_distribution,
                model_error=0.028,
                simulator="bridge_row",
            ),
        ),
        wrong_twin=WrongTwin(
            "density taken 10 % too large", {"argmax_density_averaged": _averaged(1.1)}
        ),
    )
)
