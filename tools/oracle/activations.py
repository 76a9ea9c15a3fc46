"""The named activations of design section 6, recorded from an official model as it runs."""

import fnmatch
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import Sam
from segment_anything.modeling.image_encoder import add_decomposed_rel_pos, get_rel_pos
from segment_anything.utils.amg import calculate_stability_score
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

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

ATTENTIONS = ("self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token")
TRANSFORMER = "mask_decoder.transformer"


def module_outputs(config: Config) -> dict[str, list[str]]:
    """For each module whose output is recorded, the names of its outputs."""
    blocks = [f"image_encoder.blocks.{block}" for block in range(config.depth)]
    single = ["image_encoder.patch_embed"]
    for block in blocks:
        single += [f"{block}.{part}" for part in ("norm1", "attn", "norm2", "mlp")] + [block]
    single += [f"image_encoder.neck.{layer}" for layer in range(4)]
    single += ["image_encoder", "mask_decoder.output_upscaling"]
    pairs = {
        "prompt_encoder": ("sparse", "dense"),
        **{f"{TRANSFORMER}.layers.{layer}": ("queries", "keys") for layer in range(DECODER_DEPTH)},
        TRANSFORMER: ("queries", "keys"),
        "mask_decoder": ("low_res_logits", "iou_predictions"),
    }
    return {module: [module] for module in single} | {
        module: [f"{module}.{name}" for name in names] for module, names in pairs.items()
    }


def part_modules(config: Config) -> list[str]:
    """The modules inside of those, which have an output of the module's own name."""
    modules = []
    for block in range(config.depth):
        path = f"image_encoder.blocks.{block}"
        modules += [f"{path}.attn.qkv", f"{path}.mlp.lin1", f"{path}.mlp.act"]
    modules += [f"prompt_encoder.mask_downscaling.{index}" for index in range(6)] + ["prompt_encoder.pe_layer"]
    for layer in range(DECODER_DEPTH):
        path = f"{TRANSFORMER}.layers.{layer}"
        modules += [f"{path}.{part}" for part in ATTENTIONS] + [f"{path}.norm{index}" for index in range(1, 5)]
        modules += [f"{path}.{part}" for part in ("mlp.lin1", "mlp.act", "mlp")]
    modules += [f"{TRANSFORMER}.final_attn_token_to_image"]
    modules += [f"{path}.{part}_proj" for path in decoder_attentions() for part in "qkv"]
    modules += [f"mask_decoder.output_upscaling.{index}" for index in range(4)]
    modules += [f"mask_decoder.output_hypernetworks_mlps.{index}" for index in range(4)]
    return [*modules, "mask_decoder.iou_prediction_head"]


def decoder_attentions() -> list[str]:
    """The paths of the two-way transformer's attentions."""
    layers = [f"{TRANSFORMER}.layers.{layer}.{name}" for layer in range(DECODER_DEPTH) for name in ATTENTIONS]
    return [*layers, f"{TRANSFORMER}.final_attn_token_to_image"]


def activation_names(config: Config) -> list[str]:
    """Every name that a reference file must hold."""
    names = [name for outputs in module_outputs(config).values() for name in outputs]
    return ["input", *names, "mask_logits"]


# MARK: Recording


@contextmanager
def recording(sam: Sam, config: Config, sink: Sink, parts: bool = False) -> Iterator[None]:
    """Hands every activation to `sink`, in the order in which they arise; with `parts` those inside of stages too."""
    hooks = [sam.image_encoder.register_forward_pre_hook(lambda module, inputs: sink("input", inputs[0]))]
    # A module's hooks run in the order in which they were registered: its parts come before itself.
    predict_masks = sam.mask_decoder.predict_masks
    if parts:
        hooks += hook_parts(sam, config, sink)
        sam.mask_decoder.predict_masks = lambda **inputs: recorded_masks(predict_masks(**inputs), sink)
    for module, names in module_outputs(config).items():
        hooks.append(hook_output(sam.get_submodule(module), names, sink))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        if parts:
            del sam.mask_decoder.predict_masks


def hook_output(module: nn.Module, names: list[str], sink: Sink) -> RemovableHandle:
    """Records a module's outputs under the given names."""

    def record(_module: nn.Module, _inputs: tuple, output: Tensor | tuple[Tensor, ...]) -> None:
        outputs = output if isinstance(output, tuple) else (output,)
        for name, tensor in zip(names, outputs, strict=True):
            sink(name, tensor)

    return module.register_forward_hook(record)


def hook_parts(sam: Sam, config: Config, sink: Sink) -> list[RemovableHandle]:
    """Records what is inside of the stages."""
    hooks = [hook_output(sam.get_submodule(module), [module], sink) for module in part_modules(config)]
    for block in range(config.depth):
        hooks += hook_attention(sam, f"image_encoder.blocks.{block}.attn", sink)
    for path in decoder_attentions():
        hooks += hook_decoder_attention(sam, path, sink)
    first = sam.image_encoder.blocks[0]
    return [
        *hooks,
        first.register_forward_pre_hook(lambda module, inputs: sink("image_encoder.pos_embed", inputs[0])),
    ]


def hook_attention(sam: Sam, path: str, sink: Sink) -> list[RemovableHandle]:
    """Records queries to weighted values of the image encoder's attention (`image_encoder.py:224`)."""
    module = sam.get_submodule(path)

    def record(_qkv: nn.Module, _inputs: tuple, output: Tensor) -> None:
        count, height, width, _ = output.shape
        heads = module.num_heads
        parts = output.reshape(count, height * width, 3, heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = parts.reshape(3, count * heads, height * width, -1).unbind(0)
        scores = (q * module.scale) @ k.transpose(-2, -1)
        by_place = q.reshape(-1, height, width, q.shape[-1])
        rel_h = torch.einsum("bhwc,hkc->bhwk", by_place, get_rel_pos(height, height, module.rel_pos_h))
        rel_w = torch.einsum("bhwc,wkc->bhwk", by_place, get_rel_pos(width, width, module.rel_pos_w))
        biased = add_decomposed_rel_pos(
            scores, q, module.rel_pos_h, module.rel_pos_w, (height, width), (height, width)
        )
        named = {"q": q, "k": k, "v": v, "scores": scores, "rel_h": rel_h, "rel_w": rel_w}
        for name, tensor in (named | {"weights": biased.softmax(dim=-1)}).items():
            sink(f"{path}.{name}", tensor)

    return [
        module.qkv.register_forward_hook(record),
        module.proj.register_forward_pre_hook(lambda _module, inputs: sink(f"{path}.values", inputs[0])),
    ]


def hook_decoder_attention(sam: Sam, path: str, sink: Sink) -> list[RemovableHandle]:
    """Records scores to weighted values of the two-way transformer's attention (`transformer.py:218`)."""
    module = sam.get_submodule(path)
    projected: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
        return lambda _module, _inputs, output: projected.update({name: output})

    def record(_module: nn.Module, inputs: tuple[Tensor]) -> None:
        q, k = (module._separate_heads(projected[name], module.num_heads) for name in "qk")
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        for name, tensor in (("scores", scores), ("weights", scores.softmax(dim=-1)), ("values", inputs[0])):
            sink(f"{path}.{name}", tensor)

    return [
        module.q_proj.register_forward_hook(keep("q")),
        module.k_proj.register_forward_hook(keep("k")),
        module.out_proj.register_forward_pre_hook(record),
    ]


def recorded_masks(outputs: tuple[Tensor, Tensor], sink: Sink) -> tuple[Tensor, Tensor]:
    """Records all four masks."""
    sink("mask_decoder.masks", outputs[0])
    return outputs


def record_picture_parts(predictor: SamPredictor, image: np.ndarray, low_res: Tensor, sink: Sink) -> None:
    """Records the scaled picture, and what becomes of the logits."""
    model = predictor.model
    size = (model.image_encoder.img_size,) * 2
    sink("input.scaled", torch.as_tensor(predictor.transform.apply_image(image)).to(low_res.dtype))
    square = nn.functional.interpolate(low_res, size, mode="bilinear", align_corners=False)
    sink("mask_logits.square", square)
    logits = model.postprocess_masks(low_res, predictor.input_size, predictor.original_size)
    sink("masks", (logits > model.mask_threshold).to(low_res.dtype))
    sink("stability", calculate_stability_score(logits, model.mask_threshold, 1.0).nan_to_num(0.0))


# MARK: Running


@dataclass(frozen=True)
class Outputs:
    """What a run returns for `multimask_output=False`, next to the recorded activations."""

    low_res_logits: Tensor
    iou_predictions: Tensor
    mask_logits: Tensor


def run_official(
    sam: Sam,
    config: Config,
    image: np.ndarray,
    prompts: Prompts,
    sink: Sink,
    only: str = "*",
    parts: bool = False,
    multimask: bool = True,
) -> Outputs:
    """Runs the official predictor as its own `predict` does, in the model's element type.

    `sink` receives the activations whose names match `only` of a run with three masks, or with one where `multimask`
    is false; the result is that of one with a single mask.
    """

    def filtered(name: str, tensor: Tensor) -> None:
        if fnmatch.fnmatch(name, only):
            sink(name, tensor)

    dtype = sam.pixel_mean.dtype
    predictor = SamPredictor(sam)
    with default_dtype(dtype), torch.no_grad():
        arguments = model_prompts(predictor, prompts, image.shape[:2], dtype)
        with recording(sam, config, filtered, parts):
            predictor.set_image(image)
            logits, _, low_res = predictor.predict_torch(
                **arguments, multimask_output=multimask, return_logits=True
            )
        if parts:
            record_picture_parts(predictor, image, low_res, filtered)
        filtered("mask_logits", logits)
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
