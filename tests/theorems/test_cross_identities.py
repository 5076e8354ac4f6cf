"""The same number by two claims: they agree wherever their statements meet."""

from __future__ import annotations

import math

import numpy as np
import pytest

import qktheory as qk
from tests.theorems.test_routines import SINGULAR3, SPECTRUM, W3, whitened

MAP = {"W_QK": W3, "Sigma": SINGULAR3, "temperature": 1.7}


def test_claims_about_a_symmetric_map_agree_with_those_about_any() -> None:
    """LOC-2b = LOC-2a, LOC-3b = LOC-3c, LOC-3d = LOC-3b, for a diagonal W."""
    for T, key in ((12, 7), (5, 1)):
        place = {"T": T, "key": key}
        general = qk.evaluate("LOC-3c", W_QK=np.diag(SPECTRUM), **place)
        assert general == pytest.approx(
            qk.evaluate("LOC-3b", eigenvalues=SPECTRUM, **place), rel=1e-10
        )
        phi = qk.evaluate("LOC-2a", W_QK=np.diag(SPECTRUM), **place, tau=0.4)
        other = qk.evaluate("LOC-2b", eigenvalues=SPECTRUM, **place, tau=0.4)
        assert phi == pytest.approx({name: other[name] for name in phi}, rel=1e-11)
        repeated = qk.evaluate("LOC-3b", eigenvalues=[0.2] * 5 + [0.0], **place)
        assert repeated == pytest.approx(
            qk.evaluate("LOC-3d", eigenvalue=0.2, multiplicity=5, **place), rel=1e-10
        )


def test_the_covariance_and_temperature_enter_through_M_only() -> None:
    """LOC-3c of (W, Sigma, t) is LOC-3c of (M, I, 1)."""
    place = {"T": 10, "key": 4}
    M = whitened(W3, SINGULAR3, 1.7)
    found = qk.evaluate("LOC-3c", **MAP, **place)
    assert found == pytest.approx(qk.evaluate("LOC-3c", W_QK=M, **place), rel=1e-9)


def test_the_largest_error_is_the_largest_of_the_errors() -> None:
    keys = [1, 4, 9, 12]
    errors = []
    for key in keys:
        at = qk.evaluate("LOC-3b", eigenvalues=SPECTRUM, T=12, key=key)
        errors.append(abs(at["rho_exact"] - at["rho_gaussian"]))
    found = qk.evaluate("LOC-3f", eigenvalues=SPECTRUM, T=12, keys=keys)["max_abs_error"]
    assert found == pytest.approx(max(errors), rel=1e-9)


def test_moments_are_those_of_the_weights_of_the_law() -> None:
    """LOC-1a at key = key_2 against mean and variance by derivatives of LOC-2a's phi."""
    found = qk.evaluate("LOC-1a", **MAP, T=9, key=3, key_2=3)
    h = 1e-4
    phi = [qk.evaluate("LOC-2a", **MAP, T=9, key=3, tau=t) for t in (h, -h)]
    assert phi[0]["phi_imag"] / h == pytest.approx(found["mean_centred_logit"], rel=1e-5)
    second = (2.0 - phi[0]["phi_real"] - phi[1]["phi_real"]) / h**2
    assert second == pytest.approx(
        found["var_centred_logit"] + found["mean_centred_logit"] ** 2, rel=1e-5
    )
    assert found["cov_centred_logit"] == pytest.approx(found["var_centred_logit"], rel=1e-14)


def test_traces_of_a_map_are_those_of_the_claim() -> None:
    """SPEC-7: xi and eta of W itself are LOC-1a's at Sigma = I and temperature 1."""
    ensemble = qk.Ensemble.from_dict(
        {
            "d": 6,
            "T": 3,
            "spectrum": {"law": "uniform", "xi": 0.7, "eta": 1.9},
            "matrix": {"model": "schur", "departure": 1.5},
        }
    )
    realization = qk.Realization(ensemble, 0)
    found = qk.evaluate("LOC-1a", W_QK=realization.matrix.W, T=3, key=1, key_2=2)
    assert found["xi"] == pytest.approx(0.7, rel=1e-12)
    assert found["eta"] == pytest.approx(1.9, rel=1e-12)
    assert found["eta_F"] == pytest.approx(1.9 + 1.5**2, rel=1e-12)
    assert (realization.xi, realization.eta_F) == pytest.approx((found["xi"], found["eta_F"]))


def test_the_walk_is_T_times_the_iid_row() -> None:
    """LOC-8b: mean drift T xi, variance T^2 (eta + eta_F), mean increment T eta_F (LOC-15a)."""
    walk_, row = qk.evaluate("LOC-8b", **MAP, T=9), qk.evaluate("LOC-15a", **MAP, x=[1.0, 0.0, 0.0])
    for name, power in (("mean_self_logit", 1), ("var_self_logit", 2), ("mean_s2", 1)):
        assert walk_[name] == pytest.approx(9.0**power * row[name], rel=1e-13)


def test_the_bridge_in_the_eigenbasis_is_the_bridge() -> None:
    """LOC-8c = LOC-8a at x = sqrt(T) g for a diagonal M; LOC-15a has the same scales."""
    g = np.array([0.3, 1.2, -0.7, 0.1, 2.0])
    diagonal = qk.evaluate("LOC-8c", eigenvalues=SPECTRUM, g=g, T=9)
    x = 3.0 * g
    full = qk.evaluate("LOC-8a", x=x, W_QK=np.diag(SPECTRUM), T=9, key=9, key_2=4)
    assert full["self_logit"] == pytest.approx(diagonal["self_logit"], rel=1e-13)
    assert full["s2"] == pytest.approx(diagonal["s2"], rel=1e-13)
    assert diagonal["beta"] == pytest.approx(full["self_logit"] / math.sqrt(9 * full["s2"]))
    assert full["mean_logit"] == full["self_logit"]
    assert full["cov_logit"] == 0.0
    row = qk.evaluate("LOC-15a", x=x, W_QK=np.diag(SPECTRUM))
    assert (row["self_logit"], row["s2"]) == (full["self_logit"], full["s2"])


def test_the_transpose_is_told_apart_only_given_the_query() -> None:
    x = [1.0, 0.5, -2.0]
    for claim, place in (("LOC-8a", {"T": 9, "key": 3, "key_2": 4}), ("LOC-15a", {})):
        straight, swapped = (
            qk.evaluate(claim, x=x, W_QK=W, Sigma=SINGULAR3, **place) for W in (W3, W3.T)
        )
        assert straight["self_logit"] == pytest.approx(swapped["self_logit"], rel=1e-14)
        assert abs(straight["s2"] / swapped["s2"] - 1.0) > 0.1
        image = W3.T @ np.array(x)
        assert straight["s2"] == pytest.approx(image @ SINGULAR3 @ image, rel=1e-13)
    straight, swapped = (qk.evaluate("LOC-8b", W_QK=W, Sigma=SINGULAR3, T=9) for W in (W3, W3.T))
    assert straight == pytest.approx(swapped, rel=1e-13)


def test_limits_meet_the_profile() -> None:
    """LOC-4c at small, LOC-4d at large eta; LOC-4f at small xi and eta; LOC-1b at large T."""
    assert qk.evaluate("LOC-4a", xi=4.0, eta=1e-9, theta=0.6)["rho"] == pytest.approx(
        qk.evaluate("LOC-4c", xi=4.0, theta=0.6)["rho_eta_to_zero"], abs=1e-12
    )
    assert qk.evaluate("LOC-4a", xi=0.5, eta=1e10, theta=0.9)["rho"] == pytest.approx(
        qk.evaluate("LOC-4d", eta=1e10, theta=0.9)["rho_large_eta"], rel=1e-9
    )
    assert qk.evaluate("LOC-4a", xi=1e-7, eta=1e-14, theta=0.8)["rho"] == pytest.approx(
        qk.evaluate("LOC-4f", xi_over_sqrt_eta=1.0, theta=0.8)["rho_small_scale"], rel=1e-9
    )
    T = 10**9
    variance = qk.evaluate("LOC-1a", W_QK=W3, T=T, key=3 * T // 10, key_2=1)
    limit = qk.evaluate("LOC-1b", eta=variance["eta"], eta_F=variance["eta_F"], theta=0.3)
    assert variance["var_centred_logit"] / T**2 == pytest.approx(limit["var_limit"], rel=1e-8)
    contrast = qk.evaluate("LOC-4b", xi=0.0, eta=qk.evaluate("LOC-4e")["eta_star"])["contrast"]
    assert contrast == pytest.approx(qk.evaluate("LOC-4e")["contrast_max"], rel=1e-12)
    assert contrast == pytest.approx(0.21857175, abs=6e-9)


def test_the_range_bound_of_two_chapters_is_one() -> None:
    """LOC-13 = ln T - kl_quadratic of ENT-10b, and the exact bound ENT-10a lies above it."""
    logits = [0.3, -1.2, 2.5, 0.0, 0.7]
    old = qk.evaluate("LOC-13", logits=logits)
    width = {"logit_range": old["logit_range"]}
    new = qk.evaluate("ENT-10b", **width)
    assert old["entropy_lower_bound"] == pytest.approx(math.log(5) - new["kl_quadratic"], rel=1e-14)
    exact = qk.evaluate("ENT-10a", T=5, **width)["min_entropy"]
    assert old["entropy_lower_bound"] < math.log(5) - new["kl_star"] < exact <= old["entropy"]


def test_the_level_line_of_the_participation_meets_the_frozen_weights() -> None:
    """At the large T width of ENT-8c the frozen weights of ENT-5b have that participation."""
    for level in (0.2, 0.5, 0.9):
        T = 1e20
        width = qk.evaluate("ENT-8c", T=T, level=level)["s_participation_limit"]
        m = math.sqrt(2.0 * math.log(T)) / width
        found = qk.evaluate("ENT-5b", m=m)["mean_participation_limit"]
        assert found == pytest.approx(level, rel=1e-12)
