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

#: Parameters and values of the contract, Part A; Part B is checked by its vectors.
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
}

#: Ids of Part B that no claim states yet.
NOT_YET = {
    *("RMT-1", "RMT-2", "RMT-3", "RMT-4a", "RMT-4b", "RMT-4c", "RMT-4d", "RMT-4e", "RMT-5"),
    *("RMT-6a", "RMT-6b", "RMT-6c", "RMT-7a", "RMT-7b", "RMT-8a", "RMT-8b", "RMT-8c", "RMT-8d"),
    *("RMT-9a", "RMT-9b", "RMT-9c"),
}


def test_the_chapter_is_complete_but_for_the_listed_ids() -> None:
    named = {vector["id"] for vector in VECTORS}
    assert {name for name in named if name.startswith("SPEC-")} == set(CONTRACT)
    stated = {c.id for c in qk.claims() if c.id.startswith(("SPEC-", "RMT-"))}
    assert named - stated == NOT_YET


@pytest.mark.parametrize("name", CONTRACT)
def test_names_are_those_of_the_contract(name: str) -> None:
    parameters, values = CONTRACT[name]
    claim = CLAIMS[name]
    assert {p.name for p in claim.parameters} == set(parameters.split())
    assert set(values.split()) <= set(claim.values)


@pytest.fixture(scope="module")
def evaluated() -> dict[int, dict[str, Any]]:
    """All vectors of stated ids by the route of `qktheory evaluate --batch`."""
    numbers = [k for k, v in enumerate(VECTORS) if v["id"] not in NOT_YET]
    return dict(zip(numbers, evaluate_batch([VECTORS[k] for k in numbers]), strict=True))


@pytest.mark.parametrize(
    "number",
    [k for k, v in enumerate(VECTORS) if v["id"] not in NOT_YET],
    ids=[f"{v['id']}-{k}" for k, v in enumerate(VECTORS) if v["id"] not in NOT_YET],
)
def test_public_vectors(number: int, evaluated: dict[int, dict[str, Any]]) -> None:
    vector, found = VECTORS[number], evaluated[number]
    assert "error" not in found, found
    if vector["id"].startswith("SPEC-"):
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


def test_three_ids_are_one_entry() -> None:
    given = {"law": "fuss_catalan", "factors": 2, "x": [1.0], "u": [0.5], "k": [3]}
    found = [qk.evaluate(name, **given) for name in ("SPEC-8a", "SPEC-9", "SPEC-10a")]
    assert found[0] == found[1] == found[2]


def test_power_laws_of_any_length() -> None:
    """H_(d,2) of 10^12 terms is pi^2/6 - 1/d + 1/(2 d^2)."""
    found = qk.evaluate("SPEC-8b", largest=1.0, exponent=2.0, d=10**12)
    assert found["xi"] == pytest.approx(np.pi**2 / 6 - 1e-12, rel=1e-15)
