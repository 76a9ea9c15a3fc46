"""Writes the demo case: a synthetic abdominal CT, its truth, and the boxes of four simulated annotators.

    python phantom.py ../../weights/demo [--preview picture.png]

The volume is 256×256×24 voxels of 1.5×1.5×5 mm. As most converters write it, i grows towards the patient's
left, so the array's view (`rot90` of `volume[:, :, k]`), on which the boxes are drawn, is the radiological one.
The same seed gives the same bytes with the same numpy, scipy and zlib.
"""

import argparse
import gzip
from pathlib import Path

import nibabel
import numpy as np
from scipy.ndimage import gaussian_filter

from anatomy import draw
from annotators import ANNOTATORS, CLASSES, annotate
from space import LABELS

SIDE, SLICES = 256, 24
PIXEL, SPACING = 1.5, 5.0  # millimetres
FINER = 2  # points per pixel along each axis: partial volume
THROUGH = (-1.6, 0.0, 1.6)  # millimetres around the slice's centre: its thickness
NOISE = 13.0  # Hounsfield units, standard deviation


def volume(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hounsfield units int16 and labels uint8, both [i, j, k]."""
    random = np.random.default_rng(seed)
    points = ((np.arange(SIDE * FINER) + 0.5) / FINER - SIDE / 2).astype(np.float32)
    left, front = np.meshgrid(points * PIXEL, points * PIXEL, indexing="ij")
    front = front - 8  # the patient lies a little below the centre
    units = np.empty((SIDE, SIDE, SLICES), np.int16)
    labels = np.empty((SIDE, SIDE, SLICES), np.uint8)
    for k in range(SLICES):
        parts = [draw(left, front, k * SPACING + offset) for offset in THROUGH]
        clean = pooled(np.mean([part.density for part in parts], 0))
        labels[:, :, k] = majority([part.labels for part in parts])
        texture = gaussian_filter(random.standard_normal(clean.shape), 3) * 3 * 6
        noise = gaussian_filter(random.standard_normal(clean.shape), 0.8) * 2.8 * NOISE * 0.8 + texture
        inside = np.clip((gaussian_filter(clean, 4) + 1000) / 600, 0.25, 1)  # air is quieter
        imaged = gaussian_filter(clean, 0.55) + noise * inside
        units[:, :, k] = np.clip(np.rint(imaged), -1024, 3071)
    return units, labels


def pooled(values: np.ndarray) -> np.ndarray:
    """The mean over each pixel's points."""
    return values.reshape(SIDE, FINER, SIDE, FINER).mean((1, 3))


def majority(parts: list[np.ndarray]) -> np.ndarray:
    """The label which fills at least half of a pixel, else 0."""
    result = np.zeros((SIDE, SIDE), np.uint8)
    for label in LABELS.values():
        result[pooled(np.mean([part == label for part in parts], 0)) >= 0.5] = label
    return result


def write_nifti(path: Path, values: np.ndarray) -> None:
    """A gzipped NIfTI-1 without a time stamp; scanner orientation in both qform and sform."""
    affine = np.diag([-PIXEL, PIXEL, SPACING, 1.0])
    affine[:3, 3] = [(SIDE - 1) / 2 * PIXEL, -(SIDE - 1) / 2 * PIXEL, -60.0]
    image = nibabel.Nifti1Image(values, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = b"swift-sam phantom: synthetic, no patient"
    path.write_bytes(gzip.compress(image.to_bytes(), 9, mtime=0))


def write_boxes(folder: Path, labels: np.ndarray, seed: int) -> None:
    """YOLO files, one per slice and annotator, empty where nothing was marked; and the list of the mistakes."""
    table = ["annotator,mistake,organ,slice"]
    for number, annotator in enumerate(ANNOTATORS, 1):
        own = folder / f"annotator-{number}"
        own.mkdir(parents=True, exist_ok=True)
        lines, mistakes = annotate(labels, annotator, np.random.default_rng([seed, number]))
        for k in range(SLICES):
            (own / f"ct-slice{k:03}.txt").write_text("".join(line + "\n" for line in lines[k]))
        table += [f"{number},{kind},{organ},{k}" for kind, organ, k in mistakes]
    (folder.parent / "mistakes.csv").write_text("".join(row + "\n" for row in table))


def preview(path: Path, units: np.ndarray, labels: np.ndarray) -> None:
    """Every second slice in a soft-tissue window, plain and with the outlines of the labels."""
    from PIL import Image
    from scipy.ndimage import binary_erosion

    colours = np.array(
        [[0, 0, 0], [255, 60, 60], [60, 220, 60], [60, 140, 255], [255, 210, 40], [255, 80, 255]]
    )
    tiles = []
    for k in range(0, SLICES, 2):
        grey = np.rot90(np.clip((units[:, :, k] + 160) / 400, 0, 1) * 255)
        plain = np.stack([grey] * 3, -1)
        outlined = plain.copy()
        for label in range(1, 6):
            mask = np.rot90(labels[:, :, k] == label)
            outlined[mask & ~binary_erosion(mask)] = colours[label]
        tiles.append(np.concatenate([plain, outlined], 0))
    rows = [np.concatenate(tiles[index : index + 4], 1) for index in range(0, len(tiles), 4)]
    Image.fromarray(np.concatenate(rows, 0).astype(np.uint8)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--preview", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    units, labels = volume(arguments.seed)
    write_nifti(arguments.folder / "ct.nii.gz", units)
    write_nifti(arguments.folder / "truth.nii.gz", labels)
    write_boxes(arguments.folder / "boxes", labels, arguments.seed)
    (arguments.folder / "class_list.txt").write_text("".join(name + "\n" for name in CLASSES))
    if arguments.preview:
        preview(arguments.preview, units, labels)


if __name__ == "__main__":
    main()
