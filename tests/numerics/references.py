"""Definition-only references at 30 digits or more: slow, never clever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
from scipy.special import ndtr

DIGITS = 40


def vectors(*claims: str) -> list[Any]:
    """Return the public test vectors of the localization chapter with the given ids."""
    path = Path(__file__).parents[1] / "data" / "localization.public.json"
    return [entry for entry in json.loads(path.read_text()) if entry["id"] in claims]


def close(got: float, want: float, rtol: float, atol: float = 0.0) -> bool:
    return bool(abs(mp.mpf(got) - mp.mpf(want)) <= atol + rtol * abs(mp.mpf(want)))


def normal_interval(a: float, b: float) -> mp.mpf:
    """Phi(b) - Phi(a); the digits lost by the subtraction are added beforehand."""
    with mp.workdps(DIGITS + 700):
        root = mp.sqrt(2)
        return +((mp.erf(mp.mpf(b) / root) - mp.erf(mp.mpf(a) / root)) / 2)


def hypoexponential(weights: list[float], a: float, b: float) -> mp.mpf:
    """P(a < q < b) when every weight occurs exactly twice and all are distinct.

    Then q is a sum of independent exponentials of both signs and partial fractions give its law.
    """

    def above(ws: list[mp.mpf], x: mp.mpf) -> mp.mpf:
        return mp.fsum(
            mp.exp(-x / (2 * w)) / mp.fprod(1 - v / w for v in ws if v != w) for w in ws if w > 0
        )

    with mp.workdps(400):
        ws = [mp.mpf(w) for w in weights]

        def below(x: mp.mpf) -> mp.mpf:
            return above([-w for w in ws], -x) if x < 0 else 1 - above(ws, x)

        return +(below(mp.mpf(b)) - below(mp.mpf(a)))


def rank_one(mu: float, gamma: float, D: float, a: float, b: float) -> mp.mpf:
    """P(a < q < b) for one eigenvalue: given g, q is normal (LOC-3c), averaged over g."""
    with mp.workdps(20):

        def density(g: mp.mpf) -> mp.mpf:
            mean, sd = mu * gamma * g * g, abs(mu) * mp.sqrt(D) * g
            return 2 * mp.npdf(g) * (mp.ncdf((b - mean) / sd) - mp.ncdf((a - mean) / sd))

        return mp.quad(density, [mp.mpf(c) for c in ("0", "0.02", "0.1", "0.3", "1", "3", "9")])


def rank_two(mu: tuple[float, float], gamma: float, D: float, a: float, b: float) -> float:
    """The same for two eigenvalues: trapezoid in the angle of g (periodic) and in log |g|."""
    angle = 2.0 * np.pi * np.arange(256) / 256
    log_r = np.arange(-20.0, 2.3, 0.02)[:, None]
    first = np.exp(2.0 * log_r) * np.cos(angle) ** 2
    second = np.exp(2.0 * log_r) * np.sin(angle) ** 2
    mean = gamma * (mu[0] * first + mu[1] * second)
    sd = np.sqrt(D * (mu[0] ** 2 * first + mu[1] ** 2 * second))
    inside = ndtr((b - mean) / sd) - ndtr((a - mean) / sd)
    radial = 0.02 * np.exp(2.0 * log_r - 0.5 * np.exp(2.0 * log_r))
    return float(np.sum(radial * inside.mean(axis=1, keepdims=True)))


def row_of_two(m: float, s: float) -> list[mp.mpf]:
    """LOC-15b at T = 2: one other score s g, an ordinary integral over g."""
    with mp.workdps(30):
        m, s = mp.mpf(m), mp.mpf(s)

        def average(f: Any) -> mp.mpf:
            cuts = sorted({mp.mpf(c) for c in (-14, -9, -6, -3, -1, 0, 1, 3, 6, 9, 14)} | {m / s})
            return mp.quad(lambda g: mp.npdf(g) * f(s * g), [c for c in cuts if abs(c) <= 14])

        def own(w: mp.mpf) -> mp.mpf:
            return 1 / (1 + mp.exp(w - m))

        def entropy(w: mp.mpf) -> mp.mpf:
            gap = abs(w - m)
            return mp.log1p(mp.exp(-gap)) + gap * mp.exp(-gap) / (1 + mp.exp(-gap))

        return [
            average(own),
            average(lambda w: own(w) ** 2),
            average(lambda w: (1 - own(w)) ** 2),
            average(entropy),
        ]


def row_by_laplace(m: float, s: float, T: int) -> list[mp.mpf]:
    """LOC-15b exactly as the chapter prints it (Stein's identity), trapezoid at 34 digits."""
    with mp.workdps(34):
        m, s, n = mp.mpf(m), mp.mpf(s), T - 1
        h = mp.mpf("0.16")
        step = min(mp.mpf("0.4"), h / s)
        nodes = [step * k for k in range(-int(11 / step), int((11 + s) / step) + 1)]
        bell = [step * mp.npdf(g) for g in nodes]
        growth = [mp.exp(s * g) for g in nodes]
        top = max(mp.mpf(4), 4 - m)
        bottom = -max(m, mp.log(n) + s * s / 2) - 50
        own = square = other = log_sum = mp.mpf(0)
        for k in range(int((top - bottom) / h) + 1):
            y = mp.exp(bottom + k * h)
            t = [y * e for e in growth]
            decay = [mp.exp(-v) for v in t]
            L = 1 - mp.fsum(b * -mp.expm1(-v) for b, v in zip(bell, t, strict=True))
            second = mp.fsum(b * v * v * d for b, v, d in zip(bell, t, decay, strict=True))
            u = y * mp.exp(m)
            own += h * u * mp.exp(-u) * L**n
            square += h * u * u * mp.exp(-u) * L**n
            other += h * n * mp.exp(-u) * second * L ** (n - 1)
            log_sum += h * (mp.exp(-y) - mp.exp(-u) * L**n)
        return [own, square, other, log_sum - m * own - s * s * (1 - own - other)]
