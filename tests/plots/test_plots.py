"""Figures show the numbers of the results they are given, and simulate nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import qktheory as qk
from qktheory.plots.comparison import plot_comparison, plot_scalar, plot_vector
from qktheory.plots.rho_profiles import plot_rho_profiles, rho_profiles_caption
from qktheory.plots.style import check_format, save_figure, style
from qktheory.plots.verdicts import plot_claim, plot_intervals, plot_ladder
from qktheory.theorems.judgements import Asymptotic

SPEC = {
    "d": 4,
    "T": 16,
    "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
    "tokens": {"law": "random_walk"},
}


@pytest.fixture(scope="module")
def comparison() -> qk.Comparison:
    return qk.compare(SPEC, ["entropy", "alive_fraction", "rho"], samples=1000)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_vector_panel_shows_estimate_and_predictions(comparison, ax) -> None:
    band, mean, *lines = plot_vector(comparison["rho"], ax)
    theta = np.arange(1, 17) / 16
    np.testing.assert_array_equal(mean.get_xdata(), theta)
    np.testing.assert_array_equal(mean.get_ydata(), comparison["rho"].estimate.mean)
    for line, prediction in zip(lines, comparison["rho"].predictions, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), prediction.value)
        assert line.get_linestyle() == ("-" if prediction.kind == "exact" else "--")
        assert prediction.claim.id in line.get_label()
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].min() == comparison["rho"].estimate.low.min()
    assert corners[:, 1].max() == comparison["rho"].estimate.high.max()


def test_a_scalar_panel_shows_interval_and_predictions(comparison, ax) -> None:
    compared = comparison["alive_fraction"]
    artists = plot_scalar(compared, ax)
    assert artists[-1].get_xdata()[0] == compared.predictions[0].value[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "Monte Carlo",
        "LOC-3b (exact)",
    ]
    low, high = ax.get_xlim()
    assert low < compared.estimate.low[0] < compared.estimate.high[0] < high
    assert ax.get_xlabel() == compared.observable.title


def test_a_comparison_has_a_panel_for_each_observable(comparison) -> None:
    figure, caption = plot_comparison(comparison)
    assert len(figure.axes) == 3
    for words in ("1000 samples", "seed 0", "error probability 1e-06", "finite-sample"):
        assert words in caption
    # Equal results give equal figures: drawing adds nothing of its own.
    again, _ = plot_comparison(comparison)
    for first, second in zip(figure.axes, again.axes, strict=True):
        assert len(first.lines) == len(second.lines)


def test_profiles_of_several_spectra(comparison, ax) -> None:
    other = qk.compare(
        {**SPEC, "matrix": {"model": "schur", "departure": 1.0}}, ["rho"], samples=64
    )
    artists = plot_rho_profiles({"a": comparison, "b": other}, ax, every=4)
    assert list(artists) == ["a", "b"]
    for name, result in (("a", comparison), ("b", other)):
        _, exact, limit = artists[name]
        values = {p.claim.id: p.value for p in result["rho"].predictions}
        wanted = values["LOC-3b"] if name == "a" else values["LOC-3c"]
        np.testing.assert_array_equal(exact.get_ydata(), wanted)
        np.testing.assert_array_equal(limit.get_ydata(), values["LOC-3a"])
    shown = artists["b"][0].lines[0].get_xdata()
    np.testing.assert_array_equal(shown, np.arange(2, 17, 4) / 16)  # Shifted by one key.
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        *("exact", "Gaussian limit", "a", "b")
    ]
    caption = rho_profiles_caption({"a": comparison, "b": other})
    assert "1000 samples" in caption
    assert "64 samples" in caption


def test_profiles_need_rho(ax) -> None:
    with pytest.raises(ValueError, match="profiles = 'x': expected comparisons that measured rho"):
        plot_rho_profiles({"x": qk.compare(SPEC, ["entropy"], samples=10)}, ax)


def test_a_ladder_shows_errors_and_the_claimed_rate(ax) -> None:
    result = qk.verify(["LOC-4a"])["LOC-4a"]
    judgement = result.claim.judged_by[0]
    assert isinstance(judgement, Asymptotic)
    *lines, rate = plot_ladder(result.cases, judgement, ax)
    for line, case in zip(lines, result.cases, strict=True):
        np.testing.assert_array_equal(np.transpose(line.get_data()), case.ladder)
    sizes, guide = rate.get_data()
    slopes = np.diff(np.log(guide)) / np.diff(np.log(sizes))
    np.testing.assert_allclose(slopes, -judgement.rate)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_intervals_are_in_half_widths(ax) -> None:
    cases = qk.verify(["LOC-8b"])["LOC-8b"].cases
    plot_intervals(cases, ax)
    points = [container.lines[0].get_xdata()[0] for container in ax.containers]
    wanted = [2.0 * (c.estimate - c.prediction) / (c.high - c.low) for c in cases]
    np.testing.assert_allclose(points, wanted)
    assert np.abs(points).max() <= 1.0  # Supported: each interval contains its prediction.


def test_which_claims_have_a_figure() -> None:
    results = qk.verify(["LOC-4", "LOC-8b"])
    drawn = {r.claim.id: plot_claim(r, results.delta) for r in results.results}
    assert {name for name, figure in drawn.items() if figure is not None} == {
        *("LOC-4a", "LOC-4c", "LOC-4d", "LOC-4f", "LOC-8b")
    }
    assert "error probability of the whole run 1e-06" in drawn["LOC-8b"][1]
    assert len(drawn["LOC-4c"][0].axes) == 2  # Two limits, two panels.


def test_nothing_global_is_touched(comparison) -> None:
    before = dict(matplotlib.rcParams)
    plot_comparison(comparison)
    with style():
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or _imports_no_pyplot()


def _imports_no_pyplot() -> bool:
    script = "import sys, qktheory.plots.comparison; print('matplotlib.pyplot' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return result.stdout.strip() == "False"


def test_the_same_figure_gives_the_same_file(comparison, tmp_path: Path) -> None:
    for suffix in ("png", "svg", "pdf"):
        for name in ("one", "two"):
            figure, caption = plot_comparison(comparison)
            save_figure(figure, tmp_path / f"{name}.{suffix}", caption)
        assert (tmp_path / f"one.{suffix}").read_bytes() == (
            tmp_path / f"two.{suffix}"
        ).read_bytes()


def test_other_formats_are_refused() -> None:
    check_format("--plot", "a.PNG")
    for bad in ("a", "a.gif", "png", "a.png.txt"):
        with pytest.raises(ValueError, match=r"--plot = .*\.png, \.svg or \.pdf"):
            check_format("--plot", bad)
