"""Token laws: second moments, addressing, shapes, tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from qktheory.kernels.streams import Stream
from qktheory.tokens.law import TOKEN_LAWS, TokenLaw, token_law

MeanIs = Callable[[ArrayLike, float], bool]
SIGMA = [[2.0, 1.0], [1.0, 3.0]]
SINGULAR = [[1.0, 2.0], [2.0, 4.0]]
X = [[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]

TABLES: list[dict[str, object]] = [
    {"law": "iid", "covariance": 1.0},
    {"law": "iid", "covariance": SIGMA},
    {"law": "iid", "covariance": SINGULAR},
    {"law": "random_walk", "covariance": [0.5, 2.0]},
    {"law": "random_walk", "covariance": SIGMA},
    {"law": "equicorrelated", "cosine": 0.6, "covariance": SIGMA},
    {"law": "equicorrelated", "cosine": -0.5, "covariance": 1.0},
    {"law": "ar1", "phi": -0.7, "covariance": SIGMA},
    {"law": "ar1", "phi": 1.0, "covariance": 1.0},
    {"law": "sphere", "covariance": 2.0},
    {"law": "fixed", "X": X},
]
#: Those with Cov(x_s, x_t) = K_st Sigma for a free Sigma of width 2.
WITH_COVARIANCE = TABLES[:-1]


def label(table: object) -> str:
    return str(table["law"]) if isinstance(table, dict) else ""


def token_correlation(table: dict[str, object], T: int) -> NDArray[np.float64]:
    """K with Cov(x_s, x_t) = K_st Sigma, from the definition of each law."""
    s, t = np.arange(T)[:, None], np.arange(T)[None, :]
    match table["law"]:
        case "random_walk":
            return np.minimum(s, t) + 1.0
        case "equicorrelated":
            return np.where(s == t, 1.0, table["cosine"])
        case "ar1":
            return np.asarray(float(table["phi"]) ** np.abs(s - t))
        case _:
            return np.eye(T)


def test_the_catalogue_is_complete() -> None:
    names = ["ar1", "equicorrelated", "fixed", "iid", "random_walk", "simplex", "sphere"]
    assert sorted(TOKEN_LAWS) == names


@pytest.mark.parametrize("table", WITH_COVARIANCE, ids=label)
def test_second_moments_are_those_of_the_law(
    table: dict[str, object], stream: Stream, mean_is: MeanIs
) -> None:
    """All 36 entries of the covariance of (x_1, x_2, x_3); false-alarm rate 36 * 2e-9 a law."""
    x = token_law(table).draw(stream, 0, 20_000, 3, 2).reshape(-1, 6)
    given = np.asarray(table["covariance"], dtype=float)
    sigma = given if given.ndim == 2 else given * np.eye(2)
    expected = np.kron(token_correlation(table, 3), sigma)
    for i in range(6):
        assert mean_is(x[:, i], 0.0)
        for j in range(i + 1):
            products = x[:, i] * x[:, j]
            assert mean_is(products, expected[i, j])
            if abs(expected[i, j]) > 0.3 and i == j:
                assert not mean_is(products, 1.1 * expected[i, j])


def test_walks_are_walks_and_not_independent_tokens(stream: Stream, mean_is: MeanIs) -> None:
    """The wrong twin of the walk, iid tokens of the same marginal variances, is refused."""
    walk = token_law({"law": "random_walk"}).draw(stream, 0, 20_000, 4, 1)
    iid = token_law({}).draw(stream, 0, 20_000, 4, 1) * np.sqrt(np.arange(1, 5))[:, None]
    assert mean_is(walk[:, 1, 0] * walk[:, 3, 0], 2.0)
    assert not mean_is(iid[:, 1, 0] * iid[:, 3, 0], 2.0)


def test_ar1_at_its_ends(stream: Stream) -> None:
    z = token_law({}).draw(stream, 0, 2, 5, 3)
    np.testing.assert_array_equal(token_law({"law": "ar1", "phi": 0.0}).draw(stream, 0, 2, 5, 3), z)
    one = token_law({"law": "ar1", "phi": 1.0}).draw(stream, 0, 2, 5, 3)
    np.testing.assert_array_equal(one, np.broadcast_to(z[:, :1], one.shape))
    alternating = token_law({"law": "ar1", "phi": -1.0}).draw(stream, 0, 2, 5, 3)
    np.testing.assert_array_equal(alternating[:, 1], -z[:, 0])


def test_the_most_negative_cosine_makes_tokens_sum_to_zero(stream: Stream) -> None:
    law = token_law({"law": "equicorrelated", "cosine": -1 / 6})
    assert np.abs(law.draw(stream, 0, 3, 7, 4).sum(axis=1)).max() < 1e-13
    with pytest.raises(ValueError, match=r"tokens.cosine = -0.16666.*>= -1/\(T - 1\) = -0.142857"):
        law.draw(stream, 0, 1, 8, 4)


def test_sphere_tokens_have_exactly_their_radius(stream: Stream, mean_is: MeanIs) -> None:
    """|x|^2 = 2 d, and E (x . e)^4 = 3 d/(d + 2) (2)^2 (SPEC-13), not the Gaussian 3 (2)^2."""
    x = token_law({"law": "sphere", "covariance": 2.0}).draw(stream, 0, 5000, 4, 5)
    np.testing.assert_allclose((x**2).sum(axis=-1), 10.0, rtol=1e-14)
    fourth = (x[..., 0] ** 4).mean(axis=1)
    assert mean_is(fourth, 12.0 * 5 / 7)
    assert not mean_is(fourth, 12.0)


@pytest.mark.parametrize(
    ("cosine", "T", "d"),
    [
        (0.3, 5, 5),
        (0.0, 4, 9),
        (-0.25, 5, 4),
        (-0.2, 5, 7),
        (1.0, 6, 1),
        (0.5, 1, 3),
        (0.999, 9, 9),
    ],
)
def test_simplex_tokens_have_exactly_their_gram_matrix(
    cosine: float, T: int, d: int, stream: Stream
) -> None:
    x = token_law({"law": "simplex", "cosine": cosine}).draw(stream, 0, 20, T, d)
    gram = d * ((1.0 - cosine) * np.eye(T) + cosine)
    np.testing.assert_allclose(
        np.matmul(x, x.transpose(0, 2, 1)), np.broadcast_to(gram, (20, T, T)), atol=1e-13 * d
    )


def test_simplex_tokens_point_anywhere(stream: Stream, mean_is: MeanIs) -> None:
    """Haar orientation: every token is uniform on its sphere (E x_1^4 = 3 d/(d + 2) at |x|^2 = d),
    and entries of two tokens are as correlated as the tokens; QR without the sign fix fails."""
    x = token_law({"law": "simplex", "cosine": 0.4}).draw(stream, 0, 20_000, 3, 4)
    for t in range(3):
        for k in (0, 3):
            assert mean_is(x[:, t, k], 0.0)
            assert mean_is(x[:, t, k] ** 2, 1.0)
            assert mean_is(x[:, t, k] ** 4, 3.0 * 4.0 / 6.0)
            assert mean_is(x[:, t, k] * x[:, (t + 1) % 3, k], 0.4)
    assert mean_is(x[:, 0, 0] * x[:, 1, 1], 0.0)
    # LAPACK's Householder signs make every diagonal entry of Q negative.
    frames = np.linalg.qr(stream.normals(0, 20_000, 16).reshape(-1, 4, 4))[0]
    assert not mean_is(frames[:, 0, 0], 0.0)


@pytest.mark.parametrize(
    ("cosine", "T", "d", "message"),
    [
        (0.3, 5, 4, "T = 5: expected tokens whose Gram matrix has rank <= d = 4, not 5"),
        (-0.25, 5, 3, "has rank <= d = 3, not 4"),
        (-0.3, 5, 9, r"tokens.cosine = -0.3: expected a number >= -1/\(T - 1\) = -0.25"),
    ],
)
def test_a_simplex_needs_room(cosine: float, T: int, d: int, message: str, stream: Stream) -> None:
    with pytest.raises(ValueError, match=message):
        token_law({"law": "simplex", "cosine": cosine}).draw(stream, 0, 1, T, d)


def test_fixed_tokens_are_the_same_in_every_sample(stream: Stream, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    law = token_law({"law": "fixed", "X": "@x.npy"}, base=tmp_path)
    x = law.draw(stream, 7, 4, 3, 2)
    assert x.shape == (4, 3, 2)
    np.testing.assert_array_equal(x, np.broadcast_to(X, (4, 3, 2)))
    assert token_law(law.to_dict()) == law
    with pytest.raises(ValueError, match=r"shape \(T, d\) = \(2, 2\)"):
        law.draw(stream, 0, 1, 2, 2)


@pytest.mark.parametrize("table", TABLES, ids=label)
def test_samples_are_bit_for_bit_functions_of_their_number(
    table: dict[str, object], stream: Stream
) -> None:
    law = token_law(table)
    whole = law.draw(stream, 3, 9, 3, 2)
    parts = [
        law.draw(stream, 3, 1, 3, 2),
        law.draw(stream, 4, 5, 3, 2),
        law.draw(stream, 9, 3, 3, 2),
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert law.draw(stream, 0, 0, 3, 2).shape == (0, 3, 2)
    if law.name != "fixed":
        assert not np.allclose(law.draw(stream.child(cell=55), 3, 9, 3, 2), whole)
        assert np.unique(whole[:, 1, 0]).size == 9


@pytest.mark.parametrize("table", [t for t in TABLES[:-1] if t.get("covariance") == 1.0], ids=label)
@pytest.mark.parametrize(("T", "d"), [(1, 1), (37, 1), (1, 19), (129, 33)])
def test_addressing_holds_for_all_shapes(
    table: dict[str, object], T: int, d: int, stream: Stream
) -> None:
    table = {**table, "cosine": 0.5} if "cosine" in table else table
    law = token_law(table)
    whole = law.draw(stream, 0, 5, T, d)
    assert whole.shape == (5, T, d)
    for k in range(5):
        np.testing.assert_array_equal(law.draw(stream, k, 1, T, d)[0], whole[k])


def test_addressing_holds_for_matrix_covariances(stream: Stream) -> None:
    half = np.random.default_rng(1).normal(size=(33, 33))
    law = token_law({"law": "random_walk", "covariance": half @ half.T})
    for T in (1, 2, 129):
        whole = law.draw(stream, 0, 5, T, 33)
        for k in range(5):
            np.testing.assert_array_equal(law.draw(stream, k, 1, T, 33)[0], whole[k])


@pytest.mark.parametrize("table", TABLES, ids=label)
def test_laws_survive_their_dictionary(table: dict[str, object]) -> None:
    law = token_law(table)
    assert isinstance(law, TokenLaw)
    assert token_law(law.to_dict()) == law
    assert hash(token_law(law.to_dict())) == hash(law)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"law": "random_wlak"}, "unknown token law 'random_wlak'; did you mean 'random_walk'"),
        ({"law": "iid", "covarience": 1.0}, "did you mean 'covariance'"),
        ({"law": "iid", "covariance": -1.0}, "tokens.covariance has the negative number"),
        ({"law": "iid", "covariance": [[1.0, 2.0], [2.0, 1.0]]}, "negative eigenvalue"),
        ({"law": "fixed"}, "tokens.X is missing"),
        ({"law": "fixed", "X": [1.0]}, "tokens.X is an array of shape"),
        ({"law": "equicorrelated"}, "tokens.cosine is missing"),
        ({"law": "equicorrelated", "cosine": 1.5}, "tokens.cosine = 1.5"),
        ({"law": "simplex", "cosine": -1.1}, "tokens.cosine = -1.1"),
        ({"law": "ar1", "phi": math.nan}, "tokens.phi = nan"),
        ({"law": "sphere", "covariance": [1.0, 1.0]}, "tokens.covariance"),
    ],
)
def test_bad_tables_are_refused_by_name(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        token_law(table)


def test_sizes_are_checked(stream: Stream) -> None:
    law = token_law({"law": "iid", "covariance": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match=r"tokens.covariance.*size d = 2"):
        law.draw(stream, 0, 1, 4, 2)
    for arguments, message in [
        ((0, 1, 0, 3), "T = 0"),
        ((0, 1, 4, 0), "d = 0"),
        ((-1, 1, 4, 3), "first_sample = -1"),
        ((0, -1, 4, 3), "n = -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            law.draw(stream, *arguments)
