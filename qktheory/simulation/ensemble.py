"""The Ensemble: a complete, frozen, serialisable description of a random experiment."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from qktheory.attention.attention import Attention
from qktheory.attention.network import Network
from qktheory.base.arrays import load_array
from qktheory.base.domains import Choice, Integer, RealList
from qktheory.base.errors import bad_value, unknown_name
from qktheory.base.memory import check_memory
from qktheory.spectra.matrix_model import MatrixModel, matrix_model
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.tokens.law import TokenLaw, token_law

__all__ = ["Ensemble"]

_SIZE = Integer(low=1, high=10**18)
#: Peak memory while a spectrum is made.
_BYTES_PER_EIGENVALUE = 64
_TABLES = ("spectrum", "matrix", "tokens", "attention", "network")
_MATRIX_DRAW = Choice(("once", "every_sample"))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Sizes, W_QK, tokens and attention of a random experiment.

    Together with a seed it determines every number. Each sample draws new tokens; the QK map is
    drawn once and held fixed, or drawn anew with every sample.

    Parameters
    ----------
    d, T : int
        Width and number of tokens, >= 1.
    matrix : MatrixModel
        How W = W_QK is made, from `spectrum` where the model prescribes one.
    spectrum : SpectrumSpecification or None
        Eigenvalues (or singular values) of W.
    tokens : TokenLaw
        Law of the T tokens.
    attention : Attention
        Temperature, normaliser, mask and the query that observables look at.
    query : tuple of float or None
        Pins the last token (the query of ``query = "last"``) to this vector of length d; all other
        tokens then follow their conditional law.
    matrix_draw : {"once", "every_sample"}
        Whether W is held fixed, so that means are conditional on it, or averaged over. Key ``draw``
        of the [matrix] table. It holds for all weights of a network.
    network : Network or None
        Layers and heads, if the experiment is a network and not a single layer of one head.

    Raises
    ------
    ValueError
        For sizes below one, shapes that disagree, targets that no spectrum meets, or a given W
        that is to be drawn for every sample.

    Examples
    --------
    >>> ensemble = Ensemble.from_toml('''
    ... d = 16
    ... T = 64
    ... [spectrum]
    ... law = "semicircle"
    ... xi = 1.0
    ... eta = 0.5
    ... [tokens]
    ... law = "random_walk"
    ... ''')
    >>> ensemble.d, ensemble.tokens.name, ensemble == Ensemble.from_toml(ensemble.to_toml())
    (16, 'random_walk', True)
    """

    d: int
    T: int
    matrix: MatrixModel
    spectrum: SpectrumSpecification | None
    tokens: TokenLaw
    attention: Attention = field(default_factory=Attention)
    query: tuple[float, ...] | None = None
    matrix_draw: str = "once"
    network: Network | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "d", _SIZE.check("d", self.d))
        object.__setattr__(self, "T", _SIZE.check("T", self.T))
        check_memory(_BYTES_PER_EIGENVALUE * self.d, f"a spectrum of d = {self.d}")
        _MATRIX_DRAW.check("matrix.draw", self.matrix_draw)
        self.matrix.check(self.d, self.spectrum)
        drawn = self.matrix.random or (self.network is not None and self.network.random)
        if self.redraws_matrix and not drawn:
            raise bad_value(
                "matrix.draw", self.matrix_draw, f"'once': model {self.matrix.name!r} draws nothing"
            )
        self.tokens.check(self.T, self.d)
        if self.network is not None:
            if self.attention.normalize.of_tokens:
                raise bad_value(
                    "attention.normalizer",
                    self.attention.normalizer,
                    "a map of scores in a network",
                )
            self.network.check(self.T, self.d, self.attention.mask)
            if self.network.masked("none") and not self.attention.normalize.masks:
                raise bad_value(
                    "attention.normalizer", self.attention.normalizer, "one that takes masks"
                )
        if self.query is not None:
            query = RealList().check("tokens.query", self.query)
            if query.size != self.d:
                raise bad_value("tokens.query", self.query, f"a list of length d = {self.d}")
            if not self.tokens.can_pin_last:
                raise ValueError(f"tokens.query does not go with token law {self.tokens.name!r}")
            object.__setattr__(self, "query", tuple(query.tolist()))

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], folder: Path | None = None) -> Ensemble:
        """Build from the tables of a spec file.

        Parameters
        ----------
        table : mapping
            ``d``, ``T`` and the tables ``spectrum``, ``matrix``, ``tokens``, ``attention``,
            ``network``.
        folder : Path, optional
            Where relative ``"@file.npy"`` paths start, the working directory by default.

        Returns
        -------
        Ensemble

        Raises
        ------
        ValueError
            Naming the key, its value and what was expected.
        """
        for name in table:
            if name not in ("d", "T", *_TABLES):
                raise unknown_name("key of the spec", name, ("d", "T", "observables", *_TABLES))
        tables: dict[str, dict[str, Any]] = {}
        for name in _TABLES:
            section = table.get(name, {})
            if not isinstance(section, Mapping):
                raise bad_value(name, section, "a table")
            tables[name] = dict(section)
        for name in ("d", "T"):
            if name not in table:
                raise ValueError(f"{name} is missing: the spec needs {_SIZE.describe()}")
        d, T = (_SIZE.check(name, table[name]) for name in ("d", "T"))
        tokens = tables["tokens"]
        query = tokens.pop("query", None)
        if query is not None:
            query = tuple(
                RealList().check("tokens.query", load_array("tokens.query", query, folder))
            )
        draw = tables["matrix"].pop("draw", "once")
        if {"W", "W_Q", "W_K"} & set(tables["matrix"]):
            tables["matrix"].setdefault("model", "data")
        return cls(
            d=d,
            T=T,
            matrix=matrix_model(tables["matrix"], folder),
            spectrum=SpectrumSpecification.from_dict(tables["spectrum"])
            if "spectrum" in table
            else None,
            tokens=token_law(tokens, folder),
            attention=Attention.from_dict(tables["attention"]),
            query=query,
            matrix_draw=_MATRIX_DRAW.check("matrix.draw", draw),
            network=Network.from_dict(tables["network"], folder) if "network" in table else None,
        )

    @classmethod
    def from_toml(cls, source: str | Path) -> Ensemble:
        """Build from a TOML file (a `Path`) or from TOML text (a `str`)."""
        if isinstance(source, Path):
            return cls.from_dict(tomllib.loads(source.read_text("utf-8")), source.parent)
        return cls.from_dict(tomllib.loads(source))

    def to_dict(self) -> dict[str, Any]:
        """Return the tables that `from_dict` reads, with plain lists and numbers only."""
        tokens = self.tokens.to_dict()
        if self.query is not None:
            tokens["query"] = list(self.query)
        table: dict[str, Any] = {"d": self.d, "T": self.T}
        if self.spectrum is not None:
            table["spectrum"] = self.spectrum.to_dict()
        table["matrix"] = self.matrix.to_dict()
        if self.redraws_matrix:
            table["matrix"]["draw"] = self.matrix_draw
        table["tokens"] = tokens
        table["attention"] = self.attention.to_dict()
        if self.network is not None:
            table["network"] = self.network.to_dict()
        return table

    @property
    def depth(self) -> int:
        """Number of layers of the network, 0 for a single layer of attention."""
        return 0 if self.network is None else self.network.depth

    @property
    def redraws_matrix(self) -> bool:
        """Whether W is drawn anew for every sample."""
        return self.matrix_draw == "every_sample"

    @property
    def matrix_work(self) -> float:
        """What W costs a sample, in random numbers and multiplications; 0 if it is held fixed."""
        return self.matrix.work(self.d) if self.redraws_matrix else 0.0

    def to_toml(self) -> str:
        """Return the TOML text that `from_toml` reads."""
        return tomli_w.dumps(self.to_dict())

    def replace(self, **changes: Any) -> Ensemble:
        """Return a copy with some fields changed; everything is checked again."""
        return replace(self, **changes)

    def _key(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ensemble) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        law = "" if self.spectrum is None else f", {self.spectrum.law.name}"
        drawn = " redrawn" if self.redraws_matrix else ""
        layers = "" if self.network is None else f", {self.network!r}"
        return (
            f"Ensemble(d={self.d}, T={self.T}, {self.matrix.name}{drawn}{law}, {self.tokens.name}, "
            f"{self.attention.normalizer}{layers})"
        )
