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
# # Write and verify your own theorem
#
# You have derived a formula about attention, or believe an inequality. How do you find out
# whether it is true, and what does a machine's "supported" mean?
#
# **The question.** Two logits of one row, $w_j = x^\top W y_j/\lambda$ and
# $w_k = x^\top W y_k/\lambda$, are uncorrelated for iid tokens, because the keys $y_j$ and $y_k$
# are independent. *Are they independent?* We answer, and turn the answer into a claim: shown,
# evaluated, judged, derived. Then we believe something false on purpose and see it fall.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from checks import check
from IPython.display import display

import qktheory as qk
from qktheory.base.domains import Matrix, Parameter, Real, RealList
from qktheory.observables.observable import RowObservable
from qktheory.plots.style import COLOURS, INK, style
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic import Form, Mean, expectation, independent, matrix, symbol
from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin, register
from qktheory.theorems.derivations import derivation_of, derives, own
from qktheory.theorems.judgements import Expectation, PathwiseBound

np.set_printoptions(precision=4, suppress=True)

# %% [markdown]
# ## The formula
#
# Independent variables have $\mathbb E w_j^2 w_k^2 = \mathbb E w_j^2\;\mathbb E w_k^2$. Both
# sides are Gaussian moments, that is, sums over pairings (Isserlis), and every pairing of
# bilinear forms is a product of traces. `Form(x, W, y)` is $x^\top W y$; `expectation` does the
# pairings.

# %%
W, Sigma, temperature = matrix("W_QK"), matrix("Sigma"), symbol("temperature")
x, y, z = independent("x y z", Sigma)
w_j, w_k = Form(x, W, y), Form(x, W, z)
square = expectation(w_j**2)
product = expectation(w_j**2 * w_k**2)
display(square, product)

# %% [markdown]
# So they are **not** independent: the squares have the covariance
# $2\operatorname{tr}(W\Sigma W^\top\Sigma)^2$, divided by $\lambda^4$. All logits of a row share
# the query; a long query makes them all large. For $W = I$ in $d$ dimensions the ratio of the two
# sides is

# %%
d = sp.Symbol("d", positive=True, integer=True)
at_identity = {W: sp.Identity(d), Sigma: sp.Identity(d)}
ratio = product.subs(at_identity).doit() / square.subs(at_identity).doit() ** 2
sp.expand(ratio)

# %% [markdown]
# and independence returns as $d \to \infty$. Two or three dimensions are a good place to test.
#
# ## The claim
#
# A claim is the formula with everything that is needed to doubt it:
#
# - **parameters** with their domains (bad input is refused by name),
# - **values**, SymPy expressions; what `evaluate` returns and what is shown are these objects,
# - **cases** at which it is judged, none of them too symmetric: a covariance other than $I$, a
#   temperature other than 1, a $W$ that is not symmetric,
# - a **judgement**: here an expectation, with the experiment to draw and the functionals whose
#   means the values are,
# - a **wrong twin**: the same claim with a small error, which the same judgement must refute.

# %%
PARAMETERS = (
    Parameter("W_QK", Matrix(square=True), "query-key matrix, (d, d)"),
    Parameter("Sigma", Matrix(positive_semidefinite=True), "covariance of the tokens, (d, d)"),
    Parameter("temperature", Real(low=0.0, low_open=True), "divisor of the scores"),
)
CASES = (
    {"W_QK": [[1, 2], [0, -1]], "Sigma": [[2, 1], [1, 1]], "temperature": 2},
    {"W_QK": np.eye(3).tolist(), "Sigma": np.eye(3).tolist(), "temperature": 1},
    {"W_QK": [[0, 1], [-1, 0]], "Sigma": [[2, 0], [0, 1]], "temperature": 3},
)


def experiment(parameters):
    """Return three iid tokens; the last one is the query."""
    return Ensemble.from_dict(
        {
            "d": len(parameters["W_QK"]),
            "T": 3,
            "matrix": {"W": parameters["W_QK"]},
            "tokens": {"law": "iid", "covariance": parameters["Sigma"]},
            "attention": {"temperature": parameters["temperature"]},
        }
    )


def functional(name, definition, compute):
    """Return an observable of a row, without a known range."""
    return RowObservable(
        name=name, title=name, definition=definition, bounds=lambda T: None, compute=compute
    )


def measured(parameters, values):
    """Return what to measure, by the name of the value that predicts it."""
    return {
        "mean_square": functional("square", "w_1^2", lambda rows: rows.logits[:, 0] ** 2),
        "mean_product": functional(
            "product", "w_1^2 w_2^2", lambda rows: rows.logits[:, 0] ** 2 * rows.logits[:, 1] ** 2
        ),
    }


def two_logits(name, standing, statement, formula, error, wrong):
    """Return a claim about the mean square and the mean product of two logits of a row."""
    return Claim(
        id=name,
        title="squares of two logits of a row",
        statement=statement,
        source=Source(authors="Me", year=2026, title="A lesson", statement="Lemma 1"),
        standing=standing,
        observable="logit",
        parameters=PARAMETERS,
        values={"mean_square": square / temperature**2, "mean_product": formula},
        cases=CASES,
        judged_by=(Expectation(experiment, measured),),
        wrong_twin=WrongTwin(error, {"mean_product": wrong}),
    )


excess = product - square**2
shared_query = register(
    two_logits(
        "MINE-1a",
        "derived",
        "For iid tokens and different keys j, k, E w_j^2 w_k^2 = (F^2 + 2 tr (W Sigma W^T Sigma)^2)"
        " / temperature^4 with F = tr W Sigma W^T Sigma.",
        product / temperature**4,
        "factor 2 taken as 2.2",
        (product + excess / 10) / temperature**4,
    )
)
independent_keys = register(
    two_logits(
        "MINE-1-folklore",
        "folklore",
        "Believed: logits of different keys are independent, E w_j^2 w_k^2 = (E w_j^2)(E w_k^2).",
        square**2 / temperature**4,
        "10 % too small",
        sp.Rational(9, 10) * square**2 / temperature**4,
    )
)
qk.evaluate("MINE-1a", **CASES[0])

# %% [markdown]
# A bad argument is refused in words:

# %%
try:
    qk.evaluate("MINE-1a", W_QK=[[1, 2]], Sigma=[[1]], temperature=1)
except ValueError as error:
    print(error)

# %% [markdown]
# ## The verdict
#
# `verify` draws until an interval decides. *Refuted* means that the interval excludes the number;
# *supported* that a narrow enough interval contains it. Both may be wrong with probability at
# most $10^{-6}$ for the whole run.

# %%
verdicts = qk.verify(["MINE-1"])
for result in verdicts.results:
    print(f"{result.claim.id:16} {result.claim.standing:9} {result.verdict}")
print("a success:", verdicts.success)

# %% [markdown]
# The folklore is refuted, as it should be, which makes the run a success. Now the most important
# question about any green verdict: **would it have noticed an error?** That is what the wrong
# twin is for.

# %%
print(qk.verify(["MINE-1a"], wrong_twins=True))

# %% [markdown]
# The twin passes! Its factor 2.2 is a change of 4 to 7 per cent in the mean of a product with
# heavy tails, and the quick budget does not look that closely. So the verdict above supported the
# formula no more than its false neighbour. The remedy is a larger budget (or a functional with
# less noise, or cases where the twin differs by more):

# %%
careful = qk.verify(["MINE-1a"], wrong_twins=True, budget="standard")
print(careful)

# %%
# Figure: Estimates of MINE-1a over the claimed value at each case, with intervals of the quick
# and the standard budget. They contain 1, the claim; its wrong twin and independent logits are
# marked beside it.
rows = []
for label, verification, colour in (
    ("quick budget", verdicts["MINE-1a"], COLOURS[5]),
    ("standard budget", careful["MINE-1a"], COLOURS[0]),
):
    products = [case for case in verification.cases if case.value == "mean_product"]
    rows.append((label, products, colour))
with style():
    figure, ax = plt.subplots(figsize=(6.4, 3.4), dpi=130, layout="constrained")
    for number, parameters in enumerate(CASES):
        values = shared_query.evaluate(**parameters)
        claimed = values["mean_product"]
        alone = values["mean_square"] ** 2
        twin = shared_query.twin().evaluate(**parameters)["mean_product"]
        for offset, (label, products, colour) in zip((-0.15, 0.15), rows, strict=True):
            case = products[number]
            low, middle, high = (v / claimed for v in (case.low, case.estimate, case.high))
            ax.errorbar(
                number + offset,
                middle,
                yerr=[[middle - low], [high - middle]],
                fmt="o",
                color=colour,
                markersize=4,
                label=label if number == 0 else None,
            )
        for value, mark, name in (
            (1.0, "-", "MINE-1a"),
            (twin / claimed, "--", "wrong twin"),
            (alone / claimed, ":", "independent logits"),
        ):
            ax.plot(
                [number - 0.35, number + 0.35],
                [value, value],
                mark,
                color=INK,
                lw=1.1,
                label=name if number == 0 else None,
            )
    ax.set_xticks(range(3), [f"case {n + 1}" for n in range(3)])
    ax.set_ylabel(r"$E\,w_j^2 w_k^2$ in units of the claim")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
plt.show()

# %% [markdown]
# Intervals of the quick budget contain the claim *and* its twin; those of the standard one
# separate them. Independence is far away from both.
#
# ## From supported to proved
#
# Sampling never proves. But this formula has a proof in two lines, and the pairings can be
# computed again by anybody. A derivation is a chain of lines (left side, relation, right side,
# reason, how to check). It must end in **the claim's own expressions**, so a claim that is
# changed no longer follows.


# %%
@derives("MINE-1a")
def pairings(claim):
    """Pair the copies of x, y and z."""
    mean_square, mean_product = own(claim, "mean_square"), own(claim, "mean_product")
    return Derivation(
        claim.id,
        [
            Step(
                Mean(w_j**2) / temperature**2,
                "=",
                mean_square,
                "one pairing of the two x, one of the two y",
                Reduces(),
            ),
            Step(
                Mean(w_j**2 * w_k**2) / temperature**4,
                "=",
                mean_product,
                "three pairings of the four x, one each of y and z",
                Reduces(),
            ),
        ],
        {"mean_square": mean_square, "mean_product": mean_product},
        uses=("Isserlis' theorem",),
        complete=True,
    )


for step in qk.derive("MINE-1a").steps:
    print(f"[{step.status if step.recheck() else 'FAILS'}] {step.reason}")
    display(step)
print(qk.verify(["MINE-1a"]))

# %% [markdown]
# *Proved* now means: sampling found nothing against it, and the whole statement follows from
# lines that SymPy has reduced to identities again in this run, and from the theorem named in
# `uses`. The twin does not follow:

# %%
for step in derivation_of(shared_query.twin()).recheck():
    print("fails:", step.reason)

# %% [markdown]
# ## An inequality, and a search against it
#
# Second theorem. The *perplexity* $e^H$ and the *effective number of keys* $1/Y_2$ both count how
# many keys matter, and $e^H \ge 1/Y_2$ always. Practice suggests that they are of the same size.
# Let us conjecture
#
# $$e^{H} \le \frac{2}{Y_2}$$
#
# and judge it at random rows of up to 16 Gaussian logits. Bounds have no intervals: one input
# above the bound refutes them.


# %%
def weights(logits):
    """Return the softmax of one row."""
    p = np.exp(np.asarray(logits) - np.max(logits))
    return p / p.sum()


def perplexity(logits):
    """Return e^H."""
    p = weights(logits)
    p = p[p > 0.0]
    return float(np.exp(-(p * np.log(p)).sum()))


def participation(logits):
    """Return Y_2."""
    return float((weights(logits) ** 2).sum())


def draw(rng):
    """Return a random row."""
    return {"logits": rng.normal(size=rng.integers(2, 17)) * rng.uniform(0.1, 2.0)}


Y_2 = symbol("participation")
conjecture = register(
    Claim(
        id="MINE-2a",
        title="perplexity is at most twice the effective number of keys",
        statement="e^H <= 2/Y_2 for every row of logits.",
        source=Source(authors="Me", year=2026, title="A lesson", statement="Conjecture 2"),
        standing="conjecture",
        observable="entropy",
        parameters=(Parameter("logits", RealList(min_length=2), "one row of logits"),),
        values={
            "perplexity": Routine(symbol("perplexity"), perplexity, ("logits",)),
            "participation": Routine(Y_2, participation, ("logits",)),
            "bound": 2 / Y_2,
        },
        cases=(
            {"logits": [0.0, 1.0, -2.0]},
            {"logits": [2.9, *([0.0] * 11)]},
            {"logits": [1.0, 1.0]},
        ),
        judged_by=(
            PathwiseBound(lambda p, values, rng: [(values["perplexity"], values["bound"])], draw),
        ),
        wrong_twin=WrongTwin("2 taken as 1.9", {"bound": sp.Rational(19, 10) / Y_2}),
    )
)
judged = qk.verify(["MINE-2a"])["MINE-2a"]
print(f"{judged.verdict}, tightness {judged.tightness:.4f}")
print("twin:", qk.verify(["MINE-2a"], wrong_twins=True)["MINE-2a"].verdict)

# %% [markdown]
# Supported, tight to a few per cent, and the twin is refuted. A careful person would now look for
# the input that breaks it. `falsify` does: random inputs, extreme relatives of them, other sizes,
# and climbs from the best.

# %%
attack = qk.falsify("MINE-2a")
worst = attack["MINE-2a"].worst
broken = np.array(worst.parameters["logits"])
print(attack)
print(f"{len(broken)} logits, e^H = {worst.smaller:.4f} > {worst.larger:.4f} = 2/Y_2")
print("the largest ones:", np.sort(broken)[-5:])

# %% [markdown]
# The conjecture is false. Its counterexample has a shape: one large weight, the others nearly
# equal. Gaussian rows hardly ever look like that. The repaired statement exists: {claim}`ENT-10d`
# gives the largest entropy at a given participation exactly, and it is attained by that shape.

# %%
# Figure: Perplexity times participation against participation: random Gaussian rows stay below
# the conjectured 2, the exact maximum rises above it, and the row found by falsify lies there.
T = len(broken)
levels = np.linspace(1.001 / T, 0.999, 150)
most = [np.exp(qk.evaluate("ENT-10d", T=T, participation=one)["max_entropy"]) for one in levels]
rng = np.random.default_rng(0)
random_rows = [rng.normal(size=T) * rng.uniform(0.1, 4.0) for _ in range(400)]
found = [(participation(one), perplexity(one)) for one in (*random_rows, broken)]
keys, counts = np.array(found).T
with style():
    figure, ax = plt.subplots(figsize=(5.6, 3.6), dpi=130, layout="constrained")
    ax.plot(
        keys[:-1],
        (counts * keys)[:-1],
        ".",
        color=COLOURS[0],
        markersize=3,
        label="random Gaussian rows",
    )
    ax.plot(levels, most * levels, color=COLOURS[2], label="largest, ENT-10d")
    ax.axhline(2.0, color=COLOURS[1], ls="--", label="conjecture")
    ax.axhline(1.0, color=INK, lw=0.8, ls=":")
    ax.plot(keys[-1], counts[-1] * keys[-1], "*", color=COLOURS[3], ms=12, label="found by falsify")
    ax.set_xlabel("participation $Y_2$")
    ax.set_ylabel("perplexity over effective number, $e^H Y_2$")
    ax.set_title(f"rows of T = {T} logits")
    ax.set_ylim(0.95, 2.6)
    ax.legend(loc="upper center", ncols=2)
plt.show()

# %% [markdown]
# Random rows do not reach the sliver above the dashed line: that is why sampling inputs is weak
# evidence for an inequality, and why the catalogue attacks its own bounds.
#
# Outside a notebook, `qktheory new-claim NAME` writes a file to start from; `qktheory verify`,
# `falsify` and `show --latex` take that file.
#
# ## Exercises
#
# **8.1** Three different tokens $x_i, x_j, x_k \sim N(0, \Sigma)$ and scores
# $S_{ij} = x_i^\top W x_j/\lambda$. Compute $\mathbb E\,S_{ij} S_{jk} S_{ki}$ for
# $W = \begin{pmatrix}1&2\\1&0\end{pmatrix}$, $\Sigma = \mathrm{diag}(2, 1)$ and $\lambda = 2$.

# %%
answer = ...
check("8.1", answer)

# %% [markdown]
# **8.2** One logit $w = x^\top W y/\lambda$ between two tokens, with $W = \Sigma = I$ in $d$
# dimensions, is not Gaussian. Give its kurtosis $\mathbb E w^4/(\mathbb E w^2)^2$ as a SymPy
# expression in `d`.

# %%
answer = ...
check("8.2", answer)

# %% [markdown]
# **8.3** Which is the smallest $T$ for which $e^H \le 2/Y_2$ fails for some row of $T$ logits?

# %%
answer = ...
check("8.3", answer)

# %% [markdown]
# **8.4** Write a claim of your own, and give the `Claim` object as the answer (without
# registering it): *the participation of a row is at least the square of its largest weight*. Its
# parameter is `logits`, its values are `participation` and `bound`, it is judged as a
# `PathwiseBound`, and its wrong twin is off by at most 10 %. The check evaluates it, and runs the
# verifier on your claim and on its twin, so choose a case at which the bound is tight.

# %%
answer = ...
check("8.4", answer)
