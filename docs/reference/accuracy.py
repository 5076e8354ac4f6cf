"""Measure the exact moments of a Gaussian row against mpmath and write docs/reference/accuracy.md.

Usage: python docs/reference/accuracy.py [--check]

The reference evaluates the integrals as they stand in the chapter (ENT-1, ENT-3: Frullani's form of
E log Z, the form of E H with Psi_{1,1}, differences for the variances) at 34 digits, by the
trapezoidal rule at a step where its error is 1e-34, over wider ranges; tests compare the case T = 2
with one-dimensional integrals. It takes some minutes. --check measures two points only and writes
nothing.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import mpmath as mp
import numpy as np

from qktheory.numerics.gaussian_row import gaussian_row_moments

PAGE = Path(__file__).with_suffix(".md")
HEADER = "| quantity | region | points | largest relative error | mean relative error |"
QUANTITIES = {
    "mean_log_partition": "E log Z",
    "mean_entropy": "E H",
    "mean_participation": "E Y_2",
    "heat_capacity": "E Var_A(l)",
    "var_log_partition": "Var log Z",
    "var_entropy": "Var H",
    "var_participation": "Var Y_2",
}
#: Points (T, s) by region; s_c = sqrt(2 log T).
REGIONS: dict[str, tuple[tuple[float, float], ...]] = {
    "diffuse, s < s_c/3": ((16.0, 0.02), (1024.0, 0.5), (1e6, 1.0), (1e12, 0.5), (1e12, 2.0)),
    "s_c/3 to s_c": ((16.0, 1.5), (1024.0, 2.0), (1e6, 3.0), (1e12, 5.0)),
    "frozen, s > s_c": ((2.0, 3.0), (16.0, 6.0), (1024.0, 8.0), (1e12, 12.0)),
}
_DIGITS = 34
#: Step of the trapezoidal rule, whose error is e^(-pi^2/step), and bits of the fixed-point sums.
_STEP = 0.125
_BITS = 320
_KERNELS = ("10", "11", "12", "20", "21", "22", "40")


def _fixed(x: mp.mpf) -> int:
    return int(mp.nint(mp.ldexp(x, _BITS)))


def _averages(s: mp.mpf, top: mp.mpf, low: int, high: int) -> dict[str, list[mp.mpf]]:
    """Return 1 - phi and the averages K_{q,p} at the nodes u = k/8, low <= k <= high."""
    stride = max(1, math.ceil(_STEP / (0.3 * s)))
    fine = mp.mpf(_STEP) / stride
    reach = math.ceil(top * s / fine)
    steps = range(-reach, reach + 1)
    weights = np.array([_fixed(fine / s * mp.npdf(k * fine / s)) for k in steps], dtype=object)
    columns: dict[str, list[int]] = {name: [] for name in ("deficit", *_KERNELS)}
    for k in range(low * stride - reach, high * stride + reach + 1):
        v = k * fine
        x = mp.exp(min(v, mp.mpf(7)))
        decay = mp.exp(-x)
        columns["deficit"].append(_fixed(-mp.expm1(-x)))
        for name in _KERNELS:
            columns[name].append(_fixed(v ** int(name[1]) * x ** int(name[0]) * decay))
    out = {}
    for name, values in columns.items():
        windows = np.lib.stride_tricks.sliding_window_view(
            np.array(values, dtype=object), weights.size
        )[::stride]
        out[name] = [mp.ldexp(mp.mpf(int(total)), -2 * _BITS) for total in windows.dot(weights)]
    return out


def reference(T: float, s: float) -> dict[str, float]:
    """Return the moments of one row by the trapezoidal rule at 34 digits."""
    with mp.workdps(_DIGITS):
        return {name: float(value) for name, value in _reference(mp.mpf(T), mp.mpf(s)).items()}


def _reference(T: mp.mpf, s: mp.mpf) -> dict[str, mp.mpf]:
    top = mp.sqrt(2 * mp.log(T)) + 11
    low = math.floor(-max(mp.log(T) + s * s / 2 + 75, s * top + 25) / _STEP)
    high = math.ceil((11 * s + 6) / _STEP)
    averages = _averages(s, top, low, high)
    sums = dict.fromkeys(
        ("one", "two", "h", "y2", "y4", "pairs", "spread", "k00", "k01", "k11", "p0", "p1", "p2"),
        mp.mpf(0),
    )
    w = mp.mpf(_STEP)
    for k in range(low, high + 1):
        u = k * w
        reference = mp.exp(-mp.exp(u))
        a = {name: values[k - low] for name, values in averages.items()}
        # log(1 - x) would lose as many digits as x is small.
        log_phi = mp.log1p(-min(a["deficit"], 1 - mp.mpf(10) ** -60))
        if T * log_phi > -90:
            survival = mp.exp(T * log_phi)
            single = w * T * mp.exp((T - 1) * log_phi)
            double = w * T * (T - 1) * mp.exp((T - 2) * log_phi)
            sums["h"] -= single * a["11"]
            sums["y2"] += single * a["20"]
            sums["y4"] += single * a["40"] / 6
            sums["pairs"] += double * a["20"] ** 2 / 6
            sums["spread"] += double * (a["10"] * a["12"] - a["11"] ** 2)
            sums["k00"] += double * a["10"] ** 2
            sums["k01"] += double * a["10"] * a["11"]
            sums["k11"] += double * a["11"] ** 2
            for p in "012":
                sums["p" + p] += single * a["2" + p]
        else:
            survival = mp.mpf(0)
        sums["one"] += w * (reference - survival)
        sums["two"] += w * 2 * u * (survival - reference)
    gamma, zeta = mp.euler, mp.pi**2 / 6
    log_z, entropy = sums["one"], sums["h"] - gamma
    second = gamma**2 + zeta + sums["two"]
    g1 = -(1 - gamma)
    g2 = g1 * g1 - (zeta - 1)
    h = entropy
    k0, k1 = sums["k00"], sums["k01"] + h * sums["k00"]
    k2 = sums["k11"] + 2 * h * sums["k01"] + h * h * sums["k00"]
    p0, p1 = sums["p0"], sums["p1"] + h * sums["p0"]
    p2 = sums["p2"] + 2 * h * sums["p1"] + h * h * sums["p0"]
    return {
        "mean_log_partition": log_z,
        "mean_entropy": entropy,
        "mean_participation": sums["y2"],
        "heat_capacity": sums["spread"],
        "var_log_partition": second - (gamma + log_z) ** 2 - zeta,
        "var_entropy": g2 * (p0 + k0) + 2 * g1 * (p1 + k1) + p2 + k2,
        "var_participation": sums["y4"] + sums["pairs"] - sums["y2"] ** 2,
    }


def errors(points: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
    """Return the relative errors of every quantity at the points."""
    found: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    for T, s in points:
        wanted, got = reference(T, s), gaussian_row_moments(T, s)
        for name in QUANTITIES:
            found[name].append(abs(getattr(got, name) / wanted[name] - 1.0))
        print(f"T = {T:g}, s = {s:g}:", *(f"{found[n][-1]:.1e}" for n in QUANTITIES), flush=True)
    return found


def table(measured: dict[str, dict[str, list[float]]]) -> str:
    """Return the table of errors by quantity and region."""
    lines = [HEADER, "|---|---|---|---|---|"]
    for name, label in QUANTITIES.items():
        for region, found in measured.items():
            values = found[name]
            mean = sum(values) / len(values)
            lines.append(f"| {label} | {region} | {len(values)} | {max(values):.0e} | {mean:.0e} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="two points, nothing is written")
    if parser.parse_args(arguments).check:
        print(table({"check": errors([(2.0, 1.0), (16.0, 2.0)])}))
        return
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(HEADER)
    after = rest.partition("\n\n")[2]
    measured = {region: errors(points) for region, points in REGIONS.items()}
    PAGE.write_text(f"{before}{table(measured)}\n\n{after}", "utf-8")


if __name__ == "__main__":
    main()
