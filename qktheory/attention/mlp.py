"""The rowwise network of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qktheory.base.domains import Choice, Integer, Parameter, Real, check_parameters
from qktheory.base.errors import bad_value

__all__ = ["MLP"]

_PARAMETERS = (
    Parameter("width", Integer(low=1, high=10**7), "number of hidden units"),
    Parameter("activation", Choice(("relu", "gelu")), "of the hidden units", default="relu"),
    Parameter("gain_in", Real(low=0.0), "entries of M_1: N(0, gain_in^2/d)", default=2.0**0.5),
    Parameter("gain_out", Real(low=0.0), "entries of M_2: N(0, gain_out^2/width)", default=1.0),
)


@dataclass(frozen=True)
class MLP:
    """y = sigma(x M_1) M_2 with Gaussian M_1, M_2, without biases.

    Parameters
    ----------
    width : int
        Number of hidden units, >= 1.
    activation : {"relu", "gelu"}
        sigma; gelu is x Phi(x).
    gain_in, gain_out : float
        Entries of M_1 have variance gain_in^2/d, those of M_2 gain_out^2/width. sqrt(2) and 1 by
        default: mean squares are kept by a relu.
    skip : bool
        Whether x is added; by default, as the network has a skip connection or not.

    Examples
    --------
    >>> MLP.from_dict({"width": 8}).to_dict()["activation"]
    'relu'
    """

    width: int
    activation: str = "relu"
    gain_in: float = 2.0**0.5
    gain_out: float = 1.0
    skip: bool | None = None

    def __post_init__(self) -> None:
        for parameter in _PARAMETERS:
            value = parameter.check(getattr(self, parameter.name), "network.mlp.")
            object.__setattr__(self, parameter.name, value)
        if self.skip is not None and not isinstance(self.skip, bool):
            raise bad_value("network.mlp.skip", self.skip, "true or false")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], path: str = "network.mlp") -> MLP:
        """Build from its table; a `ValueError` names key, value and what was expected."""
        rest = dict(table)
        skip = rest.pop("skip", None)
        return cls(**check_parameters(_PARAMETERS, rest, f"[{path}]", f"{path}."), skip=skip)

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        table = {parameter.name: getattr(self, parameter.name) for parameter in _PARAMETERS}
        return table if self.skip is None else {**table, "skip": self.skip}
