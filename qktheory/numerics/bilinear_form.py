"""Bilinear forms of correlated Gaussian vectors as quadratic forms (LOC-2)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, Matrix, Real, RealList
from qktheory.base.errors import bad_value

__all__ = [
    "WalkCoefficients",
    "bilinear_weights",
    "centred_walk_coefficients",
    "symmetric_bilinear_weights",
]


class WalkCoefficients(NamedTuple):
    """Covariance of the pair (u, v) behind a centred logit of a random walk.

    Attributes
    ----------
    gamma : float
        c . 1 = key - (T+1)/2.
    r_squared : float
        T |c|^2 = gamma^2 + D.
    D : float
        r^2 - gamma^2 = (T^2 - 1)/12, the same for every key.
    """

    gamma: float
    r_squared: float
    D: float


def centred_walk_coefficients(T: float, key: float) -> WalkCoefficients:
    """Return gamma, r^2 and D of LOC-1 and LOC-2 for one key of a random walk.

    Parameters
    ----------
    T : int
        Number of tokens, >= 1 (an integral float is accepted, up to 1e15).
    key : int
        Position of the key, 1 <= key <= T.

    Returns
    -------
    WalkCoefficients
        gamma, r_squared, D, each correct to rounding.

    Raises
    ------
    ValueError
        If T or key is out of range.

    Examples
    --------
    >>> centred_walk_coefficients(7, 2)
    WalkCoefficients(gamma=-2.0, r_squared=8.0, D=4.0)
    """
    size = Integer(low=1).check("T", T)
    position = Integer(low=1, high=size).check("key", key)
    gamma = position - 0.5 * (size + 1)
    D = (size * size - 1) / 12
    return WalkCoefficients(gamma, (3 * (2 * position - size - 1) ** 2 + size * size - 1) / 12, D)


def _spread(gamma: float, r_squared: float, D: float | None) -> tuple[float, float, float]:
    """Return r + gamma, r - gamma and sqrt(D) without cancellation."""
    gamma = Real().check("gamma", gamma)
    r_squared = Real(low=0.0).check("r_squared", r_squared)
    r = math.sqrt(r_squared)
    if D is None:
        D = (r - gamma) * (r + gamma)
        if D + 1e-12 * r_squared < 0.0:
            raise bad_value("r_squared", r_squared, f"a number >= gamma^2 = {gamma * gamma:g}")
        D = max(D, 0.0)
    else:
        D = Real(low=0.0).check("D", D)
    if r == 0.0:
        return 0.0, 0.0, 0.0
    wide = r + abs(gamma)
    narrow = D / wide
    return (wide, narrow, math.sqrt(D)) if gamma >= 0.0 else (narrow, wide, math.sqrt(D))


def symmetric_bilinear_weights(
    eigenvalues: ArrayLike, gamma: float, r_squared: float, D: float | None = None
) -> NDArray[np.float64]:
    """Return the weights mu_k (gamma +- r)/2 of q = u^T M v for a symmetric M (LOC-2).

    Parameters
    ----------
    eigenvalues : array_like, shape (d,)
        Spectrum mu_k of M.
    gamma, r_squared : float
        Covariance parameter gamma and r^2 >= gamma^2, see `bilinear_weights`.
    D : float, optional
        r^2 - gamma^2 where it is known without cancellation.

    Returns
    -------
    ndarray, shape (2 d,)
        q has the law of sum_j w_j g_j^2.

    Raises
    ------
    ValueError
        If r^2 < gamma^2 or an input is not finite.

    Examples
    --------
    >>> symmetric_bilinear_weights([2.0], 0.0, 9.0)
    array([ 3., -3.])
    """
    mu = RealList().check("eigenvalues", eigenvalues)
    plus, minus, _ = _spread(gamma, r_squared, D)
    return np.concatenate([0.5 * plus * mu, -0.5 * minus * mu])


def bilinear_weights(
    M: ArrayLike, gamma: float, r_squared: float, D: float | None = None
) -> NDArray[np.float64]:
    """Return the weights of q = u^T M v, Cov((u, v)) = G (x) I, as a quadratic form (LOC-2).

    q depends on G = [[|c|^2, gamma], [gamma, T]] through gamma and r^2 = |c|^2 T only, because
    u and v can be rescaled against each other; with both variances equal to r the eigenvectors of
    G are (1, +-1)/sqrt 2 and q = g^T A g for the symmetric matrix

        A = 1/2 [[(r + gamma) M_s, -sqrt(D) M_a], [sqrt(D) M_a, -(r - gamma) M_s]],

    M_s and M_a the symmetric and antisymmetric parts of M, D = r^2 - gamma^2. The weights are the
    eigenvalues of A.

    Parameters
    ----------
    M : array_like, shape (d, d)
        Any square matrix.
    gamma : float
        Covariance of u_k and v_k.
    r_squared : float
        Product of the variances of u_k and v_k, >= gamma^2.
    D : float, optional
        r^2 - gamma^2 where it is known without cancellation ((T^2 - 1)/12 for random walks).

    Returns
    -------
    ndarray, shape (2 d,)
        Weights of `QuadraticForm`; for a symmetric M those of `symmetric_bilinear_weights`.

    Raises
    ------
    ValueError
        If M is not square, an input is not finite, or r^2 < gamma^2.

    Examples
    --------
    >>> weights = bilinear_weights([[0.0, 1.0], [-1.0, 0.0]], 0.0, 4.0)
    >>> weights.round(12)
    array([-1., -1.,  1.,  1.])
    """
    matrix = Matrix(square=True).check("M", M)
    plus, minus, cross = _spread(gamma, r_squared, D)
    symmetric = 0.5 * (matrix + matrix.T)
    antisymmetric = 0.5 * (matrix - matrix.T)
    if not antisymmetric.any():
        return symmetric_bilinear_weights(np.linalg.eigvalsh(symmetric), gamma, r_squared, D)
    form = 0.5 * np.block(
        [
            [plus * symmetric, -cross * antisymmetric],
            [cross * antisymmetric, -minus * symmetric],
        ]
    )
    return np.asarray(np.linalg.eigvalsh(form))
