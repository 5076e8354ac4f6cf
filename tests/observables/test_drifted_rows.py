"""Rows over bridges that are not formed say the same as the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest

from qktheory.attention.normalizer import NORMALIZERS, FloatArray, Normalizer
from qktheory.kernels import DriftedBridges, bridge_rows
from qktheory.observables.draws import DriftedRows, Rows
from qktheory.observables.observable import OBSERVABLES, RowObservable, find_observables

NAMES = ["rho_at_0", "rho_at_0.4", "rho_at_1", "alive_fraction", "entropy", "self_weight", "rho"]
NAMES += [f"quarter_weight_{k}" for k in (1, 2, 3, 4)] + ["logit", "centred_logit", "profile"]


class Squares(Normalizer):
    """A normaliser of somebody's own: weights alone."""

    name = "squares"

    def weights(self, logits: FloatArray) -> FloatArray:
        return logits**2 + 1.0


@pytest.mark.parametrize("T", [1, 5, 64])
@pytest.mark.parametrize(
    "normalizer", [NORMALIZERS["softmax"], NORMALIZERS["clipped_linear"], Squares()]
)
def test_observables_of_rows_that_are_not_formed(normalizer: Normalizer, T: int) -> None:
    rng = np.random.default_rng(T)
    bridges = rng.standard_normal((40, T))
    bridge_rows(bridges)
    drifted = DriftedBridges(bridges, rng.normal(size=40), np.abs(rng.normal(size=40)))
    lazy = DriftedRows(drifted, normalizer)
    plain = Rows(drifted.logits(), np.full(40, T - 1), normalizer)
    assert (len(lazy), lazy.T) == (40, T)
    for observable in find_observables(NAMES):
        assert isinstance(observable, RowObservable)
        one, other = (observable.compute(rows) for rows in (lazy, plain))
        if observable.name.startswith("rho"):
            np.testing.assert_array_equal(one, other, err_msg=observable.name)
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12, err_msg=observable.name)


def test_the_rows_are_formed_only_when_asked_for() -> None:
    bridges = np.zeros((3, 8))
    lazy = DriftedRows(DriftedBridges(bridges, 1.0, 1.0), NORMALIZERS["softmax"])
    for name in ("rho_at_0.5", "quarter_weight_2"):
        observable = OBSERVABLES[name]
        assert isinstance(observable, RowObservable)
        observable.compute(lazy)
    assert "logits" not in vars(lazy)
    assert lazy.logits.shape == (3, 8)
    assert "logits" in vars(lazy)
