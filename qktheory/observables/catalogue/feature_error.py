"""Errors of random-feature attention."""

from __future__ import annotations

from qktheory.observables.observable import OBSERVABLES, FeatureObservable

OBSERVABLES.add(
    "feature_error",
    FeatureObservable(
        name="feature_error",
        title="squared distance of the random-feature row to softmax",
        definition=r"\sum_j (\hat A_j - A_j)^2",
        bounds=lambda T: None,
        compute=lambda rows: rows.squared_error,
    ),
)
OBSERVABLES.add(
    "kernel_error",
    FeatureObservable(
        name="kernel_error",
        title="mean squared error of the kernels of the other keys",
        definition=r"\frac{1}{T-1} \sum_{j \neq i} (\hat K_j - K_j)^2",
        bounds=lambda T: None,
        compute=lambda rows: rows.kernel_error,
    ),
)
OBSERVABLES.add(
    "kernel_relative_error",
    FeatureObservable(
        name="kernel_relative_error",
        title="mean squared relative error of the kernels of the other keys",
        definition=r"\frac{1}{T-1} \sum_{j \neq i} (\hat K_j / K_j - 1)^2",
        bounds=lambda T: None,
        compute=lambda rows: rows.kernel_relative_error,
    ),
)
