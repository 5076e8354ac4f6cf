"""SPEC-1 to SPEC-7 and SPEC-13 as users evaluate them: references, extremes, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.theorems.claim import CLAIMS

W = [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]]


def test_references_of_the_chapter() -> None:
    """Tables of SPEC-2, 4, 7 and 13."""
    found = qk.evaluate("SPEC-2a", d=3)
    assert found["mean_o11_4"] == pytest.approx(0.2, rel=1e-15)
    assert found["mean_o11_o12_o21_o22"] == pytest.approx(-1 / 30, rel=1e-15)
    found = qk.evaluate("SPEC-2c", d=4, xi=1.0, eta_F=5.0, eta=2.0)
    assert found["coef_0"] == pytest.approx(-0.027777778, rel=1e-7)
    assert found["coef_1"] == pytest.approx(0.30555556, rel=1e-7)
    assert found["coef_2"] == pytest.approx(0.055555556, rel=1e-7)
    found = qk.evaluate("SPEC-7a", base_shape=[-5.0, -3.0, -1.0, 1.0, 3.0, 5.0], xi=1.0, eta=4.0)
    assert found["eigenvalues"] == pytest.approx(
        [-1.0033964167, -0.5353711834, -0.0673459500, 0.4006792833, 0.8687045167, 1.3367297500],
        abs=5e-11,
    )
    for targets, feasible in (
        ({"eta": -3.0, "eta_F": 7.0}, 1),
        ({"eta": 0.5, "eta_F": 1.0}, 0),
        ({"eta": 0.5, "eta_F": 1.6}, 1),
    ):
        assert qk.evaluate("SPEC-7b", d=4, xi=2.0, **targets)["feasible_matrix"] == feasible


def test_without_a_covariance_the_sphere_is_there_with_one_it_is_not() -> None:
    alone = qk.evaluate("SPEC-13a", W_QK=W)
    assert alone["sphere_variance"] == pytest.approx(14.0, rel=1e-14)
    assert alone["sphere_moments"][1] == pytest.approx(18.0, rel=1e-14)
    beside = qk.evaluate("SPEC-13a", W_QK=W, Sigma=2.0)
    assert "sphere_moments" not in beside
    assert "sphere_variance" not in beside
    assert beside["variance"] == pytest.approx(4.0 * alone["variance"], rel=1e-14)


def test_moments_agree_between_claims() -> None:
    """SPEC-13b's variance is eta_F of SPEC-7d; SPEC-13c with equal forms has SPEC-13a's moments."""
    traces = qk.evaluate("SPEC-7d", W_QK=W)
    forms = qk.evaluate("SPEC-13c", forms=[W] * 4)
    one = qk.evaluate("SPEC-13a", W_QK=W)
    two = qk.evaluate("SPEC-13b", W_QK=W)
    assert two["variance"] == traces["eta_F"]
    assert two["mean_forward_backward"] == traces["eta"]
    assert one["variance"] == traces["eta"] + traces["eta_F"] == forms["covariance_12"]
    assert one["moments"][3] == forms["mean_product_quadratic"]
    assert two["moment_4"] == forms["mean_product_bilinear"]


def test_small_sizes_and_singular_covariances_are_fine() -> None:
    """At d = 1 the spectrum of 13a is one number, x^T W x has variance 2 W^2 Sigma^2."""
    found = qk.evaluate("SPEC-13a", W_QK=[[3.0]], Sigma=[[0.5]], k=[1, 2])
    assert found["cumulants"] == pytest.approx([1.5, 4.5], rel=1e-14)
    assert qk.evaluate("SPEC-13a", W_QK=W, Sigma=np.zeros((3, 3)))["moments"] == [0.0] * 4
    assert qk.evaluate("SPEC-4b", W_QK=[[2.0]]) == {
        "commutator_norm": 0.0,
        "departure_squared": 0.0,
        "departure_lower": 0.0,
        "departure_upper": 0.0,
    }
    assert qk.evaluate("SPEC-5", singular_values=[2.0]) == {
        "eta_F": 4.0,
        "var_xi": 4.0,
        "mean_eta": 4.0,
        "outer_radius": 2.0,
        "inner_radius": 2.0,
    }


def test_extreme_scales() -> None:
    radii = qk.evaluate("SPEC-5", singular_values=[1e-200, 3e-200])
    want = math.sqrt(2 / (1 + 1 / 9))
    assert 1e200 * radii["inner_radius"] == pytest.approx(want, rel=1e-14)
    assert qk.evaluate("SPEC-4a", real_eigenvalues=[0.0, 0.0], departure=1e-300)[
        "henrici_ratio"
    ] == pytest.approx(1.0)
    fourth = qk.evaluate("SPEC-2a", d=10**12)["mean_o11_4"]
    assert 1e24 * fourth == pytest.approx(3.0, rel=1e-11)
    # The variance of the target spectrum is 2e-17, a difference of numbers of size 1.
    found = qk.evaluate("SPEC-7a", base_shape=[0.0, 1.0], xi=2.0, eta=2.0 + 4 * 2.0**-52)
    gap = found["eigenvalues"][1] - found["eigenvalues"][0]
    assert gap * 2.0**25 == pytest.approx(math.sqrt(2.0), rel=1e-7)


def test_wide_factors_have_zero_eigenvalues() -> None:
    found = qk.evaluate("SPEC-6b", W_Q=[[1.0, 0.5, 2.0]], W_K=[[0.5, 1.0, 1.0]])
    assert found["eigenvalue_moduli"] == pytest.approx([3.0, 0.0, 0.0], abs=1e-8)
    assert found["xi"] == 3.0
    narrow = qk.evaluate("SPEC-6a", W_QK=W, d_k=7)
    assert narrow["truncation_error_squared"] == 0.0
    assert len(narrow["factor_gram_eigenvalues"]) == 3


@pytest.mark.slow
def test_eigenvalues_fill_the_ring_of_spec_5() -> None:
    """One draw at d = 240: the extreme moduli are the radii up to 6 %."""
    stream = qk.kernels.Stream(1, 2, 3)
    from qktheory.spectra.haar import haar_orthogonal

    singular = np.repeat([3.0, 2.0, 1.0], 80)
    radii = qk.evaluate("SPEC-5", singular_values=singular)
    draw = (haar_orthogonal(240, stream, 0) * singular) @ haar_orthogonal(240, stream, 1).T
    moduli = np.sort(np.abs(np.linalg.eigvals(draw)))
    assert moduli[-1] == pytest.approx(radii["outer_radius"], rel=0.06)
    assert moduli[0] == pytest.approx(radii["inner_radius"], rel=0.06)
    # The naive guesses for the radii, extreme singular values, are far away.
    assert moduli[-1] < 0.8 * 3.0
    assert moduli[0] > 1.2


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("SPEC-2a", {"d": 1}, "d = 1: expected an integer >= 2"),
        ("SPEC-2b", {"d": 3, "rows": [0, 0, 3, 0], "columns": [0] * 4}, "rows = .* integers < d"),
        ("SPEC-2b", {"d": 3, "rows": [0, 0], "columns": [0] * 4}, "rows = .*4 entries"),
        ("SPEC-2b", {"d": 3, "rows": [0, 0, 0, 0.5], "columns": [0] * 4}, r"rows\[3\] = 0.5"),
        ("SPEC-2c", {"d": 3, "xi": 1.0, "eta": 2.0, "eta_F": 1.0}, "eta = 2.0"),
        ("SPEC-2c", {"d": 2, "xi": 3.0, "eta": 1.0, "eta_F": 1.0}, "xi = 3.0"),
        ("SPEC-4a", {}, "at least one eigenvalue"),
        ("SPEC-4a", {"real_eigenvalues": [1.0], "departure": 1.0}, "departure = 1.0: expected 0"),
        ("SPEC-4a", {"complex_pairs": [[1.0]]}, r"complex_pairs\[0\]"),
        ("SPEC-4a", {"real_eigenvalues": [1.0, 2.0], "departure": -1.0}, "departure = -1.0"),
        ("SPEC-4b", {"W_QK": [[1.0, 2.0]]}, "W_QK"),
        ("SPEC-5", {"singular_values": [1.0, -1.0]}, "singular_values = -1.0"),
        ("SPEC-6a", {"W_QK": W, "d_k": 0}, "d_k = 0"),
        ("SPEC-6a", {"W_QK": W, "d_k": 1, "nu": 0.0}, "nu = 0.0"),
        ("SPEC-6b", {"W_Q": [[1.0]], "W_K": [[1.0, 2.0]]}, "W_K = .*that of W_Q"),
        ("SPEC-7a", {"base_shape": [1.0, 1.0], "xi": 0.0, "eta": 1.0}, "base_shape"),
        ("SPEC-7a", {"base_shape": [0.0, 1.0], "xi": 2.0, "eta": 1.9}, "eta = 1.9: .*xi.2/d = 2"),
        ("SPEC-7b", {"d": 0, "xi": 0.0, "eta": 0.0, "eta_F": 0.0}, "d = 0"),
        (
            "SPEC-7c",
            {"eigenvalue_real_parts": [1.0, 1.0], "eigenvalue_imag_parts": [2.0, 2.0]},
            "both eigenvalues",
        ),
        (
            "SPEC-7c",
            {"eigenvalue_real_parts": [1.0], "eigenvalue_imag_parts": [0.0, 0.0]},
            "length d = 1",
        ),
        *(
            (
                name,
                {"law": "marchenko_pastur", "ratio": 1e100, "k": [3, 6]},
                r"k\[1\] = 6: .*law 'marchenko_pastur' has a finite value",
            )
            for name in ("SPEC-8a", "SPEC-9", "SPEC-10a")
        ),
        ("SPEC-13a", {"W_QK": W, "k": [0]}, r"k\[0\] = 0"),
        ("SPEC-13a", {"W_QK": W, "Sigma": [1.0, 1.0]}, "Sigma"),
        ("SPEC-13a", {"W_QK": [[1e60]], "k": [40]}, "cumulants is not a finite number"),
        ("SPEC-13c", {"forms": [W] * 3}, "forms = .*four square"),
        ("SPEC-13c", {"forms": [W, W, W, [[1.0]]]}, "one size"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)


def test_an_order_without_a_finite_moment_is_no_valid_parameter() -> None:
    """Refused before values are asked for, so that valid parameters have values."""
    claim = CLAIMS["SPEC-10a"]
    assert claim.checked({"law": "marchenko_pastur", "ratio": 1e100, "k": [3]})
    with pytest.raises(ValueError, match=r"k\[0\] = 5"):
        claim.checked({"law": "marchenko_pastur", "ratio": 1e100, "k": [5]})
