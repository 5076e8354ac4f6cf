"""How a claim is judged, in a sentence for each kind of judgement."""

from __future__ import annotations

from qktheory.theorems.judgements import (
    Asymptotic,
    DrawnExpectation,
    DrawnLimit,
    Expectation,
    ExpectationBound,
    Identity,
    Judgement,
    Law,
    Limit,
    Ordering,
    PathwiseBound,
    SampledOrdering,
)

__all__ = ["in_words"]


def _simulator(judgement: Expectation | ExpectationBound | Law) -> str:
    if judgement.simulator == "full":
        return "with the full simulator"
    if judgement.simulator is None:
        return "with the cheapest simulator"
    return f"with the simulator `{judgement.simulator}`"


def _ladder(sizes: list[float]) -> str:
    return ", ".join(f"{size:g}" for size in sizes)


def in_words(judgement: Judgement) -> str:
    """Return what is drawn or computed, and what is compared.

    Parameters
    ----------
    judgement : Judgement
        One entry of a claim's `judged_by`.

    Returns
    -------
    str
        One Markdown sentence or two.
    """
    match judgement:
        case Expectation():
            return (
                "**Expectation.** Each value is compared with the Monte Carlo mean of its "
                f"observable, drawn {_simulator(judgement)}: the interval has to contain it."
            )
        case DrawnExpectation():
            return (
                "**Expectation.** Each value is compared with the Monte Carlo mean of a functional "
                "of random matrices or vectors that the claim draws: the confidence interval has "
                "to contain it."
            )
        case ExpectationBound():
            return (
                "**Expectation bound.** The Monte Carlo mean of each observable, drawn "
                f"{_simulator(judgement)}, has to lie on the stated side of the value."
            )
        case Law():
            return (
                "**Law.** The empirical distribution function of the observable, drawn "
                f"{_simulator(judgement)}, has to stay in a Kolmogorov band around the claimed one."
            )
        case Limit():
            return (
                "**Sampled limit.** Monte Carlo means along "
                f"{judgement.size} = {_ladder(list(judgement.ladder))} have to approach the value "
                f"at least like ({judgement.size})^(-{judgement.rate:g})."
            )
        case DrawnLimit():
            return (
                "**Sampled limit.** Means over random matrices of size "
                f"{judgement.size} = {_ladder([size for size, _ in judgement.ladder])} have to "
                f"approach the value at least like ({judgement.size})^(-{judgement.rate:g}), up to "
                f"{100 * judgement.aim:g} % at the last size."
            )
        case Identity():
            return (
                "**Identity.** Each value is computed again by an independent route, at the cases "
                "and at random inputs, and has to agree to a relative "
                f"{judgement.tolerance:.0e}."
            )
        case PathwiseBound():
            named = "".join(f"\n  - {name}" for name in map(_plain, judgement.inequalities))
            return (
                "**Pathwise bound.** The smaller side may not exceed the larger one at any case or "
                f"random input by more than rounding (a relative {judgement.rounding:.0e})."
                + (f" The inequalities:\n{named}" if named else "")
            )
        case SampledOrdering():
            return (
                "**Ordering.** The mean of the observable has to increase along a chain of "
                "experiments, by intervals of paired differences with common random numbers."
            )
        case Ordering():
            return (
                f"**Ordering.** `{judgement.value}` is computed along a chain of inputs and has to "
                "increase, at the cases and at random ones."
            )
        case Asymptotic():
            return (
                f"**Asymptotic.** The finite-size quantity behind `{judgement.value}` is computed "
                f"at {judgement.size} = {_ladder(list(judgement.ladder))} and has to approach it "
                f"at least like ({judgement.size})^(-{judgement.rate:g})."
            )
    raise TypeError(f"no words for a judgement of the kind {type(judgement).__name__}")


def _plain(text: str) -> str:
    from extension.markdown import plain_text

    return plain_text(text)
