"""Random attention matrices: tables of the chapter, extremes, links between claims (RMT-1 .. 9)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.kernels import Stream, experiment_id, seed_key
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.theorems.noci2022.query_gradients import covariance
from qktheory.theorems.saada2025.draws import (
    attention_of_scores,
    iid_attention,
    moduli,
    singular_values,
    token_scores,
    without_mean,
)
from qktheory.theorems.saada2025.stable_ranks import excesses, fresh_tokens

LOG2 = math.log(2.0)


def stream(name: str) -> Stream:
    return Stream(seed_key(5), experiment_id(name))


def within(samples: np.ndarray, value: float, bias: float = 0.0) -> bool:
    """Whether a mean is within 5 standard errors (two-sided alarm 6e-7) plus a stated bias."""
    error = float(np.std(samples, ddof=1)) / math.sqrt(len(samples))
    return abs(float(np.mean(samples)) - value) <= 5.0 * error + bias


# --- tables of the chapter ------------------------------------------------------------------------


@pytest.mark.slow
def test_frobenius_norm_of_iid_attention() -> None:
    """Chapter: ||A||_F^2 - 1 = 0.9431 +- 0.0053 at (100, ln 2); exact 0.94571."""
    A = iid_attention(100, LOG2, stream("RMT-1"), 0, 150)
    found = np.sum(A**2, axis=(1, 2)) - 1.0
    want = qk.evaluate("RMT-1", T=100, s2=LOG2)["c2_t"]
    assert within(found, want)
    assert not within(found, 1.0)  # the limit itself is seen to be off


@pytest.mark.slow
def test_spectrum_of_iid_attention_at_200_tokens() -> None:
    """Chapter: s_1^2 1.00481 (theory 1.00488), medians .7895 and .692, |lambda_2| 1.041."""
    A = iid_attention(200, LOG2, stream("RMT-2"), 0, 24)
    claimed = qk.evaluate("RMT-2", T=200, s2=LOG2)
    singular, eigenvalues = singular_values(A), moduli(A)
    assert claimed["largest_singular_squared"] == pytest.approx(1.004882, abs=5e-7)
    assert within(singular[:, 0] ** 2, claimed["largest_singular_squared"], bias=1e-4)
    assert not within(singular[:, 0] ** 2, 1.0, bias=1e-4)
    unit = claimed["lambda2_modulus"]
    assert within(np.median(singular[:, 1:], axis=1) / unit, 0.7895, bias=0.003)
    assert within(np.median(eigenvalues[:, 1:], axis=1) / unit, 0.692, bias=0.003)
    assert within(eigenvalues[:, 1] / unit, 1.041, bias=0.006)
    # The second singular value is beyond the bulk edge at this T (RMT-3), by about 11 %.
    assert np.mean(singular[:, 1]) > 1.03 * claimed["second_singular_edge"]
    assert qk.evaluate("RMT-3", T=200, s2=LOG2)["regime"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("perp", "rank_x", "rank_sigma"),
    [
        (False, [0.8601, 0.01638, 3.028e-4], [0.05203, 3.481e-5, 1.81e-8]),
        (True, [7.609, 4.655, 3.578], [3.805, 2.430, 1.983]),
    ],
)
def test_stable_ranks_of_the_table(
    perp: bool, rank_x: list[float], rank_sigma: list[float]
) -> None:
    """T = d = 50: means of 800 draws of the chapter within 5 standard errors of both samples."""
    for layer in (1, 2, 3):
        p = {"T": 50, "d": 50, "s2": LOG2, "layer": layer}
        found = excesses(fresh_tokens(p, stream(f"RMT-6 {perp} {layer}"), 0, 800, perp))
        for samples, want in zip(found, (rank_x, rank_sigma), strict=True):
            mean = float(np.mean(samples)) + float(perp)
            error = float(np.std(samples, ddof=1)) / math.sqrt(800)
            # The table is a mean of 800 draws itself, printed to three digits.
            assert abs(mean - want[layer - 1]) <= 5.0 * math.sqrt(2.0) * error + 5e-3 * mean


@pytest.mark.slow
def test_attention_of_real_tokens_is_an_autoregression() -> None:
    """Chapter, T = 1500, M = diag(.45, -.3): .4513, .3081; singular 1.0139, .4698, .3158."""
    T, W = 1000, np.diag([0.45, -0.3])
    A = attention_of_scores(token_scores(W, T, stream("RMT-4a"), 0, 1))[0]
    claimed = qk.evaluate("RMT-4a", W_QK=W, count=3)
    eigenvalues = np.sort(np.abs(np.linalg.eigvals(A)))[::-1][:3]
    singular = np.linalg.svd(A, compute_uv=False)[:3]
    # A single draw at T = 1000: the chapter's errors are 3 %, tokens fluctuate by T^(-1/2) = 3 %.
    assert eigenvalues == pytest.approx(claimed["attention_eigenvalue_moduli"], rel=0.15)
    assert singular == pytest.approx(claimed["attention_singular_values"], rel=0.15)
    # Independent scores of the same variance would leave |lambda_2| near 0.015.
    independent = qk.evaluate("RMT-2", T=T, s2=0.45**2 + 0.3**2)["lambda2_modulus"]
    assert eigenvalues[1] > 20.0 * independent


@pytest.mark.slow
def test_second_singular_value_of_proportional_tokens() -> None:
    """Chapter, T = 600, s2 = .25, delta = .25: edge 2.295, ratio 8.26, |lambda_2| 1.168."""
    T, d = 600, 150
    W = stream("RMT-4b W").normals(0, 3, d * d).reshape(3, d, d) * (0.5 / d)
    A = attention_of_scores(token_scores(W, T, stream("RMT-4b"), 0, 3))
    claimed = qk.evaluate("RMT-4b", s2=0.25, d_over_T=0.25, ensemble="ginibre")
    edge = float(np.mean(singular_values(A)[:, 1])) * math.sqrt(T)
    assert edge == pytest.approx(claimed["edge"], rel=0.08)
    assert edge == pytest.approx(2.295, rel=0.04)
    assert float(np.mean(moduli(A)[:, 1])) * math.sqrt(T) == pytest.approx(1.168, rel=0.05)
    # The law of independent scores, 2c = 1.0659, is off by a factor of two.
    assert edge > 2.0 * 1.0659


def test_self_weights_of_the_chapter() -> None:
    """T = 600, s2 = .5, W = I: .3010, .8274, .9857; measured .3057, .8256, .9858."""
    for d, theory, measured in ((64, 0.3010, 0.3057), (144, 0.8274, 0.8256), (256, 0.9857, 0.9858)):
        found = qk.evaluate("RMT-4e", T=600, d=d, s2=0.5)["mean_self_weight_sigmoid"]
        assert found == pytest.approx(theory, abs=5e-5)
        assert found == pytest.approx(measured, rel=0.02)


def test_gradients_are_the_same_at_every_layer() -> None:
    """Each layer alone, T = 3, d = 4, L = 3: pathwise RMT-7b averages to RMT-7a."""
    p: dict[str, Any] = {"T": 3, "d": 4, "s2": LOG2, "L": 3, "sigma_V": 1.2}
    n, T, d = 20_000, 3, 4
    A = [iid_attention(T, LOG2, stream(f"RMT-7 A{k}"), 0, n) for k in range(3)]
    W = [
        stream(f"RMT-7 W{k}").normals(0, n, d * d).reshape(n, d, d) * (1.2 / math.sqrt(d))
        for k in range(3)
    ]
    claimed = qk.evaluate("RMT-7a", **p)
    for name, factors in (
        ("mean_gradient_norm_squared", A),
        ("mean_gradient_norm_squared_perp", [without_mean(a) for a in A]),
    ):
        X = factors[2] @ factors[1] @ factors[0] @ np.eye(T, d)
        one = np.broadcast_to(np.eye(d), (n, d, d))
        left, right = [one, W[0], W[0] @ W[1]], [W[1] @ W[2], W[2], one]
        for before, after in zip(left, right, strict=True):
            found = np.sum((X @ before) ** 2, axis=(1, 2)) * np.sum(after**2, axis=(1, 2))
            assert within(found, claimed[name])
            assert not within(found, 1.15 * claimed[name])


# --- the same number by two claims ----------------------------------------------------------------


def test_links_between_claims() -> None:
    for T, s2 in ((20, LOG2), (10**12, 1.0), (7, 30.0)):
        c2_t = qk.evaluate("RMT-1", T=T, s2=s2)["c2_t"]
        exact = T * float(mean_participation(T, math.sqrt(s2))) - 1.0
        assert c2_t == pytest.approx(exact, rel=1e-9)
        assert qk.evaluate("RMT-5", T=T, s2=s2, L=1)["mean_product_norm_squared_perp"] == (
            pytest.approx(c2_t, rel=1e-13)
        )
        assert qk.evaluate("RMT-6a", T=T, d=T, s2=s2, layer=1)["sr_x_minus_1"] == pytest.approx(
            c2_t, rel=1e-13
        )
    # Finite depth of RMT-8c is RMT-8a at gain sigma_V^2/L and many tokens.
    final = qk.evaluate("RMT-8c", cosine_0=0.3, sigma_V=1.3, L=6)["cosine_final"]
    layered = qk.evaluate("RMT-8a", T=10**15, cosine_0=0.3, gain=1.3**2 / 6, layers=[6])
    assert layered["cosine_infinite_t"][0] == pytest.approx(final, rel=1e-13)
    assert layered["cosine"][0] == pytest.approx(final, rel=1e-12)
    # The norm of RMT-4a is that of its singular values; RMT-4c is RMT-4a for W of rank one.
    W = np.array([[0.4, 0.2], [-0.1, 0.3]])
    four = qk.evaluate("RMT-4a", W_QK=W, count=400)
    squares = math.fsum(np.square(four["attention_singular_values"]))
    assert four["attention_frobenius_squared"] == pytest.approx(squares, rel=1e-12)
    total = four["spectrum_sum"]
    eigenvalues = np.linalg.eigvals(W)
    assert total == pytest.approx(float(np.prod(1.0 / (1.0 - eigenvalues)).real), rel=1e-13)
    spike = qk.evaluate("RMT-4c", theta=0.6, alignment=0.0, s2=0.0, T=9, d=9, count=2)
    plane = qk.evaluate("RMT-4a", W_QK=[[0.0, 0.6], [0.0, 0.0]], count=3)
    assert spike["attention_singular_values"] == pytest.approx(
        plane["attention_singular_values"], rel=1e-13
    )


def test_query_gradient_claims_agree() -> None:
    """The mean of RMT-9a over random maps is RMT-9c; over tokens its covariance is RMT-9b."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(5, 3))
    found = [
        qk.evaluate(
            "RMT-9a",
            X=X,
            W_V=rng.normal(size=(3, 2)) / math.sqrt(3),
            W_K=rng.normal(size=(3, 4)) / math.sqrt(3),
        )["gradient_w_q_squared"]
        for _ in range(1500)
    ]
    assert within(np.array(found), qk.evaluate("RMT-9c", X=X, d_v=2)["mean_gradient_w_q_squared"])
    # Equal tokens give exactly nothing, at any size of the common token.
    assert (covariance(np.full((4, 3), 1e30)) == 0.0).all()
    close = 1.0 + 1e-9 * rng.normal(size=(6, 3))
    spread = close - close[0]
    want = np.cov(spread.T, bias=True)
    assert covariance(close) == pytest.approx(want, rel=1e-9, abs=1e-30)


# --- extremes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "value", "want"),
    [
        ("RMT-1", {"T": 10**12, "s2": 1e-14}, "c2_t", 1e-14 * (1 - 1e-12)),
        ("RMT-2", {"T": 1, "s2": 2.0}, "largest_singular_squared", 1.0),
        ("RMT-2", {"T": 10**12, "s2": 0.0}, "second_singular_edge", 0.0),
        ("RMT-3", {"T": 2, "s2": 0.0}, "mean_participation_limit", 0.0),
        ("RMT-4b", {"s2": 0.0, "d_over_T": 1.0, "ensemble": "equal"}, "edge", 0.0),
        ("RMT-4e", {"T": 10**12, "d": 10**12, "s2": 1.0}, "mean_self_weight_sigmoid", 1.0),
        ("RMT-5", {"T": 10**12, "s2": 1e-6, "L": 2}, "mean_product_norm_squared", 1.0),
        ("RMT-5", {"T": 40, "s2": 1.0, "L": 0}, "mean_product_norm_squared", 40.0),
        ("RMT-5", {"T": 3, "s2": 1e12, "L": 1}, "mean_product_norm_squared_perp", 2.0),
        ("RMT-6a", {"T": 10**12, "d": 10**12, "s2": 1e-6, "layer": 1}, "sr_x_minus_1", 1e-6),
        ("RMT-6b", {"T": 1, "d": 10**12, "layer": 1}, "y_star", 1.0),
        ("RMT-8d", {"cosine": [-1.0]}, "kernel", [0.0]),
        ("RMT-9b", {"T": 10**12, "d": 10**12, "cosine": 1.0}, "mean_covariance_norm_squared", 0.0),
    ],
)
def test_extreme_parameters(name: str, parameters: dict[str, Any], value: str, want: Any) -> None:
    assert qk.evaluate(name, **parameters)[value] == pytest.approx(want, rel=2e-6, abs=1e-300)


def test_collapse_of_uniform_attention_keeps_its_digits() -> None:
    """60 layers of gain 1: 1 - cosine is 2e-18; T = 2 tokens of opposite directions stay so."""
    found = qk.evaluate("RMT-8a", T=10**12, cosine_0=0.3, gain=1.0, layers=[1, 60])
    assert found["one_minus_cosine"][1] == pytest.approx(0.7 / (0.3 * 2.0**60), rel=1e-9, abs=0)
    opposite = qk.evaluate("RMT-8a", T=2, cosine_0=-1.0, gain=2.0, layers=[5, 900])
    assert opposite["cosine"] == [-1.0, -1.0]
    assert opposite["norm_squared_ratio"] == [1.0, 1.0]
