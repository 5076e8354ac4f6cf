"""Signal propagation probability by position of the key (LOC-3)."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, RowObservable

OBSERVABLES.add(
    "rho",
    RowObservable(
        name="rho",
        title=r"signal propagation probability $\rho_i$",
        definition=r"\rho_i = P(-1 < q_i < T-1),\ q_i = w_i - \bar w",
        bounds=lambda T: (0.0, 1.0),
        vector=True,
        compute=lambda rows: rows.alive,
    ),
)
