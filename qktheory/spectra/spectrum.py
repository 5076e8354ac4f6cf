"""The [spectrum] table of a specification: a law, and how its eigenvalues are fixed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Integer, Real
from qktheory.base.errors import bad_value, unknown_name
from qktheory.spectra.law import LAWS, Law
from qktheory.spectra.substreams import substream
from qktheory.spectra.targets import affine_to_targets, is_constant, standardised

if TYPE_CHECKING:
    from qktheory.kernels.streams import Stream

__all__ = ["SpectrumSpecification"]

Array = NDArray[np.float64]

_PAIRS = (("mean", "variance"), ("xi", "eta"))
_TARGETS = ("mean", "variance", "xi", "eta")
_TARGET_DOMAINS = {"mean": Real(), "variance": Real(0.0), "xi": Real(), "eta": Real()}
_DRAW = Choice(("quantiles", "random"))
# A random two-point draw of few eigenvalues may come out constant; so many redraws in a row mean
# that the law itself is.
_REDRAWS = 64
# Targets computed by the user, say eta = d (xi/d)^2, carry rounding of their own.
_SLACK = 8.0 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class SpectrumSpecification:
    """Eigenvalues of W by law, exactly one of: own parameters, (mean, variance), (xi, eta).

    With targets the law contributes its shape only: location and scale follow from the targets,
    which the d eigenvalues of W itself meet exactly (SPEC-7), for both ways of drawing, by an
    affine map with a scale >= 0. Which parameters may accompany targets is each law's
    ``shape_parameters``: `p` of two_point (1/2 by default), `exponent` of power_law, `bulk` and
    `spikes` of spiked, `eigenvalues` of list; none of point, uniform and semicircle.

    Parameters
    ----------
    law : Law
        Own-parameter mode: the law; with targets: its shape (reduced to the standard one).
    mean, variance : float, optional
        Population mean and variance of the d eigenvalues of W.
    xi, eta : float, optional
        tr W and tr W^2, before token covariance and temperature.
    draw : {"quantiles", "random"}
        Deterministic Q((i - 1/2)/d) (SPEC-12), or independent draws. A random draw that comes
        out constant, where targets ask for a positive variance, is replaced by the next one: the
        law is then conditioned on not being constant.

    Raises
    ------
    ValueError
        For targets of both kinds, or an incomplete pair.

    Examples
    --------
    >>> table = {"law": "uniform", "xi": 1.0, "eta": 4.0}
    >>> spectrum = SpectrumSpecification.from_dict(table)
    >>> spectrum.eigenvalues(6).round(8)
    array([ 1.33672975,  0.86870452,  0.40067928, -0.06734595, -0.53537118, -1.00339642])
    >>> spectrum.to_dict()
    {'law': 'uniform', 'xi': 1.0, 'eta': 4.0, 'draw': 'quantiles'}
    """

    law: Law
    mean: float | None = None
    variance: float | None = None
    xi: float | None = None
    eta: float | None = None
    draw: str = "quantiles"

    def __post_init__(self) -> None:
        """Check the combination and reduce the law to its shape where targets are given."""
        given = self.targets
        if given and given not in _PAIRS:
            raise ValueError(
                f"spectrum has the targets {', '.join(given)}: expected exactly one of the law's "
                "own parameters, (mean, variance) or (xi, eta)"
            )
        for name in given:
            value = _TARGET_DOMAINS[name].check(f"spectrum.{name}", getattr(self, name))
            object.__setattr__(self, name, value)
        _DRAW.check("spectrum.draw", self.draw)
        if given:
            shape = {name: getattr(self.law, name) for name in self.law.shape_parameters}
            object.__setattr__(self, "law", type(self.law).standard(shape))

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets: (), ("mean", "variance") or ("xi", "eta")."""
        return tuple(name for name in _TARGETS if getattr(self, name) is not None)

    @classmethod
    def from_dict(
        cls, table: Mapping[str, object], path: str = "spectrum"
    ) -> SpectrumSpecification:
        """Read a [spectrum] table.

        Parameters
        ----------
        table : mapping
            ``law``, ``draw`` (default "quantiles"), and the law's parameters or targets. The
            name `mean` is the target if `variance` is there too, else the law's own parameter.
        path : str, optional
            Name of the table, for messages.

        Raises
        ------
        ValueError
            For unknown names (with the nearest known one), mixed or incomplete targets, and
            values outside their domain.
        """
        if "law" not in table:
            raise ValueError(f"{path}.law is missing: expected one of {', '.join(sorted(LAWS))}")
        law_type = LAWS[table["law"]]  # type: ignore[index]
        own = {parameter.name for parameter in law_type.parameters}
        given = {key: value for key, value in table.items() if key not in ("law", "draw")}
        for key in given:
            if key not in own and key not in _TARGETS:
                known = [*own, *_TARGETS, "law", "draw"]
                raise unknown_name(f"parameter of [{path}] law {law_type.name!r}", key, known)
        names = [name for name in _TARGETS if name in given]
        if names == ["mean"] and "mean" in own:
            names = []
        if len(names) > 1 and tuple(names) not in _PAIRS:
            raise ValueError(
                f"[{path}] has {', '.join(names)}: expected exactly one of the law's own "
                "parameters, (mean, variance) or (xi, eta)"
            )
        if len(names) == 1:
            partner = {"mean": "variance", "variance": "mean", "xi": "eta", "eta": "xi"}[names[0]]
            raise ValueError(f"{path}.{partner} is missing: {names[0]} needs it as a target")
        rest = {key: value for key, value in given.items() if key not in names}
        if names:
            law: Law = law_type.standard(rest, f"{path}.")
        elif not rest and any(parameter.required for parameter in law_type.parameters):
            required = [parameter.name for parameter in law_type.parameters if parameter.required]
            raise ValueError(
                f"[{path}] law {law_type.name!r} is not fixed: give its own parameters "
                f"({', '.join(required)}), or targets (mean, variance) or (xi, eta)"
            )
        else:
            law = law_type.from_dict(rest, f"{path}.")
        goals: dict[str, Any] = {
            name: _TARGET_DOMAINS[name].check(f"{path}.{name}", given[name]) for name in names
        }
        draw = _DRAW.check(f"{path}.draw", table.get("draw", "quantiles"))
        return cls(law, draw=draw, **goals)

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        names = self.targets
        parameters = self.law.to_dict(self.law.shape_parameters if names else None)
        goals = {name: getattr(self, name) for name in names}
        return {"law": self.law.name, **parameters, **goals, "draw": self.draw}

    def eigenvalues(
        self,
        d: int,
        stream: Stream | None = None,
        sample: int = 0,
        beside: Sequence[complex] = (),
    ) -> Array:
        """Return the real eigenvalues that the law prescribes.

        Parameters
        ----------
        d : int
            Size of W.
        stream : Stream, optional
            Source of random draws; needed for ``draw = "random"`` only.
        sample : int, optional
            Which sample of the stream.
        beside : sequence of complex, optional
            Eigenvalues of W that the matrix model fixes itself (conjugate pairs, zeros). Targets
            count them: they are traces, or mean and variance, of all d eigenvalues.

        Returns
        -------
        ndarray of shape (d - len(beside),)
            In decreasing order: index 0 is the largest.

        Raises
        ------
        ValueError
            For targets that no real spectrum meets, with the smallest feasible value (SPEC-7),
            and for a law with one eigenvalue only where a positive variance is asked for.
        """
        d = Integer(1).check("d", d)
        if self.draw == "quantiles":
            return _deterministic(self, d, tuple(beside)).copy()
        return self._eigenvalues(d, stream, sample, beside)

    def _eigenvalues(
        self, d: int, stream: Stream | None, sample: int, beside: Sequence[complex]
    ) -> Array:
        count = d - len(beside)
        if count < 0:
            raise bad_value("d", d, f"an integer >= {len(beside)}, the eigenvalues fixed already")
        goal = self.check(d, beside)
        if goal is None:
            return self._shape(count, stream, sample, vary=False)
        if count == 0:
            return np.empty(0)
        mean, variance = goal
        if variance == 0.0:
            return np.full(count, mean)
        if self.draw == "quantiles":
            known = _deviations(self.law, count)
            if known is not None:
                return mean + math.sqrt(variance) / known[1] * known[0]
        shape = self._shape(count, stream, sample, vary=True)
        if is_constant(shape):
            raise self._no_spread(count, mean, beside, d)
        return affine_to_targets(shape, mean, variance)

    def check(self, d: int, beside: Sequence[complex] = ()) -> tuple[float, float] | None:
        """Return mean and variance that the prescribed eigenvalues must have, None if free.

        Raises the `ValueError` of `eigenvalues` for infeasible targets, without drawing. With
        eigenvalues `beside` that are complex, "variance" is tr W^2/d - (tr W/d)^2.
        """
        if not self.targets:
            return None
        count = d - len(beside)
        trace = math.fsum(complex(value).real for value in beside)
        square = math.fsum((complex(value) ** 2).real for value in beside)
        if self.mean is not None and self.variance is not None:
            if not beside:
                return self.mean, self.variance
            xi, eta = d * self.mean, d * (self.variance + self.mean * self.mean)
        else:
            assert self.xi is not None
            assert self.eta is not None
            xi, eta = self.xi, self.eta
        left = xi - trace
        if count == 0:
            scale = 1.0 + math.fsum(abs(value) ** 2 for value in beside)
            if abs(left) > 1e-12 * scale or abs(eta - square) > 1e-12 * scale:
                raise ValueError(
                    f"spectrum targets tr W = {xi!r}, tr W^2 = {eta!r}: expected "
                    f"{trace!r} and {square!r}, since all {d} eigenvalues are fixed"
                )
            return 0.0, 0.0
        smallest = left * left / count + square
        if not math.isfinite(smallest + eta):
            raise ValueError(
                f"spectrum targets tr W = {xi!r}, tr W^2 = {eta!r}: their squares leave the range "
                "of floating-point numbers"
            )
        excess = eta - smallest
        size = max(abs(eta), left * left / count, math.fsum(abs(value) ** 2 for value in beside))
        if excess < -_SLACK * size:
            raise self._infeasible(d, count, smallest, xi)
        variance = excess / count if excess > _SLACK * size else 0.0
        return left / count, variance

    def _infeasible(self, d: int, count: int, smallest: float, xi: float) -> ValueError:
        if count == d:
            reason = "a real spectrum has tr W^2 >= (tr W)^2/d, with equality for one eigenvalue"
        else:
            reason = f"{d - count} of the {d} eigenvalues are fixed by the matrix model"
        if self.eta is not None:
            return ValueError(
                f"spectrum.eta = {self.eta!r} is infeasible with xi = {self.xi!r} and d = {d}: "
                f"expected eta >= {smallest!r} ({reason})"
            )
        least = smallest / d - (xi / d) ** 2
        return ValueError(
            f"spectrum.variance = {self.variance!r} is infeasible with mean = {self.mean!r} and "
            f"d = {d}: expected variance >= {least!r} ({reason})"
        )

    def _no_spread(self, count: int, mean: float, beside: Sequence[complex], d: int) -> ValueError:
        cause = "one eigenvalue" if count == 1 else f"law {self.law.name!r}"
        only = count * mean * mean + math.fsum((complex(value) ** 2).real for value in beside)
        if self.eta is not None:
            return ValueError(
                f"spectrum.eta = {self.eta!r} is infeasible with xi = {self.xi!r} and d = {d}: "
                f"{cause} has no spread, expected eta = {only!r}"
            )
        total = count * mean + math.fsum(complex(value).real for value in beside)
        least = only / d - (total / d) * (total / d)
        return ValueError(
            f"spectrum.variance = {self.variance!r} is infeasible: {cause} has no spread, "
            f"expected variance = {least!r}"
        )

    def _shape(self, count: int, stream: Stream | None, sample: int, vary: bool) -> Array:
        """Return the eigenvalues of the law before targets; `vary` asks for two different ones."""
        if count == 0:
            return np.empty(0)
        if self.draw == "quantiles":
            return _quantiles(self.law, count).copy()
        if stream is None:
            raise ValueError('spectrum.draw = "random" needs a stream of random numbers')
        shape = np.empty(0)
        for attempt in range(_REDRAWS if vary and count > 1 else 1):
            part = substream(stream, f"spectrum/{attempt}" if attempt else "spectrum")
            shape = self.law.spectrum_draws(part.uniforms(sample, 1, count)[0])
            if not (vary and is_constant(shape)):
                break
        return shape


@lru_cache(maxsize=16)
def _deterministic(spectrum: SpectrumSpecification, d: int, beside: tuple[complex, ...]) -> Array:
    """Keep spectra that no random number enters: they are checked, then used."""
    return spectrum._eigenvalues(d, None, 0, beside)


@lru_cache(maxsize=64)
def _quantiles(law: Law, count: int) -> Array:
    """Keep deterministic spectra: an ensemble of matrices asks for the same one again and again."""
    return law.spectrum_quantiles(count)


@lru_cache(maxsize=64)
def _deviations(law: Law, count: int) -> tuple[Array, float] | None:
    """Keep what targets scale: the cells of a sweep differ in nothing else. None if constant."""
    shape = _quantiles(law, count)
    return None if is_constant(shape) else standardised(shape)
