"""Self-logit and logit variance of a Gaussian query, from d numbers (LOC-8, LOC-15)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qktheory.base.blas import serial_blas
from qktheory.kernels import quadratic_sums
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization

__all__ = ["QueryScales"]

FloatArray = NDArray[np.float64]


class QueryScales:
    """Draws (m, s^2) of the query x = sqrt(scale) Sigma^(1/2) g, g ~ N(0, I).

    With M = Sigma^(1/2) W Sigma^(1/2) / temperature: m = scale g^T M g and
    s^2 = scale |M^T g|^2; for symmetric M both are sums over its eigenvalues, because g is as
    Gaussian in the eigenbasis as in any other. A pinned query gives constants. Where every sample
    has its own W, so has every pair (m, s^2), of the same W as in the full simulators.

    Parameters
    ----------
    realization : Realization
        The experiment with its QK map.
    label : str
        Purpose of the random numbers.
    scale : float, optional
        Variance of the query relative to Sigma: T for the end of a random walk.
    """

    @serial_blas
    def __init__(self, realization: Realization, label: str, scale: float = 1.0) -> None:
        self._realization = realization
        self._stream = realization.stream(label)
        self._d = realization.ensemble.d
        self._scale = scale
        self._eigenvalues = None
        self._M = None
        self._pinned: tuple[float, float] | None = None
        if realization.ensemble.redraws_matrix:
            return
        if realization.query is not None:
            self_logit, s2 = self._of_queries(realization.query[None, None], 0)
            self._pinned = float(self_logit[0]), float(s2[0])
        elif realization.symmetric:
            self._eigenvalues = np.array(realization.eigenvalues)
        else:
            self._M = realization.M

    @staticmethod
    def cost(ensemble: Ensemble) -> float:
        """Return d random numbers and, at most, d^2 multiplications, and W where it is drawn."""
        if ensemble.query is not None and not ensemble.redraws_matrix:
            return 0.0
        return float(ensemble.d + ensemble.d**2) + ensemble.matrix_work

    def work_per_query(self) -> float:
        """Return d random numbers, and d^2 multiplications unless M is symmetric."""
        if self._pinned is not None:
            return 0.0
        if self._eigenvalues is not None:
            return float(self._d)
        return float(self._d + self._d**2) + self._realization.ensemble.matrix_work

    def noise(self, first_sample: int, n: int) -> FloatArray:
        """Return the normals g of n queries, shape (n, d), or (n, 0) if the query is pinned."""
        width = self._d if self._realization.query is None else 0
        return self._stream.normals(first_sample, n, width)

    def scales(self, g: FloatArray, first_sample: int) -> tuple[FloatArray, FloatArray]:
        """Return the self-logits m and the variances s^2 of queries, shape (n,) each."""
        n = len(g)
        if self._pinned is not None:
            self_logit, s2 = self._pinned
            return np.full(n, self_logit), np.full(n, s2)
        if self._realization.ensemble.redraws_matrix:
            return self._scales_with_own_matrices(g, first_sample)
        if self._eigenvalues is not None:
            self_logit, s2 = quadratic_sums(g, self._eigenvalues)
        else:
            assert self._M is not None
            # A stack of products, one a sample: the bits of a single large product would depend
            # on the number of rows.
            image = np.matmul(g[:, None, :], self._M)[:, 0, :]
            self_logit = (image * g).sum(axis=1)
            s2 = (image * image).sum(axis=1)
        return self._scale * self_logit, self._scale * s2

    @staticmethod
    def scales_of_each(
        scales: Sequence[QueryScales], g: FloatArray, first_sample: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return m and s^2 of the same queries under many QK maps, shape (maps n,), map by map."""
        spectra = [one._eigenvalues for one in scales if one._eigenvalues is not None]
        if len(spectra) < len(scales):
            pairs = [one.scales(g, first_sample) for one in scales]
            return np.concatenate([m for m, _ in pairs]), np.concatenate([s2 for _, s2 in pairs])
        sums = quadratic_sums(g, np.array(spectra))
        sums *= np.array([one._scale for one in scales])[:, None]
        return sums[0].reshape(-1), sums[1].reshape(-1)

    def _scales_with_own_matrices(
        self, g: FloatArray, first_sample: int
    ) -> tuple[FloatArray, FloatArray]:
        query = self._realization.query
        if query is not None:
            return self._of_queries(np.broadcast_to(query, (len(g), 1, self._d)), first_sample)
        # Stacks of single rows: the bits of one large product would depend on their number.
        x = self._realization.covariance.apply_root(g[:, None, :])
        self_logit, s2 = self._of_queries(x, first_sample)
        return self._scale * self_logit, self._scale * s2

    def _of_queries(self, x: FloatArray, first_sample: int) -> tuple[FloatArray, FloatArray]:
        """Return (m, s^2) of queries, shape (n, 1, d), each with the W of its sample."""
        realization = self._realization
        image = realization.images(x, first_sample) / realization.temperature
        whitened = realization.covariance.apply_root(image)
        return (image * x).sum(axis=(1, 2)), (whitened * whitened).sum(axis=(1, 2))
