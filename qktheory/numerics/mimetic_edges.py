"""Edges of the singular values of a scaled identity plus a Ginibre matrix."""

from __future__ import annotations

import math

from qktheory.base.domains import Real

__all__ = ["singular_edges"]

_NOISE = Real(low=0.0, low_open=True)
_IDENTITY = Real()


def singular_edges(alpha: float, beta: float) -> tuple[float, float]:
    """Return the limits of the smallest and largest singular value of alpha Z + beta I.

    Parameters
    ----------
    alpha : float
        > 0; Z has iid entries of variance 1/d.
    beta : float
        Finite.

    Returns
    -------
    tuple of float
        Lower edge, 0 if |beta| <= alpha, and upper edge, as d grows; relative accuracy 1e-15.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    With b = beta^2/alpha^2 and r = sqrt(1 + 8 b) the radicands 8b^2 + 20b - 1 +- (1 + 8b)^(3/2)
    factor into (r + 3)^3 (r - 1)/8 and (r - 3)^3 (r + 1)/8: no cancellation, b = 0 included.

    Examples
    --------
    >>> singular_edges(0.7, 0.0)
    (0.0, 1.4)
    >>> [round(edge, 6) for edge in singular_edges(0.4, 0.8)]
    [0.295207, 1.408138]
    """
    alpha, beta = _NOISE.check("alpha", alpha), abs(_IDENTITY.check("beta", beta))
    # alpha r, which is finite where b is not.
    scaled = math.hypot(alpha, math.sqrt(8.0) * beta)
    upper = (scaled + 3.0 * alpha) * math.sqrt((scaled + 3.0 * alpha) / (8.0 * (scaled + alpha)))
    if beta <= alpha:
        return 0.0, upper
    rise = 8.0 * (beta - alpha) / (scaled + 3.0 * alpha) * (beta + alpha)  # scaled - 3 alpha
    lower = rise * math.sqrt(rise / (8.0 * (scaled - alpha)))
    return lower, upper
