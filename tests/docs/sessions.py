"""Processes in which blocks run: forked from one in which the package is imported already."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import subprocess
import sys
import traceback
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from tests.docs.pages import ROOT

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["qktheory.cli.program", "tests.docs.sessions", "tests.docs.warm"])
ENVIRONMENT = {"MPLBACKEND": "Agg", "COLUMNS": "100", "PYTHONPATH": str(ROOT)}


def _enter(folder: str) -> None:
    os.chdir(folder)
    os.environ.update(ENVIRONMENT)
    sys.path.insert(0, folder)


def _python(connection: Connection, folder: str) -> None:
    """Execute the blocks that come, in one namespace, and send what each prints."""
    _enter(folder)
    threadpool_limits(1)  # threads of BLAS that wait for a busy processor take minutes
    namespace: dict[str, Any] = {"__name__": "__main__"}
    while (source := connection.recv()) is not None:
        printed = io.StringIO()
        error = ""
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                exec(compile(source, "<block>", "exec"), namespace)
            except BaseException:
                error = traceback.format_exc()
        connection.send((printed.getvalue(), error))


def _command(folder: str, words: list[str], output: str) -> None:
    """Run the program as a user's shell would, its output in a file."""
    _enter(folder)
    sys.argv = ["qktheory", *words]
    from qktheory.cli.program import main

    with open(output, "w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)  # what compiled code prints, too
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = file
        main(words)


class PythonSession:
    """One Python for all blocks of a page."""

    def __init__(self, folder: Path) -> None:
        self._connection, child = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_python, args=(child, str(folder)))
        self._process.start()
        child.close()

    def run(self, source: str) -> str:
        """Return what a block prints; fail with its traceback."""
        self._connection.send(source)
        printed, error = self._connection.recv()
        assert not error, f"{source}\n{printed}\n{error}"
        return str(printed)

    def close(self) -> None:
        """End the process."""
        self._connection.send(None)
        self._process.join(60)
        self._connection.close()


def run_command(words: list[str], folder: Path) -> str:
    """Run a command of a page in its folder and return what it prints; fail unless it succeeds."""
    if words[0] == "qktheory":
        output = folder / ".output"
        process = _CONTEXT.Process(target=_command, args=(str(folder), words[1:], str(output)))
        process.start()
        process.join(300)
        text, status = output.read_text("utf-8"), process.exitcode
        output.unlink()
    else:
        assert words[0] == "python", f"{words[0]}: expected a command of qktheory or python"
        script = [str(ROOT / word) if word.endswith(".py") else word for word in words[1:2]]
        script = script if script and Path(script[0]).is_file() else words[1:2]
        done = subprocess.run(
            [sys.executable, *script, *words[2:]],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        text, status = done.stdout, done.returncode
    assert status == 0, f"{' '.join(words)}: exit status {status}\n{text}"
    return text
