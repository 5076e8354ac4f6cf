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
