"""One runner to a folder: a lock that the operating system releases when its holder dies."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["LOCK_NAME", "exclusive"]

LOCK_NAME = "journal.lock"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder for this runner alone.

    A file of its own is locked, and stays behind empty-handed: removing it would let two runners
    hold two files of one name. SQLite's own exclusive mode would shut out readers (`qktheory
    status`) too.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Raises
    ------
    ValueError
        If another runner holds it, or nothing can be written there.
    """
    path = folder / LOCK_NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise ValueError(f"{folder} cannot be written to ({error.strerror})") from None
    try:
        if not _acquire(handle):
            holder = os.read(handle, 200).decode("utf-8", "replace").strip()
            raise ValueError(
                f"{folder} is in use by another runner ({holder or 'unknown'}): expected one "
                "runner to a folder; wait for it, or choose another folder"
            )
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except OSError:
            pass  # On a full disk the lock holds all the same.
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _acquire(handle: int) -> bool:
        try:
            os.lseek(handle, 1 << 20, os.SEEK_SET)  # A byte that nobody reads.
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _acquire(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
