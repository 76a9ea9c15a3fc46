"""Sections through a trunk that never was: see `scenes`. Sizes and places are drawn from wide ranges."""

import numpy as np

from label_map import AIR, BONE, FAT, SOFT, Scene
from shapes import Fields, Mask, ellipse_coordinates, ellipse_radius, grid, grown


class Drawer:
    """What all families of scenes need: a generator, the bank of fields, the coordinates of the pixels."""

    def __init__(self, size: int, seed: int):
        self.size, self.fields = size, Fields(size, seed)
        self.x, self.y = grid(size)
        self.random = np.random.default_rng(seed)  # replaced for each scene

    def warped(self, amount: float) -> tuple[np.ndarray, np.ndarray]:
        draw = self.fields.draw
        return self.x + amount * draw(self.random, 0, 3), self.y + amount * draw(self.random, 0, 3)

    def draw_vessels(self, scene: Scene, inside: Mask) -> None:
        """Branching lines and dots, slightly brighter or darker, which belong to the organ."""
        scale = int(self.random.integers(3, 6))
        lines = np.abs(self.fields.draw(self.random, scale, scale)) < self.random.uniform(0.02, 0.12)
        lines &= self.fields.draw(self.random, 3, 5) > self.random.uniform(-0.5, 1)
        scene.add_detail(inside & lines, SOFT)


class BodyDrawer(Drawer):
    """Draws a body from the outside in; each organ takes what the ones before it left free."""

    def draw_body(self, scene: Scene) -> None:
        scene.is_body = True
        uniform = self.random.uniform
        x, y = self.warped(uniform(0, 0.08))
        self.frame = x, y
        width, height = uniform(0.7, 1.05), uniform(0.5, 0.9)
        depth = ellipse_radius(x, y, (0, 0), (width, height))
        fat_end = 1 - uniform(0.02, 0.22)
        wall_end = fat_end - uniform(0.04, 0.2)
        if self.random.random() < 0.6:
            self.draw_table(scene, height)
        scene.add(depth < 1, SOFT)  # the skin
        scene.add(depth < 1 - uniform(0.005, 0.03), FAT)
        scene.add(depth < fat_end, SOFT)
        self.draw_ribs(scene, (width, height), (fat_end + wall_end) / 2)
        cavity = depth < wall_end
        scene.add(cavity, FAT)
        self.taken = ~cavity
        self.draw_spine(scene, height)
        self.draw_organs(scene, (width * wall_end, height * wall_end))
        if self.random.random() < 0.3:
            lung = ~self.taken & (self.fields.draw(self.random, 0, 1) > uniform(-0.5, 0.8))
            scene.add(lung, AIR)

    def draw_table(self, scene: Scene, height: float) -> None:
        uniform = self.random.uniform
        top = height + uniform(-0.02, 0.08) - uniform(0, 0.2) * self.x**2
        below = self.y - top
        thickness = uniform(0.01, 0.06)
        scene.add((below > 0) & (below < thickness), SOFT if self.random.random() < 0.7 else BONE)

    def draw_ribs(self, scene: Scene, radii: tuple[float, float], depth: float) -> None:
        """Bones in the wall: short arcs that lie along it."""
        uniform = self.random.uniform
        x, y = self.frame
        distance, angle = ellipse_radius(x, y, (0, 0), radii), np.arctan2(y / radii[1], x / radii[0])
        for _ in range(self.random.integers(0, 15)):
            offset = np.angle(np.exp(1j * (angle - uniform(-np.pi, np.pi)))).astype(np.float32)
            length, thickness = uniform(0.03, 0.25), uniform(0.015, 0.045)
            rib = (offset / length) ** 2 + ((distance - depth - uniform(-0.03, 0.03)) / thickness) ** 2 < 1
            scene.add(rib, BONE)

    def draw_spine(self, scene: Scene, height: float) -> None:
        uniform = self.random.uniform
        radius, x, y = uniform(0.09, 0.18), uniform(-0.08, 0.08), height * uniform(0.4, 0.65)
        for side in (-1, 1):  # muscles beside it, and processes of bone
            muscle = self.oval(
                (x + side * radius * uniform(1.3, 2), y + radius * uniform(-0.4, 0.8)),
                radius * uniform(0.5, 1.2),
            )
            self.place(scene, muscle, SOFT, gap=0)
            process = self.oval(
                (x + side * radius * uniform(0.7, 1.3), y + radius * uniform(0.7, 1.6)),
                radius * uniform(0.2, 0.5),
                stretch=0.9,
            )
            scene.add(process, BONE)
            self.taken |= process
        vertebra, canal = self.oval((x, y), radius), self.oval((x, y + radius * 1.1), radius * 0.45)
        scene.add(vertebra, BONE)
        scene.add(canal, SOFT)
        self.taken |= vertebra | canal
        self.spine = x, y, radius

    def draw_organs(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Organs in a random order: each takes what the ones before left free."""
        kinds = [self.vessel] * self.random.integers(1, 4) + [self.bean] * self.random.integers(0, 4)
        kinds += [self.lobed] * self.random.integers(1, 4) + [self.crescent] * self.random.integers(0, 2)
        kinds += [self.bag] * self.random.integers(0, 4)
        kinds = [kinds[index] for index in self.random.permutation(len(kinds))]
        for draw in kinds + [self.bowel] * self.random.integers(0, 9):
            draw(scene, cavity)

    def vessel(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Round, beside the spine, often touching it."""
        uniform = self.random.uniform
        x, y, radius = self.spine
        own = uniform(0.03, 0.09)
        angle, distance = uniform(-np.pi, 0), (radius + own) * uniform(0.95, 1.3)
        shape = self.oval((x + np.cos(angle) * distance, y + np.sin(angle) * distance), own, stretch=0.25)
        self.place(scene, shape, SOFT)
        if self.random.random() < 0.15:  # calcified
            lumen = self.oval(
                (x + np.cos(angle) * distance * 0.95, y + np.sin(angle) * distance), own, stretch=0.1
            )
            scene.add_detail(shape & ~lumen, BONE)

    def bean(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """An oval whose hilum (a notch, or a hole) is of another tissue and not part of it."""
        uniform = self.random.uniform
        radius, angle = uniform(0.08, 0.26), uniform(0, 2 * np.pi)
        centre = self.somewhere(cavity)
        aspect = np.exp(uniform(0, 0.35))
        x, y = self.locally_warped(radius * uniform(0, 0.2))
        along, across = ellipse_coordinates(x, y, centre, (radius * aspect, radius / aspect), angle)
        shape = along**2 + across**2 < 1
        sinus = np.zeros_like(shape)
        if self.random.random() < 0.75:
            depth, size = uniform(0.1, 1.1), uniform(0.2, 0.6)
            wobble = 0.25 * self.fields.draw(self.random, 4, 6)
            sinus = ((along + 0.4 * wobble) / (size * 1.4)) ** 2 + ((across - depth + wobble) / size) ** 2 < 1
        fresh = shape & ~self.taken
        self.place(scene, shape & ~sinus, SOFT)
        if self.random.random() < 0.35:  # the pelvis: soft as well, between fat and organ
            pelvis = fresh & sinus & (self.fields.draw(self.random, 4, 6) > uniform(-1, 1))
            scene.add(pelvis, SOFT)
            self.taken |= pelvis
        elif self.random.random() < 0.5:
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
        if self.random.random() < 0.4:  # a fissure
            shape &= np.abs(self.fields.draw(self.random, 0, 2)) > uniform(0.01, 0.06)
        placed = self.place(scene, shape, SOFT)
        if self.random.random() < 0.75:
            self.draw_vessels(scene, placed)
        if self.random.random() < 0.3:  # a pouch or lesion of its own in it or at its edge
            pouch = self.oval(
                (x + uniform(-1, 1) * size, y + uniform(-1, 1) * size), size * uniform(0.1, 0.35)
            )
            scene.add(pouch & grown(placed, 2), SOFT)

    def crescent(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """Moulded along the wall."""
        uniform = self.random.uniform
        x, y = self.locally_warped(uniform(0, 0.06))
        angle = uniform(-np.pi, np.pi)
        offset = np.angle(np.exp(1j * (np.arctan2(y / cavity[1], x / cavity[0]) - angle))).astype(np.float32)
        inner = 1 - uniform(0.15, 0.5) * (1 - (offset / uniform(0.3, 0.9)) ** 2)
        distance = ellipse_radius(x, y, (0, 0), cavity)
        self.place(scene, (distance > inner) & (distance < 1 - uniform(0, 0.05)), SOFT)

    def bag(self, scene: Scene, cavity: tuple[float, float]) -> None:
        """A hollow organ: wall, contents of another brightness, sometimes gas that floats on top."""
        uniform = self.random.uniform
        centre, radius = self.somewhere(cavity), uniform(0.1, 0.35)
        placed = self.place(scene, self.oval(centre, radius, stretch=0.5), SOFT)
        if self.random.random() < 0.5:
            scene.add_detail(
                placed & (self.y < centre[1] - radius * uniform(-0.3, 0.7)) & self.oval(centre, radius * 0.9),
                AIR,
            )
        elif self.random.random() < 0.5:
            scene.add(placed & self.oval(centre, radius * uniform(0.5, 0.9)), SOFT)

    def bowel(self, scene: Scene, cavity: tuple[float, float]) -> None:
        uniform = self.random.uniform
        centre, radius = self.somewhere(cavity), uniform(0.03, 0.12)
        placed = self.place(scene, self.oval(centre, radius), SOFT)
        if self.random.random() < 0.3:
            scene.add_detail(placed & self.oval(centre, radius * uniform(0.3, 0.7)), AIR)

    # -- parts

    def place(self, scene: Scene, shape: Mask, tissue: int, gap: int | None = None) -> Mask:
        """Draws a shape where nothing is yet, a gap of 0-3 pixels (at 256) away from what is there."""
        if gap is None:
            gap = round(self.random.choice([0, 0, 1, 2, 3]) * self.size / 256)
        placed = shape & ~grown(self.taken, gap)
        scene.add(placed, tissue)
        self.taken = self.taken | placed
        return placed

    def oval(self, centre: tuple[float, float], radius: float, stretch: float = 0.6) -> Mask:
        """A slightly warped ellipse."""
        uniform = self.random.uniform
        aspect = np.exp(uniform(-stretch, stretch) / 2)
        x, y = self.locally_warped(radius * uniform(0, 0.3)) if radius > 0.05 else self.frame
        return ellipse_radius(x, y, centre, (radius * aspect, radius / aspect), uniform(0, np.pi)) < 1

    def somewhere(self, cavity: tuple[float, float]) -> tuple[float, float]:
        angle, distance = self.random.uniform(0, 2 * np.pi), np.sqrt(self.random.uniform(0, 0.9))
        return float(np.cos(angle) * distance * cavity[0]), float(np.sin(angle) * distance * cavity[1])

    def locally_warped(self, amount: float) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.frame
        scale = int(self.random.integers(1, 5))
        draw = self.fields.draw
        return (
            x + np.float32(amount) * draw(self.random, scale, scale),
            y + np.float32(amount) * draw(self.random, scale, scale),
        )
