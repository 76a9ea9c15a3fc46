"""Slice Dice on a CT with YOLO boxes, by the official package, beside Otsu's threshold in the same boxes.

    python evaluate_ct.py weights.safetensors /work/shared/data/ct_abdomen [--picture picture.png]
    python evaluate_ct.py weights.safetensors DEMO --boxes boxes/annotator-1 --truth truth.nii.gz

The folder (DEMO is ../../weights/demo) holds ct.nii.gz, the truth and the boxes, drawn on `rot90` of
`volume[:, :, k]`. Slices go through the window 40, 400 to 8 bits, then through the official `SamPredictor`.
Never use a real CT to choose among checkpoints.
"""

import argparse
from pathlib import Path

import nibabel
import numpy as np
import torch
from segment_anything import SamPredictor
from skimage.filters import threshold_otsu

from model import load_model
from surroundings import settle

ORGANS = {0: (1, "spleen"), 1: (2, "right kidney"), 2: (3, "left kidney"), 5: (4, "liver"), 7: (5, "aorta")}
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 128, 255], [255, 255, 0], [255, 0, 255]])
Scores = dict[str, dict[str, list[float]]]


def windowed(units: np.ndarray, level: float = 40, width: float = 400) -> np.ndarray:
    """8 bits, rounding half up."""
    return np.floor(255 * np.clip((units - level + width / 2) / width, 0, 1) + 0.5).astype(np.uint8)


def read_boxes(path: Path, shape: tuple[int, int]) -> list[tuple[int, np.ndarray]]:
    """Class and x0, y0, x1, y1 in pixels, clipped to the image."""
    height, width = shape
    result = []
    for line in path.read_text().splitlines() if path.exists() else []:
        index, x, y, box_width, box_height = (float(word) for word in line.split())
        box = np.array(
            [
                (x - box_width / 2) * width,
                (y - box_height / 2) * height,
                (x + box_width / 2) * width,
                (y + box_height / 2) * height,
            ]
        )
        result.append((int(index), np.clip(box, 0, [width, height, width, height])))
    return result


def dice(predicted: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (predicted & truth).sum() / max(1, predicted.sum() + truth.sum())


def otsu(grey: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What is brighter than Otsu's threshold inside the box."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    inside = grey[y0:y1, x0:x1]
    mask = np.zeros(grey.shape, bool)
    if inside.size and inside.min() < inside.max():
        mask[y0:y1, x0:x1] = inside > threshold_otsu(inside)
    return mask


def evaluate(arguments: argparse.Namespace) -> tuple[Scores, list[tuple[float, float]], list[np.ndarray]]:
    volume = np.asarray(nibabel.load(arguments.folder / "ct.nii.gz").dataobj).astype(float)
    truth = np.asarray(nibabel.load(arguments.folder / arguments.truth).dataobj)
    predictor = SamPredictor(load_model(arguments.weights))
    scores: Scores = {"chosen": {}, "best of three": {}, "mask 0": {}, "otsu": {}}
    predicted_and_true, pictures = [], []
    for k in range(volume.shape[2]):
        grey = windowed(np.rot90(volume[:, :, k]))
        picture = np.stack([grey] * 3, -1)
        predictor.set_image(np.ascontiguousarray(picture))
        for index, box in read_boxes(arguments.folder / arguments.boxes / f"ct-slice{k:03}.txt", grey.shape):
            label, name = ORGANS[index]
            wanted = np.rot90(truth[:, :, k] == label)
            masks, quality, _ = predictor.predict(box=box, multimask_output=True)
            single, _, _ = predictor.predict(box=box, multimask_output=False)
            each = [dice(mask, wanted) for mask in masks]
            chosen = int(quality.argmax())
            values = (each[chosen], max(each), dice(single[0], wanted), dice(otsu(grey, box), wanted))
            for method, value in zip(scores, values):
                scores[method].setdefault(name, []).append(value)
            predicted_and_true.append((float(quality[chosen]), each[chosen] / (2 - each[chosen])))
            picture[masks[chosen]] = picture[masks[chosen]] * 0.55 + COLOURS[label - 1] * 0.45
        pictures.append(picture)
    return scores, predicted_and_true, pictures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--boxes", default="boxes")
    parser.add_argument("--truth", default="organs.nii.gz")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    settle()
    torch.set_num_threads(2)
    scores, predicted_and_true, pictures = evaluate(arguments)
    for method, organs in scores.items():
        means = {name: float(np.mean(values)) for name, values in sorted(organs.items())}
        columns = "  ".join(f"{name} {value:.3f}" for name, value in means.items())
        print(f"{method:14} {columns}  mean {np.mean(list(means.values())):.3f}")
    print(f"predicted against true IoU: correlation {np.corrcoef(np.array(predicted_and_true).T)[0, 1]:.2f}")
    if arguments.picture:
        from PIL import Image

        chosen = pictures[3::6]
        image = Image.fromarray(np.concatenate(chosen, 1).astype(np.uint8))
        image.resize((image.width * 2, image.height * 2)).save(arguments.picture)


if __name__ == "__main__":
    main()
