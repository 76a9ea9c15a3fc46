"""Labels a CT by the official package and compares, voxel by voxel, with what `swift-sam segment` wrote.

    python compare_segment.py WEIGHTS.safetensors VOLUME --boxes FOLDER --labels 0=1,1=2,... --found LABELS.nii.gz

Weights are safetensors of any type under the official names; boxes are YOLO files drawn on `rot90` of
`volume[:, :, k]`; slices go through the window 40, 400, or with `--recipe study` from their least to their
greatest value. Exits with 1 where a slice differs in a voxel whose official logits are all 1e-3 or more away
from 0 (with `--recipe medsam`, its probabilities from one half)."""

import argparse
import sys
from pathlib import Path

import nibabel
import numpy as np
import torch
from safetensors.torch import load_file
from segment_anything import SamPredictor

from export_recipes import run_medsam, study_image
from sam_model import build_model, checkpoint_shapes, config_from_shapes

LOGIT_MARGIN = 1e-3


def load_predictor(path: Path) -> SamPredictor:
    """The official predictor in float32, whatever type the file has."""
    sam = build_model(config_from_shapes("model", checkpoint_shapes(path)), torch.float32)
    sam.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return SamPredictor(sam.eval())


def eight_bits(units: np.ndarray, least: float, greatest: float) -> np.ndarray:
    """8 bits, rounding half up."""
    return np.floor(255 * np.clip((units - least) / (greatest - least), 0, 1) + 0.5).astype(np.uint8)


def slice_image(units: np.ndarray, recipe: str) -> np.ndarray:
    """The image `[height, width, 3]` that a recipe shows the model."""
    if recipe == "study":
        return study_image(np.stack([eight_bits(units, units.min(), units.max())] * 3, -1))
    return np.stack([eight_bits(units, -160, 240)] * 3, -1)


def read_boxes(path: Path, height: int, width: int) -> list[tuple[int, np.ndarray]]:
    """Class ids and x0, y0, x1, y1 in pixels, cut at the image's edge."""
    boxes = []
    for line in path.read_text().splitlines() if path.exists() else []:
        class_id, x, y, box_width, box_height = map(float, line.split())
        half = np.array([box_width / 2, box_height / 2])
        corners = np.array([[x, y] - half, [x, y] + half]) * [width, height]
        boxes.append((int(class_id), np.clip(corners, 0, [width, height]).reshape(4)))
    return boxes


def predicted(
    predictor: SamPredictor, image: np.ndarray, boxes: list[np.ndarray], recipe: str
) -> list[tuple[np.ndarray, float]]:
    """For each box the chosen mask's logits, or how far probabilities are above one half, and its score."""
    if recipe == "medsam":
        found = run_medsam(predictor.model, image, np.stack(boxes), predictor.model.image_encoder.img_size)
        return list(zip(found["probabilities"] - 0.5, found["iou_predictions"], strict=True))
    predictor.set_image(image)
    results = []
    for box in boxes:
        corners = box.astype(int) if recipe == "study" else box
        logits, scores, _ = predictor.predict(box=corners, multimask_output=True, return_logits=True)
        results.append((logits[scores.argmax()], scores.max()))
    return results


def label_slice(
    predictor: SamPredictor,
    image: np.ndarray,
    boxes: list[tuple[int, np.ndarray]],
    labels: dict[int, int],
    recipe: str,
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of a slice, and which pixels are certain: no chosen logit near 0."""
    result, best = np.zeros(image.shape[:2], int), np.full(image.shape[:2], -np.inf)
    certain = np.ones(image.shape[:2], bool)
    if recipe != "study":
        boxes = sorted(boxes, key=lambda item: labels[item[0]])
    answers = predicted(predictor, image, [box for _, box in boxes], recipe)
    for place, ((class_id, _), (logits, score)) in enumerate(zip(boxes, answers, strict=True)):
        rank = place if recipe == "study" else score
        certain &= np.abs(logits) >= LOGIT_MARGIN
        wins = (logits > 0) & (rank > best)
        result[wins], best[wins] = labels[class_id], rank
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
    parser.add_argument("--recipe", choices=["sam", "study", "medsam"], default="sam")
    options = parser.parse_args()
    labels = dict(tuple(map(int, entry.split("="))) for entry in options.labels.split(","))
    predictor = load_predictor(options.weights)
    volume = np.asarray(nibabel.load(options.volume).dataobj).astype(float)
    found = np.asarray(nibabel.load(options.found).dataobj)
    stem = options.volume.name.removesuffix(".gz").removesuffix(".nii")

    wrong, near, labelled, slices = 0, 0, 0, 0
    for k in range(volume.shape[2]):
        units = np.rot90(volume[:, :, k])
        boxes = read_boxes(options.boxes / f"{stem}-slice{k:03}.txt", *units.shape)
        expected, certain = np.zeros(units.shape, int), np.ones(units.shape, bool)
        if boxes:
            image = slice_image(units, options.recipe)
            expected, certain = label_slice(predictor, image, boxes, labels, options.recipe)
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
