"""Figures of the localization theorems carry the numbers of the claims and of the simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import qktheory as qk
from qktheory.phase.boundaries.aliveness import late_middle_line
from qktheory.plots.argmax_law import argmax_law_caption, plot_argmax_law
from qktheory.plots.phase_map import phase_map_caption, plot_phase_map
from qktheory.plots.position_bins import PositionBins
from qktheory.plots.softmax_against_rho import (
    plot_softmax_against_rho,
    softmax_against_rho_caption,
)

T = 64
BINS = PositionBins.crowded(T, 6)


def tables(xi: float, eta: float) -> dict[str, object]:
    return {
        "d": 32,
        "T": T,
        "spectrum": {"law": "semicircle", "xi": xi, "eta": eta},
        "tokens": {"law": "random_walk"},
    }


@pytest.fixture
def ax():
    return Figure().subplots()


# --- bins -----------------------------------------------------------------------------------------


def test_bins_cover_all_keys_once() -> None:
    assert BINS.ends[0] == 0
    assert BINS.ends[-1] == T
    simulation = qk.simulate(tables(1.0, 1.0), [*BINS.observables, "profile"], samples=200)
    shares = [simulation[observable.name].mean[0] for observable in BINS.observables]
    assert math.fsum(shares) == pytest.approx(1.0, abs=1e-12)


def test_a_binned_profile_is_the_mean_of_the_profile_over_the_keys_of_a_bin() -> None:
    simulation = qk.simulate(tables(1.0, 1.0), [*BINS.observables, "profile"], samples=200)
    weights = simulation["profile"].mean
    means = [T * weights[a:b].mean() for a, b in zip(BINS.ends[:-1], BINS.ends[1:], strict=True)]
    profile = BINS.profile(simulation.estimates)
    np.testing.assert_allclose(profile.mean, means, rtol=1e-10)
    assert (profile.low <= profile.mean).all()
    assert (profile.mean <= profile.high).all()


@pytest.mark.parametrize("ends", [(), (0,), (1, 4), (0, 4, 4), (0, 5, 3)])
def test_ends_of_bins_grow_from_zero(ends) -> None:
    with pytest.raises(ValueError, match=r"^ends = .*expected integers that grow from 0 to T"):
        PositionBins(ends)


def test_a_profile_needs_its_bins_measured() -> None:
    simulation = qk.simulate(tables(1.0, 1.0), ["entropy"], samples=20)
    with pytest.raises(ValueError, match=r"share of keys 1 to"):
        BINS.profile(simulation.estimates)


# --- phase map ------------------------------------------------------------------------------------


def test_lines_of_the_map_are_the_boundaries_of_the_claims(ax) -> None:
    artists = plot_phase_map(ax, points=16)
    x, eta_1 = artists["eta_1"].get_data()
    # LOC-5, reference values of the chapter; the line is a polygon of 160 points.
    for xi, value in ((0.5, 0.7988592016), (1.0, 1.5604101028), (2.0, 3.7097872480)):
        assert np.interp(xi, x, eta_1) == pytest.approx(value, rel=1e-3)
    x, eta_U = artists["eta_U"].get_data()
    # LOC-6, the table of the chapter.
    for xi, value in ((1.0, 5.8270508304), (1.5, 7.5283905025), (2.0, 8.8641405829)):
        assert np.interp(xi, x, eta_U) == pytest.approx(value, rel=1e-3)
    for at in (3, 90):
        assert eta_U[at] == qk.evaluate("LOC-6b", xi=float(x[at]))["eta_U"]
        assert eta_1[at] == qk.evaluate("LOC-5a", xi=float(x[at]))["eta_1"]


def test_the_late_middle_line_goes_around_the_tip_of_the_lens() -> None:
    xi, eta = late_middle_line(0.01, points=60)
    special = qk.evaluate("LOC-6f")
    assert (xi[0], eta[0]) == (special["xi_triple"], special["eta_triple"])
    tip = int(xi.argmax())
    assert (xi[tip], eta[tip]) == (special["xi_tip"], special["eta_tip"])
    assert (np.diff(xi[: tip + 1]) > 0.0).all()
    assert (xi[-1], eta[-1]) == (2.0, 0.01)
    # Lateness is 1/2 all along, and not merely where the line starts.
    for at in (5, 30, tip - 5, tip + 5):
        values = qk.evaluate("LOC-6a", xi=float(xi[at]), eta=float(eta[at]))
        assert values["lateness"] == pytest.approx(0.5, abs=1e-9)
    off = qk.evaluate("LOC-6a", xi=float(xi[30]), eta=1.1 * float(eta[30]))
    assert abs(off["lateness"] - 0.5) > 1e-3


def test_areas_of_the_map_are_phases(ax) -> None:
    artists = plot_phase_map(ax, xi=(0.5, 3.5), eta=(0.1, 20.0), d=None, points=12)
    assert "infeasible" not in artists
    codes = artists["phases"].get_array()
    across, up = np.linspace(0.5, 3.5, 12), np.geomspace(0.1, 20.0, 12)
    assert set(np.unique(codes)) == {0, 1, 2}
    for row, column in ((0, 0), (0, 11), (11, 5), (5, 6), (7, 2)):
        claimed = qk.evaluate("LOC-6a", xi=float(across[column]), eta=float(up[row]))
        assert codes[row, column] == claimed["phase"]


def test_the_infeasible_area_ends_at_the_parabola(ax) -> None:
    area = plot_phase_map(ax, points=33, d=16)["infeasible"]
    corners = area.get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx(4.0**2 / 16)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("xi", {"xi": (2.0, 1.0)}),
        ("xi", {"xi": (0.0, 1.0)}),
        ("eta", {"eta": (0.1, 1e9)}),
        ("d", {"d": 0}),
        ("points", {"points": 2}),
    ],
)
def test_the_map_refuses_ends_outside_its_domain(ax, name, options) -> None:
    with pytest.raises(ValueError, match=rf"^{name} = "):
        plot_phase_map(ax, **{"points": 8, **options})


def test_the_caption_of_the_map_names_its_width() -> None:
    assert "width d = 48" in phase_map_caption(48)
    assert "Hatched" not in phase_map_caption(None)


# --- softmax against rho --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def middle() -> qk.Comparison:
    """A setting of the phase M: LOC-12 reports quarters .000 .085 .759 .156 against all at the end.

    There T = 256, d -> infinity.
    """
    return qk.compare(tables(4.0, 0.55), ["rho", *BINS.observables], samples=2000)


def test_both_profiles_are_relative_to_their_mean(middle, ax) -> None:
    drawn = plot_softmax_against_rho(middle, BINS, ax)
    exact = next(p for p in middle["rho"].predictions if p.claim.id == "LOC-3b")
    y = drawn.exact.get_ydata()
    np.testing.assert_allclose(y, exact.value / exact.value.mean(), rtol=1e-14)
    x, weight = drawn.weight.lines[0].get_data()
    # Weights of all bins add up to one, up to the bins that are below the floor.
    width = np.diff(BINS.theta)[np.isin(BINS.centres, x)]
    assert 0.98 < float(np.dot(weight, width)) <= 1.0 + 1e-12
    assert drawn.limits.get_xdata().size + x.size == len(BINS.observables)


def test_the_window_of_rho_holds_no_softmax_weight(middle, ax) -> None:
    drawn = plot_softmax_against_rho(middle, BINS, ax)
    theta, rho = drawn.exact.get_data()
    x, weight = drawn.weight.lines[0].get_data()
    assert 0.5 < theta[rho.argmax()] < 0.75
    assert x[weight.argmax()] == BINS.centres[-1]
    assert weight[-1] > 10.0


def test_it_needs_rho_its_predictions_and_bins_of_this_length(middle, ax) -> None:
    with pytest.raises(ValueError, match=r"^bins = .* expected bins of 64 keys"):
        plot_softmax_against_rho(middle, PositionBins((0, 16, 32)), ax)
    without = qk.compare(tables(1.0, 1.0), list(BINS.observables), samples=20)
    with pytest.raises(ValueError, match=r"LOC-3a and LOC-3b"):
        plot_softmax_against_rho(without, BINS, ax)


def test_the_caption_tells_samples_and_error(middle) -> None:
    text = softmax_against_rho_caption([middle])
    assert "2000 samples, seed 0" in text
    assert "error probability 1e-06" in text
    assert "xi = 4, eta = 0.55" in text


# --- argmax law -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saturated() -> dict[float, qk.Simulation]:
    return {
        b: qk.simulate(tables(b, 1.0), BINS.observables, samples=500, seed=3) for b in (0.0, 1.0)
    }


@pytest.mark.parametrize(
    ("drift", "claim", "parameter"),
    [("beta", "LOC-11a", "beta"), ("b", "LOC-11b", "xi_over_sqrt_eta")],
)
def test_lines_are_the_claims_and_points_the_simulations(
    saturated, ax, drift, claim, parameter
) -> None:
    artists = plot_argmax_law(saturated, BINS, ax, drift=drift)
    for value, (line, points) in artists.items():
        theta, density = line.get_data()
        for at in (20, 200, 350):
            (claimed,) = qk.evaluate(claim, theta=float(theta[at]), **{parameter: value}).values()
            assert density[at] == pytest.approx(claimed, rel=1e-9)
        np.testing.assert_array_equal(
            points.lines[0].get_ydata(), BINS.profile(saturated[value].estimates).mean
        )


def test_another_kind_of_drift_is_unknown(saturated, ax) -> None:
    with pytest.raises(ValueError, match=r"drift"):
        plot_argmax_law(saturated, BINS, ax, drift="bet")
    with pytest.raises(ValueError, match=r"drift"):
        argmax_law_caption(saturated, drift="bet")


def test_the_caption_tells_law_samples_and_key(saturated) -> None:
    text = argmax_law_caption(saturated, drift="b")
    assert "LOC-11b" in text
    assert "b = 1: " in text
    assert f"500 samples, key {saturated[1.0].realization.key}, " in text
