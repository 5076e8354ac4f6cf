"""How a worker process starts. Imports nothing heavy: it runs before anything else there."""

from __future__ import annotations

import os
import signal

from qktheory.base.processes import one_thread

__all__ = ["start_worker"]


def start_worker() -> None:
    """Make this process a worker of a pool: one thread each for Numba and BLAS.

    Ctrl-C is ignored: the terminal sends it to all processes, and the runner alone decides what it
    means.
    """
    os.environ.update(one_thread())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
