"""Organs of a body: each takes what the ones before it left free."""

import numpy as np

from drawer import Drawer
from label_map import AIR, BLOOD, BONE, FLUID, LUNG, SOFT, Scene
from shapes import Mask, angle_from, ellipse_coordinates, ellipse_radius, grown


class OrganDrawer(Drawer):
    """Draws organs into a cavity; `taken` is where something is already, `spine` where the spine is."""

    taken: Mask
    spine: tuple[float, float, float]

    def draw_organs(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Organs in a random order: each takes what the ones before left free."""
        kinds = [self.vessel] * self.random.integers(1, 4) + [self.bean] * self.random.integers(0, 4)
        kinds += [self.lobed] * self.random.integers(1, 4) + [self.crescent] * self.random.integers(0, 2)
        kinds += [self.bag] * self.random.integers(0, 4) + [self.embracing] * self.random.integers(0, 3)
        kinds = [kinds[index] for index in self.random.permutation(len(kinds))]
        for draw in kinds + [self.bowel] * self.random.integers(0, 9):
            draw(scene, cavity)
        self.draw_vessels_in_fat(scene)

    def draw_vessels_in_fat(self, scene: Scene) -> None:
        """Trees of blood in what is left between the organs."""
        for _ in range(self.random.integers(1, 6) if self.chance(0.6) else 0):
            scene.add_detail(~self.taken & self.tree_in(~self.taken), BLOOD)

    def vessel(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Round, beside the spine, often touching it."""
        uniform = self.random.uniform
        x, y, radius = self.spine
        own = uniform(0.03, 0.09)
        angle, distance = uniform(-np.pi, 0), (radius + own) * uniform(0.95, 1.3)
        shape = self.oval((x + np.cos(angle) * distance, y + np.sin(angle) * distance), own, stretch=0.25)
        placed = self.place(scene, shape, BLOOD)
        if self.chance(0.15):  # calcified
            lumen = self.oval(
                (x + np.cos(angle) * distance * 0.95, y + np.sin(angle) * distance), own, stretch=0.1
            )
            scene.add_detail(placed & ~lumen, BONE)
        elif self.chance(0.2):  # dissected, or with a thrombus: two brightnesses and perhaps a thin flap
            side = (self.x - x) * np.cos(angle) + (self.y - y) * np.sin(angle) - distance
            side += own * uniform(-0.5, 0.5) + own * 0.3 * self.field(3, 4)
            scene.add_detail(placed & (side > 0), BLOOD)
            if self.chance(0.5):
                scene.add_detail(placed & (np.abs(side) < uniform(0.004, 0.01)), SOFT)

    def bean(self, scene: Scene, cavity: tuple[float, float]) -> None:
        self.bean_at(scene, self.somewhere(cavity), self.random.uniform(0.08, 0.26), self.random.uniform(0, 2 * np.pi))

    def bean_at(self, scene: Scene, centre: tuple[float, float], radius: float, angle: float) -> None:
        """An oval whose hilum (a notch, or a hole) is of another tissue and not part of it."""
        uniform = self.random.uniform
        aspect = np.exp(uniform(0, 0.35))
        x, y = self.locally_warped(radius * uniform(0, 0.2))
        along, across = ellipse_coordinates(x, y, centre, (radius * aspect, radius / aspect), angle)
        shape = along**2 + across**2 < 1
        sinus = np.zeros_like(shape)
        if self.chance(0.75):
            depth, size = uniform(0.1, 1.1), uniform(0.2, 0.6)
            wobble = 0.25 * self.field(4, 6)
            sinus = ((along + 0.4 * wobble) / (size * 1.4)) ** 2 + ((across - depth + wobble) / size) ** 2 < 1
        fresh = shape & ~self.taken
        placed = self.place(scene, shape & ~sinus, SOFT)
        if self.chance(0.3):  # the marrow within the bark: another brightness of the same organ
            scene.add_detail(
                placed & (along**2 + across**2 + 0.1 * self.field(4, 6) < uniform(0.4, 0.7)), SOFT
            )
        if self.chance(0.5):  # the pelvis: soft as well, between fat and organ; who marks an organ leaves it out
            pelvis = fresh & sinus & (self.field(4, 6) > uniform(-2, 1))
            scene.add(pelvis, FLUID if self.chance(0.6) else SOFT)
            self.taken |= pelvis
        elif self.chance(0.5):
            self.taken |= fresh & sinus  # fat stays there

    def lobed(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """A large organ of two to four lobes against the wall, with vessels and sometimes lesions inside."""
        uniform = self.random.uniform
        side = self.random.choice([-1, 1])
        x, y = side * cavity[0] * uniform(0.1, 0.7), cavity[1] * uniform(-0.6, 0.3)
        size = uniform(0.2, 0.6)
        shape = self.oval((x, y), size, stretch=0.4)
        for _ in range(self.random.integers(1, 4)):
            angle, reach = uniform(0, 2 * np.pi), size * uniform(0.4, 1.3)
            lobe = self.oval((x + np.cos(angle) * reach, y + np.sin(angle) * reach), size * uniform(0.3, 0.8))
            shape |= lobe
        fissure = self.field(0, 2)
        if self.chance(0.4):
            shape &= np.abs(fissure) > uniform(0.01, 0.06)
        placed = self.place(scene, shape, SOFT)
        if self.chance(0.2):  # the lobes differ
            scene.add(placed & (fissure > 0), SOFT, len(scene.tissues) - 1)
        if self.chance(0.75):
            self.draw_vessels(scene, placed)
        if self.chance(0.3):  # a pouch or lesion of its own in it or at its edge
            pouch = self.oval(
                (x + uniform(-1, 1) * size, y + uniform(-1, 1) * size), size * uniform(0.1, 0.35)
            )
            scene.add(pouch & grown(placed, 2), FLUID if self.chance(0.4) else SOFT)

    def crescent(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Moulded along the wall."""
        uniform = self.random.uniform
        shape = self.moulded(cavity, uniform(-np.pi, np.pi), uniform(0.15, 0.5), uniform(0.3, 0.9))
        self.place(scene, shape, SOFT)

    def embracing(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """A large organ along one side and a lobe of it along the front, joined or cut apart by the section.

        The box around both holds much that is neither: as a liver's does below its hilum.
        """
        uniform = self.random.uniform
        angle = uniform(-np.pi, np.pi)
        lobe = angle + self.random.choice([-1, 1]) * uniform(0.7, 2)
        shape = self.moulded(cavity, angle, uniform(0.12, 0.6), uniform(0.4, 1.2))
        shape |= self.moulded(cavity, lobe, uniform(0.08, 0.4), uniform(0.15, 0.7))
        placed = self.place(scene, shape, SOFT)
        if self.chance(0.5):
            self.draw_vessels(scene, placed)

    def bag(self, scene: Scene, cavity: tuple[float, float]) -> None:
        self.hollow(scene, self.somewhere(cavity), self.random.uniform(0.1, 0.35))

    def hollow(self, scene: Scene, centre: tuple[float, float], radius: float) -> None:
        """A hollow organ: wall, contents of another brightness, sometimes gas that floats on top."""
        uniform = self.random.uniform
        placed = self.place(scene, self.oval(centre, radius, stretch=0.5), FLUID if self.chance(0.3) else SOFT)
        if self.chance(0.5):
            scene.add_detail(
                placed & (self.y < centre[1] - radius * uniform(-0.3, 0.7)) & self.oval(centre, radius * 0.9),
                AIR,
            )
        elif self.chance(0.5):
            scene.add(placed & self.oval(centre, radius * uniform(0.5, 0.9)), FLUID if self.chance(0.5) else SOFT)

    def bowel(self, scene: Scene, cavity: tuple[float, float]) -> None:
        uniform = self.random.uniform
        centre, radius = self.somewhere(cavity), uniform(0.03, 0.12)
        placed = self.place(scene, self.oval(centre, radius), SOFT)
        if self.chance(0.3):
            scene.add_detail(placed & self.oval(centre, radius * uniform(0.3, 0.9)), AIR)
        elif self.chance(0.2):  # what it holds is full of bubbles
            scene.add_detail(placed & (self.field(6, 8) > uniform(0, 1.5)), AIR)

    def draw_chest(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Lungs on both sides, with vessels and airways; between them a heart, vessels and fat.

        In half of them the organs below the lungs reach up into them, as where a section cuts the diaphragm's dome.
        """
        uniform = self.random.uniform
        for _ in range(self.random.integers(1, 4)):
            self.vessel(scene, cavity)
        if self.chance(0.5):
            below = [self.lobed] * self.random.integers(1, 3) + [self.bag] * self.random.integers(0, 3)
            for draw in below + [self.crescent] * self.random.integers(0, 2):
                draw(scene, cavity)
        if self.chance(0.8):
            self.heart(scene, cavity)
        for _ in range(self.random.integers(0, 3)):
            self.bowel(scene, cavity)
        middle = np.abs(self.frame[0] - uniform(-0.1, 0.1)) - uniform(0.02, 0.15) * cavity[0]
        lungs = ~grown(self.taken, self.gap()) & (middle + 0.05 * self.field(2, 4) > 0)
        for side in (self.frame[0] < 0, self.frame[0] >= 0):
            lung = lungs & side
            scene.add(lung, LUNG)
            for _ in range(self.random.integers(1, 4)):
                scene.add_detail(lung & self.tree_in(lung), SOFT if self.chance(0.8) else AIR)
            for _ in range(self.random.integers(0, 3)):  # nodules, which are asked for
                scene.add(lung & self.oval(self.somewhere(cavity), uniform(0.02, 0.1)), SOFT)
        self.taken |= lungs

    def heart(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Chambers of blood, each within a wall which is asked for without them, or with them as one."""
        uniform = self.random.uniform
        size = uniform(0.15, 0.35)
        x, y = uniform(-0.3, 0.3) * cavity[0], uniform(-0.4, 0.2) * cavity[1]
        outer = self.oval((x, y), size, stretch=0.5)
        whole = len(scene.tissues)
        placed = self.place(scene, outer, SOFT)
        for angle in uniform(0, 2 * np.pi) + np.arange(self.random.integers(1, 4)) * uniform(1.6, 2.4):
            centre = x + np.cos(angle) * size * 0.45, y + np.sin(angle) * size * 0.45
            chamber = placed & self.oval(centre, size * uniform(0.25, 0.5))
            wall = grown(chamber, round(self.size * uniform(0.008, 0.03))) & placed & ~chamber
            if self.chance(0.6):
                scene.add(wall, SOFT, whole)
            scene.add(chamber, BLOOD, whole)

    # -- parts

    def moulded(self, cavity: tuple[float, float], angle: float, thickness: float, reach: float) -> Mask:
        """A crescent along the wall around an angle: so thick in its middle, so many radians to each side."""
        uniform = self.random.uniform
        x, y = self.locally_warped(uniform(0, 0.06))
        offset = angle_from(np.arctan2(y / cavity[1], x / cavity[0]), angle)
        inner = 1 - thickness * (1 - (offset / reach) ** 2)
        distance = ellipse_radius(x, y, (0, 0), cavity)
        return (distance > inner) & (distance < 1 - uniform(0, 0.05))

    def gap(self) -> int:
        """0-3 pixels of 256 between things."""
        return round(self.random.choice([0, 0, 1, 2, 3]) * self.size / 256)

    def place(self, scene: Scene, shape: Mask, tissue: int, gap: int | None = None) -> Mask:
        """Draws a shape where nothing is yet, a gap of 0-3 pixels (at 256) away from what is there."""
        if gap is None:
            gap = self.gap()
        placed = shape & ~grown(self.taken, gap)
        scene.add(placed, tissue)
        self.taken = self.taken | placed
        return placed

    def somewhere(self, cavity: tuple[float, float]) -> tuple[float, float]:
        angle, distance = self.random.uniform(0, 2 * np.pi), np.sqrt(self.random.uniform(0, 0.9))
        return float(np.cos(angle) * distance * cavity[0]), float(np.sin(angle) * distance * cavity[1])
