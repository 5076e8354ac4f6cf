"""Make the figures of docs/gallery.md: python docs/figures/gallery.py [PRESET ...].

Runs are kept in the folder `gallery` of the working directory, from which they can be resumed.
"""

from __future__ import annotations

import sys
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


def main(names: list[str]) -> None:
    """Run presets and draw them."""
    for name in names or sweep_preset_names():
        stem = name.replace("-", "_")
        figure, caption = draw_preset(
            run_preset(name, Path("gallery") / stem, **SIZES.get(stem, {}))
        )
        save_figure(figure, Path(__file__).parent / f"gallery_{stem}.png", caption, dpi=130)
        print(caption)


if __name__ == "__main__":
    main(sys.argv[1:])
