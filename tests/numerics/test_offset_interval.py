from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.numerics.normal import interval_probability
from qktheory.numerics.offset_interval import offset_interval_probability

from .profile_references import interval
from .references import close


@given(st.floats(-30, 30), st.floats(-25, 1))
def test_against_mpmath(low: float, log_length: float) -> None:
    length = 10.0**log_length
    with mp.workdps(320):
        want = interval(mp.mpf(low), mp.mpf(low) + mp.mpf(length))
    assert close(float(offset_interval_probability(low, length)), want, 1e-13 + low * low * 1e-15)


def test_the_plain_ends_would_lose_the_length() -> None:
    exact = float(offset_interval_probability(3.0, 1e-10))
    plain = float(interval_probability(3.0, 3.0 + 1e-10))
    assert abs(plain / exact - 1.0) > 1e-8


def test_shapes_and_empty_intervals() -> None:
    got = offset_interval_probability(np.zeros((3, 1)), [0.0, 1e-3, 40.0])
    assert got.shape == (3, 3)
    assert (got[:, 0] == 0.0).all()
    np.testing.assert_allclose(got[:, 2], 0.5, rtol=1e-15)


@pytest.mark.parametrize(
    ("low", "length", "name"),
    [(np.nan, 1.0, "low"), (0.0, -1.0, "length"), (0.0, np.inf, "length")],
)
def test_refusals(low: float, length: float, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} = "):
        offset_interval_probability(low, length)
