"""ENT-10a, ENT-10b: the smallest entropy of a row of given range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.entropy_bounds import (
    RangeMinimum,
    range_min_entropy,
    relaxed_range_deficit,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, PathwiseBound
from qktheory.theorems.zhai2023 import setting as s

Delta = symbol("logit_range")
_k = sp.Symbol("k", integer=True, positive=True)
_Q = (s.t - _k) * sp.exp(-Delta)
#: Entropy of k logits that lie Delta above the other T - k.
_H_k = sp.log(_k + _Q) + Delta * _Q / (_k + _Q)

RANGE = Parameter(
    "logit_range",
    Real(low=0.0, low_open=True, typical=(0.05, 10.0)),
    "largest minus smallest logit, at most",
)

# --- ENT-10a --------------------------------------------------------------------------------------


def _pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the bound with rows in the cube, inside and on vertices, k_best among them."""
    T, width = parameters["T"], parameters["logit_range"]
    levels = {int(k) for k in (1, T // 2, T - 1, values["k_best"], *rng.integers(1, T, size=6))}
    rows = [width * s.two_level_row(T, high, 1.0) for high in sorted(levels)]
    rows += [width * rng.random(T), width * rng.random(T) ** 4]
    smallest, log_T = float(values["min_entropy"]), math.log(T)
    entropies = [s.entropy_of(row) for row in rows]
    pairs = [(smallest, entropy) for entropy in entropies]
    if log_T - smallest > 1e-3:
        pairs += [(log_T - entropy, log_T - smallest) for entropy in entropies]
    return pairs


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    T = int(10.0 ** rng.uniform(0.31, 3.0))
    return {"T": T, "logit_range": 10.0 ** rng.uniform(-1.0, 1.6)}


def _too_steep(T: int, width: float) -> float:
    """Return the bound with its second term 5 % too large."""
    best = range_min_entropy(T, width)
    low = (T - best.k_best) * math.exp(-width)
    return best.min_entropy + 0.05 * width * low / (best.k_best + low)


register(
    Claim(
        id="ENT-10a",
        title="smallest entropy of a row of given range",
        statement=(
            "If max l - min l <= D, the entropy is at least the minimum over k = 1..T-1 of "
            "H_k = ln(k + Q) + D Q/(k + Q), Q = (T - k) e^-D, attained by k logits at the top of "
            "the range and T - k at its bottom."
        ),
        source=s.extends_zhai("bound by the range instead of the norm"),
        standing="derived",
        observable="entropy",
        parameters=(s.T, RANGE),
        where={
            "minimum": Routine(sp.Min(_H_k, evaluate=False), range_min_entropy, ("T", Delta.name))
        },
        values={
            "min_entropy": Routine(_H_k, lambda m: m.min_entropy, ("minimum",)),
            "k_best": Routine(sp.Function("argmin")(_H_k, _k), lambda m: m.k_best, ("minimum",)),
        },
        cases=(
            {"T": 64, "logit_range": 0.5},
            {"T": 64, "logit_range": 4.0},
            {"T": 64, "logit_range": 8.0},
            {"T": 2, "logit_range": 1.0},
        ),
        judged_by=(PathwiseBound(_pairs, _draw, rounding=1e-9),),
        wrong_twin=WrongTwin(
            "second term of H_k taken 5 % too large",
            {
                "minimum": Routine(
                    sp.log(_k + _Q) + sp.Rational(105, 100) * Delta * _Q / (_k + _Q),
                    lambda T, width: RangeMinimum(
                        _too_steep(T, width), range_min_entropy(T, width).k_best
                    ),
                    ("T", Delta.name),
                )
            },
        ),
        proof=(
            "Along one coordinate dH/dl_j = -A_j (l_j - <l>), <l> = sum A l, and where that "
            "vanishes the second derivative is -A_j (1 - A_j) < 0. So H rises, then falls in each "
            "coordinate, its minima over the cube sit on vertices, and a vertex with k high logits "
            "has the entropy H_k. In y = 1 + (k/T)(e^D - 1) one has ln T - H_k = M (1 - 1/y) - "
            "ln y with M = D/(1 - e^-D), which rises up to y = M and falls after it: the best "
            "integer k is next to T p_star of ENT-10b, or the end of 1..T-1 on its side."
        ),
    )
)

# --- ENT-10b --------------------------------------------------------------------------------------

_M = Delta / (1 - sp.exp(-Delta))
kl_star = symbol("kl_star")


def _largest_deficits(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare KL* with the exact largest deficit at several T, and with Delta^2/8."""
    width = parameters["logit_range"]
    pairs = [(float(values["kl_star"]), float(values["kl_quadratic"]))]
    for T in (2, int(10.0 ** rng.uniform(0.5, 3.0)), 10**6):
        deficit = math.log(T) - range_min_entropy(T, width).min_entropy
        pairs.append((deficit, float(values["kl_star"])))
    return pairs


def _deficit_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    exact = math.log(int(size)) - range_min_entropy(int(size), parameters[Delta.name]).min_entropy
    return exact, float(evaluate(parameters)["kl_star"])


def _share_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    best = range_min_entropy(int(size), parameters[Delta.name]).k_best
    return best / int(size), float(evaluate(parameters)["p_star"])


_LADDER = (1e3, 1e6, 1e9)

register(
    Claim(
        id="ENT-10b",
        title="largest entropy deficit of rows of given range, over all T",
        statement=(
            "ln T - H <= KL* = M - 1 - ln M, M = D/(1 - e^-D), for every T and every row of range "
            "D, attained up to rounding by a fraction p* = (M - 1)/(e^D - 1) of high logits; and "
            "KL* <= D^2/8, with equality as D -> 0."
        ),
        source=s.extends_zhai("bound by the range for all T; sharpens Hoeffding's lemma"),
        standing="derived",
        observable="entropy",
        parameters=(RANGE,),
        where={
            "relaxed": Routine(
                sp.Max(_M * (1 - 1 / sp.Symbol("y")) - sp.log(sp.Symbol("y")), evaluate=False),
                relaxed_range_deficit,
                (Delta.name,),
            )
        },
        values={
            "kl_star": Routine(_M - 1 - sp.log(_M), lambda r: r.kl_star, ("relaxed",)),
            "p_star": Routine((_M - 1) / (sp.exp(Delta) - 1), lambda r: r.p_star, ("relaxed",)),
            "kl_quadratic": Delta**2 / 8,
        },
        cases=({"logit_range": 0.5}, {"logit_range": 2.0}, {"logit_range": 6.0}),
        judged_by=(
            PathwiseBound(
                _largest_deficits,
                lambda rng: {"logit_range": 10.0 ** rng.uniform(-1.5, 1.0)},
                rounding=1e-9,
            ),
            Asymptotic("kl_star", "T", _LADDER, _deficit_at_T, rate=1.0, floor=1e-9),
            Asymptotic("p_star", "T", _LADDER, _share_at_T, rate=0.5, floor=1e-9),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of M - 1 - ln M taken as 1.05",
            {
                "kl_star": Routine(
                    _M - sp.Rational(105, 100) - sp.log(_M),
                    lambda r: r.kl_star - 0.05,
                    ("relaxed",),
                )
            },
        ),
    )
)
