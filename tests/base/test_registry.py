"""A registry fills itself once, whoever asks first."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from qktheory.base.registry import Registry


def test_threads_that_ask_at_the_same_time_see_every_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep looks claims up in several threads: none may find half a catalogue."""
    package = tmp_path / "slow_catalogue"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in "abc":
        (package / f"{name}.py").write_text(
            "import time\ntime.sleep(0.05)\n"
            f"from tests.base.test_registry import SHARED\nSHARED.add({name!r}, 1)\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    barrier = threading.Barrier(4)
    seen: list[list[str]] = []

    def look() -> None:
        barrier.wait()
        seen.append(list(SHARED))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["a", "b", "c"]] * 4
    for name in [module for module in sys.modules if module.startswith("slow_catalogue")]:
        monkeypatch.delitem(sys.modules, name)


SHARED = Registry[int]("letter", "slow_catalogue")
