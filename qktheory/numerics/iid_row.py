"""Mean weights and entropy of a row with one key of its own beside iid ones (LOC-15b, ENT-12).

The row has n iid logits s g_j and one more, the self-logit m: that of the query with itself. With
phi, Psi_{q,p} and C of `gaussian_row_integrals`, e_0(u) = exp(-e^{u + m}) and v_0 = u + m,

    E A_self  = int e^{v_0} e_0 phi^n du,
    E H       = n int { C(v_0) Psi_{1,0} phi^{n-1}
                        + E[C] ((n - 1) Psi_{1,0} phi^{n-2} e_0 + phi^{n-1} e^{v_0} e_0) } du,

the partial integral of the formula in ENT-12: a sum of positive terms, so no digits are lost when
the entropy is small. For a self-logit of law N(0, t^2) the functions of v_0 are replaced by their
averages, since the row is linear in each of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qktheory.base.domains import Integer, Real
from qktheory.numerics.gaussian_row_kernels import (
    entropy_kernel,
    power_kernel,
    single_averages,
)
from qktheory.numerics.gaussian_row_lattice import RowLattice

__all__ = [
    "IidRowMoments",
    "SelfLogitMoments",
    "TabulatedRow",
    "iid_row_moments",
    "row_with_gaussian_self_logit",
    "row_with_self_logit",
]

_Floats = NDArray[np.float64]
#: e^-_NO_RIVAL is 0, also times any power of a logit that matters.
_NO_RIVAL = 800.0
_LARGEST_N, _LARGEST_S = 1e300, 1e100
#: A self-logit with so much wider a law is averaged over after the other keys.
_FAR_WIDER = 40.0


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


class SelfLogitMoments(NamedTuple):
    """Moments of a row of n iid keys and one more.

    Attributes
    ----------
    mean_entropy : float
        E H of the n + 1 weights, nats.
    mean_self_weight : float
        E A of the one more.
    mean_participation : float
        E Y_2 of the n + 1 weights.
    """

    mean_entropy: float
    mean_self_weight: float
    mean_participation: float


def iid_row_moments(self_logit: float, s: float, T: float) -> IidRowMoments:
    """Return the mean weights and entropy of a row with iid normal scores (LOC-15b).

    Parameters
    ----------
    self_logit : float
        Score m of the query with itself.
    s : float
        Standard deviation of the T - 1 other scores, >= 0.
    T : int
        Number of keys, >= 1; an integral float such as 1e12 is accepted.

    Returns
    -------
    IidRowMoments
        Relative accuracy 1e-11 or better for values above 1e-30, any m, s and T.

    Raises
    ------
    ValueError
        If an argument is out of its domain, or s and self_logit are so far apart that the
        integrals would need millions of nodes.

    Examples
    --------
    >>> row = iid_row_moments(2.0, 1.0, 64)
    >>> round(row.mean_self_weight, 10), round(row.mean_entropy, 10)
    (0.0679344811, 3.6668045057)
    """
    m = Real().check("self_logit", self_logit)
    s = Real(low=0.0, high=_LARGEST_S).check("s", s)
    return _moments(float(Integer(low=1).check("T", T) - 1), s, m)


def row_with_self_logit(n: float, s: float, self_logit: float) -> SelfLogitMoments:
    """Return the mean entropy, self-weight and participation of n iid keys and one more (ENT-12a).

    Parameters
    ----------
    n : float
        Number of iid logits, 0 <= n <= 1e300, not necessarily an integer.
    s : float
        Their standard deviation, >= 0.
    self_logit : float
        The logit of the one more.

    Returns
    -------
    SelfLogitMoments
        Relative accuracy 1e-11 or better for values above 1e-30.

    Raises
    ------
    ValueError
        If an argument is out of its domain, or s and self_logit are so far apart that the
        integrals would need millions of nodes.

    Examples
    --------
    >>> row = row_with_self_logit(1023, 1.0, 8.0)
    >>> round(row.mean_entropy, 10), round(row.mean_self_weight, 10)
    (2.9771150638, 0.6387887644)
    """
    keys = Real(low=0.0, high=_LARGEST_N).check("n", n)
    std = Real(low=0.0, high=_LARGEST_S).check("s", s)
    row = _moments(keys, std, Real().check("self_logit", self_logit))
    participation = row.mean_self_weight_squared + row.mean_other_weights_squared
    return SelfLogitMoments(row.mean_entropy, row.mean_self_weight, participation)


def row_with_gaussian_self_logit(n: float, s: float, self_std: float) -> SelfLogitMoments:
    """Return the moments of n iid keys and one more whose logit is N(0, self_std^2) (ENT-12d).

    Parameters
    ----------
    n : float
        Number of iid logits, 0 <= n <= 1e300.
    s : float
        Their standard deviation, >= 0.
    self_std : float
        Standard deviation of the logit of the one more, independent of the others, >= 0.

    Returns
    -------
    SelfLogitMoments
        Relative accuracy 1e-11.

    Raises
    ------
    ValueError
        If an argument is out of its domain, or s and self_std are both so large, and so far apart,
        that the integrals would need millions of nodes.

    Examples
    --------
    >>> round(row_with_gaussian_self_logit(1023, 1.0, 2.0**0.5).mean_entropy, 10)
    6.4323296804
    >>> round(row_with_gaussian_self_logit(1023, 1.0, 1e50).mean_self_weight, 10)
    0.5
    """
    keys = Real(low=0.0, high=_LARGEST_N).check("n", n)
    std = Real(low=0.0, high=_LARGEST_S).check("s", s)
    own_std = Real(low=0.0, high=_LARGEST_S).check("self_std", self_std)
    if own_std == 0.0 or keys == 0.0:
        return row_with_self_logit(keys, std, 0.0)
    if std == 0.0:
        # The smallest width that the lattice resolves; the mean moves by a relative 1e-32.
        std = 1e-16 * min(own_std, 1.0)
    if own_std > _FAR_WIDER * max(1.0, std):
        return _far_wider_self_logit(keys, std, own_std)
    reach = 9.5 * own_std
    lattice = RowLattice.build(keys, std, 2.0, (-reach, reach), own_std)
    kernels = (entropy_kernel, power_kernel(1.0), power_kernel(2.0))
    survival, _, own = single_averages(lattice.u, own_std, kernels)
    return _combine(lattice, survival, *own)


def _far_wider_self_logit(n: float, s: float, own_std: float) -> SelfLogitMoments:
    """Average the moments given the self-logit, which change between two constants.

    They do so around log Z of the others, over a few units or a few of its standard deviations. A
    normal distribution function that moves from one constant to the other there has a mean in
    closed form; what is left decays on both sides, and the trapezoidal rule gives its integral to
    rounding.
    """
    low, high = -9.5 * s - 45.0, math.log(n + 1.0) + 9.5 * s + 45.0
    centre, width = 0.5 * (low + high), 0.0625 * (high - low)
    # log Z fluctuates least where it is a maximum, by about this.
    step = 0.25 * max(1.0, 0.5 * s / (1.0 + math.sqrt(2.0 * math.log(n + 1.0))))
    m = np.arange(low, high, step)
    given = TabulatedRow.build(n, s, float(m[0]), float(m[-1])).evaluate(m)
    moments = np.stack([given[:, 3], given[:, 0], given[:, 1] + given[:, 2]], axis=1)
    first, last = moments[0], np.array([0.0, 1.0, 1.0])
    rise = ndtr((m - centre) / width)[:, None]
    density = np.exp(-0.5 * (m / own_std) ** 2) / (own_std * math.sqrt(2.0 * math.pi))
    remainder = step * density @ (moments - first * (1.0 - rise) - last * rise)
    above = float(ndtr(-centre / math.hypot(width, own_std)))
    return SelfLogitMoments(*map(float, first * (1.0 - above) + last * above + remainder))


def _combine(
    lattice: RowLattice, survival: _Floats, entropy: _Floats, first: _Floats, second: _Floats
) -> SelfLogitMoments:
    """Return the moments from the functions of the self-logit at the nodes."""
    others = lattice.average(power_kernel(1.0))
    mixed = lattice.average(entropy_kernel)
    one, two = lattice.power(1.0), lattice.power(2.0)
    pairs = (1.0 - 1.0 / lattice.n) * others * two * survival + one * first
    squares = lattice.average(power_kernel(2.0)) * one * survival
    return SelfLogitMoments(
        lattice.integral(entropy * others * one + mixed * pairs),
        lattice.integral(first * lattice.power(0.0)),
        lattice.integral(squares + second * lattice.power(0.0)),
    )


def _moments(n: float, s: float, m: float) -> IidRowMoments:
    if n == 0.0:
        return IidRowMoments(1.0, 1.0, 0.0, 0.0)
    if s == 0.0:
        return _equal_scores(m, n)
    if m > math.log(n) + 40.0 * s + _NO_RIVAL:
        # No other key is left in double precision, and a grid around -m would lose its spacing.
        return IidRowMoments(1.0, 1.0, 0.0, 0.0)
    values = TabulatedRow.build(n, s, m, m).evaluate(np.array([m]))[0]
    return IidRowMoments(*map(float, values))


def _equal_scores(m: float, n: float) -> IidRowMoments:
    """Return the exact values when all other scores are 0."""
    log_sum = float(np.logaddexp(m, math.log(n)))
    own, other = math.exp(m - log_sum), math.exp(-log_sum)
    deficit = math.log1p(n * math.exp(-m)) if m > 0.0 else log_sum - m
    return IidRowMoments(own, own * own, n * other * other, own * deficit + n * other * log_sum)


@dataclass(frozen=True)
class TabulatedRow:
    """The averages over the iid keys, for many self-logits.

    Attributes
    ----------
    lattice : RowLattice
        Grid and powers of phi.
    first, second, entropy : ndarray, shape (N,)
        n E K_{1,0}, n E K_{2,0} and n E C at every node.
    """

    lattice: RowLattice
    first: _Floats
    second: _Floats
    entropy: _Floats

    @classmethod
    def build(cls, n: float, s: float, m_low: float, m_high: float) -> TabulatedRow:
        """Tabulate the averages on a grid that serves every self-logit in [m_low, m_high].

        Parameters
        ----------
        n : float
            Number of iid logits, > 0.
        s : float
            Their standard deviation, > 0.
        m_low, m_high : float
            Range of self-logits.

        Returns
        -------
        TabulatedRow

        Raises
        ------
        ValueError
            If the grid would need millions of nodes.

        Examples
        --------
        >>> TabulatedRow.build(63, 1.0, 2.0, 2.0).evaluate(np.array([2.0]))[:, 0].round(8)
        array([0.06793448])
        """
        lattice = RowLattice.build(n, s, 2.0, (m_low, m_high))
        kernels = (power_kernel(1.0), power_kernel(2.0), entropy_kernel)
        return cls(lattice, *(lattice.average(kernel) for kernel in kernels))

    def evaluate(self, m: _Floats) -> _Floats:
        """Return the moments for many self-logits.

        Parameters
        ----------
        m : ndarray, shape (k,)
            Self-logits, inside the range the table was built for.

        Returns
        -------
        ndarray, shape (k, 4)
            Columns in the order of `IidRowMoments`.
        """
        lattice = self.lattice
        du, n = lattice.du, lattice.n
        v = m[:, None] + lattice.u
        own = np.exp(np.minimum(v, 7.0))
        survival = np.exp(-own)
        weight = own * survival
        all_others = du * lattice.power(0.0)
        but_one = du * lattice.power(1.0)
        pairs = self.entropy * (1.0 - 1.0 / n) * self.first * (du * lattice.power(2.0))
        return np.stack(
            [
                weight @ all_others,
                (own * weight) @ all_others,
                survival @ (but_one * self.second),
                entropy_kernel(v) @ (but_one * self.first)
                + weight @ (but_one * self.entropy)
                + survival @ pairs,
            ],
            axis=1,
        )
