"""Writes phantom cases, each a patient of their own: CTs, their truth, and boxes of simulated annotators.

    python cases.py FOLDER --train 20 --left-out 15

The anatomy is `tools/phantom`'s. A patient is a smooth warp of the points that it is drawn on: larger or smaller,
turned, shifted, leaning, and locally stretched; with densities and noise of their own. Volumes are 64×48×16 voxels
of 5.6×5.6×7.5 mm. The same seed gives the same cases.

Boxes are in `train/boxes`: `every/CASE` has one person's on every slice, `third/CASE` the same person's on every third,
`four/CASE/PERSON` all four persons' on every third, and `exact/CASE` the truth's own on every slice.
"""

import argparse
import gzip
import sys
from pathlib import Path

import nibabel
import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "phantom"))
from anatomy import draw
from annotators import ANNOTATORS, CLASSES, SMALLEST, Annotator, annotate, drawn, yolo
from space import LABELS, Slice

WIDTH, DEPTH, SLICES = 64, 48, 16
PIXEL, SPACING = 5.6, 7.5  # millimetres
FINER = 2  # points per pixel along each axis: partial volume
THROUGH = (-2.2, 0.0, 2.2)  # millimetres around the slice's centre: its thickness
ENLARGED = 2  # annotators see each pixel as so many, and draw so much finer
EVERY = 3  # slices: of so many one is handed out, from slice 0 on, as by `slices --every`


class Patient:
    """Where a scanner's points lie in the anatomy, and how dense its organs are."""

    def __init__(self, random: np.random.Generator):
        self.random = random
        self.scale = np.clip(random.normal(1, 0.05, 3), 0.9, 1.08)  # left, front, up
        self.turn = np.radians(random.normal(0, 4))
        self.shift = random.normal(0, (5, 5, 7))  # millimetres
        self.lean = random.normal(0, 0.05, 2)  # millimetres per millimetre upwards
        self.wave = random.normal(0, 2 * np.pi / 220, (6, 3))  # six plane waves, radians per millimetre
        self.phase = random.uniform(0, 2 * np.pi, 6)
        self.push = random.normal(0, 3.2, (6, 2))  # millimetres to the left and front
        self.density = dict(zip(LABELS.values(), random.normal(0, 10, len(LABELS)), strict=True))
        self.noise = random.uniform(10, 20)  # Hounsfield units

    def slice(self, left: np.ndarray, front: np.ndarray, up: float) -> Slice:
        pushes = np.zeros((2, *left.shape), np.float32)
        for wave, phase, push in zip(self.wave, self.phase, self.push, strict=True):
            height = np.sin(wave[0] * left + wave[1] * front + wave[2] * up + phase)
            pushes += push[:, None, None] * height
        left, front = (
            left * np.cos(self.turn) - front * np.sin(self.turn),
            left * np.sin(self.turn) + front * np.cos(self.turn),
        )
        left = (left - self.shift[0]) / self.scale[0] + pushes[0] + self.lean[0] * (up - 60)
        front = (front - self.shift[1]) / self.scale[1] + pushes[1] + self.lean[1] * (up - 60)
        drawn = draw(left, front, 60 + (up - 60 - self.shift[2]) / self.scale[2], table=False)
        for label, offset in self.density.items():
            drawn.density[drawn.labels == label] += offset
        return drawn

    def scan(self) -> tuple[np.ndarray, np.ndarray]:
        """Hounsfield units int16 and labels uint8, both [i, j, k]."""
        units = np.empty((WIDTH, DEPTH, SLICES), np.int16)
        labels = np.empty((WIDTH, DEPTH, SLICES), np.uint8)
        left, front = np.meshgrid(points(WIDTH), points(DEPTH), indexing="ij")
        for k in range(SLICES):
            parts = [self.slice(left, front, (k + 0.5) * SPACING + offset) for offset in THROUGH]
            clean = pooled(np.mean([part.density for part in parts], 0))
            noise = self.random.normal(0, self.noise, clean.shape)
            units[:, :, k] = np.clip(np.rint(clean + noise), -1024, 3071)
            labels[:, :, k] = majority([part.labels for part in parts])
        return units, labels


def points(pixels: int) -> np.ndarray:
    """Millimetres from the centre."""
    return (((np.arange(pixels * FINER) + 0.5) / FINER - pixels / 2) * PIXEL).astype(np.float32)


def pooled(values: np.ndarray) -> np.ndarray:
    """The mean over each pixel's points."""
    return values.reshape(WIDTH, FINER, DEPTH, FINER).mean((1, 3))


def majority(parts: list[np.ndarray]) -> np.ndarray:
    """The label which fills at least half of a pixel, else 0."""
    result = np.zeros((WIDTH, DEPTH), np.uint8)
    for label in LABELS.values():
        result[pooled(np.mean([part == label for part in parts], 0)) >= 0.5] = label
    return result


def write_nifti(path: Path, values: np.ndarray) -> None:
    """As most converters write it: i grows towards the patient's left."""
    affine = np.diag([-PIXEL, PIXEL, SPACING, 1.0])
    affine[:3, 3] = [(WIDTH - 1) / 2 * PIXEL, -(DEPTH - 1) / 2 * PIXEL, 0.0]
    image = nibabel.Nifti1Image(values, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def write_boxes(folder: Path, name: str, labels: np.ndarray, number: int, seed: int) -> None:
    """The annotators take turns at being the one whose boxes are used alone."""
    enlarged = labels.repeat(ENLARGED, 0).repeat(ENLARGED, 1)
    for person, annotator in enumerate(ANNOTATORS):
        slices, _ = annotate(enlarged, annotator, np.random.default_rng([seed, number, person]))
        handed_out = range(0, SLICES, EVERY)
        write_yolo(folder / "four" / name / f"person{person + 1}", name, slices, handed_out)
        if person == number % len(ANNOTATORS):
            write_yolo(folder / "third" / name, name, slices, handed_out)
            write_yolo(folder / "every" / name, name, slices, range(SLICES))
    write_yolo(folder / "exact" / name, name, [exact(enlarged[:, :, k]) for k in range(SLICES)], range(SLICES))


def exact(labels: np.ndarray) -> list[str]:
    """A slice's boxes as nobody draws them: to the pixel, of all that an annotator would mark."""
    steady = Annotator(jitter=0, loose=0, gaps=0)
    shown = {name: np.rot90(labels == label) for name, label in LABELS.items()}
    return [
        yolo(CLASSES.index(name), drawn(mask, steady, np.zeros(4)), mask.shape)
        for name, mask in shown.items()
        if mask.sum() >= SMALLEST
    ]


def write_yolo(folder: Path, name: str, slices: list[list[str]], chosen: range) -> None:
    """A file per slice, empty where nothing was marked."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in chosen:
        (folder / f"{name}-slice{k:03}.txt").write_text("".join(line + "\n" for line in slices[k]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, required=True, help="cases to train on")
    parser.add_argument("--left-out", type=int, required=True, help="cases to predict")
    parser.add_argument("--seed", type=int, default=2024)
    arguments = parser.parse_args()
    folder, count = arguments.folder, arguments.train + arguments.left_out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "class_list.txt").write_text("".join(name + "\n" for name in CLASSES))
    for number in range(count):
        units, labels = Patient(np.random.default_rng([arguments.seed, number])).scan()
        name = f"patient{number + 1:03}"
        if number < arguments.train:
            write_nifti(folder / "train/ct" / f"{name}.nii.gz", units)
            write_nifti(folder / "train/truth" / f"{name}.nii.gz", labels)
            write_boxes(folder / "train/boxes", name, labels, number, arguments.seed)
        else:
            write_nifti(folder / "left-out/ct" / f"{name}_0000.nii.gz", units)  # nnU-Net's name of channel 0
            write_nifti(folder / "left-out/truth" / f"{name}.nii.gz", labels)
        if (number + 1) % 5 == 0 or number + 1 == count:
            print(f"  {number + 1} of {count} cases", file=sys.stderr)


if __name__ == "__main__":
    main()
