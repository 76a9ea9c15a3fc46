"""The loss (the paper's, at the masks' own resolution) and the quality of masks."""

from dataclasses import dataclass

import torch
import torch.nn.functional as functional

SINGLE_WEIGHT = 0.7  # of mask 0's loss
SCORE_WEIGHT = 5.0  # of the predicted IoU's squared error
# Share of the mean over the three masks, beside the best one. A single point may mean a part or the whole, and
# the masks should differ; any other prompt means one thing, and each mask should show it.
SHARED_WEIGHT, SHARED_WEIGHT_AMBIGUOUS = 0.9, 0.1
LARGEST_FOCAL = 20.0  # of a mask's focal term: a mask that is wholly wrong learns by the other


@dataclass
class Outcome:
    """Numbers that stay where they were computed, so that nothing waits for them."""

    loss: torch.Tensor
    chosen: torch.Tensor  # mean Dice of the mask with the highest predicted IoU among 1..3
    best: torch.Tensor  # of the best of masks 1..3
    single: torch.Tensor  # of mask 0


def objective(
    logits: torch.Tensor,
    scores: torch.Tensor,
    truth: torch.Tensor,
    boxes: torch.Tensor,
    is_ambiguous: bool,
) -> Outcome:
    """Focal and dice loss on the best of masks 1..3 and on mask 0, and squared error of the predicted IoU.

    The focal term (gamma 1, twice the sum over pixels divided by the box's area) weighs small and large
    objects alike. Logits [prompts, 4, side, side], truth [prompts, height, width], boxes in its pixels.
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
    per_mask = focal.clamp(max=LARGEST_FOCAL) + dice_loss
    several = per_mask[:, 1:]
    iou, dice = quality(logits.detach() > 0, soft > 0.5)
    shared = SHARED_WEIGHT_AMBIGUOUS if is_ambiguous else SHARED_WEIGHT
    loss = torch.lerp(several.min(1).values, several.mean(1), shared).mean()
    loss = loss + SINGLE_WEIGHT * per_mask[:, 0].mean() + SCORE_WEIGHT * functional.mse_loss(scores, iou)
    chosen = dice[:, 1:].gather(1, scores[:, 1:].argmax(1, keepdim=True)).mean()
    return Outcome(loss, chosen, dice[:, 1:].max(1).values.mean(), dice[:, 0].mean())


def quality(predicted: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and Dice of boolean masks over the last two axes."""
    overlap = (predicted & truth).sum((-2, -1)).float()
    total = predicted.sum((-2, -1)).float() + truth.sum((-2, -1))
    return overlap / (total - overlap).clamp(min=1), 2 * overlap / total.clamp(min=1)


def stability(logits: torch.Tensor, offset: float = 1.0) -> torch.Tensor:
    """The official score over the last two axes: the IoU of the masks above `offset` and above its negative."""
    high, low = (logits > offset).sum((-2, -1)).float(), (logits > -offset).sum((-2, -1))
    return high / low.clamp(min=1)
