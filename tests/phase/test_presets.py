"""Presets run from one command to a figure, here on small grids."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from qktheory.cli.program import main
from qktheory.numerics.depth_recursion import cosine_layers
from qktheory.phase.boundary import curves_in
from qktheory.phase.cosine_table import final_cosine
from qktheory.phase.goal import Goal
from qktheory.phase.preset import PresetResult, preset_sweeps, run_preset
from qktheory.phase.specification import read_sweep, read_sweep_preset, sweep_preset_names
from qktheory.plots.phase_diagram import FIGURES, draw_preset, draw_sweep, obstacle, plane_of
from qktheory.theorems.catalogue import evaluate

NAMES = [
    "freezing",
    "localization",
    "rank_collapse",
    "self_attention",
    "spectrum",
    "trainability",
    "width_collapse",
]


def test_all_presets_are_there_with_figures_of_their_own() -> None:
    assert sweep_preset_names() == NAMES
    assert sorted(FIGURES) == NAMES
    for name in NAMES:
        for sweep in preset_sweeps(name).values():
            assert sweep.observables
    assert read_sweep_preset("self-attention").axes[0].name == "spectrum.xi"


def test_the_localization_preset_is_as_large_as_it_says() -> None:
    """64 x 64 cells for two normalisers, T = 1024, 10,000 rows."""
    sweep = read_sweep_preset("localization")
    assert sweep.shape == (2, 64, 64)
    assert (sweep.template["T"], sweep.goal.samples) == (1024, 10_000)


@pytest.mark.parametrize("name", ["localization", "self-attention", "spectrum", "width-collapse"])
def test_a_preset_ends_with_its_figure(name, tmp_path) -> None:
    grid = (3, 2) if name == "width-collapse" else (4, 4)
    result = run_preset(name, tmp_path, grid=grid, samples=64, workers=1)
    assert (tmp_path / "result.nc").exists()
    figure, caption = draw_preset(result)
    assert "64 samples a cell" in caption
    assert "error probability 1e-06" in caption
    for ax in figure.axes:
        assert ax.has_data()
    if name == "spectrum":
        assert (tmp_path / "rank" / "result.nc").exists()
        assert result.parts["rank"].sweep.observables == ("stable_rank",)
        assert "fewer draws" in caption


def test_freezing_is_exact_beside_its_points(tmp_path) -> None:
    result = run_preset("freezing", tmp_path, grid=(2, 2), samples=256, workers=1)
    exact = xr.load_dataset(tmp_path / "exact.nc", engine="h5netcdf")
    assert exact["T"].values[-1] == pytest.approx(1e12)
    at = exact.isel(T=-1, s=3)
    values = evaluate("ENT-1", T=float(at["T"]), s=float(at["s"]))
    assert float(at["entropy"]) == pytest.approx(values["mean_entropy"], rel=1e-12)
    assert float(at["participation"]) == pytest.approx(values["mean_participation"], rel=1e-10)
    data = result.diagram.dataset
    for s in data["matrix.scale"].values.tolist():
        for T in data["T"].values.tolist():
            cell = data.sel({"matrix.scale": s, "T": T})
            truth = evaluate("ENT-1", T=float(T), s=s)["mean_entropy"]
            assert float(cell["entropy_ci_low"]) <= truth <= float(cell["entropy_ci_high"])
    figure, caption = draw_preset(result)
    assert "T up to 1e12" in caption
    assert len(figure.axes) == 6  # Panels and their colour bars.


@pytest.mark.slow
def test_trainability_by_the_recursion_and_from_the_command_line(tmp_path) -> None:
    """The table of row averages against the recursion itself, and its line against the plane."""
    arguments = ["phase", "--preset", "trainability", "--grid", "4", "--samples", "64"]
    files = [str(tmp_path / name) for name in ("figure.svg", "figure.pdf")]
    run = CliRunner().invoke(
        main, [*arguments, "-o", str(tmp_path), "--figure", files[0], "--figure", files[1]]
    )
    assert run.exit_code == 0, run.output
    for name, head in (("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF-")):
        figure = (tmp_path / f"figure.{name}").read_bytes()
        assert figure.startswith(head)
        assert len(figure) > 5000
    sweep = read_sweep(tmp_path / "spec.toml")
    assert sweep == read_sweep_preset("trainability", (4,)).replace(goal=Goal(64))
    drawn = xr.load_dataset(tmp_path / "result.nc", engine="h5netcdf")
    assert drawn["entropy_mean"].shape == (4,)
    assert np.isfinite(drawn["entropy_mean"]).all()
    computed = xr.load_dataset(tmp_path / "exact.nc", engine="h5netcdf")
    assert computed["one_minus_cosine"].dims == ("alpha", "s0")
    assert ((computed["one_minus_cosine"] >= 0.0) & (computed["one_minus_cosine"] <= 0.9)).all()
    # Beside three points of the plane those where tables of 20 and 28 widths were worst.
    for s0, alpha in ((1.0, 1.0), (3.5, 1.5), (8.0, 2.0), (4.25, 0.51), (4.85, 1.08)):
        exact = 1.0 - cosine_layers(256, s0, alpha, 1.0, 0.1, 12)[-1]
        table = float(final_cosine(256, s0, alpha, 0.1, 12, largest=8.0))
        assert table == pytest.approx(exact, rel=3e-4)


def test_any_sweep_has_a_figure_with_the_boundaries_of_its_plane(tmp_path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(
        """
        d = 8
        T = 16
        observables = ["entropy", "self_weight"]
        [spectrum]
        law = "semicircle"
        [tokens]
        law = "iid"
        [sweep]
        "spectrum.xi" = {start = 0.0, stop = 20.0, num = 5}
        "spectrum.eta" = {start = 1.0, stop = 60.0, num = 4}
        samples = 100
        """,
        "utf-8",
    )
    out = tmp_path / "out"
    run = CliRunner().invoke(main, ["phase", str(spec), "-o", str(out), "--workers", "1"])
    assert run.exit_code == 0, run.output
    assert (out / "figure.png").stat().st_size > 5000
    from qktheory.phase.diagram import phase_diagram

    diagram = phase_diagram(spec, out, workers=1)
    figure, caption = draw_sweep(diagram)
    assert "infeasible" in caption
    panel = figure.axes[0]
    mesh = panel.collections[0].get_array()
    values = diagram.dataset["entropy_mean"].transpose("spectrum.eta", "spectrum.xi").values
    np.testing.assert_array_equal(np.ma.filled(mesh.reshape(values.shape), np.nan), values)
    curves = curves_in(plane_of(diagram.sweep, "spectrum.xi", "spectrum.eta"))
    assert len(panel.lines) == len(curves) >= 4
    for line, curve in zip(panel.lines, curves, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), curve.x)
        assert (line.get_linestyle() == "-") == (curve.kind == "finite size")
        assert curve.claim in line.get_label()


def test_a_sweep_over_names_alone_has_no_figure(tmp_path) -> None:
    from qktheory.phase.diagram import phase_diagram

    spec = {
        "d": 4,
        "T": 8,
        "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25},
        "observables": ["entropy"],
        "sweep": {"attention.normalizer": ["softmax", "clipped_linear"], "samples": 64},
    }
    diagram = phase_diagram(spec, tmp_path, workers=1)
    assert obstacle(PresetResult("", diagram)) == "no axis takes several numbers"
    with pytest.raises(ValueError, match="no figure: no axis takes several numbers"):
        draw_sweep(diagram)
