"""Free sums and products: exact convolutions, atoms, and eigenvalues of random matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from qktheory.spectra.law import LAWS, Law
from qktheory.spectra.laws.free_product import FreeProduct
from qktheory.spectra.laws.free_sum import FreeSum
from qktheory.spectra.spectrum import SpectrumSpecification

COIN = {"law": "two_point", "p": 0.5, "a": 1.0, "b": -1.0}
MP = {"law": "marchenko_pastur", "ratio": 1.0}
ARCSINE = {"law": "arcsine", "half_width": 2.0}
FUSS_CATALAN = {"law": "fuss_catalan", "factors": 2}
PARETO = {"law": "pareto", "tail_exponent": 3.0}


def build(table: dict[str, Any]) -> Law:
    own = dict(table)
    return LAWS[str(own.pop("law"))].from_dict(own)


# (convolution, what it is, largest error of quantiles).
EXACT = [
    (
        {
            "law": "free_sum",
            "first": {"law": "semicircle", "std": 0.6},
            "second": {"law": "semicircle", "std": 0.8, "mean": 0.5},
        },
        {"law": "semicircle", "std": 1.0, "mean": 0.5},
        1e-11,
    ),
    (
        {"law": "free_sum", "first": COIN, "second": COIN},
        {"law": "arcsine", "half_width": 2.0},
        1e-11,
    ),
    (
        {"law": "free_sum", "first": ARCSINE, "second": COIN},
        {"law": "kesten_mckay", "q": 3},
        1e-10,
    ),
    (
        {
            "law": "free_sum",
            "first": {"law": "marchenko_pastur", "ratio": 0.5},
            "second": {"law": "point", "location": 2.0},
        },
        None,
        1e-9,
    ),
    (
        {"law": "free_product", "first": MP, "second": MP},
        {"law": "fuss_catalan", "factors": 2},
        1e-9,
    ),
    (
        {
            "law": "free_product",
            "first": MP,
            "second": {"law": "marchenko_pastur", "ratio": 0.5},
        },
        {"law": "product_squared_singular", "aspect": 2.0},
        1e-10,
    ),
]


@pytest.mark.parametrize(("table", "known", "error"), EXACT)
def test_exact_convolutions(
    table: dict[str, Any], known: dict[str, Any] | None, error: float
) -> None:
    law = build(table)
    u = np.linspace(0.002, 0.998, 25)
    if known is None:  # a shift
        expected = build(table["first"]).quantile(u) + 2.0
        np.testing.assert_allclose(law.quantile(u), expected, atol=error)
        return
    exact = build(known)
    x = exact.quantile(u)
    np.testing.assert_allclose(law.quantile(u), x, atol=error)
    np.testing.assert_allclose(law.cdf(x), u, atol=error)
    np.testing.assert_allclose(law.pdf(x), exact.pdf(x), rtol=1e-9)
    np.testing.assert_allclose(law.edges, exact.edges, atol=1e-9)
    for k in range(5):
        assert math.isclose(law.moment(k), exact.moment(k), rel_tol=1e-12, abs_tol=1e-12)
    outside = exact.edges[1] + 1.0
    assert math.isclose(
        float(law.stieltjes(outside)), float(exact.stieltjes(outside)), rel_tol=1e-12
    )
    # The wrong twin: another law of the same kind, a few percent away.
    assert abs(float(law.cdf(1.05 * x[18])) - u[18]) > 1e-3


def test_atoms_follow_the_rule_of_bercovici_and_voiculescu() -> None:
    first = {"law": "two_point", "p": 0.3, "a": 3.0, "b": -1.0}
    second = {"law": "two_point", "p": 0.2, "a": 1.0, "b": 0.0}
    law = FreeSum.from_dict({"first": first, "second": second})
    np.testing.assert_allclose(law.atoms, [(-1.0, 0.5), (3.0, 0.1)], atol=1e-15)
    assert len(law.intervals) == 2
    # Mass and second moment of the continuous part are what the atoms leave.
    values = law.spectrum_quantiles(4000)
    assert np.count_nonzero(values == -1.0) == 2000
    assert np.count_nonzero(values == 3.0) == 400
    assert math.isclose(float(np.mean(values**2)), law.moment(2), rel_tol=1e-4)
    product = FreeProduct.from_dict(
        {"first": {"law": "marchenko_pastur", "ratio": 2.0}, "second": second}
    )
    assert product.atoms == ((0.0, 0.8),)


def test_sums_may_have_gaps() -> None:
    law = FreeSum.from_dict(
        {
            "first": {"law": "two_point", "p": 0.3, "a": 3.0, "b": -1.0},
            "second": {"law": "semicircle", "std": 0.3},
        }
    )
    (_, end), (start, _) = law.intervals
    assert math.isclose(float(law.cdf(0.5 * (end + start))), 0.7, abs_tol=1e-10)
    assert float(law.pdf(0.5 * (end + start))) == 0.0
    assert float(law.quantile(0.699)) < end < start < float(law.quantile(0.701))


def _haar(rng: np.random.Generator, d: int) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return np.asarray(q * np.sign(np.diag(r)))


@pytest.mark.parametrize("kind", ["free_sum", "free_product"])
def test_eigenvalues_of_random_matrices_follow_the_law(kind: str) -> None:
    """The eigenvalues of d = 300 follow the law within a few 1/d; 0.02 is six of them.

    The wrong twin (classical convolution of the two laws, the same mean and variance of sums) is
    told from the free one.
    """
    rng, d = np.random.default_rng(5), 300
    first, second = (
        build({"law": "uniform", "half_width": 1.0, "mean": 1.0}),
        build({"law": "two_point", "p": 0.4, "a": 2.0, "b": 0.5}),
    )
    law = LAWS[kind].from_dict(
        {
            "first": {"law": first.name, **first.to_dict()},
            "second": {"law": second.name, **second.to_dict()},
        }
    )
    a, b = first.spectrum_quantiles(d), second.spectrum_quantiles(d)
    o = _haar(rng, d)
    rotated = (o * b) @ o.T
    matrix = (
        np.diag(a) + rotated if kind == "free_sum" else np.sqrt(a)[:, None] * rotated * np.sqrt(a)
    )
    values = np.linalg.eigvalsh(matrix)
    distance = float(np.abs(law.cdf(values) - (np.arange(d) + 0.5) / d).max())
    assert distance < 0.02
    mixed = (a[:, None] + b if kind == "free_sum" else a[:, None] * b).ravel()
    wrong = np.searchsorted(np.sort(mixed), values) / mixed.size
    assert float(np.abs(wrong - (np.arange(d) + 0.5) / d).max()) > 0.04


def test_free_laws_are_spectra_of_specification_files() -> None:
    spectrum = SpectrumSpecification.from_dict(
        {"law": "free_sum", "first": COIN, "second": COIN, "xi": 1.0, "eta": 4.0}
    )
    values = spectrum.eigenvalues(6)
    assert math.isclose(float(values.sum()), 1.0, rel_tol=1e-13)
    assert math.isclose(float((values**2).sum()), 4.0, rel_tol=1e-13)
    assert SpectrumSpecification.from_dict(spectrum.to_dict()) == spectrum


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"law": "free_sum", "first": {"law": "pareto", "tail_exponent": 3.0}, "second": COIN},
            "first = .*bounded",
        ),
        ({"law": "free_product", "first": MP, "second": COIN}, "second = .*not a point mass at 0"),
        ({"law": "free_sum", "first": MP}, "second is missing"),
    ],
)
def test_parts_out_of_their_domain_are_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(table)
