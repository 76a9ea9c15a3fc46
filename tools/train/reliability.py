"""Whether a predicted IoU means what it says."""

import torch

EDGES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)  # of the predicted IoU


def table(kind: str, scores: torch.Tensor, iou: torch.Tensor) -> str:
    """For the mask of the highest score: prompts, mean predicted and mean true IoU per range of the predicted."""
    best = scores.argmax(1, keepdim=True)
    scores, iou = scores.gather(1, best).clamp(0, 1), iou.gather(1, best)
    lines = [f"| {kind}: predicted | prompts | mean predicted | mean true |", "| --- | --- | --- | --- |"]
    for low, high in zip(EDGES, EDGES[1:]):
        inside = (scores >= low) & (scores < high)
        if inside.any():
            means = f"{scores[inside].mean():.2f} | {iou[inside].mean():.2f}"
            lines.append(f"| {low:.1f}-{min(high, 1):.1f} | {int(inside.sum())} | {means} |")
    return "\n".join(lines)


def calibration_error(scores: torch.Tensor, iou: torch.Tensor) -> float:
    """The expected difference between mean predicted and mean true IoU over ten ranges of the predicted."""
    bins = (scores.clamp(0, 1) * 10).long().clamp(max=9)
    total = 0.0
    for index in range(10):
        inside = bins == index
        if inside.any():
            total += inside.float().mean().item() * abs((scores[inside] - iou[inside]).mean().item())
    return total
