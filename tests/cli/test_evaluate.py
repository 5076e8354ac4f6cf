"""evaluate: one claim, or a file of many."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from tests.cli.conftest import strict_json

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "localization.public.json").read_text("utf-8")
)
STATEMENTS = ("LOC-1", "LOC-2", "LOC-3", "LOC-4", "LOC-8", "LOC-15")

Run = Callable[..., Result]


def test_one_object_and_nothing_else(run: Run) -> None:
    result = run("evaluate", "LOC-4d", "eta=1e4", "theta=0.5", "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    report = strict_json(result.stdout)
    assert report["claim"] == "LOC-4d"
    assert report["parameters"] == {"eta": 1e4, "theta": 0.5}
    # v(1/2) = 1/12, so rho = (2 pi 1e4/12)^(-1/2).
    assert report["values"] == {"rho_large_eta": pytest.approx(0.0138197659788534, rel=1e-13)}


def test_values_in_words(run: Run) -> None:
    assert run("evaluate", "LOC-4e").stdout.startswith("eta_star = 5.285811521517")


def test_json_text_files_and_hyphens_are_values(run: Run, tmp_path: Path) -> None:
    W = [[1.0, 0.0], [2.0, -1.0]]
    np.save(tmp_path / "w.npy", np.array(W))
    common = ("Sigma=[[2, 1], [1, 3]]", "temperature=2", "T=7", "key=2")
    by_text = run("evaluate", "LOC-1a", f"W_QK={W}", *common, "key_2=5", "--json")
    by_file = run("evaluate", "LOC-1a", "W-QK=@w.npy", *common, "key-2=5", "--json")
    assert strict_json(by_text.stdout)["values"]["cov_logit"] == pytest.approx(136.0, rel=1e-12)
    assert strict_json(by_file.stdout)["values"] == strict_json(by_text.stdout)["values"]
    assert strict_json(by_file.stdout)["parameters"]["W_QK"] == "@w.npy"


def test_the_public_vectors_pass(run: Run, tmp_path: Path) -> None:
    """Every public vector of the chapter's heart, through the command that a user types."""
    vectors = [v for v in VECTORS if v["id"].rstrip("abcdefg") in STATEMENTS]
    assert {v["id"].rstrip("abcdefg") for v in vectors} == set(STATEMENTS)
    assert len(vectors) >= 50
    (tmp_path / "batch.json").write_text(json.dumps(vectors))
    result = run("evaluate", "--batch", "batch.json", "--json")
    assert result.exit_code == 0
    answers = strict_json(result.stdout)
    assert [a["claim"] for a in answers] == [v["id"] for v in vectors]
    misses = []
    for vector, answer in zip(vectors, answers, strict=True):
        for name, want in vector["values"].items():
            got = np.asarray(answer.get("values", {}).get(name, np.nan))
            allowed = vector["atol"] + vector["rtol"] * np.abs(want)
            if got.shape != np.shape(want) or not (np.abs(got - want) <= allowed).all():
                misses.append((vector["id"], name, want, answer))
    assert not misses, misses[:3]


def test_a_failing_entry_stops_nothing(run: Run, tmp_path: Path) -> None:
    entries = [
        '{"id": "LOC-4d", "parameters": {"eta": 1.0, "theta": 0.5}}',
        '{"id": "LOC-4d", "parameters": {"eta": NaN, "theta": 0.5}}',
        '{"id": "LOC-4d", "parameters": {"eta": 1e999, "theta": 0.5}}',
        '{"id": "LOC-4x", "parameters": {}}',
        '{"id": "LOC-4d", "parameters": {"self": 1}}',
        '{"id": "LOC-4d", "parameters": [1]}',
        '{"parameters": {}}',
        "3",
        '{"id": "LOC-4d", "parameters": {"eta": 2.0, "theta": 0.5}}',
    ]
    (tmp_path / "batch.json").write_text("[" + ",".join(entries) + "]")
    result = run("evaluate", "--batch", "batch.json", "--json")
    assert result.exit_code == 0
    answers = strict_json(result.stdout)
    assert [set(a) - {"claim", "parameters"} for a in answers] == [
        {"values"},
        *[{"error"}] * 7,
        {"values"},
    ]
    # An error that names a Python exception would be a fault of ours.
    assert not [a for a in answers if "Error:" in a.get("error", "")]


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[1,", "[" * 100_000, '"LOC-1a"', "\xff\xfe", "9" * 5000]
)
def test_an_unusable_file_is_bad_input(run: Run, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "batch.json").write_bytes(content.encode("latin-1"))
    result = run("evaluate", "--batch", "batch.json", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("qktheory: error: --batch = 'batch.json': expected ")


def test_a_batch_from_stdin(run: Run) -> None:
    from click.testing import CliRunner

    from qktheory.cli import main

    text = '[{"id": "LOC-4e", "parameters": {}}]'
    result = CliRunner().invoke(main, ["evaluate", "--batch", "-", "--json"], input=text)
    assert strict_json(result.stdout)[0]["values"]["center_to_edge_ratio"] == pytest.approx(7**0.5)
