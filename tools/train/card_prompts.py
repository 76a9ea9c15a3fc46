"""How people prompt, as `prompts.py` has it, for all objects of a batch at once on a graphics card.

Nothing here waits for the card: no list becomes a tensor, and no number is asked back. Depths are octagonal rather than Euclidean distances, at half the resolution: what can
be done for 256 objects in a few thousandths of a second.
"""

import numpy as np
import torch
import torch.nn.functional as functional

from prompts import BORDER, CENTRAL, JITTER, LARGEST_ERROR, LARGEST_LOOSENESS, PIXEL_ERROR, TIGHT

DEEPEST = 32  # at half the resolution; what lies deeper counts as that deep
OUTSIDE_MARGIN, LEAST_MARGIN = 0.25, 3  # around the bounding box, of its size and in pixels


class CardTargets:
    """A batch's objects; in training what `prompts.Targets` is on a processor."""

    def __init__(self, masks: torch.Tensor):
        """Masks [prompts, size, size] bool, none of them empty."""
        self.masks, self.size = masks, masks.shape[-1]
        self.exact = bounding_boxes(masks)
        self.boxes = jittered(self.exact, self.size)
        self.own_depths: torch.Tensor | None = None

    def points(self, inside: int, outside: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Coordinates [prompts, points, 2] and labels [prompts, points]."""
        if inside and self.own_depths is None:
            self.own_depths = depths(self.masks)
        found = [self.inside() for _ in range(inside)] + [self.outside() for _ in range(outside)]
        labels = torch.arange(inside + outside, device=self.masks.device) < inside
        return torch.stack(found, 1), labels.float().expand(len(self.masks), -1)

    def inside(self) -> torch.Tensor:
        """Well inside, anywhere, or on the border."""
        share, central = torch.rand(2, len(self.masks), device=self.masks.device)
        is_border, is_central = share < BORDER, (share >= BORDER) & (share < BORDER + CENTRAL)
        least = torch.where(is_central, 0.3 + 0.6 * central, 0)
        return pick(at_depth(self.masks, self.own_depths, least, torch.where(is_border, 0.1, 1.0)))

    def outside(self) -> torch.Tensor:
        """A background pixel in or near the bounding box; of the whole picture where there is none."""
        size = (self.exact[:, 2:] - self.exact[:, :2]) * OUTSIDE_MARGIN + LEAST_MARGIN
        low, high = self.exact[:, :2] - size, self.exact[:, 2:] + size
        at = torch.arange(self.size, device=self.masks.device)
        across = (at >= low[:, :1]) & (at < high[:, :1])
        down = (at >= low[:, 1:]) & (at < high[:, 1:])
        near = down[:, :, None] & across[:, None] & ~self.masks
        return pick(near, ~self.masks)

    def corrections(
        self, predicted: torch.Tensor, centrality: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A click per object in what is wrong of a prediction, or in the object where nothing is."""
        wrong = predicted != self.masks
        wrong = torch.where(wrong.flatten(1).any(1)[:, None, None], wrong, self.masks)
        least = 0.2 + 0.7 * torch.rand(len(wrong), device=wrong.device)
        if centrality is not None:
            least = torch.full_like(least, centrality)
        x, y = (at := pick(at_depth(wrong, depths(wrong), least, torch.ones_like(least)))).long().unbind(1)
        labels = self.masks[torch.arange(len(x), device=x.device), y, x].float()
        return at[:, None], labels[:, None]

    def corrupted(self, side: int) -> torch.Tensor:
        """The truth as a bad mask input: logits [prompts, 1, side, side] with the border moved to and fro."""
        count, device = len(self.masks), self.masks.device
        small = functional.interpolate(self.masks[:, None].float(), size=(side, side), mode="area")
        knots = int(torch.randint(4, 17, ()))
        wobble = torch.randn(count, 1, knots, knots, device=device)
        wobble = functional.interpolate(wobble, size=(side, side), mode="bicubic", align_corners=False)
        depth = functional.avg_pool2d(small, 9, stride=1, padding=4) * 0.5 + small * 0.5
        amount, sharpness = float(torch.rand(())) * 0.35, 4 + 20 * float(torch.rand(()))
        return (depth - 0.5 + amount * wobble) * sharpness


def bounding_boxes(masks: torch.Tensor) -> torch.Tensor:
    """x0, y0, x1, y1 [prompts, 4] in pixels, end-exclusive."""
    sides = []
    for found in (masks.any(1).float(), masks.any(2).float()):
        sides.append((found.argmax(1), found.shape[1] - found.flip(1).argmax(1)))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1, y1], 1).float()


def jittered(boxes: torch.Tensor, size: int) -> torch.Tensor:
    """Boxes as a person draws them: all sides too far out by one amount, and each off by its own."""
    count, device = len(boxes), boxes.device
    extent = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    is_tight, loose = torch.rand(2, count, 1, device=device)
    looseness = torch.where(is_tight < TIGHT, 0, LARGEST_LOOSENESS * loose)
    deviation = JITTER[0] * (JITTER[1] * torch.randn(count, 1, device=device)).exp()
    error = looseness + deviation * torch.randn(count, 4, device=device)
    outward = error.clamp(-LARGEST_ERROR / 2, LARGEST_ERROR) * extent
    outward += torch.randn(count, 4, device=device) * (PIXEL_ERROR * size / 512)
    return torch.cat([boxes[:, :2] - outward[:, :2], boxes[:, 2:] + outward[:, 2:]], 1)


def depths(masks: torch.Tensor) -> torch.Tensor:
    """How deep inside its mask each pixel lies, at half the resolution: 1 on the border, 0 outside.

    What is left after each of up to `DEEPEST` erosions, by a cross and by a square in turn, counts one more.
    """
    left = functional.pad(functional.max_pool2d(masks[:, None].half(), 2)[:, 0].byte(), (1, 1, 1, 1))
    inner = np.s_[:, 1:-1, 1:-1]
    depth = left[inner].clone()
    for step in range(DEEPEST - 1):
        across = left[:, :, :-2] & left[:, :, 1:-1] & left[:, :, 2:]
        down = across if step % 2 else left[:, :, 1:-1]
        left[inner] = across[:, 1:-1] & down[:, :-2] & down[:, 2:]
        depth += left[inner]
    return depth


def at_depth(
    masks: torch.Tensor, depths: torch.Tensor, least: torch.Tensor, most: torch.Tensor
) -> torch.Tensor:
    """Pixels of the masks whose depth lies between two shares [prompts] of the greatest."""
    deepest = depths.flatten(1).max(1).values.float()
    low, high = (least * deepest).clamp(min=0.5), (most * deepest).clamp(min=1)
    is_deep = (depths >= low[:, None, None]) & (depths <= high[:, None, None])
    return is_deep.repeat_interleave(2, 1).repeat_interleave(2, 2) & masks


def pick(eligible: torch.Tensor, otherwise: torch.Tensor | None = None) -> torch.Tensor:
    """x, y [prompts, 2] of a random pixel that is eligible; of `otherwise` where none is."""
    chance = torch.rand(eligible.shape, device=eligible.device)
    chance = torch.where(eligible, chance + 2, chance if otherwise is None else chance + otherwise)
    index = chance.flatten(1).argmax(1)
    width = eligible.shape[-1]
    return torch.stack([index % width, index // width], 1).float()
