"""Planes of two spectral coordinates, and the numbers xi, eta of M that theorems speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.phase.boundary import Plane
from qktheory.simulation.ensemble import Ensemble

__all__ = ["SpectralPlane"]

FloatArray = NDArray[np.float64]

_PAIRS = (
    frozenset(("spectrum.xi", "spectrum.eta")),
    frozenset(("spectrum.mean", "spectrum.variance")),
)


@dataclass(frozen=True)
class SpectralPlane:
    """A plane (xi, eta) or (mean, variance) of symmetric W, with isotropic tokens.

    M = c W/temperature with the variance c of the tokens' entries, so that xi = c tr W/temperature
    and eta = c^2 tr W^2/temperature^2; mean = tr W/d and variance = tr W^2/d - mean^2.

    Parameters
    ----------
    plane : Plane
        The plane.
    ensemble : Ensemble
        An experiment of the plane: its spectrum has other targets and is otherwise the same.
    scale : float
        c/temperature.

    Examples
    --------
    >>> template = {"d": 4, "T": 64, "spectrum": {"law": "semicircle"},
    ...             "tokens": {"law": "iid", "covariance": 3.0}, "attention": {"temperature": 2.0}}
    >>> plane = Plane("spectrum.mean", "spectrum.variance", (0.0, 2.0), (0.0, 1.0), template)
    >>> spectral = SpectralPlane.of(plane)
    >>> x, y = spectral.place(xi=[6.0], eta=[13.5])
    >>> x.tolist(), y.tolist(), spectral.xi_eta(1.0, 0.5)
    ([1.0], [0.5], (array(6.), array(13.5)))
    """

    plane: Plane
    ensemble: Ensemble
    scale: float

    @classmethod
    def of(cls, plane: Plane) -> SpectralPlane:
        """Build from a plane without `obstacle`."""
        ensemble = _ensemble(plane)
        variance = ensemble.tokens.sigma(ensemble.d).trace() / ensemble.d
        return cls(plane, ensemble, variance / ensemble.attention.scale(ensemble.d))

    @staticmethod
    def obstacle(
        plane: Plane, tokens: str | None = None, normalizer: str | None = None
    ) -> str | None:
        """Say why a plane is none, or not one of these tokens or this normaliser; None if it is."""
        if plane.axes not in _PAIRS:
            return "its axes are not (xi, eta) or (mean, variance)"
        ensemble = _ensemble(plane)
        if ensemble.matrix.name != "symmetric":
            return f"its matrix model is {ensemble.matrix.name!r}, not symmetric"
        if tokens is not None and ensemble.tokens.name != tokens:
            return f"its tokens are {ensemble.tokens.name!r}, not {tokens}"
        if normalizer is not None and ensemble.attention.normalizer != normalizer:
            return f"its normaliser is {ensemble.attention.normalizer!r}, not {normalizer}"
        if not ensemble.tokens.sigma(ensemble.d).is_isotropic:
            return "the covariance of its tokens is no multiple of the identity"
        return None

    @property
    def d(self) -> int:
        """Width of the tokens."""
        return self.ensemble.d

    @property
    def T(self) -> int:
        """Number of tokens."""
        return self.ensemble.T

    @property
    def deterministic(self) -> bool:
        """Whether a point of the plane is one spectrum."""
        spectrum = self.ensemble.spectrum
        return spectrum is not None and spectrum.draw == "quantiles"

    @property
    def xi_range(self) -> tuple[float, float]:
        """Ends of xi in the plane."""
        per_unit = self.scale * (1.0 if "spectrum.xi" in self.plane.axes else self.d)
        name = "spectrum.xi" if "spectrum.xi" in self.plane.axes else "spectrum.mean"
        low, high = self.plane.range_of(name)
        return low * per_unit, high * per_unit

    @property
    def eta_range(self) -> tuple[float, float]:
        """Ends of eta in the plane."""
        if "spectrum.eta" in self.plane.axes:
            low, high = self.plane.range_of("spectrum.eta")
            return low * self.scale**2, high * self.scale**2
        low, high = self.plane.range_of("spectrum.variance")
        ends = np.abs(self.plane.range_of("spectrum.mean"))
        least = 0.0 if np.prod(self.plane.range_of("spectrum.mean")) <= 0.0 else float(ends.min())
        unit = self.d * self.scale**2
        return (low + least**2) * unit, (high + float(ends.max()) ** 2) * unit

    def place(self, xi: ArrayLike, eta: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the points of given traces of M and M^2, coordinates in the order of the axes."""
        trace, square = np.asarray(xi) / self.scale, np.asarray(eta) / self.scale**2
        if "spectrum.xi" in self.plane.axes:
            return self.plane.points(spectrum_xi=trace, spectrum_eta=square)
        mean = trace / self.d
        return self.plane.points(spectrum_mean=mean, spectrum_variance=square / self.d - mean**2)

    def xi_eta(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the traces of M and M^2 at points of the plane."""
        at = {self.plane.x: np.asarray(x, float), self.plane.y: np.asarray(y, float)}
        if "spectrum.xi" in at:
            trace, square = at["spectrum.xi"], at["spectrum.eta"]
        else:
            trace = self.d * at["spectrum.mean"]
            square = self.d * (at["spectrum.variance"] + at["spectrum.mean"] ** 2)
        return np.asarray(self.scale * trace), np.asarray(self.scale**2 * square)

    def eigenvalues(self, xi: float, eta: float) -> FloatArray:
        """Return the eigenvalues of M at given traces: the spectrum that is simulated there."""
        spectrum = self.ensemble.spectrum
        assert spectrum is not None
        targets: dict[str, Any] = {"mean": None, "variance": None}
        targets |= {"xi": xi / self.scale, "eta": eta / self.scale**2}
        law = type(spectrum)(spectrum.law, draw=spectrum.draw, **targets)
        return self.scale * law.eigenvalues(self.d)


def _ensemble(plane: Plane) -> Ensemble:
    """Return the experiment of the plane with M of full rank and no mean."""
    table: dict[str, Any] = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in plane.template.items()
    }
    spectrum = {k: v for k, v in table.get("spectrum", {}).items() if k not in _TARGETS}
    table["spectrum"] = {**spectrum, "mean": 0.0, "variance": 1.0}
    return Ensemble.from_dict(table)


_TARGETS = ("xi", "eta", "mean", "variance")
