"""The [spectrum] table: exact targets (SPEC-7), feasibility, order, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.kernels.streams import Stream
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.targets import affine_to_targets

EPS = float(np.finfo(float).eps)
SHAPES: list[dict[str, object]] = [
    {"law": "two_point"},
    {"law": "two_point", "p": 0.1},
    {"law": "uniform"},
    {"law": "semicircle"},
    {"law": "power_law", "exponent": 1.2},
    {"law": "spiked", "bulk": {"law": "semicircle", "std": 1.0}, "spikes": [4.0, -3.0]},
]


def read(**table: object) -> SpectrumSpecification:
    return SpectrumSpecification.from_dict(table)


@pytest.mark.parametrize("draw", ["quantiles", "random"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: str(s["law"]))
@settings(max_examples=25, deadline=None)
@given(
    xi=st.floats(-50, 50),
    excess=st.floats(1e-6, 1e3),
    d=st.integers(16, 80),
    cell=st.integers(0, 1000),
)
def test_xi_and_eta_are_met_to_a_few_ulp(
    draw: str, shape: dict[str, object], xi: float, excess: float, d: int, cell: int
) -> None:
    eta = xi**2 / d + excess
    values = read(**shape, xi=xi, eta=eta, draw=draw).eigenvalues(d, Stream(1, 2, cell))
    assert values.shape == (d,)
    assert (np.diff(values) <= 0.0).all()
    assert abs(math.fsum(values) - xi) <= 4 * EPS * math.fsum(abs(values))
    assert abs(math.fsum(values**2) - eta) <= 8 * EPS * eta


@pytest.mark.parametrize("draw", ["quantiles", "random"])
@settings(max_examples=25, deadline=None)
@given(mean=st.floats(-5, 5), variance=st.floats(1e-3, 30), d=st.integers(16, 200))
def test_mean_and_population_variance_are_met_to_a_few_ulp(
    draw: str, mean: float, variance: float, d: int
) -> None:
    spectrum = read(law="semicircle", mean=mean, variance=variance, draw=draw)
    values = spectrum.eigenvalues(d, Stream(1, 2, d))
    size = math.sqrt(mean**2 + variance)
    assert abs(math.fsum(values) / d - mean) <= 4 * EPS * size
    population = math.fsum((values - mean) ** 2) / d
    assert abs(population - variance) <= 16 * EPS * size**2
    # The sample variance, divided by d - 1, is the planted error and is seen.
    assert abs(population * d / (d - 1) - variance) > 1e-3 * variance


def test_the_reference_of_spec_7() -> None:
    values = read(law="uniform", xi=1.0, eta=4.0).eigenvalues(6)
    expected = [
        -1.003396416695773,
        -0.535371183350797,
        -0.06734595000582118,
        0.40067928333915465,
        0.8687045166841304,
        1.336729750029106,
    ]
    np.testing.assert_allclose(values[::-1], expected, rtol=1e-14)


@pytest.mark.parametrize("shape", [*SHAPES, {"law": "point"}], ids=lambda s: str(s["law"]))
def test_no_variance_means_exactly_one_eigenvalue(shape: dict[str, object]) -> None:
    assert (read(**shape, mean=0.1, variance=0.0).eigenvalues(7) == 0.1).all()
    for d in range(1, 60):
        xi = 0.37 * d
        values = read(**shape, xi=xi, eta=xi**2 / d).eigenvalues(d)
        assert (values == xi / d).all()


def test_infeasible_targets_are_refused_with_the_smallest_feasible_value() -> None:
    with pytest.raises(ValueError, match=r"eta = 0.2 is infeasible.*expected eta >= 0.25 "):
        read(law="semicircle", xi=2.0, eta=0.2).eigenvalues(16)
    with pytest.raises(ValueError, match=r"law 'point' has no spread, expected eta = 0.25"):
        read(law="point", xi=2.0, eta=0.3).eigenvalues(16)
    with pytest.raises(ValueError, match=r"one eigenvalue has no spread, expected variance = 0"):
        read(law="semicircle", mean=2.0, variance=0.3).eigenvalues(1)
    with pytest.raises(
        ValueError, match=r"spectrum.variance = -0.5: expected a finite number >= 0"
    ):
        read(law="semicircle", mean=2.0, variance=-0.5)


def test_targets_that_overflow_are_refused() -> None:
    with pytest.raises(ValueError, match="leave the range of floating-point numbers"):
        read(law="semicircle", xi=1e200, eta=1e300).eigenvalues(16)


def test_eigenvalues_fixed_by_the_model_count_towards_the_targets() -> None:
    beside = (0.3 + 1.5j, 0.3 - 1.5j)
    values = read(law="uniform", xi=2.0, eta=-1.0).eigenvalues(6, beside=beside)
    everything = np.concatenate([values, beside])
    assert values.shape == (4,)
    assert math.isclose(everything.sum().real, 2.0, rel_tol=1e-14)
    assert math.isclose((everything**2).sum().real, -1.0, rel_tol=1e-14)
    # sum r = 1.4, and 2 (0.09 - 2.25) = -4.32 is what the pair contributes to eta.
    with pytest.raises(ValueError, match=r"expected eta >= -3.83"):
        read(law="uniform", xi=2.0, eta=-4.0).eigenvalues(6, beside=beside)
    with pytest.raises(ValueError, match="all 2 eigenvalues are fixed"):
        read(law="uniform", xi=2.0, eta=-4.0).eigenvalues(2, beside=beside)
    assert read(law="uniform", xi=0.6, eta=-4.32).eigenvalues(2, beside=beside).size == 0


def test_the_smallest_feasible_variance_of_a_matrix_with_zeros() -> None:
    zeros = (0j,) * 12
    with pytest.raises(ValueError, match=r"expected variance >= 0.03"):
        read(law="uniform", mean=0.1, variance=0.02).eigenvalues(16, beside=zeros)
    values = read(law="uniform", mean=0.1, variance=0.05).eigenvalues(16, beside=zeros)
    everything = np.concatenate([values, np.zeros(12)])
    assert math.isclose(everything.mean(), 0.1, rel_tol=1e-14)
    assert math.isclose(everything.var(), 0.05, rel_tol=1e-14)


def test_own_parameters_are_used_as_they_are(stream: Stream) -> None:
    values = read(law="list", eigenvalues=[0.5, 2.0, -1.0]).eigenvalues(3)
    np.testing.assert_array_equal(values, [2.0, 0.5, -1.0])
    uniform = read(law="uniform", half_width=2.0, mean=1.0, draw="random").eigenvalues(500, stream)
    assert uniform.min() > -1.0
    assert uniform.max() < 3.0
    with pytest.raises(ValueError, match="eigenvalues has 3 entries: expected 4"):
        read(law="list", eigenvalues=[0.5, 2.0, -1.0]).eigenvalues(4)


def test_random_draws_follow_the_law(stream: Stream) -> None:
    """DKW at 2e-9: sup |F_n - F| <= sqrt(log(2/2e-9)/(2 n)) = 0.0228 for n = 20000."""
    spectrum = read(law="semicircle", std=0.5, mean=0.2, draw="random")
    values = np.sort(spectrum.eigenvalues(20_000, stream))
    grid = (np.arange(20_000) + 0.5) / 20_000

    def distance(mean: float, std: float) -> float:
        return float(
            np.abs(read(law="semicircle", mean=mean, std=std).law.cdf(values) - grid).max()
        )

    assert distance(0.2, 0.5) < 0.0228
    assert distance(0.25, 0.5) > 0.0228


def test_random_draws_depend_on_stream_and_sample_only(stream: Stream) -> None:
    spectrum = read(law="uniform", xi=1.0, eta=2.0, draw="random")
    first = spectrum.eigenvalues(12, stream, sample=5)
    np.testing.assert_array_equal(first, spectrum.eigenvalues(12, stream, sample=5))
    for other in (
        spectrum.eigenvalues(12, stream, sample=6),
        spectrum.eigenvalues(12, stream.child(cell=9), sample=5),
    ):
        assert not np.array_equal(first, other)
    with pytest.raises(ValueError, match="needs a stream"):
        spectrum.eigenvalues(12)


def test_a_constant_random_draw_is_replaced_by_the_next(stream: Stream) -> None:
    """Two fair signs agree half of the time; with targets they never come out equal."""
    spectrum = read(law="two_point", xi=0.0, eta=2.0, draw="random")
    for sample in range(40):
        np.testing.assert_allclose(spectrum.eigenvalues(2, stream, sample), [1.0, -1.0], rtol=1e-15)


def test_affine_map_keeps_the_order_of_the_shape_and_huge_scales() -> None:
    mapped = affine_to_targets([1e200, -3e200, 2e200], 0.0, 1.0)
    assert np.array_equal(np.argsort(mapped), [1, 0, 2])
    assert math.isclose(float(np.var(mapped)), 1.0, rel_tol=1e-14)


@pytest.mark.parametrize(
    "table",
    [
        {"law": "semicircle", "mean": 0.1, "variance": 0.02, "draw": "quantiles"},
        {"law": "semicircle", "std": 1.0, "mean": 0.25, "draw": "random"},
        {"law": "two_point", "p": 0.25, "xi": 1.0, "eta": 3.0, "draw": "random"},
        {"law": "power_law", "exponent": 1.5, "mean": 0.0, "variance": 1.0, "draw": "quantiles"},
        {
            "law": "spiked",
            "bulk": {"law": "semicircle", "std": 1.0, "mean": 0.0},
            "spikes": [3.0],
            "xi": 1.0,
            "eta": 3.0,
            "draw": "quantiles",
        },
        {"law": "list", "eigenvalues": [1.0, 2.0], "draw": "quantiles"},
    ],
    ids=lambda t: f"{t['law']}",
)
def test_tables_survive_reading_and_writing(table: dict[str, object]) -> None:
    spectrum = SpectrumSpecification.from_dict(table)
    assert spectrum.to_dict() == table
    assert SpectrumSpecification.from_dict(spectrum.to_dict()) == spectrum


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"mean": 0.0, "variance": 1.0}, "spectrum.law is missing"),
        ({"law": "semicircle"}, "is not fixed: give its own parameters"),
        ({"law": "semicircle", "mean": 0.1}, "spectrum.std is missing"),
        ({"law": "semicircle", "variance": 0.1}, "spectrum.mean is missing"),
        ({"law": "point", "mean": 0.1}, "spectrum.variance is missing"),
        ({"law": "semicircle", "xi": 0.1}, "spectrum.eta is missing"),
        ({"law": "semicircle", "xi": 1, "eta": 2, "mean": 0, "variance": 1}, "exactly one of"),
        ({"law": "semicircle", "xi": 1.0, "variance": 2.0}, "exactly one of"),
        (
            {"law": "semicircle", "std": 1.0, "mean": 0.0, "variance": 1.0},
            "std is set beside targets",
        ),
        ({"law": "power_law", "xi": 1.0, "eta": 2.0}, "spectrum.exponent is missing"),
        ({"law": "semicircle", "std": 1.0, "varience": 1.0}, "did you mean 'variance'"),
        ({"law": "semicircle", "std": 1.0, "draw": "quantile"}, "did you mean 'quantiles'"),
        ({"law": "semicircle", "xi": "1", "eta": 2.0}, "spectrum.xi = '1'"),
    ],
)
def test_tables_that_say_too_much_or_too_little_are_refused(
    table: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SpectrumSpecification.from_dict(table)
