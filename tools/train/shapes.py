"""Random smooth fields and the masks of simple shapes on a square grid.

Coordinates run from -1 to 1 on both axes, `x` to the right and `y` down; every array is [height, width].
"""

import numpy as np
import torch
import torch.nn.functional as functional
from scipy.ndimage import label as components

Mask = np.ndarray
Field = np.ndarray

FIELD_SCALES = (3, 4, 6, 8, 12, 16, 24, 48, 96)  # control points along a side, coarse to fine
FIELDS_PER_SCALE = 24


class Fields:
    """A bank of smooth random fields of unit variance or so; `draw` cuts and flips one of them."""

    def __init__(self, size: int, seed: int):
        self.size, self.bank_size = size, size * 3 // 2
        generator = torch.Generator().manual_seed(seed)
        self.bank: list[np.ndarray] = []
        for scale in FIELD_SCALES:
            points = torch.randn(FIELDS_PER_SCALE, 1, scale, scale, generator=generator)
            side = (self.bank_size, self.bank_size)
            fields = functional.interpolate(points, size=side, mode="bicubic", align_corners=False)
            self.bank.append(fields[:, 0].half().numpy())

    def draw(self, random: np.random.Generator, coarsest: int, finest: int) -> Field:
        """A field [size, size] whose scale is drawn between two indices of `FIELD_SCALES`."""
        fields = self.bank[random.integers(coarsest, finest + 1)]
        field = fields[random.integers(len(fields))]
        top, left = random.integers(0, self.bank_size - self.size + 1, 2)
        field = field[top : top + self.size, left : left + self.size]
        if random.random() < 0.5:
            field = field[::-1]
        if random.random() < 0.5:
            field = field[:, ::-1]
        if random.random() < 0.5:
            field = field.T
        return field.astype(np.float32)


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates `x` and `y` of the pixels, each [size, size] in -1..1."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2 - 1
    return x, y


def ellipse_radius(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0
) -> np.ndarray:
    """The elliptical distance from the centre: below 1 inside the ellipse."""
    along, across = ellipse_coordinates(x, y, centre, radii, angle)
    return np.sqrt(along**2 + across**2)


def ellipse_coordinates(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radii: tuple[float, float], angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in the ellipse's own frame, in units of its radii."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    along = (dx * cosine + dy * sine) / np.float32(radii[0])
    across = (dy * cosine - dx * sine) / np.float32(radii[1])
    return along, across


def angle_from(angle: np.ndarray, origin: float) -> np.ndarray:
    """The angle counted from another origin, in -pi..pi."""
    return (angle - np.float32(origin) + np.float32(np.pi)) % np.float32(2 * np.pi) - np.float32(np.pi)


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask dilated by some pixels, as by so many steps to the four neighbours."""
    result = mask
    for _ in range(pixels):
        more = result.copy()
        more[1:] |= result[:-1]
        more[:-1] |= result[1:]
        more[:, 1:] |= result[:, :-1]
        more[:, :-1] |= result[:, 1:]
        result = more
    return result


def shrunk(mask: Mask, pixels: int) -> Mask:
    """The mask eroded by some pixels; beyond the edge counts as inside."""
    return ~grown(~mask, pixels)


def largest_part(mask: Mask) -> Mask:
    """The largest connected component."""
    parts, count = components(mask)
    if count <= 1:
        return mask
    return parts == 1 + np.bincount(parts.ravel())[1:].argmax()


def bounding_box(mask: Mask) -> np.ndarray:
    """x0, y0, x1, y1 in pixels, end-exclusive."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
