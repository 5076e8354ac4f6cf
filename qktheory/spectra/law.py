"""Laws of eigenvalues: what every spectral law answers.

A `Law` is a frozen dataclass whose declared `Parameter` objects drive validation, documentation
and random tests. It has two faces: as a measure (pdf, cdf, quantile, moments, free-probability
transforms) and as a recipe for d eigenvalues (`spectrum_quantiles`, `spectrum_draws`). What a law
does not have, a density of atoms, say, raises a `ValueError` with the reason; methods never
return NaN in its place.

SciPy's special functions are used where they fit; `scipy.stats` is avoided because importing it
takes longer than most computations here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, check_parameters
from qktheory.base.errors import bad_value
from qktheory.base.registry import Registry
from qktheory.spectra.interval_measure import IntervalMeasure

__all__ = ["LAWS", "Law", "LawDomain", "free_cumulants_from_moments"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Law(ABC):
    """A law of real eigenvalues (or singular values).

    Attributes
    ----------
    name : str
        Name in specification files.
    parameters : tuple of Parameter
        The law's own parameters, equal to the dataclass fields.
    shape_parameters : tuple of str
        Those that still mean something when location and scale are set by targets.
    standard_values : dict
        Values of the other parameters in the law's standard shape, which targets then map.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    shape_parameters: ClassVar[tuple[str, ...]] = ()
    standard_values: ClassVar[dict[str, object]] = {}

    def __post_init__(self) -> None:
        """Bring every field into canonical form."""
        for parameter in self.parameters:
            value = parameter.check(getattr(self, parameter.name))
            if isinstance(value, np.ndarray):
                value = tuple(value.tolist())
            object.__setattr__(self, parameter.name, value)

    @classmethod
    def from_dict(cls, table: Mapping[str, object], prefix: str = "") -> Self:
        """Build the law from its own parameters; unknown or missing ones raise `ValueError`."""
        values = check_parameters(cls.parameters, table, f"law {cls.name!r}", prefix)
        return cls(**values)

    @classmethod
    def standard(cls, shape: Mapping[str, object], prefix: str = "") -> Self:
        """Build the standard shape, which targets map affinely.

        Parameters
        ----------
        shape : mapping
            Values of the `shape_parameters` only.
        prefix : str, optional
            Put before names in messages.

        Raises
        ------
        ValueError
            If a parameter of location or scale is among them, or a required one is missing.
        """
        for name in shape:
            if name not in cls.shape_parameters and any(p.name == name for p in cls.parameters):
                allowed = ", ".join(cls.shape_parameters) or "none"
                raise ValueError(
                    f"{prefix}{name} is set beside targets: location and scale of law "
                    f"{cls.name!r} follow from (mean, variance) or (xi, eta); parameters that may "
                    f"accompany targets: {allowed}"
                )
        return cls.from_dict({**cls.standard_values, **shape}, prefix)

    def to_dict(self, names: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Return the parameters (only those in `names`, if given) as TOML-ready values."""
        out: dict[str, Any] = {}
        for item in fields(self):
            if names is not None and item.name not in names:
                continue
            value = getattr(self, item.name)
            if isinstance(value, Law):
                value = {"law": value.name, **value.to_dict()}
            out[item.name] = list(value) if isinstance(value, tuple) else value
        return out

    # -- as a measure ------------------------------------------------------------------------

    def _refuse(self, what: str, reason: str) -> ValueError:
        return ValueError(f"law {self.name!r} has no {what}: {reason}")

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Smallest and largest point of the support."""

    @property
    def edges(self) -> tuple[float, float]:
        """Ends of the continuous part; those of the support where there are no atoms beside it."""
        return self.support

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """Atoms as (place, mass), in increasing order of the places; none by default."""
        return ()

    def pdf(self, x: ArrayLike) -> Array:
        """Return the density of the continuous part at `x` (0 outside, inf where it diverges)."""
        raise self._refuse("density", "it consists of atoms")

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Array:
        """Return P(eigenvalue <= x), right-continuous."""

    @abstractmethod
    def quantile(self, u: ArrayLike) -> Array:
        """Return inf{x : cdf(x) >= u} for u in (0, 1)."""

    @abstractmethod
    def moment(self, k: int) -> float:
        """Return the raw moment of order `k` >= 0."""

    @property
    def mean(self) -> float:
        """First moment; parameters of that name take precedence in subclasses."""
        return self.moment(1)

    @property
    def variance(self) -> float:
        """Second central moment."""
        return self.moment(2) - self.moment(1) ** 2

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return G(z) = int dmu(x) / (z - x) for real or complex `z` off the support (SPEC-8)."""
        raise self._refuse("closed Stieltjes transform", "none is known here")

    def r_transform(self, w: ArrayLike) -> Array:
        """Return R(w) with G(R(w) + 1/w) = w, the branch with R(0) = mean (SPEC-8)."""
        raise self._refuse("closed R-transform", "none is known here")

    def free_cumulant(self, n: int) -> float:
        """Return the free cumulant of order `n` >= 1, by default from the moments (SPEC-8)."""
        check_order("n", n, 1)
        return float(free_cumulants_from_moments([self.moment(k) for k in range(1, n + 1)])[-1])

    # -- as the bulk of a perturbed matrix ---------------------------------------------------

    @property
    def upper_edge_transform(self) -> float:
        """G at the upper edge, from outside, the inverse of a threshold; inf where it diverges."""
        raise self._refuse("closed Stieltjes transform at its edge", "none is known here")

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return outlier and squared overlap of H + theta u u^T, u free of H, above threshold.

        The outlier is z = R(1/theta) + theta; the overlap is dz/dtheta (SPEC-11).
        """
        raise self._refuse("closed outlier", "none is known here")

    def continuous_measure(self) -> IntervalMeasure | None:
        """Return the continuous part for quadrature, None if there is none on an interval."""
        return None

    # -- as a recipe for d eigenvalues -------------------------------------------------------

    def spectrum_quantiles(self, d: int) -> Array:
        """Return Q((i - 1/2)/d), i = 1..d, in decreasing order (SPEC-12)."""
        levels = (2.0 * np.arange(d, 0, -1) - 1.0) / (2.0 * d)
        return self.quantile(levels)

    def spectrum_draws(self, uniforms: ArrayLike) -> Array:
        """Return i.i.d. eigenvalues Q(u), in decreasing order, from uniforms of (0, 1)."""
        return np.sort(self.quantile(uniforms))[::-1]


@dataclass(frozen=True)
class LawDomain:
    """Domain of a parameter that is itself a law, given as ``{law = name, ...}``.

    Parameters
    ----------
    bounded : bool, optional
        Demand a bounded support.
    positive : bool, optional
        Demand a law on [0, infinity) other than the point mass at 0.
    """

    bounded: bool = False
    positive: bool = False

    def check(self, argument: str, value: object) -> Law:
        """Return `value` as a `Law`."""
        if isinstance(value, Law):
            law = value
        else:
            if not isinstance(value, Mapping) or "law" not in value:
                raise bad_value(argument, value, self.describe())
            own = {key: item for key, item in value.items() if key != "law"}
            law = LAWS[value["law"]].from_dict(own, f"{argument}.")
        if self.bounded or self.positive:
            low, high = law.support
            if (self.bounded and not math.isfinite(high - low)) or (
                self.positive and (low < 0.0 or high == 0.0)
            ):
                raise bad_value(argument, law, self.describe())
        return law

    def describe(self) -> str:
        """Word the domain."""
        text = 'a table {law = "...", ...} with the parameters of that law'
        if self.bounded:
            text += ", of bounded support"
        return text + (" in [0, infinity), not a point mass at 0" if self.positive else "")

    def sample(self, rng: np.random.Generator) -> dict[str, object]:
        """Draw a semicircle or a uniform law, or Marchenko-Pastur where it has to be positive."""
        if self.positive:
            return {"law": "marchenko_pastur", "ratio": float(rng.uniform(0.2, 2.0))}
        if rng.random() < 0.5:
            return {"law": "semicircle", "std": float(rng.uniform(0.1, 2.0))}
        return {"law": "uniform", "half_width": float(rng.uniform(0.1, 2.0))}


LAWS = Registry[type[Law]]("spectral law", "qktheory.spectra.laws")


def check_order(argument: str, value: int, low: int = 0) -> int:
    """Return an order of a moment or cumulant, an integer >= `low`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise bad_value(argument, value, f"an integer >= {low}")
    return int(value)


def check_levels(u: ArrayLike) -> Array:
    """Return levels of a quantile function, all inside (0, 1)."""
    levels = np.asarray(u, dtype=np.float64)
    if not ((levels > 0.0) & (levels < 1.0)).all():
        raise bad_value("u", u, "levels in (0, 1)")
    return levels


def check_off_support(z: ArrayLike, low: float, high: float) -> NDArray[Any]:
    """Return arguments of a Stieltjes transform, none on the interval [low, high]."""
    points = np.asarray(z)
    points = points.astype(np.complex128 if points.dtype.kind == "c" else np.float64)
    on_axis = np.imag(points) == 0.0
    if (on_axis & (np.real(points) >= low) & (np.real(points) <= high)).any():
        raise bad_value("z", z, f"points outside the support [{low:.6g}, {high:.6g}]")
    return points


def free_cumulants_from_moments(moments: ArrayLike) -> Array:
    """Return the free cumulants of orders 1..n from the moments of orders 1..n.

    Parameters
    ----------
    moments : array_like of shape (n,)
        Raw moments m_1..m_n.

    Returns
    -------
    ndarray of shape (n,)
        kappa_1..kappa_n, solving m_n = sum_s kappa_s [t^(n-s)] M(t)^s with M the moment series
        (SPEC-8). Cancellation grows with n; orders up to about 20 are meaningful.

    Examples
    --------
    >>> free_cumulants_from_moments([0.0, 1.0, 0.0, 2.0])
    array([0., 1., 0., 0.])
    """
    given = np.asarray(moments, dtype=np.float64)
    n = given.size
    # Centring first keeps the cancellation of a large mean out of the higher orders.
    mean = float(given[0]) if n else 0.0
    raw = np.concatenate([[1.0], given])
    central = np.array(
        [
            math.fsum(math.comb(k, j) * raw[j] * (-mean) ** (k - j) for j in range(k + 1))
            for k in range(n + 1)
        ]
    )
    powers = [np.eye(1, n + 1)[0]]
    for _ in range(n):
        powers.append(np.convolve(powers[-1], central)[: n + 1])
    kappa = np.zeros(n + 1)
    for order in range(1, n + 1):
        lower = math.fsum(kappa[s] * powers[s][order - s] for s in range(1, order))
        kappa[order] = central[order] - lower
    kappa[1:2] += mean
    return kappa[1:]
