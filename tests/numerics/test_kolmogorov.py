from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from scipy.special import ndtr

from qktheory.numerics.bilinear_form import symmetric_bilinear_weights
from qktheory.numerics.quadratic_form import QuadraticForm

from .references import close, vectors


def limit_law(eigenvalues: list[float], theta: float) -> QuadraticForm:
    r_squared = theta**2 - theta + 1 / 3
    return QuadraticForm(symmetric_bilinear_weights(eigenvalues, theta - 0.5, r_squared, 1 / 12))


def scanned(law: QuadraticForm, points: int) -> float:
    sd = math.sqrt(law.variance)
    x = law.mean + sd * np.linspace(-6.0, 6.0, points)
    return max(abs(law.cdf(float(v)) - float(ndtr((v - law.mean) / sd))) for v in x)


@pytest.mark.parametrize(
    "vector", [v for v in vectors("LOC-3e") if len(v["parameters"]["eigenvalues"]) <= 128]
)
def test_distances_of_the_chapter(vector: dict) -> None:
    p = vector["parameters"]
    distance = limit_law(p["eigenvalues"], p["theta"]).kolmogorov_distance_to_normal()
    assert close(distance, vector["values"]["kolmogorov_distance"], 1e-9)


def test_product_of_two_normals() -> None:
    # 2 g1 g2 has sd 2 and density K_0(|x|/2)/(2 pi).
    with mp.workdps(20):

        def difference(x: mp.mpf) -> mp.mpf:
            mass = mp.quad(lambda t: mp.besselk(0, t / 2) / (2 * mp.pi), [0, x / 100, x / 4, x])
            return mass + mp.mpf(1) / 2 - mp.ncdf(x / 2)

        def slope(x: mp.mpf) -> mp.mpf:
            return mp.besselk(0, x / 2) / (2 * mp.pi) - mp.npdf(x / 2) / 2

        roots = [mp.findroot(slope, x0) for x0 in (0.9, 5.0)]
        want = max(abs(difference(root)) for root in roots)
    assert close(QuadraticForm([1.0, -1.0]).kolmogorov_distance_to_normal(), want, 1e-10)


@pytest.mark.parametrize(
    "weights",
    [
        [1.0],
        [1.0, -0.2],
        [1.0, 1.0],
        [3.0, -1.0, 1e-4, -1e-4],
        [2.0, -1.5, *[0.02] * 40, *[-0.01] * 40],
        [1.0, -0.3, *[-1e-3] * 300],
    ],
)
def test_no_point_of_a_scan_is_further_away(weights: list[float]) -> None:
    law = QuadraticForm(weights)
    distance = law.kolmogorov_distance_to_normal()
    best = scanned(law, 401)
    assert best <= distance * (1 + 1e-9)
    # The scan has a step of 0.03 sd and the difference a slope of at most its density there.
    assert best >= 0.93 * distance


def test_one_square_has_its_supremum_at_the_edge() -> None:
    # F jumps up like a square root at 0, where the normal law already has mass Phi(-1/sqrt 2); the
    # other candidate is interior.
    law = QuadraticForm([1.0])
    assert law.kolmogorov_distance_to_normal() >= float(ndtr(-1.0 / math.sqrt(2.0))) - 1e-12


@pytest.mark.parametrize("d", [10**3, 10**5])
def test_leading_order_of_a_concentrated_spectrum(d: int) -> None:
    # |k3|/(6 sqrt(2 pi)) with relative corrections O(1/d); the wrong power of d is far away.
    law = QuadraticForm([0.5, -0.1], [d, d])
    k3 = law.cumulant(3) / law.variance**1.5
    ratio = law.kolmogorov_distance_to_normal() * 6 * math.sqrt(2 * math.pi) / k3
    assert abs(ratio - 1) < 3 / d


def test_scale_invariance() -> None:
    w = [0.7, 0.7, -0.3, 0.2]
    one = QuadraticForm(w).kolmogorov_distance_to_normal()
    assert QuadraticForm([1e9 * v for v in w]).kolmogorov_distance_to_normal() == pytest.approx(
        one, rel=1e-10
    )
    assert QuadraticForm([-v for v in w]).kolmogorov_distance_to_normal() == pytest.approx(
        one, rel=1e-10
    )
