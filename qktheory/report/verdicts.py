"""Verdicts as rows of a table, as closing words and as JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qktheory.base.files import json_text
from qktheory.base.numbers import count_text, interval_text, margin_text, number_text
from qktheory.verification.verdict import CaseResult, ClaimResult, Verification

__all__ = [
    "VerdictRow",
    "closing_words",
    "counterexamples",
    "evaluate_command",
    "recheck_command",
    "verdict_rows",
    "verdicts_dict",
]

#: The verdicts from worst to best.
_ORDER = ("refuted", "undecided", "not_applicable", "supported", "proved")


@dataclass(frozen=True)
class VerdictRow:
    """One claim as a line of a table, all in text.

    Parameters
    ----------
    claim, standing, kind, verdict, title : str
        As in the claim and its result.
    value : str
        Name of the value shown, of the case that decided.
    prediction, estimate, interval, margin : str
        Numbers of that case; `margin` is estimate and half-width in one.
    n : str
        Samples, draws or rungs of that case.
    cases : str
        Number of numbers that were judged.
    tightness : str
        Of the claim, ``"-"`` where it is no bound.
    level : str
        Error probability of the claim's verdict, ``"-"`` where nothing was sampled.
    guarantee : str
        Of that case.
    derivation : str
        Status of the claim's derivation, ``"-"`` where there is none.
    """

    claim: str
    standing: str
    kind: str
    verdict: str
    value: str
    prediction: str
    estimate: str
    interval: str
    margin: str
    n: str
    cases: str
    tightness: str
    level: str
    guarantee: str
    derivation: str
    title: str


def _sampled(result: ClaimResult) -> int:
    return sum(case.guarantee != "numerical" for case in result.cases)


def verdict_rows(verification: Verification) -> list[VerdictRow]:
    """Return one row for each claim that was judged.

    Parameters
    ----------
    verification : Verification
        The result.

    Returns
    -------
    list of VerdictRow

    Examples
    --------
    >>> from qktheory import verify
    >>> row = verdict_rows(verify(["LOC-4d"]))[0]
    >>> row.claim, row.verdict, row.level
    ('LOC-4d', 'supported', '-')
    """
    total = sum(_sampled(result) for result in verification.results)
    share = verification.delta / max(1, total)
    return [_row(result, share) for result in verification.results]


def _row(result: ClaimResult, share: float) -> VerdictRow:
    claim, case, sampled = result.claim, result.representative(), _sampled(result)
    estimate = interval = margin = prediction = n = "-"
    if case is not None:
        estimate, interval = interval_text(case.estimate, case.low, case.high)
        margin = margin_text(case.estimate, case.low, case.high)
        prediction, n = number_text(case.prediction, 5), count_text(case.n)
    return VerdictRow(
        claim=claim.id,
        standing=claim.standing,
        kind=claim.kind,
        verdict=result.verdict.replace("_", " "),
        value="-" if case is None else case.value,
        prediction=prediction,
        estimate=estimate,
        interval=interval,
        margin=margin,
        n=n,
        cases=str(len(result.cases)),
        tightness="-" if result.tightness is None else f"{result.tightness:.5g}",
        level=f"{sampled * share:.0e}" if sampled else "-",
        guarantee="-" if case is None else case.guarantee,
        derivation="-" if result.derivation == "none" else result.derivation,
        title=claim.title,
    )


def closing_words(verification: Verification, seconds: float | None = None) -> str:
    """Return the summary in words: how many, at which error level, what the words mean.

    Parameters
    ----------
    verification : Verification
        The result.
    seconds : float, optional
        Time the run took.

    Returns
    -------
    str
        One paragraph.

    Examples
    --------
    >>> from qktheory import verify
    >>> closing_words(verify(["LOC-4d"])).split(".")[0]
    '1 claim: 1 supported'
    """
    verdicts = [result.verdict for result in verification.results]
    counts = [f"{verdicts.count(v)} {v.replace('_', ' ')}" for v in _ORDER if v in verdicts]
    number = len(verdicts)
    words = f"{number} claim{'' if number == 1 else 's'}: {', '.join(counts) or 'none judged'}."
    alarming = [result.claim.id for result in verification.results if result.alarming]
    if alarming:
        words += f" Against their standing: {', '.join(alarming)}."
    if verification.missing:
        words += f" Interrupted, not judged: {', '.join(verification.missing)}."
    if any(_sampled(result) for result in verification.results):
        words += (
            f" With probability at least 1 - {verification.delta:g} no sampled number of this run "
            "was decided wrongly (as the number of samples grows, where the guarantee is "
            "'asymptotic')."
        )
    derived = [r.derivation for r in verification.results if r.derivation != "none"]
    if derived:
        kinds = [
            f"{derived.count(kind)} {kind}"
            for kind in ("proved", "certified", "sampled")
            if kind in derived
        ]
        words += f" Derivations computed again, by their weakest step: {', '.join(kinds)}."
    if "proved" in verdicts:
        words += (
            " Proved means that every step of a derivation of the whole statement was computed "
            "again by SymPy."
        )
    if "supported" in verdicts:
        words += " Supported means that nothing was found against a claim: that is no proof."
    words += f" Seed {verification.seed}, budget {verification.budget}"
    return words + (f", {seconds:.1f} s." if seconds is not None else ".")


def recheck_command(result: ClaimResult, case: CaseResult) -> str:
    """Return the command that evaluates a claim at the parameters of a case.

    Examples
    --------
    >>> from qktheory import verify
    >>> result = verify(["LOC-4d"])["LOC-4d"]
    >>> recheck_command(result, result.cases[0])
    'qktheory evaluate LOC-4d eta=10000.0 theta=0.0'
    """
    return evaluate_command(result.claim.id, case.parameters)


def evaluate_command(claim: str, parameters: Mapping[str, Any]) -> str:
    """Return the command that evaluates a claim at given parameters.

    Parameters that are not given (None) are left to their defaults.

    Examples
    --------
    >>> evaluate_command("LOC-4d", {"eta": 1e4, "theta": 0.5})
    'qktheory evaluate LOC-4d eta=10000.0 theta=0.5'
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    words = [f"{name}={_plain_text(value)}" for name, value in given.items()]
    return shlex.join(["qktheory", "evaluate", claim, *words])


def _plain_text(value: Any) -> str:
    compact = json.loads(json_text(value))
    return compact if isinstance(compact, str) else json.dumps(compact, separators=(",", ":"))


def counterexamples(verification: Verification) -> Iterator[tuple[ClaimResult, CaseResult]]:
    """Yield every case that refutes a claim or leaves it undecided.

    Examples
    --------
    >>> from qktheory import verify
    >>> list(counterexamples(verify(["LOC-4d"])))
    []
    """
    for result in verification.results:
        for case in result.cases:
            if case.verdict in ("refuted", "undecided"):
                yield result, case


def verdicts_dict(verification: Verification) -> Mapping[str, Any]:
    """Return the JSON report, with the claims that an interrupt left out, if any.

    Examples
    --------
    >>> from qktheory import verify
    >>> sorted(verdicts_dict(verify(["LOC-4d"])))
    ['budget', 'claims', 'delta', 'seed', 'version']
    """
    report = verification.to_dict()
    if verification.missing:
        report["missing"] = list(verification.missing)
    return report
