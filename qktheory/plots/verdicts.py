"""Figures of verdicts: predictions against intervals, errors against sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qktheory.base.numbers import interval_text, number_text
from qktheory.plots.style import COLOURS, INK, new_figure, style
from qktheory.theorems.judgements import Asymptotic
from qktheory.verification.verdict import CaseResult, ClaimResult

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_claim", "plot_intervals", "plot_ladder"]

_MARKERS = "osDv^P"
#: Cases drawn in one figure; a thousand rows would be no figure.
_MOST_ROWS = 40


def _sampled(case: CaseResult) -> bool:
    ends = math.isfinite(case.low) and math.isfinite(case.high)
    return case.guarantee != "numerical" and ends and case.high > case.low


def plot_intervals(cases: Sequence[CaseResult], ax: Axes) -> list[Artist]:
    """Draw the interval of each sampled case beside its prediction, in half-widths.

    Parameters
    ----------
    cases : sequence of CaseResult
        Sampled cases with finite intervals of positive width.
    ax : matplotlib.axes.Axes
        Where.

    Returns
    -------
    list of Artist
        The line of the predictions, then the parts of one interval a case; thin lines part cases
        of different parameters.
    """
    artists: list[Artist] = [ax.axvline(0.0, color=INK, linewidth=0.9)]
    labels, notes = [], []
    for row, case in enumerate(cases):
        if row and case.parameters != cases[row - 1].parameters:
            artists.append(ax.axhline(row - 0.5, color=INK, linewidth=0.3, alpha=0.4))
        half = (case.high - case.low) / 2.0
        shift = (case.estimate - case.prediction) / half
        reach = [[(case.estimate - case.low) / half], [(case.high - case.estimate) / half]]
        refuted = case.verdict == "refuted"
        bar = ax.errorbar(
            [shift],
            [row],
            xerr=reach,
            fmt="x" if refuted else "o",
            color=COLOURS[1] if refuted else COLOURS[0],
            markersize=5 if refuted else 3.5,
            capsize=2.5,
            linewidth=1.1,
        )
        artists.extend(bar.get_children())
        labels.append(case.value)
        _, ends = interval_text(case.estimate, case.low, case.high)
        notes.append(f"{number_text(case.prediction, 5)} vs {ends}")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.margins(x=0.08)
    right = ax.secondary_yaxis("right")
    right.set_yticks(range(len(notes)), notes)
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    ax.set_xlabel("(estimate $-$ prediction) / half-width of the interval")
    return artists


def plot_ladder(cases: Sequence[CaseResult], judgement: Asymptotic, ax: Axes) -> list[Artist]:
    """Draw the relative error of each case against the size, with the claimed rate.

    Parameters
    ----------
    cases : sequence of CaseResult
        Cases of one limit, with their ladders.
    judgement : Asymptotic
        Where the name of the size, the rate and the floor of rounding come from.
    ax : matplotlib.axes.Axes
        Where; both axes become logarithmic.

    Returns
    -------
    list of Artist
        One line a case, then the claimed rate. Errors below the floor are drawn at the floor.
    """
    artists: list[Artist] = []
    steepest: list[tuple[float, float]] = []
    for row, case in enumerate(cases):
        points = [(size, max(error, judgement.floor)) for size, error in case.ladder]
        parameters = ", ".join(f"{name} = {value}" for name, value in case.parameters.items())
        (line,) = ax.plot(
            *zip(*points, strict=True),
            _MARKERS[row % len(_MARKERS)] + "-",
            color=COLOURS[row % len(COLOURS)],
            markersize=4,
            linewidth=1.0,
            label=parameters if len(parameters) <= 48 else f"case {row + 1}",
        )
        artists.append(line)
        if not steepest or points[0][1] > steepest[0][1]:
            steepest = points
    first, error = steepest[0]
    guide = [(size, 2.0 * error * (first / size) ** judgement.rate) for size, _ in steepest]
    (rate,) = ax.plot(
        *zip(*guide, strict=True),
        "--",
        color=INK,
        linewidth=0.9,
        label=f"claimed rate, size$^{{-{judgement.rate:g}}}$",
    )
    artists.append(rate)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(f"size {judgement.size}")
    ax.set_ylabel(f"relative error of {judgement.value}")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0)
    return artists


def plot_claim(result: ClaimResult, delta: float) -> tuple[Figure, str] | None:
    """Draw what there is to see of a verdict.

    Parameters
    ----------
    result : ClaimResult
        The verdict on one claim.
    delta : float
        Error probability of the run, for the caption.

    Returns
    -------
    (Figure, str) or None
        The figure and its caption: intervals for sampled cases, ladders for limits. None for
        claims whose numbers say it all.

    Examples
    --------
    >>> from qktheory import verify
    >>> figure, caption = plot_claim(verify(["LOC-4d"])["LOC-4d"], 1e-6)
    >>> len(figure.axes)
    1
    """
    sampled = [case for case in result.cases if _sampled(case)]
    ladders = [
        (judgement, cases)
        for judgement in result.claim.judged_by
        if isinstance(judgement, Asymptotic)
        and (cases := [c for c in result.cases if c.ladder and c.value == judgement.value])
    ]
    shown = sampled[:_MOST_ROWS]
    heights = [1.0 + 0.22 * len(shown)] if shown else []
    heights += [max(2.6, 0.5 + 0.24 * (1 + len(cases))) for _, cases in ladders]
    if not heights:
        return None
    caption = f"{result.claim.id}, {result.claim.title}: {result.verdict.replace('_', ' ')}."
    with style():
        figure = new_figure(6.8, sum(heights))
        axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
        if shown:
            plot_intervals(shown, axes[0])
            counts = [case.n for case in shown]
            caption += (
                f" Intervals around estimates from {min(counts):,} to {max(counts):,} samples, in "
                f"units of their half-widths, the prediction at 0; {_guarantees(shown)}; error "
                f"probability of the whole run {delta:g}."
            )
            if len(shown) < len(sampled):
                caption += f" The first {len(shown)} of {len(sampled)} are shown."
        for (judgement, cases), ax in zip(ladders, axes[1 if shown else 0 :], strict=True):
            plot_ladder(cases, judgement, ax)
            caption += (
                f" Relative error of {judgement.value} against {judgement.size}, computed, errors "
                f"below {judgement.floor:g} drawn there; dashed: the claimed rate."
            )
    return figure, caption


def _guarantees(cases: Sequence[CaseResult]) -> str:
    return " and ".join(sorted({case.guarantee for case in cases})) + " intervals"
