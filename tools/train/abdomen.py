"""Sections through an abdomen as anatomy lays it out: what lies where, and in how wide a range.

Angles are the frame's: 0 to the liver's side, a quarter turn (negative: y runs down) to the front.
"""

import numpy as np

from label_map import BLOOD, BONE, FLUID, LUNG, SOFT, Scene
from organs import OrganDrawer

FRONT = -np.pi / 2


class AbdomenDrawer(OrganDrawer):
    """Draws the organs of one level, between the kidneys' lower poles (0) and the diaphragm's dome (1)."""

    level: float
    side: int  # of the picture, on which the liver lies: 1 is right

    def draw_abdomen(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """What is drawn first keeps its shape; the bowel takes what is left."""
        uniform = self.random.uniform
        self.level, self.side = uniform(), self.random.choice([-1, 1])
        self.great_vessels(scene)
        if self.level > 0.75:
            self.lungs_behind(scene, cavity)
        if self.level < 0.75:
            for side in (-1, 1):
                if self.chance(0.9):
                    self.kidney(scene, side)
        if self.level < 0.7 and self.chance(0.6):
            self.gallbladder(scene, cavity)
        if self.chance(0.95):
            self.liver(scene, cavity)
        if self.level > 0.15 and self.chance(0.85):
            self.spleen(scene, cavity)
        if self.level > 0.3 and self.chance(0.8):
            centre = self.at(cavity, -uniform(0.05, 0.55), uniform(-0.6, -0.05))
            self.hollow(scene, centre, uniform(0.12, 0.35))
        if 0.15 < self.level < 0.7 and self.chance(0.7):
            self.pancreas(scene, cavity)
        for _ in range(int(uniform(0, 36) * (1 - 0.8 * self.level))):
            self.bowel(scene, cavity)
        self.draw_vessels_in_fat(scene)

    def at(self, cavity: tuple[float, float], across: float, down: float) -> tuple[float, float]:
        """A place in shares of the cavity; `across` is positive on the liver's side."""
        return self.side * across * cavity[0], down * cavity[1]

    def towards(self, angle: float) -> float:
        """An angle of a liver on the right, on this liver's side."""
        return angle if self.side > 0 else np.pi - angle

    def great_vessels(self, scene: Scene) -> None:
        """The aorta in front of the spine, the vena cava beside it on the liver's side."""
        uniform, (x, y, radius) = self.random.uniform, self.spine
        own = uniform(0.03, 0.075)
        centre = x - self.side * radius * uniform(-0.2, 0.7), y - (radius + own) * uniform(0.95, 1.25)
        aorta = self.place(scene, self.oval(centre, own, stretch=0.2), BLOOD)
        if self.chance(0.2):
            rim = aorta & ~self.oval(centre, own * uniform(0.75, 0.95), stretch=0.1)
            scene.add_detail(rim & (self.field(3, 6) > 0.5), BONE)  # calcified
        own = uniform(0.03, 0.07)
        centre = x + self.side * radius * uniform(0.4, 1.1), y - (radius + own) * uniform(0.8, 1.15)
        self.place(scene, self.oval(centre, own, stretch=0.8), BLOOD)

    def lungs_behind(self, scene: Scene, cavity: tuple[float, float]) -> None:
        for side in (0, np.pi):
            angle = side + np.cos(side) * self.random.uniform(0, 0.8)
            shape = self.moulded(cavity, angle, self.random.uniform(0.05, 0.4), self.random.uniform(0.5, 1.3))
            self.place(scene, shape, LUNG, gap=0)

    def kidney(self, scene: Scene, side: int) -> None:
        """Beside the spine; its hilum faces the spine and the front."""
        uniform, (x, y, radius) = self.random.uniform, self.spine
        own = uniform(0.08, 0.2)
        centre = x + side * (radius + own * uniform(1.1, 2)), y + uniform(-0.25, 0.1)
        inward = np.arctan2(-uniform(0, 1), -side)
        self.bean_at(scene, centre, own, inward - np.pi / 2)

    def gallbladder(self, scene: Scene, cavity: tuple[float, float]) -> None:
        centre = self.at(cavity, self.random.uniform(0.2, 0.65), self.random.uniform(-0.6, 0.05))
        self.place(scene, self.oval(centre, self.random.uniform(0.04, 0.13)), FLUID)

    def liver(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """A right lobe along the side, a left one along the front: apart below the hilum, one body above it."""
        uniform = self.random.uniform
        right = self.towards(uniform(-0.3, 0.6))
        shape = self.moulded(cavity, right, uniform(0.15, 0.5) + 0.7 * self.level, uniform(0.6, 1.4))
        if self.chance(0.35 + 0.6 * self.level):
            left, reach = self.towards(FRONT + uniform(-0.5, 0.5)), uniform(0.2, 0.6 + 0.5 * self.level)
            shape |= self.moulded(cavity, left, uniform(0.08, 0.3) + 0.4 * self.level, reach)
        if self.chance(self.level):
            centre = self.at(cavity, uniform(0.2, 0.6), uniform(-0.5, 0.1))
            shape |= self.oval(centre, uniform(0.15, 0.3) + 0.2 * self.level)
        if self.chance(0.3):
            shape &= np.abs(self.field(0, 2)) > uniform(0.01, 0.06)
        placed = self.place(scene, shape, SOFT)
        if self.chance(0.75):
            self.draw_vessels(scene, placed)
        for _ in range(self.random.integers(1, 4) if self.chance(0.2) else 0):  # lesions, which are its own
            centre = self.at(cavity, uniform(0, 0.9), uniform(-0.7, 0.5))
            scene.add_detail(placed & self.oval(centre, uniform(0.02, 0.12)), SOFT)

    def spleen(self, scene: Scene, cavity: tuple[float, float]) -> None:
        angle = self.towards(np.pi - self.random.uniform(-0.2, 0.9))
        shape = self.moulded(cavity, angle, self.random.uniform(0.08, 0.5), self.random.uniform(0.25, 0.9))
        self.place(scene, shape, SOFT)

    def pancreas(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """A lobed band across, in front of the great vessels."""
        uniform, (x, y) = self.random.uniform, self.locally_warped(0.05)
        across, down = self.side * x / cavity[0], y / cavity[1]
        middle = uniform(-0.35, 0.05) + uniform(-0.4, 0.4) * across + uniform(-0.5, 0.5) * across**2
        width = uniform(0.03, 0.09) * (1 + 0.5 * self.field(4, 7))
        ends = uniform(-0.6, -0.2) < across, across < uniform(0.1, 0.4)
        self.place(scene, (np.abs(down - middle) < width) & ends[0] & ends[1], SOFT)
