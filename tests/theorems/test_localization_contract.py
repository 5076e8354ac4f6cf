"""The contract of the localization chapter: every id, its names, and every public vector."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.theorems.catalogue import evaluate_batch
from qktheory.theorems.claim import CLAIMS

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "localization.public.json").read_text("utf-8")
)

#: Parameters and values of the contract of the localization chapter.
CONTRACT: dict[str, tuple[str, str]] = {
    "LOC-1a": (
        "W_QK Sigma temperature T key key_2",
        "xi eta eta_F c_norm_squared gamma c_dot mean_logit cov_logit mean_centred_logit "
        "var_centred_logit cov_centred_logit",
    ),
    "LOC-1b": ("eta eta_F theta", "var_limit"),
    "LOC-2a": ("W_QK Sigma temperature T key tau", "phi_real phi_imag"),
    "LOC-2b": ("eigenvalues T key tau", "phi_real phi_imag cumulant_3 cumulant_4"),
    "LOC-3a": ("xi eta eta_F T key", "rho_gaussian"),
    "LOC-3b": ("eigenvalues T key", "rho_exact rho_gaussian"),
    "LOC-3c": ("W_QK Sigma temperature T key", "rho_exact rho_gaussian"),
    "LOC-3d": ("eigenvalue multiplicity T key", "rho_exact rho_gaussian"),
    "LOC-3e": ("eigenvalues theta", "kolmogorov_distance kolmogorov_leading"),
    "LOC-3f": ("eigenvalues T keys", "max_abs_error"),
    "LOC-4a": ("xi eta theta", "rho"),
    "LOC-4b": ("xi eta", "contrast rho_max rho_min theta_max"),
    "LOC-4c": ("xi theta", "rho_eta_to_zero living_fraction"),
    "LOC-4d": ("eta theta", "rho_large_eta"),
    "LOC-4e": ("", "eta_star contrast_max center_to_edge_ratio"),
    "LOC-4f": ("xi_over_sqrt_eta theta", "rho_small_scale"),
    "LOC-5a": ("xi", "eta_1"),
    "LOC-5b": ("xi", "eta_low eta_high contrast_low contrast_high"),
    "LOC-5c": ("", "xi_c eta_tangency"),
    "LOC-6a": ("xi eta", "contrast lateness phase"),
    "LOC-6b": ("xi threshold", "eta_U"),
    "LOC-6c": ("xi", "eta_LM"),
    "LOC-6d": ("xi", "eta_LM_low eta_LM_high"),
    "LOC-6e": (
        "threshold",
        "normal_quantile eta_U_small_xi_coefficient eta_U_large_xi_limit",
    ),
    "LOC-6f": ("", "xi_triple eta_triple xi_tip eta_tip"),
    "LOC-7a": ("xi eta", "mass effective_fraction"),
    "LOC-7b": (
        "xi",
        "effective_fraction_eta_to_zero effective_fraction_eta_to_infinity "
        "effective_fraction_correction",
    ),
    "LOC-7c": ("xi", "effective_fraction_max eta_at_effective_fraction_max"),
    "LOC-7d": ("xi", "mass_max eta_at_mass_max"),
    "LOC-8a": ("x W_QK Sigma temperature T key key_2", "self_logit s2 mean_logit cov_logit"),
    "LOC-8b": ("W_QK Sigma temperature T", "mean_self_logit var_self_logit mean_s2"),
    "LOC-8c": ("eigenvalues g T", "self_logit s2 beta"),
    "LOC-9a": ("self_logit T", "end_weight_bound"),
    "LOC-9b": (
        "self_logit kappa2",
        "scaled_end_weight scaled_first_weight scaled_end_weight_squared scaled_participation",
    ),
    "LOC-9c": ("self_logit kappa2 p", "laplace"),
    "LOC-9d": ("kappa2", "entropy_deficit entropy_deficit_small entropy_deficit_large"),
    "LOC-9e": ("s2 k", "mean_entropy mean_power_sum"),
    "LOC-9f": ("drift s2", "mean_end_weight var_end_weight mean_participation"),
    "LOC-9g": ("W_QK Sigma temperature T", "mean_participation mean_end_minus_first"),
    "LOC-10a": (
        "eigenvalues T",
        "Lambda scaled_participation scaled_end_weight scaled_first_weight",
    ),
    "LOC-10b": ("xi eta T", "Lambda scaled_participation"),
    "LOC-11a": ("theta beta", "argmax_density"),
    "LOC-11b": ("theta xi_over_sqrt_eta", "argmax_density_averaged"),
    "LOC-12a": ("xi eta T", "pl_row_sum mass rho_quarters"),
    "LOC-12b": ("xi eta T key", "pl_mean_weight"),
    "LOC-12c": ("xi eta T theta", "rho_linear_regime"),
    "LOC-13": ("logits", "entropy logit_range entropy_lower_bound"),
    "LOC-14a": (
        "W_Q W_K Sigma temperature",
        "penalty grad_W_QK grad_W_Q grad_W_K grad_trace penalty_frobenius grad_W_QK_frobenius",
    ),
    "LOC-14b": ("W_QK time", "W_QK_t trace_square"),
    "LOC-14c": ("W_Q W_K", "trace_multiplier"),
    "LOC-14d": (
        "eigenvalues time",
        "eigenvalues_t trace_multiplier eta_min trace_leak_rate",
    ),
    "LOC-15a": (
        "x W_QK Sigma temperature",
        "self_logit s2 mean_self_logit var_self_logit mean_s2",
    ),
    "LOC-15b": (
        "self_logit s T",
        "mean_self_weight mean_self_weight_squared mean_other_weights_squared mean_entropy",
    ),
    "LOC-15c": (
        "self_logit s T",
        "self_weight_sigmoid frozen_s frozen_threshold_self_logit",
    ),
}

#: Parameters that the contract lets a caller leave out, with what they then are.
DEFAULTS = {"temperature": 1.0, "threshold": 0.25}


def test_the_chapter_is_complete() -> None:
    """No id of the contract is missing, and no claim of the chapter but folklore is beside it."""
    stated = {c.id for c in qk.claims(["LOC"]) if c.standing != "folklore"}
    assert stated == set(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_names_are_those_of_the_contract(name: str) -> None:
    parameters, values = CONTRACT[name]
    claim = CLAIMS[name]
    assert {p.name for p in claim.parameters} == set(parameters.split())
    # More values may follow, such as the sum of two of them.
    assert set(values.split()) <= set(claim.values)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, p) for name, (ps, _) in CONTRACT.items() for p in ps.split() if p in DEFAULTS],
)
def test_defaults_are_those_of_the_contract(name: str, parameter: str) -> None:
    vector = next(v for v in VECTORS if v["id"] == name)
    given = {k: v for k, v in vector["parameters"].items() if k != parameter}
    default = qk.evaluate(name, **given)
    assert default == qk.evaluate(name, **given, **{parameter: DEFAULTS[parameter]})
    assert default != qk.evaluate(name, **given, **{parameter: 1.3 * DEFAULTS[parameter]})


@pytest.mark.parametrize("name", [n for n, (ps, _) in CONTRACT.items() if "Sigma" in ps])
def test_the_covariance_is_the_identity_by_default(name: str) -> None:
    vector = next(v for v in VECTORS if v["id"] == name)
    given = {k: v for k, v in vector["parameters"].items() if k != "Sigma"}
    d = len(given.get("W_QK", given.get("W_Q")))
    default = qk.evaluate(name, **given)
    assert default == qk.evaluate(name, **given, Sigma=np.eye(d).tolist())
    assert default != qk.evaluate(name, **given, Sigma=(1.3 * np.eye(d)).tolist())


# --- public vectors -------------------------------------------------------------------------------


def test_vectors_cover_every_id_of_the_contract() -> None:
    assert {vector["id"] for vector in VECTORS} == set(CONTRACT)


def test_vectors_cover_every_value_of_the_contract() -> None:
    seen: dict[str, set[str]] = {name: set() for name in CONTRACT}
    for vector in VECTORS:
        seen[vector["id"]] |= set(vector["values"])
    for name, (_, values) in CONTRACT.items():
        assert seen[name] == set(values.split()), name


@pytest.fixture(scope="module")
def evaluated() -> list[dict[str, Any]]:
    """All vectors by the route of `qktheory evaluate --batch`."""
    return evaluate_batch(VECTORS)


def excess(got: Any, want: Any, rtol: float, atol: float) -> float:
    """Return the largest error in units of what is allowed; above 1 fails."""
    found, wanted = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    assert found.shape == wanted.shape
    assert np.isfinite(found).all()
    error = np.abs(found - wanted)
    allowed = atol + rtol * np.abs(wanted)
    ratio = np.divide(error, allowed, out=np.where(error > 0.0, np.inf, 0.0), where=allowed > 0.0)
    return float(ratio.max(initial=0.0))


@pytest.mark.parametrize(
    "number", range(len(VECTORS)), ids=[f"{v['id']}-{k}" for k, v in enumerate(VECTORS)]
)
def test_public_vectors(number: int, evaluated: list[dict[str, Any]]) -> None:
    vector, found = VECTORS[number], evaluated[number]
    assert "error" not in found, found
    assert found["claim"] == vector["id"]
    assert set(vector["values"]) <= set(found["values"])
    for name, want in vector["values"].items():
        got = found["values"][name]
        assert excess(got, want, vector["rtol"], vector["atol"]) <= 1.0, (name, got, want)


def test_a_claim_evaluates_alone_as_in_a_batch(evaluated: list[dict[str, Any]]) -> None:
    """One vector of each id; the batch must not change a bit."""
    first = {v["id"]: k for k, v in reversed(list(enumerate(VECTORS)))}
    for name, k in first.items():
        assert evaluated[k]["values"] == qk.evaluate(name, **VECTORS[k]["parameters"]), name


def test_the_comparison_with_a_vector_sees_what_it_should() -> None:
    assert excess([1.0, 2.0], [1.0, 2.0], 0.0, 0.0) == 0.0
    assert excess(1.0 + 2e-9, 1.0, 1e-9, 0.0) == pytest.approx(2.0, rel=1e-6)
    assert excess(1e-12, 0.0, 1e-9, 0.0) == math.inf
    assert excess(1e-12, 0.0, 0.0, 1e-12) == 1.0
    with pytest.raises(AssertionError):
        excess([1.0], 1.0, 1.0, 1.0)
    with pytest.raises(AssertionError):
        excess(math.nan, 1.0, 1.0, 1.0)
