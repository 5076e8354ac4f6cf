"""Forward passes of many networks at a time, tokens kept as a common row plus a spread."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.head_map import DrawnMaps
from qktheory.attention.network import Network
from qktheory.attention.normalizer import Normalizer
from qktheory.base.arrays import ArrayInput
from qktheory.numerics.scaled_stack import ScaledStack, total
from qktheory.numerics.softmax_stack import ScoreStack, WeightStack
from qktheory.numerics.spread_stack import SpreadStack, layer_norm_stack, rowwise_stack
from qktheory.numerics.token_spread import ScoreBias

__all__ = ["LayerRecord", "LayerRule", "LayerWeights", "layer_step"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LayerWeights:
    """Weights of one layer of n networks; a leading axis of 1 where all share them.

    Parameters
    ----------
    query_key, value : DrawnMaps
        Stacks of shape (n, H).
    output : DrawnMaps or None
        Stack of shape (n, H), applied after `value`.
    mlp : tuple of ndarray or None
        M_in of shape (n, d, p) and M_out of shape (n, p, d).
    """

    query_key: DrawnMaps
    value: DrawnMaps
    output: DrawnMaps | None = None
    mlp: tuple[Floats, Floats] | None = None

    def after_values(self) -> list[Floats]:
        """Return the matrices that the mixed values meet, in order, shape (n, H, k, m) each."""
        chain = []
        if self.value.right is not None:
            chain.append(self.value.right.swapaxes(-1, -2))
        if self.output is not None:
            chain.append(self.output.left)
            if self.output.right is not None:
                chain.append(self.output.right.swapaxes(-1, -2))
        return chain


@dataclass(frozen=True)
class LayerRule:
    """What all layers of a network have in common.

    Parameters
    ----------
    network : Network
        The description.
    temperature : float
        Divisor of the scores.
    normalizer : Normalizer
        From scores to weights.
    bias : ScoreBias or None
        Masks and position bias.
    """

    network: Network
    temperature: float
    normalizer: Normalizer
    bias: ScoreBias | None = None

    @classmethod
    def of(
        cls, network: Network, T: int, mask: str, temperature: float, by: Normalizer
    ) -> LayerRule:
        """Return the rule of a network of T tokens under a mask of [attention]."""
        matrix = network.score_bias(T, mask)
        if matrix is None:
            return cls(network, temperature, by)
        bias = ScoreBias(matrix)
        if not by.rowwise:
            # What a query adds to all keys cancels in its own row, not in the sums of columns.
            bias.shared, bias.own = np.zeros(T), matrix
        return cls(network, temperature, by, bias)

    @property
    def mlp_skip(self) -> bool:
        """Whether the MLP has a skip connection."""
        mlp = self.network.mlp
        if mlp is None or mlp.skip is None:
            return self.network.skip != "none"
        return mlp.skip


@dataclass(frozen=True)
class LayerRecord:
    """What a layer of n networks has done.

    Parameters
    ----------
    scores : ScoreStack
        Scores of its heads.
    weights : WeightStack
        Attention weights of its heads.
    """

    scores: ScoreStack
    weights: WeightStack


def _score_stack(seen: SpreadStack, weights: LayerWeights, rule: LayerRule) -> ScoreStack:
    c, R = seen.center, seen.residual
    left, right = weights.query_key.left, weights.query_key.right
    tokens = R.mantissa[:, None]
    row = c.mantissa[:, None, None, :]
    queries = np.matmul(tokens, left) / rule.temperature
    along = np.matmul(row, left) / rule.temperature
    keys = tokens if right is None else np.matmul(tokens, right)
    E = np.matmul(queries, keys.swapaxes(-1, -2))
    cross = R.exponent + c.exponent
    u = ScaledStack.of(np.matmul(along, keys.swapaxes(-1, -2))[:, :, 0], cross)
    v = None
    if not rule.normalizer.rowwise:
        ahead = row if right is None else np.matmul(row, right)
        v = ScaledStack.of(np.matmul(queries, ahead.swapaxes(-1, -2))[..., 0], cross)
    u = _with_bias(u, R, rule.network.query_bias, rule.temperature)
    if v is not None:
        v = _with_bias(v, R, rule.network.key_bias, rule.temperature)
    of_keys = u.value()
    scores = ScoreStack(
        of_keys, np.zeros_like(of_keys) if v is None else v.value(), E, 2 * R.exponent
    )
    if rule.bias is not None:
        scores = replace(scores, u=scores.u + rule.bias.shared, bias=rule.bias.own)
    return scores


def _with_bias(
    part: ScaledStack, R: ScaledStack, bias: ArrayInput | None, temperature: float
) -> ScaledStack:
    """Add r_j^T bias/temperature to the part of the keys, or of the queries."""
    if bias is None:
        return part
    own = np.matmul(R.mantissa, bias.values / temperature)[:, None]
    return part + ScaledStack.of(np.broadcast_to(own, part.mantissa.shape), R.exponent)


def _through(values: Floats, chain: list[Floats]) -> Floats:
    """Return the sum over heads of values, (n, H, T, k), after the matrices of the chain."""
    if not chain:
        return np.asarray(values.sum(axis=1))
    for matrix in chain[:-1]:
        values = np.matmul(values, matrix)
    # One product a network that sums over heads and features at once.
    heads = max(values.shape[1], chain[-1].shape[1])
    n, _, T, k = values.shape
    rows = np.broadcast_to(values, (n, heads, T, k)).swapaxes(1, 2).reshape(n, T, heads * k)
    lead, _, _, d = chain[-1].shape
    columns = np.broadcast_to(chain[-1], (lead, heads, k, d)).reshape(lead, heads * k, d)
    return np.asarray(np.matmul(rows, columns))


def _attention(
    seen: SpreadStack, weights: LayerWeights, rule: LayerRule
) -> tuple[ScaledStack, list[ScaledStack], LayerRecord]:
    """Return the attention branch: its common row, deviations from it, and the record."""
    c, R = seen.center, seen.residual
    scores = _score_stack(seen, weights, rule)
    mixed = rule.normalizer.split(scores)
    chain = weights.after_values()
    V = np.matmul(R.mantissa[:, None], weights.value.left)
    of_row = np.matmul(c.mantissa[:, None, None, :], weights.value.left)
    n, H = V.shape[:2]
    hub = np.broadcast_to(np.argmax(mixed.q, axis=-1), (n, H))
    top = V[np.arange(n)[:, None], np.arange(H), hub][:, :, None]
    D = V - top
    common = np.matmul(mixed.q[:, :, None, :], D) + top
    center = ScaledStack.of(_through(of_row, chain)[:, 0], c.exponent)
    center = center + ScaledStack.of(_through(common, chain)[:, 0], R.exponent)
    deviation = _through(np.matmul(mixed.Z, D), chain)
    deviations = [ScaledStack.of(deviation, mixed.unit + R.exponent)]
    if mixed.excess is not None:
        # Rows that do not sum to one: what is missing of the common row is a deviation.
        part = mixed.excess[..., None]
        deviations.append(ScaledStack.of(_through(part * of_row, chain), c.exponent))
        deviations.append(ScaledStack.of(_through(part * top, chain), R.exponent))
    return center, deviations, LayerRecord(scores, mixed)


def _scaled_by(stack: ScaledStack, factor: float) -> ScaledStack:
    return stack if factor == 1.0 else ScaledStack.of(stack.mantissa * factor, stack.exponent)


def layer_step(
    tokens: SpreadStack, weights: LayerWeights, rule: LayerRule
) -> tuple[SpreadStack, LayerRecord]:
    """Return the tokens after a layer of n networks, and what the layer has done.

    Parameters
    ----------
    tokens : SpreadStack
        Tokens before the layer.
    weights : LayerWeights
        Its weights.
    rule : LayerRule
        What all layers share.

    Returns
    -------
    tokens : SpreadStack
    record : LayerRecord

    Raises
    ------
    ArithmeticError
        If scores or tokens are beyond double precision (`OverflowError`), or LayerNorm meets a
        token of constant features.

    Examples
    --------
    >>> from qktheory.attention.normalizer import NORMALIZERS
    >>> one = DrawnMaps(np.ones((1, 1, 1, 1)))
    >>> rule = LayerRule(Network.from_dict({"depth": 1, "value": {"model": "ginibre"}}), 1.0,
    ...                  NORMALIZERS["softmax"])
    >>> pair = SpreadStack.of(np.array([[[0.5], [-0.5]]]))
    >>> after, _ = layer_step(pair, LayerWeights(one, one), rule)
    >>> after.residual.value()[0, :, 0].round(12).tolist()
    [0.122459331202, -0.122459331202]
    """
    network = rule.network
    pre, post = network.layer_norm == "pre", network.layer_norm == "post"
    seen = layer_norm_stack(tokens, network.norm_eps) if pre else tokens
    row, deviations, record = _attention(seen, weights, rule)
    rows = [row]
    if network.skip_factor != 0.0:
        rows.append(_scaled_by(tokens.center, network.skip_factor))
        deviations.append(_scaled_by(tokens.residual, network.skip_factor))
    if network.value_bias is not None:
        added = np.broadcast_to(network.value_bias.values, row.mantissa.shape)
        rows.append(ScaledStack.of(added))
    tokens = SpreadStack.around(total(rows), total(deviations))
    if post:
        tokens = layer_norm_stack(tokens, network.norm_eps)
    if weights.mlp is not None:
        assert network.mlp is not None
        seen = layer_norm_stack(tokens, network.norm_eps) if pre else tokens
        branch = rowwise_stack(seen, *weights.mlp, network.mlp.activation)
        if rule.mlp_skip:
            tokens = SpreadStack.around(
                tokens.center + branch.center, tokens.residual + branch.residual
            )
        else:
            tokens = branch
        if post:
            tokens = layer_norm_stack(tokens, network.norm_eps)
    return tokens, record
