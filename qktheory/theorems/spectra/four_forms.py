"""SPEC-13c: means of products of four quadratic or bilinear forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Matrix, Parameter
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_cubature import polynomial_mean
from qktheory.numerics.gaussian_forms import bilinear_product_mean, quadratic_product_mean
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.spectra import setting as s
from qktheory.theorems.spectra.gaussian_moments import MAGNUS_1978, form

FloatArray = NDArray[np.float64]

d = s.d


class _Forms:
    """Lists of four square matrices of one size."""

    def check(self, argument: str, value: object) -> FloatArray:
        if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
            raise bad_value(argument, value, self.describe())
        given = list(value)
        if len(given) != 4:
            raise bad_value(argument, f"a list of {len(given)} entries", self.describe())
        matrices = [
            Matrix(square=True).check(f"{argument}[{k}]", form) for k, form in enumerate(given)
        ]
        shapes = [matrix.shape for matrix in matrices]
        if len(set(shapes)) > 1:
            raise bad_value(argument, f"matrices of shapes {shapes}", self.describe())
        return np.array(matrices)

    def describe(self) -> str:
        return "a list of four square matrices of one size"

    def sample(self, rng: np.random.Generator) -> FloatArray:
        size = int(rng.integers(1, 5))
        return np.asarray(rng.normal(size=(4, size, size)))


def _product_by_cubature(parameters: Mapping[str, Any]) -> dict[str, float]:
    forms = parameters["forms"]
    size = forms.shape[1]

    def quadratic(x: FloatArray) -> FloatArray:
        values = np.array([form(x, A, x) for A in forms])
        return np.stack([values[0], values[1], values[0] * values[1], values.prod(axis=0)], axis=1)

    def bilinear(x: FloatArray, y: FloatArray) -> FloatArray:
        return np.asarray(np.prod([form(x, A, y) for A in forms], axis=0))

    first, second, product, four = polynomial_mean(quadratic, [size], [8]).tolist()
    return {
        "covariance_12": product - first * second,
        "mean_product_quadratic": four,
        "mean_product_bilinear": float(polynomial_mean(bilinear, [size, size], [4, 4])),
    }


def _draw_forms(rng: np.random.Generator) -> dict[str, Any]:
    """Traces of one sign keep the sums away from 0."""
    size = int(rng.integers(1, 4))
    return {"forms": rng.normal(size=(4, size, size)) + 1.5 * np.eye(size)}


_A = [sp.MatrixSymbol(f"A_{k}", d, d) for k in range(1, 5)]
_S = [sp.MatrixSymbol(f"S_{k}", d, d) for k in range(1, 5)]


def _quadratic_statement() -> sp.Expr:
    """Return the sum over the 105 pairings in words of traces."""
    t = [sp.Trace(matrix) for matrix in _S]
    one, two, three, four = _S
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    total = t[0] * t[1] * t[2] * t[3]
    for i, j in pairs:
        k, m = (n for n in range(4) if n not in (i, j))
        total += 2 * sp.Trace(_S[i] * _S[j]) * t[k] * t[m]
        if i == 0:
            total += 4 * sp.Trace(_S[i] * _S[j]) * sp.Trace(_S[k] * _S[m])
    for m in range(4):
        i, j, k = (n for n in range(4) if n != m)
        total += 8 * sp.Trace(_S[i] * _S[j] * _S[k]) * t[m]
    cycles = (one * two * three * four, one * two * four * three, one * three * two * four)
    return total + 16 * sum(sp.Trace(cycle) for cycle in cycles)


def _bilinear_statement() -> sp.Expr:
    """Return the sum over the 9 pairings."""
    total = sp.Integer(0)
    for i, j, k, m in ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2)):
        a, b, c, e = _A[i], _A[j], _A[k], _A[m]
        total += sp.Trace(a * b.T) * sp.Trace(c * e.T)
        total += sp.Trace(a * c.T * b * e.T) + sp.Trace(a * e.T * b * c.T)
    return total


def _covariance(forms: FloatArray) -> float:
    first, second = forms[0], forms[1]
    return float(np.sum(first * (second + second.T)))


register(
    Claim(
        id="SPEC-13c",
        title="means of products of four forms",
        statement=(
            "For x, y ~ N(0, I) and any A_1 .. A_4: Cov(xA_1x, xA_2x) = tr A_1 A_2 + tr A_1 A_2^T, "
            "E prod xA_ix is a sum of traces over 105 pairings of the copies of x, and "
            "E prod xA_iy one over 9 pairings of those of x and of y."
        ),
        source=MAGNUS_1978,
        standing="theorem",
        observable="logit",
        parameters=(Parameter("forms", _Forms(), "the four matrices A_1 .. A_4, each (d, d)"),),
        values={
            "covariance_12": Routine(
                sp.Trace(_A[0] * _A[1]) + sp.Trace(_A[0] * _A[1].T), _covariance, ("forms",)
            ),
            "mean_product_quadratic": Routine(
                _quadratic_statement(), quadratic_product_mean, ("forms",)
            ),
            "mean_product_bilinear": Routine(
                _bilinear_statement(), bilinear_product_mean, ("forms",)
            ),
        },
        cases=(
            {
                "forms": [
                    [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]],
                    [[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 0.0, 1.0]],
                ]
                * 2
            },
            {"forms": [[[1.0]], [[2.0]], [[-1.0]], [[3.0]]]},
            {
                "forms": [
                    [[1.0, 2.0], [0.0, 1.0]],
                    [[0.0, 1.0], [-1.0, 0.5]],
                    [[1.0, 0.0], [2.0, 3.0]],
                    [[0.5, 1.0], [1.0, 0.0]],
                ]
            },
        ),
        judged_by=(Identity(_product_by_cubature, _draw_forms, tolerance=1e-9, most_draws=60),),
        wrong_twin=WrongTwin(
            "sum over the 105 pairings times 1.05",
            {
                "mean_product_quadratic": Routine(
                    sp.Rational(105, 100) * _quadratic_statement(),
                    lambda forms: 1.05 * quadratic_product_mean(forms),
                    ("forms",),
                )
            },
        ),
    )
)
