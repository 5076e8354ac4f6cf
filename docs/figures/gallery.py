"""Make the figures of docs/gallery.md: python docs/figures/gallery.py [PRESET ...].

Runs are kept in the folder `gallery` of the working directory, from which they can be resumed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from qktheory.phase.preset import run_preset
from qktheory.phase.specification import sweep_preset_names
from qktheory.plots.phase_diagram import draw_preset
from qktheory.plots.style import save_figure

#: Pictures of another size than that of the preset.
SIZES: dict[str, dict[str, Any]] = {
    "localization": {"grid": (40, 40), "refine": "phase", "max_samples": 10_000}
}


def main() -> None:
    """Run presets and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", help="all by default")
    parser.add_argument("--output", default=Path(__file__).parent, type=Path, help="folder")
    parser.add_argument("--samples", type=int, help="samples a cell, instead of the preset's")
    parser.add_argument("--grid", type=int, nargs=2, help="cells, instead of the preset's")
    arguments = parser.parse_args()
    smaller = {name: getattr(arguments, name) for name in ("samples", "grid")}
    smaller = {name: value for name, value in smaller.items() if value is not None}
    for name in arguments.presets or sweep_preset_names():
        stem = name.replace("-", "_")
        figure, caption = draw_preset(
            run_preset(name, Path("gallery") / stem, **{**SIZES.get(stem, {}), **smaller})
        )
        save_figure(figure, arguments.output / f"gallery_{stem}.png", caption, dpi=130)
        print(caption)


if __name__ == "__main__":
    main()
