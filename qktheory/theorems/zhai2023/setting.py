"""What the entropy bounds share: the paper, parameters of a row, inputs to test them on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real, RealList
from qktheory.numerics.row_entropies import LARGEST_LOGIT, row_entropies
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Routine, Source
from qktheory.theorems.papers import cite

FloatArray = NDArray[np.float64]

ZHAI_2023 = cite("zhai2023", "Theorem 3.1")


def extends_zhai(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("zhai2023", what)


T = Parameter("T", Integer(low=2, high=10**30, typical=(2, 60)), "number of keys of the row")
LOGITS = Parameter(
    "logits",
    RealList(Real(-LARGEST_LOGIT, LARGEST_LOGIT, typical=(-4.0, 4.0))),
    "one row of logits",
)

t = symbol("T")
log_T, H = symbol("log_t"), symbol("entropy")

#: One row of logits l_1, .., l_T and its softmax, for statements.
j = sp.Symbol("j", integer=True, positive=True)
l, A = sp.IndexedBase("l"), sp.IndexedBase("A")


def over_keys(term: sp.Expr) -> sp.Expr:
    """Return the sum of a term over the keys j = 1..T."""
    return sp.Sum(term, (j, 1, t))


ENTROPY = -over_keys(A[j] * sp.log(A[j]))
PARTICIPATION = over_keys(A[j] ** 2)
MEAN_LOGIT = over_keys(l[j]) / t


def of_row(name: str, statement: sp.Basic) -> Routine:
    """Return a value that is a field of the auxiliary value ``row``."""
    return Routine(statement, lambda row: float(getattr(row, name)), ("row",))


ROW = Routine(sp.exp(l[j]) / over_keys(sp.exp(l[j])), row_entropies, ("logits",))


def entropy_of(logits: Sequence[float] | FloatArray) -> float:
    """Return the entropy of one row of logits."""
    return row_entropies(logits).entropy


def two_level_row(T: int, high: int, gap: float) -> FloatArray:
    """Return `high` logits of size `gap` and T - `high` zeros."""
    row = np.zeros(T)
    row[:high] = gap
    return row


def random_row(rng: np.random.Generator, T: int) -> FloatArray:
    """Draw a row of any shape: normal, skewed to either side, of two levels, or one high logit."""
    kind = int(rng.integers(5))
    if kind == 0:
        return rng.normal(size=T)
    if kind in (1, 2):
        return np.asarray((1.0 if kind == 1 else -1.0) * rng.exponential(size=T) ** 2)
    if kind == 3:
        return two_level_row(T, int(rng.integers(1, T)), 1.0)
    return two_level_row(T, 1, 1.0) + 1e-3 * rng.normal(size=T)


def draw_row(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a row of 2 to 100 keys with a spread from 0.03 to 30."""
    T = int(10.0 ** rng.uniform(0.4, 2.0))
    return {"logits": random_row(rng, T) * 10.0 ** rng.uniform(-1.5, 1.5)}
