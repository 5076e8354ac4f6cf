"""RANK-4c: a rowwise network between layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Matrix, Parameter
from qktheory.base.errors import bad_value
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import norm_1, norm_1inf, norm_inf
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import PathwiseBound

Floats = s.Floats

W_IN = Parameter("W_in", Matrix(), "first matrix of the network, (d, p)")
W_OUT = Parameter("W_out", Matrix(), "second matrix of the network, (p, m)")


def check_network(p: dict[str, Any]) -> None:
    """Check that the matrices of a network fit the tokens and each other."""
    width = p["X"].shape[1]
    if p["W_in"].shape[0] != width:
        raise bad_value("W_in", f"array of shape {p['W_in'].shape}", f"d = {width} rows")
    if p["W_out"].shape[0] != p["W_in"].shape[1]:
        rows = p["W_in"].shape[1]
        raise bad_value("W_out", f"array of shape {p['W_out'].shape}", f"p = {rows} rows")
    if p.get("reference") is not None and len(p["reference"]) != width:
        raise bad_value("reference", p["reference"].tolist(), f"a list of length d = {width}")


def _residual(X: Floats, reference: Floats | None) -> Floats:
    return LayerSplit(X, np.zeros((X.shape[1],) * 2), 1.0, reference).R


def _moved(X: Floats, W_in: Floats, W_out: Floats, reference: Floats | None) -> Floats:
    """Return f(X) - 1 f(reference) from the change of each unit."""
    c = X.mean(axis=0) if reference is None else reference
    before, change = c @ W_in, _residual(X, reference) @ W_in
    open_units = np.maximum(change, -before)
    closed_units = np.maximum(before + change, 0.0)
    return np.asarray(np.where(before > 0.0, open_units, closed_units) @ W_out)


def _draw_network(rng: np.random.Generator) -> dict[str, Any]:
    T, width, units = int(rng.integers(1, 7)), int(rng.integers(1, 5)), int(rng.integers(1, 6))
    X = s.draw_tokens(rng, T, width)
    return {
        "X": X,
        "W_in": rng.normal(size=(width, units)),
        "W_out": rng.normal(size=(units, int(rng.integers(1, 5)))),
        "reference": X.mean(axis=0) + 0.3 * rng.normal(size=width),
    }


_Lambda = sp.Symbol("Lambda", commutative=False)
_f = sp.Function("f")
_LIPSCHITZ = Routine(
    sp.Abs(sp.Symbol("W_in")) * sp.Abs(sp.Symbol("W_out")),
    lambda W_in, W_out: np.abs(W_in) @ np.abs(W_out),
    ("W_in", "W_out"),
)

register(
    Claim(
        id="RANK-4c",
        title="a rowwise network changes residuals by its Lipschitz matrix",
        statement=(
            "For f(u) = ReLU(u W_in) W_out and Lambda = |W_in||W_out|, the residual of f(X) about "
            "f(c) is at most ||Lambda|| times that of X about c, in norm_1 and in norm_inf."
        ),
        source=s.extends_dong("Corollary with MLPs, the reference made explicit"),
        standing="corrected",
        observable="residual",
        parameters=(s.TOKENS, W_IN, W_OUT, s.REFERENCE),
        complete=check_network,
        where={
            "Lambda": _LIPSCHITZ,
            "residual": Routine(s.X - s.c, _residual, ("X", "reference")),
            "moved": Routine(_f(s.X) - _f(s.c), _moved, ("X", "W_in", "W_out", "reference")),
        },
        values={
            "lipschitz_norm_1": s.routine("Lambda", s.norm_1(_Lambda), norm_1),
            "lipschitz_norm_inf": s.routine("Lambda", s.norm_inf(_Lambda), norm_inf),
            "lipschitz_norm_1inf": s.routine("Lambda", s.norm_1inf(_Lambda), norm_1inf),
            "lhs_norm_1": s.routine("moved", s.norm_1(_f(s.X) - _f(s.c)), norm_1),
            "rhs_norm_1": Routine(
                s.norm_1(_Lambda) * s.norm_1(s.R),
                lambda size, R: size * norm_1(R),
                ("lipschitz_norm_1", "residual"),
            ),
            "lhs_norm_inf": s.routine("moved", s.norm_inf(_f(s.X) - _f(s.c)), norm_inf),
            "rhs_norm_inf": Routine(
                s.norm_inf(_Lambda) * s.norm_inf(s.R),
                lambda size, R: size * norm_inf(R),
                ("lipschitz_norm_inf", "residual"),
            ),
        },
        cases=(
            {"X": (0.5 * s.X_4).tolist(), "W_in": s.A_1, "W_out": s.W_1},
            {"X": [[1], [-1]], "W_in": [[1]], "W_out": [[1]]},
            {
                "X": (0.5 * s.X_4).tolist(),
                "W_in": [[1, -2], [0, 1], [3, 1]],
                "W_out": [[1, 0, -1], [2, 1, 0]],
                "reference": [0.5, -0.5, 0.25],
            },
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["lhs_norm_1"]), float(v["rhs_norm_1"])),
                    (float(v["lhs_norm_inf"]), float(v["rhs_norm_inf"])),
                ],
                _draw_network,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "Lambda 5 % too small",
            {
                "Lambda": Routine(
                    sp.Rational(95, 100) * sp.Abs(sp.Symbol("W_in")) * sp.Abs(sp.Symbol("W_out")),
                    lambda W_in, W_out: 0.95 * (np.abs(W_in) @ np.abs(W_out)),
                    ("W_in", "W_out"),
                )
            },
        ),
    )
)
