"""The disk cache of compiled kernels, and the package without compiled kernels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import qktheory
from qktheory.kernels import cache, jit_enabled

PACKAGE = Path(qktheory.__file__).parent
VALUE = "from qktheory.kernels import exp_array; print(exp_array([0.0])[0])"


def run(code: str, where: Path, **environment: str) -> str:
    """Run code in a fresh interpreter that finds the package in `where`."""
    variables = {**os.environ, "PYTHONPATH": str(where), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=variables,
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def copy_of_package(where: Path) -> Path:
    """Copy what the kernels need, and return the folder of the kernels."""
    (where / "qktheory").mkdir(parents=True)
    (where / "qktheory" / "__init__.py").write_text("")
    for room in ("base", "kernels"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE / room, where / "qktheory" / room, ignore=ignore)
    return where / "qktheory" / "kernels"


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


compiled_only = pytest.mark.skipif(not jit_enabled, reason="compiled functions only")


@compiled_only
@pytest.mark.slow
def test_an_edit_of_a_called_file_is_noticed(tmp_path: Path) -> None:
    """The array kernel and the polynomial it calls live in two files."""
    kernels = copy_of_package(tmp_path)
    store = str(tmp_path / "store")
    assert run(VALUE, tmp_path, QKTHEORY_CACHE_DIR=store) == "1.0"
    assert list((tmp_path / "store").rglob("arrays._exp-*.bin"))
    replace(kernels / "elementary.py", "return p * r + 1.0", "return p * r + 3.0")
    assert run(VALUE, tmp_path, QKTHEORY_CACHE_DIR=store) == "3.0"


@compiled_only
@pytest.mark.slow
def test_the_cache_of_numba_would_not_notice(tmp_path: Path) -> None:
    """The same edit with stock caching returns the old number: the test above can fail."""
    kernels = copy_of_package(tmp_path)
    replace(
        kernels / "policy.py",
        "dispatcher._cache = SourceHashCache(function)",
        "dispatcher.enable_caching()",
    )
    store = {"NUMBA_CACHE_DIR": str(tmp_path / "store")}
    assert run(VALUE, tmp_path, **store) == "1.0"
    replace(kernels / "elementary.py", "return p * r + 1.0", "return p * r + 3.0")
    assert run(VALUE, tmp_path, **store) == "1.0"


@compiled_only
@pytest.mark.slow
def test_second_process_loads_and_a_damaged_file_is_compiled_again(tmp_path: Path) -> None:
    code = (
        "from qktheory.kernels import arrays, exp_array\n"
        "print(exp_array([0.0])[0], sum(arrays._exp.stats.cache_hits.values()))"
    )
    where = PACKAGE.parent
    store = {"QKTHEORY_CACHE_DIR": str(tmp_path)}
    assert run(code, where, **store) == "1.0 0"
    assert run(code, where, **store) == "1.0 1"
    for file in tmp_path.rglob("*.bin"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    assert run(code, where, **store) == "1.0 0"
    assert run(code, where, **store) == "1.0 1"


@compiled_only
def test_without_a_writeable_folder_there_is_no_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    code = f"{VALUE}; from qktheory.kernels import cache_folder; print(cache_folder())"
    out = run(code, PACKAGE.parent, QKTHEORY_CACHE_DIR=str(blocked / "below"))
    assert out.split() == ["1.0", "None"]


def test_importing_compiles_nothing_and_leaves_numba_alone() -> None:
    code = (
        "import numba, numba.core.config as c; before = c.CACHE_DIR\n"
        "import qktheory.kernels as k\n"
        "from qktheory.kernels import arrays, moments, rows, strips, walks\n"
        "made = [len(f.overloads) for m in (arrays, moments, strips, rows, walks)\n"
        "        for f in vars(m).values() if hasattr(f, 'overloads')]\n"
        "assert c.CACHE_DIR == before and not any(made)\n"
        "assert bool(made) == k.jit_enabled"
    )
    run(code, PACKAGE.parent)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"QKTHEORY_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/c"}, Path("/a/b")),
        ({"XDG_CACHE_HOME": "/c"}, Path("/c/qktheory")),
    ],
)
def test_where_the_cache_lives(
    variables: dict[str, str], expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QKTHEORY_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache._user_cache() == expected


def test_sweep_removes_old_folders_of_other_kernels_only(tmp_path: Path) -> None:
    old, new, current = "0" * 32, "1" * 32, "2" * 32
    outside = tmp_path / "outside"
    parent = tmp_path / "kernels"
    parent.mkdir()
    outside.mkdir()
    for name in (old, new, current, "notes"):
        (parent / name).mkdir()
        (parent / name / "x.bin").write_text("")
    (parent / ("3" * 32)).write_text("a file")
    (parent / ("4" * 32)).symlink_to(outside, target_is_directory=True)
    for name in (old, current, "notes", "3" * 32):
        os.utime(parent / name, (0, 0))
    os.utime(outside, (0, 0))
    cache.sweep(parent, keep=current)
    assert sorted(p.name for p in parent.iterdir()) == sorted(
        [new, current, "notes", "3" * 32, "4" * 32]
    )
    assert outside.is_dir()
    cache.sweep(tmp_path / "missing", keep=current)


@pytest.mark.slow
@pytest.mark.skipif(not jit_enabled, reason="is itself the run without compiled functions")
def test_everything_holds_without_compiled_functions() -> None:
    """The suite of this room passes on the NumPy twins alone."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(here)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=here.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
