"""Sections through a trunk that never was: see `scenes`. Sizes and places are drawn from wide ranges."""

import numpy as np

from abdomen import AbdomenDrawer
from label_map import BODY, BONE, FAT, MUSCLE, SOFT, Scene
from shapes import angle_from, ellipse_radius, shrunk


class BodyDrawer(AbdomenDrawer):
    """Draws a body from the outside in; each organ takes what the ones before it left free."""

    def draw_body(self, scene: Scene) -> None:
        scene.family = BODY
        uniform = self.random.uniform
        x, y = self.warped(uniform(0, 0.08))
        self.frame = x, y
        width, height = uniform(0.7, 1.05), uniform(0.5, 0.9)
        depth = ellipse_radius(x, y, (0, 0), (width, height))
        fat_end = 1 - uniform(0.02, 0.22)
        wall_end = fat_end - uniform(0.04, 0.2)
        if self.chance(0.6):
            self.draw_table(scene, height)
        scene.add(depth < 1, MUSCLE)  # the skin
        scene.add(depth < 1 - uniform(0.005, 0.03), FAT)
        scene.add(depth < fat_end, MUSCLE)
        self.draw_ribs(scene, (width, height), (fat_end + wall_end) / 2)
        cavity = depth < wall_end
        scene.add(cavity, FAT)
        self.taken = ~cavity
        self.draw_spine(scene, height)
        extent = width * wall_end, height * wall_end
        draw = self.random.choice([self.draw_chest, self.draw_abdomen, self.draw_organs], p=[0.22, 0.53, 0.25])
        draw(scene, extent)

    def draw_table(self, scene: Scene, height: float) -> None:
        uniform = self.random.uniform
        top = height + uniform(-0.02, 0.08) - uniform(0, 0.2) * self.x**2
        below = self.y - top
        thickness = uniform(0.01, 0.06)
        scene.add((below > 0) & (below < thickness), MUSCLE if self.chance(0.7) else BONE)

    def draw_ribs(self, scene: Scene, radii: tuple[float, float], depth: float) -> None:
        """Bones in the wall: short arcs that lie along it."""
        uniform = self.random.uniform
        x, y = self.frame
        distance, angle = ellipse_radius(x, y, (0, 0), radii), np.arctan2(y / radii[1], x / radii[0])
        has_marrow = self.chance(0.4)
        for _ in range(self.random.integers(0, 15)):
            offset = angle_from(angle, uniform(-np.pi, np.pi))
            length, thickness = uniform(0.03, 0.25), uniform(0.015, 0.045)
            rib = (offset / length) ** 2 + ((distance - depth - uniform(-0.03, 0.03)) / thickness) ** 2
            scene.add(rib < 1, BONE)
            if has_marrow:
                scene.add_detail(rib < 0.5, SOFT)

    def draw_spine(self, scene: Scene, height: float) -> None:
        uniform = self.random.uniform
        radius, x, y = uniform(0.09, 0.18), uniform(-0.08, 0.08), height * uniform(0.4, 0.65)
        for side in (-1, 1):  # muscles beside it, and processes of bone
            muscle = self.oval(
                (x + side * radius * uniform(1.3, 2), y + radius * uniform(-0.4, 0.8)),
                radius * uniform(0.5, 1.2),
            )
            self.place(scene, muscle, MUSCLE, gap=0)
            process = self.oval(
                (x + side * radius * uniform(0.7, 1.3), y + radius * uniform(0.7, 1.6)),
                radius * uniform(0.2, 0.5),
                stretch=0.9,
            )
            scene.add(process, BONE)
            self.taken |= process
        vertebra, canal = self.oval((x, y), radius), self.oval((x, y + radius * 1.1), radius * 0.45)
        scene.add(vertebra, BONE)
        if self.chance(0.5):  # spongy bone within a rim
            scene.add_detail(shrunk(vertebra, max(1, round(self.size * uniform(0.004, 0.012)))), SOFT)
        scene.add(canal, SOFT)
        if self.chance(0.3):
            scene.add(shrunk(canal, round(self.size * 0.015)), SOFT)  # the cord in its fluid
        self.taken |= vertebra | canal
        self.spine = x, y, radius
