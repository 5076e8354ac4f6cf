"""Arrays of users: numbers, lists, NumPy arrays or ``"@file.npy"``.

`load_array` turns any of them into a finite float64 array or raises a `ValueError` that names the
argument, the file and what is wrong with it. `ArrayInput` keeps such an array together with the
file it came from, so that a specification can be written out again. `covariance_array` is the one
reading of a token covariance, shared by the rooms that need it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Real, check_positive_semidefinite
from qktheory.base.errors import bad_value

__all__ = ["ArrayDomain", "ArrayInput", "covariance_array", "load_array", "real_array"]

_NUMBER = Real()


def load_array(
    argument: str,
    value: object,
    base: str | Path | None = None,
    ndim: int | tuple[int, ...] | None = None,
) -> NDArray[np.float64]:
    """Return `value` as a finite float64 array.

    Parameters
    ----------
    argument : str
        Name for messages.
    value : array_like or str
        A number, nested lists of numbers, a NumPy array of integers or floats, or
        ``"@path.npy"``.
    base : path, optional
        Directory against which relative paths are resolved; the current one by default.
    ndim : int or tuple of int, optional
        Allowed numbers of dimensions.

    Returns
    -------
    ndarray
        A read-only float64 array of its own.

    Raises
    ------
    ValueError
        For a missing, truncated or foreign file, a dtype other than integers or floats, ragged
        rows, an empty array, entries that are not finite, or a wrong number of dimensions.

    Examples
    --------
    >>> load_array("W", [[1, 2], [3, 4]], ndim=2)
    array([[1., 2.],
           [3., 4.]])
    >>> load_array("W", "@missing.npy")
    Traceback (most recent call last):
    ...
    ValueError: W = '@missing.npy': expected an existing .npy file (no such file: ...missing.npy)
    """
    if isinstance(value, str):
        raw: Any = _read_npy(argument, value, base)
    elif isinstance(value, np.ndarray | np.generic):
        raw = value
    else:
        raw = _nested(argument, value)
    raw = np.asarray(raw)
    if raw.dtype.kind not in "iuf":
        kind = "complex numbers" if raw.dtype.kind == "c" else f"dtype {raw.dtype}"
        raise ValueError(f"{argument} is an array of {kind}: expected integers or floats")
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if allowed is not None and raw.ndim not in allowed:
        wanted = " or ".join(str(n) for n in allowed)
        raise ValueError(
            f"{argument} is an array of shape {raw.shape}: expected {wanted} dimensions"
        )
    if raw.size == 0:
        raise ValueError(
            f"{argument} is an array of shape {raw.shape}: expected at least one entry"
        )
    array = np.array(raw, dtype=np.float64)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(
            f"{argument} has the entry {array[tuple(where)]} at index {where}: "
            "expected finite numbers"
        )
    array.setflags(write=False)
    return array


def real_array(argument: str, value: object, domain: Real) -> NDArray[np.float64]:
    """Return a number or array of numbers, all of them inside an interval, as float64.

    Parameters
    ----------
    argument : str
        Name for messages.
    value : array_like
        A number or (nested) lists or an array of them.
    domain : Real
        Where each entry must lie.

    Returns
    -------
    ndarray
        A read-only float64 array.

    Raises
    ------
    ValueError
        As `load_array`, or for the smallest or largest entry if it lies outside.

    Examples
    --------
    >>> real_array("T", [1, 64], Real(low=1.0))
    array([ 1., 64.])
    >>> real_array("T", [64, 0.5], Real(low=1.0))
    Traceback (most recent call last):
    ...
    ValueError: T = 0.5: expected a finite number >= 1
    """
    array = load_array(argument, value)
    # Only the extremes can leave an interval.
    for entry in (array.min(), array.max()):
        domain.check(argument, float(entry))
    return array


def _read_npy(argument: str, value: str, base: str | Path | None) -> NDArray[Any]:
    """Read the array of ``"@path.npy"``, without ever unpickling."""
    if not value.startswith("@") or len(value) == 1:
        raise bad_value(argument, value, 'numbers or "@file.npy"')
    path = resolve(value, base)
    try:
        # A memory map reads the header first, so a file with a lying shape is refused before
        # anything of that size is allocated.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise bad_value(argument, value, f"an existing .npy file (no such file: {path})") from None
    except OSError as error:
        raise bad_value(argument, value, f"a readable .npy file ({error})") from None
    except Exception as error:  # NumPy's header parser fails in any way a damaged file makes it.
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error)
        raise bad_value(argument, value, f"a complete .npy file of numbers ({reason})") from None
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise bad_value(argument, value, "a .npy file with one array, not an archive")
    return np.array(loaded)


def resolve(value: str, base: str | Path | None) -> Path:
    """Return the path meant by ``"@path"``, relative ones taken from `base`."""
    path = Path(value[1:]).expanduser()
    return path if path.is_absolute() or base is None else Path(base) / path


def _nested(argument: str, value: object) -> NDArray[np.float64]:
    """Return nested lists of numbers as an array; booleans and strings are no numbers."""
    expected = 'a number, a list or rows of numbers, or "@file.npy"'

    def plain(entry: object) -> object:
        if isinstance(entry, np.ndarray) and entry.dtype.kind in "iuf":
            return entry
        if isinstance(entry, Iterable) and not isinstance(entry, str | bytes | dict):
            return [plain(inner) for inner in entry]
        if isinstance(entry, bool | np.bool_) or not isinstance(
            entry, int | float | np.integer | np.floating
        ):
            raise TypeError
        return entry

    try:
        return np.array(plain(value), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise bad_value(argument, value, expected) from None


@dataclass(frozen=True, eq=False)
class ArrayInput:
    """An array and how the user gave it.

    Parameters
    ----------
    values : ndarray
        The numbers, read-only.
    source : str, optional
        ``"@/absolute/path.npy"`` when they were read from a file.

    Examples
    --------
    >>> ArrayInput.of("covariance", [1, 2]).to_value()
    [1.0, 2.0]
    """

    values: NDArray[np.float64]
    source: str | None = None

    @classmethod
    def of(
        cls,
        argument: str,
        value: object,
        base: str | Path | None = None,
        ndim: int | tuple[int, ...] | None = None,
    ) -> ArrayInput:
        """Read `value` with `load_array`; an `ArrayInput` is checked again and kept."""
        if isinstance(value, ArrayInput):
            load_array(argument, value.values, ndim=ndim)
            return value
        values = load_array(argument, value, base, ndim)
        source = f"@{resolve(value, base).absolute()}" if isinstance(value, str) else None
        return cls(values, source)

    def to_value(self) -> Any:
        """Return what a specification file holds: the file name, a number or (nested) lists."""
        return self.source if self.source is not None else self.values.tolist()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArrayInput):
            return NotImplemented
        return np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.values.shape, self.values.tobytes()))

    def __repr__(self) -> str:
        return repr(self.source) if self.source else f"<array of shape {self.values.shape}>"


@dataclass(frozen=True)
class ArrayDomain:
    """Domain of parameters that are arrays, for `qktheory.base.domains.Parameter`.

    Parameters
    ----------
    ndim : tuple of int
        Allowed numbers of dimensions.
    meaning : str
        Words for documentation and messages, completing "expected ...".

    Examples
    --------
    >>> ArrayDomain((2,), "a matrix").check("X", [[1.0, 2.0]]).values.shape
    (1, 2)
    """

    ndim: tuple[int, ...]
    meaning: str

    def check(self, argument: str, value: object) -> ArrayInput:
        """Return `value` as an `ArrayInput`."""
        return ArrayInput.of(argument, value, ndim=self.ndim)

    def describe(self) -> str:
        """Word the domain."""
        return self.meaning

    def sample(self, rng: np.random.Generator) -> list[Any]:
        """Draw a small array with the largest allowed number of dimensions."""
        size = int(rng.integers(1, 5))
        drawn: list[Any] = rng.normal(size=(size,) * max(self.ndim)).tolist()
        return drawn


def covariance_array(
    argument: str, value: object, base: str | Path | None = None
) -> NDArray[np.float64]:
    """Return a token covariance as given: a number, a diagonal or a matrix.

    Parameters
    ----------
    argument : str
        Name for messages.
    value : float, list, matrix, ``"@file.npy"`` or None
        Multiple of the identity (None is 1), diagonal, or full matrix.
    base : path, optional
        Directory of relative paths.

    Returns
    -------
    ndarray of 0, 1 or 2 dimensions
        Checked to be positive semidefinite; singular ones are allowed.

    Raises
    ------
    ValueError
        For a negative number or diagonal entry, or a matrix that is not square, symmetric and
        positive semidefinite (to 1e-10 of its scale).

    Examples
    --------
    >>> covariance_array("tokens.covariance", [1.0, 0.0])
    array([1., 0.])
    """
    if value is None:
        value = 1.0
    array = value.values if isinstance(value, ArrayInput) else value
    array = load_array(argument, array, base, ndim=(0, 1, 2))
    if array.ndim < 2:
        if (array < 0.0).any():
            kind = "number" if array.ndim == 0 else "diagonal"
            worst = float(array.min())
            raise ValueError(
                f"{argument} has the negative {kind} entry {worst:.6g}: expected numbers >= 0 "
                "(a positive semidefinite covariance)"
            )
    elif array.shape[0] != array.shape[1]:
        raise ValueError(
            f"{argument} is a matrix of shape {array.shape}: expected a square covariance"
        )
    else:
        check_positive_semidefinite(argument, array)
    return array
