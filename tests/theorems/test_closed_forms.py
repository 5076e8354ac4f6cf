"""Closed forms in double precision against the same SymPy objects at 30 digits."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import qktheory as qk
from qktheory.theorems.claim import CLAIMS, Claim, Routine
from tests.theorems.parameters import random_parameters

DIGITS = 30
DRAWS = 6


def exactly(value: Any) -> Any:
    """The number or matrix that a double or an array of doubles is."""
    if np.ndim(value) == 2:
        return sp.ImmutableMatrix([[sp.Rational(float(x)) for x in row] for row in value])
    return sp.sympify(value if isinstance(value, int) else sp.Rational(float(value)))


def matrix_value(expression: sp.Basic, values: dict[str, Any]) -> Any:
    """A product or sum of matrix symbols as an explicit matrix."""
    if isinstance(expression, sp.MatrixSymbol):
        return exactly(values[expression.name])
    if isinstance(expression, sp.Transpose):
        return matrix_value(expression.arg, values).T
    if isinstance(expression, sp.MatPow):
        return matrix_value(expression.base, values) ** int(expression.exp)
    if isinstance(expression, sp.Identity):
        return sp.eye(int(values["d"]))
    if isinstance(expression, sp.MatMul):
        product = None
        for part in expression.args:
            if not part.is_Matrix:
                continue
            value = matrix_value(part, values)
            product = value if product is None else product * value
        scalars = [part for part in expression.args if not part.is_Matrix]
        factor = sp.prod([scalar_value(part, values) for part in scalars])
        return factor * product
    assert isinstance(expression, sp.MatAdd), type(expression)
    return sum(
        (matrix_value(part, values) for part in expression.args[1:]),
        matrix_value(expression.args[0], values),
    )


def scalar_value(expression: sp.Basic, values: dict[str, Any]) -> Any:
    """A scalar expression with traces and symbols replaced by exact values."""
    traces = {
        trace: matrix_value(trace.arg, values).trace() for trace in expression.atoms(sp.Trace)
    }
    expression = expression.xreplace(traces)
    symbols = {
        symbol: exactly(values[symbol.name])
        for symbol in expression.free_symbols
        if np.ndim(values[symbol.name]) == 0
    }
    return expression.subs(symbols)


def magnitude(expression: sp.Basic) -> mp.mpf:
    """Size of the terms, from which rounding errors of a sum are measured."""
    if isinstance(expression, sp.Add):
        return mp.fsum(magnitude(term) for term in expression.args)
    return abs(mp.mpf(str(sp.N(expression.doit(), DIGITS))))


def closed_forms(claim: Claim) -> dict[str, sp.Basic]:
    definitions = {**claim.where, **claim.values}
    return {
        name: sp.sympify(d)
        for name, d in definitions.items()
        if not isinstance(d, Routine) and name != "rho_gaussian"
    }


@pytest.mark.parametrize("name", [c.id for c in qk.claims() if closed_forms(c)])
def test_closed_forms_agree_with_thirty_digits(name: str) -> None:
    """At random parameters of the declared domains, edges included."""
    claim = CLAIMS[name]
    if name == "LOC-3f":  # its closed forms run over a list of keys; LOC-3b tests them
        assert closed_forms(claim).keys() == {
            "gamma",
            "gram_determinant",
            "r_squared",
            "eta",
            "sigma",
        }
        return
    compared = 0
    for seed in range(DRAWS):
        parameters = claim.checked(random_parameters(claim, seed))
        environment = dict(parameters)
        with np.errstate(all="ignore"):
            for value, evaluate in claim._evaluators:
                environment[value] = evaluate(environment)
        for value, expression in closed_forms(claim).items():
            if expression.is_Matrix:
                terms = np.array(matrix_value(expression, environment).tolist(), dtype=np.float64)
                np.testing.assert_allclose(
                    environment[value], terms, rtol=0, atol=1e-13 * np.abs(terms).max()
                )
                compared += 1
                continue
            at = scalar_value(expression, environment)
            want = mp.mpf(str(sp.N(at.doit(), DIGITS)))
            got = float(environment[value])
            # Arguments of tails and exponentials carry their own rounding: condition number x^2.
            size = max(magnitude(at), abs(want))
            allowed = 4e-13 if at.has(sp.exp, sp.erfc) or "NormalInterval" in str(at) else 2e-14
            assert abs(got - want) <= allowed * size + 1e-300, (value, got, want)
            compared += 1
    assert compared >= DRAWS


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["LOC-3a", "LOC-3b", "LOC-3c", "LOC-3d"])
def test_the_gaussian_value_of_rho(name: str, seed: int) -> None:
    """From xi, eta, eta_F as SymPy-free sums, Phi at 30 digits; tails keep relative accuracy."""
    claim = CLAIMS[name]
    parameters = claim.checked(random_parameters(claim, seed))
    T, key = parameters["T"], parameters["key"]
    with mp.workdps(DIGITS):
        if name == "LOC-3a":
            xi, eta, eta_F = (mp.mpf(parameters[n]) for n in ("xi", "eta", "eta_F"))
        elif name == "LOC-3c":
            W, S = (mp.matrix(parameters[n].tolist()) for n in ("W_QK", "Sigma"))
            WS = W * S / mp.mpf(parameters["temperature"])
            WtS = W.T * S / mp.mpf(parameters["temperature"])
            xi, eta, eta_F = (sum(A[i, i] for i in range(A.rows)) for A in (WS, WS * WS, WS * WtS))
        else:
            mu = (
                [parameters["eigenvalue"]] * parameters["multiplicity"]
                if name == "LOC-3d"
                else parameters["eigenvalues"].tolist()
            )
            xi, eta = mp.fsum(mp.mpf(m) for m in mu), mp.fsum(mp.mpf(m) ** 2 for m in mu)
            eta_F = eta
        gamma = key - mp.mpf(T + 1) / 2
        r_squared = gamma**2 + mp.mpf(T * T - 1) / 12
        sigma = mp.sqrt(eta_F * r_squared + eta * gamma**2)
        if sigma == 0:  # a covariance of zero: all logits are 0, and alive
            assert claim.values_at(parameters)["rho_gaussian"] == 1.0
            return
        low, high = (-1 - xi * gamma) / sigma, (T - 1 - xi * gamma) / sigma
        if high < 0:  # the upper tail is the one that erfc resolves
            low, high = -high, -low
        want = (mp.erfc(low / mp.sqrt(2)) - mp.erfc(high / mp.sqrt(2))) / 2
        tail = 1 + min(low**2, high**2)
        got = claim.values_at(parameters)["rho_gaussian"]
        assert abs(float(got) - want) <= 1e-13 * tail * want + mp.mpf("1e-300")
