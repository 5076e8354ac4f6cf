from __future__ import annotations

import numpy as np
import pytest

from qktheory.numerics.bilinear_form import centred_walk_coefficients, symmetric_bilinear_weights
from qktheory.numerics.concentrated import concentrated_probability
from qktheory.numerics.quadratic_form import QuadraticForm

from .references import close, vectors


@pytest.mark.parametrize("vector", vectors("LOC-3d"))
def test_chapter(vector: dict) -> None:
    p = vector["parameters"]
    gamma, _, D = centred_walk_coefficients(p["T"], p["key"])
    rho = concentrated_probability(p["eigenvalue"], p["multiplicity"], gamma, D, -1.0, p["T"] - 1.0)
    assert close(rho, vector["values"]["rho_exact"], 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_two_routes_agree_over_the_domain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        d = int(10 ** rng.uniform(0, 4))
        T = int(10 ** rng.uniform(0.4, 12))
        key = int(rng.integers(1, T + 1))
        mu = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 2) / d)
        gamma, r_squared, D = centred_walk_coefficients(T, key)
        law = QuadraticForm(symmetric_bilinear_weights([mu], gamma, r_squared, D), [d, d])
        average = concentrated_probability(mu, d, gamma, D, -1.0, T - 1.0)
        assert close(law.probability(-1.0, T - 1.0), average, 1e-10, 1e-290), (d, T, key, mu)


def test_multiplicity_matters() -> None:
    gamma, _, D = centred_walk_coefficients(12, 3)
    right = concentrated_probability(0.15, 4, gamma, D, -1.0, 11.0)
    assert not close(concentrated_probability(0.15, 5, gamma, D, -1.0, 11.0), right, 1e-4)


def test_whole_line_has_probability_one() -> None:
    assert concentrated_probability(0.3, 3, -1.0, 2.0, -np.inf, np.inf) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 1, 0.0, 1.0, -1.0, 1.0), "eigenvalue"),
        ((1.0, 0, 0.0, 1.0, -1.0, 1.0), "multiplicity"),
        ((1.0, 1, 0.0, 0.0, -1.0, 1.0), "D = 0"),
        ((1.0, 1, 0.0, 1.0, 1.0, -1.0), "b = "),
    ],
)
def test_refuses_bad_input(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        concentrated_probability(*arguments)
