"""The statistical comparisons raise no false alarms and see what they say they see."""

from __future__ import annotations

import numpy as np
import pytest

from tests.statistics import distance_of_laws, distance_of_means, too_many


def test_equal_laws_agree_and_a_visible_difference_is_seen() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 20_000))
    distance = distance_of_laws(a, b)
    assert distance.agrees
    assert distance.threshold < 0.0323
    assert distance.visible < 0.061
    # Uniform laws on [0, 1] and [v, 1 + v] have Kolmogorov distance v.
    assert distance_of_laws(a, b + distance.visible).differs
    assert distance_of_means(a, b).agrees
    assert distance_of_means(a, 0.5).agrees
    assert distance_of_means(a, b + distance_of_means(a, b).visible).differs


def test_constants_have_to_be_equal_up_to_rounding() -> None:
    ones = np.ones(1000)
    assert distance_of_laws(ones, ones * (1.0 + 1e-15)).agrees
    assert distance_of_laws(ones, ones * (1.0 + 1e-6)).differs
    assert distance_of_means(ones, 1.0).agrees
    assert distance_of_means(ones, 1.0 + 1e-6).differs


def test_thresholds_are_those_of_the_stated_rates() -> None:
    """Six standard errors; the Wei-Dudley bound solved for n = 20 000."""
    sample = np.random.default_rng(0).normal(size=10_000)
    assert distance_of_means(sample, 0.0).threshold == pytest.approx(6.0 / 100.0, rel=0.02)
    assert 2.0 * np.exp(-20_000 * distance_of_laws(*np.zeros((2, 20_000))).threshold ** 2) == (
        pytest.approx(2e-9)
    )


def test_counts_of_rare_events() -> None:
    """Binomial(1000, 0.05) exceeds 100 with probability 1e-10, 80 with 3e-5 (exact sums)."""
    assert not too_many(50, 1000, 0.05)
    assert not too_many(80, 1000, 0.05)
    assert too_many(100, 1000, 0.05)
    assert too_many(1000, 1000, 0.05)
