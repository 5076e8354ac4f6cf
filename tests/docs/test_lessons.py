"""The lessons: their sources, and the checks of their exercises.

The lessons are executed where the documentation is built. Here every exercise is answered, rightly
and wrongly: a right answer has to be accepted, and each wrong one, those that a typical slip leads
to among them, has to be refused with a hint. The answers are in `tests/docs/answers`, one module a
lesson.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from notebooks.checks import (
    EXERCISES,
    Unreadable,
    check,
    exercise,
    exercises_of,
    formula,
    function,
    number,
    numbers,
    one_of,
    same_formula,
)

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ANSWERS = Path(__file__).parent / "answers"
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))

#: What nobody should get away with, whatever is asked.
NONSENSE: tuple[Any, ...] = (None, "no", True, object(), [], {"a": 1}, float("nan"), [[1, 2], [3]])


def lesson_number(lesson: Path) -> int:
    return int(lesson.name[:2])


def answers() -> list[tuple[str, list[Any], list[Any]]]:
    """(exercise, right answers, wrong answers) of all lessons."""
    found = []
    for path in sorted(ANSWERS.glob("lesson_*.py")):
        module = importlib.import_module(f"tests.docs.answers.{path.stem}")
        assert set(module.RIGHT) == set(module.WRONG), path
        for name in module.RIGHT:
            found.append((name, module.RIGHT[name], module.WRONG[name]))
    return found


def checked(source: str) -> list[str]:
    """Exercises whose check a lesson calls, in order."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "check"
    ]
    return [ast.literal_eval(c.args[0]) for c in sorted(calls, key=lambda node: node.lineno)]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_a_percent_script_that_asks_its_exercises_in_order(lesson: Path) -> None:
    source = lesson.read_text(encoding="utf-8")
    header = source.split("# %%", 1)[0]
    assert "format_name: percent" in header
    assert "kernelspec" in header
    assert re.search(r"^# # \S", source, flags=re.MULTILINE), "no title"
    own = exercises_of(lesson_number(lesson))
    assert checked(source) == own
    assert 2 <= len(own) <= 5
    # Published unanswered: the Ellipsis is the only answer in the source.
    assert re.findall(r"^answer = (.*)$", source, flags=re.MULTILINE) == ["..."] * len(own)


def test_every_exercise_is_asked_and_answered_in_the_tests() -> None:
    asked = [name for lesson in LESSONS for name in checked(lesson.read_text(encoding="utf-8"))]
    assert sorted(asked) == sorted(EXERCISES)
    assert sorted(name for name, _, _ in answers()) == sorted(EXERCISES)


@pytest.mark.parametrize(("name", "right", "wrong"), answers(), ids=[a[0] for a in answers()])
def test_right_answers_are_accepted_and_wrong_ones_are_not(
    name: str, right: list[Any], wrong: list[Any]
) -> None:
    assert right
    assert len(wrong) >= 2
    for answer in right:
        reply = check(name, answer)
        assert reply.right, f"{answer!r}: {reply}"
        assert repr(reply) == f"{name}: right"
    for answer in (*wrong, *NONSENSE):
        reply = check(name, answer)
        assert reply.right is False, f"{answer!r} was accepted"
        assert reply.hint, f"no hint for {answer!r}"
    reply = check(name, ...)
    assert reply.right is None
    assert repr(reply) == f"{name}: not answered yet"


def test_an_exercise_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown exercise '99\.1'"):
        check("99.1", 1)
    with pytest.raises(ValueError, match="expected a name such as"):
        exercise("three")


@pytest.mark.parametrize("answer", NONSENSE)
def test_no_reader_takes_nonsense(answer: Any) -> None:
    for reader in (
        number,
        lambda a: numbers(a, 2),
        lambda a: one_of(a, ["U", "L"]),
        function,
    ):
        with pytest.raises(Unreadable):
            reader(answer)


def test_readers_take_what_a_reader_may_write() -> None:
    s, other = sp.symbols("s t")
    assert number(sp.Rational(1, 2)) == 0.5
    assert numbers((1, sp.sqrt(4))).tolist() == [1.0, 2.0]
    assert one_of(" u ", ["U", "L"]) == "U"
    assert formula(3, ["s"]) == 3
    with pytest.raises(Unreadable, match="and has t"):
        formula(s + other, ["s"])
    with pytest.raises(Unreadable, match="ZeroDivisionError"):
        function(lambda x: x / 0)(1)
    positive = sp.Symbol("s", positive=True)
    assert same_formula((s + 1) ** 2, positive**2 + 2 * positive + 1, s=[0.3, 2.0])
    assert not same_formula(s**2, positive**3, s=[1.0, 2.0])
    assert not same_formula(1 / (s - 1), positive, s=[1.0, 2.0])
