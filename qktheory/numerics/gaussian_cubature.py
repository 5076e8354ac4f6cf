"""Means of polynomials in a few standard normals, exact by tensor Gauss-Hermite rules.

No formula for moments enters, which makes it an independent route to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value

__all__ = ["gaussian_nodes", "polynomial_mean"]

_Floats = NDArray[np.float64]
_MOST_NODES = 1 << 22


def gaussian_nodes(sizes: Sequence[int], degrees: Sequence[int]) -> tuple[list[_Floats], _Floats]:
    """Return nodes and weights that are exact for polynomials in independent normal vectors.

    Parameters
    ----------
    sizes : sequence of int
        Length of each vector, >= 0.
    degrees : sequence of int
        Degree of the polynomial in each of them, >= 0.

    Returns
    -------
    nodes : list of ndarray, shapes (N, size)
        Values of each vector.
    weights : ndarray of shape (N,)
        They sum to 1.

    Raises
    ------
    ValueError
        For more than 2^22 nodes.

    Examples
    --------
    >>> (x, y), w = gaussian_nodes([1, 1], [4, 2])
    >>> round(float(w @ (x[:, 0]**4 * y[:, 0]**2)), 12)
    3.0
    """
    if len(sizes) != len(degrees):
        raise bad_value("degrees", list(degrees), f"one for each of the {len(sizes)} vectors")
    sizes = [Integer(0).check("sizes", size) for size in sizes]
    counts = [Integer(0).check("degrees", degree) // 2 + 1 for degree in degrees]
    total = 1
    for size, count in zip(sizes, counts, strict=True):
        total *= count**size
    if total > _MOST_NODES:
        raise bad_value("sizes", sizes, f"at most {_MOST_NODES} nodes, not {total}")
    nodes: list[_Floats] = [np.zeros((1, 0)) for _ in sizes]
    weights = np.ones(1)
    for which, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        points, masses = hermegauss(count)
        masses = masses / masses.sum()
        for _ in range(size):
            repeated = np.repeat(np.arange(weights.size), count)
            fresh = np.tile(points, weights.size)
            nodes = [block[repeated] for block in nodes]
            nodes[which] = np.column_stack([nodes[which], fresh])
            weights = np.outer(weights, masses).ravel()
    return nodes, weights


def polynomial_mean(
    function: Callable[..., ArrayLike], sizes: Sequence[int], degrees: Sequence[int]
) -> _Floats:
    """Return the mean of a polynomial in independent standard normal vectors.

    Parameters
    ----------
    function : callable
        From one array (N, size) for each vector to values of shape (N,) or (N, k).
    sizes, degrees : sequence of int
        Length of each vector and degree in it; see `gaussian_nodes`.

    Returns
    -------
    ndarray of shape () or (k,)
        Exact up to rounding.

    Examples
    --------
    >>> W = np.array([[1.0, 2.0], [0.0, -1.0]])
    >>> round(float(polynomial_mean(lambda x: np.sum(x @ W * x, axis=1) ** 2, [2], [4])), 12)
    8.0
    """
    nodes, weights = gaussian_nodes(sizes, degrees)
    return np.asarray(weights @ np.asarray(function(*nodes), dtype=np.float64))
