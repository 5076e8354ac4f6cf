"""ENT-11a, b, c: the variance of the logits of a row, from the spectrum of the query-key map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Integer, Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.spectra.haar import haar_frames
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.bridge import QUERY_SCALES
from qktheory.theorems.bao2024.law import MAP
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Expectation, Identity
from qktheory.theorems.random_energy import setting as e

FloatArray = NDArray[np.float64]

_SOURCE = e.extends_derrida("the width of a row, from the spectrum of the query-key map")
_CASES = (
    {
        "W_QK": [[1.0, 2.0], [0.0, -1.0]],
        "Sigma": [[2.0, 1.0], [1.0, 3.0]],
        "temperature": 2.0,
    },
    {
        "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
        "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
        "temperature": 0.7,
    },
    {"W_QK": [[0.7, 0.2], [0.9, 0.3]], "Sigma": 0.5},
)

# --- ENT-11a --------------------------------------------------------------------------------------

_SPREAD = sp.Trace((s.W * s.S * s.W.T * s.S) ** 2) / s.temperature**4


def _half(sigma: FloatArray) -> FloatArray:
    """Return R with R R^T = Sigma; eigenvalues that are rounding errors count as 0."""
    values, vectors = np.linalg.eigh(sigma)
    values = np.where(values > values.size * np.finfo(float).eps * values[-1], values, 0.0)
    return np.asarray(vectors * np.sqrt(values))


def _singular_values(W: FloatArray, sigma: FloatArray) -> FloatArray:
    """Any root of Sigma gives the same singular values."""
    root = _half(sigma)
    return np.asarray(np.linalg.svd(root.T @ W @ root, compute_uv=False))


def _queries(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw query tokens; s^2 = x^T W Sigma W^T x/temperature^2 is the variance of their logits."""
    W, sigma = parameters["W_QK"], parameters["Sigma"]
    x = stream.normals(first, n, len(W)) @ _half(sigma).T
    image = x @ W / parameters["temperature"]
    s2 = np.einsum("ni,ni->n", image @ sigma, image)
    return {"mean_s2": s2, "var_s2": (s2 - values["mean_s2"]) ** 2}


def _by_eigenvalues(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Use the eigenvalues of W Sigma W^T Sigma, which are the squared singular values."""
    W, sigma = parameters["W_QK"], parameters["Sigma"]
    squares = np.sort(np.linalg.eigvals(W @ sigma @ W.T @ sigma).real)[::-1]
    scaled = squares / parameters["temperature"] ** 2
    return {
        "mean_s2": math.fsum(scaled),
        "var_s2": 2.0 * math.fsum(scaled**2),
        "singular_values": np.sqrt(np.maximum(squares, 0.0)),
    }


def _draw_map(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(1, 6))
    entries = rng.normal(size=(size, size)) + np.eye(size)
    return {
        "W_QK": rng.normal(size=(size, size)) + 2.0 * np.eye(size),
        "Sigma": entries @ entries.T,
        "temperature": float(rng.uniform(0.3, 3.0)),
    }


register(
    Claim(
        id="ENT-11a",
        title="law of the logit variance over Gaussian queries",
        statement=(
            "For iid tokens N(0, Sigma) the variance of a row's logits is s^2 = sum tau_k^2 g_k^2 "
            "/temperature^2, g iid N(0, 1), tau the singular values of Sigma^(1/2) W Sigma^(1/2): "
            "its mean is tr(W Sigma W^T Sigma)/temperature^2, its variance 2 sum tau_k^4"
            "/temperature^4."
        ),
        source=_SOURCE,
        standing="derived",
        observable="s2",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE),
        complete=s.complete_map,
        values={
            "mean_s2": s.TRACES["eta_F"],
            "var_s2": 2 * _SPREAD,
            "singular_values": Routine(
                sp.Function("tau")(MAP.statement * s.temperature),
                _singular_values,
                ("W_QK", "Sigma"),
            ),
        },
        assumptions=(s.IID, s.FREE_QUERY),
        cases=_CASES,
        judged_by=(
            DrawnExpectation(
                ("mean_s2", "var_s2"), _queries, lambda q: float(3 * len(q["W_QK"]) ** 2)
            ),
            Identity(_by_eigenvalues, _draw_map, tolerance=1e-7),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of the variance taken as 2.16", {"var_s2": sp.Rational(216, 100) * _SPREAD}
        ),
    )
)

# --- ENT-11b --------------------------------------------------------------------------------------


def _pair(parameters: Mapping[str, Any]) -> Ensemble:
    """Two iid tokens, the query pinned to x."""
    return s.map_ensemble("iid")({**parameters, "T": 2})


def _squared_logit(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {"s2": e.functional("s2", lambda rows: rows.logits[:, 0] ** 2)}


register(
    Claim(
        id="ENT-11b",
        title="variance of the logits given the query",
        statement=(
            "Given the query x among iid tokens N(0, Sigma), the other logits of its row are iid "
            "N(0, s^2) with s^2 = x^T W Sigma W^T x/temperature^2: the query enters through W^T x."
        ),
        source=_SOURCE,
        standing="derived",
        observable="s2",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE, s.QUERY),
        complete=s.complete_map,
        values={"s2": QUERY_SCALES["s2"]},
        assumptions=(s.IID,),
        cases=tuple(
            {**case, "x": x}
            for case, x in zip(_CASES, ([1.0, -1.0], [1.0, 0.5, -2.0], [3.0, -1.0]), strict=True)
        ),
        judged_by=(Expectation(_pair, _squared_logit),),
        wrong_twin=WrongTwin(
            "constant 1 taken as 1.08", {"s2": sp.Rational(108, 100) * QUERY_SCALES["s2"]}
        ),
    )
)

# --- ENT-11c --------------------------------------------------------------------------------------

ENSEMBLES = ("orthogonal", "projector", "ginibre", "goe", "product")
_SIZE = Integer(low=1, high=10**15, typical=(1, 60))
#: The size that belongs to an ensemble beside d.
_EXTRA = {"projector": "rank", "product": "d_k"}
d = symbol("d")
rank, d_k = (sp.Symbol(name, integer=True, positive=True) for name in ("rank", "d_k"))


def _complete_ensemble(parameters: dict[str, Any]) -> None:
    """Demand the rank of a projector and the width d_k of a product, and nothing else."""
    ensemble = parameters["ensemble"]
    for name in ("rank", "d_k"):
        wanted = _EXTRA.get(ensemble) == name
        if wanted and parameters[name] is None:
            raise ValueError(f"{name} is missing: the ensemble {ensemble!r} needs an integer >= 1")
        if not wanted and parameters[name] is not None:
            raise bad_value(name, parameters[name], f"nothing for the ensemble {ensemble!r}")
    if ensemble == "projector" and parameters["rank"] > parameters["d"]:
        raise bad_value("rank", parameters["rank"], f"an integer <= d = {parameters['d']}")


def _mean_ratio(ensemble: str, d: int) -> float:
    return (d + 1) / d if ensemble == "goe" else 1.0


def _var_ratio(ensemble: str, d: int, rank: int | None, d_k: int | None) -> float:
    """Return the variance of the product of chi-squares without taking 1 from 1 + small."""
    a = 2.0 / d
    if ensemble == "orthogonal":
        return a
    if ensemble == "projector":
        assert rank is not None
        return 2.0 / rank
    if ensemble == "ginibre":
        return a * (2.0 + a)
    if ensemble == "goe":
        # (1 + 2/d) (m^2 + v) - m^2, m = 1 + 1/d and v = (2d + 6)/d^2 those of the second factor.
        mean, var = 1.0 + 1.0 / d, a * (1.0 + 3.0 / d)
        return a * mean * mean + (1.0 + a) * var
    assert d_k is not None
    b = 2.0 / d_k
    return a * (2.0 + a) + b * (1.0 + a) ** 2


def _leading(ensemble: str, d: int, rank: int | None, d_k: int | None) -> float:
    if ensemble in ("orthogonal", "projector"):
        return 2.0 / (d if rank is None else rank)
    return 4.0 / d + (0.0 if d_k is None else 2.0 / d_k)


def _piecewise(**by_ensemble: sp.Expr) -> sp.Expr:
    name = sp.Symbol("ensemble")
    return sp.Piecewise(
        *((value, sp.Eq(name, sp.Symbol(key))) for key, value in by_ensemble.items())
    )


def _maps(parameters: Mapping[str, Any], stream: Stream, first: int, n: int) -> FloatArray:
    """Draw the maps W with c = 1, shape (n, d, d)."""
    size, ensemble = int(parameters["d"]), parameters["ensemble"]
    if ensemble == "orthogonal":
        return haar_frames(size, size, stream, first, n)
    if ensemble == "projector":
        frame = haar_frames(size, parameters["rank"], stream, first, n)
        return math.sqrt(size / parameters["rank"]) * (frame @ frame.transpose(0, 2, 1))
    if ensemble == "product":
        width = int(parameters["d_k"])
        normals = stream.normals(first, n, 2 * size * width).reshape(n, 2, size, width)
        product = normals[:, 0] @ normals[:, 1].transpose(0, 2, 1)
        return np.asarray(product / math.sqrt(size * width))
    G = stream.normals(first, n, size * size).reshape(n, size, size)
    if ensemble == "goe":
        return np.asarray((G + G.transpose(0, 2, 1)) / math.sqrt(2.0 * size))
    return np.asarray(G / math.sqrt(size))


def _ratios(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw W and the query; s^2/c^2 = |W^T x|^2/d at Sigma = I, temperature sqrt(d)."""
    W = _maps(parameters, stream, first, n)
    size = int(parameters["d"])
    x = stream.child(experiment=stream.experiment ^ 1).normals(first, n, size)
    ratio = np.sum((x[:, None, :] @ W) ** 2, axis=(1, 2)) / size
    return {"mean_ratio": ratio, "var_ratio": (ratio - values["mean_ratio"]) ** 2}


def _two_moments(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Moments E r^2 of the products of chi-squares of the table, less the square of the mean."""
    size, ensemble = parameters["d"], parameters["ensemble"]
    dofs = {
        "orthogonal": [size],
        "projector": [parameters["rank"]],
        "ginibre": [size, size],
        "product": [size, parameters["d_k"], size],
    }
    if ensemble == "goe":
        # chi^2_(d-1) + 2 chi^2_1 has mean d + 1 and second moment (d + 1)^2 + 2 d + 6.
        mean = (size + 1) / size
        second = (1 + 2 / size) * ((size + 1) ** 2 + 2 * size + 6) / size**2
    else:
        mean, second = 1.0, math.prod(1 + 2 / nu for nu in dofs[ensemble])
    return {"mean_ratio": mean, "var_ratio": second - mean**2}


def _draw_ensemble(rng: np.random.Generator) -> dict[str, Any]:
    size, ensemble = int(rng.integers(1, 60)), str(rng.choice(ENSEMBLES))
    extra = {"projector": {"rank": int(rng.integers(1, size + 1))}, "product": {"d_k": 7}}
    return {"ensemble": ensemble, "d": size, **extra.get(ensemble, {})}


_ARGUMENTS = ("ensemble", "d", "rank", "d_k")
_VAR_RATIO = _piecewise(
    orthogonal=2 / d,
    projector=2 / rank,
    ginibre=(1 + 2 / d) ** 2 - 1,
    goe=(1 + 2 / d) * ((1 + 1 / d) ** 2 + (2 * d + 6) / d**2) - (1 + 1 / d) ** 2,
    product=(1 + 2 / d) ** 2 * (1 + 2 / d_k) - 1,
)

register(
    Claim(
        id="ENT-11c",
        title="relative fluctuation of the logit variance for ensembles of W",
        statement=(
            "At Sigma = I and temperature sqrt(d), s^2/c^2 is chi^2_d/d for c times an orthogonal "
            "W, chi^2_r/r for a projector of rank r, a product of two for Gaussian W, of "
            "chi^2_d/d and (chi^2_(d-1) + 2 chi^2_1)/d for the GOE, and of three, d, d_k and d, "
            "for a product of Gaussian factors: variances 2/d, 2/r, 4/d, 4/d, 4/d + 2/d_k to "
            "leading order."
        ),
        source=_SOURCE,
        standing="derived",
        observable="s2",
        parameters=(
            Parameter("ensemble", Choice(ENSEMBLES), "law of W"),
            Parameter("d", _SIZE, "width of the tokens"),
            Parameter("rank", _SIZE, "rank of the projector", default=None),
            Parameter("d_k", _SIZE, "width of the factors of a product", default=None),
        ),
        complete=_complete_ensemble,
        values={
            "mean_ratio": Routine(
                _piecewise(goe=1 + 1 / d, orthogonal=sp.Integer(1)), _mean_ratio, ("ensemble", "d")
            ),
            "var_ratio": Routine(_VAR_RATIO, _var_ratio, _ARGUMENTS),
            "var_ratio_leading": Routine(
                _piecewise(
                    orthogonal=2 / d,
                    projector=2 / rank,
                    ginibre=4 / d,
                    goe=4 / d,
                    product=4 / d + 2 / d_k,
                ),
                _leading,
                _ARGUMENTS,
            ),
        },
        cases=(
            {"ensemble": "orthogonal", "d": 4},
            {"ensemble": "projector", "d": 4, "rank": 2},
            {"ensemble": "ginibre", "d": 4},
            {"ensemble": "goe", "d": 4},
            {"ensemble": "product", "d": 4, "d_k": 6},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_ratio", "var_ratio"),
                _ratios,
                lambda q: float(20 * q["d"] ** 2 + 2 * q["d"] * (q["d_k"] or 0) ** 2),
            ),
            Identity(_two_moments, _draw_ensemble, tolerance=1e-12),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of 2/rank for a projector taken as 2.16",
            {
                "var_ratio": Routine(
                    _VAR_RATIO.subs(2 / rank, sp.Rational(216, 100) / rank),
                    lambda ensemble, *sizes: (
                        (1.08 if ensemble == "projector" else 1.0) * _var_ratio(ensemble, *sizes)
                    ),
                    _ARGUMENTS,
                )
            },
        ),
    )
)
