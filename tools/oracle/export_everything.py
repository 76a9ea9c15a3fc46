"""Writes `everything/`: what `Sam.everything` and masks' formats are held to.

`NAME.json`: the official `SamAutomaticMaskGenerator` with a small random model of the other fixtures, on a picture of
random squares: options, pixels, and the records in their order. Thresholds are chosen so that at least 25 masks pass
them, and no score lies within 1e-5 of one.

`masks.json`: random masks with pycocotools' runs, OpenCV's contours (`RETR_CCOMP`, `CHAIN_APPROX_SIMPLE`) and the
official package's removal of small regions.

`duplicates.json`: random boxes with scores, some of them equal, and what torchvision's non-maximum suppression keeps."""

import argparse
import base64
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from pycocotools import mask as coco
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.utils.amg import remove_small_regions
from torchvision.ops.boxes import batched_nms

from export_model import FIXTURES
from export_recipes import picture
from sam_model import build_model, checkpoint_shapes, config_from_shapes, load_file

MARGIN = 1e-5
LEAST = 25
CASES = {
    # name: (model, height, width, options)
    "wide": ("small", 45, 70, {"points_per_side": 8}),
    "high-crops": ("small", 81, 58, {"points_per_side": 6, "crop_n_layers": 1, "crop_n_points_downscale_factor": 2}),
    "two-layers": ("global", 64, 64, {"points_per_side": 4, "crop_n_layers": 2}),
    "regions": ("small", 60, 60, {"points_per_side": 8, "min_mask_region_area": 30}),
    "offset": ("plain", 40, 61, {"points_per_side": 7, "stability_score_offset": 0.25}),
}


def generate(sam: torch.nn.Module, image: np.ndarray, options: dict) -> list[dict]:
    """The official records with compressed runs."""
    torch.manual_seed(0)
    return SamAutomaticMaskGenerator(sam, points_per_batch=8, output_mode="coco_rle", **options).generate(image)


def thresholds(sam: torch.nn.Module, image: np.ndarray, options: dict) -> dict[str, float]:
    """A threshold each, in the widest gap near the quantile where a third of all masks is dropped by it."""
    free = {"pred_iou_thresh": -10.0, "stability_score_thresh": 0.0, "box_nms_thresh": 1.0, "crop_nms_thresh": 1.0}
    records = generate(sam, image, options | free)
    result = {}
    for key, name in (("predicted_iou", "pred_iou_thresh"), ("stability_score", "stability_score_thresh")):
        values = np.sort([record[key] for record in records])
        near = values[int(len(values) * 0.25) : int(len(values) * 0.45)]
        place = int(np.argmax(np.diff(near)))
        assert near[place + 1] - near[place] > 2 * MARGIN, "no gap"
        result[name] = float((near[place] + near[place + 1]) / 2)
    return result


def export_case(name: str, folder: Path) -> None:
    """One run of the official generator."""
    model, height, width, options = CASES[name]
    path = FIXTURES / f"{model}.weights.safetensors"
    config = config_from_shapes(model, checkpoint_shapes(path))
    sam = build_model(config, torch.float32)
    load_file(sam, path)
    image = picture("blocks", len(name), height, width)
    options = options | thresholds(sam, image, options)
    # Random weights give masks that are much alike.
    for overlap in (0.7, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0):
        records = generate(sam, image, options | {"box_nms_thresh": overlap, "crop_nms_thresh": overlap})
        if len(records) >= LEAST:
            break
    options |= {"box_nms_thresh": overlap, "crop_nms_thresh": overlap}
    assert len(records) >= LEAST, f"{name}: {len(records)} masks"
    content = {
        "model": model,
        "height": height,
        "width": width,
        "pixels": base64.b64encode(image.tobytes()).decode(),
        "options": options,
        "records": records,
    }
    (folder / f"{name}.json").write_text(json.dumps(content, indent=0) + "\n")
    print(f"{name}: {len(records)} masks, overlap {overlap}")


def random_mask(generator: np.random.Generator, height: int, width: int, share: float, blur: int) -> np.ndarray:
    """Random pixels, in clumps where blurred."""
    noise = generator.random((height, width), dtype=np.float32)
    if blur:
        noise = cv2.blur(noise, (blur, blur))
    return noise < np.quantile(noise, share)


def describe_mask(mask: np.ndarray) -> dict:
    """What pycocotools, OpenCV and the official package make of a mask."""
    runs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    contours, hierarchy = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = [] if hierarchy is None else hierarchy[0, :, 3]
    cleaned = {
        kind: coco.encode(np.asfortranarray(remove_small_regions(mask, 6, kind)[0].astype(np.uint8)))["counts"].decode()
        for kind in ("holes", "islands")
    }
    return {
        "height": mask.shape[0],
        "width": mask.shape[1],
        "pixels": "".join("1" if value else "0" for value in mask.ravel()),
        "counts": runs["counts"].decode(),
        "polygons": [
            {"isHole": bool(parent >= 0), "vertices": contour[:, 0].ravel().tolist()}
            for contour, parent in zip(contours, parents)
        ],
        **cleaned,
    }


def export_masks(folder: Path) -> None:
    """Masks of every kind: noise, clumps, empty, full, single pixels, rows, columns."""
    generator = np.random.default_rng(20230405)
    masks = [random_mask(generator, *size, share, blur)
             for size in ((7, 11), (12, 5), (24, 31)) for share in (0.2, 0.5, 0.8) for blur in (0, 3, 5)]  # fmt: skip
    masks += [np.zeros((3, 4), bool), np.ones((4, 3), bool), np.ones((1, 1), bool), np.ones((1, 6), bool), np.eye(6, dtype=bool)]
    ring = np.ones((5, 6), bool)
    ring[2, 2:4] = False
    (folder / "masks.json").write_text(json.dumps([describe_mask(mask) for mask in [*masks, ring]], indent=0) + "\n")


def export_duplicates(folder: Path) -> None:
    """Boxes of whole numbers that overlap much, as those of masks do."""
    generator = np.random.default_rng(20231)
    corners = generator.integers(0, 40, (200, 2))
    boxes = np.concatenate([corners, corners + generator.integers(0, 60, (200, 2))], axis=1)
    scores = generator.integers(0, 50, 200) / 64
    kept = {
        str(threshold): batched_nms(
            torch.tensor(boxes).float(), torch.tensor(scores).float(), torch.zeros(200), threshold
        ).tolist()
        for threshold in (0.0, 0.3, 0.5, 0.7, 0.95)
    }
    content = {"boxes": boxes.tolist(), "scores": scores.tolist(), "kept": kept}
    (folder / "duplicates.json").write_text(json.dumps(content) + "\n")


def main() -> None:
    """Writes all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=FIXTURES / "everything")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    export_masks(folder)
    export_duplicates(folder)
    for name in CASES:
        export_case(name, folder)


if __name__ == "__main__":
    main()
