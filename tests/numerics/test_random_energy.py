"""Limits and boundaries of the random energy model: mpmath, the chapter, independent routes."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.freezing_boundary import (
    max_capacity,
    s_half_capacity,
    s_max_capacity,
    s_participation,
)
from qktheory.numerics.gaussian_row import (
    heat_capacity,
    mean_entropy,
    mean_log_partition,
    mean_participation,
)
from qktheory.numerics.mean_maximum import mean_maximum
from qktheory.numerics.mills import mills_offset
from qktheory.numerics.random_energy import (
    freezing_scale,
    frozen_entropy,
    frozen_power_sum,
    laplace_participation,
    single_spike,
    window_of_freezing,
)

# --- frozen weights -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("m", "value"),
    [
        (0.25, 0.508645214885),
        (0.5, 1.38629436112),
        (0.75, 3.65023786847),
        (0.9, 9.84653927551),
    ],
)
def test_frozen_entropies_of_the_chapter(m: float, value: float) -> None:
    assert frozen_entropy(m) == pytest.approx(value, rel=2e-12)


@pytest.mark.parametrize("m", [1e-300, 1e-10, 0.1, 0.299, 0.301, 0.9, 1.0 - 1e-10])
def test_frozen_weights_are_relatively_accurate(m: float) -> None:
    with mp.workdps(400):
        exact = mp.mpf(m)
        entropy = mp.digamma(1) - mp.digamma(1 - exact)
        assert abs(frozen_entropy(m) / entropy - 1) < 1e-14
        for q in (1.0, 1.5, 2.0, 30.0, 1e4):
            power = mp.gamma(q - exact) / (mp.gamma(q) * mp.gamma(1 - exact))
            assert abs(frozen_power_sum(1.0 - m, q) / power - 1) < 5e-15 + 5e-15 * q


def test_orders_below_one_and_the_diffuse_share_close_to_freezing() -> None:
    assert frozen_power_sum(0.5, 0.6) == pytest.approx(
        math.gamma(0.1) / math.gamma(0.6) / math.gamma(0.5), rel=1e-13
    )
    assert frozen_power_sum(1e-12, 2.0) == pytest.approx(1e-12, rel=1e-12)


# --- one spike ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("T", "s", "value"),
    [
        (1e12, 3.716922, 9.28986e-7),
        (1e12, 4.831999, 6.66543e-4),
        (1e12, 5.575383, 8.105e-3),
        (1e6, 3.153913, 5.732e-3),
    ],
)
def test_spikes_of_the_chapter(T: float, s: float, value: float) -> None:
    assert float(single_spike(T, s).mean_participation) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("T", "s"), [(1e30, 11.7), (1e30, 6.78), (8.0, 0.5), (1.5, 0.3), (1e12, 1e-5)]
)
def test_spikes_against_mpmath(T: float, s: float) -> None:
    with mp.workdps(30):
        log_m = mp.log(mp.mpf(T)) + mp.mpf(s) ** 2 / 2
        peak = min(2.0 * s, float(log_m) / s)
        # The integrands are analytic in a strip: a fine trapezoid is exact to all digits asked for.
        step = mp.mpf(1) / 40
        points = [peak + step * k for k in range(-460, 461)]

        def shift(g: mp.mpf) -> mp.mpf:
            v = mp.exp(s * g - log_m)
            if v < 1e-8:
                return -v * v * (mp.mpf(1) / 2 - v / 3 + v * v / 4)
            return mp.log1p(v) - v

        square = step * mp.fsum(mp.npdf(g) / (1 + mp.exp(log_m - s * g)) ** 2 for g in points)
        change = step * mp.fsum(mp.npdf(g) * shift(g) for g in points)
        found = single_spike(T, s)
        assert abs(float(found.mean_participation) / (T * square) - 1) < 1e-12
        assert abs(float(found.log_z_shift) / (T * change) - 1) < 1e-12


def test_a_spike_without_width_is_one_key_against_the_others() -> None:
    found = single_spike(100.0, 0.0)
    assert float(found.mean_participation) == pytest.approx(100.0 / 101.0**2, rel=1e-13)
    assert float(found.log_z_shift) == pytest.approx(100.0 * math.log1p(0.01) - 1.0, rel=1e-11)


@given(st.floats(1.05, 1e30), st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None)
def test_neighbours_in_an_array_do_not_change_a_spike(T: float, b: float) -> None:
    s = b * float(freezing_scale(T))
    alone, among = single_spike(T, s), single_spike([T, 1e40], [s, 13.0])
    assert float(among.mean_participation[0]) == pytest.approx(
        float(alone.mean_participation), rel=1e-11
    )
    assert float(among.log_z_shift[0]) == pytest.approx(float(alone.log_z_shift), rel=1e-11)


def test_laplace_tends_to_the_spike_and_not_to_its_wrong_twin() -> None:
    errors = []
    for log_t in (100.0, 400.0):
        T, s = math.exp(log_t), 0.75 * math.sqrt(2.0 * log_t)
        errors.append(laplace_participation(T, s) / float(single_spike(T, s)[0]) - 1.0)
    assert abs(errors[1]) < abs(errors[0]) / 3.0 < 0.02
    assert abs(0.95 * (1.0 + errors[1]) - 1.0) > abs(errors[0])


# --- the window -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("T", "s"), [(1024.0, 1e3), (1e30, 40.0), (1024.0, 3.7), (1e12, 1e-3), (1.0, 2.0)]
)
def test_window_as_written_without_cancellation(T: float, s: float) -> None:
    with mp.workdps(60):
        log_t, width = mp.log(mp.mpf(T)), mp.mpf(s)
        delta = mp.sqrt(2 * log_t) - width
        cdf = mp.erfc(-delta / mp.sqrt(2)) / 2
        mills = mp.npdf(delta) / cdf
        want = (
            log_t + width**2 / 2 + mp.log(cdf),
            mills / width,
            log_t - width**2 / 2 + width * mills + mp.log(cdf),
            1 - mills * (mills + delta),
        )
        for found, exact in zip(window_of_freezing(T, s), want, strict=True):
            assert abs(float(found) / exact - 1) < 1e-12


# --- boundaries -----------------------------------------------------------------------------------

TABLE = {
    128.0: (2.2563007290, 2.43369, 2.5668635180, 4.9243615100),
    1024.0: (2.8806375943, 2.76622, 4.1625750466, 6.2746175153),
    8192.0: (3.4169896847, 3.10258, 5.9777041562, 7.4097415550),
    1e6: (4.4552716334, 3.85220, 10.7773272720, 9.5682822539),
    1e12: (6.6802939877, 5.69886, 27.2106324141, 14.1136355782),
}


def test_the_table_of_the_chapter() -> None:
    T = np.array(list(TABLE))
    half, position, largest, level = np.array(list(TABLE.values())).T
    np.testing.assert_allclose(s_half_capacity(T), half, atol=6e-11)
    np.testing.assert_allclose(s_max_capacity(T), position, atol=6e-6)
    np.testing.assert_allclose(max_capacity(T), largest, atol=6e-11)
    np.testing.assert_allclose(s_participation(T), level, atol=6e-11)


@pytest.mark.parametrize(
    ("log10_t", "offset"), [(1, 0.88), (6, 0.80), (12, 0.75), (24, 0.71), (120, 0.63)]
)
def test_offsets_shrink_towards_the_root_of_the_window(log10_t: int, offset: float) -> None:
    T = 10.0**log10_t
    found = float(freezing_scale(T)) - s_half_capacity(T)
    assert found == pytest.approx(offset, abs=6e-3)
    assert found > mills_offset(0.5)


@given(st.floats(8.0, 1e13), st.floats(0.13, 1.0 - 1e-9))
@settings(max_examples=30, deadline=None)
def test_levels_of_the_mean_participation(T: float, level: float) -> None:
    s = s_participation(T, level)
    assert mean_participation(T, s) == pytest.approx(level, rel=1e-11)
    assert s * (1.0 - level) <= float(mean_maximum(T)) * (1.0 + 1e-11)


def test_levels_close_to_both_ends() -> None:
    # E Y_2 = (1 + s^2 (1 - 1/T))/T for small s; s (1 - E Y_2) = mu_T for large s.
    assert s_participation(100.0, 0.01 * (1.0 + 1e-6)) == pytest.approx(
        math.sqrt(1e-6 / 0.99), rel=1e-5
    )
    assert s_participation(100.0, 1.0 - 1e-9) == pytest.approx(
        float(mean_maximum(100.0)) / (1.0 - (1.0 - 1e-9)), rel=1e-8
    )


def test_the_heat_capacity_is_the_slope_of_the_entropy_at_the_boundary() -> None:
    T = 1e5
    s = s_half_capacity(T)
    step = 1e-4 * s
    slope = (mean_entropy(T, s + step) - mean_entropy(T, s - step)) / (2.0 * step)
    assert -s * slope == pytest.approx(0.5 * s * s, rel=1e-7)
    z = (mean_log_partition(T, s + step) - mean_log_partition(T, s - step)) / (2.0 * step)
    assert z == pytest.approx(s * (1.0 - mean_participation(T, s)), rel=1e-7)


def test_the_top_is_the_top() -> None:
    for T in (8.0, 333.3, 1e9):
        top, s = max_capacity(T), s_max_capacity(T)
        around = heat_capacity(T, s + np.array([-0.3, -1e-3, 1e-3, 0.3]))
        assert (around < top).all()
        # A quadratic top: the wrong twin, 1 % off, would tilt it.
        near, twin = (
            heat_capacity(T, [s - 0.01, s + 0.01]),
            heat_capacity(T, [0.99 * s - 0.01, 0.99 * s + 0.01]),
        )
        assert abs(near[0] - near[1]) < 0.1 * abs(twin[0] - twin[1])


def test_shapes_follow_the_numbers_of_keys() -> None:
    T = np.array([[8.0, 100.0], [1000.0, 8.0]])
    for solve in (s_half_capacity, s_max_capacity, max_capacity, s_participation):
        found = solve(T)
        assert found.shape == T.shape
        assert found[0, 0] == found[1, 1] == solve(8.0)
        assert isinstance(solve(8.0), float)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: s_half_capacity(7.0), "T = 7.0: expected a finite number >= 8"),
        (lambda: s_half_capacity(8.0, 0.9), "level = 0.9"),
        (lambda: s_max_capacity([10.0, math.inf]), "T has the entry inf"),
        (lambda: s_participation([8.0, 100.0], 0.1), "level = 0.1: .*> 1/T = 0.125"),
        (lambda: single_spike(1e6, 6.0), "s = 6.0: .*< s_c .* at T = 1e[+]06"),
        (lambda: laplace_participation(1e6, 3.0), "s = 3.0: expected s_c/sqrt"),
        (lambda: window_of_freezing(1e6, 0.0), "s = 0.0: expected a finite number > 0"),
        (lambda: frozen_power_sum(0.5, 0.5), "q = 0.5: expected a number > m = 0.5"),
        (lambda: frozen_entropy(1.0), "m = 1.0"),
        (lambda: freezing_scale(0.5), "T = 0.5"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
