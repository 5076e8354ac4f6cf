"""Statistics of softmax rows and the coefficients of the diffuse expansion (ENT-0, ENT-4)."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from qktheory.numerics.diffuse_row import entropy_influence, participation_bracket, scaled_variance
from qktheory.numerics.softmax_rows import SoftmaxRows

ROWS = [
    [0.3, -1.2, 2.5, 0.0, 0.7],
    [40.0, -3.0, 0.5],
    [2.0],
    [1.0, 1.0, 1.0, 1.0],
    [1e4, 1e4 - 30.0],
]


@pytest.mark.parametrize("logits", ROWS)
def test_statistics_against_mpmath(logits: list[float]) -> None:
    with mp.workdps(50):
        z = mp.fsum(mp.exp(mp.mpf(l)) for l in logits)
        a = [mp.exp(mp.mpf(l)) / z for l in logits]
        mean = mp.fsum(x * l for x, l in zip(a, logits, strict=True))
        y = mp.fsum(x * x for x in a)
        wanted = {
            "log_z": mp.log(z),
            "entropy": -mp.fsum(x * mp.log(x) for x in a),
            "participation": y,
            "weighted_mean": mean,
            "weighted_variance": mp.fsum(
                x * (l - mean) ** 2 for x, l in zip(a, logits, strict=True)
            ),
            "weighted_covariance": mp.fsum(
                x * (x - y) * (l - mean) for x, l in zip(a, logits, strict=True)
            ),
        }
        third = float(mp.fsum(x**3 for x in a))
    row = SoftmaxRows(logits)
    for name, want in wanted.items():
        got = float(getattr(row, name)[0])
        assert got == pytest.approx(float(want), rel=1e-12, abs=1e-16), name
    assert float(row.y(3.0)[0]) == pytest.approx(third, rel=1e-13)


def test_rows_of_a_batch_do_not_see_each_other() -> None:
    batch = np.array([[0.3, -1.2, 2.5], [40.0, -3.0, 0.5]])
    both = SoftmaxRows(batch)
    for k in range(2):
        alone = SoftmaxRows(batch[k])
        assert both.entropy[k] == alone.entropy[0]
        assert both.weighted_variance[k] == pytest.approx(alone.weighted_variance[0], rel=1e-15)


@pytest.mark.parametrize("s", [1e-8, 1e-3, 0.5, 0.99999, 1.00001, 3.0])
def test_coefficients_against_mpmath(s: float) -> None:
    with mp.workdps(50):
        x = mp.mpf(s) ** 2
        grown = mp.exp(x)
        wanted = (
            grown - 1,
            grown * (1 - x + x * x) - 1,
            -1 + 3 * grown - 2 * grown**2,
        )
    for f, want in zip(
        (scaled_variance, entropy_influence, participation_bracket), wanted, strict=True
    ):
        assert f(s) == pytest.approx(float(want), rel=3e-15)
    assert entropy_influence(0.0) == 0.0
    assert not math.isclose(entropy_influence(0.5), 0.5**4 / 2, rel_tol=0.01)
