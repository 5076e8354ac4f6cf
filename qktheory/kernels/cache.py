"""Disk cache of compiled kernels that cannot serve stale code.

Numba's own file cache looks only at the file of the function it stores: after an edit of another
file that the function calls, it silently returns the old machine code. Here the cache lives in a
folder whose name is a hash of all kernel sources, of the Numba and llvmlite versions and options
and of the CPU, so any change of these starts an empty folder. Each compiled signature is one file,
written under a temporary name and renamed, with a checksum in front: processes that compile at the
same time cannot mix up each other's results, and a damaged file is compiled again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

__all__ = ["SourceHashCache", "cache_folder", "kernel_hash", "sweep"]

_options: Any = config  # its attributes are made at run time
_FOLDER_NAME = re.compile(r"[0-9a-f]{32}")
_MAX_AGE_DAYS = 30.0
_DIGEST_SIZE = hashlib.sha256().digest_size


@functools.cache
def kernel_hash() -> str:
    """Return the hash of everything that decides the bits of a kernel's result.

    It covers the sources of this room, the versions of Python, Numba and llvmlite, the compile
    options of Numba, and name and features of the CPU.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> len(kernel_hash())
    32
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        text = source.read_bytes()
        digest.update(f"{source.name}:{len(text)}:".encode())
        digest.update(text)
    features = _options.CPU_FEATURES
    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    facts = (
        sys.version_info[:2],
        numba.__version__,
        llvmlite.__version__,
        llvm.get_default_triple(),
        _options.CPU_NAME or llvm.get_host_cpu_name(),
        features,
        str(_options.OPT),
        _options.LOOP_VECTORIZE,
        _options.SLP_VECTORIZE,
        _options.ENABLE_AVX,
        _options.BOUNDSCHECK,
    )
    digest.update(repr(facts).encode())
    return digest.hexdigest()[:32]


def _user_cache() -> Path:
    """Return the folder for cache files of this package by the convention of the platform."""
    override = os.environ.get("QKTHEORY_CACHE_DIR")
    if override:
        return Path(override)
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg and os.path.isabs(xdg):
        return Path(xdg) / "qktheory"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "qktheory"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "qktheory" / "Cache"
    return Path.home() / ".cache" / "qktheory"


@functools.cache
def cache_folder() -> Path | None:
    """Return the folder of the compiled kernels, made if necessary, or None without one.

    The parent is ``$QKTHEORY_CACHE_DIR``, or the user's cache folder. There is no cache, and every
    process compiles for itself, if that is not writable or the sources cannot be read (a zipped
    package): a shared temporary folder would let others plant code.

    Returns
    -------
    Path or None
        The folder ``kernels/<kernel_hash()>`` below the cache folder of the package.
    """
    if not Path(__file__).is_file():
        return None
    try:
        folder = _user_cache() / "kernels" / kernel_hash()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        os.utime(folder)  # marks the folder as used, for `sweep`
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return None
    sweep(folder.parent, keep=folder.name)
    return folder


def sweep(parent: Path, keep: str, max_age_days: float = _MAX_AGE_DAYS) -> None:
    """Delete the folders of other kernel hashes that nobody has used for a while.

    Parameters
    ----------
    parent : Path
        The folder that holds one folder a hash. Anything in it that does not look like one of
        them (a link, another name) is left alone.
    keep : str
        Name of the folder in use.
    max_age_days : float, optional
        Days since last use.
    """
    limit = time.time() - 86400.0 * max_age_days
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(parent)):
            if entry.name == keep or not _FOLDER_NAME.fullmatch(entry.name):
                continue
            with contextlib.suppress(OSError):
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder and entry.stat(follow_symlinks=False).st_mtime < limit:
                    shutil.rmtree(entry.path, ignore_errors=True)


class _Locator:
    """The part of Numba's cache locators that `FunctionCache` uses after its construction."""

    def __init__(self, source_file: str) -> None:
        self._py_file = source_file

    def ensure_cache_path(self) -> None:
        """Do nothing: `cache_folder` has made the folder."""


class _Implementation(CompileResultCacheImpl):
    """Conversion of compile results to bytes and back, as Numba does it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Locator(function.__code__.co_filename)


class _SignatureFiles:
    """One file for each compiled signature of one function.

    Parameters
    ----------
    function : callable
        The Python function.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._prefix = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self._prefix = re.sub(r"[^\w.]", "", self._prefix)

    def _path(self, key: object) -> Path | None:
        folder = cache_folder()
        if folder is None:
            return None
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        return folder / f"{self._prefix}-{name}.bin"

    def load(self, key: object) -> Any:
        """Return the stored payload, or None if there is none or the file is damaged."""
        path = self._path(key)
        if path is None:
            return None
        try:
            content = path.read_bytes()
            payload = content[_DIGEST_SIZE:]
            if hashlib.sha256(payload).digest() != content[:_DIGEST_SIZE]:
                return None
            stored_key, data = pickle.loads(payload)
        except (OSError, pickle.UnpicklingError, AttributeError, ImportError, EOFError):
            return None
        return data if stored_key == repr(key) else None

    def save(self, key: object, data: Any) -> None:
        """Store the payload; failing to is no error, the next process compiles again."""
        path = self._path(key)
        if path is None:
            return
        payload = dumps((repr(key), data))  # type: ignore[no-untyped-call]
        with contextlib.suppress(OSError):
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(payload).digest() + payload)
                os.replace(temporary, path)
            except OSError:
                os.unlink(temporary)
                raise

    def flush(self) -> None:
        """Delete the stored signatures of the function."""
        folder = cache_folder()
        if folder is not None:
            for path in folder.glob(f"{self._prefix}-*.bin"):
                path.unlink(missing_ok=True)


class SourceHashCache(FunctionCache):
    """Numba function cache in the folder of `cache_folder`.

    Parameters
    ----------
    function : callable
        The Python function whose compiled signatures are kept.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = repr(function)
        self._py_func = function
        self._impl = _Implementation(function)
        self._cache_file: Any = _SignatureFiles(function)
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder as text, for Numba's statistics."""
        folder = cache_folder()
        return None if folder is None else str(folder)
