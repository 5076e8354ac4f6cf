"""Averages of iid-token rows over a Gaussian query (LOC-15).

For x = Sigma^(1/2) g and M = Sigma^(1/2) W_QK Sigma^(1/2)/temperature the self logit and the
standard deviation of the other logits of a row are m = g^T M g and s = |M^T g|, g ~ N(0, I).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainccinv, gammaincinv, ndtri

from qktheory.base.domains import Integer, Matrix, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.numerics.clenshaw_curtis import clenshaw_curtis
from qktheory.numerics.iid_row import IidRowMoments, TabulatedRow, iid_row_moments

__all__ = [
    "AveragedRowMoments",
    "QueryNodes",
    "average_over_gaussian_query",
    "gaussian_query_nodes",
    "iid_row_moments_over_queries",
]

_Floats = NDArray[np.float64]
_REPLICATES = 8
_CHECKS = 12
_FEW = 600
_DEGREES = (16, 32, 64, 128)
# Rough costs in seconds: one table of averages, one entry of it, one direct evaluation.
_BUILD, _CELL, _DIRECT = 5e-4, 1.5e-5, 4e-4


class QueryNodes(NamedTuple):
    """Nodes and weights for the law of (m, s).

    Attributes
    ----------
    self_logit, s : ndarray, shape (N,)
        Nodes; s >= 0.
    weights : ndarray, shape (R, N)
        R rules, each summing to 1.
    nested : bool
        True: the first rule is the value and the second a coarser one (deterministic quadrature).
        False: the rules are independent randomised replicates.
    """

    self_logit: _Floats
    s: _Floats
    weights: _Floats
    nested: bool

    def average(self, values: _Floats) -> tuple[_Floats, _Floats]:
        """Return the averages of `values` and their errors.

        Parameters
        ----------
        values : ndarray, shape (N, k)
            Functions of the nodes.

        Returns
        -------
        value, error : ndarray, shape (k,)
            For replicates the error is one standard error of the mean, for nested rules the
            difference of the two rules.
        """
        estimates = self.weights @ values
        if self.nested:
            return estimates[0], np.abs(estimates[0] - estimates[1])
        spread = np.std(estimates, axis=0, ddof=1) / math.sqrt(estimates.shape[0])
        return estimates.mean(axis=0), spread


class AveragedRowMoments(NamedTuple):
    """Row moments averaged over the query.

    Attributes
    ----------
    value, error : IidRowMoments
        Averages and their errors, see `QueryNodes.average`.
    mean_participation, participation_error : float
        Average of E sum_j A_j^2 (self and others) and its error.
    """

    value: IidRowMoments
    error: IidRowMoments
    mean_participation: float
    participation_error: float


def gaussian_query_nodes(M: ArrayLike, n_nodes: int | None = None, seed: int = 0) -> QueryNodes:
    """Return deterministic nodes for (m, s) = (g^T M g, |M^T g|), g ~ N(0, I).

    If M acts as a multiple of the identity on its range (a concentrated spectrum, zero eigenvalues
    allowed), m = mu chi^2 and s = |mu| chi, and the nodes are a nested Clenshaw-Curtis rule in chi.
    Otherwise they are eight scrambled Sobol sets in the smallest coordinate space that M acts on.

    Parameters
    ----------
    M : array_like, shape (d, d)
        Any square matrix.
    n_nodes : int, optional
        Nodes of the one-dimensional rule (default 257, >= 17), or of each Sobol set (default
        1024, rounded up to a power of 2).
    seed : int, optional
        Seed of the scrambling, >= 0.

    Returns
    -------
    QueryNodes

    Raises
    ------
    ValueError
        If M is not a square matrix of finite numbers or a number is out of range.

    Examples
    --------
    >>> nodes = gaussian_query_nodes([[0.5, 0.0], [0.0, 0.5]])
    >>> value, error = nodes.average(nodes.self_logit[:, None])
    >>> round(float(value[0]), 10)
    1.0
    """
    matrix = Matrix(square=True).check("M", M)
    seed = Integer(low=0).check("seed", seed)
    if n_nodes is not None:
        n_nodes = Integer(low=17).check("n_nodes", n_nodes)
    reduced = _reduced(matrix)
    k = reduced.shape[0]
    if k == 0:
        zero = np.zeros(1)
        return QueryNodes(zero, zero, np.ones((2, 1)), True)
    mu = float(np.trace(reduced)) / k
    if np.abs(reduced - mu * np.eye(k)).max() <= 1e-13 * abs(mu):
        return _chi_square_nodes(mu, k, n_nodes or 257)
    return _sobol_nodes(reduced, n_nodes or 1024, seed)


def _reduced(matrix: _Floats) -> _Floats:
    """Return M in an orthonormal basis of the span of its rows and columns, largest first."""
    size = float(np.abs(matrix).max())
    if size == 0.0:
        return np.zeros((0, 0))
    unit = matrix / size
    left, singular, right = np.linalg.svd(unit)
    rank = int(np.sum(singular > 1e-14 * singular[0] * matrix.shape[0]))
    stacked = np.hstack([left[:, :rank] * singular[:rank], right[:rank].T * singular[:rank]])
    basis, scale, _ = np.linalg.svd(stacked, full_matrices=False)
    kept = basis[:, scale > 1e-13 * scale[0] * matrix.shape[0]]
    return np.asarray(kept.T @ matrix @ kept)


def _chi_square_nodes(mu: float, k: int, count: int) -> QueryNodes:
    """Return the Clenshaw-Curtis rule in chi, and the one on every other of its nodes."""
    halves = 2 * math.ceil((count - 1) / 4)
    low = math.sqrt(2.0 * float(gammaincinv(0.5 * k, 1e-18)))
    high = math.sqrt(2.0 * float(gammainccinv(0.5 * k, 1e-18)))
    angle = math.pi * np.arange(2 * halves + 1) / (2 * halves)
    # x (high - low)/2 from the left end, written so that a node at chi = 0 keeps its digits.
    chi = low + (high - low) * np.sin(0.5 * angle) ** 2
    safe = np.maximum(chi, 1e-300)
    log_density = (k - 1.0) * np.log(safe) - 0.5 * chi * chi
    density = np.exp(log_density - log_density.max())
    coarse = np.zeros_like(density)
    coarse[::2] = clenshaw_curtis(halves) * density[::2]
    fine = clenshaw_curtis(2 * halves) * density
    weights = np.stack([fine / fine.sum(), coarse / coarse.sum()])
    return QueryNodes(mu * chi * chi, abs(mu) * chi, weights, True)


def _sobol_nodes(reduced: _Floats, count: int, seed: int) -> QueryNodes:
    k = reduced.shape[0]
    power = math.ceil(math.log2(count))
    # Here, not above: importing `scipy.stats` is a quarter of the time to load the catalogue.
    from scipy.stats import qmc

    points = 1 << power
    streams = np.random.SeedSequence(seed).spawn(_REPLICATES)
    sets = [
        qmc.Sobol(k, scramble=True, rng=np.random.default_rng(stream)).random_base2(power)
        for stream in streams
    ]
    g = ndtri(np.clip(np.concatenate(sets), 2.0**-54, 1.0 - 2.0**-53))
    image = g @ reduced
    weights = np.kron(np.eye(_REPLICATES), np.full(points, 1.0 / points))
    return QueryNodes(
        np.einsum("ij,ij->i", image, g), np.sqrt(np.sum(image * image, axis=1)), weights, False
    )


def iid_row_moments_over_queries(
    self_logit: ArrayLike, s: ArrayLike, T: float, tolerance: float = 1e-10
) -> _Floats:
    """Return the row moments of LOC-15b at many (m, s).

    Few nodes are evaluated one by one. For many, the moments are interpolated by Chebyshev
    polynomials in (m, s); the degree is doubled until a sample of the nodes agrees with direct
    evaluation, and if that fails every node is evaluated directly.

    Parameters
    ----------
    self_logit, s : array_like, shape (N,)
        Nodes, s >= 0.
    T : int
        Number of keys, >= 1.
    tolerance : float, optional
        Absolute accuracy asked of the interpolation, relative to max(1, largest value).

    Returns
    -------
    ndarray, shape (N, 4)
        Columns in the order of `IidRowMoments`.

    Raises
    ------
    ValueError
        If the arrays differ in length or an argument is out of its domain.

    Examples
    --------
    >>> iid_row_moments_over_queries([0.0, 2.0], [0.0, 1.0], 64)[:, 3].round(6)
    array([4.158883, 3.666805])
    """
    m = RealList().check("self_logit", self_logit)
    sd = RealList(Real(low=0.0)).check("s", s)
    if m.shape != sd.shape:
        raise bad_value("s", s, f"as many entries as self_logit ({m.size})")
    n = Integer(low=1).check("T", T) - 1
    tolerance = Real(low=0.0).check("tolerance", tolerance)
    if n > 0 and m.size > _FEW:
        interpolated = _interpolate(m, sd, n, tolerance)
        if interpolated is not None:
            return interpolated
    return np.array([iid_row_moments(a, b, n + 1) for a, b in zip(m, sd, strict=True)])


def _chebyshev(count: int) -> tuple[_Floats, _Floats]:
    """Return Chebyshev points of the first kind and the matrix from values to coefficients."""
    angle = (np.arange(count) + 0.5) * math.pi / count
    matrix = 2.0 / count * np.cos(np.outer(np.arange(count), angle))
    matrix[0] *= 0.5
    return np.cos(angle), matrix


def _interpolate(m: _Floats, s: _Floats, n: int, tolerance: float) -> _Floats | None:
    """Return the moments by interpolation, or None if direct evaluation is the better choice."""
    bounds = (float(m.min()), float(m.max()), float(s.min()), float(s.max()))
    if bounds[1] - bounds[0] > 400.0 or bounds[2] <= 0.0 or bounds[3] == bounds[2]:
        return None
    in_m, to_m = _chebyshev(32 + math.ceil(10.0 * (bounds[1] - bounds[0])))
    grid_m = 0.5 * (bounds[0] + bounds[1]) + 0.5 * (bounds[1] - bounds[0]) * in_m
    unit_m = (2.0 * m - bounds[0] - bounds[1]) / max(bounds[1] - bounds[0], 1e-300)
    unit_s = (2.0 * s - bounds[2] - bounds[3]) / (bounds[3] - bounds[2])
    checks = np.linspace(0, m.size - 1, _CHECKS).astype(int)
    exact = np.array([iid_row_moments(float(m[i]), float(s[i]), n + 1) for i in checks])
    limit = tolerance * np.maximum(1.0, np.abs(exact).max(axis=0))
    for count in _DEGREES:
        if count * (_BUILD + _CELL * grid_m.size) > _DIRECT * m.size:
            return None
        in_s, to_s = _chebyshev(count)
        grid_s = 0.5 * (bounds[2] + bounds[3]) + 0.5 * (bounds[3] - bounds[2]) * in_s
        table = np.array(
            [TabulatedRow.build(n, float(b), *bounds[:2]).evaluate(grid_m) for b in grid_s]
        )
        coefficients = np.einsum("as,smk,bm->abk", to_s, table, to_m, optimize=True)
        if np.all(np.abs(_evaluate(coefficients, unit_s[checks], unit_m[checks]) - exact) <= limit):
            return _evaluate(coefficients, unit_s, unit_m)
    return None


def _evaluate(coefficients: _Floats, unit_s: _Floats, unit_m: _Floats) -> _Floats:
    """Return sum_ab c_abk T_a(unit_s) T_b(unit_m) at every node."""
    clipped_s, clipped_m = np.clip(unit_s, -1.0, 1.0), np.clip(unit_m, -1.0, 1.0)
    parts = []
    for block in np.array_split(np.arange(unit_s.size), max(1, unit_s.size // 2048)):
        left = np.cos(np.outer(np.arccos(clipped_s[block]), np.arange(coefficients.shape[0])))
        right = np.cos(np.outer(np.arccos(clipped_m[block]), np.arange(coefficients.shape[1])))
        inner = np.einsum("ia,abk->ibk", left, coefficients, optimize=True)
        parts.append(np.einsum("ib,ibk->ik", right, inner, optimize=True))
    return np.concatenate(parts)


def average_over_gaussian_query(
    M: ArrayLike, T: float, n_nodes: int | None = None, seed: int = 0
) -> AveragedRowMoments:
    """Return E A_self, E A_self^2, E sum of other A_j^2 and E H of a row of iid tokens.

    Parameters
    ----------
    M : array_like, shape (d, d)
        Sigma^(1/2) W_QK Sigma^(1/2)/temperature.
    T : int
        Number of keys, >= 1.
    n_nodes, seed : int, optional
        See `gaussian_query_nodes`.

    Returns
    -------
    AveragedRowMoments
        About 1e-10 for concentrated spectra; otherwise the standard error of eight randomised
        Sobol sets.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> row = average_over_gaussian_query([[0.25, 0.0], [0.0, 0.25]], 64)
    >>> round(row.value.mean_entropy, 6), row.error.mean_entropy < 1e-8
    (4.092513, True)
    """
    nodes = gaussian_query_nodes(M, n_nodes, seed)
    moments = iid_row_moments_over_queries(nodes.self_logit, nodes.s, T, 1e-8)
    table = np.column_stack([moments, moments[:, 1] + moments[:, 2]])
    value, error = nodes.average(table)
    return AveragedRowMoments(
        IidRowMoments(*map(float, value[:4])),
        IidRowMoments(*map(float, error[:4])),
        float(value[4]),
        float(error[4]),
    )
