"""Points of space in millimetres and the shapes they are in, and the slice that is drawn on them."""

from dataclasses import dataclass

import numpy as np

LABELS = {"spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 4, "aorta": 5}

AIR, LUNG, FAT, SKIN, MUSCLE, BONE, MARROW, DISC = -1000, -850, -105, 20, 58, 520, 210, 85
LIVER, LIVER_VEIN, SPLEEN, CORTEX, MEDULLA, AORTA, CAVA = 112, 152, 126, 196, 158, 172, 148
STOMACH_WALL, STOMACH, BILE, PANCREAS, BOWEL_WALL, BOWEL, CORD = 75, 28, 8, 92, 80, 35, 38


@dataclass
class Space:
    """The points of one slice, gently bent so that nothing is a perfect ellipse."""

    left: np.ndarray  # [height, width]
    front: np.ndarray
    up: float

    def bent(self, amount: float, phase: float) -> "Space":
        wave = np.sin(self.front / 31 + 1.7 * phase + self.up / 40) + 0.6 * np.sin(
            self.left / 17 - 2.3 * phase
        )
        other = np.sin(self.left / 29 + 2.9 * phase - self.up / 37) + 0.6 * np.sin(self.front / 19 + phase)
        return Space(self.left + amount * wave, self.front + amount * other, self.up)

    def ellipsoid(
        self,
        centre: tuple[float, float, float],
        radii: tuple[float, float, float],
        turn: float = 0.0,
        lean: tuple[float, float] = (0.0, 0.0),
    ) -> np.ndarray:
        """Distance from the centre in units of the radii, [height, width]: below 1 inside.

        `turn` is in degrees in the slice; `lean` moves the centre per millimetre upwards.
        """
        rise = self.up - centre[2]
        x, y = self.left - centre[0] - lean[0] * rise, self.front - centre[1] - lean[1] * rise
        cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        along, across = (x * cosine + y * sine) / radii[0], (y * cosine - x * sine) / radii[1]
        return np.sqrt(along**2 + across**2 + (rise / radii[2]) ** 2)

    def tube(
        self, start: tuple[float, float, float], end: tuple[float, float, float], radius: float
    ) -> np.ndarray:
        """Whether a point lies within a radius of the segment that joins two points."""
        origin, direction = np.array(start), np.array(end) - np.array(start)
        offset = np.stack(
            [self.left - origin[0], self.front - origin[1], np.full_like(self.left, self.up - origin[2])]
        )
        along = np.clip(np.tensordot(direction, offset, 1) / (direction @ direction), 0, 1)
        return (((offset - direction[:, None, None] * along) ** 2).sum(0)) < radius**2


class Slice:
    """Density and labels of one slice, drawn from the outside in."""

    def __init__(self, space: Space):
        self.space = space
        self.density = np.full(space.left.shape, AIR, np.float32)
        self.labels = np.zeros(space.left.shape, np.uint8)

    def fill(self, where: np.ndarray, density: float, label: int = 0) -> None:
        self.density[where] = density
        self.labels[where] = label
