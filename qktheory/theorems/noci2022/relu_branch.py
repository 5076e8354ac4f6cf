"""RMT-8b, 8d: cosines of tokens through uniform attention and ReLU branches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, IntegerList, Parameter, Real, RealList
from qktheory.kernels import Stream
from qktheory.numerics.arc_cosine import arc_cosine_kernel, cosines_with_mlp
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, DrawnLimit, Identity
from qktheory.theorems.noci2022 import setting as n
from qktheory.theorems.noci2022.cosine_recursion import equicorrelated
from qktheory.theorems.papers import cite

FloatArray = NDArray[np.float64]

CHO_2009 = cite("cho2009", "order one")

rho = symbol("cosine")
_KERNEL = (sp.sqrt(1 - rho**2) + (sp.pi - sp.acos(rho)) * rho) / sp.pi

# --- RMT-8d ---------------------------------------------------------------------------------------


def _draw_pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    normals = stream.normals(first, count, 2)
    u, rest = normals[:, :1], normals[:, 1:]
    cosine = parameters["cosine"]
    v = cosine * u + np.sqrt(1.0 - cosine**2) * rest
    return {"kernel": 2.0 * np.maximum(u, 0.0) * np.maximum(v, 0.0)}


def _over_angles(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Integrate cos t cos(t - p) over the angles where both are positive; E r^2 = 2."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    found = []
    for cosine in parameters["cosine"]:
        angle = math.acos(cosine)
        low, high = angle - 0.5 * math.pi, 0.5 * math.pi
        t = 0.5 * (high - low) * nodes + 0.5 * (high + low)
        found.append(float(weights @ (np.cos(t) * np.cos(t - angle))) * (high - low) / math.pi)
    return {"kernel": np.array(found)}


def _draw_cosines(rng: np.random.Generator) -> dict[str, Any]:
    return {"cosine": rng.uniform(-1.0, 1.0, size=4)}


register(
    Claim(
        id="RMT-8d",
        title="arc-cosine kernel of a ReLU layer",
        statement=(
            "For standard normal u, v of correlation c, 2 E relu(u) relu(v) = "
            "(sqrt(1 - c^2) + (pi - arccos c) c)/pi."
        ),
        source=CHO_2009,
        standing="theorem",
        observable="cosine",
        parameters=(
            Parameter("cosine", RealList(Real(-1.0, 1.0)), "correlations, each in [-1, 1]"),
        ),
        values={"kernel": Routine(_KERNEL, arc_cosine_kernel, ("cosine",))},
        cases=({"cosine": [-0.5, 0.3]}, {"cosine": [0.0, 1.0]}, {"cosine": [0.9]}),
        judged_by=(
            DrawnExpectation(("kernel",), _draw_pairs, lambda q: 10.0),
            Identity(_over_angles, _draw_cosines, tolerance=1e-12),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of the square root taken as 1.05",
            {
                "kernel": Routine(
                    _KERNEL + sp.sqrt(1 - rho**2) / (20 * sp.pi),
                    lambda cosine: (
                        arc_cosine_kernel(cosine) + np.sqrt(1.0 - cosine**2) / (20.0 * math.pi)
                    ),
                    ("cosine",),
                )
            },
        ),
    )
)

# --- RMT-8b ---------------------------------------------------------------------------------------

#: Inner weights of the branch have variance 2/d, the outer ones gain_mlp/d.
_HE = 2.0


def _layers(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    """Follow attention and ReLU branch at width d: mean norms and cosines of mean products."""
    T, d = parameters["T"], parameters["d"]
    start = np.zeros((T, d))
    start[:, :T] = equicorrelated(T, parameters["cosine_0"])
    X = np.broadcast_to(start, (count, T, d))
    norms, products = [], []
    for number in range(max(parameters["layers"]) + 1):
        if number > 0:
            W, U, V = (
                stream.child(experiment=(stream.experiment + 3 * number + k) % (1 << 32))
                .normals(first, count, d * d)
                .reshape(count, d, d)
                / math.sqrt(d)
                for k in range(3)
            )
            X = X + math.sqrt(parameters["gain"]) * np.mean(X, axis=1, keepdims=True) @ W
            hidden = np.maximum(X @ (math.sqrt(_HE) * U), 0.0)
            X = X + math.sqrt(parameters["gain_mlp"]) * hidden @ V
        gram = X @ X.transpose(0, 2, 1)
        norms.append(np.trace(gram, axis1=1, axis2=2) / T)
        products.append((gram.sum(axis=(1, 2)) / T - norms[-1]) / (T - 1))
    claimed = np.asarray(values["norm_squared_ratio"])
    return {
        "norm_squared_ratio": np.stack([norms[k] for k in parameters["layers"]], axis=1),
        "cosine": np.stack([products[k] for k in parameters["layers"]], axis=1) / claimed,
    }


def _without_branch(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Use the closed form of RMT-8a where the branch has no weight."""
    if parameters["gain_mlp"] > 0.0:
        return {}
    T, start = parameters["T"], parameters["cosine_0"]
    common = start + (1.0 - start) / T
    growth = np.expm1(np.array(parameters["layers"]) * math.log1p(parameters["gain"]))
    ratio = 1.0 + common * growth
    return {"cosine": (start + common * growth) / ratio, "norm_squared_ratio": ratio}


def _draw_plain(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": int(rng.integers(2, 60)),
        "cosine_0": float(rng.uniform(0.0, 1.0)),
        "gain": float(rng.uniform(0.0, 2.0)),
        "gain_mlp": 0.0,
        "layers": [int(k) for k in rng.integers(0, 12, size=3)],
    }


def _recursion(factor: float = 1.0) -> Routine:
    q, o, m = (sp.Function(name)(n.layer) for name in ("q", "o", "m"))
    kernel = _KERNEL.subs(rho, (o + n.gain * m) / (q + n.gain * m))
    a2 = factor * symbol("gain_mlp")
    return Routine(
        sp.Tuple((q + n.gain * m) * (1 + a2), o + n.gain * m + a2 * (q + n.gain * m) * kernel),
        lambda T, start, gain, gain_mlp, layers: cosines_with_mlp(
            T, start, gain, factor * gain_mlp, layers
        ),
        ("T", "cosine_0", "gain", "gain_mlp", "layers"),
    )


register(
    Claim(
        id="RMT-8b",
        title="cosines under uniform attention and a ReLU branch",
        statement=(
            "With a residual ReLU branch of He scale and gain a_2 after attention, as d -> "
            "infinity, (q, o) -> (q + a m, o + a m), m = (q + (T-1) o)/T, then -> "
            "(q (1 + a_2), o + a_2 q kappa(o/q)), kappa the arc-cosine kernel (RMT-8d)."
        ),
        source=n.extends_noci("uniform attention and MLP branches"),
        standing="derived",
        observable="cosine",
        parameters=(
            n.T,
            n.COSINE_0,
            n.GAIN,
            Parameter(
                "gain_mlp",
                Real(low=0.0, typical=(0.0, 2.0)),
                "variance gain of the ReLU branch a layer",
            ),
            Parameter(
                "layers",
                # One by one: no closed form reaches them.
                IntegerList(Integer(low=0, high=10**6, typical=(1, 12))),
                "layers, 0 being the start",
            ),
        ),
        complete=n.complete_cosine,
        where={"recursion": _recursion()},
        values={
            "norm_squared_ratio": Routine(
                sp.Function("q")(n.layer) / sp.Function("q")(0), lambda r: r[1], ("recursion",)
            ),
            "cosine": Routine(
                sp.Function("o")(n.layer) / sp.Function("q")(n.layer),
                lambda r: r[0],
                ("recursion",),
            ),
        },
        cases=(
            {"T": 4, "cosine_0": 0.3, "gain": 0.5, "gain_mlp": 0.5, "layers": [1, 3]},
            {"T": 3, "cosine_0": -0.45, "gain": 0.3, "gain_mlp": 0.2, "layers": [1, 2]},
            {"T": 5, "cosine_0": 0.6, "gain": 0.2, "gain_mlp": 0.8, "layers": [2]},
        ),
        judged_by=(
            DrawnLimit(
                ("norm_squared_ratio", "cosine"),
                "d",
                ((8, 1024), (32, 512)),
                lambda parameters, size: {**parameters, "d": size},
                _layers,
                rate=0.0,
                aim=0.3,
            ),
            Identity(_without_branch, _draw_plain, tolerance=1e-11),
        ),
        wrong_twin=WrongTwin(
            "squared norms 5 % too large",
            {
                "norm_squared_ratio": Routine(
                    1.05 * sp.Function("q")(n.layer) / sp.Function("q")(0),
                    lambda r: 1.05 * r[1],
                    ("recursion",),
                )
            },
        ),
    )
)
