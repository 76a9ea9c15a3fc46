"""Writes `shapes.json`: the shape of every tensor of the official ViT-B, L and H, by name.

Built by the official package's own builders on PyTorch's meta device, so
nothing is computed or downloaded."""

import json

import torch
from segment_anything import sam_model_registry

from export_model import FIXTURES


def main() -> None:
    """Writes the file and prints the numbers of parameters in millions."""
    shapes = {}
    for variant in ("vit_b", "vit_l", "vit_h"):
        with torch.device("meta"):
            state = sam_model_registry[variant]().state_dict()
        shapes[variant] = {name: list(tensor.shape) for name, tensor in state.items()}
        print(variant, sum(tensor.numel() for tensor in state.values()) / 1e6)
    (FIXTURES / "shapes.json").write_text(json.dumps(shapes, separators=(",", ":")))


if __name__ == "__main__":
    main()
