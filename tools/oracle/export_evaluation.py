"""Writes what SciPy and MedPy compute, for Evaluation's tests: Wilcoxon tests, t intervals, surface distances.

Random samples and masks from a fixed seed; the same bytes every time."""

import argparse
import json
import math
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from medpy.metric.binary import assd, hd95
from scipy import stats
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial.distance import cdist

SEED = 20240703
FIXTURES = Path(__file__).resolve().parents[2] / "Tests/EvaluationTests/Fixtures"


def number(value: float) -> float | None:
    """A number as JSON has it: none where it is not one."""
    return None if math.isnan(value) else float(value)


def wilcoxon_case(generator: np.random.Generator, count: int, step: float, missing: float) -> dict | None:
    """Scores rounded to `step` (so that ties and zeros are frequent), a share of them missing.

    None where one pair is left and equal: SciPy refuses that."""
    scores = generator.normal(0, 1, (2, count)) + [[0.3], [0]]
    if step > 0:
        scores = np.round(scores / step) * step
    scores[generator.random((2, count)) < missing] = np.nan
    kept = scores[:, ~np.isnan(scores).any(0)]
    if kept.shape[1] == 1 and kept[0, 0] == kept[1, 0]:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of samples too small
        result = stats.wilcoxon(*kept) if kept.shape[1] else None
    return {
        "first": [number(value) for value in scores[0]],
        "second": [number(value) for value in scores[1]],
        "statistic": number(result.statistic) if result else None,
        "p": number(result.pvalue) if result else None,
    }


def wilcoxon_cases(generator: np.random.Generator) -> list[dict]:
    """Every size from none to 70, without and with ties, zeros and missing scores."""
    cases = []
    for count in [*range(0, 20), 49, 50, 51, 70]:
        for step in (0, 0.5, 0.125, 4):
            cases.append(wilcoxon_case(generator, count, step, 0.1 if count % 2 else 0))
    return [case for case in cases if case is not None]


def interval_case(generator: np.random.Generator, count: int) -> dict:
    """The mean, the population's deviation and half of the t interval of random scores."""
    scores = generator.beta(5, 1, count)
    half = stats.t.ppf(0.975, count - 1) * stats.sem(scores)
    return {"scores": scores.tolist(), "mean": scores.mean(), "sd": scores.std(), "t": float(half)}


def random_mask(generator: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """A smooth blob or two."""
    field = gaussian_filter(generator.normal(0, 1, shape), 1.5)
    return field > np.quantile(field, generator.uniform(0.5, 0.95))


def brute_distances(one: np.ndarray, other: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From each voxel of either surface to the nearest of the other, by all pairs; steps along i, j, k are columns."""
    places = [np.argwhere(mask & ~binary_erosion(mask)) @ axes.T for mask in (one, other)]
    pairs = cdist(*places)
    return pairs.min(1), pairs.min(0)


def larger_hd95(one: np.ndarray, other: np.ndarray, axes: np.ndarray) -> float:
    """The larger of the two ways' 95th percentiles, MONAI's definition."""
    return float(max(np.percentile(distances, 95) for distances in brute_distances(one, other, axes)))


def sheared_case(generator: np.random.Generator, sizes: tuple[int, int, int]) -> dict:
    """Two masks on axes that are not perpendicular, with all distances by brute force."""
    axes = np.diag(generator.uniform(0.5, 3, 3)) + generator.uniform(-0.4, 0.4, (3, 3))
    one, other = random_mask(generator, sizes), random_mask(generator, sizes)
    distances = np.concatenate(brute_distances(one, other, axes))
    return {
        "size": sizes,
        "axes": axes.T.tolist(),
        "truth": "".join(map(str, one.astype(int).ravel("F"))),
        "predicted": "".join(map(str, other.astype(int).ravel("F"))),
        "hd95": float(np.percentile(distances, 95)),
        "larger": larger_hd95(one, other, axes),
        "mean": float(distances.mean()),
    }


def surface_case(generator: np.random.Generator, sizes: tuple[int, int, int]) -> dict:
    """Two masks with MedPy's distances; masks as text of 0 and 1, i fastest."""
    spacing = generator.uniform(0.5, 3, 3)
    one, other = random_mask(generator, sizes), random_mask(generator, sizes)
    return {
        "size": sizes,
        "spacing": spacing.tolist(),
        "truth": "".join(map(str, one.astype(int).ravel("F"))),
        "predicted": "".join(map(str, other.astype(int).ravel("F"))),
        "hd95": float(hd95(other, one, voxelspacing=spacing)),
        "larger": larger_hd95(one, other, np.diag(spacing)),
        "mean": float(assd(other, one, voxelspacing=spacing)),
    }


def main() -> None:
    """Writes the one file."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    generator = np.random.default_rng(SEED)
    reference = {
        "versions": {package: version(package) for package in ("scipy", "medpy", "numpy")},
        "wilcoxon": wilcoxon_cases(generator),
        "intervals": [interval_case(generator, count) for count in (2, 3, 5, 11, 15, 75, 400)],
        "surfaces": [
            surface_case(generator, sizes) for sizes in ((9, 7, 5), (1, 12, 8), (14, 3, 6), (5, 5, 1), (11, 13, 9))
        ],
        "sheared": [sheared_case(generator, sizes) for sizes in ((9, 7, 5), (1, 12, 8), (11, 13, 9))],
    }
    FIXTURES.mkdir(parents=True, exist_ok=True)
    path = FIXTURES / "evaluation.json"
    path.write_text(json.dumps(reference) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
