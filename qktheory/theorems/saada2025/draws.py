"""Random attention matrices of the claims of this package, n at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import Stream

__all__ = [
    "attention_of_scores",
    "branch",
    "bulk_moments",
    "iid_attention",
    "moduli",
    "singular_values",
    "token_scores",
    "without_mean",
]

FloatArray = NDArray[np.float64]


def attention_of_scores(scores: FloatArray) -> FloatArray:
    """Return the softmax along the last axis; the argument is overwritten."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def branch(stream: Stream, number: int) -> Stream:
    """Return an independent stream for each number, 0 being the stream itself."""
    return stream.child(experiment=(stream.experiment + number) % (1 << 32))


def iid_attention(T: int, s2: float, stream: Stream, first: int, n: int) -> FloatArray:
    """Draw n matrices of iid N(0, s2) scores, (n, T, T)."""
    scores = math.sqrt(s2) * stream.normals(first, n, T * T).reshape(n, T, T)
    return attention_of_scores(scores)


def token_scores(
    W: FloatArray, T: int, stream: Stream, first: int, n: int, root: FloatArray | None = None
) -> FloatArray:
    """Draw the scores x_i^T W x_j of T tokens N(0, root root^T), (n, T, T).

    W is one matrix, (d, d), or one for each sample, (n, d, d).
    """
    size = W.shape[-1]
    X = stream.normals(first, n, T * size).reshape(n, T, size)
    if root is not None:
        X = X @ root.T
    return np.asarray(X @ W @ X.transpose(0, 2, 1))


def without_mean(A: FloatArray) -> FloatArray:
    """Return B = A - (1/T) 1 1^T."""
    return np.asarray(A - 1.0 / A.shape[-1])


def singular_values(A: FloatArray) -> FloatArray:
    """Return singular values, decreasing, (n, T)."""
    return np.asarray(np.linalg.svd(A, compute_uv=False))


def moduli(A: FloatArray) -> FloatArray:
    """Return moduli of eigenvalues, decreasing, (n, T)."""
    return np.asarray(np.sort(np.abs(np.linalg.eigvals(A)), axis=-1)[..., ::-1])


def bulk_moments(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (1/T) sum (sqrt(T) s)^k, k = 2 and 4, over the singular values of B, each (n,)."""
    T = A.shape[-1]
    B = without_mean(A)
    gram = B @ B.transpose(0, 2, 1)
    return (
        np.trace(gram, axis1=1, axis2=2),
        np.asarray(T * np.sum(gram**2, axis=(1, 2))),
    )
