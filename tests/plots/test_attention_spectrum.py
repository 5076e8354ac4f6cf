"""The figure of attention spectra carries the numbers it was given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from qktheory.plots.attention_spectrum import plot_attention_spectrum


def test_points_circle_and_predictions_are_those_given() -> None:
    ax = Figure().subplots()
    found = np.array([1.0, 0.4 + 0.2j, 0.4 - 0.2j, -0.1])
    artists = plot_attention_spectrum(found, [1.0, -0.1], ax, radius=0.25)
    points = artists["attention"].get_xydata()
    assert (points[:, 0] + 1j * points[:, 1] == found).all()
    assert artists["prediction"].get_xydata().tolist() == [[1.0, 0.0], [-0.1, 0.0]]
    radii = np.hypot(*artists["bulk radius"].get_xydata().T)
    np.testing.assert_allclose(radii, 0.25, rtol=1e-14)
    assert "bulk radius" not in plot_attention_spectrum(found, [1.0], ax)


@pytest.mark.parametrize(
    ("eigenvalues", "radius", "message"),
    [([], None, "eigenvalues"), ([np.nan], None, "eigenvalues"), ([1.0], -1.0, "radius = -1.0")],
)
def test_what_cannot_be_drawn_is_refused(
    eigenvalues: list[float], radius: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plot_attention_spectrum(eigenvalues, [1.0], Figure().subplots(), radius)
