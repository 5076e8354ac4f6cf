"""Laws of the tokens: the interface of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qktheory.base.arrays import ArrayDomain, ArrayInput
from qktheory.base.domains import Integer, Parameter, check_parameters
from qktheory.base.errors import bad_value, unknown_name
from qktheory.base.registry import Registry
from qktheory.kernels.streams import Stream
from qktheory.tokens.covariance import Covariance, CovarianceDomain

__all__ = ["COVARIANCE", "TOKEN_LAWS", "GaussianTokens", "TokenLaw", "token_law"]

Array = NDArray[np.float64]

COVARIANCE = Parameter(
    "covariance",
    CovarianceDomain(),
    "covariance Sigma: number (times the identity), list (diagonal) or matrix",
    default=ArrayInput(np.array(1.0)),
)


@dataclass(frozen=True)
class TokenLaw(ABC):
    """A law of the tokens X, rows of an array of shape (T, d).

    Attributes
    ----------
    name : str
        Name in specification files.
    parameters : tuple of Parameter
        Own parameters, equal to the dataclass fields.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]

    def __post_init__(self) -> None:
        """Bring every field into canonical form."""
        for parameter in self.parameters:
            value = parameter.check(getattr(self, parameter.name))
            object.__setattr__(self, parameter.name, value)

    @classmethod
    def from_dict(
        cls, table: Mapping[str, object], base: str | Path | None = None, path: str = "tokens"
    ) -> Self:
        """Build the law from its [tokens] table, with or without the key ``law``.

        Parameters
        ----------
        table : mapping
            Own parameters.
        base : path, optional
            Directory of relative ``"@file.npy"`` paths.
        path : str, optional
            Name of the table, for messages.

        Raises
        ------
        ValueError
            For unknown names (with the nearest known one), missing parameters, bad values.
        """
        given = {key: value for key, value in table.items() if key != "law"}
        for parameter in cls.parameters:
            is_array = isinstance(parameter.domain, ArrayDomain | CovarianceDomain)
            if is_array and parameter.name in given:
                name = parameter.name
                given[name] = ArrayInput.of(f"{path}.{name}", given[name], base)
        owner = f"[{path}] law {cls.name!r}"
        return cls(**check_parameters(cls.parameters, given, owner, f"{path}."))

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        out: dict[str, Any] = {"law": self.name}
        for item in fields(self):
            value = getattr(self, item.name)
            out[item.name] = value.to_value() if isinstance(value, ArrayInput) else value
        return out

    def check(self, T: int, d: int) -> None:
        """Raise the `ValueError` that `draw` would raise for these sizes.

        Parameters
        ----------
        T, d : int
            Number and width of the tokens.
        """
        Integer(1).check("T", T)
        Integer(1).check("d", d)

    def sigma(self, d: int) -> Covariance:
        """Return Sigma for tokens of width d: E x x^T of a token, up to the scale of its position.

        The identity unless the law says otherwise.
        """
        return Covariance.of(None, d)

    def draw(self, stream: Stream, first_sample: int, n: int, T: int, d: int) -> Array:
        """Return n independent samples of the tokens.

        Parameters
        ----------
        stream : Stream
            Source of randomness.
        first_sample, n : int
            Samples first_sample .. first_sample + n - 1; each depends on the stream and its own
            number only, bit for bit, however the draws are split.
        T, d : int
            Number and width of the tokens.

        Returns
        -------
        ndarray of shape (n, T, d)
        """
        self.check(T, d)
        Integer(0).check("first_sample", first_sample)
        Integer(0).check("n", n)
        if n == 0:
            return np.empty((0, T, d))
        return self._draw(stream, first_sample, n, T, d)

    @abstractmethod
    def _draw(self, stream: Stream, first_sample: int, n: int, T: int, d: int) -> Array:
        """Return the samples after all checks."""

    @property
    def can_pin_last(self) -> bool:
        """Whether `pin_last` knows the conditional law given the last token."""
        return False

    def pin_last(self, X: Array, query: Array) -> Array:
        """Turn draws into draws given x_T = query; see `GaussianTokens.pin_last`."""
        raise ValueError(f"token law {self.name!r} has no conditional law given the last token")


@dataclass(frozen=True)
class GaussianTokens(TokenLaw):
    """Tokens that are a linear map over t of independent N(0, Sigma) vectors.

    Parameters
    ----------
    covariance : float, list, matrix or "@file.npy"
        Sigma, positive semidefinite; singular is allowed. Identity by default.
    """

    covariance: ArrayInput = field(default_factory=lambda: ArrayInput(np.array(1.0)))

    parameters: ClassVar[tuple[Parameter, ...]] = (COVARIANCE,)

    def check(self, T: int, d: int) -> None:
        """Raise if a diagonal or matrix covariance has not size d."""
        super().check(T, d)
        size = self.covariance.values.shape
        if size and size[0] != d:
            raise bad_value("tokens.covariance", f"array of shape {size}", f"size d = {d}")

    def sigma(self, d: int) -> Covariance:
        """Return the covariance for tokens of width d."""
        self.check(1, d)
        return _covariance(self.covariance, d)

    def _draw(self, stream: Stream, first_sample: int, n: int, T: int, d: int) -> Array:
        normals = stream.normals(first_sample, n, T * d).reshape(n, T, d)
        return self.sigma(d).apply_root(self.mix(normals))

    @property
    def can_pin_last(self) -> bool:
        """Whether `pin_last` knows the conditional law given the last token."""
        return True

    @abstractmethod
    def regression_on_last(self, T: int) -> Array:
        """Return the coefficients Cov(x_t, x_T) Cov(x_T, x_T)^(-1) = k_t I, shape (T,)."""

    def pin_last(self, X: Array, query: Array) -> Array:
        """Turn draws of the law into draws of its conditional law given x_T = query.

        For jointly Gaussian tokens x_t + k_t (query - x_T) has the conditional law, k being the
        regression on the last token, whatever Sigma is.

        Parameters
        ----------
        X : ndarray of shape (n, T, d)
            Draws.
        query : ndarray of shape (d,)
            Value of the last token.

        Returns
        -------
        ndarray of shape (n, T, d)
            With X[:, -1] equal to `query`.

        Examples
        --------
        >>> from qktheory.kernels.streams import Stream
        >>> walk = TOKEN_LAWS["random_walk"]()
        >>> X = walk.pin_last(walk.draw(Stream(1, 0, 0), 0, 1, 4, 2), np.array([1.0, 2.0]))
        >>> X[0, -1]
        array([1., 2.])
        """
        shift = query - X[:, -1, :]
        pinned = X + self.regression_on_last(X.shape[1])[:, None] * shift[:, None, :]
        pinned[:, -1, :] = query
        return np.asarray(pinned)

    @abstractmethod
    def mix(self, z: Array) -> Array:
        """Return the linear map over t of independent vectors.

        Parameters
        ----------
        z : ndarray of shape (n, T, d)
            May be overwritten.

        Returns
        -------
        ndarray of shape (n, T, d)
        """


@lru_cache(maxsize=16)
def _covariance(given: ArrayInput, d: int) -> Covariance:
    """Keep the covariance of a law, so that its root is computed once and not for every block."""
    return Covariance(given.values, d)


TOKEN_LAWS = Registry[type[TokenLaw]]("token law", "qktheory.tokens.laws")


def token_law(table: Mapping[str, object], base: str | Path | None = None) -> TokenLaw:
    """Return the law of a [tokens] table; ``law`` defaults to "iid".

    Examples
    --------
    >>> token_law({"law": "random_walk", "covariance": 2}).to_dict()
    {'law': 'random_walk', 'covariance': 2.0}
    """
    name = table.get("law", "iid")
    if not isinstance(name, str):
        raise unknown_name("token law", name, TOKEN_LAWS)
    return TOKEN_LAWS[name].from_dict(table, base)
