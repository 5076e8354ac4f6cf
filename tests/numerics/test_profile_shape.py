from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.numerics.aliveness import rho_extremes
from qktheory.numerics.profile_shape import LATE, MIDDLE, UNLOCALIZED, contrast, lateness, phase

from .profile_references import contrast_and_lateness
from .references import close, vectors


@pytest.mark.parametrize("vector", vectors("LOC-6a"))
def test_points_of_the_chapter(vector: dict) -> None:
    got = phase(**vector["parameters"])._asdict()
    for name, want in vector["values"].items():
        assert close(float(got[name]), want, 1e-13), name


@pytest.mark.parametrize("seed", range(3))
def test_definition_over_the_domain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for case in range(20):
        xi, eta = 10 ** rng.uniform(-8, 6), 10 ** rng.uniform(-10, 10)
        if case % 3 == 0:  # Wide spectra of the size of a large trace.
            eta = xi * xi * 10 ** rng.uniform(-1.5, 2)
        if case % 4 == 0:  # Next to the end of the late phase.
            xi = 2 + float(rng.choice([-1, 1])) * 10 ** rng.uniform(-12, -1)
        want, late = contrast_and_lateness(xi, eta)
        got = phase(xi, eta)
        assert close(float(got.contrast), want, 1e-13), (xi, eta)
        assert close(float(got.lateness), late, 1e-12, 1e-290), (xi, eta)
        assert close(float(got.late_excess), late - 0.5, 1e-13, 1e-13), (xi, eta)


@pytest.mark.parametrize("eta", [0.01, 0.02, 0.1, 0.4])
def test_excess_at_two_keeps_its_digits(eta: float) -> None:
    # LOC-6, pitfall: 3.9e-15 at eta = 0.02, and nothing is left of it in the lateness at 0.01.
    late = contrast_and_lateness(2.0, eta, dps=90)[1]
    assert close(float(phase(2.0, eta).late_excess), late - 0.5, 1e-13)
    assert float(phase(2.0, 0.01).lateness) == 0.5
    assert int(phase(2.0, 0.01).phase) == LATE


def test_arrays_agree_with_points() -> None:
    xi, eta = np.linspace(-5.0, 5.0, 60)[:, None], np.geomspace(1e-3, 1e3, 50)
    got = phase(xi, eta)
    assert got.contrast.shape == got.phase.shape == (60, 50)
    for i, j in [(0, 0), (17, 3), (30, 49), (59, 20)]:
        point = rho_extremes(float(xi[i, 0]), float(eta[j]))
        assert close(float(got.contrast[i, j]), point.contrast, 1e-12)
    np.testing.assert_array_equal(got.contrast, contrast(xi, eta))
    np.testing.assert_array_equal(got.lateness, lateness(xi, eta))
    assert contrast([], 1.0).shape == (0,)


def test_axis_without_trace_is_unlocalized() -> None:
    # LOC-4: at xi = 0 the contrast has its maximum 0.21857175 at eta = 72/(7 ln 7).
    got = phase(0.0, np.geomspace(1e-290, 1e290, 301))
    assert (got.phase == UNLOCALIZED).all()
    assert (got.lateness == 0.0).all()
    top = 72.0 / (7.0 * math.log(7.0))
    assert close(float(contrast(0.0, top)), 0.21857174907396648, 1e-14)
    assert (got.contrast <= contrast(0.0, top)).all()


def test_phases_in_order_of_eta() -> None:
    # LOC-6: L, M, U at xi = 1; only L and U below the triple point; only M and U at xi = 3.
    eta = np.geomspace(1e-4, 1e4, 400)
    order = {1.0: [LATE, MIDDLE, UNLOCALIZED], 0.4: [LATE, UNLOCALIZED], 3.0: [MIDDLE, UNLOCALIZED]}
    for xi, want in order.items():
        codes = phase(xi, eta).phase
        assert [int(codes[0]), *(int(c) for c in codes[1:][np.diff(codes) != 0])] == want


@given(st.floats(-1e140, 1e140), st.floats(-290, 290))
def test_finite_and_bounded_everywhere(xi: float, log_eta: float) -> None:
    eta = max(10.0**log_eta, 1e-290)
    got = phase([xi, -xi], min(eta, 1e290))
    assert 0.0 <= got.contrast[0] <= 1.0
    assert 0.0 <= got.lateness[0] <= 1.0
    for values in got:
        assert np.isfinite(values).all()
        assert values[0] == values[1]


@pytest.mark.parametrize(
    ("xi", "eta", "name"),
    [
        (np.nan, 1.0, "xi"),
        (1e141, 1.0, "xi"),
        ("1", 1.0, "xi"),
        (True, 1.0, "xi"),
        ([[1.0], [1.0, 2.0]], 1.0, "xi"),
        (1.0, 0.0, "eta"),
        (1.0, [1.0, -1.0], "eta"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "xi, eta"),
    ],
)
def test_refusals(xi: object, eta: object, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} = .*expected"):
        phase(xi, eta)  # type: ignore[arg-type]
