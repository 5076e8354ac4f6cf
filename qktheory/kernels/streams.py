"""Streams: random numbers as a function of their address.

A `Stream` is the address (key, experiment, cell); its samples are numbered from 0 and every sample
has as many numbers as anybody asks for. Seeds follow SPEC 7: an integer is hashed to a key, a
`numpy.random.Generator` supplies one, None takes fresh entropy; no global state is read or changed.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.kernels.philox import fill_normals, fill_uniforms

__all__ = ["Stream", "experiment_id", "seed_key"]

_KEY = Integer(low=0, high=2**64 - 1)
_WORD = Integer(low=0, high=2**32 - 1)
_COUNT = Integer(low=0)


def _digest(label: str, content: bytes, size: int) -> int:
    """Hash to an integer of `size` bytes; `label` keeps the uses of the hash apart."""
    digest = hashlib.blake2b(content, digest_size=size, person=label.encode())
    return int.from_bytes(digest.digest(), "little")


def seed_key(rng: int | np.integer | np.random.Generator | None = None) -> int:
    """Return the 64-bit key that a user's `rng` argument stands for.

    Parameters
    ----------
    rng : int, numpy.random.Generator or None, optional
        An integer >= 0 of any size is hashed (BLAKE2b), so neighbouring seeds have unrelated keys;
        a Generator is advanced by one 64-bit draw; None takes entropy from the system.

    Returns
    -------
    int
        0 <= key < 2^64.

    Raises
    ------
    ValueError
        For a negative integer, a bool, a float or anything else.

    Examples
    --------
    >>> seed_key(0)
    1280914268641055154
    >>> seed_key(-1)
    Traceback (most recent call last):
    ...
    ValueError: rng = -1: expected an integer >= 0, a numpy.random.Generator or None
    """
    if rng is None:
        return secrets.randbits(64)
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**64, dtype=np.uint64))
    if not isinstance(rng, int | np.integer) or isinstance(rng, bool) or rng < 0:
        raise bad_value("rng", rng, "an integer >= 0, a numpy.random.Generator or None")
    seed = int(rng)
    return _digest("qktheory seed", seed.to_bytes(seed.bit_length() // 8 + 1, "little"), 8)


def experiment_id(label: str) -> int:
    """Return the 32-bit number of an experiment, the same for ever.

    Parameters
    ----------
    label : str
        Name of the experiment.

    Returns
    -------
    int
        0 <= id < 2^32. Two labels meet with probability 2^-32.

    Raises
    ------
    ValueError
        If `label` is not a string.

    Examples
    --------
    >>> experiment_id("LOC-3") != experiment_id("LOC-4")
    True
    """
    if not isinstance(label, str):
        raise bad_value("label", label, "a string")
    return _digest("qktheory exp", label.encode(), 4)


@dataclass(frozen=True)
class Stream:
    """An addressed sequence of samples.

    Parameters
    ----------
    key : int
        64-bit key, from `seed_key`.
    experiment : int, optional
        32-bit number of the experiment, from `experiment_id`.
    cell : int, optional
        32-bit number of the grid cell or sub-stream.

    Raises
    ------
    ValueError
        If a part does not fit into its bits.

    Examples
    --------
    >>> stream = Stream(seed_key(0), experiment_id("demo"))
    >>> whole = stream.normals(0, 8, 5)
    >>> bool((whole[3:6, :4] == stream.normals(3, 3, 4)).all())
    True
    """

    key: int
    experiment: int = 0
    cell: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _KEY.check("key", self.key))
        object.__setattr__(self, "experiment", _WORD.check("experiment", self.experiment))
        object.__setattr__(self, "cell", _WORD.check("cell", self.cell))

    def normals(
        self, first_sample: int, n: int, m: int, out: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return standard normals of n consecutive samples.

        Parameters
        ----------
        first_sample : int
            Number of the first sample.
        n, m : int
            Samples, and numbers of each; sample r is the same for every n, and its first numbers
            are the same for every m.
        out : ndarray of shape (n, m), optional
            Float64, C-contiguous, to be filled and returned.

        Returns
        -------
        ndarray of shape (n, m)

        Raises
        ------
        ValueError
            If the samples leave the range 0 <= sample < 2^32, or `out` has another shape.
        """
        out = _destination(n, m, out)
        fill_normals(self.key, self.experiment, self.cell, first_sample, out)
        return out

    def uniforms(
        self, first_sample: int, n: int, m: int, out: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return uniforms of (0, 1) of n consecutive samples.

        Parameters
        ----------
        first_sample : int
            Number of the first sample.
        n, m : int
            Samples, and numbers of each; sample r is the same for every n, and its first numbers
            are the same for every m.
        out : ndarray of shape (n, m), optional
            Float64, C-contiguous, to be filled and returned.

        Returns
        -------
        ndarray of shape (n, m)
            Made from the same bits as the normals of the same stream: use a child for independent
            ones.

        Raises
        ------
        ValueError
            If the samples leave the range 0 <= sample < 2^32, or `out` has another shape.
        """
        out = _destination(n, m, out)
        fill_uniforms(self.key, self.experiment, self.cell, first_sample, out)
        return out

    def child(self, *, experiment: int | None = None, cell: int | None = None) -> Stream:
        """Return the stream with another experiment or cell and the same key.

        Parameters
        ----------
        experiment, cell : int, optional
            New parts of the address; what is not given stays.

        Returns
        -------
        Stream
            Independent of this one if the address differs.

        Raises
        ------
        ValueError
            If a part does not fit into 32 bits.
        """
        return replace(
            self,
            experiment=self.experiment if experiment is None else experiment,
            cell=self.cell if cell is None else cell,
        )


def _destination(n: int, m: int, out: NDArray[np.float64] | None) -> NDArray[np.float64]:
    shape = _COUNT.check("n", n), _COUNT.check("m", m)
    if out is None:
        return np.empty(shape)
    if not isinstance(out, np.ndarray) or out.shape != shape:
        raise bad_value("out", out, f"an array of shape {shape}")
    return out
