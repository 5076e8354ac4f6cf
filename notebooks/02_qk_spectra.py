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
# # QK spectra: drawing, targets, non-normality
#
# Papers speak of "the eigenspectrum of $W_{QK}$". A matrix is more than its eigenvalues.
#
# **Question.** What do logits know about $W_{QK} = W_Q W_K^\top$, and how does one draw a matrix
# that has exactly the properties one wants, and is otherwise random?

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check

import qktheory as qk
from qktheory.plots.style import COLOURS, INK, style
from qktheory.symbolic import Form, canonical, cumulant, expectation, independent, matrix
from qktheory.theorems.derivations import own

# %% [markdown]
# ## Three numbers
#
# Take independent tokens $x, y \sim N(0, \Sigma)$. A query $x$ sees itself with the logit
# $x^\top W x$ and another key with $x^\top W y$. Their first two moments are sums over pairings of
# Gaussian variables (Isserlis), and the package does such sums: `Form(x, W, y)` is $x^\top W y$,
# and `expectation` and `cumulant` take any polynomial in forms.

# %%
W, Sigma = matrix("W_QK"), matrix("Sigma")
x, y = independent("x y", Sigma)
mean_self = expectation(Form(x, W, x))
var_self = cumulant(Form(x, W, x), Form(x, W, x))
var_other = cumulant(Form(x, W, y), Form(x, W, y))
sp.Tuple(mean_self, var_self, var_other)

# %% [markdown]
# With $\Sigma = I$ these are $\xi$, $\eta + \eta_F$ and $\eta_F$, where
#
# $$\xi = \mathrm{tr}\, W, \qquad \eta = \mathrm{tr}\, W^2, \qquad
# \eta_F = \mathrm{tr}\, W W^\top = \lVert W \rVert_F^2 .$$
#
# Are these the expressions that the catalogue states, in {claim}`SPEC-13a` and {claim}`SPEC-13b`?
# Traces have many spellings ($\mathrm{tr}\, AB = \mathrm{tr}\, BA = \mathrm{tr}\, (AB)^\top$), so
# we ask for the canonical one of the difference:

# %%
(quadratic,), (bilinear,) = qk.claims(["SPEC-13a"]), qk.claims(["SPEC-13b"])
[
    canonical(mean_self - own(quadratic, "mean")),
    canonical(var_self - own(quadratic, "variance")),
    canonical(var_other - own(bilinear, "variance")),
]

# %% [markdown]
# This is the first lesson about spectra. $\xi$ and $\eta$ are sums over eigenvalues,
# $\sum \lambda_k$ and $\sum \lambda_k^2$. But the width of the logits of *other* keys, the one
# that decides whether attention is diffuse, is $\eta_F$: a sum over squared **singular values**.
# For a symmetric $W$ they are the same. For others, the eigenvalues do not know.
#
# Which triples are possible? Split $W$ into its symmetric and antisymmetric part: that gives two
# squares, and the squares are all there is ({claim}`SPEC-7b`).

# %%
qk.derive("SPEC-7b")

# %% [markdown]
# So $\eta_F \ge \eta$ with equality for symmetric $W$; and a real spectrum has $\eta \ge \xi^2/d$,
# with equality when all eigenvalues are equal.
#
# ## Drawing with targets
#
# To draw a symmetric $W$: take $d$ eigenvalues from the quantiles of a law (semicircle, uniform,
# ...), move them by an affine map so that $\xi$ and $\eta$ are met *exactly* ({claim}`SPEC-7a`),
# and turn them by a Haar-distributed rotation, $W = O\, \mathrm{diag}(\lambda)\, O^\top$. The
# affine map:

# %%
(targets,) = qk.claims(["SPEC-7a"])
own(targets, "eigenvalues")


# %%
def tables(law, **more):
    """An experiment with a spectrum of a given shape and xi = 8, eta = 4, in 64 dimensions."""
    return qk.Ensemble.from_dict(
        {
            "d": 64,
            "T": 256,
            "spectrum": {"law": law, "xi": 8.0, "eta": 4.0, **more},
            "tokens": {"law": "iid"},
        }
    )


laws = {
    "semicircle": tables("semicircle"),
    "uniform": tables("uniform"),
    "Marchenko-Pastur": tables("marchenko_pastur", ratio=0.5),
    "Pareto": tables("pareto", tail_exponent=3.5),
}
print("law                  tr W        tr W^2      tr W W^T    tr W^3")
for name, ensemble in laws.items():
    drawn = qk.Realization(ensemble, seed=0).matrix
    cube = np.sum(drawn.eigenvalues**3)
    print(f"{name:18} {drawn.xi:.8f}  {drawn.eta:.8f}  {drawn.eta_F:.8f}  {cube:.4f}")

# %% [markdown]
# The first three agree by construction; the third moment is what is left of the shape (two
# symmetric shapes share it, too). A target outside the feasible set is refused, with the reason:

# %%
try:
    qk.Ensemble.from_dict(
        {"d": 8, "T": 16, "spectrum": {"law": "semicircle", "xi": 4.0, "eta": 1.0}}
    )
except ValueError as refusal:
    print(refusal)

# %% [markdown]
# ### A pitfall: the rotation
#
# The textbook recipe for a Haar rotation is the $Q$ of a QR factorisation of a Gaussian matrix.
# But LAPACK fixes the signs in a way of its own, and $Q$ is then *not* Haar distributed: its law
# is not even symmetric. The cure is to multiply the columns by the signs of the diagonal of $R$.

# %%
gaussian = np.random.default_rng(0).standard_normal((20_000, 3, 3))
q, r = np.linalg.qr(gaussian)
signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
print(f"E Q_11 from LAPACK's Q  {q[:, 0, 0].mean():+.3f}")
print(f"E Q_11 with signs fixed {(q * signs[:, None, :])[:, 0, 0].mean():+.3f}")

# %% [markdown]
# In dimension 3 the mean of $Q_{11}$ is $-1/2$ instead of 0. The package's rotations are Haar;
# their moments are claims too ({claim}`SPEC-2`).
#
# ## Same eigenvalues, other logits
#
# Now the main point. The Schur form $W = O\,(B + N)\,O^\top$ has the eigenvalues on the diagonal
# of $B$ and anything we like, strictly above, in $N$. Its norm $h = \lVert N \rVert_F$ is the
# *departure from normality* {cite:p}`henrici1962`, and $\eta_F = \sum_k |\lambda_k|^2 + h^2$
# exactly ({claim}`SPEC-4a`). So we can raise $\eta_F$ at will without touching a single
# eigenvalue.


# %%
def head(departure):
    """A head with semicircle eigenvalues, tr W = 0, tr W^2 = 64, and a departure from normality."""
    return qk.Ensemble.from_dict(
        {
            "d": 64,
            "T": 256,
            "spectrum": {"law": "semicircle", "xi": 0.0, "eta": 64.0},
            "matrix": {"model": "schur", "departure": departure},
            "tokens": {"law": "iid"},
            "attention": {"temperature": "sqrt_d"},
        }
    )


def width(departure):
    """Root mean square of a logit, sqrt(eta_F) over the temperature."""
    return float(np.sqrt(qk.Realization(head(departure), seed=0).eta_F))


print("   h      tr W^2    tr W W^T   width s of the logits")
for h in (0.0, 8.0, 24.0):
    drawn = qk.Realization(head(h), seed=0).matrix
    print(f"{h:4.0f}  {drawn.eta:10.6f}  {drawn.eta_F:10.6f}   {width(h):.3f}")
print(f"freezing point of a row of 256 keys: {qk.evaluate('ENT-0b', T=256, s=1.0)['s_c']:.3f}")

# %% [markdown]
# At $h = 0$ this head is diffuse and at $h = 24$ it is close to freezing (lesson 1), with the
# *same spectrum*. We simulate it. The line beside the simulation is the exact mean entropy of a
# Gaussian row ({claim}`ENT-1`) at the root mean square width $s = \sqrt{\eta_F/d}$; it is not
# exact for this experiment, because $s$ fluctuates from query to query ({claim}`ENT-11a`), but
# nearly so at $d = 64$.

# %%
# Figure: Left, singular values of W by rank at departures h = 0, 8 and 24 from normality rise
# above the dotted eigenvalues, which are the same for every h. Right, the simulated mean
# entropy of a row falls with h from about log T, along the line of a Gaussian row.
departures = np.array([0.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0])
simulated = [qk.simulate(head(h), ["entropy"], samples=4000, seed=0)["entropy"] for h in departures]
grid = np.linspace(0.0, 34.0, 40)
theory = [
    qk.evaluate("ENT-1", T=256, s=np.sqrt(1.0 + (h / 8.0) ** 2))["mean_entropy"] for h in grid
]

with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
    for colour, h in zip(COLOURS, (0.0, 8.0, 24.0), strict=False):
        drawn = qk.Realization(head(h), seed=0).matrix
        values = np.sort(np.linalg.svd(drawn.W, compute_uv=False))[::-1]
        axes[0].plot(np.arange(1, 65), values, color=colour, label=f"singular values, $h = {h:g}$")
    moduli = np.sort(np.abs(drawn.eigenvalues))[::-1]
    axes[0].plot(np.arange(1, 65), moduli, ":", color=INK, label="|eigenvalues|, every $h$")
    axes[0].set(xlabel="rank", ylabel="value")
    axes[0].legend()
    mean = np.array([float(e) for e in simulated])
    low = mean - np.array([e.low[0] for e in simulated])
    high = np.array([e.high[0] for e in simulated]) - mean
    axes[1].plot(grid, theory, color=COLOURS[0], label="Gaussian row at the rms width")
    axes[1].errorbar(
        departures,
        mean,
        yerr=[low, high],
        fmt="o",
        ms=3,
        color=COLOURS[1],
        capsize=2,
        label="simulated",
    )
    axes[1].axhline(np.log(256), lw=0.8, ls="--", color=INK)
    axes[1].text(34, np.log(256) - 0.05, "$\\log T$", ha="right", va="top")
    axes[1].set(
        xlabel="departure from normality $h$", ylabel="mean entropy of a row (nats)", ylim=(0, 5.8)
    )
    axes[1].legend(loc="lower left")

# %% [markdown]
# *Left: three matrices with the same eigenvalues. Right: mean row entropy, 4000 rows each,
# intervals at error level $10^{-6}$.*
#
# A sentence such as "the eigenvalues concentrate, therefore ..." is about symmetric (or normal)
# $W$ only. For $W = W_Q W_K^\top$ with independent factors it says little.
#
# There is a numerical side to it. The eigenvalues of the matrix are what we prescribed, yet a
# solver does not find them again once $W$ is far from normal:

# %%
for h in (0.0, 8.0, 24.0, 48.0):
    drawn = qk.Realization(head(h), seed=0).matrix
    computed = np.linalg.eigvals(drawn.W)
    nearest = np.abs(computed[:, None] - drawn.eigenvalues[None, :]).min(axis=1)
    print(f"h = {h:4.0f}: largest error of eigvals {nearest.max():.0e}")

# %% [markdown]
# The solver is not at fault: rounding $W$ in the sixteenth digit moves its eigenvalues that much.
# The package carries prescribed eigenvalues along and never recomputes them.
#
# ## What training starts from: products of Gaussians
#
# At initialisation $W_Q$ and $W_K$ are $d \times d_k$ with iid entries. Then $d - d_k$ eigenvalues
# vanish. The others fill a disc with a known radial law ({claim}`SPEC-10a`): the fraction $F(r)$
# of them within the radius $r$ solves $F\,(1 - \kappa + \kappa F) = r^2$, $\kappa = d_k/d$. They
# are the eigenvalues of the small matrix $W_K^\top W_Q$, which is how one should compute them.

# %%
F, kappa, radius = sp.symbols("F kappa r", positive=True)
within = sp.solve(F * (1 - kappa + kappa * F) - radius**2, F)
within = next(root for root in within if root.subs({kappa: sp.Rational(1, 4), radius: 1}) > 0)
within

# %%
at_half = float(within.subs({kappa: sp.Rational(1, 4), radius: sp.Rational(1, 2)}))
stated = qk.evaluate("SPEC-10a", law="product_modulus", aspect=0.25, x=[0.5])["cdf"][0]
print(f"root {at_half:.12f}, claim {stated:.12f}")

# %%
# Figure: Left, 200 non-zero eigenvalues of a product of Gaussian factors in the complex plane
# fill the unit disc. Right, the fraction of them within radius r follows the curve F(r).
product = qk.Ensemble.from_dict(
    {"d": 800, "T": 2, "matrix": {"model": "gaussian_factors", "d_k": 200}}
)
factors = qk.Realization(product, seed=0).matrix
eigenvalues = np.linalg.eigvals(factors.W_K.T @ factors.W_Q)

with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
    axes[0].scatter(eigenvalues.real, eigenvalues.imag, s=6, color=COLOURS[0], linewidths=0)
    angle = np.linspace(0, 2 * np.pi, 200)
    axes[0].plot(np.cos(angle), np.sin(angle), "--", lw=0.8, color=INK)
    axes[0].set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    axes[0].set_title("non-zero eigenvalues, $d = 800$, $d_k = 200$")
    moduli = np.sort(np.abs(eigenvalues))
    axes[1].step(moduli, np.arange(1, 201) / 200, where="post", color=COLOURS[1], label="one draw")
    r = np.linspace(0, 1, 200)
    curve = sp.lambdify(radius, within.subs(kappa, sp.Rational(1, 4)))
    axes[1].plot(r, curve(r), color=COLOURS[0], label="$F(r)$, $\\kappa = 1/4$")
    axes[1].set(xlabel="modulus $r$", ylabel="fraction within $r$", ylim=(0, 1.02))
    axes[1].legend()

# %% [markdown]
# *The line on the right is the SymPy root above, evaluated. The outermost eigenvalues stick out of
# the disc a little: a finite-size effect of relative order $d_k^{-1/2}$.*
#
# ## A spike: prescribed or planted
#
# Suppose one direction $u$ is to be preferred by a strength $\theta$. There are two ways, and they
# differ. *Prescribing* the eigenvalue $\theta$ gives an eigenvalue $\theta$. *Planting*,
# $H + \theta u u^\top$ with a random $H$, gives the eigenvalue $\theta + \sigma^2/\theta$ if
# $\theta > \sigma$, and **nothing** if it is smaller: the spike drowns, and the leading
# eigenvector forgets $u$. This is the transition of Baik, Ben Arous and Péché ({claim}`SPEC-11a`).

# %%
# Figure: Left, the largest eigenvalue against the strength of a spike: planted, it stays at the
# edge 2 up to strength 1 and then rises; prescribed, it is the strength itself beyond 2. Right,
# the squared overlap of the leading eigenvector with the spike is 0 up to strength 1 and then
# rises towards 1.
noise = qk.Ensemble.from_dict({"d": 200, "T": 2, "matrix": {"model": "goe"}})
u = np.zeros(200)
u[0] = 1.0
strengths = np.array([0.4, 0.8, 1.2, 1.5, 2.0, 2.5, 3.0])
top, overlap = np.empty((2, 4, len(strengths)))
for seed in range(4):
    H = qk.Realization(noise, seed=seed).matrix.W
    for k, strength in enumerate(strengths):
        values, vectors = np.linalg.eigh(H + strength * np.outer(u, u))
        top[seed, k], overlap[seed, k] = values[-1], (u @ vectors[:, -1]) ** 2

theta = np.linspace(0.3, 3.2, 60)
predicted = [qk.evaluate("SPEC-11a", law="semicircle", std=1.0, theta=float(t)) for t in theta]

with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.9), layout="constrained")
    axes[0].plot(theta, [p["outlier"] for p in predicted], color=COLOURS[0], label="planted, limit")
    axes[0].plot(
        strengths, top[0], "o", ms=3, color=COLOURS[1], label="planted, 4 draws, $d = 200$"
    )
    axes[0].plot(strengths, top[1:].T, "o", ms=3, color=COLOURS[1])
    axes[0].plot(theta, np.maximum(theta, 2.0), "--", color=INK, label="prescribed")
    axes[0].set(xlabel="strength of the spike $\\theta$", ylabel="largest eigenvalue")
    axes[0].legend()
    axes[1].plot(theta, [p["overlap"] for p in predicted], color=COLOURS[0])
    axes[1].plot(strengths, overlap.T, "o", ms=3, color=COLOURS[1])
    axes[1].set(
        xlabel="strength of the spike $\\theta$", ylabel="overlap with $u$, squared", ylim=(0, 1)
    )

# %% [markdown]
# *Lines: limits of large $d$. The draws scatter about them by $O(d^{-1/2})$. Dashed: the largest
# eigenvalue when $\theta$ is prescribed beside a semicircle that ends at 2.*
#
# ## Exercises
#
# **2.1** $W$ is real, $d = 64$, all its eigenvalues are real and $\mathrm{tr}\, W = 12$. What is
# the least $\mathrm{tr}\, W^2$ it can have?

# %%
answer = ...
check("2.1", answer)

# %% [markdown]
# **2.2** Give a $2 \times 2$ matrix $W$ with $\lVert W \rVert_F^2 = 2$ under which every
# self-logit $x^\top W x$ is zero, whatever the token.

# %%
answer = ...
check("2.2", answer)

# %% [markdown]
# **2.3** In the experiment of `head` ($d = 64$, $\mathrm{tr}\, W^2 = 64$, real eigenvalues,
# temperature $\sqrt d$, $T = 256$): at which departure $h$ does the root mean square width of the
# logits reach $s_c = \sqrt{2 \log T}$?

# %%
answer = ...
check("2.3", answer)

# %% [markdown]
# **2.4** Write the tables of an experiment with $d = 32$ and $T = 64$ whose $W$ has real
# eigenvalues, $\xi = 4$, $\eta = 2$ and $\eta_F = 6$: a dictionary as in this lesson.

# %%
answer = ...
check("2.4", answer)
