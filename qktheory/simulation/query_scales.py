"""Self-logit and logit variance of a Gaussian query, from d numbers (LOC-8, LOC-15)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.base.blas import serial_blas
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization

__all__ = ["QueryScales"]

FloatArray = NDArray[np.float64]


class QueryScales:
    """Draws (m, s^2) of the query x = sqrt(scale) Sigma^(1/2) g, g ~ N(0, I).

    With M = Sigma^(1/2) W Sigma^(1/2) / temperature: m = scale g^T M g and
    s^2 = scale |M^T g|^2; for symmetric M both are sums over its eigenvalues, because g is as
    Gaussian in the eigenbasis as in any other. A pinned query gives constants.

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
        self._stream = realization.stream(label)
        self._d = realization.ensemble.d
        self._scale = scale
        self._eigenvalues = None
        self._M = None
        self._pinned: tuple[float, float] | None = None
        if realization.query is not None:
            x = realization.query
            image = realization.matrix.apply(x[None])[0] / realization.temperature
            whitened = realization.covariance.apply_root(image[None])[0]
            self._pinned = float(image @ x), float(whitened @ whitened)
        elif realization.symmetric:
            self._eigenvalues = realization.eigenvalues
        else:
            self._M = realization.M

    @staticmethod
    def cost(ensemble: Ensemble) -> float:
        """Return d random numbers and, at most, d^2 multiplications."""
        return 0.0 if ensemble.query is not None else float(ensemble.d + ensemble.d**2)

    def work_per_query(self) -> float:
        """Return d random numbers, and d^2 multiplications unless M is symmetric."""
        if self._pinned is not None:
            return 0.0
        return float(self._d if self._M is None else self._d + self._d**2)

    def draw(self, first_sample: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Return the self-logits m and the variances s^2, shape (n,) each."""
        if self._pinned is not None:
            self_logit, s2 = self._pinned
            return np.full(n, self_logit), np.full(n, s2)
        g = self._stream.normals(first_sample, n, self._d)
        if self._eigenvalues is not None:
            np.square(g, out=g)
            self_logit = (g * self._eigenvalues).sum(axis=1)
            s2 = (g * self._eigenvalues**2).sum(axis=1)
        else:
            assert self._M is not None
            # A stack of products, one a sample: the bits of a single large product would depend
            # on the number of rows.
            image = np.matmul(g[:, None, :], self._M)[:, 0, :]
            self_logit = (image * g).sum(axis=1)
            s2 = (image * image).sum(axis=1)
        return self._scale * self_logit, self._scale * s2
