"""Fits the coefficients of `Sources/Tensors/Exponential.swift` and `GELU.swift`, and checks those there.

Both fits are minimax in relative error, by Remez's exchange: the error takes its largest value, with
alternating signs, at one place more than there are free coefficients. Needs numpy and scipy.

Prints the coefficients, highest power first as the sources have them, with the error that they leave; exits
with 1 where the sources' own leave more than 1.01 times that."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import erfcx

TENSORS = Path(__file__).resolve().parents[1] / "Sources" / "Tensors"
GRID = 200_001
Function = Callable[[np.ndarray], np.ndarray]


def extremes(error: np.ndarray, count: int) -> np.ndarray:
    """Where each of the `count` stretches of one sign with the largest errors has its largest."""
    ends = np.flatnonzero(np.diff(np.sign(error))) + 1
    stretches = [part for part in np.split(np.arange(len(error)), ends) if np.any(error[part])]
    places = [part[np.argmax(np.abs(error[part]))] for part in stretches]
    return np.sort(sorted(places, key=lambda place: -abs(error[place]))[:count])


def fit(
    function: Function, grid: np.ndarray, free: range, fixed: list[float], lower: int, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator, highest power first, of the best quotient for `function` on the grid.

    The numerator's lowest coefficients are `fixed` and its others have the powers `free`; the denominator is
    1 + d1 x + … of degree `lower`.
    """
    values = function(grid)
    places, largest = start, 0.0
    denominator = np.ones(1)
    for _ in range(50):
        x, y = grid[places], values[places]
        signs = (-1.0) ** np.arange(len(places))
        constant = y - np.polyval(fixed[::-1], x)
        # The error times the denominator is not linear: the latest denominator is used until it stays.
        for _ in range(20):
            columns = [x**power for power in free] + [-y * x**power for power in range(1, lower + 1)]
            columns.append(-signs * y * np.polyval(denominator, x))
            solution = np.linalg.solve(np.stack(columns, axis=1), constant)
            denominator = np.array([1.0, *solution[len(free) : -1]])[::-1]
        numerator = np.array([*fixed, *solution[: len(free)]])[::-1]
        error = np.polyval(numerator, grid) / np.polyval(denominator, grid) / values - 1
        places = extremes(error, len(start))
        if abs(np.abs(error).max() - largest) <= 1e-4 * largest:
            return numerator, denominator
        largest = np.abs(error).max()
    raise ArithmeticError("the exchange did not converge")


def nearest(grid: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The indices of the grid's elements nearest to some places."""
    return np.abs(grid[None] - places[:, None]).argmin(axis=1)


def literals(file: str, names: list[str]) -> list[np.ndarray]:
    """The coefficients of the schemes `NAME = Lanes(repeating: c)`, `NAME = NAME * x + c`, … in a source."""
    text = (TENSORS / file).read_text()
    number = r"(-?[\d._e-]+)"
    return [
        np.array([float(c.replace("_", "")) for c in re.findall(
            rf"{name} = (?:Lanes\(repeating: |{name} \* \w+ \+ ){number}", text)])
        for name in names
    ]  # fmt: skip


def report(
    title: str, function: Function, grid: np.ndarray, fitted: list[np.ndarray], present: list[np.ndarray]
) -> bool:
    """Prints a fit beside the source's coefficients, and says whether the source's are as good."""
    errors = [
        np.abs(np.polyval(numerator, grid) / np.polyval(denominator, grid) / function(grid) - 1).max()
        for numerator, denominator in (fitted, present)
    ]
    print(f"{title}: largest relative error {errors[0]:.4g}, with the source's coefficients {errors[1]:.4g}")
    for name, coefficients in zip(("numerator", "denominator"), fitted, strict=True):
        print(f"  {name}: {', '.join(f'{c:.17g}' for c in coefficients)}")
    return errors[1] <= 1.01 * errors[0]


def exponential() -> bool:
    """e^r ≈ 1 + r + r² · (a polynomial of degree 4) for |r| ≤ ln 2 / 2."""
    grid = np.linspace(-np.log(2) / 2, np.log(2) / 2, GRID)
    start = nearest(grid, -np.cos(np.pi * np.arange(6) / 5) * grid[-1])
    fitted = fit(np.exp, grid, free=range(2, 7), fixed=[1.0, 1.0], lower=0, start=start)
    return report("exp", np.exp, grid, list(fitted), [*literals("Exponential.swift", ["power"]), np.ones(1)])


def gelu_tail() -> bool:
    """erfc(t) · exp(t²) ≈ (degree 4) / (degree 5) for t from 0 to √87, beyond which exp(−t²) is nothing."""
    grid = np.linspace(0, np.sqrt(87), GRID)
    start = nearest(grid, grid[-1] * (np.arange(1, 11) / 10) ** 2.3)
    fitted = fit(erfcx, grid, free=range(1, 5), fixed=[1.0], lower=5, start=start)
    return report("GELU", erfcx, grid, list(fitted), literals("GELU.swift", ["numerator", "denominator"]))


if __name__ == "__main__":
    results = [exponential(), gelu_tail()]
    sys.exit(0 if all(results) else 1)
