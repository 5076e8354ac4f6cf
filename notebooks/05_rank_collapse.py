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
# # Rank collapse
#
# Dong, Cordonnier and Loukas (2021) proved a striking sentence: *attention alone loses rank
# doubly exponentially with depth*. Without skip connections, all tokens of a sequence become the
# same vector, and they do so at the rate $\varepsilon^{3^L}$. Their bound has a constant 4, an
# assumption that the scores are small, and a factor $\gamma$ that practice sets to 1.
#
# **The question.** Where does the exponent 3 come from, for which inputs does the bound hold with
# constant 4, and what does collapse look like once the distance between tokens is $10^{-300}$ and
# no floating point number beside them is that exact?
#
# A layer of one head is $X' = P X W_V$ with $P = \mathrm{softmax}(X W_{QK} X^\top/\lambda)$,
# softmax by rows; tokens are the rows of $X$.

# %%
# %matplotlib inline
import math

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check
from IPython.display import display
from scipy.optimize import minimize

import qktheory as qk
from qktheory.plots.style import COLOURS, INK, style

np.set_printoptions(precision=4, suppress=True)


def show(derivation):
    """Compute every line of a derivation again; print its reason and how it is known."""
    for step in derivation.steps:
        print(f"[{step.status if step.recheck() else 'FAILS'}] {step.reason}")
        display(step)


# %% [markdown]
# ## Two tokens, solved exactly
#
# The smallest sequence that can collapse is a pair of numbers $+r$ and $-r$. Let
# $a = W_{QK}/\lambda$ and $w = W_V$. SymPy does the layer for us.

# %%
r, a, w = sp.symbols("r a w", positive=True)
X = sp.Matrix([r, -r])
scores = a * X * X.T
P = sp.Matrix(2, 2, lambda i, j: sp.exp(scores[i, j]) / sum(sp.exp(scores[i, k]) for k in (0, 1)))
after = sp.simplify((P * X * w)[0].rewrite(sp.tanh))
after

# %% [markdown]
# The pair stays a pair, and its half gap obeys $r' = w\,r\tanh(a r^2)$: the value map scales it,
# and attention multiplies it by $\tanh(a r^2)$. For a small gap that factor is $a r^2$, so
# $r' \approx a w\, r^3$. **Here is the exponent 3**: scores are quadratic in the tokens, weights
# differ by as much as scores do, and the difference of two averages is that times the tokens
# themselves.
#
# How fast is it at a finite gap? The local exponent is $\mathrm d\log r'/\mathrm d\log r$. Claim
# {claim}`RANK-5d` states it as a function of $y = a r^2$, and derives it:

# %%
show(qk.derive("RANK-5d"))

# %% [markdown]
# The right side of that line is the very object that the claim evaluates. We take it from the
# claim, differentiate our own map, and ask SymPy whether the two differ.

# %%
slope = qk.derive("RANK-5d").statement
(y,) = slope.free_symbols
own = (r * sp.diff(sp.log(after), r)).subs(a, y / r**2)
print("difference:", sp.simplify((own - slope).rewrite(sp.exp)))
print("series:    ", sp.series(slope, y, 0, 4))
print("at y = 1:  ", slope.subs(y, 1).evalf(12), "=", qk.evaluate("RANK-5d", y=1.0)["slope"])

# %% [markdown]
# So collapse is cubic while attention is soft ($y \to 0$) and merely linear once it saturates
# ($y \to \infty$, exponent 1). With $|w| > 1$ a saturated pair grows. The threshold between the
# two fates solves $|w|\tanh(|a| r^2) = 1$ ({claim}`RANK-5c`). Two pairs that start a hair below
# and above it:

# %%
threshold = qk.evaluate("RANK-5c", score_gain=1.0, value_gain=1.3)["r_star"]
print(f"threshold r* = {threshold:.12f}")
for start in (0.99 * threshold, 1.01 * threshold):
    path = qk.evaluate("RANK-5a", half_gap=start, score_gain=1.0, value_gain=1.3, L=12)
    print(f"from {start:.4f}:", np.array(path["log10_abs_r"]))

# %% [markdown]
# ## Many tokens: from a lemma to the cubic bound
#
# In general, choose any common row $c$ and write $X = \mathbf 1 c^\top + R$. A row of scores is
# then a part that all queries share, plus $E_i = R\,W_{QK} R^\top/\lambda$, which is quadratic in
# $R$. Let $q$ be the softmax of the shared part. Then
#
# $$P X = \mathbf 1\,(c + R^\top q)^\top + Z,\qquad Z = (P - \mathbf 1 q^\top) R,$$
#
# exactly. Only $Z$ separates tokens, and row $i$ of it is (total variation between $P_i$ and $q$)
# times (a difference of two averages of tokens). How far apart can two distributions be whose log
# ratio varies by at most $\delta$? The answer is the **tanh lemma**, {claim}`RANK-2b`.

# %%
show(qk.derive("RANK-2b"))

# %% [markdown]
# Each line was computed again just now: SymPy reduced it to an identity, or to a square. One
# sentence is cited rather than derived (`uses`), that two-valued ratios are extremal:

# %%
print(qk.derive("RANK-2b").uses)

# %% [markdown]
# With the lemma, $\|Z\|$ is bounded by $\tanh(\delta/4)$, for **every** input (Theorem A). And
# because $\tanh x \le x$ and $\delta$ is quadratic in $R$, it is cubic in $R$ (Theorem B,
# {claim}`RANK-2a`):
#
# $$\|Z W_V\|_{1,\infty} \le \sqrt{G/2}\;\frac{\|W_{QK}\|_1}{\lambda}\,\|W_V\|_{1,\infty}\,
# \|R\|_{1,\infty}^3,\qquad G = \min(T, \gamma, e^{\delta}).$$
#
# Here $\|M\|_{1,\infty} = \sqrt{\|M\|_1\|M\|_\infty}$, the geometric mean of the largest column
# sum and the largest row sum. The published bound has $4\gamma$ where we have $\sqrt{G/2}$, and
# assumed that scores are small. Let us look at all three on a sequence of four tokens, larger and
# larger.

# %%
tokens = np.array([[1.0, 0, 2], [0, 1, -1], [2, -1, 0], [-1, 1, 1]])
W_QK = np.array([[1.0, 0, -1], [0, 2, 1], [1, -1, 0]])
W_V = np.array([[1.0, 2, 0], [0, 1, -1], [1, 0, 1]])
layer = {"W_QK": W_QK, "W_V": W_V, "temperature": 2.0}

scales = np.geomspace(0.02, 4.0, 60)
found = [qk.evaluate("RANK-2a", X=scale * tokens, **layer) for scale in scales]
slopes = [qk.evaluate("RANK-4g", X=tokens, scale=scale, **layer)["slope"] for scale in scales]

# %%
# Figure: Left, residual after one layer against the scale of the tokens: the true residual lies
# below Theorem A, that below the cubic Theorem B, and that below the published bound. Right,
# the local exponent falls from 3 to 1 as the scale grows.
with style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), dpi=130, layout="constrained")
    for name, label, line in (
        ("bound_dcl", r"published, $4\gamma\kappa\|W\|\|R\|^3$", ":"),
        ("bound_b", "Theorem B", "--"),
        ("bound_a", "Theorem A", "-."),
        ("residual_argmin_out", "true residual", "-"),
    ):
        colour = {"bound_dcl": COLOURS[3], "bound_b": COLOURS[2], "bound_a": COLOURS[1]}
        values = [one[name] for one in found]
        left.loglog(scales, values, line, color=colour.get(name, COLOURS[0]), label=label)
    left.set_xlabel("scale t of the tokens t X")
    left.set_ylabel(r"residual after one layer, $\|\cdot\|_{1,\infty}$")
    left.legend()
    right.semilogx(scales, slopes, color=COLOURS[0])
    right.axhline(3, color=INK, lw=0.7, ls=":")
    right.axhline(1, color=INK, lw=0.7, ls=":")
    right.set_xlabel("scale t of the tokens t X")
    right.set_ylabel("local exponent")
plt.show()

# %% [markdown]
# All bounds hold. The cubic ones have the right slope where attention is soft and are far off
# where it saturates, which Theorem A knows about. The exponent of this layer (right) starts at 3,
# like that of the pair, and falls to 1. The kink is where another token becomes the farthest: the
# norm is a maximum.
#
# ## The constant 4, and an input that breaks it
#
# $\sqrt{G/2} \le 4$ exactly when $G \le 32$. As $G \le T$, constant 4 *without* $\gamma$ and
# *without* smallness is a theorem for every sequence of at most 32 tokens, and for longer ones as
# long as $\delta \le \log 32$ ({claim}`RANK-2c`). Is it true for all? It was believed. Consider
# one **hub** token that everybody attends to, $m_0$ **neutral** tokens without residual, and
# $m_1$ **active** tokens with a coordinate each, that look at themselves and at the hub. First, a
# small member of the family, as an actual layer:

# %%
neutral, active, g, s, eps = 9, 4, 3.0, 5.0, 1e-6
R = np.zeros((1 + neutral + active, 1 + active))
R[0, 0] = 1.0
R[1 + neutral :, 1:] = np.eye(active)
c = np.zeros(1 + active)
c[0] = g / eps
hub_layer = qk.evaluate(
    "RANK-2a", X=R + c, W_QK=np.diag([eps] + active * [s]), temperature=1.0, reference=c
)
family = {
    "neutral_tokens": neutral,
    "active_tokens": active,
    "hub_log_weight": g,
    "active_score": s,
}
claimed = qk.evaluate("RANK-3", **family)
print(f"residual of the layer {hub_layer['residual_argmin_out']:.9f}")
print(f"RANK-3, lower bound   {claimed['lower_bound']:.9f}")
print(f"constant 4, gamma 1   {claimed['rhs']:.9f}  ratio {claimed['ratio']:.4f}")

# %% [markdown]
# The claim's formula is a lower bound of the residual, found by hand from the symmetry of the
# family for $\epsilon \to 0$, and as tight as can be here. It costs microseconds for any number
# of tokens, so we may let an optimiser choose $m_1/T$, $g$ and $s$ for every $T$ and look for the
# worst ratio of residual to bound.


# %%
def ratio(share, g, s, T):
    """Return residual/bound of a hub family of T tokens, `share` of them active."""
    active = min(max(round(share * (T - 1)), 1), T - 1)
    return qk.evaluate(
        "RANK-3",
        neutral_tokens=T - 1 - active,
        active_tokens=active,
        hub_log_weight=g,
        active_score=s,
    )["ratio"]


def worst(T):
    """Return the largest ratio that a simplex search finds."""
    start = [0.35, math.log(T) + 2.0, math.log(T) + 4.5]

    def loss(x):
        return -ratio(min(max(x[0], 0.0), 1.0), abs(x[1]), abs(x[2]), T)

    return -minimize(loss, start, method="Nelder-Mead", options={"maxfev": 120}).fun


sizes = np.unique(np.geomspace(8, 40_000, 16).astype(int))
ratios = np.array([worst(int(T)) for T in sizes])

# %%
# Figure: Ratio of the residual to the bound with constant 4 against the number of tokens,
# logarithmic axes: the worst hub family found crosses 1 at a few thousand tokens and grows like
# root T over log T; up to 32 tokens is shaded as theorem.
with style():
    figure, ax = plt.subplots(figsize=(5.6, 3.4), dpi=130, layout="constrained")
    ax.loglog(sizes, ratios, "o-", color=COLOURS[0], markersize=4, label="worst hub family found")
    guide = ratios[-1] * np.sqrt(sizes / sizes[-1]) * np.log(sizes[-1]) / np.log(sizes)
    ax.loglog(sizes, guide, "--", color=COLOURS[1], label=r"$\propto \sqrt{T}/\log T$")
    ax.axhline(1, color=INK, lw=0.8)
    ax.axvspan(sizes[0], 32, color=COLOURS[2], alpha=0.15, label=r"theorem: $T \leq 32$")
    ax.set_xlabel("number of tokens T")
    ax.set_ylabel(r"residual / bound with constant 4, $\gamma = 1$")
    ax.legend(loc="lower right")
plt.show()
crossing = np.exp(np.interp(0.0, np.log(ratios), np.log(sizes)))
print(f"the family breaks the bound from about T = {crossing:.0f}")
print(qk.verify(["RANK-3"]))

# %% [markdown]
# So the sentence "constant 4 for every input" is **folklore**: in the catalogue it passes
# verification by being refuted. Three remarks, in decreasing order of certainty. Up to 32 tokens
# it is a theorem. From a few thousand on it is false, by an example anybody can evaluate. In
# between we do not know: an optimiser that found nothing is not a proof.
#
# ## Depth, and numbers below $10^{-300}$
#
# If every layer obeys $\rho' \le K\rho^3$, then $\rho_L \le K^{-1/2}(K^{1/2}\rho_0)^{3^L}$
# ({claim}`RANK-4b`). The closed form says something only if $K\rho_0^2 < 1$. Take our four tokens
# at a quarter of their size.

# %%
X = tokens / 4
start = qk.evaluate("RANK-4a", X=X, **layer)
print(f"K rho^2 with the published constant: {start['criterion_dcl']:.1f}")
print(f"K rho^2 with that of Theorem B:      {start['criterion']:.2f}")
spread = qk.evaluate("RANK-1a", X=X)["diameter_2"]
diameter = qk.evaluate("RANK-7d", **layer, diameter_2=spread, L=6)
print(f"the same of the diameter, RANK-7d:   {diameter['criterion']:.4f}")

# %% [markdown]
# The published closed form promises nothing for this input; a bound of the *diameter* by
# Birkhoff's contraction ({claim}`RANK-7d`), which knows no $T$ and no $\gamma$, does. What
# happens in truth? A plain forward pass in double precision cannot tell:

# %%


def softmax(S):
    """Return the softmax of each row."""
    weights = np.exp(S - S.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def norm_1inf(M):
    """Return the geometric mean of the largest column sum and the largest row sum."""
    # Two roots, not one: the product of two numbers of size 1e-200 is not a floating point number.
    return np.sqrt(np.abs(M).sum(0).max()) * np.sqrt(np.abs(M).sum(1).max())


naive, state = [], X
for _ in range(7):
    with np.errstate(divide="ignore"):
        naive.append(np.log10(norm_1inf(state - state.mean(0))))
    state = softmax(state @ W_QK @ state.T / 2.0) @ state @ W_V
print(np.array(naive))

# %% [markdown]
# It stalls near $10^{-15}$, and then all tokens are equal to the last bit: they are of size one,
# and their differences are lost in the last digit. More digits would do, but they triple with
# every layer. The exact split above offers something better: **carry the pair $(c, R)$ instead of
# the sum**. All that is needed is to form $Z$ without subtracting nearly equal numbers. With
# $\tilde E_{ij} = E_{ij} - \sum_t q_t E_{it}$ and $M = e^{\tilde E} - 1$ (`expm1`),
#
# $$P_{ij} - q_j = q_j\,\frac{M_{ij} - m_i}{1 + m_i},\qquad m = M q \ge 0.$$


# %%
def pair_layer(c, R):
    """Return common row and spread after a layer; relative accuracy whatever the size of R."""
    q = softmax((R @ W_QK.T @ c / 2.0)[None, :])[0]
    E = R @ W_QK @ R.T / 2.0
    M = np.expm1(E - (E @ q)[:, None])
    m = (M @ q)[:, None]
    Z = (q * (M - m) / (1.0 + m)) @ R
    c, R = W_V.T @ (c + R.T @ q), Z @ W_V
    shift = R.mean(axis=0)
    return c + shift, R - shift


c, R, pairs = X.mean(0), X - X.mean(0), []
for _ in range(7):
    pairs.append(np.log10(norm_1inf(R)))
    c, R = pair_layer(c, R)
exact = qk.evaluate("RANK-4f", X=X, **layer, L=6)
print("pairs:  ", np.array(pairs))
print("RANK-4f:", np.array(exact["log10_norm_1inf"]))
print("local exponents:", np.array(exact["local_exponents"]))

# %% [markdown]
# Ten lines of NumPy follow the residual to $10^{-306}$ in plain double precision. The package
# does the same with an exponent of its own for every sequence, so it does not end at the smallest
# floating point number, and compares with multiprecision arithmetic when it judges
# {claim}`RANK-4f`. The local exponents tend to 3: collapse is cubic although the published
# criterion, 14.6 instead of below 1, was silent.

# %%
# Figure: Logarithm of the spread of the tokens over six layers: the exact pair propagation
# falls to 10^-306, naive double precision stops near 10^-16, and the two bounds of RANK-7d,
# nearly equal, reach 10^-63.
layers = np.arange(7)
with style():
    figure, ax = plt.subplots(figsize=(5.6, 3.4), dpi=130, layout="constrained")
    ax.plot(
        layers,
        diameter["log10_diameter_closed"],
        ":",
        color=COLOURS[1],
        label="RANK-7d, closed form",
    )
    ax.plot(
        layers,
        diameter["log10_diameter_tanh"],
        "--",
        color=COLOURS[1],
        label="RANK-7d, tanh recursion",
    )
    ax.plot(
        layers, exact["log10_norm_1inf"], "o-", color=COLOURS[0], label="exact, pair propagation"
    )
    ax.plot(layers, naive, "s-", color=COLOURS[4], markersize=4, label="naive double precision")
    ax.set_xlabel("layer")
    ax.set_ylabel(r"$\log_{10}$ of the spread of the tokens")
    ax.set_ylim(-320, 12)
    ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# ## Random networks, and what stops the collapse
#
# So far weights were given. Now draw tokens and weights for every sample, 16 tokens in 32
# dimensions and four heads, and compare attention alone with three changes: LayerNorm, a causal
# mask, and skip connections. The estimates carry simultaneous intervals, which all hold but for a
# chance of $10^{-6}$.

# %%
base = {
    "d": 32,
    "T": 16,
    "matrix": {"model": "gaussian_factors", "d_k": 8, "scale": 0.5, "draw": "every_sample"},
    "tokens": {"law": "iid"},
    "attention": {"temperature": math.sqrt(8.0)},
}
network = {
    "depth": 6,
    "heads": 4,
    "value": {"model": "gaussian_factors", "d_k": 8, "scale": 0.5},
}
experiments = {
    "attention alone": {**base, "network": network},
    "LayerNorm": {**base, "network": {**network, "layer_norm": "post"}},
    "causal mask": {
        **base,
        "attention": {"temperature": math.sqrt(8.0), "mask": "causal"},
        "network": network,
    },
    "skip connection": {**base, "network": {**network, "skip": "plain"}},
}
MEASURES = ["log10_relative_residual", "log10_residual"]
simulated = {
    title: qk.simulate(spec, MEASURES, samples=256, seed=0) for title, spec in experiments.items()
}
curves = {title: one["log10_relative_residual"] for title, one in simulated.items()}

# %%
# Figure: Logarithm of the relative residual over six layers for four random networks, with
# intervals, and the same enlarged at the top: attention alone and with LayerNorm falls ever
# faster, below 10^-20 by layer six; a causal mask makes the fall linear, a skip connection
# nearly stops it.
with style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), dpi=130, layout="constrained")
    for (title, estimate), colour, marker in zip(curves.items(), COLOURS, "os^D", strict=False):
        error = np.array([estimate.mean - estimate.low, estimate.high - estimate.mean])
        for ax in (left, right):
            ax.errorbar(
                np.arange(7),
                estimate.mean,
                yerr=error,
                fmt=marker + "-",
                color=colour,
                markersize=4,
                label=title,
            )
    left.set_ylim(-30, 1)
    right.set_ylim(-3.2, 0.2)
    left.set_ylabel(r"$\log_{10}\|R_l\|_{1,\infty}/\|X_l\|_{1,\infty}$")
    right.set_title("the same, enlarged")
    for ax in (left, right):
        ax.set_xlabel("layer")
    right.legend(loc="lower right")
plt.show()
for title, estimate in curves.items():
    half = (estimate.high[2] - estimate.low[2]) / 2.0
    print(f"{title:16} layer 2: {estimate.mean[2]:7.3f} +- {half:.3f}")
absolute = simulated["skip connection"]["log10_residual"]
print("skip connection, absolute:", absolute.mean)

# %% [markdown]
# - **LayerNorm** postpones collapse and changes nothing about its exponent: it acts smoothly on
#   tokens that are nearly equal ({claim}`RANK-9e` has the weights for which it does help).
# - A **causal mask** makes collapse singly exponential. The cubic argument needs scores whose
#   differences between queries are quadratic in $R$; a mask is a difference that never shrinks
#   ({claim}`RANK-6b`). The theorem of this lesson does not apply to a causal decoder.
# - **Skip connections** turn collapse into a slow relative decay, while the absolute residual, in
#   the last line above, even grows. {claim}`RANK-8a` bounds how far a layer can move it. Look at
#   both measures before you say that a network collapses.
#
# ## Exercises
#
# **5.1** At which $y = a r^2$ does the pair of tokens collapse with local exponent exactly 2?
# Give $y$ to four digits.

# %%
answer = ...
check("5.1", answer)

# %% [markdown]
# **5.2** A colleague wants the cubic bound with constant 2 in place of 4, without $\gamma$ and
# without any assumption on the scores. Up to which number of tokens does Theorem B give it?

# %%
answer = ...
check("5.2", answer)

# %% [markdown]
# **5.3** Let the four tokens, at a quarter of their size, run on. After how many layers is the
# residual $\|R_L\|_{1,\infty}$ below $10^{-10000}$ for the first time?

# %%
answer = ...
check("5.3", answer)

# %% [markdown]
# **5.4** Give the pair of tokens a skip connection and a negative value map:
# $r' = r\,(1 - v\tanh(a r^2))$ with $0 < v < 1$ and $a > 0$. For a small $r_0$ the gap still
# closes, but slowly. Find the leading behaviour of $r_L$ at large depth, as a SymPy expression in
# symbols `a`, `v` and `L`. (Which differential equation does $r$ nearly obey?)

# %%
answer = ...
check("5.4", answer)
