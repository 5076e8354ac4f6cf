"""Strict JSON, files that are whole or absent, numbers with as many digits as they deserve."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.base.files import check_folder, check_writable, json_text, write_file
from qktheory.base.numbers import count_text, interval_text, margin_text

reals = st.floats(-1e6, 1e6)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_json_never_holds_nan(value: object) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(json_text(value), parse_constant=refuse)


def test_json_keeps_every_bit() -> None:
    values = np.random.default_rng(0).normal(size=50) * 10.0 ** np.arange(-25, 25)
    assert json.loads(json_text({"x": values}))["x"] == values.tolist()


def test_a_file_is_whole_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_file(path, "old")

    class Broken(bytes):
        def __buffer__(self, flags: int) -> memoryview:
            raise OSError("disk full")

    with pytest.raises((OSError, TypeError)):
        write_file(path, object())  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    write_file(path, b"new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_file(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    write_file("/dev/null", "nothing")
    assert Path("/dev/null").is_char_device()


def test_places_are_checked_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert check_writable("--json", tmp_path / "new") == tmp_path / "new"
    assert check_folder("--report", tmp_path / "deep" / "er") == tmp_path / "deep" / "er"
    for bad in (tmp_path, tmp_path / "none" / "x", tmp_path / "file" / "x", "x" * 5000):
        with pytest.raises(ValueError, match="--json"):
            check_writable("--json", bad)
    for bad in (tmp_path / "file", tmp_path / "file" / "x", "x" * 5000):
        with pytest.raises(ValueError, match="--report"):
            check_folder("--report", bad)


@given(reals, st.floats(1e-7, 1e5), st.floats(1e-7, 1e5))
def test_a_printed_interval_contains_the_interval(mean: float, left: float, right: float) -> None:
    low, high = mean - left, mean + right
    _, text = interval_text(mean, low, high)
    printed = [float(end) for end in text[1:-1].split(", ")]
    slack = 1e-12 * max(abs(low), abs(high))
    assert printed[0] <= low + slack
    assert printed[1] >= high - slack
    assert printed[1] - printed[0] <= 1.25 * (high - low) + slack


@given(reals, st.floats(1e-9, 1e5))
def test_a_printed_margin_is_no_narrower(mean: float, half: float) -> None:
    text = margin_text(mean, mean - half, mean + half)
    if "±" in text:
        assert float(text.split("±")[1]) >= half * (1.0 - 1e-6) - 4e-10
    assert len(text) <= 24


def test_numbers_without_a_width() -> None:
    assert interval_text(2.0, 2.0, 2.0) == ("2", "[2, 2]")
    assert interval_text(2.0, -math.inf, math.inf) == ("2", "[-inf, inf]")
    assert interval_text(1e-160, -1e-10, 1e-10) == ("0", "[-1e-10, 1e-10]")
    assert margin_text(2.0, 2.0, 2.0) == "2"
    assert margin_text(2.0, -math.inf, math.inf) == "2 ± inf"
    assert [count_text(n) for n in (1, 999, 1000, 10**9)] == ["1", "999", "1.0k", "1.0G"]
