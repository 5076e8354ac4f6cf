"""Whatever happens to the folder of a sweep: a clear refusal, and nothing committed is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xarray

import qktheory as qk
import qktheory.phase.journal as journal_room
import qktheory.phase.run as run_room
from qktheory.phase.journal import JOURNAL_NAME, Journal
from qktheory.phase.lock import exclusive
from qktheory.phase.status import sweep_status
from tests.phase.cases import SPEC, same, spec


def run(folder: Path, table: dict[str, Any] = SPEC, **keywords: Any) -> xarray.Dataset:
    return qk.phase_diagram(table, folder, workers=1, **keywords).to_xarray()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    run(folder)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "sweep"))


def test_what_a_finished_sweep_leaves(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"spec.toml", "journal.sqlite", "journal.lock", "result.nc"}


def damage(path: Path, kind: str) -> None:
    content = path.read_bytes()
    half = len(content) // 2
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(content[:half])
    elif kind == "truncated header":
        path.write_bytes(content[:50])
    elif kind == "text":
        path.write_text("a text that somebody left here\n" * 40)
    elif kind == "foreign":
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (x)")
        connection.close()
    elif kind == "later format":
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif kind == "flipped state":
        with sqlite3.connect(path) as connection:
            (state,) = connection.execute("SELECT state FROM cells WHERE cell = 3").fetchone()
            flipped = bytes([state[-9] ^ 1]).join([state[:-9], state[-8:]])
            connection.execute("UPDATE cells SET state = ? WHERE cell = 3", (flipped,))
        connection.close()


DAMAGES = {
    "empty": "is empty, a truncated file",
    "truncated": "is damaged or no journal",
    "truncated header": "is not the journal of a sweep",
    "text": "is damaged or no journal .*not a database",
    "foreign": "is not the journal of a sweep",
    "later format": "has format 99, this version of qktheory reads format 1",
    "flipped state": "record of cell 3 has a wrong checksum",
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_journal_is_refused_and_left_alone(folder: Path, kind: str) -> None:
    path = folder / JOURNAL_NAME
    damage(path, kind)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=DAMAGES[kind]) as refusal:
        run(folder, samples=800)
    assert "\n" not in str(refusal.value)
    if kind != "flipped state":
        assert path.read_bytes() == before
        with pytest.raises(ValueError, match=DAMAGES[kind]):
            list(Journal.read(folder).records())


def test_a_folder_of_another_sweep_is_refused(folder: Path) -> None:
    before = (folder / "result.nc").read_bytes()
    for other in (spec(seed=6), {**SPEC, "d": 7}, {**SPEC, "observables": ["entropy"]}):
        with pytest.raises(ValueError, match=r"holds another sweep .*only the number of samples"):
            run(folder, other)
    assert (folder / "result.nc").read_bytes() == before
    assert qk.Sweep.from_toml((folder / "spec.toml").read_text("utf-8")) == qk.Sweep.from_dict(SPEC)


def test_two_runners_on_one_folder(folder: Path) -> None:
    with (
        exclusive(folder),
        pytest.raises(ValueError, match=rf"in use by another runner \(process {os.getpid()} on"),
    ):
        run(folder)
    run(folder)  # Released.


def test_a_lock_dies_with_its_holder(folder: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom qktheory.phase.lock import exclusive\n"
        f"context = exclusive(Path({str(folder)!r}))\ncontext.__enter__()\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="in use by another runner"):
            run(folder)
        holder.kill()
    run(folder)


def test_status_can_be_asked_while_a_runner_is_at_work(folder: Path) -> None:
    with exclusive(folder), Journal.open(folder):
        assert sweep_status(folder).counts == {"done": 20, "infeasible": 4}


def test_places_that_cannot_be_written_to(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="expected a folder, not a file"):
        run(tmp_path / "file")
    with pytest.raises(ValueError, match=r"cannot be made|can be written"):
        run(Path("/proc/no_such_folder"))
    sound = os.open

    def read_only(path: Any, flags: int, *rest: Any, **keywords: Any) -> int:
        if flags & os.O_RDWR and str(path).endswith(".lock"):
            raise OSError(30, "Read-only file system")
        return sound(path, flags, *rest, **keywords)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(ValueError, match=r"cannot be written to \(Read-only file system\)"):
        run(folder)


def test_a_full_disk_keeps_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite meets the end of its space in mid-run; with more space the run is finished."""
    sound = Journal.open.__func__  # type: ignore[attr-defined]

    def small(cls: type[Journal], folder: Path) -> Journal:
        journal: Journal = sound(cls, folder)
        pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
        journal._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        return journal

    monkeypatch.setattr(journal_room, "COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(Journal, "open", classmethod(small))
    with pytest.raises(ValueError, match="the disk is full; what was committed before is kept"):
        run(tmp_path / "one")
    kept = sweep_status(tmp_path / "one").counts
    assert 0 < kept["missing"] < 20
    monkeypatch.setattr(Journal, "open", classmethod(sound))
    assert same(run(tmp_path / "one"), run(tmp_path / "two"))


def test_samples_of_another_version_are_not_mixed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run_room.versions()
    monkeypatch.setattr(run_room, "versions", lambda: {**here, "numpy": "0.1"})
    run(folder)  # Nothing is drawn, so nothing is mixed.
    with pytest.raises(ValueError, match=r"\(numpy 0\.1 and not .*start again in another folder"):
        run(folder, samples=800)
    monkeypatch.setattr(run_room, "versions", lambda: here)
    run(folder, samples=800)


def test_an_interrupt_keeps_what_came_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(line: str, done: int, total: int) -> None:
        if done > 6:
            raise KeyboardInterrupt

    monkeypatch.setattr("qktheory.phase.plan._MOST_CELLS", 2)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "one", progress=interrupt)
    counts = sweep_status(tmp_path / "one").counts
    assert counts["done"] >= 2
    assert counts["missing"] > 0
    assert not (tmp_path / "one" / "result.nc").exists()
    assert same(run(tmp_path / "one"), run(tmp_path / "two"))


def test_status_of_what_is_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no sweep"):
        sweep_status(tmp_path)
