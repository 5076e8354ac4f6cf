"""Smallest W_QK that separates one token from the others: l_p and nuclear margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from qktheory.base.domains import Real

__all__ = ["NuclearMargin", "frobenius_margin", "lp_margin", "margin_rows", "nuclear_margin"]

FloatArray = NDArray[np.float64]

_POWER = Real(low=1.01, high=20.0)
#: Squared relative distance of the constraints' hull from 0 below which they contradict.
_CONTRADICTORY = 1e-13
_ITERATIONS = 400


def margin_rows(X: FloatArray, Z: FloatArray, optimal: Sequence[int]) -> FloatArray:
    """Return the constraints z_i^T W (x_opt - x_t) >= 1 as rows that act on row-major vec(W).

    Parameters
    ----------
    X : ndarray of shape (n, T, d)
        Tokens of each sequence.
    Z : ndarray of shape (n, d)
        Queries.
    optimal : sequence of int
        Index of the token to be selected in each.

    Returns
    -------
    ndarray of shape (n (T - 1), d^2)

    Examples
    --------
    >>> margin_rows(np.array([[[1.0, 0.0], [0.0, 1.0]]]), np.array([[1.0, 2.0]]), [0])
    array([[ 1., -1.,  2., -2.]])
    """
    rows = [
        np.outer(z, tokens[best] - token).ravel()
        for tokens, z, best in zip(X, Z, optimal, strict=True)
        for t, token in enumerate(tokens)
        if t != best
    ]
    return np.array(rows) if rows else np.zeros((0, Z.shape[1] ** 2))


def frobenius_margin(rows: FloatArray) -> FloatArray | None:
    """Return the shortest w with rows w >= 1, None if there is none.

    Parameters
    ----------
    rows : ndarray of shape (m, k)
        Constraints.

    Returns
    -------
    ndarray of shape (k,) or None

    Notes
    -----
    Lawson and Hanson's least-distance problem, solved as non-negative least squares on scaled
    rows; the constraints that carry it are then solved as equations.

    Examples
    --------
    >>> frobenius_margin(np.array([[1.0, -1.0]])).round(12).tolist()
    [0.5, -0.5]
    >>> frobenius_margin(np.array([[1.0], [-1.0]])) is None
    True
    """
    if not len(rows):
        return np.zeros(rows.shape[1])
    lengths = np.sqrt(np.sum(rows**2, axis=1))
    if not lengths.all():
        return None
    scaled, bounds = rows / lengths[:, None], lengths.min() / lengths
    system = np.vstack([scaled.T, bounds])
    target = np.zeros(len(system))
    target[-1] = 1.0
    weights, _ = nnls(system, target, maxiter=50 * max(system.shape))
    residual = system @ weights - target
    if -residual[-1] < _CONTRADICTORY:
        return None
    carried = weights > 1e-12 * weights.max()
    w = np.asarray(np.linalg.lstsq(scaled[carried], bounds[carried], rcond=None)[0])
    if np.min(scaled @ w - bounds) < -1e-9 * bounds.max():
        w = -residual[:-1] / residual[-1]
    return np.asarray(w / lengths.min())


def lp_margin(rows: FloatArray, p: float) -> FloatArray | None:
    """Return the w of smallest l_p norm with rows w >= 1, None if there is none.

    Parameters
    ----------
    rows : ndarray of shape (m, k)
        Constraints.
    p : float
        1.01 <= p <= 20.

    Returns
    -------
    ndarray of shape (k,) or None
        To a relative accuracy of about 1e-9.

    Raises
    ------
    ValueError
        If p is out of its domain.
    ArithmeticError
        If Newton's method does not converge.

    Notes
    -----
    Primal-dual interior points, following p from 2: in w for p > 2, where |w|^p is smooth, and in
    the multipliers u for p < 2, where w = |v|^(q-1) sign v, v = rows^T u, 1/p + 1/q = 1.

    Examples
    --------
    >>> lp_margin(np.array([[1.0, 1.0]]), 3.0).round(9).tolist()
    [0.5, 0.5]
    """
    p = _POWER.check("p", p)
    shortest = frobenius_margin(rows)
    if shortest is None or not len(rows) or p == 2.0:
        return shortest
    size = float(np.linalg.norm(shortest))
    scaled = rows * size  # of margin one for a unit vector
    w, u = _interior(scaled, 2.0, shortest / size, np.full(len(rows), 1.0 / len(rows)))
    steps = max(1, int(np.ceil(abs(np.log(p - 1.0)) / 0.2)))
    for step in range(1, steps + 1):
        power = 1.0 + (p - 1.0) ** (step / steps)
        w, u = _interior(scaled, power, w, u)
    return w * size


def _interior(
    rows: FloatArray, p: float, w: FloatArray, u: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Solve |w|^(p-1) sign w = rows^T u, u (rows w - 1) = mu -> 0 with Newton's method."""
    q = p / (p - 1.0)
    in_w = p >= 2.0
    u = np.maximum(u, 1e-3 / len(rows))
    slack = np.maximum(rows @ w - 1.0, 1e-2)

    def residuals(
        w: FloatArray, u: FloatArray, slack: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        v = rows.T @ u
        if in_w:
            return np.abs(w) ** (p - 1.0) * np.sign(w) - v, rows @ w - 1.0 - slack, w
        w = np.abs(v) ** (q - 1.0) * np.sign(v)
        return np.zeros_like(v), rows @ w - 1.0 - slack, w

    trial: tuple[FloatArray, FloatArray, FloatArray] = w, u, slack
    for _ in range(_ITERATIONS):
        dual, primal, w = residuals(w, u, slack)
        mean = float(u @ slack) / len(u)
        if max(mean, float(np.abs(primal).max()), float(np.abs(dual).max())) < 1e-13:
            return w, u
        # The products must not run ahead of the equations, or the system loses its digits.
        worst = max(float(np.abs(primal).max()), float(np.abs(dual).max()))
        centre = 0.1 * min(max(mean, worst), 1.0)
        complement = u * slack - centre
        if in_w:
            curvature = (p - 1.0) * np.abs(w) ** (p - 2.0) + 1e-14
            # dslack = rows dw + primal, du = -(complement + u dslack)/slack.
            matrix = np.diag(curvature) + rows.T @ ((u / slack)[:, None] * rows)
            right = -dual - rows.T @ ((complement + u * primal) / slack)
            dw = _solved(matrix, right)
            dslack = rows @ dw + primal
            du = -(complement + u * dslack) / slack
        else:
            curvature = (q - 1.0) * np.abs(rows.T @ u) ** (q - 2.0)
            matrix = (rows * curvature) @ rows.T + np.diag(slack / u)
            du = _solved(matrix, -primal - complement / u)
            dw = np.zeros_like(w)
            dslack = -(complement + slack * du) / u
        length = 1.0
        for value, change in ((u, du), (slack, dslack)):
            falling = change < 0.0
            if falling.any():
                length = min(length, 0.99 * float(np.min(-value[falling] / change[falling])))
        before = _size(dual, primal, u * slack)
        for _ in range(40):
            trial = w + length * dw, u + length * du, slack + length * dslack
            rest = residuals(*trial)
            if _size(rest[0], rest[1], trial[1] * trial[2]) < before * (1.0 - 1e-3 * length):
                break
            length *= 0.5
        else:
            if before < 1e-9:
                return w, u
            raise ArithmeticError("the margin problem did not converge")
        w, u, slack = trial
    if _size(*residuals(w, u, slack)[:2], u * slack) < 1e-8:
        return w, u
    raise ArithmeticError("the margin problem did not converge")


def _solved(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a symmetric system; directions without curvature, as of |w|^p near 0, stay."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    values, vectors = np.linalg.eigh(matrix * scale[:, None] * scale)
    inverse = np.where(values > 1e-15 * values[-1], 1.0 / np.maximum(values, 1e-300), 0.0)
    return np.asarray(scale * (vectors @ (inverse * (vectors.T @ (scale * right)))))


def _size(dual: FloatArray, primal: FloatArray, product: FloatArray) -> float:
    return float(np.sqrt(dual @ dual + primal @ primal + product @ product))


@dataclass(frozen=True)
class NuclearMargin:
    """Smallest nuclear norm, the rank of W, and a W that attains it to a relative 1e-6."""

    nuclear_norm: float
    rank: int
    W: FloatArray


def nuclear_margin(rows: FloatArray, d: int) -> NuclearMargin | None:
    """Return the d x d matrix of smallest nuclear norm with rows vec(W) >= 1.

    Parameters
    ----------
    rows : ndarray of shape (m, d^2)
        Constraints.
    d : int
        Size of W.

    Returns
    -------
    NuclearMargin or None
        None if the constraints contradict each other; the norm to a relative accuracy of 1e-9. Of
        several solutions it is that of largest rank.

    Raises
    ------
    ArithmeticError
        If Newton's method does not converge.

    Notes
    -----
    The dual, max sum u over u >= 0 with |sum_i u_i C_i|_2 <= 1, by its central path with the
    barrier log det [[I, M], [M^T, I]], whose inverse holds W. There the singular values s_k of W
    and 1 - sigma_k(M) have a common product: the larger of both decides the rank.

    Examples
    --------
    >>> found = nuclear_margin(np.array([[1.0, -1.0, 0.0, 0.0]]), 2)
    >>> round(found.nuclear_norm, 9), found.rank
    (0.707106781, 1)
    """
    if frobenius_margin(rows) is None:
        return None
    if not len(rows):
        return NuclearMargin(0.0, 0, np.zeros((d, d)))
    matrices = rows.reshape(-1, d, d)
    size = float(np.mean(np.linalg.norm(matrices, 2, axis=(1, 2))))
    matrices = matrices / size
    blocks = np.zeros((len(rows), 2 * d, 2 * d))
    blocks[:, :d, d:], blocks[:, d:, :d] = matrices, matrices.transpose(0, 2, 1)
    u: FloatArray = np.full(len(rows), 0.5 / np.sum(np.linalg.norm(matrices, 2, axis=(1, 2))))
    barrier = 1.0
    inverse: FloatArray = np.eye(2 * d)
    while barrier > 1e-10 * max(1.0, float(u.sum())):
        barrier *= 0.2
        for _ in range(60):
            inverse = np.asarray(np.linalg.inv(np.eye(2 * d) + np.tensordot(u, blocks, 1)))
            turned = inverse @ blocks
            gradient = 1.0 / barrier + 1.0 / u + np.trace(turned, axis1=1, axis2=2)
            hessian = np.einsum("iab,jba->ij", turned, turned) + np.diag(u**-2.0)
            step = np.linalg.solve(hessian, gradient)
            decrement = float(np.sqrt(max(gradient @ step, 0.0)))
            # The damped step of a self-concordant function stays inside.
            u = u + step / (1.0 + decrement)
            if decrement < 1e-6:
                break
        else:
            if decrement > 1e-2:
                raise ArithmeticError("the nuclear margin problem did not converge")
    inverse = np.asarray(np.linalg.inv(np.eye(2 * d) + np.tensordot(u, blocks, 1)))
    W = -2.0 * barrier * inverse[:d, d:]
    W = W / float(np.min(np.tensordot(matrices, W, 2)))
    values = np.linalg.svd(W, compute_uv=False)
    tight = 1.0 - np.linalg.svd(np.tensordot(u, matrices, 1), compute_uv=False)
    rank = int(np.sum(values > tight * values[0]))
    # The dual value keeps more digits than W, which is a small multiple of a large inverse.
    return NuclearMargin(float(u.sum()) / size, rank, W / size)
