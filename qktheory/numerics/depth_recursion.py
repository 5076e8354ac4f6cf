"""How the cosine of two tokens grows with depth in attention with a skip (ENT-15).

One layer at initialisation maps tokens of pairwise cosine rho to alpha x + y, y the output of
attention with value variance sigma_V^2, and normalises. With Y = E sum_j A_tj^2 and
C = E sum_j A_tj A_uj of rows of logit width s = s0 sqrt(1 - rho),

    1 - rho' = (1 - rho) [a + v (Y - C)] / (a + v [rho + (1 - rho) Y]),      a + v = 1,

where a and v are the shares of the skip and of the values. Here 1 - rho is carried along with rho,
because it is what shrinks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.numerics.cosine_odds import branch_shares
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.row_overlap import row_overlap

__all__ = [
    "cosine_layers",
    "cosine_layers_finite_d",
    "prenorm_layers",
]

FloatArray = NDArray[np.float64]

#: Relative error of Y and C: what is left of their difference has this over (1 - rho) s^2.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class _State:
    """A cosine and its distance to 1, each with its own relative accuracy."""

    cosine: float
    gap: float

    @classmethod
    def of(cls, cosine: float) -> _State:
        return cls(cosine, 1.0 - cosine)


def _row_averages(T: float, s0: float, state: _State) -> tuple[float, float]:
    """Return Y and Y - C at s = s0 sqrt(1 - cosine)."""
    s = s0 * math.sqrt(state.gap)
    Y = float(mean_participation(T, s))
    if T == 1.0 or s == 0.0:
        return Y, 0.0
    if s**4 * state.gap < _ROUNDING:
        # The first term in s^2, exact to a relative O(s^2), where a difference would leave less.
        return Y, state.gap * s * s * (T - 1.0) / T**2
    return Y, max(Y - float(row_overlap(T, s, state.cosine)), 0.0)


def _layer(state: _State, a: float, v: float, Y: float, difference: float) -> _State:
    """Return the state after one layer, given Y and Y - C."""
    norm = a + v * (state.cosine + state.gap * Y)
    if norm == 0.0:
        raise ValueError("the layer maps every token to 0: no cosine is left")
    gap = state.gap * (a + v * difference) / norm
    if gap < 0.5:
        return _State(1.0 - gap, gap)
    # p'/q' with p' = q' - (q' - p'): no cancellation of numbers near 1.
    cosine = (a * state.cosine + v * (state.cosine + state.gap * (Y - difference))) / norm
    return _State(cosine, gap)


def cosine_layers(
    T: float, s0: float, alpha: float, sigma_V: float, cosine_0: float, L: int
) -> FloatArray:
    """Return the cosines after layers 1..L with exact row averages (R) (ENT-15a).

    Parameters
    ----------
    T : float
        Number of keys, >= 1.
    s0 : float
        Logit width at cosine 0, >= 0.
    alpha, sigma_V : float
        Weights of the skip and of the values, >= 0, not both 0.
    cosine_0 : float
        Cosine before the first layer, in [0, 1].
    L : int
        Number of layers, >= 1.

    Returns
    -------
    ndarray of shape (L,)

    Raises
    ------
    ValueError
        For arguments that `mean_participation` or `row_overlap` refuses, or alpha = sigma_V = 0.

    Notes
    -----
    Leading order in d: tokens stay a simplex and norms do not fluctuate. A layer costs one row
    overlap.

    Examples
    --------
    >>> cosine_layers(512, 1.0, 1.0, 1.0, 0.1, 3).round(8)
    array([0.18285443, 0.30980146, 0.47335786])
    """
    a, v = branch_shares(alpha, sigma_V)
    state, found = _State.of(cosine_0), np.empty(L)
    for layer in range(L):
        state = _layer(state, a, v, *_row_averages(T, s0, state))
        found[layer] = state.cosine
    return found


def cosine_layers_finite_d(
    T: float, d: float, s0: float, alpha: float, sigma_V: float, cosine_0: float, L: int
) -> FloatArray:
    """Return the cosines after layers 1..L of a Gaussian cloud in d dimensions (R_d) (ENT-15c).

    Softmax tilts the average of keys along the direction of the query, which tokens of random
    overlaps share: Y and C change by terms of order s^2/d.

    Parameters
    ----------
    T, s0, alpha, sigma_V, cosine_0, L
        As in `cosine_layers`.
    d : float
        Width of the tokens, >= 1.

    Returns
    -------
    ndarray of shape (L,)

    Raises
    ------
    ValueError
        As in `cosine_layers`, and if the recursion leaves [0, 1] before the last layer: it does
        for alpha = 0 and 1 - cosine below 1/(s0^2 (T + d)).

    Examples
    --------
    >>> cosine_layers_finite_d(512, 512, 1.0, 0.0, 1.0, 0.3, 1).round(8)
    array([0.99435918])
    """
    a, v = branch_shares(alpha, sigma_V)
    state, found = _State.of(cosine_0), np.empty(L)
    for layer in range(L):
        if not 0.0 <= state.gap <= 1.0:
            raise ValueError(
                f"the finite-d recursion reaches 1 - cosine = {state.gap:.3g} after layer {layer}: "
                "it is not to be iterated beyond (ENT-15c)"
            )
        Y, difference = _row_averages(T, s0, state)
        tilt = s0 * s0 * state.gap * (1.0 - Y) ** 2 / d
        # Y_d - C_d with C = Y - difference.
        difference += state.gap * (tilt - Y / d) - state.cosine * difference / d
        state = _layer(state, a, v, Y * (1.0 - 1.0 / d) + tilt, difference)
        found[layer] = state.cosine
    return found


def prenorm_layers(
    T: float,
    s0: float,
    sigma_V: float,
    Q_0: float,
    P_0: float,
    L: int,
    overlap_model: str = "exact",
) -> tuple[FloatArray, FloatArray]:
    """Return cosines and mean squared norms of a pre-norm stream after layers 1..L (ENT-15f).

    Q' = Q + sigma_V^2 [rho + (1 - rho) Y] and P' = P + sigma_V^2 [rho + (1 - rho) C] with
    rho = P/Q: the stream is not normalised, only what attention sees of it.

    Parameters
    ----------
    T, s0, sigma_V, L
        As in `cosine_layers`.
    Q_0 : float
        Mean of norm(x)^2/d before the first layer, > 0.
    P_0 : float
        Mean of x_s . x_t/d, in [0, Q_0].
    overlap_model : {"exact", "diffuse"}
        C of the row law, or exp(rho s^2)/T.

    Returns
    -------
    cosines, norms : ndarray of shape (L,)
        P/Q and Q.

    Raises
    ------
    ValueError
        As in `cosine_layers`, or if the diffuse overlap exceeds Y so far that the cosine passes 1.

    Examples
    --------
    >>> cosines, norms = prenorm_layers(256, 1.0, 1.0, 1.0, 0.1, 2)
    >>> cosines.round(8), norms.round(8)
    (array([0.18389449, 0.30122752]), array([1.10846897, 1.29945598]))
    """
    variance = sigma_V * sigma_V
    Q, gap = Q_0, Q_0 - P_0
    P = P_0
    cosines, norms = np.empty(L), np.empty(L)
    for layer in range(L):
        state = _State(P / Q, gap / Q)
        if state.gap < 0.0:
            raise bad_value(
                "overlap_model", overlap_model, "'exact': the diffuse overlap exceeds the row's own"
            )
        if overlap_model == "exact":
            Y, difference = _row_averages(T, s0, state)
        else:
            Y = float(mean_participation(T, s0 * math.sqrt(state.gap)))
            difference = Y - diffuse_overlap(T, s0, state.cosine, state.gap)
        Q += variance * (state.cosine + state.gap * Y)
        P += variance * (state.cosine + state.gap * (Y - difference))
        gap += variance * state.gap * difference
        cosines[layer], norms[layer] = P / Q, Q
    return cosines, norms


def diffuse_overlap(T: float, s0: float, cosine: float, gap: float) -> float:
    """Return exp(cosine s^2)/T at s^2 = s0^2 gap (ENT-14d).

    Raises
    ------
    ValueError
        If it exceeds double precision.
    """
    exponent = cosine * s0 * s0 * gap - math.log(T)
    if exponent > 700.0:
        raise bad_value("s0", s0, "a diffuse row, or overlap_model = 'exact'")
    return math.exp(exponent)
