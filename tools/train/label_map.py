"""A scene before it is painted: regions, details inside them, and what each is made of."""

from dataclasses import dataclass, field, replace

import numpy as np

from shapes import Mask

# What a label is made of; ANY is painted in any brightness.
ANY, AIR, LUNG, FAT, FLUID, MUSCLE, SOFT, BLOOD, BONE, CELL, NUCLEUS, GROUND, THING = range(13)
ABSTRACT, BODY, CELLS, PHOTO = "abstract", "body", "cells", "photo"  # families of scenes


@dataclass
class Scene:
    """Regions that can be asked for (`labels`), and details that belong to them (`details`)."""

    labels: np.ndarray  # [height, width] int16; 0 is the background
    details: np.ndarray  # [height, width] int16; 0 is none
    tissues: list[int] = field(default_factory=lambda: [AIR])  # of each label
    wholes: list[int] = field(default_factory=lambda: [0])  # labels of one number are parts of one thing
    detail_tissues: list[int] = field(default_factory=lambda: [ANY])  # of each detail
    family: str = ABSTRACT
    colours: np.ndarray | None = None  # [height, width, 3] uint8, of photographs only

    def add(self, mask: Mask, tissue: int, whole: int | None = None) -> int:
        """Draws a new label over what is there, perhaps as a part of the thing `whole`; its number."""
        label = len(self.tissues)
        self.labels[mask] = label
        self.details[mask] = 0
        self.tissues.append(tissue)
        self.wholes.append(label if whole is None else whole)
        return label

    def add_detail(self, mask: Mask, tissue: int) -> None:
        """Draws a new detail, which changes what a region looks like and not what it is."""
        self.details[mask] = len(self.detail_tissues)
        self.detail_tissues.append(tissue)

    def turned(self, quarters: int, flipped: bool) -> "Scene":
        """The scene rotated by quarter turns, then perhaps mirrored."""
        return self.mapped(lambda values: flip(np.rot90(values, quarters), flipped))

    def cropped(self, top: int, left: int, side: int) -> "Scene":
        """A square of the scene, enlarged to the scene's size by nearest neighbours."""
        size = self.labels.shape[0]
        steps = np.arange(size) * side // size
        return self.mapped(lambda values: values[top + steps][:, left + steps])

    def mapped(self, change) -> "Scene":
        """The scene with the same change to all its maps."""
        colours = None if self.colours is None else change(self.colours)
        return replace(self, labels=change(self.labels), details=change(self.details), colours=colours)


def flip(values: np.ndarray, flipped: bool) -> np.ndarray:
    """Upside down, or as it is; contiguous."""
    return np.ascontiguousarray(values[::-1] if flipped else values)
