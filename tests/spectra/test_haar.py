"""Haar matrices by both routes: orthogonality, the moments of SPEC-2, and the wrong twins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike

from qktheory.kernels.streams import Stream
from qktheory.spectra.haar import HaarProduct, haar_frame, haar_orthogonal

MeanIs = Callable[[ArrayLike, float], bool]
SAMPLES = 12_000


def product(d: int, stream: Stream, sample: int) -> np.ndarray:
    return HaarProduct(d, stream, sample).to_array()


ROUTES = {"qr": haar_orthogonal, "reflections": product}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("d", [1, 2, 3, 17, 96])
def test_orthogonal_to_rounding(route: str, d: int, stream: Stream) -> None:
    O = ROUTES[route](d, stream, 0)
    assert np.abs(O.T @ O - np.eye(d)).max() < 1e-14
    assert np.abs(O @ O.T - np.eye(d)).max() < 1e-14


def test_frames_are_the_first_columns(stream: Stream) -> None:
    V = haar_frame(40, 7, stream)
    assert np.abs(V.T @ V - np.eye(7)).max() < 1e-14


@pytest.mark.parametrize("route", ROUTES)
def test_fourth_moments_are_those_of_the_haar_measure(
    route: str, stream: Stream, mean_is: MeanIs
) -> None:
    """SPEC-2 at d = 3: 1/5, 1/15, 2/15, -1/30; each with false-alarm rate 2e-9."""
    O = np.array([ROUTES[route](3, stream, k) for k in range(SAMPLES)])
    assert mean_is(O[:, 0, 0] ** 4, 0.2)
    assert mean_is(O[:, 0, 0] ** 2 * O[:, 0, 1] ** 2, 1 / 15)
    assert mean_is(O[:, 1, 1] ** 2 * O[:, 2, 2] ** 2, 2 / 15)
    assert mean_is(O[:, 0, 0] * O[:, 0, 1] * O[:, 1, 0] * O[:, 1, 1], -1 / 30)
    for i in range(3):
        for j in range(3):
            assert mean_is(O[:, i, j], 0.0)
    assert mean_is(np.linalg.det(O), 0.0)
    # The last random sign: without it the determinant depends on the first entry.
    assert mean_is(np.linalg.det(O) * O[:, 0, 0], 0.0)
    assert mean_is([ROUTES[route](1, stream, k)[0, 0] for k in range(2000)], 0.0)
    # Wrong twins: constants off by 10 % and more are refused at this number of samples.
    assert not mean_is(O[:, 0, 0] ** 4, 0.22)
    assert not mean_is(O[:, 0, 0] ** 2 * O[:, 0, 1] ** 2, 1 / 13.5)


def test_without_the_sign_fix_the_first_entry_has_mean_minus_one_half(
    stream: Stream, mean_is: MeanIs
) -> None:
    """The pitfall of SPEC-1: LAPACK's Q at d = 3 has E Q_11 = -1/2 and fails the test above."""
    normals = stream.normals(0, SAMPLES, 9).reshape(SAMPLES, 3, 3)
    corner = np.array([np.linalg.qr(z)[0][0, 0] for z in normals])
    assert mean_is(corner, -0.5)
    assert not mean_is(corner, 0.0)


def test_one_reflection_too_few_is_not_haar(stream: Stream, mean_is: MeanIs) -> None:
    """Without the smallest reflection and the random sign O_33 is the product of two cosines."""
    corner = []
    for k in range(SAMPLES):
        O = HaarProduct(3, stream, k)
        block = np.eye(3)
        O._reflect(3, block)
        corner.append(block[2, 2] ** 4)
    assert not mean_is(corner, 0.2)


@pytest.mark.parametrize("d", [1, 2, 5, 64])
def test_reflections_act_as_the_matrix_and_its_transpose(d: int, stream: Stream) -> None:
    O = HaarProduct(d, stream)
    dense = O.to_array()
    y = np.random.default_rng(0).normal(size=(d, 3))
    np.testing.assert_allclose(O.apply(y), dense @ y, atol=1e-13)
    np.testing.assert_allclose(O.apply_transpose(y), dense.T @ y, atol=1e-13)
    np.testing.assert_allclose(O.apply(y[:, 0]), dense @ y[:, 0], atol=1e-13)
    assert O.apply(y[:, 0]).shape == (d,)
    np.testing.assert_allclose(O.apply_transpose(O.apply(y)), y, atol=1e-13)


@pytest.mark.parametrize("route", ROUTES)
def test_a_matrix_is_a_function_of_its_address(route: str, stream: Stream) -> None:
    first = ROUTES[route](5, stream, 3)
    np.testing.assert_array_equal(first, ROUTES[route](5, stream, 3))
    assert not np.allclose(first, ROUTES[route](5, stream, 4))
    assert not np.allclose(first, ROUTES[route](5, stream.child(cell=2), 3))


def test_bad_sizes_are_refused(stream: Stream) -> None:
    with pytest.raises(ValueError, match="d = 0"):
        haar_orthogonal(0, stream)
    with pytest.raises(ValueError, match="k = 4"):
        haar_frame(3, 4, stream)
    with pytest.raises(ValueError, match=r"shape \(3,\) or \(3, m\)"):
        HaarProduct(3, stream).apply(np.zeros(4))
