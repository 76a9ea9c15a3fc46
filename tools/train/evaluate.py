"""Scores on held-out synthetic scenes: boxes, one point, three points, mask 0, and the predicted IoU.

python evaluate.py weights.safetensors|checkpoint.pt --scenes 250 --seed 90001
"""

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam

from batches import Batches, model_input
from model import decode
from objective import quality
from prompts import points

SELECTION_SEED = 70001  # scenes among which the training chooses its best checkpoint
FINAL_SEED = 90001  # scenes that are looked at once, at the end
PROMPTS_PER_SCENE = 4
CENTRALITY = 0.5  # points lie at least half as deep inside as the deepest pixel, as people click


class HeldOut:
    """A fixed set of scenes and prompts, a function of its seed."""

    def __init__(self, size: int, seed: int, scenes: int):
        threads = torch.get_num_threads()
        drawn = Batches(size, seed, images=1, prompts=PROMPTS_PER_SCENE, steps=scenes)
        self.batches = [drawn[step] for step in range(scenes)]
        torch.set_num_threads(threads)
        random = np.random.default_rng([seed, 2])
        self.one_point = [points(batch.masks, 1, 0, random, CENTRALITY) for batch in self.batches]
        self.three_points = [points(batch.masks, 2, 1, random, CENTRALITY) for batch in self.batches]

    @torch.no_grad()
    def score(self, sam: Sam) -> dict[str, float]:
        """Mean Dice at the full resolution per kind of prompt, and how good the predicted IoU is."""
        sam.eval()
        rows: dict[str, list[torch.Tensor]] = {}
        for batch, one, three in zip(self.batches, self.one_point, self.three_points):
            embedding = sam.image_encoder(model_input(batch.images, sam.pixel_mean, sam.pixel_std))
            truth, boxes = torch.from_numpy(batch.masks), torch.from_numpy(batch.boxes)
            for kind, prompt in (
                ("box", (boxes, None)),
                ("one_point", (None, one)),
                ("three_points", (None, three)),
            ):
                logits, scores = decode(sam, embedding.expand(len(truth), -1, -1, -1), *prompt, None)
                large = functional.interpolate(
                    logits, size=truth.shape[1:], mode="bilinear", align_corners=False
                )
                iou, dice = quality(large > 0, truth[:, None])
                rows.setdefault(kind, []).append(torch.stack([scores, iou, dice], -1))
        sam.train()
        return summary({kind: torch.cat(values) for kind, values in rows.items()})


def summary(rows: dict[str, torch.Tensor]) -> dict[str, float]:
    """`rows[kind]` is [prompts, 4 masks, (predicted IoU, IoU, Dice)]."""
    result = {}
    for kind, values in rows.items():
        scores, iou, dice = values[:, 1:].unbind(-1)
        result[f"{kind}_chosen"] = dice.gather(1, scores.argmax(1, keepdim=True)).mean().item()
        result[f"{kind}_best"] = dice.max(1).values.mean().item()
        result[f"{kind}_single"] = values[:, 0, 2].mean().item()
        result[f"{kind}_iou_correlation"] = float(np.corrcoef(scores.flatten(), iou.flatten())[0, 1])
    result["selection"] = (
        0.5 * result["box_chosen"]
        + 0.2 * result["box_single"]
        + 0.15 * result["one_point_best"]
        + 0.15 * result["three_points_chosen"]
    )
    return result


def main() -> None:
    from export import load_any

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights")
    parser.add_argument("--scenes", type=int, default=250)
    parser.add_argument("--seed", type=int, default=FINAL_SEED)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    sam = load_any(arguments.weights)
    scores = HeldOut(sam.image_encoder.img_size, arguments.seed, arguments.scenes).score(sam)
    print(json.dumps({name: round(value, 4) for name, value in scores.items()}, indent=2))


if __name__ == "__main__":
    main()
