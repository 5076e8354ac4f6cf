"""Experiments sampled together: bits of each as if alone, numbers shared where they can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.kernels import seed_key
from qktheory.observables.observable import find_observables
from qktheory.simulation.shared import Experiment, SampleState, sample_together
from qktheory.simulation.simulators.bridge_row import BridgeRow

KEY = seed_key(5)


def experiment(
    names: list[str], law: str = "random_walk", T: int = 12, **changes: Any
) -> Experiment:
    spec: dict[str, Any] = {
        "d": 6,
        "T": T,
        "spectrum": {"law": "uniform", "xi": 0.5, "eta": changes.pop("eta", 0.3)},
        "tokens": {"law": law, **({"cosine": 0.3} if law == "equicorrelated" else {})},
        "attention": changes,
    }
    return Experiment(qk.Ensemble.from_dict(spec), find_observables(names))


MIXED = [
    experiment(["entropy", "rho"]),
    experiment(["entropy", "participation"], eta=2.0),
    experiment(["entropy"], normalizer="clipped_linear"),
    experiment(["stable_rank", "entropy"], eta=1.0),
    experiment(["entropy", "logit"], law="iid"),
    experiment(["entropy"], law="equicorrelated"),
    experiment(["entropy"], law="equicorrelated", eta=1.7),
    experiment(["stable_rank"], eta=0.7, temperature=2.0),
]


def same(first: SampleState, second: SampleState) -> bool:
    pairs = zip(first.estimates(1e-3).values(), second.estimates(1e-3).values(), strict=True)
    return first.n == second.n and all(
        (a.mean == b.mean).all() and (a.low == b.low).all() and (a.high == b.high).all()
        for a, b in pairs
    )


def test_each_gets_the_numbers_of_simulate() -> None:
    states = sample_together(MIXED, KEY, [0] * len(MIXED), 700)
    for member, state in zip(MIXED, states, strict=True):
        names = [o.name for o in member.observables]
        delta = 1e-3 * len(names)
        alone = qk.simulate(member.ensemble, names, samples=700, seed=5, delta=delta).estimates
        for name, estimate in state.estimates(1e-3).items():
            np.testing.assert_array_equal(estimate.mean, alone[name].mean)
            np.testing.assert_array_equal(estimate.low, alone[name].low)
            assert estimate.simulator == alone[name].simulator
            assert estimate.n == 700


def test_company_and_extension_change_no_bit() -> None:
    together = sample_together(MIXED, KEY, [0] * len(MIXED), 900)
    early = sample_together(MIXED[:4], KEY, [0] * 4, 300)
    mixed = sample_together(MIXED, KEY, [0] * len(MIXED), 900, [*early, None, None, None, None])
    reloaded = [SampleState.from_bytes(s.experiment, s.to_bytes()) for s in early]
    later = sample_together(MIXED[:4], KEY, [0] * 4, 900, reloaded)
    for k, state in enumerate(together):
        assert same(state, mixed[k])
        if k < 4:
            assert same(state, later[k])
    assert early[0].n == 300


def simplex(scale: float, cosine: float, **matrix: Any) -> Experiment:
    spec = {
        "d": 40,
        "T": 30,
        "matrix": {"model": "ginibre", "draw": "every_sample", "scale": scale, **matrix},
        "tokens": {"law": "simplex", "cosine": cosine},
    }
    names = ["entropy", "self_weight", "quarter_weight_2", "max_weight"]
    return Experiment(qk.Ensemble.from_dict(spec), find_observables(names))


@pytest.mark.parametrize(
    "stack",
    [
        [simplex(0.5, 0.0), simplex(3.0, 0.4), simplex(2.0, -1 / 29)],
        [simplex(s, 0.2, model="gaussian_factors", d_k=3) for s in (0.5, 1.0, 9.0)],
        [experiment(["entropy", "self_weight"], law="iid", eta=eta) for eta in (0.3, 1.0, 9.0)],
        [experiment(["rho_at_0.5", "quarter_weight_1"], eta=eta) for eta in (0.3, 1.0, 9.0)],
        [
            experiment(["alive_fraction", "quarter_weight_1"], eta=eta, normalizer="clipped_linear")
            for eta in (0.3, 1.0, 9.0)
        ],
    ],
    ids=["simplex", "factors", "iid", "walk", "clipped"],
)
def test_rows_of_many_cells_in_one_call_have_the_bits_of_each(
    stack: list[Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = sample_together(stack, KEY, [0] * 3, 600)
    for member, state in zip(stack, together, strict=True):
        assert same(state, *sample_together([member], KEY, [0], 600))
    assert not same(together[0], together[1])
    # Nor do calls of other sizes, which hold some of the cells and some of the samples.
    monkeypatch.setattr("qktheory.simulation.shared._STACK_BYTES", 2 * 16 * 70 * 11)
    for state, smaller in zip(together, sample_together(stack, KEY, [0] * 3, 600), strict=True):
        assert same(state, smaller)


def test_cells_are_independent() -> None:
    first, second = sample_together([MIXED[0]] * 2, KEY, [0, 1], 300)
    assert not same(first, second)


def test_shared_numbers_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    noise = BridgeRow.noise

    def counted(self: BridgeRow, first_sample: int, n: int) -> Any:
        drawn.append(n)
        return noise(self, first_sample, n)

    monkeypatch.setattr(BridgeRow, "noise", counted)
    walks = [experiment(["entropy"], eta=0.1 * k) for k in range(1, 9)]
    sample_together(walks, KEY, [0] * 8, 512)
    assert sum(drawn) == 512
    sample_together(walks, KEY, list(range(8)), 512)
    assert sum(drawn) == 9 * 512
    sample_together([walks[0], experiment(["entropy"], T=13)], KEY, [0, 0], 512)
    assert sum(drawn) == 11 * 512


def test_noise_is_left_as_it_is() -> None:
    for member in MIXED:
        (kind, observables), *_ = SampleState(member).simulators
        from qktheory.simulation.realization import Realization

        simulator: Any = kind(Realization.from_key(member.ensemble, KEY, 0))
        noise = simulator.noise(0, 5)
        before = [part.copy() for part in noise]
        simulator.measure_from(observables, noise, 0)
        for part, kept in zip(noise, before, strict=True):
            np.testing.assert_array_equal(part, kept)


def test_a_rule_may_stop_each_of_them() -> None:
    asked: list[tuple[int, int]] = []

    def stop(index: int, state: SampleState) -> bool:
        asked.append((index, state.n))
        return index == 1 and state.n >= 2048

    walks = [experiment(["entropy"], eta=0.1 * k) for k in range(1, 4)]
    states = sample_together(walks, KEY, [0] * 3, 5000, stop=stop)
    assert [state.n for state in states] == [5000, 2048, 5000]
    assert {n for _, n in asked} == {1024, 2048, 4096}
    assert same(states[1], sample_together([walks[1]], KEY, [0], 2048)[0])


@pytest.mark.parametrize("damage", ["cut", "long", "header", "empty"])
def test_damaged_statistics_are_refused(damage: str) -> None:
    (state,) = sample_together([MIXED[1]], KEY, [0], 600)
    data = state.to_bytes()
    broken = {
        "cut": data[:-8],
        "long": data + bytes(8),
        "header": data[:4] + b"?" + data[5:],
        "empty": b"",
    }[damage]
    with pytest.raises(ValueError, match="cannot be read"):
        SampleState.from_bytes(MIXED[1], broken)


def test_statistics_of_other_observables_are_refused() -> None:
    (state,) = sample_together([MIXED[1]], KEY, [0], 300)
    with pytest.raises(ValueError, match="other observables"):
        SampleState.from_bytes(experiment(["entropy"], eta=2.0), state.to_bytes())


def test_a_state_without_samples_has_no_estimates() -> None:
    with pytest.raises(ValueError, match="no samples"):
        SampleState(MIXED[0]).estimates(1e-3)
