"""How LOC-8 and LOC-9 are known: conditioning a walk on its end, and softmax of its bridge."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import matrix, symbol, vector
from qktheory.symbolic.wick import Covariance, Form, Mean, correlated
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import CLAIMS, Claim
from qktheory.theorems.derivations import derives, own

t, i, j = s.t, s.i, s.j
m = symbol("self_logit")
kappa2 = symbol("kappa2")


@derives("LOC-8a")
def bridge(claim: Claim) -> Derivation:
    """Condition x_i on x_T: the residual is independent of x_T and has a bridge covariance."""
    N, x = matrix("N"), vector("x")
    least = sp.Min(i, j)
    a, b, q = correlated("x_i x_j x_T", [[i, least, i], [least, j, j], [i, j, t]], s.S)
    row = s.W.T * x * x.T * s.W / s.temperature**2

    def residual(through: sp.MatrixExpr) -> sp.Expr:
        return (
            Mean(Form(a, through, b))
            - i / t * Mean(Form(q, through, b))
            - j / t * Mean(Form(a, through, q))
            + i * j / t**2 * Mean(Form(q, through, q))
        )

    return Derivation(
        claim.id,
        [
            Step(
                Mean(Form(a, N, q)) - i / t * Mean(Form(q, N, q)),
                "=",
                sp.S.Zero,
                "x_i - (i/T) x_T is uncorrelated with x_T, so independent of it: for every N",
                Reduces(),
            ),
            Step(
                Mean(Form(a, N, q)) / Mean(Form(q, N, q)) * m,
                "=",
                own(claim, "mean_logit"),
                "its part along x_T contributes (i/T) x_T^T W x_T/temperature",
                Reduces(),
            ),
            Step(
                residual(N),
                "=",
                (least - i * j / t) * sp.Trace(N * s.S),
                "covariance of the residuals: that of a bridge times Sigma, for every N",
                Reduces(),
            ),
            Step(
                residual(row),
                "=",
                own(claim, "cov_logit"),
                "contracted with W^T x_T/temperature, the row by which the query sees keys",
                Reduces({symbol("s2"): own(claim, "s2")}),
            ),
        ],
        {name: own(claim, name) for name in ("mean_logit", "cov_logit")},
        uses=("uncorrelated jointly Gaussian vectors are independent",),
        complete=True,
    )


@derives("LOC-8b")
def query_moments(claim: Claim) -> Derivation:
    """Average drift and increment over x_T ~ N(0, T Sigma)."""
    (q,) = correlated("x_T", [[t]], s.S)
    form = Form(q, s.W, q)
    traces = Reduces({symbol(name): own(claim, name) for name in ("xi", "eta", "eta_F")})
    increment = Form(q, s.W * s.S * s.W.T, q)
    wick = "Isserlis with E x_T x_T^T = T Sigma"
    return Derivation(
        claim.id,
        [
            Step(Mean(form) / s.temperature, "=", own(claim, "mean_self_logit"), wick, traces),
            Step(
                Covariance(form, form) / s.temperature**2,
                "=",
                own(claim, "var_self_logit"),
                wick,
                traces,
            ),
            Step(Mean(increment) / s.temperature**2, "=", own(claim, "mean_s2"), wick, traces),
        ],
        {name: own(claim, name) for name in ("mean_self_logit", "var_self_logit", "mean_s2")},
        uses=("Isserlis' theorem",),
        complete=True,
    )


@derives("LOC-9a")
def end_weight(claim: Claim) -> Derivation:
    """Average the end weight over cyclic shifts; the windows make a product of ratios."""
    bound = own(claim, "end_weight_bound")
    first, rest = sp.symbols("a R", positive=True)
    shifted, window = rest + first * sp.exp(m), rest + first
    x, y, geometric = sp.symbols("x y geometric_mean", positive=True)
    return Derivation(
        claim.id,
        [
            Step(
                first * sp.exp(m) / shifted,
                "=",
                (shifted - window) / ((1 - sp.exp(-m)) * shifted),
                "w_(k+T) = w_k + m: the last weight of a window P_k is "
                "(P_k - P_(k-1))/((1 - e^-m) P_k), and all shifts have the same law",
                Reduces(),
            ),
            Step(
                ((x + y) / 2) ** 2 - x * y,
                "=",
                ((x - y) / 2) ** 2,
                "arithmetic against geometric mean: of two ratios the difference is a square",
                Reduces(),
            ),
            Step(
                sp.Limit(bound, m, 0),
                "=",
                1 / t,
                "without drift all weights have mean 1/T: the value is attained from both signs",
                Reduces(),
            ),
            Step(
                (1 - geometric) / (1 - sp.exp(-m)),
                "=",
                bound,
                "the mean of the T numbers P_(k-1)/P_k, of product e^-m, is at least their "
                "geometric mean e^(-m/T)",
                Reduces({geometric: sp.exp(-m / t)}),
            ),
        ],
        {"end_weight_bound": bound},
        uses=(
            "inequality of arithmetic and geometric means",
            "increments of a bridge are exchangeable",
        ),
    )


@derives("LOC-9b")
def continuum(claim: Claim) -> Derivation:
    """Moments of the end weight from its Laplace transform; participation to first order."""
    k = sp.Symbol("kappa2", positive=True)
    drift = sp.Symbol("self_logit", positive=True)
    phi = sp.Symbol("phi", positive=True)
    plain = {kappa2: k, m: drift}
    law = sp.exp(-2 / k * (phi**2 - drift**2 / 4))
    argument = 4 * (sp.cosh(phi) - sp.cosh(drift / 2)) / (k * sp.exp(drift / 2))

    def derivative(expression: sp.Expr) -> sp.Expr:
        return -sp.diff(expression, phi) / sp.diff(argument, phi)

    first = derivative(law)
    second = derivative(first)
    at_zero = {phi: drift / 2}
    finite = own(CLAIMS["LOC-9a"], "end_weight_bound")
    end, start = own(claim, "scaled_end_weight"), own(claim, "scaled_first_weight")
    return Derivation(
        claim.id,
        [
            Step(
                sp.Limit(t * finite, t, sp.oo),
                "=",
                end,
                "the bound of LOC-9a becomes an equality as T grows: ratios tend to 1",
                Reduces(),
            ),
            Step(
                first.subs(at_zero),
                "=",
                end,
                "minus the derivative of the law LOC-9c in p at 0, where "
                "cosh phi = cosh(m/2) + (kappa^2/4) e^(m/2) p",
                Reduces(plain),
            ),
            Step(end.subs(m, -m), "=", start, "reversal of the walk turns m into -m", Reduces()),
            Step(
                _first_order(drift, k),
                "=",
                own(claim, "scaled_participation"),
                "E sum A^2 to first order in kappa^2, with Cov(B_u, B_v) = min(u, v) - u v; the "
                "identity says that the higher orders vanish, which is not shown here",
                Reduces(plain),
            ),
            Step(
                second.subs(at_zero),
                "=",
                own(claim, "scaled_end_weight_squared"),
                "second derivative of the law LOC-9c",
                Reduces(plain),
            ),
        ],
        {
            "scaled_end_weight": end,
            "scaled_first_weight": start,
            "scaled_end_weight_squared": own(claim, "scaled_end_weight_squared"),
        },
        uses=("Hartman-Watson law (LOC-9c)",),
    )


def _integral(expression: sp.Expr, x: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Integrate a sum of terms c x^n e^(r x) between two ends, term by term."""
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(expression)):
        constant, rest = term.as_independent(x)
        power = sp.S.Zero
        rate = sp.S.Zero
        for factor in sp.Mul.make_args(rest):
            if isinstance(factor, sp.exp):
                rate += sp.diff(factor.exp, x)
                constant *= sp.exp(factor.exp.subs(x, 0))
            else:
                power += sp.degree(factor, x)
        n = int(power)
        if rate == 0:
            primitive = x ** (n + 1) / (n + 1)
        else:
            primitive = sp.exp(rate * x) * sum(
                (-1) ** k * sp.ff(n, k) * x ** (n - k) / rate ** (k + 1) for k in range(n + 1)
            )
        total += constant * (primitive.subs(x, high) - primitive.subs(x, low))
    return sp.expand(total)


def _first_order(drift: sp.Expr, k: sp.Expr) -> sp.Expr:
    """Return E int a^2, a = e^(m u + kappa B_u)/int e^(m v + kappa B_v), to order kappa^2."""
    u, v = sp.symbols("u v", positive=True)

    def single(weight: sp.Expr) -> sp.Expr:
        return _integral(weight, u, sp.S.Zero, sp.S.One)

    def double(in_u: sp.Expr, in_v: sp.Expr) -> sp.Expr:
        """Integrate in_u(u) in_v(v) (min(u, v) - u v)."""
        below = _integral(in_v * v * (1 - u), v, sp.S.Zero, u)
        above = _integral(in_v * u * (1 - v), v, u, sp.S.One)
        return single(in_u * (below + above))

    once, twice, other = sp.exp(drift * u), sp.exp(2 * drift * u), sp.exp(drift * v)
    Z, N = single(once), single(twice)
    order = (
        2 * single(twice * u * (1 - u)) / Z**2
        - 4 * double(twice, other) / Z**3
        - N * single(once * u * (1 - u)) / Z**3
        + 3 * N * double(once, other) / Z**4
    )
    return N / Z**2 + k * order
