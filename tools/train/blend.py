"""Writes the mean of two models of one lineage, weight by weight (Wortsman et al. 2022, "Robust fine-tuning").

    python blend.py before.safetensors after.pt 0.5 blend.pt

What was learned later is kept to the given share. The result is a checkpoint to score, to export, or to train on from
by `--init`; it has the second one's image and patch size.
"""

import sys
from pathlib import Path

import torch

from model import build, configuration_from, load_resized, read_weights


def main() -> None:
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    before, after, share, output = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    saved = torch.load(after, map_location="cpu", weights_only=True)
    first = build(configuration_from(saved["configuration"]))
    load_resized(first, read_weights(before)[1])
    average = {
        name: torch.lerp(value, saved["average"][name].float(), share) for name, value in first.state_dict().items()
    }
    torch.save({key: saved[key] for key in ("configuration", "seed", "step")} | {"average": average}, output)


if __name__ == "__main__":
    main()
