"""What the simulators cost: ratios of one run, memory, start-up.

Usage: python benchmarks/simulation.py [--seconds S] [--only SECTION ...] [--clock wall|cpu]

Sections: bridge (a reduced row against the full simulation), layer (tokens to row entropies
against the matrix products alone), memory, startup. Contenders of a table take turns many times
over and the fastest twentieth counts, so what else runs on the machine hits all alike. On a busy
machine ``--clock cpu`` counts processor time, summed over threads. torch and jax take part in the
section `layer` where they can be imported.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from qktheory.attention.attention import Attention
from qktheory.attention.layer import score_blocks, score_buffer
from qktheory.observables.observable import find_observables
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS
from qktheory.spectra.qk_matrix import QKMatrix

Float = NDArray[np.float64]
Task = Callable[[], object]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def best_times(tasks: dict[str, Task], seconds: float, clock: str) -> dict[str, float]:
    """Return the mean over the fastest twentieth of the turns of each task, in seconds."""
    now = CLOCKS[clock]
    for task in tasks.values():
        task()
    turns: dict[str, list[float]] = {name: [] for name in tasks}
    end = time.perf_counter() + seconds * len(tasks)
    while time.perf_counter() < end:
        for name, task in tasks.items():
            start = now()
            task()
            turns[name].append(now() - start)
    return {
        name: float(np.mean(sorted(times)[: max(1, len(times) // 20)]))
        for name, times in turns.items()
    }


def bridge(seconds: float, clock: str) -> None:
    """Entropy and participation of the last row of a random walk, T = 1024, a sample at a time.

    The full simulation draws the T d normals of the walk with the same compiled generator, sums
    them in place with a compiled kernel, forms x_T W and its products with all keys in BLAS, and
    reads the row with the same fused statistic: only the reduction itself differs.
    """
    T = 1024
    print(f"\n### bridge row against full simulation, T = {T}, one thread\n")
    print("| d | full, us a sample | bridge, us a sample | ratio |\n|---|---|---|---|")
    observables = find_observables(["entropy", "participation"])
    for d in (16, 64, 256):
        ensemble = Ensemble.from_dict(
            {
                "d": d,
                "T": T,
                "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
                "tokens": {"law": "random_walk"},
            }
        )
        realization = Realization(ensemble, seed=0)
        tasks: dict[str, Task] = {}
        samples: dict[str, int] = {}
        for name in ("full", "bridge_row"):
            simulator = SIMULATORS[name](realization)
            n = max(8, simulator.call_bytes // simulator.bytes_per_sample())
            samples[name] = n
            tasks[name] = lambda simulator=simulator, n=n: simulator.measure(observables, 0, n)  # type: ignore[misc]
        with threadpool_limits(limits=1, user_api="blas"):
            best = best_times(tasks, seconds, clock)
        full, row = (1e6 * best[name] / samples[name] for name in ("full", "bridge_row"))
        print(f"| {d} | {full:.1f} | {row:.2f} | {full / row:.0f} |")


class Layer:
    """One attention layer, from tokens to the entropies of its rows, and its rivals."""

    def __init__(self, T: int, d: int) -> None:
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((T, d))
        self.matrix = QKMatrix.of(rng.standard_normal((d, d)) / d)
        self.W = np.array(self.matrix.W)
        self.queries = np.empty((T, d))
        self.scores = np.empty((T, T))
        self.statistics = np.empty((T, 5))
        self.attention = Attention()
        self.buffer = score_buffer(T)

    def products(self, rows: range | None = None) -> None:
        """X W and (X W) X^T, all rows or some, into arrays that exist already."""
        part = slice(None) if rows is None else slice(rows.start, rows.stop)
        np.matmul(self.X[part], self.W, out=self.queries[part])
        np.matmul(self.queries[part], self.X.T, out=self.scores[part])

    def entropies(self, rows: range | None = None, buffer: Float | None = None) -> None:
        buffer = self.buffer if buffer is None else buffer
        for block in score_blocks(self.X, self.matrix, 1.0, self.attention, buffer, rows):
            self.statistics[block.own_key] = block.softmax_statistics(variance=False)

    def numpy_entropies(self) -> Float:
        """Return the entropies by vectorised NumPy in preallocated arrays."""
        self.products()
        S = self.scores
        S -= S.max(axis=1, keepdims=True)
        A = np.exp(S)
        Z = A.sum(axis=1)
        return np.asarray(np.log(Z) - np.einsum("ij,ij->i", A, S) / Z)


def layer(seconds: float, clock: str) -> None:
    """Threads share the rows of a layer, or work on layers of their own, as in the engine."""
    T, d = 512, 64
    one, two = Layer(T, d), Layer(T, d)
    halves = (range(T // 2), range(T // 2, T))
    buffers = (score_buffer(T), score_buffer(T))
    with ThreadPoolExecutor(2) as pool:

        def both(first: Task, second: Task, repeat: int = 1) -> Task:
            """Return a task that runs two tasks on two threads, `repeat` times each."""
            return lambda: list(
                pool.map(lambda task: [task() for _ in range(repeat)], (first, second))
            )

        with threadpool_limits(limits=1, user_api="blas"):
            tasks: dict[str, Task] = {
                "products alone": one.products,
                "qktheory": one.entropies,
                "NumPy": one.numpy_entropies,
                **peers([one], 1),
            }
            title = f"one layer, T = {T}, d = {d}, tokens to row entropies"
            table(f"{title}, one thread", best_times(tasks, seconds, clock), 1)
            tasks = {
                "products alone": both(*(lambda r=r: one.products(r) for r in halves)),  # type: ignore[misc]
                "qktheory": both(
                    *(lambda r=r, b=b: one.entropies(r, b) for r, b in zip(halves, buffers))  # type: ignore[misc] # noqa: B905
                ),
            }
            best = best_times(tasks, seconds, clock)
        with threadpool_limits(limits=2, user_api="blas"):
            tasks = {
                "products alone by 2 BLAS threads": one.products,
                "NumPy, 2 BLAS threads": one.numpy_entropies,
                **peers([one], 2),
            }
            best |= best_times(tasks, seconds, clock)
        table(f"{title}, two threads that share its rows", best, 1)
        with threadpool_limits(limits=1, user_api="blas"):
            tasks = {
                "products alone": both(one.products, two.products, 4),
                "qktheory": both(one.entropies, two.entropies, 4),
                "NumPy": both(one.numpy_entropies, two.numpy_entropies, 4),
            }
            best = best_times(tasks, seconds, clock)
        table(f"{title}, two threads with a layer each", best, 8)


def table(title: str, best: dict[str, float], layers: int) -> None:
    print(f"\n### {title}\n\n| | ms a layer | / products alone |\n|---|---|---|")
    for name, value in best.items():
        print(f"| {name} | {1e3 * value / layers:.3f} | {value / best['products alone']:.2f} |")


def peers(layers: list[Layer], threads: int) -> dict[str, Task]:
    """Return the same layer in torch and in jax, as far as they are there."""
    tasks: dict[str, Task] = {}
    try:
        import torch

        torch.set_num_threads(threads)
        tensors = [(torch.from_numpy(one.X), torch.from_numpy(one.W)) for one in layers]

        def in_torch() -> None:
            with torch.inference_mode():
                for X, W in tensors:
                    logits = torch.log_softmax(X @ W @ X.T, dim=1)
                    torch.special.entr(logits.exp()).sum(dim=1)

        tasks["torch"] = in_torch
    except ImportError:
        pass
    try:
        import jax

        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy

        @jax.jit
        def entropies(X: object, W: object) -> object:
            logits = jax.nn.log_softmax(X @ W @ X.T, axis=1)  # type: ignore[operator, attr-defined]
            return -(jnp.exp(logits) * logits).sum(axis=1)

        arrays = [(jnp.asarray(one.X), jnp.asarray(one.W)) for one in layers]
        # Its threads cannot be set from here: it takes all there are.
        tasks["jax (all threads)"] = lambda: [
            entropies(X, W).block_until_ready()  # type: ignore[attr-defined]
            for X, W in arrays
        ]
    except ImportError:
        pass
    return tasks


_PEAK = """
from qktheory import simulate
spec = {"d": 8, "T": 16, "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
        "tokens": {"law": "random_walk"}}
simulate(spec, ["entropy", "profile"], samples=%d, seed=0)
# Not ru_maxrss, which a process inherits from the one that started it.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def memory(seconds: float, clock: str) -> None:
    """Peak resident memory of a process that draws rows of 16 logits."""
    print("\n### memory, T = 16, d = 8, entropy and profile\n")
    print("| samples | peak, MiB |\n|---|---|")
    for samples in (10_000, 100_000, 1_000_000):
        peak = min(int(run("-c", _PEAK % samples)[1]) for _ in range(2))
        print(f"| {samples} | {peak / 1024:.1f} |")


def startup(seconds: float, clock: str) -> None:
    """Wall time of processes, compiled kernels cached, the best of ten."""
    print("\n### start-up\n")
    print("| | ms | beyond bare Python |\n|---|---|---|")
    commands = {
        "python -c pass": ("-c", "pass"),
        "import qktheory": ("-c", "import qktheory"),
        "qktheory --help": ("-m", "qktheory", "--help"),
        "qktheory verify --help": ("-m", "qktheory", "verify", "--help"),
        "qktheory claims": ("-m", "qktheory", "claims"),
    }
    bare = 0.0
    for name, arguments in commands.items():
        best = min(run(*arguments)[0] for _ in range(10))
        bare = bare or best
        print(f"| {name} | {1e3 * best:.0f} | {1e3 * (best - bare):.0f} |")


def run(*arguments: str) -> tuple[float, str]:
    """Run Python and return wall time and output."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, env=os.environ
    )
    return time.perf_counter() - start, done.stdout


SECTIONS = {"bridge": bridge, "layer": layer, "memory": memory, "startup": startup}


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of the simulators.")
    parser.add_argument("--seconds", type=float, default=3.0, help="time of each contender")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what a turn is timed by")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} CPUs, "
        f"load {load:.1f}"
    )
    for name in options.only:
        SECTIONS[name](options.seconds, options.clock)


if __name__ == "__main__":
    main()
