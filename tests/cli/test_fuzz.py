"""Any specification and any parameters: finite numbers or a ValueError, never anything else."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qktheory.cli.parameters import parse_assignments, parse_value
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.simulate import Simulation
from qktheory.simulation.specification import Specification
from qktheory.theorems.catalogue import applicability, claims, evaluate, evaluate_batch
from qktheory.theorems.claim import CLAIMS

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

#: Values at which arithmetic breaks, and values of every wrong type.
HOSTILE: list[Any] = [
    *(0, 1, -1, 2, 0.5, -0.5, 1e-9, 1e-300, 5e-324, 1e160, 1e300, -1e300, 1e16, 10**18, 10**400),
    *(math.nan, math.inf, -math.inf, True, None, "", "x", "@", "@nope.npy", "@.", {}, {"law": "x"}),
    *([], [1.0], [0, 0], [1, 2, 3], [math.nan], [None], ["a"], [True], [1e300, 1e300]),
    *([1e-300, 1.0], [1e160, -1e160], [[]], [[1, 2], [3, 4]], [[1, 2], [3]], [[0, 0], [0, 0]]),
    *([[1e200, 0], [0, 1e200]], [[1e-200, 0], [0, 1]], {"law": "point", "location": 0.1}),
]
hostile = st.sampled_from(HOSTILE)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def must_be_a_message(error: ValueError) -> None:
    """Refuse subclasses: no convergence and bad encoding are faults and not messages."""
    assert type(error) is ValueError
    assert str(error)


# --- evaluate -------------------------------------------------------------------------------------


def finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(finite(entry) for entry in value)
    return isinstance(value, int | float) and math.isfinite(value)


#: Claims of a single value that does not exist everywhere: a ratio of errors is 0/0 at x = -y.
ALL_MAY_BE_ABSENT = ("ZOO-RF-4a",)


def values_or_value_error(claim: str, parameters: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            values = evaluate(claim, **parameters)
        except ValueError as error:
            must_be_a_message(error)
        else:
            assert values or claim in ALL_MAY_BE_ABSENT
            assert all(finite(value) for value in values.values())
            json.dumps(values, allow_nan=False)


@pytest.mark.parametrize("claim", [claim.id for claim in claims()])
def test_any_parameters(claim: str) -> None:
    """Valid parameters, of which some are replaced by hostile values, are missing or unknown."""
    declared = CLAIMS[claim]
    rng = np.random.default_rng(sum(map(ord, claim)))
    for _ in range(40):
        parameters: dict[str, Any] = {}
        for parameter in declared.parameters:
            chance = rng.random()
            if chance < 0.6:
                drawn = parameter.domain.sample(rng)
                parameters[parameter.name] = (
                    drawn.tolist() if isinstance(drawn, np.ndarray | np.generic) else drawn
                )
            elif chance < 0.93:
                parameters[parameter.name] = HOSTILE[rng.integers(len(HOSTILE))]
        if rng.random() < 0.05:
            parameters["self"] = 1
        values_or_value_error(claim, parameters)


@SETTINGS
@given(st.lists(anything | st.fixed_dictionaries({"id": anything, "parameters": anything})))
def test_any_batch(entries: list[Any]) -> None:
    answers = evaluate_batch(entries)
    assert len(answers) == len(entries)
    assert all(("error" in answer) != ("values" in answer) for answer in answers)


@SETTINGS
@given(st.text())
def test_any_word_is_a_value(text: str) -> None:
    parse_value(text)


@SETTINGS
@given(st.lists(st.text(max_size=8)))
def test_any_words_are_assignments_or_refused(words: list[str]) -> None:
    try:
        parse_assignments(words)
    except ValueError as error:
        must_be_a_message(error)


# --- specifications -------------------------------------------------------------------------------

OWN: dict[str, dict[str, Any]] = {
    "point": {"location": 0.1},
    "two_point": {"p": 0.5, "a": 1.0, "b": -1.0},
    "uniform": {"low": -1.0, "high": 1.0},
    "semicircle": {"mean": 0.0, "std": 1.0},
    "spiked": {"bulk": {"law": "point", "location": 0.1}, "spikes": [2.0]},
    "list": {"eigenvalues": [1.0, 0.5]},
}
TARGETS = ({"mean": 0.3, "variance": 0.2}, {"xi": 1.0, "eta": 3.0}, {"xi": 0.0, "eta": 1.0}, {})
OBSERVABLES = (
    ["entropy"],
    ["entropy", "rho", "profile"],
    ["stable_rank", "effective_rank"],
    ["y_3", "y_0.5", "max_weight", "participation"],
    ["logit", "alive_fraction", "self_weight", "centred_logit"],
)


TOKENS = ("iid", "random_walk", "equicorrelated", "sphere", "ar1", "simplex", "fixed")


NETWORK_OBSERVABLES = (
    ["log10_residual", "log10_relative_residual", "mean_cosine"],
    ["token_stable_rank", "final_token_effective_rank", "log10_gradient"],
    ["spectral_gap", "ergodicity_coefficient", "layer_entropy", "layer_stable_rank"],
)


@st.composite
def networks(draw: st.DrawFn, d: int, T: int) -> dict[str, Any]:
    """A [network] table that fits width and number of tokens, most of the time."""
    pick = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    maps = (
        {"model": "ginibre"},
        {"W": np.eye(d).tolist()},
        {"model": "gaussian_factors", "d_k": 1},
    )
    optional: dict[str, Any] = {
        "heads": pick(1, 2),
        "weights": pick("fresh", "shared"),
        "layer_norm": pick("none", "pre", "post"),
        "norm_eps": pick(0.0, 1e-5, 1.0),
        "mlp": pick({"width": 2}, {"width": 3, "activation": "gelu", "skip": True}),
        "output": pick(*maps),
        "window": pick(0, 1),
        "position_bias": pick(0.5, [0.1] * T, np.eye(T).tolist()),
        "visible": np.tri(T).tolist(),
        "query_bias": [1.0] * d,
        "key_bias": [0.5] * d,
        "value_bias": [0.0] * d,
        "skip": pick("none", "plain"),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional)), max_size=4))
    table = {"depth": pick(1, 2, 3), "value": pick(*maps), **{n: optional[n] for n in chosen}}
    if pick(False, False, True):
        table |= {"skip": "alpha", "alpha": pick(-1.0, 0.0, 0.5)}
    return table


@st.composite
def specifications(draw: st.DrawFn) -> dict[str, Any]:
    """A sensible specification with up to two values replaced by hostile ones."""
    pick = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    d, T = pick(1, 2, 2, 3), pick(1, 2, 5)
    model = pick(
        *("symmetric", "symmetric", "normal", "schur", "singular_values", "factored"),
        *("gaussian_factors", "data", "ginibre", "goe"),
    )
    law = pick(*OWN)
    targets = pick(*TARGETS)
    spec: dict[str, Any] = {
        "d": d,
        "T": T,
        "spectrum": {
            "law": law,
            **targets,
            **(OWN[law] if not targets or law == "spiked" else {}),
            **pick({}, {"draw": "random"}),
        },
        "matrix": {"model": model},
        "tokens": {"law": pick(*TOKENS)},
        "attention": {
            "temperature": pick(1.0, 0.5, "sqrt_d", "d", 1e-3, 100.0),
            "normalizer": pick("softmax", "softmax", "clipped_linear"),
            "mask": pick("none", "causal"),
            "query": pick("last", "all"),
        },
        "observables": pick(*OBSERVABLES),
    }
    if model == "schur":
        spec["matrix"]["departure"] = pick(0.0, 1.0)
    if model in ("factored", "gaussian_factors"):
        spec["matrix"]["d_k"] = pick(1, d)
    if model == "data":
        spec["matrix"] = pick({"W": np.eye(d).tolist()}, {"W_Q": [[1.0]] * d, "W_K": [[0.5]] * d})
    elif draw(st.booleans()):
        spec["matrix"]["draw"] = pick("once", "every_sample")
    if model in ("gaussian_factors", "data", "ginibre", "goe"):
        del spec["spectrum"]
    own: dict[str, dict[str, Any]] = {"simplex": {"cosine": pick(1.0, 0.5)}}
    own |= {
        "equicorrelated": {"cosine": 0.5},
        "ar1": {"phi": -0.9},
        "fixed": {"X": [[1.0] * d] * T},
    }
    spec["tokens"] |= own.get(spec["tokens"]["law"], {})
    if spec["tokens"]["law"] not in ("fixed", "simplex"):
        spec["tokens"] |= pick({}, {"covariance": 0.0}, {"covariance": np.ones((d, d)).tolist()})
    if pick(False, False, True):
        spec["network"] = draw(networks(d, T))
        spec["observables"] = pick(*NETWORK_OBSERVABLES)
        spec["attention"]["normalizer"] = pick(
            "softmax", "softmax", "clipped_linear", "hardmax", "sinkhorn", "doubly_normalized"
        )
    for _ in range(pick(0, 0, 1, 1, 2)):
        tables = [spec, *(table for table in spec.values() if isinstance(table, dict))]
        table = draw(st.sampled_from(tables))
        table[draw(st.sampled_from([*table, "junk"]))] = draw(hostile)
    return spec


@settings(SETTINGS, max_examples=400)
@given(specifications())
def test_a_specification_works_or_is_refused(table: dict[str, Any]) -> None:
    """If it is read, it survives TOML, and simulates to finite numbers or is refused by then."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            specification = Specification.from_dict(table)
            ensemble = specification.ensemble
            assert Ensemble.from_toml(ensemble.to_toml()) == ensemble
            if max(ensemble.d, ensemble.T) > 100:
                return
            simulation = Simulation.prepare(
                ensemble, specification.observables, seed=0, threads=1
            ).extend(3)
            applicability(ensemble)
        except ValueError as error:
            must_be_a_message(error)
            return
    for estimate in simulation.estimates.values():
        assert np.isfinite(estimate.mean).all()


@SETTINGS
@given(st.dictionaries(st.sampled_from(["d", "T", "spectrum", "tokens", "network", "x"]), anything))
def test_any_nested_dictionary(table: dict[str, Any]) -> None:
    try:
        Specification.from_dict(table)
    except ValueError as error:
        must_be_a_message(error)


def test_the_generator_reaches_the_simulation() -> None:
    """A fuzz test that only ever sees refusals would pass blindly."""
    simulated = 0

    @settings(SETTINGS, max_examples=200)
    @given(specifications())
    def count(table: dict[str, Any]) -> None:
        nonlocal simulated
        try:
            specification = Specification.from_dict(table)
            Simulation.prepare(specification.ensemble, specification.observables)
        except ValueError:
            return
        simulated += 1

    count()
    assert simulated >= 25
