"""Labels a CT by the official package and compares, voxel by voxel, with what `swift-sam segment` wrote.

    python compare_segment.py WEIGHTS.safetensors VOLUME --boxes FOLDER --labels 0=1,1=2,... --found LABELS.nii.gz

Weights are safetensors of any type under the official names; boxes are YOLO files drawn on `rot90` of
`volume[:, :, k]`; slices go through the window 40, 400. Exits with 1 where a slice differs in a voxel whose
official logits are all 1e-3 or more away from 0."""

import argparse
import sys
from pathlib import Path

import nibabel
import numpy as np
import torch
from safetensors.torch import load_file
from segment_anything import SamPredictor

from sam_model import build_model, checkpoint_shapes, config_from_shapes

LOGIT_MARGIN = 1e-3


def load_predictor(path: Path) -> SamPredictor:
    """The official predictor in float32, whatever type the file has."""
    sam = build_model(config_from_shapes("model", checkpoint_shapes(path)), torch.float32)
    sam.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return SamPredictor(sam.eval())


def windowed(units: np.ndarray, level: float = 40, width: float = 400) -> np.ndarray:
    """8 bits, rounding half up."""
    return np.floor(255 * np.clip((units - level + width / 2) / width, 0, 1) + 0.5).astype(np.uint8)


def read_boxes(path: Path, height: int, width: int) -> list[tuple[int, np.ndarray]]:
    """Class ids and x0, y0, x1, y1 in pixels, cut at the image's edge."""
    boxes = []
    for line in path.read_text().splitlines() if path.exists() else []:
        class_id, x, y, box_width, box_height = map(float, line.split())
        half = np.array([box_width / 2, box_height / 2])
        corners = np.array([[x, y] - half, [x, y] + half]) * [width, height]
        boxes.append((int(class_id), np.clip(corners, 0, [width, height]).reshape(4)))
    return boxes


def label_slice(
    predictor: SamPredictor, grey: np.ndarray, boxes: list[tuple[int, np.ndarray]], labels: dict[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of a slice, and which pixels are certain: no chosen logit near 0."""
    height, width = grey.shape
    result, best = np.zeros((height, width), int), np.full((height, width), -np.inf)
    certain = np.ones((height, width), bool)
    predictor.set_image(np.stack([grey] * 3, -1))
    for class_id, box in sorted(boxes, key=lambda item: labels[item[0]]):
        logits, scores, _ = predictor.predict(box=box, multimask_output=True, return_logits=True)
        chosen = int(scores.argmax())
        certain &= np.abs(logits[chosen]) >= LOGIT_MARGIN
        wins = (logits[chosen] > 0) & (scores[chosen] > best)
        result[wins], best[wins] = labels[class_id], scores[chosen]
    return result, certain


def main() -> None:
    """Labels slice by slice and prints where the two differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("volume", type=Path)
    parser.add_argument("--boxes", type=Path, required=True)
    parser.add_argument("--labels", required=True, help="CLASS=LABEL,...")
    parser.add_argument("--found", type=Path, required=True)
    options = parser.parse_args()
    labels = dict(tuple(map(int, entry.split("="))) for entry in options.labels.split(","))
    predictor = load_predictor(options.weights)
    volume = np.asarray(nibabel.load(options.volume).dataobj).astype(float)
    found = np.asarray(nibabel.load(options.found).dataobj)
    stem = options.volume.name.removesuffix(".gz").removesuffix(".nii")

    wrong, near, labelled, slices = 0, 0, 0, 0
    for k in range(volume.shape[2]):
        grey = windowed(np.rot90(volume[:, :, k]))
        boxes = read_boxes(options.boxes / f"{stem}-slice{k:03}.txt", *grey.shape)
        expected, certain = np.zeros(grey.shape, int), np.ones(grey.shape, bool)
        if boxes:
            expected, certain = label_slice(predictor, np.ascontiguousarray(grey), boxes, labels)
            slices += 1
        different = expected != np.rot90(found[:, :, k])
        wrong += int((different & certain).sum())
        near += int((different & ~certain).sum())
        labelled += int((expected > 0).sum())
        if different.any():
            print(f"slice {k}: {int(different.sum())} voxels differ")
    print(
        f"{slices} slices with boxes, {labelled} voxels labelled by the official package: {wrong} differ, "
        f"and {near} where a logit is below {LOGIT_MARGIN:g}"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
