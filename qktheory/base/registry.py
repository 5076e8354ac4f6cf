"""Catalogues that fill themselves.

A law, a matrix model, a token law, an observable, a simulator or a theorem is one file in its
package. A `Registry` imports every module of that package on first use, so adding a file adds an
entry and touches nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from qktheory.base.errors import unknown_name

__all__ = ["Registry"]

Entry = TypeVar("Entry")

_NUMBER = re.compile(r"\d+(\.\d+)?")


class Registry(Generic[Entry]):
    """Named entries of one kind, found by importing the modules of a package.

    Parameters
    ----------
    kind : str
        What an entry is, used in error messages (``"spectral law"``).
    package : str
        Dotted name of the package whose modules register entries when imported.

    Examples
    --------
    >>> registry = Registry[int]("number", "qktheory.base")
    >>> registry.add("one", 1)
    1
    >>> registry["one"], list(registry)
    (1, ['one'])
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._entries: dict[str, Entry] = {}
        self._families: dict[str, Callable[[str], Entry]] = {}
        #: Members of families in use; the catalogue itself does not grow by being used.
        self._members: dict[str, Entry] = {}
        self._discovered = self._discovering = False
        self._lock = threading.RLock()

    def add(self, name: str, entry: Entry) -> Entry:
        """Register `entry` under `name`; the same name twice is a programming error."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Return a decorator that registers the decorated object under `name`."""
        return lambda entry: self.add(name, entry)

    def add_family(self, prefix: str, make: Callable[[str], Entry]) -> None:
        """Register all names `prefix` + number: `make` gets the text of the number."""
        self._families[prefix] = make

    def _discover(self) -> None:
        if self._discovered:
            return
        # Another thread waits until every entry is there; a module that looks into the registry
        # while it is being imported sees what there is so far.
        with self._lock:
            if self._discovered or self._discovering:
                return
            self._discovering = True
            try:
                package = importlib.import_module(self.package)
                for module in pkgutil.walk_packages(package.__path__, f"{self.package}."):
                    importlib.import_module(module.name)
                self._discovered = True
            finally:
                self._discovering = False

    def __getitem__(self, name: str) -> Entry:
        self._discover()
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            pass
        if isinstance(name, str) and name in self._members:
            return self._members[name]
        for prefix, make in self._families.items():
            if isinstance(name, str) and _NUMBER.fullmatch(name.removeprefix(prefix)):
                return self._members.setdefault(name, make(name.removeprefix(prefix)))
        raise unknown_name(self.kind, name, self._entries)

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(list(self._entries))

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)
