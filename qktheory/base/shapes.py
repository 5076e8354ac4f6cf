"""Arrays whose axes have names, and arguments that share them.

Weights, tokens and gradients of one layer must fit each other: an axis that several arguments name
has one length. `Array` declares the axes of an argument, `check_shapes` compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.arrays import load_array
from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value

__all__ = ["Array", "check_shapes", "shapes_of"]


@dataclass(frozen=True)
class Array:
    """Arrays of finite numbers with named axes.

    Parameters
    ----------
    *axes : str or int
        Names of the axes; ``"n+1"`` is one longer than ``"n"``, a number is a fixed length.
    element : Real, optional
        Domain of one entry.

    Examples
    --------
    >>> Array("T", "d").check("X", [[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    >>> Array("H", "T", "d").describe()
    'finite numbers of shape (H, T, d)'
    """

    axes: tuple[str | int, ...]
    element: Real = field(default_factory=Real)

    def __init__(self, *axes: str | int, element: Real | None = None) -> None:
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "element", element or Real())

    def check(self, argument: str, value: object) -> NDArray[np.float64]:
        """Return a finite, read-only array with as many dimensions as there are axes."""
        array = load_array(argument, value, ndim=len(self.axes))
        for entry in (array.min(), array.max()):
            self.element.check(argument, float(entry))
        return array

    def describe(self) -> str:
        """Word the domain."""
        shape = ", ".join(map(str, self.axes))
        numbers = self.element.describe()
        entries = "finite numbers" if numbers == "a finite number" else f"entries, each {numbers},"
        return f"{entries} of shape ({shape}{',' if len(self.axes) == 1 else ''})"

    def sample(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw an array of any lengths."""
        return self.sample_with(rng, {})

    def sample_with(
        self, rng: np.random.Generator, lengths: MutableMapping[str, int]
    ) -> NDArray[np.float64]:
        """Draw an array of the given lengths; those of other axes are drawn and added to them."""
        shape = []
        for axis in self.axes:
            if isinstance(axis, int):
                shape.append(axis)
                continue
            name, more = _parts(axis)
            shape.append(lengths.setdefault(name, int(rng.integers(1, 5))) + more)
        drawn = np.array([self.element.sample(rng) for _ in range(int(np.prod(shape)))])
        return np.asarray(drawn.reshape(shape))


def _parts(axis: str) -> tuple[str, int]:
    name, _, more = axis.partition("+")
    return name, int(more or 0)


def check_shapes(
    declared: Sequence[Parameter], values: Mapping[str, Any], known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Check that axes of one name have one length in all arguments.

    Parameters
    ----------
    declared : sequence of Parameter
        Those with an `Array` as domain are compared, in order.
    values : mapping
        Their values; None, and what is missing, is passed over.
    known : mapping, optional
        Lengths that are fixed by other arguments, by the name of the axis.

    Returns
    -------
    dict
        The length of every axis.

    Raises
    ------
    ValueError
        For an argument that does not fit those before it.

    Examples
    --------
    >>> declared = [Parameter("X", Array("T", "d")), Parameter("W", Array("d", "k"))]
    >>> check_shapes(declared, {"X": np.ones((3, 2)), "W": np.ones((2, 5))})
    {'T': 3, 'd': 2, 'k': 5}
    >>> check_shapes(declared, {"X": np.ones((3, 2)), "W": np.ones((3, 5))})
    Traceback (most recent call last):
    ...
    ValueError: W = 'array of shape (3, 5)': expected shape (d, k) with d = 2
    """
    lengths: dict[str, int] = dict(known or {})
    for parameter in declared:
        array = values.get(parameter.name)
        if not isinstance(parameter.domain, Array) or array is None:
            continue
        axes = parameter.domain.axes
        fits, before = True, dict(lengths)
        for axis, length in zip(axes, array.shape, strict=True):
            if isinstance(axis, int):
                fits &= length == axis
                continue
            name, more = _parts(axis)
            fits &= lengths.setdefault(name, length - more) + more == length
        if not fits:
            names = {_parts(a)[0] for a in axes if isinstance(a, str)}
            sizes = ", ".join(f"{n} = {size}" for n, size in before.items() if n in names)
            shape = ", ".join(map(str, axes)) + ("," if len(axes) == 1 else "")
            expected = f"shape ({shape})" + (f" with {sizes}" if sizes else "")
            raise bad_value(parameter.name, f"array of shape {array.shape}", expected)
    return lengths


def shapes_of(declared: Sequence[Parameter]) -> Callable[[dict[str, Any]], None]:
    """Return `check_shapes` of these parameters as a check of values in place.

    Parameters
    ----------
    declared : sequence of Parameter

    Returns
    -------
    callable
        From values by name to None; raises as `check_shapes`.
    """

    def check(values: dict[str, Any]) -> None:
        check_shapes(declared, values)

    return check
