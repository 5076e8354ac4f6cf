"""What an observable is: a functional of a draw with a name, a range and a meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.base.registry import Registry
from qktheory.observables.draws import Matrices, Rows

__all__ = ["OBSERVABLES", "MatrixObservable", "Observable", "RowObservable", "find_observables"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Observable:
    """A named functional of a draw.

    Parameters
    ----------
    name : str
        Name in spec files and results.
    title : str
        What it is, with its unit, for axis labels and documentation.
    definition : str
        The defining formula in LaTeX.
    bounds : callable
        Range (low, high) of one component at T keys, or None where there is none. Known ranges
        give confidence intervals with a finite-sample guarantee.
    vector : bool
        Whether the value of a draw is one number a key (T components) or one number.
    """

    name: str
    title: str
    definition: str
    bounds: Callable[[int], tuple[float, float] | None]
    vector: bool = False

    @property
    def needs(self) -> Literal["row", "matrix"]:
        """Whether a single row suffices or the whole attention matrix is needed."""
        raise NotImplementedError

    def kind(self, T: int) -> tuple[str, bool, bool]:
        """Return what a simulator has to know: `needs`, `vector`, and whether there are bounds."""
        return self.needs, self.vector, self.bounds(T) is not None

    def size(self, T: int) -> int:
        """Return the number of components at T keys."""
        return T if self.vector else 1


@dataclass(frozen=True)
class RowObservable(Observable):
    """An observable of one attention row; over all queries it is averaged over the rows.

    Parameters
    ----------
    compute : callable
        From `Rows` of n rows to an array of shape (n,), or (n, T) for a vector observable.

    Examples
    --------
    >>> OBSERVABLES["entropy"].needs
    'row'
    """

    compute: Callable[[Rows], FloatArray] = lambda rows: rows.weights

    @property
    def needs(self) -> Literal["row", "matrix"]:
        """A single row suffices."""
        return "row"


@dataclass(frozen=True)
class MatrixObservable(Observable):
    """An observable of a whole attention matrix.

    Parameters
    ----------
    compute : callable
        From `Matrices` of n draws to an array of shape (n,).

    Examples
    --------
    >>> OBSERVABLES["stable_rank"].needs
    'matrix'
    """

    compute: Callable[[Matrices], FloatArray] = lambda matrices: matrices.weights

    @property
    def needs(self) -> Literal["row", "matrix"]:
        """The whole matrix is needed."""
        return "matrix"


OBSERVABLES: Registry[Observable] = Registry("observable", "qktheory.observables.catalogue")


def find_observables(names: Iterable[str | Observable]) -> tuple[Observable, ...]:
    """Return the observables of a list of names, in order and without repetition.

    Parameters
    ----------
    names : iterable of str or Observable
        Names of the catalogue; an `Observable` is passed through.

    Returns
    -------
    tuple of Observable

    Raises
    ------
    ValueError
        For an unknown name (with the nearest known one), no name at all, or two observables of
        one name.

    Examples
    --------
    >>> [o.name for o in find_observables(["entropy", "rho"])]
    ['entropy', 'rho']
    """
    if isinstance(names, str):
        raise bad_value("observables", names, "a list of names of observables")
    found: dict[str, Observable] = {}
    for name in names:
        observable = name if isinstance(name, Observable) else OBSERVABLES[name]
        if found.setdefault(observable.name, observable) is not observable:
            raise ValueError(f"two different observables are called {observable.name!r}")
    if not found:
        raise bad_value("observables", list(found), "at least one name")
    return tuple(found.values())
