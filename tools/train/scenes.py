"""Label maps of synthetic scenes, of two families.

`abstract` scenes know nothing of anatomy: partitions by competing random fields, ellipses, crescents, holes.
`body` scenes look like a section through a trunk: rim of fat, muscle wall, spine and ribs, a cavity of fat
filled with lobed, bean-shaped and round organs that touch the wall, bones and each other, often with only a
thin line of fat between. Nothing in them comes from a patient: sizes and places are drawn from wide ranges.
"""

import numpy as np

from body import BodyDrawer
from label_map import ANY, Scene
from shapes import Mask, ellipse_coordinates, ellipse_radius


class SceneMaker(BodyDrawer):
    """Draws scenes; each is a function of the bank of fields and of the generator that is handed over."""

    def draw(self, random: np.random.Generator) -> Scene:
        self.random = random
        empty = np.zeros((self.size, self.size), np.int16)
        scene = Scene(empty, empty.copy())
        if random.random() < 0.6:
            self.draw_body(scene)
        else:
            self.draw_abstract(scene)
        return scene

    # -- abstract scenes

    def draw_abstract(self, scene: Scene) -> None:
        uniform = self.random.uniform
        warped = self.warped(uniform(0, 0.2))
        inside = np.ones((self.size, self.size), bool)
        if self.random.random() < 0.8:
            body = ellipse_radius(*warped, (0, 0), (uniform(0.6, 1.1), uniform(0.5, 1.0))) < 1
            inside = body & (ellipse_radius(*warped, (0, 0), (uniform(0.5, 1.0), uniform(0.4, 0.9))) < 1)
            scene.add(body, ANY)
            scene.add(inside, ANY)
        if self.random.random() < 0.5:
            self.draw_partition(scene, inside)
        for _ in range(self.random.integers(4, 24)):
            radius = np.exp(uniform(np.log(0.02), np.log(0.6)))
            shape = self.random_ellipse(warped if self.random.random() < 0.5 else (self.x, self.y), radius)
            scene.add(shape, ANY)
            if radius > 0.15 and self.random.random() < 0.2:
                self.draw_vessels(scene, shape)

    def draw_partition(self, scene: Scene, inside: Mask) -> None:
        """Regions by competing fields, some with a thin seam of another brightness between them."""
        coarsest = int(self.random.integers(0, 4))
        competing = np.stack(
            [self.fields.draw(self.random, coarsest, coarsest + 1) for _ in range(self.random.integers(3, 9))]
        )
        keep = inside & (self.fields.draw(self.random, 0, 3) > self.random.uniform(-1, 0.5))
        winner = competing.argmax(0)
        if self.random.random() < 0.5:
            scene.add(keep, ANY)  # the seam's brightness
            ordered = np.partition(competing, -2, axis=0)
            keep = keep & (ordered[-1] - ordered[-2] > self.random.uniform(0.02, 0.15))
        for index in range(len(competing)):
            scene.add(keep & (winner == index), ANY)

    def random_ellipse(self, coordinates: tuple[np.ndarray, np.ndarray], radius: float) -> Mask:
        """An ellipse anywhere, warped, sometimes a crescent or a ring."""
        uniform = self.random.uniform
        x, y = coordinates
        if self.random.random() < 0.75:
            amount, scale = uniform(0, 0.7) * radius, int(self.random.integers(1, 6))
            x = x + amount * self.fields.draw(self.random, scale, scale + 1)
            y = y + amount * self.fields.draw(self.random, scale, scale + 1)
        aspect = np.exp(uniform(-0.7, 0.7))
        along, across = ellipse_coordinates(
            x, y, tuple(uniform(-0.85, 0.85, 2)), (radius * aspect, radius / aspect), uniform(0, np.pi)
        )
        shape = along**2 + across**2 < 1
        if self.random.random() < 0.2:
            bite = uniform(0.4, 0.8)
            shape &= ((along - uniform(-0.7, 0.7)) ** 2 + (across - uniform(-0.7, 0.7)) ** 2) > bite**2
        return shape
