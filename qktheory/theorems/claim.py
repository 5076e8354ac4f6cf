"""What a claim is: a theorem in checkable form.

A module of `qktheory.theorems` calls `CLAIMS.add(...)`, through `register`, for each claim it
states; nothing else has to know. The formulas a claim shows and the numbers it yields are the same
objects: closed forms are SymPy expressions evaluated by `Formula`, integrals and roots are
`Routine`s that pair the SymPy statement with a routine of `qktheory.numerics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sympy as sp

from qktheory.base.cached import cached_property
from qktheory.base.domains import Parameter, check_parameters
from qktheory.base.registry import Registry
from qktheory.simulation.realization import Realization
from qktheory.symbolic.formula import Formula
from qktheory.theorems.judgements import Judgement

if TYPE_CHECKING:
    from qktheory.symbolic.derivation import Derivation

__all__ = [
    "CLAIMS",
    "EXACT_ATTENTION",
    "ONE_LAYER",
    "RANDOM_FEATURES",
    "W_IS_FIXED",
    "W_IS_REDRAWN",
    "Assumption",
    "Claim",
    "PredictionKind",
    "Predicts",
    "Routine",
    "Source",
    "Standing",
    "WrongTwin",
    "register",
]

Standing = Literal["theorem", "corrected", "derived", "conjecture", "folklore"]
PredictionKind = Literal["exact", "asymptotic", "lower", "upper"]


@dataclass(frozen=True)
class Source:
    """Where a statement comes from.

    Parameters
    ----------
    authors, title : str
        As cited.
    year : int
        Year of publication.
    statement : str
        Theorem or equation number, or what part the statement extends.
    arxiv : str
        arXiv id, empty if there is none.
    """

    authors: str
    year: int
    title: str
    statement: str = ""
    arxiv: str = ""

    def __str__(self) -> str:
        parts = [f"{self.authors} ({self.year})"]
        if self.statement:
            parts.append(self.statement)
        if self.arxiv:
            parts.append(f"arXiv:{self.arxiv}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Assumption:
    """A named condition on an experiment under which a claim speaks about it.

    Parameters
    ----------
    name : str
        Short name, shown when it fails.
    text : str
        The condition in words.
    holds : callable
        From a `Realization` to whether it is met.
    """

    name: str
    text: str
    holds: Callable[[Realization], bool]


EXACT_ATTENTION = Assumption(
    "exact attention",
    "attention is not estimated by random features",
    lambda realization: realization.ensemble.attention.features is None,
)
RANDOM_FEATURES = Assumption(
    "random features",
    "attention is estimated by random features",
    lambda realization: realization.ensemble.attention.features is not None,
)
W_IS_FIXED = Assumption(
    "W is held fixed",
    "W is drawn once, and means are conditional on it",
    lambda realization: not realization.ensemble.redraws_matrix,
)
ONE_LAYER = Assumption(
    "a single layer",
    "the experiment is one layer of one head",
    lambda realization: realization.ensemble.network is None,
)
W_IS_REDRAWN = Assumption(
    "W is drawn for every sample",
    "means are averages over W",
    lambda realization: realization.ensemble.redraws_matrix,
)


@dataclass(frozen=True)
class Routine:
    """A value without closed form: its defining statement and the routine that evaluates it.

    Parameters
    ----------
    statement : sympy.Basic
        Integral, sum, root or supremum that defines the value, in the standard symbols.
    compute : callable
        Evaluates it; called with the named arguments. None says that the value does not exist at
        these parameters: `Claim.evaluate` then leaves it out.
    arguments : tuple of str
        Names of parameters or of values defined before.
    """

    statement: sp.Basic
    compute: Callable[..., Any]
    arguments: tuple[str, ...]

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Evaluate at named values."""
        return self.compute(*(values[name] for name in self.arguments))


@dataclass(frozen=True)
class WrongTwin:
    """The same claim with a deliberate error, which verification must refute.

    Parameters
    ----------
    error : str
        What is wrong: a constant off by at most 10 %, a sign, an exponent off by at most 0.25.
    values : mapping
        The wrong expressions or routines, by the name of the value or definition they replace.
    """

    error: str
    values: Mapping[str, sp.Basic | Routine]


@dataclass(frozen=True)
class Predicts:
    """What a claim says about an observable of an Ensemble.

    Parameters
    ----------
    observable : str
        Name of the observable.
    value : str
        Name of the value that predicts its mean.
    kind : {"exact", "asymptotic", "lower", "upper"}
        Sense of the prediction.
    parameters : callable
        From a `Realization` to the parameters of the claim; for a vector observable without `key`,
        which runs over 1..T.
    when : callable, optional
        Further condition on the `Realization`, beside the assumptions of the claim.
    compute : callable, optional
        From a `Realization` to (prediction, numerical error), where the observable is an average
        of the claim's value over a law that the realisation fixes.
    sharp : bool, optional
        Of an asymptotic prediction: whether it is exact at the experiment's T but for a quantity
        that it replaces by its mean (a self-averaging one, as d grows).
    """

    observable: str
    value: str
    kind: PredictionKind
    parameters: Callable[[Realization], Mapping[str, Any]] | None = None
    compute: Callable[[Realization], tuple[Any, float]] | None = None
    when: Callable[[Realization], bool] = lambda realization: True
    sharp: bool = False


def _complete(parameters: dict[str, Any]) -> None:
    """Accept everything: the domains of the parameters say it all."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement with everything needed to evaluate, show, judge and doubt it.

    Parameters
    ----------
    id : str
        ``CH-Nx``, for example ``"LOC-3b"``.
    title : str
        One line.
    statement : str
        The statement in words, one or two sentences.
    source : Source
        Paper and number.
    standing : {"theorem", "corrected", "derived", "conjecture", "folklore"}
        What kind of trust it claims.
    observable : str
        The quantity that the statement is about.
    parameters : sequence of Parameter
        Names, domains, defaults of the arguments of `evaluate`.
    values : mapping of str to sympy.Basic or Routine
        What `evaluate` returns, in order; a value may use parameters and values before it. One
        that comes out as None does not exist at the given parameters and is left out.
    where : mapping, optional
        Auxiliary definitions, evaluated before the values and not returned.
    complete : callable, optional
        Fills in defaults that depend on other parameters, in place, and raises `ValueError` for
        combinations that no single domain excludes.
    assumptions : sequence of Assumption
        When the claim speaks about an Ensemble.
    predicts : sequence of Predicts
        Observables of an Ensemble that it predicts.
    W : {"fixed", "redrawn", "either"}
        Whether it speaks conditionally on one W, about averages over W, or about both.
    networks : bool
        Whether it speaks about experiments with a [network].
    proof : str, optional
        A proof for people to read, plain text; nothing checks it.
    cases : sequence of mapping
        Parameters at which `verify` judges it, at least three.
    judged_by : sequence of Judgement
        How; the first one gives the claim its kind.
    wrong_twin : WrongTwin
        The deliberate error that must be refuted.
    """

    id: str
    title: str
    statement: str
    source: Source
    standing: Standing
    observable: str
    parameters: Sequence[Parameter]
    values: Mapping[str, sp.Basic | Routine]
    cases: Sequence[Mapping[str, Any]]
    judged_by: Sequence[Judgement]
    wrong_twin: WrongTwin
    where: Mapping[str, sp.Basic | Routine] = field(default_factory=dict)
    complete: Callable[[dict[str, Any]], None] = _complete
    assumptions: Sequence[Assumption] = ()
    predicts: Sequence[Predicts] = ()
    W: Literal["fixed", "redrawn", "either"] = "fixed"
    networks: bool = False
    proof: str = ""

    @property
    def kind(self) -> str:
        """Kind of the claim, as in the table of judgements."""
        return self.judged_by[0].kind

    @cached_property
    def _evaluators(self) -> list[tuple[str, Callable[[Mapping[str, Any]], Any]]]:
        definitions = [*self.where.items(), *self.values.items()]
        return [(name, d if isinstance(d, Routine) else Formula(d)) for name, d in definitions]

    def checked(self, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Return the parameters in canonical form, or raise a `ValueError` that names one."""
        values = check_parameters(self.parameters, parameters, self.id)
        self.complete(values)
        return values

    def values_at(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Evaluate at canonical parameters, without checking them again; see `evaluate`."""
        environment = dict(parameters)
        with np.errstate(all="ignore"):
            for name, evaluator in self._evaluators:
                environment[name] = evaluator(environment)
        return {n: environment[n] for n in self.values if environment[n] is not None}

    @cached_property
    def _at_cases(self) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
        return {}

    def at_case(self, case: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the canonical parameters of case number `case` and the values there.

        Evaluated once: the count of sampled numbers and several judgements ask for them.
        """
        if case not in self._at_cases:
            parameters = self.checked(self.cases[case])
            self._at_cases[case] = (parameters, self.values_at(parameters))
        return self._at_cases[case]

    def evaluate(self, /, **parameters: object) -> dict[str, Any]:
        """Return the claim's own values.

        Parameters
        ----------
        **parameters
            By the names of `parameters`.

        Returns
        -------
        dict
            Numbers or (nested) lists, by name; values that do not exist at these parameters are
            absent.

        Raises
        ------
        ValueError
            For bad parameters, or if a value is not a finite number in double precision.

        Examples
        --------
        >>> CLAIMS["LOC-4d"].evaluate(eta=1e4, theta=0.5)["rho_large_eta"]
        0.0138197...
        """
        checked = self.checked(parameters)
        try:
            values = self.values_at(checked)
        except (ArithmeticError, np.linalg.LinAlgError, MemoryError) as error:
            raise ValueError(
                f"{self.id} cannot be evaluated in double precision at these parameters ({error})"
            ) from error
        return {name: _plain(self.id, name, value) for name, value in values.items()}

    def twin(self) -> Claim:
        """Return the wrong twin as a claim of its own."""
        wrong = self.wrong_twin.values
        unknown = set(wrong) - set(self.where) - set(self.values)
        if unknown:
            raise ValueError(f"{self.id}: the wrong twin replaces unknown values {unknown}")
        return replace(
            self,
            title=f"{self.title} [wrong twin: {self.wrong_twin.error}]",
            where={name: wrong.get(name, d) for name, d in self.where.items()},
            values={name: wrong.get(name, d) for name, d in self.values.items()},
            judged_by=tuple(judgement.of_a_twin() for judgement in self.judged_by),
        )

    @property
    def conditions(self) -> tuple[Assumption, ...]:
        """All assumptions, beginning with whether W is held fixed, if the claim depends on it.

        It comes first because no other assumption need look at a W that is not.
        """
        if self.W == "redrawn":
            return (W_IS_REDRAWN, *self.assumptions)
        if self.W == "fixed" and (self.assumptions or self.predicts):
            return (W_IS_FIXED, *self.assumptions)
        return tuple(self.assumptions)

    def failing_assumption(self, realization: Realization) -> Assumption | None:
        """Return the first assumption that an experiment does not meet, None if it meets all."""
        conditions = self.conditions if self.networks else (ONE_LAYER, *self.conditions)
        if RANDOM_FEATURES not in conditions:
            conditions = (EXACT_ATTENTION, *conditions)
        for assumption in conditions:
            if not assumption.holds(realization):
                return assumption
        return None

    @property
    def derivation(self) -> Derivation | None:
        """How the statement is known, step by step; None if there is no derivation.

        Examples
        --------
        >>> CLAIMS["LOC-1b"].derivation
        Derivation(LOC-1b: 2 steps, proved)
        """
        from qktheory.theorems.derivations import derivation_of

        # None is not kept: a derivation may be registered after the claim was judged.
        if "derivation" not in self.__dict__:
            found = derivation_of(self)
            if found is None:
                return None
            self.__dict__["derivation"] = found
        kept: Derivation = self.__dict__["derivation"]
        return kept

    def __repr__(self) -> str:
        return f"Claim({self.id}: {self.title})"


def _plain(claim: str, name: str, value: Any) -> Any:
    """Return a value as number or list; refuse what is not finite."""
    array = np.asarray(value)
    if array.dtype == object:
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{claim}: {name} is not a finite number in double precision at these parameters"
        )
    return array.tolist()


CLAIMS: Registry[Claim] = Registry("claim", "qktheory.theorems")


def register(claim: Claim) -> Claim:
    """Add a claim to the catalogue under its id.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    Claim
        The same object.
    """
    return CLAIMS.add(claim.id, claim)
