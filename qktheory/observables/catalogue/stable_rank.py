"""Stable rank of the attention matrix."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, MatrixObservable

OBSERVABLES.add(
    "stable_rank",
    MatrixObservable(
        name="stable_rank",
        title="stable rank of A",
        definition=r"\|A\|_F^2 / \|A\|_2^2",
        bounds=lambda T: (1.0, float(T)),
        compute=lambda matrices: (
            (matrices.singular_values**2).sum(axis=1) / matrices.singular_values[:, 0] ** 2
        ),
    ),
)
