"""Stacks of attention weights around a common distribution: P = 1 q^T + Z (RANK-2, 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qktheory.base.cached import cached_property
from qktheory.numerics.scaled_stack import shifted

__all__ = ["ScoreStack", "WeightStack", "softmax_stack"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Below this e^x - 1 is x to double precision.
_LINEAR_DIGITS = -60
#: Above this a row is normalised by its largest term.
_LARGE = 300.0


@dataclass(frozen=True)
class ScoreStack:
    """Scores S_ij = v_i + u_j + E_ij 2^exponent + bias_ij of n networks of H heads.

    Parameters
    ----------
    u, v : ndarray of shape (n, H, T)
        Parts of the key and of the query alone.
    E : ndarray of shape (n, H, T, T)
        What depends on both.
    exponent : ndarray of int64, shape (n,)
        Scale of E.
    bias : ndarray of shape (T, T) or None
        Beyond what all queries share; -inf is a masked key.
    """

    u: Floats
    v: Floats
    E: Floats
    exponent: Integers
    bias: Floats | None = None

    def total(self) -> Floats:
        """Return the scores as floats, shape (n, H, T, T), parts of the query left out."""
        S = self.u[:, :, None, :] + shifted(self.E, self.exponent)
        return S if self.bias is None else S + self.bias


@dataclass(frozen=True)
class WeightStack:
    """Attention weights P = 1 q^T + Z 2^unit.

    Parameters
    ----------
    q : ndarray of shape (n, H, T)
        A distribution over keys that rows have in common.
    Z : ndarray of shape (n, H, T, T)
        Deviations.
    unit : ndarray of int64, shape (n,)
        Scale of Z.
    excess : ndarray of shape (n, H, T) or None
        Sums of the rows less 1, where they are not 0.
    """

    q: Floats
    Z: Floats
    unit: Integers
    excess: Floats | None = None

    @cached_property
    def deviations(self) -> Floats:
        """Z 2^unit as floats, shape (n, H, T, T)."""
        return shifted(self.Z, self.unit) if self.unit.any() else self.Z

    def weights(self) -> Floats:
        """Return P, shape (n, H, T, T)."""
        return np.asarray(self.q[:, :, None, :] + self.deviations)


def softmax_stack(scores: ScoreStack) -> WeightStack:
    """Return softmax weights without subtracting distributions that are nearly equal.

    Parameters
    ----------
    scores : ScoreStack
        With a finite bias or none.

    Returns
    -------
    WeightStack

    Raises
    ------
    OverflowError
        If scores are beyond double precision.

    Examples
    --------
    >>> tiny = ScoreStack(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)),
    ...                   np.array([[[[1.0, 0.0], [0.0, 1.0]]]]), np.array([-5000]))
    >>> found = softmax_stack(tiny)
    >>> found.Z[0, 0].tolist(), found.unit.tolist()
    ([[0.25, -0.25], [-0.25, 0.25]], [-5000])
    """
    u = scores.u - scores.u.max(axis=-1, keepdims=True)
    q = np.exp(u)
    total = q.sum(axis=-1, keepdims=True)
    log_q = u - np.log(total)
    q /= total
    E = scores.E
    if scores.bias is None:
        largest = np.frexp(np.abs(E).max(axis=(1, 2, 3)))[1]
        tiny = largest + scores.exponent < _LINEAR_DIGITS
    else:
        tiny = np.zeros(len(E), dtype=bool)
        E = shifted(E, scores.exponent) + scores.bias
    # Relative to the largest key, then to the q-mean: exact for a nearly deterministic q.
    n, H = q.shape[:2]
    E = E - E[np.arange(n)[:, None], np.arange(H), :, np.argmax(q, axis=-1)][..., None]
    x = E - np.matmul(E, q[..., None])
    unit = np.where(tiny, scores.exponent, 0)
    wide = ~tiny
    every = bool(wide.all())
    Z = np.empty(0) if every else q[:, :, None, :] * x
    if wide.any():
        x = x if every else x[wide]
        if scores.bias is None:
            x = shifted(x, scores.exponent if every else scores.exponent[wide])
        top = float(np.abs(x).max())
        if not math.isfinite(top):
            raise OverflowError("scores are beyond double precision")
        own, logs = (q, log_q) if every else (q[wide], log_q[wide])
        M = np.expm1(x if top <= _LARGE else np.minimum(x, _LARGE))
        m = np.matmul(M, own[..., None])
        found = own[:, :, None, :] * ((M - m) * (1.0 / (1.0 + m)))
        if top > _LARGE:
            # Large scores relative to the largest of their row, which then keeps its digits.
            large = np.abs(x).max(axis=-1) > _LARGE
            spread = np.broadcast_to(logs[:, :, None, :], x.shape)[large]
            shares = spread + x[large]
            P = np.exp(shares - shares.max(axis=-1, keepdims=True))
            P /= P.sum(axis=-1, keepdims=True)
            found[large] = _less_common(P, np.broadcast_to(own[:, :, None, :], x.shape)[large])
        if every:
            Z = found
        else:
            Z[wide] = found
    return WeightStack(q, Z, unit)


def _less_common(P: Floats, q: Floats) -> Floats:
    """Return the deviations P - q of rows; that of a key which q is mostly on from the others."""
    Z = P - q
    rows, hub = np.arange(len(q)), np.argmax(q, axis=1)
    dominant = q[rows, hub] >= 0.5
    rows, hub = rows[dominant], hub[dominant]
    # Beside weights near one their difference has lost what the other keys hold.
    Z[rows, hub] = 0.0
    Z[rows, hub] = -Z[rows].sum(axis=1)
    return Z
