"""Which regions of a scene are asked for: what can be seen, whole things or parts of them."""

import numpy as np
from scipy.ndimage import find_objects, uniform_filter

from label_map import AIR, ANY, BLOOD, BODY, BONE, CELL, FAT, FLUID, GROUND, LUNG, MUSCLE, NUCLEUS, SOFT, THING, Scene
from shapes import bounding_box, grown, largest_part

# Organs and things are what people mark. Fat, air, bone and the body's wall lie between and around them in the same
# boxes: a model that was often asked for these takes them for what is meant.
WEIGHTS = {
    ANY: 1.0, SOFT: 1.0, BLOOD: 1.0, CELL: 1.0, THING: 1.5, NUCLEUS: 0.6, BONE: 0.15, LUNG: 0.3,
    FAT: 0.02, MUSCLE: 0.03, FLUID: 0.5, AIR: 0.03, GROUND: 0.2,
}  # fmt: skip
SMALLEST_AREA = 48  # pixels at an image size of 256
LARGEST_AREA = 0.6  # of the image
LEAST_BOX_FILL = 0.1
# What fills little of its box is harder to find in it, so it is asked for more often: by the inverse of the share
# that it fills, down to this. A box that takes up more of the image holds a body's rim, which fills little of any box.
LEAST_COUNTED_FILL, LARGEST_COUNTED_BOX = 0.125, 0.4
LEAST_CONTRAST = 6  # grey levels of 255 between a target and its surroundings
WHOLE = 0.6  # share of parts that are asked for as the whole thing
# Share of regions of which the largest connected part alone is asked for: a section shows an organ in pieces.
LARGEST_ALONE, LARGEST_ALONE_OF_BODIES = 0.8, 0.25


def targets(scene: Scene, image: np.ndarray, count: int, random: np.random.Generator) -> list[np.ndarray]:
    """Up to `count` regions of the labels which the image [3, height, width] shows; 0 is never one.

    A region is a label or, where labels are parts of one thing, often all of them, and mostly its largest
    connected part; larger ones, and those that fill less of their box, are more likely.
    """
    labels, wholes = scene.labels, np.array(scene.wholes)
    grey = image.mean(0, dtype=np.float32)
    areas = np.bincount(labels.ravel(), minlength=len(wholes)).astype(float)
    areas[0] = 0
    smallest = SMALLEST_AREA * labels.size / 256**2
    usable = np.flatnonzero((areas >= smallest) & (areas <= LARGEST_AREA * labels.size))
    if not len(usable):
        return []
    weights = np.array([WEIGHTS[tissue] for tissue in scene.tissues])
    # The rest of a scene may be fewer regions than are wanted: what is hardly ever meant is left out before they are counted.
    usable = usable[random.random(len(usable)) < 2 * weights[usable]]
    boxes, found = find_objects(labels), []
    box_areas = np.array([np.prod([side.stop - side.start for side in boxes[label - 1]]) for label in usable])
    fill = np.maximum(areas[usable] / box_areas, LEAST_COUNTED_FILL)
    fill[box_areas > LARGEST_COUNTED_BOX * labels.size] = 1
    keys = random.random(len(usable)) ** (fill / (weights[usable] * areas[usable] ** 0.25))
    largest_alone = LARGEST_ALONE_OF_BODIES if scene.family == BODY else LARGEST_ALONE
    for index in usable[np.argsort(-keys)]:
        parts = np.flatnonzero((wholes == wholes[index]) & (areas > 0))
        if len(parts) > 1 and random.random() < WHOLE:
            mask = np.isin(np.arange(len(wholes)), parts)[labels]
        else:
            mask = np.zeros(labels.shape, bool)
            near = boxes[index - 1]
            mask[near] = labels[near] == index
        mask = chosen_part(mask, random.random() < largest_alone)
        area = mask.sum()
        x0, y0, x1, y1 = bounding_box(mask)
        dense = smallest <= area <= LARGEST_AREA * labels.size
        if dense and area >= LEAST_BOX_FILL * (x1 - x0) * (y1 - y0) and is_visible(mask, grey):
            found.append(mask)
        if len(found) == count:
            break
    return found


def chosen_part(mask: np.ndarray, only_largest: bool) -> np.ndarray:
    """The mask, or its largest connected part."""
    if not only_largest:
        return mask
    x0, y0, x1, y1 = bounding_box(mask).astype(int)
    result = np.zeros_like(mask)
    result[y0:y1, x0:x1] = largest_part(mask[y0:y1, x0:x1])
    return result


def is_visible(mask: np.ndarray, grey: np.ndarray) -> bool:
    """Whether the surroundings differ from the region's mean: nobody marks what cannot be seen."""
    x0, y0, x1, y1 = bounding_box(mask).astype(int)
    near = np.s_[max(0, y0 - 5) : y1 + 5, max(0, x0 - 5) : x1 + 5]
    inside, smooth = mask[near], uniform_filter(grey[near], 5)
    ring = grown(inside, 4) & ~grown(inside, 1)
    if not ring.any():
        return False
    values = smooth[inside]
    return bool(np.abs(smooth[ring] - values.mean()).mean() >= LEAST_CONTRAST + 0.5 * values.std())
