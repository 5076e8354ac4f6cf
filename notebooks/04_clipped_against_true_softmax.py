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
# # Clipped softmax against the true one: what the theorem sees and misses
#
# Lesson 3 derived the probability $\rho$ that a key stays *alive* under clipped attention, and
# drew its phases. Attention in a transformer is a softmax.
#
# **Question.** Does $\rho$ say where the true softmax puts its weight? Where it does not, is there
# a theory that does?

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check

import qktheory as qk
from qktheory.plots.style import COLOURS, INK, style
from qktheory.symbolic import symbol
from qktheory.symbolic.formula import Formula
from qktheory.theorems.derivations import own

# %% [markdown]
# ## The same walk under both
#
# Random-walk tokens, a symmetric $W_{QK}$ with a semicircle of eigenvalues of trace $\xi$ and
# square trace $\eta$, the last token as query. We measure two things on the same walks: $\rho_i$,
# and the share of the softmax weight in each quarter of the sequence.


# %%
def walk(xi, eta, T=256):
    """A random walk under a symmetric W whose eigenvalues form a semicircle."""
    return {
        "d": 64,
        "T": T,
        "spectrum": {"law": "semicircle", "xi": xi, "eta": eta},
        "tokens": {"law": "random_walk"},
    }


settings = {
    "$\\xi = 2/T$, $\\eta = 4/T^2$": (2 / 256, 4 / 256**2),
    "$\\xi = 1$, $\\eta = 0.1$ (phase L)": (1.0, 0.1),
    "$\\xi = 4$, $\\eta = 0.5$ (phase M)": (4.0, 0.5),
    "$\\xi = 0$, $\\eta = 1$ (phase U)": (0.0, 1.0),
}
quarters = [f"quarter_weight_{k}" for k in (1, 2, 3, 4)]
compared = {
    name: qk.compare(walk(*traces), ["rho", *quarters], samples=4000, seed=0)
    for name, traces in settings.items()
}
print("exact predictions of rho agree:", [c["rho"].agrees for c in compared.values()])

# %%
# Figure: Shares of the four quarters of the sequence in four settings, aliveness beside softmax
# weight. At small traces they are similar; with trace 1 and in phase M the softmax has nearly
# everything in the last quarter; at trace 0 it prefers both ends where aliveness prefers the
# middle.
with style():
    figure, axes = plt.subplots(1, 4, figsize=(7.4, 2.7), sharey=True, layout="constrained")
    at = np.arange(1, 5)
    for ax, (name, comparison) in zip(axes, compared.items(), strict=True):
        exact = next(p.value for p in comparison["rho"].predictions if p.kind == "exact")
        alive = exact.reshape(4, -1).sum(axis=1) / exact.sum()
        ax.bar(at - 0.2, alive, 0.36, color=COLOURS[5], label="share of $\\rho$ (exact)")
        estimates = [comparison[q].estimate for q in quarters]
        weight = np.array([float(e) for e in estimates])
        low = weight - [e.low[0] for e in estimates]
        high = [e.high[0] for e in estimates] - weight
        ax.bar(at + 0.2, weight, 0.36, color=COLOURS[1], label="share of softmax weight")
        ax.errorbar(at + 0.2, weight, yerr=[low, high], fmt="none", ecolor=INK, lw=0.8, capsize=2)
        ax.set(xticks=at, xlabel="quarter")
        ax.set_title(name, fontsize=7.5)
    axes[0].set_ylabel("share")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

# %% [markdown]
# *4000 walks each; intervals of the weights at error level $10^{-6}$ for all of a panel together.*
#
# **What the theorem sees:** the side. For $\xi > 0$ both quantities prefer late keys.
#
# **What it misses:** nearly everything else. In phase M, where $\rho$ says *middle*, the softmax
# has its whole weight at the end. At $\xi = 0$ the clipped model favours the middle and the
# softmax both ends. And the softmax is far more concentrated. To see why, look at what *not alive*
# means.
#
# ## Dead at 0, or dead at 1?
#
# A key is dead if $q \le -1$, when its weight is clipped to 0, or if $q \ge T - 1$, when it is
# clipped to **1**. The profile of {claim}`LOC-4a` is the probability of an interval; its two ends
# are in the expression, and we can take them out of it:

# %%
(profile,) = qk.claims(["LOC-4a"])
rho = own(profile, "rho").subs(symbol("v"), own(profile, "v"))
low, high = rho.args
at_zero, at_one = rho.func(-sp.oo, low), rho.func(high, sp.oo)
at_one

# %%
# Figure: Probability that a key is clipped to 0, alive, or clipped to 1, stacked over the
# relative position, in three settings. With trace 4 the keys of the last third are mostly
# clipped to 1.
theta = np.linspace(0.0, 1.0, 301)
with style():
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), sharey=True, layout="constrained")
    for ax, (trace, spread) in zip(axes, ((1.0, 0.1), (4.0, 0.5), (0.0, 1.0)), strict=True):
        point = {"xi": trace, "eta": spread, "theta": theta}
        shares = [Formula(e)(point) for e in (at_zero, rho, at_one)]
        labels = ["clipped to 0", "alive", "clipped to 1"]
        ax.stackplot(theta, *shares, colors=["#D9D9D9", COLOURS[5], COLOURS[1]], labels=labels)
        ax.set(xlabel="relative position $\\theta$", xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1))
        ax.set_title(f"$\\xi = {trace:g}$, $\\eta = {spread:g}$")
    axes[0].set_ylabel("probability")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)

# %% [markdown]
# In phase M the last keys are dead because they are **saturated at 1**: they are the ones that an
# attention head would attend to. "Middle" is where the clip happens to be linear. There is a
# symptom that should make one suspicious: the rows of the clipped model do not sum to 1, not even
# nearly ({claim}`LOC-12a`).

# %%
for name, (trace, spread) in settings.items():
    total = qk.evaluate("LOC-12a", xi=trace, eta=spread, T=256)["pl_row_sum"]
    print(f"mean sum of a clipped row: {total:6.2f}   at {name}")

# %% [markdown]
# Only the first setting is near 1. There $T\xi$ and $T^2\eta$ are of order one, so logits are of
# order one: that is the scale on which the softmax is neither uniform nor saturated, and on which
# the clip is a linearisation of it ({claim}`LOC-12c`). With $\xi$ and $\eta$ of order one, as in
# the phase map, logits are of order $T$.
#
# The catalogue states the reading "for $\xi > 2$ attention sits in the middle" as folklore. It is
# refuted by sampling, on parameters of its own:

# %%
folklore = qk.verify(["LOC-12-folklore"]).results[0]
print(folklore.claim.statement)
print(folklore.verdict)

# %% [markdown]
# ## A theory of the true softmax
#
# Condition on the query. Given the last position of a walk, the earlier ones are a straight line
# to it plus a Brownian bridge. So a row of logits is a *drifted bridge*, exactly, for any $W$ and
# any $T$ ({claim}`LOC-8a`):
#
# $$w_i = m\, \frac{i}{T} + s B_i, \qquad m = x_T^\top W x_T, \qquad
# s^2 = x_T^\top W \Sigma W^\top x_T .$$
#
# All of $W$ is in two numbers again: the self-logit $m$ (total drift), and $\kappa^2 = T s^2$
# (roughness).

# %%
qk.derive("LOC-8a")

# %% [markdown]
# **No drift.** Let $m = 0$. The increments of the bridge are exchangeable and sum to zero; start
# the cycle of keys somewhere else, and the logits change by a constant and a cyclic shift. Softmax
# does not see the constant. So *all keys have the same mean weight*, $E A_i = 1/T$, at every $T$
# and however rough the bridge is ({claim}`LOC-9a`). A single row may be one-hot; on average there
# is no preferred position.
#
# **Drift.** In the continuum limit, the mean weights of the ends and the participation
# $Y_2 = \sum_i A_i^2$ are closed forms ({claim}`LOC-9b`):

# %%
(ends,) = qk.claims(["LOC-9b"])
m, kappa = sp.Symbol("m", real=True), sp.Symbol("kappa", positive=True)
short = {symbol("self_logit"): m, symbol("kappa2"): kappa**2}
names = ("scaled_end_weight", "scaled_first_weight", "scaled_participation")
last, first, participation = (own(ends, name).subs(short) for name in names)
sp.Tuple(last, first, participation)

# %% [markdown]
# (Each is $T$ times a mean.) The end weights do not depend on the roughness $\kappa$ at all. And
# their difference is remarkable:

# %%
sp.simplify(last - first)

# %% [markdown]
# So $E[A_T - A_1] = E[m]/T$, and since $E\, m = T\xi$, it is $\xi$ for **every** spectrum
# ({claim}`LOC-9g`). Here is the trace, in the true softmax: not as the position of a window, but
# as the difference of two mean weights.
#
# Let us look at rows with prescribed $m$ and $\kappa$. The query is pinned to $(1, 0)$, and steps
# have no first component, so a key at position $i$ is $(i/T, \text{bridge})$; then
# $W = \begin{pmatrix} m & s \\ 0 & 0 \end{pmatrix}$ makes the drifted bridge.


# %%
# Figure: Mean weight of a key times T over its relative position for three pairs of drift and
# roughness: simulated lines end in the dots of the closed forms; without drift the line is flat
# at 1.
def drifted_bridge(m, kappa_squared, T=200):
    """A random walk whose row of logits is m i/T + s B_i with s^2 = kappa^2/T."""
    s = float(np.sqrt(kappa_squared / T))
    return {
        "d": 2,
        "T": T,
        "matrix": {"W": [[m, s], [0.0, 0.0]]},
        "tokens": {"law": "random_walk", "covariance": [0.0, 1.0], "query": [1.0, 0.0]},
    }


with style():
    figure, ax = plt.subplots(figsize=(5.6, 3.2), layout="constrained")
    key = np.arange(1, 201)
    rows = ((0.0, 16.0), (2.0, 1.0), (2.0, 16.0))
    for colour, (drift, rough) in zip(COLOURS, rows, strict=False):
        spec = drifted_bridge(drift, rough)
        simulation = qk.simulate(spec, ["profile", "participation"], samples=10_000, seed=0)
        scaled = 200 * simulation["profile"].mean
        label = f"$m = {drift:g}$, $\\kappa^2 = {rough:g}$"
        ax.plot(key / 200, scaled, color=colour, lw=0.9, label=label)
        predicted = qk.evaluate("LOC-9b", self_logit=drift, kappa2=rough)
        at_ends = [predicted["scaled_first_weight"], predicted["scaled_end_weight"]]
        ax.plot([0, 1], at_ends, "o", ms=5, color=colour)
        measured = 200 * float(simulation["participation"])
        exact = predicted["scaled_participation"]
        print(f"m = {drift:g}, kappa^2 = {rough:2g}: T E Y_2 = {measured:.3f}, limit {exact:.3f}")
    ax.set(
        xlabel="relative position $i/T$ of the key",
        ylabel="mean weight, $T\\, E A_i$",
        ylim=(0, 2.6),
    )
    ax.legend()

# %% [markdown]
# *Lines: simulation with $T = 200$ (10,000 rows; the wiggles are sampling error). Dots: the closed
# forms of {claim}`LOC-9b` for the two ends.*
#
# ## Opposite directions
#
# Now compare spectra at a fixed trace. Measure *localization* by the asymmetry of the ends,
# $\Lambda = (E A_T - E A_1)/(E A_T + E A_1)$, and *peakedness* of single rows by $T\, E\, Y_2$.
# {cite:t}`bao2024` say that a concentrated spectrum localizes. For the true softmax there is a
# theorem ({claim}`LOC-10a`): concentration **raises** $|\Lambda|$ and **lowers** the
# participation. Profiles tied to a position, and rows that attend to few keys, are opposite ends
# of one scale.

# %%
d, total = 8, 4.0
quantiles = ((np.arange(d) + 0.5) / d).tolist()
shape = np.array(qk.evaluate("SPEC-9", law="semicircle", std=1.0, u=quantiles)["quantile"])
shape /= np.sqrt(np.mean(shape**2))
spectra = {
    "all equal": np.full(d, total / d),
    "semicircle, std = mean": total / d * (1 + shape),
    "semicircle, std = 2 mean": total / d * (1 + 2 * shape),
    "semicircle, std = 5 mean": total / d * (1 + 5 * shape),
    "one eigenvalue": np.array([total] + [0.0] * (d - 1)),
}
print("spectrum of T W              square trace  Lambda   T E Y_2")
for name, eigenvalues in spectra.items():
    found = qk.evaluate("LOC-10a", eigenvalues=eigenvalues, T=1)
    spread = np.sum(eigenvalues**2)
    print(f"{name:26} {spread:12.2f}  {found['Lambda']:8.4f} {found['scaled_participation']:8.3f}")

# %% [markdown]
# The order of the theorem is *majorization* (one spectrum is an average of permutations of the
# other), not variance. Look at the last line: the single eigenvalue has a larger variance than the
# semicircle with std = 2 mean, and a larger $\Lambda$ nevertheless. That variance orders is
# folklore ({claim}`LOC-10-folklore`).
#
# ## Logits of size $T$: the argmax law
#
# Back to the regime of the phase map, $\xi$ and $\eta$ of order one. There $\kappa \to \infty$:
# each row is nearly one-hot, and the mean weight of a position is the probability that the bridge
# has its maximum there. That density is known ({claim}`LOC-11a`), and averaged over queries it
# depends on the spectrum only through $b = \xi/\sqrt\eta$ ({claim}`LOC-11b`). *This* is the
# profile that the phase map would have to describe.

# %%
# Figure: Two panels over the relative position, logarithmic scale. Simulated softmax weight
# follows the argmax law: U-shaped at trace 0, tilted towards the last key at trace 1. The
# dashed aliveness is nearly flat at trace 0 and highest at two thirds of the sequence at trace
# 1.
inner = np.linspace(0.01, 0.99, 99)
bins = 16
middle = (np.arange(bins) + 0.5) / bins

with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
    for ax, (trace, spread) in zip(axes, ((0.0, 1.0), (1.0, 1.0)), strict=True):
        b = trace / np.sqrt(spread)
        density = [
            qk.evaluate("LOC-11b", theta=t, xi_over_sqrt_eta=b)["argmax_density_averaged"]
            for t in inner.tolist()
        ]
        simulation = qk.simulate(walk(trace, spread), ["profile"], samples=4000, seed=1)
        weight = simulation["profile"].mean.reshape(bins, -1).sum(axis=1) * bins
        alive = Formula(rho)({"xi": trace, "eta": spread, "theta": theta})
        ax.plot(inner, density, color=COLOURS[0], label="argmax law")
        ax.plot(middle, weight, "o", ms=3.5, color=COLOURS[1], label="softmax, simulated")
        ax.plot(theta, alive / alive.mean(), "--", color=INK, label="$\\rho$ over its mean")
        ax.set(xlabel="relative position $\\theta$", yscale="log", ylim=(0.3, 10))
        ax.set_title(f"$\\xi = {trace:g}$, $\\eta = {spread:g}$")
    axes[0].set_ylabel("density of weight (log scale)")
    axes[0].legend(loc="upper center")

# %% [markdown]
# *Dots: $T = 256$, $d = 64$, 4000 walks, in 16 bins. The law is that of $T, d \to \infty$; the
# last bins feel $T = 256$.*
#
# At $\xi = 0$ the profile is U-shaped where the clipped theory has its hump. What is right in the
# clipped theory is the sign of $\xi$, and the linear regime; for the rest, use the law of the row
# itself.
#
# ## Exercises
#
# **4.1** A row of $T = 100$ keys is a bridge without drift, $m = 0$, and very rough,
# $\kappa^2 = 10^4$. What is the mean weight of key 17?

# %%
answer = ...
check("4.1", answer)

# %% [markdown]
# **4.2** In the continuum limit, what is $E A_T / E A_1$ for a row with drift $m$? A SymPy
# expression in `m`.

# %%
answer = ...
check("4.2", answer)

# %% [markdown]
# **4.3** By which temperature do the scores of the walk with $\xi = 4$, $\eta = 0.5$, $T = 256$
# have to be divided so that the mean drift of a row, $E\, m$, is 1?

# %%
answer = ...
check("4.3", answer)

# %% [markdown]
# **4.4** Refute the folklore: give eight eigenvalues of $T W$ with sum 4 that have a larger square
# trace *and* a larger $\Lambda$ than the spectrum `4 / 8 * (1 + 2 * shape)` of the table. (The
# single eigenvalue does it; find one of your own, with at least two eigenvalues that are not
# zero.)

# %%
answer = ...
check("4.4", answer)
