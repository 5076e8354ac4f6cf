"""Inequalities proved on boxes by subdivision in ball arithmetic.

A box of parameters is cut until on every piece the ball of lhs - rhs lies on the right side of
zero. Pieces are cut at exact rational points, so they cover the box; a ball holds every value on
its piece, so what is certified is true. An inequality that is false somewhere inside is refuted at
a point, or left open; it is never certified.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any, Literal

import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.symbolic.balls import ball, enclose, hull, working_precision

__all__ = ["Certificate", "certify"]

Box = dict[sp.Symbol, tuple[Fraction, Fraction]]


@dataclass(frozen=True)
class Certificate:
    """What subdivision found out about an inequality on a box.

    Parameters
    ----------
    inequality : sympy.Rel
        The inequality.
    box : mapping
        Exact ends (low, high) by symbol.
    verdict : {"certified", "refuted", "open"}
        Open means that the pieces became too many.
    pieces : int
        Boxes that were evaluated.
    margin : float
        A lower bound of the distance to equality on the box, where certified.
    counterexample : mapping or None
        An exact point at which balls prove the opposite.
    """

    inequality: sp.Rel
    box: Mapping[sp.Symbol, tuple[Fraction, Fraction]]
    verdict: Literal["certified", "refuted", "open"]
    pieces: int
    margin: float = 0.0
    counterexample: Mapping[sp.Symbol, Fraction] | None = field(default=None)

    def __repr__(self) -> str:
        return f"Certificate({self.inequality}: {self.verdict}, {self.pieces} pieces)"


def _exact(name: str, value: object) -> Fraction:
    number = sp.sympify(value)
    if not number.is_Rational:
        raise bad_value(name, value, "an exact number: an integer, a Fraction or a string '1/3'")
    return Fraction(int(number.p), int(number.q))


def certify(
    inequality: sp.Rel, box: Mapping[sp.Symbol, tuple[object, object]], *, most_pieces: int = 20_000
) -> Certificate:
    """Try to prove an inequality on a box.

    Parameters
    ----------
    inequality : sympy.Rel
        ``<``, ``<=``, ``>`` or ``>=`` between two expressions in exact numbers.
    box : mapping
        Low and high end of every symbol, exact numbers (integers, fractions, strings).
    most_pieces : int, optional
        Pieces that may be evaluated before the question is left open.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        For inexact numbers, symbols without ends, or without python-flint.

    Examples
    --------
    >>> x = sp.Symbol("x", positive=True)
    >>> certify(sp.tanh(x) < x, {x: ("1/100", 10)}).verdict
    'certified'
    >>> certify(sp.tanh(x) < sp.Rational(99, 100) * x, {x: ("1/100", 10)}).verdict
    'refuted'
    """
    if not isinstance(inequality, sp.Rel) or isinstance(inequality, sp.Eq | sp.Ne):
        raise bad_value("inequality", inequality, "a relation <, <=, > or >=")
    less = isinstance(inequality, sp.StrictLessThan | sp.LessThan)
    strict = isinstance(inequality, sp.StrictLessThan | sp.StrictGreaterThan)
    # gap is what must be positive, or not negative.
    gap = inequality.rhs - inequality.lhs if less else inequality.lhs - inequality.rhs
    symbols = sorted(gap.free_symbols, key=lambda s: str(s.name))
    missing = [s.name for s in symbols if s not in box]
    if missing:
        raise bad_value("box", sorted(s.name for s in box), f"ends for {', '.join(missing)} too")
    ends: Box = {s: (_exact(s.name, box[s][0]), _exact(s.name, box[s][1])) for s in symbols}
    for s, (low, high) in ends.items():
        if low > high:
            raise bad_value(s.name, (low, high), "low <= high")
    value = enclose(gap)
    slopes = {s: enclose(sp.diff(gap, s)) for s in symbols}
    with working_precision():
        return _subdivide(inequality, ends, value, slopes, strict, most_pieces)


def _enclosure(box: Box, value: Any, slopes: Mapping[sp.Symbol, Any]) -> Any:
    """Return the better one of the direct ball and the mean value form."""
    balls = {s: hull(*ends) for s, ends in box.items()}
    direct = value(balls)
    middle = {s: (low + high) / 2 for s, (low, high) in box.items()}
    form = value({s: ball(m) for s, m in middle.items()})
    for s, (low, high) in box.items():
        if low < high:
            form += slopes[s](balls) * hull(low - middle[s], high - middle[s])
    if not form.is_finite():
        return direct
    if not direct.is_finite():
        return form
    return direct if direct.lower() >= form.lower() else form


def _subdivide(
    inequality: sp.Rel,
    ends: Box,
    value: Any,
    slopes: Mapping[sp.Symbol, Any],
    strict: bool,
    most_pieces: int,
) -> Certificate:
    number = count()
    queue: list[tuple[float, int, Box]] = [(0.0, next(number), ends)]
    pieces, margin = 0, float("inf")
    while queue:
        if pieces >= most_pieces:
            return Certificate(inequality, ends, "open", pieces)
        _, _, box = heapq.heappop(queue)
        pieces += 1
        found = _enclosure(box, value, slopes)
        if found.is_finite() and (found > 0 or (not strict and found >= 0)):
            margin = min(margin, float(found.lower()))
            continue
        middle = {s: (low + high) / 2 for s, (low, high) in box.items()}
        corners = (middle, {s: e[0] for s, e in box.items()}, {s: e[1] for s, e in box.items()})
        for point in corners:
            at = value({s: ball(m) for s, m in point.items()})
            if at.is_finite() and (at < 0 or (strict and at <= 0)):
                return Certificate(inequality, ends, "refuted", pieces, 0.0, point)
        widths = {s: (high - low) / (1 + abs(low)) for s, (low, high) in box.items()}
        widest = max(widths, key=lambda s: widths[s], default=None)
        if widest is None or widths[widest] == 0:
            return Certificate(inequality, ends, "open", pieces)
        low, high = box[widest]
        cut = middle[widest]
        priority = float(found.lower()) if found.is_finite() else -float("inf")
        for part in ((low, cut), (cut, high)):
            heapq.heappush(queue, (priority, next(number), {**box, widest: part}))
    return Certificate(inequality, ends, "certified", pieces, max(margin, 0.0))
