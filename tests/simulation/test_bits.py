"""Results do not depend on how the work was split: not on one bit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES, Observable
from qktheory.simulation.engine import Run, worker_threads
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulate import Simulation
from qktheory.simulation.simulator import SIMULATORS, Simulator
from tests.simulation.cases import MAPS, experiment

ROW = ["entropy", "participation", "max_weight", "self_weight", "alive_fraction", "y_3", "y_0.5"]
VECTOR = ["profile", "rho", "logit", "centred_logit"]
MATRIX = ["stable_rank", "effective_rank"]


def fingerprint(simulation: Simulation) -> str:
    """Hash of every statistic and interval."""
    digest = hashlib.sha256()
    for name, estimate in sorted(simulation.estimates.items()):
        moments = estimate.moments
        digest.update(name.encode())
        for array in (
            moments.count,
            moments.mean,
            moments.m2,
            moments.minimum,
            moments.maximum,
            estimate.low,
            estimate.high,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def simulate(law: str = "random_walk", name: str = "general W, full Sigma", **keywords: Any) -> str:
    ensemble = experiment(name, law, 12)
    observables = keywords.pop("observables", [*ROW, "profile"])
    return fingerprint(qk.simulate(ensemble, observables, **{"samples": 3000, **keywords}))


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("law", ["iid", "random_walk"])
@pytest.mark.parametrize("simulator", [None, "full", "full_matrix"])
def test_threads_do_not_matter(law: str, name: str, simulator: str | None) -> None:
    samples = 600 if simulator == "full_matrix" else 3000
    results = {
        simulate(law, name, threads=threads, simulator=simulator, samples=samples, batch=batch)
        for threads, batch in ((1, None), (2, 256), (3, 300))
    }
    assert len(results) == 1


@given(batch=st.integers(1, 5000), threads=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_batches_do_not_matter(batch: int, threads: int) -> None:
    assert simulate(batch=batch, threads=threads) == simulate(batch=256, threads=1)


@given(
    steps=st.lists(st.integers(1, 4000), min_size=1, max_size=4),
    batch=st.sampled_from([None, 1, 256, 1000]),
)
@settings(max_examples=25, deadline=None)
def test_extending_is_the_same_as_starting_over(steps: list[int], batch: int | None) -> None:
    """From any number of samples, odd ones and fewer than what is there included."""
    ensemble = experiment("general W, full Sigma", "iid", 6)
    simulation = Simulation.prepare(ensemble, ["entropy", "logit"], batch=batch)
    for samples in steps:
        simulation.extend(samples)
    assert simulation.samples == max(steps)
    whole = qk.simulate(ensemble, ["entropy", "logit"], samples=max(steps), threads=1)
    assert fingerprint(simulation) == fingerprint(whole)


def test_ten_thousand_samples_extended_to_twenty_thousand() -> None:
    ensemble = qk.Ensemble.from_dict(
        {"d": 8, "T": 64, "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5}}
    )
    extended = qk.simulate(ensemble, ["entropy", "rho"], samples=10_000)
    before = fingerprint(extended)
    at_once = qk.simulate(ensemble, ["entropy", "rho"], samples=20_000)
    assert fingerprint(extended.extend(20_000)) == fingerprint(at_once) != before


def simulators(ensemble: Ensemble, seed: int = 0) -> Iterator[tuple[Simulator, list[Observable]]]:
    realization = Realization(ensemble, seed)
    names = [*ROW, *VECTOR, *MATRIX]
    for kind in (SIMULATORS[name] for name in SIMULATORS):
        able = [OBSERVABLES[n] for n in names if kind.obstacle(ensemble, OBSERVABLES[n]) is None]
        if able:
            yield kind(realization), able


def slices_agree(simulator: Simulator, observables: list[Observable], n: int) -> bool:
    whole = simulator.measure(observables, 0, n)
    for first, count in ((0, 1), (n - 1, 1), (1, n - 1), (n // 3, n // 2), (2, 3)):
        part = simulator.measure(observables, first, count)
        for a, b in zip(whole, part, strict=True):
            if a[first : first + count].tobytes() != b.tobytes():
                return False
    return True


@pytest.mark.parametrize("T", [1, 2, 9, 33])
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("law", ["iid", "random_walk"])
def test_a_sample_depends_on_its_number_alone(law: str, name: str, T: int) -> None:
    """Matrix products are the risk: BLAS may sum in another order for another number of rows."""
    for attention in ({}, {"query": "all", "mask": "causal"}):
        for simulator, observables in simulators(experiment(name, law, T, **attention)):
            n = 11 if simulator.name == "full_matrix" else 40
            assert slices_agree(simulator, observables, n), simulator.name


@pytest.mark.parametrize("d", [1, 16, 37, 64])
def test_so_it_does_at_widths_where_products_are_blocked(d: int) -> None:
    rng = np.random.default_rng(d)
    half = rng.normal(size=(d, d))
    factor = rng.normal(size=(2, d, max(1, d // 4))) / d
    for matrix in ({"W": half / d}, {"W_Q": factor[0], "W_K": factor[1]}):
        for law in ("iid", "random_walk"):
            tokens = {"law": law, "covariance": half @ half.T / d}
            ensemble = Ensemble.from_dict({"d": d, "T": 70, "matrix": matrix, "tokens": tokens})
            for simulator, observables in simulators(ensemble):
                rows = [o for o in observables if o.needs == "row"]
                assert slices_agree(simulator, rows, 6), simulator.name


def test_slices_that_do_not_agree_would_be_noticed() -> None:
    class OneProduct(SIMULATORS["full"]):  # type: ignore[misc]
        """The mistake: numbers that depend on how many samples are drawn together."""

        def measure(self, observables: Any, first_sample: int, n: int) -> list[NDArray[np.float64]]:
            values = super().measure(observables, first_sample, n)
            return [v * (1.0 + 1e-16 * n) * (1.0 + 2e-16 * (n > 4)) for v in values]

    wrong = OneProduct(Realization(experiment("general W, full Sigma", "iid", 9), 0))
    assert not slices_agree(wrong, [OBSERVABLES["entropy"]], 40)


def test_raw_draws_are_the_samples_of_the_estimates() -> None:
    simulation = qk.simulate(
        experiment("general W, full Sigma", "iid", 6), ["entropy", "profile"], samples=200
    )
    draws = simulation.draws(0, 200)
    assert draws["entropy"].shape == (200,)
    assert draws["profile"].shape == (200, 6)
    np.testing.assert_allclose(draws["entropy"].mean(), simulation["entropy"].mean, rtol=1e-13)
    assert simulation.draws(17, 5)["profile"].tobytes() == draws["profile"][17:22].tobytes()


# --- seeds ----------------------------------------------------------------------------------------


def test_seed_zero_is_a_seed() -> None:
    assert simulate(seed=0) == simulate() == simulate(seed=np.int64(0))
    assert simulate(seed=1) != simulate(seed=0)
    assert simulate(seed=None) != simulate(seed=None)


def test_a_generator_supplies_one_key() -> None:
    rng = np.random.default_rng(5)
    first, second = simulate(seed=rng), simulate(seed=rng)
    assert first != second
    assert simulate(seed=np.random.default_rng(5)) == first


def test_the_global_state_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    simulate(seed=None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("seed", [-1, 0.5, True, "0"])
def test_what_is_no_seed(seed: object) -> None:
    with pytest.raises(ValueError, match="expected an integer >= 0"):
        simulate(seed=seed)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_finds_the_same(threads: str) -> None:
    """W of width 150 is Haar distributed and M dense, so BLAS has work for its threads."""
    program = """
import qktheory as qk
from tests.simulation.test_bits import fingerprint, simulate, wide
print(simulate(), fingerprint(qk.simulate(wide(), ["entropy"], samples=40)))
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
    )
    here = fingerprint(qk.simulate(wide(), ["entropy"], samples=40))
    assert run.stdout.split() == [simulate(), here]


def wide() -> Ensemble:
    d = 150
    distance = np.abs(np.subtract.outer(np.arange(d), np.arange(d)))
    return Ensemble.from_dict(
        {
            "d": d,
            "T": 20,
            "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
            "matrix": {"model": "schur", "departure": 1.0},
            "tokens": {"law": "random_walk", "covariance": 0.5**distance},
        }
    )


# --- interrupts -----------------------------------------------------------------------------------


class Interrupt:
    """Raises KeyboardInterrupt at the call with a given number."""

    def __init__(self, at: int) -> None:
        self.calls, self.at = 0, at

    def __call__(self, done: int) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt


def test_an_interrupt_keeps_what_is_merged_and_the_run_can_go_on() -> None:
    ensemble = experiment("general W, full Sigma", "iid", 6)
    simulation = Simulation.prepare(ensemble, ["entropy"], batch=256, threads=2)
    with pytest.raises(KeyboardInterrupt):
        simulation.extend(5000, Interrupt(3))
    assert simulation.samples == 768
    whole = qk.simulate(ensemble, ["entropy"], samples=768)
    assert fingerprint(simulation) == fingerprint(whole)
    whole = qk.simulate(ensemble, ["entropy"], samples=5000)
    assert fingerprint(simulation.extend(5000)) == fingerprint(whole)


def test_an_interrupt_before_the_first_new_block_keeps_the_old_ones() -> None:
    """100 samples are less than a block; they count until a longer block replaces them."""
    ensemble = experiment("general W, full Sigma", "iid", 6)
    simulator = SIMULATORS["iid_row"](Realization(ensemble, 0))

    class Broken(type(simulator)):  # type: ignore[misc]
        broken = False

        def measure(self, *arguments: Any) -> list[NDArray[np.float64]]:
            if self.broken:
                raise KeyboardInterrupt
            return super().measure(*arguments)  # type: ignore[no-any-return]

    run = Run(Broken(Realization(ensemble, 0)), [OBSERVABLES["entropy"]])
    with worker_threads(1) as workers:
        run.extend(100, workers)
        mean = run.moments().mean.copy()
        Broken.broken = True
        with pytest.raises(KeyboardInterrupt):
            run.extend(1000, workers)
    assert run.n == 100
    assert run.moments().mean == mean


def test_compare_reports_the_observables_that_were_reached() -> None:
    """Two simulators are at work, one after the other; the interrupt comes in the second."""
    ensemble = experiment("symmetric spectrum, variance 2, temperature 0.7", "random_walk", 5)
    finished: list[int] = []

    def progress(line: str, done: int, total: int) -> None:
        if finished == [total]:
            finished.append(done)
            raise KeyboardInterrupt
        if not finished and done == total:
            finished.append(done)

    found = qk.compare(
        ensemble, ["entropy", "stable_rank"], samples=20_000, progress=progress, threads=1
    )
    assert found.interrupted
    assert found["entropy"].estimate.n == 20_000
    assert found["stable_rank"].estimate.n == found.samples == found.to_dict()["samples"] < 20_000
    assert 0.0 < float(found["entropy"].estimate) < np.log(5)


def test_compare_reports_estimates_if_the_predictions_are_interrupted() -> None:
    ensemble = experiment("symmetric spectrum, variance 2, temperature 0.7", "random_walk", 5)

    def progress(line: str, done: int, total: int) -> None:
        if line == "predictions of rho":
            raise KeyboardInterrupt

    found = qk.compare(ensemble, ["logit", "rho", "entropy"], samples=500, progress=progress)
    assert found.interrupted
    assert found["logit"].agrees
    assert [found[name].estimate.n for name in ("logit", "rho", "entropy")] == [500] * 3
    assert found["rho"].predictions == []
    assert found["rho"].agrees is None


def test_compare_without_a_sample_passes_the_interrupt_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def extend(self: Simulation, *arguments: Any, **keywords: Any) -> Simulation:
        raise KeyboardInterrupt

    monkeypatch.setattr(Simulation, "extend", extend)
    with pytest.raises(KeyboardInterrupt):
        qk.compare(experiment("general W, full Sigma", "iid", 6), ["entropy"])
