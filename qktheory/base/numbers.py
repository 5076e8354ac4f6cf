"""Numbers as readers want them: as many digits as the interval supports."""

from __future__ import annotations

import math

__all__ = ["count_text", "interval_text", "margin_text", "number_text"]


#: Decimals beyond which a half-width is better written with an exponent.
_MOST_DECIMALS = 5


def number_text(value: float, digits: int = 6) -> str:
    """Return a number with at most `digits` significant digits.

    Examples
    --------
    >>> number_text(0.123456789), number_text(1e-9), number_text(2.0)
    ('0.123457', '1e-09', '2')
    """
    return f"{value:.{digits}g}"


def _decimals(width: float) -> int:
    """Return how many decimals show two significant digits of a width."""
    return max(0, 1 - math.floor(math.log10(width)))


def _in_plain_digits(value: float, width: float) -> bool:
    """Return whether a number is best written without an exponent."""
    return math.isfinite(value) and 0.0 < width < math.inf and width >= 1e-8 and abs(value) < 1e9


def interval_text(value: float, low: float, high: float) -> tuple[str, str]:
    """Return a value and its interval, rounded to two digits of the half-width.

    Parameters
    ----------
    value, low, high : float
        Estimate and ends of its interval.

    Returns
    -------
    tuple of str
        The value and ``"[low, high]"``; ends are rounded outwards, so the printed interval
        contains the one that was found.

    Examples
    --------
    >>> interval_text(0.51234, 0.49876, 0.52591)
    ('0.512', '[0.498, 0.526]')
    >>> interval_text(2.0, float("-inf"), float("inf"))
    ('2', '[-inf, inf]')
    """
    width = (high - low) / 2.0
    if not (_in_plain_digits(low, width) and _in_plain_digits(high, width)):
        negligible = abs(value) < 1e-3 * width < math.inf
        return "0" if negligible else number_text(
            value
        ), f"[{number_text(low)}, {number_text(high)}]"
    decimals = _decimals(width)
    step = 10.0**decimals
    lowest = min(math.floor(low * step) / step, low)
    highest = max(math.ceil(high * step) / step, high)
    return f"{value:.{decimals}f}", f"[{lowest:.{decimals}f}, {highest:.{decimals}f}]"


def margin_text(value: float, low: float, high: float) -> str:
    """Return a value with the larger distance to the ends of its interval, for narrow tables.

    Examples
    --------
    >>> margin_text(0.51234, 0.49876, 0.52591)
    '0.512 ± 0.014'
    >>> margin_text(5.2858115, 5.2858062, 5.2858169)
    '5.2858 ± 6e-06'
    """
    width = max(high - value, value - low)
    if width == 0.0:
        return number_text(value)
    if _in_plain_digits(value, width) and _decimals(width) <= _MOST_DECIMALS:
        decimals = _decimals(width)
        rounded = math.ceil(width * 10.0**decimals) / 10.0**decimals
        return f"{value:.{decimals}f} ± {rounded:.{decimals}f}"
    if abs(value) < 1e-3 * width < math.inf:
        value = 0.0
    if not math.isfinite(width):
        return f"{number_text(value, 5)} ± {width:g}"
    power = 10.0 ** math.floor(math.log10(width))
    return f"{number_text(value, 5)} ± {math.ceil(width / power) * power:.0e}"


def count_text(n: int) -> str:
    """Return a number of samples, short.

    Examples
    --------
    >>> count_text(640), count_text(4096), count_text(131072), count_text(4194304)
    ('640', '4.1k', '131k', '4.2M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            scaled = n / size
            return f"{scaled:.1f}{letter}" if scaled < 10.0 else f"{scaled:.0f}{letter}"
    return str(n)
