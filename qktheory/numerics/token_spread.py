"""Tokens as a common row plus a spread of any smallness, and maps of the pair (RANK-4).

Tokens 1 c^T + R are carried as the pair (c, R), each with an exponent of its own. Attention, a
rowwise network and LayerNorm map pairs to pairs without ever forming 1 c^T + R, in which a spread
of 1e-16 |c| would drown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.numerics.matrix_norms import diameter_2, frobenius_norm, norm_1, norm_inf
from qktheory.numerics.scaled import Scaled
from qktheory.numerics.softmax_split import log_distribution, softmax_deviation

__all__ = ["ScoreBias", "TokenSpread", "attention_layer", "relu_network"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TokenSpread:
    """Tokens 1 c^T + R with column means of R equal to 0.

    Parameters
    ----------
    center : Scaled
        The common row c, shape (d,).
    residual : Scaled
        R, shape (T, d).

    Examples
    --------
    >>> tokens = TokenSpread.of([[1.0, 2.0], [3.0, 2.0]])
    >>> tokens.center.value(), tokens.residual.value()
    (array([2., 2.]), array([[-1.,  0.],
           [ 1.,  0.]]))
    """

    center: Scaled
    residual: Scaled

    @classmethod
    def of(cls, X: ArrayLike) -> TokenSpread:
        """Split tokens, shape (T, d)."""
        tokens = Scaled.of(X)
        first = tokens.mantissa[0]
        return cls.around(
            Scaled.of(first, tokens.exponent),
            Scaled.of(tokens.mantissa - first, tokens.exponent),
        )

    @classmethod
    def around(cls, center: Scaled, residual: Scaled) -> TokenSpread:
        """Move the column means of the residual into the center."""
        for _ in range(2):  # the second time takes out the rounding of the first
            mean = residual.mantissa.mean(axis=0)
            center = center + Scaled.of(mean, residual.exponent)
            residual = Scaled.of(residual.mantissa - mean, residual.exponent)
        return cls(center, residual)

    @property
    def collapsed(self) -> bool:
        """Whether all tokens are equal."""
        return self.residual.zero

    def log10_norm_1inf(self) -> float:
        """Return log10 of sqrt(norm_1 norm_inf) of R; tokens must not all be equal."""
        R = self.residual.mantissa
        return self.residual.log10(float(np.sqrt(norm_1(R) * norm_inf(R))))

    def log10_frobenius(self) -> float:
        """Return log10 of the Frobenius norm of R."""
        return self.residual.log10(frobenius_norm(self.residual.mantissa))

    def log10_diameter_2(self) -> float:
        """Return log10 of the largest Euclidean distance of two tokens."""
        return self.residual.log10(diameter_2(self.residual.mantissa))

    def tokens(self) -> Scaled:
        """Return 1 c^T + R."""
        shape = self.residual.mantissa.shape
        common = Scaled.of(np.broadcast_to(self.center.mantissa, shape), self.center.exponent)
        return common + self.residual


class ScoreBias:
    """An additive score bias, split into a part that all queries share and the rest.

    Parameters
    ----------
    bias : ndarray of shape (T, T)
        -inf is a masked entry; every row has one that is not.

    Attributes
    ----------
    shared : ndarray of shape (T,)
        What all queries add to key j: it does not stop rank collapse.
    own : ndarray of shape (T, T) or None
        The rest; None if there is none.
    """

    def __init__(self, bias: Floats) -> None:
        bias = np.asarray(bias, dtype=np.float64)
        masked = np.isneginf(bias)
        self.shared: Floats = np.zeros(bias.shape[1])
        self.own: Floats | None = bias
        if (masked != masked[0]).any():
            return
        visible = ~masked[0]
        finite = bias[:, visible]
        rest = finite - finite.mean(axis=1, keepdims=True)
        shared = rest.mean(axis=0)
        rest = rest - shared
        self.shared[visible] = shared
        self.shared[~visible] = -np.inf
        # A sum of a row and a column of floats is separated only up to the rounding of its entries.
        if np.abs(rest).max() <= 8.0 * np.finfo(float).eps * np.abs(finite).max():
            self.own = None
        else:
            self.own = np.zeros_like(bias)
            self.own[:, visible] = rest


def _head(
    tokens: TokenSpread, A: Floats, temperature: float, bias: ScoreBias | None
) -> tuple[Scaled, Scaled]:
    """Return P X of one head as a common row and deviations from it."""
    c, R = tokens.center, tokens.residual
    along = c @ A
    u = Scaled.of(R.mantissa @ along.mantissa / temperature, R.exponent + along.exponent).value()
    u = u - u[0]
    own = None if bias is None else bias.own
    if bias is not None:
        u = u + bias.shared
    queries = R @ A
    if own is not None and np.isneginf(own).any():
        return _masked(c, R, queries, u, temperature, own)
    log_q = log_distribution(u)
    hub = int(np.argmax(log_q))
    D = R.mantissa - R.mantissa[hub]
    E = Scaled.of(queries.mantissa @ D.T / temperature, queries.exponent + R.exponent)
    if own is not None:
        E = E + Scaled.of(own - own[:, [hub]])
    _, Z, unit = softmax_deviation(log_q, E.mantissa, E.exponent)
    common = Scaled.of(R.mantissa[hub] + np.exp(log_q) @ D, R.exponent)
    return c + common, Scaled.of(Z @ D, unit + R.exponent)


def _masked(
    c: Scaled, R: Scaled, queries: Scaled, u: Floats, temperature: float, own: Floats
) -> tuple[Scaled, Scaled]:
    """Return P X where queries see different keys, relative to the key with the largest mass."""
    E = Scaled.of(queries.mantissa @ R.mantissa.T / temperature, queries.exponent + R.exponent)
    scores = u + E.value() + own
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    hub = int(np.argmax(weights.sum(axis=0)))
    D = R.mantissa - R.mantissa[hub]
    return c + Scaled.of(R.mantissa[hub], R.exponent), Scaled.of(weights @ D, R.exponent)


def attention_layer(
    tokens: TokenSpread,
    A: Floats,
    W: Floats,
    temperature: float,
    bias: Floats | None = None,
    skip: bool = False,
    score_bias: ScoreBias | None = None,
) -> TokenSpread:
    """Return X' = sum_h P_h X W_h + 1 bias^T (+ X with skip).

    Parameters
    ----------
    tokens : TokenSpread
        X, width d.
    A, W : ndarray of shape (H, d, d) and (H, d, m)
        Query-key and value-output maps of the heads.
    temperature : float
        Scores are x_i^T A x_j / temperature.
    bias : ndarray of shape (m,), optional
        Added to every token.
    skip : bool, optional
        Whether X itself is added.
    score_bias : ScoreBias, optional
        Added to the scores of every head.

    Returns
    -------
    TokenSpread

    Raises
    ------
    OverflowError
        If scores are beyond double precision.

    Examples
    --------
    >>> pair = TokenSpread.of([[0.5], [-0.5]])
    >>> out = attention_layer(pair, np.ones((1, 1, 1)), np.ones((1, 1, 1)), 1.0)
    >>> round(out.log10_diameter_2(), 9)
    -0.610978121
    """
    parts: list[Scaled] = [] if bias is None else [Scaled.of(bias)]
    residuals: list[Scaled] = []
    if skip:
        parts.append(tokens.center)
        residuals.append(tokens.residual)
    for a, w in zip(A, W, strict=True):
        common, deviation = _head(tokens, a, temperature, score_bias)
        parts.append(common @ w)
        residuals.append(deviation @ w)
    return TokenSpread.around(_total(parts), _total(residuals))


def _total(terms: Sequence[Scaled]) -> Scaled:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def relu_network(tokens: TokenSpread, W_in: Floats, W_out: Floats) -> TokenSpread:
    """Return ReLU(X W_in) W_out, token by token.

    Parameters
    ----------
    tokens : TokenSpread
        X, width d.
    W_in, W_out : ndarray of shape (d, p) and (p, m)

    Returns
    -------
    TokenSpread

    Examples
    --------
    >>> relu_network(TokenSpread.of([[1.0], [-1.0]]), np.ones((1, 1)), np.ones((1, 1))).tokens()
    Scaled(mantissa=array([[0.5],
           [0. ]]), exponent=1)
    """
    before, change = tokens.center @ W_in, tokens.residual @ W_in
    # Relative to the unit of the change the center may be infinitely far: it then keeps its sign.
    with np.errstate(over="ignore"):
        a = before.at(change.exponent)
    delta = change.mantissa
    moved = np.where(a > 0.0, np.maximum(delta, -a), np.maximum(a + delta, 0.0))
    after = Scaled(np.maximum(before.mantissa, 0.0), before.exponent)
    return TokenSpread.around(after @ W_out, Scaled.of(moved, change.exponent) @ W_out)
