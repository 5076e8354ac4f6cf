"""Where tiles are worked on: threads, processes, Dask, or any executor of the user's own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from qktheory.base.errors import bad_value, unknown_name
from qktheory.phase.worker import start_worker
from qktheory.simulation.engine import THREADS, Workers, available_threads, worker_threads

__all__ = ["EXECUTORS", "InFlight", "sweep_workers"]

EXECUTORS = ("threads", "processes", "dask", "dask=ADDRESS")
#: Times that Dask gives a task to another worker when one dies.
_RETRIES = 3
#: Time that a running cluster has to answer.
_ANSWER_SECONDS = 20

Label = TypeVar("Label")
Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


@contextmanager
def sweep_workers(
    executor: str | Executor | None = None, workers: int | None = None
) -> Iterator[Workers]:
    """Provide an executor and the number of its workers.

    Parameters
    ----------
    executor : {"threads", "processes", "dask", "dask=ADDRESS"} or Executor, optional
        Threads of this process (default), spawned processes, a Dask cluster on this machine, a
        running one, or an executor of the user's own, which is left open.
    workers : int, optional
        Their number, >= 1; all processors by default. A running Dask cluster has its own.

    Yields
    ------
    Workers

    Raises
    ------
    ValueError
        For an unknown name or a number < 1, or if Dask is missing or does not answer.
    """
    if workers is not None:
        workers = THREADS.check("workers", workers)
    if isinstance(executor, Executor):
        known = workers or getattr(executor, "_max_workers", None) or available_threads()
        yield Workers(executor, int(known))
        return
    if executor is not None and not isinstance(executor, str):
        raise bad_value("executor", executor, f"an Executor, or one of {', '.join(EXECUTORS)}")
    name, _, address = (executor or "threads").partition("=")
    if name == "threads" and not address:
        with worker_threads(workers) as threads:
            yield threads
    elif name == "processes" and not address:
        with _processes(workers or available_threads()) as processes:
            yield processes
    elif name == "dask":
        with _dask(address, workers) as cluster:
            yield cluster
    else:
        raise unknown_name("executor", executor, EXECUTORS)


@contextmanager
def _processes(number: int) -> Iterator[Workers]:
    # Spawned: a forked process would inherit the locks of threads that it does not have.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(number, mp_context=context, initializer=start_worker)
    try:
        yield Workers(pool, number)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _dask(address: str, workers: int | None) -> Iterator[Workers]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ValueError(
            "executor = 'dask' needs the package distributed: pip install 'qktheory[dask]'"
        ) from None
    if address and workers is not None:
        raise bad_value("workers", workers, "nothing: a running cluster has its own number")
    cluster = None
    if not address:
        cluster = LocalCluster(
            n_workers=workers or available_threads(), threads_per_worker=1, dashboard_address=":0"
        )
    try:
        try:
            # Not the default of this process: other libraries would send it work of their own.
            client = Client(cluster or address, timeout=_ANSWER_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise bad_value("executor", f"dask={address}", f"a running cluster ({error})") from None
        try:
            number = sum(client.nthreads().values())
            if number < 1:
                raise bad_value("executor", f"dask={address}", "a cluster that has workers")
            # Not pure: a task is named by itself and not by its arguments, so none is mistaken for
            # another one, and nothing is kept for a later run.
            yield Workers(client.get_executor(retries=_RETRIES, pure=False), number)
        finally:
            client.close()
    finally:
        if cluster is not None:
            cluster.close()


class InFlight(Generic[Label, Request, Outcome]):
    """Tasks that an executor is at work on, twice as many as it has workers at most.

    Parameters
    ----------
    workers : Workers
        The executor.
    function : callable
        What a task does, a function of a module if it goes to other processes.

    Examples
    --------
    >>> with sweep_workers("threads", 2) as workers:
    ...     tasks = InFlight(workers, abs)
    ...     while not tasks.full:
    ...         tasks.submit("a label", -len(tasks))
    ...     sorted(future.result() for _ in range(4) for _, future in tasks.finished())
    [0, 1, 2, 3]
    """

    def __init__(self, workers: Workers, function: Callable[[Request], Outcome]) -> None:
        self._pool = workers.pool
        self._most = 2 * workers.number
        self._function = function
        self._tasks: dict[Future[Any], Label] = {}
        #: The most there have been at a time.
        self.peak = 0

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def full(self) -> bool:
        """Whether no more may be submitted."""
        return len(self._tasks) >= self._most

    def submit(self, label: Label, request: Request) -> None:
        """Hand a task over, under a label that comes back with it."""
        self._tasks[self._pool.submit(self._function, request)] = label
        self.peak = max(self.peak, len(self._tasks))

    def finished(self, timeout: float | None = None) -> list[tuple[Label, Future[Outcome]]]:
        """Wait for a task, at most `timeout` seconds, and return those that are finished."""
        done, _ = wait(self._tasks, timeout, return_when=FIRST_COMPLETED)
        return [(self._tasks.pop(future), future) for future in done]

    def cancel(self) -> None:
        """Drop what has not begun."""
        for future in self._tasks:
            future.cancel()
        self._tasks.clear()
