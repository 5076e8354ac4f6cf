"""ENT-14: overlap of two rows with correlated logits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_row import var_log_partition
from qktheory.numerics.row_overlap import overlap_integral, row_overlap
from qktheory.numerics.softmax_rows import SoftmaxRows
from qktheory.observables.draws import Rows
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation, Identity
from qktheory.theorems.random_energy import setting as e

_KEYS = Parameter("T", Real(low=1.0, high=1e30, typical=(1.5, 300.0)), "number of keys of a row")
_STD = Parameter(
    "s", Real(low=0.0, high=1e6, typical=(0.1, 3.0)), "standard deviation of the logits"
)
_COSINE = Parameter(
    "cosine",
    Real(low=0.0, high=1.0, typical=(0.0, 0.97)),
    "correlation of the logits of two rows, key by key",
)
_COSINE_BELOW_1 = Parameter("cosine", Real(low=0.0, high=1.0, high_open=True), _COSINE.description)

_j = sp.Symbol("j", integer=True)
_A, _B = sp.IndexedBase("A"), sp.IndexedBase("B")
_OVERLAP = sp.Function("E")(sp.Sum(_A[_j] * _B[_j], (_j, 1, e.t)))

# --- ENT-14a --------------------------------------------------------------------------------------


def _two_rows(parameters: Mapping[str, Any]) -> Ensemble:
    """Return an experiment with 2 T iid logits, the parts of the two rows."""
    return e.row_ensemble(2 * int(parameters["T"]), parameters["s"])


def _measured(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, RowObservable]:
    T, rho = int(parameters["T"]), float(parameters["cosine"])

    def overlap(rows: Rows) -> e.FloatArray:
        first, second = rows.logits[:, :T], rows.logits[:, T : 2 * T]
        other = rho * first + math.sqrt(1.0 - rho * rho) * second
        products = SoftmaxRows(first).weights * SoftmaxRows(other).weights
        return np.asarray(products.sum(axis=1))

    return {"overlap": e.functional("sum of A_j B_j", overlap, (0.0, 1.0))}


def _two_keys(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Integrate over the two differences of logits, for T = 2."""
    if parameters["T"] != 2.0:
        return {}
    s, rho = float(parameters["s"]), float(parameters["cosine"])
    g = np.linspace(-9.0, 9.0, 401)
    weights = np.exp(-0.5 * g * g) * (g[1] - g[0]) / math.sqrt(2.0 * math.pi)
    tilt = np.tanh(s * g / math.sqrt(2.0))
    other = np.tanh(s * (rho * g[:, None] + math.sqrt(1.0 - rho * rho) * g) / math.sqrt(2.0))
    return {"overlap": 0.5 + 0.5 * float((weights * tilt) @ other @ weights)}


def _draw_two_keys(rng: np.random.Generator) -> dict[str, float]:
    return {"T": 2.0, "s": rng.uniform(0.1, 3.0), "cosine": rng.uniform(0.05, 0.95)}


register(
    Claim(
        id="ENT-14a",
        title="overlap of two rows with correlated logits",
        statement=(
            "For two rows of T Gaussian logits N(0, s^2) whose correlation key by key is the "
            "cosine of the queries, E sum_j A_j B_j is the double integral of "
            "T E[K(a) K(b)] Phi_2^(T-1), with a, b the two shifted logits of one key."
        ),
        source=e.extends_derrida("overlap of two rows"),
        standing="derived",
        observable="participation",
        parameters=(_KEYS, _STD, _COSINE),
        where={"width": e.s},
        values={"overlap": Routine(_OVERLAP, row_overlap, ("T", "width", "cosine"))},
        cases=(
            {"T": 16, "s": 1.0, "cosine": 0.5},
            {"T": 32, "s": 3.0, "cosine": 0.8},
            {"T": 2, "s": 1.0, "cosine": 0.6},
        ),
        judged_by=(
            Expectation(_two_rows, _measured),
            Identity(_two_keys, _draw_two_keys, 1e-10, most_draws=5),
        ),
        wrong_twin=WrongTwin(
            "standard deviation s taken as 1.1 s", {"width": sp.Rational(11, 10) * e.s}
        ),
    )
)

# --- ENT-14b --------------------------------------------------------------------------------------

_b = symbol("b")
_DIFFUSE = 2 * e.rho * _b**2 - 1
_SPIKE = 1 - (1 + _b**2) ** 2 / (2 * _b**2 * (1 + e.rho))
_FROZEN = -(1 - e.rho) / (1 + e.rho)


def _exponent(diffuse: sp.Expr) -> sp.Expr:
    return sp.Piecewise((diffuse, _b**2 * (1 + 2 * e.rho) < 1), (_SPIKE, _b < 1), (_FROZEN, True))


def _slope(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """D log C/d log T at fixed b, across one unit of log T."""
    b, rho = float(parameters["b"]), float(parameters["cosine"])
    low, high = (
        math.log(row_overlap(math.exp(x), b * math.sqrt(2.0 * x), rho))
        for x in (size - 0.5, size + 0.5)
    )
    return high - low, float(evaluate(parameters)["overlap_exponent"])


register(
    Claim(
        id="ENT-14b",
        title="power of T of the overlap",
        statement=(
            "At fixed b = s/s_c and cosine rho, the overlap is T to the power 2 rho b^2 - 1 for "
            "b^2 < 1/(1 + 2 rho), 1 - (1 + b^2)^2/(2 b^2 (1 + rho)) up to b = 1, and "
            "-(1 - rho)/(1 + rho) beyond: frozen rows freeze on different keys."
        ),
        source=e.extends_derrida("overlap of two rows"),
        standing="derived",
        observable="participation",
        parameters=(
            Parameter("b", Real(low=0.0, low_open=True, high=1e6, typical=(0.1, 3.0)), "s/s_c"),
            _COSINE_BELOW_1,
        ),
        values={"overlap_exponent": _exponent(_DIFFUSE)},
        cases=(
            {"b": 0.5, "cosine": 0.5},
            {"b": 0.3, "cosine": 0.9},
            {"b": 0.8, "cosine": 0.5},
            {"b": 2.0, "cosine": 0.2},
        ),
        judged_by=(
            Asymptotic("overlap_exponent", "ln T", (8.0, 16.0, 32.0), _slope, rate=0.5, floor=1e-9),
        ),
        wrong_twin=WrongTwin(
            "exponent of the diffuse phase off by 0.1",
            {"overlap_exponent": _exponent(_DIFFUSE + sp.Rational(1, 10))},
        ),
    )
)

# --- ENT-14c --------------------------------------------------------------------------------------


def _swapped(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Each side by the routine of the other."""
    T, s = float(parameters["T"]), float(parameters["s"])
    return {"var_log_z": overlap_integral(T, s), "overlap_integral": var_log_partition(T, s)}


def _draw(rng: np.random.Generator) -> dict[str, float]:
    return {"T": 10.0 ** rng.uniform(0.2, 5.0), "s": 10.0 ** rng.uniform(-1.5, 0.3)}


_VARIANCE = sp.Function("Var")(sp.log(sp.Symbol("Z")))
_INTEGRAL = e.s**2 * sp.Integral(sp.Function("C")(e.rho), (e.rho, 0, 1))

register(
    Claim(
        id="ENT-14c",
        title="variance of log Z as an integral of the overlap",
        statement=(
            "d Cov(log Z_a, log Z_b)/d rho = s^2 C(rho) for the overlap C, hence "
            "Var log Z = s^2 int_0^1 C(rho) d rho (Gaussian interpolation)."
        ),
        source=e.extends_derrida("overlap of two rows"),
        standing="derived",
        observable="participation",
        parameters=(_KEYS, _STD),
        values={
            "var_log_z": Routine(_VARIANCE, var_log_partition, ("T", "s")),
            "overlap_integral": Routine(_INTEGRAL, overlap_integral, ("T", "s")),
        },
        cases=(
            {"T": 64, "s": 1.0},
            {"T": 1024, "s": 2.0},
            {"T": 3, "s": 0.1},
        ),
        judged_by=(Identity(_swapped, _draw, 1e-9, most_draws=2),),
        wrong_twin=WrongTwin(
            "factor s^2 taken 1.05 times",
            {
                "overlap_integral": Routine(
                    sp.Rational(105, 100) * _INTEGRAL,
                    lambda T, s: 1.05 * overlap_integral(T, s),
                    ("T", "s"),
                )
            },
        ),
    )
)

# --- ENT-14d --------------------------------------------------------------------------------------


def _at_T(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    s, rho = float(parameters["s"]), float(parameters["cosine"])
    values = evaluate({**parameters, "T": size})
    return row_overlap(size, s, rho), float(values["overlap_diffuse"])


def _complete(parameters: dict[str, Any]) -> None:
    """Demand an exponential within the range of doubles."""
    if parameters["cosine"] * parameters["s"] ** 2 > 700.0:
        raise bad_value("s", parameters["s"], "cosine s^2 <= 700")


_DIFFUSE_OVERLAP = sp.exp(e.rho * e.s**2) / e.t

register(
    Claim(
        id="ENT-14d",
        title="overlap of diffuse rows",
        statement=(
            "At fixed s, as T grows, E sum_j A_j B_j = e^(rho s^2)/T, which holds as long as "
            "b^2 < 1/(1 + 2 rho)."
        ),
        source=e.extends_derrida("overlap of two rows"),
        standing="derived",
        observable="participation",
        parameters=(_KEYS, _STD, _COSINE),
        complete=_complete,
        values={"overlap_diffuse": _DIFFUSE_OVERLAP},
        cases=(
            {"T": 256, "s": 1.0, "cosine": 0.1},
            {"T": 1024, "s": 0.7, "cosine": 0.9},
            {"T": 512, "s": 1.0, "cosine": 0.5},
        ),
        judged_by=(Asymptotic("overlap_diffuse", "T", (1e3, 1e4, 1e5), _at_T, rate=0.9),),
        wrong_twin=WrongTwin(
            "constant 1 taken as 1.05",
            {"overlap_diffuse": sp.Rational(105, 100) * _DIFFUSE_OVERLAP},
        ),
    )
)
