"""What the claims about signals at initialisation share: source, parameters, symbols."""

from __future__ import annotations

from typing import Any

from qktheory.base.domains import Integer, IntegerList, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Source
from qktheory.theorems.papers import cite

__all__ = [
    "COSINE_0",
    "GAIN",
    "LAYERS",
    "NOCI_2022",
    "SIGMA_V",
    "T",
    "complete_cosine",
    "extends_noci",
    "gain",
    "layer",
    "rho_0",
    "sigma_V",
    "t",
]

NOCI_2022 = cite("noci2022")


def extends_noci(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("noci2022", what)


# --- parameters -----------------------------------------------------------------------------------

T = Parameter("T", Integer(low=2, high=10**15, typical=(2, 60)), "number of tokens")
COSINE_0 = Parameter(
    "cosine_0",
    Real(-1.0, 1.0, typical=(0.0, 1.0)),
    "cosine of two tokens at the start, >= -1/(T - 1)",
)
GAIN = Parameter(
    "gain",
    Real(low=0.0, typical=(0.0, 2.0)),
    "variance gain of the attention branch a layer, alpha^2 sigma_V^2",
)
LAYERS = Parameter(
    "layers", IntegerList(Integer(low=0, high=10**15, typical=(1, 12))), "layers, 0 being the start"
)
SIGMA_V = Parameter(
    "sigma_V",
    Real(low=0.0, high=1e100, typical=(0.3, 3.0)),
    "value matrices have entries of variance sigma_V^2/d",
)


def complete_cosine(parameters: dict[str, Any]) -> None:
    """Demand a Gram matrix of T equicorrelated tokens."""
    least = -1.0 / (parameters["T"] - 1.0)
    if parameters["cosine_0"] < least * (1.0 + 1e-12):
        raise bad_value(
            "cosine_0", parameters["cosine_0"], f"a number >= -1/(T - 1) = {least:g} and <= 1"
        )


# --- symbols --------------------------------------------------------------------------------------

t, rho_0, gain, sigma_V = (symbol(name) for name in ("T", "cosine_0", "gain", "sigma_V"))
layer = symbol("layer")
