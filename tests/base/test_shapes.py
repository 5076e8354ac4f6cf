"""Arrays with named axes: they describe, draw and refuse themselves."""

from __future__ import annotations

import numpy as np
import pytest

from qktheory.base.domains import Parameter, Real
from qktheory.base.shapes import Array, check_shapes, shapes_of

DECLARED = (
    Parameter("X", Array("n", "d")),
    Parameter("gates", Array("n+1", element=Real(0.0, 1.0))),
    Parameter("pair", Array(2), default=None),
)


def test_axes_of_one_name_have_one_length() -> None:
    fitting = {"X": np.ones((3, 2)), "gates": np.ones(4), "pair": None}
    assert check_shapes(DECLARED, fitting) == {"n": 3, "d": 2}
    shapes_of(DECLARED)(fitting)
    with pytest.raises(ValueError, match=r"gates = 'array of shape \(3,\)'.*\(n\+1,\) with n = 3"):
        check_shapes(DECLARED, {**fitting, "gates": np.ones(3)})
    with pytest.raises(ValueError, match=r"pair = 'array of shape \(3,\)': expected shape \(2,\)"):
        check_shapes(DECLARED, {**fitting, "pair": np.ones(3)})
    with pytest.raises(ValueError, match=r"X = .*n = 5"):
        check_shapes(DECLARED, fitting, {"n": 5})


def test_entries_and_dimensions_are_checked() -> None:
    gates = DECLARED[1]
    assert gates.domain.describe() == (
        "entries, each a finite number >= 0 and <= 1, of shape (n+1,)"
    )
    for bad, message in (
        ([0.5, 1.5], "gates = 1.5"),
        ([[0.5]], "expected 1 dimensions"),
        ([float("nan")], "finite"),
        ([], "at least one entry"),
        ("x", "gates = 'x'"),
    ):
        with pytest.raises(ValueError, match=message):
            gates.check(bad)


def test_draws_share_their_lengths() -> None:
    for seed in range(20):
        lengths: dict[str, int] = {}
        rng = np.random.default_rng(seed)
        drawn = {p.name: p.domain.sample_with(rng, lengths) for p in DECLARED}  # type: ignore[attr-defined]
        found = check_shapes(DECLARED, drawn)
        assert found == lengths
        assert DECLARED[1].check(drawn["gates"]).shape == (found["n"] + 1,)
