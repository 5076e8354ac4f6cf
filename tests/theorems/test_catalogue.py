"""The catalogue as a whole: every claim is complete, named as in the contract, and evaluates."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.theorems.catalogue import evaluate_batch, load_claims
from qktheory.theorems.claim import CLAIMS, Claim, Routine, Source
from tests.theorems.parameters import random_parameters

IDS = [claim.id for claim in qk.claims()]
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "localization.public.json").read_text("utf-8")
)


@pytest.fixture(params=IDS)
def claim(request: pytest.FixtureRequest) -> Claim:
    found: Claim = CLAIMS[request.param]
    return found


# --- every claim is complete ----------------------------------------------------------------------


def test_a_claim_has_everything_a_reader_needs(claim: Claim) -> None:
    assert claim.title
    assert len(claim.statement) > 40
    assert claim.statement.endswith(".")
    assert isinstance(claim.source, Source)
    assert claim.source.authors
    assert 1950 < claim.source.year < 2100
    assert claim.source.arxiv or claim.source.title
    assert claim.standing in ("theorem", "corrected", "derived", "conjecture", "folklore")
    assert claim.judged_by
    assert claim.kind
    for parameter in claim.parameters:
        assert parameter.description
        assert parameter.domain.describe()


def test_it_is_judged_on_enough_cases_that_differ(claim: Claim) -> None:
    assert len(claim.cases) >= (3 if claim.parameters else 1)
    as_text = [json.dumps(case, sort_keys=True) for case in claim.cases]
    assert len(set(as_text)) == len(as_text)


def test_cases_leave_the_special_choices_where_the_statement_allows(claim: Claim) -> None:
    """Covariance other than I, temperature other than 1, a non-symmetric W."""
    names = {p.name for p in claim.parameters}
    cases = [claim.checked(case) for case in claim.cases]
    if "Sigma" in names:
        assert any(not np.array_equal(c["Sigma"], np.eye(len(c["Sigma"]))) for c in cases)
        assert any(np.linalg.matrix_rank(c["Sigma"]) < len(c["Sigma"]) for c in cases)
    if "temperature" in names:
        assert any(c["temperature"] != 1.0 for c in cases)
    if "W_QK" in names:
        assert any(not np.allclose(c["W_QK"], np.swapaxes(c["W_QK"], -1, -2)) for c in cases)


def test_its_wrong_twin_is_a_small_error_that_shows(claim: Claim) -> None:
    """The twin differs in what it replaces and in a value of at least one case."""
    assert claim.wrong_twin.error
    twin = claim.twin()
    assert twin.id == claim.id
    assert "wrong twin" in twin.title
    differs = False
    for case in claim.cases:
        parameters = claim.checked(case)
        right, wrong = claim.values_at(parameters), twin.values_at(parameters)
        assert set(right) == set(wrong)
        differs |= any(not np.allclose(right[n], wrong[n], rtol=1e-6, atol=0) for n in right)
    assert differs or claim.id == "LOC-4c"  # its twin moves an edge between the cases
    for name in claim.wrong_twin.values:
        assert name in {**claim.where, **claim.values}


def test_every_value_shows_what_it_evaluates(claim: Claim) -> None:
    for name, definition in {**claim.where, **claim.values}.items():
        expression = definition.statement if isinstance(definition, Routine) else definition
        expression = sp.sympify(expression)
        assert sp.latex(expression), name
        if isinstance(definition, Routine):
            known = {p.name for p in claim.parameters} | {*claim.where, *claim.values, "d"}
            assert set(definition.arguments) <= known, name


def test_symbols_of_a_closed_form_are_parameters_or_earlier_values(claim: Claim) -> None:
    known = {p.name for p in claim.parameters} | {"d"}
    for name, definition in {**claim.where, **claim.values}.items():
        if not isinstance(definition, Routine):
            free = {str(s.name) for s in sp.sympify(definition).free_symbols}
            allowed = known | ({"key"} if "keys" in known else set())
            assert free <= allowed, name
        known.add(name)


def test_predictions_are_about_known_observables_and_values(claim: Claim) -> None:
    for says in claim.predicts:
        assert says.observable in OBSERVABLES
        assert says.value in claim.values
        assert (says.parameters is None) != (says.compute is None)
    if claim.predicts:
        assert claim.assumptions


def test_every_value_exists_somewhere(claim: Claim) -> None:
    found = [claim.evaluate(**case) for case in claim.cases]
    assert set().union(*found) == set(claim.values)


def test_its_cases_evaluate_to_finite_numbers(claim: Claim) -> None:
    for case in claim.cases:
        values = claim.evaluate(**case)
        # In order; a value that does not exist at some parameters is absent there.
        assert list(values) == [name for name in claim.values if name in values]
        assert values
        assert json.loads(json.dumps(values)) == values
        assert all(math.isfinite(x) for v in values.values() for x in np.ravel(v))


#: Claims whose values take up to seconds each: nested averages, powers of order 10,000.
DEAR = ["ENT-12c", "ENT-13a", "ENT-14c", "ENT-15f", "ENT-3d"]
OTHERS = [i for i in IDS if i not in DEAR]


@pytest.mark.parametrize("name", OTHERS)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_any_valid_parameters_give_finite_values(name: str, seed: int) -> None:
    check_valid(name, seed)


@pytest.mark.parametrize("name", DEAR)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=4, deadline=None)
def test_any_valid_parameters_give_finite_values_of_dear_claims(name: str, seed: int) -> None:
    check_valid(name, seed)


def check_valid(name: str, seed: int) -> None:
    parameters = random_parameters(CLAIMS[name], seed)
    values = CLAIMS[name].evaluate(**parameters)
    assert all(math.isfinite(x) for v in values.values() for x in np.ravel(v))


HOSTILE = st.one_of(
    st.floats(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0, -1, 1, 2, 1e308, -1e308, 5e-324, 10**15, "x", None, True, [], {}, "@"]),
    st.lists(st.floats(-1e3, 1e3), max_size=3),
    st.lists(st.lists(st.floats(-10, 10), min_size=2, max_size=2), min_size=1, max_size=3),
)


@pytest.mark.parametrize("name", OTHERS)
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_hostile_parameters_give_numbers_or_a_value_error(
    name: str, data: st.DataObject, seed: int
) -> None:
    check_hostile(name, data, seed)


@pytest.mark.parametrize("name", DEAR)
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_hostile_parameters_give_numbers_or_a_value_error_in_dear_claims(
    name: str, data: st.DataObject, seed: int
) -> None:
    check_hostile(name, data, seed)


def check_hostile(name: str, data: st.DataObject, seed: int) -> None:
    parameters = random_parameters(CLAIMS[name], seed)
    if not parameters:
        return
    which = data.draw(st.sampled_from(sorted(parameters)))
    parameters[which] = data.draw(HOSTILE)
    try:
        values = qk.evaluate(name, **parameters)
    except ValueError as error:
        message = str(error)
    else:
        assert all(math.isfinite(x) for v in values.values() for x in np.ravel(v))
        return
    assert message


# --- batches --------------------------------------------------------------------------------------


def test_a_batch_gives_the_same_numbers_in_the_same_order() -> None:
    entries: list[Any] = [*VECTORS[:5], "nonsense", {"id": "LOC-99"}, {"id": "LOC-4d"}]
    found = evaluate_batch(entries)
    for vector, result in zip(VECTORS[:5], found, strict=False):
        assert result["claim"] == vector["id"]
        assert result["values"] == qk.evaluate(vector["id"], **vector["parameters"])
    assert "expected an object" in found[5]["error"]
    assert found[6]["error"].startswith("unknown claim 'LOC-99'")
    assert "eta is missing: LOC-4d needs" in found[7]["error"]


# --- selections and refusals ----------------------------------------------------------------------


def test_selections() -> None:
    assert [c.id for c in qk.claims(["LOC-3"])] == [f"LOC-3{x}" for x in "abcdef"]
    assert [c.id for c in qk.claims(["LOC-15b", "loc-1"])] == ["LOC-1a", "LOC-1b", "LOC-15b"]
    assert qk.claims(["LOC"]) == [c for c in qk.claims() if c.id.startswith("LOC-")]
    assert [c.id for c in qk.claims(["LOC-1a", "LOC-1a"])] == ["LOC-1a"]
    for name in ("LOC-99", "LOC3b", "LOC-3bb", "", "L"):
        with pytest.raises(ValueError, match="unknown claim"):
            qk.claims([name])
    with pytest.raises(ValueError, match="did you mean 'LOC-3b'"):
        qk.evaluate("LOC3b")
    with pytest.raises(ValueError, match="a list of ids"):
        qk.claims("LOC-1")


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("LOC-1a", {"W_QK": [[1.0]], "T": 5, "key": 6, "key_2": 1}, "key = 6: .*<= T = 5"),
        ("LOC-1a", {"W_QK": [[1.0, 2.0]], "T": 5, "key": 1, "key_2": 1}, "W_QK"),
        ("LOC-1a", {"W_QK": [[math.nan]], "T": 5, "key": 1, "key_2": 1}, "W_QK.*finite"),
        ("LOC-1a", {"W_QK": [[1.0]], "T": 0, "key": 1, "key_2": 1}, "T = 0"),
        (
            "LOC-8b",
            {"W_QK": [[1.0, 0.0], [0.0, 1.0]], "Sigma": [[1.0, 2.0], [2.0, 1.0]], "T": 5},
            "Sigma has the negative eigenvalue -1",
        ),
        ("LOC-8b", {"W_QK": [[1.0]], "Sigma": [1.0, 2.0], "T": 5}, "Sigma = .*size d = 1"),
        ("LOC-8b", {"W_QK": [[1.0]], "T": 5, "temperature": 0.0}, "temperature = 0.0"),
        ("LOC-8a", {"x": [1.0], "W_QK": np.eye(2), "T": 5, "key": 1, "key_2": 1}, "x = .*length"),
        ("LOC-8c", {"eigenvalues": [1.0], "g": [1.0, 2.0], "T": 5}, "g = .*length 1"),
        ("LOC-3b", {"eigenvalues": [0.0, 0.0], "T": 5, "key": 1}, "at least one that is not 0"),
        ("LOC-3b", {"eigenvalues": [], "T": 5, "key": 1}, "eigenvalues = "),
        ("LOC-3b", {"eigenvalues": [1.0], "T": 1, "key": 1}, "T = 1: expected an integer >= 2"),
        ("LOC-3a", {"xi": 0.0, "eta_F": 1.0, "eta": 2.0, "T": 5, "key": 1}, r"\|eta\| <= eta_F"),
        ("LOC-3d", {"eigenvalue": 0.0, "multiplicity": 2, "T": 5, "key": 1}, "eigenvalue = 0.0"),
        ("LOC-3f", {"eigenvalues": [1.0], "T": 5, "keys": [1, 6]}, "keys = .*<= T = 5"),
        (
            "LOC-3c",
            {"W_QK": [[1.0]], "Sigma": 1e200, "T": 5, "key": 1},
            r"W_QK Sigma/temperature reaches 1e\+200",
        ),
        ("LOC-3b", {"eigenvalues": [1e200], "T": 5, "key": 1}, r"eigenvalues = 1e\+200"),
        ("LOC-4a", {"xi": 0.0, "eta": 0.0, "theta": 0.5}, "eta = 0.0"),
        ("LOC-4a", {"xi": 0.0, "eta": 1.0, "theta": 1.5}, "theta = 1.5"),
        ("LOC-4c", {"xi": 0.0, "theta": 0.5}, "xi = 0.0: expected a number other than 0"),
        ("LOC-15b", {"self_logit": 0.0, "s": -1.0, "T": 5}, "s = -1.0"),
        ("LOC-15b", {"self_logit": 0.0, "ss": 1.0, "T": 5}, "unknown parameter of LOC-15b 'ss'"),
        ("LOC-4d", {"eta": 1.0}, "theta is missing: LOC-4d needs"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        qk.evaluate(name, **parameters)


def test_arrays_may_come_from_files(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", [[0.7, 0.2], [0.5, 0.3]])
    by_file = qk.evaluate("LOC-8b", W_QK=f"@{tmp_path / 'w.npy'}", T=4)
    assert by_file == qk.evaluate("LOC-8b", W_QK=[[0.7, 0.2], [0.5, 0.3]], T=4)
    with pytest.raises(ValueError, match=r"W_QK = '@missing.npy'"):
        qk.evaluate("LOC-8b", W_QK="@missing.npy", T=4)


# --- which claims apply ---------------------------------------------------------------------------

TABLE = {"d": 4, "T": 8, "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5}}


@pytest.mark.parametrize(
    ("change", "applies", "fails"),
    [
        ({"tokens": {"law": "random_walk"}}, ["LOC-1a", "LOC-3b"], {"LOC-15b": "iid tokens"}),
        ({"tokens": {"law": "iid"}}, ["LOC-15b"], {"LOC-3b": "random_walk tokens"}),
        (
            {"tokens": {"law": "random_walk", "query": [1.0, 0.0, 0.0, 0.0]}},
            ["LOC-8a"],
            {"LOC-3b": "free query", "LOC-8b": "free query"},
        ),
        (
            {"tokens": {"law": "random_walk"}, "attention": {"query": "all"}},
            [],
            {"LOC-1a": "last query"},
        ),
        ({"T": 1, "tokens": {"law": "random_walk"}}, ["LOC-1a"], {"LOC-3b": "T >= 2"}),
        ({"attention": {"normalizer": "clipped_linear"}}, ["LOC-15a"], {"LOC-15b": "softmax"}),
        (
            {
                "tokens": {"law": "random_walk"},
                "matrix": {"model": "schur", "departure": 2.0},
            },
            ["LOC-3c"],
            {"LOC-3b": "symmetric M", "LOC-4a": "symmetric M"},
        ),
    ],
)
def test_a_claim_that_does_not_apply_says_why(
    change: dict[str, Any], applies: list[str], fails: dict[str, str]
) -> None:
    found = qk.applicability(Ensemble.from_dict({**TABLE, **change}))
    assert set(found) == set(IDS)
    for name in applies:
        assert found[name] is None
    for name, assumption in fails.items():
        assert str(found[name]).startswith(f"{assumption}: ")


def test_assumptions_are_asked_about_the_map_itself() -> None:
    """A W that is symmetric on the range of a singular Sigma gives a symmetric M."""
    W = [[1.0, 2.0], [0.0, 1.0]]
    on_range = {"d": 2, "T": 3, "matrix": {"W": W}, "tokens": {"covariance": [1.0, 0.0]}}
    assert Realization(Ensemble.from_dict(on_range), 0).symmetric
    on_range["tokens"] = {"covariance": 1.0}
    assert not Realization(Ensemble.from_dict(on_range), 0).symmetric


# --- claims of the user's own ---------------------------------------------------------------------

OWN = """
from __future__ import annotations
from dataclasses import dataclass
import sympy as sp
from qktheory.base.domains import Parameter, Real
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Source, WrongTwin, register
from qktheory.theorems.judgements import Identity


@dataclass(frozen=True)
class Size:
    low: float = 0.5


x = symbol("x")
register(Claim(
    id="{id}", title="double angle", statement="sin 2x = 2 sin x cos x for every real number x.",
    source=Source("Ptolemy", 1951, "Almagest"), standing="theorem", observable="none",
    parameters=(Parameter("x", Real(low=Size().low, high=1.0), "angle"),),
    values={{"double": 2 * sp.sin(x) * sp.cos(x)}},
    cases=({{"x": 0.6}}, {{"x": 0.7}}, {{"x": 1.0}}),
    judged_by=(Identity(lambda p: {{"double": float(sp.sin(2 * p["x"]))}},
                        lambda rng: {{"x": float(rng.uniform(0.5, 1.0))}}),),
    wrong_twin=WrongTwin("constant 2 taken as 2.1",
                         {{"double": sp.Rational(21, 10) * sp.sin(x) * sp.cos(x)}}),
))
"""


@pytest.fixture
def own_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a claim, taken out of the catalogue again after the test."""
    monkeypatch.setattr(CLAIMS, "_entries", dict(CLAIMS._entries))
    path = tmp_path / "mine.py"
    path.write_text(OWN.format(id="MY-1a"))
    return path


def test_a_file_adds_claims(own_claim: Path) -> None:
    assert [c.id for c in qk.claims([str(own_claim)])] == ["MY-1a"]
    assert load_claims(own_claim) == ["MY-1a"]
    assert qk.evaluate("MY-1a", x=0.75)["double"] == pytest.approx(math.sin(1.5))
    result = qk.verify([str(own_claim)])
    assert result["MY-1a"].verdict == "supported"
    assert result.success
    assert qk.verify(["MY-1"], wrong_twins=True)["MY-1a"].verdict == "refuted"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "adds no claim"),
        ("raise RuntimeError('no')", "line 1: RuntimeError while the file was read: no"),
        ("def f(:", "SyntaxError while the file was read"),
    ],
)
def test_a_file_that_adds_none_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        qk.claims([str(path)])
    with pytest.raises(ValueError, match=message):  # and again: nothing half loaded stays behind
        qk.claims([str(path)])
    with pytest.raises(ValueError, match=r"FILE = .*expected an existing Python file"):
        qk.claims([str(tmp_path / "missing.py")])
