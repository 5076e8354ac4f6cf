"""How ENT-11a, ENT-12b, LOC-15a, RMT-4d are known: self-logit and logit variance of iid tokens."""

from __future__ import annotations

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.symbolic.wick import Covariance, Form, Mean, independent
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

W, SIGMA, temperature = matrix("W_QK"), matrix("Sigma"), symbol("temperature")
(x,) = independent("x", SIGMA)
SELF_LOGIT = Form(x, W, x)
#: Variance of x^T W y over a key y ~ N(0, Sigma), given the query x.
KEY_VARIANCE = Form(x, W * SIGMA * W.T, x)
ISSERLIS = ("Isserlis' theorem",)


@derives("ENT-11a")
def logit_variance(claim: Claim) -> Derivation:
    """Count pairings of a quadratic form in the query."""
    return Derivation(
        claim.id,
        [
            Step(
                Mean(KEY_VARIANCE) / temperature**2,
                "=",
                own(claim, "mean_s2"),
                "s^2 = x^T W Sigma W^T x/temperature^2 given the query: one pairing",
                Reduces(),
            ),
            Step(
                Covariance(KEY_VARIANCE, KEY_VARIANCE) / temperature**4,
                "=",
                own(claim, "var_s2"),
                "two connected pairings, equal because W Sigma W^T is symmetric",
                Reduces(),
            ),
        ],
        {name: own(claim, name) for name in ("mean_s2", "var_s2")},
        uses=ISSERLIS,
        complete=True,
    )


def _self_logit(claim: Claim, names: tuple[str, ...]) -> Derivation:
    """Derive mean and variance of the self-logit and the mean of s^2, those that a claim states."""
    lines = {
        "mean_self_logit": (Mean(SELF_LOGIT) / temperature, "one pairing"),
        "var_self_logit": (
            Covariance(SELF_LOGIT, SELF_LOGIT) / temperature**2,
            "two connected pairings: tr(W Sigma W Sigma) and tr(W Sigma W^T Sigma)",
        ),
        "mean_s2": (Mean(KEY_VARIANCE) / temperature**2, "one pairing, given the query first"),
    }
    given = {symbol(n): own(claim, n) for n in ("xi", "eta", "eta_F") if n in claim.where}
    return Derivation(
        claim.id,
        [
            Step(lines[name][0], "=", own(claim, name), lines[name][1], Reduces(given))
            for name in names
        ],
        {name: own(claim, name) for name in names},
        uses=ISSERLIS,
        complete=True,
    )


@derives("ENT-12b")
def self_logit(claim: Claim) -> Derivation:
    """Take the two moments that the claim states."""
    return _self_logit(claim, ("mean_self_logit", "var_self_logit"))


@derives("LOC-15a")
def query_scales(claim: Claim) -> Derivation:
    """Take all three moments; the conditional law is that of independent Gaussian keys."""
    return _self_logit(claim, ("mean_self_logit", "var_self_logit", "mean_s2"))


@derives("RMT-4d")
def random_rows(claim: Claim) -> Derivation:
    """Take all three moments."""
    return _self_logit(claim, ("mean_self_logit", "var_self_logit", "mean_s2"))
