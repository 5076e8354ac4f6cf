"""The setting of Giorlandino and Goldt (2025), shared by the claims of this package.

Tokens are a simplex, norm(x_t)^2 = d and x_s . x_t = d cosine; W_QK = W_Q W_K^T with Gaussian
factors of width d_k, so that logits at cosine 0 have standard deviation s0; values W_V have entries
of variance sigma_V^2/d, and a layer returns alpha x + y before it normalises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Source
from qktheory.theorems.papers import cite

GIORLANDINO_2025 = cite("giorlandino2025")


def after_giorlandino(what: str) -> Source:
    """Return the paper as the setting of a result in this form."""
    return cite("giorlandino2025", what)


# --- parameters -----------------------------------------------------------------------------------

S0 = Parameter(
    "s0", Real(low=0.0, high=1e6, typical=(0.2, 4.0)), "standard deviation of logits at cosine 0"
)
S0_POSITIVE = Parameter(
    "s0",
    Real(low=0.0, low_open=True, high=1e6, typical=(0.2, 4.0)),
    "standard deviation of logits at cosine 0",
)
COSINE = Parameter("cosine", Real(-1.0, 1.0, typical=(0.0, 0.9)), "cosine of two tokens")
COSINE_0 = Parameter("cosine_0", Real(0.0, 1.0), "cosine of two tokens before the first layer")
COSINE_0_INSIDE = Parameter(
    "cosine_0",
    Real(0.0, 1.0, low_open=True, high_open=True),
    "cosine of two tokens before the first layer",
)
D = Parameter("d", Integer(low=1, high=10**15, typical=(2, 600)), "width of the tokens")
D_K = Parameter("d_k", Integer(low=1, high=10**15, typical=(1, 100)), "width of the head")
ALPHA = Parameter("alpha", Real(low=0.0, high=1e100, typical=(0.3, 3.0)), "weight of the skip")
ALPHA_POSITIVE = Parameter(
    "alpha", Real(low=0.0, low_open=True, high=1e100, typical=(0.3, 3.0)), "weight of the skip"
)
SIGMA_V = Parameter(
    "sigma_V",
    Real(low=0.0, high=1e100, typical=(0.3, 2.0)),
    "entries of W_V have variance sigma_V^2/d",
    default=1.0,
)
LAYERS = Parameter("L", Integer(low=1, high=10_000, typical=(1, 3)), "number of layers")


def complete_simplex(parameters: dict[str, Any]) -> None:
    """Demand a cosine that T tokens can have pairwise."""
    T = parameters["T"]
    if T > 1.0 and 1.0 + (T - 1.0) * parameters["cosine"] < -1e-12:
        raise bad_value(
            "cosine", parameters["cosine"], f"a number >= -1/(T - 1) = {-1.0 / (T - 1.0):.6g}"
        )


def complete_layer(parameters: dict[str, Any]) -> None:
    """Refuse a layer that returns 0."""
    if parameters["alpha"] == 0.0 and parameters["sigma_V"] == 0.0:
        raise bad_value("sigma_V", 0.0, "a number > 0 where alpha = 0: the layer returns 0")


# --- symbols --------------------------------------------------------------------------------------

t, d, d_k = symbol("T"), symbol("d"), symbol("d_k")
s, s0, rho, rho_0 = symbol("s"), symbol("s0"), symbol("cosine"), symbol("cosine_0")
alpha, sigma_V, L = symbol("alpha"), symbol("sigma_V"), symbol("L")
epsilon = symbol("epsilon")
#: Width of the logits that softmax sees, and the width at which a row of T keys freezes.
s_effective = s0 * sp.sqrt(1 - rho)
s_c = sp.sqrt(2 * sp.log(t))
#: Y(T, s) = E sum_j A_tj^2, C(T, s, rho) = E sum_j A_tj A_uj, h(T, s) = E H of Gaussian rows.
Y, C, h = sp.Function("Y"), sp.Function("C"), sp.Function("h")

# --- experiments ----------------------------------------------------------------------------------


def simplex_ensemble(
    T: int, cosine: float, s0: float, matrix: Mapping[str, Any], d: int | None = None
) -> Ensemble:
    """Return T simplex tokens under a map that is drawn for every sample, with logits of width s0.

    Parameters
    ----------
    T, cosine, s0
        Number of tokens, their cosine, width of the logits at cosine 0.
    matrix : mapping
        Model of W with a ``scale``, Gaussian.
    d : int, optional
        Width of the tokens, T by default.
    """
    return Ensemble.from_dict(
        {
            "d": T if d is None else d,
            "T": T,
            "matrix": {**matrix, "scale": 1.25 * s0, "draw": "every_sample"},
            "tokens": {"law": "simplex", "cosine": cosine},
            # scale sqrt(d)/temperature = s0.
            "attention": {"temperature": 1.25 * (T if d is None else d) ** 0.5},
        }
    )
