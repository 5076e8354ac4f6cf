"""Running the command line: in this process, or as a user's shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from qktheory.cli import main
from qktheory.theorems.claim import CLAIMS
from qktheory.theorems.derivations import DERIVATIONS

SPEC = """
d = 4
T = 8
observables = ["entropy", "rho"]
[spectrum]
law = "semicircle"
xi = 1.0
eta = 0.5
[tokens]
law = "random_walk"
"""


def strict_json(text: str) -> Any:
    """Parse JSON as a parser without extensions does: NaN and Infinity are errors."""

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command line in a folder of its own that holds spec.toml."""
    (tmp_path / "spec.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    for registry in (CLAIMS, DERIVATIONS):
        # What a file of a user registers is gone after the test.
        monkeypatch.setattr(registry, "_entries", {name: registry[name] for name in registry})
    monkeypatch.setenv("COLUMNS", "140")
    return lambda *args: CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m qktheory`` as a process of its own in a fresh folder."""
    (tmp_path / "spec.toml").write_text(SPEC)

    def call(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qktheory", *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "140", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return call
