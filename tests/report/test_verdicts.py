"""Verdicts as rows, words, JSON and documents."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import qktheory as qk
from qktheory.report.claim_card import claim_card, formula_latex, formula_text
from qktheory.report.verdicts import (
    closing_words,
    counterexamples,
    recheck_command,
    verdict_rows,
    verdicts_dict,
)
from qktheory.report.write_report import report_text, write_report
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import CLAIMS
from qktheory.verification.verdict import CaseResult, ClaimResult, Verification


def case(**changes: object) -> CaseResult:
    base = CaseResult(
        value="rho",
        parameters={"eta": 0.1 + 0.2, "theta": 0.5},
        prediction=0.5,
        estimate=0.51234,
        low=0.49876,
        high=0.52591,
        n=4096,
        guarantee="finite-sample",
        verdict="supported",
    )
    return replace(base, **changes)


def verification(*cases: CaseResult, standing: str = "theorem", **changes: object) -> Verification:
    claim = replace(CLAIMS["LOC-4d"], standing=standing)
    result = Verification((ClaimResult(claim, cases),), 0, 1e-6, "quick")
    return replace(result, **changes)


def test_a_row_shows_the_case_that_decided() -> None:
    refuting = case(verdict="refuted", prediction=0.7)
    row = verdict_rows(verification(case(), refuting))[0]
    assert (row.verdict, row.prediction, row.cases) == ("refuted", "0.7", "2")
    assert (row.estimate, row.interval) == ("0.512", "[0.498, 0.526]")
    assert (row.margin, row.n, row.level) == ("0.512 ± 0.014", "4.1k", "1e-06")


def test_levels_share_the_error_of_the_run() -> None:
    """Two of three sampled numbers belong to the first claim; computed ones have no share."""
    sampled, computed = case(), case(guarantee="numerical")
    results = (
        ClaimResult(CLAIMS["LOC-4d"], (sampled, sampled, computed)),
        ClaimResult(CLAIMS["LOC-4a"], (sampled,)),
        ClaimResult(CLAIMS["LOC-4b"], (computed,)),
    )
    rows = verdict_rows(Verification(results, 0, 3e-6, "quick"))
    assert [row.level for row in rows] == ["2e-06", "1e-06", "-"]


@pytest.mark.parametrize(
    ("standing", "verdict", "alarm"),
    [
        ("theorem", "refuted", True),
        ("theorem", "supported", False),
        ("theorem", "undecided", False),
        ("conjecture", "refuted", False),
        ("folklore", "refuted", False),
        ("folklore", "supported", True),
    ],
)
def test_closing_words_name_what_goes_against_its_standing(
    standing: str, verdict: str, alarm: bool
) -> None:
    words = closing_words(verification(case(verdict=verdict), standing=standing))
    assert words.startswith(f"1 claim: 1 {verdict}.")
    assert ("Against their standing: LOC-4d." in words) == alarm
    assert ("no proof" in words) == (verdict == "supported")


def test_closing_words_of_computed_claims_promise_no_probability() -> None:
    assert "probability" in closing_words(verification(case()))
    assert "probability" not in closing_words(verification(case(guarantee="numerical")))


def test_an_interrupt_names_the_missing_claims() -> None:
    interrupted = verification(case(), missing=("LOC-8b", "LOC-8c"))
    assert "Interrupted, not judged: LOC-8b, LOC-8c." in closing_words(interrupted)
    assert verdicts_dict(interrupted)["missing"] == ["LOC-8b", "LOC-8c"]
    assert "missing" not in verdicts_dict(verification(case()))


def test_a_counterexample_is_printed_to_the_last_bit() -> None:
    failing = verification(case(verdict="refuted"), case(), case(verdict="undecided"))
    found = list(counterexamples(failing))
    assert [c.verdict for _, c in found] == ["refuted", "undecided"]
    command = recheck_command(*found[0])
    assert command == "qktheory evaluate LOC-4d eta=0.30000000000000004 theta=0.5"
    matrix = case(parameters={"W_QK": [[1.0, 0.5], [0.0, 1.0]], "law": "iid"})
    assert recheck_command(found[0][0], matrix) == (
        "qktheory evaluate LOC-4d 'W_QK=[[1.0,0.5],[0.0,1.0]]' law=iid"
    )


def test_the_report_holds_what_was_found(tmp_path: Path) -> None:
    result = qk.verify(["LOC-4d", "LOC-8b"])
    path = write_report(result, tmp_path / "report")
    text = path.read_text("utf-8")
    assert json.loads((tmp_path / "report" / "verdicts.json").read_text()) == json.loads(
        json.dumps(verdicts_dict(result))
    )
    for image in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        assert (path.parent / image).is_file()
        assert (path.parent / image).with_suffix(".svg").is_file()
    for claim in ("LOC-4d", "LOC-8b"):
        assert f"## {claim}: {CLAIMS[claim].title}" in text
        assert CLAIMS[claim].statement in text
        assert CLAIMS[claim].wrong_twin.error in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(r.cases) for r in result.results)
    # Every table is well formed: as many cells in each row as in its header.
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1


def test_the_report_prints_counterexamples() -> None:
    text = report_text(verification(case(verdict="refuted")), {})
    assert "Counterexample: `rho` = 0.5 predicted, 0.51234 found (refuted)." in text
    assert "qktheory evaluate LOC-4d eta=0.30000000000000004 theta=0.5" in text
    assert "Counterexample" not in report_text(verification(case()), {})


def test_formulas_as_latex_and_as_text() -> None:
    formula = symbol("xi") ** 2 / symbol("gram_determinant")
    assert formula_latex(formula) == r"\frac{\xi^{2}}{\mathrm{gram\_determinant}}"
    drawn = formula_text("v", formula, 80, ascii_only=True)
    assert drawn.isascii()
    assert "v = " in drawn
    assert formula_text("v", formula, 12, ascii_only=True).split() == [
        "v",
        "=",
        "xi**2/gram_determinant",
    ]


def test_cards_are_json() -> None:
    for claim in CLAIMS:
        json.dumps(claim_card(CLAIMS[claim]), allow_nan=False)


def test_a_function_called_root_is_not_the_command_of_tex() -> None:
    from qktheory.report.claim_card import claim_latex
    from qktheory.theorems.catalogue import claims

    (claim,) = claims(["ENT-8a"])
    text = claim_latex(claim)
    assert r"\operatorname{root}{" in text
    assert r"\root" not in text
    assert r"s\textasciicircum{}2/2" in text
