"""How far the tokens of a network are from a common row, layer by layer (RANK-1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import widest_l2
from qktheory.numerics.common_row import least_norm_1, least_norm_1inf, least_norm_inf
from qktheory.numerics.spread_stack import SpreadStack
from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import NetworkObservable, add_network_observable

__all__: list[str] = []

Floats = NDArray[np.float64]


def _norm_1inf(M: Floats) -> Floats:
    size = np.abs(M)
    return np.asarray(np.sqrt(size.sum(axis=1).max(axis=1)) * np.sqrt(size.sum(axis=2).max(axis=1)))


def _frobenius(M: Floats) -> Floats:
    return np.asarray(np.sqrt((M * M).sum(axis=(1, 2))))


def _each(function: Callable[[Floats], float]) -> Callable[[Floats], Floats]:
    return lambda M: np.array([function(one) for one in M])


def _log10(norm: Callable[[Floats], Floats]) -> Callable[[NetworkPass], Floats]:
    def of_state(state: SpreadStack) -> Floats:
        return state.residual.log10(norm(state.residual.mantissa))

    return lambda networks: networks.of_states(of_state)


def _log10_relative(networks: NetworkPass) -> Floats:
    residual = _log10_residual(networks)
    columns = [stack.log10(_norm_1inf(stack.mantissa)) for stack in networks.token_stacks]
    with np.errstate(invalid="ignore"):  # of tokens that are all zero
        return residual - np.stack(columns, axis=1)


def _add(name: str, title: str, definition: str, compute: Callable[[NetworkPass], Floats]) -> None:
    add_network_observable(
        NetworkObservable(
            name=name,
            title=title,
            definition=definition,
            bounds=lambda T: None,
            vector=True,
            compute=compute,
        )
    )


_log10_residual = _log10(_norm_1inf)
_PI = r"\Pi X_l"
_add(
    "log10_residual",
    r"$\log_{10}$ residual about the mean",
    rf"\log_{{10}} \|{_PI}\|_{{1,\infty}}",
    _log10_residual,
)
_add(
    "log10_relative_residual",
    r"$\log_{10}$ relative residual",
    rf"\log_{{10}} \|{_PI}\|_{{1,\infty}} / \|X_l\|_{{1,\infty}}",
    _log10_relative,
)
_add(
    "log10_frobenius",
    r"$\log_{10} d_M$",
    rf"\log_{{10}} d_M(X_l) = \log_{{10}} \|{_PI}\|_F",
    _log10(_frobenius),
)
_add(
    "log10_diameter",
    r"$\log_{10}$ diameter of the tokens",
    r"\log_{10} \max_{i,j} |x_i - x_j|_2",
    _log10(widest_l2),
)
_add(
    "log10_median_residual",
    r"$\log_{10}$ residual about the medians",
    r"\log_{10} \min_c \|X_l - 1 c^T\|_1",
    _log10(_each(least_norm_1)),
)
_add(
    "log10_chebyshev_residual",
    r"$\log_{10}$ residual about the $\ell_1$ Chebyshev centre",
    r"\log_{10} \min_c \|X_l - 1 c^T\|_\infty",
    _log10(_each(least_norm_inf)),
)
_add(
    "log10_best_residual",
    r"$\log_{10}$ residual about the best common row",
    r"\log_{10} \min_c \|X_l - 1 c^T\|_{1,\infty}",
    _log10(_each(least_norm_1inf)),
)
