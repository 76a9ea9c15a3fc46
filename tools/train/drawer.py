"""What all families of scenes need: a generator, the bank of fields, the pixels' coordinates."""

import numpy as np
from PIL import Image, ImageDraw

from label_map import SOFT, Scene
from shapes import Fields, Mask, ellipse_coordinates, ellipse_radius, grid


class Drawer:
    """Draws with `random`, which is replaced for each scene."""

    def __init__(self, size: int, seed: int):
        self.size, self.fields = size, Fields(size, seed)
        self.x, self.y = grid(size)
        self.frame = self.x, self.y
        self.random = np.random.default_rng(seed)

    def field(self, coarsest: int, finest: int) -> np.ndarray:
        return self.fields.draw(self.random, coarsest, finest)

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def warped(self, amount: float) -> tuple[np.ndarray, np.ndarray]:
        """The coordinates, moved by coarse fields."""
        return self.x + amount * self.field(0, 3), self.y + amount * self.field(0, 3)

    def locally_warped(self, amount: float) -> tuple[np.ndarray, np.ndarray]:
        """The scene's own coordinates, moved by one field each of one scale."""
        x, y = self.frame
        scale = int(self.random.integers(1, 5))
        return (
            x + np.float32(amount) * self.field(scale, scale),
            y + np.float32(amount) * self.field(scale, scale),
        )

    def oval(self, centre: tuple[float, float], radius: float, stretch: float = 0.6) -> Mask:
        """A slightly warped ellipse."""
        uniform = self.random.uniform
        aspect = np.exp(uniform(-stretch, stretch) / 2)
        x, y = self.locally_warped(radius * uniform(0, 0.3)) if radius > 0.05 else self.frame
        return ellipse_radius(x, y, centre, (radius * aspect, radius / aspect), uniform(0, np.pi)) < 1

    def random_ellipse(self, coordinates: tuple[np.ndarray, np.ndarray], radius: float) -> Mask:
        """An ellipse anywhere, warped, sometimes a crescent or a ring."""
        uniform = self.random.uniform
        x, y = coordinates
        if self.chance(0.75):
            amount, scale = uniform(0, 0.7) * radius, int(self.random.integers(1, 6))
            x = x + amount * self.field(scale, scale + 1)
            y = y + amount * self.field(scale, scale + 1)
        aspect = np.exp(uniform(-0.7, 0.7))
        along, across = ellipse_coordinates(
            x, y, tuple(uniform(-0.85, 0.85, 2)), (radius * aspect, radius / aspect), uniform(0, np.pi)
        )
        distance = along**2 + across**2
        shape = distance < 1
        if self.chance(0.2):
            bite = uniform(0.4, 0.8)
            shape &= ((along - uniform(-0.7, 0.7)) ** 2 + (across - uniform(-0.7, 0.7)) ** 2) > bite**2
        elif self.chance(0.1):
            shape &= distance > uniform(0.3, 0.8)
        return shape

    def polygon(self, corners: np.ndarray) -> Mask:
        """What straight lines between corners [corners, 2] enclose."""
        canvas = Image.new("1", (self.size, self.size))
        ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in self.pixels(corners)], fill=1)
        return np.asarray(canvas)

    def branches(self, root: tuple[float, float], heading: float, width: float, length: float) -> Mask:
        """A tree of lines that divide and grow thinner, as vessels and bronchi do."""
        canvas = Image.new("1", (self.size, self.size))
        draw, uniform, scale = ImageDraw.Draw(canvas), self.random.uniform, self.size / 2
        growing = [(np.array(root), heading, width, length)]
        while growing:
            start, heading, width, length = growing.pop()
            bend = uniform(-0.4, 0.4)
            angles = heading + bend * np.linspace(0, 1, 5)
            steps = np.stack([np.cos(angles), np.sin(angles)], 1) * length / 5
            line = np.concatenate([start[None], start + np.cumsum(steps, 0)])
            pixels = max(1, round(width * scale))
            draw.line([tuple(point) for point in self.pixels(line)], fill=1, width=pixels, joint="curve")
            if width * scale > 0.8:
                for side in (-1, 1):
                    turn, share = side * uniform(0.2, 0.8), uniform(0.55, 0.85)
                    growing.append((line[-1], angles[-1] + turn, width * share, length * uniform(0.6, 0.95)))
        return np.asarray(canvas)

    def pixels(self, coordinates: np.ndarray) -> np.ndarray:
        """Pixel positions of coordinates in -1..1."""
        return (np.asarray(coordinates) + 1) * self.size / 2

    def draw_vessels(self, scene: Scene, inside: Mask) -> None:
        """Branching lines and dots, slightly brighter or darker, which belong to the organ."""
        if self.chance(0.5):
            scale = int(self.random.integers(3, 6))
            lines = np.abs(self.field(scale, scale)) < self.random.uniform(0.02, 0.12)
            lines &= self.field(3, 5) > self.random.uniform(-0.5, 1)
        else:
            lines = self.tree_in(inside)
        scene.add_detail(inside & lines, SOFT)

    def tree_in(self, inside: Mask) -> Mask:
        """A tree that begins at a pixel of a mask and heads for its middle."""
        uniform = self.random.uniform
        rows, columns = np.nonzero(inside)
        if not len(rows):
            return inside
        start = self.random.integers(len(rows))
        x, y = columns[start] * 2 / self.size - 1, rows[start] * 2 / self.size - 1
        middle = np.array([columns.mean() - columns[start], rows.mean() - rows[start]])
        reach = np.sqrt(len(rows)) * 2 / self.size
        heading = float(np.arctan2(middle[1], middle[0])) + uniform(-0.5, 0.5)
        return self.branches((x, y), heading, reach * uniform(0.02, 0.09), reach * uniform(0.25, 0.5))
