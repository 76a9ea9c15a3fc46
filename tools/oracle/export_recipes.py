"""Writes `recipes/`: what `segment --recipe medsam` and `--recipe study` are held to.

`cubic.json`: scikit-image's cubic, anti-aliased resize, truncated to 8 bits. Random pixels come from
splitmix64 as in `resize.json`; `blocks` are a grey image of even squares, whose exact results are whole
numbers and show all rounding. Where such an image shrinks, the file holds the pixels themselves: there
NumPy's own result depends on the processor, since its `exp` does.

`medsam.CASE.safetensors`: the official package's modules on a small random model, run as MedSAM's inference
runs them: the resized image, logits, scores, and probabilities at the original size, in float64 and rounded
to float32.

`study.json`: slices with edges added as the study's code adds them, by scikit-image's Sobel filter."""

import argparse
import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
import torch
from segment_anything.modeling import Sam
from skimage import filters, transform

from activations import relative_error
from export_model import FIXTURES, MODELS, random_image, versions
from export_resize import random_pixels, rows_of_json
from safetensors_file import write_safetensors
from sam_model import default_dtype, load_model, random_weights

SEED = 20240124
BLOCK = 9
NOTE = (
    "noise: random_pixels of export_resize.py. blocks: pixel (y, x) in all channels is byte "
    "(y // 9, x // 9, 0) of random_pixels(seed, ceil(height / 9), ceil(width / 9)). sha256 is of "
    "[side, side, 3] row by row; pixels are [side, side], the same in all channels."
)


# MARK: Pictures


def picture(kind: str, seed: int, height: int, width: int) -> np.ndarray:
    """An image `[height, width, 3]` of random pixels, or grey with random squares."""
    if kind == "noise":
        return random_pixels(seed, height, width)
    coarse = random_pixels(seed, -(-height // BLOCK), -(-width // BLOCK))[..., :1]
    even = coarse.repeat(BLOCK, 0).repeat(BLOCK, 1).repeat(3, 2)
    return np.ascontiguousarray(even[:height, :width])


def squashed(image: np.ndarray, side: int) -> np.ndarray:
    """MedSAM's resize."""
    result = transform.resize(image, (side, side), order=3, preserve_range=True, anti_aliasing=True)
    return result.astype(np.uint8)


# MARK: The resize

SIZES = [
    (61, 97, 80), (97, 61, 80), (83, 48, 80), (1, 90, 80), (90, 1, 80), (1, 1, 5), (2, 3, 80), (3, 2, 81),
    (48, 48, 80), (80, 33, 80), (33, 80, 80), (80, 80, 80), (200, 131, 48), (131, 300, 48), (49, 50, 48),
    (300, 7, 45), (7, 300, 45), (256, 255, 320),
]  # fmt: skip


def encoded(pixels: np.ndarray) -> str:
    """The bytes as base64."""
    return base64.b64encode(pixels.tobytes()).decode()


def cubic_case(kind: str, seed: int, height: int, width: int, side: int) -> dict[str, object]:
    """One case, by its digest or, where even squares shrink, by its pixels."""
    result = squashed(picture(kind, seed, height, width), side)
    case = {"kind": kind, "seed": seed, "height": height, "width": width, "side": side}
    if kind == "blocks" and max(height, width) > side:
        return case | {"pixels": encoded(result[..., 0])}
    return case | {"sha256": hashlib.sha256(result.tobytes()).hexdigest()}


def cubic_cases() -> list[dict[str, object]]:
    """Every size with noise; with even squares where the file stays small."""
    kinds = [("noise", *size) for size in SIZES]
    kinds += [("blocks", *size) for size in SIZES if max(size[:2]) <= size[2] or size[2] < 50]
    return [cubic_case(kind, SEED + index, *size) for index, (kind, *size) in enumerate(kinds)]


# MARK: The study

SLICES = [
    ("noise", 1, 40, 40), ("blocks", 2, 36, 36), ("noise", 3, 31, 47), ("blocks", 4, 50, 23),
    ("noise", 5, 1, 9), ("noise", 6, 9, 1), ("noise", 7, 2, 2),
]  # fmt: skip


def study_image(image: np.ndarray) -> np.ndarray:
    """An image with its edges, in float32: each stretched, the sum stretched again and truncated."""

    def stretched(values: np.ndarray) -> np.ndarray:
        least, greatest = values.min(), values.max()
        return (values - least) / (greatest - least) * 255.0

    values = stretched(image.astype(np.float32))
    return stretched(values + stretched(filters.sobel(values))).astype(np.uint8)


def study_case(kind: str, seed: int, height: int, width: int) -> dict[str, object]:
    """One slice `[height, width]` and what the model saw of it."""
    grey = picture(kind, seed, height, width)[..., :1].repeat(3, 2)
    result = study_image(grey)
    if not (result == result[..., :1]).all():
        raise RuntimeError("grey became coloured")
    pixels = {"grey": encoded(grey[..., 0]), "result": encoded(result[..., 0])}
    return {"height": height, "width": width} | pixels


# MARK: MedSAM


@dataclass(frozen=True)
class Case:
    """An image of a given size and its boxes, in original pixels."""

    name: str
    height: int
    width: int
    boxes: list[list[float]]


CASES = [
    Case("wide", 37, 53, [[5, 4, 30, 25], [0, 0, 53, 37], [20.5, 10.25, 50, 30]]),
    Case("high", 131, 62, [[10, 30, 50, 100]]),
]


def run_medsam(sam: Sam, image: np.ndarray, boxes: np.ndarray, side: int) -> dict[str, np.ndarray]:
    """MedSAM's inference in the model's element type, with its steps in its order."""
    dtype, (height, width) = sam.pixel_mean.dtype, image.shape[:2]
    resized = squashed(image, side)
    shares = (resized - resized.min()) / max(float(resized.max() - resized.min()), 1e-8)
    with default_dtype(dtype), torch.no_grad():
        pixels = torch.tensor(shares).float().permute(2, 0, 1)[None].to(dtype)
        corners = torch.as_tensor(boxes / [width, height, width, height] * side, dtype=dtype)[:, None]
        sparse, dense = sam.prompt_encoder(points=None, boxes=corners, masks=None)
        logits, scores = sam.mask_decoder(
            image_embeddings=sam.image_encoder(pixels), image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=False,
        )  # fmt: skip
        probabilities = torch.nn.functional.interpolate(
            torch.sigmoid(logits), size=(height, width), mode="bilinear", align_corners=False
        )
    return {
        "resized": resized,
        "low_res_logits": logits[:, 0].numpy(),
        "iou_predictions": scores[:, 0].numpy(),
        "probabilities": probabilities[:, 0].numpy(),
    }


def export_case(case: Case, folder: Path) -> None:
    """Writes the reference file of one case."""
    model = MODELS[0]
    weights = random_weights(model.config, model.seed)
    image, boxes = random_image(case.height, case.width, model.seed), np.array(case.boxes)
    truth, single = (
        run_medsam(load_model(model.config, weights, dtype), image, boxes, model.config.image_size)
        for dtype in (torch.float64, torch.float32)
    )
    floats = [name for name, array in truth.items() if array.dtype.kind == "f"]
    errors = {name: float(f"{relative_error(single[name], truth[name]):.3g}") for name in floats}
    print(case.name, errors, "inside:", (truth["probabilities"] > 0.5).mean((1, 2)))
    tensors = truth | {name: truth[name].astype(np.float32) for name in floats}
    metadata = {"model": model.config.name, "float32_error": json.dumps(errors)}
    metadata["versions"] = json.dumps(versions() | {"scikit-image": skimage.__version__})
    path = folder / f"medsam.{case.name}.safetensors"
    write_safetensors(path, tensors | {"image": image, "prompt.boxes": boxes}, metadata)


def main() -> None:
    """Writes the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FIXTURES / "recipes", help="where to write")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name, rows in (("cubic", cubic_cases()), ("study", [study_case(*case) for case in SLICES])):
        text = ",\n".join([f'"note": {json.dumps(NOTE)}', rows_of_json("cases", rows)])
        (folder / f"{name}.json").write_text("{\n" + text + "\n}\n")
    for case in CASES:
        export_case(case, folder)


if __name__ == "__main__":
    main()
