from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from qktheory.numerics.phase_map import (
    contrast,
    contrast_rise,
    critical_trace,
    eta_late_middle,
    eta_unlocalized,
    late_lens,
    lens_tip,
    phase,
    triple_point,
)

from .profile_references import contrast_and_lateness, crosses
from .references import close, vectors


def special_points() -> dict[str, float]:
    triple, tip = triple_point(), lens_tip()
    names = ("xi_triple", "eta_triple", "xi_tip", "eta_tip")
    return dict(zip(names, (*triple, *tip), strict=True))


ROUTES: dict[str, Callable[..., Any]] = {
    "LOC-5b": lambda **p: contrast_rise(**p)._asdict(),
    "LOC-5c": lambda: dict(zip(("xi_c", "eta_tangency"), critical_trace(), strict=True)),
    "LOC-6b": lambda **p: {"eta_U": eta_unlocalized(**p)},
    "LOC-6c": lambda **p: {"eta_LM": eta_late_middle(**p)},
    "LOC-6d": lambda **p: late_lens(**p)._asdict(),
    "LOC-6f": special_points,
}


@pytest.mark.parametrize("vector", vectors(*ROUTES))
def test_vectors_of_the_chapter(vector: dict) -> None:
    got = ROUTES[vector["id"]](**vector["parameters"])
    for name, want in vector["values"].items():
        assert close(got[name], want, 1e-12), name


def contrast_at(xi: float) -> Callable[[mp.mpf], mp.mpf]:
    return lambda eta: contrast_and_lateness(xi, eta)[0]


def contrast_slope(xi: float) -> Callable[[mp.mpf], mp.mpf]:
    """A central difference of the definition; the step 1e-15 changes its zero by 1e-30."""

    def slope(eta: mp.mpf) -> mp.mpf:
        h = mp.mpf(10) ** -15
        return contrast_at(xi)(eta * (1 + h)) - contrast_at(xi)(eta * (1 - h))

    return slope


def excess(xi: float) -> Callable[[mp.mpf], mp.mpf]:
    return lambda eta: contrast_and_lateness(xi, eta)[1] - mp.mpf(1) / 2


@pytest.mark.parametrize("xi", [1e-8, 1e-3, 0.05, 0.2, 0.4, 0.48])
def test_contrast_rises_between_the_zeros_of_its_slope(xi: float) -> None:
    rise = contrast_rise(-xi)
    assert crosses(contrast_slope(xi), rise.eta_low, 1e-12) == 1
    assert crosses(contrast_slope(xi), rise.eta_high, 1e-12) == -1
    assert close(rise.contrast_low, contrast_at(xi)(rise.eta_low), 1e-13)
    assert close(rise.contrast_high, contrast_at(xi)(rise.eta_high), 1e-13)


def test_rise_shrinks_to_the_tangency() -> None:
    # LOC-5c: at xi_c the interval is one point, and beyond it the contrast falls for all eta.
    point = critical_trace()
    for gap in (1e-4, 1e-8, 1e-12):
        rise = contrast_rise(point.xi * (1.0 - gap))
        assert rise.eta_low <= point.eta <= rise.eta_high
        assert rise.eta_high - rise.eta_low < 7.0 * math.sqrt(gap)
    eta = np.geomspace(0.1, 1e3, 4001)
    assert (np.diff(contrast(point.xi + 1e-6, eta)) < 0.0).all()
    assert not (np.diff(contrast(point.xi - 1e-4, eta)) < 0.0).all()
    for xi in (0.49, 0.7, 1.0, 3.0, 30.0):
        assert (np.diff(contrast(xi, eta[eta > 0.3 * xi * xi])) < 0.0).all(), xi


@pytest.mark.parametrize("seed", range(4))
def test_contrast_at_eta_u_is_the_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(6):
        xi = float(10 ** rng.uniform(-8, 6))
        threshold = float(rng.choice([0.25, rng.uniform(0.239, 1.0), 1 - 10 ** rng.uniform(-9, 0)]))
        eta = eta_unlocalized(xi, threshold)
        with mp.workdps(60):
            level = mp.mpf(threshold)
        assert crosses(lambda t, xi=xi, c=level: contrast_at(xi)(t) - c, eta, 1e-12) == -1


def test_limits_of_eta_u() -> None:
    # LOC-6e: 3 xi^2/(7 p^2) for small and 3/p^2 for large traces, p = Phi^-1((1 + C_0)/2).
    assert close(eta_unlocalized(1e-8), 4.221087566496161e-16, 1e-13)
    assert close(eta_unlocalized(1e-100), 4.221087566496161e-200, 1e-13)
    assert close(eta_unlocalized(1e6), 29.547612965473125, 1e-4)
    assert close(eta_unlocalized(1e100), 29.547612965473125, 1e-13)


@pytest.mark.parametrize("threshold", [0.15, 0.2, 0.22])
def test_of_three_roots_eta_u_is_the_largest(threshold: float) -> None:
    eta = np.geomspace(1e-6, 1e6, 20001)
    above = contrast(0.1, eta) > threshold
    assert np.count_nonzero(above[1:] != above[:-1]) == 3
    root = eta_unlocalized(0.1, threshold)
    assert close(float(contrast(0.1, root)), threshold, 1e-14)
    assert root > contrast_rise(0.1).eta_high
    assert not above[eta > root * (1.0 + 1e-12)].any()


def test_root_below_the_rise_when_the_local_maximum_is_lower() -> None:
    # For 0.3 the local maximum is 0.22693: a threshold above it is met once, before the rise.
    rise = contrast_rise(0.3)
    root = eta_unlocalized(0.3, rise.contrast_high + 1e-6)
    assert root < rise.eta_low
    assert eta_unlocalized(0.3, rise.contrast_high - 1e-6) > rise.eta_high


@pytest.mark.parametrize("xi", [0.48, 0.7, 1.2, 1.7, 1.99, 2.0 - 1e-9, 2.0])
def test_lateness_falls_through_one_half_at_eta_lm(xi: float) -> None:
    root = eta_late_middle(-xi)
    assert crosses(excess(xi), root, 1e-13) == -1
    # The only change of sign on the map, small eta included.
    late = phase(xi, np.geomspace(1e-3, 1e4, 2000)).late_excess > 0.0
    assert np.count_nonzero(late[1:] != late[:-1]) == 1


@pytest.mark.parametrize("xi", [2.0 + 1e-12, 2.0 + 1e-6, 2.001, 2.012, 2.0143])
def test_lens_is_late_inside(xi: float) -> None:
    lens = late_lens(-xi)
    assert crosses(excess(xi), lens.eta_LM_low, 1e-13 / (2.0145 - xi)) == 1
    assert crosses(excess(xi), lens.eta_LM_high, 1e-13 / (2.0145 - xi)) == -1


def test_lens_ends_at_its_tip() -> None:
    tip = lens_tip()
    for gap in (1e-5, 1e-9, 1e-13):
        lens = late_lens(tip.xi - gap)
        assert lens.eta_LM_low <= tip.eta <= lens.eta_LM_high
        assert lens.eta_LM_high - lens.eta_LM_low < 6.0 * math.sqrt(gap) + 1e-6
    assert (phase(tip.xi + 1e-9, np.geomspace(1e-2, 10.0, 4000)).late_excess < 0.0).all()
    # At xi = 2 the upper end joins eta_LM and the lower end goes to zero.
    assert close(late_lens(2.0 + 1e-14).eta_LM_high, eta_late_middle(2.0), 1e-12)
    assert late_lens(2.0 + 1e-14).eta_LM_low < 0.025


def test_three_phases_meet_at_the_triple_point() -> None:
    point = triple_point()
    assert close(float(contrast(*point)), 0.25, 1e-13)
    assert abs(float(phase(*point).late_excess)) < 1e-13
    eta = np.geomspace(1e-2, 1e2, 4000)
    assert set(phase(point.xi - 1e-3, eta).phase.tolist()) == {0, 1}
    assert set(phase(point.xi + 1e-2, eta).phase.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: contrast_rise(0.0), "xi = 0.0: expected 1e-140 <= |xi| < xi_c = 0.480655799"),
        (lambda: contrast_rise(0.481), "xi = 0.481: expected"),
        (lambda: eta_unlocalized(0.0), "xi = 0.0: expected"),
        (lambda: eta_unlocalized(1.0, 0.0), "threshold = 0.0: expected"),
        (lambda: eta_unlocalized(1.0, 1.0), "threshold = 1.0: expected"),
        (lambda: eta_unlocalized(math.nan), "xi = nan: expected"),
        (lambda: eta_late_middle(2.0000001), "xi = 2.0000001: expected xi_triple = 0.4725301148"),
        (lambda: eta_late_middle(0.47), "xi = 0.47: expected"),
        (lambda: late_lens(2.0), "xi = 2.0: expected 2 < |xi| < xi_tip = 2.01440516"),
        (lambda: late_lens(2.0145), "xi = 2.0145: expected"),
    ],
)
def test_refusals(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        call()
    assert str(error.value).startswith(message)
