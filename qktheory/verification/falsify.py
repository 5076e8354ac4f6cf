"""`falsify`: an optimiser chooses the input, and comes as close to a violation as it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qktheory.kernels import experiment_id, seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.simulation.intervals import DEFAULT_DELTA
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim
from qktheory.verification.falsification.coordinates import given_parameters
from qktheory.verification.falsification.search import Finding, attack
from qktheory.verification.falsification.targets import Target, targets
from qktheory.verification.judge import Budget, Context, find_budget
from qktheory.verification.verdict import plain

if TYPE_CHECKING:
    import xarray

__all__ = ["Attack", "Falsification", "Part", "falsify"]


@dataclass(frozen=True)
class Attack:
    """The worst input that was found for one inequality of a claim.

    Parameters
    ----------
    inequality : str
        What it says; empty if the claim does not name its inequalities, and the worst one is meant.
    smaller, larger : float
        The sides there; the claim says smaller <= larger.
    tightness : float or None
        smaller/larger, None where the larger side is not positive.
    parameters : mapping
        The input, in plain numbers and lists.
    violated : bool
        Whether the violation stands when it is looked at again.
    certificate : mapping or None
        How a violation was looked at again, with the numbers found; None where nothing exceeds.
    evaluations : int
        Inputs that were tried.
    in_time : bool
        Whether the evaluations of the budget were used up, or the search ended by itself; False if
        the clock ended it, and another machine may find more.
    """

    inequality: str
    smaller: float
    larger: float
    tightness: float | None
    parameters: Mapping[str, Any]
    violated: bool
    certificate: Mapping[str, Any] | None
    evaluations: int
    in_time: bool


@dataclass(frozen=True)
class Part:
    """What was found against one claim.

    Parameters
    ----------
    claim : Claim
        What was attacked.
    attacks : sequence of Attack
        One for each inequality.
    """

    claim: Claim
    attacks: Sequence[Attack]

    @property
    def worst(self) -> Attack | None:
        """Return the violation if there is one, else the tightest input found."""
        by_tightness = sorted(
            self.attacks,
            key=lambda a: (a.violated, -np.inf if a.tightness is None else a.tightness),
        )
        return by_tightness[-1] if by_tightness else None

    @property
    def violated(self) -> bool:
        """Whether any inequality is violated."""
        return any(a.violated for a in self.attacks)

    @property
    def tightness(self) -> float | None:
        """Largest smaller/larger over the inequalities, None if no ratio makes sense."""
        found = [a.tightness for a in self.attacks if a.tightness is not None]
        return max(found) if found else None

    @property
    def alarming(self) -> bool:
        """Whether a statement we stand by is violated."""
        return self.violated and self.claim.standing in ("theorem", "corrected", "derived")

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        worst = self.worst
        return {
            "id": self.claim.id,
            "standing": self.claim.standing,
            "tightness": self.tightness,
            "violated": self.violated,
            "evaluations": sum(a.evaluations for a in self.attacks),
            "input": None if worst is None else worst.parameters,
            "certificate": None if worst is None else worst.certificate,
            "inequalities": [
                {
                    "inequality": a.inequality,
                    "smaller": _finite(a.smaller),
                    "larger": _finite(a.larger),
                    "tightness": a.tightness,
                    "violated": a.violated,
                    "evaluations": a.evaluations,
                    "in_time": a.in_time,
                    "input": a.parameters,
                    "certificate": a.certificate,
                }
                for a in self.attacks
            ],
        }

    def __repr__(self) -> str:
        words = "violated" if self.violated else f"tightness {self.tightness}"
        return f"Part({self.claim.id}: {words})"


@dataclass(frozen=True)
class Falsification:
    """What a search for violations found.

    Parameters
    ----------
    name : str
        The claim or statement that was asked for.
    parts : sequence of Part
        One for each claim of it.
    seed : int
        Seed of the search, or the key that a generator supplied.
    budget : str
        Name of the budget.
    missing : sequence of str
        Ids of claims that an interrupt kept from being attacked.
    """

    name: str
    parts: Sequence[Part]
    seed: int
    budget: str
    missing: Sequence[str] = field(default_factory=tuple)

    @property
    def tightness(self) -> float | None:
        """Largest smaller/larger over the parts that are not folklore."""
        found = [p.tightness for p in self.parts if p.claim.standing != "folklore"]
        ratios = [t for t in found if t is not None]
        return max(ratios) if ratios else None

    @property
    def success(self) -> bool:
        """Whether nothing we stand by is violated."""
        return not any(part.alarming for part in self.parts)

    def __getitem__(self, claim: str) -> Part:
        for part in self.parts:
            if part.claim.id == claim:
                return part
        raise KeyError(claim)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON report."""
        return {
            "claim": self.name,
            "seed": self.seed,
            "budget": self.budget,
            "tightness": self.tightness,
            "parts": [part.to_dict() for part in self.parts],
        }

    def inputs(self) -> list[dict[str, Any]]:
        """Return the worst inputs as entries of a batch that ``evaluate`` takes."""
        return [
            {"id": part.claim.id, "parameters": attack.parameters}
            for part in self.parts
            for attack in part.attacks
        ]

    def to_xarray(self) -> xarray.Dataset:
        """Return the attacks as a Dataset along one dimension, ``attack``."""
        import xarray

        rows = [(p.claim, a) for p in self.parts for a in p.attacks]
        ratios = [np.nan if a.tightness is None else a.tightness for _, a in rows]
        return xarray.Dataset(
            {
                "smaller": ("attack", np.array([a.smaller for _, a in rows], dtype=float)),
                "larger": ("attack", np.array([a.larger for _, a in rows], dtype=float)),
                "tightness": ("attack", np.array(ratios, dtype=float)),
                "violated": ("attack", np.array([a.violated for _, a in rows], dtype=bool)),
                "evaluations": ("attack", np.array([a.evaluations for _, a in rows], dtype=int)),
            },
            coords={
                "claim": ("attack", np.array([c.id for c, _ in rows], dtype=str)),
                "inequality": ("attack", np.array([a.inequality for _, a in rows], dtype=str)),
            },
            attrs={"seed": str(self.seed), "budget": self.budget},
        )

    def __repr__(self) -> str:
        broken = [part.claim.id for part in self.parts if part.violated]
        words = f"violated: {', '.join(broken)}" if broken else f"tightness {self.tightness}"
        return f"Falsification({self.name}: {words}; budget={self.budget})"


def falsify(
    claim: str,
    *,
    budget: str = "quick",
    seed: int | np.random.Generator = 0,
    delta: float = DEFAULT_DELTA,
    threads: int | None = None,
    wrong_twins: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Falsification:
    """Search for an input that violates a claim, or comes as close to it as any.

    Random inputs, extreme relatives of them (a spike, a hub, rank one, huge and tiny scales and
    sizes), gradient-free climbs from the best, and another look at a violation in 50 digits where
    the claim has a precise route, by an independent Monte Carlo run where it is about means. The
    claim's own cases are not used: what is found is found without being told.

    Parameters
    ----------
    claim : str
        An id (``"RANK-7a"``) or a statement with all its parts (``"RANK-7"``); every part that
        asserts a bound or an ordering is attacked.
    budget : {"quick", "standard", "thorough"}, optional
        How many inputs are tried, and how long.
    seed : int or numpy.random.Generator, optional
        Seed, >= 0.
    delta : float, optional
        Error probability of the certificates that rest on sampling, together.
    threads : int, optional
        Threads, all available processors by default; findings do not depend on it.
    wrong_twins : bool, optional
        Attack the deliberately wrong twins instead: a search worth its name breaks them.
    progress : callable, optional
        Called with a line about what is being done, claims done, claims in all.

    Returns
    -------
    Falsification
        That nothing was found is no proof.

    Raises
    ------
    ValueError
        For an unknown id or budget, values outside their domain, or a statement without bounds and
        orderings.

    Examples
    --------
    >>> found = falsify("ENT-9-folklore")
    >>> found["ENT-9-folklore"].violated
    True
    """
    chosen = claims([claim])
    level = find_budget(budget)
    key = seed_key(seed)
    parts: list[Part] = []
    missing: tuple[str, ...] = ()
    with worker_threads(threads) as workers:
        context = Context(level, key, delta, workers, lambda line: None)
        subjects = [c.twin() if wrong_twins else c for c in chosen]
        attacked = [(c, found) for c in subjects if (found := targets(c, context))]
        if not attacked:
            kinds = ", ".join(dict.fromkeys(c.kind for c in chosen))
            raise ValueError(
                f"{claim} asserts no inequality ({kinds}): expected a claim about a bound or an "
                "ordering; verify judges the others"
            )
        try:
            for done, (subject, found) in enumerate(attacked):

                def report(line: str, done: int = done) -> None:
                    if progress is not None:
                        progress(line, done, len(attacked))

                report(subject.id)
                parts.append(_attacked(subject, found, level, key, report))
        except KeyboardInterrupt:
            missing = tuple(c.id for c, _ in attacked[len(parts) :])
    recorded = seed if isinstance(seed, int | np.integer) else key
    return Falsification(claim, tuple(parts), int(recorded), budget, missing)


def _attacked(
    claim: Claim,
    found: Sequence[Target],
    budget: Budget,
    key: int,
    progress: Callable[[str], None],
) -> Part:
    """Attack all targets of a claim within one budget."""
    attacks: list[Attack] = []
    end = time.monotonic() + budget.seconds
    for index, target in enumerate(found):
        rng = np.random.default_rng([key, experiment_id(claim.id), index])
        left = len(found) - index
        now = time.monotonic()
        until = now + max(0.0, end - now) / left
        share = max(1, budget.evaluations // len(found))
        attacks += [
            _looked_at_again(target, finding)
            for finding in attack(target, rng, share, until, progress)
        ]
    return Part(claim, tuple(attacks))


def _looked_at_again(target: Target, finding: Finding) -> Attack:
    pair = finding.pair
    certificate = None
    if pair.excess > target.rounding:
        certificate = plain(target.certify(finding.parameters, finding.number))
    return Attack(
        finding.name,
        float(pair.smaller),
        float(pair.larger),
        None if pair.tightness is None else float(pair.tightness),
        plain(given_parameters(target.claim, finding.parameters)),
        certificate is not None and bool(certificate["violated"]),
        certificate,
        finding.evaluations,
        finding.in_time,
    )


def _finite(value: float) -> float | None:
    """JSON has no infinity and no NaN."""
    return float(value) if np.isfinite(value) else None
