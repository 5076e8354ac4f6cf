"""ZOO-GIH-1a to ZOO-GIH-2: the model that induction heads reach in the limit of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, IntegerList, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

_rho, _a = symbol("match_share"), symbol("inverse_temperature")
INVERSE_TEMPERATURE = Parameter(
    "inverse_temperature", Real(low=0.0, typical=(0.0, 8.0)), "a: a match has the score a"
)
_STATEMENT = (1 - _rho) / (1 - _rho + _rho * sp.exp(_a))


def missed_weight(match_share: float, inverse_temperature: float) -> float:
    """Return the weight of the positions that do not match."""
    rest = (1.0 - match_share) * math.exp(-inverse_temperature)
    # Without a match there is no weight elsewhere, however large a is.
    return 1.0 if match_share == 0.0 else rest / (rest + match_share)


# --- ZOO-GIH-1a -----------------------------------------------------------------------------------


def _by_positions(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Let a row of 1000 positions attend; shares are multiples of 1/1000."""
    matches = round(1000 * parameters["match_share"])
    scores = np.zeros(1000)
    scores[:matches] = parameters["inverse_temperature"]
    weights = np.exp(scores - scores.max())
    return {"tv_bound": float(weights[matches:].sum() / weights.sum())}


_BOUND = Routine(_STATEMENT, missed_weight, ("match_share", "inverse_temperature"))

register(
    Claim(
        id="ZOO-GIH-1a",
        title="distance of an induction head from the conditional frequency",
        statement=(
            "A head that gives matching positions the score a is within (1 - rho)/(1 - rho + "
            "rho e^a) of the empirical conditional frequency, in total variation; rho is the share "
            "of matching positions."
        ),
        source=cite("chen2024", "model in the limit of training"),
        standing="derived",
        observable="prediction",
        parameters=(
            Parameter("match_share", Real(0.0, 1.0), "rho, share of matching positions"),
            INVERSE_TEMPERATURE,
        ),
        values={"tv_bound": _BOUND},
        cases=(
            {"match_share": 0.1, "inverse_temperature": 5.0},
            {"match_share": 0.7, "inverse_temperature": 1.0},
            {"match_share": 0.25, "inverse_temperature": 0.0},
        ),
        judged_by=(
            Identity(
                _by_positions,
                lambda rng: {
                    "match_share": int(rng.integers(1, 1001)) / 1000.0,
                    "inverse_temperature": float(rng.uniform(0.0, 20.0)),
                },
                tolerance=1e-11,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"tv_bound": times(1.05, _BOUND)}),
    )
)

# --- ZOO-GIH-1b -----------------------------------------------------------------------------------


def _check_tokens(p: dict[str, Any]) -> None:
    if max(p["tokens"]) >= p["n_symbols"]:
        raise bad_value("tokens", p["tokens"], f"symbols below n_symbols = {p['n_symbols']}")
    if p["parents"] and max(p["parents"]) >= len(p["tokens"]):
        raise bad_value("parents", p["parents"], f"lags below T = {len(p['tokens'])}")


def _predict(tokens: list[int], n_symbols: int, parents: list[int], a: float) -> dict[str, Any]:
    T = len(tokens)
    start = max(parents, default=0)
    seen = np.array(tokens)
    positions = np.arange(start, T)
    match = np.ones(len(positions), dtype=bool)
    for lag in parents:
        match &= seen[positions - lag] == seen[T - lag]
    # Relative to a match, so that a may be large.
    weight = np.where(match, 1.0, math.exp(-a)) if match.any() else np.ones(len(positions))
    heard = seen[positions]
    prediction = np.bincount(heard, weight, n_symbols) / weight.sum()
    share = float(match.mean())
    found: dict[str, Any] = {
        "prediction": prediction,
        "match_share": share,
        "tv_bound": missed_weight(share, a),
    }
    if match.any():
        frequency = np.bincount(heard[match], minlength=n_symbols) / match.sum()
        # The difference is the missed weight times that of the frequencies: no cancellation.
        rest = np.bincount(heard[~match], minlength=n_symbols) / max(1, int((~match).sum()))
        found["conditional_frequency"] = frequency
        found["total_variation"] = 0.5 * found["tv_bound"] * float(np.abs(rest - frequency).sum())
    return found


def _draw_tokens(rng: np.random.Generator) -> dict[str, Any]:
    n_symbols = int(rng.integers(2, 5))
    lags = sorted({int(k) for k in rng.integers(1, 4, size=int(rng.integers(1, 3)))})
    return {
        "tokens": [int(k) for k in rng.integers(0, n_symbols, size=int(rng.integers(5, 60)))],
        "n_symbols": n_symbols,
        "parents": lags,
        "inverse_temperature": float(rng.uniform(0.0, 5.0)),
    }


def _counted(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Attend position by position."""
    tokens, lags, a = (parameters[k] for k in ("tokens", "parents", "inverse_temperature"))
    T, start = len(tokens), max(lags)
    weights = [0.0] * parameters["n_symbols"]
    matches = [0.0] * parameters["n_symbols"]
    for i in range(start, T):
        good = all(tokens[i - lag] == tokens[T - lag] for lag in lags)
        weights[tokens[i]] += math.exp(a) if good else 1.0
        matches[tokens[i]] += good
    prediction = np.array(weights) / sum(weights)
    found = {"prediction": prediction, "match_share": sum(matches) / (T - start)}
    if sum(matches):
        frequency = np.array(matches) / sum(matches)
        found["conditional_frequency"] = frequency
        distance = 0.5 * float(np.abs(prediction - frequency).sum())
        # Equal frequencies differ by rounding here.
        found["total_variation"] = distance if distance > 1e-14 else 0.0
    return found


def _below_bound(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    distance = values.get("total_variation", 0.0)
    return [(float(distance), float(values["tv_bound"]))]


_VALUES = entries(
    "found",
    {
        "prediction": named("sum", named("softmax", "a_match_i"), "tokens_i"),
        "conditional_frequency": named("frequency", "tokens_i", "match_i"),
        "match_share": named("mean", "match_i"),
        "total_variation": named("TV", "prediction", "conditional_frequency"),
        "tv_bound": _STATEMENT,
    },
)

register(
    Claim(
        id="ZOO-GIH-1b",
        title="prediction of an induction head on given tokens",
        statement=(
            "The copier with a selector of the parents predicts a softmax average over matching "
            "and other positions; its distance from the conditional frequency is the missed weight "
            "times that of the frequencies, hence below the bound of ZOO-GIH-1a."
        ),
        source=cite("chen2024", "model in the limit of training"),
        standing="derived",
        observable="prediction",
        parameters=(
            Parameter("tokens", IntegerList(Integer(low=0, typical=(0, 1))), "symbols, (T)"),
            Parameter(
                "n_symbols", Integer(low=1, high=10**6, typical=(2, 5)), "size of the alphabet"
            ),
            Parameter("parents", IntegerList(Integer(low=1, typical=(1, 3)), 0), "lags of parents"),
            INVERSE_TEMPERATURE,
        ),
        complete=_check_tokens,
        where={
            "found": Routine(
                named("head", "tokens", "parents", "a"),
                _predict,
                ("tokens", "n_symbols", "parents", "inverse_temperature"),
            )
        },
        values=_VALUES,
        cases=(
            {
                "tokens": [0, 1, 0, 1, 1, 0, 1, 0],
                "n_symbols": 2,
                "parents": [1],
                "inverse_temperature": 2.0,
            },
            {
                "tokens": [1, 1, 2, 2, 0, 0, 2, 2, 0, 0, 2, 1, 0, 2, 0, 1, 1, 1, 0],
                "n_symbols": 3,
                "parents": [1, 2],
                "inverse_temperature": 1.0,
            },
            {
                "tokens": [0, 1, 2, 0, 1],
                "n_symbols": 3,
                "parents": [2],
                "inverse_temperature": 4.0,
            },
        ),
        judged_by=(
            Identity(_counted, _draw_tokens, tolerance=1e-9),
            PathwiseBound(_below_bound, _draw_tokens),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"total_variation": times(1.05, _VALUES["total_variation"])}
        ),
    )
)

# --- ZOO-GIH-2 ------------------------------------------------------------------------------------


def _sum_to_one(p: dict[str, Any]) -> None:
    if abs(float(p["probabilities"].sum()) - 1.0) > 1e-6:
        raise bad_value("probabilities", p["probabilities"].tolist(), "numbers that sum to 1")


def _mse(probabilities: FloatArray, matches: int) -> float:
    # sum p (1 - p): exactly 0 for a certain symbol.
    return float(np.sum(probabilities * (1.0 - probabilities)) / matches)


def _frequencies(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    p, matches = parameters["probabilities"], parameters["matches"]
    edges = np.cumsum(p)[:-1]
    symbols = np.searchsorted(edges, stream.uniforms(first, count, matches), side="right")
    counts = np.stack([(symbols == k).sum(axis=1) for k in range(len(p))], axis=1)
    return {"mse": np.sum((counts / matches - p) ** 2, axis=1)}


_p = sp.IndexedBase("p")
_k = sp.Symbol("k", integer=True)
_MSE = Routine(
    (1 - sp.Sum(_p[_k] ** 2, (_k, 1, sp.Symbol("n")))) / symbol("matches"),
    _mse,
    ("probabilities", "matches"),
)

register(
    Claim(
        id="ZOO-GIH-2",
        title="error of a conditional frequency",
        statement=(
            "Given the number of matches, the frequency of the next symbol has mean square error "
            "E|p_hat - p|^2 = (1 - |p|^2)/matches."
        ),
        source=cite("chen2024", "error of the limiting model"),
        standing="derived",
        observable="prediction",
        parameters=(
            Parameter("probabilities", RealList(Real(0.0, 1.0)), "law of the next symbol"),
            Parameter("matches", Integer(low=1, high=10**15, typical=(1, 40)), "positions"),
        ),
        complete=_sum_to_one,
        values={"mse": _MSE},
        cases=(
            {"probabilities": [0.5, 0.5], "matches": 1},
            {"probabilities": [0.2, 0.3, 0.5], "matches": 12},
            {"probabilities": [0.9, 0.05, 0.03, 0.02], "matches": 5},
        ),
        judged_by=(DrawnExpectation(("mse",), _frequencies, lambda q: 12.0 * q["matches"]),),
        wrong_twin=WrongTwin("constant off by 8 %", {"mse": times(1.08, _MSE)}),
    )
)
