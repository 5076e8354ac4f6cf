"""Many experiments sampled together, from the same random numbers wherever they can be.

The cells of a sweep differ in their QK map, temperature or normaliser, and seldom in anything that
the random numbers depend on. Numbers are then drawn once for all of them: that saves most of the
time of a reduced simulator, and makes neighbouring cells comparable far below their error bars.
Grouping changes no bit: each experiment gets the samples it would get alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer
from qktheory.kernels import Moments, leaf_moments
from qktheory.observables.observable import Observable
from qktheory.simulation.engine import check_sample_memory
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.intervals import confidence_interval
from qktheory.simulation.moments import LEAF, MomentTree
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import NoiseSimulator, Simulator, choose_each

__all__ = ["Experiment", "SampleState", "infinite_moments", "sample_together"]

FloatArray = NDArray[np.float64]
Stop = Callable[[int, "SampleState"], bool]

#: Values of observables that are held before they are reduced.
_VALUE_BYTES = 1 << 26
#: Samples at which a stopping rule is asked for the first time, and then at each doubling: points
#: of the schedule for which intervals are narrowest.
_FIRST_LOOK = 1024
#: What rows of many experiments made in one call may take, should an observable form them.
_STACK_BYTES = 1 << 26
_SAMPLES = Integer(low=1)


@dataclass(frozen=True)
class Experiment:
    """An Ensemble and what is measured on it.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    observables : tuple of Observable
        What to measure.
    """

    ensemble: Ensemble
    observables: tuple[Observable, ...]


class SampleState:
    """Statistics of one experiment so far.

    Parameters
    ----------
    experiment : Experiment
        What is sampled.
    trees : sequence of MomentTree, optional
        One for each simulator in use, none so far by default.

    Examples
    --------
    >>> from qktheory.observables.observable import OBSERVABLES
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "iid"}})
    >>> experiment = Experiment(ensemble, (OBSERVABLES["entropy"],))
    >>> (state,) = sample_together([experiment], key=1, cells=[0], samples=500)
    >>> again = SampleState.from_bytes(experiment, state.to_bytes())
    >>> again.n, again.estimates(1e-3)["entropy"].mean == state.estimates(1e-3)["entropy"].mean
    (500, array([ True]))
    """

    def __init__(self, experiment: Experiment, trees: Sequence[MomentTree] = ()) -> None:
        self.experiment = experiment
        self.simulators = _simulators(experiment)
        self.trees = list(trees) or [MomentTree() for _ in self.simulators]
        #: By observable: which of mean and variance is infinite, as far as it was sampled.
        self.infinite: dict[str, Literal["mean", "variance"]] = {}

    @property
    def n(self) -> int:
        """Number of samples."""
        return min(tree.samples for tree in self.trees)

    def estimates(self, delta: float) -> dict[str, Estimate]:
        """Return an estimate of each observable, intervals at level `delta` each."""
        T, depth = self.experiment.ensemble.T, self.experiment.ensemble.depth
        found = {}
        for (kind, observables), tree in zip(self.simulators, self.trees, strict=True):
            total = tree.total()
            if total is None:
                raise ValueError("the experiment has no samples yet")
            stop = 0
            # Neighbours that have one range get their intervals from one call: there are many
            # cells, each with few numbers.
            for (bounds, size, infinite), alike in groupby(
                observables, lambda o: (o.bounds(T), o.size(T, depth), self.infinite.get(o.name))
            ):
                members = list(alike)
                start, stop = stop, stop + size * len(members)
                part = _columns(total, start, stop)
                ends = None if infinite else confidence_interval(part, delta, bounds, size)
                for k, o in enumerate(members):
                    own = slice(k * size, (k + 1) * size)
                    found[o.name] = Estimate.from_moments(
                        o.name,
                        _columns(part, own.start, own.stop),
                        delta,
                        bounds,
                        o.vector,
                        kind.name,
                        infinite,
                        None if ends is None else (ends[0][own], ends[1][own], ends[2]),
                    )
        return {o.name: found[o.name] for o in self.experiment.observables}

    def to_bytes(self) -> bytes:
        """Return the statistics in a form that `from_bytes` reads, the same on every machine."""
        levels, arrays = [], []
        for tree in self.trees:
            own, statistics = tree.arrays()
            levels.append(own)
            arrays.append(statistics)
        head: dict[str, object] = {"levels": levels, "shapes": [a.shape for a in arrays]}
        if self.infinite:
            head["infinite"] = self.infinite
        header = json.dumps(head).encode()
        body = b"".join(np.ascontiguousarray(a, dtype="<f8").tobytes() for a in arrays)
        return struct.pack("<I", len(header)) + header + body

    @classmethod
    def from_bytes(cls, experiment: Experiment, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ValueError
            If the data are damaged, or belong to another experiment.
        """
        try:
            (length,) = struct.unpack_from("<I", data)
            header = json.loads(data[4 : 4 + length])
            values = np.frombuffer(data, dtype="<f8", offset=4 + length).astype(np.float64)
            trees, start = [], 0
            for levels, shape in zip(header["levels"], header["shapes"], strict=True):
                size = int(np.prod(shape))
                statistics = values[start : start + size].reshape(shape)
                trees.append(MomentTree.from_arrays(levels, statistics))
                start += size
            if start != values.size:
                raise ValueError("its length does not fit its shapes")
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise ValueError(f"statistics of an experiment cannot be read ({error})") from None
        state = cls(experiment, trees)
        state.infinite = dict(header.get("infinite", {}))
        T, depth = experiment.ensemble.T, experiment.ensemble.depth
        widths = [sum(o.size(T, depth) for o in observables) for _, observables in state.simulators]
        if [shape[-1] for shape in header["shapes"]] != widths:
            raise ValueError(
                "statistics of an experiment cannot be read (they belong to other observables)"
            )
        return state


def infinite_moments(state: bytes) -> dict[str, Literal["mean", "variance"]]:
    """Return which moments are infinite, by observable, from what `SampleState.to_bytes` wrote.

    Examples
    --------
    >>> from qktheory.observables.observable import find_observables
    >>> experiment = Experiment(
    ...     Ensemble.from_dict({"d": 2, "T": 4, "matrix": {"W": [[1.0, 0.0], [0.0, 1.0]]},
    ...                         "tokens": {"law": "iid"}}),
    ...     find_observables(["entropy"]),
    ... )
    >>> infinite_moments(sample_together([experiment], 1, [0], 10)[0].to_bytes())
    {}
    """
    (length,) = struct.unpack_from("<I", state)
    found: dict[str, Literal["mean", "variance"]] = json.loads(state[4 : 4 + length]).get(
        "infinite", {}
    )
    return found


def sample_together(
    experiments: Sequence[Experiment],
    key: int,
    cells: Sequence[int],
    samples: int,
    states: Sequence[SampleState | None] | None = None,
    stop: Stop | None = None,
) -> list[SampleState]:
    """Sample experiments in this thread, sharing random numbers where they have them in common.

    Parameters
    ----------
    experiments : sequence of Experiment
        What to sample.
    key : int
        64-bit key of all of them, from `qktheory.kernels.seed_key`.
    cells : sequence of int
        Cell number of each; experiments in different cells are independent.
    samples : int
        Samples of each in the end, >= 1.
    states : sequence of SampleState or None, optional
        Where to go on; they are not changed.
    stop : callable, optional
        From the index of an experiment and its state to whether it has samples enough; asked at
        1024, 2048, 4096, ... samples.

    Returns
    -------
    list of SampleState
        Each with the bits of `qktheory.simulate` at that key and cell, whatever the company.

    Raises
    ------
    ValueError
        For samples beyond memory.
    """
    samples = _SAMPLES.check("samples", samples)
    earlier = list(states) if states is not None else [None] * len(experiments)
    members: list[_Member] = []
    for index, (experiment, cell, state) in enumerate(
        zip(experiments, cells, earlier, strict=True)
    ):
        realization = Realization.from_key(experiment.ensemble, key, cell)
        trees = [] if state is None else [tree.copy() for tree in state.trees]
        fresh = SampleState(experiment, trees)
        members += [
            _Member(index, kind(realization), observables, fresh, place)
            for place, (kind, observables) in enumerate(fresh.simulators)
        ]
    groups: dict[object, list[_Member]] = {}
    for member in members:
        groups.setdefault(member.key, []).append(member)
    found = {member.index: member.state for member in members}
    for look in _looks(samples, stop is not None):
        for group in groups.values():
            _extend(group, look)
        if stop is not None and look < samples:
            done = {index for index, state in found.items() if stop(index, state)}
            groups = {
                name: left
                for name, group in groups.items()
                if (left := [member for member in group if member.index not in done])
            }
    return [found[index] for index in range(len(experiments))]


class _Member:
    """One simulator of one experiment."""

    def __init__(
        self,
        index: int,
        simulator: Simulator,
        observables: tuple[Observable, ...],
        state: SampleState,
        place: int,
    ) -> None:
        self.index, self.simulator, self.observables = index, simulator, observables
        self.state, self.place = state, place
        T, depth = simulator.ensemble.T, simulator.ensemble.depth
        self.sizes = [o.size(T, depth) for o in observables]
        check_sample_memory(simulator, observables, sum(self.sizes))
        for o in observables:
            infinite = simulator.infinite_moment(o)
            if infinite is not None:
                state.infinite[o.name] = infinite

    @property
    def tree(self) -> MomentTree:
        return self.state.trees[self.place]

    @property
    def key(self) -> object:
        """Equal for members that share noise and have as many samples."""
        noise = self.simulator.noise_key if isinstance(self.simulator, NoiseSimulator) else id(self)
        return noise, self.tree.leaves


def _simulators(
    experiment: Experiment,
) -> list[tuple[type[Simulator], tuple[Observable, ...]]]:
    """Return the cheapest simulators, with what each of them measures."""
    groups: dict[type[Simulator], list[Observable]] = {}
    kinds = choose_each(experiment.ensemble, experiment.observables)
    for kind, observable in zip(kinds, experiment.observables, strict=True):
        groups.setdefault(kind, []).append(observable)
    return [(kind, tuple(observables)) for kind, observables in groups.items()]


def _looks(samples: int, stopping: bool) -> list[int]:
    """Return the numbers of samples at which the rounds end."""
    looks = []
    look = _FIRST_LOOK
    while stopping and look < samples:
        looks.append(look)
        look *= 2
    return [*looks, samples]


def _extend(group: Sequence[_Member], samples: int) -> None:
    """Bring members that share noise, and have as many leaves, to a number of samples."""
    if group[0].tree.samples >= samples:
        return
    leader = group[0].simulator
    widths = sum(sum(member.sizes) for member in group)
    block = max(1, _VALUE_BYTES // (8 * widths * LEAF)) * LEAF
    stacks = _stacks(group)
    per_sample = leader.bytes_for(group[0].observables)
    chunk = max(1, leader.call_bytes // per_sample)
    # As few as fit into a call with all the rows that are made of each; eight, because bridges are
    # summed up eight at a time.
    longest = max(map(len, stacks))
    chunk = min(chunk, max(8, _STACK_BYTES // (per_sample * longest)))
    most = max(1, _STACK_BYTES // (per_sample * chunk))
    begin = group[0].tree.leaves * LEAF
    for first in range(begin, samples, block):
        n = min(block, samples - first)
        tables = [np.empty((len(stack), n, sum(stack[0].sizes))) for stack in stacks]
        for start in range(0, n, chunk):
            count = min(chunk, n - start)
            noise = (
                leader.noise(first + start, count) if isinstance(leader, NoiseSimulator) else None
            )
            for stack, table in zip(stacks, tables, strict=True):
                for place in range(0, len(stack), most):
                    part = stack[place : place + most]
                    rows = table[place : place + most, start : start + count]
                    _measure(part, noise, first + start, rows)
        for stack, table in zip(stacks, tables, strict=True):
            for member, values in zip(stack, table, strict=True):
                member.tree.extend(leaf_moments(values, LEAF))


def _stacks(group: Sequence[_Member]) -> list[list[_Member]]:
    """Return members of a group by what can be measured in one call."""
    stacks: dict[object, list[_Member]] = {}
    for member in group:
        simulator = member.simulator
        key = simulator.stack_key if isinstance(simulator, NoiseSimulator) else id(member)
        stacks.setdefault((key, member.observables), []).append(member)
    return list(stacks.values())


def _measure(
    stack: Sequence[_Member], noise: tuple[FloatArray, ...] | None, first: int, out: FloatArray
) -> None:
    """Fill the values of all observables side by side, shape (members, n, columns)."""
    leader = stack[0]
    if noise is None:
        values = leader.simulator.measure(leader.observables, first, out.shape[1])
        stacked = [array[None] for array in values]
    else:
        simulators = [cast(NoiseSimulator, member.simulator) for member in stack]
        stacked = simulators[0].measure_stack(simulators, leader.observables, noise, first)
    column = 0
    for array, size in zip(stacked, leader.sizes, strict=True):
        out[:, :, column : column + size] = array
        column += size


def _columns(moments: Moments, start: int, stop: int) -> Moments:
    return Moments(
        moments.count[start:stop],
        moments.mean[start:stop],
        moments.m2[start:stop],
        moments.minimum[start:stop],
        moments.maximum[start:stop],
    )
