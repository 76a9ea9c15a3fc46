"""What is asked in a training step, and the loss (the paper's) at the masks' own resolution."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam

from model import Points, decode
from prompts import corrections, corrupted, points

# How often each kind of prompt is drawn. "refine" kinds decode once without a gradient and hand the model's
# own logits of its chosen mask to a second pass, mostly with one point where the first was wrong.
PROMPT_KINDS = {
    "box": 0.46,
    "box+points": 0.08,
    "point": 0.12,
    "points": 0.17,
    "box+mask": 0.04,
    "points+mask": 0.04,
    "box, refine": 0.04,
    "points, refine": 0.05,
}
SINGLE_WEIGHT = 0.7  # of mask 0's loss
SCORE_WEIGHT = 5.0  # of the predicted IoU's squared error
# Share of the mean over the three masks, beside the best one. A single point may mean a part or the whole, and
# the masks should differ; any other prompt means one thing, and each mask should show it.
SHARED_WEIGHT, SHARED_WEIGHT_AMBIGUOUS = 0.9, 0.1


@dataclass
class Prompt:
    boxes: torch.Tensor | None = None
    points: Points | None = None
    masks: torch.Tensor | None = None


def draw_prompt(
    sam: Sam, embeddings: torch.Tensor, truth: torch.Tensor, boxes: torch.Tensor, random: np.random.Generator
) -> tuple[str, Prompt]:
    """A kind of prompt and the prompts; truth [prompts, height, width] float, boxes [prompts, 4]."""
    kind = str(random.choice(list(PROMPT_KINDS), p=list(PROMPT_KINDS.values())))
    masks = truth.numpy() > 0.5
    prompt = Prompt()
    if kind.startswith("box"):
        prompt.boxes = boxes
    if kind == "point":
        prompt.points = points(masks, 1, 0, random)
    elif kind == "box+points":
        prompt.points = points(masks, int(random.integers(1, 3)), int(random.integers(0, 2)), random)
    elif kind.startswith("points"):
        inside, outside = [(1, 1), (2, 0), (2, 1), (3, 0), (3, 2)][random.integers(5)]
        prompt.points = points(masks, inside, outside, random)
    if kind.endswith("+mask"):
        prompt.masks = corrupted(truth, sam.prompt_encoder.mask_input_size[0], random)
    if kind.endswith("refine"):
        refine(sam, embeddings, truth, prompt, random)
    return kind, prompt


@torch.no_grad()
def refine(
    sam: Sam, embeddings: torch.Tensor, truth: torch.Tensor, prompt: Prompt, random: np.random.Generator
) -> None:
    """Adds the model's own mask, and a correcting point, to the prompt."""
    logits, scores = decode(sam, embeddings, prompt.boxes, prompt.points, None)
    logits, scores = logits.float(), scores.float()
    chosen = (scores[:, 1:].argmax(1) + 1)[:, None, None, None].expand(-1, 1, *logits.shape[2:])
    prompt.masks = logits.gather(1, chosen)
    if random.random() < 0.7:
        large = functional.interpolate(
            prompt.masks, size=truth.shape[1:], mode="bilinear", align_corners=False
        )[:, 0]
        more = corrections(truth, large, random)
        before = prompt.points
        prompt.points = more if before is None else tuple(torch.cat(pair, 1) for pair in zip(before, more))


@dataclass
class Outcome:
    loss: torch.Tensor
    chosen: float  # mean Dice of the mask with the highest predicted IoU among 1..3
    best: float  # of the best of masks 1..3
    single: float  # of mask 0


def objective(
    logits: torch.Tensor,
    scores: torch.Tensor,
    truth: torch.Tensor,
    boxes: torch.Tensor,
    is_ambiguous: bool,
) -> Outcome:
    """Focal and dice loss on the best of masks 1..3 and on mask 0, and squared error of the predicted IoU.

    The focal term (gamma 1, twice the sum over pixels divided by the box's area) weighs small and large
    objects alike.
    """
    side = logits.shape[-1]
    soft = functional.interpolate(truth[:, None], size=(side, side), mode="area").expand_as(logits)
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    area = (width * height * (side / truth.shape[-1]) ** 2).clamp(min=16)
    focal = 2 * (entropy * (soft - probability).abs()).sum((2, 3)) / area[:, None]
    overlap, total = (probability * soft).sum((2, 3)), probability.sum((2, 3)) + soft.sum((2, 3))
    dice_loss = 1 - (2 * overlap + 1) / (total + 1)
    per_mask = focal.clamp(max=20) + dice_loss
    several = per_mask[:, 1:]
    iou, dice = quality(logits.detach() > 0, soft > 0.5)
    shared = SHARED_WEIGHT_AMBIGUOUS if is_ambiguous else SHARED_WEIGHT
    loss = torch.lerp(several.min(1).values, several.mean(1), shared).mean()
    loss = loss + SINGLE_WEIGHT * per_mask[:, 0].mean() + SCORE_WEIGHT * functional.mse_loss(scores, iou)
    chosen = dice[:, 1:].gather(1, scores[:, 1:].argmax(1, keepdim=True)).mean()
    return Outcome(loss, chosen.item(), dice[:, 1:].max(1).values.mean().item(), dice[:, 0].mean().item())


def quality(predicted: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and Dice of boolean masks over the last two axes."""
    overlap = (predicted & truth).sum((-2, -1)).float()
    total = predicted.sum((-2, -1)).float() + truth.sum((-2, -1))
    return overlap / (total - overlap).clamp(min=1), 2 * overlap / total.clamp(min=1)
