"""How a worker process starts. Imports nothing heavy: it runs before anything else there."""

from __future__ import annotations

import os
import signal

__all__ = ["start_worker"]

_ONE_THREAD = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def start_worker() -> None:
    """Make this process a worker of a pool: one thread each for Numba and BLAS.

    Ctrl-C is ignored: the terminal sends it to all processes, and the runner alone decides what it
    means.
    """
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
