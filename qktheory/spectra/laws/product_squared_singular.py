"""Squared singular values of a product of two Gaussian matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.decimal_cumulants import free_cumulants_from_decimals
from qktheory.spectra.interval_law import IntervalLaw
from qktheory.spectra.interval_measure import Map, invert_position
from qktheory.spectra.law import LAWS, Array, check_off_support, check_order

__all__ = ["ProductSquaredSingular"]


@LAWS.register("product_squared_singular")
@dataclass(frozen=True)
class ProductSquaredSingular(IntervalLaw):
    """Non-zero squared singular values of W_Q W_K^T/sqrt(d d_k), iid N(0, 1) factors (SPEC-10).

    There are min(d, d_k) of them. y = z G(z) - 1 solves z = (1 + y)(1 + kappa y)^2/(kappa y) for
    kappa = d_k/d <= 1 and z = (1 + y)^2 (1 + kappa y)/y for kappa = d/d_k <= 1. On the support y is
    complex, and is walked by its argument: the modulus then solves a cubic with three real roots.

    Parameters
    ----------
    aspect : float
        d_k/d > 0. The shape parameter beside targets.

    Examples
    --------
    >>> law = ProductSquaredSingular(aspect=0.5)
    >>> [round(edge, 10) for edge in law.edges]
    [0.0567002728, 8.8182997272]
    >>> [law.moment(k) for k in (1, 2, 3, 4)]
    [2.0, 8.0, 42.0, 252.0]
    """

    aspect: float

    name: ClassVar[str] = "product_squared_singular"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "aspect",
            Real(1e-24, 1e24, typical=(0.05, 3.0)),
            "head width over model width, d_k/d",
        ),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("aspect",)

    @property
    def _wide(self) -> bool:
        """Whether d_k <= d: the law is then gapped from 0 (except at equality)."""
        return self.aspect <= 1.0

    @property
    def _kappa(self) -> float:
        return min(self.aspect, 1.0 / self.aspect)

    @property
    def _front(self) -> float:
        """Return K of z = N(y)/(K y)."""
        return self._kappa if self._wide else 1.0

    @property
    def _coefficients(self) -> tuple[float, float, float]:
        """Return b_1, b_2, b_3 of N(y) = 1 + b_1 y + b_2 y^2 + b_3 y^3."""
        k = self._kappa
        if self._wide:
            return 1.0 + 2.0 * k, k * (2.0 + k), k * k
        return 2.0 + k, 1.0 + 2.0 * k, k

    @property
    def edges(self) -> tuple[float, float]:
        """z(y_-) (0 for aspect >= 1) and z(y_+)."""
        k = self._kappa
        if self._wide:
            root = math.sqrt(k * (k + 8.0))
            # y_+ = (root - k)/(4k) = 2/(root + k), y_- = -(root + k)/(4k).
            up, down = 2.0 / (root + k), (root + k) / (4.0 * k)
            gap = 8.0 * (1.0 - k) * k / ((3.0 * k + root) * 4.0 * k)  # |y_-| - 1
            low = gap * (1.0 - k * down) ** 2 / (k * down) if k < 1.0 else 0.0
            return low, (1.0 + up) * (1.0 + k * up) ** 2 / (k * up)
        up = 2.0 / (1.0 + math.sqrt(1.0 + 8.0 * k))
        return 0.0, (1.0 + up) ** 2 * (1.0 + k * up) / up

    def _walk(self, v: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return 1 + cos, sin of the argument of y, 1/|y|, 1/|y| - 1 and x at v.

        The argument is 2 atan(e^-v). t = 1/|y| is the largest root of t^3 - b_2 t - 2 b_3 cos,
        found from its value at the lower edge by an increment without cancellation.
        """
        k = self._kappa
        b2 = self._coefficients[1]
        one_plus, one_minus = 2.0 * expit(2.0 * v), 2.0 * expit(-2.0 * v)
        sine = np.sqrt(one_plus * one_minus)
        base = 2.0 + k if self._wide else 1.0 + 2.0 * k
        # q = cos(beta) at the upper edge; 1 - q^2 factors because q = 1 at aspect 1.
        q = math.sqrt(27.0 * (k if self._wide else k * k) / base**3)
        rest = (k - 1.0) ** 2 * ((k + 8.0) if self._wide else (8.0 * k + 1.0)) / base**3
        one_less_q = rest / (1.0 + q)
        amplitude = 2.0 * math.sqrt(b2 / 3.0)
        # pi - beta and its value at the lower edge.
        over, under = one_less_q + q * one_plus, one_less_q + q * one_minus
        gamma = 2.0 * np.arctan2(np.sqrt(over), np.sqrt(under))
        gamma0 = 2.0 * math.atan2(math.sqrt(one_less_q), math.sqrt(1.0 + q))
        middle = np.sin(0.5 * (gamma + gamma0))
        half = np.divide(0.5 * q * one_plus, middle, out=np.zeros_like(v), where=middle > 0.0)
        difference = 2.0 * np.arcsin(np.minimum(half, 1.0))
        sixth = (math.pi - 0.5 * (gamma + gamma0)) / 3.0
        increment = 2.0 * amplitude * np.sin(sixth) * np.sin(difference / 6.0)
        # t, t - 1 and t - kappa at the lower edge.
        start, less_one, less_kappa = 1.0, 0.0, 1.0 - k
        if self._wide:
            root = math.sqrt(k * (k + 8.0))
            start = 4.0 * k / (k + root)
            less_one = 8.0 * k * (k - 1.0) / ((3.0 * k + root) * (k + root))
            less_kappa = 16.0 * k * (1.0 - k) / ((4.0 - k + root) * (k + root))
        t, excess = start + increment, less_one + increment
        first = np.sqrt(excess**2 + 2.0 * t * one_plus)  # t |1 + y|
        second = np.sqrt((less_kappa + increment) ** 2 + 2.0 * k * t * one_plus)  # t |1 + kappa y|
        product = first * second**2 / k if self._wide else first**2 * second
        return one_plus, sine, t, excess, product / t**2

    def _position(self, v: Array) -> Array:
        return self._walk(np.asarray(v, dtype=np.float64))[-1]

    def _slope(self, v: Array) -> Array:
        """Return dx/dv = 2 sin^2 |1 + h e^i|^2/(K rho (1 + h cos)), h = b_3 |y|^3."""
        return self._weight(v, density=False)

    def _weight(self, v: Array, density: bool = True) -> Array:
        one_plus, sine, t, excess, x = self._walk(np.asarray(v, dtype=np.float64))
        b3 = self._coefficients[2]
        cube = t**3
        h = b3 / cube
        # Near aspect 1, 1 - h = ((t^3 - 1) + (1 - b_3))/t^3 comes close to 0 at the lower edge.
        close = (excess * (t * t + t + 1.0) + (1.0 - b3)) / cube
        gap = np.where(h < 0.5, 1.0 - h, close)
        ratio = (gap**2 + 2.0 * h * one_plus) / (gap + h * one_plus)
        slope = 2.0 * sine**2 * ratio * t / self._front
        return np.asarray(slope * sine / (math.pi * t * x) if density else slope)

    def _parametrised(self) -> tuple[Map, Map]:
        return self._position, self._weight

    def _coordinate(self, x: Array) -> Array:
        return invert_position(self._position, self._slope, x, *self.edges)

    def pdf(self, x: ArrayLike) -> Array:
        """Return |Im y|/(pi x); inf at 0 for aspect >= 1."""
        points = np.asarray(x, dtype=np.float64)
        low, high = self.edges
        out = np.where((points == low) & (low == 0.0), math.inf, 0.0)
        inside = (points > low) & (points < high)
        if inside.any():
            _, sine, t, _, _ = self._walk(self._coordinate(points[inside]))
            out[inside] = sine / (math.pi * t * points[inside])
        return np.asarray(out)

    def moment(self, k: int) -> float:
        """Return the coefficient of Lagrange's inversion: all terms are positive."""
        if check_order("k", k) == 0:
            return 1.0
        kappa = self._kappa
        terms = (
            math.comb(k, j) * math.comb(2 * k, k - 1 - j) * kappa ** self._power(k, j)
            for j in range(k)
        )
        return math.fsum(terms) / (k * self._front**k)

    def _power(self, k: int, j: int) -> int:
        return k - 1 - j if self._wide else j

    def free_cumulant(self, n: int) -> float:
        """Return the free cumulant, from the moments with enough digits."""
        return free_cumulants_from_decimals(self._moments, check_order("n", n, 1))[-1]

    def _moments(self, n: int) -> list[Decimal]:
        aspect = Decimal(self.aspect)
        kappa = aspect if self._wide else 1 / aspect
        front = kappa if self._wide else Decimal(1)
        return [
            sum(
                (
                    math.comb(k, j) * math.comb(2 * k, k - 1 - j) * kappa ** self._power(k, j)
                    for j in range(k)
                ),
                Decimal(0),
            )
            / (k * front**k)
            for k in range(1, n + 1)
        ]

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return G(z) = K y/((1 + kappa y)^2) or y/((1 + y)(1 + kappa y)), off the support."""
        low, high = self.edges
        points = check_off_support(z, low, high)
        flat = np.array([self._transform(point) for point in points.ravel()])
        values = flat.reshape(points.shape)
        return np.asarray(values if points.dtype.kind == "c" else np.real(values))

    def _transform(self, z: complex) -> complex:
        b1, b2, b3 = self._coefficients
        k, front = self._kappa, self._front
        own = complex(np.conj(z)) if np.imag(z) < 0.0 else complex(z)
        linear = b1 - front * own
        best, e = math.inf, 0j
        for root in np.roots([b3, b2, linear, 1.0]):
            # y and G lie in the lower half-plane, closed for real z; -pi < arg y <= -arg z.
            y = complex(root)
            g = k * y / (1.0 + k * y) ** 2 if self._wide else y / ((1.0 + y) * (1.0 + k * y))
            badness = self._badness(own, y, g)
            if badness < best:
                best, e = badness, 1.0 + y
        y = e - 1.0
        for _ in range(4):  # the companion matrix loses digits of small and of nearly -1 roots
            if abs(e) < 0.5:
                value, slope = self._shifted(e, own)
                e -= value / slope
                y = e - 1.0
            else:
                value = ((b3 * y + b2) * y + linear) * y + 1.0
                slope = (3.0 * b3 * y + 2.0 * b2) * y + linear
                y -= value / slope
                e = 1.0 + y
        g = k * y / (1.0 + k * y) ** 2 if self._wide else y / (e * (1.0 + k * y))
        return g.conjugate() if np.imag(z) < 0.0 else g

    def _badness(self, z: complex, y: complex, g: complex) -> float:
        """Return how far a root is from being z G - 1 of a positive measure on the support."""
        if z.imag == 0.0:
            x = z.real
            imaginary = abs(y.imag) / (1.0 + abs(y))
            inside = (y.real > 0.0) == (x > 0.0) if x > self.edges[1] else y.real < 0.0
            # The measure is positive: |G| <= 1/distance picks the one root of small modulus.
            return imaginary + (0.0 if inside else 10.0) + abs(y) / (1.0 + abs(y))
        wrong = max(0.0, y.imag) / abs(y) + max(0.0, g.imag) / abs(g)
        turn = math.atan2(y.imag, y.real) + math.atan2(z.imag, z.real)
        return wrong + max(0.0, turn)

    def _shifted(self, e: complex, z: complex) -> tuple[complex, complex]:
        """Return N - K z y and its derivative in e = 1 + y."""
        k = self._kappa
        if self._wide:
            inner = 1.0 - k + k * e
            return e * inner**2 - k * z * (e - 1.0), inner**2 + 2.0 * k * e * inner - k * z
        inner = 1.0 - k + k * e
        return e**2 * inner - z * (e - 1.0), 2.0 * e * inner + k * e**2 - z
