"""Claims judged by several processes: the same numbers, nothing lost, nobody left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import qktheory as qk
from qktheory.base.processes import start_python
from qktheory.simulation.engine import worker_threads
from qktheory.theorems.catalogue import load_claims
from qktheory.theorems.claim import CLAIMS, register
from qktheory.verification import worker
from qktheory.verification.judge import sampled_targets
from qktheory.verification.judged import Ending, Job, Judged
from qktheory.verification.verdict import Verification
from qktheory.verification.workers import Board, Helpers, shares

#: A limit, a bound, sampled means with and without derivation: cheap ones of every sort.
SELECTION = ["LOC-4a", "LOC-4d", "LOC-8", "LOC-15a"]

#: Three claims of a user's own: one that talks, one whose code fails, one that only the process
#: that was started first knows.
MINE = """
import os
from dataclasses import replace
from qktheory.theorems.claim import CLAIMS, Routine, register

print("read", flush=True)


def talks(value):
    print("judged", flush=True)
    return value


def fails(value):
    raise ZeroDivisionError("on purpose")


def stated(name, compute):
    claim = CLAIMS["LOC-4d"]
    values = {{"rho_large_eta": claim.values["rho_large_eta"]}}
    values["more"] = Routine(claim.values["rho_large_eta"], compute, ("rho_large_eta",))
    register(replace(claim, id=name, values=values))


stated("ZZ-1", talks)
stated("ZZ-2", fails)
if os.getpid() == {here}:
    register(replace(CLAIMS["LOC-4d"], id="ZZ-3"))
"""

#: A claim that kills every process but the one that was started first.
DEADLY = """
import os
import signal
from dataclasses import replace
from qktheory.theorems.claim import CLAIMS, Routine, register


def kills(value):
    if os.getpid() != {here}:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


claim = CLAIMS["LOC-4d"]
values = {{"rho_large_eta": claim.values["rho_large_eta"]}}
values["more"] = Routine(claim.values["rho_large_eta"], kills, ("rho_large_eta",))
register(replace(claim, id="ZZ-9", values=values))
"""


@pytest.fixture(autouse=True)
def no_claim_stays_registered() -> Iterator[None]:
    before = list(CLAIMS)
    yield
    for claim in set(CLAIMS) - set(before):
        del CLAIMS._entries[claim]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that a test starts."""
    processes: list[subprocess.Popen[bytes]] = []

    def note(*args: Any) -> subprocess.Popen[bytes]:
        processes.append(start_python(*args))
        return processes[-1]

    monkeypatch.setattr("qktheory.verification.workers.start_python", note)
    return processes


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process leaves every claim to its helpers, so that a test knows who judges it."""
    take, work_on = Board.take, Helpers.work_on
    feeders: list[threading.Thread] = []

    def note(self: Helpers, board: Board) -> None:
        work_on(self, board)
        feeders.extend(self._feeders)

    def wait(self: Board, report: Callable[[str], None]) -> int | None:
        while self._free and any(feeder.is_alive() for feeder in feeders):
            time.sleep(0.005)
            report(self.line)
        assert self._failure or not (feeders and self._free), "helpers left claims"
        return take(self, report)

    monkeypatch.setattr(Helpers, "work_on", note)
    monkeypatch.setattr(Board, "take", wait)


def numbers(found: Verification) -> str:
    return json.dumps(found.to_dict(), sort_keys=True)


def gone(processes: list[subprocess.Popen[bytes]]) -> bool:
    return len(processes) > 0 and all(p.returncode is not None for p in processes)


def written(path: Path, text: str) -> str:
    path.write_text(text.format(here=os.getpid()))
    return str(path)


@pytest.mark.usefixtures("patient")
def test_workers_change_no_bit(
    tmp_path: Path, started: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    selection = [*SELECTION, written(tmp_path / "mine.py", MINE)]
    load_claims(selection[-1])
    assert capfd.readouterr().out == "read\n"
    alone = qk.verify(selection, seed=3, workers=1)
    assert not started
    printed = capfd.readouterr().out
    assert set(printed.split()) == {"judged"}
    helped = qk.verify(selection, seed=3, workers=2)
    assert gone(started)
    assert numbers(helped) == numbers(alone)
    assert [r.verdict for r in helped.results][-3:] == ["supported", "undecided", "supported"]
    for one, other in zip(alone.results, helped.results, strict=True):
        assert (one.claim, one.complete) == (other.claim, other.complete)
        assert one.derived_whole == other.derived_whole
        assert repr(one.cases) == repr(other.cases)  # types and hidden fields included
        assert str(one.error) == str(other.error)
    assert helped["ZZ-2"].error is not None
    assert "mine.py, line 15: ZeroDivisionError" in str(helped["ZZ-2"].error)
    assert "on purpose" in helped["ZZ-2"].error.details
    # The code of the file talks to the user wherever it runs, and is not heard being read again.
    assert set(capfd.readouterr().out.split()) == {"judged"}


@pytest.mark.usefixtures("patient")
def test_wrong_twins_and_claims_that_only_this_process_knows() -> None:
    register(replace(CLAIMS["LOC-4d"], id="ZZ-4"))
    selection = [*SELECTION, "ZZ-4"]
    alone, helped = (qk.verify(selection, wrong_twins=True, workers=n) for n in (1, 2))
    assert numbers(helped) == numbers(alone)
    assert {r.verdict for r in helped.results} == {"refuted"}
    assert [r.claim.title for r in helped.results] == [r.claim.title for r in alone.results]


@pytest.mark.usefixtures("patient")
def test_a_worker_that_dies_is_reported_with_its_claim(tmp_path: Path, started: list[Any]) -> None:
    path = written(tmp_path / "deadly.py", DEADLY)
    with pytest.raises(ChildProcessError, match=r"judged ZZ-9 was ended by signal 9"):
        qk.verify(["LOC-4d", path], workers=2)
    assert gone(started)
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.usefixtures("patient")
def test_an_interrupt_keeps_what_the_workers_found(started: list[Any]) -> None:
    selection = ["LOC-4d", "LOC-8b", "LOC-15a", "LOC-10a"]
    first = selection[:2]
    sampled = [sum(sampled_targets(CLAIMS[c]) for c in chosen) for chosen in (first, selection)]
    whole = qk.verify(first, delta=1e-6 * sampled[0] / sampled[1])

    def progress(line: str, done: int, total: int) -> None:
        assert total == 4
        if done >= 2:
            raise KeyboardInterrupt

    found = qk.verify(selection, workers=2, progress=progress)
    assert gone(started)
    assert set(first) <= {r.claim.id for r in found.results if r.complete}
    assert found.missing
    for name in first:
        assert [c.estimate for c in found[name].cases] == [c.estimate for c in whole[name].cases]
    for result in found.results:
        assert result.complete == (result.claim.id not in found.missing)
    assert [r.claim.id for r in found.results if r.claim.id in found.missing] == [
        r.claim.id for r in found.results if r.verdict == "undecided"
    ]


def test_workers_that_do_not_start_are_done_without(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    whole, room = numbers(qk.verify(SELECTION)), "qktheory.verification.workers.start_python"

    def refused(*args: Any) -> Any:
        raise OSError("no more processes")

    monkeypatch.setattr(room, refused)
    assert numbers(qk.verify(SELECTION, workers=3)) == whole
    # One that fails while it starts says why, and has not got a claim yet.
    monkeypatch.setattr(room, lambda *args: start_python("qktheory.nowhere", "work"))
    assert numbers(qk.verify(SELECTION, workers=3)) == whole
    assert "No module named 'qktheory.nowhere'" in capfd.readouterr().err


SCRIPT = """
import qktheory as qk
print("script")
print(qk.verify(["LOC-4d", "LOC-4a", "LOC-8b"], workers=2))
"""


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "script",
        "Verification(2 proved, 1 supported; delta=1e-06)",
    ]
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are found in /proc")
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_run(tmp_path: Path, kill: signal.Signals) -> None:
    words = [sys.executable, "-m", "qktheory", "verify", "LOC", "--workers", "3"]
    with subprocess.Popen([*words, "--json", "out.json"], cwd=tmp_path, text=True) as run:
        deadline = time.monotonic() + 400.0
        while len(helpers := children(run.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(6.0)
        assert len(helpers) == 2
        assert run.poll() is None
        run.send_signal(kill)
        run.wait(60)
    while any(alive(child) for child in helpers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(child) for child in helpers)
    if kill == signal.SIGINT:
        assert run.returncode == 130
        report = json.loads((tmp_path / "out.json").read_text())
        judged = {claim["id"] for claim in report["claims"]}
        assert judged | set(report["missing"]) == {claim.id for claim in qk.claims(["LOC"])}


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


# --- the parts ------------------------------------------------------------------------------------

JOB = Job("LOC-4d", None, False, "quick", 0, 1e-9)


def answers(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[tuple[str, Any]]:
    """What a worker answers when judging a claim of the catalogue raises an error."""

    def failing(*args: Any) -> Any:
        raise error

    monkeypatch.setattr(worker, "judge_claim", failing)
    sent: list[tuple[str, Any]] = []

    def send(word: str, content: Any) -> None:
        sent.append((word, content))

    with worker_threads(1) as workers:
        worker._judge(JOB, workers, send)
    return sent


def test_a_fault_of_a_worker_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    [(word, error)] = answers(monkeypatch, ZeroDivisionError("a fault"))
    assert word == "failed"
    board = Board([JOB], [Judged(CLAIMS["LOC-4d"])])
    job = board.lend()
    assert job == 0
    board.give_back(job, error)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        board.take(lambda line: None)


def test_what_cannot_be_sent_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(monkeypatch, worker._Unsendable()) == [("declined", None)]
    judged = Judged(CLAIMS["LOC-4d"])
    board = Board([JOB], [judged])
    judged.cases.append(qk.verify(["LOC-4d"])["LOC-4d"].cases[0])
    assert (board.lend(), board.lend()) == (0, None)
    board.give_back(0, declined=True)
    assert board.take(lambda line: None) == 0
    assert judged.cases == []
    judged.ending = Ending(1.0)
    assert board.take(lambda line: None) is None
    assert board.ended == 1


def test_a_closed_board_lends_nothing_and_takes_no_failure() -> None:
    board = Board([JOB, JOB], [Judged(CLAIMS["LOC-4d"]) for _ in range(2)])
    job = board.lend()
    assert job == 0
    board.close()
    assert board.lend() is None
    board.give_back(job, RuntimeError("killed by us"))
    assert board._failure is None


@pytest.mark.parametrize(
    ("workers", "threads", "claims", "expected"),
    [
        (None, 2, 273, (2, 1, 1)),
        (None, 2, 23, (1, 2, 2)),
        (None, 1, 273, (1, 1, 1)),
        (None, 64, 273, (22, 22, 2)),
        (None, 2, None, (2, 1, 1)),
        (None, 64, None, (16, 4, 4)),
        (3, 2, None, (3, 1, 1)),
        (1, 2, 273, (1, 2, 2)),
        (5, 2, 273, (5, 1, 1)),
        (5, 8, 2, (2, 4, 4)),
        (5, 8, 0, (1, 8, 8)),
        (3, 8, 273, (3, 4, 2)),
    ],
)
def test_threads_are_shared_among_processes(
    workers: int | None, threads: int, claims: int | None, expected: tuple[int, int, int]
) -> None:
    assert shares(workers, threads, claims) == expected


@pytest.mark.parametrize("bad", [0, -1, 1.5, "two"])
def test_bad_numbers_of_workers(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"workers = .*: expected an integer >= 1"):
        qk.verify(["LOC-4d"], workers=bad)
