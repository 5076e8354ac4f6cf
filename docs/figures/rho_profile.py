"""Make rho_profile.png and rho_profile.svg beside this file: python docs/figures/rho_profile.py.

Signal propagation probability rho over the position of the key, for tokens that follow a random
walk. Left: spectra of equal trace xi and different spread eta, and a non-symmetric W. Right:
spectra of the same xi and eta, which share the Gaussian limit and differ by their third moment.
"""

from __future__ import annotations

from pathlib import Path

import qktheory as qk
from qktheory.plots.rho_profiles import plot_rho_profiles, rho_profiles_caption
from qktheory.plots.style import new_figure, save_figure, style

D, T, XI = 32, 64, 2.0
SAMPLES = 50_000


def semicircle(eta: float, **matrix: object) -> dict[str, object]:
    """Return the tables of a random walk whose W has semicircle eigenvalues."""
    return {
        "d": D,
        "T": T,
        "spectrum": {"law": "semicircle", "xi": XI, "eta": eta},
        "matrix": matrix or {"model": "symmetric"},
        "tokens": {"law": "random_walk"},
    }


def with_spectrum(**spectrum: object) -> dict[str, object]:
    """Return the tables of a random walk with another spectrum of a symmetric W."""
    return {**semicircle(1.0), "spectrum": {"xi": XI, **spectrum}}


SPREAD = {
    r"concentrated, $\eta = \xi^2/d$": with_spectrum(law="point", eta=XI**2 / D),
    r"semicircle, $\eta = 1$": semicircle(1.0),
    r"semicircle, $\eta = 20$": semicircle(20.0),
    r"non-symmetric, $\eta_F = 5$": semicircle(1.0, model="schur", departure=2.0),
}
SAME_MOMENTS = {
    "semicircle": semicircle(1.0),
    "one spike": with_spectrum(
        law="spiked", bulk={"law": "semicircle", "mean": 0.0, "std": 1.0}, spikes=[6.0], eta=1.0
    ),
    "one negative spike": with_spectrum(
        law="spiked", bulk={"law": "semicircle", "mean": 0.0, "std": 1.0}, spikes=[-6.0], eta=1.0
    ),
}


def main() -> None:
    """Simulate, compare and draw."""
    folder = Path(__file__).parent
    panels = [
        {name: qk.compare(spec, ["rho"], samples=SAMPLES, seed=0) for name, spec in group.items()}
        for group in (SPREAD, SAME_MOMENTS)
    ]
    with style():
        figure = new_figure(7.2, 4.0)
        axes = figure.subplots(1, 2, sharey=True)
        titles = (
            rf"$\xi = {XI:g}$, different $\eta$ ($d = {D}$, $T = {T}$)",
            rf"$\xi = {XI:g}$, $\eta = 1$, different spectra",
        )
        for ax, panel, title in zip(axes, panels, titles, strict=True):
            plot_rho_profiles(panel, ax, every=4)
            ax.set_title(title)
        axes[1].set_ylabel("")
        caption = " | ".join(rho_profiles_caption(panel) for panel in panels)
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"rho_profile{suffix}", caption)
    print(caption)


if __name__ == "__main__":
    main()
