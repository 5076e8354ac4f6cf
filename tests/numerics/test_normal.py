from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.numerics.normal import interval_probability, normal_pdf

from .references import close, normal_interval


@pytest.mark.parametrize("seed", range(4))
def test_relative_accuracy_in_tails_and_for_short_intervals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        a = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-8, 1.56))
        b = a + float(10 ** rng.uniform(-14, 1.5))
        want = normal_interval(a, b)
        if want > 1e-300:
            assert close(float(interval_probability(a, b)), float(want), 1e-12), (a, b)


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        (-np.inf, np.inf, 1.0),
        (-np.inf, 0.0, 0.5),
        (0.0, np.inf, 0.5),
        (1.0, 1.0, 0.0),
        (np.inf, np.inf, 0.0),
        (-40.0, -39.0, 0.0),
    ],
)
def test_exact_cases(a: float, b: float, want: float) -> None:
    assert float(interval_probability(a, b)) == pytest.approx(want, abs=1e-300)


@given(st.floats(-30, 30), st.floats(0, 10))
def test_mirror_image_has_the_same_probability(a: float, length: float) -> None:
    assert float(interval_probability(a, a + length)) == pytest.approx(
        float(interval_probability(-a - length, -a)), rel=1e-12
    )


def test_broadcasts_and_adds_up() -> None:
    cuts = np.linspace(-9.0, 9.0, 37)
    parts = interval_probability(cuts[:-1], cuts[1:])
    assert parts.shape == (36,)
    assert parts.sum() == pytest.approx(float(interval_probability(-9.0, 9.0)), rel=1e-14)


def test_density_is_the_derivative() -> None:
    assert float(interval_probability(1.0, 1.0 + 1e-9)) == pytest.approx(
        1e-9 * float(normal_pdf(1.0)), rel=1e-6
    )


@pytest.mark.parametrize(("a", "b", "name"), [(1.0, 0.0, "b = "), (np.nan, 1.0, "a = ")])
def test_refuses_bad_ends(a: float, b: float, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        interval_probability(a, b)
