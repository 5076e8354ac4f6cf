"""What the claims about spectra share: sources, sizes, parameters.

W is a d x d matrix, xi = tr W, eta = tr W^2, eta_F = ||W||_F^2: the traces of the other chapters at
Sigma = I and temperature 1.
"""

from __future__ import annotations

from qktheory.base.domains import Integer, Matrix, Parameter, Real
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.claim import Source
from qktheory.theorems.papers import cite

__all__ = [
    "BENAYCH_GEORGES_2011",
    "BURDA_2010",
    "COLLINS_2006",
    "GINIBRE_1965",
    "NU",
    "SIZE",
    "THETA",
    "VOICULESCU_1992",
    "W_QK",
    "W",
    "d",
    "eta",
    "eta_F",
    "spectra_source",
    "xi",
]

VOICULESCU_1992 = cite("voiculescu1992", "R- and S-transforms")
COLLINS_2006 = cite("collins2006", "Weingarten calculus")
BENAYCH_GEORGES_2011 = cite("benaych-georges2011", "Theorems 2.1 and 2.2")
BURDA_2010 = cite("burda2010", "spectra of products")
GINIBRE_1965 = cite("ginibre1965", "real case")


def spectra_source(statement: str) -> Source:
    """Return the source of what this toolkit derives itself from textbook linear algebra."""
    return cite("horn2012", statement)


# --- parameters -----------------------------------------------------------------------------------

#: Matrices of any size up to 10^15: closed forms in d stay exact there.
SIZE = Parameter("d", Integer(low=1, high=10**15, typical=(1, 60)), "size of the matrix")
W_QK = Parameter("W_QK", Matrix(square=True), "query-key matrix, (d, d)")
NU = Parameter(
    "nu",
    Real(low=0.0, low_open=True, typical=(0.3, 4.0)),
    "normalisation of W_Q W_K^T / nu",
    default=1.0,
)
THETA = Parameter(
    "theta", Real(low=0.0, low_open=True, typical=(0.2, 4.0)), "strength of the perturbation"
)

# --- symbols --------------------------------------------------------------------------------------

d = symbol("d")
xi, eta, eta_F = symbol("xi"), symbol("eta"), symbol("eta_F")
W = matrix("W_QK")
