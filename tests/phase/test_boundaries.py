"""Boundaries take their values from claims, at the T and d of the plane that they are drawn in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from qktheory.numerics.argmax_law import argmax_density_averaged
from qktheory.numerics.profile_shape import phase
from qktheory.phase.boundaries.aliveness import (
    _refined,
    finite_contrast,
    finite_late_excess,
)
from qktheory.phase.boundaries.saturated_softmax import quarter_contrast, turning_ratio
from qktheory.phase.boundary import BOUNDARIES, Curve, Plane, curves_in
from qktheory.phase.spectral_plane import SpectralPlane
from qktheory.theorems.catalogue import evaluate

FloatArray = NDArray[np.float64]

WALK = {
    "d": 16,
    "T": 64,
    "spectrum": {"law": "semicircle"},
    "tokens": {"law": "random_walk"},
    "attention": {"normalizer": "clipped_linear"},
}
IID = {**WALK, "T": 256, "tokens": {"law": "iid"}, "attention": {"normalizer": "softmax"}}
XI_ETA = ("spectrum.xi", "spectrum.eta", (0.0, 4.0), (0.02, 40.0))
MEANS = ("spectrum.mean", "spectrum.variance", (-0.3, 0.3), (1e-3, 2.0))


def one(plane: Plane, name: str, kind: str, claim: str | None = None) -> Curve:
    (curve,) = [c for c in curves_in(plane, [name]) if c.kind == kind and claim in (None, c.claim)]
    return curve


def inner(curve: Curve, plane: Plane, count: int = 4) -> list[tuple[float, float]]:
    """Some points of a curve inside the plane."""
    where = np.flatnonzero(plane.inside(curve.x, curve.y))
    picked = where[np.linspace(0, where.size - 1, count).astype(int)]
    return list(zip(curve.x[picked].tolist(), curve.y[picked].tolist(), strict=True))


# --- aliveness ------------------------------------------------------------------------------------


def test_the_asymptotic_lines_are_those_of_the_claims() -> None:
    plane = Plane(*XI_ETA, WALK)
    for xi, eta in inner(one(plane, "unlocalized", "asymptotic"), plane):
        assert eta == pytest.approx(evaluate("LOC-6b", xi=xi)["eta_U"], rel=1e-10)
    line = one(plane, "late_middle", "asymptotic")
    for xi, eta in inner(line, plane, 9):
        sides = [int(phase(xi, eta * factor).phase) for factor in (0.999, 1.001)]
        lateness = [float(phase(xi, eta * f).late_excess) for f in (0.999, 1.001)]
        assert sides[0] != sides[1] or lateness[0] * lateness[1] <= 1e-9


def test_the_finite_lines_solve_the_exact_aliveness_of_the_plane() -> None:
    plane = Plane(*XI_ETA, WALK)
    spectral = SpectralPlane.of(plane)
    for xi, eta in inner(one(plane, "unlocalized_finite", "finite size"), plane, 3):
        assert finite_contrast(spectral, xi, eta) == pytest.approx(0.25, abs=2e-3)
    for xi, eta in inner(one(plane, "late_middle_finite", "finite size"), plane, 3):
        assert finite_late_excess(spectral, xi, eta) == pytest.approx(0.0, abs=4e-3)


def test_a_line_gets_its_points_where_it_bends() -> None:
    """A bend of width 0.2: 16 equally spaced points miss it by 5 % of the picture, these by 1 %."""

    def log_eta(xi: FloatArray) -> FloatArray:
        return np.tanh((xi - 0.8) / 0.2) + 0.1 * xi

    def miss(xi: FloatArray, eta: FloatArray) -> float:
        fine = np.linspace(0.1, 4.0, 4001)
        between = np.interp(fine, xi, np.log(eta))
        return float(np.abs(between - log_eta(fine)).max() / np.ptp(log_eta(fine)))

    asked = []

    def root(xi: float, guess: float) -> float:
        asked.append(guess / math.exp(log_eta(np.array(xi))))
        return math.exp(log_eta(np.array(xi)))

    xi = np.linspace(0.1, 4.0, 16)
    assert miss(xi, np.exp(log_eta(xi))) > 0.05
    refined = _refined(xi, np.exp(log_eta(xi)), root)
    assert miss(*refined) < 0.01
    assert 5 < len(asked) < 40
    assert max(asked) < 1.4
    assert min(asked) > 0.7
    # Where the line has ended there is no point.
    eta = np.where(xi < 2.0, np.exp(log_eta(xi)), np.nan)
    ended = _refined(xi, eta, root)
    assert ended[0].max() < 2.0
    assert np.isfinite(ended).all()


def test_the_contrast_at_three_keys_is_that_of_the_whole_profile() -> None:
    spectral = SpectralPlane.of(Plane(*XI_ETA, WALK))
    for xi, eta in ((1.0, 4.0), (3.0, 9.0)):
        mu = spectral.eigenvalues(xi, eta).tolist()
        rho = [
            evaluate("LOC-3b", eigenvalues=mu, T=64, key=key)["rho_exact"] for key in range(1, 65)
        ]
        assert finite_contrast(spectral, xi, eta) == pytest.approx(max(rho) - min(rho), abs=2e-3)


def test_finite_lines_tend_to_the_asymptotic_ones() -> None:
    """In d at large T: the distance falls as d grows from 16 to 256."""
    gaps = []
    for d in (16, 256):
        spectral = SpectralPlane.of(Plane(*XI_ETA, {**WALK, "d": d, "T": 4096}))
        gaps.append(abs(finite_contrast(spectral, 1.0, evaluate("LOC-6b", xi=1.0)["eta_U"]) - 0.25))
    assert gaps[1] < 0.4 * gaps[0]


def test_lines_are_mirrored_where_the_axis_changes_sign() -> None:
    plane = Plane("spectrum.eta", "spectrum.xi", (0.02, 40.0), (-3.0, 3.0), WALK)
    curve = one(plane, "unlocalized", "asymptotic")
    eta, xi = curve.x, curve.y
    right, left = np.nanmax(xi), np.nanmin(xi)
    assert right == pytest.approx(3.0)
    assert left == pytest.approx(-3.0)
    assert np.interp(1.5, *(v[xi > 0] for v in (xi, eta))) == pytest.approx(7.52839, rel=1e-3)


def test_a_plane_of_means_and_variances_holds_the_same_lines() -> None:
    """Temperature and covariance included: M = 2 W/3."""
    template = {
        **WALK,
        "tokens": {"law": "random_walk", "covariance": 2.0},
        "attention": {"normalizer": "clipped_linear", "temperature": 3.0},
    }
    plane = Plane(*MEANS, template)
    for mean, variance in inner(one(plane, "unlocalized", "asymptotic"), plane):
        xi = 16 * mean * 2.0 / 3.0
        eta = 16 * (variance + mean**2) * (2.0 / 3.0) ** 2
        assert eta == pytest.approx(evaluate("LOC-6b", xi=xi)["eta_U"], rel=1e-10)


def test_feasibility_is_the_spectrum_of_equal_eigenvalues() -> None:
    plane = Plane(*XI_ETA, WALK)
    for xi, eta in inner(one(plane, "feasibility", "finite size"), plane):
        assert eta == pytest.approx(xi**2 / 16, rel=1e-12)
    # In (mean, variance) it is the axis variance = 0, outside a logarithmic plane.
    assert curves_in(Plane(*MEANS, WALK), ["feasibility"]) == []


# --- softmax --------------------------------------------------------------------------------------


def test_the_saturated_softmax_turns_where_the_density_says() -> None:
    """Quarters of LOC-11b by a midpoint rule, against the distribution function in use."""
    b = turning_ratio()
    grid = np.sin(np.linspace(0.0, math.pi / 2.0, 4001)) ** 2
    middle = 0.5 * (grid[1:] + grid[:-1])
    total = argmax_density_averaged(middle, b) * np.diff(grid)
    quarters = [total[(middle > k / 4) & (middle < (k + 1) / 4)].sum() for k in range(4)]
    assert sum(quarters) == pytest.approx(1.0, abs=5e-3)
    assert max(quarters) - min(quarters) == pytest.approx(0.25, abs=5e-3)
    assert quarter_contrast(0.0) < 0.25
    plane = Plane(
        "spectrum.xi", "spectrum.eta", (-2.0, 2.0), (0.1, 40.0), {**WALK, "attention": {}}
    )
    for xi, eta in inner(one(plane, "saturated_softmax", "asymptotic"), plane):
        assert abs(xi) / math.sqrt(eta) == pytest.approx(b, rel=1e-9)


# --- rows of iid keys -----------------------------------------------------------------------------


def test_freezing_lines_of_a_row() -> None:
    plane = Plane("s", "T", (0.1, 14.0), (4.0, 1e12), {})
    lines = {c.claim: c for c in curves_in(plane)}
    assert set(lines) == {"ENT-8a", "ENT-7b", "ENT-0b"}
    assert lines["ENT-0b"].kind == "asymptotic"
    for s, T in inner(lines["ENT-8a"], plane):
        assert T >= 8.0
        assert s == pytest.approx(evaluate("ENT-8a", T=T)["s_half_capacity"], rel=1e-12)
    for s, T in inner(lines["ENT-7b"], plane):
        assert s == pytest.approx(evaluate("ENT-7b", T=T)["mean_max"], rel=1e-12)
    for s, T in inner(lines["ENT-0b"], plane):
        assert s == pytest.approx(math.sqrt(2.0 * math.log(T)), rel=1e-12)


def test_self_localization_of_iid_tokens() -> None:
    plane = Plane("spectrum.xi", "spectrum.eta", (0.0, 60.0), (0.1, 60.0), IID)
    for xi, eta in inner(one(plane, "self_localization", "finite size"), plane):
        weight = evaluate("LOC-15b", self_logit=xi, s=math.sqrt(eta), T=256)["mean_self_weight"]
        assert weight == pytest.approx(0.5, abs=1e-4)
    for xi, eta in inner(one(plane, "self_localization", "asymptotic"), plane):
        frozen = eta > 2.0 * math.log(255.0)
        limit = math.sqrt(2.0 * eta * math.log(255.0)) if frozen else math.log(255.0) + eta / 2.0
        assert xi == pytest.approx(limit, rel=1e-10)
    freezing = one(plane, "freezing_of_iid", "finite size")
    assert freezing.y[0] == pytest.approx(evaluate("ENT-8a", T=255)["s_half_capacity"] ** 2)


# --- the catalogue --------------------------------------------------------------------------------


def test_each_boundary_says_where_it_does_not_exist() -> None:
    schur = {**WALK, "matrix": {"model": "schur", "departure": 1.0}}
    for name in ("unlocalized", "late_middle", "saturated_softmax", "self_localization"):
        with pytest.raises(ValueError, match="not symmetric"):
            curves_in(Plane(*XI_ETA, schur), [name])
    with pytest.raises(ValueError, match=r"boundary = 'unlocalized'.*tokens are 'iid'"):
        curves_in(Plane(*XI_ETA, IID), ["unlocalized"])
    table = {**WALK, "tokens": {"law": "random_walk", "covariance": [1.0] * 15 + [2.0]}}
    with pytest.raises(ValueError, match="no multiple of the identity"):
        curves_in(Plane(*XI_ETA, table), ["feasibility"])
    with pytest.raises(ValueError, match="unknown boundary 'unlocalised'; did you mean"):
        curves_in(Plane(*XI_ETA, WALK), ["unlocalised"])
    with pytest.raises(ValueError, match=r"s = \(2.0, 1.0\): expected a lower"):
        Plane("s", "T", (2.0, 1.0), (8.0, 100.0), {})


def test_every_claim_of_the_catalogue_exists() -> None:
    from qktheory.theorems.claim import CLAIMS

    for name in BOUNDARIES:
        boundary = BOUNDARIES[name]
        assert boundary.name == name
        assert all(claim in CLAIMS for claim in boundary.claims)
