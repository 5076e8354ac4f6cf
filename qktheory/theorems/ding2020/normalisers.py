"""RANK-10a, RANK-10b: doubly normalised and Sinkhorn attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.cached import cached_property
from qktheory.base.domains import Matrix, Parameter
from qktheory.numerics.doubly_normalized import (
    column_normalised,
    doubly_normalised,
    kernel_residual,
    key_potentials,
    sinkhorn_potentials,
)
from qktheory.numerics.ergodicity import dobrushin, hilbert_diameter, softmax
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import centred, frobenius_norm
from qktheory.numerics.softmax_split import log_distribution
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Evaluate, Identity, PathwiseBound
from qktheory.theorems.papers import cite

Floats = s.Floats


def ding(what: str) -> Source:
    """Return the paper as the source of a statement."""
    return cite("ding2020", what)


# --- RANK-10a -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Normalised:
    """One matrix of scores under three normalisations."""

    S: Floats

    @cached_property
    def softmax(self) -> Floats:
        """Rows sum to one."""
        return softmax(self.S)

    @cached_property
    def dnas(self) -> Floats:
        """Columns first, then rows."""
        return doubly_normalised(self.S)

    @cached_property
    def sinkhorn(self) -> Floats:
        """Rows and columns sum to one."""
        if len(self.S) == 2:  # by one number, also where it is next to 0 or 1
            half = 0.25 * hilbert_signed(self.S)
            return softmax(np.array([[half, -half], [-half, half]]))
        return softmax(self.S + sinkhorn_potentials(self.S))

    def floor(self, factor: float = 1.0) -> float:
        """Mass that every key keeps under `dnas`."""
        return factor / float(np.exp(column_normalised(self.S)).sum(axis=1).max())


def hilbert_signed(S: Floats) -> float:
    """Return S_11 + S_22 - S_12 - S_21 of two tokens."""
    return float((S[0, 0] - S[0, 1]) + (S[1, 1] - S[1, 0]))


_rho = sp.IndexedBase("rho")
_C, _Dn, _K = sp.Symbol("C"), sp.Symbol("D", commutative=False), sp.Symbol("K", commutative=False)
_mass = sp.Function("column_sum")


def _of(statement: Any, compute: Any) -> Routine:
    return s.routine("kernels", statement, compute)


def _pairs(p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator) -> Any:
    T, floor = len(p["S"]), float(v["column_mass_floor"])
    smallest = float(np.min(v["column_mass_dnas"]))
    pairs = [(floor, smallest), (1.0 / T, floor)]
    pairs += [
        (float(v[name]), float(v["tanh_bound"]) + 1e-9)
        for name in ("tau_softmax", "tau_dnas", "tau_sinkhorn")
    ]
    return pairs


def _written_out(p: Mapping[str, Any]) -> dict[str, Any]:
    """Normalise the exponentials themselves."""
    kernel = np.exp(p["S"])
    C = kernel / kernel.sum(axis=0)
    D = C / C.sum(axis=1, keepdims=True)
    P = kernel / kernel.sum(axis=1, keepdims=True)
    found = {
        "dnas": D,
        "column_mass_softmax": P.sum(axis=0),
        "column_mass_dnas": D.sum(axis=0),
        "column_mass_floor": 1.0 / float(C.sum(axis=1).max()),
    }
    if hilbert_diameter(p["S"]) < 6.0:  # sweeps converge like tanh(Delta/4)^2
        K = kernel
        for _ in range(300):
            K = K / K.sum(axis=0)
            K = K / K.sum(axis=1, keepdims=True)
        found["sinkhorn"] = K
    return found


def _draw_scores(rng: np.random.Generator) -> dict[str, Any]:
    T = int(rng.integers(1, 7))
    S = rng.normal(size=(T, T)) * 10.0 ** rng.uniform(-1.0, 0.8)
    return {"S": S + 3.0 * rng.normal(size=T)}


_SMALL = -13.815510557964274  # log of 1e-6

register(
    Claim(
        id="RANK-10a",
        title="doubly normalised attention leaves every key some mass",
        statement=(
            "Normalising columns first and then rows, every key keeps the mass 1/max rho_i >= 1/T, "
            "where softmax has no floor; softmax, doubly normalised and Sinkhorn kernels share "
            "the Hilbert diameter of the scores, so tau <= tanh(Delta/4) for all three."
        ),
        source=ding("Theorem on explaining away"),
        standing="theorem",
        observable="column mass",
        parameters=(Parameter("S", Matrix(square=True), "scores, (T, T)"),),
        where={"kernels": Routine(sp.Tuple(s.P, _Dn, _K), Normalised, ("S",))},
        values={
            "dnas": _of(_C / _rho[s.i], lambda x: x.dnas),
            "sinkhorn": _of(_K, lambda x: x.sinkhorn),
            "column_mass_softmax": _of(_mass(s.P), lambda x: x.softmax.sum(axis=0)),
            "column_mass_dnas": _of(_mass(_Dn), lambda x: x.dnas.sum(axis=0)),
            "column_mass_floor": _of(1 / sp.Max(_rho[s.i]), lambda x: x.floor()),
            "tau_softmax": _of(s.tau(s.P), lambda x: dobrushin(x.softmax)),
            "tau_dnas": _of(s.tau(_Dn), lambda x: dobrushin(x.dnas)),
            "tau_sinkhorn": _of(s.tau(_K), lambda x: dobrushin(x.sinkhorn)),
            "tanh_bound": s.routine(
                "S",
                sp.tanh(sp.Symbol("Delta") / 4),
                lambda S: float(np.tanh(hilbert_diameter(S) / 4)),
            ),
        },
        cases=(
            {"S": [[0, 0], [2 * _SMALL, _SMALL]]},
            {"S": [[10, 20], [20, 40]]},
            {"S": (s.X_4 @ np.array(s.A_1) @ s.X_4.T / 8.0).tolist()},
            {"S": [[3.0]]},
        ),
        judged_by=(
            PathwiseBound(_pairs, _draw_scores, rounding=1e-9, most_draws=60),
            Identity(
                _written_out,
                lambda rng: {"S": rng.normal(size=(int(rng.integers(1, 5)),) * 2)},
                tolerance=1e-9,
                most_draws=10,
            ),
        ),
        wrong_twin=WrongTwin(
            "floor 5 % too large",
            {
                "column_mass_floor": _of(
                    sp.Rational(105, 100) / sp.Max(_rho[s.i]), lambda x: x.floor(1.05)
                )
            },
        ),
        proof=(
            "rho_i <= T, and the columns of C sum to one: sum_i C_ij/rho_i >= 1/max_i rho_i. All "
            "three kernels are diag(.) e^S diag(.), and Delta does not see the diagonals."
        ),
    )
)

# --- RANK-10b -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Residuals:
    """Outputs of both kernels about their mean, and their common leading part."""

    split: LayerSplit
    W: Floats

    @cached_property
    def scores(self) -> Floats:
        """E = R A R^T/temperature."""
        x = self.split
        return np.asarray(x.R @ x.A @ x.R.T / x.temperature)

    @cached_property
    def leading(self) -> Floats:
        """Pi R A (R^T R/T) W/temperature."""
        R = self.split.R
        return centred(self.scores @ R / len(R)) @ self.W

    @cached_property
    def dnas(self) -> tuple[Floats, Floats]:
        """Output of doubly normalised attention, and what it has beyond `leading`."""
        x = self.split
        queries = x.R @ (x.A @ x.c) / x.temperature
        potentials = -key_potentials(self.scores, log_distribution(queries))
        return self._out(potentials)

    @cached_property
    def sinkhorn(self) -> tuple[Floats, Floats]:
        """Output of Sinkhorn attention, and what it has beyond `leading`."""
        return self._out(sinkhorn_potentials(self.scores))

    def _out(self, potentials: Floats) -> tuple[Floats, Floats]:
        residual, beyond = kernel_residual(self.scores, potentials, self.split.R)
        return residual @ self.W, beyond @ self.W

    def relative(self, name: str) -> float | None:
        """Return the Frobenius norm beyond the leading part, relative to the output."""
        residual, beyond = getattr(self, name)
        size = frobenius_norm(residual)
        return frobenius_norm(beyond) / size if size > 0.0 else None


def _of_residuals(statement: Any, compute: Any) -> Routine:
    return s.routine("residuals", statement, compute)


_LEADING = s.Pi * s.R * s.A * (s.R_T * s.R / s.n) * s.W / symbol("temperature")


def _small_spread(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    mean = p["X"].mean(axis=0)
    values = evaluate({**p, "X": mean + (p["X"] - mean) / size})
    exact = 0.5 * (float(values["residual_dnas"]) + float(values["residual_sinkhorn"]))
    return exact * size**3, float(values["residual_leading"]) * size**3


register(
    Claim(
        id="RANK-10b",
        title="doubly normalised and Sinkhorn attention collapse as well",
        statement=(
            "Key scores that do not depend on the query cancel in both, so the base distribution "
            "is uniform, and up to a common row the output is R W_QK (R^T R/T) W_V/temperature to "
            "leading order: exponent 3."
        ),
        source=ding("normalisation and depth: rank collapse is not prevented"),
        standing="derived",
        observable="residual of one layer",
        parameters=(s.TOKENS, s.W_QK, s.W_V, s.TEMPERATURE),
        complete=s.check_widths,
        where={
            "split": s.MEAN_SPLIT,
            "residuals": Routine(sp.Tuple(_Dn * s.X, _K * s.X), Residuals, ("split", "W_V")),
        },
        values={
            "leading": _of_residuals(_LEADING, lambda x: x.leading),
            "residual_leading": _of_residuals(
                s.norm_F(_LEADING), lambda x: frobenius_norm(x.leading)
            ),
            "residual_dnas": _of_residuals(
                s.norm_F(s.Pi * _Dn * s.X * s.W), lambda x: frobenius_norm(x.dnas[0])
            ),
            "residual_sinkhorn": _of_residuals(
                s.norm_F(s.Pi * _K * s.X * s.W), lambda x: frobenius_norm(x.sinkhorn[0])
            ),
            "relative_error_dnas": _of_residuals(
                s.norm_F(s.Pi * _Dn * s.X * s.W - _LEADING), lambda x: x.relative("dnas")
            ),
            "relative_error_sinkhorn": _of_residuals(
                s.norm_F(s.Pi * _K * s.X * s.W - _LEADING), lambda x: x.relative("sinkhorn")
            ),
        },
        cases=s.SPREAD_CASES,
        judged_by=(s.as_spread_shrinks(_small_spread),),
        wrong_twin=WrongTwin(
            "leading part 5 % too large",
            {
                "residual_leading": _of_residuals(
                    sp.Rational(105, 100) * s.norm_F(_LEADING),
                    lambda x: 1.05 * frobenius_norm(x.leading),
                )
            },
        ),
    )
)
