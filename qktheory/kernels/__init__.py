"""Kernels: everything that Numba compiles, under two compile policies.

Elementary functions, counter-based random numbers and fused statistics of rows. All kernels run on
one thread and release the GIL; parallelism is the caller's. Under ``NUMBA_DISABLE_JIT=1`` the same
names run the NumPy twins of `qktheory.kernels.reference`.
"""

from __future__ import annotations

from qktheory.kernels.affine_rows import AffineRows
from qktheory.kernels.arrays import (
    erf_array,
    erfc_array,
    exp_array,
    log_array,
    sincos_array,
    sincos_turns_array,
)
from qktheory.kernels.cache import cache_folder, kernel_hash
from qktheory.kernels.clipped_rows import (
    CLIPPED_STATISTICS,
    alive_rows,
    clipped_linear_rows,
    clipped_linear_statistics,
)
from qktheory.kernels.drifted_bridges import DriftedBridges
from qktheory.kernels.logit_rows import LogitRows
from qktheory.kernels.moments import Moments, leaf_moments, merge_moments
from qktheory.kernels.philox import fill_normals, fill_uniforms, philox4x32
from qktheory.kernels.policy import elementary, jit_enabled, reduction
from qktheory.kernels.quadratic_forms import quadratic_sums
from qktheory.kernels.row_distances import widest_l1, widest_l2, widest_range
from qktheory.kernels.rows import (
    ROW_STATISTICS,
    row_statistics,
    softmax_rows,
)
from qktheory.kernels.scaling import normal_forms, times_powers
from qktheory.kernels.score_rows import ScoreRows
from qktheory.kernels.segments import clipped_segments, softmax_segments, visible_means
from qktheory.kernels.singular_values import singular_values
from qktheory.kernels.spectral_radii import spectral_radii
from qktheory.kernels.streams import Stream, experiment_id, seed_key
from qktheory.kernels.walks import bridge_rows, drifted_rows, random_walk_rows

__all__ = [
    "CLIPPED_STATISTICS",
    "ROW_STATISTICS",
    "AffineRows",
    "DriftedBridges",
    "LogitRows",
    "Moments",
    "ScoreRows",
    "Stream",
    "alive_rows",
    "bridge_rows",
    "cache_folder",
    "clipped_linear_rows",
    "clipped_linear_statistics",
    "clipped_segments",
    "drifted_rows",
    "elementary",
    "erf_array",
    "erfc_array",
    "exp_array",
    "experiment_id",
    "fill_normals",
    "fill_uniforms",
    "jit_enabled",
    "kernel_hash",
    "leaf_moments",
    "log_array",
    "merge_moments",
    "normal_forms",
    "philox4x32",
    "quadratic_sums",
    "random_walk_rows",
    "reduction",
    "row_statistics",
    "seed_key",
    "sincos_array",
    "sincos_turns_array",
    "singular_values",
    "softmax_rows",
    "softmax_segments",
    "spectral_radii",
    "times_powers",
    "visible_means",
    "widest_l1",
    "widest_l2",
    "widest_range",
]
