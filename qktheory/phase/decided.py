"""When the phase of a cell is decided: what refinement spends samples on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qktheory.base.errors import bad_value
from qktheory.phase.classify import Cell, classify
from qktheory.simulation.estimate import Estimate

__all__ = ["check_phase_is_measured", "phase_is_decided", "profile_of"]

_ALIVE, _WEIGHT = "rho_at_", "quarter_weight_"
_SCALARS = ("self_weight", "entropy", "stable_rank")


def profile_of(observables: Iterable[str], normalizer: str) -> tuple[str, ...]:
    """Return the observables along the sequence that localization is judged by.

    Aliveness, ``rho_at_``, is what the theory of the clipped-linear softmax is about (LOC-6); where
    the weight is, ``quarter_weight_``, is asked of every other normaliser (LOC-12), and of this one
    if no aliveness was measured.

    Parameters
    ----------
    observables : iterable of str
        What is measured.
    normalizer : str
        Name of the normaliser of the cell.

    Returns
    -------
    tuple of str
        From the first key to the last; empty if there are less than two of a kind.

    Examples
    --------
    >>> names = ["entropy", "quarter_weight_1", "quarter_weight_4", "rho_at_1", "rho_at_0.5"]
    >>> profile_of(names, "softmax"), profile_of(names, "clipped_linear")
    (('quarter_weight_1', 'quarter_weight_4'), ('rho_at_0.5', 'rho_at_1'))
    """
    names = list(observables)
    for prefix in (_ALIVE, _WEIGHT) if normalizer == "clipped_linear" else (_WEIGHT,):
        along = [name for name in names if name.startswith(prefix)]
        if len(along) > 1:
            return tuple(sorted(along, key=lambda name: float(name.removeprefix(prefix))))
    return ()


def check_phase_is_measured(observables: Iterable[str], normalizers: Iterable[str]) -> None:
    """Raise a `ValueError` unless a phase can be told from the observables, for all normalisers.

    Examples
    --------
    >>> check_phase_is_measured(["participation"], ["softmax"])
    Traceback (most recent call last):
    ...
    ValueError: refine = 'phase': expected an observable that phases are told by: self_weight, \
entropy, stable_rank, or two of quarter_weight_ (of rho_at_ for 'clipped_linear')
    """
    names = list(observables)
    if set(names) & set(_SCALARS):
        return
    for normalizer in normalizers:
        if not profile_of(names, normalizer):
            raise bad_value(
                "refine",
                "phase",
                f"an observable that phases are told by: {', '.join(_SCALARS)}, or two of "
                f"{_WEIGHT} (of {_ALIVE} for 'clipped_linear')",
            )


def phase_is_decided(T: int, normalizer: str, estimates: Mapping[str, Estimate]) -> bool:
    """Return whether the intervals of a cell leave one phase, by everything that was measured.

    Parameters
    ----------
    T : int
        Number of keys.
    normalizer : str
        Name of the normaliser, which says what localization is judged by, see `profile_of`.
    estimates : mapping of str to Estimate
        By name of the observable.

    Returns
    -------
    bool
        Of intervals that hold at all numbers of samples together (`qktheory.simulation.intervals`),
        so that a cell may stop as soon as this is true, and be wrong with their probability.

    Examples
    --------
    >>> from qktheory.simulation.simulate import simulate
    >>> spec = {"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25}}
    >>> few, many = (simulate(spec, ["self_weight"], samples=n, seed=1) for n in (30, 2048))
    >>> [phase_is_decided(8, "softmax", found.estimates) for found in (few, many)]
    [False, True]
    """
    scalars = {name: e for name, e in estimates.items() if not e.vector}
    cell = Cell.of_estimates(T, scalars, profile_of(scalars, normalizer))
    return classify(cell).decided
