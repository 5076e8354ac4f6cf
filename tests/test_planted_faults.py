"""Errors planted in derivations, kernels and estimators: all are caught, the table is printed."""

from __future__ import annotations

from collections import Counter

import pytest

import qktheory as qk
from tests.planted import Fault, derivation_faults, kernel_faults

#: Wrong twins that estimators and judges must refute, of claims that are cheap to judge.
TWINS = ("LOC-1b", "LOC-4d", "LOC-5a", "LOC-8a", "LOC-8b", "LOC-15a", "RANK-7b", "ENT-4")


def table(caught: list[Fault], planted: list[Fault]) -> str:
    """Caught and planted errors, by where they are."""

    def group(fault: Fault) -> str:
        return fault.where.split(",")[0]

    counts, hits = Counter(map(group, planted)), Counter(map(group, caught))
    width = max(map(len, counts))
    lines = [f"{name:{width}}  {hits[name]:4d} / {count:<4d}" for name, count in counts.items()]
    total = f"{'planted errors caught':{width}}  {len(caught):4d} / {len(planted):<4d}"
    return "\n".join(["", *lines, total])


def twin_faults() -> list[Fault]:
    found = qk.verify(TWINS, wrong_twins=True)
    return [
        Fault(
            "wrong twins",
            f"{r.claim.id}: {r.claim.wrong_twin.error}",
            lambda r=r: r.verdict == "refuted",
        )
        for r in found.results
    ]


def test_kernels_and_estimators_see_planted_errors(capsys: pytest.CaptureFixture[str]) -> None:
    sound, *planted = kernel_faults()
    assert not sound.caught()  # Without an error the same checks are silent.
    planted += twin_faults()
    caught = [fault for fault in planted if fault.caught()]
    with capsys.disabled():
        print(table(caught, planted))
    assert [f for f in planted if f not in caught] == []
    assert len(planted) >= 20


@pytest.mark.slow
def test_derivations_see_every_planted_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A factor, a sign and an exponent in the right side of every equality."""
    planted = derivation_faults()
    caught = [fault for fault in planted if fault.caught()]
    with capsys.disabled():
        print(table(caught, planted))
    assert [(f.where, f.error) for f in planted if f not in caught] == []
    assert len(planted) >= 300
