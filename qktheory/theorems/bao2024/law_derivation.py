"""How LOC-2a is known: a Gaussian integral over 2d variables as a determinant of size d."""

from __future__ import annotations

from functools import reduce
from itertools import product

import sympy as sp

from qktheory.symbolic.checks import BlockDeterminant, Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.symbolic.wick import Form, JointCumulant, correlated
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.moments import C_NORM_SQUARED
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

M, tau = matrix("M"), symbol("tau")
ONE = sp.Identity(M.shape[0])
#: |c|^2 of LOC-1a in terms of gamma and D = T |c|^2 - gamma^2.
NORM = (s.gamma**2 + s.D) / s.t
#: q = z^T B z / 2 with z = (u, v) of covariance G x I: this is B (G x I), block by block.
KERNEL = ((s.gamma * M, s.t * M), (NORM * M.T, s.gamma * M.T))


def _power_trace(power: int) -> sp.Expr:
    """Return the trace of a power of the kernel: a sum over closed walks of its blocks."""
    total = sp.S.Zero
    for walk in product((0, 1), repeat=power):
        blocks = [KERNEL[walk[k]][walk[(k + 1) % power]] for k in range(power)]
        total += sp.Trace(reduce(lambda a, b: a * b, blocks))
    return total


@derives("LOC-2a")
def characteristic_function(claim: Claim) -> Derivation:
    """Reduce the Gaussian integral to the claim's determinant."""
    u, v = correlated("u v", [[NORM, s.gamma], [s.gamma, s.t]], ONE)
    form = Form(u, M, v)
    identity = [[ONE - sp.I * tau * KERNEL[0][0], -sp.I * tau * KERNEL[0][1]]]
    identity += [[-sp.I * tau * KERNEL[1][0], ONE - sp.I * tau * KERNEL[1][1]]]
    full = sp.Determinant(sp.BlockMatrix(identity)) ** sp.Rational(-1, 2)
    return Derivation(
        claim.id,
        [
            Step(
                s.t * C_NORM_SQUARED - s.gamma**2,
                "=",
                own(claim, "gram_determinant"),
                "D = T |c|^2 - gamma^2 by LOC-1a",
                Reduces({s.gamma: s.WALK["gamma"]}),
            ),
            *(
                Step(
                    JointCumulant(*[form] * n),
                    "=",
                    sp.Rational(sp.factorial(n - 1), 2) * _power_trace(n),
                    f"cumulant {n} of q = z^T B z/2 is (n-1)!/2 tr (B (G x I))^n: "
                    "-1/2 log det(I - i tau B (G x I)) generates them",
                    Reduces(),
                )
                for n in (1, 2, 3)
            ),
            Step(
                sp.im(full, evaluate=False),
                "=",
                own(claim, "phi_imag"),
                "the top blocks are polynomials in M, so they commute",
                BlockDeterminant(),
            ),
            Step(
                sp.re(full, evaluate=False),
                "=",
                own(claim, "phi_real"),
                "E exp(i tau q) = det(I - i tau B (G x I))^(-1/2), root factor by factor",
                BlockDeterminant(),
            ),
        ],
        {name: own(claim, name) for name in ("gram_determinant", "phi_imag", "phi_real")},
        uses=(
            "Gaussian integral of the exponential of a quadratic form",
            "determinants of two by two blocks of which the top ones commute",
        ),
        complete=True,
    )
