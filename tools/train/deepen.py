"""Doubles the blocks of a model's encoder without changing what it computes: a start for a deeper one.

    python deepen.py before.safetensors deeper.pt

Each run of blocks that ends with a global one is followed by its copy, in which the last layer of the attention and of
the MLP is zero: such a block adds nothing, and begins to learn there. The result is a checkpoint to train on from by
`--init`, with the configuration that is printed.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from model import Configuration, build, read_weights

ADDING = ("attn.proj.", "mlp.lin2.")  # what a block adds to the stream comes out of these


def deepened(configuration: Configuration) -> tuple[Configuration, list[tuple[int, bool]]]:
    """The configuration of twice the depth; for each of its blocks, which one it is of, and whether it is a copy."""
    order, first = [], 0
    for last in configuration.global_blocks:
        run = range(first, last + 1)
        order += [(block, False) for block in run] + [(block, True) for block in run]
        first = last + 1
    if first != configuration.depth:
        raise SystemExit(f"{configuration.depth} blocks, of which the last is not global")
    found = [index for index, (block, _) in enumerate(order) if block in configuration.global_blocks]
    return replace(configuration, depth=len(order), global_blocks=tuple(found)), order


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    before, output = Path(sys.argv[1]), Path(sys.argv[2])
    shallow, state = read_weights(before)
    configuration, order = deepened(shallow)
    deeper = {name: value for name, value in state.items() if ".blocks." not in name}
    for index, (block, is_copy) in enumerate(order):
        prefix = f"image_encoder.blocks.{block}."
        for name, value in state.items():
            if name.startswith(prefix):
                part = name.removeprefix(prefix)
                adds_nothing = is_copy and part.startswith(ADDING)
                deeper[f"image_encoder.blocks.{index}.{part}"] = value.clone().zero_() if adds_nothing else value
    build(configuration).load_state_dict(deeper)
    torch.save({"configuration": configuration.as_dict(), "average": deeper}, output)
    print(json.dumps(configuration.as_dict()))


if __name__ == "__main__":
    main()
