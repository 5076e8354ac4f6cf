"""Dask: the same numbers from a real cluster, also when a worker dies in mid-run."""

from __future__ import annotations

import builtins
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qktheory as qk
import qktheory.phase.executors as executors
from qktheory.phase.executors import sweep_workers
from tests.phase.cases import SPEC, same, spec

pytestmark = [
    pytest.mark.slow,
    # The cluster's own event loops and sockets are not ours to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="the test extra installs it")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        yield cluster


def test_a_running_cluster_gives_the_same_numbers(cluster: Any, tmp_path: Path) -> None:
    executor = f"dask={cluster.scheduler_address}"
    joined = qk.phase_diagram(SPEC, tmp_path / "dask", executor=executor)
    assert same(joined.to_xarray(), qk.phase_diagram(SPEC, tmp_path / "here").to_xarray())
    with pytest.raises(ValueError, match="a running cluster has its own number"):
        qk.phase_diagram(SPEC, tmp_path / "more", executor=executor, workers=3)


def test_a_killed_worker_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    import distributed

    table = spec(samples=100_000)
    killed: list[int] = []

    def kill() -> None:
        with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
            while not killed:
                busy = [name for name, tasks in client.processing().items() if tasks]
                pids = client.run(os.getpid, workers=busy) if busy else {}
                for pid in list(pids.values())[:1]:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                time.sleep(0.05)

    assassin = threading.Thread(target=kill)
    assassin.start()
    executor = f"dask={cluster.scheduler_address}"
    survived = qk.phase_diagram(table, tmp_path / "dask", executor=executor)
    assassin.join()
    assert len(killed) == 1
    assert survived.counts == {"done": 20, "infeasible": 4}
    assert same(survived.to_xarray(), qk.phase_diagram(table, tmp_path / "here").to_xarray())


def test_a_cluster_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the test extra installs it")
    own = qk.phase_diagram(SPEC, tmp_path / "dask", executor="dask", workers=2)
    assert same(own.to_xarray(), qk.phase_diagram(SPEC, tmp_path / "here").to_xarray())


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the test extra installs it")
    monkeypatch.setattr(executors, "_ANSWER_SECONDS", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with (
            pytest.raises(ValueError, match="expected a running cluster"),
            sweep_workers(f"dask={address}"),
        ):
            pass


def test_without_dask_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "distributed":
            raise ImportError(name)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'qktheory\[dask\]'"), sweep_workers("dask"):
        pass
