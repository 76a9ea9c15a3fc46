"""What is asked in a training step: a kind of prompt, drawn for all objects of a batch alike.

"refine" and "clicks" decode without a gradient first and hand the model's own logits of its chosen mask to the
next pass, mostly with one more point where the mask was wrong.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam

from card_prompts import CardTargets
from model import Points, decode
from prompts import Targets

KINDS = {
    "box": 0.42,
    "box+points": 0.07,
    "point": 0.13,
    "points": 0.12,
    "box+mask": 0.04,
    "points+mask": 0.04,
    "box, refine": 0.05,
    "clicks": 0.13,
}
FIRST_POINTS = [(1, 1), (2, 0), (2, 1), (3, 0), (3, 2)]  # inside and outside
WITHOUT_POINT = 0.25  # share of refinements by the mask alone


@dataclass
class Prompt:
    """Everything in the pixels of a scene; the mask is logits."""

    boxes: torch.Tensor | None = None
    points: Points | None = None
    masks: torch.Tensor | None = None

    def add(self, more: Points) -> None:
        """Adds points to those there are."""
        self.points = more if self.points is None else join(self.points, more)

    def decoded(self, sam: Sam, embeddings: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and predicted IoU; the scene, `size` pixels along a side, is scaled to the model's image."""
        scale, device = sam.image_encoder.img_size / size, embeddings.device
        boxes = None if self.boxes is None else self.boxes.to(device) * scale
        at = None if self.points is None else (self.points[0].to(device) * scale, self.points[1].to(device))
        return decode(sam, embeddings, boxes, at, self.masks)


def join(first: Points, second: Points) -> Points:
    return torch.cat([first[0], second[0]], 1), torch.cat([first[1], second[1]], 1)


def draw_prompt(
    sam: Sam, embeddings: torch.Tensor, targets: Targets | CardTargets, random: np.random.Generator
) -> tuple[str, Prompt]:
    """A kind of prompt, and the prompts of all targets; `embeddings` holds each target's own image."""
    kind = str(random.choice(list(KINDS), p=list(KINDS.values())))
    prompt = Prompt()
    if kind.startswith("box"):
        prompt.boxes = targets.boxes
    if kind in ("point", "clicks"):
        prompt.points = targets.points(1, 0)
    elif kind == "box+points":
        prompt.points = targets.points(int(random.integers(0, 3)), int(random.integers(0, 2)) or 1)
    elif kind.startswith("points"):
        prompt.points = targets.points(*FIRST_POINTS[random.integers(len(FIRST_POINTS))])
    if kind.endswith("+mask"):
        prompt.masks = targets.corrupted(sam.prompt_encoder.mask_input_size[0]).to(embeddings.device)
        if random.random() < 0.5:
            prompt.add(targets.points(1, 0))
    if kind == "box, refine":
        refine(sam, embeddings, targets, prompt, random.random() > WITHOUT_POINT)
    if kind == "clicks":
        for _ in range(random.integers(1, 4)):
            refine(sam, embeddings, targets, prompt, True)
    return kind, prompt


@torch.no_grad()
def refine(
    sam: Sam,
    embeddings: torch.Tensor,
    targets: Targets | CardTargets,
    prompt: Prompt,
    with_point: bool,
    centrality: float | None = None,
) -> None:
    """Adds the model's own mask, and mostly a correcting point, to the prompt."""
    logits, scores = prompt.decoded(sam, embeddings, targets.size)
    prompt.masks = chosen_logits(logits.float(), scores.float())
    if with_point:
        side = targets.size
        large = functional.interpolate(prompt.masks, size=(side, side), mode="bilinear", align_corners=False)
        prompt.add(targets.corrections(large[:, 0] > 0, centrality))


def chosen_logits(logits: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """[prompts, 1, side, side]: of masks 1..3 the one with the highest predicted IoU."""
    chosen = (scores[:, 1:].argmax(1) + 1)[:, None, None, None].expand(-1, 1, *logits.shape[2:])
    return logits.gather(1, chosen)
