"""Compares `swift-sam everything` with the official generator: the same masks in the same order?

    python compare_everything.py --swift-sam .build/release/swift-sam

On the weights that the project ships and on the fixtures' random ones, over pictures that are wide, high and tiny, with
0, 1 and 2 layers of crops, and with small regions removed. Thresholds are put where at least 50 masks survive. A mask
that one of the two alone has is listed with how near its scores, or the overlap of its box, are to a threshold, or its
score to another's: within 1e-5 both are right. Then all formats are read back with pycocotools, Pillow and OpenCV.
Exits with 1 where something differs beyond that."""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco
from pycocotools.coco import COCO
from segment_anything import SamAutomaticMaskGenerator

from export_everything import thresholds
from export_model import FIXTURES
from export_recipes import picture
from sam_model import build_model, checkpoint_shapes, config_from_shapes, load_file

MARGIN = 1e-5
LEAST = 50
BUNDLED = Path(__file__).resolve().parents[2] / "weights" / "swift-sam-small.safetensors"
Record = dict[str, object]
CASES = [
    # height, width, options
    (45, 70, {"points_per_side": 12}),
    (101, 58, {"points_per_side": 8, "crop_n_layers": 1, "crop_n_points_downscale_factor": 2}),
    (64, 64, {"points_per_side": 4, "crop_n_layers": 2}),
    (3, 90, {"points_per_side": 12}),
    (60, 83, {"points_per_side": 12, "min_mask_region_area": 30}),
]


# MARK: The official package


def official(sam: torch.nn.Module, image: np.ndarray, options: dict) -> tuple[list[Record], dict]:
    """Its records, and options with thresholds that at least 50 masks pass (or as many as there are)."""
    def generate(options: dict) -> list[Record]:
        return SamAutomaticMaskGenerator(sam, points_per_batch=8, output_mode="coco_rle", **options).generate(image)

    options = options | thresholds(sam, image, options)
    for overlap in (0.7, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0):
        chosen = options | {"box_nms_thresh": overlap, "crop_nms_thresh": overlap}
        records = generate(chosen)
        if len(records) >= LEAST:
            break
    return records, chosen


# MARK: Comparing


def run(binary: Path, weights: Path, image: Path, options: dict, folder: Path, form: str = "coco-rle") -> Path:
    """What swift-sam writes."""
    arguments = [f"--{name.replace('_', '-')}={value!r}" for name, value in options.items()]
    subprocess.run(
        [str(binary), "everything", str(image), "--model", str(weights), "--quiet", "--points-per-batch", "8",
         "--format", form, "-o", str(folder), *arguments], check=True,
    )  # fmt: skip
    return folder


def key(record: Record) -> tuple:
    """What tells records apart: the point, the crop, and the box."""
    return (tuple(record["point_coords"][0]), tuple(record["crop_box"]), tuple(record["bbox"]))


def overlap(one: Record, other: Record) -> float:
    """The official boxes' IoU."""
    (x, y, w, h), (u, v, s, t) = one["bbox"], other["bbox"]
    common = max(min(x + w, u + s) - max(x, u), 0) * max(min(y + h, v + t) - max(y, v), 0)
    return common / (w * h + s * t - common) if w * h + s * t > common else 0.0


def margin(record: Record, others: list[Record], options: dict) -> float:
    """How near a record is to a threshold, or to a tie with another."""
    distances = [
        abs(record["predicted_iou"] - options["pred_iou_thresh"]),
        abs(record["stability_score"] - options["stability_score_thresh"]),
        *(abs(overlap(record, other) - options["box_nms_thresh"]) for other in others),
        *(abs(record["predicted_iou"] - other["predicted_iou"]) for other in others if key(record) != key(other)),
    ]
    return min(distances)


def compare(expected: list[Record], found: list[Record], options: dict) -> tuple[int, int, list[str]]:
    """Pixels that differ in masks of both, places of another order, and what is beyond the margin."""
    both = {key(record): record for record in expected}
    ours = {key(record): record for record in found}
    pixels, problems = 0, []
    for name, record in ours.items():
        if name not in both:
            continue
        masks = [coco.decode(r["segmentation"]) for r in (record, both[name])]
        different = int((masks[0] != masks[1]).sum())
        pixels += different
        if different > 2 or abs(record["predicted_iou"] - both[name]["predicted_iou"]) > 1e-4:
            problems.append(f"        {name}: {different} pixels differ")
    for side, alone in (("official", [r for n, r in both.items() if n not in ours]),
                        ("swift-sam", [r for n, r in ours.items() if n not in both])):  # fmt: skip
        for record in alone:
            near = margin(record, [*both.values(), *ours.values()], options)
            line = f"        only {side}: {key(record)}, {near:.1e} from a threshold or a tie"
            print(line)
            if near > MARGIN:
                problems.append(line)
    order = [name for name in both if name in ours], [name for name in ours if name in both]
    turned = [(a, b) for a, b in zip(*order, strict=True) if a != b]
    for a, b in turned:
        near = abs(both[a]["predicted_iou"] - both[b]["predicted_iou"])
        if near > MARGIN and options.get("crop_n_layers", 0) == 0 and "min_mask_region_area" not in options:
            problems.append(f"        another order at {a}")
    return pixels, len(turned), problems


# MARK: Formats


def read_back(binary: Path, weights: Path, image: Path, options: dict, folder: Path) -> list[str]:
    """All formats, as the ecosystem's readers have them, against the runs."""
    records = json.loads((run(binary, weights, image, options, folder / "rle") / f"{image.stem}.json").read_text())
    masks = [coco.decode(record["segmentation"]).astype(bool) for record in records]
    height, width = masks[0].shape
    problems = []

    def check(name: str, is_right: bool) -> None:
        if not is_right:
            problems.append(f"        {name} differs")

    check("area", [int(mask.sum()) for mask in masks] == [record["area"] for record in records])
    forms = ("coco", "png", "labels", "polygons", "yolo-seg")
    coco_file, png, labels, polygons, yolo = (
        run(binary, weights, image, options, folder / form, form) for form in forms
    )
    dataset = COCO(str(coco_file / "annotations.json"))
    annotations = dataset.loadAnns(dataset.getAnnIds())
    check("coco", all(np.array_equal(dataset.annToMask(a), m) for a, m in zip(annotations, masks, strict=True)))
    check("coco boxes", all(a["bbox"] == list(coco.toBbox(a["segmentation"])) for a in annotations))
    pictures = [np.asarray(Image.open(png / image.stem / f"{index}.png")) for index in range(len(masks))]
    check("png", all(np.array_equal(p == 255, m) for p, m in zip(pictures, masks, strict=True)))
    with (png / image.stem / "metadata.csv").open() as file:
        check("metadata", [int(row["area"]) for row in csv.DictReader(file)] == [int(m.sum()) for m in masks])
    numbers = np.zeros((height, width), int)
    for index in sorted(range(len(masks)), key=lambda index: (-masks[index].sum(), -index)):
        numbers[masks[index]] = index + 1
    check("labels", np.array_equal(np.asarray(Image.open(labels / f"{image.stem}.png")), numbers))
    shapes = json.loads((polygons / f"{image.stem}.json").read_text())["shapes"]
    drawn = [np.zeros((height, width), np.uint8) for _ in masks]
    for shape in shapes:
        # A hole's border belongs to the mask: only what it surrounds is cleared.
        points, canvas = np.array(shape["points"], np.int32), drawn[shape["group_id"] - 1]
        inside = cv2.fillPoly(np.zeros_like(canvas), [points], 1)
        if shape["label"] == "hole":
            inside = inside & ~cv2.polylines(np.zeros_like(canvas), [points], True, 1)
            canvas[inside > 0] = 0
        else:
            canvas |= inside
    check("polygons", all(np.array_equal(d > 0, m) for d, m in zip(drawn, masks, strict=True)))
    lines = (yolo / f"{image.stem}.txt").read_text().splitlines()
    whole = [mask for mask in masks if mask.any()]
    check("yolo lines", len(lines) == len(whole))
    for line, mask in zip(lines, whole, strict=False):
        points = (np.array(line.split()[1:], float).reshape(-1, 2) * [width, height]).astype(np.int32)
        path = cv2.fillPoly(np.zeros((height, width), np.uint8), [points], 1).astype(bool)
        # Ultralytics' own drawing: bridges between islands and to holes are lines of pixels.
        bridges = cv2.polylines(np.zeros((height, width), np.uint8), [points], True, 1).astype(bool)
        check("yolo", np.array_equal(path & ~(bridges & ~mask), mask))
    return problems


# MARK: Command


def main() -> None:
    """All models and cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swift-sam", type=Path, required=True)
    parser.add_argument("--models", default="bundled,small,global,plain")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    all_problems = []
    for model in options.models.split(","):
        weights = BUNDLED if model == "bundled" else FIXTURES / f"{model}.weights.safetensors"
        sam = build_model(config_from_shapes(model, checkpoint_shapes(weights)), torch.float32)
        load_file(sam, weights)
        for number, (height, width, chosen) in enumerate(CASES):
            image = picture("blocks", number, height, width)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                Image.fromarray(image).save(folder / "image.png")
                expected, full = official(sam, image, chosen)
                arguments = options.swift_sam, weights, folder / "image.png", full
                found = json.loads((run(*arguments, folder / "out") / "image.json").read_text())
                pixels, turned, problems = compare(expected, found, full)
                if found and number == 0:
                    problems += read_back(*arguments, folder)
            print(f"{model} {width}×{height} {chosen}: {len(expected)} official, {len(found)} swift-sam, "
                  f"{pixels} pixels differ, {turned} in another place")  # fmt: skip
            print("\n".join(problems), end="\n" if problems else "")
            all_problems += problems
    print(f"{len(all_problems)} differences beyond {MARGIN}")
    sys.exit(1 if all_problems else 0)


if __name__ == "__main__":
    main()
