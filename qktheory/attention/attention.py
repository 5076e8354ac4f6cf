"""The `[attention]` table of an Ensemble: temperature, normaliser, mask, query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qktheory.attention.features import FeatureMap
from qktheory.attention.normalizer import NORMALIZERS, Normalizer
from qktheory.base.domains import Choice, Real
from qktheory.base.errors import bad_value, unknown_name

__all__ = ["Attention"]

_TEMPERATURE = Real(low=0.0, low_open=True)
_MASK = Choice(("none", "causal"))
_QUERY = Choice(("last", "all"))


@dataclass(frozen=True)
class Attention:
    """How tokens and W become attention weights.

    Parameters
    ----------
    temperature : float or {"sqrt_d", "d"}
        Divisor of the scores, > 0; the names stand for powers of the width d.
    normalizer : str
        Name of the map from a row of logits to weights.
    mask : {"none", "causal"}
        Causal: query i sees keys j <= i.
    query : {"last", "all"}
        Whether observables of a row are those of the last token or averages over all rows.
    features : FeatureMap, optional
        Of normaliser ``"random_features"``, and of no other one.

    Examples
    --------
    >>> Attention(temperature="sqrt_d").scale(64)
    8.0
    """

    temperature: float | str = 1.0
    normalizer: str = "softmax"
    mask: str = "none"
    query: str = "last"
    features: FeatureMap | None = None

    def __post_init__(self) -> None:
        if isinstance(self.temperature, str):
            if self.temperature not in ("sqrt_d", "d"):
                raise bad_value(
                    "attention.temperature", self.temperature, "a number > 0, 'sqrt_d' or 'd'"
                )
        else:
            temperature = _TEMPERATURE.check("attention.temperature", self.temperature)
            object.__setattr__(self, "temperature", temperature)
        if not isinstance(self.normalizer, str) or self.normalizer not in NORMALIZERS:
            raise unknown_name("value of attention.normalizer", self.normalizer, NORMALIZERS)
        _MASK.check("attention.mask", self.mask)
        if self.mask != "none" and not self.normalize.masks:
            raise bad_value(
                "attention.mask", self.mask, f"'none': normaliser {self.normalizer!r} takes no mask"
            )
        _QUERY.check("attention.query", self.query)
        if self.features is None and self.normalize.of_tokens:
            object.__setattr__(self, "features", FeatureMap())
        if self.features is not None and not self.normalize.of_tokens:
            raise bad_value(
                "attention.normalizer",
                self.normalizer,
                "'random_features', as there is [attention.features]",
            )
        if self.features is not None and self.query != "last":
            raise bad_value("attention.query", self.query, "'last' with random features")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Attention:
        """Build from the `[attention]` table of a spec file."""
        names = list(cls.__dataclass_fields__)
        for name in table:
            if name not in names:
                raise unknown_name("key of [attention]", name, names)
        values = dict(table)
        if "features" in values:
            if not isinstance(values["features"], Mapping):
                raise bad_value("attention.features", values["features"], "a table")
            values["features"] = FeatureMap.from_dict(values["features"])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        table = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del table["features"]
        return table if self.features is None else {**table, "features": self.features.to_dict()}

    def scale(self, d: int) -> float:
        """Return the divisor of the scores as a number at width d."""
        if isinstance(self.temperature, str):
            return float(d) if self.temperature == "d" else float(np.sqrt(d))
        return self.temperature

    @property
    def normalize(self) -> Normalizer:
        """The normaliser itself."""
        return NORMALIZERS[self.normalizer]
