"""Derivations: how a statement is known, line by line, each line computed again on request."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from qktheory.base.cached import cached_property
from qktheory.base.errors import bad_value
from qktheory.symbolic.balls import INSTALL
from qktheory.symbolic.checks import Check, Relation, Status
from qktheory.symbolic.latex import expression_latex
from qktheory.symbolic.symbols import latex_names

__all__ = ["Derivation", "Step", "weakest"]

_LATEX_RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}

#: From strongest to weakest.
_STRENGTH: tuple[Status, ...] = (
    "proved",
    "certified",
    "sampled",
    "not certified: install qktheory[rigor]",
)


def weakest(statuses: Sequence[Status]) -> Status:
    """Return the weakest of some statuses.

    Examples
    --------
    >>> weakest(["proved", "sampled", "certified"])
    'sampled'
    """
    return max(statuses, key=_STRENGTH.index)


def _latex(expression: sp.Basic) -> str:
    return expression_latex(expression, latex_names(expression))


@dataclass(frozen=True)
class Step:
    """One line of a derivation: lhs, relation, rhs, why, and how to compute it again.

    Parameters
    ----------
    lhs, rhs : sympy.Basic
        The two sides.
    relation : {"=", "<=", ">=", "<", ">"}
        Between them.
    reason : str
        Why the line holds, for people.
    check : Check
        How it is checked; decides the status.

    Raises
    ------
    ValueError
        If both sides are identical: that is no step.

    Examples
    --------
    >>> from qktheory.symbolic.checks import Reduces
    >>> x = sp.Symbol("x", real=True)
    >>> step = Step(sp.sinh(2 * x), "=", 2 * sp.sinh(x) * sp.cosh(x), "double angle", Reduces())
    >>> step.recheck(), step.status
    (True, 'proved')
    """

    lhs: sp.Basic
    relation: Relation
    rhs: sp.Basic
    reason: str
    check: Check

    def __post_init__(self) -> None:
        if self.relation not in _LATEX_RELATIONS:
            raise bad_value("relation", self.relation, f"one of {', '.join(_LATEX_RELATIONS)}")
        if self.lhs == self.rhs:
            raise bad_value("rhs", self.rhs, "a side that differs from lhs: the same is no step")

    @property
    def status(self) -> Status:
        """What the line is if its check passes."""
        return self.check.status

    def recheck(self) -> bool:
        """Compute again whether the line holds."""
        if self.status == INSTALL:
            return True  # It claims nothing.
        return self.check.holds(self.lhs, self.relation, self.rhs)

    @property
    def statement(self) -> str:
        """The line in SymPy's text."""
        return f"{sp.sstr(self.lhs)} {self.relation} {sp.sstr(self.rhs)}"

    def latex(self) -> str:
        r"""Return the line as LaTeX, without delimiters.

        Examples
        --------
        >>> from qktheory.symbolic.checks import NonNegative
        >>> a, b = sp.symbols("a b", real=True)
        >>> check = NonNegative((a - b) ** 2)
        >>> Step(a**2 + b**2, ">=", 2 * a * b, "a square", check).latex()
        'a^{2} + b^{2} \\ge 2 a b'
        """
        relation = _LATEX_RELATIONS[self.relation]
        return f"{_latex(self.lhs)} {relation} {_latex(self.rhs)}"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def to_dict(self) -> dict[str, Any]:
        """Return the line as JSON: the right side as `expression`, the left one as `lhs`."""
        return {
            "expression": sp.sstr(self.rhs),
            "relation": self.relation,
            "reason": self.reason,
            "status": self.status,
            "lhs": sp.sstr(self.lhs),
            "latex": self.latex(),
            "check": self.check.describe(),
        }


@dataclass(frozen=True)
class Derivation:
    """A chain of steps that ends in a claim's own statement.

    Parameters
    ----------
    claim : str
        Id of the claim.
    steps : sequence of Step
        In order; the right side of the last one is the claim's own SymPy expression.
    values : mapping of str to sympy.Basic
        The claim's values that the derivation arrives at, by name, each the right side of a step;
        the last entry is that of the last step. Empty where the claim's values name routines of
        a whole law.
    uses : sequence of str, optional
        Theorems that are cited, not derived.
    complete : bool, optional
        Whether the steps and the cited theorems together are the whole statement, for all its
        parameters. Only then a claim counts as proved.

    Examples
    --------
    >>> from qktheory.symbolic.checks import Reduces
    >>> k, n = sp.symbols("k n", integer=True, positive=True)
    >>> total = n * (n + 1) / 2
    >>> step = Step(sp.Sum(k, (k, 1, n)), "=", total, "arithmetic series", Reduces())
    >>> derivation = Derivation("MINE-1", [step], {"total": total})
    >>> derivation
    Derivation(MINE-1: 1 step, proved)
    >>> derivation.recheck()
    ()
    """

    claim: str
    steps: Sequence[Step]
    values: Mapping[str, sp.Basic]
    uses: Sequence[str] = field(default_factory=tuple)
    complete: bool = False

    def __post_init__(self) -> None:
        if not self.steps:
            raise bad_value("steps", self.steps, "at least one step")
        reached = [step.rhs for step in self.steps]
        for name, expression in self.values.items():
            if expression not in reached:
                raise bad_value(f"values[{name!r}]", expression, "the right side of a step")
        if self.values and list(self.values.values())[-1] != reached[-1]:
            raise bad_value("values", list(self.values), "names that end in that of the last step")

    @property
    def status(self) -> Status:
        """Status of the weakest step."""
        return weakest([step.status for step in self.steps])

    @property
    def counts(self) -> dict[str, int]:
        """Number of steps by status; the share of merely sampled ones is open to everyone."""
        statuses = [step.status for step in self.steps]
        return {status: statuses.count(status) for status in _STRENGTH if status in statuses}

    @property
    def statement(self) -> sp.Basic:
        """The claim's own expression, the right side of the last step."""
        return self.steps[-1].rhs

    def recheck(self) -> tuple[Step, ...]:
        """Compute every step again and return those that fail."""
        return self._failing

    @cached_property
    def _failing(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.recheck())

    def to_dict(self) -> dict[str, Any]:
        """Return the derivation as JSON."""
        failing = self.recheck()
        return {
            "claim": self.claim,
            "steps": [
                {**step.to_dict(), **({"status": "failed"} if step in failing else {})}
                for step in self.steps
            ],
            "statement": sp.sstr(self.statement),
            "status": self.status,
            "counts": self.counts,
            "complete": self.complete,
            "uses": list(self.uses),
        }

    def _repr_latex_(self) -> str:
        lines = r" \\ ".join(rf"{step.latex()} & \text{{{step.status}}}" for step in self.steps)
        return rf"$\displaystyle \begin{{array}}{{ll}} {lines} \end{{array}}$"

    def _repr_html_(self) -> str:
        # Words above the formula, which may be wider than the page.
        rows = "".join(
            f'<tr style="vertical-align: top"><td>{number}</td>'
            '<td style="text-align: left"><div style="max-width: 36em">'
            f"{html.escape(step.reason)} (<em>{html.escape(step.status)}</em>)</div>"
            rf"\(\displaystyle {html.escape(step.latex())}\)</td></tr>"
            for number, step in enumerate(self.steps, 1)
        )
        return (
            # The class is what MathJax looks for on pages that limit it to what is marked.
            f'<table class="tex2jax_process"><caption>{html.escape(self.claim)}</caption>'
            f'<tr><th></th><th style="text-align: left">step</th></tr>{rows}</table>'
        )

    def __repr__(self) -> str:
        number = len(self.steps)
        plural = "" if number == 1 else "s"
        return f"Derivation({self.claim}: {number} step{plural}, {self.status})"
