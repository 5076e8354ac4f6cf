"""Linear algebra whose bits do not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["serial_blas"]

P = ParamSpec("P")
Result = TypeVar("Result")


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Find the BLAS of NumPy once: a search takes a hundred times as long as a limit."""
    found: ThreadpoolController = ThreadpoolController().select(user_api="blas")  # type: ignore[no-untyped-call]
    return found


def serial_blas(function: Callable[P, Result]) -> Callable[P, Result]:
    """Make a function run with one BLAS thread.

    QR, eigenvalue decompositions and large products of OpenBLAS give other last bits for other
    numbers of threads; an Ensemble and a seed have to determine every bit. Costs about 15 us a
    call.

    Parameters
    ----------
    function : callable
        Uses NumPy's linear algebra and starts no threads of its own.

    Returns
    -------
    callable
        The same function under the limit.

    Examples
    --------
    >>> import numpy as np
    >>> serial_blas(np.linalg.det)(np.eye(2))
    np.float64(1.0)
    """

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> Result:
        with _blas().limit(limits=1):
            return function(*args, **kwargs)

    return limited
