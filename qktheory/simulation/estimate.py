"""Estimates: a mean with an interval and what the interval is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import Moments
from qktheory.simulation.intervals import Guarantee, confidence_interval

__all__ = ["Estimate"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """Monte Carlo estimate of the mean of an observable.

    Parameters
    ----------
    name : str
        The observable.
    moments : Moments
        Count, mean, squared deviations, extremes of the samples, by component.
    low, high : ndarray of shape (k,)
        Ends of the confidence intervals, simultaneous over the k components.
    delta : float
        Probability that an interval misses, at this or any earlier or later number of samples.
    guarantee : {"finite-sample", "asymptotic", "infinite variance", "infinite mean"}
        Whether `delta` holds at every number of samples or as it grows, or why there is no
        interval (then its ends are infinite).
    vector : bool
        Whether the observable has one component a key (then value, low, high are lists in JSON).
    simulator : str
        Name of the simulator that drew the samples.
    """

    name: str
    moments: Moments
    low: FloatArray
    high: FloatArray
    delta: float
    guarantee: Guarantee
    vector: bool
    simulator: str

    @classmethod
    def from_moments(
        cls,
        name: str,
        moments: Moments,
        delta: float,
        bounds: tuple[float, float] | None,
        vector: bool,
        simulator: str,
        infinite: Literal["mean", "variance"] | None = None,
        interval: tuple[FloatArray, FloatArray, Guarantee] | None = None,
    ) -> Estimate:
        """Build from statistics and the range of the observable (None: unbounded).

        Where the mean or the variance is infinite no interval is given: its ends are infinite.
        Otherwise it is the one of `confidence_interval`, which may be known already.
        """
        if infinite is not None:
            ends = np.full_like(moments.mean, np.inf)
            reason: Guarantee = "infinite mean" if infinite == "mean" else "infinite variance"
            return cls(name, moments, -ends, ends, delta, reason, vector, simulator)
        low, high, guarantee = interval or confidence_interval(moments, delta, bounds)
        return cls(name, moments, low, high, delta, guarantee, vector, simulator)

    @property
    def has_interval(self) -> bool:
        """Whether the interval says anything: not where the mean or the variance is infinite."""
        return self.guarantee in ("finite-sample", "asymptotic")

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.moments.count[0])

    @property
    def mean(self) -> FloatArray:
        """Sample means, shape (k,)."""
        return self.moments.mean

    @property
    def std_error(self) -> FloatArray:
        """Standard errors of the means, shape (k,), infinite where the variance is."""
        if not self.has_interval:
            return np.full_like(self.moments.mean, np.inf)
        return np.asarray(np.sqrt(self.moments.variance / self.n))

    def __float__(self) -> float:
        if self.vector:
            raise TypeError(f"{self.name} has {self.mean.size} components; use .mean")
        return float(self.mean[0])

    def __repr__(self) -> str:
        if self.vector:
            return (
                f"Estimate({self.name}: {self.mean.size} components, n={self.n}, "
                f"delta={self.delta:g}, {self.guarantee})"
            )
        return (
            f"Estimate({self.name} = {self.mean[0]:.6g} in [{self.low[0]:.6g}, "
            f"{self.high[0]:.6g}], n={self.n}, delta={self.delta:g}, {self.guarantee})"
        )

    def plain(self, array: FloatArray) -> Any:
        """Return a component array as a list (vector observables) or a number."""
        return array.tolist() if self.vector else float(array[0])
