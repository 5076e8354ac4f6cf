"""SPEC-7c, d: what the parts of a spectrum and of a matrix say about the traces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, RealList
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.spectra.blocks import block_form
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.spectra import setting as s
from qktheory.theorems.spectra.targets import TRACES_AND_PARTS

d, xi, eta, eta_F = s.d, s.xi, s.eta, s.eta_F
_i = sp.Symbol("i", integer=True, positive=True)

# --- SPEC-7c --------------------------------------------------------------------------------------

variance_real, mean_square_imag = symbol("variance_real"), symbol("mean_square_imag")
_re, _im = sp.IndexedBase("a"), sp.IndexedBase("b")


def _complete_pairs(parameters: dict[str, Any]) -> None:
    """Demand both eigenvalues of every conjugate pair."""
    real, imag = parameters["eigenvalue_real_parts"], parameters["eigenvalue_imag_parts"]
    if real.size != imag.size:
        raise bad_value(
            "eigenvalue_imag_parts",
            f"list of length {imag.size}",
            f"length d = {real.size}, that of eigenvalue_real_parts",
        )
    parameters["d"] = real.size
    upper, lower = (
        np.array(sorted(zip((sign * imag[part]).tolist(), real[part].tolist(), strict=True)))
        for sign, part in ((1.0, imag > 0.0), (-1.0, imag < 0.0))
    )
    scale = float(max(np.abs(real).max(), np.abs(imag).max()))
    if upper.shape != lower.shape or (upper.size and np.abs(upper - lower).max() > 1e-9 * scale):
        raise bad_value(
            "eigenvalue_imag_parts",
            imag.tolist(),
            "both eigenvalues a + ib and a - ib of every complex pair",
        )


def _of_a_normal_matrix(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Build the real normal matrix with these eigenvalues and take traces."""
    real, imag = parameters["eigenvalue_real_parts"], parameters["eigenvalue_imag_parts"]
    above = imag > 0.0
    pairs = tuple(zip(real[above].tolist(), imag[above].tolist(), strict=True))
    W = block_form(real[imag == 0.0], pairs, 0.0, Stream(1, 0, 0))
    antisymmetric = 0.5 * (W - W.T)
    return {
        "xi": float(np.trace(W)),
        "variance_real": float(np.var(np.linalg.eigvalsh(0.5 * (W + W.T)))),
        "mean_square_imag": float(np.sum(antisymmetric**2)) / len(W),
        "eta": float(np.sum(W * W.T)),
    }


def _draw_pairs(rng: np.random.Generator) -> dict[str, Any]:
    """Real parts above 0 keep xi, and one large one eta, away from cancellation."""
    alone, pairs = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    real, imag = rng.uniform(0.2, 2.0, size=pairs), rng.uniform(0.1, 1.0, size=pairs)
    return {
        "eigenvalue_real_parts": [4.0, *rng.uniform(0.1, 2.0, size=alone), *real, *real],
        "eigenvalue_imag_parts": [0.0] * (alone + 1) + [*imag, *(-imag)],
    }


_PARTS = ("eigenvalue_real_parts", "eigenvalue_imag_parts")

register(
    Claim(
        id="SPEC-7c",
        title="eta from real and imaginary parts of a spectrum",
        statement=(
            "eta = xi^2/d + d (v_R - v_I), v_R the variance of the real parts of the eigenvalues "
            "and v_I the mean square of the imaginary ones: every (xi, eta) is feasible for d >= 2."
        ),
        source=TRACES_AND_PARTS,
        standing="derived",
        observable="eigenvalues",
        parameters=(
            Parameter("eigenvalue_real_parts", RealList(), "real parts, d of them"),
            Parameter(
                "eigenvalue_imag_parts",
                RealList(),
                "imaginary parts in the same order, both signs of each pair listed",
            ),
        ),
        complete=_complete_pairs,
        values={
            "xi": Routine(
                sp.Sum(_re[_i], (_i, 1, d)), lambda re: math.fsum(re), ("eigenvalue_real_parts",)
            ),
            "variance_real": Routine(
                sp.Sum(_re[_i] ** 2, (_i, 1, d)) / d - (sp.Sum(_re[_i], (_i, 1, d)) / d) ** 2,
                lambda re: math.fsum((re - math.fsum(re) / re.size) ** 2) / re.size,
                ("eigenvalue_real_parts",),
            ),
            "mean_square_imag": Routine(
                sp.Sum(_im[_i] ** 2, (_i, 1, d)) / d,
                lambda im: math.fsum(im**2) / im.size,
                ("eigenvalue_imag_parts",),
            ),
            "eta": xi**2 / d + d * (variance_real - mean_square_imag),
        },
        cases=(
            {
                "eigenvalue_real_parts": [0.5, -1.0, 2.0, 0.3, 0.3],
                "eigenvalue_imag_parts": [0.0, 0.0, 0.0, 1.1, -1.1],
            },
            {"eigenvalue_real_parts": [1.0, 1.0], "eigenvalue_imag_parts": [2.0, -2.0]},
            {
                "eigenvalue_real_parts": [1.0, 3.0, 3.0, 1.0, 0.0],
                "eigenvalue_imag_parts": [-0.5, 1.0, -1.0, 0.5, 0.0],
            },
        ),
        judged_by=(Identity(_of_a_normal_matrix, _draw_pairs, tolerance=1e-9),),
        wrong_twin=WrongTwin(
            "sign of the imaginary parts",
            {"eta": xi**2 / d + d * (variance_real + mean_square_imag)},
        ),
    )
)

# --- SPEC-7d --------------------------------------------------------------------------------------

W = s.W


def _complete_size(parameters: dict[str, Any]) -> None:
    parameters["d"] = len(parameters["W_QK"])


def _by_spectra(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Traces from eigenvalues and singular values; norms of the parts from their differences."""
    matrix = parameters["W_QK"]
    eigenvalues = np.linalg.eigvals(matrix)
    eta = float(np.sum(eigenvalues**2).real)
    eta_F = float(np.sum(np.linalg.svd(matrix, compute_uv=False) ** 2))
    return {
        "xi": float(np.sum(eigenvalues).real),
        "eta": eta,
        "eta_F": eta_F,
        "antisymmetric_norm_squared": 0.5 * (eta_F - eta),
        "symmetric_norm_squared": 0.5 * (eta_F + eta),
    }


def _draw_square(rng: np.random.Generator) -> dict[str, Any]:
    """Draw W with traces away from 0 and far from symmetric, where eta_F - eta has its digits."""
    size = int(rng.integers(2, 7))
    W = np.eye(size)
    while np.linalg.norm(W - W.T) < 0.1:
        W = rng.normal(size=(size, size)) + 4.0 * np.eye(size)
    return {"W_QK": W}


def _part(constant: sp.Expr, sign: int) -> sp.Expr:
    return constant * sp.Trace((W + sign * W.T) * (W.T + sign * W))


_QUARTER = sp.Rational(1, 4)

register(
    Claim(
        id="SPEC-7d",
        title="eta and eta_F split W into its symmetric and antisymmetric parts",
        statement=(
            "||(W + W^T)/2||_F^2 = (eta_F + eta)/2 and ||(W - W^T)/2||_F^2 = (eta_F - eta)/2, "
            "hence |eta| <= eta_F, with equality on the right for symmetric W only."
        ),
        source=TRACES_AND_PARTS,
        standing="theorem",
        observable="W_QK",
        parameters=(s.W_QK,),
        complete=_complete_size,
        values={
            "xi": sp.Trace(W),
            "eta": sp.Trace(W * W),
            "eta_F": sp.Trace(W * W.T),
            "antisymmetric_norm_squared": _part(_QUARTER, -1),
            "symmetric_norm_squared": _part(_QUARTER, 1),
        },
        cases=(
            {"W_QK": [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]]},
            {"W_QK": [[1.0, 2.0], [-1.0, 0.5]]},
            {"W_QK": [[2.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 3.0, 1.0]]},
        ),
        judged_by=(Identity(_by_spectra, _draw_square, tolerance=1e-9),),
        wrong_twin=WrongTwin(
            "constant 1/4 taken as 0.27",
            {"antisymmetric_norm_squared": _part(sp.Rational(27, 100), -1)},
        ),
    )
)
