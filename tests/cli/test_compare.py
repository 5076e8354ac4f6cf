"""compare: predictions beside a simulation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

import qktheory as qk
from qktheory.simulation.ensemble import Ensemble
from tests.cli.conftest import strict_json

Run = Callable[..., Result]


def test_the_report_has_the_promised_form(run: Run) -> None:
    result = run("compare", "spec.toml", "--samples", 2000, "--json", "-")
    assert result.exit_code == 0
    report = strict_json(result.stdout)
    assert set(report) >= {"version", "ensemble", "seed", "samples", "delta", "observables"}
    assert (report["seed"], report["samples"], report["delta"]) == (0, 2000, 1e-6)
    assert Ensemble.from_dict(report["ensemble"]).T == 8
    entropy, rho = report["observables"]["entropy"], report["observables"]["rho"]
    for entry in (entropy, rho):
        assert set(entry) >= {
            *("estimate", "ci", "n", "guarantee", "simulator", "predictions", "agrees")
        }
    assert entropy["ci"][0] < entropy["estimate"] < entropy["ci"][1]
    assert entropy["agrees"] is None  # No claim predicts it for a random walk.
    assert [len(rho["estimate"]), len(rho["ci"][0]), len(rho["ci"][1])] == [8, 8, 8]
    assert rho["agrees"] is True
    kinds = {p["claim"]: p["prediction_kind"] for p in rho["predictions"]}
    assert kinds["LOC-3b"] == "exact"
    assert kinds["LOC-3a"] == "asymptotic"


def test_the_report_is_that_of_the_function(run: Run) -> None:
    report = strict_json(run("compare", "spec.toml", "--samples", 700, "--json", "-").stdout)
    table = {
        "d": 4,
        "T": 8,
        "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
        "tokens": {"law": "random_walk"},
    }
    assert report == qk.compare(table, ["entropy", "rho"], samples=700).to_dict()


@pytest.mark.parametrize("preset", ["random-walk", "iid"])
def test_presets(run: Run, preset: str) -> None:
    result = run("compare", "--preset", preset, "--samples", 500)
    assert result.exit_code == 0
    assert "agrees" in result.stdout
    assert "DISAGREES" not in result.stdout


def test_variants_are_compared_one_by_one(run: Run, tmp_path: Path) -> None:
    """The circle: three networks, a report and a figure of all of them."""
    picture = tmp_path / "circle.png"
    result = run("compare", "--preset", "circle", "--json", "-", "--plot", picture)
    assert result.exit_code == 0
    report = strict_json(result.stdout)["variants"]
    assert list(report) == ["w = 1", "w = 20", "w = 1, skip"]
    gap = report["w = 20"]["observables"]["log10_diameter"]["estimate"]
    assert gap[3] == pytest.approx(float(np.log10(0.1717968567)), abs=1e-9)
    assert report["w = 1"]["samples"] == 2
    assert picture.stat().st_size > 10_000
    text = run("compare", "--preset", "circle").stdout
    assert "== w = 1, skip" in text
    assert "layer 0" in text


@pytest.mark.parametrize("width", ["80", "140"])
def test_every_observable_has_its_lines(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    text = run("compare", "spec.toml", "--samples", 500).stdout
    assert max(len(line) for line in text.splitlines()) <= int(width)
    for words in (
        "entropy: range [0, 2.0794], n = 500, finite-sample interval",
        "no claim of the catalogue predicts it here",
        "LOC-3b exact",
        "key 1 key 4 key 8 off by (hw)",
        "not judged",
        "1e-06",
        "seed 0",
    ):
        assert words in " ".join(text.split()), words


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_plot_is_written_as_a_whole(run: Run, tmp_path: Path, suffix: str) -> None:
    name = f"figure.{suffix}"
    assert run("compare", "spec.toml", "--samples", 300, "--plot", name).exit_code == 0
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    content = (tmp_path / name).read_bytes()
    assert content.startswith(start)
    assert suffix == "pdf" or b"300 samples" in content
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["spec.toml", name])


def test_threads_change_no_bit_and_seeds_do(run: Run) -> None:
    def report(*options: object) -> str:
        return run("compare", "spec.toml", "--samples", 3000, "--json", "-", *options).stdout

    assert report("--threads", 1) == report("--threads", 2)
    assert report("--seed", 0) == report()
    assert report("--seed", 1) != report()


def test_an_interrupt_reports_what_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    import qktheory.cli.output as output

    def report(line: str, done: int, total: int) -> None:
        if line == "sampling":
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(unit: str):
        yield report

    quiet = output.progress_line
    monkeypatch.setattr(output, "progress_line", interrupting)
    result = run("compare", "spec.toml", "--samples", 10_000_000, "--json", "done.json")
    assert result.exit_code == 130
    done = strict_json(Path("done.json").read_text())
    assert 0 < done["samples"] < 10_000_000
    assert f"Interrupted after {done['samples']} of 10000000 samples" in " ".join(
        result.stdout.split()
    )
    # The same samples without an interrupt give the same numbers.
    monkeypatch.setattr(output, "progress_line", quiet)
    again = run("compare", "spec.toml", "--samples", done["samples"], "--json", "-")
    assert strict_json(again.stdout)["observables"] == done["observables"]


def test_disagreement_is_the_content_not_a_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qktheory.theorems.predictions as room

    original = room._predict

    def shifted(*args: object) -> room.Prediction:
        p = original(*args)
        return room.Prediction(p.claim, p.kind, np.asarray(p.value) + 0.5, p.error)

    monkeypatch.setattr(room, "_predict", shifted)
    result = run("compare", "spec.toml", "--samples", 4000)
    assert result.exit_code == 0
    assert "DISAGREES" in result.stdout
    assert "Predictions DISAGREE with the simulation: rho." in result.stdout
