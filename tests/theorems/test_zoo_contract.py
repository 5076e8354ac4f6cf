"""The contract of the chapter on the literature around: ids, names, and every public vector."""

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
    (Path(__file__).parents[1] / "data" / "zoo.public.json").read_text("utf-8")
)

#: Parameters and values of the contract of the chapter.
CONTRACT: dict[str, tuple[str, str]] = {
    "ZOO-RF-1": (
        "norm_x norm_y cosine feature_count",
        "kernel mse_trig mse_positive mse_hyperbolic",
    ),
    "ZOO-RF-2": (
        "norm_x norm_y cosine feature_count d",
        "mse_orthogonal_positive mse_orthogonal_hyperbolic mse_orthogonal_trig "
        "bound_orthogonal_positive",
    ),
    "ZOO-RF-3a": ("d delta feature_count", "pair_term_orthogonal pair_term_iid mse_ratio"),
    "ZOO-RF-3b": ("d", "has_crossing crossing_delta"),
    "ZOO-RF-4a": ("norm_x norm_y cosine", "rmse_ratio_trig_hyperbolic"),
    "ZOO-RF-4b": ("radius2", "crossover_angle"),
    "ZOO-RF-5": (
        "q K",
        "attention scaled_variance_positive scaled_bias_positive scaled_mse_positive "
        "scaled_variance_trig scaled_bias_trig scaled_mse_trig",
    ),
    "ZOO-RF-6a": (
        "singular_values",
        "positive_finite trig_finite relative_finite scaled_mean_mse_positive "
        "scaled_mean_mse_hyperbolic scaled_mean_mse_trig scaled_mean_relative_mse_positive "
        "nuclear_norm relative_mse_nuclear_law",
    ),
    "ZOO-RF-6b": (
        "W_Q W_K",
        "positive_finite scaled_mean_mse_positive scaled_mean_mse_hyperbolic trig_finite "
        "scaled_mean_mse_trig relative_finite scaled_mean_relative_mse_positive",
    ),
    "ZOO-RF-6c": (
        "logit_variance d",
        "nuclear_norm_ginibre nuclear_norm_product sigma_max_ginibre sigma_max_product "
        "critical_width_ginibre critical_width_product",
    ),
    "ZOO-RF-7": (
        "W_Q W_K",
        "nuclear_norm half_squared_norms positive_finite balanced_finite "
        "scaled_mean_mse_positive scaled_mean_mse_positive_balanced",
    ),
    "ZOO-RF-8": (
        "feature_count norm_sum",
        "s_c quantile tail_index log_ratio_leading effective_features_annealed log_ratio_stable",
    ),
    "ZOO-RF-9": (
        "q K Omega",
        "denominator_positive attention_positive denominator_hyperbolic attention_hyperbolic "
        "denominator_trig attention_trig",
    ),
    "ZOO-RF-10": (
        "d z2",
        "kernel_ratio one_minus_kernel_ratio first_order_gap published_lower_bound",
    ),
    "ZOO-RF-11a": ("d z2", "a_star variance_ratio"),
    "ZOO-RF-11b": ("d z2 coefficient", "second_moment variance_ratio"),
    "ZOO-FU-1": ("x0 X x0_prime X_prime", "kernel"),
    "ZOO-FU-2a": ("mu_1 mu_2 sd_1 sd_2 correlation", "moment"),
    "ZOO-FU-2b": ("x0 X x0_prime X_prime mu", "kernel"),
    "ZOO-FAST-1": ("Q K V degree", "feature_count min_weight output"),
    "ZOO-FAST-2a": ("S degree", "attention_truncated total_variation tv_bound"),
    "ZOO-FAST-2b": ("radius degree", "ratio tv_bound"),
    "ZOO-RANK-1a": ("d", "density_at_zero mean_distance scaled_mse_limit"),
    "ZOO-RANK-1b": ("d inverse_temperature", "mse scaled_mse"),
    "ZOO-RANK-2": ("d rank", "sign_correlation_arcsin sign_correlation_rank_one"),
    "ZOO-RANK-3": ("d", "mse_floor"),
    "ZOO-TL-1": (
        "X W_Q W_K W_V W_O W_in W_out activation norm_eps temperature",
        "output operator_trace operator_frobenius_norm operator_spectral_norm",
    ),
    "ZOO-HMOE-1a": ("X W_Q W_K W_V W_O W_gate temperature", "output"),
    "ZOO-HMOE-1b": (
        "X W_Q W_K W_V W_O W_gate M_gauge temperature",
        "gauge_gap_ungated gauge_gap_gated",
    ),
    "ZOO-HMOE-2": ("expert gate_vector expert_vector", "rank column_count"),
    "ZOO-UAP-1a": ("sharpness", "kappa"),
    "ZOO-UAP-1b": ("left right n inverse_temperature u", "output target"),
    "ZOO-UAP-2": ("sharpness", "ripple_law ripple_exact"),
    "ZOO-HYB-1": ("n d_k inverse_temperature", "mse_linear softmax_miss_bound"),
    "ZOO-SINK-1a": ("T", "sink_score_uniform"),
    "ZOO-SINK-1b": ("mean_self_weight", "sink_score"),
    "ZOO-SINK-1c": ("A epsilon", "sink_scores sink_rate"),
    "ZOO-SINK-2a": ("T margin", "bound"),
    "ZOO-SINK-2b": ("logits", "attention_first margin bound"),
    "ZOO-SINK-3": ("d spike distance", "normalized_distance"),
    "ZOO-GIH-1a": ("match_share inverse_temperature", "tv_bound"),
    "ZOO-GIH-1b": (
        "tokens n_symbols parents inverse_temperature",
        "prediction conditional_frequency match_share total_variation tv_bound",
    ),
    "ZOO-GIH-2": ("probabilities matches", "mse"),
    "ZOO-CVX-1": ("X Y penalty", "value rank nuclear_norm"),
    "ZOO-ROLL-1": ("A", "rollout dobrushin_rollout dobrushin_product dobrushin_bound"),
    "ZOO-ROLL-2a": (
        "S V G",
        "row_relevance row_output_product total_relevance total_value_product score_gradient",
    ),
    "ZOO-ROLL-2b": ("A A_gradient", "relevance"),
    "ZOO-GLA-1": ("X y x_query P gates", "weights output"),
    "ZOO-GLA-2": ("d noise_variance R r weights", "weights_optimal risk_optimal risk_uniform risk"),
    "ZOO-SVM-1a": ("X Z optimal", "feasible W_QK frobenius_norm nuclear_norm active_constraints"),
    "ZOO-SVM-1b": ("X Z v y steps step_size", "optimal frobenius_norm one_minus_cosine"),
    "ZOO-SVM-2": ("X Z optimal p", "W_QK lp_norm cosine_to_frobenius"),
    "ZOO-SVM-3": (
        "X Z optimal",
        "nuclear_norm rank nuclear_norm_frobenius_solution rank_frobenius_solution",
    ),
    "ZOO-OPT-1": ("X W_Q W_K W_V G temperature", "grad_norm_query grad_norm_key grad_norm_value"),
    "ZOO-OPT-2": ("X W_Q W_K W_V G temperature", "lhs rhs"),
    "ZOO-SPH-1": ("model T inverse_temperature time", "cosine one_minus_cosine"),
    "ZOO-SPH-2": ("X inverse_temperature", "energy energy_rate_sa energy_rate_usa"),
    "ZOO-DEPTH-1": (
        "T cosine logit_variance",
        "mean_square_out overlap_out cosine_out one_minus_cosine_out one_minus_cosine_cubic",
    ),
    "ZOO-DEPTH-2": ("T logit_variance L layernorm cosine_0", "one_minus_cosine depth_times_gap"),
    "ZOO-LIP-1a": ("T radius w_qk_norm_2 w_v_norm_2 max_column_sum", "bound_paper bound_sharp"),
    "ZOO-LIP-1b": ("X W_QK W_V", "jacobian_norm max_column_sum bound_data bound_paper bound_sharp"),
    "ZOO-LIP-1c": (
        "T score_gain height",
        "jacobian_norm max_column_sum bound_data bound_sharp bound_paper",
    ),
    "ZOO-LIP-2": ("X W_QK W_V", "block jacobian_norm jacobian_norm_over_radius2"),
    "ZOO-SHAPED-1": ("S temperature", "error_norm scaled_error scaled_error_limit"),
    "ZOO-MIM-1": (
        "alpha beta",
        "disc_center disc_radius symmetric_lower symmetric_upper singular_upper singular_lower",
    ),
    "ZOO-MIM-2": ("alpha beta d", "mean_self_logit var_self_logit mean_off_diagonal_logit mean_s2"),
    "ZOO-NNGP-1": ("A_rows X H", "kernel_mean excess_kurtosis"),
    "ZOO-SCALE-1": ("T", "tied_self_weight scaled_tv_limit"),
}

#: Ids of the contract that no claim states yet.
NOT_YET: set[str] = set()
STATED = [name for name in CONTRACT if name not in NOT_YET]
_STATED_VECTORS = [vector for vector in VECTORS if vector["id"] not in NOT_YET]


def test_the_chapter_is_complete_but_for_the_listed_ids() -> None:
    stated = {c.id for c in qk.claims() if c.id.startswith("ZOO-") and c.standing != "folklore"}
    assert stated <= set(CONTRACT)
    assert set(CONTRACT) - stated == NOT_YET
    assert {vector["id"] for vector in VECTORS} == set(CONTRACT)


@pytest.mark.parametrize("name", STATED)
def test_names_are_those_of_the_contract(name: str) -> None:
    parameters, values = CONTRACT[name]
    claim = CLAIMS[name]
    assert {p.name for p in claim.parameters} == set(parameters.split())
    assert set(values.split()) == set(claim.values)


@pytest.fixture(scope="module")
def evaluated() -> list[dict[str, Any]]:
    """All vectors by the route of `qktheory evaluate --batch`."""
    return list(evaluate_batch(_STATED_VECTORS))


@pytest.mark.parametrize(
    "number",
    range(len(_STATED_VECTORS)),
    ids=[f"{v['id']}-{k}" for k, v in enumerate(_STATED_VECTORS)],
)
def test_public_vectors(number: int, evaluated: list[dict[str, Any]]) -> None:
    vector, found = _STATED_VECTORS[number], evaluated[number]
    assert "error" not in found, found
    for name, want in vector["values"].items():
        got = found["values"][name]
        assert excess(got, want, vector["rtol"], vector["atol"]) <= 1.0, (name, got, want)
    assert set(found["values"]) == set(vector["values"])


# --- edges of the domains: random features, polynomials, rank -------------------------------------


def test_values_beyond_all_bounds_are_left_out() -> None:
    beyond = qk.evaluate("ZOO-RF-6a", singular_values=[1e30])
    assert {k: v for k, v in beyond.items() if k.endswith("finite")} == {
        "positive_finite": 0,
        "trig_finite": 0,
        "relative_finite": 0,
    }
    assert set(beyond) == {"positive_finite", "trig_finite", "relative_finite", "nuclear_norm"}
    assert "ratio" not in qk.evaluate("ZOO-FAST-2b", radius=1e3, degree=2)
    assert qk.evaluate("ZOO-FAST-2b", radius=1e3, degree=2)["tv_bound"] == 1.0
    large = {"q": [100.0, 0.0], "K": [[1.0, 2.0], [-50.0, 3.0]], "Omega": [[1.0, 1.0]]}
    found = qk.evaluate("ZOO-RF-9", **large)
    assert "denominator_trig" not in found
    assert sum(found["attention_trig"]) == pytest.approx(1.0)


def test_values_that_do_not_exist_are_left_out() -> None:
    opposite = {"norm_x": 1.0, "norm_y": 1.0, "cosine": -1.0}
    assert qk.evaluate("ZOO-RF-4a", **opposite) == {}
    assert "mse_ratio" not in qk.evaluate("ZOO-RF-3a", d=5, delta=0.0)
    assert "tail_index" not in qk.evaluate("ZOO-RF-8", feature_count=10, norm_sum=0.0)
    assert "variance_ratio" not in qk.evaluate("ZOO-RF-11b", d=4, z2=0.0, coefficient=-1.0)
    none = qk.evaluate("ZOO-FAST-1", Q=[[1.0]], K=[[-1.0]], V=[[1.0]], degree=1)
    assert none == {"feature_count": 2, "min_weight": 0.0}
    assert "tv_bound" not in qk.evaluate("ZOO-FAST-2a", S=[[0.5, 0.0]], degree=3)


def test_two_keys_share_one_variance_however_unequal_they_are() -> None:
    """A_1 + A_2 = 1 for every draw of features."""
    found = qk.evaluate("ZOO-RF-5", q=[5.0, 0.0], K=[[4.0, 1.0], [-4.0, 1.0]])
    for kind in ("positive", "trig"):
        one, two = found[f"scaled_variance_{kind}"]
        assert one == pytest.approx(two, rel=1e-12)
        assert found[f"scaled_mse_{kind}"] == pytest.approx(2.0 * one, rel=1e-12)
    same = qk.evaluate("ZOO-RF-5", q=[0.3, 0.0], K=[[1.0, 1.0]] * 3)
    assert same["scaled_variance_positive"] == same["scaled_bias_trig"] == [0.0] * 3


def test_large_dimensions_and_temperatures() -> None:
    assert qk.evaluate("ZOO-RANK-3", d=10**15)["mse_floor"] == pytest.approx(0.36338022763241865)
    limit = qk.evaluate("ZOO-RANK-1a", d=4)["scaled_mse_limit"]
    sharp = qk.evaluate("ZOO-RANK-1b", d=4, inverse_temperature=1e12)["scaled_mse"]
    assert sharp == pytest.approx(limit, rel=1e-9)
    assert qk.evaluate("ZOO-RANK-1b", d=4, inverse_temperature=0.0)["mse"] == pytest.approx(0.5)
    wide = qk.evaluate("ZOO-RF-3a", d=10**12, delta=1.0)
    assert wide["pair_term_orthogonal"] == pytest.approx(wide["pair_term_iid"], rel=1e-11)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ZOO-RF-1", {"norm_x": -1.0, "norm_y": 1.0, "cosine": 0.0, "feature_count": 1}, "norm_x"),
        ("ZOO-RF-1", {"norm_x": 1.0, "norm_y": 1.0, "cosine": 1.5, "feature_count": 1}, "cosine"),
        (
            "ZOO-RF-2",
            {"norm_x": 1.0, "norm_y": 1.0, "cosine": 0.0, "d": 4, "feature_count": 6},
            "feature_count = 6: expected an integer from 1 to d = 4 or a multiple of d",
        ),
        ("ZOO-RF-3a", {"d": 4, "delta": 1.0, "feature_count": 5}, "feature_count = 5"),
        ("ZOO-RF-3b", {"d": 1}, "d = 1"),
        ("ZOO-RF-5", {"q": [1.0], "K": [[1.0, 2.0]]}, "K = .*length d = 1"),
        ("ZOO-RF-6a", {"singular_values": [-1.0]}, "singular_values"),
        ("ZOO-RF-7", {"W_Q": [[1.0]], "W_K": [[1.0, 2.0]]}, "W_K = .*shape"),
        ("ZOO-RF-8", {"feature_count": 2, "norm_sum": 1.0}, "feature_count = 2"),
        ("ZOO-RF-11a", {"d": 4, "z2": 0.0}, "z2 = 0.0"),
        ("ZOO-RF-11b", {"d": 4, "z2": 1.0, "coefficient": 0.125}, "coefficient = 0.125"),
        (
            "ZOO-FU-1",
            {"x0": [1.0], "X": [[1.0]], "x0_prime": [1.0, 0.0], "X_prime": [[1.0]]},
            "x0_prime = .*length d = 1",
        ),
        ("ZOO-FAST-1", {"Q": [[1.0]], "K": [[1.0]], "V": [[1.0], [2.0]], "degree": 2}, "V = "),
        ("ZOO-FAST-2b", {"radius": 1.0, "degree": 3}, "degree = 3: expected an even integer"),
        ("ZOO-RANK-2", {"d": 4, "rank": 5}, "rank = 5: expected an integer <= d = 4"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)
