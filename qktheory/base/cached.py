"""Properties that are computed once, by threads that do not wait for each other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

__all__ = ["cached_property"]

T = TypeVar("T")


class cached_property(functools.cached_property[T], Generic[T]):
    """A property that is computed at its first use and then kept with its object.

    Python 3.11 computes a `functools.cached_property` under a lock that all objects of the class
    share: two threads that sample different cells would take turns. This one has no lock; two
    threads that ask the same object at once may both compute, and what they find is the same.

    Examples
    --------
    >>> class Square:
    ...     @cached_property
    ...     def area(self) -> float:
    ...         print("computing")
    ...         return 4.0
    >>> square = Square()
    >>> square.area, square.area
    computing
    (4.0, 4.0)
    """

    attrname: str
    func: Callable[[Any], T]

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Self | T:
        """Return what the function finds, and keep it where later look-ups find it first."""
        if instance is None:
            return self
        found = vars(instance)[self.attrname] = self.func(instance)
        return found
