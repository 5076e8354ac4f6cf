"""Mean weights and entropy of an attention row of iid tokens (LOC-15b).

Given the query, its score with itself is m and the n = T - 1 other scores are iid N(0, s^2). With
L(y) = E exp(-y e^{s g}) every moment is a one-dimensional integral over y = e^zeta, for instance
E A_self = int e^u exp(-e^u) L^n d zeta with u = zeta + m. The sums below are trapezoidal in zeta
and in g, with g-steps such that s g falls on the grid of zeta, so the averages over g are discrete
correlations of functions of one variable.

The entropy is a sum of positive terms rather than the difference in LOC-15: since
int e^{-yZ} (-gamma_E - ln y) dy = (ln Z)/Z, with c(t) = -(gamma_E + t) e^t exp(-e^t),

    E[-A_self ln A_self] = int c(zeta + m) L^n d zeta,
    E[-A_j ln A_j]       = int exp(-e^{zeta + m}) L^{n-1} E[c(zeta + s g)] d zeta.

No digits are lost when the entropy is small; as int c = 0, L^n may be replaced by L^n - 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import unknown_name
from qktheory.numerics.normal import normal_pdf

__all__ = ["IidRowMoments", "RowLaplace", "iid_row_moments"]

_Floats = NDArray[np.float64]
_STEP = 0.2
#: Nodes beyond which an average is refused: half a minute and gigabytes for no digit more.
_MOST_NODES = 1 << 26
#: e^-_NO_RIVAL is 0, also times any power of a score that matters.
_NO_RIVAL = 800.0
# Below, the average over g is an ordinary sum; above, it shares the grid of zeta; from _LARGE_S on
# the kernels in t are narrow beside the normal law of s g.
_SMALL_S = 0.35
_LARGE_S = 10.0
_METHODS = ("auto", "stein")


class IidRowMoments(NamedTuple):
    """Moments of one attention row of iid tokens.

    Attributes
    ----------
    mean_self_weight, mean_self_weight_squared : float
        E A and E A^2 of the query's own weight.
    mean_other_weights_squared : float
        E of the sum of the squares of the other weights.
    mean_entropy : float
        E of the entropy of the row, nats.
    """

    mean_self_weight: float
    mean_self_weight_squared: float
    mean_other_weights_squared: float
    mean_entropy: float


def iid_row_moments(self_logit: float, s: float, T: float, method: str = "auto") -> IidRowMoments:
    """Return the mean weights and entropy of a row with iid normal scores (LOC-15b).

    Parameters
    ----------
    self_logit : float
        Score m of the query with itself.
    s : float
        Standard deviation of the T - 1 other scores, >= 0.
    T : int
        Number of keys, >= 1; an integral float such as 1e12 is accepted.
    method : {"auto", "stein"}
        How the entropy is obtained: as a sum of positive terms, relatively accurate ("auto"), or by
        the identity E[g_j A_j] = s E[A_j - A_j^2] of LOC-15 ("stein"), which loses digits where
        the entropy is small.

    Returns
    -------
    IidRowMoments
        Relative accuracy 1e-11 or better for s <= 12 (values above 1e-30), any m and T.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> row = iid_row_moments(2.0, 1.0, 64)
    >>> round(row.mean_self_weight, 10), round(row.mean_entropy, 10)
    (0.0679344811, 3.6668045057)
    """
    m = Real().check("self_logit", self_logit)
    s = Real(low=0.0).check("s", s)
    n = Integer(low=1).check("T", T) - 1
    if method not in _METHODS:
        raise unknown_name("method", method, _METHODS)
    if n == 0:
        return IidRowMoments(1.0, 1.0, 0.0, 0.0)
    if s == 0.0:
        return _equal_scores(m, n)
    if m > math.log(n) + 40.0 * s + _NO_RIVAL:
        # No other key is left in double precision, and a grid around -m would lose its spacing.
        return IidRowMoments(1.0, 1.0, 0.0, 0.0)
    laplace = RowLaplace.build(s, n, m, m)
    moments = laplace.moments(m)
    if method == "stein":
        return moments._replace(mean_entropy=laplace.stein_entropy(m, moments))
    return moments


def _equal_scores(m: float, n: int) -> IidRowMoments:
    """Return the exact values when all other scores are 0."""
    log_sum = float(np.logaddexp(m, math.log(n)))
    own, other = math.exp(m - log_sum), math.exp(-log_sum)
    deficit = math.log1p(n * math.exp(-m)) if m > 0.0 else log_sum - m
    return IidRowMoments(own, own * own, n * other * other, own * deficit + n * other * log_sum)


@dataclass(frozen=True)
class RowLaplace:
    """The averages over g that all moments with the same s and n share.

    Attributes
    ----------
    s : float
        Standard deviation of the scores, > 0.
    n : int
        Number of other keys, >= 1.
    zeta : ndarray, shape (N,)
        Uniform grid of ln y.
    rate : ndarray, shape (N,)
        -ln L(e^zeta) >= 0, relatively accurate.
    square, entropy : ndarray, shape (N,)
        E[t^2 e^-t] and E[c(ln t)] at t = e^{zeta + s g}.
    """

    s: float
    n: int
    zeta: _Floats
    rate: _Floats
    square: _Floats
    entropy: _Floats

    @classmethod
    def build(cls, s: float, n: int, m_low: float, m_high: float) -> RowLaplace:
        """Tabulate the averages on a grid that serves every self logit in [m_low, m_high].

        Parameters
        ----------
        s : float
            Standard deviation of the other scores, > 0.
        n : int
            Number of other keys, >= 1.
        m_low, m_high : float
            Range of self logits.

        Returns
        -------
        RowLaplace

        Examples
        --------
        >>> RowLaplace.build(1.0, 63, 2.0, 2.0).moments(2.0).mean_self_weight.__round__(8)
        0.06793448
        """
        low, high = _window(s, n, m_low, m_high)
        if not (high - low) / _STEP < _MOST_NODES:
            raise ValueError(
                f"self_logit from {m_low:g} to {m_high:g} with s = {s:g}: expected scales whose "
                f"integrals need less than {_MOST_NODES} nodes"
            )
        count = math.ceil((high - low) / _STEP) + 1
        zeta = low + _STEP * np.arange(count, dtype=np.float64)
        if s < _SMALL_S:
            averages = _averages_by_matrix(s, zeta, m_low)
        elif s <= _LARGE_S:
            averages = _averages_by_correlation(s, zeta, m_low)
        else:
            averages = _averages_by_parts(s, zeta)
        one_minus, value, square, entropy = averages
        with np.errstate(divide="ignore"):
            small = -np.log1p(-np.minimum(one_minus, 0.5))
            rate = np.where(one_minus < 0.5, small, -np.log(np.minimum(value, 0.6)))
        return cls(s, n, zeta, rate, square, entropy)

    def moments(self, m: float) -> IidRowMoments:
        """Return the moments for one self logit m.

        Parameters
        ----------
        m : float
            Self logit, inside the range the table was built for.

        Returns
        -------
        IidRowMoments
        """
        values = self.evaluate(np.array([m]))[0]
        return IidRowMoments(*map(float, values))

    def evaluate(self, m: _Floats) -> _Floats:
        """Return the moments for many self logits.

        Parameters
        ----------
        m : ndarray, shape (k,)
            Self logits, inside the range the table was built for.

        Returns
        -------
        ndarray, shape (k, 4)
            Columns in the order of `IidRowMoments`.
        """
        u = m[:, None] + self.zeta
        own = np.exp(np.minimum(u, 7.0))
        decay = np.exp(-own)
        weight = own * decay
        power = np.exp(-self.n * self.rate)
        # For n = 1 the power of L is 1 even where L underflows.
        remaining = self.n * np.exp(-(self.n - 1.0) * np.minimum(self.rate, 1e3))
        mean_own = _STEP * (weight @ power)
        mean_square = _STEP * ((own * weight) @ power)
        others_square = _STEP * (decay @ (remaining * self.square))
        kernel = -(np.euler_gamma + u) * weight
        own_entropy = _STEP * np.where(
            mean_own < 0.5, kernel @ power, kernel @ np.expm1(-self.n * self.rate)
        )
        if self.n == 1 and self.zeta[-1] > 9.5 * self.s + 4.0:
            # int c = 0 and the whole mass of c is on the grid: decay may be replaced by decay - 1,
            # which keeps the digits when the single other key takes all the weight.
            other_entropy = _STEP * (np.expm1(-own) @ self.entropy)
        else:
            other_entropy = _STEP * (decay @ (remaining * self.entropy))
        entropy = own_entropy + other_entropy
        return np.stack([mean_own, mean_square, others_square, np.maximum(entropy, 0.0)], axis=1)

    def stein_entropy(self, m: float, moments: IidRowMoments) -> float:
        """Return the mean entropy by the formula of LOC-15 with Stein's identity."""
        y = np.exp(np.minimum(self.zeta, 7.0))
        own = np.exp(np.minimum(self.zeta + m, 7.0))
        difference = np.exp(-y) - np.exp(-own - self.n * self.rate)
        # The integrand tends to exp(-y) on the right and to 0 on the left; the grid ends there.
        tail = _exponential_integral_beyond(float(self.zeta[-1]) + 0.5 * _STEP)
        log_sum = _STEP * float(np.sum(difference)) + tail
        own_weight = moments.mean_self_weight
        rest = 1.0 - own_weight - moments.mean_other_weights_squared
        return log_sum - m * own_weight - self.s**2 * rest


def _exponential_integral_beyond(zeta: float) -> float:
    """Return the trapezoidal sum of exp(-e^z) over the grid points beyond `zeta`."""
    z = zeta + 0.5 * _STEP + _STEP * np.arange(max(0, math.ceil((4.0 - zeta) / _STEP)))
    return _STEP * float(np.sum(np.exp(-np.exp(z))))


def _reach(s: float, m_low: float) -> tuple[float, float]:
    """Return how far g must go down and up, exponential tilting by the kernels included."""
    return 9.5 + min(2.0 * s, max(0.0, -m_low) / s, 8.0), 9.5 + min(2.0 * s, 8.0)


def _averages_by_matrix(s: float, zeta: _Floats, m_low: float) -> list[_Floats]:
    """Return the averages over g of the kernels at zeta + s g, for small s."""
    below, above = _reach(s, m_low)
    g = 0.5 * np.arange(-math.ceil(2.0 * below), math.ceil(2.0 * above) + 1)
    weights = 0.5 * normal_pdf(g)
    return [kernel @ weights for kernel in _kernels(zeta[:, None] + s * g)]


def _averages_by_correlation(s: float, zeta: _Floats, m_low: float) -> list[_Floats]:
    """Return the same averages with a g-step of _STEP/s, for moderate s."""
    below, above = _reach(s, m_low)
    step = _STEP / s
    first, last = math.ceil(below / step), math.ceil(above / step)
    weights = step * normal_pdf(step * np.arange(-first, last + 1))
    log_t = zeta[0] + _STEP * np.arange(-first, zeta.size + last)
    return [np.correlate(kernel, weights, "valid") for kernel in _kernels(log_t)]


def _averages_by_parts(s: float, zeta: _Floats) -> list[_Floats]:
    """Return the same averages as integrals over ln t, for large s.

    E[1 - exp(-t)] = int f(x) P(zeta + s g > x) dx with f(x) = e^x exp(-e^x), and so on.
    """
    x = _STEP * np.arange(-math.ceil(90.0 / _STEP), math.ceil(4.0 / _STEP) + 1)
    t = np.exp(x)
    weight = _STEP * t * np.exp(-t)
    grid = zeta[0] - x[-1] + _STEP * np.arange(zeta.size + x.size - 1)
    bell, up, down = normal_pdf(grid / s) / s, ndtr(grid / s), ndtr(-grid / s)

    def average(values: _Floats, kernel: _Floats) -> _Floats:
        return np.correlate(values, kernel[::-1], "valid")

    return [
        average(up, weight),
        average(down, weight),
        average(bell, t * weight),
        average(bell, -(np.euler_gamma + x) * weight),
    ]


def _kernels(log_t: _Floats) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    """Return 1 - e^-t, e^-t, t^2 e^-t and c(ln t) = -(gamma_E + ln t) t e^-t."""
    t = np.exp(np.minimum(log_t, 7.0))
    decay = np.exp(-t)
    weight = t * decay
    return -np.expm1(-t), decay, t * weight, -(np.euler_gamma + log_t) * weight


def _window(s: float, n: int, m_low: float, m_high: float) -> tuple[float, float]:
    """Return the range of ln y outside which all integrands are negligible."""
    log_n = math.log(n)
    # From here on to the left everything decays at least like e^zeta.
    low = min(-m_high, _edge(s, log_n)) - 42.0
    low = min(low, _edge(s, log_n + 42.0) - 6.0)
    if n > 4.0 * (100.0 + 8.0 * s):
        dead = s * float(ndtri((100.0 + 8.0 * s) / n))
    else:
        dead = s * (9.5 + min(2.0 * s, 8.0)) + 5.0
    return low, max(min(4.0 - m_low, dead), low + 10.0)


def _edge(s: float, depth: float) -> float:
    """Return zeta with E min(1, e^{zeta + s g}) = e^-depth, up to a few units.

    Either g = s carries the average, which is e^{zeta + s^2/2}, or the saturated g > -zeta/s do.
    """
    if s * s < 2.0 * depth:
        return -depth - 0.5 * s * s
    return -s * math.sqrt(2.0 * depth)
