"""Largest eigenvalue moduli of stacks of small matrices: Francis's algorithm, eight at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.kernels.groups import check_finite, interleave, not_finite, real_stack
from qktheory.kernels.policy import elementary, jit_enabled, wide_vectors
from qktheory.kernels.vectors import LANES, below, load, root, splat, store

__all__ = ["spectral_radii"]

Float = NDArray[np.float64]
Index = NDArray[np.int64]

#: Beyond this order LAPACK is faster.
_LARGEST = 64
_ROUNDING = 2.0**-52
#: Sums of squares below this have lost digits to underflow. A reflection made of them would not be
#: orthogonal; what it would remove is below 1e-140 of the norm, and is set to 0.
_NOTHING = 1e-280
#: Sweeps that an eigenvalue may take; every tenth has shifts of its own kind.
_PATIENCE = 40


@elementary
def _balance(group: Float, m: int, width: int, lane: int) -> None:
    """Scale by powers of two until rows and columns of one matrix have like sizes (EISPACK)."""
    settled = False
    while not settled:
        settled = True
        for i in range(m):
            c = 0.0
            r = 0.0
            for j in range(m):
                if j != i:
                    c += abs(group[LANES * (j * width + i) + lane])
                    r += abs(group[LANES * (i * width + j) + lane])
            if c == 0.0 or r == 0.0:
                continue
            factor = 1.0
            total = c + r
            while c * 2.0 < r and factor < 1e100:
                factor *= 2.0
                c *= 4.0
            while c >= 2.0 * r and factor > 1e-100:
                factor *= 0.5
                c *= 0.25
            if factor != 1.0 and (c + r) / factor < 0.95 * total:
                settled = False
                for j in range(m):
                    group[LANES * (i * width + j) + lane] /= factor
                    group[LANES * (j * width + i) + lane] *= factor


@elementary
def _reduce(H: Float, v: Float, m: int, width: int) -> None:
    """Bring eight matrices to Hessenberg form by reflections."""
    zero, one, nothing = splat(0.0), splat(1.0), splat(_NOTHING)
    for k in range(m - 2):
        tail = zero
        for i in range(k + 2, m):
            x = load(H, LANES * (i * width + k))
            tail = tail + x * x
        first = load(H, LANES * ((k + 1) * width + k))
        length = root(first * first + tail)
        beta = below(first, zero, length, -length)
        # Where nothing is left to remove, the reflection is the identity.
        tau = below(nothing, tail, (beta - first) / beta, zero)
        inverse = below(nothing, tail, one / (first - beta), zero)
        store(H, LANES * ((k + 1) * width + k), below(nothing, tail, beta, first))
        store(v, LANES * (k + 1), one)
        for i in range(k + 2, m):
            place = LANES * (i * width + k)
            store(v, LANES * i, load(H, place) * inverse)
            store(H, place, zero)
        for j in range(k + 1, m):
            total = zero
            for i in range(k + 1, m):
                total = total + load(v, LANES * i) * load(H, LANES * (i * width + j))
            total = total * tau
            for i in range(k + 1, m):
                place = LANES * (i * width + j)
                store(H, place, load(H, place) - load(v, LANES * i) * total)
        for i in range(m):
            total = zero
            for j in range(k + 1, m):
                total = total + load(H, LANES * (i * width + j)) * load(v, LANES * j)
            total = total * tau
            for j in range(k + 1, m):
                place = LANES * (i * width + j)
                store(H, place, load(H, place) - total * load(v, LANES * j))


@elementary
def _pair_modulus(a: float, b: float, c: float, d: float) -> float:
    """Return the larger eigenvalue modulus of [[a, b], [c, d]]."""
    half = 0.5 * (a - d)
    under = half * half + b * c
    if under < 0.0:
        return math.hypot(0.5 * (a + d), math.sqrt(-under))
    return abs(0.5 * (a + d)) + math.sqrt(under)


@elementary
def _deflate(
    H: Float, width: int, lane: int, last: int, size: float, radius: Float
) -> tuple[int, int]:
    """Split off found eigenvalues of one matrix; return the first and last row of what is left."""
    while last >= 0:
        first = last
        while first > 0:
            here = LANES * (first * width + first) + lane
            side = abs(H[here - LANES])
            near = abs(H[here]) + abs(H[here - LANES * (width + 1)])
            if side <= _ROUNDING * (near if near > 0.0 else size):
                H[here - LANES] = 0.0
                break
            first -= 1
        corner = LANES * (last * width + last) + lane
        if first == last:
            radius[lane] = max(radius[lane], abs(H[corner]))
            last -= 1
        elif first == last - 1:
            above = corner - LANES * width
            modulus = _pair_modulus(H[above - LANES], H[above], H[corner - LANES], H[corner])
            radius[lane] = max(radius[lane], modulus)
            last -= 2
        else:
            return first, last
    return 0, -1


@elementary
def _start(H: Float, width: int, lane: int, first: int, last: int, tries: int, start: Float) -> int:
    """Write the first column of the double shift; return the row where the sweep may begin."""
    corner = LANES * (last * width + last) + lane
    row = LANES * width
    if tries % 10 == 0:
        s = abs(H[corner - LANES]) + abs(H[corner - row - 2 * LANES])
        trace = 1.5 * s
        determinant = s * s
        x = 0.0
    else:
        x = H[corner]
        y = H[corner - row - LANES]
        trace = y - x
        determinant = -H[corner - LANES] * H[corner - row]
    # The polynomial of the shifts in H - x: nothing large cancels where x is an eigenvalue.
    k = last - 2
    while True:
        here = LANES * (k * width + k) + lane
        z = H[here] - x
        side = H[here + row]
        next_z = H[here + row + LANES] - x
        p = (z * (z - trace) + determinant) / side + H[here + LANES]
        q = z + next_z - trace
        r = H[here + 2 * row + LANES]
        s = abs(p) + abs(q) + abs(r)
        if s > 0.0:
            p /= s
            q /= s
            r /= s
        if k == first:
            break
        left = abs(H[here - LANES]) * (abs(q) + abs(r))
        near = abs(H[here - row - LANES]) + abs(H[here]) + abs(H[here + row + LANES])
        if left <= _ROUNDING * abs(p) * near:
            break
        k -= 1
    start[lane] = p
    start[LANES + lane] = q
    start[2 * LANES + lane] = r
    return k


@elementary
def _sweep(
    H: Float, width: int, begin: Float, end: Float, low: int, top: int, high: int, start: Float
) -> None:
    """Chase the bulges of eight windows from row top to high; each lane has its own ends."""
    zero, one, nothing = splat(0.0), splat(1.0), splat(_NOTHING)
    begins, ends = load(begin, 0), load(end, 0)
    row = LANES * width
    for k in range(top, high):
        here = splat(float(k))
        at = LANES * (k * width + k)
        p, q, r = load(start, 0), load(start, LANES), load(start, 2 * LANES)
        before = zero
        if k > 0:
            before = load(H, at - LANES)
            # Beyond its first row, a lane reflects what the step before has left.
            p = below(begins, here, before, p)
            q = below(begins, here, load(H, at + row - LANES), q)
            r = below(begins, here, load(H, at + 2 * row - LANES), r)
        tail = q * q + r * r
        length = root(p * p + tail)
        beta = below(p, zero, length, -length)
        # Lanes that have not begun, or are done, reflect nothing.
        tail = below(here, begins, zero, below(here, ends, tail, zero))
        tau = below(nothing, tail, (beta - p) / beta, zero)
        inverse = below(nothing, tail, one / (p - beta), zero)
        v_1, v_2 = q * inverse, r * inverse
        if k > 0:
            inside = below(begins, here, below(nothing, tail, beta, before), before - tau * before)
            store(H, at - LANES, inside)
            # The bulge in the windows of lanes at work; outside them these are 0 already.
            store(H, at + row - LANES, zero)
            store(H, at + 2 * row - LANES, zero)
        t_1, t_2 = tau * v_1, tau * v_2
        for j in range(k, high + 1):
            place = LANES * (k * width + j)
            x, y, z = load(H, place), load(H, place + row), load(H, place + 2 * row)
            total = x + v_1 * y + v_2 * z
            store(H, place, x - tau * total)
            store(H, place + row, y - t_1 * total)
            store(H, place + 2 * row, z - t_2 * total)
        for i in range(low, min(k + 3, high) + 1):
            place = LANES * (i * width + k)
            x, y, z = load(H, place), load(H, place + LANES), load(H, place + 2 * LANES)
            total = x + v_1 * y + v_2 * z
            store(H, place, x - tau * total)
            store(H, place + LANES, y - t_1 * total)
            store(H, place + 2 * LANES, z - t_2 * total)


@elementary
def _spectral_radii(flat: Float, n: int, m: int, out: Float) -> int:
    """Fill the radii of n matrices, NaN where no end was found; return a bad matrix, or -1."""
    wide_vectors()
    # A row and a column of zeros at the end let the last, shorter reflections be like the others.
    width = m + 2
    H = np.zeros(LANES * width * width)
    v = np.zeros(LANES * m)
    scale = np.ones(LANES)
    radius = np.zeros(LANES)
    begin = np.zeros(LANES)
    end = np.zeros(LANES)
    start = np.zeros(3 * LANES)
    last = np.zeros(LANES, np.int64)
    tries = np.zeros(LANES, np.int64)
    for group in range(0, n, LANES):
        count = min(LANES, n - group)
        H[:] = 0.0
        interleave(flat, group, count, m, m, False, width, scale, H)
        for lane in range(count):
            if not abs(scale[lane]) < np.inf:
                return group + lane
            _balance(H, m, width, lane)
        _reduce(H, v, m, width)
        radius[:] = 0.0
        last[:] = -1
        last[:count] = m - 1
        tries[:] = 0
        while True:
            low, top, high = m, m, -1
            for lane in range(LANES):
                begin[lane], end[lane] = m, 0.0
                if last[lane] < 0:
                    continue
                first, stop = _deflate(H, width, lane, last[lane], 1.0, radius)
                if stop < last[lane]:
                    tries[lane] = 0
                last[lane] = stop
                if stop < 0:
                    continue
                tries[lane] += 1
                if tries[lane] > _PATIENCE:
                    radius[lane] = np.nan
                    last[lane] = -1
                    continue
                k = _start(H, width, lane, first, stop, tries[lane], start)
                begin[lane], end[lane] = k, stop
                low, top, high = min(low, first), min(top, k), max(high, stop)
            if high < 0:
                break
            _sweep(H, width, begin, end, low, top, high, start)
        for lane in range(count):
            out[group + lane] = radius[lane] * scale[lane]
    return -1


def spectral_radii(matrices: ArrayLike) -> Float:
    """Return the largest eigenvalue modulus of each matrix of a stack.

    Matrices of order up to 64 go through Francis's double-shift algorithm, eight at a time; larger
    ones, and the rare one that does not converge, through LAPACK. So do those with a zero beside
    the diagonal (masks, vertices), which permutations often make exactly triangular.

    Parameters
    ----------
    matrices : array_like of shape (n, m, m)
        Finite numbers.

    Returns
    -------
    ndarray of shape (n,)
        That of a matrix does not depend on the others of the stack.

    Raises
    ------
    ValueError
        For another shape or kind of number, or an entry that is not finite.

    Notes
    -----
    Balanced, reduced to Hessenberg form by reflections, then implicit double shifts with deflation
    at rounding: eigenvalues of a matrix within a few rounding errors of the norm of the given one.

    Examples
    --------
    >>> spectral_radii([[[0.0, 2.0], [-2.0, 0.0]], [[1.0, 4.0], [1.0, 1.0]]])
    array([2., 3.])
    """
    stack = real_stack("matrices", matrices, square=True)
    n, m, _ = stack.shape
    out = np.full(n, np.nan)
    if jit_enabled and m <= _LARGEST:
        bad = _spectral_radii(stack.reshape(-1), n, m, out)
        if bad >= 0:
            raise not_finite("matrices", bad)
        zeros = stack == 0.0
        if zeros.any():
            zeros[:, np.arange(m), np.arange(m)] = False
            out[zeros.any(axis=(1, 2))] = np.nan
    else:
        check_finite("matrices", stack)
    left = np.isnan(out)
    if left.any():
        out[left] = np.abs(np.linalg.eigvals(stack[left])).max(axis=1)
    return out
