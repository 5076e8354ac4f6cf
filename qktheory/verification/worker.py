"""A process that judges claims for another one: jobs come in, cases and endings go out.

Messages are pickled pairs (word, content). The worker says ``ready`` once its catalogue is loaded,
answers each job with lines of ``progress``, a ``case`` for each decided case, text that the user's
code ``printed``, and at last ``ended``, ``failed`` with the error, or ``declined``: the claim is
not known here, or what was found cannot be sent, and who sent the job has to judge it.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, BinaryIO

from qktheory.simulation.engine import Workers, worker_threads
from qktheory.theorems.catalogue import load_claims
from qktheory.theorems.claim import CLAIMS
from qktheory.verification.judge import JUDGES, Context, find_budget
from qktheory.verification.judged import Job, judge_claim

__all__ = ["work"]

Send = Callable[[str, Any], None]


class _Unsendable(Exception):
    """What was to be sent cannot be pickled."""


class _Printed(io.TextIOBase):
    """Standard output of the user's code, which belongs to the process that the user started."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def write(self, text: str) -> int:
        self._send("printed", text)
        return len(text)


def work() -> None:
    """Judge the claims that come through standard input until it ends."""
    send, jobs = _channels()
    sys.stdout = _Printed(send)
    threads = next(jobs)
    # Most of the start: done before a job is asked for.
    len(CLAIMS), len(JUDGES)
    with worker_threads(threads) as workers:
        send("ready", None)
        for job in jobs:
            _judge(job, workers, send)


def _channels() -> tuple[Send, Iterator[Any]]:
    """Take standard input and output for messages; what else writes there goes to stderr."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(word: str, content: Any) -> None:
        try:
            message = pickle.dumps((word, content))
        except Exception as error:  # whatever the parts of the content raise
            raise _Unsendable from error
        try:
            with lock:
                answers.write(message)
                answers.flush()
        except OSError:
            os._exit(1)  # nobody listens any more

    return send, _received(requests)


def _received(requests: BinaryIO) -> Iterator[Any]:
    """Yield what is sent. A thread reads it, so that an end of input ends a claim at work too."""
    waiting: SimpleQueue[Any] = SimpleQueue()

    def read() -> None:
        while True:
            try:
                waiting.put(pickle.load(requests))
            except (EOFError, OSError, pickle.UnpicklingError):
                os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield waiting.get()


def _judge(job: Job, workers: Workers, send: Send) -> None:
    try:
        if job.file is not None:
            # What it prints was printed when the user's process read it.
            with contextlib.redirect_stdout(io.StringIO()):
                load_claims(job.file)
        claim = CLAIMS[job.claim]
    except ValueError:
        send("declined", None)
        return
    context = Context(
        find_budget(job.budget),
        job.key,
        job.delta,
        workers,
        lambda line: send("progress", line),
    )
    try:
        send("ended", judge_claim(claim, job.wrong_twin, context, lambda case: send("case", case)))
    except _Unsendable:
        send("declined", None)
    except Exception as error:
        _send_failure(error, send)


def _send_failure(error: Exception, send: Send) -> None:
    try:
        send("failed", error)
    except _Unsendable:
        send("failed", RuntimeError(f"{type(error).__name__}: {error}"))
