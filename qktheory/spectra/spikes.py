"""Outliers of perturbed random matrices: bulk, threshold, position, overlap (SPEC-11).

A spike here is a perturbation of low rank that is added to, or multiplied into, a random matrix;
the outlier it causes is shifted. Prescribing an eigenvalue of W itself (law ``spiked``) shifts
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qktheory.base.domains import Real
from qktheory.spectra.law import Law

__all__ = [
    "Outlier",
    "RectangularOutlier",
    "additive_spike",
    "covariance_spike",
    "ginibre_outlier",
    "rectangular_spike",
]

_POSITIVE = Real(low=0.0, low_open=True)


@dataclass(frozen=True)
class Outlier:
    """What a rank-one perturbation does to the top of a spectrum.

    Parameters
    ----------
    threshold : float
        Strength above which there is an outlier.
    detected : bool
        Whether the strength is above it.
    position : float
        Limit of the largest eigenvalue: the outlier, or the upper edge.
    overlap : float
        Limit of the squared scalar product of its eigenvector with the perturbation, 0 below the
        threshold.
    """

    threshold: float
    detected: bool
    position: float
    overlap: float


@dataclass(frozen=True)
class RectangularOutlier:
    """What a rank-one perturbation does to the top singular value; see `Outlier`.

    Parameters
    ----------
    threshold, singular_value, overlap_left, overlap_right : float
    detected : bool
    """

    threshold: float
    detected: bool
    singular_value: float
    overlap_left: float
    overlap_right: float


def additive_spike(law: Law, theta: float) -> Outlier:
    """Return the outlier of H + theta u u^T, H with eigenvalues of a law and u free of H.

    Parameters
    ----------
    law : Law
        Law of H; one with an R-transform.
    theta : float
        Strength, > 0.

    Returns
    -------
    Outlier
        Position R(1/theta) + theta and overlap -1/(theta^2 G'(position)) if 1/theta < G(edge+).

    Raises
    ------
    ValueError
        For a strength that is not positive, or a law without these transforms.

    Examples
    --------
    >>> from qktheory.spectra.laws.semicircle import Semicircle
    >>> additive_spike(Semicircle(1.0), 2.0)
    Outlier(threshold=1.0, detected=True, position=2.5, overlap=0.75)
    """
    theta = _POSITIVE.check("theta", theta)
    transform = law.upper_edge_transform
    threshold = 0.0 if math.isinf(transform) else 1.0 / transform
    if theta <= threshold:
        return Outlier(threshold, False, law.edges[1], 0.0)
    position, overlap = law.additive_outlier(theta)
    return Outlier(threshold, True, max(position, law.edges[1]), overlap)


def covariance_spike(spike: float, ratio: float) -> Outlier:
    """Return the outlier of a sample covariance whose population has one eigenvalue `spike`.

    Parameters
    ----------
    spike : float
        Population eigenvalue l >= 0 beside ones.
    ratio : float
        c = dimension over samples, > 0.

    Returns
    -------
    Outlier
        l (1 + c/(l - 1)) and (1 - c/(l - 1)^2)/(1 + c/(l - 1)) for l > 1 + sqrt(c).

    Examples
    --------
    >>> covariance_spike(3.0, 0.5).position, round(covariance_spike(3.0, 0.5).overlap, 12)
    (3.75, 0.7)
    """
    spike = Real(low=0.0).check("spike", spike)
    ratio = _POSITIVE.check("ratio", ratio)
    root = math.sqrt(ratio)
    threshold = 1.0 + root
    if spike <= threshold:
        return Outlier(threshold, False, (1.0 + root) ** 2, 0.0)
    excess = spike - 1.0
    share = ratio / excess
    overlap = (1.0 - root / excess) * (1.0 + root / excess) / (1.0 + share)
    return Outlier(threshold, True, spike * (1.0 + share), overlap)


def rectangular_spike(theta: float, ratio: float) -> RectangularOutlier:
    """Return the outlier of X + theta u v^T, X of shape (m, n) with variance 1/n.

    Parameters
    ----------
    theta : float
        Strength, > 0, of unit vectors u, v.
    ratio : float
        c = m/n > 0.

    Returns
    -------
    RectangularOutlier
        Singular value sqrt((1 + theta^2)(c + theta^2))/theta for theta > c^(1/4).

    Examples
    --------
    >>> rectangular_spike(2.0, 1.0).singular_value
    2.5
    """
    theta = _POSITIVE.check("theta", theta)
    ratio = _POSITIVE.check("ratio", ratio)
    threshold = ratio**0.25
    if theta <= threshold:
        return RectangularOutlier(threshold, False, 1.0 + math.sqrt(ratio), 0.0, 0.0)
    # In 1/theta^2: no power of a large theta overflows.
    q = 1.0 / theta**2 if theta < 1e150 else 0.0
    gain = (1.0 - math.sqrt(ratio) * q) * (1.0 + math.sqrt(ratio) * q)
    return RectangularOutlier(
        threshold,
        True,
        theta * math.sqrt((1.0 + q) * (1.0 + ratio * q)),
        gain / (1.0 + ratio * q),
        gain / (1.0 + q),
    )


def ginibre_outlier(theta: float, alignment: float) -> float | None:
    """Return the outlying eigenvalue of G + theta u v^T, G Ginibre of variance 1/d.

    Parameters
    ----------
    theta : float
        Strength.
    alignment : float
        v . u, in [-1, 1].

    Returns
    -------
    float or None
        theta v . u where its modulus exceeds 1, the radius of the bulk; None where it does not.

    Examples
    --------
    >>> ginibre_outlier(3.0, -0.5), ginibre_outlier(3.0, 0.1)
    (-1.5, None)
    """
    value = Real().check("theta", theta) * Real(-1.0, 1.0).check("alignment", alignment)
    return value if abs(value) > 1.0 else None
