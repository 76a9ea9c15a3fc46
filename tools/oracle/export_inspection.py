"""Writes `inspection.json`: what NumPy and PyTorch say of a model's inside, for `InspectionTests`.

Statistics of every tensor of `small.weights.safetensors` by NumPy in float64; the floating-point operations of the
official package's modules, for one image and one box, by PyTorch's `FlopCounterMode`, of a model whose windows need no
padding; and the first three principal components of an activation by NumPy's singular value decomposition."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from export_model import FIXTURES, versions
from sam_model import Config, build_model

COUNTED = Config(
    "global", width=32, depth=2, heads=2, global_blocks=(0, 1), image_size=45, patch_size=5, window=0, decoder_width=32,
    decoder_mlp_width=48, iou_hidden_width=24, mask_channels=16,
)  # fmt: skip
COMPONENTS_OF = ("parts/small.square-points.safetensors", "image_encoder.blocks.1")


def statistics(path: Path) -> dict[str, list[float]]:
    """Mean, deviation, least, greatest and share of zeros of each tensor."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}
    return {
        name: [float(x.mean()), float(x.std()), float(x.min()), float(x.max()), float((x == 0).mean())]
        for name, x in sorted(tensors.items())
    }


class Whole(nn.Module):
    """A model from pixels and one box to masks, as one module: so PyTorch counts by the official paths."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.sam = build_model(config, torch.float32)

    def forward(self, image: Tensor) -> Tensor:
        """The masks' logits."""
        prompt_encoder = self.sam.prompt_encoder
        sparse, dense = prompt_encoder(points=None, boxes=torch.tensor([[1.0, 1, 9, 9]]), masks=None)
        positions = prompt_encoder.get_dense_pe()
        return self.sam.mask_decoder(self.sam.image_encoder(image), positions, sparse, dense, multimask_output=True)[0]


def flop(config: Config) -> dict[str, int]:
    """The operations of each module that has any, by its official path; of all under the empty one."""
    model = Whole(config)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, config.image_size, config.image_size))
    counts = {name: sum(by_operation.values()) for name, by_operation in counter.get_flop_counts().items()}
    found = {name.removeprefix("Whole.sam."): count for name, count in counts.items() if name.startswith("Whole.sam.")}
    found[""] = counts["Whole"]
    # Positions are asked for outside of the prompt encoder's own call.
    positions = found[""] - found["image_encoder"] - found["mask_decoder"]
    return found | {"prompt_encoder": positions, "prompt_encoder.pe_layer": positions}


def components(path: Path, name: str) -> dict[str, object]:
    """Projections `[tokens, 3]` on the first components, whose largest loadings are positive, and shares of variance."""
    x = load_file(path)[name].astype(np.float64).reshape(-1, load_file(path)[name].shape[-1])
    x -= x.mean(axis=0)
    _, singular, rows = np.linalg.svd(x, full_matrices=False)
    rows = rows[:3]
    rows *= np.sign(rows[np.arange(3), np.abs(rows).argmax(axis=1)])[:, None]
    return {
        "activation": name,
        "projections": np.round(x @ rows.T, 7).reshape(-1).tolist(),
        "shares": (singular[:3] ** 2 / np.sum(singular**2)).tolist(),
    }


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=FIXTURES / "inspection.json")
    arguments = parser.parse_args()
    contents = {
        "versions": versions(),
        "statistics": statistics(FIXTURES / "small.weights.safetensors"),
        "flop": flop(COUNTED),
        "components": components(FIXTURES / COMPONENTS_OF[0], COMPONENTS_OF[1]),
    }
    arguments.output.write_text(json.dumps(contents, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
