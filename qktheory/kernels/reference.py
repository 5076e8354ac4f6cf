"""Plain NumPy twins of the kernels: their definition, and what runs under NUMBA_DISABLE_JIT=1.

Same arguments as the kernels, checked by the same public functions. Clear before fast.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "affine_rows",
    "alive_rows",
    "bridge_rows",
    "clipped_linear_rows",
    "clipped_linear_statistics",
    "clipped_segments",
    "erf",
    "erfc",
    "exp",
    "fill_normals",
    "fill_uniforms",
    "leaf_moments",
    "log",
    "normal_forms",
    "philox",
    "quadratic_sums",
    "random_walk_rows",
    "row_statistics",
    "sincos",
    "sincos_turns",
    "softmax_rows",
    "softmax_segments",
    "sums_of_stretches",
    "times_powers",
    "visible_means",
    "widest",
]

Float = NDArray[np.float64]
Words = NDArray[np.uint64]


def exp(x: Float) -> Float:
    """Return e^x."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.asarray(np.exp(x))


def log(x: Float) -> Float:
    """Return the natural logarithm, -inf at zero and NaN below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(x))


def erf(x: Float) -> Float:
    """Return the error function."""
    import scipy.special

    return np.asarray(scipy.special.erf(x))


def erfc(x: Float) -> Float:
    """Return the complementary error function."""
    import scipy.special

    return np.asarray(scipy.special.erfc(x))


def sincos(x: Float) -> tuple[Float, Float]:
    """Return sin(x) and cos(x)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sin(x)), np.asarray(np.cos(x))


def sincos_turns(u: Float) -> tuple[Float, Float]:
    """Return sin(2 pi u) and cos(2 pi u), reduced exactly to an eighth of a turn."""
    with np.errstate(invalid="ignore"):
        quarter = np.rint(4.0 * np.asarray(u))
        angle = 2.0 * np.pi * (u - 0.25 * quarter)
        sine, cosine = np.sin(angle), np.cos(angle)
        choices = [quarter % 4 == k for k in range(4)]
        first = np.select(choices, [sine, cosine, -sine, -cosine], np.nan)
        second = np.select(choices, [cosine, -sine, -cosine, sine], np.nan)
    return np.asarray(first), np.asarray(second)


def philox(
    c0: Words, c1: Words, c2: Words, c3: Words, k0: np.uint64, k1: np.uint64
) -> tuple[Words, Words, Words, Words]:
    """Return the four words of Philox4x32-10 blocks, 32-bit words in 64-bit integers."""
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    key0, key1 = int(k0), int(k1)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c2 = (
            (p1 >> shift) ^ c1 ^ np.uint64(key0),
            (p0 >> shift) ^ c3 ^ np.uint64(key1),
        )
        c1, c3 = p1 & low, p0 & low
        key0 = (key0 + 0x9E3779B9) & 0xFFFFFFFF
        key1 = (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def _uniform_pairs(
    key: int, experiment: int, cell: int, first_sample: int, shape: tuple[int, int]
) -> tuple[Float, Float]:
    """Return the two uniforms of every block that `shape` needs, each (n, blocks)."""
    rows, columns = shape
    block, sample = np.meshgrid(
        np.arange((columns + 1) // 2, dtype=np.uint64),
        np.uint64(first_sample) + np.arange(rows, dtype=np.uint64),
    )
    r0, r1, r2, r3 = philox(
        block,
        sample,
        np.full_like(block, cell),
        np.full_like(block, experiment),
        np.uint64(key & 0xFFFFFFFF),
        np.uint64(key >> 32),
    )
    shift = np.uint64(32)

    def midpoint(high: Words, low: Words) -> Float:
        word = ((high << shift) | low) >> np.uint64(12)
        return np.asarray((word.astype(np.float64) + 0.5) * 2.0**-52)

    return midpoint(r0, r1), midpoint(r2, r3)


def fill_uniforms(key: int, experiment: int, cell: int, first_sample: int, out: Float) -> None:
    """Fill rows of addressed uniforms."""
    u, v = _uniform_pairs(key, experiment, cell, first_sample, (out.shape[0], out.shape[1]))
    out[:, 0::2] = u
    out[:, 1::2] = v[:, : out.shape[1] // 2]


def fill_normals(key: int, experiment: int, cell: int, first_sample: int, out: Float) -> None:
    """Fill rows of addressed standard normals."""
    u, v = _uniform_pairs(key, experiment, cell, first_sample, (out.shape[0], out.shape[1]))
    radius = np.sqrt(-2.0 * np.log(u))
    sine, cosine = sincos_turns(v)
    out[:, 0::2] = radius * cosine
    out[:, 1::2] = (radius * sine)[:, : out.shape[1] // 2]


def _first(bad: NDArray[np.bool_]) -> int:
    return int(np.argmax(bad)) if bad.any() else -1


def row_statistics(logits: Float, out: Float) -> int:
    """Fill the statistics of softmax rows and return the first bad row, or -1."""
    top = logits.max(axis=1, initial=-np.inf)
    bad = _first(~np.isfinite(top))
    if bad >= 0:
        return bad
    z = logits - top[:, None]
    e = exp(z)
    # exp(-inf) * -inf is NaN; such keys contribute nothing.
    z = np.where(e > 0.0, z, 0.0)
    ties = (e == 1.0) & (z == 0.0)
    below = np.where(ties, 0.0, e).sum(axis=1)
    count = ties.sum(axis=1)
    total = count + below
    log_total = np.log(count) + np.log1p(below / count)
    mean = (e * z).sum(axis=1) / total
    out[:, 0] = top + log_total
    out[:, 1] = log_total - mean
    out[:, 2] = (e * e).sum(axis=1) / total**2
    out[:, 3] = 1.0 / total
    out[:, 4] = top + mean
    if out.shape[1] == 6:
        out[:, 5] = (e * (z - mean[:, None]) ** 2).sum(axis=1) / total
    return -1


def softmax_rows(logits: Float, out: Float) -> int:
    """Fill the softmax of rows and return the first bad row, or -1."""
    top = logits.max(axis=1, initial=-np.inf)
    bad = _first(~np.isfinite(top))
    if bad >= 0:
        return bad
    weights = exp(logits - top[:, None])
    out[...] = weights / weights.sum(axis=1, keepdims=True)
    return -1


def _centred(logits: Float) -> tuple[Float, NDArray[np.bool_], NDArray[np.int64], int]:
    """Return q, the unmasked keys, their number and the first bad row."""
    kept = logits > -np.inf
    kept |= np.isnan(logits)
    count = kept.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = np.where(kept, logits, 0.0).sum(axis=1) / count
        q = np.where(kept, logits - mean[:, None], -np.inf)
    return q, kept, count, _first(~np.isfinite(mean))


def clipped_linear_rows(logits: Float, out: Float) -> int:
    """Fill the piecewise-linear attention of rows and return the first bad row, or -1."""
    q, _, count, bad = _centred(logits)
    if bad < 0:
        out[...] = np.clip((1.0 + q) / count[:, None], 0.0, 1.0)
    return bad


def clipped_linear_statistics(logits: Float, out: Float) -> int:
    """Fill the statistics of clipped-linear rows and return the first bad row, or -1."""
    q, _, count, bad = _centred(logits)
    if bad < 0:
        u = np.clip(1.0 + q, 0.0, count[:, None])
        share = u / u.sum(axis=1, keepdims=True)
        logs = np.log(share, out=np.zeros_like(share), where=share > 0.0)
        out[:, 0] = np.maximum(-(share * logs).sum(axis=1), 0.0)
        out[:, 1] = (share * share).sum(axis=1)
        out[:, 2] = share.max(axis=1)
        out[:, 3] = ((q > -1.0) & (q < count[:, None] - 1.0)).mean(axis=1)
    return bad


def alive_rows(logits: Float, out: Float) -> int:
    """Fill the indicator of unclipped keys and return the first bad row, or -1."""
    q, _, count, bad = _centred(logits)
    if bad < 0:
        out[...] = (q > -1.0) & (q < count[:, None] - 1.0)
    return bad


def sums_of_stretches(weights: Float, ends: NDArray[np.int64]) -> Float:
    """Return the sums over keys ends[i] to ends[i + 1] - 1, shape (n, k)."""
    return np.stack([weights[:, a:b].sum(axis=1) for a, b in pairwise(ends)], axis=1)


def softmax_segments(logits: Float, ends: NDArray[np.int64], out: Float) -> int:
    """Fill the weights of stretches of rows and return the first bad row, or -1."""
    top = logits.max(axis=1, initial=-np.inf)
    bad = _first(~np.isfinite(top))
    if bad < 0:
        out[...] = sums_of_stretches(exp(logits - top[:, None]), ends)
    return bad


def clipped_segments(logits: Float, ends: NDArray[np.int64], out: Float) -> int:
    """Fill the clipped weights of stretches of rows and return the first bad row, or -1."""
    q, _, count, bad = _centred(logits)
    if bad < 0:
        out[...] = sums_of_stretches(np.clip(1.0 + q, 0.0, count[:, None]), ends)
    return bad


def visible_means(logits: Float, out: Float) -> int:
    """Fill mean and number of the unmasked keys of rows and return the first bad row, or -1."""
    _, kept, count, bad = _centred(logits)
    if bad < 0:
        out[:, 0] = np.where(kept, logits, 0.0).sum(axis=1) / count
        out[:, 1] = count
    return bad


def bridge_rows(buffer: Float) -> None:
    """Turn normals into bridges."""
    length = buffer.shape[1]
    walk = np.cumsum(buffer, axis=1)
    buffer[...] = walk - np.arange(1, length + 1) / length * walk[:, -1:]


def affine_rows(
    base: Float, factor: Float, slope: Float, level: Float, last: Float, out: Float
) -> None:
    """Turn base rows into rows of logits, several of each; a `last` that is a NaN is left out."""
    source = np.tile(base, (len(out) // max(len(base), 1), 1))
    position = np.arange(1, base.shape[1] + 1)
    out[...] = factor[:, None] * source + (slope[:, None] * position + level[:, None])
    out[:, -1] = np.where(np.isnan(last), out[:, -1], last)


def quadratic_sums(g: Float, eigenvalues: Float, out: Float) -> None:
    """Fill the quadratic forms of rows in eigenbases."""
    terms = g * g * eigenvalues[:, None, :]
    out[0] = terms.sum(axis=2)
    out[1] = (terms * eigenvalues[:, None, :]).sum(axis=2)


def random_walk_rows(steps: Float) -> None:
    """Turn steps into the tokens of a random walk."""
    np.cumsum(steps, axis=1, out=steps)


def leaf_moments(
    values: Float, leaf: int, mean: Float, m2: Float, minimum: Float, maximum: Float
) -> None:
    """Fill the moments of consecutive groups of rows."""
    for b in range(mean.shape[0]):
        group = values[b * leaf : (b + 1) * leaf]
        # Cumulative sums, because `sum` adds one column in another order than several.
        mean[b] = np.cumsum(group, axis=0)[-1] / len(group)
        m2[b] = np.cumsum((group - mean[b]) ** 2, axis=0)[-1]
        minimum[b] = group.min(axis=0)
        maximum[b] = group.max(axis=0)


def times_powers(arrays: Float, digits: NDArray[np.int64]) -> Float:
    """Return arrays times powers of two."""
    near = np.clip(digits, -2000, 2000)
    half = near // 2
    shape = (-1,) + (1,) * (arrays.ndim - 1)
    first = np.ldexp(1.0, half.astype(np.int32)).reshape(shape)
    second = np.ldexp(1.0, (near - half).astype(np.int32)).reshape(shape)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(arrays * first * second)


def normal_forms(arrays: Float) -> tuple[Float, NDArray[np.int64]] | None:
    """Return mantissas and binary exponents of arrays; None if an entry is not finite."""
    largest = np.abs(arrays).reshape(len(arrays), -1).max(axis=1)
    if not np.isfinite(largest).all():
        return None
    digits = np.frexp(largest)[1].astype(np.int64)
    return times_powers(arrays, -digits), np.where(largest == 0.0, -(2**61), digits)


def widest(stack: Float, kind: int, out: Float) -> None:
    """Fill the largest distance of two rows: l1 (0), squared Euclidean (1), range (2)."""
    out[...] = 0.0
    for i in range(stack.shape[1] - 1):
        apart = stack[:, i + 1 :] - stack[:, i : i + 1]
        if kind == 0:
            found = np.abs(apart).sum(axis=2)
        elif kind == 1:
            found = (apart * apart).sum(axis=2)
        else:
            found = apart.max(axis=2) - apart.min(axis=2)
        np.maximum(out, found.max(axis=1), out=out)
