"""Writes the model fixtures: small random models and what the official package computes with them.

For each configuration `NAME.weights.safetensors` holds float32 weights under official names; for each of its
cases `NAME.CASE.safetensors` holds the image, the prompts, every activation in float64 and, in the metadata,
the relative L2 error which the official package's own float32 run has against them."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from segment_anything.modeling import Sam
from segment_anything.utils.amg import calculate_stability_score

from activations import Prompts, activation_names, relative_error, run_official
from safetensors_file import write_safetensors
from sam_model import Config, default_dtype, load_model, random_weights

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "SegmentAnythingTests" / "Fixtures"
PACKAGES = ("segment-anything", "torch", "torchvision", "numpy", "pillow")


@dataclass(frozen=True)
class Case:
    """An image of a given size and its prompts, in original pixels."""

    name: str
    height: int
    width: int
    boxes: list[list[float]] | None = None
    points: list[list[list[float]]] | None = None
    labels: list[list[int]] | None = None
    mask: bool = False


@dataclass(frozen=True)
class Model:
    """A configuration, the seed of its weights and its cases."""

    config: Config
    seed: int
    cases: list[Case] = field(default_factory=list)


# MARK: What is exported

MODELS = [
    Model(
        # The grid of 10 is not divisible by the window of 4: padded windows on both axes.
        Config("small", width=48, depth=3, heads=3, global_blocks=(1,), image_size=80, patch_size=8, window=4,
               decoder_width=32, decoder_mlp_width=72, iou_hidden_width=40),
        seed=34,
        cases=[
            Case("wide-box", 61, 97, boxes=[[12, 9, 55, 47]]),
            Case("high-boxes", 83, 48, boxes=[[3, 4, 30, 40], [10.25, 20.5, 47.75, 81], [0, 0, 48, 83]]),
            Case("square-points", 56, 56,
                 points=[[[10, 12], [40.5, 30], [5, 50]], [[55, 0], [28, 28], [33, 7.5]]],
                 labels=[[1, 0, 1], [0, 1, 1]]),
            Case("thin-box", 1, 90, boxes=[[20, 0, 70, 1]]),
        ],
    ),
    Model(
        # Heads 80 wide as in ViT-H; the window of 3 divides the grid of 6; MLPs twice as wide, not 4 times.
        Config("head80", width=160, depth=2, heads=2, global_blocks=(1,), image_size=48, patch_size=8,
               window=3, mlp_ratio=2.0, decoder_width=48, decoder_mlp_width=96, iou_hidden_width=56),
        seed=2,
        cases=[
            Case("wide-point-with-box", 41, 70, boxes=[[5, 5, 40, 30], [30, 10, 69, 40]],
                 points=[[[20, 15], [60, 35]], [[50, 20], [8, 8]]], labels=[[1, 0], [1, 0]]),
            Case("square-box-with-mask", 48, 48, boxes=[[6, 12, 36, 42]], mask=True),
        ],
    ),
    Model(
        # The window of 9 is larger than the grid of 5, and no block is global.
        Config("plain", width=64, depth=2, heads=4, global_blocks=(), image_size=80, patch_size=16, window=9,
               decoder_width=64, decoder_mlp_width=96, iou_hidden_width=48),
        seed=3,
        cases=[
            Case("high-point-with-mask", 75, 50, points=[[[25, 30]]], labels=[[1]], mask=True),
            Case("wide-boxes-with-mask", 33, 80, boxes=[[2, 3, 30, 28], [40, 0, 79, 32]], mask=True),
        ],
    ),
    Model(
        # Every block is global; a patch that is no power of two; an image so high that Pillow 13 resizes it
        # vertically first.
        Config("global", width=32, depth=2, heads=2, global_blocks=(0, 1), image_size=45, patch_size=5,
               window=0, decoder_width=32, decoder_mlp_width=48, iou_hidden_width=24),
        seed=1,
        cases=[Case("high-point", 100, 37, points=[[[18, 60]]], labels=[[1]])],
    ),
    Model(
        # More than 256 tokens, as in every official model: a grid of 18 (324 tokens) and windows of 17 (289), which
        # leave one row and one column to the last windows.
        Config("grid18", width=48, depth=2, heads=2, global_blocks=(1,), image_size=72, patch_size=4, window=17,
               decoder_width=32, decoder_mlp_width=48, iou_hidden_width=24),
        seed=5,
        cases=[Case("wide-box", 43, 72, boxes=[[7, 5, 50, 38]])],
    ),
    Model(
        # SlimSAM's widths, which pruning leaves: heads of 14 channels, and a hidden layer that is no multiple of 8.
        Config("slim", width=42, depth=2, heads=3, global_blocks=(1,), image_size=64, patch_size=8, window=5,
               mlp_ratio=58 / 42, decoder_width=32, decoder_mlp_width=48, iou_hidden_width=24),
        seed=6,
        cases=[Case("high-box", 64, 45, boxes=[[4, 9, 40, 50]])],
    ),
]  # fmt: skip


# MARK: Random inputs


def random_image(height: int, width: int, seed: int) -> np.ndarray:
    """A picture `[height, width, 3]` of waves and noise, dark and bright enough to clip at 0 and at 255."""
    generator = np.random.default_rng([seed, height, width])
    row, column = np.mgrid[0:height, 0:width][..., None] / max(height, width)
    total = generator.normal(0.0, 25.0, (height, width, 3))
    for _ in range(4):
        down, right, phase = generator.uniform(-14.0, 14.0, (3, 3))
        total += 45.0 * np.sin(down * row + right * column + phase)
    return np.clip(total + 120.0, 0.0, 255.0).astype(np.uint8)


def random_mask(side: int, seed: int) -> np.ndarray:
    """A mask input `[side, side]`: the logits of a soft disc, with noise."""
    generator = np.random.default_rng([seed, side])
    row, column = np.mgrid[0:side, 0:side] / side
    distance = np.hypot(row - 0.45, column - 0.55)
    return (12.0 * (0.3 - distance) + generator.normal(0.0, 0.5, (side, side))).astype(np.float32)


def make_prompts(case: Case, config: Config, seed: int) -> Prompts:
    """The case's prompts as arrays."""
    return Prompts(
        boxes=None if case.boxes is None else np.array(case.boxes, dtype=np.float64),
        points=None if case.points is None else np.array(case.points, dtype=np.float64),
        labels=None if case.labels is None else np.array(case.labels, dtype=np.int64),
        mask=random_mask(4 * config.grid, seed) if case.mask else None,
    )


# MARK: Running


def run_case(sam: Sam, config: Config, image: np.ndarray, prompts: Prompts) -> dict[str, np.ndarray]:
    """Every activation, and the single-mask outputs, of one run of the official package."""
    recorded: dict[str, np.ndarray] = {}

    def keep(name: str, tensor: torch.Tensor) -> None:
        recorded[name] = tensor.contiguous().numpy().copy()

    single = run_official(sam, config, image, prompts, keep)
    if sorted(recorded) != sorted(activation_names(config)):
        raise RuntimeError(f"recorded other activations than expected: {sorted(recorded)}")
    for name in ("low_res_logits", "iou_predictions", "mask_logits"):
        keep(f"single.{name}", getattr(single, name))
    return recorded


def stability(mask_logits: np.ndarray) -> np.ndarray:
    """The official stability score `[prompts, masks]` at offset 1.0, 0 where the union is empty.

    The official function divides integers, which yields the default element type: float64 here.
    """
    with default_dtype(torch.float64):
        score = calculate_stability_score(torch.from_numpy(mask_logits), 0.0, 1.0)
    return np.nan_to_num(score.numpy(), nan=0.0)


def export_case(model: Model, case: Case, weights: dict[str, np.ndarray], folder: Path) -> None:
    """Writes the reference file of one case."""
    image = random_image(case.height, case.width, model.seed)
    prompts = make_prompts(case, model.config, model.seed)
    truth, single_precision = (
        run_case(load_model(model.config, weights, dtype), model.config, image, prompts)
        for dtype in (torch.float64, torch.float32)
    )
    errors = {name: float(f"{relative_error(single_precision[name], truth[name]):.3g}") for name in truth}
    tensors = truth | {"stability": stability(truth["mask_logits"]), "image": image} | prompts.tensors()
    metadata = describe(model) | {
        "reference": "1",
        "case": case.name,
        "float32_error": json.dumps(errors),
    }
    write_safetensors(folder / f"{model.config.name}.{case.name}.safetensors", tensors, metadata)


def export_parts(model: Model, case: Case, folder: Path) -> None:
    """Writes the parts of each stage of one case: the float64 run, rounded to float32 for the size."""
    image = random_image(case.height, case.width, model.seed)
    prompts = make_prompts(case, model.config, model.seed)
    recorded: dict[str, np.ndarray] = {}

    def keep(name: str, tensor: torch.Tensor) -> None:
        recorded[name] = tensor.contiguous().numpy().astype(np.float32)

    weights = random_weights(model.config, model.seed)
    run_official(load_model(model.config, weights, torch.float64), model.config, image, prompts, keep, parts=True)
    metadata = describe(model) | {"reference": "1", "case": case.name, "order": json.dumps(list(recorded))}
    folder.mkdir(exist_ok=True)
    tensors = recorded | {"image": image} | prompts.tensors()
    write_safetensors(folder / f"{model.config.name}.{case.name}.safetensors", tensors, metadata)


def describe(model: Model) -> dict[str, str]:
    """The metadata that all files of a model share."""
    return {
        "config": json.dumps(model.config.as_json()),
        "seed": str(model.seed),
        "versions": json.dumps(versions()),
    }


def versions() -> dict[str, str]:
    """The packages that the fixtures' bytes depend on."""
    return {package: version(package) for package in PACKAGES}


def export_model(model: Model, folder: Path, progress: Callable[[str], None]) -> None:
    """Writes a model's weights and all its cases."""
    weights = random_weights(model.config, model.seed)
    write_safetensors(folder / f"{model.config.name}.weights.safetensors", weights, describe(model))
    for case in model.cases:
        progress(f"{model.config.name}.{case.name}")
        export_case(model, case, weights, folder)


def main() -> None:
    """Writes every fixture; one thread, so that the bytes do not depend on the machine's load."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FIXTURES, help="where to write")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for model in MODELS:
        export_model(model, folder, print)
    export_parts(MODELS[0], MODELS[0].cases[2], folder / "parts")


if __name__ == "__main__":
    main()
