"""Networks of attention layers, from random numbers to all observables, against a loop in torch.

Usage: python benchmarks/networks.py [--seconds S] [--networks N] [--threads N] [--torch-threads N]

A batch of N networks, T = 16, d = 32, H = 4 heads of width 8, L = 12 layers, plain skips, double
precision. Both draw tokens and weights, run forward, and take of every layer: residuals,
diameter, ranks and cosine of the tokens, ergodicity coefficient, score diameter, spectral gap,
entropy and ranks of the attention, gradient norms. Residuals about the best common row (a linear
programme a state), sinks and paths are left out on either side. The loop treats one network at a
time, its heads at once, as a script in torch does. Contenders take turns; the fastest quarter
counts.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import qktheory as qk
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.simulate import Simulation

T, D, H, D_K, L = 16, 32, 4, 8, 12
#: What the loop computes too.
OBSERVED = [
    "log10_residual",
    "log10_relative_residual",
    "log10_frobenius",
    "log10_diameter",
    "token_stable_rank",
    "gram_stable_rank",
    "log10_token_stable_rank_excess",
    "log10_gram_stable_rank_excess",
    "token_effective_rank",
    "mean_cosine",
    "ergodicity_coefficient",
    "score_diameter",
    "spectral_gap",
    "layer_entropy",
    "layer_stable_rank",
    "layer_effective_rank",
    "log10_gradient",
]


def ensemble() -> Ensemble:
    """Return the experiment, Xavier weights as in RANK-11."""
    head = {"model": "gaussian_factors", "d_k": D_K, "scale": (D_K / D) ** 0.5}
    return Ensemble.from_dict(
        {
            "d": D,
            "T": T,
            "matrix": {**head, "draw": "every_sample"},
            "attention": {"temperature": D_K**0.5},
            "network": {"depth": L, "heads": H, "skip": "plain", "value": head},
        }
    )


def ours(networks: int, threads: int, names: list[str]) -> Callable[[], Any]:
    """Return the task of the package: estimates of all observables."""
    experiment = ensemble()

    def run() -> Any:
        simulation = Simulation.prepare(experiment, names, seed=0, threads=threads)
        return simulation.extend(networks)

    return run


def torch_loop(networks: int) -> Callable[[], Any]:
    """Return the task of the loop: values of all observables."""
    import torch

    torch.set_default_dtype(torch.float64)

    def moduli(M: Any) -> Any:
        try:
            return torch.linalg.eigvals(M).abs()
        except torch.linalg.LinAlgError:  # once in a few thousand calls, on harmless matrices
            return torch.from_numpy(np.abs(np.linalg.eigvals(M.numpy())))

    def one() -> list[Any]:
        X = torch.randn(T, D, requires_grad=True)
        states, weights, scores = [X], [], []
        for _ in range(L):
            W_Q, W_K, W_V = (torch.randn(H, D, D_K) / D**0.5 for _ in range(3))
            W_O = torch.randn(H, D_K, D) / D**0.5
            Q, K, V = X @ W_Q, X @ W_K, X @ W_V
            S = Q @ K.mT / D_K**0.5
            P = torch.softmax(S, dim=-1)
            X = X + (P @ V @ W_O).sum(0)
            states.append(X)
            weights.append(P.detach())
            scores.append(S.detach())
        G = torch.randn(T, D) / (T * D) ** 0.5
        gradients = torch.autograd.grad(X, states, grad_outputs=G)
        found: list[Any] = [torch.log10(torch.linalg.norm(g)) for g in gradients]
        with torch.no_grad():
            for X in states:
                R = X - X.mean(0)
                size = torch.sqrt(R.abs().sum(0).max() * R.abs().sum(1).max())
                whole = torch.sqrt(X.abs().sum(0).max() * X.abs().sum(1).max())
                s = torch.linalg.svdvals(X)
                p = s / s.sum()
                ratios = (s[1:] / s[0]) ** 2
                Y = X / torch.linalg.norm(X, dim=1, keepdim=True)
                found += [
                    torch.log10(size),
                    torch.log10(size / whole),
                    torch.log10(torch.linalg.norm(R)),
                    torch.log10(torch.cdist(X, X).max()),
                    1 + ratios.sum(),
                    1 + (ratios**2).sum(),
                    torch.log10(ratios.sum()),
                    torch.log10((ratios**2).sum()),
                    torch.exp(-(p * torch.log(p)).sum()),
                    ((Y @ Y.mT).sum() - T) / (T * (T - 1)),
                ]
            for P, S in zip(weights, scores, strict=True):
                s = torch.linalg.svdvals(P)
                p = s / s.sum(dim=-1, keepdim=True)
                apart = S[:, :, None] - S[:, None]
                others = moduli(P[:, 1:, 1:] - P[:, :1, 1:])
                found += [
                    torch.cdist(P, P, p=1).amax((1, 2)).mean() / 2,
                    (apart.amax(-1) - apart.amin(-1)).amax((1, 2)).mean(),
                    1 - others.amax(-1).mean(),
                    torch.special.entr(P).sum(-1).mean(),
                    ((s / s[:, :1]) ** 2).sum(-1).mean(),
                    torch.exp(torch.special.entr(p).sum(-1)).mean(),
                ]
        return found

    return lambda: [one() for _ in range(networks)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    # Its operations are too small to share: more threads only wait for each other.
    parser.add_argument("--torch-threads", type=int, default=1)
    options = parser.parse_args()
    tasks = {"qktheory, all": ours(options.networks, options.threads, OBSERVED)}
    residuals = ours(options.networks, options.threads, ["log10_residual"])
    tasks["qktheory, residuals"] = residuals
    try:
        import torch

        torch.set_num_threads(options.torch_threads)
        tasks[f"torch {torch.__version__}, loop"] = torch_loop(options.networks)
    except ImportError:
        print("torch is not installed")
    turns: dict[str, list[float]] = {name: [] for name in tasks}
    with threadpool_limits(1, "blas"):
        for task in tasks.values():
            task()
        end = time.perf_counter() + options.seconds
        while time.perf_counter() < end:
            for name, task in tasks.items():
                start = time.perf_counter()
                task()
                turns[name].append(time.perf_counter() - start)
    print(f"qktheory {qk.__version__}, {platform.processor() or platform.machine()}")
    best = {name: float(np.mean(sorted(t)[: max(1, len(t) // 4)])) for name, t in turns.items()}
    for name, seconds in best.items():
        ratio = best[name] / best["qktheory, all"]
        print(f"{name:28} {1e3 * seconds:9.1f} ms for {options.networks} networks {ratio:6.2f}")


if __name__ == "__main__":
    main()
