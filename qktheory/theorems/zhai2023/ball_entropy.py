"""ENT-9: the smallest entropy of a row in a ball of logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from qktheory.base.domains import Matrix, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import row_statistics
from qktheory.numerics.entropy_bounds import ball_min_entropy
from qktheory.numerics.many_digits import entropy_of_logits, many_digits
from qktheory.numerics.row_entropies import LARGEST_LOGIT
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import PathwiseBound
from qktheory.theorems.zhai2023 import setting as s

radius = symbol("radius")
_gap = sp.Symbol("Delta")
_low = (s.t - 1) * sp.exp(-_gap)
#: The entropy of one high logit, Delta above T - 1 equal ones, at distance `radius`.
MIN_ENTROPY = (sp.log(1 + _low) + _gap * _low / (1 + _low)).subs(
    _gap, radius * sp.sqrt(s.t / (s.t - 1))
)

RADIUS = Parameter(
    "radius", Real(low=0.0, typical=(0.05, 20.0)), "largest norm of the logits minus their mean"
)

PROOF = (
    "(i) Along a scaling of the row dH/dlog(scale) = -Var_A(l) <= 0, so the minimum lies on the "
    "sphere |l - mean l| = r. (ii) With mean l = 0 a stationary point solves f(l_j) = 0 with "
    "f(x) = e^x (x - a)/Z - mu x, a = sum A l, mu = Var_A(l)/r^2 > 0. As f'' has the sign of "
    "2 + x - a and f' < 0 far on the left, f falls, then rises: it has two roots at most, and "
    "stationary rows have two levels. (iii) A swap l_i + e, l_j - e inside one level has the "
    "Lagrangian second variation -e^2 f', which is negative at the upper root, where f' > 0; so at "
    "a minimum the upper level has one logit."
)


def _pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the bound with rows on the sphere: random ones and the one that attains it."""
    T, distance = parameters["T"], parameters["radius"]
    smallest = float(values["min_entropy"])
    pairs = []
    rows = [s.random_row(rng, T) for _ in range(4)]
    rows += [s.two_level_row(T, high, 1.0) for high in sorted({1, 2, T // 2, T - 1} - {T})]
    for row in rows:
        centred = row - row.mean()
        norm = float(np.linalg.norm(centred))
        if norm > 0.0:
            pairs += _compared(distance / norm * centred, smallest)
    return pairs


def _compared(row: np.ndarray, smallest: float) -> list[tuple[float, float]]:
    """Return H_min <= H and, where digits are left, ln T - H <= ln T - H_min."""
    log_T = float(np.log(row.size))
    entropy = s.entropy_of(row)
    pairs = [(smallest, entropy)] if entropy > 1e-300 else []
    if log_T - smallest > 1e-3:
        pairs.append((log_T - entropy, log_T - smallest))
    return pairs


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    T = int(10.0 ** rng.uniform(0.31, 3.0))
    return {"T": T, "radius": 10.0 ** rng.uniform(-1.5, 1.6)}


register(
    Claim(
        id="ENT-9a",
        title="smallest entropy of a row in a ball of logits",
        statement=(
            "For T >= 2 logits with |l - mean l| <= r the entropy is at least ln(1 + (T-1) e^-D) + "
            "D (T-1) e^-D/(1 + (T-1) e^-D), D = r sqrt(T/(T-1)), with equality if and only if one "
            "logit is high and the others are equal, at distance r."
        ),
        source=s.ZHAI_2023,
        standing="theorem",
        observable="entropy",
        parameters=(s.T, RADIUS),
        values={"min_entropy": Routine(MIN_ENTROPY, ball_min_entropy, ("T", "radius"))},
        cases=(
            {"T": 8, "radius": 1.0},
            {"T": 64, "radius": 8.0},
            {"T": 1024, "radius": 10.0},
            {"T": 2, "radius": 0.5},
        ),
        judged_by=(PathwiseBound(_pairs, _draw, rounding=1e-10),),
        wrong_twin=WrongTwin(
            "sqrt(T/(T-1)) r taken as 0.95 sqrt(T/(T-1)) r",
            {
                "min_entropy": Routine(
                    MIN_ENTROPY.subs(radius, sp.Rational(95, 100) * radius),
                    lambda T, r: ball_min_entropy(T, 0.95 * r),
                    ("T", "radius"),
                )
            },
        ),
        proof=PROOF,
    )
)

# --- ENT-9b ---------------------------------------------------------------------------------------


def _at_radius(row: Any, factor: float = 1.0) -> float:
    """Return the bound at the radius of a row; a row of one key has no choice."""
    T = round(float(np.exp(row.log_t)))
    return ball_min_entropy(T, factor * row.radius) if T > 1 else 0.0


def _row_pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the row with the bound; where it has one high logit both agree."""
    return _compared(parameters["logits"], float(values["min_entropy"]))


def _precise_row_pairs(parameters: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the pairs of `_row_pairs` in many digits."""
    logits = many_digits(parameters["logits"])
    T, entropy = len(logits), entropy_of_logits(parameters["logits"])
    smallest = mpmath.mpf(0)
    if T > 1:
        centred = logits - mpmath.fsum(logits) / T
        distance = mpmath.sqrt(mpmath.fsum(centred**2) * T / (T - 1))
        others = (T - 1) * mpmath.exp(-distance)
        smallest = mpmath.log1p(others) + distance * others / (1 + others)
    log_T = mpmath.log(T)
    pairs = [(smallest, entropy)] if s.entropy_of(parameters["logits"]) > 1e-300 else []
    return pairs + ([(log_T - entropy, log_T - smallest)] if log_T - smallest > 1e-3 else [])


def _draw_row(rng: np.random.Generator) -> dict[str, Any]:
    if rng.random() < 0.25:
        T = int(rng.integers(2, 60))
        return {"logits": s.two_level_row(T, 1, rng.uniform(0.1, 20.0)) + rng.normal()}
    return s.draw_row(rng)


register(
    Claim(
        id="ENT-9b",
        title="entropy of a row against the bound at its own radius",
        statement=(
            "H(l) >= H_min(T, |l - mean l|). In terms of the unweighted variance Var_u of the "
            "logits the sharp bound is H >= H_min(T, sqrt(T Var_u)), and not ln T - Var_u/2."
        ),
        source=s.extends_zhai("Theorem 3.1 at the radius of a row"),
        standing="theorem",
        observable="entropy",
        parameters=(s.LOGITS,),
        where={"row": s.ROW},
        values={
            "entropy": s.of_row("entropy", s.ENTROPY),
            "radius": s.of_row("radius", sp.sqrt(s.over_keys((s.l[s.j] - s.MEAN_LOGIT) ** 2))),
            "min_entropy": Routine(MIN_ENTROPY, _at_radius, ("row",)),
            "entropy_deficit": Routine(
                sp.log(s.t) - s.H, lambda row: row.log_t - row.entropy, ("row",)
            ),
            "half_variance": Routine(
                radius**2 / (2 * s.t), lambda l: float(np.var(l)) / 2.0, ("logits",)
            ),
        },
        cases=(
            {"logits": [0.3, -1.2, 2.5, 0.0, 0.7]},
            {"logits": [3.0] + [0.0] * 7},
            {"logits": [20.0, 0.0, 0.0, -1.0]},
        ),
        judged_by=(
            PathwiseBound(_row_pairs, _draw_row, rounding=1e-10, precise=_precise_row_pairs),
        ),
        wrong_twin=WrongTwin(
            "radius taken as 0.95 of it in the bound",
            {
                "min_entropy": Routine(
                    MIN_ENTROPY.subs(radius, sp.Rational(95, 100) * radius),
                    lambda row: _at_radius(row, 0.95),
                    ("row",),
                )
            },
        ),
    )
)

# --- ENT-9c ---------------------------------------------------------------------------------------

temperature = symbol("temperature")
_W, _X, _C = matrix("W_QK"), sp.MatrixSymbol("X", s.t, symbol("d")), sp.Symbol("X_c")
_i = sp.Symbol("i", integer=True, positive=True)
_norm = sp.Function("norm2")
_x = sp.IndexedBase("x")
_RADIUS_BOUND = _norm(_W) * _norm(_C) * _norm(_x[_i]) / temperature


def _complete_map(parameters: dict[str, Any]) -> None:
    X, W = parameters["X"], parameters["W_QK"]
    if X.shape[1] != len(W):
        raise bad_value("X", f"array of shape {X.shape}", f"{len(W)} columns, the size of W_QK")
    scores = float(np.abs(X).max()) ** 2 * float(np.abs(W).max()) / parameters["temperature"]
    if not scores * X.size * len(W) < LARGEST_LOGIT:
        raise ValueError(
            f"X W_QK X^T/temperature reaches {scores:g}: expected scores below {LARGEST_LOGIT:g}"
        )


def _scores(X: np.ndarray, W: np.ndarray, temperature: float) -> np.ndarray:
    return np.asarray(X @ W @ X.T / temperature)


def _radii(S: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(S - S.mean(axis=1, keepdims=True), axis=1))


def _radius_bound(X: np.ndarray, W: np.ndarray, temperature: float) -> np.ndarray:
    centred = np.linalg.norm(X - X.mean(axis=0), 2)
    return np.asarray(np.linalg.norm(W, 2) * centred * np.linalg.norm(X, axis=1) / temperature)


def _published(X: np.ndarray, W: np.ndarray, temperature: float) -> float:
    return float(np.linalg.norm(W, 2) * np.linalg.norm(X, 2) ** 2 / temperature)


def _bounds(radii: np.ndarray) -> np.ndarray:
    T = len(radii)
    return np.array([ball_min_entropy(T, float(r)) if T > 1 else 0.0 for r in radii])


def _map_pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare radii with both bounds and, where they are no rounding, entropies."""
    pairs = [
        (float(b), float(values["published_radius_bound"])) for b in values["row_radius_bound"]
    ]
    for r, r_bound, h, h_bound in zip(
        values["row_radius"],
        values["row_radius_bound"],
        values["row_entropy"],
        values["entropy_bound"],
        strict=True,
    ):
        pairs += [(float(r), float(r_bound))] if r > 1e-9 else []
        pairs += [(float(h_bound), float(h))] if h > 1e-300 else []
    return pairs


def _draw_map(rng: np.random.Generator) -> dict[str, Any]:
    """Draw tokens and a map; in one dimension with one token apart the bounds are attained."""
    T, d = int(rng.integers(2, 12)), int(rng.integers(1, 5))
    X = rng.normal(size=(T, d))
    if d == 1:
        X = np.full((T, 1), -1.0)
        X[0] = T - 1
        X *= rng.uniform(0.1, 3.0) / T
    return {"X": X, "W_QK": rng.normal(size=(d, d)), "temperature": rng.uniform(0.5, 3.0)}


_MAP = ("X", "W_QK", "temperature")
register(
    Claim(
        id="ENT-9c",
        title="entropy of attention rows from spectral norms",
        statement=(
            "Row i of S = X W X^T/temperature, centred, has at most the norm |W|_2 |X_c|_2 |x_i|"
            "/temperature with X_c the tokens minus their mean, which is at most the published "
            "|W|_2 |X X^T|_2/temperature; its entropy is at least H_min(T, that norm)."
        ),
        source=s.extends_zhai("Theorem 3.1, sharper radius"),
        standing="derived",
        observable="entropy",
        parameters=(
            Parameter("X", Matrix(), "tokens as rows, (T, d)"),
            Parameter("W_QK", Matrix(square=True), "query-key matrix, (d, d)"),
            Parameter(
                "temperature",
                Real(low=0.0, low_open=True, typical=(0.3, 3.0)),
                "divisor of the scores",
                default=1.0,
            ),
        ),
        complete=_complete_map,
        where={"scores": Routine(_X * _W * _X.T / temperature, _scores, _MAP)},
        values={
            "row_entropy": Routine(s.ENTROPY, lambda S: row_statistics(S)[:, 1], ("scores",)),
            "row_radius": Routine(
                sp.sqrt(s.over_keys((s.l[s.j] - s.MEAN_LOGIT) ** 2)), _radii, ("scores",)
            ),
            "row_radius_bound": Routine(_RADIUS_BOUND, _radius_bound, _MAP),
            "entropy_bound": Routine(MIN_ENTROPY, _bounds, ("row_radius_bound",)),
            "published_radius_bound": Routine(
                _norm(_W) * _norm(_X * _X.T) / temperature, _published, _MAP
            ),
        },
        cases=(
            {
                "X": [[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [2.0, -1.0, 0.0], [-1.0, 1.0, 1.0]],
                "W_QK": [[1.0, 0.0, -1.0], [0.0, 2.0, 1.0], [1.0, -1.0, 0.0]],
                "temperature": 1.7,
            },
            {
                "X": [[0.3, 0.1], [-0.2, 0.4], [0.5, -0.3]],
                "W_QK": [[1.0, 2.0], [0.0, -1.0]],
                "temperature": 0.8,
            },
            {"X": [[3.0], [-1.0], [-1.0], [-1.0]], "W_QK": [[0.7]], "temperature": 2.0},
        ),
        judged_by=(PathwiseBound(_map_pairs, _draw_map, rounding=1e-10),),
        wrong_twin=WrongTwin(
            "constant 1 of the bound on the radius taken as 0.95",
            {
                "row_radius_bound": Routine(
                    sp.Rational(95, 100) * _RADIUS_BOUND,
                    lambda *q: 0.95 * _radius_bound(*q),
                    _MAP,
                )
            },
        ),
    )
)

# --- folklore -------------------------------------------------------------------------------------

deficit, half_variance = symbol("entropy_deficit"), symbol("half_variance")


def _precise_deficit(parameters: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the entropy deficit and half the variance of the logits in many digits."""
    logits = many_digits(parameters["logits"])
    T = len(logits)
    centred = logits - mpmath.fsum(logits) / T
    half_variance = mpmath.fsum(centred**2) / (2 * T)
    return [(mpmath.log(T) - entropy_of_logits(parameters["logits"]), half_variance)]


register(
    Claim(
        id="ENT-9-folklore",
        title="the entropy deficit is at most half the variance of the logits",
        statement=(
            "Believed: ln T - H <= Var/2 for every row, with the unweighted variance of its "
            "logits, as for Gaussian logits in the mean. False for logits skewed to the right: one "
            "high logit puts its weight where the plain variance does not look. ENT-9b is sharp."
        ),
        source=s.extends_zhai("Gaussian reading of the variance of a row"),
        standing="folklore",
        observable="entropy",
        parameters=(s.LOGITS,),
        where={"row": s.ROW},
        values={
            "entropy_deficit": Routine(
                sp.log(s.t) - s.H, lambda row: row.log_t - row.entropy, ("row",)
            ),
            "half_variance": Routine(
                radius**2 / (2 * s.t), lambda l: float(np.var(l)) / 2.0, ("logits",)
            ),
        },
        cases=(
            {"logits": [3.0] + [0.0] * 7},
            {"logits": [0.0, 1.0, -1.0, 0.5]},
            {"logits": [1.0] + [0.0] * 63},
        ),
        judged_by=(
            PathwiseBound(
                lambda q, values, rng: [
                    (float(values["entropy_deficit"]), float(values["half_variance"]))
                ],
                _draw_row,
                inequalities=("entropy deficit <= half the variance",),
                precise=_precise_deficit,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 taken as 0.45",
            {
                "half_variance": Routine(
                    sp.Rational(45, 100) * radius**2 / s.t,
                    lambda l: 0.45 * float(np.var(l)),
                    ("logits",),
                )
            },
        ),
    )
)
