"""The figure of random features carries measured and predicted errors."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import qktheory as qk
from qktheory.plots.feature_error import feature_error_caption, plot_feature_error


def experiment(count: int) -> dict[str, object]:
    return {
        "d": 2,
        "T": 4,
        "matrix": {"W": [[0.03, 0.0], [0.01, 0.02]]},
        "tokens": {"law": "iid"},
        "attention": {"normalizer": "random_features", "features": {"count": count}},
    }


def test_points_are_estimates_and_lines_are_predictions() -> None:
    results = [qk.compare(experiment(m), ["kernel_relative_error"], samples=400) for m in (16, 4)]
    line, points = plot_feature_error({"two": results}, Figure().subplots())["two"]
    np.testing.assert_array_equal(line.get_xdata(), [4.0, 16.0])
    predicted = [r["kernel_relative_error"].predictions[-1].value[0] for r in results[::-1]]
    np.testing.assert_array_equal(line.get_ydata(), predicted)
    assert predicted[0] == pytest.approx(4 * predicted[1], rel=1e-12)
    measured = [float(r["kernel_relative_error"].estimate) for r in results[::-1]]
    np.testing.assert_array_equal(points.lines[0].get_ydata(), measured)
    caption = feature_error_caption({"two": results})
    assert "400 samples a point, seed 0" in caption
    assert "||W||_* = 0.05" in caption


def test_other_experiments_are_refused() -> None:
    plain = {**experiment(4), "attention": {}}
    result = qk.compare(plain, ["entropy"], samples=50)
    with pytest.raises(ValueError, match="comparisons"):
        plot_feature_error({"plain": [result]}, Figure().subplots())
