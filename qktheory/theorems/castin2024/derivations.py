"""How ZOO-LIP-1 is known: the Jacobian of softmax, Cauchy-Schwarz, variances on a ball."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import NonNegative, Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

_T, _R, _c = symbol("T"), symbol("radius"), symbol("max_column_sum")
_a, _v = symbol("w_qk_norm_2"), symbol("w_v_norm_2")
#: |W_QK| R^2, the largest logit of tokens in the ball.
_logit = sp.Symbol("L", nonnegative=True)
_tokens = sp.Symbol("T", integer=True, positive=True)
_CITED = ("Cauchy-Schwarz inequality", "triangle inequality", "chain rule")


def _jacobian() -> list[Step]:
    """Differentiate one output y = sum_k A_k x_k along tokens x_k + t u_k, logits s_k + t h_k."""
    t, s, h, x, u = sp.symbols("t s_k h_k x_k u_k", real=True)
    top, total = sp.Function("N")(t), sp.Function("Z")(t)
    weight = sp.exp(s + t * h)
    return [
        Step(
            sp.Subs(sp.Derivative(weight * (x + t * u), t), t, 0),
            "=",
            sp.exp(s) * (u + x * h),
            "a term of the numerator N of y = N/Z along tokens x_k + t u_k and logits s_k + t h_k",
            Reduces(),
        ),
        Step(
            sp.Subs(sp.Derivative(weight, t), t, 0),
            "=",
            sp.exp(s) * h,
            "a term of the normaliser Z",
            Reduces(),
        ),
        Step(
            sp.Derivative(top / total, t),
            "=",
            (sp.Derivative(top, t) - top / total * sp.Derivative(total, t)) / total,
            "so dy = sum_k A_k (u_k + (x_k - y) h_k); the logits x_i^T W x_k of query i give "
            "h_k = u_k^T W^T x_i + x_k^T W^T u_i",
            Reduces(),
        ),
    ]


def _moving_keys() -> list[Step]:
    """Bound the part of dy in which the keys move, and that in which the query moves."""
    mean, second = sp.symbols("mu_1 mu_2", real=True)
    b2, variance, slack_b, slack_v = sp.symbols("B V e_B e_V", nonnegative=True)
    cross, tau = sp.symbols("kappa tau_k", real=True)
    column, short, size = sp.symbols("c_k e U_k", nonnegative=True)
    return [
        Step(
            second - mean**2,
            "<=",
            second,
            "variance of the keys in a direction of length 1: at most R^2 in a ball, so the "
            "part C_i W^T u_i of dy, C_i the covariance of the keys, has norm at most L |u_i|",
            NonNegative(mean**2),
        ),
        Step(
            1 + 2 * cross * tau + b2 * tau**2,
            "=",
            (1 + b2 * second) - b2 * (second - tau**2) + 2 * cross * (tau - mean),
            "|c + b tau_k|^2 with |c| = 1, b = W^T x_i, B = |b|^2, kappa = c^T b, tau_k = c^T "
            "(x_k - y): over A the mean mu_1 of tau is 0, so that of this square is 1 + B mu_2",
            Reduces({mean: sp.S.Zero}),
        ),
        Step(
            1 + b2 * variance,
            "<=",
            1 + (b2 + slack_b) * (variance + slack_v),
            "B <= |W|^2 R^2 and V = mu_2 <= R^2: at most 1 + L^2, so by Cauchy-Schwarz the part of "
            "dy in which keys move has a square of at most (1 + L^2) sum_k A_ik |u_k|^2",
            NonNegative(b2 * slack_v + slack_b * variance + slack_b * slack_v),
        ),
        Step(
            column * size,
            "<=",
            (column + short) * size,
            "summed over the queries i: sum_k c_k U_k, U_k = |u_k|^2, with c_k the column sums of "
            "A: at most c |u|^2",
            NonNegative(short * size),
        ),
    ]


def _sharp(column: sp.Expr, bound: sp.Expr, reason: str) -> Step:
    return Step(
        _v * (sp.sqrt(column * (1 + _logit**2)) + _logit),
        "=",
        bound,
        reason,
        Reduces({_logit: _a * _R**2}),
    )


def _paper(bound: sp.Expr) -> list[Step]:
    """Return the bound of the paper from the sharper one with c = T."""
    x, y = sp.symbols("x y", real=True)
    return [
        Step(
            (x + y) ** 2,
            "<=",
            2 * x**2 + 2 * y**2,
            "square of the sharper bound with c = T: x^2 = T (1 + L^2) and y = L",
            NonNegative((x - y) ** 2),
        ),
        Step(
            2 * _tokens * (1 + _logit**2) + 2 * _logit**2,
            "<=",
            3 * (_logit**2 * (4 * _tokens + 1) + _tokens),
            "at most the square of the bound of the paper",
            NonNegative(_tokens + _logit**2 * (10 * _tokens + 1)),
        ),
        Step(
            _v * sp.sqrt(3 * (_logit**2 * (4 * _T + 1) + _T)),
            "=",
            bound,
            "with L = |W| R^2",
            Reduces({_logit: _a * _R**2}),
        ),
    ]


_TRIANGLE = "both parts together, and the values: |W_V| (sqrt(c (1 + L^2)) + L), L = |W| R^2"


@derives("ZOO-LIP-1a")
def bounds_on_a_ball(claim: Claim) -> Derivation:
    """Split the derivative into moving keys and the moving query."""
    sharp, paper = own(claim, "bound_sharp"), own(claim, "bound_paper")
    return Derivation(
        claim.id,
        [*_jacobian(), *_moving_keys(), _sharp(_c, sharp, _TRIANGLE), *_paper(paper)],
        {"bound_sharp": sharp, "bound_paper": paper},
        uses=_CITED,
        complete=True,
    )


@derives("ZOO-LIP-1b")
def bounds_of_a_layer(claim: Claim) -> Derivation:
    """Take the observed column sum, then the number of tokens."""
    data, sharp, paper = (own(claim, f"bound_{name}") for name in ("data", "sharp", "paper"))
    return Derivation(
        claim.id,
        [
            *_jacobian(),
            *_moving_keys(),
            _sharp(_c, data, _TRIANGLE),
            _sharp(_T, sharp, "a column sum is at most T, and the bound grows with it"),
            *_paper(paper),
        ],
        {"bound_data": data, "bound_sharp": sharp, "bound_paper": paper},
        uses=_CITED,
        complete=True,
    )
