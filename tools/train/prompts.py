"""How people prompt: jittered boxes, points, and bad masks.

The jitter of boxes is as measured on 262 boxes that non-experts drew on BTCV's volume 1 with OpenLabeling,
against the masks that SAM made of them (sizes only). By organ, a side lies outward by 0.8% (spleen), 8% (right
kidney), 16% (left kidney), 5% (liver) and 3% (aorta) of the box's size in the mean, with a deviation of 5% to 14%;
42% of the spleen's and 32% of the aorta's sides cut the organ, 7% of the others'.
"""

import numpy as np
import torch
import torch.nn.functional as functional
from scipy.ndimage import distance_transform_edt

from shapes import bounding_box

LARGEST_LOOSENESS = 0.15  # outward, of the box's size, the same on all sides of a box
TIGHT = 0.45  # share of boxes that are not drawn too large
JITTER = 0.03, 0.7  # median and log-deviation of a side's own error, of the box's size
PIXEL_ERROR = 1.0  # of 512: nobody draws better
LARGEST_ERROR = 0.4  # of the box's size
BORDER, CENTRAL = 0.15, 0.5  # share of points on the border, and well inside


def jittered_box(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The bounding box as a person draws it: all sides too far out by one amount, and each off by its own."""
    box = bounding_box(mask)
    size = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    looseness = 0.0 if random.random() < TIGHT else random.uniform(0, LARGEST_LOOSENESS)
    deviation = JITTER[0] * np.exp(random.normal(0, JITTER[1]))
    error = looseness + random.normal(0, deviation, 4)
    outward = np.clip(error, -LARGEST_ERROR / 2, LARGEST_ERROR) * size
    outward += random.normal(0, PIXEL_ERROR * mask.shape[0] / 512, 4)
    return (box + outward * np.array([-1, -1, 1, 1])).astype(np.float32)


class Depths:
    """How deep inside a mask its pixels lie, for drawing points; at half the resolution where it is large."""

    def __init__(self, mask: np.ndarray):
        x0, y0, x1, y1 = bounding_box(mask).astype(int)
        self.step = 2 if min(x1 - x0, y1 - y0) > 40 else 1
        self.corner = x0, y0
        inside = mask[y0 : y1 : self.step, x0 : x1 : self.step]
        if not inside.any():
            self.step, inside = 1, mask[y0:y1, x0:x1]
        self.depths = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]

    def point(self, random: np.random.Generator, least: float, most: float = 1.0) -> np.ndarray:
        """x, y of a pixel whose depth lies between two shares of the greatest."""
        deepest = self.depths.max()
        rows, columns = np.nonzero(
            (self.depths >= max(least * deepest, 0.5)) & (self.depths <= max(most * deepest, 1))
        )
        chosen = random.integers(len(rows))
        x0, y0 = self.corner
        return np.array([x0 + columns[chosen] * self.step, y0 + rows[chosen] * self.step], np.float32)


def point_inside(depths: Depths, random: np.random.Generator, centrality: float | None) -> np.ndarray:
    """Well inside, anywhere, or on the border; at least `centrality` of the greatest depth where it is given."""
    if centrality is not None:
        return depths.point(random, centrality)
    share = random.random()
    if share < BORDER:
        return depths.point(random, 0, 0.1)
    return depths.point(random, random.uniform(0.3, 0.9) if share < BORDER + CENTRAL else 0)


def point_outside(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """x, y of a background pixel, in or near the mask's bounding box."""
    x0, y0, x1, y1 = bounding_box(mask)
    height, width = mask.shape
    margin_x, margin_y = 0.25 * (x1 - x0) + 3, 0.25 * (y1 - y0) + 3
    for _ in range(50):
        x = int(np.clip(random.uniform(x0 - margin_x, x1 + margin_x), 0, width - 1))
        y = int(np.clip(random.uniform(y0 - margin_y, y1 + margin_y), 0, height - 1))
        if not mask[y, x]:
            break
    return np.array([x, y], np.float32)


def points(
    masks: np.ndarray, inside: int, outside: int, random: np.random.Generator, centrality: float | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates [prompts, points, 2] and labels [prompts, points] of points on each mask."""
    coordinates = []
    for mask in masks:
        depths = Depths(mask) if inside else None
        coordinates.append(
            [point_inside(depths, random, centrality) for _ in range(inside)]
            + [point_outside(mask, random) for _ in range(outside)]
        )
    labels = torch.tensor([1.0] * inside + [0.0] * outside).expand(len(masks), -1)
    return torch.from_numpy(np.array(coordinates, np.float32)), labels


def corrections(
    masks: np.ndarray, predicted: np.ndarray, random: np.random.Generator, centrality: float | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """A click per prompt in what is wrong of a prediction; both [prompts, height, width] bool."""
    coordinates, labels = [], []
    for mask, guess in zip(masks, predicted):
        wrong = mask != guess
        depths = Depths(wrong if wrong.any() else mask)
        x, y = depths.point(random, random.uniform(0.2, 0.9) if centrality is None else centrality)
        coordinates.append([[x, y]])
        labels.append([float(mask[int(y), int(x)])])
    return torch.from_numpy(np.array(coordinates, np.float32)), torch.tensor(labels)


def corrupted(masks: torch.Tensor, side: int, random: np.random.Generator) -> torch.Tensor:
    """The truth as a bad mask input: logits [prompts, 1, side, side] with the border moved to and fro."""
    prompts = len(masks)
    small = functional.interpolate(masks[:, None], size=(side, side), mode="area")
    knots = int(random.integers(4, 17))
    wobble = torch.from_numpy(random.standard_normal((prompts, 1, knots, knots), np.float32))
    wobble = functional.interpolate(wobble, size=(side, side), mode="bicubic", align_corners=False)
    depth = functional.avg_pool2d(small, 9, stride=1, padding=4) * 0.5 + small * 0.5
    amount = float(random.uniform(0, 0.35))
    return (depth - 0.5 + amount * wobble) * float(random.uniform(4, 24))


class Targets:
    """A batch's objects, prompted one after another on the processor; `card_prompts.CardTargets` does all at once."""

    def __init__(self, masks: np.ndarray, boxes: np.ndarray, random: np.random.Generator):
        """Masks [prompts, height, width] bool, boxes [prompts, 4]."""
        self.masks, self.random = masks, random
        self.boxes, self.size = torch.from_numpy(boxes), masks.shape[-1]

    def points(
        self, inside: int, outside: int, centrality: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return points(self.masks, inside, outside, self.random, centrality)

    def corrections(
        self, predicted: torch.Tensor, centrality: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return corrections(self.masks, predicted.cpu().numpy(), self.random, centrality)

    def corrupted(self, side: int) -> torch.Tensor:
        return corrupted(torch.from_numpy(self.masks).float(), side, self.random)
