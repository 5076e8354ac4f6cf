"""What an observable is: a functional of a draw with a name, a range and a meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.base.registry import Registry
from qktheory.observables.draws import Matrices, Rows
from qktheory.observables.feature_rows import FeatureRows
from qktheory.observables.network_pass import NetworkPass

__all__ = [
    "OBSERVABLES",
    "FeatureObservable",
    "MatrixObservable",
    "NetworkObservable",
    "Observable",
    "RowObservable",
    "add_network_observable",
    "find_observables",
]

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
        Whether the value of a draw is one number a key (T components), or one number a layer of
        a network, or one number.
    """

    name: str
    title: str
    definition: str
    bounds: Callable[[int], tuple[float, float] | None]
    vector: bool = False

    @property
    def needs(self) -> Literal["row", "matrix", "network", "features"]:
        """What has to be drawn: a row, the attention matrix, a network, or an estimated row."""
        raise NotImplementedError

    def kind(self, T: int) -> tuple[object, ...]:
        """Return what a simulator has to know: `needs`, `vector`, and whether there are bounds."""
        return self.needs, self.vector, self.bounds(T) is not None

    @property
    def index(self) -> str:
        """What the components of a vector observable are numbered by."""
        return "key"

    def size(self, T: int, depth: int = 0) -> int:
        """Return the number of components at T keys in a network of `depth` layers."""
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
    def needs(self) -> Literal["row", "matrix", "network", "features"]:
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
    def needs(self) -> Literal["row", "matrix", "network", "features"]:
        """The whole matrix is needed."""
        return "matrix"


@dataclass(frozen=True)
class NetworkObservable(Observable):
    """An observable of the tokens, or of the attention, of every layer of a network.

    Parameters
    ----------
    compute : callable
        From `NetworkPass` of n networks to an array of shape (n, L + 1) for tokens after 0, ..., L
        layers, (n, L) for attention in the layers 1, ..., L.
    of : {"state", "layer", "length"}
        Which of the two, or (n, L + 1) for paths that use 0, ..., L layers.
    gradient : bool
        Whether it differentiates, which a softmax is needed for.
    unmasked : bool
        Whether it has no value where keys are masked.
    linear : bool
        Whether it needs an output that is a sum over paths: skips, neither LayerNorm nor MLP.

    Notes
    -----
    Of a vector observable called X, `add_network_observable` makes a scalar one called ``final_X``,
    the value at the last layer.

    Examples
    --------
    >>> OBSERVABLES["log10_residual"].size(16, depth=12), OBSERVABLES["final_log10_residual"].vector
    (13, False)
    """

    compute: Callable[[NetworkPass], FloatArray] = lambda networks: networks.gradients()
    of: Literal["state", "layer", "length"] = "state"
    gradient: bool = False
    unmasked: bool = False
    linear: bool = False

    @property
    def needs(self) -> Literal["row", "matrix", "network", "features"]:
        """A network is needed."""
        return "network"

    def kind(self, T: int) -> tuple[object, ...]:
        """Return what a simulator has to know; see `Observable.kind`."""
        return (*super().kind(T), self.gradient, self.unmasked, self.linear)

    @property
    def index(self) -> str:
        """``"state"`` or ``"length"`` (0..L), or ``"layer"`` (1..L)."""
        return self.of

    def size(self, T: int, depth: int = 0) -> int:
        """Return the number of components in a network of `depth` layers."""
        if not self.vector:
            return 1
        return depth if self.of == "layer" else depth + 1


@dataclass(frozen=True)
class FeatureObservable(Observable):
    """An observable of a row that random features estimate, beside the exact row.

    Parameters
    ----------
    compute : callable
        From `FeatureRows` of n rows to an array of shape (n,).

    Examples
    --------
    >>> OBSERVABLES["feature_error"].needs
    'features'
    """

    compute: Callable[[FeatureRows], FloatArray] = lambda rows: rows.weights

    @property
    def needs(self) -> Literal["row", "matrix", "network", "features"]:
        """An estimated row is needed."""
        return "features"


OBSERVABLES: Registry[Observable] = Registry("observable", "qktheory.observables.catalogue")


def add_network_observable(observable: NetworkObservable) -> None:
    """Register an observable of all layers, and the scalar one of the last layer.

    Parameters
    ----------
    observable : NetworkObservable
        With one component a layer.
    """
    OBSERVABLES.add(observable.name, observable)
    compute = observable.compute
    final = replace(
        observable,
        name=f"final_{observable.name}",
        title=f"{observable.title}, last layer",
        compute=lambda networks: compute(networks)[:, -1:],
        vector=False,
    )
    OBSERVABLES.add(final.name, final)


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
