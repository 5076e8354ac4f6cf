"""One hub, neutral and active tokens: where a cubic bound with constant 4 fails (RANK-3)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from qktheory.base.errors import bad_value

__all__ = ["HubTokens"]


def _share(own: float, *others: tuple[float, float]) -> float:
    """Return e^own over the sum of count e^exponent, in logarithms."""
    terms = [(count, x) for count, x in others if count > 0.0]
    top = max(own, *(x for _, x in terms))
    return math.exp(own - top) / math.fsum(count * math.exp(x - top) for count, x in terms)


@dataclass(frozen=True)
class HubTokens:
    """Residual rows e_1 (hub), 0 (neutral) and e_i (active, a coordinate each).

    Parameters
    ----------
    neutral_tokens, active_tokens : int
        m_0 >= 0 and m_1 >= 1.
    hub_log_weight : float
        g: the base distribution prefers the hub by the factor e^g.
    active_score : float
        s > 0: an active token prefers itself by the factor e^s.

    Raises
    ------
    ValueError
        For counts or a score outside their domains.

    Examples
    --------
    >>> family = HubTokens(3900, 2099, 10.5, 13.25)
    >>> round(family.lower_bound / family.rhs, 5)
    1.01597
    """

    neutral_tokens: int
    active_tokens: int
    hub_log_weight: float
    active_score: float

    def __post_init__(self) -> None:
        if self.neutral_tokens < 0:
            raise bad_value("neutral_tokens", self.neutral_tokens, "an integer >= 0")
        if self.active_tokens < 1:
            raise bad_value("active_tokens", self.active_tokens, "an integer >= 1")
        if not self.active_score > 0.0:
            raise bad_value("active_score", self.active_score, "a number > 0")

    @property
    def T(self) -> int:
        """Number of tokens."""
        return 1 + self.neutral_tokens + self.active_tokens

    @property
    def hub_on_neutral(self) -> float:
        """Attention b of neutral tokens, and of the hub, to the hub."""
        return _share(self.hub_log_weight, (float(self.T - 1), 0.0), (1.0, self.hub_log_weight))

    @property
    def active_on_neutral(self) -> float:
        """Attention q_a of neutral tokens to one active token."""
        return _share(0.0, (1.0, self.hub_log_weight), (float(self.T - 1), 0.0))

    @property
    def hub_on_active(self) -> float:
        """Attention a of active tokens to the hub."""
        g, s = self.hub_log_weight, self.active_score
        return _share(g, (float(self.T - 2), 0.0), (1.0, g), (1.0, s))

    @property
    def self_on_active(self) -> float:
        """Attention p of active tokens to themselves."""
        g, s = self.hub_log_weight, self.active_score
        return _share(s, (float(self.T - 2), 0.0), (1.0, g), (1.0, s))

    @property
    def other_on_active(self) -> float:
        """Attention u of active tokens to one other token."""
        g, s = self.hub_log_weight, self.active_score
        return _share(0.0, (float(self.T - 2), 0.0), (1.0, g), (1.0, s))

    @property
    def rhs(self) -> float:
        """The bound 4 kappa norm_1inf(R)^3 = 4 s."""
        return 4.0 * self.active_score

    @property
    def lower_bound(self) -> float:
        """Least norm_1inf of P R - 1 y^T over rows y = (x, z, .., z).

        By symmetry of the active coordinates each of the two norms is least at such a row, so this
        bounds the residual of the output from below.

        With k = p - u the entries are a, a + k b and u, u + k q_a, u + k: the minimum is k times
        that of a problem whose numbers are b, q_a, 0 and 1, and lies at a vertex of it.
        """
        b, q = self.hub_on_neutral, self.active_on_neutral
        m_0, m_1 = float(self.neutral_tokens), float(self.active_tokens)

        def product(x: float, z: float) -> float:
            alpha = m_1 * x + (m_0 + 1.0) * (b - x)
            return alpha * max(_hub_row(x, z), _active_row(x, z))

        def _hub_row(x: float, z: float) -> float:
            return b - x + m_1 * abs(q - z)

        def _active_row(x: float, z: float) -> float:
            return x + abs(1.0 - z) + (m_1 - 1.0) * abs(z)

        levels = [0.0, min(q, 1.0), max(q, 1.0)]
        vertices = [(x, z) for x in (0.0, b) for z in levels]
        for x in (0.0, b):  # where the two rows balance along an edge x = const
            for low, high in itertools.pairwise(levels):
                start = _hub_row(x, low) - _active_row(x, low)
                end = _hub_row(x, high) - _active_row(x, high)
                if start * end < 0.0:
                    vertices.append((x, low + (high - low) * start / (start - end)))
        for z in levels:  # and along z = const, where the difference falls with slope 2 in x
            balanced = 0.5 * (_hub_row(0.0, z) - _active_row(0.0, z))
            if 0.0 < balanced < b:
                vertices.append((balanced, z))
        least = min(product(x, z) for x, z in vertices)
        return -math.expm1(-self.active_score) * self.self_on_active * math.sqrt(least)
