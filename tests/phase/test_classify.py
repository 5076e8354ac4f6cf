"""Phases by thresholds, with their doubts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.aliveness import rho_profile
from qktheory.numerics.profile_shape import phase as phase_of_theory
from qktheory.phase.classify import PHASES, Cell, Interval, Thresholds, classify


def exactly(*means: float, width: float = 0.0) -> list[Interval]:
    return [Interval(mean, mean - width, mean + width) for mean in means]


def profile(xi: float, eta: float, width: float = 0.0, points: int = 65) -> Cell:
    rho = rho_profile(xi, eta, np.linspace(0.0, 1.0, points))
    return Cell(1024, profile=exactly(*rho.tolist(), width=width))


@pytest.mark.parametrize("xi", [0.0, 0.3, 1.0, 1.9, 3.0])
@pytest.mark.parametrize("eta", [0.05, 0.8, 4.0, 30.0])
def test_the_limit_profile_is_in_the_phase_of_the_phase_map(xi: float, eta: float) -> None:
    code = int(phase_of_theory(xi, eta).phase)
    wanted = ("uniform", "localized_late", "localized_middle")[code]
    assert classify(profile(xi, eta)).name == wanted
    mirrored = classify(profile(-xi, eta)).name
    assert mirrored == {"localized_late": "localized_early"}.get(wanted, wanted)


def test_scalars_go_before_the_profile_and_self_localization_before_all() -> None:
    low = {"entropy": exactly(0.1)[0], "stable_rank": exactly(1.1)[0]}
    late = exactly(0.0, 0.5, 1.0)
    assert classify(Cell(64, low, late)).name == "entropy_collapsed"
    assert classify(Cell(64, low, late), criteria=["profile"]).name == "localized_late"
    assert classify(Cell(64, low, late), criteria=["rank", "profile"]).name == "rank_collapsed"
    own = {**low, "self_weight": exactly(0.9)[0]}
    assert classify(Cell(64, own, late)).name == "self_localized"
    assert classify(Cell(64, {"entropy": exactly(4.0)[0]})).name == "uniform"


def test_thresholds_are_met_from_their_own_side() -> None:
    """Contrast and lateness from above, entropy and rank strictly from below."""
    at = Thresholds()
    edge = at.entropy * math.log(64)
    assert classify(Cell(64, {"entropy": Interval(edge, edge, edge)})).name == "uniform"
    below = math.nextafter(edge, 0.0)
    assert (
        classify(Cell(64, {"entropy": Interval(below, below, below)})).name == "entropy_collapsed"
    )
    assert classify(Cell(64, {"self_weight": exactly(0.5)[0]})).name == "self_localized"
    assert classify(Cell(64, profile=exactly(0.0, 0.25))).name == "localized_late"
    assert classify(Cell(64, profile=exactly(0.0, 0.2499999))).name == "uniform"
    assert classify(Cell(64, profile=exactly(0.0, 0.5, 0.25))).name == "localized_late"
    assert classify(Cell(64, profile=exactly(0.0, 0.5, 0.2499))).name == "localized_middle"


def test_an_open_comparison_leaves_phases_that_compete() -> None:
    cell = Cell(64, {"self_weight": Interval(0.55, 0.45, 0.65)}, exactly(0.1, 0.9, width=0.01))
    found = classify(cell)
    assert found.name == "self_localized"
    assert set(found.competing) == {"self_localized", "localized_late"}
    assert not found.decided
    assert found.sureness == pytest.approx(0.75)


def test_a_doubt_that_decides_nothing_is_none() -> None:
    """Late or middle does not matter to a cell that looks at itself, nor to a uniform one."""
    wide = exactly(0.1, 0.6, 0.4, width=0.1)
    assert not classify(Cell(64, profile=wide)).decided
    sure = {"self_weight": Interval(0.9, 0.8, 1.0)}
    assert classify(Cell(64, sure, wide)).decided
    flat = exactly(0.1, 0.15, 0.12, width=0.02)
    assert classify(Cell(64, profile=flat)).competing == ("uniform",)


def test_an_interval_without_ends_decides_nothing() -> None:
    endless = Interval(0.9, -math.inf, math.inf)
    found = classify(Cell(64, {"self_weight": endless}))
    assert found.competing == ("uniform", "self_localized")
    assert found.sureness == 0.5


@st.composite
def boxes(draw):
    size = draw(st.integers(2, 5))
    unit = st.floats(0.0, 1.0)
    ends = [sorted((draw(unit), draw(unit))) for _ in range(size)]
    return [Interval(0.5 * (low + high), low, high) for low, high in ends]


@settings(deadline=None)
@given(boxes(), st.data())
def test_every_point_of_the_box_is_in_a_competing_phase(box, data) -> None:
    point = [data.draw(st.floats(i.low, i.high)) for i in box]
    inside = classify(Cell(64, profile=exactly(*point))).name
    whole = classify(Cell(64, profile=box))
    assert inside in whole.competing
    assert whole.name in whole.competing
    assert 0.0 <= whole.sureness <= 1.0
    assert list(whole.competing) == [p for p in PHASES if p in whole.competing]


def test_the_contrast_of_two_positions_is_no_wider_than_its_box() -> None:
    """One value cannot be largest and smallest at once: 0.2 at most here, so it is uniform."""
    box = [Interval(0.5, 0.2, 0.4), Interval(0.3, 0.3, 0.4)]
    assert classify(Cell(64, profile=box)).competing == ("uniform",)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"lateness = 1\.5: expected"):
        Thresholds(lateness=1.5)
    with pytest.raises(ValueError, match=r"unknown criterion 'profil'; did you mean 'profile'"):
        classify(Cell(4, profile=exactly(0.0, 1.0)), criteria=["profil"])
    with pytest.raises(ValueError, match="criteria = 'rank': expected one that was measured"):
        classify(Cell(4, profile=exactly(0.0, 1.0)), criteria=["rank"])
    with pytest.raises(ValueError, match="at least one"):
        classify(Cell(4))
