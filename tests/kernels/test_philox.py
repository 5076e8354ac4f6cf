"""Addressed random numbers: known answers, the address of every number, and nothing but it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.kernels import fill_normals, fill_uniforms, jit_enabled, philox4x32, strips

# Known-answer vectors of the Random123 library, file kat_vectors, philox4x32 10.
KNOWN_ANSWERS = [
    (["00000000"] * 4, ["00000000"] * 2, ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]),
    (["ffffffff"] * 4, ["ffffffff"] * 2, ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]),
    (
        ["243f6a88", "85a308d3", "13198a2e", "03707344"],
        ["a4093822", "299f31d0"],
        ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"],
    ),
]


def words(digits: list[str]) -> np.ndarray:
    return np.array([int(d, 16) for d in digits], dtype=np.uint32)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers(counter: list[str], key: list[str], answer: list[str]) -> None:
    np.testing.assert_array_equal(philox4x32(words(counter)[None], words(key))[0], words(answer))


def by_definition(key: int, experiment: int, cell: int, sample: int, index: int) -> float:
    """Return a uniform from the documented address, by the public bijection alone."""
    counter = np.array([[index // 2, sample, cell, experiment]], dtype=np.uint32)
    r = philox4x32(counter, np.array([key & 0xFFFFFFFF, key >> 32], dtype=np.uint32))[0]
    high, low = (int(r[0]), int(r[1])) if index % 2 == 0 else (int(r[2]), int(r[3]))
    return ((high * 2**32 + low) // 2**12 + 0.5) / 2**52


ADDRESSES = st.tuples(
    st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(ADDRESSES, st.integers(0, 2**32 - 3), st.integers(1, 70))
def test_uniforms_follow_the_documented_address(
    address: tuple[int, int, int], sample: int, m: int
) -> None:
    out = np.empty((3, m))
    fill_uniforms(*address, sample, out)
    for r, j in ((0, 0), (1, m - 1), (2, m // 2)):
        assert out[r, j] == by_definition(*address, sample + r, j)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(ADDRESSES, st.integers(0, 2**32 - 3), st.integers(1, 35))
def test_normals_are_box_muller_of_the_uniforms(
    address: tuple[int, int, int], sample: int, blocks: int
) -> None:
    uniforms, normals = np.empty((3, 2 * blocks)), np.empty((3, 2 * blocks))
    fill_uniforms(*address, sample, uniforms)
    fill_normals(*address, sample, normals)
    radius = np.sqrt(-2.0 * np.log(uniforms[:, 0::2]))
    angle = 2.0 * np.pi * uniforms[:, 1::2]
    np.testing.assert_allclose(normals[:, 0::2], radius * np.cos(angle), rtol=0, atol=2e-14)
    np.testing.assert_allclose(normals[:, 1::2], radius * np.sin(angle), rtol=0, atol=2e-14)
    np.testing.assert_allclose(np.hypot(normals[:, 0::2], normals[:, 1::2]), radius, rtol=2e-15)


@pytest.mark.parametrize("fill", [fill_uniforms, fill_normals])
def test_bits_do_not_depend_on_the_shape(fill) -> None:
    """Any part of any batch has the bits of the whole, for short and long rows."""
    whole = np.empty((40, 700))
    fill(5, 6, 7, 8, whole)
    for n, m in [(1, 1), (40, 1), (3, 2), (40, 3), (17, 31), (9, 32), (5, 33), (2, 255), (1, 699)]:
        for offset in (0, 40 - n):
            part = np.empty((n, m))
            fill(5, 6, 7, 8 + offset, part)
            np.testing.assert_array_equal(part, whole[offset : offset + n, :m])


def test_bits_do_not_depend_on_threads() -> None:
    whole, pieces = np.empty((64, 1000)), np.empty((64, 1000))
    fill_normals(1, 2, 3, 0, whole)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda r: fill_normals(1, 2, 3, 4 * r, pieces[4 * r : 4 * r + 4]), range(16)))
    np.testing.assert_array_equal(whole, pieces)


def test_every_part_of_the_address_counts() -> None:
    def first(*address: int) -> float:
        out = np.empty((1, 1))
        fill_uniforms(*address, out)
        return float(out[0, 0])

    base = (11, 12, 13, 14)
    values = {first(*base)}
    for part in range(4):
        for bit in (0, 31):
            changed = list(base)
            changed[part] ^= 1 << bit
            values.add(first(*changed))
    values.add(first(11 + 2**32, 12, 13, 14))
    assert len(values) == 10


@pytest.mark.skipif(not jit_enabled, reason="compiled functions only")
def test_both_ways_of_making_words_agree() -> None:
    """The instructions for wide registers are right on any CPU, and make the same integers."""
    rng = np.random.default_rng(0)
    blocks, samples = rng.integers(0, 2**32, (2, strips.STRIP), dtype=np.uint64)
    address = [np.uint64(w) for w in rng.integers(0, 2**32, 4, dtype=np.uint64)]
    results = []
    for words_of in (strips.words_in_a_loop, strips.words_in_groups):
        first, second = np.zeros((2, strips.STRIP), np.uint64)
        words_of(blocks, samples, *address, first, second)
        results.append((first, second))
    np.testing.assert_array_equal(results[0], results[1])
    assert len(np.unique(results[0])) == 2 * strips.STRIP


def test_uniforms_stay_inside_the_interval() -> None:
    out = np.empty((1000, 500))
    fill_uniforms(0, 0, 0, 0, out)
    assert out.min() > 0.0
    assert out.max() < 1.0
    assert np.all(out * 2.0**53 % 2 == 1)  # midpoints of a grid of 2^52 cells


OUT = np.empty((2, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 0, 0, OUT), "key = -1"),
        ((2**64, 0, 0, 0, OUT), "key = 18446744073709551616"),
        ((0, 2**32, 0, 0, OUT), "experiment = 4294967296"),
        ((0, 0, 2**32, 0, OUT), "cell = 4294967296"),
        ((0, 0, 0, 2**32 - 1, OUT), "first_sample = 4294967295"),
        ((0, 0, 0, -1, OUT), "first_sample = -1"),
        ((0, 0, 0, True, OUT), "first_sample = True"),
        ((0, 0, 0, 0, np.empty(2)), "out = "),
        ((0, 0, 0, 0, np.empty((2, 2), np.float32)), "out = "),
        ((0, 0, 0, 0, np.empty((2, 4))[:, ::2]), "C-contiguous"),
    ],
)
@pytest.mark.parametrize("fill", [fill_uniforms, fill_normals])
def test_overflow_and_wrong_arrays_are_refused(fill, arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fill(*arguments)


def test_last_samples_and_empty_arrays() -> None:
    fill_normals(0, 0, 0, 2**32 - 2, OUT)
    for shape in ((0, 3), (3, 0)):
        fill_normals(0, 0, 0, 0, np.empty(shape))
