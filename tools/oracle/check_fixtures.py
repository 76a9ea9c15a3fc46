"""Reads the model fixtures back and checks that they are complete and that they can show a wrong port.

Exits with 1 where a file lacks a name, holds a value that is not finite, or is degenerate: logits on one side
of 0, equal IoU predictions, prompts that make no difference, attention that is uniform or one-hot, a weight
that no case depends on, or a usual mistake of ports that would pass unseen."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from segment_anything.modeling import Sam
from segment_anything.modeling.common import LayerNorm2d
from segment_anything.modeling.transformer import TwoWayAttentionBlock
from torch import nn
from torch.overrides import TorchFunctionMode

from activations import Prompts, activation_names, relative_error
from export_model import FIXTURES, run_case
from safetensors_file import read_safetensors
from sam_model import Config, config_from_shapes, load_model

SINGLE = ["single.low_res_logits", "single.iou_predictions", "single.mask_logits"]
FLOOR = 1e-6
# What is added to every key alike changes no softmax.
WITHOUT_EFFECT = ("k_proj.bias",)


class Report:
    """Collects what is wrong, and prints as it goes."""

    def __init__(self) -> None:
        """No problem yet."""
        self.problems: list[str] = []

    def expect(self, holds: bool, problem: str) -> None:
        """Notes `problem` unless `holds`."""
        if not holds:
            self.problems.append(problem)
            print(f"  PROBLEM {problem}")


# MARK: One file


def expected_shapes(config: Config, prompts: Prompts, height: int, width: int) -> dict[str, tuple[int, ...]]:
    """The shape of every activation, from the sizes alone."""
    count, grid, channels = prompts.count, config.grid, config.decoder_width
    points = 0 if prompts.points is None else prompts.points.shape[1] + (prompts.boxes is None)
    sparse = points + (0 if prompts.boxes is None else 2)
    tokens, low = 5 + sparse, 4 * grid
    shapes: dict[str, tuple[int, ...]] = {"input": (1, 3, config.image_size, config.image_size)}
    tokens_shape = (1, grid, grid, config.width)
    shapes["image_encoder.patch_embed"] = tokens_shape
    for block in range(config.depth):
        prefix = f"image_encoder.blocks.{block}"
        shapes |= {f"{prefix}{part}": tokens_shape for part in ("", ".norm1", ".norm2", ".mlp")}
        windowed = config.window > 0 and block not in config.global_blocks
        windows = (-(-grid // config.window)) ** 2 if windowed else 1
        side = config.window if windowed else grid
        shapes[f"{prefix}.attn"] = (windows, side, side, config.width)
    shapes |= {f"image_encoder.neck.{layer}": (1, channels, grid, grid) for layer in range(4)}
    shapes["image_encoder"] = (1, channels, grid, grid)
    shapes["prompt_encoder.sparse"] = (count, sparse, channels)
    shapes["prompt_encoder.dense"] = (count, channels, grid, grid)
    for part in ("layers.0", "layers.1"):
        shapes[f"mask_decoder.transformer.{part}.queries"] = (count, tokens, channels)
        shapes[f"mask_decoder.transformer.{part}.keys"] = (count, grid * grid, channels)
    shapes["mask_decoder.transformer.queries"] = (count, tokens, channels)
    shapes["mask_decoder.transformer.keys"] = (count, grid * grid, channels)
    shapes["mask_decoder.output_upscaling"] = (count, channels // 8, low, low)
    for prefix, masks in (("mask_decoder.", 3), ("single.", 1)):
        shapes[f"{prefix}low_res_logits"] = (count, masks, low, low)
        shapes[f"{prefix}iou_predictions"] = (count, masks)
    shapes["mask_logits"] = (count, 3, height, width)
    shapes["single.mask_logits"] = (count, 1, height, width)
    shapes["stability"] = (count, 3)
    return shapes


def prompts_of(tensors: dict[str, np.ndarray]) -> Prompts:
    """The prompts that a reference file holds."""
    return Prompts(**{name: tensors.get(f"prompt.{name}") for name in ("boxes", "points", "labels", "mask")})


def run_file(sam: Sam, config: Config, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs a model on the image and the prompts of a reference file."""
    return run_case(sam, config, tensors["image"], prompts_of(tensors))


def check_tensors(tensors: dict[str, np.ndarray], config: Config, report: Report) -> None:
    """Names, element types, shapes, and that every number is one."""
    prompts = prompts_of(tensors)
    shapes = expected_shapes(config, prompts, *tensors["image"].shape[:2])
    names = {*activation_names(config), *SINGLE, "stability", "image", *prompts.tensors()}
    report.expect(set(tensors) == names, f"names: {sorted(names ^ set(tensors))}")
    for name, shape in shapes.items():
        tensor = tensors[name]
        report.expect(tensor.shape == shape, f"{name}: shape {tensor.shape}, expected {shape}")
        report.expect(tensor.dtype == np.float64, f"{name}: {tensor.dtype}")
        report.expect(bool(np.isfinite(tensor).all()), f"{name}: not finite")
    report.expect(tensors["image"].dtype == np.uint8, "image: not uint8")


def check_spread(tensors: dict[str, np.ndarray], report: Report) -> None:
    """That logits lie on both sides of 0 and that masks and prompts differ."""
    for name in ("mask_logits", "single.mask_logits"):
        share = (tensors[name] > 0).mean(axis=(2, 3))
        spread = tensors[name].std(axis=(2, 3))
        print(f"  {name}: above 0 {np.round(share, 2).tolist()}, deviation {np.round(spread, 1).tolist()}")
        report.expect(bool((share.min() > 0.02) and (share.max() < 0.98)), f"{name}: logits on one side of 0")
    iou = tensors["mask_decoder.iou_predictions"]
    print(f"  IoU {np.round(iou, 3).tolist()} stability {np.round(tensors['stability'], 3).tolist()}")
    report.expect(bool((np.diff(np.sort(iou, axis=1), axis=1) > 1e-3).all()), "IoU predictions nearly equal")
    for name in ("mask_logits", "mask_decoder.iou_predictions"):
        for other in tensors[name][1:]:
            difference = relative_error(other, tensors[name][0])
            report.expect(difference > 1e-2, f"{name}: prompts make no difference")


def check_errors(metadata: dict[str, str], config: Config, report: Report) -> None:
    """That the float32 errors are there and plausible."""
    errors = json.loads(metadata["float32_error"])
    names = {*activation_names(config), *SINGLE}
    report.expect(set(errors) == names, f"float32_error: {sorted(names ^ set(errors))}")
    report.expect(all(0 <= error < 2e-5 for error in errors.values()), f"float32_error: {errors}")
    worst = sorted(errors, key=errors.__getitem__)[-3:]
    print("  largest float32 errors:", ", ".join(f"{name} {errors[name]:.1e}" for name in worst))


# MARK: Attention


class SoftmaxEntropy(TorchFunctionMode):
    """Notes the mean entropy of every softmax, relative to that of the uniform distribution."""

    def __init__(self) -> None:
        """No softmax yet."""
        super().__init__()
        self.entropies: list[float] = []

    def __torch_function__(
        self, function: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        """Runs `function`, and looks at its result where it is a softmax."""
        result = function(*args, **(kwargs or {}))
        if function in (torch.softmax, torch.Tensor.softmax):
            entropy = -torch.special.xlogy(result, result).sum(-1).mean()
            self.entropies.append(float(entropy / np.log(result.shape[-1])))
        return result


def check_attention(
    config: Config, weights: dict[str, np.ndarray], tensors: dict[str, np.ndarray], report: Report
) -> None:
    """That attention is neither uniform nor one-hot, and that the file is what the oracle computes today."""
    with SoftmaxEntropy() as mode:
        again = run_file(load_model(config, weights, torch.float64), config, tensors)
    print("  entropy of attention:", " ".join(f"{entropy:.2f}" for entropy in mode.entropies))
    report.expect(all(0.3 < entropy < 0.985 for entropy in mode.entropies), "attention is degenerate")
    for name, array in again.items():
        report.expect(relative_error(tensors[name], array) < 1e-13, f"{name}: not what the oracle computes")


# MARK: Mistakes that ports make


def set_everywhere(part: str, kind: type[nn.Module], attribute: str, value: object) -> Callable[[Sam], None]:
    """Changes an attribute of every module of a kind within a part of the model."""

    def change(sam: Sam) -> None:
        for module in sam.get_submodule(part).modules():
            if isinstance(module, kind):
                setattr(module, attribute, value)

    return change


MISTAKES = {
    "epsilon 1e-5 in the encoder": set_everywhere("image_encoder", nn.LayerNorm, "eps", 1e-5),
    "epsilon 1e-5 in the neck": set_everywhere("image_encoder", LayerNorm2d, "eps", 1e-5),
    "epsilon 1e-6 in the two-way transformer": set_everywhere("mask_decoder", nn.LayerNorm, "eps", 1e-6),
    "epsilon 1e-5 in the up-scaling": set_everywhere("mask_decoder", LayerNorm2d, "eps", 1e-5),
    "epsilon 1e-5 in the mask's down-scaling": set_everywhere("prompt_encoder", LayerNorm2d, "eps", 1e-5),
    "tanh GELU in the encoder": set_everywhere("image_encoder", nn.GELU, "approximate", "tanh"),
    "tanh GELU in the up-scaling": set_everywhere("mask_decoder", nn.GELU, "approximate", "tanh"),
    "tanh GELU in the mask's down-scaling": set_everywhere("prompt_encoder", nn.GELU, "approximate", "tanh"),
    "first two-way block like the others": set_everywhere(
        "mask_decoder", TwoWayAttentionBlock, "skip_first_layer_pe", False
    ),
}


def check_mistakes(
    config: Config, weights: dict[str, np.ndarray], tensors: dict[str, np.ndarray], report: Report
) -> None:
    """That the usual mistakes change some activation by far more than the tolerance."""
    for mistake, make in MISTAKES.items():
        if "mask's" in mistake and "prompt.mask" not in tensors:
            continue
        sam = load_model(config, weights, torch.float64)
        make(sam)
        found = run_file(sam, config, tensors)
        largest = max(relative_error(array, tensors[name]) for name, array in found.items())
        report.expect(largest > 10 * FLOOR, f"{mistake}: changes no activation by more than {largest:.1e}")


# MARK: Weights


def effect(
    weights: dict[str, np.ndarray], name: str, config: Config, cases: list[dict[str, np.ndarray]]
) -> float:
    """The largest relative change of any case's results when a tensor is 0, or a normalisation's weight 1."""
    neutral = np.float32(1.0 if weights[name].ndim == 1 and name.endswith("weight") else 0.0)
    changed = weights | {name: np.full_like(weights[name], neutral)}
    largest = 0.0
    for tensors in cases:
        found = run_file(load_model(config, changed, torch.float64), config, tensors)
        for output in ("mask_logits", "mask_decoder.iou_predictions", "single.mask_logits"):
            largest = max(largest, relative_error(found[output], tensors[output]))
    return largest


def check_weights(
    config: Config, weights: dict[str, np.ndarray], cases: list[dict[str, np.ndarray]], report: Report
) -> set[str]:
    """Finds the tensors that no case of this model depends on, which are returned."""
    tested = [name for name in weights if not name.endswith(WITHOUT_EFFECT)]
    effects = {name: effect(weights, name, config, cases) for name in tested}
    used = {name: value for name, value in effects.items() if value > 0}
    weakest = sorted(used, key=used.__getitem__)[:4]
    print("  weakest weights:", ", ".join(f"{name} {used[name]:.1e}" for name in weakest))
    for name in weakest:
        report.expect(used[name] > 100 * FLOOR, f"{name}: an error in it would hardly show")
    return set(effects) - set(used)


def check_model(name: str, folder: Path, report: Report, with_weights: bool) -> tuple[set[str], set[str]]:
    """Checks a model's files; returns all its tensors and those that its cases do not use."""
    weights, metadata = read_safetensors(folder / f"{name}.weights.safetensors")
    stored = json.loads(metadata["config"])
    config = Config(**stored | {"global_blocks": tuple(stored["global_blocks"])})
    read_off = config_from_shapes(name, {key: array.shape for key, array in weights.items()})
    report.expect(read_off == config, f"{name}: the shapes say {read_off}")
    cases = []
    for path in sorted(folder.glob(f"{name}.*.safetensors")):
        if path.name != f"{name}.weights.safetensors":
            print(path.name)
            tensors, metadata = read_safetensors(path)
            check_tensors(tensors, config, report)
            check_spread(tensors, report)
            check_errors(metadata, config, report)
            check_attention(config, weights, tensors, report)
            check_mistakes(config, weights, tensors, report)
            cases.append(tensors)
    return set(weights), check_weights(config, weights, cases, report) if with_weights else set()


def main() -> None:
    """Checks every model of a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FIXTURES)
    parser.add_argument("--no-weights", action="store_true", help="leave out the effect of each weight")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = Report()
    used: set[str] = set()
    unused: set[str] = set()
    for path in sorted(options.folder.glob("*.weights.safetensors")):
        names, idle = check_model(path.name.split(".")[0], options.folder, report, not options.no_weights)
        used |= names - idle
        unused |= idle
    report.expect(unused <= used, f"weights that no case uses: {sorted(unused - used)}")
    print(f"{len(report.problems)} problems")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
