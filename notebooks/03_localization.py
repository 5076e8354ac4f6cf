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
# # Localization: from Isserlis to the phase map
#
# {cite:t}`bao2024` replace the softmax by a clipped line and ask which keys of a long sequence
# stay *alive*: neither clipped to 0 nor to 1, so that a gradient passes. Their answer is a formula
# in two numbers, the trace $\xi$ and the spread $\eta$ of the eigenvalues of $W_{QK}$.
#
# **Question.** Where does the formula come from, how exact is it, and is its headline true, that a
# small variance of the eigenvalues localizes attention?

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check

import qktheory as qk
from qktheory.plots.phase_map import plot_phase_map
from qktheory.plots.rho_profiles import plot_rho_profiles
from qktheory.plots.style import COLOURS, style
from qktheory.symbolic import Form, correlated, cumulant, expectation, matrix, symbol
from qktheory.symbolic.formula import Formula
from qktheory.theorems.derivations import own

# %% [markdown]
# ## The model
#
# Tokens are a random walk, $x_t = z_1 + \dots + z_t$ with iid steps $z_s \sim N(0, \Sigma)$. The
# query is the last token. The logit of key $i$ is $w_i = x_T^\top W x_i$; centred by the mean of
# its row it is $q_i = w_i - \bar w$. Clipped attention puts
# $\mathrm{clip}_{[0, 1]}\big((1 + q_i)/T\big)$ on key $i$, and the key is alive if
# $-1 < q_i < T - 1$. The *signal propagation probability* is $\rho_i = P(-1 < q_i < T - 1)$.
#
# ## Isserlis
#
# Positions of a walk are jointly Gaussian with $E\, x_i x_j^\top = \min(i, j)\, \Sigma$. With this
# Gram matrix the moments of a logit are sums over pairings:

# %%
i, T = sp.symbols("i T", integer=True, positive=True)
W, Sigma = matrix("W_QK"), matrix("Sigma")
x_i, x_T = correlated("x_i x_T", [[i, i], [i, T]], Sigma)
logit = Form(x_T, W, x_i)
sp.Tuple(expectation(logit), cumulant(logit, logit))

# %% [markdown]
# Centring needs more care. The centred logit is again a form, $q_i = v^\top W u$, with $v = x_T$
# the sum of all steps and $u = \sum_s c_s z_s$: step $s$ is in $x_i$ if $s \le i$, and in the mean
# of all positions with weight $(T - s + 1)/T$. So all we need are the sums $\gamma_i = \sum_s c_s$
# and $\sum_s c_s^2$, which SymPy does for symbolic $i$ and $T$:

# %%
s = sp.Symbol("s", integer=True, positive=True)
in_mean = (T - s + 1) / T
before, after = (s, 1, i), (s, i + 1, T)
gamma = sp.simplify((sp.Sum(1 - in_mean, before) - sp.Sum(in_mean, after)).doit())
c_squared = sp.expand((sp.Sum((1 - in_mean) ** 2, before) + sp.Sum(in_mean**2, after)).doit())
sp.Tuple(gamma, sp.factor(c_squared))

# %%
u, v = correlated("u v", [[c_squared, gamma], [gamma, T]], Sigma)
q = Form(v, W, u)
mean_q, var_q = expectation(q), cumulant(q, q)
sp.factor(mean_q)

# %% [markdown]
# The variance has two terms,
# $T |c|^2\, \mathrm{tr}\, W \Sigma W^\top \Sigma + \gamma^2\, \mathrm{tr}\, W \Sigma W \Sigma$.
# For a non-symmetric $W$ the first, which knows the singular values, is the larger one (lesson 2).
# The expression that SymPy has just found is also what we evaluate; beside it, the claim of the
# catalogue ({claim}`LOC-1a`) and a brute-force simulation of the walk:

# %%
W_value, Sigma_value = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[2.0, 1.0], [1.0, 3.0]])
at = {"W_QK": W_value, "Sigma": Sigma_value, "T": 7}
ours = float(Formula(var_q)({**at, "i": 2}))
claimed = qk.evaluate("LOC-1a", **at, temperature=1.0, key=2, key_2=5)["var_centred_logit"]

steps = (
    np.random.default_rng(0).standard_normal((100_000, 7, 2)) @ np.linalg.cholesky(Sigma_value).T
)
walk = steps.cumsum(axis=1)
logits = np.einsum("nd,de,nie->ni", walk[:, -1], W_value, walk)
centred = logits[:, 1] - logits.mean(axis=1)
error = np.std(centred**2) / np.sqrt(len(centred))
print(f"SymPy {ours:.6f}, claim {claimed:.6f}, simulated {centred.var():.1f} +- {error:.1f}")

# %% [markdown]
# ## From moments to a profile
#
# Let the sequence be long, $i = \theta T$. Then $\operatorname{Var} q_i$ grows like $T^2$, and so
# does the square of the mean. In the standard symbols $\xi = \mathrm{tr}\, W\Sigma$,
# $\eta = \mathrm{tr}\,(W\Sigma)^2$, $\eta_F = \mathrm{tr}\, W \Sigma W^\top \Sigma$ (all divided
# by the temperature where there is one):

# %%
xi, eta, eta_F, theta = symbol("xi"), symbol("eta"), symbol("eta_F"), symbol("theta")
variance = (T * c_squared * eta_F + gamma**2 * eta).subs(i, theta * T)
limit_variance = sp.limit(sp.expand(variance / T**2), T, sp.oo)
(limit,) = qk.claims(["LOC-1b"])
print("difference to the claim:", sp.simplify(limit_variance - own(limit, "var_limit")))
shape = sp.factor(limit_variance.subs(eta_F, eta) / eta)
sp.Eq(sp.Symbol("v"), sp.Rational(1, 12) + 2 * (theta - sp.Rational(1, 2)) ** 2, evaluate=False)

# %%
sp.simplify(shape - (sp.Rational(1, 12) + 2 * (theta - sp.Rational(1, 2)) ** 2))

# %% [markdown]
# For a symmetric $W$ the limit is $\eta\, v(\theta)$: the variance is smallest in the middle of
# the sequence and *seven times* larger at the ends. One step is left, and it is the only one that
# is not exact: $q_i$ is taken to be Gaussian, by a central limit theorem in $d$. That gives the
# profile ({claim}`LOC-4a`), with the distribution function $\Phi$ of $N(0, 1)$:

# %%
(profile,) = qk.claims(["LOC-4a"])
rho = own(profile, "rho").subs(symbol("v"), own(profile, "v"))
rho

# %%
qk.derive("LOC-4a")

# %% [markdown]
# `uses` names what the derivation cites instead of deriving:

# %%
qk.derive("LOC-4a").uses

# %% [markdown]
# ## How Gaussian is it?
#
# At finite $d$ the exact law of $q_i$ is known, too: a sum of weighted $\chi^2$ variables
# ({claim}`LOC-2`), inverted numerically for $\rho$ ({claim}`LOC-3`). So we can look at the error.
# Three symmetric $W$ with the *same* $\xi = 2$ and $\eta = 1$:


# %%
# Figure: Probability to be alive against the position of the key for three spectra of equal
# traces: exact lines with Monte Carlo dots on them differ from each other and from the dashed
# Gaussian limit, which is the same for all three.
def walk_experiment(xi, eta, d=32, T=64, **spectrum):
    """A random walk under a symmetric W with given traces; semicircle unless told otherwise."""
    return {
        "d": d,
        "T": T,
        "spectrum": {"law": "semicircle", **spectrum, "xi": xi, "eta": eta},
        "tokens": {"law": "random_walk"},
    }


bulk = {"law": "semicircle", "mean": 0.0, "std": 1.0}
experiments = {
    "semicircle": walk_experiment(2.0, 1.0),
    "one spike": walk_experiment(2.0, 1.0, law="spiked", bulk=bulk, spikes=[6.0]),
    "one negative spike": walk_experiment(2.0, 1.0, law="spiked", bulk=bulk, spikes=[-6.0]),
}
compared = {
    name: qk.compare(spec, ["rho"], samples=20_000, seed=0) for name, spec in experiments.items()
}
with style():
    figure, ax = plt.subplots(figsize=(5.4, 3.4), layout="constrained")
    plot_rho_profiles(compared, ax, every=4)
print("exact predictions agree:", [c.agrees for c in compared.values()])

# %% [markdown]
# *Solid: exact. Dashed: Gaussian limit, the same for all three. Dots: 20,000 walks, intervals
# simultaneous over all keys at error level $10^{-6}$.*
#
# Two numbers do not determine $\rho$ at $d = 32$. The error vanishes as $d$ grows if no eigenvalue
# dominates: like $d^{-1/2}$ where the third cumulant does not vanish, like $1/d$ where it does.
# With a spike that keeps its share of $\eta$ it does not vanish at all ({claim}`LOC-3e`; here at
# $\theta = 0.9$).

# %%
print("  d    equal eigenvalues   semicircle, mean 0   spike with half of eta")
for d in (8, 32, 128):
    quantiles = (np.arange(d) + 0.5) / d
    semicircle = qk.evaluate("SPEC-9", law="semicircle", std=1.0, u=quantiles.tolist())["quantile"]
    spike = [1.0, *[(d - 1) ** -0.5] * (d - 1)]
    errors = [
        qk.evaluate("LOC-3e", eigenvalues=values, theta=0.9)["kolmogorov_distance"]
        for values in ([1.0] * d, semicircle, spike)
    ]
    print(f"{d:4d}    " + "             ".join(f"{error:.5f}" for error in errors))

# %% [markdown]
# ## What the profile says
#
# `rho` above is a SymPy expression, and `Formula` turns it into a function of arrays; that is what
# is drawn here, nothing else.

# %%
# Figure: Limit profile of aliveness over the relative position at four spreads. Left, trace 1:
# a step to the second half at small spread. Right, trace 4: a window behind the middle. Large
# spread lowers all of the profile.
value = Formula(rho)
position = np.linspace(0.0, 1.0, 401)

with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True, layout="constrained")
    for colour, spread in zip(COLOURS, (0.01, 0.3, 3.0, 30.0), strict=False):
        for ax, trace in zip(axes, (1.0, 4.0), strict=True):
            profile_values = value({"xi": trace, "eta": spread, "theta": position})
            ax.plot(position, profile_values, color=colour, label=f"$\\eta = {spread:g}$")
            ax.set(xlabel="relative position $\\theta$ of the key", ylim=(0, 1.02))
            ax.set_title(f"$\\xi = {trace:g}$")
    axes[0].set_ylabel("probability to be alive, $\\rho$")
    axes[1].legend(loc="upper left")

# %% [markdown]
# A small spread sharpens the profile: for $\xi < 2$ the second half of the sequence stays alive,
# for $\xi > 2$ only a window of width $1/\xi$ behind the middle ({claim}`LOC-4c`). Large spread
# kills all keys alike ({claim}`LOC-4d`). So the headline looks right. To make it precise, measure
# localization by the contrast $C = \max_\theta \rho - \min_\theta \rho$.
#
# ## A theorem, and where it stops
#
# **Theorem** ({claim}`LOC-5a`). For $\xi \ne 0$ the contrast tends to 1 as $\eta \to 0$, to 0 as
# $\eta \to \infty$, and falls strictly on $(0, \eta_1]$.
#
# The proof: keys near the maximum have an alive interval that contains 0, so a larger variance
# only takes probability away from it. The minimum is at $\theta = 0$, where the interval does not
# contain 0, and there a larger variance first *brings* probability, up to $\eta_1$:

# %%
qk.derive("LOC-5a")

# %%
# Figure: Contrast of the profile against the spread of the eigenvalues for traces from 0.1 to
# 4. Every curve falls up to its dot, eta_1; that of trace 0.1 rises again beyond it.
(theorem,) = qk.claims(["LOC-5a"])
eta_1 = Formula(own(theorem, "eta_1"))

spreads = np.geomspace(0.01, 60.0, 120)
with style():
    figure, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
    for colour, trace in zip(COLOURS, (0.1, 0.3, 1.0, 2.0, 4.0), strict=False):
        contrast = [qk.evaluate("LOC-4b", xi=trace, eta=e)["contrast"] for e in spreads]
        ax.plot(spreads, contrast, color=colour, label=f"$\\xi = {trace:g}$")
        end = float(eta_1({"xi": trace}))
        ax.plot(end, qk.evaluate("LOC-4b", xi=trace, eta=end)["contrast"], "o", ms=4, color=colour)
    ax.set(
        xscale="log",
        xlabel="spread of the eigenvalues, $\\eta$",
        ylabel="contrast $C$",
        ylim=(0, 1.02),
    )
    ax.legend()

# %% [markdown]
# *Dots: $\eta_1$, up to which the theorem holds. To the left of a dot every curve falls.*
#
# Beyond $\eta_1$ the headline can fail: at $\xi = 0.1$ the contrast *rises* with $\eta$ over a
# whole decade. It is monotone for all $\eta$ if and only if $|\xi| \ge \xi_c$ ({claim}`LOC-5c`).
# The sentence "a smaller variance always localizes more" is therefore kept as folklore, and
# refuted:

# %%
critical = qk.evaluate("LOC-5c")["xi_c"]
rising = qk.evaluate("LOC-5b", xi=0.1)
folklore = qk.verify(["LOC-5-folklore"]).results[0]
print(f"xi_c = {critical:.6f}")
print(
    f"at xi = 0.1 the contrast rises from eta = {rising['eta_low']:.3f} to {rising['eta_high']:.3f}"
)
print(f"{folklore.claim.id}: {folklore.verdict}")

# %% [markdown]
# ## The phase map
#
# Call a profile *unlocalized* (U) if $C < 1/4$; otherwise *late* (L) if the last key is more than
# half as alive as the contrast allows, $(\rho_1 - \rho_0)/C \ge 1/2$, and *middle* (M) if not. The
# threshold $1/4$ is chosen, but not arbitrary: on the axis $\xi = 0$ the contrast never exceeds
# 0.2186, so the whole axis is U. The boundaries are roots of the formula above ({claim}`LOC-6`).

# %%
# Figure: Phase map over trace and spread: unlocalized above, late at the lower left, middle on
# the right; the three meet in a triple point, and what no symmetric matrix of width 32 can have
# is hatched.
with style():
    figure, ax = plt.subplots(figsize=(5.6, 4.0), layout="constrained")
    plot_phase_map(ax, xi=(0.02, 4.0), eta=(0.02, 60.0), d=32, points=200)
meeting = qk.evaluate("LOC-6f")
print(f"the phases meet at ({meeting['xi_triple']:.5f}, {meeting['eta_triple']:.5f})")

# %% [markdown]
# Hatched: what no symmetric $W$ of width 32 can have, $\eta < \xi^2/d$. As $\eta \to 0$ the line
# between L and M ends at $\xi = 2$ exactly.
#
# Read the map for what it is. It is about the clipped model at logits of size $T$, in the limit of
# large $d$; and *alive* is not *attended to*. What the true softmax does in the same plane is the
# next lesson.
#
# ## Exercises
#
# **3.1** Let $W$ be antisymmetric, $W^\top = -W$, with $\eta_F = 6$ and $\Sigma = I$. What is the
# limit of $\operatorname{Var} q_i / T^2$ for the *last* key?

# %%
answer = ...
check("3.1", answer)

# %% [markdown]
# **3.2** As $\eta \to \infty$ all keys die, but not equally. What does $\rho_{1/2}/\rho_0$, middle
# over first key, tend to (symmetric $W$)?

# %%
answer = ...
check("3.2", answer)

# %% [markdown]
# **3.3** On the axis $\xi = 0$ the profile is symmetric and its contrast is $\rho_{1/2} - \rho_0$.
# At which $\eta$ is it largest? (A SymPy expression or a number to six digits.)

# %%
answer = ...
check("3.3", answer)

# %% [markdown]
# **3.4** Just beyond $\xi = 2$ the late phase has a lens: there are $\xi$ for which the phases are
# M, L, M and U in turn as $\eta$ grows from 0. Find one. (`qk.evaluate("LOC-6a", xi=..., eta=...)`
# gives the phase, as 0 for U, 1 for L, 2 for M.)

# %%
answer = ...
check("3.4", answer)
