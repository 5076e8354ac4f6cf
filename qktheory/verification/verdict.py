"""What verification returns: verdicts on cases, on claims, on the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from qktheory.base.errors import UserCodeError
from qktheory.theorems.claim import Claim

if TYPE_CHECKING:
    import xarray

__all__ = ["CaseResult", "ClaimResult", "Verdict", "Verification"]

Verdict = Literal["proved", "supported", "refuted", "undecided", "not_applicable"]

#: What each verdict says, worded so that sampling never claims to prove.
MEANING: dict[str, str] = {
    "proved": "proved symbolically or by interval arithmetic",
    "supported": "nothing was found against it",
    "refuted": "contradicted, with the counterexample shown",
    "undecided": "the budget did not suffice",
    "not_applicable": "an assumption fails",
}


@dataclass(frozen=True)
class CaseResult:
    """One number of a claim at one set of parameters, beside what was found.

    Parameters
    ----------
    value : str
        Name of the value that was judged.
    parameters : mapping
        Parameters of the case, in plain numbers and lists.
    prediction, estimate : float
        The claim's number and the one found by other means.
    low, high : float
        Interval of the estimate: a confidence interval for sampled cases, the estimate with its
        tolerance or its change over the last step of a ladder for computed ones.
    n : int
        Samples, draws or rungs of the ladder.
    guarantee : str
        ``"finite-sample"``, ``"asymptotic"`` or ``"numerical"``.
    verdict : str
        Of this case.
    tightness : float or None
        Largest smaller/larger ratio found, for bounds.
    ladder : tuple of (float, float)
        Sizes and the relative errors found there, for limits.
    """

    value: str
    parameters: Mapping[str, Any]
    prediction: float
    estimate: float
    low: float
    high: float
    n: int
    guarantee: str
    verdict: Verdict
    tightness: float | None = None
    ladder: tuple[tuple[float, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        return {
            "value": self.value,
            "parameters": plain(self.parameters),
            "prediction": self.prediction,
            "estimate": self.estimate,
            "ci": [_finite(self.low), _finite(self.high)],
            "n": self.n,
            "guarantee": self.guarantee,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class ClaimResult:
    """The verdict on one claim.

    Parameters
    ----------
    claim : Claim
        What was judged.
    cases : sequence of CaseResult
        In the order in which they were judged.
    seconds : float
        Time it took.
    complete : bool
        Whether all cases were judged; an interrupt may come between two of them.
    derivation : {"proved", "certified", "sampled", "none"}
        The weakest step of the claim's derivation, computed again in this run; none if there is no
        derivation, if a step fails, or if a step needs the extra `rigor`.
    derived_whole : bool
        Whether the derivation is the whole statement.
    error : UserCodeError or None
        What the user's own code raised, for a claim from a file.
    """

    claim: Claim
    cases: Sequence[CaseResult]
    seconds: float = 0.0
    complete: bool = True
    derivation: str = "none"
    derived_whole: bool = False
    error: UserCodeError | None = None

    @property
    def verdict(self) -> Verdict:
        """Refuted if any case is, else undecided if any case is or was not judged.

        Proved if nothing was found against a claim whose whole statement follows from steps that
        were proved again.
        """
        verdicts = {case.verdict for case in self.cases}
        if "refuted" in verdicts:
            return "refuted"
        if "undecided" in verdicts or not self.complete:
            return "undecided"
        if "supported" not in verdicts:
            return "not_applicable"
        return "proved" if self.derivation == "proved" and self.derived_whole else "supported"

    @property
    def tightness(self) -> float | None:
        """Largest smaller/larger ratio over the cases, None for claims that are no bounds."""
        found = [case.tightness for case in self.cases if case.tightness is not None]
        return max(found) if found else None

    @property
    def agrees(self) -> bool:
        """Whether the verdict is the one that the standing of the claim leads us to expect."""
        if self.claim.standing == "folklore":
            return self.verdict == "refuted"
        return self.verdict in ("proved", "supported")

    @property
    def alarming(self) -> bool:
        """Whether a statement we stand by is refuted, or folklore is not."""
        if self.claim.standing == "folklore":
            return self.verdict != "refuted"
        return self.claim.standing != "conjecture" and self.verdict == "refuted"

    def representative(self) -> CaseResult | None:
        """Return the case to show in a table: the one that decided, else the first."""
        wanted = "supported" if self.verdict == "proved" else self.verdict
        for case in self.cases:
            if case.verdict == wanted:
                return case
        return self.cases[0] if self.cases else None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        return {
            "id": self.claim.id,
            "title": self.claim.title,
            "standing": self.claim.standing,
            "claim_kind": self.claim.kind,
            "verdict": self.verdict,
            "tightness": self.tightness,
            "derivation": self.derivation,
            "cases": [case.to_dict() for case in self.cases],
        }

    def __repr__(self) -> str:
        return f"ClaimResult({self.claim.id}: {self.verdict}, {len(self.cases)} cases)"


@dataclass(frozen=True)
class Verification:
    """Verdicts on a selection of claims.

    Parameters
    ----------
    results : sequence of ClaimResult
        One for each claim that was judged.
    seed : int
        Seed of the run, or the key that a generator supplied.
    delta : float
        Bound on the probability that any sampled case of the run is decided wrongly.
    budget : str
        Name of the budget.
    missing : sequence of str
        Ids of claims that an interrupt kept from being judged on all their cases.
    """

    results: Sequence[ClaimResult]
    seed: int
    delta: float
    budget: str
    missing: Sequence[str] = field(default_factory=tuple)

    @property
    def success(self) -> bool:
        """Whether nothing we stand by is refuted and all folklore is."""
        return not any(result.alarming for result in self.results)

    def __getitem__(self, claim: str) -> ClaimResult:
        for result in self.results:
            if result.claim.id == claim:
                return result
        raise KeyError(claim)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON report."""
        from qktheory import __version__

        return {
            "version": __version__,
            "seed": self.seed,
            "delta": self.delta,
            "budget": self.budget,
            "claims": [result.to_dict() for result in self.results],
        }

    def to_xarray(self) -> xarray.Dataset:
        """Return all cases as a Dataset along one dimension, ``case``."""
        import xarray

        rows = [(r.claim, c) for r in self.results for c in r.cases]
        return xarray.Dataset(
            {
                "prediction": ("case", np.array([c.prediction for _, c in rows])),
                "estimate": ("case", np.array([c.estimate for _, c in rows])),
                "ci_low": ("case", np.array([c.low for _, c in rows])),
                "ci_high": ("case", np.array([c.high for _, c in rows])),
                "n": ("case", np.array([c.n for _, c in rows], dtype=np.int64)),
                "verdict": ("case", np.array([c.verdict for _, c in rows], dtype=str)),
            },
            coords={
                "claim": ("case", np.array([k.id for k, _ in rows], dtype=str)),
                "value": ("case", np.array([c.value for _, c in rows], dtype=str)),
            },
            attrs={"seed": str(self.seed), "delta": self.delta, "budget": self.budget},
        )

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        for result in self.results:
            counts[result.verdict] = counts.get(result.verdict, 0) + 1
        words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        return f"Verification({words or 'no claims'}; delta={self.delta:g})"


def plain(value: Any) -> Any:
    """Return parameters as JSON can hold them.

    Examples
    --------
    >>> plain({"W": np.eye(2), "T": np.int64(3)})
    {'W': [[1.0, 0.0], [0.0, 1.0]], 'T': 3}
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def _finite(value: float) -> float | None:
    """JSON has no infinity: an unbounded end is null."""
    return float(value) if np.isfinite(value) else None
