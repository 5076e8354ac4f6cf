"""Claims of ENT-5 to ENT-8: tightness, extremes, relations between them."""

from __future__ import annotations

import math

import pytest

import qktheory as qk


@pytest.mark.slow
def test_the_lower_bound_is_attained_by_wide_rows() -> None:
    tightness = qk.verify(["ENT-7c"])["ENT-7c"].tightness
    assert tightness is not None
    assert 0.999 < tightness <= 1.0 + 1e-10


def test_both_statements_of_the_limit_agree_above_freezing() -> None:
    for b, q in ((1.0 + 1e-9, 2.0), (1.3, 1.5), (4.0, 7.0)):
        limit = qk.evaluate("ENT-5a", b=b, q=q)["mean_y_q_limit"]
        weights = qk.evaluate("ENT-5b", m=1.0 / b, q=q)["mean_y_q_limit"]
        assert limit == pytest.approx(weights, rel=1e-6 if b < 1.1 else 1e-12)
    assert qk.evaluate("ENT-5a", b=1.0 + 1e-9)["mean_y_q_limit"] == pytest.approx(1e-9, rel=1e-7)
    assert qk.evaluate("ENT-5a", b=1e20)["mean_y_q_limit"] == pytest.approx(1.0, rel=1e-12)


def test_exponents_are_continuous_and_ordered() -> None:
    for edge in (0.5, 1.0 / math.sqrt(3.0)):
        below, above = (qk.evaluate("ENT-6a", b=edge + x) for x in (-1e-9, 1e-9))
        for name in below:
            assert below[name] == pytest.approx(above[name], abs=1e-8)
    for b in (0.2, 0.5, 0.55, 0.6, 0.8, 1.0):
        found = qk.evaluate("ENT-6a", b=b)
        assert found["mean_exponent"] <= found["typical_exponent"] + 1e-15
        assert (found["mean_exponent"] < found["typical_exponent"]) == (0.5 < b < 1.0)


def test_effective_exponent_of_the_chapter() -> None:
    """T = 10^140, b = 0.55: 0.3951 by ENT-1, 0.3950 by the formula, 0.405 for a typical row."""
    T = 1e140
    s = 0.55 * math.sqrt(2.0 * math.log(T))
    mean = qk.evaluate("ENT-1", T=T, s=s)["mean_participation"]
    found = qk.evaluate("ENT-6a", b=0.55)
    assert -math.log(mean) / math.log(T) == pytest.approx(found["mean_exponent"], abs=2e-3)
    assert found["typical_exponent"] == pytest.approx(0.405, rel=1e-12)


def test_values_of_the_chapter_at_freezing() -> None:
    """E Y_2 s_c = 0.877, 0.846 at T = 1024, 10^12; C/s^2 -> 0.3634 there; 86.21 and 2.64."""
    for T, value in ((1024.0, 0.877), (1e12, 0.846)):
        s_c = math.sqrt(2.0 * math.log(T))
        exact = qk.evaluate("ENT-1", T=T, s=s_c)["mean_participation"]
        assert exact * s_c == pytest.approx(value, abs=6e-4)
        window = qk.evaluate("ENT-7a", T=T, s=s_c)
        assert window["mean_participation_window"] * s_c == pytest.approx(0.7978845608, rel=1e-9)
    frozen = qk.evaluate("ENT-7d", T=1e12, s=12.0)
    assert frozen["mean_log_z_frozen"] == pytest.approx(86.21, abs=5e-3)
    assert frozen["var_log_z_frozen"] == pytest.approx(2.64, abs=5e-3)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ENT-5a", {"b": 1e-6, "q": 1.001}),
        ("ENT-5b", {"m": 1.0 - 1e-12, "q": 2.0}),
        ("ENT-6b", {"T": 1e30, "s": 11.75}),
        ("ENT-6b", {"T": 1e30, "s": 0.0}),
        ("ENT-6c", {"T": 1e30, "s": 11.7}),
        ("ENT-7a", {"T": 1e30, "s": 1e6}),
        ("ENT-7a", {"T": 1.0, "s": 1e-9}),
        ("ENT-7b", {"T": 1e30}),
        ("ENT-7b", {"T": 1.0}),
        ("ENT-7c", {"T": 1e12, "s": 1e-3}),
        ("ENT-7d", {"T": 1e30, "s": 1e12}),
        ("ENT-7e", {"T": 1e30}),
        ("ENT-8a", {"T": 1e30}),
        ("ENT-8b", {"T": 8}),
        ("ENT-8c", {"T": 1e12, "level": 1e-9}),
        ("ENT-8d", {"level": 1.0 - 1e-15}),
    ],
)
def test_extreme_parameters_evaluate(name: str, parameters: dict[str, float]) -> None:
    assert all(math.isfinite(value) for value in qk.evaluate(name, **parameters).values())


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ENT-5a", {"b": 1.0}, "b = 1.0: expected a number other than 1"),
        ("ENT-5a", {"b": 2.0, "q": 1.0}, "q = 1.0: expected a finite number > 1"),
        ("ENT-5b", {"m": 0.5, "q": 0.4}, "q = 0.4: expected a number > m = 0.5"),
        ("ENT-6a", {"b": 1.1}, "b = 1.1"),
        ("ENT-6b", {"T": 100.0, "s": 4.0}, "s = 4.0: expected a number < s_c"),
        ("ENT-6c", {"T": 100.0, "s": 1.0}, "s = 1.0: expected a number > s_c/sqrt"),
        ("ENT-7a", {"T": 100.0, "s": 0.0}, "s = 0.0"),
        ("ENT-7d", {"T": 100.0, "s": 2.0}, "s = 2.0: expected a number > s_c"),
        ("ENT-7e", {"T": 1.5}, "T = 1.5: expected a finite number >= 2"),
        ("ENT-8a", {"T": 7.0}, "T = 7.0: expected a finite number >= 8"),
        ("ENT-8c", {"T": 8.0, "level": 0.125}, "level = 0.125: expected a number > 1/T"),
        ("ENT-8d", {"level": 0.0}, "level = 0.0"),
    ],
)
def test_bad_parameters_are_named(name: str, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)
