"""Seeds and streams: known answers, and the statistics of what comes out.

Each statistical check has a false-alarm rate of 2e-9 (6 standard errors, or the
Dvoretzky-Kiefer-Wolfowitz-Massart band) at the fixed seeds used here, and a wrong twin of the
same size that it must refuse.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from qktheory.kernels import Stream, experiment_id, seed_key

Float = NDArray[np.float64]

STREAM = Stream(seed_key(2024), experiment_id("test"), 3)
N = 1_000_000
BAND = math.sqrt(math.log(2 / 2e-9) / (2 * N))
SIGMAS = 6.0


@pytest.fixture(scope="module")
def normals() -> Float:
    return STREAM.normals(0, 1000, 1000).ravel()


@pytest.fixture(scope="module")
def uniforms() -> Float:
    return STREAM.child(cell=4).uniforms(0, 1000, 1000).ravel()


def ks_distance(sample: Float, cdf: Callable[[Float], Float]) -> float:
    values = cdf(np.sort(sample))
    steps = np.arange(sample.size + 1) / sample.size
    return float(max(np.max(steps[1:] - values), np.max(values - steps[:-1])))


def moment_errors(sample: Float) -> list[float]:
    """Errors of the first four moments of a standard normal sample, in standard errors."""
    exact = [(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)]
    return [
        abs(float(np.mean(sample**k)) - mean) / math.sqrt(variance / sample.size)
        for k, (mean, variance) in enumerate(exact, start=1)
    ]


def test_law_of_the_normals(normals: Float) -> None:
    assert ks_distance(normals, special.ndtr) < BAND
    assert max(moment_errors(normals)) < SIGMAS
    beyond = np.count_nonzero(np.abs(normals) > 4.0)
    expected = N * math.erfc(4.0 / math.sqrt(2.0))
    assert abs(beyond - expected) < SIGMAS * math.sqrt(expected)


@pytest.mark.parametrize(
    "twin",
    [
        lambda z: 1.02 * z,
        lambda z: z + 0.01,
        lambda z: np.clip(z, -3.0, 3.0),
        lambda z: np.sign(z) * np.abs(z) ** 1.02,
    ],
    ids=["scale", "shift", "tails cut", "power"],
)
def test_wrong_laws_are_refused(normals: Float, twin: Callable[[Float], Float]) -> None:
    wrong = twin(normals)
    assert ks_distance(wrong, special.ndtr) > BAND or max(moment_errors(wrong)) > SIGMAS


def test_law_of_the_uniforms(uniforms: Float) -> None:
    assert ks_distance(uniforms, lambda u: u) < BAND
    assert ks_distance(uniforms**1.02, lambda u: u) > BAND
    # Each of the leading 52 bits is a fair coin.
    cells = (uniforms * 2.0**52).astype(np.uint64)
    ones = [np.count_nonzero(cells >> np.uint64(k) & np.uint64(1)) for k in range(52)]
    assert np.max(np.abs(np.array(ones) - N / 2)) < 6.6 * math.sqrt(N) / 2  # 52 checks
    biased = np.count_nonzero((uniforms**1.02 * 2).astype(int))
    assert abs(biased - N / 2) > 6.6 * math.sqrt(N) / 2


def correlation_in_sigmas(a: Float, b: Float) -> float:
    return abs(float(np.mean(a * b))) * math.sqrt(a.size)


NEIGHBOURS = {
    "next cell": STREAM.child(cell=STREAM.cell + 1),
    "next experiment": STREAM.child(experiment=STREAM.experiment + 1),
    "next seed": Stream(seed_key(2025), STREAM.experiment, STREAM.cell),
    "next key": Stream(STREAM.key + 1, STREAM.experiment, STREAM.cell),
    "cell and experiment exchanged": Stream(STREAM.key, STREAM.cell, STREAM.experiment),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_streams_are_uncorrelated(normals: Float, name: str) -> None:
    other = NEIGHBOURS[name].normals(0, 1000, 1000).ravel()
    assert correlation_in_sigmas(normals, other) < SIGMAS
    assert correlation_in_sigmas(normals**2 - 1, (other**2 - 1) / 2) < SIGMAS
    assert correlation_in_sigmas(normals, other + 0.01 * normals) > SIGMAS


@pytest.mark.parametrize("lag", [(0, 1), (0, 2), (1, 0), (1, 1), (2, 0)])
def test_numbers_and_samples_are_uncorrelated(normals: Float, lag: tuple[int, int]) -> None:
    table = normals.reshape(1000, 1000)
    rows, columns = lag
    here = table[: 1000 - rows, : 1000 - columns].ravel()
    there = table[rows:, columns:].ravel()
    assert correlation_in_sigmas(here, there) < SIGMAS
    assert correlation_in_sigmas(here**2 - 1, (there**2 - 1) / 2) < SIGMAS
    assert correlation_in_sigmas(here, there + 0.01 * here) > SIGMAS


def test_seeds_have_known_keys() -> None:
    """Frozen: a change of these numbers changes every published result."""
    assert seed_key(0) == 1280914268641055154
    assert seed_key(np.int64(0)) == seed_key(0)
    assert experiment_id("LOC-3") == experiment_id("LOC-3")
    keys = {seed_key(s) for s in [*range(1000), 2**64, 2**64 + 1, 10**400]}
    assert len(keys) == 1003
    assert all(0 <= key < 2**64 for key in keys)


def test_generators_supply_one_key_and_none_takes_entropy() -> None:
    rng = np.random.default_rng(1)
    keys = [seed_key(rng), seed_key(rng)]
    expected = np.random.default_rng(1).integers(0, 2**64, size=2, dtype=np.uint64)
    assert keys == expected.tolist()
    assert seed_key() != seed_key()


def test_global_state_is_not_touched() -> None:
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    seed_key()
    STREAM.normals(0, 2, 2)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


@pytest.mark.parametrize("bad", [-1, True, 1.0, "1", np.float64(3), np.bool_(True), [1]])
def test_bad_seeds_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"^rng = .*expected an integer >= 0"):
        seed_key(bad)  # type: ignore[arg-type]


def test_stream_is_a_value() -> None:
    assert pickle.loads(pickle.dumps(STREAM)) == STREAM
    assert STREAM.child() == STREAM
    assert STREAM.child(cell=9).child(experiment=1) == Stream(STREAM.key, 1, 9)
    with pytest.raises(ValueError, match="cell = -1"):
        STREAM.child(cell=-1)
    with pytest.raises(ValueError, match="key = "):
        Stream(2**64)
    with pytest.raises(ValueError, match="label = 3"):
        experiment_id(3)  # type: ignore[arg-type]


def test_extension_and_destination() -> None:
    out = np.empty((3, 2))
    assert STREAM.normals(5, 3, 2, out=out) is out
    np.testing.assert_array_equal(STREAM.normals(0, 8, 4)[5:, :2], out)
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        STREAM.uniforms(0, 3, 3, out=out)
    with pytest.raises(ValueError, match="n = -1"):
        STREAM.normals(0, -1, 2)
