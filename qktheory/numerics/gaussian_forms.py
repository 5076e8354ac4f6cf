"""Moments of quadratic and bilinear forms of Gaussian and spherical vectors (SPEC-13).

A mean of a product of forms is a sum over the pairings of the vectors' copies; each pairing glues
the matrices into cycles, and crossing an edge backwards transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, Matrix
from qktheory.base.errors import bad_value
from qktheory.numerics.haar_moments import PAIRINGS

__all__ = [
    "bilinear_product_mean",
    "cumulants_to_moments",
    "form_cumulants",
    "quadratic_product_mean",
    "sphere_factors",
    "sphere_variance",
]

_Floats = NDArray[np.float64]
#: Cumulants of higher order leave double precision for forms of any size in practice.
HIGHEST_ORDER = 1000
_ORDER = Integer(low=1, high=HIGHEST_ORDER)


def form_cumulants(W: ArrayLike, Sigma: ArrayLike, highest: int) -> _Floats:
    """Return the cumulants of x^T W x for x ~ N(0, Sigma), orders 1 to `highest`.

    Parameters
    ----------
    W : array_like of shape (d, d)
        Any square matrix; only its symmetric part S matters.
    Sigma : array_like of shape (d, d)
        Covariance, singular ones included: no root is taken.
    highest : int
        Largest order, 1 to 1000.

    Returns
    -------
    ndarray of shape (highest,)
        2^(k-1) (k-1)! tr (S Sigma)^k; orders beyond double precision are infinite or not numbers.

    Examples
    --------
    The reference of SPEC-13.

    >>> W = [[1, 2, 0], [0, -1, 1], [3, 0, 2]]
    >>> form_cumulants(W, np.eye(3), 4).tolist()
    [2.0, 26.0, 268.0, 5976.0]
    """
    matrix = Matrix(square=True).check("W", W)
    highest = _ORDER.check("highest", highest)
    step = 0.5 * (matrix + matrix.T) @ np.asarray(Sigma, dtype=np.float64)
    found = np.empty(highest)
    # The factorial grows along with the power, so that neither overflows before the product does.
    power = step
    with np.errstate(all="ignore"):
        for k in range(1, highest + 1):
            found[k - 1] = np.trace(power)
            power = (2.0 * k * power) @ step
    return found


def cumulants_to_moments(cumulants: ArrayLike) -> _Floats:
    """Return the raw moments of the orders of the given cumulants.

    Parameters
    ----------
    cumulants : array_like of shape (n,)
        Cumulants of orders 1 to n.

    Returns
    -------
    ndarray of shape (n,)
        m_n = sum_k C(n-1, k-1) kappa_k m_(n-k).

    Examples
    --------
    >>> cumulants_to_moments([2.0, 26.0, 268.0, 5976.0]).tolist()
    [2.0, 30.0, 432.0, 10788.0]
    """
    kappa = np.asarray(cumulants, dtype=np.float64)
    moments = np.ones(kappa.size + 1)
    with np.errstate(all="ignore"):
        for n in range(1, kappa.size + 1):
            binomial, total = 1.0, 0.0
            for k in range(1, n + 1):
                total += binomial * kappa[k - 1] * moments[n - k]
                binomial *= (n - k) / k
            moments[n] = total
    return moments[1:]


def sphere_factors(d: int, highest: int) -> _Floats:
    """Return what turns Gaussian moments of forms into those on the sphere |x|^2 = d.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    highest : int
        Largest number k of forms.

    Returns
    -------
    ndarray of shape (highest,)
        d^k/(d (d + 2) ... (d + 2k - 2)) for k = 1 .. highest (SPEC-13).

    Examples
    --------
    >>> sphere_factors(3, 2).tolist()
    [1.0, 0.6]
    """
    d = Integer(low=1).check("d", d)
    k = np.arange(_ORDER.check("highest", highest))
    return np.asarray(np.cumprod(d / (d + 2.0 * k)))


def sphere_variance(W: ArrayLike) -> float:
    """Return Var(x^T W x) for x uniform on the sphere |x|^2 = d.

    Parameters
    ----------
    W : array_like of shape (d, d)
        Any square matrix.

    Returns
    -------
    float
        2d/(d + 2) ||S - (tr S/d) I||_F^2, free of cancellation and 0 for multiples of the identity.

    Examples
    --------
    >>> round(sphere_variance([[1, 2, 0], [0, -1, 1], [3, 0, 2]]), 12)
    14.0
    """
    matrix = Matrix(square=True).check("W", W)
    d = len(matrix)
    deviation = 0.5 * (matrix + matrix.T) - float(np.trace(matrix)) / d * np.eye(d)
    return float(2.0 * d / (d + 2.0) * np.sum(deviation**2))


def quadratic_product_mean(forms: ArrayLike) -> float:
    """Return E prod_i x^T A_i x over four forms, x ~ N(0, I): 105 pairings in five kinds.

    Parameters
    ----------
    forms : array_like of shape (4, d, d)
        The matrices A_i.

    Returns
    -------
    float
        The sum over pairings, in traces of products of the symmetric parts (SPEC-13).

    Raises
    ------
    ValueError
        For anything but four square matrices of one size.

    Examples
    --------
    >>> quadratic_product_mean([[[1.0]]] * 4)
    105.0
    """
    A = _four(forms)
    S = 0.5 * (A + A.transpose(0, 2, 1))
    t = [float(np.trace(s)) for s in S]

    def cycle(*order: int) -> float:
        product = S[order[0]]
        for k in order[1:]:
            product = product @ S[k]
        return float(np.trace(product))

    total = t[0] * t[1] * t[2] * t[3]
    for i, j in combinations(range(4), 2):
        k, m = (n for n in range(4) if n not in (i, j))
        total += 2.0 * cycle(i, j) * t[k] * t[m]
    for (i, j), (k, m) in PAIRINGS:
        total += 4.0 * cycle(i, j) * cycle(k, m)
    for m in range(4):
        i, j, k = (n for n in range(4) if n != m)
        total += 8.0 * cycle(i, j, k) * t[m]
    return total + 16.0 * (cycle(0, 1, 2, 3) + cycle(0, 1, 3, 2) + cycle(0, 2, 1, 3))


def bilinear_product_mean(forms: ArrayLike) -> float:
    """Return E prod_i x^T A_i y over four forms, x and y independent N(0, I): 9 pairings.

    Parameters
    ----------
    forms : array_like of shape (4, d, d)
        The matrices A_i.

    Returns
    -------
    float
        Three pairings of the copies of x times three of those of y (SPEC-13).

    Raises
    ------
    ValueError
        For anything but four square matrices of one size.

    Examples
    --------
    >>> bilinear_product_mean([[[1.0]]] * 4)
    9.0
    """
    A = _four(forms)
    total = 0.0
    for (i, j), (k, m) in PAIRINGS:
        total += float(np.sum(A[i] * A[j]) * np.sum(A[k] * A[m]))
        for a, b in ((k, m), (m, k)):
            total += float(np.trace(A[i] @ A[a].T @ A[j] @ A[b].T))
    return total


def _four(forms: ArrayLike) -> _Floats:
    """Return four square matrices of one size as an array (4, d, d)."""
    given: Sequence[ArrayLike] = list(forms)  # type: ignore[arg-type]
    if len(given) != 4:
        raise bad_value("forms", f"{len(given)} matrices", "four square matrices of one size")
    matrices = [Matrix(square=True).check(f"forms[{k}]", form) for k, form in enumerate(given)]
    if len({matrix.shape for matrix in matrices}) > 1:
        shapes = [matrix.shape for matrix in matrices]
        raise bad_value("forms", f"matrices of shapes {shapes}", "four square matrices of one size")
    return np.array(matrices)
