"""Values without closed form: their SymPy statements, evaluated independently with mpmath.

Nothing here uses `qktheory.numerics`: integrals are mpmath quadratures, branches are followed step
by step, extremes are found on grids and polished.
"""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

import qktheory as qk

Array = NDArray[np.float64]

W3 = np.array([[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]])
SINGULAR3 = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]])
SPECTRUM = [0.5, 0.2, -0.1, 0.05, 0.3]


def walk(T: int, key: int) -> tuple[float, float]:
    """gamma and D = T |c|^2 - gamma^2 from the definition of the vector c of LOC-1."""
    c = np.array([(s <= key) - (T - s + 1) / T for s in range(1, T + 1)])
    gamma = c.sum()
    return float(gamma), float(T * (c @ c) - gamma**2)


def whitened(W: Array, S: Array, temperature: float) -> Array:
    """L^T W L/temperature with L L^T = Sigma: any root gives the same law."""
    values, vectors = np.linalg.eigh(S)
    L = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(L.T @ W @ L / temperature)


# --- LOC-2: the determinant on the right branch ---------------------------------------------------


def phi_by_continuation(M: Array, T: int, key: int, tau: float, steps: int = 4000) -> complex:
    """det(I - i t gamma (M + M^T) + t^2 D M^T M)^(-1/2), its root followed from t = 0."""
    gamma, D = walk(T, key)
    d = len(M)
    root = 1.0 + 0.0j
    for t in np.linspace(0.0, tau, steps + 1):
        A = np.eye(d) - 1j * t * gamma * (M + M.T) + t * t * D * M.T @ M
        candidate = complex(np.sqrt(np.linalg.det(A)))
        root = candidate if abs(candidate - root) < abs(candidate + root) else -candidate
    return 1.0 / root


@pytest.mark.parametrize("tau", [0.05, -0.4, 1.5, 6.0])
@pytest.mark.parametrize(("T", "key"), [(7, 2), (12, 12), (2, 1)])
def test_characteristic_function_of_any_map(T: int, key: int, tau: float) -> None:
    parameters = {"W_QK": W3, "Sigma": SINGULAR3, "temperature": 1.7}
    found = qk.evaluate("LOC-2a", **parameters, T=T, key=key, tau=tau)
    want = phi_by_continuation(whitened(W3, SINGULAR3, 1.7), T, key, tau)
    assert complex(found["phi_real"], found["phi_imag"]) == pytest.approx(want, rel=1e-10)


def test_the_principal_root_of_the_determinant_is_the_wrong_branch() -> None:
    """The pitfall of LOC-2: it differs by a sign as soon as the determinant winds around 0."""
    eigenvalues, T, key, tau = [0.4] * 12, 12, 12, 3.0
    gamma, D = walk(T, key)
    determinant = np.prod([1 - 2j * tau * gamma * m + tau**2 * D * m**2 for m in eigenvalues])
    principal = 1.0 / np.sqrt(determinant)
    found = qk.evaluate("LOC-2b", eigenvalues=eigenvalues, T=T, key=key, tau=tau)
    value = complex(found["phi_real"], found["phi_imag"])
    right = phi_by_continuation(np.diag(eigenvalues), T, key, tau)
    assert value == pytest.approx(right, rel=1e-10)
    assert value == pytest.approx(-principal, rel=1e-10)


def test_cumulants_are_derivatives_of_the_logarithm() -> None:
    """kappa_n = (-i)^n d^n/dtau^n ln phi at 0, by mpmath on the product of LOC-2."""
    T, key = 12, 9
    gamma, D = walk(T, key)

    def log_phi(tau: Any) -> Any:
        return -mp.fsum(mp.log(1 - 2j * tau * gamma * m + tau**2 * D * m**2) for m in SPECTRUM) / 2

    found = qk.evaluate("LOC-2b", eigenvalues=SPECTRUM, T=T, key=key, tau=0.3)
    with mp.workdps(40):
        for n in (3, 4):
            want = (mp.mpc(0, -1) ** n * mp.diff(log_phi, 0, n)).real
            assert found[f"cumulant_{n}"] == pytest.approx(float(want), rel=1e-10)


# --- LOC-3: probabilities -------------------------------------------------------------------------


def rho_by_gil_pelaez(eigenvalues: list[float], T: int, key: int) -> float:
    """1/2 - 1/pi int Im(phi e^(-i t x))/t at both ends; factor by factor square roots."""
    gamma, D = walk(T, key)

    def integrand(t: Any) -> Any:
        phi = mp.mpf(1)
        for m in eigenvalues:
            phi /= mp.sqrt(1 - 2j * t * gamma * m + t**2 * D * m**2)
        return mp.im(phi * (mp.expj(t) - mp.expj(-t * (T - 1)))) / (mp.pi * t)

    # |phi| < 1e-16 beyond the last point; between zeros of the oscillation the integrand is smooth.
    end = 1.0
    while (
        abs(
            np.prod(
                [
                    1 / np.sqrt(abs(1 - 2j * end * gamma * m + end**2 * D * m**2))
                    for m in eigenvalues
                ]
            )
        )
        > 1e-15 * end
    ):
        end *= 1.3
    points = np.linspace(0.0, end, 2 + int(end * T / 3.0))
    return float(mp.quad(integrand, points.tolist(), maxdegree=5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("eigenvalues", "T", "key"),
    [(SPECTRUM * 2, 12, 7), ([0.15] * 8, 12, 3), ([0.3, -0.25, 0.2, -0.3, 0.4, 0.1] * 2, 6, 6)],
)
def test_rho_by_inversion(eigenvalues: list[float], T: int, key: int) -> None:
    found = qk.evaluate("LOC-3b", eigenvalues=eigenvalues, T=T, key=key)["rho_exact"]
    assert found == pytest.approx(rho_by_gil_pelaez(eigenvalues, T, key), abs=3e-10)


@pytest.mark.parametrize(
    ("spectrum", "T", "key", "exact", "gaussian"),
    [
        ([0.15] * 4, 12, 3, 0.3097493344, 0.2717247438),
        ([0.15] * 4, 12, 9, 0.9936559365, 0.9541462046),
        ([0.15] * 4, 12, 12, 0.9862291085, 0.9526612132),
        (SPECTRUM, 12, 7, 0.7910756739, 0.7479780354),
        (SPECTRUM, 12, 12, 0.8494041633, 0.7391617914),
        ([1 / 16] * 16, 64, 16, 0.0029186754, 0.0186153749),
        ([0.5], 12, 9, 0.9353884809, 0.8187302648),
    ],
)
def test_the_table_of_the_chapter(
    spectrum: list[float], T: int, key: int, exact: float, gaussian: float
) -> None:
    found = qk.evaluate("LOC-3b", eigenvalues=spectrum, T=T, key=key)
    assert found["rho_exact"] == pytest.approx(exact, abs=6e-11)
    assert found["rho_gaussian"] == pytest.approx(gaussian, abs=6e-11)


def rho_concentrated(mu: float, n: int, T: int, key: int) -> mp.mpf:
    """The chi-square average of LOC-3d."""
    gamma, D = walk(T, key)

    def integrand(chi: Any) -> Any:
        scale = abs(mu) * mp.sqrt(D * chi)
        low, high = (-1 - mu * gamma * chi) / scale, (T - 1 - mu * gamma * chi) / scale
        inside = (mp.erfc(low / mp.sqrt(2)) - mp.erfc(high / mp.sqrt(2))) / 2
        half = mp.mpf(n) / 2
        return inside * chi ** (half - 1) * mp.exp(-chi / 2) / (2**half * mp.gamma(half))

    # chi = u^2 removes the root singularity at 0.
    points = [0, 0.3, 1, 2, 4, 6, 9, 14, 20]
    return mp.quad(lambda u: 2 * u * integrand(u * u), points)


@pytest.mark.parametrize(
    ("mu", "n", "T", "key"),
    [(0.15, 4, 12, 3), (-0.3, 2, 8, 7), (0.5, 1, 12, 9), (0.1, 8, 16, 6), (0.7, 3, 2, 1)],
)
def test_rho_of_a_concentrated_spectrum(mu: float, n: int, T: int, key: int) -> None:
    found = qk.evaluate("LOC-3d", eigenvalue=mu, multiplicity=n, T=T, key=key)["rho_exact"]
    with mp.workdps(20):
        assert abs(found - rho_concentrated(mu, n, T, key)) < 1e-11


def test_kolmogorov_distances_of_the_chapter() -> None:
    """Table of LOC-3, concentrated spectrum with d = 8, theta = 0.5 and 0.9."""
    for theta, want in ((0.5, 1.710e-2), (0.9, 6.557e-2)):
        found = qk.evaluate("LOC-3e", eigenvalues=[1.0] * 8, theta=theta)
        assert found["kolmogorov_distance"] == pytest.approx(want, rel=5e-4)


# --- LOC-4: extremes ------------------------------------------------------------------------------


def rho(xi: float, eta: float, theta: Any) -> Any:
    x = theta - mp.mpf(1) / 2
    scale = mp.sqrt(eta * (2 * x * x + mp.mpf(1) / 12))
    low, high = -xi * x / scale, (1 - xi * x) / scale
    return (mp.erfc(low / mp.sqrt(2)) - mp.erfc(high / mp.sqrt(2))) / 2


@pytest.mark.parametrize(
    ("xi", "eta"), [(1.0, 0.1), (-4.0, 0.5), (0.2, 10.0), (0.0, 1.0), (2.0, 3.0)]
)
def test_extremes_of_the_profile(xi: float, eta: float) -> None:
    """Grid of 400 positions, then golden section to 1e-12."""
    grid = np.linspace(0.0, 1.0, 401)
    values = [rho(xi, eta, t) for t in grid]
    best = int(np.argmax([float(v) for v in values]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, 400)]
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-9:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (a, high) if rho(xi, eta, a) < rho(xi, eta, b) else (low, b)
    maximum = max(rho(xi, eta, (low + high) / 2), *values)
    found = qk.evaluate("LOC-4b", xi=xi, eta=eta)
    assert found["rho_max"] == pytest.approx(float(maximum), rel=1e-12)
    assert found["rho_min"] == pytest.approx(float(min(values)), rel=1e-12)
    assert found["theta_max"] == pytest.approx((low + high) / 2, abs=1e-6)
    assert found["contrast"] == pytest.approx(float(maximum - min(values)), rel=1e-12)


@pytest.mark.parametrize(
    ("xi", "eta", "contrast", "theta_max"),
    [
        (1.0, 0.1, 0.95618638, 0.903248),
        (4.0, 0.1, 0.99999712, 0.623423),
        (1.0, 10.0, 0.21569032, 0.530615),
        (0.2, 1.0, 0.15811814, 0.680657),
        (0.0, 1.0, 0.09494913, 0.5),
    ],
)
def test_the_table_of_extremes(xi: float, eta: float, contrast: float, theta_max: float) -> None:
    found = qk.evaluate("LOC-4b", xi=xi, eta=eta)
    assert found["contrast"] == pytest.approx(contrast, abs=6e-9)
    assert found["theta_max"] == pytest.approx(theta_max, abs=1e-5)


# --- LOC-15: the iid row --------------------------------------------------------------------------


def iid_row_by_quadrature(m: float, s: float, T: int) -> dict[str, float]:
    """The integrals of LOC-15 as stated: y = e^z, Gauss-Hermite for L, trapezoid in z."""
    n = T - 1
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    weights = weights / weights.sum()
    z = np.linspace(-60.0, 40.0, 40_001)
    step, y = z[1] - z[0], np.exp(z)
    with np.errstate(under="ignore"):
        kernel = np.exp(-y[:, None] * np.exp(s * nodes))
        L, L2 = kernel @ weights, kernel @ (weights * np.exp(2 * s * nodes))
        own = np.exp(-y * math.exp(m))
        self_ = step * float(np.sum(y * math.exp(m) * own * L**n))
        squared = step * float(np.sum(y**2 * math.exp(2 * m) * own * L**n))
        others = n * step * float(np.sum(y**2 * own * L2 * L ** max(n - 1, 0))) if n else 0.0
        log_partition = step * float(np.sum(np.exp(-y) - own * L**n))
    return {
        "mean_self_weight": self_,
        "mean_self_weight_squared": squared,
        "mean_other_weights_squared": others,
        "mean_entropy": log_partition - m * self_ - s * s * (1.0 - self_ - others),
    }


@pytest.mark.parametrize(
    ("m", "s", "T"), [(2.0, 1.0, 64), (-1.5, 0.7, 2), (5.0, 0.5, 3), (0.0, 1.5, 7), (3.0, 0.0, 20)]
)
def test_iid_row(m: float, s: float, T: int) -> None:
    found = qk.evaluate("LOC-15b", self_logit=m, s=s, T=T)
    for name, want in iid_row_by_quadrature(m, s, T).items():
        assert found[name] == pytest.approx(want, rel=1e-11, abs=1e-12), name


def test_iid_row_of_two_keys_as_a_plain_integral() -> None:
    """T = 2: A = 1/(1 + e^(s g - m)), one Gaussian integral for everything, by mpmath."""
    m, s = 1.3, 0.8

    def mean(f: Any) -> float:
        density = lambda g: mp.exp(-g * g / 2) / mp.sqrt(2 * mp.pi)  # noqa: E731
        weight = lambda g: 1 / (1 + mp.exp(s * g - m))  # noqa: E731
        return float(mp.quad(lambda g: density(g) * f(weight(g)), [-12, -4, 0, 4, 12]))

    found = qk.evaluate("LOC-15b", self_logit=m, s=s, T=2)
    assert found["mean_self_weight"] == pytest.approx(mean(lambda a: a), rel=1e-12)
    assert found["mean_self_weight_squared"] == pytest.approx(mean(lambda a: a**2), rel=1e-12)
    others = mean(lambda a: (1 - a) ** 2)
    assert found["mean_other_weights_squared"] == pytest.approx(others, rel=1e-12)
    entropy = mean(lambda a: -a * mp.log(a) - (1 - a) * mp.log(1 - a))
    assert found["mean_entropy"] == pytest.approx(entropy, rel=1e-12)


@pytest.mark.parametrize(
    ("m", "s", "T", "values"),
    [
        (2.0, 1.0, 64, (0.0679344811, 0.0047174675, 0.0343327578, 3.6668045054)),
        (5.0, 0.5, 64, (0.6755344909, 0.4565624185, 0.0021387283, 1.9342335763)),
        (8.0, 2.0, 256, (0.6241426228, 0.3950591945, 0.0141909862, 2.0397762166)),
    ],
)
def test_the_table_of_the_iid_row(m: float, s: float, T: int, values: tuple[float, ...]) -> None:
    found = qk.evaluate("LOC-15b", self_logit=m, s=s, T=T)
    names = (
        "mean_self_weight",
        "mean_self_weight_squared",
        "mean_other_weights_squared",
        "mean_entropy",
    )
    # The entropies of the table carry an error of 4e-10; its other columns are rounded.
    errors = (6e-11, 6e-11, 6e-11, 5e-10)
    for name, want, error in zip(names, values, errors, strict=True):
        assert found[name] == pytest.approx(want, abs=error)
