"""Law of the argmax of a drifted bridge, the saturated regime of the softmax (LOC-11).

For beta >= 0 put X = beta ((1 - u)/u)^(1/2) and t' = (t - X)_+, phi and Phi normal:

    f(u|beta) = 2 Phi(-X) + 2 beta (u/(1 - u))^(1/2) int t' phi(t) dt,
    F(u|beta) = 2 u int t'^2 phi(t) dt.

Both follow from the chapter's expressions by 1 - X R = (1/phi) int t' phi with R = Phi(-X)/phi(X);
every term is positive. Negative beta mirrors u.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, erfcx, ndtr

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value, unknown_name

__all__ = [
    "argmax_cdf",
    "argmax_cdf_averaged",
    "argmax_density",
    "argmax_density_averaged",
]

_Floats = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_PANELS = 8
_ROOT_2PI = math.sqrt(2.0 * math.pi)
_SCALED = Real(low=-1e100, high=1e100)
_METHODS = ("auto", "closed", "quadrature")


def _positions(theta: ArrayLike) -> _Floats:
    u = np.asarray(theta, dtype=np.float64)
    if not ((u >= 1e-290) & (u < 1.0)).all():
        raise bad_value("theta", theta, "numbers strictly between 0 and 1 (from 1e-290)")
    return u


def _finite(argument: str, value: ArrayLike) -> _Floats:
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise bad_value(argument, value, "finite numbers")
    return array


def _tail_moments(x: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Return int_0^inf s^n e^(-x s - s^2/2) ds / n! for n = 0, 1, 2 and x >= 0."""
    near = np.minimum(x, 2.0)
    first = np.array(math.sqrt(0.5 * math.pi) * erfcx(near / math.sqrt(2.0)))
    second = np.array(1.0 - near * first)
    third = np.array(0.5 * (first - near * second))
    far = x > 2.0
    if far.any():
        # Ratios of neighbouring orders from their backward recurrence, a continued fraction.
        z = x[far]
        ratio = np.zeros_like(z)
        ratios = [ratio] * 3
        for n in range(80, -1, -1):
            ratio = 1.0 / (z + (n + 1.0) * ratio)
            if n < 3:
                ratios[n] = ratio
        first[far] = ratios[0]
        second[far] = ratios[0] * ratios[1]
        third[far] = ratios[0] * ratios[1] * ratios[2]
    return first, second, third


def _bell(x: _Floats) -> _Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.exp(-0.5 * x * x) / _ROOT_2PI)


def _odds_root(u: _Floats, v: _Floats) -> _Floats:
    return np.asarray(np.sqrt(v) / np.sqrt(u))


def _sides(theta: ArrayLike, beta: ArrayLike) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    """Return u and 1 - u seen from the side where the drift is positive, |beta| and its sign."""
    position = _positions(theta)
    drift = _finite("beta", beta)
    position, drift = (np.array(a) for a in np.broadcast_arrays(position, drift))
    rest = 1.0 - position
    ahead = drift >= 0.0
    return (
        np.where(ahead, position, rest),
        np.where(ahead, rest, position),
        np.abs(drift),
        np.where(ahead, 1.0, -1.0),
    )


def argmax_density(theta: ArrayLike, beta: ArrayLike) -> _Floats:
    """Return f(theta|beta), the limit of T E A_(theta T) at kappa to infinity (LOC-11a).

    Parameters
    ----------
    theta : array_like
        Relative positions in (0, 1).
    beta : array_like
        Drift m/kappa of either sign, broadcast against `theta`.

    Returns
    -------
    ndarray
        Density of the argmax of the drifted bridge, broadcast shape. Relative error below 1e-12,
        in the far tails limited by the conditioning of exp(-X^2/2).

    Raises
    ------
    ValueError
        If a position is not in (0, 1) or a drift is not finite.

    Examples
    --------
    >>> argmax_density([0.5, 0.9, 0.3], [1.0, 2.0, -1.2]).round(10)
    array([0.48394145, 2.31842084, 0.884105  ])
    """
    u, v, drift, _ = _sides(theta, beta)
    with np.errstate(over="ignore"):
        x = drift * _odds_root(u, v)
        slope = drift * _odds_root(v, u)
    first, second, _ = _tail_moments(x)
    bell = _bell(x)
    factor = np.where(bell > 0.0, slope, 0.0)
    return np.asarray(2.0 * bell * (first + factor * second))


def argmax_cdf(theta: ArrayLike, beta: ArrayLike) -> _Floats:
    """Return F(theta|beta), the distribution function of the argmax of a drifted bridge (LOC-11).

    Parameters
    ----------
    theta : array_like
        Relative positions in (0, 1).
    beta : array_like
        Drift m/kappa of either sign, broadcast against `theta`.

    Returns
    -------
    ndarray
        Broadcast shape; relative error below 1e-12 also in the lower tail. The upper tail
        1 - F(theta|beta) is F(1 - theta|-beta).

    Raises
    ------
    ValueError
        If a position is not in (0, 1) or a drift is not finite.

    Examples
    --------
    >>> argmax_cdf([0.25, 0.25], [0.0, 1.0]).round(10)
    array([0.25      , 0.00617435])
    """
    u, v, drift, sign = _sides(theta, beta)
    with np.errstate(over="ignore"):
        x = drift * _odds_root(u, v)
    below, above = _both_tails(u, v, x)
    return np.asarray(np.where(sign > 0.0, below, above))


def _both_tails(u: _Floats, v: _Floats, x: _Floats) -> tuple[_Floats, _Floats]:
    """Return F(u|beta) and 1 - F(u|beta) for beta >= 0."""
    share = 4.0 * _bell(x) * _tail_moments(x)[2]
    near = np.minimum(x, 2.0)
    missing = np.where(
        x < 2.0,
        (1.0 + near * near) * erf(near / math.sqrt(2.0)) + near * (2.0 * _bell(near) - near),
        1.0 - share,
    )
    return np.asarray(u * share), np.asarray(v + u * missing)


def argmax_density_averaged(theta: ArrayLike, b: float, method: str = "auto") -> _Floats:
    """Return E_g f(theta | b + sqrt(2) g), the softmax profile of the PL scaling (LOC-11b).

    The Gaussian average is split at beta = 0, where f has a kink, and each half is a sum of
    Gauss-Legendre panels around the peak of its Gaussian factor.

    Parameters
    ----------
    theta : array_like
        Relative positions in (0, 1), any shape.
    b : float
        xi/sqrt(eta), size up to 1e100.
    method : {"auto", "closed", "quadrature"}
        "closed" is the closed form, which needs b = 0; "auto" takes it there and quadrature
        elsewhere.

    Returns
    -------
    ndarray
        Shape of `theta`; relative error below 1e-12, in the far tails limited by the conditioning
        of the exponentials.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or "closed" is asked for at b other than 0.

    Examples
    --------
    >>> argmax_density_averaged([0.1, 0.5, 0.9], 0.0).round(10)
    array([1.06706456, 0.50848976, 1.06706456])
    >>> argmax_density_averaged(0.9, 3.0).round(10)
    np.float64(1.6331835592)
    """
    u = _positions(theta)
    centre = _SCALED.check("b", b)
    if method not in _METHODS:
        raise unknown_name("method", method, _METHODS)
    if method == "closed" and centre != 0.0:
        raise bad_value("method", method, f"'quadrature' or 'auto' at b = {centre:g}")
    v = 1.0 - u
    if centre == 0.0 and method != "quadrature":
        y = _odds_root(v, u) / math.sqrt(2.0)
        z = 0.5 / y
        return np.asarray((2.0 * y - np.arctan(y) + (2.0 * z - np.arctan(z))) / math.pi)
    return _half_density(u, v, centre) + _half_density(v, u, -centre)


def argmax_cdf_averaged(theta: ArrayLike, b: float) -> _Floats:
    """Return E_g F(theta | b + sqrt(2) g), the distribution function of `argmax_density_averaged`.

    Parameters
    ----------
    theta : array_like
        Relative positions in (0, 1), any shape.
    b : float
        xi/sqrt(eta), size up to 1e100.

    Returns
    -------
    ndarray
        Shape of `theta`; relative error below 1e-12 also in the lower tail. The upper tail is the
        value at (1 - theta, -b).

    Raises
    ------
    ValueError
        If a position is not in (0, 1) or b is out of range.

    Examples
    --------
    >>> argmax_cdf_averaged([0.1, 0.5], 0.0).round(10)
    array([0.2442357, 0.5      ])
    """
    u = _positions(theta)
    centre = _SCALED.check("b", b)
    v = 1.0 - u
    ahead = _half_share(u, v, centre)
    # With the drift backwards F = 1 - F(v|-beta); the complement is taken where it is harmless.
    behind = np.where(
        u < 0.5,
        _half_missing(v, u, -centre),
        ndtr(-centre / math.sqrt(2.0)) - _half_share(v, u, -centre),
    )
    return np.asarray(ahead + behind)


def _nodes(precision: _Floats, centre: float) -> tuple[_Floats, _Floats, _Floats]:
    """Return nodes beta > 0, weights and the quadratic exponent left of its maximum.

    The Gaussian factor is exp(centre beta/2 - precision beta^2/2); its logarithm relative to the
    maximum over beta >= 0 is the third result. A last axis is added to `precision`.
    """
    p = precision[..., None]
    sigma = 1.0 / np.sqrt(p)
    peak = np.maximum(0.5 * centre, 0.0) / p
    decay = max(-0.5 * centre, 0.0)
    # Distances from the peak, which may be many orders of magnitude above the width.
    low = -np.minimum(9.5 * sigma, peak)
    high = 90.0 / (decay + np.sqrt(decay * decay + 90.0 * p))
    half = 0.5 * (high - low) / _PANELS
    away = low + half * (2.0 * np.arange(_PANELS)[:, None] + 1.0 + _NODES).ravel()
    beta = peak + away
    exponent = -0.5 * p * away * away - decay * beta
    return beta, half * np.tile(_WEIGHTS, _PANELS), np.asarray(exponent)


def _fronted(u: _Floats, v: _Floats, centre: float) -> _Floats:
    """Return the largest value over beta >= 0 of exp(-X^2/2 - (beta - centre)^2/4) / norm."""
    fraction = v / (v + 0.5 * u) if centre > 0.0 else np.ones_like(u)
    with np.errstate(under="ignore"):
        return np.asarray(np.exp(-0.25 * centre * centre * fraction) / math.sqrt(4.0 * math.pi))


def _half_density(u: _Floats, v: _Floats, centre: float) -> _Floats:
    """Return the part beta > 0 of the average of f(u|beta), beta ~ N(centre, 2)."""
    rho = _odds_root(u, v)
    beta, weights, exponent = _nodes(rho * rho + 0.5, centre)
    first, second, _ = _tail_moments(beta * rho[..., None])
    inner = first + beta / rho[..., None] * second
    with np.errstate(under="ignore"):
        total = np.sum(weights * np.exp(exponent) * inner, axis=-1)
    return np.asarray(2.0 / _ROOT_2PI * _fronted(u, v, centre) * total)


def _half_share(u: _Floats, v: _Floats, centre: float) -> _Floats:
    """Return the part beta > 0 of the average of F(u|beta), beta ~ N(centre, 2)."""
    rho = _odds_root(u, v)
    beta, weights, exponent = _nodes(rho * rho + 0.5, centre)
    third = _tail_moments(beta * rho[..., None])[2]
    with np.errstate(under="ignore"):
        total = np.sum(weights * np.exp(exponent) * third, axis=-1)
    return np.asarray(4.0 / _ROOT_2PI * u * _fronted(u, v, centre) * total)


def _half_missing(u: _Floats, v: _Floats, centre: float) -> _Floats:
    """Return the part beta > 0 of the average of 1 - F(u|beta), for v <= u."""
    beta, weights, exponent = _nodes(np.full_like(u, 0.5), centre)
    x = beta * _odds_root(u, v)[..., None]
    above = _both_tails(u[..., None], v[..., None], x)[1]
    with np.errstate(under="ignore"):
        total = np.sum(weights * np.exp(exponent) * above, axis=-1)
    return np.asarray(_fronted(u, np.zeros_like(u), centre) * total)
