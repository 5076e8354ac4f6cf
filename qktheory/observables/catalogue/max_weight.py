"""Largest weight of an attention row."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "max_weight",
    RowObservable(
        name="max_weight",
        title="largest weight",
        definition=r"\max_j A_j",
        bounds=lambda T: (1.0 / T, 1.0),
        compute=lambda rows: rows.statistics["max_weight"],
    ),
)
