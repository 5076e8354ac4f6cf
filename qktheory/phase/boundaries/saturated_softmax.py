"""Where the true softmax of random-walk tokens turns to one end of the sequence (LOC-11).

In the saturated regime the mean weights depend on b = xi/sqrt(eta) alone: the weight of a quarter
is the probability that the argmax of the logits is in it. The line is where the weights of the
quarters differ by 1/4: a parabola eta = (xi/b)^2, drawn where logits are saturated, T^2 eta >= 100.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq

from qktheory.numerics.argmax_law import argmax_cdf_averaged
from qktheory.phase.boundary import BOUNDARIES, Boundary, Curve, Plane
from qktheory.phase.spectral_plane import SpectralPlane

__all__ = ["quarter_contrast", "turning_ratio"]

_POINTS = 201
#: kappa^2 = T^2 eta from which a row is all but one-hot.
_SATURATED = 100.0
_QUARTERS = np.array([0.25, 0.5, 0.75])


def quarter_contrast(b: float) -> float:
    """Return the largest less the smallest weight of a quarter at xi/sqrt(eta) = b.

    Examples
    --------
    >>> round(quarter_contrast(0.0), 3), round(quarter_contrast(1.0), 3)
    (0.227, 0.505)
    """
    cdf = np.concatenate([[0.0], argmax_cdf_averaged(_QUARTERS, b), [1.0]])
    shares = np.diff(cdf)
    return float(shares.max() - shares.min())


@lru_cache(maxsize=8)
def turning_ratio(threshold: float = 0.25) -> float:
    """Return the b > 0 at which the quarters differ by a threshold, above that of b = 0."""
    return float(brentq(lambda b: quarter_contrast(b) - threshold, 0.0, 20.0, xtol=1e-10))


def _curves(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    xi = np.linspace(*spectral.xi_range, _POINTS)
    eta = (xi / turning_ratio()) ** 2
    x, y = spectral.place(xi, np.where(eta * spectral.T**2 >= _SATURATED, eta, np.nan))
    label = r"quarters differ by $1/4$, $T, d, s \to \infty$"
    return [Curve("saturated_softmax", "LOC-11b", "asymptotic", label, x, y)]


BOUNDARIES.add(
    "saturated_softmax",
    Boundary(
        "saturated_softmax",
        "weights of the quarters of the sequence differ by 1/4",
        ("LOC-11b",),
        lambda plane: SpectralPlane.obstacle(plane, tokens="random_walk", normalizer="softmax"),
        _curves,
    ),
)
