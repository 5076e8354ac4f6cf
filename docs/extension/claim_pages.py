"""A page for each claim, made from its object and from the latest report of a verification."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import sympy as sp

from extension.bibliography import citation_key
from extension.claim_index import CHAPTERS, index_page, statement_of
from extension.files import write_if_changed, write_pages
from extension.judgement_words import in_words
from extension.markdown import code, display, plain_text, table
from extension.verdicts import Report, read_report
from qktheory.base.numbers import interval_text, number_text
from qktheory.report.claim_card import claim_card, formula_latex
from qktheory.report.latex import latex_text
from qktheory.report.verdicts import evaluate_command
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim, Routine
from qktheory.theorems.judgements import Ordering, PathwiseBound

__all__ = ["claim_page", "write_claim_pages"]

ROOT = Path(__file__).resolve().parents[2]
#: Cases shown on a page, and characters of the parameters of one.
_MOST_CASES, _LONGEST = 12, 120


def _formulas(definitions: Mapping[str, sp.Basic | Routine]) -> str:
    """Return displayed formulas; names are those of parameters, commands and results."""
    return "\n\n".join(
        display(rf"\mathtt{{{latex_text(name)}}} = {formula_latex(definition)}")
        for name, definition in definitions.items()
    )


@cache
def _modules() -> dict[str, Path]:
    """Return the module that states each claim."""
    found: dict[str, Path] = {}
    for path in sorted((ROOT / "qktheory" / "theorems").glob("*/*.py")):
        if not path.stem.endswith("derivation"):
            for claim in re.findall(r'"([A-Z]+-[\w-]+)"', path.read_text("utf-8")):
                found.setdefault(claim, path)
            for claim in re.findall(r'\bid="([A-Z]+-[\w-]+)"', path.read_text("utf-8")):
                found[claim] = path
    return found


def _source(claim: Claim) -> str:
    words = [f"{{cite:t}}`{citation_key(claim.source)}`, *{plain_text(claim.source.title)}*"]
    if claim.source.statement:
        words.append(f": {plain_text(claim.source.statement)}")
    path = _modules()[claim.id].relative_to(ROOT).as_posix()
    return f"{''.join(words)}. Stated in {{download}}`{path} <../../{path}>`{_chapter(claim)}."


def _chapter(claim: Claim) -> str:
    title, page = CHAPTERS[claim.id.split("-")[0]]
    if not (ROOT / "docs" / "theory" / f"{page}.md").is_file():
        return ""
    return f"; explained in the chapter [{title}](../theory/{page}.md)"


def _parameters(card: Mapping[str, Any]) -> str:
    rows = []
    for parameter in card["parameters"]:
        default = "required"
        if not parameter["required"]:
            given = parameter["default"]
            default = "decided from the others" if given is None else code(str(given))
        cells = code(parameter["name"]), plain_text(parameter["description"])
        rows.append((*cells, plain_text(parameter["domain"]), default))
    if not rows:
        return "None: the statement is about numbers."
    return table(("name", "meaning", "domain", "default"), rows)


def _assumptions(claim: Claim, card: Mapping[str, Any]) -> list[str]:
    parts = []
    if card["assumptions"]:
        lines = [
            f"- *{plain_text(a['name'])}*: {plain_text(a['text'])}" for a in card["assumptions"]
        ]
        parts += ["## Speaks about an experiment when", "\n".join(lines)]
    if card["predicts"]:
        rows = [
            (
                code(p["observable"]),
                "sharp" if p["sharp"] else p["prediction_kind"],
                code(p["value"]),
            )
            for p in card["predicts"]
        ]
        parts.append("Its predictions, which `qktheory compare` puts beside a simulation:")
        parts.append(table(("observable", "kind", "value"), rows))
    return parts


def _judged(claim: Claim) -> list[str]:
    number = len(claim.cases)
    wrong = claim.wrong_twin.values
    return [
        "## How it is judged",
        *(f"- {in_words(judgement)}" for judgement in claim.judged_by),
        f"At {number} cases. *Wrong twin*, which the same judgement has to refute: "
        f"{plain_text(claim.wrong_twin.error)}.",
        "```{dropdown} Formulas of the wrong twin\n" + _formulas(wrong) + "\n```",
    ]


def _derivation(claim: Claim, report: Report) -> list[str]:
    parts = []
    if claim.proof:
        parts += ["## Proof", plain_text(claim.proof)]
    derivation = claim.derivation
    if derivation is None:
        return parts
    counts = ", ".join(f"{n} {status}" for status, n in derivation.counts.items())
    whole = "" if derivation.complete else ", and they are not the whole statement"
    cited = (
        f" Cited, not derived: {plain_text(', '.join(derivation.uses))}." if derivation.uses else ""
    )
    parts.append("## Derivation")
    parts.append(
        f"Steps: {counts}{whole}.{cited} `qktheory derive {claim.id}` computes each of them again."
    )
    for number, step in enumerate(derivation.steps, 1):
        parts.append(f"{number}. {plain_text(step.reason)} (*{plain_text(step.status)}*)")
        parts.append(_indented(display(step.latex()), 3))
    return parts


def _indented(text: str, columns: int) -> str:
    return "\n".join(" " * columns + line for line in text.split("\n"))


def _number(value: float | None) -> str:
    return "not finite" if value is None else number_text(value)


def _case(claim: str, case: Mapping[str, Any]) -> tuple[str, ...]:
    (low, high), value = case["ci"], case["estimate"]
    estimate, interval = _number(value), "none"
    if None not in (low, high, value):
        estimate, interval = interval_text(value, low, high)
    given = evaluate_command(claim, case["parameters"]).split(f"evaluate {claim}", 1)[1].strip()
    shown = given if len(given) <= _LONGEST else given[: _LONGEST - 4] + " ..."
    return (
        code(case["value"]),
        code(shown) if shown else "none",
        _number(case["prediction"]),
        estimate,
        plain_text(interval),
        str(case["n"]),
        case["guarantee"],
        case["verdict"].replace("_", " "),
    )


def _verdict(claim: Claim, report: Report) -> list[str]:
    parts = ["## Latest verdict"]
    entry = report.claims.get(claim.id)
    if entry is None:
        return [
            *parts,
            "Not judged in this build: it was made without a report of `qktheory verify`.",
        ]
    words = f"**{report.verdict(claim.id).capitalize()}**"
    if claim.standing == "folklore" and entry["verdict"] == "refuted":
        words += ", as expected of folklore"
    words += f", {len(entry['cases'])} numbers judged ({report.words})."
    if entry["tightness"] is not None:
        words += " Tightness, the largest ratio of the smaller side to the larger: "
        words += f"{entry['tightness']:.5g}."
    if entry["derivation"] != "none":
        words += f" Derivation computed again, weakest step: {entry['derivation']}."
    parts.append(words)
    cases = entry["cases"]
    failing = [case for case in cases if case["verdict"] in ("refuted", "undecided")]
    rest = [case for case in cases if case not in failing]
    header = (
        "value",
        "parameters",
        "prediction",
        "estimate",
        "interval",
        "n",
        "guarantee",
        "verdict",
    )
    parts.append(table(header, [_case(claim.id, c) for c in (failing + rest)[:_MOST_CASES]]))
    if len(cases) > _MOST_CASES:
        parts.append(f"{len(cases) - _MOST_CASES} more numbers are in the report.")
    if report.figure(claim.id) is not None:
        parts.append(f"![Predictions and estimates of {claim.id}](figures/{claim.id}.png)")
    return parts


def _commands(claim: Claim) -> list[str]:
    lines = [f"qktheory show {claim.id}", f"qktheory verify {claim.id}"]
    attacked = [j for j in claim.judged_by if isinstance(j, PathwiseBound | Ordering)]
    if attacked:
        lines.append(f"qktheory falsify {claim.id}")
    if claim.derivation is not None:
        lines.append(f"qktheory derive {claim.id}")
    fitting = [evaluate_command(claim.id, case) for case in claim_card(claim)["cases"]]
    shortest = min(fitting, key=len)
    if len(shortest) <= 200:
        lines.append(shortest)
    hint = []
    if attacked:
        hint = ["`falsify` lets an optimiser choose the input and says how close it came."]
    return ["## Commands", *hint, "```sh\n" + "\n".join(lines) + "\n```"]


def claim_page(claim: Claim, siblings: list[str], report: Report) -> str:
    """Return the page of a claim as MyST Markdown.

    Parameters
    ----------
    claim : Claim
        What the page is about.
    siblings : list of str
        The other parts of its statement.
    report : Report
        Verdicts.

    Returns
    -------
    str
    """
    card = claim_card(claim)
    parts = [
        f"# {claim.id}: {plain_text(claim.title)}",
        f"{{bdg-secondary}}`{claim.standing}` {{bdg-secondary-line}}`{claim.kind}` "
        f"{{bdg-primary-line}}`{report.verdict(claim.id)}`",
        plain_text(claim.statement),
        f"About: {plain_text(claim.observable)}. Source: {_source(claim)}",
    ]
    if siblings:
        parts.append("Beside it: " + ", ".join(f"{{claim}}`{name}`" for name in siblings) + ".")
    parts += ["## Values", _formulas(claim.values)]
    if claim.where:
        parts += ["### Where", _formulas(claim.where)]
    parts += ["## Parameters", _parameters(card)]
    parts += _assumptions(claim, card)
    parts += _judged(claim)
    parts += _derivation(claim, report)
    parts += _verdict(claim, report)
    parts += _commands(claim)
    return "\n\n".join(parts) + "\n"


def _fingerprint(report: Path | None) -> str:
    """Return what the pages depend on: sources of the package and of this extension, the report."""
    files = [*(ROOT / "qktheory").rglob("*.py"), *Path(__file__).parent.glob("*.py")]
    files += [] if report is None else [report / "verdicts.json"]
    states = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(files)]
    chapters = sorted(path.name for path in (ROOT / "docs" / "theory").glob("*.md"))
    return hashlib.sha256(json.dumps([states, chapters]).encode()).hexdigest()


def write_claim_pages(folder: Path, report_folder: Path | None) -> None:
    """Write the index, a page a claim and its figure.

    Parameters
    ----------
    folder : Path
        ``docs/claims``.
    report_folder : Path or None
        What `qktheory verify --report` has written, None for pages without verdicts.
    """
    stamp, fingerprint = folder / ".stamp", _fingerprint(report_folder)
    if stamp.is_file() and stamp.read_text("utf-8") == fingerprint:
        return
    report = read_report(report_folder)
    statements: dict[str, list[str]] = {}
    for claim in claims():
        statements.setdefault(statement_of(claim.id), []).append(claim.id)
    pages = {"index.md": index_page(claims(), report)}
    for claim in claims():
        siblings = [name for name in statements[statement_of(claim.id)] if name != claim.id]
        pages[f"{claim.id}.md"] = claim_page(claim, siblings, report)
        figure = report.figure(claim.id)
        if figure is not None:
            (folder / "figures").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(figure, folder / "figures" / figure.name)
    write_pages(folder, pages, "*.md")
    write_if_changed(stamp, fingerprint)
