"""The contract of the entropy chapter: its ids, their names, and every public vector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import qktheory as qk
from qktheory.theorems.catalogue import evaluate_batch
from qktheory.theorems.claim import CLAIMS
from tests.theorems.test_localization_contract import excess

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "entropy_rem.public.json").read_text("utf-8")
)

#: Parameters and values of the contract of the entropy chapter.
CONTRACT: dict[str, tuple[str, str]] = {
    "ENT-0a": (
        "logits q",
        "log_z weighted_mean entropy participation y_q effective_tokens perplexity",
    ),
    "ENT-0b": (
        "T s",
        "s_c b m",
    ),
    "ENT-1": (
        "T s q",
        "mean_log_z mean_entropy mean_participation mean_y_q",
    ),
    "ENT-3a": (
        "T s",
        "var_log_z var_entropy var_participation",
    ),
    "ENT-3b": (
        "T s",
        "heat_capacity",
    ),
    "ENT-3c": (
        "T s",
        "entropy_lower mean_entropy entropy_upper",
    ),
    "ENT-3d": (
        "T s q1 q2",
        "mean_y_product",
    ),
    "ENT-3e": (
        "logits",
        "weighted_variance entropy_slope participation_slope",
    ),
    "ENT-4": (
        "T s",
        "mean_log_z_series mean_participation_leading mean_participation_series "
        "mean_entropy_series var_log_z_series var_entropy_series mean_entropy_small_s",
    ),
    "ENT-5a": (
        "b q",
        "log_z_rate entropy_rate heat_capacity_rate mean_y_q_limit",
    ),
    "ENT-5b": (
        "m q",
        "mean_entropy_limit mean_participation_limit mean_y_q_limit heat_capacity_limit "
        "var_participation_limit",
    ),
    "ENT-6a": (
        "b",
        "mean_exponent typical_exponent",
    ),
    "ENT-6b": (
        "T s",
        "mean_participation_spike log_z_shift_spike",
    ),
    "ENT-6c": (
        "T s",
        "g_star mean_participation_laplace",
    ),
    "ENT-7a": (
        "T s",
        "mean_log_z_window mean_participation_window mean_entropy_window heat_capacity_rate_window",
    ),
    "ENT-7b": (
        "T",
        "mean_max",
    ),
    "ENT-7c": (
        "T s",
        "participation_lower mean_participation",
    ),
    "ENT-7d": (
        "T s",
        "mean_log_z_frozen var_log_z_frozen",
    ),
    "ENT-7e": (
        "T",
        "s_c a_T mean_max_asymptotic",
    ),
    "ENT-8a": (
        "T",
        "s_half_capacity max_capacity",
    ),
    "ENT-8b": (
        "T",
        "s_max_capacity",
    ),
    "ENT-8c": (
        "T level",
        "s_participation s_participation_limit",
    ),
    "ENT-8d": (
        "level",
        "delta",
    ),
    "ENT-9a": (
        "T radius",
        "min_entropy",
    ),
    "ENT-9b": (
        "logits",
        "entropy radius min_entropy entropy_deficit half_variance",
    ),
    "ENT-9c": (
        "X W_QK temperature",
        "row_entropy row_radius row_radius_bound published_radius_bound entropy_bound",
    ),
    "ENT-10a": (
        "T logit_range",
        "min_entropy k_best",
    ),
    "ENT-10b": (
        "logit_range",
        "kl_star p_star kl_quadratic",
    ),
    "ENT-10c": (
        "logits",
        "log_t entropy renyi2 min_information half_renyi2 entropy_deficit log_t_participation "
        "t_participation_minus_one tilt_integral tilt_gap",
    ),
    "ENT-10d": (
        "T participation",
        "min_entropy max_entropy",
    ),
    "ENT-10e": (
        "T max_weight",
        "min_entropy max_entropy",
    ),
    "ENT-11a": (
        "Sigma W_QK temperature",
        "mean_s2 var_s2 singular_values",
    ),
    "ENT-11b": (
        "Sigma W_QK temperature x",
        "s2",
    ),
    "ENT-11c": (
        "ensemble d rank d_k",
        "mean_ratio var_ratio var_ratio_leading",
    ),
    "ENT-11d": (
        "T s0 dofs",
        "mean_entropy mean_participation",
    ),
    "ENT-11e": (
        "T mean_s2 var_s2",
        "mean_entropy_sharp mean_entropy_delta",
    ),
    "ENT-12a": (
        "n s self_logit",
        "mean_entropy mean_self_weight mean_participation",
    ),
    "ENT-12b": (
        "Sigma W_QK temperature",
        "mean_self_logit var_self_logit",
    ),
    "ENT-12c": (
        "T d c",
        "mean_entropy mean_self_weight collapse_margin",
    ),
    "ENT-12d": (
        "T s v",
        "mean_entropy",
    ),
    "ENT-13a": (
        "T s0 cosine d_k",
        "s_effective mean_entropy mean_participation mean_entropy_sharp mean_participation_sharp",
    ),
    "ENT-13b": (
        "T cosine",
        "s0_critical beta_critical",
    ),
    "ENT-14a": (
        "T s cosine",
        "overlap",
    ),
    "ENT-14b": (
        "b cosine",
        "overlap_exponent",
    ),
    "ENT-14c": (
        "T s",
        "var_log_z overlap_integral",
    ),
    "ENT-14d": (
        "T s cosine",
        "overlap_diffuse",
    ),
    "ENT-15a": (
        "T s0 alpha sigma_V cosine_0 L",
        "cosine_layers",
    ),
    "ENT-15b": (
        "T s0 alpha sigma_V cosine_0 L",
        "cosine_layers",
    ),
    "ENT-15c": (
        "T d s0 alpha sigma_V cosine_0 L",
        "cosine_layers",
    ),
    "ENT-15d": (
        "alpha sigma_V cosine_0 L",
        "cosine_layers",
    ),
    "ENT-15e": (
        "T d s0 one_minus_cosine",
        "one_minus_cosine_out",
    ),
    "ENT-15f": (
        "T s0 sigma_V Q_0 P_0 L overlap_model",
        "cosine_layers Q_layers",
    ),
    "ENT-15g": (
        "A cosine sigma_V",
        "output_gram",
    ),
    "ENT-16a": (
        "cosine_0 epsilon alpha sigma_V L",
        "critical_depth alpha_min alpha_min_approx",
    ),
    "ENT-16b": (
        "T cosine_0",
        "s0_collapse s0_critical",
    ),
    "ENT-16c": (
        "T s0",
        "cosine_exit",
    ),
    "ENT-16d": (
        "cosine_0 sigma_V L",
        "cosine_final cosine_limit",
    ),
}

#: Parameters that the contract lets a caller leave out, with what they then are.
DEFAULTS = {"temperature": 1.0, "q": 2.0, "sigma_V": 1.0, "level": 0.5}
#: Ids of the contract that no claim states yet.
NOT_YET: set[str] = set()

WRITTEN = [name for name in CONTRACT if name in CLAIMS]


def test_the_chapter_is_complete_but_for_the_listed_ids() -> None:
    stated = {c.id for c in qk.claims() if c.id.startswith("ENT") and c.standing != "folklore"}
    assert stated <= set(CONTRACT)
    assert set(CONTRACT) - stated == NOT_YET


@pytest.mark.parametrize("name", WRITTEN)
def test_names_are_those_of_the_contract(name: str) -> None:
    parameters, values = CONTRACT[name]
    claim = CLAIMS[name]
    assert {p.name for p in claim.parameters} == set(parameters.split())
    assert set(values.split()) <= set(claim.values)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(n, p) for n in WRITTEN for p in CONTRACT[n][0].split() if p in DEFAULTS and n[:5] != "ENT-5"],
)
def test_defaults_are_those_of_the_contract(name: str, parameter: str) -> None:
    vector = next(v for v in VECTORS if v["id"] == name)
    given = {k: v for k, v in vector["parameters"].items() if k != parameter}
    default = qk.evaluate(name, **given)
    assert default == qk.evaluate(name, **given, **{parameter: DEFAULTS[parameter]})


# --- public vectors -------------------------------------------------------------------------------


def test_vectors_cover_every_id_and_value_of_the_contract() -> None:
    assert {vector["id"] for vector in VECTORS} == set(CONTRACT)
    for name, (_, values) in CONTRACT.items():
        seen = {key for vector in VECTORS if vector["id"] == name for key in vector["values"]}
        assert seen == set(values.split()), name


NUMBERS = [number for number, vector in enumerate(VECTORS) if vector["id"] in CLAIMS]


@pytest.fixture(scope="module")
def evaluated() -> dict[int, dict[str, Any]]:
    """All vectors by the route of `qktheory evaluate --batch`."""
    found = evaluate_batch([VECTORS[number] for number in NUMBERS])
    return dict(zip(NUMBERS, found, strict=True))


@pytest.mark.parametrize("number", NUMBERS, ids=[f"{VECTORS[k]['id']}-{k}" for k in NUMBERS])
def test_public_vectors(number: int, evaluated: dict[int, dict[str, Any]]) -> None:
    vector, found = VECTORS[number], evaluated[number]
    assert "error" not in found, found
    assert set(vector["values"]) <= set(found["values"])
    for name, want in vector["values"].items():
        got = found["values"][name]
        assert excess(got, want, vector["rtol"], vector["atol"]) <= 1.0, (name, got, want)
