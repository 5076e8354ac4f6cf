"""Symbols, formulas and the calculus of traces: the SymPy side of every claim.

Examples
--------
The variance of a self-logit, derived in two lines:

>>> from qktheory.symbolic import Form, cumulant, independent, matrix
>>> (x,) = independent("x", matrix("Sigma"))
>>> cumulant(*[Form(x, matrix("W_QK"), x)] * 2)
Trace(Sigma*W_QK*Sigma*W_QK) + Trace(Sigma*W_QK*Sigma*W_QK.T)
"""

from __future__ import annotations

from qktheory.symbolic.symbols import matrix, symbol, vector
from qktheory.symbolic.weingarten import HaarMean, haar_coefficients, haar_mean, haar_moment
from qktheory.symbolic.wick import (
    Covariance,
    Form,
    JointCumulant,
    Mean,
    correlated,
    cumulant,
    expectation,
    independent,
)
from qktheory.symbolic.words import canonical

__all__ = [
    "Covariance",
    "Form",
    "HaarMean",
    "JointCumulant",
    "Mean",
    "canonical",
    "correlated",
    "cumulant",
    "expectation",
    "haar_coefficients",
    "haar_mean",
    "haar_moment",
    "independent",
    "matrix",
    "symbol",
    "vector",
]
