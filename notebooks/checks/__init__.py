"""Checks of the exercises in the lessons.

A lesson says ``check("3.1", answer)`` and shows what comes back: *right*, or *not yet* with a hint,
or *not answered yet* as long as the answer is ``...``. What is right is computed, not written down,
in a module a lesson (``lesson_3.py``), which registers a function an exercise::

    @exercise("3.1")
    def variance_of_a_sum(answer: object) -> str | None:
        value = number(answer)
        ...
        return "the two terms are independent: which of them is counted twice?"  # or None: right

The function gets the answer as it was written and returns a hint, or None if the answer is right.
It reads the answer with `number`, `numbers`, `one_of`, `formula` or `function`, which say what kind
of answer is expected where it is of another kind. A wrong answer never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from qktheory.base.registry import Registry

__all__ = [
    "EXERCISES",
    "Check",
    "Reply",
    "Unreadable",
    "check",
    "close",
    "exercise",
    "exercises_of",
    "formula",
    "function",
    "number",
    "numbers",
    "one_of",
    "same_formula",
]

#: From an answer to a hint, or to None if it is right.
Check = Callable[[Any], str | None]

EXERCISES: Registry[Check] = Registry("exercise", __name__)


class Unreadable(ValueError):
    """An answer of the wrong kind; the message says what was expected."""


@dataclass(frozen=True, repr=False)
class Reply:
    """What a check says.

    Attributes
    ----------
    exercise : str
        Number of the exercise.
    right : bool or None
        None as long as there is no answer.
    hint : str
        What to think about next; empty for a right answer.
    """

    exercise: str
    right: bool | None
    hint: str = ""

    def __repr__(self) -> str:
        if self.right is None:
            return f"{self.exercise}: not answered yet"
        return f"{self.exercise}: right" if self.right else f"{self.exercise}: not yet. {self.hint}"


def exercise(name: str) -> Callable[[Check], Check]:
    """Return a decorator that registers the check of an exercise, ``"lesson.exercise"``."""
    if not re.fullmatch(r"[1-9]\d*\.[1-9]\d*", name):
        raise ValueError(f"exercise {name!r}: expected a name such as '3.1'")
    return EXERCISES.register(name)


def exercises_of(lesson: int) -> list[str]:
    """Return the names of the exercises of a lesson, in order."""
    own = [name for name in EXERCISES if name.startswith(f"{lesson}.")]
    return sorted(own, key=lambda name: int(name.partition(".")[2]))


def check(exercise: str, answer: object) -> Reply:
    """Say whether an answer is right.

    Parameters
    ----------
    exercise : str
        Its number, such as ``"3.1"``.
    answer : object
        What the exercise asks for; ``...`` if there is none yet.

    Returns
    -------
    Reply
        Right, not yet (with a hint), or not answered yet.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    rule = EXERCISES[exercise]
    if answer is ...:
        return Reply(exercise, None)
    try:
        hint = rule(answer)
    except Unreadable as unreadable:
        hint = str(unreadable)
    return Reply(exercise, hint is None, hint or "")


def number(answer: object, what: str = "a number") -> float:
    """Read an answer as a finite number: of Python, NumPy or SymPy."""
    values = numbers(answer, what=what)
    if values.shape != (1,):
        raise Unreadable(f"The answer should be {what}.")
    return float(values[0])


def numbers(
    answer: object, count: int | None = None, what: str = "a list of numbers"
) -> NDArray[np.float64]:
    """Read an answer as a list of finite numbers; one number is a list of one."""
    if isinstance(answer, bool | str | bytes | Mapping):
        raise Unreadable(f"The answer should be {what}.")
    try:
        values = np.atleast_1d(np.asarray(answer, dtype=object)).astype(np.float64)
    except (TypeError, ValueError):
        raise Unreadable(f"The answer should be {what}.") from None
    if values.ndim != 1 or not np.isfinite(values).all():
        raise Unreadable(f"The answer should be {what}.")
    if count is not None and len(values) != count:
        raise Unreadable(f"The answer should have {count} numbers, and has {len(values)}.")
    return values


def one_of(answer: object, names: Sequence[str]) -> str:
    """Read an answer as one of several names, whatever their case."""
    folded = {name.casefold(): name for name in names}
    if not isinstance(answer, str) or answer.strip().casefold() not in folded:
        raise Unreadable("The answer should be one of " + ", ".join(map(repr, names)) + ".")
    return folded[answer.strip().casefold()]


def formula(answer: object, symbols: Sequence[str]) -> sp.Expr:
    """Read an answer as a SymPy expression in named symbols, whatever is assumed about them."""
    if isinstance(answer, bool | str):
        raise Unreadable("The answer should be a SymPy expression, not text.")
    try:
        expression = sp.sympify(answer)
    except (sp.SympifyError, TypeError):
        raise Unreadable("The answer should be a SymPy expression.") from None
    if not isinstance(expression, sp.Expr):
        raise Unreadable("The answer should be a SymPy expression.")
    foreign = {s.name for s in expression.free_symbols} - set(symbols)
    if foreign:
        raise Unreadable(
            f"The answer should be in {', '.join(symbols)} and has {', '.join(sorted(foreign))}."
        )
    return expression


def function(answer: object, what: str = "a function") -> Callable[..., Any]:
    """Read an answer as something that can be called, errors of which are hints."""
    if not callable(answer):
        raise Unreadable(f"The answer should be {what}.")

    def called(*arguments: Any, **named: Any) -> Any:
        try:
            return answer(*arguments, **named)
        except Exception as error:
            raise Unreadable(f"Calling it raises {type(error).__name__}: {error}.") from None

    return called


def close(value: ArrayLike, reference: ArrayLike, rel: float = 1e-6, abs: float = 0.0) -> bool:
    """Whether numbers agree with their references to the given tolerance."""
    return bool(np.allclose(value, reference, rtol=rel, atol=abs))


def same_formula(answer: sp.Expr, reference: sp.Expr, **at: Sequence[float]) -> bool:
    """Whether two expressions agree at several points, given by the values of each symbol.

    Symbols are compared by name. Points are better than `simplify`: they decide every pair of
    spellings, and the formulas of an exercise differ at almost all of them.
    """
    for point in zip(*at.values(), strict=True):
        values = dict(zip(at, point, strict=True))

        def at_point(expression: sp.Expr, values: Mapping[str, float] = values) -> complex:
            # Exact numbers: a float would limit the 30 digits of evalf.
            exact = {s: sp.Rational(str(values[s.name])) for s in expression.free_symbols}
            try:
                return complex(expression.subs(exact).evalf(30))
            except (TypeError, ValueError, ZeroDivisionError):
                return complex("nan")

        if not np.isclose(at_point(answer), at_point(reference), rtol=1e-10, atol=1e-12):
            return False
    return True
