"""The setting of the random-energy claims: a softmax row with Gaussian logits.

The row has T keys with logits l_j = s g_j, g_j iid N(0, 1), weights A = softmax(l),
Z = sum_j e^l_j, entropy H = log Z - <l> in nats and Y_q = sum_j A_j^q. T is a real number in the
formulas and an integer where rows are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real, RealList
from qktheory.numerics.softmax_rows import SoftmaxRows
from qktheory.observables.draws import Rows
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Source
from qktheory.theorems.papers import cite

FloatArray = NDArray[np.float64]

DERRIDA_1981 = cite("derrida1981")


def extends_derrida(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("derrida1981", what)


# --- parameters -----------------------------------------------------------------------------------

T = Parameter("T", Real(low=1.0, high=1e300, typical=(1.0, 300.0)), "number of keys of the row")
T_ABOVE_1 = Parameter(
    "T",
    Real(low=1.0, high=1e300, low_open=True, typical=(1.5, 300.0)),
    "number of keys of the row",
)
S = Parameter(
    "s", Real(low=0.0, high=1e100, typical=(0.1, 6.0)), "standard deviation of the logits"
)
S_POSITIVE = Parameter(
    "s",
    Real(low=0.0, high=1e100, low_open=True, typical=(0.1, 6.0)),
    "standard deviation of the logits",
)
Q = Parameter(
    "q", Real(low=1.0, high=1e4, typical=(1.0, 5.0)), "order of Y_q = sum_j A_j^q", default=2.0
)
LOGITS = Parameter("logits", RealList(), "logits of one row, (T,)")
COSINE = Parameter(
    "cosine", Real(low=0.0, high=1.0), "correlation of the logits of two rows, key by key"
)

# --- symbols --------------------------------------------------------------------------------------

t, s, q, rho = symbol("T"), symbol("s"), symbol("q"), symbol("cosine")
#: The freezing point: the width at which the largest logit begins to carry the row.
s_c = sp.sqrt(2 * sp.log(t))
u = sp.Symbol("u", real=True)
_g = sp.Symbol("g", real=True)


def over_g(f: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """Return E f(u + s g), g ~ N(0, 1), as a SymPy integral."""
    density = sp.exp(-(_g**2) / 2) / sp.sqrt(2 * sp.pi)
    return sp.Integral(f(u + s * _g) * density, (_g, -sp.oo, sp.oo))


#: phi(u) = E exp(-e^{u + s g}).
phi = over_g(lambda v: sp.exp(-sp.exp(v)))


def psi(q: sp.Expr, p: int = 0) -> sp.Expr:
    """Return Psi_{q,p}(u) = E v^p e^{q v} exp(-e^v) at v = u + s g."""
    return over_g(lambda v: v**p * sp.exp(q * v - sp.exp(v)))


def over_u(integrand: sp.Expr) -> sp.Expr:
    """Return the integral over the real line of a function of u."""
    return sp.Integral(integrand, (u, -sp.oo, sp.oo))


# --- experiments ----------------------------------------------------------------------------------

#: A covariance and a temperature other than 1: a logit is s g for W = [[., s 3/4], [., .]].
_VARIANCE, _TEMPERATURE = 4.0, 1.5


def row_ensemble(keys: int, s: float, self_logit: float = 0.0) -> Ensemble:
    """Return an experiment whose row has `keys` iid logits N(0, s^2) and the self-logit, last.

    The query is pinned to (1, 0) and the tokens have covariance diag(0, 4), so that given the query
    the first logits are iid and the last one is fixed.
    """
    return Ensemble.from_dict(
        {
            "d": 2,
            "T": keys + 1,
            "matrix": {
                "W": [
                    [_TEMPERATURE * self_logit, _TEMPERATURE / _VARIANCE**0.5 * s],
                    [0.3, -0.7],
                ]
            },
            "tokens": {"law": "iid", "covariance": [0.0, _VARIANCE], "query": [1.0, 0.0]},
            "attention": {"temperature": _TEMPERATURE},
        }
    )


def iid_row(parameters: Mapping[str, Any]) -> Ensemble:
    """Return the experiment whose row, less its self-logit, is the row of a claim on (T, s)."""
    return row_ensemble(int(parameters["T"]), float(parameters["s"]))


def on_iid_row(
    name: str,
    compute: Callable[[SoftmaxRows], FloatArray],
    bounds: tuple[float, float] | None = None,
) -> RowObservable:
    """Return an observable of the row without its self-logit."""
    return functional(name, lambda rows: compute(_of_batch(rows)), bounds)


def functional(
    name: str, compute: Callable[[Rows], FloatArray], bounds: tuple[float, float] | None = None
) -> RowObservable:
    """Return an observable of a claim's own: a functional of the rows with its range."""
    return RowObservable(
        name=name, title=name, definition=name, bounds=lambda T: bounds, compute=compute
    )


def _of_batch(rows: Rows) -> SoftmaxRows:
    """Return the rows without their self-logits; the observables of a batch share them."""
    found = rows.__dict__.get("_without_self_logit")
    if found is None:
        found = rows.__dict__["_without_self_logit"] = SoftmaxRows(rows.logits[:, :-1])
    return found
