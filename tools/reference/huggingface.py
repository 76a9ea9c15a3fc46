"""Hugging Face's SamModel from a folder, with its own processor, under the official names."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from activations import Prompts, Sink
from torch import Tensor, nn
from transformers import SamImageProcessor, SamModel, SamProcessor

NECK = ("conv1", "layer_norm1", "conv2", "layer_norm2")


class HuggingFaceModel:
    """A folder that `save_pretrained` wrote, or that was downloaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Its fused attention differs in the last bits only, but has no float64 path on every processor.
        self.model = SamModel.from_pretrained(folder, attn_implementation="eager").eval().requires_grad_(False)
        if (folder / "preprocessor_config.json").exists():
            self.processor = SamProcessor.from_pretrained(folder)
        else:
            side = self.model.config.vision_config.image_size
            square = {"height": side, "width": side}
            self.processor = SamProcessor(SamImageProcessor(size={"longest_edge": side}, pad_size=square))

    def memory(self, dtype: torch.dtype) -> int:
        """Bytes that a run takes: weights, and the scores of a global block three times."""
        config = self.model.config.vision_config
        parameters = sum(tensor.numel() for tensor in self.model.parameters())
        tokens = (config.image_size // config.patch_size) ** 2
        return dtype.itemsize * (parameters + 3 * config.num_attention_heads * tokens**2) + (1 << 29)

    def run(self, dtype: torch.dtype, image: np.ndarray, prompts: Prompts, sink: Sink, *, parts: bool,
            multimask: bool) -> None:  # fmt: skip
        """Hands every activation to `sink`."""
        if parts:
            raise SystemExit("error: --parts is for the official package's names: Hugging Face's modules have others")
        self.model.to(dtype)
        inputs = self.processor(images=image, **arguments(prompts), return_tensors="pt")
        sizes = [inputs.pop(name) for name in ("original_sizes", "reshaped_input_sizes")]
        inputs = {name: x.to(dtype) if x.is_floating_point() else x for name, x in inputs.items()}
        if prompts.mask is not None:
            inputs["input_masks"] = torch.as_tensor(prompts.mask).to(dtype)[None, None]
        hooks = self.hook(sink, max(prompts.count, 1))
        with torch.no_grad():
            output = self.model(**inputs, multimask_output=multimask)
        for hook in hooks:
            hook.remove()
        logits = self.processor.image_processor.post_process_masks(
            output.pred_masks, *sizes, mask_threshold=0.0, binarize=False
        )
        sink("mask_logits", logits[0])

    def metadata(self) -> dict[str, str]:
        """Who ran."""
        return {"implementation": f"transformers {version('transformers')}", "checkpoint": self.folder.name}

    # MARK: Recording

    def hook(self, sink: Sink, count: int) -> list[torch.utils.hooks.RemovableHandle]:
        """Records under the official names; `count` prompts share one dense embedding."""
        encoder, prompt, decoder = self.model.vision_encoder, self.model.prompt_encoder, self.model.mask_decoder
        hooks = [
            encoder.register_forward_pre_hook(
                lambda _module, inputs, named: sink("input", inputs[0] if inputs else named["pixel_values"]),
                with_kwargs=True,
            )
        ]

        def on(module: nn.Module, *names: str, squeeze: tuple[int | None, ...] = (None,)) -> None:
            def record(_module: nn.Module, _inputs: tuple, output: Tensor | tuple) -> None:
                outputs = output if isinstance(output, tuple) else (output,)
                for name, tensor, axis in zip(names, outputs, squeeze, strict=False):
                    sink(name, tensor if axis is None else tensor.squeeze(axis))

            hooks.append(module.register_forward_hook(record))

        on(encoder.patch_embed, "image_encoder.patch_embed")
        for index, layer in enumerate(encoder.layers):
            path = f"image_encoder.blocks.{index}"
            on(layer.layer_norm1, f"{path}.norm1")
            on(layer.attn, f"{path}.attn")
            on(layer.layer_norm2, f"{path}.norm2")
            on(layer.mlp, f"{path}.mlp")
            on(layer, path)
        for index, name in enumerate(NECK):
            on(getattr(encoder.neck, name), f"image_encoder.neck.{index}")
        on(encoder.neck, "image_encoder")

        def record_prompts(_module: nn.Module, _inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
            sparse, dense = output
            if sparse is not None:
                sink("prompt_encoder.sparse", sparse.squeeze(0))
            sink("prompt_encoder.dense", dense.expand(count, -1, -1, -1))

        hooks.append(prompt.register_forward_hook(record_prompts))
        path = "mask_decoder.transformer"
        for index, layer in enumerate(decoder.transformer.layers):
            on(layer, f"{path}.layers.{index}.queries", f"{path}.layers.{index}.keys", squeeze=(0, 1))
        on(decoder.transformer, f"{path}.queries", f"{path}.keys", squeeze=(0, 1))
        upscaled: list[Tensor] = []
        hooks.append(decoder.activation.register_forward_hook(lambda _module, _inputs, x: upscaled.append(x)))

        def record_masks(_module: nn.Module, _inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
            sink("mask_decoder.output_upscaling", upscaled[-1])
            sink("mask_decoder.low_res_logits", output[0].squeeze(0))
            sink("mask_decoder.iou_predictions", output[1].squeeze(0))

        hooks.append(decoder.register_forward_hook(record_masks))
        return hooks


def arguments(prompts: Prompts) -> dict[str, list]:
    """The processor's arguments: one image, its prompts, their points."""
    named = {"input_boxes": prompts.boxes, "input_points": prompts.points, "input_labels": prompts.labels}
    return {name: [array.tolist()] for name, array in named.items() if array is not None}
