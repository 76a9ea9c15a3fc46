"""Writes a checkpoint's averaged weights as float16 safetensors under the official names, and checks them.

    python export.py RUN/best.pt ../../weights/swift-sam-small.safetensors --version 1.0 [--lineage TEXT]

First the scores are calibrated (`calibrate.py`) on the held-out scenes by which checkpoints are chosen. The check
loads the file back into the official modules and compares masks with the float32 weights on other scenes.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from safetensors.torch import save_file
from segment_anything.modeling import Sam

from asking import Prompt
from batches import Batches, model_input
from calibrate import calibration, fold
from cutouts import FOLDER
from evaluate import SELECTION_SEED, HeldOut
from model import load_model
from surroundings import settle

CHECK_SEED, CHECK_SCENES = 80001, 12
CALIBRATION_SCENES = 60


def metadata(saved: dict, version: str, lineage: str) -> dict[str, str]:
    settings = saved["configuration"]
    return {
        "format": "pt",
        "name": "swift-sam-small",
        "version": version,
        "license": "Apache-2.0",
        "training_data": "synthetic scenes (tools/train), with public-domain clip art from Debian's "
        "openclipart-png; no patient data, no foreign weights",
        "intended_use": "demonstration and research; not for clinical use",
        "seed": str(saved["seed"]),
        "steps": str(saved["step"]),
        "lineage": lineage,
        "image_size": str(settings["image"]),
        "patch_size": str(settings["patch"]),
        "pixel_mean": "123.675,116.28,103.53",
        "pixel_std": "58.395,57.12,57.375",
        "configuration": json.dumps(settings),
        # Below it, a mask and what was meant share less than half of what both cover: commands say so.
        "useful_score": "0.5",
    }


def export(checkpoint: Path, output: Path, version: str, lineage: str, cutouts: Path) -> Sam:
    """The calibrated model in float32, which is written in float16."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    sam = load_model(checkpoint)
    found = calibration(sam, HeldOut(SELECTION_SEED, CALIBRATION_SCENES, cutouts))
    fold(sam, found)
    print(found)
    state = {name: value.half().contiguous() for name, value in sam.state_dict().items()}
    beside = output.with_suffix(".part")
    save_file(state, beside, metadata(saved, version, lineage))
    os.replace(beside, output)
    parameters = sum(value.numel() for value in state.values())
    print(f"{output}: {parameters} parameters, {output.stat().st_size} bytes, step {saved['step']}")
    return sam


@torch.no_grad()
def compare(exported: Sam, original: Sam, cutouts: Path) -> None:
    """Pixels on which the masks of the float16 file and of the float32 weights differ."""
    batches = Batches(CHECK_SEED, 1, 4, CHECK_SCENES, cutouts, held_out=True)
    differing, pixels, largest = 0, 0, 0.0
    for batch in (batches[step] for step in range(CHECK_SCENES)):
        logits = []
        for sam in (exported, original):
            embedding = sam.image_encoder(model_input(batch, sam)).expand(len(batch.boxes), -1, -1, -1)
            prompt = Prompt(boxes=torch.from_numpy(batch.boxes))
            small, _ = prompt.decoded(sam, embedding, batch.masks.shape[-1])
            logits.append(functional.interpolate(small, size=batch.masks.shape[1:], mode="bilinear"))
        differing += ((logits[0] > 0) != (logits[1] > 0)).sum().item()
        pixels += int(np.prod(logits[0].shape))
        largest = max(largest, (logits[0] - logits[1]).abs().max().item())
    print(
        f"float16 against float32: {differing} of {pixels} pixels differ ({differing / pixels:.1e}), "
        f"largest difference of a logit {largest:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--version", default="1.0")
    parser.add_argument("--lineage", default="", help="what the run was started from")
    parser.add_argument("--cutouts", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    settle()
    torch.set_num_threads(2)
    original = export(
        arguments.checkpoint, arguments.output, arguments.version, arguments.lineage, arguments.cutouts
    )
    compare(load_model(arguments.output), original, arguments.cutouts)


if __name__ == "__main__":
    main()
