"""Compares swift-sam with the official package at full size, activation by activation.

Seeded random weights, an image and the official package's activations in float64 are written to a work folder
outside the project, and kept there for the next call; its float32 run is compared with them as it goes. Then
`swift-sam activations` runs on the same files. ViT-H takes about 12 GB of memory, 12 GB of disk, and minutes.

Exits with 1 where an activation's relative L2 error is above max(2 x the official float32 error, 1e-6), or
where a pixel whose logit's magnitude is 1e-3 or more lies on the other side of the threshold."""

import argparse
import fnmatch
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from segment_anything.modeling import Sam
from torch import Tensor, nn

from activations import Prompts, activation_names, relative_error, run_official
from export_model import MODELS, random_image
from safetensors_file import TensorSpec, stream_safetensors
from sam_model import VARIANTS, Config, build_model, load_file, named, random_weight, weight_shapes

CONFIGS = VARIANTS | {"tiny": named(MODELS[0].config, "tiny")}
IMAGE_HEIGHT, IMAGE_WIDTH = 300, 431
BOX = (60.0, 40.0, 300.0, 250.0)
POINT = (200.0, 150.0)
POINT_LABEL = 1
FACTOR, FLOOR, LOGIT_MARGIN = 2.0, 1e-6, 1e-3


@dataclass(frozen=True)
class Work:
    """The files of one variant and seed."""

    folder: Path

    @property
    def weights(self) -> Path:
        """The float32 checkpoint."""
        return self.folder / "weights.safetensors"

    @property
    def image(self) -> Path:
        """The picture."""
        return self.folder / "image.png"

    @property
    def errors(self) -> Path:
        """The official float32 errors, in the order in which the activations arise; there when complete."""
        return self.folder / "float32_error.json"

    @property
    def activations(self) -> Path:
        """What swift-sam wrote."""
        return self.folder / "swift.safetensors"

    def truth(self, name: str) -> Path:
        """One activation in float64."""
        return self.folder / "float64" / f"{name}.npy"


# MARK: Inputs


def write_inputs(config: Config, seed: int, work: Work) -> None:
    """Writes the weights and the image, unless they are there."""
    (work.folder / "float64").mkdir(parents=True, exist_ok=True)
    if not work.weights.exists():
        shapes = weight_shapes(config)
        specs = {name: TensorSpec(np.dtype(np.float32), shape) for name, shape in shapes.items()}
        stream_safetensors(
            work.weights, specs, lambda name: random_weight(name, shapes[name], seed), {"seed": str(seed)}
        )
    Image.fromarray(random_image(IMAGE_HEIGHT, IMAGE_WIDTH, seed)).save(work.image)


def prompts() -> Prompts:
    """One prompt: a box with a point."""
    return Prompts(boxes=np.array([BOX]), points=np.array([[POINT]]), labels=np.array([[POINT_LABEL]]))


# MARK: The official package


def widened_by_block(config: Config, path: Path) -> Sam:
    """A float64 model whose blocks are kept as float32 and widened only while they run: half the memory."""
    sam = build_model(config, torch.float64)
    for block in sam.image_encoder.blocks:
        block.float()
        block.register_forward_pre_hook(widen)
        block.register_forward_hook(narrow)
    load_file(sam, path)
    return sam


def widen(module: nn.Module, _inputs: tuple) -> None:
    """Before a block runs: its weights to float64."""
    module.double()


def narrow(module: nn.Module, _inputs: tuple, _output: Tensor) -> None:
    """After a block has run: back to float32, which loses nothing."""
    module.float()


def run_oracle(config: Config, work: Work, only: str) -> None:
    """The float64 run, written to disk, and the float32 run, compared with it."""
    image = np.asarray(Image.open(work.image))
    errors: dict[str, float] = {}

    def write_truth(name: str, tensor: Tensor) -> None:
        np.save(work.truth(name), tensor.contiguous().numpy())

    def compare(name: str, tensor: Tensor) -> None:
        errors[name] = relative_error(tensor.numpy(), np.load(work.truth(name), mmap_mode="r"))

    started = time.monotonic()
    run_official(widened_by_block(config, work.weights), config, image, prompts(), write_truth, only)
    note(f"official float64 run: {time.monotonic() - started:.1f} s")
    started = time.monotonic()
    sam = build_model(config, torch.float32)
    load_file(sam, work.weights)
    run_official(sam, config, image, prompts(), compare, only)
    note(f"official float32 run: {time.monotonic() - started:.1f} s")
    note(f"peak memory of both: {peak_memory() / 1e9:.1f} GB")
    work.errors.write_text(json.dumps(errors, indent=1) + "\n")


def oracle_errors(config: Config, work: Work, only: str, fresh: bool) -> dict[str, float]:
    """The official float32 errors of the wanted activations, from the last call where it had all of them."""
    wanted = {name for name in activation_names(config) if fnmatch.fnmatch(name, only)}
    if fresh or not work.errors.exists() or not wanted <= set(json.loads(work.errors.read_text())):
        run_oracle(config, work, only)
    errors = json.loads(work.errors.read_text())
    return {name: error for name, error in errors.items() if name in wanted}


def peak_memory() -> int:
    """The most memory this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# MARK: swift-sam


def run_swift(program: Path, work: Work, only: str) -> None:
    """Lets swift-sam write the same activations."""
    command = [str(program), "activations", str(work.image)]
    command += ["--box", ",".join(f"{value:g}" for value in BOX)]
    command += ["--point", ",".join(f"{value:g}" for value in (*POINT, POINT_LABEL))]
    command += ["--model", str(work.weights), "-o", str(work.activations)]
    command += [] if only == "*" else ["--only", only]
    note(" ".join(command))
    started = time.monotonic()
    subprocess.run(command, check=True)
    note(f"swift-sam: {time.monotonic() - started:.1f} s")


# MARK: Comparing


def compare_activations(work: Work, errors: dict[str, float]) -> bool:
    """Prints the table; true where every activation passes."""
    width = max(map(len, errors))
    print(f"{'activation':{width}}  official float32  swift-sam  ratio")
    failed = 0
    with safe_open(work.activations, framework="numpy") as file:
        present = set(file.keys())
        for name, official in errors.items():
            found = measure(file.get_tensor(name) if name in present else None, np.load(work.truth(name)))
            passes = found is not None and found <= max(FACTOR * official, FLOOR)
            failed += not passes
            print(f"{name:{width}}  {official:16.1e}  {row(found, official)}{'' if passes else '  FAIL'}")
    print(f"{len(errors) - failed} of {len(errors)} activations within max({FACTOR:g} x official, {FLOOR:g})")
    return failed == 0


def row(found: float | None, official: float) -> str:
    """The error and how it compares with the official one, which is 0 where no arithmetic is done."""
    if found is None:
        return "missing or of another shape"
    return f"{found:9.1e}  " + (f"{found / official:5.2f}" if official > 0 else "    -")


def measure(found: np.ndarray | None, expected: np.ndarray) -> float | None:
    """The relative L2 error, infinite where a value is not finite, or nothing where the shapes differ."""
    if found is None or found.shape != expected.shape:
        return None
    error = relative_error(found, expected)
    return error if np.isfinite(error) else float("inf")


def compare_masks(work: Work) -> bool:
    """Compares the thresholded masks where the official logit is not near 0."""
    expected = np.load(work.truth("mask_logits"))
    with safe_open(work.activations, framework="numpy") as file:
        if "mask_logits" not in file.keys():
            return False
        found = file.get_tensor("mask_logits")
    if found.shape != expected.shape:
        return False
    certain = np.abs(expected) >= LOGIT_MARGIN
    different = (found > 0) != (expected > 0)
    wrong, near = int((different & certain).sum()), int((different & ~certain).sum())
    print(f"masks: {wrong} of {int(certain.sum())} pixels differ where |logit| >= {LOGIT_MARGIN:g}")
    print(f"masks: {near} of {int((~certain).sum())} pixels differ elsewhere")
    return wrong == 0


# MARK: Command


def note(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Runs the official package where needed, then swift-sam, and compares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", choices=CONFIGS, default="vit_h", help="tiny takes seconds")
    parser.add_argument("--swift-sam", type=Path, help="the program (default: run the official package only)")
    parser.add_argument("--work", type=Path, default=Path("/tmp/swift-sam-full"))
    parser.add_argument("--only", default="*", metavar="GLOB", help="only activations of matching name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="run the official package again")
    options = parser.parse_args()
    config = CONFIGS[options.variant]
    work = Work(options.work / f"{config.name}-{options.seed}")
    write_inputs(config, options.seed, work)
    errors = oracle_errors(config, work, options.only, options.fresh)
    if not errors:
        parser.error(f"no activation is named {options.only}")
    if options.swift_sam is None:
        print(json.dumps(errors, indent=1))
        return
    run_swift(options.swift_sam, work, options.only)
    passes = compare_activations(work, errors)
    if "mask_logits" in errors:
        passes = compare_masks(work) and passes
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
