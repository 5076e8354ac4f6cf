"""Networks of attention layers from drawn tokens and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.forward import LayerRule, LayerWeights, layer_step
from qktheory.attention.head_map import DrawnMaps, HeadMap
from qktheory.attention.network import Network
from qktheory.base.cached import cached_property
from qktheory.numerics.spread_stack import SpreadStack
from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import NetworkObservable, Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, Simulator
from qktheory.spectra.substreams import substream

__all__ = ["NetworkSimulator"]

#: Weights of a network up to this size are kept from the forward pass for the backward one.
_KEPT_BYTES = 1 << 22

FloatArray = NDArray[np.float64]


class NetworkSimulator(Simulator):
    """Draw tokens, send them through all layers, a batch of networks at a time.

    Tokens are a common row and a spread with an exponent each (RANK-4), so residuals of 1e-2000 are
    ordinary. With ``draw = "every_sample"`` in [matrix] every sample has weights of its own;
    otherwise all weights are those of sample 0. Head h of layer l of sample k is matrix number
    k H + h of the stream of layer l: the first layer of one head has the W of a single layer.
    """

    name = "network"
    networks = True
    # A layer is a hundred calls of NumPy: they are worth a batch beyond the cache.
    call_bytes = 1 << 25

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Serve gradients of softmax networks, and score diameters where no key is masked."""
        network, attention = ensemble.network, ensemble.attention
        if network is None or not isinstance(observable, NetworkObservable):
            return "the experiment has no [network]"
        if observable.gradient and attention.normalizer != "softmax":
            return f"gradients are those of a softmax, not of {attention.normalizer!r}"
        if observable.unmasked and network.masked(attention.mask):
            return "with masked keys it is infinite"
        if observable.linear:
            if network.layer_norm != "none" or network.mlp is not None:
                return "with LayerNorm or an MLP the output is no sum over paths"
            if network.skip_factor == 0.0:
                return "without skip connections all paths use all layers"
            if not attention.normalize.stochastic:
                return "paths carry common rows only where rows of attention sum to one"
        return None

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """Count the products of all layers, and the weights where they are drawn."""
        network = ensemble.network
        assert network is not None
        T, d, H = float(ensemble.T), float(ensemble.d), network.heads
        hidden = 0 if network.mlp is None else network.mlp.width
        products = H * (3.0 * T * d * d + 2.0 * T * T * d) + 2.0 * T * d * hidden
        drawn = H * 2.0 * ensemble.matrix_work + 4.0 * d * hidden * ensemble.redraws_matrix
        return T * d + network.depth * (products + drawn)

    def bytes_per_sample(self) -> int:
        """Tokens of all states, scores and weights of all layers, maps of one layer."""
        network = self._network
        T, d, H, L = self.ensemble.T, self.ensemble.d, network.heads, network.depth
        hidden = 0 if network.mlp is None else network.mlp.width
        kept = (L + 1) * T * d + L * H * T * (3 * T + 3)
        working = 6 * H * T * T + 8 * H * T * d + 4 * T * hidden
        maps = self._map_entries if self.ensemble.redraws_matrix else 0
        return 8 * (kept + working + maps * (L if self._keeps_weights else 1))

    @cached_property
    def _map_entries(self) -> int:
        """Numbers that the maps of a layer have, at most; counted where they are cheap to draw."""
        network, d = self._network, self.ensemble.d
        hidden = 0 if network.mlp is None else network.mlp.width
        bound = 4 * network.heads * d * d + 2 * d * hidden
        if 8 * bound > _KEPT_BYTES:
            return bound
        drawn = self._draw(0, 0, 1)
        maps = [drawn.query_key, drawn.value, drawn.output]
        arrays = [a for m in maps if m is not None for a in (m.left, m.right) if a is not None]
        return sum(array.size for array in (*arrays, *(drawn.mlp or ())))

    @cached_property
    def _keeps_weights(self) -> bool:
        """Whether drawn weights stay for the way back: small ones do, others are drawn again."""
        entries = self._network.depth * self._map_entries
        return self.ensemble.redraws_matrix and 8 * entries <= _KEPT_BYTES

    @property
    def _network(self) -> Network:
        assert self.ensemble.network is not None
        return self.ensemble.network

    @cached_property
    def rule(self) -> LayerRule:
        """What all layers share."""
        ensemble, network = self.ensemble, self._network
        return LayerRule.of(
            network,
            ensemble.T,
            self.attention.mask,
            self.realization.temperature,
            self.attention.normalize,
        )

    def weights(self, layer: int, first_sample: int, n: int) -> LayerWeights:
        """Return the weights of one layer of the networks of some samples.

        Parameters
        ----------
        layer : int
            Number of the layer, from 0.
        first_sample, n : int
            Samples first_sample .. first_sample + n - 1.
        """
        if not self.ensemble.redraws_matrix:
            return self._fixed_weights(layer)
        return self._draw(layer, first_sample, n)

    def _fixed_weights(self, layer: int) -> LayerWeights:
        number = 0 if self._network.weights == "shared" else layer
        if number not in self._kept:
            self._kept[number] = self._draw(number, 0, 1)
        return self._kept[number]

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        self._kept: dict[int, LayerWeights] = {}

    def _draw(self, layer: int, first: int, n: int) -> LayerWeights:
        ensemble, network = self.ensemble, self._network
        layer = 0 if network.weights == "shared" else layer
        d, H = ensemble.d, network.heads

        def heads(maps: HeadMap, label: str) -> DrawnMaps:
            stream = self.realization.stream(label)
            if layer:
                stream = substream(stream, f"layer {layer}")
            drawn = maps.draw(d, stream, first * H, n * H)
            count = len(drawn.left)
            return drawn.reshape(n, H) if count == n * H else drawn.reshape(1, count)

        mlp = None
        if network.mlp is not None:
            p = network.mlp.width
            stream = substream(self.realization.stream("network.mlp"), f"layer {layer}")
            entries = stream.normals(first, n, 2 * d * p)
            M_in = entries[:, : d * p].reshape(n, d, p) * (network.mlp.gain_in / d**0.5)
            M_out = entries[:, d * p :].reshape(n, p, d) * (network.mlp.gain_out / p**0.5)
            mlp = (M_in, M_out)
        return LayerWeights(
            heads(HeadMap(ensemble.matrix, ensemble.spectrum), "matrix"),
            heads(network.value, "network.value"),
            None if network.output is None else heads(network.output, "network.output"),
            mlp,
        )

    def passes(self, first_sample: int, n: int) -> NetworkPass:
        """Return the forward passes of samples first_sample .. first_sample + n - 1.

        Raises
        ------
        ValueError
            If tokens or scores leave the range of double precision, or LayerNorm meets a token of
            constant features, with the layer.
        """
        states = [SpreadStack.of(self.realization.tokens(first_sample, n))]
        layers = []
        drawn: dict[int, LayerWeights] = {}
        for layer in range(self._network.depth):
            weights = self.weights(layer, first_sample, n)
            if self._keeps_weights:
                drawn[layer] = weights
            try:
                tokens, record = layer_step(states[-1], weights, self.rule)
            except ArithmeticError as error:
                raise ValueError(f"network.depth: layer {layer + 1} fails, {error}") from None
            states.append(tokens)
            layers.append(record)
        return NetworkPass(
            states,
            layers,
            self.rule,
            lambda layer: drawn.get(layer) or self.weights(layer, first_sample, n),
            lambda: self._cotangent(first_sample, n),
            lambda: self._turns(first_sample, n),
        )

    def _cotangent(self, first_sample: int, n: int) -> FloatArray:
        T, d = self.ensemble.T, self.ensemble.d
        normals = self.realization.stream("network.cotangent").normals(first_sample, n, T * d)
        return np.asarray(normals.reshape(n, T, d) / float(T * d) ** 0.5)

    def _turns(self, first_sample: int, n: int) -> FloatArray:
        stream = self.realization.stream("network.paths")
        return np.asarray(stream.uniforms(first_sample, n, self._network.depth))

    def measure(
        self, observables: Sequence[Observable], first_sample: int, n: int
    ) -> list[FloatArray]:
        """Return the observables of n networks; see `Simulator.measure`."""
        networks = self.passes(first_sample, n)
        found = []
        for observable in observables:
            try:
                values = cast(NetworkObservable, observable).compute(networks).reshape(n, -1)
            except ArithmeticError as error:
                raise ValueError(f"{observable.name} has no value: {error}") from None
            bad = np.argwhere(~np.isfinite(values))
            if bad.size:
                sample, place = bad[0].tolist()
                layer = place if observable.vector else self._network.depth
                raise ValueError(
                    f"{observable.name} of sample {first_sample + sample} has no finite value at "
                    f"{cast(NetworkObservable, observable).of} {layer}: expected tokens that "
                    "differ from each other and are not all zero"
                )
            found.append(values)
        return found


SIMULATORS.add(NetworkSimulator.name, NetworkSimulator)
