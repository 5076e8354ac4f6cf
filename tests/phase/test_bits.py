"""Results depend on the sweep alone: on no executor, tile, step, interrupt or extension."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

import qktheory as qk
import qktheory.phase.plan as plan
from qktheory.kernels import seed_key
from qktheory.phase.cell_phases import cell_phases
from qktheory.phase.decided import profile_of
from qktheory.phase.status import sweep_status
from qktheory.phase.sweep import Sweep
from qktheory.simulation.simulate import Simulation
from tests.phase.cases import INFEASIBLE, SPEC, same, spec


class Here(Executor):
    """Works on a task as soon as it is submitted."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def run(folder: Path, table: dict[str, Any] = SPEC, **keywords: Any) -> xarray.Dataset:
    return qk.phase_diagram(table, folder, **keywords).to_xarray()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> xarray.Dataset:
    return run(tmp_path_factory.mktemp("reference"), workers=1)


def test_every_cell_is_what_simulate_gives(reference: xarray.Dataset) -> None:
    """The cell's own spec, the same seed, all draws common: the same bits."""
    sweep = Sweep.from_dict(SPEC)
    seen = 0
    for cell in range(sweep.cells):
        at = reference.isel(
            {
                d: int(i)
                for d, i in zip(sweep.dims, np.unravel_index(cell, sweep.shape), strict=True)
            }
        )
        if str(at["status"].values) == "infeasible":
            assert np.isnan(at["entropy_mean"])
            assert int(at["entropy_n"]) == 0
            assert "infeasible" in str(at["message"].values)
            continue
        alone = Simulation.prepare(
            sweep.ensemble(cell), sweep.observables, seed=5, delta=1e-6 / sweep.cells
        ).extend(700)
        for name, estimate in alone.estimates.items():
            own = np.atleast_1d(at[f"{name}_mean"].values)
            assert own.tobytes() == estimate.mean.tobytes()
            assert np.array_equal(at[f"{name}_std_error"].values.ravel(), estimate.std_error)
            # Family-wise: delta over cells times observables, as here over observables.
            assert at[f"{name}_ci_low"].values.ravel() == pytest.approx(estimate.low, rel=1e-12)
            assert at[f"{name}_ci_high"].values.ravel() == pytest.approx(estimate.high, rel=1e-12)
            assert int(at[f"{name}_n"]) == 700
        seen += 1
    assert seen == sweep.cells - INFEASIBLE


@pytest.mark.parametrize(("executor", "workers"), [("threads", 2), ("threads", 3), (None, None)])
def test_threads_do_not_matter(
    reference: xarray.Dataset, tmp_path: Path, executor: str | None, workers: int | None
) -> None:
    assert same(run(tmp_path, executor=executor, workers=workers), reference)


@pytest.mark.slow
def test_processes_do_not_matter(reference: xarray.Dataset, tmp_path: Path) -> None:
    assert same(run(tmp_path, executor="processes", workers=2), reference)


def test_an_executor_of_ones_own_does_not_matter(reference: xarray.Dataset, tmp_path: Path) -> None:
    assert same(run(tmp_path, executor=Here()), reference)


@pytest.mark.parametrize(("cells", "seconds"), [(1, 1.0), (5, 1e-9), (64, 1e-9), (64, 100.0)])
def test_tiles_and_steps_do_not_matter(
    reference: xarray.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cells: int,
    seconds: float,
) -> None:
    monkeypatch.setattr(plan, "_MOST_CELLS", cells)
    monkeypatch.setattr(plan, "_TASK_SECONDS", seconds)
    assert same(run(tmp_path, workers=1), reference)


@pytest.mark.parametrize("first", [1, 256, 300])
def test_extending_is_the_same_as_starting_over(
    reference: xarray.Dataset, tmp_path: Path, first: int
) -> None:
    before = run(tmp_path, samples=first)
    assert int(before["entropy_n"].max()) == first
    assert same(run(tmp_path), reference)
    written = (tmp_path / "result.nc").read_bytes()
    # Fewer samples than there are: nothing is thrown away, and nothing changes.
    assert same(run(tmp_path, samples=first), reference)
    assert (tmp_path / "result.nc").read_bytes() == written


def test_the_file_holds_the_dataset(reference: xarray.Dataset, tmp_path: Path) -> None:
    diagram = qk.phase_diagram(SPEC, tmp_path)
    read = xarray.load_dataset(tmp_path / "result.nc", engine="h5netcdf")
    assert same(read, diagram.to_xarray())
    assert same(read, reference)
    assert json.loads(read.attrs["spec"])["sweep"]["samples"] == 700
    assert read.attrs["key"] == str(seed_key(5))
    assert Sweep.from_dict(json.loads(read.attrs["spec"])) == diagram.sweep
    assert Sweep.from_toml((tmp_path / "spec.toml").read_text("utf-8")) == diagram.sweep


def test_files_of_equal_runs_are_equal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(tmp_path / name, workers=1 if name == "one" else 2)
    one, two = ((tmp_path / name / "result.nc").read_bytes() for name in ("one", "two"))
    assert one == two


def test_another_seed_is_another_result(reference: xarray.Dataset, tmp_path: Path) -> None:
    """The wrong twin of all equalities above."""
    assert not same(run(tmp_path, seed=6), reference)


def test_independent_cells_are_independent(tmp_path: Path) -> None:
    """A sweep over nothing: with common draws all cells are equal, else all differ."""
    table = spec(**{"spectrum.xi": [0.0], "attention.normalizer": ["softmax"]})
    table["sweep"]["spectrum.eta"] = [1.0, 1.0 + 1e-12, 1.0 + 2e-12]
    common = run(tmp_path / "common", table)["entropy_mean"].values.ravel()
    assert np.ptp(common) < 1e-9
    table["sweep"]["draws"] = "independent"
    own = run(tmp_path / "independent", table)["entropy_mean"].values.ravel()
    assert own[0] == common[0]
    assert min(abs(own[0] - own[1]), abs(own[1] - own[2])) > 1e-6


# --- accuracy as the goal -------------------------------------------------------------------------

TARGET = {"samples": None, "target_half_width": 0.07, "max_samples": 5000}


def test_target_half_width_is_reached_or_said_to_be_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tmp_path / "one", spec(**TARGET), workers=1)
    status = result["status"].values.ravel()
    assert {"done", "capped", "infeasible"} == set(status)
    half = (result["entropy_ci_high"] - result["entropy_ci_low"]).values.ravel() / 2.0
    n = result["entropy_n"].values.ravel()
    assert (half[status == "done"] <= 0.07).all()
    assert set(n[status == "done"]) <= {1024, 2048, 4096, 5000}
    assert len(set(n[status == "done"])) > 1
    assert set(n[status == "capped"]) == {5000}
    # Steps of any size decide after the same rounds.
    monkeypatch.setattr(plan, "_TASK_SECONDS", 1e-9)
    monkeypatch.setattr(plan, "_MOST_CELLS", 3)
    assert same(run(tmp_path / "two", spec(**TARGET)), result)


def test_a_stricter_target_goes_on_from_there(tmp_path: Path) -> None:
    run(tmp_path / "one", spec(**{**TARGET, "target_half_width": 0.15}))
    extended = run(tmp_path / "one", spec(**TARGET))
    assert same(extended, run(tmp_path / "two", spec(**TARGET)))


# --- a decided phase as the goal ------------------------------------------------------------------

PHASE_SPEC = {
    "d": 8,
    "T": 16,
    "observables": ["self_weight", "quarter_weight_1", "quarter_weight_2", "quarter_weight_4"],
    "spectrum": {"law": "semicircle"},
    "tokens": {"law": "iid"},
    "sweep": {
        "spectrum.xi": [0.0, 2.0, 3.3, 8.0],
        "spectrum.eta": [2.0, 9.0],
        "refine": "phase",
        "max_samples": 5000,
        "seed": 5,
    },
}


def test_samples_are_spent_where_the_phase_is_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tmp_path / "one", PHASE_SPEC, workers=1)
    phases = cell_phases(result, 16, profile=profile_of(PHASE_SPEC["observables"], "softmax"))
    done = result["status"].values == "done"
    decided = phases["decided"].values == 1
    n = result["self_weight_n"].values
    assert (decided == done)[result["status"].values != "infeasible"].all()
    assert set(n[done]) <= {1024, 2048, 4096, 5000}
    assert len(set(n[done])) > 1
    assert set(n[result["status"].values == "capped"]) == {5000}
    # A round earlier the phase was still open: nothing was drawn in vain.
    for samples in (1024, 2048):
        plain = {"refine": None, "max_samples": None, "samples": samples}
        table = {**PHASE_SPEC, "sweep": {**PHASE_SPEC["sweep"], **plain}}
        table["sweep"] = {k: v for k, v in table["sweep"].items() if v is not None}
        early = run(tmp_path / str(samples), table, workers=1)
        then = cell_phases(early, 16, profile=profile_of(PHASE_SPEC["observables"], "softmax"))
        assert not (then["decided"].values[n > samples] == 1).any()
        same_n = n == samples
        assert np.array_equal(
            early["self_weight_mean"].values[same_n], result["self_weight_mean"].values[same_n]
        )
    # No step, tile, worker or interrupt has a say in it.
    monkeypatch.setattr(plan, "_TASK_SECONDS", 1e-9)
    monkeypatch.setattr(plan, "_MOST_CELLS", 3)
    assert same(run(tmp_path / "two", PHASE_SPEC, workers=2), result)
    resumed = tmp_path / "three"
    with pytest.raises(KeyboardInterrupt):
        run(resumed, PHASE_SPEC, executor=Interrupted(12))
    assert sweep_status(resumed).samples > 0
    assert same(run(resumed, PHASE_SPEC, executor=Here()), result)


class Interrupted(Here):
    """Is interrupted after so many tasks."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


def test_more_samples_for_what_is_undecided(tmp_path: Path) -> None:
    few = run(tmp_path / "one", PHASE_SPEC, max_samples=1500)
    assert int(few["self_weight_n"].max()) == 1500
    extended = run(tmp_path / "one", PHASE_SPEC, max_samples=5000)
    whole = run(tmp_path / "two", PHASE_SPEC)
    assert same(extended, whole)
    least = {**PHASE_SPEC, "sweep": {**PHASE_SPEC["sweep"], "min_samples": 2000}}
    n = run(tmp_path / "three", least)["self_weight_n"].values
    assert set(n[n > 0]) <= {2048, 4096, 5000}


# --- failures -------------------------------------------------------------------------------------


def test_a_failing_cell_keeps_its_traceback_and_stops_nothing(
    reference: xarray.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qktheory.phase.tile as tile

    sound = tile.sample_together
    broken = Sweep.from_dict(SPEC).ensemble(5)

    def failing(experiments: Any, *rest: Any) -> Any:
        if any(experiment.ensemble == broken for experiment in experiments):
            raise ArithmeticError("no such number")
        return sound(experiments, *rest)

    monkeypatch.setattr(tile, "sample_together", failing)
    result = run(tmp_path)
    status = result["status"].values.ravel()
    assert (status == "failed").sum() == 1
    assert status[5] == "failed"
    assert result["message"].values.ravel()[5] == "ArithmeticError: no such number"
    kept = status == "done"
    means = result["entropy_mean"].values.ravel()
    assert np.array_equal(means[kept], reference["entropy_mean"].values.ravel()[kept])
    # Once the fault is gone, the same command tries the cell again.
    monkeypatch.setattr(tile, "sample_together", sound)
    assert same(run(tmp_path), reference)


def test_a_cell_that_is_refused_once_its_matrix_is_there_is_infeasible(tmp_path: Path) -> None:
    """The size of the logits is known with W only; other cells, and extensions, are not touched."""
    table = spec(**{"attention.normalizer": None, "spectrum.xi": [0.0]})
    table["sweep"]["spectrum.eta"] = [1.0, 1e300]
    result = run(tmp_path, table)
    assert result["status"].values.ravel().tolist() == ["done", "infeasible"]
    assert "expected one that keeps logits below" in str(result["message"].values.ravel()[1])
    assert np.isnan(result["entropy_mean"].values.ravel()[1])
    again = run(tmp_path, table, samples=900)
    assert again["status"].values.ravel().tolist() == ["done", "infeasible"]
    assert again["entropy_n"].values.ravel().tolist() == [900, 0]


def test_predictions_of_scalar_observables(tmp_path: Path) -> None:
    table = spec(predictions=True, **{"attention.normalizer": None, "spectrum.xi": [0.0, 2.0]})
    table |= {"tokens": {"law": "iid"}, "observables": ["entropy"]}
    result = run(tmp_path, table)
    assert result["entropy_LOC-15b"].attrs["prediction_kind"] == "exact"
    done = result["status"].values == "done"
    names = ("entropy_LOC-15b", "entropy_ci_low", "entropy_ci_high")
    exact, low, high = (result[name].values[done] for name in names)
    assert ((low <= exact) & (exact <= high)).all()
    # One nat beside it is outside of every interval.
    assert (exact + 1.0 > high).all()
    assert np.isnan(result["entropy_LOC-15b"].values[~done]).all()


def test_the_diagram_names_its_cells(tmp_path: Path) -> None:
    diagram = qk.phase_diagram(SPEC, tmp_path)
    assert diagram.counts == {"done": 20, "infeasible": 4}
    assert diagram.ensemble(**{"spectrum.eta": 2}) == diagram.sweep.ensemble(2)
    with pytest.raises(ValueError, match=r"expected one of attention\.normalizer"):
        diagram.ensemble(eta=2)
