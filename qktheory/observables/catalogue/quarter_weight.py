"""Share of the weight on a quarter of the sequence (LOC-12)."""

from __future__ import annotations

from qktheory.base.domains import Integer
from qktheory.observables.observable import OBSERVABLES, RowObservable

__all__ = ["quarter_weight"]

_QUARTER = Integer(low=1, high=4)


def quarter_weight(number: float) -> RowObservable:
    """Return the share of the weight on one quarter of the keys.

    Parameters
    ----------
    number : int
        1 for the first keys to 4 for the last ones; quarter k ends with key floor(k T/4).

    Returns
    -------
    RowObservable
        Called ``quarter_weight_<number>``.

    Examples
    --------
    >>> quarter_weight(4).name
    'quarter_weight_4'
    """
    k = _QUARTER.check("quarter", number)
    return RowObservable(
        name=f"quarter_weight_{k}",
        title=f"weight on quarter {k} of the sequence",
        definition=r"\sum_{j \in \mathrm{quarter}\ k} A_j / \sum_j A_j",
        bounds=lambda T: (0.0, 1.0),
        compute=lambda rows: rows.quarter_shares[:, k - 1],
    )


OBSERVABLES.add_family("quarter_weight_", lambda text: quarter_weight(float(text)))
