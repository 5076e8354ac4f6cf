"""Every derivation is computed again, ends in its claim, and sees planted errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import sympy as sp

from qktheory.symbolic.balls import INSTALL
from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import matrix
from qktheory.theorems.claim import CLAIMS
from qktheory.theorems.derivations import DERIVATIONS, derive, own

IDS = sorted(DERIVATIONS)

#: Statements that must show how they are known.
REQUIRED = (
    *("LOC-1", "LOC-2", "LOC-4", "LOC-5", "LOC-8", "LOC-9", "LOC-14"),
    *("ENT-1", "ENT-3", "ENT-4", "ENT-9", "ENT-10", "ENT-15"),
    *("RANK-2", "RANK-5", "RANK-7", "RANK-8", "RMT-1", "RMT-5", "RMT-8", "SPEC-7", "SPEC-10"),
    *("ZOO-RF-1", "ZOO-RF-6", "ZOO-FAST-2", "ZOO-GLA-2", "ZOO-SPH-1", "ZOO-LIP-1", "ZOO-MIM-1"),
)


@cache
def derivation(claim: str) -> Derivation:
    return derive(claim)


@pytest.mark.parametrize("statement", REQUIRED)
def test_a_statement_has_a_derivation(statement: str) -> None:
    assert any(claim.rstrip("abcdefgh") == statement for claim in IDS)


@pytest.mark.parametrize("claim", IDS)
def test_every_step_holds(claim: str) -> None:
    assert [step.statement for step in derivation(claim).recheck()] == []
    assert derivation(claim).status != INSTALL


@pytest.mark.parametrize("claim", IDS)
def test_it_ends_in_the_expressions_of_the_claim(claim: str) -> None:
    found = derivation(claim)
    for name, expression in found.values.items():
        mine = own(CLAIMS[claim], name)
        assert expression == mine or expression.has(mine)
    assert all(step.lhs != step.rhs for step in found.steps)
    assert all(step.reason for step in found.steps)


@pytest.mark.parametrize("claim", IDS)
def test_it_is_json(claim: str) -> None:
    entry = json.loads(json.dumps(derivation(claim).to_dict()))
    assert entry["claim"] == claim
    assert entry["steps"][-1]["expression"] == entry["statement"]
    for step in entry["steps"]:
        assert {"expression", "relation", "reason", "status"} <= set(step)
        assert step["status"] in ("proved", "certified", "sampled")


def twins() -> Iterator[str]:
    """Claims whose wrong twin changes an expression that the derivation arrives at."""
    for claim in IDS:
        wrong, right = CLAIMS[claim].twin(), CLAIMS[claim]
        names = [*derivation(claim).values]
        if any(own(wrong, name) != own(right, name) for name in names):
            yield claim


def test_a_wrong_twin_does_not_follow() -> None:
    tried, compared = list(twins()), 0
    for claim in tried:
        build = DERIVATIONS[claim]
        try:
            found = build(CLAIMS[claim].twin())
        except (ValueError, StopIteration, KeyError):
            continue  # The changed claim does not even fit the chain.
        assert found.recheck() != (), claim
        compared += 1
    assert compared >= 15


def test_identical_sides_are_no_step() -> None:
    x = sp.Symbol("x")
    with pytest.raises(ValueError, match="no step"):
        Step(x, "=", x, "nothing", Reduces())
    with pytest.raises(ValueError, match="relation ="):
        Step(x, "~", x + 1, "nothing", Reduces())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one step"):
        Derivation("X-1", [], {})
    with pytest.raises(ValueError, match="right side of a step"):
        Derivation("X-1", [Step(x, "=", x + 1, "no", Reduces())], {"x": x})


def test_a_claim_without_derivation_says_so() -> None:
    with pytest.raises(ValueError, match="a claim with a derivation"):
        derive("LOC-4d")
    assert CLAIMS["LOC-4d"].derivation is None


def test_a_derivation_may_come_after_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = replace(CLAIMS["LOC-1b"], id="MINE-1a")
    assert claim.derivation is None
    build = DERIVATIONS["LOC-1b"]
    monkeypatch.setitem(DERIVATIONS._entries, "MINE-1a", build)
    assert claim.derivation is claim.derivation is not None
    assert claim.derivation.status == "proved"


def test_the_page_of_documentation_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "guide" / "derivations.md").read_text("utf-8")
    moments, mine = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope: dict[str, object] = {}
    exec(moments, scope)
    assert "MINE-1a" not in DERIVATIONS
    exec(mine, scope)
    try:
        W, sigma, t = matrix("W_QK"), matrix("Sigma"), sp.Symbol("temperature", positive=True)
        for factor, failing in ((1, 0), (sp.Rational(108, 100), 1)):
            square = factor * sp.Trace(W * sigma * W.T * sigma) / t**2
            claim = replace(CLAIMS["LOC-4d"], id="MINE-1a", values={"mean_square": square})
            found = claim.derivation
            assert found is not None
            assert len(found.recheck()) == failing
    finally:
        DERIVATIONS._entries.pop("MINE-1a")


def test_notebooks_render() -> None:
    found = derivation("LOC-1b")
    assert found.steps[0]._repr_latex_().startswith(r"$\displaystyle ")
    assert r"\begin{array}" in found._repr_latex_()
    page = found._repr_html_()
    assert page.count("<tr") == 1 + len(found.steps)
    assert all(f"{step.reason} (<em>{step.status}</em>)" in page for step in found.steps)
