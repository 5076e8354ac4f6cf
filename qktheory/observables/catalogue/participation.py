"""Participation of an attention row; the inverse of Y_2 is the number of effective tokens."""

from __future__ import annotations

from qktheory.base.domains import Real
from qktheory.observables.observable import OBSERVABLES, RowObservable

__all__ = ["participation_of_order"]

_ORDER = Real(low=0.0, low_open=True)


def participation_of_order(q: float) -> RowObservable:
    """Return the participation Y_q = sum_j A_j^q of the row divided by its sum as an observable.

    Parameters
    ----------
    q : float
        Order, > 0. Spec files write ``"y_3"`` or ``"y_0.5"``.

    Returns
    -------
    RowObservable
        With the range [min(1, T^(1-q)), max(1, T^(1-q))].

    Examples
    --------
    >>> participation_of_order(3).bounds(10)
    (0.01, 1.0)
    """
    q = _ORDER.check("q", q)

    def bounds(T: int) -> tuple[float, float]:
        ends = (1.0, float(T) ** (1.0 - q))
        return min(ends), max(ends)

    return RowObservable(
        name=f"y_{q:g}",
        title=f"participation $Y_{{{q:g}}}$",
        definition=rf"Y_{{{q:g}}} = \sum_j A_j^{{{q:g}}}",
        bounds=bounds,
        compute=lambda rows: (rows.shares**q).sum(axis=1),
    )


OBSERVABLES.add(
    "participation",
    RowObservable(
        name="participation",
        title="participation $Y_2$",
        definition=r"Y_2 = \sum_j A_j^2",
        bounds=lambda T: (1.0 / T, 1.0),
        compute=lambda rows: rows.statistics["participation"],
    ),
)
OBSERVABLES.add_family("y_", lambda text: participation_of_order(float(text)))
