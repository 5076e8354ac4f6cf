"""The program as a whole: speed of help, failures in one line, pipes, signals."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from tests.cli.conftest import strict_json

Run = Callable[..., Result]
Shell = Callable[..., subprocess.CompletedProcess[str]]

HEAVY = ("numpy", "scipy", "sympy", "numba", "matplotlib", "rich", "xarray")
SIZES = "d = 4\nT = 8\n"
POINT = '[spectrum]\nlaw = "point"\nlocation = 0.1\n'


@pytest.mark.parametrize("words", [["--help"], ["verify", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys; from qktheory.cli import main; "
        f"main({words!r}, standalone_mode=False); "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_version_and_both_ways_to_start(shell: Shell) -> None:
    from qktheory import __version__

    assert shell("--version").stdout == f"qktheory {__version__}\n"
    script = "import sys; from qktheory.cli import main; sys.argv[1:] = ['--version']; main()"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == f"qktheory {__version__}\n"


SPECS = {
    "infeasible": (SIZES + '[spectrum]\nlaw="semicircle"\nxi=4.0\neta=1.0\n', "infeasible"),
    "sigma": (
        SIZES + POINT + '[tokens]\nlaw="iid"\ncovariance=[[1,2,0,0],[2,1,0,0],[0,0,1,0],[0,0,0,1]]',
        "negative eigenvalue",
    ),
    "shapes": (SIZES + '[matrix]\nmodel="data"\nW=[[1,2],[3,4]]\n', "d = 4"),
    "no tokens": ("d = 4\nT = 0\n" + POINT, "T = 0: expected an integer >= 1"),
    "T beyond memory": ("d = 4\nT = 1000000000000\n" + POINT, "GB of memory"),
    "d beyond memory": ("d = 1000000000000\nT = 4\n" + POINT, "GB of memory"),
    "W beyond memory": (
        'd = 1000000\nT = 4\n[matrix]\nmodel="gaussian_factors"\nd_k=1000000\n',
        "GB of memory",
    ),
    "huge integer": (f"d = 4\nT = 1{'0' * 400}\n" + POINT, "T = 1"),
    "unknown key": (SIZES + '[spectrum]\nlaw="point"\nlocatoin=0.1\n', "did you mean 'location'?"),
    "unknown table": (SIZES + POINT + "[tokns]\n", "did you mean 'tokens'?"),
    "unknown law": (SIZES + '[spectrum]\nlaw="semicircel"\n', "did you mean 'semicircle'?"),
    "unknown observable": ('observables=["entrpy"]\n' + SIZES + POINT, "did you mean 'entropy'?"),
    "nan": (SIZES + '[spectrum]\nlaw="point"\nlocation=nan\n', "location = nan"),
    "inf": (SIZES + '[spectrum]\nlaw="point"\nxi=inf\neta=1.0\n', "xi = inf"),
    "overflow": (SIZES + '[spectrum]\nlaw="point"\nlocation=1e300\n', "temperature"),
    "no toml": ("d = = 3", "not valid TOML"),
    "empty": ("", "d is missing"),
    "no file": (SIZES + '[matrix]\nmodel="data"\nW="@nope.npy"\n', "no such file"),
    "complex": (SIZES + '[matrix]\nmodel="data"\nW="@complex.npy"\n', "complex"),
    "nan in a file": (SIZES + '[matrix]\nmodel="data"\nW="@nan.npy"\n', "nan"),
    "no array": (SIZES + '[matrix]\nmodel="data"\nW="@text.npy"\n', "text.npy"),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_bad_specification_is_one_line_and_status_2(run: Run, name: str) -> None:
    text, words = SPECS[name]
    Path("bad.toml").write_text(text)
    np.save("complex.npy", 1j * np.eye(4))
    np.save("nan.npy", np.full((4, 4), np.nan))
    Path("text.npy").write_text("no array")
    for command in (["compare", "bad.toml", "--samples", "10"], ["claims", "--for", "bad.toml"]):
        if command[0] == "claims" and name in ("T beyond memory", "unknown observable"):
            continue
        result = run(*command)
        if command[0] == "claims" and result.exit_code == 0:
            continue  # The catalogue may be able to tell without the number that is bad.
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("qktheory: error: ")
        assert words in result.stderr
        assert len(result.stderr) < 400


BAD_LINES = [
    ("verify LOC-4z", "did you mean 'LOC-4"),
    ("verify LOC-4d --budget quik", "did you mean 'quick'?"),
    ("verify LOC-4d --threads 0", "threads = 0: expected an integer >= 1"),
    ("verify LOC-4d --delta 2", "delta = 2.0: expected"),
    ("verify LOC-4d --delta 0", "delta = 0.0: expected"),
    ("verify LOC-4d --delta nan", "delta = nan: expected"),
    ("verify LOC-4d --seed -1", "seed = -1: expected an integer >= 0"),
    ("verify LOC-4d --seed 1.5", "--seed"),
    ("verify LOC-4d --json no/such/folder.json", "existing folder"),
    ("verify LOC-4d --json .", "a file, not a folder"),
    ("verify LOC-4d --report spec.toml", "a folder, not a file"),
    ("verify nothing.py", "an existing Python file"),
    ("verify spec.toml", "unknown claim"),
    ("verify --bugdet quick", "--budget"),
    ("compare", "expected SPEC.toml or --preset NAME"),
    ("compare spec.toml --preset iid", "both given"),
    ("compare nope.toml", "a readable TOML file"),
    ("compare .", "a readable TOML file"),
    ("compare --preset random-wlak", "did you mean 'random_walk'?"),
    ("compare spec.toml --samples 0", "samples = 0: expected an integer >= 1"),
    ("compare spec.toml --samples 1e4", "--samples"),
    ("compare spec.toml --threads 0", "threads = 0"),
    ("compare spec.toml --seed -3", "seed = -3: expected an integer >= 0"),
    ("compare spec.toml --delta 1", "delta = 1.0"),
    ("compare spec.toml --plot figure.gif", ".png, .svg or .pdf"),
    ("compare spec.toml --plot no/such/figure.png", "existing folder"),
    ("claims --for nope.toml", "a readable TOML file"),
    ("show mine.py", "expected an existing Python file"),
    ("show LOC-77", "unknown claim 'LOC-77'"),
    ("show", "Missing argument"),
    ("evaluate", "missing"),
    ("evaluate LOC-4", "expected one of LOC-4a"),
    ("evaluate LOC-4d", "eta is missing"),
    ("evaluate LOC-4d eta=1 eta=2 theta=0", "eta is given twice"),
    ("evaluate LOC-4d eta", "expected NAME=VALUE"),
    ("evaluate LOC-4d eta=1 tehta=0", "did you mean 'theta'?"),
    ("evaluate LOC-4d eta=NaN theta=0", "eta = nan"),
    ("evaluate LOC-4d eta=1 theta=-Infinity", "theta = -inf"),
    ("evaluate LOC-4d eta=[1 theta=0", "eta = '[1'"),
    ("evaluate LOC-4d eta=true theta=0", "eta = True"),
    (f"evaluate LOC-3a xi=1 eta=1 eta_F=1 key=1 T={'9' * 5000}", "T = '999"),
    ("evaluate LOC-3b eigenvalues=[0,0] T=8 key=1", "at least one that is not 0"),
    ("evaluate LOC-1a W_QK=@nope.npy T=3 key=1 key_2=1", "no such file"),
    ("evaluate LOC-1a W_QK=[[1,2]] T=3 key=1 key_2=1", "a square matrix"),
    ("evaluate LOC-4e --batch nope.json", "no ID beside it"),
    ("evalute LOC-4e", "did you mean 'evaluate'?"),
    ("--verbose", "--verbose"),
]


@pytest.mark.parametrize(("line", "words"), BAD_LINES, ids=[line[:60] for line, _ in BAD_LINES])
def test_bad_input_is_one_line_and_status_2(run: Run, line: str, words: str) -> None:
    result = run(*line.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("qktheory: error: ")
    assert words in result.stderr
    assert len(result.stderr) < 400


@pytest.mark.parametrize(
    "content", ["", "1/0", "import sys; sys.exit(0)", "def", "raise KeyError('x')"]
)
def test_a_broken_file_of_claims_is_bad_input(run: Run, content: str) -> None:
    Path("mine.py").write_text(content)
    result = run("verify", "mine.py")
    assert result.exit_code == 2
    *_, last = result.stderr.strip().split("\n")  # after a traceback, which is theirs
    assert last.startswith("qktheory: error: ")
    assert "mine.py" in last
    assert "theorems/catalogue.py" not in result.stderr


def test_a_fault_of_ours_is_called_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import qktheory.theorems.catalogue as catalogue

    def broken(*args: object, **parameters: object) -> None:
        raise np.linalg.LinAlgError("no convergence")

    monkeypatch.setattr(catalogue, "evaluate", broken)
    result = run("evaluate", "LOC-4e")
    assert result.exit_code == 1
    assert "internal error: LinAlgError: no convergence (set QKTHEORY_DEBUG=1" in result.stderr
    monkeypatch.setenv("QKTHEORY_DEBUG", "1")
    assert "Traceback (most recent call last)" in run("evaluate", "LOC-4e").stderr


def test_memory_that_runs_out_is_bad_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import qktheory.theorems.catalogue as catalogue

    def greedy(*args: object, **parameters: object) -> None:
        raise MemoryError("Unable to allocate 1 PiB")

    monkeypatch.setattr(catalogue, "evaluate", greedy)
    result = run("evaluate", "LOC-4e")
    assert result.exit_code == 2
    assert "more memory than there is: Unable to allocate 1 PiB" in result.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m qktheory show LOC-15b | head -n 1"
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True
    )
    assert result.stdout.startswith("LOC-15b")
    assert result.stderr == ""


def test_a_terminal_without_unicode_gets_a_page(shell: Shell) -> None:
    result = shell("show", "LOC-4d", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    assert result.stdout.isascii()
    result = shell("verify", "LOC-4d", PYTHONIOENCODING="ascii", COLUMNS="80")
    assert result.returncode == 0


def test_progress_stays_off_pipes(shell: Shell) -> None:
    result = shell("compare", "spec.toml", "--samples", 1000)
    assert result.returncode == 0
    assert result.stderr == ""
    assert "\x1b" not in result.stdout


@pytest.mark.slow
def test_ctrl_c_reports_the_samples_that_are_done(tmp_path: Path) -> None:
    """A real SIGINT in the middle of sampling: numbers, a JSON file, status 130, no traceback."""
    (tmp_path / "spec.toml").write_text(SIZES + POINT)
    script = (
        "import os, signal, threading\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import qktheory.verification.compare as room\n"
        "extend = room.Simulation.extend\n"
        "def watched(self, samples, progress):\n"
        "    def report(done):\n"
        "        progress(done)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return extend(self, samples, report)\n"
        "room.Simulation.extend = watched\n"
        "from qktheory.cli import main\n"
        "main(['compare', 'spec.toml', '--samples', '1000000000', '--json', 'done.json'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 130 == 128 + signal.SIGINT
    assert "Traceback" not in result.stderr
    assert "Interrupted after" in " ".join(result.stdout.split())
    assert 0 < strict_json((tmp_path / "done.json").read_text())["samples"] < 10**9
