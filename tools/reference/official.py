"""The official package segment-anything on a checkpoint of any size."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from activations import Prompts, Sink, run_official
from sam_model import Config, build_model, config_from_shapes
from safetensors.torch import load_file
from segment_anything.modeling import Sam
from torch import Tensor, nn


class OfficialModel:
    """A checkpoint, and the sizes that its tensors' shapes tell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.weights = read_weights(path)
        self.config = config_from_shapes(path.stem, {name: tuple(x.shape) for name, x in self.weights.items()})

    def memory(self, dtype: torch.dtype) -> int:
        """Bytes that a run takes: weights, and the scores of a global block three times."""
        parameters = sum(tensor.numel() for tensor in self.weights.values())
        tokens = self.config.grid**2 if self.config.global_blocks else self.config.window**2
        scores = 3 * self.config.heads * tokens**2 * dtype.itemsize
        # The checkpoint as read, and the model: in float64 its blocks stay float32 but while they run.
        return int(2.2 * 4 * parameters) + scores + (1 << 29)

    def run(self, dtype: torch.dtype, image: np.ndarray, prompts: Prompts, sink: Sink, *, parts: bool,
            multimask: bool) -> None:  # fmt: skip
        """Hands every activation to `sink`, as the official predictor makes them."""
        model = widened_by_block(self.config, self.weights, dtype)
        run_official(model, self.config, image, prompts, sink, parts=parts, multimask=multimask)

    def metadata(self) -> dict[str, str]:
        """Who ran."""
        return {"implementation": f"segment-anything {version('segment-anything')}", "checkpoint": self.path.name}


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a checkpoint, also of one that wraps them."""
    if path.suffix == ".safetensors":
        return load_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    for key in ("model", "state_dict"):
        state = state.get(key, state)
    return state


def widened_by_block(config: Config, weights: Mapping[str, Tensor], dtype: torch.dtype) -> Sam:
    """A model whose blocks are kept as float32, and in float64 widened only while they run: half the memory."""
    sam = build_model(config, dtype)
    if dtype == torch.float64:
        for block in sam.image_encoder.blocks:
            block.float()
            block.register_forward_pre_hook(lambda module, _inputs: widen(module))
            block.register_forward_hook(lambda module, _inputs, _output: narrow(module))
    sam.load_state_dict(weights)
    return sam


def widen(module: nn.Module) -> None:
    """Before a block runs: its weights to float64."""
    module.double()


def narrow(module: nn.Module) -> None:
    """After a block has run: back to float32, which loses nothing."""
    module.float()
