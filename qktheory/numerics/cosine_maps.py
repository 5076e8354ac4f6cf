"""Mean square and overlap of tokens after layers of attention with a Gaussian W_QK."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qktheory.base.domains import Integer, Real

__all__ = ["LayerOverlap", "cosine_after", "overlap_map"]

_COUNT = Integer(low=2, high=10**15)
_VARIANCE = Real(low=0.0, high=700.0)
_COSINE = Real(-1.0, 1.0)
_DEPTH = Integer(low=0, high=10**6)


@dataclass(frozen=True)
class LayerOverlap:
    """Mean square of a token after a layer and by how much the overlap of two falls short of it."""

    mean_square: float
    gap: float


def overlap_map(T: int, cosine: float, logit_variance: float) -> LayerOverlap:
    """Return mean square and gap after one layer, at large T.

    Parameters
    ----------
    T : int
        Number of tokens, 2 <= T <= 1e15.
    cosine : float
        Of any two of them, in [-1, 1].
    logit_variance : float
        Variance s^2 of a logit over W_QK, 0 <= s^2 <= 700.

    Returns
    -------
    LayerOverlap
        Mean square rho + (1 - rho)/T e^(s^2 (1 - rho)), and the gap (1 - rho)/T
        (e^(s^2 (1 - rho)) - e^(s^2 rho (1 - rho))) without cancellation.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> out = overlap_map(200, 0.3, 1.0)
    >>> round(out.mean_square, 12), round(out.gap / out.mean_square, 12)
    (0.307048134476, 0.008891965004)
    """
    T, rho = _COUNT.check("T", T), _COSINE.check("cosine", cosine)
    return _overlap(T, 1.0 - rho, _VARIANCE.check("logit_variance", logit_variance))


def _overlap(T: int, rest: float, s2: float) -> LayerOverlap:
    """Evaluate at 1 - rho = rest."""
    rho = 1.0 - rest
    mean_square = rho + rest / T * math.exp(s2 * rest)
    gap = rest / T * math.exp(s2 * rho * rest) * math.expm1(s2 * rest * rest)
    return LayerOverlap(mean_square, gap)


def cosine_after(T: int, logit_variance: float, L: int, post: bool, cosine_0: float = 0.0) -> float:
    """Return one minus the cosine after L layers with a skip branch of equal variance.

    Parameters
    ----------
    T, logit_variance
        See `overlap_map`.
    L : int
        Layers, 0 <= L <= 1e6.
    post : bool
        Whether tokens are normalised after each sum rather than before each layer.
    cosine_0 : float, optional
        Cosine at the start.

    Returns
    -------
    float
        The gap is carried instead of the overlap, so it keeps its digits down to underflow.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(200 * cosine_after(32, 0.25, 200, post=False), 9)
    1.086561142
    """
    T, L = _COUNT.check("T", T), _DEPTH.check("L", L)
    s2 = _VARIANCE.check("logit_variance", logit_variance)
    square, gap = 1.0, 1.0 - _COSINE.check("cosine_0", cosine_0)
    for _ in range(L):
        out = _overlap(T, gap / square, s2)
        square, gap = square + out.mean_square, gap + out.gap
        if post:
            square, gap = 1.0, gap / square
    return gap / square
