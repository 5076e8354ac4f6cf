"""Make attention_spectrum.png and .svg beside this file: python docs/figures/attention_spectrum.py.

The spectrum of W is the spectrum of attention at initialisation (RMT-4). Left: many tokens in few
dimensions, where the eigenvalues of A are products of powers of those of W. Right: as many
dimensions as a tenth of the tokens; a rank-one spike of W stands out of a disc of predicted radius.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

import qktheory as qk
from qktheory.kernels import Stream, experiment_id, seed_key
from qktheory.plots.attention_spectrum import plot_attention_spectrum
from qktheory.plots.style import new_figure, save_figure, style
from qktheory.theorems.saada2025.draws import attention_of_scores, token_scores

SEED = 7
#: Many tokens in three dimensions: a rotation by 0.9 and a negative eigenvalue.
T_MANY, MODULUS, ANGLE, NEGATIVE = 2000, 0.42, 0.9, -0.3
#: Proportional tokens, W of strength s2 and a spike.
T, D, S2, THETA, ALIGNMENT = 1200, 120, 0.2, 0.55, 1.0
#: Predictions below this modulus are hidden among the others.
SHOWN = 0.08


def stream(name: str) -> Stream:
    """Return the numbers of one part of the figure."""
    return Stream(seed_key(SEED), experiment_id(name))


def few_dimensions() -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues of A, and products of powers of those of W."""
    c, s = MODULUS * math.cos(ANGLE), MODULUS * math.sin(ANGLE)
    W = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, NEGATIVE]])
    A = attention_of_scores(token_scores(W, T_MANY, stream("few"), 0, 1))[0]
    own = np.linalg.eigvals(W)
    products = np.array(
        [np.prod(own ** np.array(n)) for n in itertools.product(range(6), repeat=3)]
    )
    # The claim lists the moduli of the same products.
    count = int(np.sum(np.abs(products) > SHOWN))
    claimed = qk.evaluate("RMT-4a", W_QK=W, count=count)["attention_eigenvalue_moduli"]
    shown = products[np.argsort(-np.abs(products))[:count]]
    np.testing.assert_allclose(np.abs(shown), claimed, rtol=1e-12)
    return np.linalg.eigvals(A), shown


def spike() -> tuple[np.ndarray, np.ndarray, float]:
    """Return eigenvalues of A, the powers of the spike above the bulk, and the bulk radius."""
    frame = np.linalg.qr(stream("directions").normals(0, D, 2))[0]
    u = frame[:, 0]
    v = ALIGNMENT * u + math.sqrt(1.0 - ALIGNMENT**2) * frame[:, 1]
    W = math.sqrt(S2) / D * stream("bulk").normals(0, D, D) + THETA * np.outer(u, v)
    A = attention_of_scores(token_scores(W, T, stream("spike"), 0, 1))[0]
    claimed = qk.evaluate("RMT-4c", theta=THETA, alignment=ALIGNMENT, s2=S2, T=T, d=D, count=8)
    powers = np.array([1.0, *claimed["attention_eigenvalues"]])
    return np.linalg.eigvals(A), powers[powers > claimed["bulk_radius"]], claimed["bulk_radius"]


def main() -> None:
    """Draw one attention matrix of each kind."""
    with style():
        figure = new_figure(7.2, 3.6)
        left, right = figure.subplots(1, 2)
        plot_attention_spectrum(*few_dimensions(), left)
        eigenvalues, outliers, radius = spike()
        plot_attention_spectrum(eigenvalues, outliers, right, radius)
        left.set_title(rf"$T = {T_MANY}$ tokens in 3 dimensions")
        right.set_title(rf"$T = {T}$, $d = {D}$: spike $\theta = {THETA}$ on a bulk")
        right.set_ylabel("")
        # One legend: the right one has all entries.
        left.get_legend().remove()
        caption = (
            f"Eigenvalues of one softmax attention matrix between Gaussian tokens, seed {SEED}. "
            f"Left: T = {T_MANY}, d = 3, W with eigenvalues {MODULUS} exp(+-{ANGLE}i) and "
            f"{NEGATIVE}; circles: products of their powers of modulus above {SHOWN} (RMT-4a). "
            f"Right: T = {T}, d = {D}, W Gaussian of strength s2 = {S2} plus {THETA} u v^T, "
            f"u.v = {ALIGNMENT}; circles: powers of {THETA * ALIGNMENT:g}; dashed: radius "
            f"{radius:.4g} (RMT-4c). Outliers of one matrix fluctuate with its tokens, by a few "
            f"per cent at first order and more at higher ones; the negative one has no prediction."
        )
        folder = Path(__file__).parent
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"attention_spectrum{suffix}", caption)
    print(caption)


if __name__ == "__main__":
    main()
