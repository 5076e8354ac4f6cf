"""Properties that are computed once: threads with different objects do not wait for each other."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest

from qktheory.base.cached import cached_property


class Property(Protocol):
    def __get__(self, instance: object, owner: type[Any] | None = None) -> bool: ...


def meet(decorator: Callable[[Callable[[Any], bool]], Property]) -> list[bool]:
    """Compute the property of two objects in two threads; each waits until both compute."""
    both = threading.Barrier(2)

    class Cell:
        @decorator
        def met(self) -> bool:
            try:
                both.wait(timeout=2.0)
            except threading.BrokenBarrierError:
                return False
            return True

    def met(cell: Cell) -> bool:
        return cell.met

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(met, [Cell(), Cell()]))


def test_threads_with_different_objects_compute_at_the_same_time() -> None:
    assert meet(cached_property) == [True, True]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="functools has no lock from 3.12 on")
def test_the_twin_with_a_lock_is_seen() -> None:
    assert meet(functools.cached_property) == [False, False]


def test_computed_once_for_each_object_and_forgotten_on_demand() -> None:
    computed: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        @cached_property
        def shout(self) -> str:
            """Docstrings are kept."""
            computed.append(self.name)
            return self.name.upper()

    a, b = Named("a"), Named("b")
    assert (a.shout, a.shout, b.shout) == ("A", "A", "B")
    assert computed == ["a", "b"]
    del a.shout
    assert a.shout == "A"
    assert computed == ["a", "b", "a"]
    assert Named.shout.__doc__ == "Docstrings are kept."
