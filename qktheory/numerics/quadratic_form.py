"""Laws of Gaussian quadratic forms q = sum_j w_j g_j^2."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import RealList
from qktheory.base.errors import bad_value, unknown_name
from qktheory.numerics import contour
from qktheory.numerics.cumulant import log_moment_generating
from qktheory.numerics.inversion import half_integer_inversion

__all__ = ["QuadraticForm"]

_METHODS = ("auto", "contour", "inversion")


class QuadraticForm:
    """The law of q = sum_j w_j g_j^2 with g_j independent standard normals.

    Weights may have both signs; equal ones are grouped into multiplicities and zeros dropped, so
    a flat spectrum of any size costs as much as a single eigenvalue. Without any non-zero weight q
    is the constant 0.

    Parameters
    ----------
    weights : array_like, shape (J,)
        Real weights w_j.
    multiplicities : array_like, shape (J,), optional
        Positive number of times each weight occurs, 1 by default.

    Attributes
    ----------
    weights : ndarray
        Distinct non-zero weights in increasing order.
    multiplicities : ndarray
        How often each occurs.

    Raises
    ------
    ValueError
        If a weight is not finite, a multiplicity not positive, or the lengths differ.

    Notes
    -----
    Law of a centred logit of random-walk tokens (LOC-2, LOC-3 of the localization chapter). The
    accuracy of every probability is 1e-11 relative or better.

    Examples
    --------
    >>> law = QuadraticForm([0.5, 0.5, -0.25])
    >>> law
    QuadraticForm(rank 3, mean 0.75, variance 1.125)
    >>> round(QuadraticForm([0.5, 0.5]).sf(2.0), 12)
    0.135335283237
    """

    def __init__(self, weights: ArrayLike, multiplicities: ArrayLike | None = None) -> None:
        w = _numbers("weights", weights)
        if multiplicities is None:
            counts = np.ones_like(w)
        else:
            counts = _numbers("multiplicities", multiplicities)
            if counts.shape != w.shape or (counts <= 0.0).any():
                raise bad_value("multiplicities", multiplicities, "one positive number a weight")
        distinct, index = np.unique(w, return_inverse=True)
        grouped = np.bincount(index, weights=counts, minlength=distinct.size)
        kept = distinct != 0.0
        self.weights: NDArray[np.float64] = distinct[kept]
        self.multiplicities: NDArray[np.float64] = grouped[kept].astype(np.float64)
        for array in (self.weights, self.multiplicities):
            array.setflags(write=False)

    def __repr__(self) -> str:
        rank = self.multiplicities.sum()
        return f"QuadraticForm(rank {rank:g}, mean {self.mean:g}, variance {self.variance:g})"

    @property
    def mean(self) -> float:
        """E q = sum w_j."""
        return self.cumulant(1)

    @property
    def variance(self) -> float:
        """Var q = 2 sum w_j^2."""
        return self.cumulant(2)

    def cumulant(self, n: int) -> float:
        """Return the n-th cumulant 2^(n-1) (n-1)! sum_j w_j^n.

        Parameters
        ----------
        n : int
            Order, >= 1.

        Returns
        -------
        float

        Examples
        --------
        >>> QuadraticForm([1.0, -1.0]).cumulant(4)
        96.0
        """
        if n < 1 or n != int(n):
            raise bad_value("n", n, "an integer >= 1")
        terms = self.multiplicities * self.weights**n
        return 2.0 ** (n - 1) * math.factorial(n - 1) * math.fsum(terms)

    def characteristic_function(self, tau: ArrayLike) -> NDArray[np.complex128]:
        """Return E exp(i tau q), square roots taken factor by factor (LOC-2).

        Parameters
        ----------
        tau : array_like
            Real arguments, any shape.

        Returns
        -------
        ndarray of complex
            Shape of `tau`.

        Examples
        --------
        >>> QuadraticForm([0.5, 0.5]).characteristic_function(1.0).round(6)
        np.complex128(0.5+0.5j)
        """
        t = np.asarray(tau, dtype=np.float64)
        if not np.isfinite(t).all():
            raise bad_value("tau", tau, "finite numbers")
        s = np.asarray(1j * t.ravel(), dtype=np.complex128)
        log_phi = log_moment_generating(self.weights, self.multiplicities, s)
        return np.asarray(np.exp(log_phi).reshape(t.shape))

    def sf(self, x: float) -> float:
        """Return P(q > x), relatively accurate in the upper tail.

        Parameters
        ----------
        x : float
            Threshold; infinite values are allowed.

        Returns
        -------
        float
            In [0, 1].

        Examples
        --------
        >>> QuadraticForm([1.0, -1.0]).sf(0.0)
        0.5
        """
        return QuadraticForm._tail(-self.weights[::-1], self.multiplicities[::-1], -_real("x", x))

    def cdf(self, x: float) -> float:
        """Return P(q < x), relatively accurate in the lower tail.

        The law has no atoms unless q = 0 identically; then the value is 1 for x > 0, else 0.

        Parameters
        ----------
        x : float
            Threshold; infinite values are allowed.

        Returns
        -------
        float
            In [0, 1]; exactly 0 below and exactly 1 above a bounded law.

        Examples
        --------
        >>> QuadraticForm([1.0]).cdf(0.0)
        0.0
        """
        return QuadraticForm._tail(self.weights, self.multiplicities, _real("x", x))

    @staticmethod
    def _tail(weights: NDArray[np.float64], counts: NDArray[np.float64], x: float) -> float:
        """Return P(q < x)."""
        if weights.size == 0:
            return 1.0 if x > 0.0 else 0.0
        if math.isinf(x):
            return 1.0 if x > 0.0 else 0.0
        if x <= 0.0:
            if x == 0.0 and _is_odd(weights, counts):
                return 0.5
            return min(1.0, contour.tail(-weights, counts, -x))
        above = contour.tail(weights, counts, x)
        if above < 0.5:
            return 1.0 - above
        below = contour.tail(-weights, counts, 0.0)
        return min(1.0, below + contour.interval(weights, counts, 0.0, x))

    def probability(self, a: float, b: float, method: str = "auto") -> float:
        """Return P(a < q < b).

        Parameters
        ----------
        a, b : float
            Ends, a <= b; infinite ends are allowed.
        method : {"auto", "contour", "inversion"}
            "contour" (the default): saddle-point contour, relative accuracy 1e-11 or better for
            every rank, far tails and short intervals included. "inversion": trapezoidal
            Gil-Pelaez sum of LOC-3(b), absolute accuracy 1e-12, needs four or more degrees of
            freedom; kept as the independent check.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        ValueError
            If a > b, an end is not a number, the method is unknown or cannot reach its accuracy.

        Examples
        --------
        >>> round(QuadraticForm([0.5, 0.5]).probability(1.0, 2.0), 12)
        0.232544157935
        """
        low, high = _real("a", a), _real("b", b)
        if low > high:
            raise bad_value("b", b, f"a number >= a = {a:g}")
        if method not in _METHODS:
            raise unknown_name("method", method, _METHODS)
        if low == high:
            return 0.0
        if self.weights.size == 0:
            return 1.0 if low < 0.0 < high else 0.0
        if method == "inversion":
            return half_integer_inversion(self.weights, self.multiplicities, low, high)
        return self._interval(low, high)

    def _interval(self, low: float, high: float) -> float:
        """Return P(low < q < high): complement of the tails, or the parts on each side of 0."""
        if math.isinf(low) or math.isinf(high) or low < self.mean < high:
            outside = self.cdf(low) + self.sf(high)
            if math.isinf(low):
                return self.cdf(high)
            if math.isinf(high):
                return self.sf(low)
            if outside < 0.5:
                return 1.0 - outside
        inside = 0.0
        if high > 0.0:
            inside += contour.interval(self.weights, self.multiplicities, max(low, 0.0), high)
        if low < 0.0:
            inside += contour.interval(-self.weights, self.multiplicities, max(-high, 0.0), -low)
        return min(1.0, inside)

    def pdf(self, x: float) -> float:
        """Return the density of q at x.

        Parameters
        ----------
        x : float
            Point.

        Returns
        -------
        float
            inf at x = 0 if the density has its pole there: at most one degree of freedom, or two
            with weights of both signs. One-sided laws give their right or left limit at 0.

        Raises
        ------
        ValueError
            If x is not finite or q is constant.

        Examples
        --------
        >>> round(QuadraticForm([0.5, 0.5]).pdf(2.0), 12)
        0.135335283237
        """
        point = _real("x", x)
        if not math.isfinite(point) or self.weights.size == 0:
            raise bad_value("x", x, "a finite number, and a law that is not constant")
        if point == 0.0:
            rank = float(self.multiplicities.sum())
            one_sided = self.weights[0] * self.weights[-1] > 0.0
            if rank < 2.0 or (rank == 2.0 and not one_sided):
                return math.inf
            if one_sided:
                return 0.0 if rank > 2.0 else self._density_of_two()
        sign = 1.0 if point > 0.0 or (point == 0.0 and self.weights[-1] > 0.0) else -1.0
        return contour.density(sign * self.weights, self.multiplicities, abs(point))

    def _density_of_two(self) -> float:
        """Return the limit at 0 of the density of two weights of one sign, 1/(2 sqrt(w1 w2))."""
        log_size = float(self.multiplicities @ np.log(np.abs(self.weights)))
        return 0.5 * math.exp(-0.5 * log_size)

    def kolmogorov_distance_to_normal(self) -> float:
        """Return sup_x |P(q < x) - Phi((x - mean)/sd)| (LOC-3).

        Returns
        -------
        float
            Distance of the standardised form to the normal law, relative accuracy 1e-8 or better.

        Raises
        ------
        ValueError
            If q is constant.

        Examples
        --------
        >>> round(QuadraticForm([0.5] * 4 + [-0.5] * 4).kolmogorov_distance_to_normal(), 6)
        0.033309
        """
        from qktheory.numerics.kolmogorov import distance_to_normal

        if self.weights.size == 0:
            raise bad_value("weights", [], "at least one non-zero weight")
        return distance_to_normal(self)


def _numbers(argument: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a list of finite numbers, possibly empty."""
    if np.size(value) == 0:
        return np.zeros(0)
    return RealList().check(argument, value)


def _real(argument: str, value: float) -> float:
    """Return `value` as a float, infinities included."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise bad_value(argument, value, "a real number") from None
    if math.isnan(number):
        raise bad_value(argument, value, "a real number")
    return number


def _is_odd(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> bool:
    """Whether q and -q have the same law."""
    return bool(np.array_equal(weights, -weights[::-1]) and np.array_equal(counts, counts[::-1]))
