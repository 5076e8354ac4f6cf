"""Ensembles: frozen, serialisable, checked when they are made; what a seed makes of them."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qktheory as qk
from qktheory.base.domains import Parameter
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.specification import preset_names, read_preset, read_specification
from qktheory.spectra.law import LAWS
from qktheory.spectra.matrix_model import MATRIX_MODELS
from qktheory.tokens.law import TOKEN_LAWS

SPECTRUM = {"law": "semicircle", "xi": 1.0, "eta": 0.5}
TABLE: dict[str, Any] = {"d": 4, "T": 8, "spectrum": SPECTRUM}


# --- round trips ----------------------------------------------------------------------------------


def own_parameters(declared: tuple[Parameter, ...], seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {p.name: p.domain.sample(rng) for p in declared}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """A spec with any law, model and token law, parameters from their declared domains."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    d, T = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    table: dict[str, Any] = {"d": d, "T": T}
    model = draw(st.sampled_from(sorted(MATRIX_MODELS)))
    kind = MATRIX_MODELS[model]
    if model == "data":
        table["matrix"] = {"W": rng.normal(size=(d, d)).tolist()}
    else:
        sampled = {
            p.name: plain(p.domain.sample(rng)) for p in kind.parameters if draw(st.booleans())
        }
        table["matrix"] = {"model": model, **sampled}
    if kind.needs_spectrum:
        law = draw(st.sampled_from(sorted(LAWS)))
        own = {p.name: plain(p.domain.sample(rng)) for p in LAWS[law].parameters}
        targets = draw(st.sampled_from([None, ("mean", "variance"), ("xi", "eta")]))
        if targets is not None:
            shape = {name: own[name] for name in LAWS[law].shape_parameters if name in own}
            size = draw(st.floats(0.1, 3.0))
            own = {**shape, targets[0]: 0.1 * size, targets[1]: size}
        table["spectrum"] = {
            "law": law,
            **own,
            "draw": draw(st.sampled_from(["quantiles", "random"])),
        }
    tokens = draw(st.sampled_from(sorted(TOKEN_LAWS)))
    given_ = {p.name: plain(p.domain.sample(rng)) for p in TOKEN_LAWS[tokens].parameters}
    if tokens == "fixed":
        given_["X"] = rng.normal(size=(T, d)).tolist()
    if "covariance" in given_ and np.ndim(given_["covariance"]):
        given_["covariance"] = rng.random(d).tolist()
    table["tokens"] = {"law": tokens, **given_}
    if tokens in ("iid", "random_walk") and draw(st.booleans()):
        table["tokens"]["query"] = rng.normal(size=d).tolist()
    table["attention"] = {
        "temperature": draw(st.sampled_from([1.0, 0.3, "sqrt_d", "d"])),
        "normalizer": draw(st.sampled_from(["softmax", "clipped_linear"])),
        "mask": draw(st.sampled_from(["none", "causal"])),
        "query": draw(st.sampled_from(["last", "all"])),
    }
    return table


def plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


ACCEPTED = {"made": 0, "refused": 0}


@given(tables())
@settings(max_examples=120, deadline=None)
def test_toml_there_and_back(table: dict[str, Any]) -> None:
    """What is accepted comes back equal, with an equal hash; what is not is a ValueError."""
    try:
        ensemble = Ensemble.from_dict(table)
    except ValueError:
        ACCEPTED["refused"] += 1
        return
    ACCEPTED["made"] += 1
    again = Ensemble.from_toml(ensemble.to_toml())
    assert again == ensemble
    assert hash(again) == hash(ensemble)
    assert again.to_dict() == ensemble.to_dict()
    assert again.replace(T=ensemble.T) == ensemble
    first, second = (Realization(e, 1) for e in (ensemble, again))
    if table.get("spectrum", {}).get("draw") == "random":
        with contextlib.suppress(ValueError):  # a random draw may miss what a model demands of it
            assert first.matrix.W.tobytes() == second.matrix.W.tobytes()
        return
    assert first.matrix.W.tobytes() == second.matrix.W.tobytes()
    assert (first.xi, first.eta, first.eta_F) == (second.xi, second.eta, second.eta_F)


def test_most_tables_were_accepted() -> None:
    """The strategy above would prove nothing if it only met refusals."""
    if ACCEPTED["made"] + ACCEPTED["refused"] > 50:
        assert ACCEPTED["made"] > 0.3 * ACCEPTED["refused"]


@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(max_size=8),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["law", "model", "W", "xi", "eta", "covariance", "T", "x"]),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=8,
    ),
    st.sampled_from(["d", "T", "spectrum", "matrix", "tokens", "attention", "network", "other"]),
)
@settings(max_examples=150, deadline=None)
def test_nonsense_is_refused_with_a_message_and_nothing_else(value: Any, key: str) -> None:
    """Only a ValueError may come out."""
    with contextlib.suppress(ValueError):
        Ensemble.from_dict({**TABLE, key: value})


def test_ensembles_are_values() -> None:
    ensemble = Ensemble.from_dict(TABLE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        ensemble.d = 5  # type: ignore[misc]
    different = [
        {**TABLE, "T": 9},
        {**TABLE, "spectrum": {**SPECTRUM, "eta": 0.6}},
        {**TABLE, "tokens": {"law": "random_walk"}},
        {**TABLE, "tokens": {"query": [0.0, 0.0, 0.0, 1.0]}},
        {**TABLE, "attention": {"mask": "causal"}},
        {**TABLE, "matrix": {"model": "schur", "departure": 1.0}},
    ]
    made = {Ensemble.from_dict(table) for table in [TABLE, *different]}
    assert len(made) == len(different) + 1
    assert Ensemble.from_dict({**TABLE, "tokens": {"law": "iid", "covariance": 1}}) in made
    assert ensemble != "Ensemble"
    assert repr(ensemble) == "Ensemble(d=4, T=8, symmetric, semicircle, iid, softmax)"


def test_files_stay_files(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", [[1.0, 2.0], [0.0, -1.0]])
    (tmp_path / "spec.toml").write_text('d = 2\nT = 3\n[matrix]\nW = "@w.npy"\n')
    spec = read_specification(tmp_path / "spec.toml")
    assert spec.ensemble.to_dict()["matrix"] == {"model": "data", "W": f"@{tmp_path / 'w.npy'}"}
    assert Ensemble.from_toml(spec.ensemble.to_toml()) == spec.ensemble
    assert Ensemble.from_toml(tmp_path / "spec.toml") == spec.ensemble
    assert [o.name for o in spec.observables][:2] == ["entropy", "participation"]


def test_presets_are_complete_specs() -> None:
    assert preset_names() == ["circle", "iid", "path_lengths", "random_walk", "rank_collapse"]
    for name in preset_names():
        assert (
            Ensemble.from_toml(read_preset(name).ensemble.to_toml()) == read_preset(name).ensemble
        )
    assert read_preset("random-walk") == read_preset("random_walk")
    with pytest.raises(ValueError, match="unknown preset 'random_wlk'; did you mean 'random_walk'"):
        read_preset("random_wlk")


# --- bad input ------------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")
BAD: list[tuple[dict[str, Any], str]] = [
    ({"T": 0}, "T = 0: expected an integer >= 1"),
    ({"T": -3}, "T = -3"),
    ({"T": 2.5}, "T = 2.5: expected an integer"),
    ({"T": "8"}, "T = '8'"),
    ({"T": True}, "T = True"),
    ({"d": 0}, "d = 0"),
    ({"d": NAN}, "d = nan"),
    ({"spectrum": {**SPECTRUM, "eta": 0.1}}, "eta"),
    ({"spectrum": {**SPECTRUM, "eta": NAN}}, "spectrum.eta = nan"),
    ({"spectrum": {**SPECTRUM, "xi": INF}}, "spectrum.xi = inf"),
    ({"spectrum": {"law": "semicircle", "mean": 0.0, "variance": -1.0}}, "variance = -1.0"),
    ({"spectrum": {**SPECTRUM, "mean": 0.0, "variance": 1.0}}, "exactly one of"),
    ({"spectrum": {"law": "semicirle", "xi": 1.0, "eta": 1.0}}, "did you mean 'semicircle'"),
    ({"spectrum": {**SPECTRUM, "drwa": "random"}}, "did you mean 'draw'"),
    ({"spectrum": {"law": "list", "eigenvalues": [1.0, 2.0]}}, "eigenvalues"),
    ({"spectrum": 3}, "spectrum = 3: expected a table"),
    ({"matrix": {"model": "symetric"}}, "did you mean 'symmetric'"),
    ({"matrix": {"W": [[1.0, 2.0], [3.0, 4.0]]}}, r"\[spectrum\] is given"),
    ({"tokens": {"law": "random_wlak"}}, "did you mean 'random_walk'"),
    ({"tokens": {"covarance": 1.0}}, "did you mean 'covariance'"),
    ({"tokens": {"covariance": -1.0}}, "tokens.covariance"),
    ({"tokens": {"covariance": [1.0, 2.0]}}, "tokens.covariance"),
    ({"tokens": {"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "d": 2}, "negative eigenvalue -1"),
    ({"tokens": {"covariance": [[1.0, 2.0], [0.0, 1.0]]}, "d": 2}, "not symmetric"),
    ({"tokens": {"covariance": [[1.0, NAN], [NAN, 1.0]]}, "d": 2}, "finite"),
    ({"tokens": {"covariance": INF}}, "finite"),
    ({"tokens": {"law": "fixed", "X": [[1.0, 2.0]]}}, r"shape"),
    ({"tokens": {"query": [1.0, 2.0]}}, "tokens.query = .*length d = 4"),
    ({"tokens": {"query": [1.0, 2.0, 3.0, INF]}}, "tokens.query.*finite"),
    ({"tokens": {"law": "sphere", "query": [1.0, 2.0, 3.0, 4.0]}}, "tokens.query does not go"),
    ({"attention": {"temperature": 0.0}}, "attention.temperature = 0.0"),
    ({"attention": {"temperature": -1.0}}, "attention.temperature = -1.0"),
    ({"attention": {"temperature": "sqrt"}}, "attention.temperature = 'sqrt'"),
    ({"attention": {"temperature": NAN}}, "attention.temperature = nan"),
    ({"attention": {"normalizer": "softmx"}}, "did you mean 'softmax'"),
    ({"attention": {"mask": "casual"}}, "did you mean 'causal'"),
    ({"attention": {"query": "first"}}, "value of attention.query 'first'"),
    ({"attention": {"temprature": 1.0}}, "did you mean 'temperature'"),
    ({"network": {"depth": 2}}, "network.value is missing"),
    ({"atention": {}}, "did you mean 'attention'"),
    ({"sweep": {}}, "unknown key of the spec 'sweep'"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[str(change) for change, _ in BAD])
def test_bad_input_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ensemble.from_dict({**TABLE, **change})


@pytest.mark.parametrize("key", ["d", "T"])
def test_sizes_must_be_given(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key} is missing"):
        Ensemble.from_dict({name: value for name, value in TABLE.items() if name != key})


@pytest.mark.parametrize(
    "matrix", [{"W": [[1.0, 2.0, 3.0]]}, {"W_Q": [[1.0]], "W_K": [[1.0, 2.0]]}]
)
def test_shapes_that_disagree(matrix: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"matrix\.W"):
        Ensemble.from_dict({"d": 1, "T": 2, "matrix": matrix})
    with pytest.raises(ValueError, match="d = 3: expected 2"):
        Ensemble.from_dict({"d": 3, "T": 2, "matrix": {"W": [[1.0, 0.0], [0.0, 1.0]]}})


@pytest.mark.parametrize("law", ["iid", "random_walk"])
@pytest.mark.parametrize("simulator", [None, "full", "full_matrix"])
def test_sizes_beyond_memory(law: str, simulator: str | None) -> None:
    table = {**TABLE, "T": 10**12, "tokens": {"law": law}}
    with pytest.raises(ValueError, match=r"one sample with T = 1000000000000 .* GB of memory"):
        qk.simulate(table, ["entropy"], samples=1, simulator=simulator)
    with pytest.raises(ValueError, match="GB of memory"):
        qk.simulate(table, ["profile"], samples=1, simulator=simulator)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"samples": 0}, "samples = 0"),
        ({"samples": 1.5}, "samples = 1.5"),
        ({"delta": 0.0}, "delta = 0.0"),
        ({"delta": 2.0}, "delta = 2.0"),
        ({"threads": 0}, "threads = 0"),
        ({"batch": 0}, "batch = 0"),
        ({"simulator": "brige_row"}, "did you mean 'bridge_row'"),
        ({"simulator": "bridge_row"}, "cannot draw 'entropy' here: the tokens are 'iid'"),
        ({"observables": ["entrpy"]}, "did you mean 'entropy'"),
        ({"observables": []}, "at least one name"),
        ({"observables": "entropy"}, "a list of names"),
        ({"observables": ["y_0"]}, "q = 0.0"),
    ],
)
def test_bad_arguments_of_simulate(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        qk.simulate(TABLE, **{"observables": ["entropy"], **keywords})


@pytest.mark.parametrize("temperature", [1e-300, 5e-324])
@pytest.mark.parametrize("query", ["last", "all"])
def test_logits_beyond_double_precision(temperature: float, query: str) -> None:
    attention = {"temperature": temperature, "query": query}
    with pytest.raises(ValueError, match=r"attention.temperature = .* keeps logits below 1e\+140"):
        qk.simulate({**TABLE, "attention": attention}, ["entropy"], samples=10)
    with pytest.raises(ValueError, match="logits below"):
        qk.simulate({"d": 1, "T": 2, "matrix": {"W": [[1e300]]}}, ["entropy"], samples=10)


def test_masked_logits_have_no_average() -> None:
    table = {**TABLE, "attention": {"mask": "causal", "query": "all"}}
    for name in ("logit", "centred_logit"):
        with pytest.raises(ValueError, match="no simulator can draw"):
            qk.simulate(table, [name], samples=10)
        with pytest.raises(ValueError, match="masked keys have no logit"):
            qk.simulate(table, [name], samples=10, simulator="full_matrix")


@pytest.mark.parametrize(
    ("text", "message"),
    [("d = ", "not valid TOML"), ("d = 4\nT = 0\n", "T = 0"), ("[[[", "not valid TOML")],
)
def test_unusable_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_specification(path)
    with pytest.raises(ValueError, match="readable TOML file"):
        read_specification(tmp_path / "missing.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        read_specification(path)
