"""Attention weight by position of the key."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "profile",
    RowObservable(
        name="profile",
        title="attention profile $E[A_i]$",
        definition=r"(A_1, \dots, A_T)",
        bounds=lambda T: (0.0, 1.0),
        vector=True,
        compute=lambda rows: rows.weights,
    ),
)
