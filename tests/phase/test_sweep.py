"""What a sweep may be, and what is refused with which words."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qktheory as qk
from qktheory.phase.axis import Axis
from qktheory.phase.cells import Cells
from qktheory.phase.goal import Goal
from qktheory.phase.specification import read_sweep, read_sweep_preset, sweep_preset_names
from qktheory.phase.sweep import Sweep
from tests.phase.cases import SPEC, spec

PRESETS = files("qktheory.phase") / "presets"


def test_axes_by_range() -> None:
    linear = Axis.from_table("spectrum.xi", {"start": -1, "stop": 1, "num": 5})
    assert linear.values == (-1.0, -0.5, 0.0, 0.5, 1.0)
    log = Axis.from_table("spectrum.eta", {"start": 0.01, "stop": 100, "num": 5, "scale": "log"})
    assert log.values == pytest.approx((0.01, 0.1, 1.0, 10.0, 100.0), rel=1e-12)
    assert (log.values[0], log.values[-1]) == (0.01, 100.0)


def test_ranges_of_integers_are_rounded_and_taken_once() -> None:
    assert Axis.from_table("T", {"start": 2, "stop": 4, "num": 9}).values == (2, 3, 4)


@given(
    start=st.floats(1e-3, 1e3),
    ratio=st.floats(1.5, 1e3),
    num=st.integers(2, 50),
    scale=st.sampled_from(["linear", "log"]),
)
@settings(max_examples=50)
def test_ranges_begin_and_end_where_they_say(
    start: float, ratio: float, num: int, scale: str
) -> None:
    table = {"start": start, "stop": start * ratio, "num": num, "scale": scale}
    values = np.array(Axis.from_table("spectrum.eta", table).values)
    assert len(values) == num
    assert values[0] == start
    assert values[-1] == start * ratio
    steps = np.diff(np.log(values) if scale == "log" else values)
    assert steps == pytest.approx(steps[0], rel=1e-6)


def test_cells_are_combos_for_each_case() -> None:
    table = spec(cases=[{"T": 12, "d": 6}, {"T": 12, "d": 8}])
    sweep = Sweep.from_dict(table)
    assert sweep.dims == ("case", "attention.normalizer", "spectrum.xi", "spectrum.eta")
    assert sweep.shape == (2, 2, 3, 4)
    assert sweep.values(24) == {
        "T": 12,
        "d": 8,
        "attention.normalizer": "softmax",
        "spectrum.xi": 0.0,
        "spectrum.eta": 0.5,
    }
    assert sweep.ensemble(47).d == 8
    assert sweep.ensemble(47).attention.normalizer == "clipped_linear"


def test_three_ways_to_write_an_axis() -> None:
    text = 'd = 4\nT = 8\nobservables = ["entropy"]\n[spectrum]\nlaw = "point"\n[sweep]\n'
    one = Sweep.from_toml(text + '"spectrum.location" = [0.0, 0.5]')
    assert one == Sweep.from_toml(text + "spectrum.location = [0.0, 0.5]")
    assert one == Sweep.from_toml(text + '[sweep.combos]\n"spectrum.location" = [0.0, 0.5]')
    assert one != Sweep.from_toml(text + '"spectrum.location" = [0.0, 0.6]')


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cases": [{"d": 6}, {"d": 7}]},
        {"samples": 3},
        {"samples": None, "refine": "phase", "min_samples": 5, "max_samples": 5000},
    ],
)
def test_toml_and_back(changes: dict[str, Any]) -> None:
    sweep = Sweep.from_dict(spec(**changes))
    again = Sweep.from_toml(sweep.to_toml())
    assert again == sweep
    assert again.hash == sweep.hash
    assert [again.table(cell) for cell in range(again.cells)] == [
        sweep.table(cell) for cell in range(sweep.cells)
    ]


def test_the_hash_is_that_of_everything_but_the_goal() -> None:
    sweep = Sweep.from_dict(SPEC)
    assert sweep.replace(goal=Goal(5)).hash == sweep.hash
    assert sweep.replace(goal=Goal(5, 0.1)).hash == sweep.hash
    for changes in ({"seed": 6}, {"delta": 1e-3}, {"draws": "independent"}, {"predictions": True}):
        assert Sweep.from_dict(spec(**changes)).hash != sweep.hash
    assert Sweep.from_dict({**SPEC, "d": 7}).hash != sweep.hash
    assert Sweep.from_dict({**SPEC, "observables": ["entropy"]}).hash != sweep.hash


def test_arrays_become_part_of_the_sweep(tmp_path: Path) -> None:
    """So that the spec in the output folder can be run from anywhere."""
    np.save(tmp_path / "w.npy", np.diag([1.0, 2.0]))
    (tmp_path / "spec.toml").write_text(
        'd = 2\nT = 4\nobservables = ["entropy"]\n[matrix]\nW = "@w.npy"\n'
        '[sweep]\n"attention.temperature" = [1.0, 2.0]\n'
    )
    sweep = read_sweep(tmp_path / "spec.toml")
    assert sweep.template["matrix"]["W"] == [[1.0, 0.0], [0.0, 2.0]]
    assert Sweep.from_toml(sweep.to_toml()).ensemble(1) == sweep.ensemble(1)


def test_infeasible_cells_are_no_error_of_the_sweep() -> None:
    reasons = Cells(Sweep.from_dict(SPEC)).infeasible
    assert sorted(reasons) == [8, 9, 20, 21]  # xi = 3, eta < 9/6, for both normalisers
    assert "eta = 0.5 is infeasible with xi = 3.0" in reasons[8]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no table": ({"sweep": None}, "sweep = None: expected a table"),
    "no axis": ({"sweep": {"samples": 3}}, "has no axis"),
    "unknown axis": ({"sweep": {"spectrum.etta": [1.0]}}, "did you mean 'spectrum.eta'?"),
    "unknown table": ({"sweep": {"spektrum.eta": [1.0]}}, "did you mean 'spectrum.eta'?"),
    "unquoted": ({"sweep": {"spektrum": {"eta": [1.0]}}}, "unknown axis 'spektrum'"),
    "setting": ({"sweep": {"d": [4], "sampels": 3}}, "unknown axis 'sampels'"),
    "no values": ({"sweep": {"d": []}}, r"d = \[\]: expected 1 to"),
    "text": ({"sweep": {"d": "4"}}, "d = '4': expected a list of values"),
    "mixed": ({"sweep": {"d": [4, "x"]}}, "d = 'x': expected finite numbers, or names"),
    "nan": ({"sweep": {"spectrum.xi": [float("nan")]}}, "xi = nan: expected finite"),
    "nested": ({"sweep": {"spectrum.xi": [[1.0]]}}, r"xi = \[1.0\]: expected finite"),
    "twice": ({"sweep": {"d": [4, 5, 4]}}, "4 is twice"),
    "axis twice": ({"sweep": {"d": [4], "combos": {"d": [5]}}}, "'d' is given twice"),
    "range": ({"sweep": {"d": {"start": 1, "num": 3}}}, "d.stop is missing"),
    "range key": ({"sweep": {"d": {"start": 1, "stpo": 3}}}, "did you mean 'stop'?"),
    "log of 0": (
        {"sweep": {"spectrum.eta": {"start": 0, "stop": 1, "num": 3, "scale": "log"}}},
        "eta.start = 0.0: expected a finite number > 0",
    ),
    "too many": (
        {"sweep": {"d": {"start": 1, "stop": 1e6, "num": 10**6}, "spectrum.xi": list(range(11))}},
        "cells = 11000000: expected 1 to 10000000",
    ),
    "cases": ({"sweep": {"cases": 3}}, "cases = 3: expected a list of tables"),
    "case names": ({"sweep": {"cases": [{"d": 4}, {"T": 4}]}}, "the same names in each case"),
    "case value": ({"sweep": {"cases": [{"d": [4]}]}}, r"d = \[4\]: expected finite"),
    "case and axis": ({"sweep": {"d": [4], "cases": [{"d": 5}]}}, "'d' is given twice"),
    "samples": ({"sweep": {"d": [4], "samples": 0}}, "samples = 0: expected an integer >= 1"),
    "both goals": (
        {"sweep": {"d": [4], "samples": 5, "target_half_width": 0.1}},
        "samples or target_half_width, not both",
    ),
    "target": ({"sweep": {"d": [4], "target_half_width": 0.0}}, "target_half_width = 0.0"),
    "most": ({"sweep": {"d": [4], "max_samples": 9}}, "a target_half_width or a refine beside it"),
    "least": ({"sweep": {"d": [4], "min_samples": 9}}, "a refine beside it"),
    "refine what": ({"sweep": {"d": [4], "refine": "phases"}}, "did you mean 'phase'?"),
    "two goals": (
        {"sweep": {"d": [4], "refine": "phase", "samples": 9}},
        "samples or refine, not both",
    ),
    "least above most": (
        {"sweep": {"d": [4], "refine": "phase", "min_samples": 9, "max_samples": 8}},
        "min_samples = 9: expected an integer >= 1 and <= 8",
    ),
    "nothing to tell phases by": (
        {"observables": ["participation"], "sweep": {"d": [4], "refine": "phase"}},
        "refine = 'phase': expected an observable that phases are told by",
    ),
    "a normaliser without a profile": (
        {
            "observables": ["rho_at_0.5", "rho_at_1"],
            "sweep": {"attention.normalizer": ["clipped_linear", "softmax"], "refine": "phase"},
        },
        "expected an observable that phases are told by",
    ),
    "seed": ({"sweep": {"d": [4], "seed": -1}}, "seed = -1: expected an integer >= 0"),
    "delta": ({"sweep": {"d": [4], "delta": 1.0}}, "delta = 1.0: expected"),
    "draws": ({"sweep": {"d": [4], "draws": "comon"}}, "did you mean 'common'?"),
    "predictions": ({"sweep": {"d": [4], "predictions": 1}}, "expected true or false"),
    "observable": ({"observables": ["entrpy"]}, "did you mean 'entropy'?"),
    "vector over T": (
        {"observables": ["profile"], "sweep": {"T": [4, 8]}},
        "scalar ones: T, the number of keys, varies",
    ),
    "key": ({"spectrm": {}}, "did you mean 'spectrum'?"),
    "nowhere feasible": ({"sweep": {"d": [0, -1]}}, "no cell of the sweep is feasible; .*d = 0"),
    "always the same": ({"spectrum": {"law": "semicircel"}}, "^unknown spectral law 'semicircel'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    changes, message = REFUSED[name]
    table = {**SPEC, **changes}
    with pytest.raises(ValueError, match=message) as refusal:
        Cells(Sweep.from_dict(table))
    assert type(refusal.value) is ValueError
    assert "\n" not in str(refusal.value)


def test_grid_sets_the_sizes_of_ranges() -> None:
    assert Sweep.from_dict(SPEC, grid=(7,)).shape == (2, 3, 7)
    with pytest.raises(ValueError, match=r"grid = '7x8': expected .* range \(spectrum.eta\)"):
        Sweep.from_dict(SPEC, grid=(7, 8))
    with pytest.raises(ValueError, match="num = 0: expected an integer >= 1"):
        Sweep.from_dict(SPEC, grid=(0,))


def test_goals_are_looked_at_after_the_same_rounds_from_anywhere() -> None:
    goal = Goal(50_000, 0.01)
    rounds = list(goal.rounds())
    assert rounds == [1024, 2048, 4096, 8192, 16384, 32768, 50_000]
    for n in range(0, 60_000, 501):
        assert list(goal.rounds(n)) == [r for r in rounds if r > n]
        assert goal.is_round(n) == (n in rounds or n >= 50_000)


def test_numbers_of_samples_never_shrink() -> None:
    assert Goal(10).beyond(Goal(20)) == Goal(20)
    assert Goal(30).beyond(Goal(20)) == Goal(30)
    assert Goal(30, 0.1).beyond(Goal(50)) == Goal(30, 0.1)


@pytest.mark.parametrize("name", sweep_preset_names())
def test_presets_have_feasible_cells(name: str) -> None:
    ranges = tomllib.loads((PRESETS / f"{name}.toml").read_text("utf-8"))["sweep"].values()
    grid = (3,) * sum(isinstance(values, dict) for values in ranges)
    sweep = read_sweep_preset(name, grid)
    assert sweep.shape[-len(grid) :] == grid
    assert len(Cells(sweep).infeasible) < sweep.cells
    with pytest.raises(ValueError, match="did you mean"):
        read_sweep_preset(name[:-1])


def test_names_of_the_surface() -> None:
    assert qk.Sweep is Sweep
    assert repr(Sweep.from_dict(SPEC)).startswith("Sweep(attention.normalizer: 2, spectrum.xi: 3")
