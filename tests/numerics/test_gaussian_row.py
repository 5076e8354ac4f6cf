"""Exact moments of a Gaussian row (ENT-1, ENT-3, ENT-4)."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics import gaussian_row as row
from qktheory.numerics import gaussian_row_integrals as integrals
from qktheory.numerics.gaussian_row_kernels import entropy_kernel, power_kernel
from qktheory.numerics.gaussian_row_lattice import RowLattice

# --- independent references -----------------------------------------------------------------------


def of_two_keys(f: Callable[[mp.mpf], mp.mpf], s: float) -> mp.mpf:
    """E f(x) for T = 2, x = l_1 - l_2 of law N(0, 2 s^2)."""
    scale = mp.sqrt(2) * mp.mpf(s)
    return mp.quad(lambda g: f(scale * g) * mp.npdf(g), mp.linspace(-10, 10, 13))


def entropy_of_two(x: mp.mpf) -> mp.mpf:
    # The smaller weight from its own exponential keeps the digits.
    b = 1 / (1 + mp.exp(abs(x)))
    return -b * mp.log(b) - (1 - b) * mp.log1p(-b)


def participation_of_two(x: mp.mpf) -> mp.mpf:
    return 1 - 2 * mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2


def weighted_variance_of_two(x: mp.mpf) -> mp.mpf:
    return x * x * mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2


def log_partition_of_two(x: mp.mpf) -> mp.mpf:
    """log Z less the mean of the two logits, which is independent of x with variance s^2/2."""
    return mp.log(2 * mp.cosh(x / 2))


def references_of_two_keys(s: float) -> dict[str, float]:
    with mp.workdps(22):
        out = {
            "mean_log_partition": of_two_keys(log_partition_of_two, s),
            "mean_entropy": of_two_keys(entropy_of_two, s),
            "mean_participation": of_two_keys(participation_of_two, s),
            "heat_capacity": of_two_keys(weighted_variance_of_two, s),
        }
        squares = {
            "var_log_partition": log_partition_of_two,
            "var_entropy": entropy_of_two,
            "var_participation": participation_of_two,
        }
        for name, f in squares.items():
            mean = out[name.replace("var", "mean")]
            out[name] = of_two_keys(lambda x, f=f, m=mean: (f(x) - m) ** 2, s)
        out["var_log_partition"] += mp.mpf(s) ** 2 / 2
        return {name: float(value) for name, value in out.items()}


#: Nested 34-digit Gauss-Legendre quadrature of the t-form; docs/reference/accuracy.py has them too.
TABLE = [
    # T, s, E log Z, E H, E Y_2, Var log Z (chapter, table of ENT-1)
    (16.0, 2.0, 4.37647675371, 1.64227883631, 0.316450520652, 0.6519285040),
    (1024.0, 0.5, 7.05633314781, 6.80664649443, 0.00125338649546, 0.0002773083264),
    (1024.0, 8.0, 26.3927521293, 0.898796746863, 0.601656947150, 6.561388637),
    (1e12, 4.0, 35.6310174475, 19.6311215271, 6.50497562049e-6, 7.025251541e-6),
    (1e12, 12.0, 86.0621568854, 1.79488432951, 0.414810607251, 2.872159539),
]
POINTS = [
    (T, s)
    for T in (1.0 + 1e-9, 1.5, 2.0, 100.0, 1e5, 1e12, 1e30, 1e300)
    for s in (1e-8, 0.02, 0.34, 0.36, 1.0, 4.0, 12.0, 29.0, 1e3, 1e6)
]


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [1e-4, 0.34, 3.0, 31.0])
def test_two_keys_against_one_dimensional_integrals(s: float) -> None:
    wanted = references_of_two_keys(s)
    got = vars(row.gaussian_row_moments(2.0, s))
    for name, want in wanted.items():
        absolute = 2e-13 if name in ("var_entropy", "var_participation") else 0.0
        assert got[name] == pytest.approx(want, rel=2e-11, abs=absolute), name


@pytest.mark.parametrize(("T", "s", "log_z", "entropy", "participation", "variance"), TABLE)
def test_table_of_the_chapter(
    T: float, s: float, log_z: float, entropy: float, participation: float, variance: float
) -> None:
    got = row.gaussian_row_moments(T, s)
    assert got.mean_log_partition == pytest.approx(log_z, rel=1e-11)
    assert got.mean_entropy == pytest.approx(entropy, rel=1e-11)
    assert got.mean_participation == pytest.approx(participation, rel=1e-11)
    assert got.var_log_partition == pytest.approx(variance, rel=1e-9)


def test_one_key_and_equal_logits_are_exact() -> None:
    one = row.gaussian_row_moments(1.0, 1.5)
    assert (one.mean_log_partition, one.mean_entropy, one.mean_participation) == (0.0, 0.0, 1.0)
    assert (one.var_log_partition, one.var_entropy, one.var_participation) == (2.25, 0.0, 0.0)
    flat = row.gaussian_row_moments(5.0, 0.0)
    assert flat.mean_entropy == flat.mean_log_partition == math.log(5.0)
    assert flat.mean_participation == 0.2
    assert row.mean_participation(5.0, 0.0, 3.0) == pytest.approx(0.04, rel=1e-15)
    assert (flat.var_log_partition, flat.heat_capacity) == (0.0, 0.0)


# --- identities over the whole domain -------------------------------------------------------------


@pytest.mark.parametrize(("T", "s"), POINTS)
def test_the_weights_sum_to_one(T: float, s: float) -> None:
    """E Y_1 = 1, and 1 - E Y_2 is the weight of pairs: normalisation of the whole lattice."""
    lattice = RowLattice.build(T, s)
    first = lattice.average(power_kernel(1.0))
    assert lattice.integral(first * lattice.power(1)) == pytest.approx(1.0, rel=1e-12)
    pairs = (1 - 1 / T) * lattice.integral(first**2 * lattice.power(2))
    assert row.mean_participation(T, s) + pairs == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("T", "s"), [p for p in POINTS if p[0] < 1e299])
def test_entropy_as_printed_in_ENT_1(T: float, s: float) -> None:
    """The form with Psi_{1,1} loses digits where H is small; there it is compared absolutely."""
    lattice = RowLattice.build(T, s)
    printed = -np.euler_gamma - lattice.integral(
        lattice.average(power_kernel(1.0, 1)) * lattice.power(1)
    )
    assert row.mean_entropy(T, s) == pytest.approx(printed, rel=1e-12, abs=1e-10)


@pytest.mark.parametrize(("T", "s"), [(2.0, 0.5), (3.5, 3.0), (1024.0, 2.0), (1e12, 7.0)])
def test_heat_capacity_is_the_slope_of_the_entropy(T: float, s: float) -> None:
    h = 1e-3
    low, high = (row.mean_entropy(T, s * math.exp(x)) for x in (-h, h))
    assert row.heat_capacity(T, s) == pytest.approx(-(high - low) / (2 * h), rel=1e-5)


@pytest.mark.parametrize(("T", "s"), [(2.0, 0.5), (3.5, 3.0), (1024.0, 2.0), (1e12, 7.0)])
def test_heat_capacity_by_participations(T: float, s: float) -> None:
    """ENT-3: C = s^2 (1 - E Y_2) - 2 s^4 E[Y_2 + 3 Y_2^2 - 4 Y_3]."""
    y2, y3 = row.mean_participation(T, s), row.mean_participation(T, s, 3.0)
    square = row.mean_participation_product(T, s, 2.0, 2.0)
    wanted = s**2 * (1 - y2) - 2 * s**4 * (y2 + 3 * square - 4 * y3)
    assert row.heat_capacity(T, s) == pytest.approx(wanted, rel=1e-11)


@pytest.mark.parametrize(("T", "s"), [(1e6, 0.01), (1e6, 0.3), (1e12, 0.5), (1e30, 1.0)])
def test_small_variances_keep_their_digits(T: float, s: float) -> None:
    """ENT-4: T Var log Z = e^{s^2} - 1, up to corrections of relative order e^{3 s^2}/T."""
    leading = math.expm1(s * s) / T
    assert row.var_log_partition(T, s) == pytest.approx(leading, rel=20 * math.exp(3 * s * s) / T)


@pytest.mark.parametrize("T", [2.0, 50.0, 1e6])
def test_routes_to_the_variance_agree(T: float) -> None:
    """On either side of the switch the double integral equals the difference of moments."""
    for s in np.geomspace(0.05, 6.0, 12):
        lattice = RowLattice.build(T, float(s))
        moments = integrals._variance_by_moments(lattice)
        assert integrals._variance_by_covariances(lattice) == pytest.approx(
            moments, rel=1e-11, abs=3e-13
        )


def test_lattices_meet_without_a_step() -> None:
    """Values on both sides of every change of rule differ by their slope alone."""
    for T in (2.0, 1024.0, 1e12):
        for switch in (0.35, 30.0, 3 * math.sqrt(2 * math.log(T))):
            s = switch * (1 + 1e-6 * np.array([-3.0, -1.0, 1.0, 3.0]))
            for f in (row.mean_entropy, row.mean_participation, row.var_log_partition):
                v = f(T, s)
                assert abs(v[3] - 3 * v[2] + 3 * v[1] - v[0]) <= 3e-11 * abs(v[0])


@settings(deadline=None, max_examples=40)
@given(
    log_T=st.floats(0.0, 69.0),
    log_s=st.floats(-8.0, 7.0),
)
def test_sandwich_of_ENT_3(log_T: float, log_s: float) -> None:
    T, s = math.exp(log_T), math.exp(log_s)
    entropy, participation = row.mean_entropy(T, s), row.mean_participation(T, s)
    lower = math.log(T) - s * s / 2
    slack = 1e-12 * (1 + math.log(T) + s * s)
    assert lower - slack <= entropy <= lower + s * s * participation + slack
    assert entropy <= math.log(T) + slack
    assert participation * (1 + 1e-12) >= 1 / T


@settings(deadline=None, max_examples=30)
@given(log_T=st.floats(0.1, 60.0), s=st.floats(0.01, 20.0), q=st.floats(1.0, 40.0))
def test_participation_decreases_with_its_order(log_T: float, s: float, q: float) -> None:
    T = math.exp(log_T)
    y, z = row.mean_participation(T, s, q), row.mean_participation(T, s, q + 0.5)
    assert 0.0 <= z <= y * (1 + 1e-12)
    # E Y_a E Y_b <= E[Y_a Y_b] (both increase with the spread) and Y_a Y_b <= Y_a.
    product = row.mean_participation_product(T, s, q, q + 0.5)
    assert product <= z * (1 + 1e-12)


def test_frozen_rows() -> None:
    """s (1 - E Y_2) -> mu_T, the mean of the largest of T normals; here T = 3, 3/(2 sqrt(pi))."""
    s = 1e7
    lattice = RowLattice.build(3.0, s)
    assert s * integrals.pair_weight(lattice) == pytest.approx(1.5 / math.sqrt(math.pi), rel=1e-6)
    assert row.mean_log_partition(3.0, s) == pytest.approx(1.5 * s / math.sqrt(math.pi), rel=1e-6)


def test_a_wrong_number_of_keys_is_seen() -> None:
    """phi^T in place of phi^(T-1) moves E Y_2 by more than the tolerances above."""
    lattice = RowLattice.build(128.0, 1.0)
    wrong = lattice.integral(lattice.average(power_kernel(2.0)) * lattice.power(0))
    assert abs(wrong / row.mean_participation(128.0, 1.0) - 1.0) > 1e-3


def test_entropy_kernel_against_mpmath() -> None:
    v = np.array([-60.0, -20.0, -3.0, -0.58, -0.577, 0.0, 1.0, 3.0])
    with mp.workdps(60):
        wanted = [
            float((mp.euler + x) * mp.exp(-mp.exp(x)) + mp.e1(mp.exp(x))) for x in map(mp.mpf, v)
        ]
    np.testing.assert_allclose(entropy_kernel(v), wanted, rtol=2e-14)


# --- interface ------------------------------------------------------------------------------------


def test_arrays_are_broadcast() -> None:
    T, s = np.array([[2.0], [100.0]]), np.array([0.0, 1.0, 2.0])
    table = row.mean_entropy(T, s)
    assert table.shape == (2, 3)
    assert table[1, 2] == row.mean_entropy(100, 2)
    assert isinstance(row.mean_entropy(100, 2), float)
    assert row.mean_participation(4, 1.0, [2, 3]).shape == (2,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 1.0), "T = 0.5: expected"),
        ((2.0, -1.0), "s = -1.0: expected"),
        ((math.nan, 1.0), "T = nan: expected"),
        ((2.0, math.inf), "s = inf: expected"),
        ((1e301, 1.0), "T = 1e\\+301: expected"),
        (([2.0, 0.0], 1.0), "T = 0.0: expected"),
        ((2.0, [1.0, math.nan]), "s has the entry nan"),
        (("2", 1.0), "T = '2': expected"),
    ],
)
def test_bad_input(arguments: tuple[object, object], message: str) -> None:
    for function in (row.mean_entropy, row.var_log_partition, row.heat_capacity):
        with pytest.raises(ValueError, match=message):
            function(*arguments)
    with pytest.raises(ValueError, match=r"q = 0\.5: expected"):
        row.mean_participation(2.0, 1.0, 0.5)
