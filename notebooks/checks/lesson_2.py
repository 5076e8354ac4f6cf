"""Checks of the lesson on QK spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import sympy as sp

import qktheory as qk

from . import Unreadable, close, exercise, number


@exercise("2.1")
def least_trace_of_the_square(answer: object) -> str | None:
    """xi^2/d at xi = 12, d = 64."""
    eta = number(answer)
    margin = qk.evaluate("SPEC-7b", d=64, xi=12.0, eta=eta, eta_F=abs(eta))["margin_real"]
    if abs(margin) < 1e-9:
        return None
    if margin < 0.0:
        return "No real spectrum has it so small: tr W^2 is d (variance + mean^2)."
    return "It can be smaller. What is the variance of the eigenvalues at the minimum?"


@exercise("2.2")
def no_token_sees_itself(answer: object) -> str | None:
    """Antisymmetric, of squared Frobenius norm 2."""
    what = "The answer should be a 2 x 2 matrix of numbers."
    if isinstance(answer, sp.MatrixBase):
        answer = answer.tolist()
    try:
        W = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise Unreadable(what) from None
    if W.shape != (2, 2) or not np.isfinite(W).all():
        raise Unreadable(what)
    if np.abs(W + W.T).max() > 1e-9:
        return "x^T W x only sees the symmetric part of W: try x = (1, 0), (0, 1) and (1, 1)."
    if not close(np.sum(W * W), 2.0):
        return "Every self-logit is zero, but the squared Frobenius norm is not 2."
    return None


@exercise("2.3")
def departure_that_freezes(answer: object) -> str | None:
    """Solve (64 + h^2)/64 = 2 log 256."""
    h = number(answer, "a number, the departure h")
    s_c = qk.evaluate("ENT-0b", T=256, s=1.0)["s_c"]
    if close(h, 8.0 * math.sqrt(s_c**2 - 1.0), rel=1e-3):
        return None
    if close(h, 8.0 * s_c, rel=1e-3):
        return "Not far: the eigenvalues contribute to the Frobenius norm, too."
    if close(h * h, 64.0 * (s_c**2 - 1.0) / 64.0, rel=1e-3):
        return "The temperature divides scores by sqrt(d): s^2 = eta_F/d."
    return "s^2 = eta_F/d for this temperature, and eta_F = tr W^2 + h^2 for real eigenvalues."


@exercise("2.4")
def an_experiment_with_three_traces(answer: object) -> str | None:
    """Any spectrum with (xi, eta) and the Schur model with departure 2."""
    if isinstance(answer, qk.Ensemble):
        ensemble = answer
    elif isinstance(answer, Mapping):
        try:
            ensemble = qk.Ensemble.from_dict(answer)
        except ValueError as refusal:
            return f"These tables are refused: {refusal}."
    else:
        raise Unreadable("The answer should be a dictionary of tables.")
    if (ensemble.d, ensemble.T) != (32, 64):
        return f"It has d = {ensemble.d} and T = {ensemble.T} instead of 32 and 64."
    if ensemble.redraws_matrix:
        return "W is drawn for every sample here; leave `draw` out."
    drawn = qk.Realization(ensemble, seed=0).matrix
    for name, found, wanted in (
        ("tr W", drawn.xi, 4.0),
        ("tr W^2", drawn.eta, 2.0),
        ("tr W W^T", drawn.eta_F, 6.0),
    ):
        if not close(found, wanted, rel=1e-9):
            return f"{name} is {found:.4g} instead of {wanted:g}."
    if drawn.eigenvalues is not None and np.iscomplexobj(drawn.eigenvalues):
        return "Some eigenvalues are complex; the departure from normality does it with real ones."
    return None
