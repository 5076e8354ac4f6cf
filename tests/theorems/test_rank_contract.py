"""The contract of the chapter on rank collapse: its ids, their names, and every public vector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.theorems.catalogue import evaluate_batch
from qktheory.theorems.claim import CLAIMS
from tests.theorems.test_localization_contract import excess

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "rank_collapse.public.json").read_text("utf-8")
)

_LAYER = "X W_QK W_V temperature"

#: Parameters and values of the contract of the chapter.
CONTRACT: dict[str, tuple[str, str]] = {
    "RANK-1a": (
        "X",
        "norm_1_mean norm_inf_mean norm_1inf_mean frobenius diameter_2 norm_1_argmin "
        "norm_inf_argmin norm_1inf_argmin factor_mean_argmin",
    ),
    "RANK-1b": ("M", "norm_1 norm_inf norm_1inf"),
    "RANK-2a": (
        f"{_LAYER} reference",
        "base_distribution attention row_oscillations delta kappa m_total gamma g_factor "
        "common_row z_norm_1 z_norm_inf zw_norm_1inf bound_a_z_norm_inf bound_a_z_norm_1 bound_a "
        "bound_b_z_norm_inf bound_b_z_norm_1 bound_b bound_dcl residual_mean_out "
        "residual_argmin_out",
    ),
    "RANK-2b": ("probabilities_p probabilities_q", "total_variation oscillation bound"),
    "RANK-2c": ("T gamma delta", "g_factor constant dcl_delta_max delta_constant_4"),
    "RANK-3": (
        "neutral_tokens active_tokens hub_log_weight active_score",
        "T hub_on_neutral active_on_neutral hub_on_active self_on_active other_on_active "
        "lower_bound rhs ratio",
    ),
    "RANK-4a": (
        f"{_LAYER} reference",
        "kappa_heads g_heads cubic_constant cubic_constant_max_form cubic_constant_dcl "
        "residual_norm_1inf lhs rhs criterion criterion_dcl",
    ),
    "RANK-4b": ("cubic_constant residual_norm_1inf L", "log10_bound criterion"),
    "RANK-4c": (
        "X W_in W_out reference",
        "lipschitz_norm_1 lipschitz_norm_inf lipschitz_norm_1inf lhs_norm_1 lhs_norm_inf "
        "rhs_norm_1 rhs_norm_inf",
    ),
    "RANK-4d": (
        "T residual_norm_1 residual_norm_inf W_QK W_V temperature L",
        "log10_norm_1 log10_norm_inf log10_norm_1inf",
    ),
    "RANK-4e": (_LAYER, "covariance leading residual_exact residual_leading relative_error"),
    "RANK-4f": (
        f"{_LAYER} L bias skip",
        "log10_norm_1inf log10_frobenius log10_diameter_2 local_exponents",
    ),
    "RANK-4g": (f"{_LAYER} scale", "slope log10_norm_1inf_out"),
    "RANK-5a": ("half_gap score_gain value_gain L", "log10_abs_r local_exponents"),
    "RANK-5b": ("center half_gap score_gain value_gain", "gap_ratio gap_out bound"),
    "RANK-5c": ("score_gain value_gain", "r_star"),
    "RANK-5d": ("y", "slope"),
    "RANK-5e": ("half_gap score_gain value_gain L", "r_final asymptotic scaled_square"),
    "RANK-6a": ("B_score mask", "lambda2_modulus tau_dobrushin pi_p_norm_2"),
    "RANK-6b": (
        f"{_LAYER} B_score mask L",
        "log10_norm_1inf log10_frobenius log10_diameter_2 last_rate",
    ),
    "RANK-7a": (
        _LAYER,
        "tau_dobrushin hilbert_diameter tanh_bound diameter_2 diameter_2_out w_qk_norm_2 "
        "w_v_norm_2 bound_tau bound_tanh bound_apriori hilbert_bound",
    ),
    "RANK-7b": ("P vector", "tau_dobrushin osc_in osc_out osc_bound"),
    "RANK-7c": ("S", "hilbert_diameter tanh_bound tau_dobrushin"),
    "RANK-7d": (
        "W_QK W_V temperature diameter_2 L",
        "cubic_constant_diameter criterion log10_diameter_tanh log10_diameter_closed",
    ),
    "RANK-8a": (
        _LAYER,
        "pi_p_norm_2_heads rate frobenius frobenius_out lower_bound upper_bound",
    ),
    "RANK-8b": (
        f"{_LAYER} L bias skip",
        "path_counts bias_total x_out frobenius_by_length frobenius_out kronecker_trace "
        "ascending_order_error",
    ),
    "RANK-8c": (
        "L H path_length",
        "mean_length probability log10_probability log10_total_paths",
    ),
    "RANK-9a": (_LAYER, "pi_p_norm_2 frobenius frobenius_out w_v_norm_2 bound"),
    "RANK-9b": ("P", "pi_p_norm_2 tau_dobrushin bound_tau bound_half"),
    "RANK-9c": ("X norm_eps", "sigma_min frobenius frobenius_out bound"),
    "RANK-9d": (
        f"{_LAYER} W_in W_out",
        "s_w lambda_max sigma_1 sigma_2 factor frobenius frobenius_out bound",
    ),
    "RANK-9e": (f"{_LAYER} L", "log10_relative_residual_ln log10_norm_1inf_no_ln"),
    "RANK-10a": (
        "S",
        "dnas sinkhorn column_mass_softmax column_mass_dnas column_mass_floor tau_softmax "
        "tau_dnas tau_sinkhorn tanh_bound",
    ),
    "RANK-10b": (
        _LAYER,
        "leading residual_leading residual_dnas residual_sinkhorn relative_error_dnas "
        "relative_error_sinkhorn",
    ),
    "RANK-11": (
        "radius angle score_gain rotation_angle L temperature skip",
        "log10_gap gap_final",
    ),
}

#: Ids of the contract that no claim states yet.
NOT_YET: set[str] = set()


def test_the_chapter_is_complete_but_for_the_listed_ids() -> None:
    stated = {c.id for c in qk.claims(["RANK"]) if c.standing != "folklore"}
    assert stated <= set(CONTRACT)
    assert set(CONTRACT) - stated == NOT_YET
    assert {vector["id"] for vector in VECTORS} == set(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_names_are_those_of_the_contract(name: str) -> None:
    parameters, values = CONTRACT[name]
    claim = CLAIMS[name]
    assert {p.name for p in claim.parameters} == set(parameters.split())
    assert set(values.split()) == set(claim.values)


@pytest.fixture(scope="module")
def evaluated() -> list[dict[str, Any]]:
    """All vectors by the route of `qktheory evaluate --batch`."""
    return list(evaluate_batch(VECTORS))


@pytest.mark.parametrize(
    "number", range(len(VECTORS)), ids=[f"{v['id']}-{k}" for k, v in enumerate(VECTORS)]
)
def test_public_vectors(number: int, evaluated: list[dict[str, Any]]) -> None:
    vector, found = VECTORS[number], evaluated[number]
    assert "error" not in found, found
    for name, want in vector["values"].items():
        got = found["values"][name]
        assert excess(got, want, vector["rtol"], vector["atol"]) <= 1.0, (name, got, want)


# --- edges of the domains -------------------------------------------------------------------------

_ONE = {"X": [[2.0, -1.0]], "W_QK": [[1.0, 2.0], [0.0, 1.0]]}


@pytest.mark.parametrize(
    "name", ["RANK-2a", "RANK-4a", "RANK-7a", "RANK-8a", "RANK-9a", "RANK-10b"]
)
def test_one_token_has_no_residual(name: str) -> None:
    found = qk.evaluate(name, **_ONE)
    for value, number in found.items():
        if value.startswith(("residual", "z", "diameter", "frobenius", "tau", "lhs")):
            assert np.all(np.asarray(number) == 0.0), value
    assert found.get("gamma", 1.0) == 1.0


def test_values_that_do_not_exist_are_left_out() -> None:
    """Tokens that become exactly equal have no logarithm of a residual."""
    zero = {"X": [[1.0], [2.0]], "W_QK": [[0.0]], "L": 3}
    assert qk.evaluate("RANK-4f", **zero) == {}
    assert qk.evaluate("RANK-4f", **{**zero, "L": 1, "skip": True})["local_exponents"] == []
    assert "local_exponents" not in qk.evaluate("RANK-4f", **{**zero, "skip": True})
    assert "relative_error" not in qk.evaluate("RANK-4e", **_ONE)


def test_scores_beyond_floats_saturate_or_are_refused() -> None:
    """Tokens of 1e30 give hard attention; scores beyond 1e308 are refused by name."""
    hard = qk.evaluate("RANK-7a", X=[[1e30], [-1e30]], W_QK=[[1.0]])
    assert hard["tau_dobrushin"] == hard["tanh_bound"] == 1.0
    assert hard["diameter_2_out"] == pytest.approx(2e30)
    with pytest.raises(ValueError, match="RANK-7a cannot be evaluated in double precision"):
        qk.evaluate("RANK-7a", X=[[1e200], [-1e200]], W_QK=[[1.0]])


@pytest.mark.parametrize("exponent", [-300, -150, -30])
def test_small_tokens_keep_their_digits(exponent: int) -> None:
    """RANK-4f is homogeneous for small scores: rho' = C rho^3 exactly in logarithms."""
    X = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, -1.0]])
    W = [[1.0, 0.5], [-0.3, 1.0]]
    one = qk.evaluate("RANK-4f", X=(X * 1e-12).tolist(), W_QK=W, L=3)["log10_frobenius"]
    two = qk.evaluate("RANK-4f", X=(X * 10.0**exponent).tolist(), W_QK=W, L=3)["log10_frobenius"]
    shift = np.array([3**l * (exponent + 12) for l in range(4)])
    np.testing.assert_allclose(two, one + shift, rtol=1e-12)


# --- refusals -------------------------------------------------------------------------------------

_X = [[1.0, 2.0], [0.0, 1.0]]
_I = [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("RANK-2a", {"X": _X, "W_QK": [[1.0]]}, "W_QK = .*size d = 2"),
        ("RANK-2a", {"X": _X, "W_QK": [_I]}, "W_QK is an array of shape .*2 dimensions"),
        ("RANK-2a", {"X": _X, "W_QK": _I, "W_V": [[1.0, 2.0]]}, "W_V = .*d = 2 rows"),
        ("RANK-2a", {"X": _X, "W_QK": _I, "reference": [1.0]}, "reference = .*length d = 2"),
        ("RANK-2a", {"X": _X, "W_QK": _I, "temperature": 0.0}, "temperature = 0.0"),
        (
            "RANK-2b",
            {"probabilities_p": [0.5, 0.6], "probabilities_q": [0.5, 0.5]},
            "probabilities_p = .*sum to 1",
        ),
        (
            "RANK-2b",
            {"probabilities_p": [1.0, 0.0], "probabilities_q": [0.5, 0.5]},
            "probabilities_q = .*zeros",
        ),
        ("RANK-2c", {"T": 3, "gamma": 0.5, "delta": 1.0}, "gamma = 0.5"),
        (
            "RANK-3",
            {"neutral_tokens": 1, "active_tokens": 0, "hub_log_weight": 1.0, "active_score": 1.0},
            "active_tokens = 0",
        ),
        ("RANK-4a", {"X": _X, "W_QK": [_I, _I], "W_V": [_I]}, "W_V = .*as many heads as W_QK, 2"),
        ("RANK-4f", {"X": _X, "W_QK": [[_I], [_I]], "L": 3}, "W_QK = .*L = 3 layers"),
        ("RANK-4f", {"X": _X, "W_QK": _I, "L": 2, "bias": [1.0]}, "bias = .*length d = 2"),
        ("RANK-4f", {"X": _X, "W_QK": _I, "L": 2, "skip": 1}, "skip = 1: expected true or false"),
        ("RANK-4f", {"X": _X, "W_QK": _I, "L": -1}, "L = -1"),
        ("RANK-5c", {"score_gain": 1.0, "value_gain": 1.0}, "value_gain = 1.0: .*modulus > 1"),
        ("RANK-6a", {"B_score": [[None, None], [0, 0]]}, "B_score masks all of row 0"),
        ("RANK-6a", {"B_score": [[None, 0], [0, 0]], "mask": "causal"}, "hide every key"),
        ("RANK-6a", {"B_score": [[0, 0]]}, "B_score = .*square"),
        ("RANK-6a", {"B_score": [[0]], "mask": "casual"}, "did you mean 'causal'"),
        ("RANK-6b", {"X": _X, "W_QK": _I, "B_score": [[0]], "L": 1}, "B_score = .*size T = 2"),
        ("RANK-7b", {"P": [[0.5, 0.6]], "vector": [1.0, 2.0]}, "P = .*sum to 1"),
        ("RANK-7b", {"P": [[0.5, 0.5]], "vector": [1.0]}, "vector = .*length 2"),
        ("RANK-8c", {"L": 3, "H": 2, "path_length": 4}, "path_length = 4: .*<= L = 3"),
        ("RANK-9c", {"X": [[1.0, 1.0]]}, "X = .*non-constant features"),
        ("RANK-10a", {"S": [[1.0, 2.0]]}, "S = "),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)
