"""Random valid parameters of a claim, from the domains it declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from qktheory.base.shapes import Array
from qktheory.spectra.law import LAWS
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Identity, PathwiseBound


def random_parameters(claim: Claim, seed: int) -> dict[str, Any]:
    """Draw until the claim accepts; matrices and lists that belong together get one size."""
    rng = np.random.default_rng(seed)
    for attempt in range(200):
        drawn = {p.name: p.domain.sample(rng) for p in claim.parameters}
        for p in claim.parameters:  # what may be left out is, every other time
            if p.default is None and rng.random() < 0.5:
                del drawn[p.name]
        d = int(rng.integers(1, 5))
        if "W_QK" in drawn:
            drawn["W_QK"] = rng.normal(size=(d, d)) / d
        if "X" in drawn:
            drawn["X"] = rng.normal(size=(int(rng.integers(1, 5)), d))
        for name in ("W_V", "W_in", "W_out"):
            if name in drawn:
                drawn[name] = rng.normal(size=(d, d))
        for name in ("bias", "reference"):
            if name in drawn:
                drawn[name] = rng.normal(size=d)
        for name in ("probabilities_p", "probabilities_q", "probabilities"):
            if name in drawn:
                drawn[name] = rng.dirichlet(np.ones(d))
        if "P" in drawn:
            drawn["P"] = rng.dirichlet(np.ones(d), size=d)
            if "vector" in drawn:
                drawn["vector"] = rng.normal(size=d)
        if "path_length" in drawn:
            drawn["path_length"] = int(rng.integers(0, drawn["L"] + 1))
        if "B_score" in drawn and "X" in drawn:
            drawn["B_score"] = rng.normal(size=(len(drawn["X"]),) * 2)
        if "x" in drawn and "W_QK" in drawn:
            drawn["x"] = rng.normal(size=d)
        for name in ("q", "x0", "x0_prime"):
            if np.ndim(drawn.get(name, 0.0)) == 1:  # q is also the order of a moment
                drawn[name] = 0.5 * rng.normal(size=d)
        for name in ("K", "Omega", "X_prime", "Q"):
            if name in drawn:
                drawn[name] = 0.5 * rng.normal(size=(int(rng.integers(1, 5)), d))
        for name in ("W_Q", "W_K"):
            if name in drawn:
                drawn[name] = 0.3 * rng.normal(size=(d, 2))
        if "V" in drawn and "K" in drawn:
            drawn["V"] = rng.normal(size=(len(drawn["K"]), 2))
        if "feature_count" in drawn and "d" in drawn:
            drawn["feature_count"] = int(rng.integers(1, drawn["d"] + 1))
        if "g" in drawn:
            drawn["g"] = rng.normal(size=len(drawn["eigenvalues"]))
        for name in ("key", "key_2"):
            if name in drawn:
                drawn[name] = int(rng.integers(1, drawn["T"] + 1))
        if "eigenvalue_imag_parts" in drawn:  # both eigenvalues of every pair
            real, imag = drawn["eigenvalue_real_parts"], rng.normal(size=int(rng.integers(0, 3)))
            alone = rng.normal(size=imag.size)
            drawn["eigenvalue_real_parts"] = [*real, *alone, *alone]
            drawn["eigenvalue_imag_parts"] = [*np.zeros(real.size), *imag, *(-imag)]
        if "law" in drawn:
            # A law takes its own parameters only, beside those of the claim that every law has.
            own = {p.name for p in LAWS[drawn["law"]].parameters}
            shapes = {p.name for name in LAWS for p in LAWS[name].parameters}
            drawn = {k: v for k, v in drawn.items() if k in own or k not in shapes}
        if "attention_matrices" in drawn:  # shapes that chain
            drawn["X"] = rng.normal(size=(2, 2))
            drawn["layer"] = int(rng.integers(1, len(drawn["attention_matrices"]) + 1))
        if "keys" in drawn:
            drawn["keys"] = [1, int(rng.integers(1, drawn["T"] + 1))]
        lengths: dict[str, int] = {}
        for p in claim.parameters:
            if isinstance(p.domain, Array) and p.name in drawn:
                drawn[p.name] = p.domain.sample_with(rng, lengths)
        if "mean_self_weight" in drawn:
            drawn["mean_self_weight"][0] = 1.0
        own = [draw for j in claim.judged_by if (draw := getattr(j, "draw", None))]
        if attempt >= 20 and own and isinstance(claim.judged_by[0], Identity | PathwiseBound):
            drawn = dict(own[0](rng))  # inputs that are related in other ways
        try:
            claim.checked(drawn)
        except ValueError:
            continue
        return drawn
    raise AssertionError(f"no valid parameters of {claim.id} in 200 draws")
