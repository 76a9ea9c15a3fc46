"""The named activations of design section 6, recorded from an official model as it runs."""

import fnmatch
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import Sam
from segment_anything.modeling.image_encoder import window_partition
from torch import Tensor, nn

from sam_model import DECODER_DEPTH, Config, default_dtype

Sink = Callable[[str, Tensor], None]


@dataclass(frozen=True)
class Prompts:
    """Prompts decoded in one run, in original pixels.

    `boxes` is `[prompts, 4]`, `points` `[prompts, points, 2]`, `labels` `[prompts, points]`, and `mask`
    `[4 * grid, 4 * grid]`, which every prompt shares.
    """

    boxes: np.ndarray | None = None
    points: np.ndarray | None = None
    labels: np.ndarray | None = None
    mask: np.ndarray | None = None

    @property
    def count(self) -> int:
        """The number of prompts."""
        given = self.boxes if self.boxes is not None else self.points
        return 0 if given is None else len(given)

    def tensors(self) -> dict[str, np.ndarray]:
        """What of them is there, under the names of a reference file."""
        fields = {"boxes": self.boxes, "points": self.points, "labels": self.labels, "mask": self.mask}
        return {f"prompt.{name}": array for name, array in fields.items() if array is not None}


# MARK: Names


def module_outputs(config: Config) -> dict[str, list[str]]:
    """For each module whose output is recorded, the names of its outputs."""
    blocks = [f"image_encoder.blocks.{block}" for block in range(config.depth)]
    single = ["image_encoder.patch_embed"]
    for block in blocks:
        single += [f"{block}.{part}" for part in ("norm1", "attn", "norm2", "mlp")] + [block]
    single += [f"image_encoder.neck.{layer}" for layer in range(4)]
    single += ["image_encoder", "mask_decoder.output_upscaling"]
    transformer = "mask_decoder.transformer"
    pairs = {
        "prompt_encoder": ("sparse", "dense"),
        **{f"{transformer}.layers.{layer}": ("queries", "keys") for layer in range(DECODER_DEPTH)},
        transformer: ("queries", "keys"),
        "mask_decoder": ("low_res_logits", "iou_predictions"),
    }
    return {module: [module] for module in single} | {
        module: [f"{module}.{name}" for name in names] for module, names in pairs.items()
    }


def activation_names(config: Config) -> list[str]:
    """Every name that a reference file must hold."""
    names = [name for outputs in module_outputs(config).values() for name in outputs]
    return ["input", *names, "mask_logits"]


# MARK: Recording


@contextmanager
def recording(sam: Sam, config: Config, sink: Sink, only: str = "*") -> Iterator[None]:
    """Hands every activation whose name matches `only` to `sink`, in the order in which they arise."""
    hooks = [hook_input(sam, sink)] if fnmatch.fnmatch("input", only) else []
    for module, names in module_outputs(config).items():
        wanted = [name if fnmatch.fnmatch(name, only) else None for name in names]
        if any(wanted):
            hooks.append(hook_output(sam.get_submodule(module), wanted, sink, padding_mask(config, module)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def hook_input(sam: Sam, sink: Sink) -> torch.utils.hooks.RemovableHandle:
    """Records what enters the image encoder: the normalised, padded image."""
    return sam.image_encoder.register_forward_pre_hook(lambda module, inputs: sink("input", inputs[0]))


def hook_output(
    module: nn.Module, names: list[str | None], sink: Sink, mask: Tensor | None
) -> torch.utils.hooks.RemovableHandle:
    """Records a module's outputs under the given names, times `mask` where there is one."""

    def record(_module: nn.Module, _inputs: tuple, output: Tensor | tuple[Tensor, ...]) -> None:
        outputs = output if isinstance(output, tuple) else (output,)
        for name, tensor in zip(names, outputs, strict=True):
            if name is not None:
                sink(name, tensor if mask is None else tensor * mask.to(tensor.dtype))

    return module.register_forward_hook(record)


def padding_mask(config: Config, module: str) -> Tensor | None:
    """For the attention of a windowed block 1 where there is a token and 0 where there is padding.

    `[windows, window, window, 1]`.
    """
    parts = module.split(".")
    if parts[-1] != "attn" or int(parts[2]) in config.global_blocks or config.window == 0:
        return None
    windows, _ = window_partition(torch.ones(1, config.grid, config.grid, 1), config.window)
    return windows


# MARK: Running


@dataclass(frozen=True)
class Outputs:
    """What a run returns for `multimask_output=False`, next to the recorded activations."""

    low_res_logits: Tensor
    iou_predictions: Tensor
    mask_logits: Tensor


def run_official(
    sam: Sam, config: Config, image: np.ndarray, prompts: Prompts, sink: Sink, only: str = "*"
) -> Outputs:
    """Runs the official predictor as its own `predict` does, in the model's element type.

    `sink` receives the activations of a run with three masks; the result is that of one with a single mask.
    """
    dtype = sam.pixel_mean.dtype
    predictor = SamPredictor(sam)
    with default_dtype(dtype), torch.no_grad():
        arguments = model_prompts(predictor, prompts, image.shape[:2], dtype)
        with recording(sam, config, sink, only):
            predictor.set_image(image)
            logits, _, _ = predictor.predict_torch(**arguments, multimask_output=True, return_logits=True)
        if fnmatch.fnmatch("mask_logits", only):
            sink("mask_logits", logits)
        single = predictor.predict_torch(**arguments, multimask_output=False, return_logits=True)
    return Outputs(mask_logits=single[0], iou_predictions=single[1], low_res_logits=single[2])


def model_prompts(
    predictor: SamPredictor, prompts: Prompts, original_size: tuple[int, int], dtype: torch.dtype
) -> dict[str, Tensor | None]:
    """The arguments of `predict_torch`: scaled in float64, then cast, as `predict` does for one prompt."""
    transform = predictor.transform
    points, boxes, mask = prompts.points, prompts.boxes, prompts.mask
    arguments = dict.fromkeys(("point_coords", "point_labels", "boxes", "mask_input"))
    if points is not None:
        arguments["point_coords"] = torch.as_tensor(
            transform.apply_coords(points, original_size), dtype=dtype
        )
        arguments["point_labels"] = torch.as_tensor(prompts.labels, dtype=torch.int)
    if boxes is not None:
        arguments["boxes"] = torch.as_tensor(transform.apply_boxes(boxes, original_size), dtype=dtype)
    if mask is not None:
        arguments["mask_input"] = torch.as_tensor(mask, dtype=dtype).expand(prompts.count, 1, -1, -1)
    return arguments


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The L2 norm of the difference over that of what was expected, both in float64."""
    difference = np.linalg.norm((found.astype(np.float64) - expected).ravel())
    return float(difference / np.linalg.norm(expected.ravel()))
