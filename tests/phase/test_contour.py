"""Level lines of data: their band holds the true line at the stated rate."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtri

from qktheory.phase.contour import contour_with_uncertainty, level_segments

X, Y = np.linspace(-1.0, 1.0, 41), np.linspace(0.0, 2.0, 31)
TRUE = np.add.outer(Y**2, 1.5 * X)
LEVEL = 0.97


def dataset(mean: np.ndarray, half: float) -> xr.Dataset:
    dims = ("b", "a")
    parts = {"mean": mean, "ci_low": mean - half, "ci_high": mean + half}
    variables = {f"entropy_{name}": (dims, values) for name, values in parts.items()}
    return xr.Dataset(variables, coords={"a": X, "b": Y})


@cache
def true_crossings() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Edges of the grid along which the true values cross the level."""
    side = TRUE > LEVEL
    found = []
    for i, j in np.ndindex(*TRUE.shape):
        for k, m in ((i + 1, j), (i, j + 1)):
            if k < TRUE.shape[0] and m < TRUE.shape[1] and side[i, j] != side[k, m]:
                found.append(((i, j), (k, m)))
    return found


def covered(band: np.ndarray) -> bool:
    return all(band[first] or band[second] for first, second in true_crossings())


def misses(level: float, noise: float = 0.02, runs: int = 300) -> int:
    """Runs whose band misses a true crossing, for intervals simultaneous at 0.1."""
    rng = np.random.default_rng(5)
    half = noise * float(ndtri(1.0 - 0.1 / (2 * TRUE.size)))
    count = 0
    for _ in range(runs):
        mean = TRUE + noise * rng.normal(size=TRUE.shape)
        line = contour_with_uncertainty(dataset(mean, half), "entropy", level, "a", "b")
        count += not covered(line.band.values)
    return count


def test_the_band_holds_the_true_line() -> None:
    """In all but 0.1 of the runs, 30 of 300; more than 52 have probability 3e-5 at most."""
    assert misses(LEVEL) <= 52


def test_the_band_of_another_level_is_seen_to_miss() -> None:
    """The twin: a level 10 % off."""
    assert misses(1.1 * LEVEL) > 52


def test_the_line_is_where_the_means_cross() -> None:
    (line,) = contour_with_uncertainty(dataset(TRUE, 1e-9), "entropy", LEVEL, "a", "b").lines
    a, b = line.T
    # Bilinear interpolation of b^2 is off by (step/2)^2 at most.
    assert np.abs(b**2 + 1.5 * a - LEVEL).max() <= (Y[1] / 2.0) ** 2 + 1e-12


def test_the_band_is_narrow_where_the_data_are_sharp() -> None:
    band = contour_with_uncertainty(dataset(TRUE, 1e-9), "entropy", LEVEL, "a", "b").band
    ends = {end for edge in true_crossings() for end in edge}
    assert {tuple(map(int, place)) for place in np.argwhere(band.values)} == ends


def test_missing_cells_interrupt_line_and_band() -> None:
    mean = TRUE.copy()
    mean[:, 20:] = np.nan
    line = contour_with_uncertainty(dataset(mean, 0.05), "entropy", LEVEL, "a", "b")
    assert max(piece[:, 0].max() for piece in line.lines) <= X[19]
    assert not line.band.values[:, 20:].any()


def test_axes_may_be_exchanged() -> None:
    one = contour_with_uncertainty(dataset(TRUE, 0.1), "entropy", LEVEL, "a", "b")
    two = contour_with_uncertainty(dataset(TRUE, 0.1), "entropy", LEVEL, "b", "a")
    assert (one.band.values == two.band.values.T).all()
    assert level_segments(X, Y, TRUE, 99.0) == []


def test_bad_input() -> None:
    data = dataset(TRUE, 0.1)
    with pytest.raises(ValueError, match="unknown observable of the dataset 'entrpy'"):
        contour_with_uncertainty(data, "entrpy", 1.0, "a", "b")
    with pytest.raises(ValueError, match="expected the dimensions of the dataset"):
        contour_with_uncertainty(data, "entropy", 1.0, "a", "T")
