# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Depth and trainability
#
# You may choose two numbers before training starts: how wide the logits of a layer are, $s_0$,
# and how strong its skip connection is, $\alpha$. Too wide, and every row of attention picks a
# single key: *entropy collapse*. Too weak a skip, and all tokens become one: *rank collapse*.
#
# **The question.** For $L$ layers, which $(s_0, \alpha)$ avoid both? And what do the two
# collapses do to gradients?
#
# We follow Giorlandino and Goldt (2025), who reduce a layer to a recursion for a single number,
# the cosine $\rho$ of two tokens, and look at what their limit of infinitely many tokens leaves
# out.

# %%
# %matplotlib inline
import math
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check
from IPython.display import display
from matplotlib import patheffects

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES
from qktheory.plots.style import COLOURS, INK, style

np.set_printoptions(precision=4, suppress=True)


def show(derivation):
    """Compute every line of a derivation again; print its reason and how it is known."""
    for step in derivation.steps:
        print(f"[{step.status if step.recheck() else 'FAILS'}] {step.reason}")
        display(step)


# %% [markdown]
# ## The width of a row
#
# Let tokens have norm $\sqrt d$ and pairwise cosine $\rho$, and let $W_Q$ and $W_K$ be
# independent Gaussian matrices. Given the query, the logits of the keys are jointly Gaussian with
# covariance $s_0^2\,[\rho + (1-\rho)\,\delta_{ij}]$. The first part is common to all keys, and
# softmax does not see it. So a row is a row of *iid* Gaussian logits of width
#
# $$s = s_0\sqrt{1-\rho}$$
#
# ({claim}`ENT-13a`; at finite $d_k$ its square fluctuates like a $\chi^2$ variable). Lesson 1
# knows everything about such a row: its entropy leaves $\log T$ and freezes near
# $s_c = \sqrt{2\log T}$. We draw rows and set exact predictions beside them.

# %%
T = 128
widths = [0.5, 1.0, 2.0, 3.0, 4.0, 6.0]


def rows(s0):
    """Return an experiment: simplex tokens of cosine 0.1 under Gaussian query and key maps."""
    return {
        "d": T,
        "T": T,
        "matrix": {"model": "ginibre", "scale": s0, "draw": "every_sample"},
        "tokens": {"law": "simplex", "cosine": 0.1},
        "attention": {"temperature": "sqrt_d"},
    }


compared = [qk.compare(rows(s0), ["entropy"], samples=1000, seed=0)["entropy"] for s0 in widths]
print("all intervals contain the exact mean:", all(one.agrees for one in compared))

# %%
# Figure: Mean entropy of a row against the width of its logits: Monte Carlo dots on the exact
# line, which falls from log T; the line of entropy collapse at T = 128 stands well left of its
# limit.
line = qk.evaluate("ENT-16b", T=T, cosine_0=0.1)
fine = np.linspace(0.05, 7.0, 30)
exact = [qk.evaluate("ENT-13a", T=T, s0=s0, cosine=0.1, d_k=T)["mean_entropy"] for s0 in fine]
with style():
    figure, ax = plt.subplots(figsize=(5.6, 3.4), dpi=130, layout="constrained")
    ax.plot(fine, exact, color=COLOURS[0], label="exact, ENT-13a")
    means = np.array([one.estimate.mean[0] for one in compared])
    ends = np.array([[one.estimate.low[0], one.estimate.high[0]] for one in compared])
    ax.errorbar(
        widths,
        means,
        yerr=np.abs(ends.T - means),
        fmt="o",
        color=COLOURS[1],
        markersize=4,
        label="Monte Carlo",
    )
    ax.axvline(
        line["s0_collapse"], color=INK, lw=0.9, label="half of the heat capacity lost, T = 128"
    )
    ax.axvline(
        line["s0_critical"], color=INK, lw=0.9, ls="--", label=r"its limit, $s_c/\sqrt{1 - \rho}$"
    )
    ax.axhline(math.log(T), color=INK, lw=0.6, ls=":")
    ax.set_xlabel("width of the logits at cosine 0, $s_0$")
    ax.set_ylabel("mean entropy of a row (nats)")
    ax.legend()
plt.show()
print(line)

# %% [markdown]
# The two lines differ by almost one unit of $s_0$: at the sizes of practice a limit in $T$
# misplaces the boundary of entropy collapse. Claim {claim}`ENT-16b` keeps both.
#
# ## One layer as a map of the cosine
#
# A layer adds attention to the skip, $x' = \alpha x + W_V \sum_j A_j x_j$. Averaged over $W_V$
# (variance $\sigma_V^2/d$), the Gram matrix of the outputs of simplex tokens is
# $\sigma_V^2\,[\rho + (1-\rho) A A^\top]$ ({claim}`ENT-15g`). Two averages of rows enter:
# $Y = \mathbb E\sum_j A_j^2$ on the diagonal, and $C = \mathbb E\sum_j A_j A'_j$, the overlap of
# two rows, off it. We write the map down ourselves.

# %%
rho, Y, C = sp.symbols("rho Y C", positive=True)
alpha, sigma = sp.symbols("alpha sigma_V", positive=True)
norm_after = alpha**2 + sigma**2 * (rho + (1 - rho) * Y)
dot_after = alpha**2 * rho + sigma**2 * (rho + (1 - rho) * C)
rho_after = dot_after / norm_after
gap_after = (1 - rho) * (alpha**2 + sigma**2 * (Y - C)) / norm_after
assert sp.simplify(1 - rho_after - gap_after) == 0
gap_after  # 1 - rho' of ENT-15a

# %% [markdown]
# As $T\to\infty$ two rows share no key, $C \to 0$. Then the *odds* $o = \rho/(1-\rho)$ are the
# better variable:

# %%
odds_after = sp.simplify((rho_after / (1 - rho_after)).subs(C, 0))
gain = sp.Symbol("v", positive=True)
sp.factor(odds_after.subs(sigma, alpha * sp.sqrt(gain)) / (rho / (1 - rho)))

# %% [markdown]
# With $v = \sigma_V^2/\alpha^2$, a layer multiplies the odds by $(1+v)/(1+vY)$. That is
# {claim}`ENT-15b`, whose derivation ends in the expression that the claim evaluates:

# %%
show(qk.derive("ENT-15b"))

# %% [markdown]
# While rows are diffuse, $Y \approx 0$ and odds grow by $1 + v$ in every layer: **rank collapse
# is exponential in depth, however the skip is chosen**, and $\alpha$ only sets the rate. Frozen
# rows, $Y > 0$, slow it down. Note what the map says about $\rho = 0$: tokens that are exactly
# orthogonal stay so in the limit $T\to\infty$.
#
# ## Layers upon layers
#
# How good is the recursion? We simulate whole networks, everything drawn for every sample,
# LayerNorm after each layer to keep norms fixed, and compare with three versions: the limit
# ({claim}`ENT-15b`), exact $Y$ and $C$ at the network's $T$ ({claim}`ENT-15a`), and exact ones
# with the tilt of finite $d$ ({claim}`ENT-15c`). The observable `mean_cosine` knows its range
# $[-1, 1]$, on which its intervals would rest; for few samples a normal approximation is
# narrower, so we take the range away.

# %%
T_net, depth, cosine_0 = 48, 8, 0.1
mean_cosine = replace(OBSERVABLES["mean_cosine"], bounds=lambda T: None)


def network(s0, skip, T=T_net, depth=depth):
    """Return an experiment: a post-LayerNorm network of attention layers with skip connections."""
    return {
        "d": T,
        "T": T,
        "matrix": {"model": "ginibre", "scale": s0, "draw": "every_sample"},
        "tokens": {"law": "simplex", "cosine": cosine_0},
        "attention": {"temperature": "sqrt_d"},
        "network": {
            "depth": depth,
            "skip": "alpha",
            "alpha": skip,
            "layer_norm": "post",
            "value": {"model": "ginibre"},
        },
    }


settings = {
    "diffuse, weak skip": (1.0, 1.0),
    "diffuse, strong skip": (1.0, 2.0),
    "freezing": (4.0, 0.5),
}
curves = {}
for title, (s0, skip) in settings.items():
    parameters = {"T": T_net, "s0": s0, "alpha": skip, "cosine_0": cosine_0, "L": depth}
    curves[title] = (
        qk.simulate(network(s0, skip), [mean_cosine], samples=96, seed=0)["mean_cosine"],
        [cosine_0, *qk.evaluate("ENT-15a", **parameters)["cosine_layers"]],
        [cosine_0, *qk.evaluate("ENT-15b", **parameters)["cosine_layers"]],
        [cosine_0, *qk.evaluate("ENT-15c", **parameters, d=T_net)["cosine_layers"]],
    )

# %%
# Figure: Mean cosine of two tokens over eight layers in three settings: simulated networks with
# intervals beside the recursion at finite T, at finite T and d, and in the limit of large T.
layers = np.arange(depth + 1)
with style():
    figure, axes = plt.subplots(
        1, 3, figsize=(8.6, 3.3), dpi=130, layout="constrained", sharey=True
    )
    for ax, (title, (estimate, finite, infinite, tilted)) in zip(axes, curves.items(), strict=True):
        s0, skip = settings[title]
        ax.plot(layers, infinite, "--", color=COLOURS[2], label=r"$T \to \infty$, ENT-15b")
        ax.plot(layers, finite, color=COLOURS[0], label="finite T, ENT-15a")
        ax.plot(layers, tilted, ":", color=COLOURS[3], label="finite T and d, ENT-15c")
        half = np.array([estimate.mean - estimate.low, estimate.high - estimate.mean])
        ax.errorbar(
            layers,
            estimate.mean,
            yerr=half,
            fmt="o",
            color=COLOURS[1],
            markersize=4,
            label="networks, T = d = 48",
        )
        ax.set_title(f"{title}\n$s_0 = {s0:g}$, $\\alpha = {skip:g}$")
        ax.set_xlabel("layer")
    axes[0].set_ylabel(r"mean cosine of two tokens, $\rho$")
    axes[1].legend(loc="upper left")
plt.show()

# %% [markdown]
# In the diffuse phase the recursion follows the networks through eight layers, and even the limit
# is good. Where rows are about to freeze it is not: the limit is off by tenths there, because it
# puts the freezing at the wrong width. What is left between exact averages and networks is of
# order $1/\sqrt d$, and comes from the assumption that tokens form a simplex again after every
# layer.
#
# ## The window
#
# Say that rank has collapsed if $\rho_L > 1 - \epsilon$. In the diffuse phase the closed form
# gives a least skip, $\alpha_{\min} \approx \sigma_V\sqrt{L/R}$, with $R$ a logarithm of
# $\epsilon$ and $\rho_0$ ({claim}`ENT-16a`): **the skip has to grow like the root of depth**.
# Entropy collapse is the line of {claim}`ENT-16b`. Between them is the window.

# %%
# Figure: Map of one minus the cosine after all layers over the width of the logits and the
# weight of the skip. A horizontal rank line below and a vertical entropy line on the right
# bound a window, which is labelled.
T_map, L, epsilon = 256, 12, 0.05
s0_axis, alpha_axis = np.linspace(0.1, 8.0, 50), np.linspace(0.1, 4.0, 50)
gap = np.array(
    [
        [
            1.0
            - qk.evaluate("ENT-15b", T=T_map, s0=s0, alpha=skip, cosine_0=cosine_0, L=L)[
                "cosine_layers"
            ][-1]
            for s0 in s0_axis
        ]
        for skip in alpha_axis
    ]
)
rank_line = qk.evaluate("ENT-16a", cosine_0=cosine_0, epsilon=epsilon, alpha=1.0, L=L)
entropy_line = qk.evaluate("ENT-16b", T=T_map, cosine_0=cosine_0)
with style():
    figure, ax = plt.subplots(figsize=(6.0, 3.8), dpi=130, layout="constrained")
    mesh = ax.pcolormesh(
        s0_axis,
        alpha_axis,
        gap,
        cmap="cividis",
        vmin=0.0,
        vmax=0.9,
        shading="auto",
        rasterized=True,
    )
    figure.colorbar(mesh, label=f"$1 - \\rho$ after {L} layers, $T \\to \\infty$ map")
    halo = [patheffects.withStroke(linewidth=3, foreground="white")]
    top = alpha_axis[-1] + 0.08
    for place, dash, text in (
        (entropy_line["s0_collapse"], "-", f"entropy line\nT = {T_map}"),
        (entropy_line["s0_critical"], "--", "its limit"),
    ):
        ax.axvline(place, color=INK, lw=1.4, ls=dash, path_effects=halo)
        ax.text(place, top, text, ha="center", va="bottom", fontsize=8)
    ax.axhline(rank_line["alpha_min"], color=COLOURS[1], lw=1.8, path_effects=halo)
    ax.text(0.3, rank_line["alpha_min"] - 0.25, "rank line, ENT-16a", color="white", fontsize=8)
    ax.text(1.25, 3.0, "window", ha="center")
    ax.set_xlabel("width of the logits, $s_0$")
    ax.set_ylabel(r"weight of the skip, $\alpha$")
plt.show()
print(f"alpha_min = {rank_line['alpha_min']:.4f} for {L} layers")

# %% [markdown]
# Colours are the limit map, which costs microseconds; the gallery has the same plane with exact
# averages (`qktheory phase --preset trainability`). Right of the entropy line, rank survives with
# weaker skips, but that is no gift, as gradients will tell.
#
# ## What gradients see
#
# Collapsed tokens starve the query and key weights: where all tokens coincide, moving $W_Q$
# changes all logits of a row by the same amount, and softmax does not see it. At uniform
# attention the mean square of that gradient is proportional to $\|\hat C\|_F^2$, with $\hat C$
# the covariance of the tokens ({claim}`RMT-9c`), and for tokens of cosine $\rho$ that is
# proportional to $(1-\rho)^2$:

# %%
show(qk.derive("RMT-9b"))
for one in (0.0, 0.5, 0.9, 0.99):
    value = qk.evaluate("RMT-9b", T=64, d=64, cosine=one)["mean_covariance_norm_squared"]
    print(f"cosine {one:4}: E||C||^2 = {value:.5f}")

# %% [markdown]
# Value weights do not starve (their gradient depends on the *mean* token, {claim}`RMT-9a`), which
# is why networks with collapsed rank train on, badly: they learn what to copy and not where to
# look.
#
# Frozen attention does the opposite. A hard choice of key flips under small changes of tokens, so
# gradients explode backwards. We measure the gradient of a random function of the output in the
# tokens of the first layer.

# %%
# Figure: Logarithm of the gradient in the tokens of the first layer against the width of the
# logits: near 0 up to the entropy line, rising by more than one beyond it.
scan = [0.5, 1.0, 2.0, 3.0, 4.0, 6.0]
gradients = [
    qk.simulate(network(s0, 2.0, T=24, depth=12), ["log10_gradient"], samples=64, seed=0)[
        "log10_gradient"
    ]
    for s0 in scan
]
first = np.array([e.mean[0] for e in gradients])
half = np.array([[e.mean[0] - e.low[0], e.high[0] - e.mean[0]] for e in gradients]).T
collapse = qk.evaluate("ENT-16b", T=24, cosine_0=cosine_0)
with style():
    figure, ax = plt.subplots(figsize=(5.6, 3.4), dpi=130, layout="constrained")
    ax.errorbar(
        scan,
        first,
        yerr=half,
        fmt="o-",
        color=COLOURS[0],
        markersize=4,
        label=r"12 layers, $T = d = 24$, $\alpha = 2$",
    )
    ax.axvline(collapse["s0_collapse"], color=INK, lw=0.9, label="entropy line at T = 24")
    ax.axhline(0, color=INK, lw=0.6, ls=":")
    ax.set_xlabel("width of the logits, $s_0$")
    ax.set_ylabel(r"$\log_{10}$ gradient in the tokens of layer 1")
    ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# Inside the window the gradient is of order one; beyond the line it grows with $s_0$, in a
# network of only 12 layers by more than an order of magnitude.
#
# ## A cure with depth in it
#
# One may also scale the branch instead of the skip: $x' = x + L^{-1/2} y$, so $v = \sigma_V^2/L$.
# Odds then grow by $(1 + \sigma_V^2/L)^L$ over the whole network, which has a limit
# ({claim}`RMT-8c`, {claim}`ENT-16d`):

# %%
show(qk.derive("RMT-8c"))
for L_deep in (4, 16, 64, 1024):
    ends = qk.evaluate("ENT-16d", cosine_0=0.1, sigma_V=1.0, L=L_deep)
    print(f"L = {L_deep:5}: cosine {ends['cosine_final']:.6f}, limit {ends['cosine_limit']:.6f}")

# %% [markdown]
# No depth collapses such a network. It pays with branches that hardly contribute each, which is
# another lesson.
#
# ## Exercises
#
# **7.1** You plan 48 diffuse layers with $\rho_0 = 0.1$ and $\sigma_V = 1$, and want
# $\rho_{48} \le 0.95$. Which is the smallest $\alpha$? Three digits.

# %%
answer = ...
check("7.1", answer)

# %% [markdown]
# **7.2** Scale the branch by $1/L$ instead of $1/\sqrt L$: $v = \sigma_V^2/L^2$. To which value
# does $\rho_L$ tend as $L\to\infty$ in the diffuse phase? A SymPy expression in `rho_0` and
# `sigma_V`.

# %%
answer = ...
check("7.2", answer)

# %% [markdown]
# **7.3** Diffuse layers with $\alpha = 2$, $\sigma_V = 1$ and $\rho_0 = 0.1$, in the limit of
# many tokens. By which factor is the mean square of the query gradient of layer 13 smaller than
# that of layer 1, if only the cosine matters, $(1-\rho)^2$? Give the ratio (later over earlier)
# to three digits.

# %%
answer = ...
check("7.3", answer)

# %% [markdown]
# **7.4** Write `answer(cosine, alpha, sigma_V, Y, C)`, a function that returns the cosine after
# one layer, exactly at any $T$.

# %%
answer = ...
check("7.4", answer)
