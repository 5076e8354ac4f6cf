"""Domains of parameters, declared once.

Validation, documentation and random test cases of every public parameter come from the same
`Parameter`: `Parameter.check` turns user input into a canonical value or raises the `ValueError`
of `qktheory.base.errors`, `Domain.describe` words the domain for messages and documentation, and
`Domain.sample` draws valid values, edges included, for tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value, unknown_name

__all__ = [
    "REQUIRED",
    "Choice",
    "Domain",
    "Integer",
    "IntegerList",
    "Matrix",
    "Parameter",
    "Real",
    "RealList",
    "check_parameters",
]


class _Required:
    """The type of `REQUIRED`, the default of a parameter that must be given."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@runtime_checkable
class Domain(Protocol):
    """A set of values a parameter may take."""

    def check(self, argument: str, value: object) -> Any:
        """Return `value` in canonical form or raise a `ValueError` that names `argument`."""

    def describe(self) -> str:
        """Word the domain, completing "expected ..."."""

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a valid value for tests; edges of the domain come up with positive probability."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool | np.bool_
    )


@dataclass(frozen=True)
class Real:
    """Finite real numbers of an interval.

    Parameters
    ----------
    low, high : float, optional
        Ends of the interval; infinite ends are never reached.
    low_open, high_open : bool, optional
        Whether the end itself is excluded.
    typical : tuple of float, optional
        Bounds between which random test cases are drawn, (-3, 3) cut to the interval by default.

    Examples
    --------
    >>> Real(low=0.0, low_open=True).check("temperature", 2)
    2.0
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    typical: tuple[float, float] | None = None

    def check(self, argument: str, value: object) -> float:
        """Return `value` as a float of the interval."""
        if not _is_number(value):
            raise bad_value(argument, value, self.describe())
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise bad_value(argument, value, self.describe()) from None
        below = number < self.low or (self.low_open and number == self.low)
        above = number > self.high or (self.high_open and number == self.high)
        if not math.isfinite(number) or below or above:
            raise bad_value(argument, value, self.describe())
        return number

    def describe(self) -> str:
        """Word the interval."""
        parts = []
        if self.low > -math.inf:
            parts.append(f"{'>' if self.low_open else '>='} {self.low:g}")
        if self.high < math.inf:
            parts.append(f"{'<' if self.high_open else '<='} {self.high:g}")
        return "a finite number" + (" " + " and ".join(parts) if parts else "")

    def sample(self, rng: np.random.Generator) -> float:
        """Draw from the typical range; one draw in ten is a closed end of the interval."""
        ends = [
            end
            for end, is_open in ((self.low, self.low_open), (self.high, self.high_open))
            if math.isfinite(end) and not is_open
        ]
        if ends and rng.random() < 0.1:
            return float(rng.choice(ends))
        low, high = self.typical or (max(self.low, -3.0), min(self.high, 3.0))
        if high <= low:
            high = low + 3.0
        return float(low + (high - low) * (0.001 + 0.998 * rng.random()))


@dataclass(frozen=True)
class Integer:
    """Integers of a range, floats with an integer value included.

    Parameters
    ----------
    low, high : int, optional
        Smallest and largest allowed value; None means no limit on that side.
    typical : tuple of int, optional
        Bounds, both included, of random test cases.

    Examples
    --------
    >>> Integer(low=1).check("T", 64.0)
    64
    """

    low: int | None = None
    high: int | None = None
    typical: tuple[int, int] | None = None

    def check(self, argument: str, value: object) -> int:
        """Return `value` as an int of the range."""
        if not _is_number(value) or (
            isinstance(value, float | np.floating) and not value.is_integer()
        ):
            raise bad_value(argument, value, self.describe())
        number: int = int(value)  # type: ignore[call-overload]
        if (self.low is not None and number < self.low) or (
            self.high is not None and number > self.high
        ):
            raise bad_value(argument, value, self.describe())
        return number

    def describe(self) -> str:
        """Word the range."""
        parts = []
        if self.low is not None:
            parts.append(f">= {self.low}")
        if self.high is not None:
            parts.append(f"<= {self.high}")
        return "an integer" + (" " + " and ".join(parts) if parts else "")

    def sample(self, rng: np.random.Generator) -> int:
        """Draw from the typical range; one draw in five is the lower end."""
        low = self.low if self.low is not None else -10
        if self.low is not None and rng.random() < 0.2:
            return low
        bottom, top = self.typical or (low, low + 40 if self.high is None else self.high)
        return int(rng.integers(bottom, top + 1))


@dataclass(frozen=True)
class RealList:
    """Non-empty lists of finite real numbers.

    Parameters
    ----------
    element : Real, optional
        Domain of one entry.
    min_length : int, optional
        Shortest allowed list.

    Examples
    --------
    >>> RealList().check("eigenvalues", [1, 2.5])
    array([1. , 2.5])
    """

    element: Real = field(default_factory=Real)
    min_length: int = 1

    def check(self, argument: str, value: object) -> NDArray[np.float64]:
        """Return `value` as a float array of one dimension."""
        array = _float_array(argument, value, self.describe())
        if array.ndim != 1 or array.size < self.min_length:
            raise bad_value(argument, value, self.describe())
        # Only the extremes can leave the interval; the domain of the element words the error.
        for entry in (array.min(), array.max()) if array.size else ():
            self.element.check(argument, float(entry))
        return array

    def describe(self) -> str:
        """Word the domain."""
        return f"a list of at least {self.min_length} entries, each {self.element.describe()}"

    def sample(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw a list of up to five more entries than the shortest."""
        length = int(rng.integers(self.min_length, self.min_length + 6))
        return np.array([self.element.sample(rng) for _ in range(length)])


@dataclass(frozen=True)
class IntegerList:
    """Lists of integers, floats with an integer value included.

    Parameters
    ----------
    element : Integer, optional
        Domain of one entry.
    min_length : int, optional
        Shortest allowed list.
    max_length : int, optional
        Longest allowed list; None means no limit.

    Examples
    --------
    >>> IntegerList(Integer(low=1)).check("k", [1, 4.0])
    [1, 4]
    """

    element: Integer = field(default_factory=Integer)
    min_length: int = 1
    max_length: int | None = None

    def check(self, argument: str, value: object) -> list[int]:
        """Return `value` as a list of ints."""
        if (
            not isinstance(value, Iterable)
            or isinstance(value, str | bytes | Mapping)
            or (isinstance(value, np.ndarray) and value.ndim != 1)
        ):
            raise bad_value(argument, value, self.describe())
        entries = list(value)
        longest = len(entries) if self.max_length is None else self.max_length
        if not self.min_length <= len(entries) <= longest:
            raise bad_value(argument, value, self.describe())
        return [self.element.check(f"{argument}[{k}]", entry) for k, entry in enumerate(entries)]

    def describe(self) -> str:
        """Word the domain."""
        if self.max_length == self.min_length:
            count = f"{self.min_length} entries"
        else:
            count = f"at least {self.min_length} entries"
            if self.max_length is not None:
                count += f" and at most {self.max_length}"
        return f"a list of {count}, each {self.element.describe()}"

    def sample(self, rng: np.random.Generator) -> list[int]:
        """Draw a list of up to five more entries than the shortest."""
        longest = self.min_length + 5 if self.max_length is None else self.max_length
        length = int(rng.integers(self.min_length, longest + 1))
        return [self.element.sample(rng) for _ in range(length)]


@dataclass(frozen=True)
class Matrix:
    """Finite real matrices.

    Parameters
    ----------
    square : bool, optional
        Demand as many rows as columns.
    positive_semidefinite : bool, optional
        Demand a symmetric matrix without eigenvalues below -1e-10 times the largest one.

    Examples
    --------
    >>> Matrix(square=True).check("W_QK", [[1, 2], [0, 1]])
    array([[1., 2.],
           [0., 1.]])
    """

    square: bool = False
    positive_semidefinite: bool = False

    def check(self, argument: str, value: object) -> NDArray[np.float64]:
        """Return `value` as a float array of two dimensions."""
        array = _float_array(argument, value, self.describe())
        if array.ndim != 2 or array.size == 0:
            raise bad_value(argument, value, self.describe())
        if (self.square or self.positive_semidefinite) and array.shape[0] != array.shape[1]:
            raise bad_value(argument, f"array of shape {array.shape}", self.describe())
        if self.positive_semidefinite:
            check_positive_semidefinite(argument, array)
        return array

    def describe(self) -> str:
        """Word the domain."""
        if self.positive_semidefinite:
            return "a symmetric positive semidefinite matrix of finite numbers"
        return f"a {'square ' if self.square else ''}matrix (list of rows) of finite numbers"

    def sample(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw a small matrix; covariances are singular one time in five."""
        rows = int(rng.integers(1, 6))
        columns = rows if self.square or self.positive_semidefinite else int(rng.integers(1, 6))
        entries = rng.normal(size=(rows, columns))
        if not self.positive_semidefinite:
            return entries
        if rows > 1 and rng.random() < 0.2:
            entries[:, -1] = 0.0
        return np.asarray(entries @ entries.T)


@dataclass(frozen=True)
class Choice:
    """One of a few names.

    Parameters
    ----------
    names : tuple of str
        The allowed values.

    Examples
    --------
    >>> Choice(("none", "causal")).check("attention.mask", "causal")
    'causal'
    """

    names: tuple[str, ...]

    def check(self, argument: str, value: object) -> str:
        """Return `value` if it is one of the names."""
        if value not in self.names or not isinstance(value, str):
            raise unknown_name(f"value of {argument}", value, self.names)
        return value

    def describe(self) -> str:
        """List the names."""
        return "one of " + ", ".join(repr(name) for name in self.names)

    def sample(self, rng: np.random.Generator) -> str:
        """Draw one of the names."""
        return str(rng.choice(self.names))


@dataclass(frozen=True)
class Parameter:
    """A named parameter with its domain, default and meaning.

    Parameters
    ----------
    name : str
        Name as users write it; one of the names of the symbol table of the theory.
    domain : Domain
        Allowed values.
    description : str, optional
        What it is, for documentation.
    default : object, optional
        Value when it is not given; `REQUIRED` (the default) means that it must be given. A default
        of None stands for "decided from the other parameters" and is passed on unchecked.

    Examples
    --------
    >>> Parameter("T", Integer(low=1), "number of tokens").check(0)
    Traceback (most recent call last):
    ...
    ValueError: T = 0: expected an integer >= 1
    """

    name: str
    domain: Domain
    description: str = ""
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        """Whether the parameter has no default."""
        return self.default is REQUIRED

    def check(self, value: object, prefix: str = "") -> Any:
        """Return the canonical form of `value`; `prefix` is put before the name in messages."""
        return self.domain.check(prefix + self.name, value)


def check_parameters(
    declared: Sequence[Parameter], given: Mapping[str, object], owner: str, prefix: str = ""
) -> dict[str, Any]:
    """Check user input against the declared parameters and fill in defaults.

    Parameters
    ----------
    declared : sequence of Parameter
        What the owner takes.
    given : mapping
        What the user gave, by name.
    owner : str
        Whose parameters these are, for messages (``"LOC-3a"``, ``"[tokens] law 'iid'"``).
    prefix : str, optional
        Put before names in messages (``"tokens."``).

    Returns
    -------
    dict
        Canonical values of all declared parameters, in the order of declaration.

    Raises
    ------
    ValueError
        For an unknown name, a missing required parameter, or a value outside its domain.

    Examples
    --------
    >>> check_parameters([Parameter("T", Integer(low=1))], {"T": 3}, "LOC-9a")
    {'T': 3}
    """
    names = [parameter.name for parameter in declared]
    for name in given:
        if name not in names:
            raise unknown_name(f"parameter of {owner}", name, names)
    values = {}
    for parameter in declared:
        if parameter.name in given:
            values[parameter.name] = parameter.check(given[parameter.name], prefix)
        elif parameter.required:
            raise ValueError(
                f"{prefix}{parameter.name} is missing: {owner} needs {parameter.domain.describe()}"
            )
        else:
            values[parameter.name] = parameter.default
    return values


def check_positive_semidefinite(argument: str, matrix: NDArray[np.float64]) -> None:
    """Raise unless `matrix` is symmetric and positive semidefinite up to rounding.

    Parameters
    ----------
    argument : str
        Name for the message.
    matrix : ndarray of shape (d, d)
        A finite square matrix.

    Raises
    ------
    ValueError
        With the size of the violation: asymmetry above 1e-10, or an eigenvalue below -1e-10,
        both relative to the largest entry or eigenvalue.
    """
    scale = float(np.abs(matrix).max())
    asymmetry = float(np.abs(matrix - matrix.T).max())
    if asymmetry > 1e-10 * scale:
        raise ValueError(
            f"{argument} is not symmetric (largest |{argument}_ij - {argument}_ji| = "
            f"{asymmetry:.3g}): expected a symmetric positive semidefinite matrix"
        )
    eigenvalues = np.linalg.eigvalsh(matrix)
    if eigenvalues[0] < -1e-10 * max(abs(eigenvalues[-1]), abs(eigenvalues[0])):
        raise ValueError(
            f"{argument} has the negative eigenvalue {eigenvalues[0]:.6g}: "
            "expected a symmetric positive semidefinite matrix"
        )


def _float_array(argument: str, value: object, expected: str) -> NDArray[np.float64]:
    """Return `value` as an array of finite floats or raise."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "iuf":
            raise bad_value(argument, f"array of dtype {value.dtype}", expected)
        array = value.astype(np.float64)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        try:
            array = np.array([_plain(entry) for entry in value], dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise bad_value(argument, value, expected) from None
    else:
        raise bad_value(argument, value, expected)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(
            f"{argument} has the entry {array[tuple(where)]} at index {where}: "
            "expected finite numbers"
        )
    return array


def _plain(entry: object) -> object:
    """Let numbers and rows of numbers through, nothing that NumPy would read as a number."""
    if _is_number(entry):
        return entry
    if isinstance(entry, np.ndarray) and entry.dtype.kind in "iuf":
        return entry
    if isinstance(entry, Sequence) and not isinstance(entry, str | bytes):
        return [_plain(inner) for inner in entry]
    raise TypeError
