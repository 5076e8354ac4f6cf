"""Outliers of SPEC-11 against random matrices, with wrong twins that fail."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from qktheory.spectra.laws.semicircle import Semicircle
from qktheory.spectra.spikes import (
    additive_spike,
    covariance_spike,
    ginibre_outlier,
    rectangular_spike,
)

#: Draws of each matrix. Means are compared within 6 standard errors (false alarms below 1e-8 for
#: normal means) plus 2/size, for corrections that fall like 1/size.
DRAWS = 16


@pytest.fixture(autouse=True)
def one_blas_thread() -> Iterator[None]:
    """Matrices of this size gain nothing from threads and wait for them where others run."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def agrees(samples: list[float], expected: float, size: int) -> bool:
    mean, error = float(np.mean(samples)), float(np.std(samples, ddof=1)) / math.sqrt(len(samples))
    return abs(mean - expected) < 6.0 * error + 2.0 / size


def test_additive_spikes_of_gaussian_symmetric_matrices() -> None:
    rng, d, theta = np.random.default_rng(1), 100, 1.7
    tops, overlaps = [], []
    for _ in range(DRAWS):
        g = rng.normal(size=(d, d)) / math.sqrt(2.0 * d)
        h = g + g.T
        h[0, 0] += theta
        values, vectors = np.linalg.eigh(h)
        tops.append(float(values[-1]))
        overlaps.append(float(vectors[0, -1] ** 2))
    found = additive_spike(Semicircle(1.0), theta)
    assert agrees(tops, found.position, d)
    assert agrees(overlaps, found.overlap, d)
    assert not agrees(tops, theta, d)  # the pitfall: a prescribed eigenvalue is not shifted
    assert not agrees(tops, 1.1 * found.position, d)
    assert not agrees(overlaps, 1.0 - 1.0 / theta, d)  # exponent 1 in place of 2


def test_covariance_spikes() -> None:
    rng, p, n = np.random.default_rng(2), 80, 200
    tops, overlaps = [], []
    for _ in range(DRAWS):
        x = rng.normal(size=(p, n))
        x[0] *= math.sqrt(2.5)
        values, vectors = np.linalg.eigh(x @ x.T / n)
        tops.append(float(values[-1]))
        overlaps.append(float(vectors[0, -1] ** 2))
    found = covariance_spike(2.5, p / n)
    assert agrees(tops, found.position, p)
    assert agrees(overlaps, found.overlap, p)
    assert not agrees(tops, 2.5, p)


def test_rectangular_spikes() -> None:
    rng, m, n, theta = np.random.default_rng(3), 80, 160, 1.3
    tops, left, right = [], [], []
    for _ in range(DRAWS):
        x = rng.normal(size=(m, n)) / math.sqrt(n)
        x[0, 0] += theta
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        tops.append(float(s[0]))
        left.append(float(u[0, 0] ** 2))
        right.append(float(vt[0, 0] ** 2))
    found = rectangular_spike(theta, m / n)
    assert agrees(tops, found.singular_value, m)
    assert agrees(left, found.overlap_left, m)
    assert agrees(right, found.overlap_right, m)
    assert not agrees(tops, 1.1 * found.singular_value, m)


def test_ginibre_outliers_are_where_the_alignment_puts_them() -> None:
    rng, d = np.random.default_rng(4), 100
    tops = []
    for _ in range(DRAWS):
        g = rng.normal(size=(d, d)) / math.sqrt(d)
        g[0, 0] += 3.0 * 0.6
        g[0, 1] += 3.0 * 0.8
        tops.append(float(np.linalg.eigvals(g).real.max()))
    expected = ginibre_outlier(3.0, 0.6)
    assert expected is not None
    assert agrees(tops, expected, d)
    assert not agrees(tops, 3.0, d)


@pytest.mark.parametrize("scale", [1.0 - 1e-9, 1.0 + 1e-9])
def test_positions_and_overlaps_are_continuous_at_the_threshold(scale: float) -> None:
    for found, edge in (
        (covariance_spike(scale * (1.0 + math.sqrt(0.3)), 0.3), (1.0 + math.sqrt(0.3)) ** 2),
        (additive_spike(Semicircle(2.0), 2.0 * scale), 4.0),
    ):
        assert found.detected == (scale > 1.0)
        assert math.isclose(found.position, edge, rel_tol=1e-12)
        assert abs(found.overlap) < 1e-7
    rectangular = rectangular_spike(scale * 0.3**0.25, 0.3)
    assert math.isclose(rectangular.singular_value, 1.0 + math.sqrt(0.3), rel_tol=1e-12)
    assert rectangular_spike(1e200, 0.5).overlap_left == 1.0
