"""The engine: runs simulators over blocks of samples, on threads, to the same bits every time.

Samples are addressed by their number, so tasks can run in any order; their leaf statistics are
merged in the order of the samples (`qktheory.simulation.moments`). Parallelism is that of this
module alone: kernels are single-threaded and release the interpreter lock, BLAS is held to one
thread.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from qktheory.base.domains import Integer
from qktheory.base.memory import check_memory
from qktheory.kernels import Moments, leaf_moments
from qktheory.observables.observable import Observable
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.moments import LEAF, MomentTree
from qktheory.simulation.simulator import Simulator

__all__ = [
    "THREADS",
    "Run",
    "Workers",
    "available_threads",
    "check_sample_memory",
    "draw_values",
    "worker_threads",
]

FloatArray = NDArray[np.float64]

#: Values of observables that a task holds before they are reduced.
_TASK_BYTES = 1 << 24
THREADS = Integer(low=1)
_SAMPLES = Integer(low=1)
_BATCH = Integer(low=1)


def available_threads() -> int:
    """Return the number of processors this process may use.

    Examples
    --------
    >>> available_threads() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Workers:
    """An executor and the number of its workers."""

    pool: Executor
    number: int


@contextmanager
def worker_threads(threads: int | None = None) -> Iterator[Workers]:
    """Provide a pool of threads with BLAS held to one thread each.

    Parameters
    ----------
    threads : int, optional
        Number of threads, all available processors by default.

    Yields
    ------
    Workers

    Raises
    ------
    ValueError
        If `threads` is not an integer >= 1.
    """
    number = available_threads() if threads is None else THREADS.check("threads", threads)
    pool = ThreadPoolExecutor(max_workers=number, thread_name_prefix="qktheory")
    try:
        with threadpool_limits(limits=1, user_api="blas"):  # type: ignore[no-untyped-call]
            yield Workers(pool, number)
    finally:
        # After an interrupt the blocks in flight finish, the queued ones are dropped.
        pool.shutdown(wait=True, cancel_futures=True)


def check_sample_memory(
    simulator: Simulator, observables: Sequence[Observable], columns: int
) -> int:
    """Return the bytes that a sample needs with so many values; a `ValueError` if beyond memory."""
    ensemble = simulator.ensemble
    per_sample = simulator.bytes_for(observables) + 8 * columns
    check_memory(
        per_sample,
        f"one sample with T = {ensemble.T} and d = {ensemble.d} (simulator {simulator.name!r})",
    )
    check_memory(8 * columns * LEAF, f"a block of {LEAF} samples of {columns} values")
    return per_sample


class Run:
    """Samples of observables that one simulator draws, refined in place.

    Parameters
    ----------
    simulator : Simulator
        Draws the samples.
    observables : sequence of Observable
        What is measured; all must be within the simulator's reach.
    batch : int, optional
        Samples of a task, rounded up to whole leaves. It has no influence on results.

    Notes
    -----
    `extend` to n and then to n' > n gives the same bits as `extend` to n' at once.
    """

    def __init__(
        self, simulator: Simulator, observables: Sequence[Observable], batch: int | None = None
    ) -> None:
        self.simulator = simulator
        self.observables = tuple(observables)
        T, depth = simulator.ensemble.T, simulator.ensemble.depth
        self._sizes = [o.size(T, depth) for o in self.observables]
        columns = sum(self._sizes)
        per_sample = check_sample_memory(simulator, self.observables, columns)
        self._chunk = max(1, simulator.call_bytes // per_sample)
        if batch is None:
            batch = max(1, min(_TASK_BYTES // (8 * columns), 1 << 14))
        else:
            batch = _BATCH.check("batch", batch)
        self._leaves_per_task = -(-batch // LEAF)
        self._done = [MomentTree() for _ in self.observables]

    @property
    def n(self) -> int:
        """Number of samples."""
        return self._done[0].samples

    def extend(
        self,
        samples: int,
        workers: Workers,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Bring the run to `samples` samples.

        Parameters
        ----------
        samples : int
            New total number of samples; nothing happens if there are as many already.
        workers : Workers
            Where tasks run, usually from `worker_threads`; twice their number is kept in flight.
        progress : callable, optional
            Called with the number of samples done, in this thread.

        Raises
        ------
        ValueError
            If `samples` is not an integer >= 1.
        KeyboardInterrupt
            Passed on; the run then holds all samples up to the last task that was merged.
        """
        samples = _SAMPLES.check("samples", samples)
        if samples <= self.n:
            return
        # The incomplete last leaf is drawn again as part of a longer one, and counts until then.
        done = self._done[0].leaves * LEAF
        in_flight: deque[Future[list[Moments]]] = deque()
        leaves = -(-(samples - done) // LEAF)
        if leaves < workers.number:
            self._extend_in_pieces(done, samples, workers)
            if progress is not None:
                progress(self.n)
            return
        # A short extension is shared out too: without it the first rounds of a verdict, most of all
        # samples that are ever drawn, would keep a single thread busy.
        step = min(self._leaves_per_task, -(-leaves // workers.number)) * LEAF
        starts = iter(range(done, samples, step))
        try:
            exhausted = False
            while in_flight or not exhausted:
                while not exhausted and len(in_flight) < 2 * workers.number:
                    start = next(starts, None)
                    if start is None:
                        exhausted = True
                    else:
                        n = min(step, samples - start)
                        in_flight.append(workers.pool.submit(self._task, start, n))
                if in_flight:
                    # A single assignment: an interrupt finds the state before or after a task.
                    self._done = _extended(self._done, in_flight.popleft().result())
                    if progress is not None:
                        progress(self.n)
        finally:
            for future in in_flight:
                future.cancel()

    def _extend_in_pieces(self, done: int, samples: int, workers: Workers) -> None:
        """Share samples that make fewer leaves than there are workers."""
        n = samples - done
        calls = -(-n // self._chunk)
        pieces = -(-calls // workers.number) * workers.number
        size = -(-n // pieces)
        values = [np.empty((n, columns)) for columns in self._sizes]
        shares = [
            workers.pool.submit(self._fill, values, done, start, min(size, n - start))
            for start in range(0, n, size)
        ]
        try:
            for share in shares:
                share.result()
        finally:
            for share in shares:
                share.cancel()
        self._done = _extended(self._done, [leaf_moments(array, LEAF) for array in values])

    def _fill(self, values: list[FloatArray], first_sample: int, start: int, n: int) -> None:
        """Draw the samples first_sample + start ... into the rows start ... of arrays."""
        drawn = self.simulator.measure(self.observables, first_sample + start, n)
        for target, part in zip(values, drawn, strict=True):
            target[start : start + n] = part

    def _task(self, first_sample: int, n: int) -> list[Moments]:
        """Draw n samples and return, for each observable, the statistics of their leaves."""
        values = [np.empty((n, size)) for size in self._sizes]
        for start in range(0, n, self._chunk):
            self._fill(values, first_sample, start, min(self._chunk, n - start))
        return [leaf_moments(array, LEAF) for array in values]

    def moments(self, index: int = 0) -> Moments:
        """Return the statistics of observable number `index`."""
        total = self._done[index].total()
        if total is None:
            raise ValueError("the run holds no samples yet")
        return total

    def estimates(self, delta: float) -> dict[str, Estimate]:
        """Return an estimate of each observable, intervals at level `delta` each."""
        T = self.simulator.ensemble.T
        return {
            o.name: Estimate.from_moments(
                o.name,
                self.moments(k),
                delta,
                o.bounds(T),
                o.vector,
                self.simulator.name,
                self.simulator.infinite_moment(o),
            )
            for k, o in enumerate(self.observables)
        }


def _extended(trees: list[MomentTree], leaves: list[Moments]) -> list[MomentTree]:
    """Return new trees that hold the next leaves too."""
    longer = [tree.copy() for tree in trees]
    for tree, part in zip(longer, leaves, strict=True):
        tree.extend(part)
    return longer


def draw_values(
    simulator: Simulator, observable: Observable, first: int, stop: int, workers: Workers
) -> FloatArray:
    """Return the values of a scalar observable for samples first ... stop - 1, in order.

    Parameters
    ----------
    simulator : Simulator
        Draws the samples.
    observable : Observable
        With one component.
    first, stop : int
        Range of sample numbers.
    workers : Workers
        Where the blocks are drawn.

    Returns
    -------
    ndarray of shape (stop - first,)
    """
    step = max(1, simulator.call_bytes // simulator.bytes_for((observable,)))
    blocks = [
        workers.pool.submit(simulator.measure, (observable,), start, min(step, stop - start))
        for start in range(first, stop, step)
    ]
    return np.concatenate([block.result()[0][:, 0] for block in blocks])
