"""Theory-simulation toolkit for self-attention at initialisation.

The names below are loaded on first use, so ``import qktheory`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qktheory.observables.observable import Observable as Observable
    from qktheory.phase.diagram import PhaseDiagram as PhaseDiagram
    from qktheory.phase.diagram import phase_diagram as phase_diagram
    from qktheory.phase.sweep import Sweep as Sweep
    from qktheory.simulation.ensemble import Ensemble as Ensemble
    from qktheory.simulation.estimate import Estimate as Estimate
    from qktheory.simulation.realization import Realization as Realization
    from qktheory.simulation.simulate import Simulation as Simulation
    from qktheory.simulation.simulate import simulate as simulate
    from qktheory.symbolic.derivation import Derivation as Derivation
    from qktheory.theorems.catalogue import applicability as applicability
    from qktheory.theorems.catalogue import claims as claims
    from qktheory.theorems.catalogue import evaluate as evaluate
    from qktheory.theorems.claim import Claim as Claim
    from qktheory.theorems.derivations import derive as derive
    from qktheory.verification.compare import Comparison as Comparison
    from qktheory.verification.compare import compare as compare
    from qktheory.verification.falsify import Falsification as Falsification
    from qktheory.verification.falsify import falsify as falsify
    from qktheory.verification.verdict import Verification as Verification
    from qktheory.verification.verify import verify as verify

_HOMES = {
    "Claim": "theorems.claim",
    "Comparison": "verification.compare",
    "Derivation": "symbolic.derivation",
    "Ensemble": "simulation.ensemble",
    "Estimate": "simulation.estimate",
    "Falsification": "verification.falsify",
    "Observable": "observables.observable",
    "PhaseDiagram": "phase.diagram",
    "Realization": "simulation.realization",
    "Simulation": "simulation.simulate",
    "Sweep": "phase.sweep",
    "Verification": "verification.verdict",
    "applicability": "theorems.catalogue",
    "claims": "theorems.catalogue",
    "compare": "verification.compare",
    "derive": "theorems.derivations",
    "evaluate": "theorems.catalogue",
    "falsify": "verification.falsify",
    "phase_diagram": "phase.diagram",
    "simulate": "simulation.simulate",
    "verify": "verification.verify",
}

__all__ = ["__version__", *sorted(_HOMES)]


#: Rooms with a surface of their own, as attributes: ``qk.symbolic``.
_ROOMS = ("symbolic",)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value = getattr(module, name)
    globals()[name] = value  # from here on the name is found without this function
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
