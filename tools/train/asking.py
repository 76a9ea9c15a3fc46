"""What is asked in a training step: a kind of prompt, drawn for all objects of a batch alike.

"refine" and "clicks" decode without a gradient first and hand the model's own logits of its chosen mask to the
next pass, mostly with one more point where the mask was wrong.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam

from model import Points, decode
from prompts import corrections, corrupted, points

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
    sam: Sam,
    embeddings: torch.Tensor,
    truth: torch.Tensor,
    masks: np.ndarray,
    boxes: np.ndarray,
    random: np.random.Generator,
) -> tuple[str, Prompt]:
    """A kind of prompt and the prompts; truth [prompts, height, width] float on the model's device."""
    kind = str(random.choice(list(KINDS), p=list(KINDS.values())))
    prompt = Prompt()
    if kind.startswith("box"):
        prompt.boxes = torch.from_numpy(boxes)
    if kind in ("point", "clicks"):
        prompt.points = points(masks, 1, 0, random)
    elif kind == "box+points":
        prompt.points = points(masks, int(random.integers(0, 3)), int(random.integers(0, 2)) or 1, random)
    elif kind.startswith("points"):
        prompt.points = points(masks, *FIRST_POINTS[random.integers(len(FIRST_POINTS))], random)
    if kind.endswith("+mask"):
        prompt.masks = corrupted(truth.cpu(), sam.prompt_encoder.mask_input_size[0], random).to(truth.device)
        if random.random() < 0.5:
            prompt.add(points(masks, 1, 0, random))
    if kind == "box, refine":
        refine(sam, embeddings, masks, prompt, random.random() > WITHOUT_POINT, random)
    if kind == "clicks":
        for _ in range(random.integers(1, 4)):
            refine(sam, embeddings, masks, prompt, True, random)
    return kind, prompt


@torch.no_grad()
def refine(
    sam: Sam,
    embeddings: torch.Tensor,
    masks: np.ndarray,
    prompt: Prompt,
    with_point: bool,
    random: np.random.Generator,
    centrality: float | None = None,
) -> None:
    """Adds the model's own mask, and mostly a correcting point, to the prompt."""
    logits, scores = prompt.decoded(sam, embeddings, masks.shape[-1])
    prompt.masks = chosen_logits(logits.float(), scores.float())
    if with_point:
        large = functional.interpolate(
            prompt.masks, size=masks.shape[1:], mode="bilinear", align_corners=False
        )
        prompt.add(corrections(masks, (large[:, 0] > 0).cpu().numpy(), random, centrality))


def chosen_logits(logits: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """[prompts, 1, side, side]: of masks 1..3 the one with the highest predicted IoU."""
    chosen = (scores[:, 1:].argmax(1) + 1)[:, None, None, None].expand(-1, 1, *logits.shape[2:])
    return logits.gather(1, chosen)
