"""Weights of keys and their sums: accuracy against many digits, and the two ways to take them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qktheory.kernels import row_statistics, softmax_segments
from qktheory.kernels.policy import jit_enabled, wide_registers
from qktheory.kernels.weights import (
    CEILING,
    LOWEST_TERM,
    row_sums_in_groups,
    row_sums_in_loop,
    term,
    weight_sum_in_groups,
    weight_sum_in_loop,
)

pytestmark = pytest.mark.skipif(
    not jit_enabled, reason="parts of compiled kernels; without compilation NumPy twins run instead"
)

Float = NDArray[np.float64]
Sums = Callable[[Float, Any, Any, float], tuple[float, float, float, float]]

#: In registers of 512 bits where the CPU has them; the loop is there on every CPU.
WAYS: list[Sums] = [row_sums_in_loop]
PLAIN_WAYS: list[Callable[..., float]] = [weight_sum_in_loop]
if wide_registers:
    WAYS.append(row_sums_in_groups)
    PLAIN_WAYS.append(weight_sum_in_groups)


def sums(way: Sums, row: Float, shift: float = 0.0) -> tuple[float, float, float, float]:
    return way(row, np.uint64(0), np.uint64(row.size), shift)


@pytest.mark.parametrize("way", WAYS)
def test_a_weight_is_the_exponential(way: Sums) -> None:
    """Within 3 ulp plus |z| 2^-54 of itself; the sum of eight equal weights is exact."""
    rng = np.random.default_rng(0)
    points = np.concatenate(
        [
            rng.uniform(LOWEST_TERM, CEILING, 2000),
            rng.uniform(-2.0, 2.0, 2000),
            np.log(2.0) / 32 * np.arange(-40, 41),  # where the nearest power of 2^(1/16) changes
            [LOWEST_TERM, CEILING, 0.0, -0.0],
        ]
    )
    for z in points:
        largest, total, _, product = sums(way, np.full(8, z))
        exact = mpmath.exp(mpmath.mpf(float(z)))
        bound = 3 * 2.0**-52 + abs(z) * 2.0**-54
        assert abs(total / 8 / exact - 1) < bound, z
        assert abs(largest / exact - 1) < bound, z
        assert product == pytest.approx(total * z, rel=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_a_weight_of_the_shift_is_one(way: Sums) -> None:
    for size in range(1, 70):
        *found, product = sums(way, np.full(size, -3.25), -3.25)
        assert found == [1.0, size, size]
        assert abs(product) < 1e-300  # as little as masked keys add


@given(
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 3.0, 300.0]),
    st.booleans(),
)
def test_both_ways_and_the_definition_agree(
    size: int, seed: int, scale: float, masked: bool
) -> None:
    rng = np.random.default_rng(seed)
    row = scale * rng.standard_normal(size)
    row -= row.max() - 2.0
    if masked:
        row[rng.random(size) < 0.5] = -np.inf
    z = np.maximum(row - 1.0, LOWEST_TERM)
    e = np.exp(z)
    for way in WAYS:
        largest, total, squares, product = sums(way, row, 1.0)
        assert largest == pytest.approx(e.max(), rel=1e-13)
        assert total == pytest.approx(e.sum(), rel=1e-13)
        assert squares == pytest.approx((e * e).sum(), rel=1e-13)
        assert product == pytest.approx((e * z).sum(), abs=1e-13 * np.abs(e * z).sum())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 23, 64])
def test_what_is_not_a_number_makes_the_sums_so(way: Sums, size: int) -> None:
    for place in range(size):
        row = np.zeros(size)
        row[place] = np.nan
        assert np.isnan(sums(way, row)[1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 8, 11, 64])
def test_above_the_ceiling_the_largest_weight_is_that_of_the_ceiling(way: Sums, size: int) -> None:
    """Callers see it and take the shift anew; the sums may be rubbish."""
    for place in range(size):
        for height in (16.5, 700.0, 1e4, np.inf):
            row = np.zeros(size)
            row[place] = height
            assert sums(way, row)[0] == term(CEILING)


@pytest.mark.parametrize("way", WAYS)
def test_neighbours_of_a_row_do_not_count(way: Sums) -> None:
    flat = np.full(64, 12.0)
    flat[20:31] = np.linspace(-1.0, 1.0, 11)
    inside = way(flat, np.uint64(20), np.uint64(11), 0.0)
    assert inside == sums(way, flat[20:31].copy())


@pytest.mark.parametrize("way", PLAIN_WAYS)
def test_masked_keys_add_nothing_to_a_plain_sum(way: Callable[..., float]) -> None:
    rng = np.random.default_rng(3)
    for size in range(1, 40):
        row = -20.0 * rng.random(size)
        row[rng.random(size) < 0.4] = -np.inf
        exact = mpmath.fsum(mpmath.exp(mpmath.mpf(float(w))) for w in row)
        found = way(row, np.uint64(0), np.uint64(size), 0.0)
        assert found == pytest.approx(float(exact), rel=1e-14, abs=0.0)
        assert way(np.full(size, -np.inf), np.uint64(0), np.uint64(size), 0.0) == 0.0
        row[size // 2] = np.nan
        assert np.isnan(way(row, np.uint64(0), np.uint64(size), 0.0))


_ELSEWHERE = """
import json
import numpy as np
from qktheory.kernels import row_statistics, softmax_segments
from qktheory.kernels.policy import wide_registers
rows = np.random.default_rng(5).standard_normal((3, 37))
found = [row_statistics(rows).tolist(), softmax_segments(rows, [0, 9, 37]).tolist()]
print(json.dumps([wide_registers, *found]))
"""


@pytest.mark.slow
def test_code_for_any_cpu_has_no_instruction_of_this_one(tmp_path: Path) -> None:
    """``NUMBA_CPU_NAME=generic``, as for a cluster of many kinds, compiles and agrees."""
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE],
        env={**os.environ, "NUMBA_CPU_NAME": "generic", "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    wide, statistics, segments = json.loads(done.stdout)
    rows = np.random.default_rng(5).standard_normal((3, 37))
    assert wide is False
    np.testing.assert_allclose(statistics, row_statistics(rows), rtol=1e-13)
    np.testing.assert_allclose(segments, softmax_segments(rows, [0, 9, 37]), rtol=1e-13)
