"""A scene before it is painted: regions, details inside them, and what each is made of."""

from dataclasses import dataclass, field, replace

import numpy as np

from shapes import Mask

ANY, AIR, FAT, SOFT, BONE = range(5)  # what a label is made of; ANY is painted in any brightness


@dataclass
class Scene:
    """Regions that can be asked for (`labels`), and details that belong to them (`details`)."""

    labels: np.ndarray  # [height, width] int16; 0 is the background
    details: np.ndarray  # [height, width] int16; 0 is none
    tissues: list[int] = field(default_factory=lambda: [AIR])  # of each label
    detail_tissues: list[int] = field(default_factory=lambda: [ANY])  # of each detail
    is_body: bool = False

    def add(self, mask: Mask, tissue: int) -> None:
        """Draws a new label over what is there."""
        self.labels[mask] = len(self.tissues)
        self.tissues.append(tissue)

    def add_detail(self, mask: Mask, tissue: int) -> None:
        self.details[mask] = len(self.detail_tissues)
        self.detail_tissues.append(tissue)

    def turned(self, quarters: int, flipped: bool) -> "Scene":
        """The scene rotated by quarter turns, then perhaps mirrored."""

        def turn(values: np.ndarray) -> np.ndarray:
            values = np.rot90(values, quarters)
            return np.ascontiguousarray(values[::-1] if flipped else values)

        return replace(self, labels=turn(self.labels), details=turn(self.details))
