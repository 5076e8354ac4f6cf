"""Softmax rows whose logit variance is itself random: products of chi-squares (ENT-11, ENT-12c).

For a Gaussian query the logits of a row are iid given the query, with a variance s^2 that depends
on it. The means of entropy and participation are those of a Gaussian row averaged over s^2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, Real
from qktheory.numerics.chi_square_average import chi_square_average
from qktheory.numerics.gaussian_row import (
    LARGEST_T,
    heat_capacity,
    mean_entropy,
    mean_participation,
)
from qktheory.numerics.iid_row import row_with_self_logit

__all__ = [
    "AveragedRow",
    "RowOnItself",
    "averaged_row",
    "entropy_curvature",
    "row_on_itself",
]

_Floats = NDArray[np.float64]
_KEYS = Real(low=1.0, high=LARGEST_T)
_SCALE = Real(low=0.0, high=1e90)
_VARIANCE = Real(low=0.0, high=1e12)
#: For narrower rows H = log T - s^2/2 (1 - 1/T) and Y_2 = (1 + s^2 (1 - 1/T))/T to 1e-16 (ENT-4).
_NARROW = 1e-4
_DEGREE = 12


class AveragedRow(NamedTuple):
    """Means over the logits and over their variance.

    Attributes
    ----------
    mean_entropy : float
        E H, nats.
    mean_participation : float
        E sum_j A_j^2.
    """

    mean_entropy: float
    mean_participation: float


class RowOnItself(NamedTuple):
    """Means of a row with its self-logit, over the query as well.

    Attributes
    ----------
    mean_entropy : float
        E H, nats.
    mean_self_weight : float
        E of the weight of the query on itself.
    """

    mean_entropy: float
    mean_self_weight: float


def averaged_row(T: float, s0: float, dofs: ArrayLike) -> AveragedRow:
    """Return the means of a row of T keys with s^2 = s0^2 prod_k chi^2_(nu_k)/nu_k (ENT-11d).

    Parameters
    ----------
    T : float
        Number of iid keys, 1 <= T <= 1e300.
    s0 : float
        Root mean square of the standard deviation of the logits, 0 <= s0 <= 1e90.
    dofs : array_like of shape (m,)
        Degrees of freedom, 0.5 <= nu_k <= 1e15.

    Returns
    -------
    AveragedRow
        Relative accuracy 1e-11.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    The reference of ENT-11.

    >>> round(averaged_row(1024, 2.0, [64, 64, 64]).mean_entropy, 10)
    5.0576600649
    """
    T, s0 = _KEYS.check("T", T), _SCALE.check("s0", s0)

    def of_ratio(ratio: _Floats) -> _Floats:
        s = s0 * np.sqrt(ratio)
        narrow = s < _NARROW
        excess = (1.0 - 1.0 / T) * s**2
        values = np.stack([math.log(T) - 0.5 * excess, (1.0 + excess) / T], axis=1)
        if not narrow.all():
            # Point by point: both means of a row share its lattice.
            wide = s[~narrow].tolist()
            values[~narrow] = [(mean_entropy(T, x), mean_participation(T, x)) for x in wide]
        return values

    # Rare wide rows are frozen: their participation is T times that of a uniform row.
    entropy, participation = chi_square_average(of_ratio, dofs, growth=T).value.tolist()
    # Weights sum to one up to rounding only.
    return AveragedRow(entropy, min(participation, 1.0))


def entropy_curvature(T: float, s2: float) -> float:
    """Return the second derivative of E H with respect to s^2 (ENT-11e).

    Parameters
    ----------
    T : float
        Number of iid keys, 1 <= T <= 1e300.
    s2 : float
        Variance of the logits, 0 <= s2 <= 1e12.

    Returns
    -------
    float
        The slope of -C/(2 s^2), C the heat capacity: one derivative is exact, the other one that
        of the polynomial through 13 Chebyshev points. Absolute accuracy about 1e-10/(1 + s2).

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    Two keys at s = 0: H = log 2 - D^2/8 + D^4/64 - ..., D ~ N(0, 2 s^2), so E D^4 = 12 s^4.

    >>> round(entropy_curvature(2, 0.0), 8)
    0.375
    """
    T, s2 = _KEYS.check("T", T), _VARIANCE.check("s2", s2)
    if T == 1.0:
        return 0.0
    # The row changes over a range of about one in s.
    reach = 0.2 * max(1.0, math.sqrt(s2))
    low = max(0.0, s2 - reach)
    half, middle = 0.5 * (s2 + reach - low), 0.5 * (s2 + reach + low)
    nodes = middle + half * np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
    slopes = -0.5 * np.asarray(heat_capacity(T, np.sqrt(nodes))) / nodes
    fit = np.polynomial.chebyshev.Chebyshev.fit(nodes, slopes, _DEGREE)
    return float(fit.deriv()(s2))


def row_on_itself(T: float, d: int, c: float) -> RowOnItself:
    """Return the means of a row for W = c I, temperature sqrt(d), tokens N(0, I) (ENT-12c).

    Parameters
    ----------
    T : float
        Number of keys, the query included, 1 <= T <= 1e300.
    d : int
        Width of the tokens, >= 1.
    c : float
        The multiple of the identity, -100 <= c <= 100.

    Returns
    -------
    RowOnItself
        Over the query x: the self-logit is c |x|^2/sqrt(d) and the other logits have variance
        c^2 |x|^2/d, both functions of |x|^2 ~ chi^2_d. Relative accuracy 1e-10.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    The reference of ENT-12.

    >>> row = row_on_itself(128, 16, 1.0)
    >>> round(row.mean_entropy, 9), round(row.mean_self_weight, 6)
    (3.729910614, 0.256123)
    """
    T = _KEYS.check("T", T)
    d = Integer(low=1, high=10**15).check("d", d)
    c = Real(-100.0, 100.0).check("c", c)
    root = math.sqrt(d)

    def of_ratio(ratio: _Floats) -> _Floats:
        # Smaller ratios leave the row uniform in double precision.
        ratio = np.where(ratio * (1.0 + root) * abs(c) < 1e-18, 0.0, ratio)
        distinct, place = np.unique(ratio, return_inverse=True)
        rows = [
            row_with_self_logit(T - 1.0, abs(c) * math.sqrt(r), c * root * r)
            for r in distinct.tolist()
        ]
        return np.array([[row.mean_entropy, row.mean_self_weight] for row in rows])[place]

    log_growth = math.log(T)
    if c < 0.0:  # queries of small norm, E e^(c x/sqrt(d)), carry most of a self-weight that decays
        log_growth += 0.5 * d * math.log1p(-2.0 * c / root)
    growth = math.exp(min(log_growth, 690.0))
    entropy, self_weight = chi_square_average(of_ratio, [float(d)], growth).value.tolist()
    return RowOnItself(entropy, min(self_weight, 1.0))
