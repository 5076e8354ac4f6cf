"""Attention profiles in bins of the position: few bins have narrow intervals, T keys have not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.observables.draws import Rows
from qktheory.observables.observable import RowObservable
from qktheory.simulation.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

__all__ = ["BinnedProfile", "PositionBins", "draw_binned"]

FloatArray = NDArray[np.float64]

_COUNT = Integer(low=1)


class BinnedProfile(NamedTuple):
    """Weight relative to uniform, T E[A_i] averaged over the keys of each bin.

    Attributes
    ----------
    mean, low, high : ndarray
        By bin: estimate and the ends of its interval.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray


def _share(rows: Rows, first: int, last: int) -> FloatArray:
    return np.asarray(rows.shares[:, first:last].sum(axis=1))


@dataclass(frozen=True)
class PositionBins:
    """Bins of neighbouring keys.

    Parameters
    ----------
    ends : tuple of int
        0 = ends[0] < ends[1] < ... < ends[-1] = T; bin k holds the keys ends[k]+1 .. ends[k+1].

    Raises
    ------
    ValueError
        If the ends do not grow from 0.

    Examples
    --------
    >>> bins = PositionBins((0, 2, 6, 8))
    >>> bins.theta
    array([0.  , 0.25, 0.75, 1.  ])
    >>> [observable.name for observable in bins.observables]
    ['share of keys 1 to 2', 'share of keys 3 to 6', 'share of keys 7 to 8']
    """

    ends: tuple[int, ...]

    def __post_init__(self) -> None:
        grows = len(self.ends) > 1 and bool((np.diff(self.ends) > 0).all())
        if not grows or self.ends[0] != 0:
            raise bad_value("ends", self.ends, "integers that grow from 0 to T")

    @classmethod
    def crowded(cls, T: int, count: int) -> PositionBins:
        """Return about `count` bins of T keys, narrow at both ends of the sequence.

        The ends are sin^2 of equal steps, rounded to keys: profiles of the softmax have
        square-root edges there.

        Raises
        ------
        ValueError
            If T or the count is below 1.

        Examples
        --------
        >>> PositionBins.crowded(32, 6).ends
        (0, 2, 8, 16, 24, 30, 32)
        """
        angles = np.linspace(0.0, 0.5 * np.pi, _COUNT.check("count", count) + 1)
        ends = np.rint(_COUNT.check("T", T) * np.sin(angles) ** 2).astype(int)
        return cls(tuple(np.unique(ends).tolist()))

    @property
    def theta(self) -> FloatArray:
        """Ends of the bins as relative positions, key i covering ((i - 1)/T, i/T]."""
        return np.asarray(self.ends, dtype=np.float64) / self.ends[-1]

    @property
    def centres(self) -> FloatArray:
        """Middles of the bins."""
        return np.asarray(0.5 * (self.theta[1:] + self.theta[:-1]))

    @property
    def observables(self) -> tuple[RowObservable, ...]:
        """Share of the attention weight in each bin."""
        return tuple(
            RowObservable(
                name=f"share of keys {first + 1} to {last}",
                title=f"share of the weight on keys {first + 1} to {last}",
                definition=rf"\sum_{{i={first + 1}}}^{{{last}}} A_i",
                bounds=lambda T: (0.0, 1.0),
                compute=partial(_share, first=first, last=last),
            )
            for first, last in zip(self.ends[:-1], self.ends[1:], strict=True)
        )

    def profile(self, estimates: Mapping[str, Estimate]) -> BinnedProfile:
        """Return the profile from estimates of `observables`, by name.

        Raises
        ------
        ValueError
            If a bin has not been measured.
        """
        found = []
        for observable in self.observables:
            if observable.name not in estimates:
                raise bad_value("estimates", sorted(estimates), f"one of {observable.name!r}")
            found.append(estimates[observable.name])
        width = np.diff(self.theta)
        mean, low, high = (
            np.array([float(getattr(one, name)[0]) for one in found]) / width
            for name in ("mean", "low", "high")
        )
        return BinnedProfile(mean, low, high)


def draw_binned(
    bins: PositionBins,
    profile: BinnedProfile,
    ax: Axes,
    colour: str,
    shown: NDArray[np.bool_] | None = None,
) -> ErrorbarContainer:
    """Draw a profile: one point a bin, a horizontal bar over its keys, a vertical interval.

    Parameters
    ----------
    bins : PositionBins
        The bins.
    profile : BinnedProfile
        What to draw.
    ax : matplotlib.axes.Axes
        Where.
    colour : str
        Colour of points and bars.
    shown : ndarray of bool, optional
        Which bins to draw, all by default.
    """
    chosen = np.ones(profile.mean.size, dtype=bool) if shown is None else shown
    reach = np.stack([profile.mean - profile.low, profile.high - profile.mean])
    return ax.errorbar(
        bins.centres[chosen],
        profile.mean[chosen],
        xerr=0.5 * np.diff(bins.theta)[chosen],
        # Rounding may put an end of an interval of no width past its mean.
        yerr=reach.clip(min=0.0)[:, chosen],
        fmt="o",
        color=colour,
        markersize=2.5,
        linewidth=0.9,
        zorder=3,
    )
