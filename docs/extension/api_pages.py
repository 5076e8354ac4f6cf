"""The reference of the Python interface: a page a module, one for each folder of plug-ins."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import qktheory
from extension.files import write_pages

__all__ = ["write_api_pages"]

ROOT = Path(__file__).resolve().parents[2]

#: Rooms in the order of the walk, with what they are for.
ROOMS = {
    "simulation": "Ensembles, realisations, simulators, the engine, intervals, estimates.",
    "theorems": "What a claim is, how it is judged, the catalogue, the list of papers.",
    "verification": "Verdicts, the search for violations, comparison with the catalogue.",
    "phase": "Sweeps over parameters and phase diagrams.",
    "symbolic": "Standard symbols, formulas, the calculus of traces, derivations.",
    "spectra": "Spectral laws, targets, models of W.",
    "tokens": "Token laws and covariances.",
    "attention": "Scores, normalisers, networks of layers.",
    "observables": "Named functionals of rows, matrices and networks.",
    "numerics": "The laws and integrals behind the values of claims; knows no Ensemble.",
    "plots": "Figures from results.",
    "report": "Documents from results.",
    "base": "Domains of parameters, errors, registries, files.",
}


#: The public names by subject, in the order in which they are needed.
PUBLIC = {
    "Experiments": ("Ensemble", "Realization", "simulate", "Simulation", "Estimate", "Observable"),
    "Claims": ("claims", "Claim", "evaluate", "applicability", "derive", "Derivation"),
    "Verdicts": ("verify", "Verification", "falsify", "Falsification", "compare", "Comparison"),
    "Phase diagrams": ("phase_diagram", "PhaseDiagram", "Sweep"),
}
_INDEX = """
The names of ``import qktheory as qk``, by subject. Behind them are the rooms of the package, each a
layer that imports only from those below; their modules are documented too, and may change with any
minor version.
"""


def _title(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}"


def _summary(path: Path) -> str:
    document = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(document.split("\n\n")[0].split())


def _plain(text: str) -> str:
    return re.sub(r"([\\`*|])|(?<=\w)_(?=\W|$)", lambda found: f"\\{found.group()}", text)


def _module(module: str) -> str:
    """Return the directive for a module; public names have their place on the first page."""
    public = [name for name, home in qktheory._HOMES.items() if f"qktheory.{home}" == module]
    text = f".. automodule:: {module}\n   :members:"
    if not public:
        return text
    there = ", ".join(f":py:obj:`qktheory.{name}`" for name in public)
    verb = "is" if len(public) == 1 else "are"
    return f"{text}\n   :exclude-members: {', '.join(public)}\n\n{there} {verb} on the first page."


def _folder_page(folder: Path, package: str) -> str:
    parts = [_title(package), _plain(_summary(folder / "__init__.py"))]
    for path in sorted(folder.glob("*.py")):
        if path.stem != "__init__":
            parts.append(_title(path.stem.replace("_", " "), "-"))
            parts.append(_module(f"{package}.{path.stem}"))
    return "\n\n".join(parts) + "\n"


def _room(room: str) -> dict[str, tuple[str, str]]:
    """Return the pages of a room by name: text and one line on what it holds."""
    folder, package = ROOT / "qktheory" / room, f"qktheory.{room}"
    pages = {}
    for path in sorted(folder.iterdir()):
        name = f"{package}.{path.stem}"
        if path.suffix == ".py" and path.stem != "__init__":
            pages[name] = (f"{_title(name)}\n\n{_module(name)}\n", _summary(path))
        elif (path / "__init__.py").is_file() and room != "theorems":
            pages[name] = (_folder_page(path, name), _summary(path / "__init__.py"))
    return pages


def _index() -> str:
    """Return the first page: the public names, then the rooms."""
    listed = sorted(name for names in PUBLIC.values() for name in names)
    if listed != sorted(set(qktheory.__all__) - {"__version__"}):
        raise ValueError("extension.api_pages.PUBLIC does not list the names of qktheory.__all__")
    parts = [_title("Python"), _INDEX.strip()]
    for subject, names in PUBLIC.items():
        parts.append(_title(subject, "-"))
        for name in names:
            kind = "autoclass" if isinstance(getattr(qktheory, name), type) else "autofunction"
            parts.append(f".. {kind}:: qktheory.{name}")
            if kind == "autoclass":
                parts[-1] += "\n   :members:"
    parts.append(_title("Rooms", "-"))
    parts += [f":doc:`qktheory.{room} <{room}>`\n   {words}" for room, words in ROOMS.items()]
    parts.append(".. toctree::\n   :hidden:\n\n   " + "\n   ".join(ROOMS))
    return "\n\n".join(parts) + "\n"


def write_api_pages(folder: Path) -> None:
    """Write the first page, one a room, one a module or folder of plug-ins.

    Parameters
    ----------
    folder : Path
        ``docs/reference/api``.
    """
    wanted = {"index.rst": _index()}
    for room, words in ROOMS.items():
        pages = _room(room)
        lines = [f":doc:`{name} <{name}>`\n   {_plain(line)}" for name, (_, line) in pages.items()]
        toctree = ".. toctree::\n   :hidden:\n\n   " + "\n   ".join(pages)
        title = _title(f"qktheory.{room}")
        wanted[f"{room}.rst"] = "\n\n".join([title, words, *lines, toctree]) + "\n"
        wanted |= {f"{name}.rst": text for name, (text, _) in pages.items()}
    write_pages(folder, wanted, "*.rst")
