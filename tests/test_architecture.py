"""Imports go down only, and importing the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import qktheory

PACKAGE = Path(qktheory.__file__).parent

#: Rooms by floor, from the ground up; rooms of one floor do not see each other.
FLOORS = (
    ("base",),
    ("kernels",),
    ("numerics",),
    ("spectra", "tokens"),
    ("attention",),
    ("observables",),
    ("symbolic",),
    ("simulation",),
    ("theorems",),
    ("verification", "phase"),
    ("plots",),
    ("report",),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = ("numpy", "numba", "sympy", "scipy", "matplotlib", "xarray", "mpmath", "llvmlite")


def imported_modules(source: str, module: str) -> Iterator[str]:
    """Names of all modules that a module imports, anywhere in it, relative ones resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = module.split(".")[: -node.level] if node.level else []
            name = ".".join([*start, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def room(module: str) -> str | None:
    """The room of a module of the package, None for the package itself and for others."""
    parts = module.split(".")
    return parts[1] if parts[0] == "qktheory" and len(parts) > 1 else None


def violations(source: str, module: str) -> list[str]:
    own = room(module)
    assert own is not None
    bad = []
    for name in imported_modules(source, module):
        if name.split(".")[0] == "tests":
            bad.append(f"{module} imports the tests: {name}")
        other = room(name)
        # Names of the package's own surface, such as `from qktheory import __version__`.
        if other is None or other == own or other not in FLOOR:
            continue
        if FLOOR[other] >= FLOOR[own]:
            bad.append(f"{module} imports {name}")
    return bad


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(("qktheory", *path.relative_to(PACKAGE).with_suffix("").parts))


def test_every_room_has_its_floor() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= set(FLOOR)
    assert len(modules()) > 80


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_down(path: Path) -> None:
    module = dotted(path)
    if room(module) in FLOOR:
        assert violations(path.read_text("utf-8"), module) == []
    else:  # qktheory/__init__.py and __main__.py only point to rooms
        assert path.parent == PACKAGE


@pytest.mark.parametrize(
    "line",
    [
        "from qktheory.theorems.claim import CLAIMS",
        "import qktheory.verification.verify",
        "from qktheory import cli",
        "from ..theorems import claim",
        "def f():\n    from qktheory.report import report",
        "from tests.statistics import ALARM",
        "from qktheory.tokens import law",
    ],
)
def test_an_import_upwards_is_seen_wherever_it_hides(line: str) -> None:
    assert violations(line, "qktheory.spectra.law") != []


def test_an_import_downwards_is_none_of_them() -> None:
    text = "from qktheory.kernels import Stream\nfrom .spectrum import x\nimport numpy"
    assert violations(text, "qktheory.spectra.law") == []


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import qktheory; dir(qktheory); qktheory.__version__")
    assert "qktheory" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_its_names_are_loaded_on_first_use() -> None:
    """The twin of the test above: it would see what a name of the surface pulls in."""
    loaded = loaded_by("import qktheory; qktheory.Ensemble")
    assert {"numpy", "qktheory.simulation.ensemble"} <= loaded
    assert {"matplotlib", "xarray", "qktheory.theorems.claim"}.isdisjoint(loaded)


def test_every_name_of_the_surface_exists() -> None:
    for name in qktheory.__all__:
        assert getattr(qktheory, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'verifi'"):
        _ = qktheory.verifi
