"""Free convolution by subordination: Stieltjes transforms of free sums and products.

For two laws and z in the upper half-plane there are omega_1, omega_2, fixed points of self-maps
of a half-plane, at which both transforms agree with that of the convolution (Voiculescu, Biane;
Belinschi and Bercovici 2007). They are followed from where the maps contract down to the axis.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qktheory.spectra.law import Law

__all__ = ["NEAREST", "free_product_transform", "free_sum_transform"]

Complex = NDArray[np.complex128]
Map = Callable[[Complex, Complex], Complex]

#: Distance from the axis, relative to the spread (as an angle for products), that counts as on it.
NEAREST = 1e-13
#: Heights above the axis on the way down; the last is 0, below any point that is asked for.
_LEVELS = np.append(0.125 ** np.arange(16.0), 0.0)
_PLAIN_STEPS = 2
_NEWTON_STEPS = 12


def free_sum_transform(first: Law, second: Law, z: Complex) -> Complex:
    """Return G(z) of the free sum of two laws at points of the open upper half-plane.

    Parameters
    ----------
    first, second : Law
        With Stieltjes transforms off the real axis.
    z : ndarray of complex
        Points with positive imaginary part, however small.

    Returns
    -------
    ndarray of complex

    Examples
    --------
    >>> from qktheory.spectra.laws.semicircle import Semicircle
    >>> z = np.array([0.5 + 1e-9j])
    >>> g = free_sum_transform(Semicircle(0.6), Semicircle(0.8), z)
    >>> bool(abs(g - Semicircle(1.0).stieltjes(z))[0] < 1e-12)
    True
    """
    points = np.asarray(z, dtype=np.complex128)
    flat = points.ravel()
    low = first.support[0] + second.support[0]
    high = first.support[1] + second.support[1]
    scale = max(high - low, abs(low), abs(high), 1e-300)

    def step(omega: Complex, at: Complex) -> Complex:
        other = at + _excess(first, omega)
        return at + _excess(second, other)

    height = np.maximum(flat.imag, 0.0)
    start = flat.real + 1j * np.maximum(4.0 * scale, height)
    omega = start.copy()
    for level in _LEVELS:
        at = flat.real + 1j * np.maximum(4.0 * scale * level, height)
        omega = _solve(step, omega, at, lambda w, p: w.imag >= p.imag * (1.0 - 1e-9))
    return np.asarray(first.stieltjes(_inside(omega)), dtype=np.complex128).reshape(points.shape)


def _excess(law: Law, omega: Complex) -> Complex:
    """Return 1/G(w) - w, which maps the upper half-plane into itself."""
    return np.asarray(1.0 / law.stieltjes(_inside(omega)) - omega)


def _inside(omega: Complex) -> Complex:
    """Keep a point that rounding moved to the axis above it: transforms refuse the support."""
    tiny = 1e-300 + 1e-17 * np.abs(omega)
    return np.where(omega.imag > 0.0, omega, omega.real + 1j * tiny)


def free_product_transform(first: Law, second: Law, z: Complex) -> Complex:
    """Return G(z) of the free product of two laws on [0, infinity), z in the upper half-plane.

    Parameters
    ----------
    first, second : Law
        On the positive half-line, neither a point mass at 0.
    z : ndarray of complex
        Points with positive imaginary part, however small.

    Returns
    -------
    ndarray of complex

    Examples
    --------
    >>> from qktheory.spectra.laws.marchenko_pastur import MarchenkoPastur
    >>> from qktheory.spectra.laws.fuss_catalan import FussCatalan
    >>> law = MarchenkoPastur(1.0)
    >>> g = free_product_transform(law, law, np.array([1 + 1e-9j]))
    >>> bool(abs(-g[0].imag / np.pi - FussCatalan(2).pdf(1.0)) < 1e-8)
    True
    """
    points = np.asarray(z, dtype=np.complex128)
    # u = 1/conj(z) lies in the upper half-plane; the maps contract towards negative u.
    u = 1.0 / np.conj(points.ravel())
    modulus, angle = np.abs(u), np.angle(u)

    def step(omega: Complex, at: Complex) -> Complex:
        other = at * _ratio(first, omega)
        return at * _ratio(second, other)

    omega = modulus * np.exp(0.95j * np.pi)
    for level in 0.95 * np.pi * _LEVELS:
        at = modulus * np.exp(1j * np.maximum(level, angle))
        omega = _solve(step, omega, at, _turned)
    return np.asarray(np.conj(u * (1.0 + _psi(first, omega)))).reshape(points.shape)


def _turned(omega: Complex, at: Complex) -> NDArray[np.bool_]:
    """Return where omega is turned at least as far from the positive axis as the point."""
    return np.asarray(np.angle(omega) >= np.angle(at) * (1.0 - 1e-9))


def _psi(law: Law, omega: Complex) -> Complex:
    """Return int w x/(1 - w x) dmu for Im w > 0."""
    mirrored = np.conj(1.0 / _inside(omega))
    return np.asarray(np.conj(mirrored * law.stieltjes(_inside(mirrored)) - 1.0))


def _ratio(law: Law, omega: Complex) -> Complex:
    """Return eta(w)/w, eta = psi/(1 + psi)."""
    psi = _psi(law, omega)
    return np.asarray(psi / (1.0 + psi) / omega)


def _solve(
    step: Map,
    omega: Complex,
    at: Complex,
    allowed: Callable[[Complex, Complex], NDArray[np.bool_]],
) -> Complex:
    """Return the fixed point of `step` near omega: plain steps, then Newton's method.

    A Newton step is taken where it stays in the allowed half-plane and lowers the residual; plain
    steps, which converge from everywhere, take its place where it does not.
    """
    for _ in range(_PLAIN_STEPS):
        omega = step(omega, at)
    image = step(omega, at)
    residual = omega - image
    for _ in range(_NEWTON_STEPS):
        size = np.abs(residual)
        active = size > 4e-16 * np.abs(omega)
        if not active.any():
            break
        w, target = omega[active], at[active]
        nudge = 1e-7 * (np.abs(w) + 1e-300) * 1j
        slope = 1.0 - (step(w + nudge, target) - image[active]) / nudge
        with np.errstate(divide="ignore", invalid="ignore"):
            proposal = w - residual[active] / slope
        usable = np.isfinite(proposal)
        usable &= allowed(np.where(usable, proposal, w), target)
        proposal = np.where(usable, proposal, image[active])
        after = step(proposal, target)
        worse = usable & ~(np.abs(proposal - after) <= size[active])
        plain = np.where(worse, image[active], proposal)
        after = np.where(worse, step(plain, target), after)
        omega = omega.copy()
        image = image.copy()
        residual = residual.copy()
        omega[active], image[active] = plain, after
        residual[active] = plain - after
    return omega
