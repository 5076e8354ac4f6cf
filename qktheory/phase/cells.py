"""The experiments of a sweep, validated once and kept small."""

from __future__ import annotations

import pickle

from qktheory.phase.sweep import Sweep
from qktheory.simulation.simulator import choose_each

__all__ = ["Cells"]

#: Memory for experiments that have been validated; what does not fit is made again when needed.
_KEPT_BYTES = 1 << 26


class Cells:
    """The experiments of a sweep.

    To make an Ensemble from its tables costs several times as much as to read it back from a few
    hundred bytes, which is also what goes to another process.

    Parameters
    ----------
    sweep : Sweep
        The sweep.

    Attributes
    ----------
    infeasible : dict of int to str
        Cells that are no experiment, with the reason.

    Raises
    ------
    ValueError
        If no cell is feasible.

    Examples
    --------
    >>> sweep = Sweep.from_dict({"d": 4, "T": 8, "spectrum": {"law": "semicircle"},
    ...     "sweep": {"spectrum.xi": [0.0, 2.0], "spectrum.eta": [0.5, 1.0]}})
    >>> Cells(sweep).infeasible[2]
    'spectrum.eta = 0.5 is infeasible with xi = 2.0 and d = 4: expected eta >= 1.0 ...'
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._packed: dict[int, bytes] = {}
        self.infeasible: dict[int, str] = {}
        observables = sweep.found_observables()
        room = _KEPT_BYTES
        for cell in range(sweep.cells):
            try:
                ensemble = sweep.ensemble(cell)
                choose_each(ensemble, observables)
            except ValueError as error:
                self.infeasible[cell] = str(error)
                continue
            if room > 0:
                self._packed[cell] = pickle.dumps(ensemble, pickle.HIGHEST_PROTOCOL)
                room -= len(self._packed[cell])
        if len(self.infeasible) == sweep.cells:
            first = self.infeasible[0]
            if len(set(self.infeasible.values())) == 1:
                raise ValueError(first)
            raise ValueError(f"no cell of the sweep is feasible; the first one: {first}")

    def packed(self, cell: int) -> bytes:
        """Return the pickled Ensemble of a feasible cell."""
        known = self._packed.get(cell)
        if known is not None:
            return known
        return pickle.dumps(self._sweep.ensemble(cell), pickle.HIGHEST_PROTOCOL)
