"""Phantom cases to fix the ways of filling on: CTs of 3 mm, their truth and boxes as of one careful annotator.

    python phantoms.py FOLDER --cases 3

The patients are those of `tools/nnunet`, at another resolution: 122×101×40 voxels of 3 mm. A box has a normal error of 3% of
its width or height on each side, as those of `../shared/data/ct_abdomen`, and organs of 12 pixels or more on a slice have one.
The same seed gives the same cases.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "nnunet"))
import cases
from cases import CLASSES, LABELS, Patient, write_nifti

cases.WIDTH, cases.DEPTH, cases.SLICES, cases.PIXEL, cases.SPACING = 122, 101, 40, 3.0, 3.0
cases.THROUGH = (-1.0, 0.0, 1.0)
ERROR = 0.03
LEAST_PIXELS = 12


def lines(labels: np.ndarray, random: np.random.Generator) -> list[str]:
    """YOLO's lines of a slice `[i, j]`, on `rot90` of it."""
    shown = np.rot90(labels)
    height, width = shown.shape
    found = []
    for name, label in LABELS.items():
        rows, columns = np.nonzero(shown == label)
        if len(rows) < LEAST_PIXELS:
            continue
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
        size = np.array([box[2] - box[0], box[3] - box[1]] * 2)
        box = np.clip(box + random.normal(0, ERROR, 4) * size, 0, [width, height] * 2)
        centre, extent = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        numbers = np.concatenate([centre, extent]) / [width, height, width, height]
        found.append(" ".join([str(CLASSES.index(name)), *(f"{number:.6f}" for number in numbers)]) + "\n")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=3)
    parser.add_argument("--seed", type=int, default=77)
    arguments = parser.parse_args()
    for number in range(arguments.cases):
        random = np.random.default_rng([arguments.seed, number])
        units, labels = Patient(random).scan()
        folder = arguments.folder / f"case{number}"
        write_nifti(folder / "ct.nii.gz", units)
        write_nifti(folder / "truth.nii.gz", labels)
        (folder / "boxes").mkdir(parents=True, exist_ok=True)
        for k in range(labels.shape[2]):
            (folder / "boxes" / f"ct-slice{k:03}.txt").write_text("".join(lines(labels[:, :, k], random)))
        (folder / "class_list.txt").write_text("".join(name + "\n" for name in CLASSES))


if __name__ == "__main__":
    main()
