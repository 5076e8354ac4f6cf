"""Observables of parts of the sequence are parts of those of all of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qktheory.attention.normalizer import NORMALIZERS, Normalizer, shares
from qktheory.observables.draws import Rows
from qktheory.observables.observable import OBSERVABLES, find_observables

RNG = np.random.default_rng(3)
LOGITS = RNG.normal(size=(5, 37)) * 6.0
MASKED = np.where(np.arange(37) > 11, -np.inf, LOGITS)


def rows(logits: np.ndarray, normalizer: str) -> Rows:
    return Rows(logits, np.full(len(logits), 3), NORMALIZERS[normalizer])


@pytest.mark.parametrize("logits", [LOGITS, MASKED, LOGITS[:, :2]])
@pytest.mark.parametrize("normalizer", ["softmax", "clipped_linear"])
def test_quarters_share_the_weight(logits, normalizer) -> None:
    batch = rows(logits, normalizer)
    found = np.stack([OBSERVABLES[f"quarter_weight_{k}"].compute(batch) for k in (1, 2, 3, 4)], 1)
    T = logits.shape[1]
    ends = [k * T // 4 for k in range(5)]
    direct = [batch.shares[:, a:b].sum(axis=1) for a, b in pairwise(ends)]
    np.testing.assert_allclose(found, np.stack(direct, 1), atol=1e-13)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)
    general = shares(Normalizer.segment_weights(NORMALIZERS[normalizer], logits, ends))
    np.testing.assert_allclose(found, general, atol=1e-13)


@pytest.mark.parametrize("logits", [LOGITS, MASKED])
def test_rho_at_a_position_is_a_component_of_rho(logits) -> None:
    batch = rows(logits, "softmax")
    rho = OBSERVABLES["rho"].compute(batch)
    for theta, key in ((0, 0), (0.01, 0), (0.25, 9), (0.5, 18), (1, 36)):
        np.testing.assert_array_equal(OBSERVABLES[f"rho_at_{theta}"].compute(batch), rho[:, key])


def test_positions_and_quarters_have_a_range() -> None:
    with pytest.raises(ValueError, match=r"theta = 1\.5: expected"):
        find_observables(["rho_at_1.5"])
    with pytest.raises(ValueError, match="quarter = 5"):
        find_observables(["quarter_weight_5"])
