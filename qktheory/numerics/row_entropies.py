"""Entropies of one softmax row, each with the digits that a peaked row leaves (ENT-9b, ENT-10c)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from qktheory.base.domains import Real, RealList
from qktheory.kernels import row_statistics

__all__ = ["LARGEST_LOGIT", "RowEntropies", "row_entropies"]

#: Squares of logits must not overflow.
LARGEST_LOGIT = 1e150

_ROW = RealList(Real(-LARGEST_LOGIT, LARGEST_LOGIT))


class RowEntropies(NamedTuple):
    """Entropies of A = softmax(l), in nats.

    Attributes
    ----------
    log_t : float
        ln T.
    entropy, renyi2, min_information : float
        H, -ln Y_2 and -ln max A.
    tilt_gap : float
        sum_j A_j l_j minus the plain mean of l.
    radius : float
        Euclidean norm of l minus its plain mean.
    """

    log_t: float
    entropy: float
    renyi2: float
    min_information: float
    tilt_gap: float
    radius: float


def row_entropies(logits: ArrayLike) -> RowEntropies:
    """Return the entropies of one row of logits.

    Parameters
    ----------
    logits : array_like, shape (T,)
        Finite numbers up to 1e150 in size.

    Returns
    -------
    RowEntropies
        The three entropies are relatively accurate also where one key has nearly all the weight.

    Raises
    ------
    ValueError
        If the logits are not a list of such numbers.

    Examples
    --------
    >>> row = row_entropies([50.0, 0.0])
    >>> row.min_information, round(row.renyi2 / row.min_information, 12)
    (1.92...e-22, 2.0)
    """
    row = _ROW.check("logits", logits)
    top = int(row.argmax())
    others = np.delete(row, top) - row[top]
    with np.errstate(under="ignore"):
        rest = math.fsum(np.exp(others))
        rest2 = math.fsum(np.exp(2.0 * others))
    centred = row - row.mean()
    weights = np.exp(row - row[top])
    return RowEntropies(
        log_t=math.log(row.size),
        entropy=float(row_statistics(row[None])[0, 1]),
        renyi2=2.0 * math.log1p(rest) - math.log1p(rest2),
        min_information=math.log1p(rest),
        tilt_gap=math.fsum(weights * centred) / (1.0 + rest),
        radius=float(np.linalg.norm(centred)),
    )
