"""A result says by cell where errors of random features have no mean or no variance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import qktheory as qk
from qktheory.phase.result import read_result

#: Values of sigma_1 on both sides of 1/24 and of 1/4, where variance and mean cease to exist.
SCALES = [0.03, 0.05, 0.3]
WANTED = ["asymptotic", "infinite variance", "infinite mean"]

SPEC: dict[str, Any] = {
    "d": 2,
    "T": 4,
    "observables": ["kernel_relative_error"],
    "matrix": {"model": "singular_values"},
    "spectrum": {"law": "point", "location": 0.03},
    "tokens": {"law": "iid"},
    "attention": {"normalizer": "random_features", "features": {"count": 2}},
    "sweep": {"spectrum.location": SCALES, "samples": 200, "seed": 3},
}


def test_the_file_says_which_cells_have_no_interval(tmp_path: Path) -> None:
    qk.phase_diagram(SPEC, tmp_path)
    found = read_result(tmp_path)
    name = "kernel_relative_error"
    assert found[f"{name}_guarantee"].values.tolist() == WANTED
    assert found[f"{name}_mean"].attrs["guarantee"] == f"by cell, in {name}_guarantee"
    assert np.isfinite(found[f"{name}_mean"]).all()
    for label in ("std_error", "ci_low", "ci_high"):
        assert np.isfinite(found[f"{name}_{label}"]).values.tolist() == [True, False, False]


def test_a_simulation_says_so_in_its_attributes() -> None:
    for scale, want in zip(SCALES, WANTED, strict=True):
        table = {k: v for k, v in SPEC.items() if k not in ("sweep", "observables")}
        table["spectrum"] = {"law": "point", "location": scale}
        data = qk.simulate(table, SPEC["observables"], samples=200).to_xarray()
        assert data["kernel_relative_error_mean"].attrs["guarantee"] == want
        assert bool(np.isfinite(data["kernel_relative_error_std_error"])) == (want == "asymptotic")
