"""Statistical assertions with a stated false-alarm rate, and streams at fixed addresses."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike

from qktheory.kernels.streams import Stream


def deviation(samples: ArrayLike, expected: float) -> float:
    """Distance of the sample mean from `expected` in standard errors."""
    values = np.asarray(samples, dtype=np.float64)
    return abs(float(values.mean()) - expected) / (values.std(ddof=1) / math.sqrt(values.size))


@pytest.fixture
def mean_is() -> Callable[[ArrayLike, float], bool]:
    """Six standard errors: a false alarm with probability 2e-9 at a fresh seed."""
    return lambda samples, expected: deviation(samples, expected) < 6.0


@pytest.fixture
def stream() -> Stream:
    return Stream(key=20240217, experiment=3, cell=1)
