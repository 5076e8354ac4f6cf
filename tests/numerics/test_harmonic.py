"""Generalised harmonic numbers and the zeta function at offset 1/2 against mpmath."""

from __future__ import annotations

import math

import mpmath as mp
import pytest

from qktheory.numerics.harmonic import harmonic_number, zeta_half


@pytest.mark.parametrize("d", [1, 255, 256, 257, 10**6, 10**12, 10**15])
@pytest.mark.parametrize("a", [0.0, 1e-9, 0.5, 0.99999, 1.0, 1.0 + 1e-7, 2.0, 3.5, 40.0, 500.0])
def test_harmonic_numbers_are_accurate_to_1e_14_at_any_size(d: int, a: float) -> None:
    with mp.workdps(40):
        if d <= 1000:
            expected = mp.fsum(mp.mpf(i) ** -mp.mpf(a) for i in range(1, d + 1))
        elif a == 1.0:
            expected = mp.harmonic(d)
        else:
            expected = mp.zeta(mp.mpf(a)) - mp.zeta(mp.mpf(a), d + 1)
    assert math.isclose(harmonic_number(d, a), float(expected), rel_tol=1e-14)


@pytest.mark.parametrize("s", [-2.0 / 3.0, -0.1, 1e-9, 0.3, 2.0 / 3.5, 0.999])
def test_zeta_half(s: float) -> None:
    expected = float(mp.zeta(mp.mpf(s), mp.mpf("0.5")))
    assert math.isclose(zeta_half(s), expected, rel_tol=1e-13)


def test_bad_arguments_are_refused() -> None:
    for call in (lambda: harmonic_number(-1, 1.0), lambda: harmonic_number(3, -0.5)):
        with pytest.raises(ValueError, match="expected"):
            call()
    with pytest.raises(ValueError, match=r"s = 1.0: expected a finite number < 1"):
        zeta_half(1.0)
