"""``qktheory phase`` and ``qktheory status``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray
from click.testing import Result

from qktheory.simulation.simulate import simulate

Run = Callable[..., Result]

SWEEP = """
d = 4
T = 8
observables = ["entropy"]
[spectrum]
law = "semicircle"
[tokens]
law = "iid"
[sweep]
"spectrum.xi" = [0.0, 3.0]
"spectrum.eta" = { start = 1.0, stop = 4.0, num = 3 }
samples = 600
"""


@pytest.fixture
def folder(tmp_path: Path, run: Run) -> Path:
    (tmp_path / "sweep.toml").write_text(SWEEP)
    return tmp_path


def test_a_sweep_and_its_status(run: Run, folder: Path) -> None:
    result = run("phase", "sweep.toml", "-o", "out", "--seed", 3, "--executor", "threads")
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "6 cells: 5 done, 1 infeasible; 600 samples a cell" in text
    dataset = xarray.load_dataset(folder / "out" / "result.nc", engine="h5netcdf")
    assert dataset.attrs["seed"] == "3"
    alone = simulate(
        {"d": 4, "T": 8, "spectrum": {"law": "semicircle", "xi": 0.0, "eta": 2.5},
         "tokens": {"law": "iid"}},
        ["entropy"], samples=600, seed=3,
    )  # fmt: skip
    assert float(dataset["entropy_mean"][0, 1]) == float(alone["entropy"])
    status = run("status", "out")
    assert status.exit_code == 0
    assert "5 done" in status.stdout
    assert "3000 samples drawn" in status.stdout
    again = run("phase", "out/spec.toml", "-o", "out", "--samples", 700)
    assert "700 samples a cell" in again.stdout


def test_grid_and_accuracy(run: Run, folder: Path) -> None:
    result = run("phase", "sweep.toml", "-o", "out", "--grid", "2", "--target-half-width", 0.5)
    assert result.exit_code == 0, result.stderr
    assert "4 cells: 3 done, 1 infeasible; 1024 samples a cell" in " ".join(result.stdout.split())


def test_a_dry_run_writes_nothing(run: Run, folder: Path) -> None:
    before = sorted(folder.iterdir())
    result = run("phase", "sweep.toml", "-o", "out", "--dry-run")
    assert result.exit_code == 0
    assert "6 cells, 1 infeasible, 600 samples each" in result.stdout
    assert "estimated time: " in result.stdout
    assert sorted(folder.iterdir()) == before
    preset = run("phase", "--preset", "localization", "--grid", "2x2", "--samples", 1, "--dry-run")
    assert preset.exit_code == 0, preset.stderr


REFUSED = {
    "no folder": (["phase", "sweep.toml"], "expected -o DIR"),
    "no sweep": (["phase", "-o", "out"], "expected SPEC.toml or --preset NAME"),
    "both": (["phase", "sweep.toml", "--preset", "localization"], "expected one of them"),
    "no table": (["phase", "spec.toml", "-o", "out"], "sweep = None: expected a table of axes"),
    "no file": (["phase", "nope.toml", "-o", "out"], "SPEC = 'nope.toml'"),
    "preset": (["phase", "--preset", "localisation"], "did you mean 'localization'?"),
    "goals": (
        ["phase", "sweep.toml", "-o", "out", "--samples", "5", "--target-half-width", "0.1"],
        "samples or target_half_width, not both",
    ),
    "most": (
        ["phase", "sweep.toml", "-o", "out", "--max-samples", "5"],
        "max_samples = 5: expected a target_half_width or a refine beside it",
    ),
    "refine": (
        ["phase", "sweep.toml", "-o", "out", "--refine", "all"],
        "unknown value of refine 'all'; known: phase",
    ),
    "grid": (["phase", "sweep.toml", "-o", "out", "--grid", "4by4"], "numbers such as 64x64"),
    "grid axes": (["phase", "sweep.toml", "-o", "out", "--grid", "4x4"], "each axis that is a"),
    "seed": (["phase", "sweep.toml", "-o", "out", "--seed", "-1"], "seed = -1"),
    "executor": (["phase", "sweep.toml", "-o", "out", "--executor", "thread"], "'threads'?"),
    "workers": (["phase", "sweep.toml", "-o", "out", "--workers", "0"], "workers = 0"),
    "dask": (["phase", "sweep.toml", "-o", "out", "--executor", "processes=2"], "unknown executor"),
    "status": (["status", "."], "holds no sweep"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(run: Run, folder: Path, name: str) -> None:
    words, message = REFUSED[name]
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "out").exists()


def test_an_interrupt_says_how_to_go_on(folder: Path) -> None:
    """A real SIGINT in the middle of sampling: status 130, no traceback, and the run can go on."""
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import qktheory.phase.run as room\n"
        "merge = room._Runner._merge\n"
        "def watched(self, *rest):\n"
        "    merge(self, *rest)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "room._Runner._merge = watched\n"
        "from qktheory.cli import main\n"
        "main(['phase', 'sweep.toml', '-o', 'out', '--samples', '10000000'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ},
        check=False,
    )
    assert result.returncode == 130 == 128 + signal.SIGINT
    assert "Traceback" not in result.stderr
    assert "the same command goes on from there" in result.stderr
