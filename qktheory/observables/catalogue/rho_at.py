"""Signal propagation probability of one key, by its relative position (LOC-3)."""

from __future__ import annotations

import math

from qktheory.base.domains import Real
from qktheory.observables.observable import OBSERVABLES, RowObservable

__all__ = ["rho_at"]

_POSITION = Real(low=0.0, high=1.0)


def rho_at(theta: float) -> RowObservable:
    """Return the aliveness of the key number max(1, ceil(theta T)).

    Parameters
    ----------
    theta : float
        Relative position in the sequence, from 0 (the first key) to 1 (the last one).

    Returns
    -------
    RowObservable
        Called ``rho_at_<theta>``: one component of ``rho``, at a small part of its cost.

    Examples
    --------
    >>> rho_at(0.5).name
    'rho_at_0.5'
    """
    position = _POSITION.check("theta", theta)
    return RowObservable(
        name=f"rho_at_{position:g}",
        title=rf"signal propagation probability at $\theta = {position:g}$",
        definition=r"\rho_i = P(-1 < q_i < T-1),\ i = \max(1, \lceil\theta T\rceil)",
        bounds=lambda T: (0.0, 1.0),
        compute=lambda rows: rows.alive_at(max(math.ceil(position * rows.T), 1) - 1),
    )


OBSERVABLES.add_family("rho_at_", lambda text: rho_at(float(text)))
