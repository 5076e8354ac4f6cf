"""Free cumulants from moments with as many digits as the cancellation eats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, getcontext, localcontext

__all__ = ["PI", "free_cumulants_from_decimals"]

#: pi to 100 digits, for moments that contain it.
PI = Decimal(
    "3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628"
    "034825342117068"
)


def free_cumulants_from_decimals(
    moments: Callable[[int], Sequence[Decimal]], n: int
) -> list[float]:
    """Return the free cumulants of orders 1..n from moments known to any number of digits.

    Parameters
    ----------
    moments : callable
        From n to the moments of orders 1..n, evaluated in the current decimal context.
    n : int
        Highest order.

    Returns
    -------
    list of float
        kappa_1..kappa_n by m_n = sum_s kappa_s [t^(n-s)] M(t)^s (SPEC-8), each rounded once as
        long as cancellation takes less than 40 + 3 n digits.

    Examples
    --------
    Moments 1, 2, 5, 14 of Marchenko-Pastur with ratio 1.

    >>> free_cumulants_from_decimals(lambda n: [Decimal(m) for m in (1, 2, 5, 14)[:n]], 4)
    [1.0, 1.0, 1.0, 1.0]
    """
    with localcontext() as context:
        context.prec = 60 + 3 * n
        raw = [Decimal(1), *moments(n)]
        cumulants = _recursion(raw, n)
    return [float(value) for value in cumulants]


def _recursion(raw: Sequence[Decimal], n: int) -> list[Decimal]:
    assert getcontext().prec > n
    zero = Decimal(0)
    kappa: list[Decimal] = []
    # powers[s][j] is the coefficient of t^j of M(t)^s.
    powers = [[Decimal(1)] + [zero] * n]
    for _ in range(n):
        last = powers[-1]
        powers.append(
            [sum((last[i] * raw[j - i] for i in range(j + 1)), zero) for j in range(n + 1)]
        )
    for order in range(1, n + 1):
        lower = sum((kappa[s - 1] * powers[s][order - s] for s in range(1, order)), zero)
        kappa.append(raw[order] - lower)
    return kappa
