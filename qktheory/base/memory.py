"""Sizes beyond the memory of the machine are refused before anything is allocated."""

from __future__ import annotations

import os

__all__ = ["check_memory"]


def check_memory(needed: int, what: str) -> None:
    """Raise if something does not fit into the memory of the machine.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        What would take them, for the message.

    Raises
    ------
    ValueError
        If more than nine tenths of the physical memory are needed.

    Examples
    --------
    >>> check_memory(10**18, "one sample with T = 100000000")
    Traceback (most recent call last):
    ...
    ValueError: one sample with T = 100000000 needs 1e+09 GB of memory, this machine has ...
    """
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return
    if needed > 0.9 * total:
        raise ValueError(
            f"{what} needs {min(needed, 10**300) / 1e9:.3g} GB of memory, this machine has "
            f"{total / 1e9:.3g} GB"
        )
