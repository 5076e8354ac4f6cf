"""What the claims about random attention matrices share: sources, parameters, symbols.

A is T x T and row-stochastic, J = (1/T) 1 1^T, B = A - J; s2 is the variance of an off-diagonal
score, c2 = exp(s2) - 1, and c2_t its value at finite T.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_attention import relative_variance
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Assumption, Routine, Source
from qktheory.theorems.network_setting import is_iid_scores
from qktheory.theorems.papers import cite

__all__ = [
    "C2_T",
    "DEPTH",
    "IID_SCORES",
    "LAYER",
    "S2",
    "SAADA_2025",
    "SIGMA_V",
    "SIZE",
    "T_AT_LEAST_2",
    "T",
    "c2",
    "c2_t",
    "complete_aspect",
    "d",
    "depth",
    "extends_saada",
    "layer",
    "s2",
    "score_variance",
    "sigma_V",
    "t",
]

SAADA_2025 = cite("saada2025")


def extends_saada(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("saada2025", what)


# --- parameters -----------------------------------------------------------------------------------

_LARGEST = 10**15
T = Parameter("T", Integer(low=1, high=_LARGEST, typical=(1, 200)), "number of tokens")
T_AT_LEAST_2 = Parameter("T", Integer(low=2, high=_LARGEST, typical=(2, 200)), "number of tokens")
SIZE = Parameter("d", Integer(low=1, high=_LARGEST, typical=(200, 400)), "dimension of the tokens")

IID_SCORES = Assumption(
    "a layer with independent scores",
    "one layer on given orthogonal tokens of one length, query-key maps with independent entries",
    is_iid_scores,
)


def score_variance(largest: float) -> Parameter:
    """Return the parameter s2 up to where the values of a claim are numbers."""
    return Parameter(
        "s2", Real(low=0.0, high=largest, typical=(0.05, 4.0)), "variance of an off-diagonal score"
    )


S2 = score_variance(1e12)
DEPTH = Parameter("L", Integer(low=0, high=_LARGEST, typical=(1, 6)), "number of layers")
LAYER = Parameter("layer", Integer(low=1, high=_LARGEST, typical=(1, 4)), "layer, from 1")
SIGMA_V = Parameter(
    "sigma_V",
    Real(low=0.0, high=1e12, typical=(0.3, 3.0)),
    "value matrices have entries of variance sigma_V^2/d",
    default=1.0,
)


def complete_aspect(parameters: dict[str, Any]) -> None:
    """Demand at least as many dimensions as tokens, as X_0 X_0^T = I needs."""
    if parameters["d"] < parameters["T"]:
        raise bad_value("d", parameters["d"], f"an integer >= T = {parameters['T']}")


# --- symbols --------------------------------------------------------------------------------------

t, d, s2, layer, depth = (symbol(name) for name in ("T", "d", "s2", "layer", "L"))
c2, c2_t, sigma_V = symbol("c2"), symbol("c2_t"), symbol("sigma_V")

_x, _g = sp.Symbol("x", positive=True), sp.Symbol("g", real=True)
_w = sp.exp(sp.sqrt(s2) * _g - s2 / 2)


def _average(function: sp.Expr) -> sp.Expr:
    """Return the mean over a standard normal g."""
    density = sp.exp(-(_g**2) / 2) / sp.sqrt(2 * sp.pi)
    return sp.Integral(function * density, (_g, -sp.oo, sp.oo))


#: c_T^2 = T^2 times the integral of x phi''(x) phi(x)^(T - 1), less 1, phi(x) = E e^(-x w).
C2_T = Routine(
    t**2
    * sp.Integral(
        _x * _average(_w**2 * sp.exp(-_x * _w)) * _average(sp.exp(-_x * _w)) ** (t - 1),
        (_x, 0, sp.oo),
    )
    - 1,
    relative_variance,
    ("T", "s2"),
)
