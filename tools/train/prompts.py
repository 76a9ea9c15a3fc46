"""What is asked of a scene: target masks with jittered boxes, and from them points and mask inputs."""

import numpy as np
import torch
import torch.nn.functional as functional
from scipy.ndimage import distance_transform_edt, uniform_filter

from shapes import bounding_box, grown, largest_part

SMALLEST_AREA = 48  # pixels at an image size of 256
LARGEST_AREA = 0.45  # of the image
LEAST_BOX_FILL = 0.2
LEAST_CONTRAST = 6  # grey levels of 255 between a target and its surroundings
JITTER_LIMIT = 6  # pixels at an image size of 256


def targets(
    labels: np.ndarray, image: np.ndarray, weights: np.ndarray, count: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Up to `count` regions that can be seen, or their largest parts; larger ones are somewhat more likely.

    `weights` says how likely each label is; label 0 is never one.
    """
    smooth = uniform_filter(image, 3 if labels.shape[0] < 200 else 5)
    areas = np.bincount(labels.ravel()).astype(float)
    areas[0] = 0
    smallest = SMALLEST_AREA * (labels.shape[0] / 256) ** 2
    usable = np.flatnonzero((areas >= smallest) & (areas <= LARGEST_AREA * labels.size))
    if not len(usable):
        return []
    keys = random.random(len(usable)) ** (
        1 / (weights[usable] * areas[usable] ** 0.25)
    )  # sampling without repeats
    found = []
    for index in usable[np.argsort(-keys)]:
        mask = labels == index
        if random.random() < 0.8:
            mask = largest_part(mask)
        x0, y0, x1, y1 = bounding_box(mask)
        area = mask.sum()
        dense = area >= smallest and area >= LEAST_BOX_FILL * (x1 - x0) * (y1 - y0)
        if dense and is_visible(mask, smooth):
            found.append(mask)
        if len(found) == count:
            break
    return found


def is_visible(mask: np.ndarray, smooth: np.ndarray) -> bool:
    """Whether the surroundings differ from the region's mean: nobody marks what cannot be seen."""
    x0, y0, x1, y1 = bounding_box(mask).astype(int)
    near = np.s_[max(0, y0 - 4) : y1 + 4, max(0, x0 - 4) : x1 + 4]
    inside, smooth = mask[near], smooth[near]
    ring = grown(inside, 4) & ~grown(inside, 1)
    if not ring.any():
        return False
    values = smooth[inside]
    return np.abs(smooth[ring] - values.mean()).mean() >= LEAST_CONTRAST + 0.5 * values.std()


def jittered_box(mask: np.ndarray, jitter: float, random: np.random.Generator) -> np.ndarray:
    """The bounding box, each side off by a normal error of `jitter` of the box's size and half a pixel."""
    box = bounding_box(mask)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = mask.shape[0] / 256
    error = np.minimum(np.array([width, height, width, height]) * jitter + 0.5 * scale, JITTER_LIMIT * scale)
    return (box + random.normal(0, 1, 4) * error).astype(np.float32)


def point_inside(
    mask: np.ndarray, random: np.random.Generator, centrality: float | None = None
) -> np.ndarray:
    """x, y of a pixel of the mask, as far from its border as a share of the greatest distance at least."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    share = random.random() * 0.9 if centrality is None else centrality
    rows, columns = np.nonzero(depth >= share * depth.max())
    chosen = random.integers(len(rows))
    return np.array([columns[chosen], rows[chosen]], np.float32)


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
    coordinates = [
        [point_inside(mask, random, centrality) for _ in range(inside)]
        + [point_outside(mask, random) for _ in range(outside)]
        for mask in masks
    ]
    labels = torch.tensor([1.0] * inside + [0.0] * outside).expand(len(masks), -1)
    return torch.from_numpy(np.array(coordinates, np.float32)), labels


def corrections(
    masks: torch.Tensor, logits: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """One point per prompt where a prediction is wrong; masks and logits [prompts, height, width]."""
    coordinates, labels = [], []
    for mask, predicted in zip(masks.numpy() > 0.5, logits.numpy() > 0):
        wrong = mask != predicted
        if wrong.any():
            x, y = point_inside(wrong, random)
        else:
            x, y = point_inside(mask, random)
        coordinates.append([[x, y]])
        labels.append([float(mask[int(y), int(x)])])
    return torch.tensor(coordinates), torch.tensor(labels)


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
