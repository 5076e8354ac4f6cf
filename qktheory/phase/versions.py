"""What decides the bits of a sample: sources, libraries, processor."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import scipy

import qktheory
from qktheory.kernels import kernel_hash

__all__ = ["differing", "versions"]

#: Rooms whose code takes part in a sample.
_ROOMS = ("kernels", "numerics", "spectra", "tokens", "attention", "observables", "simulation")


@functools.cache
def versions() -> dict[str, str]:
    """Return versions and hashes: samples drawn under equal ones can be merged.

    Examples
    --------
    >>> sorted(versions())
    ['kernels', 'numpy', 'qktheory', 'scipy', 'sources']
    """
    digest = hashlib.sha256()
    root = Path(qktheory.__file__).parent
    for room in _ROOMS:
        for source in sorted((root / room).rglob("*.py")):
            digest.update(source.relative_to(root).as_posix().encode() + b"\0")
            digest.update(source.read_bytes())
    return {
        "qktheory": qktheory.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "kernels": kernel_hash(),
        "sources": digest.hexdigest()[:32],
    }


def differing(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return in words what differs, empty if nothing does.

    Examples
    --------
    >>> differing({"numpy": "2.1.0"}, {"numpy": "2.2.0"})
    'numpy 2.1.0 and not 2.2.0'
    """
    return ", ".join(
        f"{name} {value} and not {there.get(name, 'none')}"
        for name, value in here.items()
        if there.get(name) != value
    )
