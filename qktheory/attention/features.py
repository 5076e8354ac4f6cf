"""Random features of the softmax kernel, as the `[attention.features]` table describes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Integer, Parameter, check_parameters
from qktheory.kernels import Stream
from qktheory.numerics.positive_features import best_coefficient
from qktheory.spectra.haar import haar_frames

__all__ = ["FeatureMap"]

FloatArray = NDArray[np.float64]

#: Exponents of a block: a quarter of a megabyte.
_BLOCK = 1 << 15

_PARAMETERS = (
    Parameter("count", Integer(low=1, high=10**6), "number of features", default=64),
    Parameter(
        "kind",
        Choice(("positive", "hyperbolic", "trig", "optimal")),
        "the feature; optimal: positive, with the quadratic term of least variance",
        default="positive",
    ),
    Parameter(
        "directions",
        Choice(("iid", "orthogonal", "fixed_norm")),
        "independent Gaussian frequencies, orthogonal blocks of them, or independent ones of norm "
        "sqrt(width)",
        default="iid",
    ),
    Parameter(
        "factors",
        Choice(("balanced", "given", "query")),
        "which W_Q W_K^T = W_QK: balanced, those of the matrix model, or all of W on the query",
        default="balanced",
    ),
)


@dataclass(frozen=True)
class FeatureMap:
    """How many random features, of which kind, at which frequencies, of which factors.

    Parameters
    ----------
    count : int
        Number m of features.
    kind : {"positive", "hyperbolic", "trig", "optimal"}
        e^(omega^T z - N/2), cosh(omega^T z) e^(-N/2), e^(N/2) cos(omega^T delta) (ZOO-RF-1), or
        the positive feature of least variance at the mean |z|^2 of a pair of tokens (ZOO-RF-11).
    directions : {"iid", "orthogonal", "fixed_norm"}
        Law of the frequencies (ZOO-RF-2, ZOO-RF-10).
    factors : {"balanced", "given", "query"}
        Factors of W_QK, on which errors depend and attention does not (ZOO-RF-7).

    Raises
    ------
    ValueError
        For values outside their domain.

    Examples
    --------
    >>> FeatureMap.from_dict({"count": 128, "directions": "orthogonal"})
    FeatureMap(count=128, kind='positive', directions='orthogonal', factors='balanced')
    """

    count: int = 64
    kind: str = "positive"
    directions: str = "iid"
    factors: str = "balanced"

    def __post_init__(self) -> None:
        given = {p.name: getattr(self, p.name) for p in _PARAMETERS}
        checked = check_parameters(
            _PARAMETERS, given, "[attention.features]", "attention.features."
        )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> FeatureMap:
        """Build from the `[attention.features]` table of a spec file."""
        return cls(
            **check_parameters(_PARAMETERS, table, "[attention.features]", "attention.features.")
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        return {p.name: getattr(self, p.name) for p in _PARAMETERS}

    @property
    def signed(self) -> bool:
        """Whether weights may be negative."""
        return self.kind == "trig"

    def frequencies(self, width: int, stream: Stream, first: int, n: int) -> FloatArray:
        """Draw the frequencies of n samples.

        Parameters
        ----------
        width : int
            Dimension of queries and keys.
        stream : Stream
            Source of randomness; more features or samples extend what is drawn.
        first, n : int
            Which samples.

        Returns
        -------
        ndarray of shape (n, count, width)

        Examples
        --------
        >>> stream = Stream(key=3, experiment=0, cell=0)
        >>> omega = FeatureMap(count=5, directions="orthogonal").frequencies(4, stream, 0, 2)
        >>> omega.shape, bool(abs(omega[0, 0] @ omega[0, 3]) < 1e-12)
        ((2, 5, 4), True)
        """
        m = self.count
        normals = stream.normals(first, n, m * width).reshape(n, m, width)
        if self.directions == "iid":
            return normals
        norms = np.linalg.norm(normals, axis=2, keepdims=True)
        if self.directions == "fixed_norm":
            return np.asarray(math.sqrt(width) * normals / norms)
        # The normals give the norms; directions are Haar frames, one a block of `width` features.
        frames = []
        for block in range(-(-m // width)):
            place = (stream.experiment + 1 + block) % (1 << 32)
            size = min(width, m - block * width)
            frame = haar_frames(width, size, stream.child(experiment=place), first, n)
            frames.append(frame.transpose(0, 2, 1))
        return np.asarray(norms * np.concatenate(frames, axis=1))

    def coefficient(self, width: int, mean_square: float) -> float:
        """Return a, the coefficient of the quadratic term: 0 but for the optimal kind.

        Parameters
        ----------
        width : int
            Dimension of queries and keys.
        mean_square : float
            Mean |q + k|^2 of a pair.

        Examples
        --------
        >>> FeatureMap().coefficient(4, 1.0)
        0.0
        >>> round(FeatureMap(kind="optimal").coefficient(4, 1.0), 7)
        -0.0975971
        """
        if self.kind != "optimal" or mean_square == 0.0:
            return 0.0
        return best_coefficient(width, mean_square)[0]

    def kernels(
        self, queries: FloatArray, keys: FloatArray, omega: FloatArray, mean_square: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return logarithms and signs of the estimated kernels of one query with its keys.

        Parameters
        ----------
        queries : ndarray of shape (n, width)
            One query a sample.
        keys : ndarray of shape (n, T, width)
            Its keys.
        omega : ndarray of shape (n, count, width)
            Frequencies.
        mean_square : float
            Mean |q + k|^2 of a pair, which sets the coefficient of the optimal kind.

        Returns
        -------
        logs, signs : ndarray of shape (n, T)

        Examples
        --------
        >>> q, k = np.full((1, 2), 0.3), np.full((1, 1, 2), -0.3)
        >>> logs, _ = FeatureMap(count=3).kernels(q, k, np.ones((1, 3, 2)), 0.0)
        >>> round(float(logs[0, 0]), 12)
        -0.18
        """
        half = 0.5 * (np.sum(queries**2, axis=1)[:, None] + np.sum(keys**2, axis=2))
        logs, signs = np.empty_like(half), np.ones_like(half)
        # A few samples at a time: exponents stay in the cache.
        step = max(1, _BLOCK // (self.count * half.shape[1]))
        width = omega.shape[2]
        a = self.coefficient(width, mean_square)
        for first in range(0, len(half), step):
            rows = slice(first, first + step)
            of_query = np.matmul(omega[rows], queries[rows, :, None])
            of_keys = np.matmul(omega[rows], keys[rows].transpose(0, 2, 1))
            if self.kind == "trig":
                mean = np.cos(of_query - of_keys).mean(axis=1)
                with np.errstate(divide="ignore"):
                    logs[rows] = half[rows] + np.log(np.abs(mean))
                signs[rows] = np.sign(mean)
                continue
            exponents = of_query + of_keys
            if self.kind == "optimal":
                exponents *= math.sqrt(1.0 - 4.0 * a)
                exponents += 2.0 * a * np.sum(omega[rows] ** 2, axis=2)[:, :, None]
            logs[rows] = _log_mean(exponents, self.kind == "hyperbolic") - half[rows]
        if self.kind == "optimal":
            logs += 0.5 * width * math.log1p(-4.0 * a)
        return logs, signs


def _log_mean(exponents: FloatArray, even: bool) -> FloatArray:
    """Return log of the mean over axis 1 of e^x, or of cosh x, overwriting the exponents."""
    if even:
        np.abs(exponents, out=exponents)
    top = exponents.max(axis=1, keepdims=True)
    opposite = np.exp(-exponents - top).sum(axis=1) if even else 0.0
    exponents -= top
    total = np.exp(exponents, out=exponents).sum(axis=1)
    if even:
        total = 0.5 * (total + opposite)
    return np.asarray(top[:, 0, :] + np.log(total / exponents.shape[1]))
