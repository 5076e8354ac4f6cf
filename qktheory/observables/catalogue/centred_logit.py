"""Logits minus their mean over the keys, by position of the key."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "centred_logit",
    RowObservable(
        name="centred_logit",
        title="centred logit $q_i$",
        definition=r"q_i = w_i - \frac1T\sum_j w_j",
        bounds=lambda T: None,
        vector=True,
        compute=lambda rows: rows.centred,
    ),
)
