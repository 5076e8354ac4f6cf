"""Largest errors of the elementary functions over their whole domain, against 40 digits."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from qktheory.kernels import (
    erf_array,
    erfc_array,
    exp_array,
    jit_enabled,
    log_array,
    sincos_array,
    sincos_turns_array,
)
from qktheory.kernels.elementary import exp_nonpositive, log1p
from qktheory.kernels.policy import elementary

Float = NDArray[np.float64]
Function = Callable[[Float], Float]

RNG = np.random.default_rng(20240601)
TINY = 2.0**-1074


def spread(low: float, high: float, n: int, *, signed: bool = True) -> Float:
    """Draw points whose binary exponents are uniform between two powers of two."""
    size = 2.0 ** RNG.uniform(low, high, n)
    return size * RNG.choice([-1.0, 1.0], n) if signed else size


def near(points: Float, n: int) -> Float:
    """Draw points a few ulp to either side of the given ones."""
    return RNG.choice(points, n) * (1.0 + RNG.integers(-4, 5, n) * 2.0**-52)


def worst_ulp(function: Function, exact: Callable[[mpmath.mpf], mpmath.mpf], x: Float) -> float:
    """Return the largest error in units in the last place of the exact value."""
    worst = 0.0
    with mpmath.workdps(40):
        for value, point in zip(function(x), x, strict=True):
            truth = exact(mpmath.mpf(float(point)))
            nearest = float(truth)
            if not np.isfinite(nearest):
                assert value == nearest
                continue
            unit = max(float(np.spacing(abs(nearest))), TINY)
            worst = max(worst, float(abs(mpmath.mpf(float(value)) - truth) / unit))
    return worst


LN2 = np.log(2.0)
EXP_POINTS = np.concatenate(
    [
        spread(-60, 9.48, 3000),
        RNG.uniform(-745.2, -708.0, 1000),  # subnormal results
        (np.arange(-1074, 1024, 3) + 0.5) * LN2,  # ends of the reduced interval
    ]
)
LOG_POINTS = np.concatenate(
    [
        spread(-1074, 1023.9, 3000, signed=False),
        1.0 + spread(-52, -2, 1500),
        near(np.sqrt([0.5, 2.0, 8.0]), 300),
    ]
)
ANGLES = np.concatenate(
    [
        spread(-1070, 20, 2000),
        near(np.arange(1, 4000) * (np.pi / 4), 1500),
        RNG.integers(1, 667_000, 1500) * (np.pi / 2),  # cancellation in the reduction
    ]
)
TURNS = np.concatenate(
    [
        RNG.random(2000),
        spread(-60, 0, 1000),
        spread(-60, -2, 1000) + RNG.integers(0, 5, 1000) / 4,
        spread(0, 39, 500),
    ]
)
ERF_POINTS = np.concatenate([spread(-1022, 3, 500), RNG.uniform(-6.5, 6.5, 1500), near([1.0], 50)])
ERFC_POINTS = np.concatenate(
    [spread(-60, 3, 500), RNG.uniform(-6.0, 27.3, 1500), near([0.5, 26.6], 50)]
)

CASES: list[tuple[str, Function, Callable[[mpmath.mpf], mpmath.mpf], Float, float]] = [
    ("exp", exp_array, mpmath.exp, EXP_POINTS, 1.0),
    ("log", log_array, mpmath.log, LOG_POINTS, 2.0),
    ("sin", lambda x: sincos_array(x)[0], mpmath.sin, ANGLES, 2.0),
    ("cos", lambda x: sincos_array(x)[1], mpmath.cos, ANGLES, 2.0),
    ("sin turns", lambda u: sincos_turns_array(u)[0], lambda u: mpmath.sinpi(2 * u), TURNS, 2.0),
    ("cos turns", lambda u: sincos_turns_array(u)[1], lambda u: mpmath.cospi(2 * u), TURNS, 2.0),
    ("erf", erf_array, mpmath.erf, ERF_POINTS, 4.0),
    ("erfc", erfc_array, mpmath.erfc, ERFC_POINTS, 6.0),
]


@pytest.mark.skipif(not jit_enabled, reason="the C library is not ours to promise")
@pytest.mark.parametrize(
    ("function", "exact", "x", "limit"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_largest_error(
    function: Function,
    exact: Callable[[mpmath.mpf], mpmath.mpf],
    x: Float,
    limit: float,
) -> None:
    assert worst_ulp(function, exact, x) <= limit


def test_the_measure_sees_one_wrong_bit() -> None:
    off = worst_ulp(lambda x: exp_array(x) * (1 + 2.0**-51), mpmath.exp, EXP_POINTS[:500])
    assert off > 2.0


@pytest.mark.skipif(not jit_enabled, reason="compiled functions only")
def test_functions_for_sums() -> None:
    @elementary
    def flushed(x: Float, out: Float) -> None:
        for i in range(x.size):
            out[i] = exp_nonpositive(x[i])

    @elementary
    def log_one_plus(x: Float, out: Float) -> None:
        for i in range(x.size):
            out[i] = log1p(x[i])

    def of(kernel: Callable[[Float, Float], None]) -> Function:
        def function(x: Float) -> Float:
            out = np.empty_like(x)
            kernel(x, out)
            return out

        return function

    negative = -np.concatenate([spread(-60, 9.46, 2000, signed=False), [0.0]])
    assert worst_ulp(of(flushed), mpmath.exp, negative[negative > -708.0]) <= 1.0
    np.testing.assert_array_equal(of(flushed)(np.array([-708.8, -1e5, -np.inf])), 0.0)
    positive = np.concatenate([spread(-1022, 1023, 2000, signed=False), near([1.0, 1e16], 50)])
    assert worst_ulp(of(log_one_plus), mpmath.log1p, positive) <= 2.0
    assert of(log_one_plus)(np.array([0.0, 1e-320])).tolist() == [0.0, 1e-320]


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, TINY, -TINY, 1e308, -1e308])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (exp_array, [1, 1, np.inf, 0.0, np.nan, 1, 1, np.inf, 0.0]),
        (
            log_array,
            [-np.inf, -np.inf, np.inf, np.nan, np.nan, np.log(TINY), np.nan, np.log(1e308), np.nan],
        ),
        (erf_array, [0.0, -0.0, 1, -1, np.nan, TINY, -TINY, 1, -1]),
        (erfc_array, [1, 1, 0.0, 2, np.nan, 1, 1, 0.0, 2]),
        (
            lambda x: sincos_array(x)[0],
            [0.0, -0.0, np.nan, np.nan, np.nan, TINY, -TINY, np.sin(1e308), -np.sin(1e308)],
        ),
        (
            lambda x: sincos_array(x)[1],
            [1, 1, np.nan, np.nan, np.nan, 1, 1, np.cos(1e308), np.cos(1e308)],
        ),
    ],
)
def test_special_values(function: Function, expected: list[float]) -> None:
    got = function(SPECIAL)
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=0)
    signed = ~np.isnan(expected)
    assert (np.signbit(got) == np.signbit(expected))[signed].all()


def test_quarter_turns_are_exact() -> None:
    sine, cosine = sincos_turns_array(np.arange(-8, 9) / 4)
    np.testing.assert_array_equal(np.abs(sine), np.arange(-8, 9) % 2)
    np.testing.assert_array_equal(cosine, [1, 0, -1, 0] * 4 + [1])


def test_value_does_not_depend_on_the_place_in_the_array() -> None:
    """Vector lanes and the remainder of a loop give the same bits."""
    x = RNG.uniform(-20, 20, 101)
    for function in (exp_array, erf_array, lambda v: log_array(np.abs(v))):
        together = function(x)
        alone = np.array([function(x[i : i + 1])[0] for i in range(x.size)])
        np.testing.assert_array_equal(together, alone)


def test_shape_and_refusals() -> None:
    assert exp_array(np.zeros((2, 3, 4))[:, ::2]).shape == (2, 2, 4)
    assert float(exp_array(0)) == 1.0
    for bad in (["a"], [1j], [True]):
        with pytest.raises(ValueError, match=r"^x = .*expected real numbers"):
            exp_array(bad)
