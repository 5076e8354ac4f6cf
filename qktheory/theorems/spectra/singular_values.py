"""SPEC-5: prescribed singular values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real, RealList
from qktheory.kernels import Stream
from qktheory.spectra.haar import haar_frames
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation
from qktheory.theorems.papers import cite
from qktheory.theorems.spectra import setting as s

FloatArray = NDArray[np.float64]

d, eta_F = s.d, symbol("eta_F")
_s = sp.IndexedBase("s")
_i = sp.Symbol("i", integer=True, positive=True)
_SUM = sp.Sum(_s[_i] ** 2, (_i, 1, d))
_INVERSE_SUM = sp.Sum(_s[_i] ** -2, (_i, 1, d))


def _complete(parameters: dict[str, Any]) -> None:
    parameters["d"] = parameters["singular_values"].size


def _outer(values: FloatArray) -> float:
    """Root mean square, scaled so that squares neither overflow nor vanish."""
    largest = float(values.max())
    if largest == 0.0:
        return 0.0
    return largest * math.sqrt(math.fsum((values / largest) ** 2) / values.size)


def _inner(values: FloatArray) -> float:
    """Root of the harmonic mean of the squares, 0 if one of them is 0."""
    smallest = float(values.min())
    if smallest == 0.0:
        return 0.0
    return smallest / math.sqrt(math.fsum((smallest / values) ** 2) / values.size)


def _two_rotations(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Measure W = U diag(s) V^T.

    The radii are the growth rates of powers: ||W^2||_F^2 has mean d outer^4 and ||W^-2||_F^2 has
    mean d inner^-4, at every d. Both are shown in units of the claimed radii.
    """
    singular = parameters["singular_values"]
    size = singular.size
    U = haar_frames(size, size, stream, first, n)
    V = haar_frames(size, size, stream.child(experiment=stream.experiment ^ 1), first, n)
    W = (U * singular) @ V.transpose(0, 2, 1)
    trace = np.trace(W, axis1=1, axis2=2)
    found = {
        "eta_F": np.sum(W**2, axis=(1, 2)),
        "var_xi": trace**2,
        "mean_eta": np.sum(W * W.transpose(0, 2, 1), axis=(1, 2)),
    }
    outer, inner = (float(values[name]) for name in ("outer_radius", "inner_radius"))
    growth = np.sum((W @ W) ** 2, axis=(1, 2))
    found["outer_radius"] = growth / (size * outer**3)
    found["inner_radius"] = np.zeros(n)
    if inner > 0.0:
        inverse = (V / singular) @ U.transpose(0, 2, 1)
        decay = np.sum((inverse @ inverse) ** 2, axis=(1, 2))
        found["inner_radius"] = decay * inner**5 / size
    return found


register(
    Claim(
        id="SPEC-5",
        title="traces and radii of W with prescribed singular values",
        statement=(
            "For W = U diag(s) V^T with independent Haar U and V: E xi = 0, Var xi = E eta = "
            "sum s^2/d and eta_F = sum s^2; for large d the eigenvalues fill the ring of radii "
            "(mean s^-2)^(-1/2) and (mean s^2)^(1/2), the growth rates of the powers of W."
        ),
        source=cite("guionnet2011"),
        standing="derived",
        observable="W_QK",
        parameters=(
            Parameter(
                "singular_values",
                RealList(Real(low=0.0, typical=(0.1, 3.0))),
                "singular values of W, d of them",
            ),
        ),
        complete=_complete,
        values={
            "eta_F": Routine(_SUM, lambda v: math.fsum(v**2), ("singular_values",)),
            "var_xi": eta_F / d,
            "mean_eta": eta_F / d,
            "outer_radius": Routine(sp.sqrt(_SUM / d), _outer, ("singular_values",)),
            "inner_radius": Routine(1 / sp.sqrt(_INVERSE_SUM / d), _inner, ("singular_values",)),
        },
        cases=(
            {"singular_values": [3.0, 2.0, 0.5]},
            {"singular_values": [1.0, 1.0, 0.0]},
            {"singular_values": [2.0, 0.7]},
        ),
        judged_by=(
            DrawnExpectation(
                ("eta_F", "var_xi", "mean_eta", "outer_radius", "inner_radius"),
                _two_rotations,
                lambda q: float(40 * q["d"] ** 2 + 6 * q["d"] ** 3),
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of E eta taken as 1.08", {"mean_eta": sp.Rational(108, 100) * eta_F / d}
        ),
    )
)
