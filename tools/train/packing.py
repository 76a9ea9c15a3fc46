"""Keeps what a training goes on from in a small file, and restores it.

    python packing.py pack RUN ../../weights/training.safetensors
    python packing.py unpack ../../weights/training.safetensors RUN && python train.py RUN --resume --seed N ...

The file holds the weights and their moving average in float16, the step and the best score, without the
optimizers' momenta: a run that goes on from it is not the same to the bit, and warms up anew. Within a machine
`train.py RUN --resume` needs none of this.
"""

import argparse
import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

PARTS = ("model", "average")


def pack(run: Path, output: Path) -> None:
    """Writes beside, then renames."""
    saved = torch.load(run / "last.pt", map_location="cpu", weights_only=True)
    tensors = {
        f"{part}.{name}": value.half().cpu().contiguous()
        for part in PARTS
        for name, value in saved[part].items()
    }
    kept = {key: saved[key] for key in ("step", "best", "configuration", "seed")}
    beside = output.with_suffix(".part")
    save_file(tensors, beside, {"training": json.dumps(kept)})
    os.replace(beside, output)
    print(f"{output}: step {kept['step']}, {output.stat().st_size} bytes")


def unpack(file: Path, run: Path) -> None:
    """Makes RUN/last.pt, from which `train.py RUN --resume` goes on."""
    with safe_open(file, "pt") as opened:
        state = json.loads(opened.metadata()["training"])
    tensors = load_file(file)
    for part in PARTS:
        prefix = part + "."
        state[part] = {
            name.removeprefix(prefix): value.float()
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
    run.mkdir(parents=True, exist_ok=True)
    torch.save(state, run / "last.pt")
    print(f"{run / 'last.pt'}: step {state['step']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("pack", "unpack"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    {"pack": pack, "unpack": unpack}[arguments.action](arguments.source, arguments.target)


if __name__ == "__main__":
    main()
