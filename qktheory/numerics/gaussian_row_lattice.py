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
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, loggamma, ndtri

from qktheory.numerics.gaussian_row_kernels import (
    DEPTH,
    DEVIATIONS,
    STEP,
    STEP_G,
    Kernel,
    deficit_kernel,
    power_kernel,
    survival_kernel,
)

__all__ = ["RowLattice", "freezing_point", "row_window"]

Floats = NDArray[np.float64]
#: Below this s the average is an ordinary sum over g; a lattice for it would be too fine.
_SMALL_S = 0.02
#: From this s on, if also 3 freezing points, the average is an integral over v.
_WIDE_S, _WIDE_FREEZING = 30.0, 3.0
_MOST_NODES, _MOST_AVERAGED_NODES, _MOST_WIDE_NODES = 1 << 22, 1 << 18, 1 << 16
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(10)


@dataclass(frozen=True)
class RowLattice:
    """A grid of u with everything that the moments of one row share.

    Attributes
    ----------
    n : float
        Number of iid logits, > 0.
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
    _stride: int = 1

    @classmethod
    def build(
        cls,
        n: float,
        s: float,
        order: float = 2.0,
        self_logits: tuple[float, float] | None = None,
        self_std: float = 0.0,
    ) -> RowLattice:
        """Choose the grid and tabulate phi.

        Parameters
        ----------
        n : float
            Number of iid logits, 0 < n <= 1e300.
        s : float
            Their standard deviation, > 0.
        order : float, optional
            Largest total order of the participations to be averaged, sum_j A_j^order.
        self_logits : tuple of float, optional
            Range of the logits of one further key, if there is one.
        self_std : float, optional
            Standard deviation of that logit, if it is averaged over.

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
        low, high, down, up = row_window(n, s, order, self_logits)
        freezing = freezing_point(n)
        if s >= max(_WIDE_S, _WIDE_FREEZING * freezing):
            return cls._wide(n, s, (low, high), step, self_logits, self_std)
        count = (high - low + s * (down + up)) / step
        if not count < (_MOST_NODES if self_std == 0.0 else _MOST_AVERAGED_NODES):
            raise ValueError(
                f"s = {s:g}, T = {n:g}, order {order:g}"
                + (f", self_logit {self_logits[0]:g}" if self_logits else "")
                + ": expected values whose integrals need fewer nodes"
            )
        u = low + step * np.arange(math.ceil((high - low) / step) + 1, dtype=np.float64)
        if s < _SMALL_S:
            g = STEP_G * _integers(down / STEP_G, up / STEP_G)
            return cls._finish(n, s, u, np.full(u.size, step), g, STEP_G, "dense")
        # Points u + s g lie on a lattice that is `stride` times finer than that of u.
        stride = math.ceil(step / (STEP_G * s))
        step_g = step / (stride * s)
        g = step_g * _integers(down / step_g, up / step_g)
        return cls._finish(n, s, u, np.full(u.size, step), g, step_g, "shared", stride)

    @classmethod
    def _finish(
        cls,
        n: float,
        s: float,
        u: Floats,
        du: Floats,
        g: Floats,
        step: float,
        mode: str,
        stride: int = 1,
    ) -> RowLattice:
        """Tabulate phi for a rule in g."""
        weights = step * np.exp(math.log(n) - 0.5 * g * g) / math.sqrt(2.0 * math.pi)
        bare = cls(n, s, u, du, u, g, weights, mode, stride)
        return bare._with_exponent(bare.average(deficit_kernel), bare.average(survival_kernel))

    @classmethod
    def _wide(
        cls,
        n: float,
        s: float,
        window: tuple[float, float],
        step: float,
        self_logits: tuple[float, float] | None,
        self_std: float,
    ) -> RowLattice:
        """Build the grid for s far above freezing: u/s matters, v is of order one."""
        scale = s / max(freezing_point(n), 1.0)
        if self_logits is None or self_std >= _WIDE_S:
            coarse = 0.25 * (scale if self_logits is None else min(scale, self_std))
            u = np.arange(window[0], window[1] + coarse, coarse)
            du = np.full(u.size, coarse)
        else:
            # Only exp(-e^{u + self_logit}) has features of order one.
            corner = min(max(-self_logits[1] - DEPTH, window[0]), window[1])
            if not (window[1] - corner) / 1.5 * _GAUSS_NODES.size < _MOST_WIDE_NODES:
                raise ValueError(
                    f"self_logit from {self_logits[0]:g} to {self_logits[1]:g}, s = {s:g}: "
                    "expected values whose integrals need fewer nodes"
                )
            left, left_weights = _panels(window[0], corner, scale)
            right, right_weights = _panels(corner, window[1], 1.5)
            u = np.concatenate([left, right])
            du = np.concatenate([left_weights, right_weights])
        # In the window n pdf((v - u)/s) grows towards smaller v, at most like this.
        growth = (max(abs(window[0]), abs(window[1])) + DEPTH) / (s * s)
        v = np.arange(-DEPTH / max(1.0 - growth, 0.25), 4.0 + math.log(1.0 / step) * 2.0, step)
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
        return replace(self, exponent=exponent)

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
        return np.correlate(kernel(self.points), weights, "valid")[:: self._stride]

    @property
    def points(self) -> Floats:
        """All u + s g of a shared lattice, in order."""
        step = float(self.du[0]) / self._stride
        count = self._stride * (self.u.size - 1) + self._g.size
        return np.asarray(self.u[0] + self.s * self._g[0] + step * np.arange(count))

    @property
    def nodes(self) -> tuple[Floats, Floats]:
        """Nodes g and weights n w of the average, for the rules that have them."""
        return self._g, self._weights

    @property
    def stride(self) -> int:
        """How many points of a shared lattice make a step of u."""
        return self._stride

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


def freezing_point(n: float) -> float:
    """Return sqrt(2 ln n), 0 for n < 1.

    Parameters
    ----------
    n : float
        Number of logits, > 0.

    Returns
    -------
    float

    Examples
    --------
    >>> round(freezing_point(1024.0), 10)
    3.7232974111
    """
    return math.sqrt(2.0 * max(math.log(n), 0.0))


def _integers(down: float, up: float) -> Floats:
    return np.arange(-math.ceil(down), math.ceil(up) + 1, dtype=np.float64)


def _step(order: float) -> float:
    """Return the step of u at which the rule is exact to rounding for e^{order u} exp(-e^u)."""
    step = STEP
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


def row_window(
    n: float, s: float, order: float, self_logits: tuple[float, float] | None = None
) -> tuple[float, float, float, float]:
    """Return the range of u and the reach of g down and up outside which nothing counts.

    Parameters
    ----------
    n, s, order, self_logits
        As in `RowLattice.build`.

    Returns
    -------
    low, high : float
        Range of u.
    down, up : float
        Reach of g below and above 0, both positive.

    Examples
    --------
    >>> low, high, down, up = row_window(1024.0, 1.0, 2.0)
    >>> low < -50.0 < high and min(down, up) > 9.0
    True
    """
    log_n = max(math.log(n), 0.0)
    freezing = freezing_point(n)
    up = math.sqrt(2.0 * (log_n + DEPTH))
    if s < freezing:
        # A participation of this order is carried by g = order s, or, if that comes first, by the
        # g whose logit alone is as large as log Z.
        spike = (log_n + 0.5 * s * s) / s
        tilted = min(order * s + DEVIATIONS, math.sqrt(spike * spike + 2.0 * DEPTH))
        up = max(up, tilted)
    low = min(-DEPTH, _edge(s, log_n + DEPTH) - 6.0)
    if s * up > log_n + 0.5 * s * s:
        low = min(low, -s * up - 6.0)
    most = 60.0 + order + 9.0 * math.sqrt(order)
    down = DEVIATIONS
    if self_logits is not None:
        m_low, m_high = self_logits
        most += 40.0 + 8.0 * s
        down += min(2.0 * s, max(0.0, -m_low) / s, 28.0)
        # The others count where they are rare: from g = 2 s or, if that comes first, m/s.
        rival = max(m_high, 0.0) / s
        up = max(up, min(DEVIATIONS + 2.0 * s, math.sqrt(rival * rival + 2.0 * DEPTH)))
        low = min(low, min(-m_high, _edge(s, log_n)) - DEPTH)
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
