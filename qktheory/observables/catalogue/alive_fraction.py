"""Share of the keys that are alive in the sense of the clipped-linear softmax (LOC-0)."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "alive_fraction",
    RowObservable(
        name="alive_fraction",
        title="fraction of alive keys",
        definition=r"\frac1T \sum_i 1[-1 < q_i < T-1]",
        bounds=lambda T: (0.0, 1.0),
        compute=lambda rows: rows.alive_fraction,
    ),
)
