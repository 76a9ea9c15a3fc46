"""Four simulated annotators, who draw boxes as people do: off by a little, with gaps and a mistake or two."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from space import LABELS

CLASSES = ["spleen", "right kidney", "left kidney", "gallbladder", "esophagus", "liver", "stomach", "aorta"]
SMALLEST = 12  # pixels: nobody marks less


@dataclass(frozen=True)
class Annotator:
    jitter: float  # standard deviation of a side, as a share of the box
    loose: float  # pixels by which each side is drawn too far out
    gaps: float  # share of an organ's inner slices that are forgotten
    swapped: int | None = None  # slice on which left and right kidney are exchanged
    displaced: tuple[str, int] | None = None  # an organ and a slice on which its box lies beside it


ANNOTATORS = [
    Annotator(jitter=0.020, loose=0.3, gaps=0.03),
    Annotator(jitter=0.030, loose=0.0, gaps=0.06, swapped=9),
    Annotator(jitter=0.025, loose=1.5, gaps=0.04),
    Annotator(jitter=0.045, loose=0.5, gaps=0.08, displaced=("spleen", 15)),
]


class Mistake(NamedTuple):
    kind: str  # "gap", "swapped" or "displaced"
    organ: str  # what is there, not what the annotator calls it
    slice: int


def annotate(
    labels: np.ndarray, annotator: Annotator, random: np.random.Generator
) -> tuple[list[list[str]], list[Mistake]]:
    """The YOLO lines (`class x y width height`, relative) of each slice, drawn on its `rot90`; and what is wrong
    with them."""
    lines: list[list[str]] = [[] for _ in range(labels.shape[2])]
    mistakes: list[Mistake] = []
    for name, label in LABELS.items():
        present = [k for k in range(labels.shape[2]) if (labels[:, :, k] == label).sum() >= SMALLEST]
        for k in present:
            forgotten = random.random() < annotator.gaps and k not in (present[0], present[-1])
            error = random.normal(0, 1, 4)
            if forgotten:
                mistakes.append(Mistake("gap", name, k))
            else:
                shown = np.rot90(labels[:, :, k] == label)
                box = drawn(shown, annotator, error)
                if annotator.displaced == (name, k):
                    box = box - np.array([box[2] - box[0], 0, box[2] - box[0], 0]) * 0.9
                    mistakes.append(Mistake("displaced", name, k))
                if swapped(name, k, annotator) != name:
                    mistakes.append(Mistake("swapped", name, k))
                lines[k].append(yolo(CLASSES.index(swapped(name, k, annotator)), box, shown.shape))
    return lines, mistakes


def swapped(name: str, k: int, annotator: Annotator) -> str:
    if k != annotator.swapped or "kidney" not in name:
        return name
    return "left kidney" if name.startswith("right") else "right kidney"


def drawn(shown: np.ndarray, annotator: Annotator, error: np.ndarray) -> np.ndarray:
    """x0, y0, x1, y1: whole pixels, as a mouse gives them."""
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    width, height = box[2] - box[0], box[3] - box[1]
    box += error * (annotator.jitter * np.array([width, height, width, height]) + 0.4)
    box += annotator.loose * np.array([-1, -1, 1, 1])
    limit = np.array([shown.shape[1], shown.shape[0]] * 2)
    box = np.clip(np.rint(box), 0, limit)
    box[2:] = np.maximum(box[2:], box[:2] + 2)
    return box


def yolo(index: int, box: np.ndarray, shape: tuple[int, int]) -> str:
    height, width = shape
    values = (
        (box[0] + box[2]) / 2 / width,
        (box[1] + box[3]) / 2 / height,
        (box[2] - box[0]) / width,
        (box[3] - box[1]) / height,
    )
    return f"{index} " + " ".join(f"{value:.6f}" for value in values)
