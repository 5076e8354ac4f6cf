"""The `[network]` table of an Ensemble: attention layers on top of each other (RANK-1, 4, 6, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.head_map import HeadMap
from qktheory.attention.mlp import MLP
from qktheory.base.arrays import ArrayDomain, ArrayInput
from qktheory.base.domains import Choice, Integer, Parameter, Real, check_parameters
from qktheory.base.errors import bad_value, unknown_name
from qktheory.base.memory import check_memory

__all__ = ["Network"]

Floats = NDArray[np.float64]

_VECTOR = ArrayDomain((1,), "a list of d numbers")
_PARAMETERS = (
    Parameter("depth", Integer(low=1, high=10_000), "number of layers L"),
    Parameter("heads", Integer(low=1, high=10_000), "heads of a layer, H", default=1),
    Parameter("weights", Choice(("fresh", "shared")), "own in each layer, or not", default="fresh"),
    Parameter("skip", Choice(("none", "plain", "alpha")), "skip connection", default="none"),
    Parameter("alpha", Real(), "factor of the skip connection", default=None),
    Parameter("layer_norm", Choice(("none", "pre", "post")), "LayerNorm", default="none"),
    Parameter("norm_eps", Real(low=0.0), "added to the variance by LayerNorm", default=0.0),
    Parameter("window", Integer(low=0), "keys farther than this are masked", default=None),
    Parameter(
        "position_bias",
        ArrayDomain((0, 1, 2), "a slope, a list by distance, or a (T, T) matrix"),
        "added to the scores; a slope m means -m |i - j|",
        default=None,
    ),
    Parameter(
        "visible",
        ArrayDomain((2,), "a (T, T) matrix of zeros and ones"),
        "1 where the query of the row sees the key of the column",
        default=None,
    ),
    Parameter("query_bias", _VECTOR, "u: adds x_j^T u to the scores", default=None),
    Parameter("key_bias", _VECTOR, "adds x_i^T u to the scores", default=None),
    Parameter("value_bias", _VECTOR, "added to every token by every layer", default=None),
)
_ARRAYS = ("position_bias", "visible", "query_bias", "key_bias", "value_bias")
_TABLES = ("value", "output", "mlp")


@dataclass(frozen=True, repr=False)
class Network:
    """L layers X' = skip X + sum_h P_h X W_h + 1 b^T, each with LayerNorm and MLP if it has them.

    Query-key maps come from the [matrix] of the Ensemble, one a head and layer; temperature,
    normaliser and causal mask from its [attention]. With pre-LayerNorm a branch sees LN(X), with
    post-LayerNorm the sum of branch and skip is normalised; this holds for the attention and for
    the MLP that follows it.

    Parameters
    ----------
    depth : int
        Number of layers L, >= 1.
    value : HeadMap
        W_h: the value map of a head, from any matrix model.
    heads : int
        Heads H of a layer, >= 1.
    weights : {"fresh", "shared"}
        Whether every layer has weights of its own.
    output : HeadMap or None
        Applied to the values of each head after `value`, from any matrix model.
    skip : {"none", "plain", "alpha"}
        No skip connection, one of factor 1, or of factor `alpha`.
    alpha : float or None
        Only with ``skip = "alpha"``.
    layer_norm : {"none", "pre", "post"}
        LayerNorm without affine part.
    norm_eps : float
        Added to the variance by LayerNorm, >= 0.
    mlp : MLP or None
        Rowwise network after the attention of every layer.
    window : int or None
        Query i sees keys with |i - j| <= window only.
    position_bias : float, list or matrix
        Added to the scores: -m |i - j| for a number m, b[|i - j|] for a list of length T, or any
        matrix.
    visible : matrix of zeros and ones
        Any other mask.
    query_bias, key_bias, value_bias : list of length d
        x_j^T u and x_i^T u added to the scores (u = W_K b_Q and W_Q b_K), and a row added to every
        token. The key bias matters to a doubly normalised network only.

    Raises
    ------
    ValueError
        Naming the key, its value and what was expected.

    Examples
    --------
    >>> network = Network.from_dict({"depth": 2, "skip": "plain", "value": {"model": "ginibre"}})
    >>> network.skip_factor, network == Network.from_dict(network.to_dict())
    (1.0, True)
    """

    depth: int
    value: HeadMap
    heads: int = 1
    weights: str = "fresh"
    output: HeadMap | None = None
    skip: str = "none"
    alpha: float | None = None
    layer_norm: str = "none"
    norm_eps: float = 0.0
    mlp: MLP | None = None
    window: int | None = None
    position_bias: ArrayInput | None = None
    visible: ArrayInput | None = None
    query_bias: ArrayInput | None = None
    key_bias: ArrayInput | None = None
    value_bias: ArrayInput | None = None

    def __post_init__(self) -> None:
        for parameter in _PARAMETERS:
            value = getattr(self, parameter.name)
            if value is not None:
                if parameter.name in _ARRAYS:
                    value = ArrayInput.of(f"network.{parameter.name}", value)
                value = parameter.check(value, "network.")
            object.__setattr__(self, parameter.name, value)
        for name, kind in (("value", HeadMap), ("output", HeadMap), ("mlp", MLP)):
            given = getattr(self, name)
            if not isinstance(given, kind) and (given is not None or name == "value"):
                raise bad_value(f"network.{name}", given, f"a {kind.__name__}")
        if (self.skip == "alpha") != (self.alpha is not None):
            raise bad_value("network.alpha", self.alpha, "a number exactly if skip = 'alpha'")
        if self.visible is not None and not np.isin(self.visible.values, (0.0, 1.0)).all():
            raise bad_value("network.visible", self.visible, "a matrix of zeros and ones")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], folder: Path | None = None) -> Network:
        """Build from the `[network]` table of a spec file.

        Parameters
        ----------
        table : mapping
            Own keys, and the tables ``value``, ``output`` and ``mlp``.
        folder : Path, optional
            Where relative ``"@file.npy"`` paths start.
        """
        names = [parameter.name for parameter in _PARAMETERS]
        for name in table:
            if name not in (*names, *_TABLES):
                raise unknown_name("key of [network]", name, (*names, *_TABLES))
        own = {name: value for name, value in table.items() if name in names}
        for name in _ARRAYS:
            if name in own:
                own[name] = ArrayInput.of(f"network.{name}", own[name], folder)
        given = check_parameters(_PARAMETERS, own, "[network]", "network.")
        for name in _TABLES:
            section = table.get(name)
            if section is None:
                if name == "value":
                    raise ValueError(
                        "network.value is missing: [network] needs a table with a matrix model"
                    )
                continue
            if not isinstance(section, Mapping):
                raise bad_value(f"network.{name}", section, "a table")
            path = f"network.{name}"
            given[name] = (
                MLP.from_dict(section, path)
                if name == "mlp"
                else HeadMap.from_dict(section, folder, path)
            )
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        table: dict[str, Any] = {}
        for parameter in _PARAMETERS:
            value = getattr(self, parameter.name)
            if value is not None:
                table[parameter.name] = value.to_value() if isinstance(value, ArrayInput) else value
        for name in _TABLES:
            part = getattr(self, name)
            if part is not None:
                table[name] = part.to_dict()
        return table

    def __repr__(self) -> str:
        parts = [f"L={self.depth}", f"H={self.heads}"]
        if self.weights == "shared":
            parts.append("shared weights")
        if self.skip != "none":
            parts.append("skip" if self.alpha is None else f"skip {self.alpha:g}")
        if self.layer_norm != "none":
            parts.append(f"{self.layer_norm}-LN")
        if self.mlp is not None:
            parts.append(f"{self.mlp.activation} MLP")
        return f"Network({', '.join(parts)})"

    @property
    def skip_factor(self) -> float:
        """Factor of the skip connection, 0 without one."""
        if self.alpha is not None:
            return self.alpha
        return 1.0 if self.skip == "plain" else 0.0

    @property
    def random(self) -> bool:
        """Whether anything beside the query-key maps is drawn."""
        return (
            self.value.model.random
            or self.mlp is not None
            or (self.output is not None and self.output.model.random)
        )

    def check(self, T: int, d: int, mask: str) -> None:
        """Raise a `ValueError` unless the network fits tokens, width and mask.

        Parameters
        ----------
        T, d : int
            Number and width of the tokens.
        mask : {"none", "causal"}
            Mask of [attention].
        """
        if T < 2:
            raise bad_value("T", T, "an integer >= 2: centring leaves nothing of a single token")
        if self.layer_norm != "none" and d < 2:
            raise bad_value("d", d, "an integer >= 2: LayerNorm centres the d features of a token")
        for name in ("value", "output"):
            part = getattr(self, name)
            if part is not None:
                try:
                    part.check(d)
                except ValueError as error:
                    raise ValueError(f"[network.{name}]: {error}") from None
        for name in ("query_bias", "key_bias", "value_bias"):
            bias = getattr(self, name)
            if bias is not None and bias.values.size != d:
                raise bad_value(f"network.{name}", bias, f"a list of length d = {d}")
        bias = self.position_bias
        if bias is not None and bias.values.shape not in ((), (T,), (T, T)):
            raise bad_value(
                "network.position_bias", bias, f"a number, a list of {T} or a ({T}, {T}) matrix"
            )
        if self.visible is not None and self.visible.values.shape != (T, T):
            raise bad_value("network.visible", self.visible, f"a matrix of shape ({T}, {T})")
        if self.biased(mask):
            check_memory(16 * T * T, f"the score bias of {T} tokens")
            self.score_bias(T, mask)

    def masked(self, mask: str) -> bool:
        """Return whether any key is hidden from any query."""
        return mask == "causal" or self.window is not None or self.visible is not None

    def biased(self, mask: str) -> bool:
        """Return whether scores have a bias or a mask."""
        return self.masked(mask) or self.position_bias is not None

    def score_bias(self, T: int, mask: str) -> Floats | None:
        """Return what is added to the scores, -inf where a key is masked; None for nothing.

        Parameters
        ----------
        T : int
            Number of tokens.
        mask : {"none", "causal"}
            Mask of [attention].

        Returns
        -------
        ndarray of shape (T, T) or None

        Raises
        ------
        ValueError
            If a query sees no key.

        Examples
        --------
        >>> table = {"depth": 1, "window": 1, "position_bias": 0.5, "value": {"model": "ginibre"}}
        >>> Network.from_dict(table).score_bias(3, "causal")
        array([[ 0. , -inf, -inf],
               [-0.5,  0. , -inf],
               [-inf, -0.5,  0. ]])
        """
        if not self.biased(mask):
            return None
        steps = np.arange(T)[:, None] - np.arange(T)
        distance = np.abs(steps)
        bias = np.zeros((T, T))
        if self.position_bias is not None:
            values = self.position_bias.values
            if values.ndim == 0:
                bias -= float(values) * distance
            else:
                bias += values[distance] if values.ndim == 1 else values
        hidden = np.zeros((T, T), dtype=bool)
        if mask == "causal":
            hidden |= steps < 0
        if self.window is not None:
            hidden |= distance > self.window
        if self.visible is not None:
            hidden |= self.visible.values == 0.0
        empty = np.flatnonzero(hidden.all(axis=1))
        if empty.size:
            raise ValueError(
                f"network.visible leaves query {int(empty[0]) + 1} without a key: expected at "
                "least one that causal mask and window let through too"
            )
        bias[hidden] = -np.inf
        return bias
