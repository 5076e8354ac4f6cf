"""Shannon entropy of an attention row."""

from __future__ import annotations

import math

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "entropy",
    RowObservable(
        name="entropy",
        title="row entropy H (nats)",
        definition=r"H = -\sum_j A_j \ln A_j",
        bounds=lambda T: (0.0, math.log(T)),
        compute=lambda rows: rows.statistics["entropy"],
    ),
)
