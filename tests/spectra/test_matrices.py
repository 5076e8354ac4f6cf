"""Models of W: exact invariants (SPEC-3..7, SPEC-10), laws of the random parts, refusals."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from qktheory.kernels.streams import Stream
from qktheory.spectra.matrix_model import MATRIX_MODELS, matrix_model
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification

MeanIs = Callable[[ArrayLike, float], bool]
SQUARE = [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]]

# Every model at d = 12 with the spectrum it takes.
MODELS: list[tuple[dict[str, object], dict[str, object] | None]] = [
    ({"model": "symmetric"}, {"law": "semicircle", "xi": 1.0, "eta": 2.0}),
    (
        {"model": "normal", "complex_pairs": [[0.3, 1.1], [-0.7, 0.4]]},
        {"law": "uniform", "xi": 1.0, "eta": 2.0},
    ),
    (
        {"model": "schur", "complex_pairs": [[0.3, 1.1]], "departure": 2.5},
        {"law": "uniform", "xi": 1.0, "eta": 2.0},
    ),
    ({"model": "factored", "d_k": 5}, {"law": "two_point", "xi": 1.0, "eta": 2.0}),
    ({"model": "singular_values"}, {"law": "uniform", "half_width": 1.0, "mean": 1.5}),
    ({"model": "gaussian_factors", "d_k": 3, "scale": 1.5}, None),
    ({"model": "gaussian_factors", "d_k": 20, "scale": 1.0}, None),
    ({"model": "ginibre", "scale": 1.5}, None),
    ({"model": "goe", "scale": 0.7}, None),
]
TARGETED = [entry for entry in MODELS if entry[1] and "xi" in entry[1]]


def build(
    table: dict[str, object], spectrum: dict[str, object] | None, stream: Stream, sample: int = 0
) -> QKMatrix:
    law = None if spectrum is None else SpectrumSpecification.from_dict(spectrum)
    return matrix_model(table).build(12, law, stream, sample)


def name(value: object) -> str:
    return str(value["model"]) if isinstance(value, dict) and "model" in value else ""


def test_the_catalogue_is_complete() -> None:
    assert sorted(MATRIX_MODELS) == [
        "data",
        "factored",
        "gaussian_factors",
        "ginibre",
        "goe",
        "normal",
        "schur",
        "singular_values",
        "symmetric",
    ]


@pytest.mark.parametrize(("table", "spectrum"), TARGETED, ids=name)
@pytest.mark.parametrize("draw", ["quantiles", "random"])
def test_targets_are_traces_of_w_itself(
    table: dict[str, object], spectrum: dict[str, object], draw: str, stream: Stream
) -> None:
    for sample in range(5):
        W = build(table, {**spectrum, "draw": draw}, stream, sample)
        for xi, eta in [(W.xi, W.eta), (np.trace(W.W), np.trace(W.W @ W.W))]:
            assert math.isclose(xi, 1.0, rel_tol=1e-13)
            assert math.isclose(eta, 2.0, rel_tol=1e-13)


@pytest.mark.parametrize(("table", "spectrum"), TARGETED, ids=name)
def test_mean_and_variance_are_those_of_all_d_eigenvalues(
    table: dict[str, object], spectrum: dict[str, object], stream: Stream
) -> None:
    targets = {"law": spectrum["law"], "mean": 0.2, "variance": 0.5}
    W = build(table, targets, stream)
    assert math.isclose(W.xi / 12, 0.2, rel_tol=1e-13)
    assert math.isclose(W.eta / 12 - 0.2**2, 0.5, rel_tol=1e-13)
    assert W.eigenvalues is not None
    assert W.eigenvalues.shape == (12,)
    assert math.isclose(W.eigenvalues.mean().real, 0.2, rel_tol=1e-13)


@pytest.mark.parametrize(("table", "spectrum"), MODELS, ids=name)
def test_everything_known_about_w_agrees_with_w(
    table: dict[str, object], spectrum: dict[str, object] | None, stream: Stream
) -> None:
    W = build(table, spectrum, stream)
    dense = W.W
    x = np.random.default_rng(0).normal(size=(4, 12))
    assert dense.shape == (12, 12)
    np.testing.assert_allclose(W.apply(x), x @ dense, atol=1e-12)
    np.testing.assert_allclose(W.apply_transpose(x), x @ dense.T, atol=1e-12)
    traces = [np.trace(dense), np.trace(dense @ dense), np.trace(dense @ dense.T)]
    np.testing.assert_allclose([W.xi, W.eta, W.eta_F], traces, rtol=1e-12, atol=1e-13)
    assert W.symmetric == bool(np.array_equal(dense, dense.T))
    if W.W_Q is not None and W.W_K is not None:
        np.testing.assert_allclose(W.W_Q @ W.W_K.T, dense, atol=1e-14)
    if W.eigenvalues is not None:
        power = np.trace(np.linalg.matrix_power(dense, 3))
        assert math.isclose(np.sum(W.eigenvalues**3).real, power, rel_tol=1e-11)
    if W.core is not None and W.core.ndim == 2:
        np.testing.assert_allclose(
            np.linalg.svd(W.core, compute_uv=False),
            np.linalg.svd(dense, compute_uv=False),
            rtol=1e-12,
        )
    with pytest.raises(ValueError, match="read-only"):
        dense[0, 0] = 1.0


@pytest.mark.parametrize(("table", "spectrum"), MODELS, ids=name)
def test_w_is_a_function_of_stream_and_sample_and_can_be_pickled(
    table: dict[str, object], spectrum: dict[str, object] | None, stream: Stream
) -> None:
    W = build(table, spectrum, stream, 3)
    copy = pickle.loads(pickle.dumps(W))
    np.testing.assert_array_equal(copy.W, build(table, spectrum, stream, 3).W)
    assert not np.allclose(W.W, build(table, spectrum, stream, 4).W)
    assert not np.allclose(W.W, build(table, spectrum, stream.child(cell=77), 3).W)
    assert not np.allclose(W.W, build(table, spectrum, stream.child(experiment=77), 3).W)


@pytest.mark.parametrize(("table", "spectrum"), MODELS, ids=name)
def test_models_survive_their_dictionary(
    table: dict[str, object], spectrum: dict[str, object] | None
) -> None:
    model = matrix_model(table)
    assert matrix_model(model.to_dict()) == model
    expected = (
        0 if spectrum is None else {"normal": 8, "schur": 10, "factored": 5}.get(name(table), 12)
    )
    assert model.number_of_eigenvalues(12) == expected
    assert model.needs_spectrum == (spectrum is not None)


def test_symmetric_second_moments_are_those_of_spec_2(stream: Stream, mean_is: MeanIs) -> None:
    """d = 4, xi = 1, F = eta = 2: c_0 = (5 - 4)/72, c_1 = c_2 = (5*2 - 1 - 2)/72."""
    spectrum = SpectrumSpecification.from_dict({"law": "uniform", "xi": 1.0, "eta": 2.0})
    W = np.array([matrix_model({}).build(4, spectrum, stream, k).W for k in range(4000)])
    above = W[:, *np.triu_indices(4, 1)]
    assert mean_is(W[:, 0, 0], 0.25)
    assert mean_is((above**2).mean(axis=1), 7 / 72)
    assert mean_is(W[:, 0, 0] * W[:, 1, 1], 1 / 72)
    assert mean_is(W[:, 2, 2] ** 2, 15 / 72)
    assert not mean_is((above**2).mean(axis=1), 1.1 * 7 / 72)


def test_non_symmetric_second_moments_are_those_of_spec_2(stream: Stream, mean_is: MeanIs) -> None:
    """The reference (d, xi, F, eta) = (4, 1, 5, 2) of SPEC-2."""
    spectrum = SpectrumSpecification.from_dict({"law": "uniform", "xi": 1.0, "eta": 2.0})
    model = matrix_model({"model": "schur", "departure": 3.0**0.5})
    W = np.array([model.build(4, spectrum, stream, k).W for k in range(4000)])
    off_diagonal = np.sum(W**2, axis=(1, 2)) - np.sum(np.diagonal(W, 0, 1, 2) ** 2, axis=1)
    np.testing.assert_allclose((W**2).sum(axis=(1, 2)), 5.0, rtol=1e-12)
    assert mean_is(off_diagonal / 12, 0.3055555555555556)
    assert mean_is(W[:, 0, 1] * W[:, 1, 0], 0.05555555555555555)
    assert mean_is(W[:, 0, 0] * W[:, 1, 1], -0.027777777777777776)
    assert not mean_is(off_diagonal / 12, 1.1 * 0.3055555555555556)


@pytest.mark.parametrize(
    ("real", "pairs", "departure", "xi", "eta", "eta_F"),
    [
        ([0.5, -1.0, 2.0, 0.1], [[0.3, 1.1], [-0.7, 0.4], [0.2, 2.0]], 5.0, 1.2, -4.24, 42.24),
        ([0.0, 0.0, 0.0], [], 2.0, 0.0, 0.0, 4.0),
    ],
)
def test_schur_invariants_are_those_of_spec_4a(
    real: list[float],
    pairs: list,
    departure: float,
    xi: float,
    eta: float,
    eta_F: float,
    stream: Stream,
) -> None:
    spectrum = SpectrumSpecification.from_dict({"law": "list", "eigenvalues": real})
    model = matrix_model({"model": "schur", "complex_pairs": pairs, "departure": departure})
    W = model.build(len(real) + 2 * len(pairs), spectrum, stream)
    dense = W.W
    expected = [xi, eta, eta_F]
    np.testing.assert_allclose([W.xi, W.eta, W.eta_F], expected, rtol=1e-14, atol=1e-15)
    measured = [np.trace(dense), np.trace(dense @ dense), np.sum(dense**2)]
    np.testing.assert_allclose(measured, expected, rtol=1e-12, atol=1e-13)
    # Departure from normality of SPEC-4: ||W||_F^2 - sum |lambda|^2 = h^2.
    assert W.eigenvalues is not None
    assert math.isclose(
        np.sum(dense**2) - np.sum(abs(W.eigenvalues) ** 2), departure**2, rel_tol=1e-12
    )


def test_schur_keeps_its_noise_off_the_blocks_and_shuffles_them(stream: Stream) -> None:
    spectrum = SpectrumSpecification.from_dict({"law": "list", "eigenvalues": [1.0, 2.0]})
    model = matrix_model({"model": "schur", "complex_pairs": [[5.0, 7.0]], "departure": 1.0})
    places = set()
    cores = [np.asarray(model.build(4, spectrum, stream, k).core) for k in range(60)]
    for core in cores:
        (start,) = np.flatnonzero(np.diagonal(core, 1) == 7.0)
        places.add((int(start), float(core.diagonal()[np.diagonal(core) < 5.0][0])))
        np.testing.assert_array_equal(core[start : start + 2, start : start + 2], [[5, 7], [-7, 5]])
        np.testing.assert_allclose(sorted(np.linalg.eigvals(core).real), [1, 2, 5, 5], rtol=1e-12)
    # Shuffling moves the entries of N about; its largest one still differs between samples.
    largest = [np.sort(np.abs(np.triu(core, 1)).ravel())[-2] for core in cores]
    assert np.unique(largest).size == 60
    assert places == {(start, first) for start in range(3) for first in (1.0, 2.0)}


def test_normal_matrices_commute_with_their_transpose(stream: Stream) -> None:
    W = build(*MODELS[1], stream).W
    assert np.abs(W @ W.T - W.T @ W).max() < 1e-13
    schur = build(*MODELS[2], stream).W
    assert np.abs(schur @ schur.T - schur.T @ schur).max() > 0.1


def test_singular_values_are_prescribed_and_traces_have_the_law_of_spec_5(
    stream: Stream, mean_is: MeanIs
) -> None:
    """Reference of SPEC-5: eta_F = 14.3, E xi = 0, Var xi = E eta = 2.38333."""
    values = [3.0, 2.0, 1.0, 0.5, 0.2, 0.1]
    spectrum = SpectrumSpecification.from_dict({"law": "list", "eigenvalues": values})
    draws = [
        matrix_model({"model": "singular_values"}).build(6, spectrum, stream, k)
        for k in range(4000)
    ]
    np.testing.assert_allclose(np.linalg.svd(draws[0].W, compute_uv=False), values, rtol=1e-12)
    assert math.isclose(draws[0].eta_F, 14.3, rel_tol=1e-13)
    xi = np.array([W.xi for W in draws])
    assert mean_is(xi, 0.0)
    assert mean_is(xi**2, 2.3833333333333333)
    assert mean_is([W.eta for W in draws], 2.3833333333333333)
    assert not mean_is(xi**2, 2.3833333333333333 * 6 / 5)


def test_gaussian_factors_have_the_moments_of_spec_10(stream: Stream, mean_is: MeanIs) -> None:
    """E xi = 0, Var xi = E eta = scale^2, E eta_F = scale^2 d."""
    model = matrix_model({"model": "gaussian_factors", "d_k": 3, "scale": 2.0})
    draws = [model.build(8, None, stream, k) for k in range(6000)]
    xi = np.array([W.xi for W in draws])
    assert mean_is(xi, 0.0)
    assert mean_is(xi**2, 4.0)
    assert mean_is([W.eta for W in draws], 4.0)
    assert mean_is([W.eta_F for W in draws], 32.0)
    assert not mean_is([W.eta_F for W in draws], 35.2)


@pytest.mark.parametrize(
    ("model", "var_xi", "eta", "eta_F"),
    [("ginibre", 4.0, 4.0, 32.0), ("goe", 8.0, 36.0, 36.0)],
)
def test_ginibre_and_goe_have_the_moments_of_their_entries(
    model: str, var_xi: float, eta: float, eta_F: float, stream: Stream, mean_is: MeanIs
) -> None:
    """Scale 2, d = 8: scale^2, scale^2, scale^2 d and 2 scale^2, scale^2 (d + 1) twice."""
    made = matrix_model({"model": model, "scale": 2.0})
    draws = [made.build(8, None, stream, k) for k in range(4000)]
    xi = np.array([W.xi for W in draws])
    assert mean_is(xi, 0.0)
    assert mean_is(xi**2, var_xi)
    assert mean_is([W.eta for W in draws], eta)
    assert mean_is([W.eta_F for W in draws], eta_F)
    assert not mean_is([W.eta_F for W in draws], 1.1 * eta_F)
    assert mean_is([W.W[0, 1] ** 2 for W in draws], 4.0 / 8.0)
    assert mean_is([W.W[0, 1] * W.W[1, 0] for W in draws], 0.5 if model == "goe" else 0.0)


def test_factored_is_balanced_and_its_feasible_set_is_that_of_rank_d_k(stream: Stream) -> None:
    W = build(*MODELS[3], stream)
    assert W.W_Q is not None
    assert W.W_K is not None
    np.testing.assert_allclose(W.W_Q.T @ W.W_Q, W.W_K.T @ W.W_K, atol=1e-14)
    assert np.linalg.matrix_rank(W.W) == 5
    np.testing.assert_allclose(np.linalg.eigvalsh(W.W)[::-1], W.eigenvalues, atol=1e-14)
    with pytest.raises(
        ValueError, match=r"expected eta >= 0.2 \(7 of the 12 eigenvalues are fixed"
    ):
        build({"model": "factored", "d_k": 5}, {"law": "uniform", "xi": 1.0, "eta": 0.1}, stream)
    exact = build(
        {"model": "factored", "d_k": 5}, {"law": "uniform", "xi": 1.0, "eta": 0.2}, stream
    )
    np.testing.assert_array_equal(exact.eigenvalues, [0.2] * 5 + [0.0] * 7)


def test_a_constant_spectrum_is_exactly_a_multiple_of_the_identity(stream: Stream) -> None:
    W = build({"model": "symmetric"}, {"law": "semicircle", "mean": 0.3, "variance": 0.0}, stream)
    np.testing.assert_array_equal(W.W, 0.3 * np.eye(12))


def test_data_reads_arrays_and_files(tmp_path: Path, stream: Stream) -> None:
    """Traces of the references SPEC-7d and SPEC-6b."""
    np.save(tmp_path / "w.npy", SQUARE)
    from_file = matrix_model({"model": "data", "W": "@w.npy"}, base=tmp_path)
    W = from_file.build(3, None, stream)
    np.testing.assert_array_equal(W.W, SQUARE)
    assert (W.xi, W.eta, W.eta_F, W.symmetric) == (2.0, 6.0, 20.0, False)
    assert from_file == matrix_model({"model": "data", "W": SQUARE})
    # Written with an absolute path, so the table still works from another directory.
    assert matrix_model(from_file.to_dict()) == from_file
    W_Q, W_K = [[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]], [[1.0, 1.0], [0.0, 2.0], [3.0, 0.0]]
    factors = matrix_model({"model": "data", "W_Q": W_Q, "W_K": W_K}).build(3, None, stream)
    assert (factors.xi, factors.eta, factors.eta_F) == (3.0, -25.0, 64.0)
    np.testing.assert_array_equal(factors.W, np.array(W_Q) @ np.array(W_K).T)


@pytest.mark.parametrize(
    ("table", "spectrum", "message"),
    [
        ({"model": "symetric"}, None, "unknown matrix model 'symetric'; did you mean 'symmetric'"),
        ({"model": "symmetric"}, None, r"\[spectrum\] is missing"),
        ({"model": "gaussian_factors", "d_k": 2}, {"law": "point", "location": 1.0}, "without one"),
        ({"model": "gaussian_factors"}, None, "matrix.d_k is missing"),
        ({"model": "gaussian_factors", "d_k": 0}, None, "matrix.d_k = 0: expected an integer >= 1"),
        ({"model": "schur", "depature": 1.0}, None, "did you mean 'departure'"),
        ({"model": "schur", "departure": -1.0}, None, "matrix.departure = -1.0"),
        ({"model": "normal", "complex_pairs": [[1.0]]}, None, r"complex_pairs\[0\] = \[1.0\]"),
        (
            {"model": "normal", "complex_pairs": [[1.0, 1.0]] * 7},
            {"law": "uniform", "half_width": 1.0},
            "at most d/2 = 6 pairs",
        ),
        ({"model": "factored", "d_k": 13}, {"law": "uniform", "half_width": 1.0}, "<= d = 12"),
        ({"model": "singular_values"}, {"law": "uniform", "half_width": 1.0}, "values >= 0"),
        ({"model": "singular_values"}, {"law": "uniform", "xi": 1.0, "eta": 2.0}, "do not fix"),
        ({"model": "symmetric"}, {"law": "uniform", "xi": 6.0, "eta": 2.0}, "expected eta >= 3"),
        ({"model": "data"}, None, "no array"),
        ({"model": "data", "W": SQUARE, "W_Q": SQUARE}, None, "either W"),
        ({"model": "data", "W": [[1.0, 2.0]]}, None, "a square matrix"),
        ({"model": "data", "W_Q": [[1.0], [2.0]], "W_K": [[1.0, 2.0]]}, None, "the shape of W_Q"),
        ({"model": "data", "W": SQUARE}, None, "d = 12: expected 3"),
    ],
)
def test_bad_input_is_refused_by_name(
    table: dict[str, object], spectrum: dict[str, object] | None, message: str, stream: Stream
) -> None:
    with pytest.raises(ValueError, match=message):
        build(table, spectrum, stream)


def test_a_single_block_leaves_no_room_for_a_departure(stream: Stream) -> None:
    model = matrix_model({"model": "schur", "complex_pairs": [[1.0, 2.0]], "departure": 1.0})
    spectrum = SpectrumSpecification.from_dict({"law": "uniform", "half_width": 1.0})
    with pytest.raises(ValueError, match="one block only"):
        model.build(2, spectrum, stream)


def test_w_is_the_same_to_the_last_bit_for_every_number_of_blas_threads(stream: Stream) -> None:
    """OpenBLAS alone is not: its QR at d = 300 differs between one thread and two."""
    law = SpectrumSpecification.from_dict({"law": "semicircle", "xi": 1.0, "eta": 2.0})
    matrices = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            matrices.append(matrix_model({}).build(300, law, stream).W)
    np.testing.assert_array_equal(*matrices)
