"""Kill -9 at random moments: the resumed file equals the uninterrupted one, byte for byte."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import qktheory as qk
from qktheory.phase.journal import JOURNAL_NAME
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


def killed_and_resumed(folder: Path, kills: int, seed: int) -> int:
    """Start a run until it is finished, killing it at random moments; return their number."""
    rng = random.Random(seed)
    done = 0
    while True:
        runner = subprocess.Popen([sys.executable, "-c", SCRIPT, json.dumps(TABLE), str(folder)])
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
    survived = killed_and_resumed(tmp_path / "killed", kills, seed=kills)
    assert survived >= min(kills, 3)
    assert sweep_status(tmp_path / "killed").complete
    qk.phase_diagram(TABLE, tmp_path / "whole")
    files = [tmp_path / name / "result.nc" for name in ("killed", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert left == {"spec.toml", JOURNAL_NAME, "journal.lock", "result.nc"}
