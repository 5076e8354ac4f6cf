"""Logits by position of the key."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "logit",
    RowObservable(
        name="logit",
        title="logit $w_i$",
        definition=r"w_i = x_T^\top W x_i / \lambda",
        bounds=lambda T: None,
        vector=True,
        compute=lambda rows: rows.logits,
    ),
)
