"""Speed of the kernels, in nanoseconds per number, against NumPy and other packages in one run.

Usage: python benchmarks/kernels.py [--seconds S] [--rows R]

Every contender of a table works in double precision on preallocated arrays and is timed in short
turns, one after the other and many times over; the best turn counts, so what else runs on the
machine hits all alike. torch and jax are included where they can be imported.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import (
    bridge_rows,
    erf_array,
    exp_array,
    fill_normals,
    fill_uniforms,
    log_array,
    row_statistics,
    sincos_turns_array,
    softmax_rows,
)

Float = NDArray[np.float64]
Task = Callable[[], object]


def time_tasks(tasks: dict[str, Task], numbers: int, seconds: float) -> dict[str, float]:
    """Return the best time of each task in ns per number."""
    for task in tasks.values():
        task()
    best = dict.fromkeys(tasks, float("inf"))
    end = time.perf_counter() + seconds * len(tasks)
    while time.perf_counter() < end:
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: 1e9 * value / numbers for name, value in best.items()}


def print_table(title: str, results: dict[str, float], *baselines: str) -> None:
    """Print times and, for each baseline, how many times slower it is."""
    print(f"\n### {title}\n\n| | ns per number |", *(f"{b} / this |" for b in baselines))
    print("|---|" + "---|" * (1 + len(baselines)))
    for name, value in results.items():
        print(f"| {name} | {value:.2f} |", *(f"{results[b] / value:.1f} |" for b in baselines))


class NumPyRows:
    """Entropy and participation of softmax rows in plain vectorised NumPy, preallocated."""

    def __init__(self, rows: int, length: int) -> None:
        self.weights = np.empty((rows, length))
        self.column = np.empty((rows, 1))

    def __call__(self, logits: Float) -> tuple[Float, Float]:
        """Overwrite the logits with shifted ones."""
        np.max(logits, axis=1, keepdims=True, out=self.column)
        np.subtract(logits, self.column, out=logits)
        np.exp(logits, out=self.weights)
        np.sum(self.weights, axis=1, keepdims=True, out=self.column)
        np.divide(self.weights, self.column, out=self.weights)
        log_z = np.log(self.column[:, 0])
        entropy = log_z - np.einsum("ij,ij->i", self.weights, logits)
        return entropy, np.einsum("ij,ij->i", self.weights, self.weights)

    def by_definition(self, logits: Float) -> tuple[Float, Float]:
        """Return -sum A log A and sum A^2 as they are written, overwriting the logits."""
        np.max(logits, axis=1, keepdims=True, out=self.column)
        np.subtract(logits, self.column, out=logits)
        np.exp(logits, out=self.weights)
        np.sum(self.weights, axis=1, keepdims=True, out=self.column)
        np.divide(self.weights, self.column, out=self.weights)
        np.log(self.weights, out=logits)
        np.multiply(logits, self.weights, out=logits)
        entropy = -np.sum(logits, axis=1)
        np.multiply(self.weights, self.weights, out=logits)
        return entropy, np.sum(logits, axis=1)


def elementary(seconds: float) -> None:
    x = np.random.default_rng(0).standard_normal(16_384)
    out = np.empty_like(x)
    tasks: dict[str, Task] = {
        "numpy exp": lambda: np.exp(x, out=out),
        "exp": lambda: exp_array(x),
        "log": lambda: log_array(x),
        "sin and cos of turns": lambda: sincos_turns_array(x),
        "erf": lambda: erf_array(x),
    }
    print_table(
        "Elementary functions, 16384 numbers", time_tasks(tasks, x.size, seconds), "numpy exp"
    )


def random_numbers(seconds: float) -> None:
    long, short = np.empty((256, 512)), np.empty((40_000, 3))
    pcg, philox = np.random.default_rng(0), np.random.Generator(np.random.Philox(0))
    tasks: dict[str, Task] = {
        "numpy PCG64, ziggurat": lambda: pcg.standard_normal(out=long),
        "numpy Philox, ziggurat": lambda: philox.standard_normal(out=long),
        "addressed normals": lambda: fill_normals(1, 2, 3, 4, long),
        "addressed uniforms": lambda: fill_uniforms(1, 2, 3, 4, long),
        "addressed normals, 3 a sample": lambda: fill_normals(1, 2, 3, 4, short),
    }
    results = time_tasks(tasks, long.size, seconds)
    results["addressed normals, 3 a sample"] *= long.size / short.size
    print_table("Random numbers, (256, 512)", results, "numpy PCG64, ziggurat")


def statistics(seconds: float) -> None:
    logits = 2.0 * np.random.default_rng(0).standard_normal((512, 512))
    scratch, weights = np.empty_like(logits), np.empty_like(logits)
    out, few = np.empty((512, 6)), np.empty((512, 5))
    numpy_rows = NumPyRows(512, 512)
    tasks: dict[str, Task] = {
        "numpy: entropy, participation": lambda: (np.copyto(scratch, logits), numpy_rows(scratch)),
        "row_statistics": lambda: row_statistics(logits, out),
        "row_statistics without variance": lambda: row_statistics(logits, few, variance=False),
        "softmax_rows": lambda: softmax_rows(logits, weights),
        "copy and bridge_rows": lambda: (np.copyto(scratch, logits), bridge_rows(scratch)),
    }
    results = time_tasks(tasks, logits.size, seconds)
    print_table("Rows, (512, 512)", results, "numpy: entropy, participation")


def kernel_blocks(
    rows: int, length: int, threads: int, pool: ThreadPoolExecutor
) -> Callable[[], object]:
    """Return the task "rows of normals and their statistics" on so many threads."""
    block = 128  # 1 MB stays in the second-level cache, and calls from Python cost little
    buffers = [np.empty((block, length)) for _ in range(threads)]
    results = np.empty((rows, 5))

    def work(thread: int) -> None:
        for first in range(thread * block, rows, threads * block):
            fill_normals(1, 2, 3, first, buffers[thread])
            row_statistics(buffers[thread], results[first : first + block], variance=False)

    if threads == 1:
        return lambda: work(0)
    return lambda: list(pool.map(work, range(threads)))


def peers(rows: int, length: int) -> Iterator[tuple[str, Task]]:
    """Yield the same task for the packages that are there."""
    with contextlib.suppress(ImportError):
        import torch

        noise = torch.empty((rows, length), dtype=torch.float64)

        def torch_task(threads: int) -> Task:
            def task() -> object:
                torch.set_num_threads(threads)
                noise.normal_()
                log_a = torch.log_softmax(noise, dim=1)
                a = log_a.exp()
                return -(a * log_a).sum(dim=1), (a * a).sum(dim=1)

            return task

        for threads in (1, 2):
            yield f"torch {torch.__version__}, {threads} thread(s)", torch_task(threads)
    with contextlib.suppress(ImportError):
        import jax

        jax.config.update("jax_enable_x64", True)

        @jax.jit
        def jax_rows(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            log_a = jax.nn.log_softmax(jax.random.normal(key, (rows, length)), axis=1)
            a = jax.numpy.exp(log_a)
            return -(a * log_a).sum(axis=1), (a * a).sum(axis=1)

        key = jax.random.key(0)
        yield f"jax {jax.__version__}, all threads", lambda: jax.block_until_ready(jax_rows(key))


def headline(rows: int, length: int, seconds: float) -> None:
    generator = np.random.default_rng(0)
    buffer, numpy_rows = np.empty((32, length)), NumPyRows(32, length)

    def numpy_task(statistics: Callable[[Float], object]) -> Task:
        def task() -> None:
            for _ in range(0, rows, 32):
                statistics(generator.standard_normal(out=buffer))

        return task

    with ThreadPoolExecutor(2) as pool:
        tasks: dict[str, Task] = {
            "numpy, entropy as log Z - mean": numpy_task(numpy_rows),
            "numpy, entropy as -sum A log A": numpy_task(numpy_rows.by_definition),
            "qktheory, 1 thread": kernel_blocks(rows, length, 1, pool),
            "qktheory, 2 threads": kernel_blocks(rows, length, 2, pool),
            **dict(peers(rows, length)),
        }
        results = time_tasks(tasks, rows * length, seconds)
    title = f"Monte Carlo rows, T = {length}: normals, entropy and participation"
    print_table(title, results, "numpy, entropy as log Z - mean", "numpy, entropy as -sum A log A")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="a contender, per table")
    parser.add_argument("--rows", type=int, default=4096, help="rows of a turn of the last table")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} CPUs; Python {platform.python_version()}, "
        f"numpy {np.__version__}, numba {numba.__version__}"
    )
    elementary(options.seconds)
    random_numbers(options.seconds)
    statistics(options.seconds)
    headline(options.rows, 1024, options.seconds)


if __name__ == "__main__":
    main()
