"""What the simulators cost: ratios of one run, memory, start-up.

Usage: python benchmarks/simulation.py [--seconds S] [--only SECTION ...] [--clock wall|cpu]

Sections: bridge (a reduced row against the full simulation), layer (tokens to row entropies
against the matrix products alone), memory, startup. Contenders of a table take turns many times
over and the best turn of each counts, so what else runs on the machine hits all alike. On a busy
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
from qktheory.kernels import row_statistics
from qktheory.observables.observable import find_observables
from qktheory.simulation.engine import _CHUNK_BYTES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS
from qktheory.spectra.qk_matrix import QKMatrix

Float = NDArray[np.float64]
Task = Callable[[], object]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def best_times(tasks: dict[str, Task], seconds: float, clock: str = "wall") -> dict[str, float]:
    """Return the best time of each task in seconds, from turns taken one after the other."""
    now = CLOCKS[clock]
    for task in tasks.values():
        task()
    best = dict.fromkeys(tasks, float("inf"))
    end = time.perf_counter() + seconds * len(tasks)
    while time.perf_counter() < end:
        for name, task in tasks.items():
            start = now()
            task()
            best[name] = min(best[name], now() - start)
    return best


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
            n = max(8, _CHUNK_BYTES // simulator.bytes_per_sample())
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
        self.statistics = np.empty((T, 6))
        self.attention = Attention()
        self.buffer = score_buffer(T)

    def products(self) -> None:
        """X W and (X W) X^T, into arrays that exist already."""
        np.matmul(self.X, self.W, out=self.queries)
        np.matmul(self.queries, self.X.T, out=self.scores)

    def entropies(self) -> None:
        for first, block in score_blocks(self.X, self.matrix, 1.0, self.attention, self.buffer):
            row_statistics(block, out=self.statistics[first : first + len(block)])

    def numpy_entropies(self) -> Float:
        """Return the entropies by vectorised NumPy in preallocated arrays."""
        self.products()
        S = self.scores
        S -= S.max(axis=1, keepdims=True)
        A = np.exp(S)
        Z = A.sum(axis=1)
        return np.asarray(np.log(Z) - np.einsum("ij,ij->i", A, S) / Z)


def layer(seconds: float, clock: str) -> None:
    """Threads work on layers of their own (samples), one BLAS thread each, as in the engine."""
    T, d = 512, 64
    print(f"\n### one layer, T = {T}, d = {d}, tokens to row entropies\n")
    print("| threads | | ms a layer | / products alone |\n|---|---|---|---|")
    for threads, turns in ((1, 1), (2, 4)):
        layers = [Layer(T, d) for _ in range(threads)]
        with ThreadPoolExecutor(threads) as pool:

            def task(
                method: str,
                layers: list[Layer] = layers,
                turns: int = turns,
                pool: ThreadPoolExecutor = pool,
            ) -> Task:
                """Return a task in which each thread calls a method of its layer `turns` times."""
                calls = [getattr(one, method) for one in layers]
                if len(calls) == 1 and turns == 1:
                    return calls[0]  # type: ignore[no-any-return]
                return lambda: list(pool.map(lambda call: [call() for _ in range(turns)], calls))

            tasks = {
                "products alone": task("products"),
                "qktheory": task("entropies"),
                "NumPy": task("numpy_entropies"),
                **peers(layers * turns, threads),
            }
            with threadpool_limits(limits=1, user_api="blas"):
                best = best_times(tasks, seconds, clock)
        for name, value in best.items():
            ratio = value / best["products alone"]
            print(f"| {threads} | {name} | {1e3 * value / (threads * turns):.3f} | {ratio:.2f} |")


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
