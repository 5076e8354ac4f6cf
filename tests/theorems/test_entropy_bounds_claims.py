"""Claims of Zhai et al. (2023) and beyond: tightness, proofs, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import qktheory as qk
from qktheory.theorems.claim import CLAIMS

IDS = ["ENT-9a", "ENT-9b", "ENT-9c", "ENT-10a", "ENT-10b", "ENT-10c", "ENT-10d", "ENT-10e"]


@pytest.fixture(scope="module")
def verdicts() -> qk.Verification:
    return qk.verify(IDS)


@pytest.mark.parametrize("name", IDS)
def test_bounds_are_attained(name: str, verdicts: qk.Verification) -> None:
    tightness = verdicts[name].tightness
    assert tightness is not None
    assert 1.0 - 1e-6 < tightness < 1.0 + 1e-9


@pytest.mark.parametrize("name", ["ENT-9a", "ENT-10a", "ENT-10c"])
def test_a_proof_is_there_to_read(name: str) -> None:
    assert len(CLAIMS[name].proof) > 200


def test_spectral_example_of_the_chapter() -> None:
    """At random initialisation the bounds are vacuous: T = 1024, d = 64, s = 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1024, 64))
    W = rng.normal(size=(64, 64)) / 8.0
    found = qk.evaluate("ENT-9c", X=X, W_QK=W, temperature=8.0)
    assert 6.0 < np.mean(found["row_entropy"]) < 6.8
    assert 25.0 < np.median(found["row_radius"]) < 40.0
    assert 60.0 < np.median(found["row_radius_bound"]) < 90.0
    assert 300.0 < found["published_radius_bound"] < 430.0
    assert max(found["entropy_bound"]) < 1e-15


def test_extreme_parameters_are_evaluated() -> None:
    assert qk.evaluate("ENT-9a", T=1e12, radius=0.0)["min_entropy"] == math.log(1e12)
    assert qk.evaluate("ENT-9a", T=2, radius=1e300)["min_entropy"] == 0.0
    # p* = 1/2 - Delta/6: two keys less than one half.
    assert qk.evaluate("ENT-10a", T=1e9, logit_range=1e-8)["k_best"] == 499_999_998
    assert qk.evaluate("ENT-10a", T=1e9, logit_range=1e3) == {"min_entropy": 0.0, "k_best": 1}
    small = qk.evaluate("ENT-10b", logit_range=1e-8)
    assert small["kl_star"] == pytest.approx(1.25e-17, rel=1e-9)
    assert qk.evaluate("ENT-10c", logits=[1e30, 0.0])["tilt_integral"] == pytest.approx(
        math.log(2.0), rel=1e-13
    )


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ENT-9a", {"T": 1.5, "radius": 1.0}, "T = 1.5: expected an integer >= 2"),
        ("ENT-9a", {"T": 3, "radius": -1.0}, "radius = -1.0"),
        ("ENT-9c", {"X": [[1.0, 2.0]], "W_QK": [[1.0]]}, "X = .*expected 1 columns"),
        ("ENT-9c", {"X": [[1e100]], "W_QK": [[1.0]]}, "expected scores below"),
        ("ENT-10a", {"T": 3, "logit_range": 0.0}, "logit_range = 0.0"),
        ("ENT-10d", {"T": 4, "participation": 0.1}, "participation = 0.1: .*1/T = 0.25"),
        ("ENT-10e", {"T": 4, "max_weight": 0.1}, "max_weight = 0.1: .*1/T = 0.25"),
    ],
)
def test_bad_parameters_are_named(name: str, parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)
