"""ENT-11 and ENT-12b, c as users evaluate them: the same numbers by other claims, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qktheory as qk

MAP = {
    "W_QK": [[1.0, 2.0], [0.0, -1.0]],
    "Sigma": [[2.0, 1.0], [1.0, 3.0]],
    "temperature": 2.0,
}


def test_the_logit_variance_is_that_of_the_localization_chapter() -> None:
    """ENT-11a, b and ENT-12b against LOC-15a, and the mean over singular values."""
    x = [1.0, -1.0]
    row = qk.evaluate("LOC-15a", **MAP, x=x)
    law = qk.evaluate("ENT-11a", **MAP)
    own = qk.evaluate("ENT-12b", **MAP)
    assert qk.evaluate("ENT-11b", **MAP, x=x)["s2"] == row["s2"]
    assert law["mean_s2"] == row["mean_s2"]
    assert own["mean_self_logit"] == row["mean_self_logit"]
    assert own["var_self_logit"] == row["var_self_logit"]
    tau = np.array(law["singular_values"]) / MAP["temperature"]
    assert np.sum(tau**2) == pytest.approx(law["mean_s2"], rel=1e-13)
    assert 2.0 * np.sum(tau**4) == pytest.approx(law["var_s2"], rel=1e-13)


def test_a_singular_covariance_keeps_zero_singular_values() -> None:
    found = qk.evaluate("ENT-11a", W_QK=MAP["W_QK"], Sigma=[[1.0, 1.0], [1.0, 1.0]])
    assert found["singular_values"] == pytest.approx([2.0, 0.0], abs=1e-12)
    nothing = qk.evaluate("ENT-11a", W_QK=MAP["W_QK"], Sigma=np.zeros((2, 2)))
    assert nothing["singular_values"] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("ensemble", "extra", "dofs"),
    [
        ("orthogonal", {}, [24]),
        ("projector", {"rank": 5}, [5]),
        ("ginibre", {}, [24, 24]),
        ("product", {"d_k": 7}, [24, 7, 24]),
    ],
)
def test_ensembles_are_products_of_chi_squares(
    ensemble: str, extra: dict[str, int], dofs: list[int]
) -> None:
    """ENT-11c's variance in ENT-11e is ENT-11d up to third order, which a wrong one is not."""
    ratio = qk.evaluate("ENT-11c", ensemble=ensemble, d=24, **extra)
    exact = qk.evaluate("ENT-11d", T=1024, s0=0.7, dofs=dofs)["mean_entropy"]
    by_delta = qk.evaluate("ENT-11e", T=1024, mean_s2=0.49, var_s2=0.49**2 * ratio["var_ratio"])
    error = abs(by_delta["mean_entropy_delta"] - exact)
    assert error < 0.05 * abs(by_delta["mean_entropy_sharp"] - exact) + 1e-12 or error < 2e-4
    assert ratio["var_ratio"] == pytest.approx(math.prod(1 + 2 / nu for nu in dofs) - 1, rel=1e-13)
    assert ratio["var_ratio"] == pytest.approx(ratio["var_ratio_leading"], rel=0.3)


def test_large_ensembles_keep_their_small_variances() -> None:
    """At d = 1e12 the variance is 4e-12 to all digits: no 1 is subtracted."""
    for ensemble, extra, want in (
        ("ginibre", {}, 4e-12 + 4e-24),
        ("goe", {}, 4e-12 + 14e-24),
        ("product", {"d_k": 10**12}, 6e-12 + 12e-24),
    ):
        found = qk.evaluate("ENT-11c", ensemble=ensemble, d=10**12, **extra)["var_ratio"]
        assert found / want == pytest.approx(1.0, rel=1e-13)


def test_two_rows_that_are_one() -> None:
    """ENT-12c at c = 0 is uniform; at large c sqrt(d) the row is its own token."""
    uniform = qk.evaluate("ENT-12c", T=9, d=4, c=0.0)
    assert uniform["mean_self_weight"] == pytest.approx(1 / 9, rel=1e-14)
    assert uniform["collapse_margin"] == pytest.approx(-math.log(9.0))
    collapsed = qk.evaluate("ENT-12c", T=9, d=400, c=1.0)
    assert collapsed["collapse_margin"] > 15.0
    assert collapsed["mean_self_weight"] > 0.9999


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ENT-11a", {**MAP, "temperature": 0.0}, "temperature = 0.0"),
        ("ENT-11a", {**MAP, "Sigma": [[1.0, 2.0], [2.0, 1.0]]}, "Sigma has the negative"),
        ("ENT-11b", {**MAP, "x": [1.0]}, "x = .*length d = 2"),
        ("ENT-11c", {"ensemble": "wigner", "d": 3}, "ensemble"),
        ("ENT-11c", {"ensemble": "projector", "d": 3}, "rank is missing"),
        ("ENT-11c", {"ensemble": "projector", "d": 3, "rank": 4}, "rank = 4: .*<= d = 3"),
        ("ENT-11c", {"ensemble": "product", "d": 3}, "d_k is missing"),
        ("ENT-11c", {"ensemble": "goe", "d": 3, "d_k": 2}, "d_k = 2"),
        ("ENT-11d", {"T": 0.5, "s0": 1.0, "dofs": [3]}, "T = 0.5"),
        ("ENT-11d", {"T": 5, "s0": 1.0, "dofs": []}, "dofs"),
        ("ENT-11d", {"T": 5, "s0": 1.0, "dofs": [-2]}, "dofs = -2.0"),
        ("ENT-11e", {"T": 5, "mean_s2": -1.0, "var_s2": 0.0}, "mean_s2 = -1.0"),
        ("ENT-12c", {"T": 5, "d": 0, "c": 1.0}, "d = 0"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)
