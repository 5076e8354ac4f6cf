"""Run the benchmarks and write docs/reference/benchmarks.md: python docs/reference/benchmarks.py.

The figures are of one machine and one day, both named on the page. Contenders of a table take
turns, so that ratios hold where absolute times do not. --quick gives each a short time and writes
nothing.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).with_suffix(".md")
#: Scripts, each with the arguments of --quick.
RUNS = {
    "kernels": ["--seconds", "0.01", "--rows", "128"],
    "simulation": ["--seconds", "0.01", "--only", "bridge"],
    "networks": ["--seconds", "0.1", "--networks", "4"],
    "phase": ["--turns", "1", "--only", "logit", "--preset", "freezing"],
    "entropy": ["--seconds", "0.001"],
}
_HEAD = """# Benchmarks

What `python docs/reference/benchmarks.py` has measured. Contenders of a table take turns many times
over and the fastest turns count, so ratios mean more than times. torch and jax take part where they
are installed (`pip install "qktheory[bench]"`).

"""


def machine() -> str:
    """Return the machine, its load and the date in a sentence."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        found = re.search(r"^model name\s*: (.*)$", cpuinfo.read_text("utf-8"), re.M)
        processor = found.group(1) if found else processor
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = (
        f" The machine was busy with other work (load {load:.0f}): times are upper bounds, and "
        "what needs a processor of its own, such as a second thread, gains nothing."
        if load > 1.5 * (os.cpu_count() or 1)
        else ""
    )
    return (
        f"Measured on {datetime.date.today().isoformat()}: {processor}, {os.cpu_count()} processors"
        f", Python {platform.python_version()}, {platform.system()}.{busy}"
    )


def measure(script: str, arguments: list[str]) -> str:
    """Return what a benchmark prints, its headings one level down."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    text = re.sub(r"^#+ ", "### ", done.stdout.strip(), flags=re.M)
    if "|" not in text:
        text = f"```text\n{text}\n```"
    return f"## benchmarks/{script}.py\n\n{text}\n"


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", help="time of each contender, instead of the benchmarks' own")
    arguments = parser.parse_args()
    parts = [_HEAD + machine() + "\n"]
    for script, quick in RUNS.items():
        timed = arguments.seconds and "--seconds" in quick
        chosen = ["--seconds", arguments.seconds] if timed else []
        parts.append(measure(script, quick if arguments.quick else chosen))
    if arguments.quick:
        print("\n".join(parts))
    else:
        PAGE.write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
