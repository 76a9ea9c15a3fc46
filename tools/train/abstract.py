"""Scenes that know nothing of anatomy: partitions by competing random fields, ellipses, crescents, holes."""

import numpy as np

from drawer import Drawer
from label_map import ANY, Scene
from shapes import Mask, ellipse_radius


class AbstractDrawer(Drawer):
    """Draws an abstract scene."""

    def draw_abstract(self, scene: Scene) -> None:
        uniform = self.random.uniform
        warped = self.warped(uniform(0, 0.2))
        inside = np.ones((self.size, self.size), bool)
        if self.chance(0.8):
            body = ellipse_radius(*warped, (0, 0), (uniform(0.6, 1.1), uniform(0.5, 1.0))) < 1
            inside = body & (ellipse_radius(*warped, (0, 0), (uniform(0.5, 1.0), uniform(0.4, 0.9))) < 1)
            scene.add(body, ANY)
            scene.add(inside, ANY)
        if self.chance(0.5):
            self.draw_partition(scene, inside)
        for _ in range(self.random.integers(4, 24)):
            radius = np.exp(uniform(np.log(0.02), np.log(0.6)))
            shape = self.random_ellipse(warped if self.chance(0.5) else (self.x, self.y), radius)
            whole = scene.add(shape, ANY)
            if radius > 0.15 and self.chance(0.2):
                self.draw_vessels(scene, shape)
            elif radius > 0.1 and self.chance(0.25):  # two parts that differ
                scene.add(shape & (self.field(0, 4) > uniform(-0.5, 0.5)), ANY, whole)
        if self.chance(0.15):
            root = tuple(uniform(-0.7, 0.7, 2))
            scene.add(self.branches(root, uniform(0, 6.3), uniform(0.03, 0.1), uniform(0.2, 0.5)), ANY)

    def draw_partition(self, scene: Scene, inside: Mask) -> None:
        """Regions by competing fields, some with a thin seam of another brightness between them."""
        coarsest = int(self.random.integers(0, 4))
        competing = np.stack([self.field(coarsest, coarsest + 1) for _ in range(self.random.integers(3, 9))])
        keep = inside & (self.field(0, 3) > self.random.uniform(-1, 0.5))
        winner = competing.argmax(0)
        if self.chance(0.5):
            scene.add(keep, ANY)  # the seam's brightness
            ordered = np.partition(competing, -2, axis=0)
            keep = keep & (ordered[-1] - ordered[-2] > self.random.uniform(0.02, 0.15))
        for index in range(len(competing)):
            scene.add(keep & (winner == index), ANY)
