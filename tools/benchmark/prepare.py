"""Prepares a model for the benchmark, once: random weights, the official package's embedding, ONNX files.

The model's folder then holds `weights.safetensors` (or a link to it), `model.json`, `reference.npy` and,
where asked for, `model.onnx` in `encoder`, `prompt` and `prompts32`. What is there is left as it is."""

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from segment_anything.modeling import Sam
from torch import Tensor, nn

sys.path.append(str(Path(__file__).resolve().parents[1] / "oracle"))

from safetensors_file import TensorSpec, stream_safetensors
from sam_model import (
    VARIANTS,
    Config,
    build_model,
    checkpoint_shapes,
    config_from_shapes,
    load_file,
    named,
    random_weight,
    weight_shapes,
)

from inputs import PROMPTS, boxes, random_image
from sizes import encoder_flop

OPSET = 17
SEED = 1


# MARK: Weights


def write_random_weights(config: Config, path: Path) -> None:
    """Writes a checkpoint of seeded random weights; official weights would take just as long to compute."""
    shapes = weight_shapes(config)
    specs = {name: TensorSpec(np.dtype(np.float32), shape) for name, shape in shapes.items()}
    unfinished = path.with_suffix(".part")
    stream_safetensors(
        unfinished, specs, lambda name: random_weight(name, shapes[name], SEED), {"seed": str(SEED)}
    )
    unfinished.rename(path)


def read_config(path: Path, name: str) -> Config:
    """The sizes of a checkpoint's model; those of a published variant come with its name."""
    config = config_from_shapes(name, checkpoint_shapes(path))
    variants = (variant for variant in VARIANTS.values() if named(config, variant.name) == variant)
    return next(variants, config)


def load(config: Config, path: Path) -> Sam:
    """The official model in float32."""
    sam = build_model(config, torch.float32)
    load_file(sam, path)
    return sam


# MARK: Exporting


class Encoder(nn.Module):
    """Pixels `[1, 3, side, side]` from 0 to 255 become the embedding."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.sam = sam

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalises and encodes."""
        return self.sam.image_encoder((pixels - self.sam.pixel_mean) / self.sam.pixel_std)


class Decoder(nn.Module):
    """A fixed number of boxes become masks at the image's size.

    The official ONNX model takes one prompt a call and resizes twice, the second time to the same size: this
    one resizes once, and takes all boxes in one call.
    """

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.sam = sam

    def forward(self, embedding: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
        """Masks `[boxes, 3, side, side]` and predicted IoU `[boxes, 3]`."""
        sparse, dense = self.sam.prompt_encoder(points=None, boxes=corners, masks=None)
        position = self.sam.prompt_encoder.get_dense_pe()
        logits, quality = self.sam.mask_decoder(embedding, position, sparse, dense, multimask_output=True)
        side = self.sam.image_encoder.img_size
        full = nn.functional.interpolate(logits, (side, side), mode="bilinear", align_corners=False)
        return full > self.sam.mask_threshold, quality


def export(module: nn.Module, path: Path, **inputs: Tensor) -> None:
    """Traces a module into an ONNX file; PyTorch puts weights above 2 GB into files beside it."""
    if path.exists():
        return
    note(f"exporting {path}")
    outputs = ["embedding"] if isinstance(module, Encoder) else ["masks", "quality"]
    path.parent.mkdir(exist_ok=True)
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            module, tuple(inputs.values()), str(path.with_suffix(".part")), input_names=list(inputs),
            output_names=outputs, opset_version=OPSET, dynamo=False, do_constant_folding=True,
        )  # fmt: skip
    path.with_suffix(".part").rename(path)


@torch.inference_mode()
def export_all(sam: Sam, folder: Path) -> None:
    """The encoder, and a decoder for each number of boxes, each in a folder of its own."""
    side = sam.image_encoder.img_size
    pixels = torch.from_numpy(random_image(side)[None]).float()
    export(Encoder(sam).eval(), folder / "encoder" / "model.onnx", pixels=pixels)
    embedding = torch.from_numpy(np.load(folder / "reference.npy"))[None]
    for stage, count in PROMPTS.items():
        corners = torch.from_numpy(boxes(count, side))
        export(Decoder(sam).eval(), folder / stage / "model.onnx", embedding=embedding, corners=corners)


# MARK: Command


@torch.inference_mode()
def write_reference(sam: Sam, path: Path) -> None:
    """The official float32 embedding `[channels, grid, grid]` of the image."""
    image = torch.from_numpy(random_image(sam.image_encoder.img_size))
    np.save(path, sam.image_encoder(sam.preprocess(image)[None])[0].numpy())


def note(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Prepares one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="vit_b, vit_l or vit_h with random weights, or a safetensors file")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--onnx", action="store_true", help="export as well")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "weights.safetensors"
    if options.model not in VARIANTS and not weights.exists():
        weights.symlink_to(Path(options.model).resolve(strict=True))
    if not weights.exists():
        note(f"writing {weights}")
        write_random_weights(VARIANTS[options.model], weights)
    config = read_config(weights, Path(options.model).stem)
    sam = load(config, weights)
    if not (folder / "reference.npy").exists():
        note(f"computing {folder / 'reference.npy'}")
        write_reference(sam, folder / "reference.npy")
    if options.onnx:
        export_all(sam, folder)
    sizes = {"name": config.name, "side": config.image_size, "flop": encoder_flop(config)}
    (folder / "model.json").write_text(json.dumps(sizes) + "\n")


if __name__ == "__main__":
    main()
