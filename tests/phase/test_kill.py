"""Kill -9 at random moments: the resumed file equals the uninterrupted one, byte for byte."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import qktheory
from qktheory.phase.journal import JOURNAL_NAME
from qktheory.phase.result import read_result
from qktheory.phase.status import sweep_status
from tests.phase.cases import spec

TABLE = {**spec(samples=20_000), "T": 48}
SCRIPT = """
import json, sys
import qktheory.phase.journal as journal, qktheory.phase.plan as plan
from qktheory.phase.run import run_sweep
from qktheory.phase.sweep import Sweep
journal.COMMIT_SECONDS, plan._TASK_SECONDS, plan._MOST_CELLS = 0.02, 0.02, 4
if __name__ == "__main__":
    run_sweep(Sweep.from_dict(json.loads(sys.argv[1])), sys.argv[2], workers=1)
"""


def frozen(folder: Path) -> dict[str, str]:
    """Copy the package, and return an environment that imports the copy.

    A run refuses to go on with other sources than it was begun with, and says so in its result: an
    edit of the checkout during a long test would be taken for a difference.
    """
    package = Path(qktheory.__file__).parent
    shutil.copytree(package, folder / "qktheory", ignore=shutil.ignore_patterns("__pycache__"))
    return {**os.environ, "PYTHONPATH": str(folder)}


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", SCRIPT, json.dumps(TABLE), str(folder)]
    return subprocess.Popen(words, env=environment, cwd=environment["PYTHONPATH"])


def killed_and_resumed(folder: Path, kills: int, seed: int, environment: dict[str, str]) -> int:
    """Start a run until it is finished, killing it at random moments; return their number."""
    rng = random.Random(seed)
    done = 0
    while True:
        runner = start(folder, environment)
        try:
            if done < kills:
                # Moments count from the first sign of life in the folder: the locked lock file.
                begun = time.time()
                while runner.poll() is None and not _touched(folder, begun):
                    time.sleep(0.005)
                time.sleep(rng.random() * 0.6)
                if runner.poll() is None:
                    runner.kill()
                    done += 1
            runner.wait()
        finally:
            runner.kill()
        if runner.returncode == 0:
            return done
        assert runner.returncode == -signal.SIGKILL


def _touched(folder: Path, since: float) -> bool:
    lock = folder / "journal.lock"
    return lock.exists() and lock.stat().st_mtime >= since - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("kills", [5])
def test_kill_at_random_moments(tmp_path: Path, kills: int) -> None:
    """``KILLS=50`` in the environment runs the long version."""
    kills = int(os.environ.get("KILLS", kills))
    environment = frozen(tmp_path / "source")
    survived = killed_and_resumed(tmp_path / "killed", kills, kills, environment)
    assert survived >= min(kills, 3)
    assert sweep_status(tmp_path / "killed").complete
    assert start(tmp_path / "whole", environment).wait() == 0
    killed, whole = (read_result(tmp_path / name) for name in ("killed", "whole"))
    assert killed.attrs == whole.attrs
    for name in whole.variables:
        # Which variable, and where, says more than that the files differ.
        np.testing.assert_array_equal(killed[name].values, whole[name].values, err_msg=str(name))
    files = [tmp_path / name / "result.nc" for name in ("killed", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert left == {"spec.toml", JOURNAL_NAME, "journal.lock", "result.nc"}
