"""Claims judged side by side: this process takes jobs from a list, and so do its helpers."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from qktheory.base.domains import Integer
from qktheory.base.processes import start_python
from qktheory.simulation.engine import available_threads
from qktheory.verification.judged import Job, Judged

__all__ = ["Board", "Helpers", "shares"]

_WORKERS = Integer(low=1)
_THREADS = Integer(low=1)
#: Claims for which another process pays: it needs the time of half a dozen to start.
_CLAIMS_A_WORKER = 12
#: Processes that the whole catalogue pays for.
_MANY = 16
#: Seconds that a process may take to end after its pipe was closed.
_GRACE = 5.0
#: Seconds between two looks at what the others do.
_GLANCE = 0.2


def shares(
    workers: int | None, threads: int | None, claims: int | None = None
) -> tuple[int, int, int]:
    """Divide processors among processes.

    Parameters
    ----------
    workers : int or None
        Processes, this one among them; as many as pay if None.
    threads : int or None
        Threads in all; as many as there are processors if None.
    claims : int, optional
        Number of claims to be judged, many by default.

    Returns
    -------
    workers : int
        Number of processes, not more than claims.
    own, each : int
        Threads of this process, and of each of the others.

    Raises
    ------
    ValueError
        If `workers` or `threads` is not an integer >= 1.

    Examples
    --------
    >>> shares(None, 4, 270), shares(None, 4, 3), shares(3, 4, 270)
    ((4, 1, 1), (1, 4, 4), (3, 2, 1))
    """
    total = available_threads() if threads is None else _THREADS.check("threads", threads)
    if workers is None:
        number = min(total, _MANY if claims is None else claims // _CLAIMS_A_WORKER)
    else:
        number = _WORKERS.check("workers", workers)
        number = number if claims is None else min(number, claims)
    number = max(1, number)
    each = max(1, total // number)
    return number, max(1, total - (number - 1) * each), each


class Board:
    """The jobs of a run, and what was found so far. Threads share it.

    Parameters
    ----------
    jobs : sequence of Job
        In the order in which they are handed out.
    judged : sequence of Judged
        Filled in, one for each job.
    """

    def __init__(self, jobs: Sequence[Job], judged: Sequence[Judged]) -> None:
        self.judged = judged
        self._jobs = jobs
        self._free = deque(range(len(jobs)))
        #: Jobs that helpers declined.
        self._own: deque[int] = deque()
        self._away = 0
        self._failure: Exception | None = None
        self._closed = False
        self._change = threading.Condition()
        #: What a helper is doing.
        self.line = ""

    @property
    def ended(self) -> int:
        """Number of claims that were judged."""
        return sum(judged.ending is not None for judged in self.judged)

    def take(self, report: Callable[[str], None]) -> int | None:
        """Return the next job for this process, None when all have ended.

        Parameters
        ----------
        report : callable
            Called with what helpers do while this process waits for them.

        Raises
        ------
        Exception
            With which a claim failed at a helper, or `ChildProcessError` if the helper died of it.
        """
        while True:
            with self._change:
                if self._failure is not None:
                    raise self._failure
                for jobs in (self._own, self._free):
                    if jobs:
                        return self._begin(jobs.popleft())
                if not self._away:
                    return None
                self._change.wait(_GLANCE)
                line = self.line
            if line:
                report(line)

    def lend(self) -> int | None:
        """Return the next job for a helper, None if there is none."""
        with self._change:
            if self._closed or not self._free:
                return None
            self._away += 1
            return self._begin(self._free.popleft())

    def _begin(self, job: int) -> int:
        self.judged[job].start()
        return job

    def give_back(self, job: int, failure: Exception | None = None, declined: bool = False) -> None:
        """Note that a helper is done with a job, in one way or another."""
        with self._change:
            if self._closed:
                return
            self._away -= 1
            if declined:
                self.judged[job].cases.clear()
                self._own.append(job)
            self._failure = self._failure or failure
            self._change.notify_all()

    def close(self) -> None:
        """Lend nothing any more, and take no failures."""
        with self._change:
            self._closed = True

    def job(self, number: int) -> Job:
        """Return a job by its number."""
        return self._jobs[number]


class Helpers:
    """Processes that judge claims beside this one, started at once and ended with the block.

    They load the catalogue while this process does, or counts sampled numbers. One that cannot be
    started is done without.

    Parameters
    ----------
    number : int
        How many.
    threads : int
        Threads of each.
    """

    def __init__(self, number: int, threads: int) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._feeders: list[threading.Thread] = []
        self._board: Board | None = None
        for _ in range(number):
            with contextlib.suppress(OSError):
                process = start_python("qktheory.verification.worker", "work")
                self._processes.append(process)
                _send(process, threads)

    def __enter__(self) -> Helpers:
        return self

    def work_on(self, board: Board) -> None:
        """Let each process take jobs as long as there are any."""
        self._board = board
        for process in self._processes:
            feeder = threading.Thread(target=_feed, args=(process, board), daemon=True)
            self._feeders.append(feeder)
            feeder.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._board is not None:
            self._board.close()
        for process in self._processes:
            process.kill()  # whatever is left of its work is not wanted
        for feeder in self._feeders:
            feeder.join(_GRACE)
        for process in self._processes:
            process.wait(_GRACE)
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()


def _send(process: subprocess.Popen[bytes], message: object) -> None:
    assert process.stdin is not None
    pickle.dump(message, process.stdin)
    process.stdin.flush()


def _receive(process: subprocess.Popen[bytes]) -> tuple[str, Any]:
    """Return a message; an `EOFError` if the process ended before it was complete."""
    assert process.stdout is not None
    try:
        word, content = pickle.load(process.stdout)
    except (OSError, ValueError, pickle.UnpicklingError) as error:
        raise EOFError from error
    return word, content


def _feed(process: subprocess.Popen[bytes], board: Board) -> None:
    """Give a process one job after another, and write down what it finds."""
    try:
        _receive(process)  # that it is ready
    except EOFError:
        return
    while (job := board.lend()) is not None:
        try:
            _send(process, board.job(job))
            failure: Exception | None
            failure, declined = _listen(process, board, job)
        except (EOFError, OSError):
            failure, declined = _death(process, board.job(job).claim), False
        except Exception as error:  # without an answer this process would wait for ever
            failure, declined = error, False
        board.give_back(job, failure, declined)
        if failure is not None:
            return


def _listen(
    process: subprocess.Popen[bytes], board: Board, job: int
) -> tuple[Exception | None, bool]:
    """Write down what is found about a job; return its failure, and whether it was declined."""
    judged = board.judged[job]
    while True:
        word, content = _receive(process)
        if word == "progress":
            board.line = content
        elif word == "case":
            judged.cases.append(content)
        elif word == "printed":
            sys.stdout.write(content)
        elif word == "ended":
            judged.ending = content
            return None, False
        elif word == "failed":
            return content, False
        else:
            return None, True


def _death(process: subprocess.Popen[bytes], claim: str) -> ChildProcessError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    status = process.returncode
    how = "stopped answering"
    if status is not None:
        how = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
    return ChildProcessError(
        f"the process that judged {claim} {how}; was it killed, or out of memory? "
        "workers = 1 judges all claims in one process"
    )
