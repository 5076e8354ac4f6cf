"""Weight that a query gives to its own key."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "self_weight",
    RowObservable(
        name="self_weight",
        title="self-attention weight $A_{ii}$",
        definition=r"A_{ii}",
        bounds=lambda T: (0.0, 1.0),
        compute=lambda rows: rows.self_weight,
    ),
)
