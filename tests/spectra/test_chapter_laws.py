"""Laws of SPEC-8 to SPEC-10 against mpmath: both tails, hard edges, extreme parameters."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from qktheory.spectra.law import LAWS, Law


def build(table: dict[str, Any]) -> Law:
    own = dict(table)
    return LAWS[str(own.pop("law"))].from_dict(own)


def marchenko_pastur_cdf(c: float, x: mp.mpf) -> mp.mpf:
    """SPEC-9, at 60 digits."""
    c = mp.mpf(c)
    a, b = (1 - mp.sqrt(c)) ** 2, (1 + mp.sqrt(c)) ** 2
    r = mp.sqrt((b - x) * (x - a))
    first = (a + b) / 2 * (mp.asin((2 * x - a - b) / (b - a)) + mp.pi / 2)
    second = mp.mpf(0)
    if c != 1:
        second = mp.sqrt(a * b) * (mp.asin(((a + b) * x - 2 * a * b) / (x * (b - a))) + mp.pi / 2)
    return max(0, 1 - 1 / c) + (r + first - second) / (2 * mp.pi * c)


@pytest.mark.parametrize("ratio", [1e-6, 0.25, 0.999999, 1.0, 1.0001, 7.0])
def test_marchenko_pastur_quantiles_solve_the_closed_form(ratio: float) -> None:
    law = build({"law": "marchenko_pastur", "ratio": ratio})
    levels = np.array([0.2, 0.9, 0.9999])
    levels = np.concatenate([[1e-9], levels]) if ratio <= 1.0 else levels
    with mp.workdps(60):
        for u, x in zip(levels, law.quantile(levels), strict=True):
            if x == 0.0:
                assert u <= law.atoms[0][1]
                continue
            slope = float(law.pdf(x)) * x * 1e-15  # what the last bit of x moves
            assert abs(float(marchenko_pastur_cdf(ratio, mp.mpf(float(x))) - u)) < 4e-16 + 4 * slope


SKEWED = [
    {"law": "marchenko_pastur", "ratio": 1.0},
    {"law": "fuss_catalan", "factors": 2},
    {"law": "fuss_catalan", "factors": 7},
    {"law": "product_squared_singular", "aspect": 1.0},
    {"law": "product_squared_singular", "aspect": 1.0 + 1e-7},
    {"law": "product_squared_singular", "aspect": 40.0},
    {"law": "quarter_circle"},
    {"law": "product_modulus", "aspect": 0.3},
    {"law": "product_modulus", "aspect": 1.0},
]


@pytest.mark.parametrize("table", SKEWED)
def test_small_levels_keep_their_relative_accuracy_at_a_hard_edge(table: dict[str, Any]) -> None:
    law = build(table)
    u = np.array([1e-12, 1e-6, 1e-3, 0.3, 0.7])
    np.testing.assert_allclose(law.cdf(law.quantile(u)), u, rtol=2e-14)
    upper = 1.0 - np.array([1e-3, 1e-6])
    np.testing.assert_allclose(law.cdf(law.quantile(upper)), upper, rtol=1e-15)


def test_fuss_catalan_lower_tail_has_its_power() -> None:
    """F ~ x^(1/3) 3^(3/2)/(2 pi) * (2/3 + ...) for order 2: ratios at u and u/1000 show it."""
    law = build({"law": "fuss_catalan", "factors": 2})
    x = law.quantile([1e-12, 1e-9])
    assert math.isclose(x[1] / x[0], 1e9, rel_tol=1e-6)


@pytest.mark.parametrize("x", [0.01, 0.5, 3.0, 6.7])
def test_fuss_catalan_of_two_factors_has_the_closed_density(x: float) -> None:
    with mp.workdps(40):
        t = mp.mpf(x)
        q = 27 + 3 * mp.sqrt(81 - 12 * t)
        top = mp.cbrt(2) * mp.cbrt(q) ** 2 - 6 * mp.cbrt(t)
        expected = mp.cbrt(2) * mp.sqrt(3) / (12 * mp.pi) * top / (mp.cbrt(t) ** 2 * mp.cbrt(q))
    found = float(build({"law": "fuss_catalan", "factors": 2}).pdf(x))
    assert math.isclose(found, float(expected), rel_tol=1e-13)


@pytest.mark.parametrize("aspect", [1e-10, 0.125, 0.9, 1.0, 1.1, 50.0])
def test_product_singular_values_have_their_moments_and_equation(aspect: float) -> None:
    law = build({"law": "product_squared_singular", "aspect": aspect})
    measure = law.continuous_measure()
    assert measure is not None
    for k in (1, 2, 3, 4):
        average = measure.average(lambda x, k=k: x**k)  # type: ignore[misc]
        assert math.isclose(average, law.moment(k), rel_tol=1e-13)
    z = np.array([-3.0, 1.1 * law.edges[1]])
    y = z * law.stieltjes(z) - 1.0
    kappa = min(aspect, 1.0 / aspect)
    back = (1 + y) * (1 + kappa * y) ** 2 / (kappa * y)
    if aspect > 1.0:
        back = (1 + y) ** 2 * (1 + kappa * y) / y
    np.testing.assert_allclose(back, z, rtol=1e-6 if aspect < 1e-5 else 1e-11)


@pytest.mark.parametrize(
    "table",
    [
        {"law": "pareto", "tail_exponent": 2.5},
        {"law": "quarter_circle"},
        {"law": "fuss_catalan", "factors": 3},
        {"law": "product_modulus", "aspect": 0.6},
        {"law": "product_squared_singular", "aspect": 0.4},
        {"law": "marchenko_pastur", "ratio": 2.0},
        {"law": "kesten_mckay", "q": 3},
        {"law": "arcsine", "half_width": 1.5},
    ],
)
def test_transforms_show_the_density_from_either_side_of_the_axis(table: dict[str, Any]) -> None:
    law = build(table)
    x = law.quantile([0.6, 0.8])
    above, below = law.stieltjes(x + 1e-11j), law.stieltjes(x - 1e-11j)
    np.testing.assert_allclose(-above.imag / math.pi, law.pdf(x), rtol=1e-8)
    np.testing.assert_array_equal(below, np.conj(above))


def test_free_cumulants_of_high_order_do_not_lose_digits() -> None:
    """Pareto and quarter-circle cumulants from exact moments; others by closed forms."""
    with mp.workdps(80):
        alpha = mp.mpf(50)
        moments = [alpha / (alpha - k) for k in range(1, 13)]
        series = [mp.mpf(1), *moments]
        kappa: list[mp.mpf] = []
        for n in range(1, 13):
            total = mp.mpf(0)
            for s in range(1, n):
                power = [mp.mpf(1)] + [mp.mpf(0)] * n
                for _ in range(s):
                    power = [
                        mp.fsum(power[i] * series[j - i] for i in range(j + 1))
                        for j in range(n + 1)
                    ]
                total += kappa[s - 1] * power[n - s]
            kappa.append(moments[n - 1] - total)
    law = build({"law": "pareto", "tail_exponent": 50.0})
    for n, expected in enumerate(kappa, start=1):
        assert math.isclose(law.free_cumulant(n), float(expected), rel_tol=1e-14)
    two = build({"law": "two_point", "p": 0.5, "a": 1.0, "b": -1.0})
    catalan = math.comb(58, 29) // 30
    assert math.isclose(two.free_cumulant(60), -catalan, rel_tol=1e-12)
    assert build({"law": "kesten_mckay", "q": 5}).free_cumulant(60) == -5.0 * catalan


def test_what_the_laws_do_not_have_is_said() -> None:
    pareto = build({"law": "pareto", "tail_exponent": 1.5})
    mp_law = build({"law": "marchenko_pastur", "ratio": 2.0})
    for call, message in [
        (lambda: pareto.moment(2), "k = 2: .*order < tail_exponent = 1.5"),
        (lambda: pareto.variance, "k = 2"),
        (lambda: pareto.r_transform(0.1), "no closed R-transform"),
        (lambda: pareto.quantile(1.0), r"levels in \[0, 1\)"),
        (lambda: mp_law.stieltjes(0.0), "atom at 0"),
        (lambda: mp_law.r_transform(0.5), "pole"),
        (lambda: build({"law": "kesten_mckay", "q": 1}), "q = 1: expected an integer >= 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()  # type: ignore[no-untyped-call]
