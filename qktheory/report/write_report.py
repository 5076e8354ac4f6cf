"""A report of a verification: report.md, figures and verdicts.json in one folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from qktheory import __version__
from qktheory.base.files import check_folder, json_text, write_file
from qktheory.base.numbers import interval_text, number_text
from qktheory.report.claim_card import formula_latex
from qktheory.report.verdicts import (
    closing_words,
    recheck_command,
    verdict_rows,
    verdicts_dict,
)
from qktheory.theorems.claim import Claim
from qktheory.verification.verdict import CaseResult, ClaimResult, Verification

__all__ = ["report_text", "write_report"]

_TABLE = ("claim", "standing", "kind", "verdict", "prediction", "estimate", "interval")
_TABLE_END = ("n", "cases", "tightness", "level", "guarantee")


def write_report(verification: Verification, folder: str | Path) -> Path:
    """Write a verification as a folder that can be read, cited and processed.

    Parameters
    ----------
    verification : Verification
        The result.
    folder : str or Path
        Made if it does not exist; files of an earlier report are replaced.

    Returns
    -------
    Path
        The report, ``folder/report.md``; beside it ``verdicts.json`` and ``figures/``.

    Raises
    ------
    ValueError
        If the folder is a file or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from qktheory import verify
    >>> path = write_report(verify(["LOC-4d"]), tempfile.mkdtemp())
    >>> sorted(entry.name for entry in path.parent.iterdir())
    ['figures', 'report.md', 'verdicts.json']
    """
    from qktheory.plots.style import save_figure
    from qktheory.plots.verdicts import plot_claim

    target = check_folder("folder", folder)
    (target / "figures").mkdir(parents=True, exist_ok=True)
    captions: dict[str, str] = {}
    for result in verification.results:
        drawn = plot_claim(result, verification.delta)
        if drawn is None:
            continue
        figure, captions[result.claim.id] = drawn
        for suffix in ("png", "svg"):
            path = target / "figures" / f"{result.claim.id}.{suffix}"
            save_figure(figure, path, captions[result.claim.id])
    write_file(target / "verdicts.json", json_text(verdicts_dict(verification)))
    write_file(target / "report.md", report_text(verification, captions))
    return target / "report.md"


def report_text(verification: Verification, captions: Mapping[str, str]) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    verification : Verification
        The result.
    captions : mapping of str to str
        Captions of the figures, by id of the claim; claims without one have no figure.

    Returns
    -------
    str

    Examples
    --------
    >>> from qktheory import verify
    >>> report_text(verify(["LOC-4d"]), {}).splitlines()[0]
    '# Verification report'
    """
    parts = [
        "# Verification report",
        closing_words(verification),
        _versions(),
        "Each row of the table shows the case that decided the claim; the level is the claim's "
        "share of the error probability. All cases follow below and in `verdicts.json`.",
        _table(verification),
        *(_section(result, captions.get(result.claim.id)) for result in verification.results),
    ]
    return "\n\n".join(parts) + "\n"


def _versions() -> str:
    """Return what the numbers depend on: versions of the package and of what it computes with."""
    names = []
    for package in ("numpy", "scipy", "sympy", "numba"):
        try:
            names.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return f"qktheory {__version__} with {', '.join(names)}; {machine}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _rows(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _table(verification: Verification) -> str:
    header = _TABLE + _TABLE_END
    rows = [tuple(getattr(row, name) for name in header) for row in verdict_rows(verification)]
    return _rows(header, rows)


def _formulas(claim: Claim) -> str:
    definitions = {**claim.where, **claim.values}
    lines = []
    for name, definition in definitions.items():
        mark = "" if name in claim.values else " (auxiliary)"
        lines.append(f"- `{name}`{mark} $= {formula_latex(definition)}$")
    return "\n".join(lines)


def _section(result: ClaimResult, caption: str | None) -> str:
    claim = result.claim
    parts = [
        f"## {claim.id}: {claim.title}",
        f"**{result.verdict.replace('_', ' ').capitalize()}** ({claim.standing}, {claim.kind}).",
        claim.statement,
        f"Source: {claim.source}, *{claim.source.title}*.",
        _formulas(claim),
        _case_table(result),
    ]
    if caption is not None:
        parts.append(f"![{claim.id}](figures/{claim.id}.png)\n\n*{caption}*")
    failures = [case for case in result.cases if case.verdict in ("refuted", "undecided")]
    for case in failures:
        parts.append(
            f"Counterexample: `{case.value}` = {case.prediction!r} predicted, {case.estimate!r} "
            f"found ({case.verdict}).\n\n```\n{recheck_command(result, case)}\n```"
            if case.verdict == "refuted"
            else f"Undecided: `{case.value}`.\n\n```\n{recheck_command(result, case)}\n```"
        )
    parts.append(f"Wrong twin, which verification must refute: {claim.wrong_twin.error}.")
    return "\n\n".join(parts)


def _case_table(result: ClaimResult) -> str:
    header = ("value", "parameters", "prediction", "estimate", "interval", "n", "guarantee")
    return _rows((*header, "verdict"), [_case_row(result, case) for case in result.cases])


def _case_row(result: ClaimResult, case: CaseResult) -> tuple[str, ...]:
    estimate, interval = interval_text(case.estimate, case.low, case.high)
    parameters = recheck_command(result, case).split(f"evaluate {result.claim.id}", 1)[1].strip()
    return (
        f"`{case.value}`",
        f"`{parameters}`" if parameters else "none",
        number_text(case.prediction),
        estimate,
        interval,
        str(case.n),
        case.guarantee,
        case.verdict.replace("_", " "),
    )
