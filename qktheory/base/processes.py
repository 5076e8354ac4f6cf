"""Processes beside this one: one thread each, the same packages, no part of the user's script."""

from __future__ import annotations

import os
import subprocess
import sys

__all__ = ["one_thread", "start_python"]

_THREADS = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def one_thread() -> dict[str, str]:
    """Return the environment variables that hold Numba and every BLAS to one thread.

    Examples
    --------
    >>> one_thread()["NUMBA_NUM_THREADS"]
    '1'
    """
    return dict.fromkeys(_THREADS, "1")


def start_python(module: str, function: str) -> subprocess.Popen[bytes]:
    """Run a function in a fresh interpreter, talked to by its standard input and output.

    It finds the packages that this process finds. Unlike `multiprocessing` it does not run the
    user's script again, so scripts need no ``if __name__ == "__main__"``, and it belongs to a
    process group of its own, so that Ctrl-C in a terminal reaches this process alone.

    Parameters
    ----------
    module : str
        Dotted name.
    function : str
        Name of a function of the module without arguments.

    Returns
    -------
    subprocess.Popen
        With pipes to its standard input and output; it should end when its input does.

    Raises
    ------
    OSError
        If no process can be started.

    Examples
    --------
    >>> process = start_python("qktheory.base.processes", "one_thread")
    >>> process.communicate()[0], process.returncode
    (b'', 0)
    """
    if not sys.executable:
        raise OSError("this process does not know its Python interpreter")
    lines = f"import sys; sys.path[:] = {sys.path!r}; from {module} import {function}; {function}()"
    new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows
    return subprocess.Popen(
        [sys.executable, "-c", lines],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **one_thread()},
        process_group=None if new_group else 0,
        creationflags=new_group,
    )
