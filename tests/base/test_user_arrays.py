"""Arrays of users: what is accepted, and how each kind of bad file or value is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qktheory.base.arrays import ArrayInput, covariance_array, load_array


def test_numbers_lists_arrays_and_files_agree(tmp_path: Path) -> None:
    rows = [[1, 2], [3, 4]]
    np.save(tmp_path / "w.npy", np.array(rows, dtype=np.float32))
    for value in (
        rows,
        tuple(map(tuple, rows)),
        np.array(rows),
        "@w.npy",
        f"@{tmp_path / 'w.npy'}",
    ):
        array = load_array("W", value, base=tmp_path)
        np.testing.assert_array_equal(array, rows)
        assert array.dtype == np.float64
        assert not array.flags.writeable


def test_the_array_is_a_copy() -> None:
    given = np.ones(3)
    array = load_array("x", given)
    given[0] = 5.0
    assert array[0] == 1.0


def write(path: Path, kind: str) -> None:
    """Make a bad file of a kind."""
    if kind == "truncated":
        np.save(path, np.ones((50, 50)))
        path.write_bytes(path.read_bytes()[:300])
    elif kind == "lying":
        np.save(path, np.ones(4))
        path.write_bytes(path.read_bytes().replace(b"(4,), }      ", b"(4000000,), }"))
    elif kind == "garbled":
        np.save(path, np.ones(4))
        path.write_bytes(path.read_bytes().replace(b"(4,), }", b"(4,, {}"))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("1 2 3\n")
    elif kind == "objects":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif kind == "archive":
        with path.open("wb") as stream:
            np.savez(stream, a=np.ones(2))
    elif kind == "complex":
        np.save(path, np.ones((2, 2)) * 1j)
    elif kind == "booleans":
        np.save(path, np.array([True, False]))
    elif kind == "nan":
        np.save(path, np.array([1.0, np.nan]))
    elif kind == "no entries":
        np.save(path, np.ones((0, 3)))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file"),
        ("truncated", "complete .npy file"),
        ("lying", "complete .npy file"),
        ("garbled", "complete .npy file"),
        ("empty", "complete .npy file"),
        ("text", "Python objects|complete .npy file"),
        ("objects", "complete .npy file"),
        ("archive", "not an archive"),
        ("complex", "complex numbers: expected integers or floats"),
        ("booleans", "dtype bool"),
        ("nan", r"entry nan at index \[1\]"),
        ("no entries", "at least one entry"),
    ],
)
def test_bad_files_are_refused_by_name(kind: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.npy"
    write(path, kind)
    with pytest.raises(ValueError, match=message) as caught:
        load_array("matrix.W", "@bad.npy", base=tmp_path)
    assert str(caught.value).startswith("matrix.W")


@pytest.mark.parametrize(
    "value",
    ["w.npy", "@", [[1.0], [2.0, 3.0]], ["1"], [True], {"a": 1}, None, [1j], "", [[]], b"12"],
)
def test_bad_values_are_refused_by_name(value: object) -> None:
    with pytest.raises(ValueError, match=r"^X"):
        load_array("X", value)


def test_dimensions_are_checked() -> None:
    with pytest.raises(ValueError, match=r"X is an array of shape \(2,\): expected 2 dimensions"):
        load_array("X", [1.0, 2.0], ndim=2)


def test_inputs_remember_their_file(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.eye(2))
    given = ArrayInput.of("W", "@w.npy", base=tmp_path)
    assert given.to_value() == f"@{tmp_path}/w.npy"
    assert given == ArrayInput.of("W", [[1, 0], [0, 1]])
    assert hash(given) == hash(ArrayInput.of("W", [[1, 0], [0, 1]]))
    assert given != ArrayInput.of("W", [[1, 0], [0, 2]])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "negative number entry -1"),
        ([1.0, -2.0], "negative diagonal entry -2"),
        ([[1.0, 2.0], [2.0, 1.0]], "negative eigenvalue -1"),
        ([[1.0, 2.0], [0.0, 5.0]], "not symmetric"),
        ([[1.0, 2.0]], "square covariance"),
        (np.ones((2, 2, 2)), "dimensions"),
    ],
)
def test_covariances_are_positive_semidefinite(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"tokens.covariance.*{message}"):
        covariance_array("tokens.covariance", value)
    assert covariance_array("tokens.covariance", np.zeros((2, 2))).shape == (2, 2)
