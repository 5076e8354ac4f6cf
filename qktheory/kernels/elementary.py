"""Elementary functions in double precision as range-reduced polynomials.

Numba calls the C library for these one number at a time; the functions here consist of arithmetic
and selections only, so loops over them run in vector registers. Scalars (`exp`, `log`, `log1p`,
`sincos`, `sincos_turns`, `erf`, `erfc`) are for compiled code; `exp_array` and its like apply them
to arrays. Largest errors, in units in the last place, over the whole domain against 50 digits:
exp 1, log and log1p 2, sincos and sincos_turns 2, erf 4, erfc 6. Subnormal numbers, infinities and
NaN are treated as IEEE 754 recommends.

Polynomials are minimax fits of relative error below 2e-17, made with the Remez exchange at 60
digits. Multi-word constants are split so that their product with an exponent is exact.
"""

from __future__ import annotations

import math

from qktheory.kernels.policy import elementary, float_bits, float_from_bits

__all__ = [
    "erf",
    "erfc",
    "exp",
    "exp_nonpositive",
    "log",
    "log1p",
    "log_positive",
    "rotate",
    "sincos",
    "sincos_turns",
]

# Adding 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits.
_ROUND = 6755399441055744.0
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.6931471803691238  # 33 bits
_LN2_LOW = 1.9082149292705877e-10
_TWO_54 = 18014398509481984.0
_SMALLEST_NORMAL = 2.2250738585072014e-308
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_SIGN = -0x8000000000000000
_MAGNITUDE = 0x7FFFFFFFFFFFFFFF
_EXPONENT = 0x7FF0000000000000


@elementary
def _exp_reduced(r: float) -> float:
    """Return e^r for abs(r) <= log(2)/2."""
    p = 2.500037140022606e-08
    p = p * r + 2.7630263973316143e-07
    p = p * r + 2.7557585731377364e-06
    p = p * r + 2.4801493062413972e-05
    p = p * r + 0.00019841269506803638
    p = p * r + 0.001388888894365615
    p = p * r + 0.008333333333494668
    p = p * r + 0.04166666666653011
    p = p * r + 0.1666666666666641
    p = p * r + 0.5000000000000011
    p = p * r + 1.0
    return p * r + 1.0


@elementary
def exp(x: float) -> float:
    """Return e^x within 1 ulp."""
    # Comparisons with NaN are false, so these bounds let it through.
    y = -746.0 if x < -746.0 else x
    y = 710.0 if y > 710.0 else y
    shifted = y * _LOG2_E + _ROUND
    k = shifted - _ROUND
    r = y - k * _LN2_HIGH - k * _LN2_LOW
    # Two factors, because 2^k itself may overflow, or be subnormal and so round twice.
    n = float_bits(shifted) - float_bits(_ROUND)
    half = n >> 1
    return (
        _exp_reduced(r)
        * float_from_bits((half + 1023) << 52)
        * float_from_bits((n - half + 1023) << 52)
    )


@elementary
def exp_nonpositive(x: float) -> float:
    """Return e^x for x <= 0 within 1 ulp, flushed to zero below the normal numbers.

    For sums of weights relative to the largest one, where such terms do not count.
    """
    y = -709.09 if x < -709.09 else x
    shifted = y * _LOG2_E + _ROUND
    k = shifted - _ROUND
    r = y - k * _LN2_HIGH - k * _LN2_LOW
    # At the lower bound k = -1023 and the biased exponent is zero: so is the factor.
    return _exp_reduced(r) * float_from_bits((float_bits(shifted) + 1023) << 52)


@elementary
def log_positive(x: float) -> float:
    """Return log(x) within 2 ulp for normal finite x > 0."""
    bits = float_bits(x)
    k = (bits - _SQRT_HALF_BITS) >> 52
    f = float_from_bits(bits - (k << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.14796128125578856
    p = p * z + 0.15314033619072379
    p = p * z + 0.18183564950236455
    p = p * z + 0.22222198561980797
    p = p * z + 0.28571428742487454
    p = p * z + 0.3999999999941429
    p = p * z + 0.6666666666666734
    p = p * z
    h = 0.5 * f * f
    e = float(k)
    return e * _LN2_HIGH - ((h - (s * (h + p) + e * _LN2_LOW)) - f)


@elementary
def log(x: float) -> float:
    """Return log(x) within 2 ulp; -inf at zero, NaN below."""
    subnormal = x < _SMALLEST_NORMAL
    y = x * _TWO_54 if subnormal else x
    bits = float_bits(y)
    k = (bits - _SQRT_HALF_BITS) >> 52
    f = float_from_bits(bits - (k << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.14796128125578856
    p = p * z + 0.15314033619072379
    p = p * z + 0.18183564950236455
    p = p * z + 0.22222198561980797
    p = p * z + 0.28571428742487454
    p = p * z + 0.3999999999941429
    p = p * z + 0.6666666666666734
    p = p * z
    h = 0.5 * f * f
    e = float(k)
    e = e - 54.0 if subnormal else e
    value = e * _LN2_HIGH - ((h - (s * (h + p) + e * _LN2_LOW)) - f)
    value = math.inf if x == math.inf else value
    if not x > 0.0:
        value = -math.inf if x == 0.0 else math.nan
    return value


@elementary
def log1p(x: float) -> float:
    """Return log(1 + x) within 2 ulp for finite x >= 0."""
    u = 1.0 + x
    return log_positive(u) + (x - (u - 1.0)) / u if u < 1e16 else log_positive(u)


@elementary
def sincos_turns(u: float) -> tuple[float, float]:
    """Return sin(2 pi u) and cos(2 pi u) within 2 ulp, for abs(u) <= 2^40.

    The angle is in turns, so its reduction is exact: u = q/4 + t with abs(t) <= 1/8.
    """
    shifted = 4.0 * u + _ROUND
    quadrant = float_bits(shifted)
    t = u - 0.25 * (shifted - _ROUND)
    z = t * t
    p = 3.7813660153592576
    p = p * z - 15.093829307505477
    p = p * z + 42.0586855065628
    p = p * z - 76.70585970878403
    p = p * z + 81.60524927596823
    p = p * z - 41.34170224039968
    sine = t * 6.283185307179586 + t * (2.4492935982947064e-16 + z * p)
    p = -1.6970198693912442
    p = p * z + 7.903101626999733
    p = p * z - 26.426251140208624
    p = p * z + 60.24464133160957
    p = p * z - 85.45681720654004
    p = p * z + 64.93939402266801
    p = p * z - 19.739208802178716
    cosine = 1.0 + z * p
    return rotate(sine, cosine, quadrant)


@elementary
def rotate(sine: float, cosine: float, quadrant: int) -> tuple[float, float]:
    """Return sine and cosine of an angle that is larger by `quadrant` quarter turns."""
    even = (quadrant & 1) == 0
    first = sine if even else cosine
    second = cosine if even else sine
    return (
        float_from_bits(float_bits(first) ^ ((quadrant & 2) << 62)),
        float_from_bits(float_bits(second) ^ (((quadrant + 1) & 2) << 62)),
    )


@elementary
def sincos(x: float) -> tuple[float, float]:
    """Return sin(x) and cos(x) within 2 ulp.

    Above 2^20 the reduction would need more digits of pi and is left to the C library.
    """
    if abs(x) > 1048576.0:
        return math.sin(x), math.cos(x)
    shifted = x * 0.6366197723675814 + _ROUND
    k = shifted - _ROUND
    # pi/2 in three words of 33 bits and a tail: the first products are exact, and the rounding
    # errors of the differences are collected in `tail`.
    a = x - k * 1.5707963267341256
    b = k * 6.077100506303966e-11
    r = a - b
    tail = (a - r) - b
    c = k * 2.0222662487111665e-21
    r2 = r - c
    tail = tail + ((r - r2) - c) - k * 8.478427660368900e-32
    r = r2 + tail
    tail = (r2 - r) + tail
    z = r * r
    p = 1.589679398450442e-10
    p = p * z - 2.5050758089471875e-08
    p = p * z + 2.7557313691786163e-06
    p = p * z - 0.00019841269829807607
    p = p * z + 0.008333333333322413
    p = p * z - 0.16666666666666632
    half = 0.5 * z
    sine = r + (z * r * p + tail * (1.0 - half))
    p = -1.1359647828850776e-11
    p = p * z + 2.0875723274675145e-09
    p = p * z - 2.7557314352351013e-07
    p = p * z + 2.4801587289482272e-05
    p = p * z - 0.0013888888888874125
    p = p * z + 0.0416666666666666
    w = 1.0 - half
    cosine = w + (((1.0 - w) - half) + (z * z * p - r * tail))
    sine = x if x == 0.0 else sine
    return rotate(sine, cosine, float_bits(shifted))


@elementary
def _erfcx_scaled(a: float) -> float:
    """Return exp(a^2) erfc(a) for 1/2 <= a <= 27.5."""
    t = (a - 4.0) / (a + 4.0)
    p = -1.013334917977901e-08
    p = p * t - 1.2191143657494854e-08
    p = p * t + 1.0461007833245317e-07
    p = p * t + 6.693283052235337e-08
    p = p * t - 8.211309699868555e-07
    p = p * t + 2.99665425430409e-07
    p = p * t + 5.707576016627503e-06
    p = p * t - 1.1224801249593648e-05
    p = p * t - 2.4398495604931117e-05
    p = p * t + 0.00015062252152662014
    p = p * t - 0.0001992568544759497
    p = p * t - 0.0007577734548285713
    p = p * t + 0.005031970001139679
    p = p * t - 0.01619773403741092
    p = p * t + 0.037167515535412386
    p = p * t - 0.06633036581367356
    p = p * t + 0.09373283499845347
    p = p * t - 0.10103906603625122
    p = p * t + 0.06809705425469025
    p = p * t + 0.01537965210261899
    p = p * t - 0.1396211168405625
    p = p * t + 1.2329951186255526
    return p / (1.0 + 2.0 * a)


@elementary
def erf(x: float) -> float:
    """Return the error function of x within 4 ulp."""
    a = abs(x)
    a = 6.0 if a > 6.0 else a
    z = a * a
    p = 5.9449898033907e-11
    p = p * z - 1.136550821681698e-09
    p = p * z + 1.4657839843794732e-08
    p = p * z - 1.6350019401941348e-07
    p = p * z + 1.6460972280465725e-06
    p = p * z - 1.492559347426804e-05
    p = p * z + 0.00012055331035579076
    p = p * z - 0.0008548326978707116
    p = p * z + 0.005223977624780278
    p = p * z - 0.026866170645072837
    p = p * z + 0.11283791670954857
    p = p * z - 0.3761263890318375
    p = p * z + 0.1283791670955126
    large = 1.0 - exp_nonpositive(-z) * _erfcx_scaled(a)
    value = large if a >= 1.0 else a + a * p
    return float_from_bits(float_bits(value) | (float_bits(x) & _SIGN))


@elementary
def erfc(x: float) -> float:
    """Return 1 - erf(x) within 6 ulp, without cancellation."""
    if x < 0.5:
        return 1.0 - erf(x)
    a = 27.5 if x > 27.5 else x
    # a^2 in two parts, the first of them exact.
    high = float_from_bits(float_bits(a) & -0x8000000)
    d = (high - a) * (high + a)
    correction = 1.0 + d * (1.0 + d * (0.5 + d * (1.0 / 6.0)))
    return exp(-(high * high)) * (correction * _erfcx_scaled(a))
