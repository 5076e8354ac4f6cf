"""The contract of the chapter on spectra and random matrices: ids, names and public vectors."""

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
    (Path(__file__).parents[1] / "data" / "spectra_rmt.public.json").read_text("utf-8")
)

_LAW = (
    "law location p a b mean half_width std ratio q tail_exponent factors aspect x u k z w",
    "support_lower support_upper atom_at_zero pdf cdf planar_density quantile moments "
    "free_cumulants stieltjes r_transform",
)

#: Parameters and values of the contract.
CONTRACT: dict[str, tuple[str, str]] = {
    "SPEC-2a": (
        "d",
        "wg_equal wg_different mean_o11_4 mean_o11_2_o12_2 mean_o11_2_o22_2 mean_o11_o12_o21_o22",
    ),
    "SPEC-2b": ("d rows columns", "mean_product"),
    "SPEC-2c": ("d xi eta eta_F", "mean_diagonal coef_0 coef_1 coef_2"),
    "SPEC-4a": ("real_eigenvalues complex_pairs departure", "d xi eta eta_F henrici_ratio"),
    "SPEC-4b": ("W_QK", "commutator_norm departure_squared departure_lower departure_upper"),
    "SPEC-5": ("singular_values", "eta_F var_xi mean_eta outer_radius inner_radius"),
    "SPEC-6a": ("W_QK d_k nu", "truncation_error_squared minimal_cost factor_gram_eigenvalues"),
    "SPEC-6b": ("W_Q W_K nu", "xi eta eta_F eigenvalue_moduli"),
    "SPEC-7a": ("base_shape xi eta", "eigenvalues"),
    "SPEC-7b": (
        "d xi eta eta_F",
        "margin_real margin_antisymmetric margin_symmetric feasible_real_spectrum feasible_matrix",
    ),
    "SPEC-7c": (
        "eigenvalue_real_parts eigenvalue_imag_parts",
        "xi variance_real mean_square_imag eta",
    ),
    "SPEC-7d": ("W_QK", "xi eta eta_F antisymmetric_norm_squared symmetric_norm_squared"),
    "SPEC-8a": _LAW,
    "SPEC-8b": ("largest exponent d", "xi eta"),
    "SPEC-8c": (
        "ensemble d d_k nu",
        "var_xi mean_eta mean_eta_F real_eigenvalue_count std_eta",
    ),
    "SPEC-9": _LAW,
    "SPEC-10a": _LAW,
    "SPEC-11a": (
        "law p a b mean half_width std ratio q theta",
        "threshold detected outlier overlap",
    ),
    "SPEC-11b": ("spike ratio", "threshold detected outlier overlap"),
    "SPEC-11c": ("theta ratio", "threshold detected singular_value overlap_left overlap_right"),
    "SPEC-12a": (
        "law location p a b mean half_width std ratio q tail_exponent factors aspect d k",
        "midpoint_moments limit_moments iid_std",
    ),
    "SPEC-12b": (
        "law half_width std tail_exponent d order",
        "leading_error wasserstein_1 coefficient",
    ),
    "SPEC-13a": (
        "W_QK Sigma k",
        "mean variance cumulants moments sphere_moments sphere_variance",
    ),
    "SPEC-13b": (
        "W_QK Sigma",
        "variance moment_4 mean_forward_backward mean_three_cycle mean_mixed",
    ),
    "SPEC-13c": ("forms", "covariance_12 mean_product_quadratic mean_product_bilinear"),
    "RMT-1": (
        "T s2",
        "c2_t c2 c2_t_expansion mean_frobenius_squared gram_coefficient_right "
        "gram_coefficient_left",
    ),
    "RMT-2": (
        "T s2",
        "c2_t largest_singular_squared largest_singular_asymptotic second_singular_edge "
        "lambda2_modulus gap_eigenvalue gap_singular median_singular median_eigenvalue_modulus",
    ),
    "RMT-3": (
        "T s2",
        "a2 max_entry_exponent bulk_exponent window_log_t regime mean_participation_limit",
    ),
    "RMT-4a": (
        "W_QK temperature Sigma count",
        "attention_eigenvalue_moduli attention_singular_values spectrum_sum hilbert_schmidt "
        "attention_frobenius_squared",
    ),
    "RMT-4b": ("s2 d_over_T ensemble", "c2 m4_ratio edge lambda2_radius"),
    "RMT-4c": (
        "theta alignment s2 T d count",
        "attention_eigenvalues attention_singular_values bulk_radius",
    ),
    "RMT-4d": ("W_QK Sigma temperature", "mean_self_logit var_self_logit mean_s2"),
    "RMT-4e": ("T d s2", "mean_self_logit mean_self_weight_sigmoid"),
    "RMT-5": (
        "T s2 L sigma_V",
        "contraction mean_product_norm_squared mean_product_norm_squared_perp "
        "mean_x_norm_squared mean_x_norm_squared_perp",
    ),
    "RMT-6a": ("T d s2 layer", "sr_x_minus_1 sr_x_minus_1_refined sr_sigma_minus_1"),
    "RMT-6b": ("T d layer", "y_star z_star sr_x sr_sigma"),
    "RMT-6c": ("X", "sr_x sr_sigma sr_x_minus_1 sr_sigma_minus_1"),
    "RMT-7a": (
        "T d s2 L sigma_V",
        "mean_gradient_norm_squared mean_gradient_norm_squared_perp",
    ),
    "RMT-7b": (
        "X attention_matrices value_matrices layer",
        "left_norm_squared right_norm_squared gradient_norm_squared",
    ),
    "RMT-8a": (
        "T cosine_0 gain layers",
        "cosine one_minus_cosine norm_squared_ratio cosine_infinite_t",
    ),
    "RMT-8b": ("T cosine_0 gain gain_mlp layers", "cosine norm_squared_ratio"),
    "RMT-8c": ("cosine_0 sigma_V L", "cosine_limit cosine_final"),
    "RMT-8d": ("cosine", "kernel"),
    "RMT-9a": (
        "X W_V W_K",
        "covariance_norm_squared gradient_w_q_squared gradient_w_v_squared",
    ),
    "RMT-9b": ("T d cosine", "mean_covariance_norm_squared"),
    "RMT-9c": ("X d_v sigma_V sigma_K", "mean_gradient_w_q_squared"),
}


def test_the_chapter_is_complete() -> None:
    named = {vector["id"] for vector in VECTORS}
    assert named == set(CONTRACT)
    stated = {c.id for c in qk.claims() if c.id.startswith(("SPEC-", "RMT-"))}
    assert {name for name in stated if not name.endswith("-folklore")} == named


@pytest.mark.parametrize("name", CONTRACT)
def test_names_are_those_of_the_contract(name: str) -> None:
    parameters, values = CONTRACT[name]
    claim = CLAIMS[name]
    assert {p.name for p in claim.parameters} == set(parameters.split())
    assert set(values.split()) <= set(claim.values)


@pytest.fixture(scope="module")
def evaluated() -> dict[int, dict[str, Any]]:
    """All vectors by the route of `qktheory evaluate --batch`."""
    return dict(enumerate(evaluate_batch(VECTORS)))


@pytest.mark.parametrize(
    "number",
    range(len(VECTORS)),
    ids=[f"{v['id']}-{k}" for k, v in enumerate(VECTORS)],
)
def test_public_vectors(number: int, evaluated: dict[int, dict[str, Any]]) -> None:
    vector, found = VECTORS[number], evaluated[number]
    assert "error" not in found, found
    # A value is returned only where it exists.
    assert set(vector["values"]) == set(found["values"])
    for name, want in vector["values"].items():
        got = found["values"][name]
        assert excess(got, want, vector["rtol"], vector["atol"]) <= 1.0, (name, got, want)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("SPEC-8a", {"law": "uniform"}, "half_width is missing: law 'uniform'"),
        ("SPEC-8a", {"law": "uniform", "half_width": 1.0, "std": 2.0}, "unknown parameter of law"),
        ("SPEC-8a", {"law": "unifrom"}, "did you mean 'uniform'"),
        ("SPEC-8a", {"law": "semicircle", "std": 1.0, "z": [0.5]}, "z = .*outside the support"),
        ("SPEC-8a", {"law": "pareto", "tail_exponent": 2.5, "k": [3]}, "k = 3: .*order < "),
        ("SPEC-8a", {"law": "arcsine", "half_width": 1.0, "x": [0.0, 1.0]}, r"x\[1\] = 1.0"),
        ("SPEC-8a", {"law": "quarter_circle", "k": [0]}, "k = .*integers >= 1"),
        ("SPEC-8a", {"law": "uniform", "half_width": 1.0, "u": [0.0]}, r"u = .*levels in \(0, 1\)"),
        ("SPEC-8a", {"law": "marchenko_pastur", "ratio": 2.0, "w": [0.5]}, "w = .*pole"),
        ("SPEC-8c", {"ensemble": "goe", "d": 3, "d_k": 2}, "parameter of ensemble 'goe' 'd_k'"),
        ("SPEC-8c", {"ensemble": "product", "d": 3}, "d_k is missing"),
        ("SPEC-11a", {"law": "pareto", "theta": 1.0}, "law"),
        ("SPEC-11b", {"spike": -1.0, "ratio": 1.0}, "spike = -1.0"),
        ("SPEC-12b", {"law": "uniform", "half_width": 1.0, "d": 5, "order": 3}, "order = 3"),
        ("SPEC-12b", {"law": "pareto", "tail_exponent": 2.0, "d": 5}, "order is missing"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("RMT-1", {"T": 0, "s2": 1.0}, "T = 0: expected an integer >= 1"),
        ("RMT-1", {"T": 5, "s2": -1.0}, "s2 = -1.0"),
        ("RMT-1", {"T": 5, "s2": 800.0}, "s2 = 800.0: .*<= 235"),
        ("RMT-3", {"T": 1, "s2": 1.0}, "T = 1: expected an integer >= 2"),
        ("RMT-4a", {"W_QK": [[1.0, 0.0], [0.0, 0.2]]}, "W_QK.*spectral radius.*< 1"),
        ("RMT-4b", {"s2": 0.2, "d_over_T": 0.0, "ensemble": "equal"}, "d_over_T = 0"),
        ("RMT-4b", {"s2": 0.2, "d_over_T": 1.0, "ensemble": "goe"}, "ensemble.*'goe'"),
        ("RMT-4c", {"theta": 0.8, "alignment": 1.0, "s2": 0.1, "T": 9, "d": 3}, "theta = 0.8"),
        ("RMT-6a", {"T": 9, "d": 3, "s2": 0.1, "layer": 1}, "d = 3: .*>= T = 9"),
        ("RMT-6c", {"X": [[0.0, 0.0]]}, "X = .*other than 0"),
        (
            "RMT-7b",
            {
                "X": [[1.0]],
                "attention_matrices": [[[1.0, 2.0]]],
                "value_matrices": [[[1.0]]],
                "layer": 1,
            },
            r"attention_matrices\[0\] = .*1 columns",
        ),
        (
            "RMT-7b",
            {
                "X": [[1.0]],
                "attention_matrices": [[[1.0]]],
                "value_matrices": [[[1.0]]],
                "layer": 2,
            },
            "layer = 2: .*L = 1",
        ),
        ("RMT-8a", {"T": 5, "cosine_0": -0.5, "gain": 1.0, "layers": [1]}, "cosine_0 = -0.5"),
        ("RMT-8c", {"cosine_0": -0.1, "sigma_V": 1.0}, "cosine_0 = -0.1"),
        ("RMT-8d", {"cosine": [1.5]}, "cosine = 1.5"),
        ("RMT-9a", {"X": [[1.0, 2.0]], "W_V": [[1.0]], "W_K": [[1.0], [1.0]]}, "W_V = .*d = 2"),
    ],
)
def test_bad_parameters_of_attention_matrices_are_refused(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)


def test_three_ids_are_one_entry() -> None:
    given = {"law": "fuss_catalan", "factors": 2, "x": [1.0], "u": [0.5], "k": [3]}
    found = [qk.evaluate(name, **given) for name in ("SPEC-8a", "SPEC-9", "SPEC-10a")]
    assert found[0] == found[1] == found[2]


def test_power_laws_of_any_length() -> None:
    """H_(d,2) of 10^12 terms is pi^2/6 - 1/d + 1/(2 d^2)."""
    found = qk.evaluate("SPEC-8b", largest=1.0, exponent=2.0, d=10**12)
    assert found["xi"] == pytest.approx(np.pi**2 / 6 - 1e-12, rel=1e-15)
