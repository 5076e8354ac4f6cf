"""Gradients of the output of a network in the tokens of each layer."""

from __future__ import annotations

from qktheory.observables.observable import NetworkObservable, add_network_observable

__all__: list[str] = []

add_network_observable(
    NetworkObservable(
        name="log10_gradient",
        title=r"$\log_{10}$ gradient norm",
        definition=r"\log_{10} \|\partial \langle G, X_L\rangle / \partial X_l\|_F,"
        r"\ G_{ik} \sim N(0, 1/(T d))",
        bounds=lambda T: None,
        vector=True,
        compute=lambda networks: networks.gradients(),
        gradient=True,
    )
)
