"""Averages over one Gaussian logit on a lattice (ENT-2).

Every moment of a row of n iid logits s g_j is an integral over u of averages n E[f(u + s g)] and of
powers of phi(u) = E exp(-e^{u + s g}); u is the logarithm of the Laplace variable. Steps of u and
of s g are commensurate, so that an average is a correlation of a function of one variable with
the normal weights. Two other rules take over where that is wasteful: for small s the average is an
ordinary sum over g, for s far above the freezing point sqrt(2 ln n) it is an integral over
v = u + s g, and the step of u grows with s.

The weights carry the factor n. Nothing is lost for n = 1e300, where 1 - phi is of the order 1/n,
and phi^n comes from n (1 - phi), which has full relative accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import exp1, gammaln, log_ndtr, loggamma, ndtri

__all__ = ["Kernel", "RowLattice", "entropy_kernel", "power_kernel"]

Floats = NDArray[np.float64]
Kernel = Callable[[Floats], Floats]

#: Step of u. exp(-e^u) is analytic for |Im u| < pi/2: the trapezoidal error is e^(-pi^2/step).
_STEP = 0.2
#: Step of g where it does not follow from the step of u: error e^(-2 pi^2/step^2).
_STEP_G = 0.5
#: Below this s the average is an ordinary sum over g.
_SMALL_S = 0.35
#: From this s on, if also 3 freezing points, the average is an integral over v.
_WIDE_S, _WIDE_FREEZING = 30.0, 3.0
#: Exponent at which a tail counts as nothing, and the deviation of g with that tail.
_DEPTH, _DEVIATIONS = 45.0, 9.5
_MOST_NODES = 1 << 22
_SMALL_EIN = tuple((-1.0) ** (k + 1) / (k * math.factorial(k)) for k in range(18, 0, -1))
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(10)


def power_kernel(q: float, p: int = 0, centre: float = 0.0) -> Kernel:
    """Return v -> (v - centre)^p e^{q v} exp(-e^v)/Gamma(q), the kernel K_{q,p} of ENT-1.

    Parameters
    ----------
    q : float
        Order, > 0.
    p : int, optional
        Power of v, >= 0.
    centre : float, optional
        Origin of that power.

    Returns
    -------
    callable

    Examples
    --------
    >>> power_kernel(1.0)(np.array([0.0])).round(8)
    array([0.36787944])
    """
    normaliser = float(gammaln(q))

    def kernel(v: Floats) -> Floats:
        value = np.exp(q * v - np.exp(np.minimum(v, 700.0)) - normaliser)
        return value * (v - centre) ** p if p else value

    return kernel


def entropy_kernel(v: Floats) -> Floats:
    """Return C(v) = (gamma_E + v) exp(-e^v) + E_1(e^v), positive.

    Its derivative is -(gamma_E + v) e^v exp(-e^v), the kernel of the entropy in ENT-1, so that a
    partial integration turns the entropy into an integral of positive terms.

    Parameters
    ----------
    v : ndarray
        Points.

    Returns
    -------
    ndarray
        Relative accuracy of a few epsilons.

    Examples
    --------
    >>> entropy_kernel(np.array([-40.0, 0.0])) > 0.0
    array([ True,  True])
    """
    out = np.empty_like(v)
    left = v < -np.euler_gamma
    x = np.exp(v[left])
    # E_1(x) = -gamma_E - ln x + Ein(x), and no term of what remains is negative.
    out[left] = (np.euler_gamma + v[left]) * np.expm1(-x) + x * np.polyval(_SMALL_EIN, x)
    right = v[~left]
    y = np.exp(np.minimum(right, 7.0))
    out[~left] = (np.euler_gamma + right) * np.exp(-y) + exp1(y)
    return out


def _survival(v: Floats) -> Floats:
    return np.exp(-np.exp(np.minimum(v, 7.0)))


def _deficit(v: Floats) -> Floats:
    return -np.expm1(-np.exp(np.minimum(v, 7.0)))


@dataclass(frozen=True)
class RowLattice:
    """A grid of u with everything that the moments of one row share.

    Attributes
    ----------
    n : float
        Number of iid logits, >= 1.
    s : float
        Their standard deviation, > 0.
    u : ndarray, shape (N,)
        Nodes, increasing.
    du : ndarray, shape (N,)
        Weights of the integral over u.
    exponent : ndarray, shape (N,)
        -n ln phi(u) >= 0, relatively accurate.
    """

    n: float
    s: float
    u: Floats
    du: Floats
    exponent: Floats
    _g: Floats
    _weights: Floats
    _mode: str

    @classmethod
    def build(
        cls,
        n: float,
        s: float,
        order: float = 2.0,
        self_logits: tuple[float, float] | None = None,
    ) -> RowLattice:
        """Choose the grid and tabulate phi.

        Parameters
        ----------
        n : float
            Number of iid logits, 1 <= n <= 1e300.
        s : float
            Their standard deviation, > 0.
        order : float, optional
            Largest total order of the participations to be averaged, sum_j A_j^order.
        self_logits : tuple of float, optional
            Range of the logits of one further key, if there is one.

        Returns
        -------
        RowLattice

        Raises
        ------
        ValueError
            If the grid would need millions of nodes.

        Examples
        --------
        >>> lattice = RowLattice.build(1024.0, 1.0)
        >>> round(lattice.integral(lattice.average(power_kernel(1.0)) * lattice.power(1)), 12)
        1.0
        """
        step = _step(order)
        low, high, down, up = _window(n, s, order, self_logits)
        freezing = math.sqrt(2.0 * math.log(n))
        if s >= max(_WIDE_S, _WIDE_FREEZING * freezing):
            return cls._wide(n, s, (low, high), step, freezing, self_logits)
        count = (high - low + s * (down + up)) / step
        if not count < _MOST_NODES:
            raise ValueError(
                f"s = {s:g}, T = {n:g}, order {order:g}"
                + (f", self_logit {self_logits[0]:g}" if self_logits else "")
                + f": expected values whose integrals need less than {_MOST_NODES} nodes"
            )
        u = low + step * np.arange(math.ceil((high - low) / step) + 1, dtype=np.float64)
        if s < _SMALL_S:
            g = _STEP_G * _integers(down / _STEP_G, up / _STEP_G)
            return cls._finish(n, s, u, np.full(u.size, step), g, _STEP_G, "dense")
        g = step / s * _integers(down * s / step, up * s / step)
        return cls._finish(n, s, u, np.full(u.size, step), g, step / s, "shared")

    @classmethod
    def _finish(
        cls, n: float, s: float, u: Floats, du: Floats, g: Floats, step: float, mode: str
    ) -> RowLattice:
        """Tabulate phi for a rule in g."""
        weights = step * np.exp(math.log(n) - 0.5 * g * g) / math.sqrt(2.0 * math.pi)
        bare = cls(n, s, u, du, u, g, weights, mode)
        return bare._with_exponent(bare.average(_deficit), bare.average(_survival))

    @classmethod
    def _wide(
        cls,
        n: float,
        s: float,
        window: tuple[float, float],
        step: float,
        freezing: float,
        self_logits: tuple[float, float] | None,
    ) -> RowLattice:
        """Build the grid for s far above freezing: u/s matters, v is of order one."""
        scale = s / max(freezing, 1.0)
        if self_logits is None:
            coarse = 0.25 * scale
            u = np.arange(window[0], window[1] + coarse, coarse)
            du = np.full(u.size, coarse)
        else:
            # Only exp(-e^{u + self_logit}) has features of order one.
            corner = min(max(-self_logits[1] - _DEPTH, window[0]), window[1])
            left, left_weights = _panels(window[0], corner, scale)
            right, right_weights = _panels(corner, window[1], 1.5)
            u = np.concatenate([left, right])
            du = np.concatenate([left_weights, right_weights])
        # In the window n pdf((v - u)/s) grows towards smaller v, at most like this.
        growth = (max(abs(window[0]), abs(window[1])) + _DEPTH) / (s * s)
        v = np.arange(-_DEPTH / max(1.0 - growth, 0.25), 4.0 + math.log(1.0 / step) * 2.0, step)
        y = (v - u[:, None]) / s
        weights = (step / s) * np.exp(math.log(n) - 0.5 * y * y) / math.sqrt(2.0 * math.pi)
        bare = cls(n, s, u, du, u, v, weights, "wide")
        # E F(u + s g) = int F'(v) P(u + s g > v) dv for F = 1 - exp(-e^v).
        slope = step * power_kernel(1.0)(v)
        return bare._with_exponent(
            np.exp(math.log(n) + log_ndtr(-y)) @ slope, np.exp(math.log(n) + log_ndtr(y)) @ slope
        )

    def _with_exponent(self, deficit: Floats, survival: Floats) -> RowLattice:
        """Return the lattice with -n ln phi from n (1 - phi) or, where that is large, n phi."""
        n = self.n
        with np.errstate(divide="ignore"):
            exponent = np.where(
                deficit < 0.5 * n,
                -n * np.log1p(-np.minimum(deficit / n, 0.5)),
                -n * np.log(np.minimum(survival / n, 0.6)),
            )
        return RowLattice(n, self.s, self.u, self.du, exponent, self._g, self._weights, self._mode)

    def average(self, kernel: Kernel, power_of_g: int = 0) -> Floats:
        """Return n E[g^p f(u + s g)] at every node.

        Parameters
        ----------
        kernel : callable
            f, from an array of points v to the values.
        power_of_g : int, optional
            p, >= 0.

        Returns
        -------
        ndarray, shape (N,)
        """
        if self._mode == "wide":
            weights = self._weights
            if power_of_g:
                weights = weights * ((self._g - self.u[:, None]) / self.s) ** power_of_g
            return np.asarray(weights @ kernel(self._g))
        weights = self._weights * self._g**power_of_g if power_of_g else self._weights
        if self._mode == "dense":
            return np.asarray(kernel(self.u[:, None] + self.s * self._g) @ weights)
        return np.correlate(kernel(self.points), weights, "valid")

    @property
    def points(self) -> Floats:
        """All u + s g of a shared lattice, in order."""
        step = float(self.du[0])
        count = self.u.size + self._g.size - 1
        return np.asarray(self.u[0] + self.s * self._g[0] + step * np.arange(count))

    @property
    def nodes(self) -> tuple[Floats, Floats]:
        """Nodes g and weights n w of the average, for the rules that have them."""
        return self._g, self._weights

    @property
    def mode(self) -> str:
        """The rule: ``"dense"``, ``"shared"`` or ``"wide"``."""
        return self._mode

    def power(self, missing: float) -> Floats:
        """Return phi^(n - missing) at every node.

        Parameters
        ----------
        missing : float
            Number of logits that are treated apart, 0, 1 or 2.

        Returns
        -------
        ndarray, shape (N,)
        """
        # phi^(n - 2) with n < 2 is a quotient: it is 0/0 where phi underflows.
        return np.exp(-(1.0 - missing / self.n) * np.minimum(self.exponent, 600.0 * self.n))

    def integral(self, integrand: Floats) -> float:
        """Return the integral over u."""
        return float(self.du @ integrand)


def _integers(down: float, up: float) -> Floats:
    return np.arange(-math.ceil(down), math.ceil(up) + 1, dtype=np.float64)


def _step(order: float) -> float:
    """Return the step of u at which the rule is exact to rounding for e^{order u} exp(-e^u)."""
    step = _STEP
    if order > 4.0:
        # The rule's error is |Gamma(order + 2 pi i/step)|/Gamma(order).
        while (loggamma(order + 2j * math.pi / step)).real - gammaln(order) > -36.0:
            step *= 0.9
    return step


def _panels(low: float, high: float, width: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of Gauss rules on panels of about `width`."""
    if high <= low:
        return np.empty(0), np.empty(0)
    edges = np.linspace(low, high, math.ceil((high - low) / width) + 1)
    half = 0.5 * (edges[1] - edges[0])
    nodes = (0.5 * (edges[1:] + edges[:-1]))[:, None] + half * _GAUSS_NODES
    return nodes.ravel(), np.tile(half * _GAUSS_WEIGHTS, edges.size - 1)


def _window(
    n: float, s: float, order: float, self_logits: tuple[float, float] | None
) -> tuple[float, float, float, float]:
    """Return the range of u and the reach of g down and up outside which nothing counts."""
    log_n = math.log(n)
    freezing = math.sqrt(2.0 * log_n)
    up = math.sqrt(2.0 * (log_n + _DEPTH))
    if s < freezing:
        # A participation of this order is carried by g = order s, or, if that comes first, by the
        # g whose logit alone is as large as log Z.
        spike = (log_n + 0.5 * s * s) / s
        tilted = min(order * s + _DEVIATIONS, math.sqrt(spike * spike + 2.0 * _DEPTH))
        up = max(up, tilted)
    low = min(-_DEPTH, _edge(s, log_n + _DEPTH) - 6.0)
    if s * up > log_n + 0.5 * s * s:
        low = min(low, -s * up - 6.0)
    most = 60.0 + order + 9.0 * math.sqrt(order)
    down = _DEVIATIONS
    if self_logits is not None:
        m_low, m_high = self_logits
        most += 40.0 + 8.0 * s
        down += min(2.0 * s, max(0.0, -m_low) / s, 28.0)
        up = max(up, _DEVIATIONS + min(2.0 * s, 8.0))
        low = min(low, min(-m_high, _edge(s, log_n)) - _DEPTH)
    if n > 4.0 * most:
        high = s * float(ndtri(most / n))
        if s * s < 2.0 * (log_n - math.log(most)):
            high = min(high, _edge(s, log_n - math.log(most)) + 6.0)
        high += math.log(order)
    else:
        high = s * down + 5.0 + math.log(most)
    if self_logits is not None:
        high = max(min(4.0 - self_logits[0], high), low + 10.0)
    return low, high, down, up


def _edge(s: float, depth: float) -> float:
    """Return u with E min(1, e^{u + s g}) = e^-depth, up to a few units.

    Either g = s carries the average, which is e^{u + s^2/2}, or the saturated g > -u/s do.
    """
    if s * s < 2.0 * depth:
        return -depth - 0.5 * s * s
    return -s * math.sqrt(2.0 * depth)
