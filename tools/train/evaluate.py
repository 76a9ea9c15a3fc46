"""Scores on held-out synthetic scenes: boxes, points, clicks, mask 0, predicted IoU and stability.

    python evaluate.py weights.safetensors|checkpoint.pt --scenes 250 --seed 90001 [--reliability]

Clicks: one point, then twice a point in the middle of what is wrong, beside the mask so far.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam

from asking import Prompt, refine
from batches import Batch, Batches, model_input
from cutouts import FOLDER
from model import load_model
from objective import quality, stability
from prompts import Targets
from reliability import calibration_error, table
from surroundings import settle

SELECTION_SEED = 70001  # scenes among which the training chooses its best checkpoint
FINAL_SEED = 90001  # scenes that are looked at once, at the end
PROMPTS_PER_SCENE = 4
CENTRALITY = 0.5  # points lie at least half as deep inside as the deepest pixel, as people click

Rows = dict[str, torch.Tensor]  # kind: [prompts, 4 masks, (predicted IoU, IoU, Dice, stability)]


class HeldOut:
    """A fixed set of scenes and prompts, a function of its seed; its clip art is not trained on."""

    def __init__(self, seed: int, scenes: int, cutouts: Path = FOLDER):
        threads = torch.get_num_threads()
        drawn = Batches(seed, 1, PROMPTS_PER_SCENE, scenes, cutouts, held_out=True)
        self.batches = [drawn[step] for step in range(scenes)]
        torch.set_num_threads(threads)
        self.seed = seed

    @torch.no_grad()
    def rows(self, sam: Sam) -> Rows:
        """What every mask of every prompt is worth, at the scenes' own resolution."""
        sam.eval()
        found: dict[str, list[torch.Tensor]] = {}
        for index, batch in enumerate(self.batches):
            random = np.random.default_rng([self.seed, 2, index])
            embedding = sam.image_encoder(model_input(batch, sam)).expand(len(batch.masks), -1, -1, -1)
            targets = Targets(batch.masks, batch.boxes, random)
            for kind, prompt in prompts_of(targets):
                for _ in range(2 if kind == "clicks" else 0):
                    refine(sam, embedding, targets, prompt, True, CENTRALITY)
                values = measured(sam, embedding, batch, prompt)
                found.setdefault(kind, []).append(values)
                if kind == "box":
                    found.setdefault(f"box_{batch.families[0]}", []).append(values)
        sam.train()
        return {kind: torch.cat(values) for kind, values in found.items()}

    def score(self, sam: Sam) -> dict[str, float]:
        return summary(self.rows(sam))


def prompts_of(targets: Targets) -> list[tuple[str, Prompt]]:
    one, three = targets.points(1, 0, CENTRALITY), targets.points(2, 1, CENTRALITY)
    return [
        ("box", Prompt(boxes=targets.boxes)),
        ("one_point", Prompt(points=one)),
        ("three_points", Prompt(points=three)),
        ("clicks", Prompt(points=one)),
    ]


def measured(sam: Sam, embedding: torch.Tensor, batch: Batch, prompt: Prompt) -> torch.Tensor:
    """[prompts, 4 masks, (predicted IoU, IoU, Dice, stability)]."""
    truth = torch.from_numpy(batch.masks).to(embedding.device)[:, None]
    logits, scores = prompt.decoded(sam, embedding, truth.shape[-1])
    large = functional.interpolate(logits, size=truth.shape[2:], mode="bilinear", align_corners=False)
    iou, dice = quality(large > 0, truth)
    return torch.stack([scores, iou, dice, stability(large)], -1).cpu()


def summary(rows: Rows) -> dict[str, float]:
    """Mean Dice per kind of prompt; how far scores and stability follow the IoU."""
    result = {}
    for kind, values in rows.items():
        scores, iou, dice, stable = values[:, 1:].unbind(-1)
        chosen = scores.argmax(1, keepdim=True)
        result[f"{kind}_chosen"] = dice.gather(1, chosen).mean().item()
        if "_" in kind and kind.startswith("box"):
            continue
        result[f"{kind}_best"] = dice.max(1).values.mean().item()
        result[f"{kind}_single"] = values[:, 0, 2].mean().item()
        result[f"{kind}_iou_correlation"] = correlation(scores, iou)
        result[f"{kind}_calibration_error"] = calibration_error(
            scores.gather(1, chosen), iou.gather(1, chosen)
        )
        result[f"{kind}_stability"] = stable.gather(1, chosen).mean().item()
        result[f"{kind}_stability_correlation"] = correlation(stable, iou)
    result["selection"] = (
        0.5 * result["box_chosen"]
        + 0.15 * result["box_single"]
        + 0.15 * result["one_point_best"]
        + 0.1 * result["three_points_chosen"]
        + 0.1 * result["clicks_chosen"]
    )
    return result


def correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(np.corrcoef(first.flatten(), second.flatten())[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights")
    parser.add_argument("--scenes", type=int, default=250)
    parser.add_argument("--seed", type=int, default=FINAL_SEED)
    parser.add_argument("--cutouts", type=Path, default=FOLDER)
    parser.add_argument("--reliability", action="store_true", help="predicted against true IoU, as a table")
    arguments = parser.parse_args()
    settle()
    torch.set_num_threads(2)
    rows = HeldOut(arguments.seed, arguments.scenes, arguments.cutouts).rows(load_model(arguments.weights))
    print(json.dumps({name: round(value, 4) for name, value in summary(rows).items()}, indent=2))
    if arguments.reliability:
        for kind in ("box", "one_point", "clicks"):
            print(table(kind, *rows[kind][:, 1:].unbind(-1)[:2]))


if __name__ == "__main__":
    main()
