"""ZOO-TL-1: a whole transformer as one operator that depends on its input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Parameter, Real
from qktheory.base.shapes import Array, shapes_of
from qktheory.numerics.ergodicity import softmax
from qktheory.numerics.matrix_norms import frobenius_norm, norm_2
from qktheory.numerics.network_operator import (
    ACTIVATIONS,
    LARGEST,
    NetworkOperator,
    activate,
    network_operator,
    rms,
)
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

NETWORK = (
    Parameter("X", Array("T", "d"), f"tokens, (T, d), at most {LARGEST} entries"),
    Parameter("W_Q", Array("L", "H", "d", "d_k"), "query weights, (L, H, d, d_k)"),
    Parameter("W_K", Array("L", "H", "d", "d_k"), "key weights, (L, H, d, d_k)"),
    Parameter("W_V", Array("L", "H", "d", "d_v"), "value weights, (L, H, d, d_v)"),
    Parameter("W_O", Array("L", "H", "d_v", "d"), "output weights, (L, H, d_v, d)"),
    Parameter("W_in", Array("L", "d", "d_ff"), "first weights of the MLP, (L, d, d_ff)"),
    Parameter("W_out", Array("L", "d_ff", "d"), "second weights of the MLP, (L, d_ff, d)"),
)
_OTHERS = (
    Parameter("activation", Choice(ACTIVATIONS), "non-linearity of the MLP"),
    Parameter("norm_eps", Real(low=0.0, typical=(0.0, 0.1)), "added to the mean square", 1e-6),
    Parameter(
        "temperature",
        Real(low=0.0, low_open=True, typical=(0.3, 4.0)),
        "scores are q_i . k_j / temperature",
        1.0,
    ),
)
_NAMES = tuple(p.name for p in (*NETWORK, *_OTHERS))


def _measure(found: NetworkOperator) -> dict[str, Any]:
    return {
        "output": found.output,
        "operator_trace": float(np.trace(found.operator)),
        "operator_frobenius_norm": frobenius_norm(found.operator),
        "operator_spectral_norm": norm_2(found.operator),
    }


def _frozen_layers(parameters: Mapping[str, Any], start: FloatArray) -> FloatArray:
    """Run `start` through the layers whose attention, norms and gates X has fixed."""
    p = parameters
    X, moving = p["X"], start
    for layer in range(len(p["W_Q"])):
        scale = rms(X, p["norm_eps"])[:, None]
        normed, carried = X / scale, moving / scale
        new_X, new_moving = X, moving
        for h in range(p["W_Q"].shape[1]):
            q, k = normed @ p["W_Q"][layer, h], normed @ p["W_K"][layer, h]
            A = softmax(q @ k.T / p["temperature"])
            both = p["W_V"][layer, h] @ p["W_O"][layer, h]
            new_X, new_moving = new_X + A @ normed @ both, new_moving + A @ carried @ both
        X, moving = new_X, new_moving
        scale = rms(X, p["norm_eps"])[:, None]
        hidden = X / scale @ p["W_in"][layer]
        fired = activate(hidden, p["activation"])
        gains = np.divide(fired, hidden, out=np.ones_like(hidden), where=hidden != 0.0)
        X = X + fired @ p["W_out"][layer]
        moving = moving + (moving / scale @ p["W_in"][layer] * gains) @ p["W_out"][layer]
    return moving


def _column_by_column(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run the network on X, and its frozen layers on every unit vector."""
    X = parameters["X"]
    columns = [_frozen_layers(parameters, unit.reshape(X.shape)).ravel() for unit in np.eye(X.size)]
    operator = np.array(columns).T
    gram = np.linalg.eigvalsh(operator.T @ operator)
    return {
        "output": _frozen_layers(parameters, X),
        "operator_trace": float(sum(operator.diagonal())),
        "operator_frobenius_norm": float(np.sqrt(np.trace(operator.T @ operator))),
        "operator_spectral_norm": float(np.sqrt(gram[-1])),
    }


def _draw_network(rng: np.random.Generator) -> dict[str, Any]:
    sizes = {"T": 3, "L": 2, "H": 2}
    drawn: dict[str, Any] = {}
    for p in NETWORK:
        assert isinstance(p.domain, Array)
        drawn[p.name] = p.domain.sample_with(rng, sizes)
    return {
        **drawn,
        "activation": str(rng.choice(ACTIVATIONS)),
        "norm_eps": float(10.0 ** rng.uniform(-6.0, -1.0)),
        "temperature": float(rng.uniform(0.5, 2.0)),
    }


def _case(seed: int, activation: str, temperature: float, **sizes: int) -> dict[str, Any]:
    """Return rounded random weights, so that the case can be written down."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for p in NETWORK:
        assert isinstance(p.domain, Array)
        shape = [sizes[str(axis)] for axis in p.domain.axes]
        found[p.name] = np.round(rng.normal(size=shape), 2).tolist()
    return {**found, "activation": activation, "temperature": temperature}


_l = sp.Symbol("l", integer=True)
_B, _M, _D = (sp.IndexedBase(name) for name in "BMD")
_T = sp.Product((1 + _B[_l]) * (1 + _M[_l] * _D[_l]), (_l, 1, sp.Symbol("L")))
_operator = sp.Symbol("T(X)", commutative=False)
_VALUES = entries(
    "found",
    {
        "output": _operator * named("vec", "X"),
        "operator_trace": named("tr", _operator),
        "operator_frobenius_norm": named("norm_F", _operator),
        "operator_spectral_norm": named("norm_2", _operator),
    },
)

register(
    Claim(
        id="ZOO-TL-1",
        title="a transformer is one operator that depends on its input",
        statement=(
            "A pre-norm transformer maps vec(X) to T(X) vec(X) with T the product over layers of "
            "(I + B)(I + M D), M = sum_h A_h (x) (W_V W_O)_h^T: exactly, for relu and gelu. T is "
            "not the Jacobian."
        ),
        source=cite("atad2026", "transformer tensor"),
        standing="theorem",
        observable="output",
        parameters=(*NETWORK, *_OTHERS),
        complete=shapes_of(NETWORK),
        where={
            "network": Routine(_T, network_operator, _NAMES),
            "found": Routine(named("measures", "T"), _measure, ("network",)),
        },
        values=_VALUES,
        cases=(
            _case(0, "relu", 2.0, T=2, d=2, L=1, H=1, d_k=2, d_v=2, d_ff=3),
            _case(1, "gelu", 1.5, T=3, d=2, L=2, H=2, d_k=1, d_v=2, d_ff=2),
            _case(2, "gelu", 0.8, T=1, d=3, L=2, H=1, d_k=2, d_v=1, d_ff=4),
        ),
        judged_by=(Identity(_column_by_column, _draw_network, tolerance=1e-8, most_draws=20),),
        wrong_twin=WrongTwin("constant off by 5 %", {"output": times(1.05, _VALUES["output"])}),
    )
)
