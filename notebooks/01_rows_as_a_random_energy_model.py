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
# # Softmax rows as a random energy model
#
# One row of an attention matrix at initialisation is a softmax of $T$ random logits. With narrow
# logits the row averages over all keys; with wide ones it picks a few.
#
# **Question.** How wide do the logits have to be, and is there a sharp line between the two?
#
# The answer comes from physics: a softmax row is the *random energy model* of
# {cite:t}`derrida1981`, and the line is its freezing transition. We derive it by counting, find
# the exact law at finite $T$ beside it, simulate, and see how much of the sharp line is left at
# sizes that anybody uses.

# %%
# %matplotlib inline
import math

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check

import qktheory as qk
from qktheory.plots.style import COLOURS, style
from qktheory.theorems.derivations import own

# %% [markdown]
# ## A row
#
# Let tokens be iid Gaussian vectors. Given the query, the logits of the other keys are *exactly*
# iid Gaussian, whatever $W_{QK}$ is ({claim}`LOC-15a`): $l_j = s\,g_j$ with $g_j \sim N(0, 1)$.
# Everything else is in two numbers, $T$ and $s$. The weights are $A_j = e^{l_j}/Z$ with
# $Z = \sum_j e^{l_j}$, and we look at the entropy $H = -\sum_j A_j \log A_j$ in nats and at the
# participation $Y_2 = \sum_j A_j^2$, whose inverse counts the keys that matter.
#
# A claim of the catalogue is an object: it is shown, evaluated and judged from the same
# expressions. {claim}`ENT-0a` states what we have just written, for any row of logits; `own`
# returns the expression behind one of a claim's values, and `evaluate` the numbers.

# %%
(row,) = qk.claims(["ENT-0a"])
own(row, "entropy")

# %%
qk.evaluate("ENT-0a", logits=[0.0, 0.0, 0.0, 5.0])

# %% [markdown]
# In the words of physics $-g_j$ are the energies of $T$ states, $s$ is the inverse temperature and
# $Z$ the partition function. The natural unit of $s$ is the height of the largest of $T$ standard
# normals, $s_c = \sqrt{2 \log T}$ ({claim}`ENT-0b`); we write $b = s/s_c$.
#
# Here is one row of 1024 logits at three widths. The same normals are used three times: only $s$
# changes.

# %%
# Figure: Share of the weight of a row held by its largest keys, against their number, at three
# widths of 1024 logits: at a quarter of s_c hundreds of keys are needed, at twice s_c a single
# one has almost all of it.
T = 1024
s_c = qk.evaluate("ENT-0b", T=T, s=1.0)["s_c"]
normals = np.random.default_rng(3).standard_normal(T)

with style():
    figure, ax = plt.subplots(figsize=(5.0, 3.0), layout="constrained")
    for colour, b in zip(COLOURS, (0.25, 1.0, 2.0), strict=False):
        logits = b * s_c * normals
        found = qk.evaluate("ENT-0a", logits=logits)
        weights = np.sort(np.exp(logits - found["log_z"]))[::-1]
        label = f"$s = {b:g}\\, s_c$: {found['effective_tokens']:.1f} effective keys"
        ax.plot(np.arange(1, T + 1), np.cumsum(weights), color=colour, label=label)
    ax.set(xscale="log", xlabel="number of largest keys", ylabel="share of the weight", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=1)

# %% [markdown]
# ## Counting levels
#
# How many of the $T$ logits lie near $x\, s_c\, s$? The density of a standard normal at $x s_c$ is
# $e^{-x^2 s_c^2/2}$ up to factors that are not powers of $T$. We let SymPy do the powers.

# %%
size = sp.Symbol("T", positive=True)
b, x = sp.symbols("b x", positive=True)
critical = sp.sqrt(2 * sp.log(size))

log_number = sp.log(size) - (x * critical) ** 2 / 2
count = sp.expand(log_number / sp.log(size))
count

# %% [markdown]
# So there are about $T^{1 - x^2}$ logits near $x s_c s$ as long as $x < 1$, and none beyond. Each
# of them contributes $e^{s \cdot x s_c}$ to $Z$. The sum is a sum of powers of $T$, and its
# largest power wins:

# %%
log_weight = (b * critical) * (x * critical)
exponent = sp.expand(count + log_weight / sp.log(size))
(peak,) = sp.solve(sp.diff(exponent, x), x)
sp.Tuple(exponent, peak)

# %% [markdown]
# The peak is at $x = b$. For $b < 1$ there are logits there, $T^{1 - b^2}$ of them, and they carry
# $Z$: the row is **diffuse**. For $b > 1$ the peak lies beyond the largest logit; the sum is
# carried by its end at $x = 1$, that is by a few keys: the row is **frozen**.

# %%
log_z_rate = sp.Piecewise(
    (exponent.subs(x, peak), b < 1),
    (exponent.subs(x, 1), True),
)
log_z_rate

# %% [markdown]
# The entropy follows without further counting. Since
# $\partial \log Z/\partial s = \sum_j A_j g_j$, every row satisfies
# $H = \log Z - s\, \partial \log Z/\partial s$, exactly. In units of $\log T$, with $s = b s_c$,
# that is $f - b f'$:

# %%
entropy_rate = sp.piecewise_fold(sp.simplify(log_z_rate - b * sp.diff(log_z_rate, b)))
entropy_rate

# %% [markdown]
# Is this what the catalogue says? {claim}`ENT-5a` holds the same two expressions, and the
# difference is zero as an expression, not at some sampled points:

# %%
(limit,) = qk.claims(["ENT-5a"])


def in_b(expression):
    """The claim's expression in our symbol b, which is positive by assumption."""
    return expression.subs(dict.fromkeys(expression.free_symbols, b))


[
    sp.simplify(in_b(own(limit, "log_z_rate")) - log_z_rate),
    sp.simplify(in_b(own(limit, "entropy_rate")) - entropy_rate),
]

# %% [markdown]
# Be clear about what we have done. The algebra is exact, but "the largest power wins" was an
# argument in words: it says nothing about fluctuations, and nothing about the size of what was
# dropped. The transition is a theorem all the same (its standing in the catalogue is *theorem*, by
# Derrida's paper and its rigorous successors), and `verify` judges it as what it is, a limit: it
# follows the exact finite-$T$ values along a ladder of $T$ and asks whether they approach.

# %%
print(limit.standing, "|", limit.kind, "|", qk.verify(["ENT-5a"]))

# %% [markdown]
# ## Exact at every size
#
# The exact means at finite $T$ are one-dimensional integrals ({claim}`ENT-1`). The idea is to
# write $Z^{-q}$ and $\log Z$ as integrals of $e^{-tZ}$: that factorises over independent keys, so
# $T$ becomes an exponent. `derive` shows the steps, and computes every one of them again.

# %%
derivation = qk.derive("ENT-1")
print("steps that fail when computed again:", derivation.recheck())
derivation

# %% [markdown]
# Because $T$ is an exponent, the integral costs the same at $T = 10^{12}$ as at $T = 10$: less
# than a millisecond. Here is the number for a row of 1024 keys at $s = 2$, between the bounds that
# hold at every $T$ and $s$ ({claim}`ENT-3c`):

# %%
exact = qk.evaluate("ENT-1", T=1024, s=2.0)
bounds = qk.evaluate("ENT-3c", T=1024, s=2.0)
print(f"log T - s^2/2           {bounds['entropy_lower']:.4f}")
print(f"E H                     {exact['mean_entropy']:.4f}")
print(f"log T - s^2/2 + s^2 EY2 {bounds['entropy_upper']:.4f}")

# %% [markdown]
# ## Simulate
#
# An experiment is a table: width $d$, number of tokens $T$, a law of the tokens, a map $W_{QK}$.
# To get a row of Gaussian logits with a known $s$ we pin the query to $(1, 0)$ and send it to the
# second axis: with $W = \begin{pmatrix} 0 & s \\ 0 & 0 \end{pmatrix}$ a key $(x_1, x_2)$ has the
# logit $s\, x_2$. The query is the last of the keys and has the logit 0, so 1025 tokens make 1024
# Gaussian logits and one zero.


# %%
def gaussian_row(keys, s):
    """An experiment whose row has `keys` iid logits N(0, s^2), and a zero."""
    return {
        "d": 2,
        "T": keys + 1,
        "matrix": {"W": [[0.0, s], [0.0, 0.0]]},
        "tokens": {"law": "iid", "query": [1.0, 0.0]},
    }


sampled = {
    b: qk.compare(gaussian_row(T, b * s_c), ["entropy", "participation"], samples=10_000, seed=0)
    for b in (0.2, 0.5, 0.8, 1.0, 1.3, 1.7, 2.2)
}
one = sampled[0.5]["entropy"]
print(one.estimate)
for prediction in one.predictions:
    print(f"{prediction.claim.id:8} {prediction.kind:10} {prediction.value[0]:.4f}")
print("everything that is exact agrees:", all(c.agrees for c in sampled.values()))

# %% [markdown]
# The interval is simultaneous over both observables and valid at every number of samples; it
# misses with probability at most $10^{-6}$, which is why it looks wide. *Exact* predictions must
# lie in it (`agrees`); *asymptotic* ones need not.
#
# Now the whole picture: exact means at four sizes, the limit, and the simulation at $T = 1024$.

# %%
# Figure: Two panels against the width b = s/s_c. Left, mean entropy over log T falls from 1;
# right, mean participation rises from 0. Exact lines at T = 64, 1024, 10^6 and 10^12 approach a
# dashed limit with a corner at b = 1; dots simulated at T = 1024 lie on their line.
grid = np.linspace(0.02, 2.4, 60)
sizes = {64: "64", 1024: "1024", 10**6: "10^6", 10**12: "10^{12}"}

with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
    for colour, (keys, name) in zip(COLOURS, sizes.items(), strict=False):
        scale = math.sqrt(2 * math.log(keys))
        means = [qk.evaluate("ENT-1", T=keys, s=v * scale) for v in grid]
        entropy = np.array([m["mean_entropy"] for m in means]) / math.log(keys)
        axes[0].plot(grid, entropy, color=colour, label=f"$T = {name}$")
        axes[1].plot(grid, [m["mean_participation"] for m in means], color=colour)
    for ax, name in zip(axes, ("entropy", "participation"), strict=True):
        unit = math.log(T) if name == "entropy" else 1.0
        for v, comparison in sampled.items():
            estimate = comparison[name].estimate
            mean = estimate.mean[0] / unit
            ends = [[mean - estimate.low[0] / unit], [estimate.high[0] / unit - mean]]
            ax.errorbar(v, mean, yerr=ends, fmt="o", ms=3, color=COLOURS[1], capsize=2)
    corner = np.union1d(grid, 1.0 + 1e-9)  # at b = 1 itself the limit is not defined
    predicted = [qk.evaluate("ENT-5a", b=v, q=2.0) for v in corner]
    for ax, name in zip(axes, ("entropy_rate", "mean_y_q_limit"), strict=True):
        limits = [p[name] for p in predicted]
        ax.plot(corner, limits, "--", color="#222222", label="$T \\to \\infty$")
        ax.set_xlabel("width of the logits, $b = s/s_c$")
    axes[0].set(ylabel="mean entropy, $E H/\\log T$", ylim=(0, 1.02))
    axes[1].set(ylabel="mean participation, $E Y_2$", ylim=(0, 0.8))
    axes[0].legend()

# %% [markdown]
# *Lines: exact ({claim}`ENT-1`). Dots: simulation at $T = 1024$, 10,000 rows each, with intervals
# at error level $10^{-6}$. Dashed: the limit ({claim}`ENT-5a`).*
#
# At $T = 1024$ the entropy follows $1 - b^2$ up to about $b = 1/2$. The corner at $b = 1$ is
# rounded at every size, over a width in $b$ that shrinks only like $1/s_c \sim 1/\sqrt{\log T}$:
# at $T = 10^{12}$ it is still round. **No practical $T$ looks like a step.**
#
# ## What a frozen row is like
#
# For $b > 1$ the largest logits form a Poisson process, and the weights have the Poisson-Dirichlet
# law with parameter $m = 1/b$ ({claim}`ENT-5b`). Its mean participation is $1 - m$. But the mean
# is not what you see in one row: the variance does not vanish as $T \to \infty$.

# %%
(frozen,) = qk.claims(["ENT-5b"])
sp.Tuple(own(frozen, "mean_participation_limit"), own(frozen, "var_participation_limit"))

# %%
# Figure: Histograms of the participation of single rows at T = 1024, logarithmic density: a
# narrow peak near 0 at b = 0.5, a broad one at b = 1, and at b = 2 a spread over the whole
# range up to 1.
with style():
    figure, ax = plt.subplots(figsize=(5.0, 2.8), layout="constrained")
    for colour, v in zip(COLOURS, (0.5, 1.0, 2.0), strict=False):
        simulation = qk.simulate(gaussian_row(T, v * s_c), ["participation"], samples=256, seed=0)
        draws = simulation.draws(n=4000)["participation"]
        label = f"$b = {v:g}$: mean {draws.mean():.3f}, std {draws.std():.3f}"
        bins = np.linspace(0, 1, 51)
        ax.hist(draws, bins, density=True, histtype="step", lw=1.4, color=colour, label=label)
    ax.set(xlabel="participation $Y_2$ of one row", ylabel="density (log scale)", yscale="log")
    ax.legend()

# %% [markdown]
# At $b = 2$ one row may be almost one-hot and the next one spread over ten keys: "the"
# participation of a frozen row does not exist. (The limit at $m = 1/2$ has mean 0.5 and standard
# deviation 0.289; at $T = 1024$ the mean is larger.)
#
# ## Two beliefs that are false
#
# The catalogue keeps what is believed and false under the standing *folklore*: such a claim passes
# when it is refuted. Two of them are about this row.

# %%
verdicts = qk.verify(["ENT-6-folklore", "ENT-8-folklore"])
for result in verdicts.results:
    print(f"{result.claim.id}: {result.verdict}\n    {result.claim.statement}")

# %% [markdown]
# What is true: the *mean* of $Y_2$ keeps its diffuse exponent up to $b = 1/\sqrt{3}$, carried by
# rows so rare that you will not sample them ({claim}`ENT-6a`); it is a *typical* row that leaves
# it at $b = 1/2$. And $E Y_2 = 1/2$ tends to $2 s_c$, twice too far. A boundary that does tend to
# $s_c$ is where the heat capacity $E\,\mathrm{Var}_A(l)$ has dropped to half of its diffuse value
# $s^2$ ({claim}`ENT-8a`):

# %%
print("                T     s_c   half heat capacity   E Y_2 = 1/2")
for keys in (128, 1024, 10**6, 10**12):
    scale = qk.evaluate("ENT-0b", T=keys, s=1.0)["s_c"]
    half = qk.evaluate("ENT-8a", T=keys)["s_half_capacity"]
    level = qk.evaluate("ENT-8c", T=keys, level=0.5)["s_participation"]
    widths = f"{half:6.3f} = {half / scale:.3f} s_c   {level / scale:.3f} s_c"
    print(f"{keys:17,d}  {scale:6.3f}   {widths}")

# %% [markdown]
# ## Exercises
#
# Replace the dots by your answer and run the cell. The check says whether it is right, and if not,
# what to think about.
#
# **1.1** In the limit of large $T$, at which width $s$ is half of the maximal entropy $\log T$
# left? Give the number for $T = 4096$.

# %%
answer = ...
check("1.1", answer)

# %% [markdown]
# **1.2** And exactly? Find the $s$ at which the exact mean entropy of a row of 4096 iid Gaussian
# logits is $\tfrac12 \log T$, to three digits. (`scipy.optimize.brentq` and one claim will do.)

# %%
answer = ...
check("1.2", answer)

# %% [markdown]
# **1.3** Count again, for a *typical* row: $Y_2 = \sum_j e^{2 l_j}/Z^2 \approx T^{-\eta}$. The
# numerator is a sum like $Z$, at twice the width. Give $\eta$ as a SymPy expression in `b` for
# $\tfrac12 < b < 1$.

# %%
answer = ...
check("1.3", answer)

# %% [markdown]
# **1.4** Now a real head: iid tokens of covariance $I$ in $d = 64$ dimensions, $W_{QK}$ with iid
# entries of variance $c^2/d$, scores divided by $\sqrt d$, $T = 1024$. At which $c$ does the root
# mean square width $s$ reach the boundary of half heat capacity? ({claim}`ENT-11a` says what $s^2$
# is given $W_{QK}$; average it over $W_{QK}$.)

# %%
answer = ...
check("1.4", answer)
