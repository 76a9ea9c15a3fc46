"""Microscopy: cells with nuclei, apart or packed, some in clusters, on a plain or a fibrous ground."""

import numpy as np

from drawer import Drawer
from label_map import CELL, CELLS, NUCLEUS, Scene
from shapes import ellipse_coordinates

LARGEST_NUMBER = 60


class CellDrawer(Drawer):
    """Draws a field of view."""

    def draw_cells(self, scene: Scene) -> None:
        scene.family = CELLS
        uniform = self.random.uniform
        typical = np.exp(uniform(np.log(0.035), np.log(0.25)))
        stretch, roughness = uniform(0, 0.8), uniform(0, 0.35)
        if self.chance(0.3):
            scene.add_detail(np.abs(self.field(3, 6)) < uniform(0.05, 0.3), CELL)  # fibres of the ground
        number = int(min(LARGEST_NUMBER, uniform(0.2, 0.9) / typical**2))
        packed = self.chance(0.3)
        centres = self.packed_centres(number) if packed else uniform(-1, 1, (number, 2))
        for centre in centres:
            self.draw_cell(scene, centre, typical * np.exp(uniform(-0.3, 0.3)), stretch, roughness)

    def packed_centres(self, number: int) -> np.ndarray:
        """A shaken lattice."""
        side = max(2, int(np.sqrt(number)))
        lattice = (np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) + 0.5) / side
        return lattice * 2 - 1 + self.random.uniform(-0.5, 0.5, lattice.shape) / side

    def draw_cell(
        self, scene: Scene, centre: np.ndarray, radius: float, stretch: float, roughness: float
    ) -> None:
        """A cell within the square around it, under what comes later and over what came before."""
        uniform = self.random.uniform
        low = np.clip(((centre - 1.9 * radius + 1) * self.size / 2).astype(int), 0, self.size)
        high = np.clip(((centre + 1.9 * radius + 1) * self.size / 2).astype(int) + 1, 0, self.size)
        near = np.s_[low[1] : high[1], low[0] : high[0]]
        if self.x[near].size == 0:
            return
        wobble = np.float32(roughness) * self.field(3, 6)[near]
        aspect, angle = np.exp(uniform(-stretch, stretch) / 2), uniform(0, np.pi)
        along, across = ellipse_coordinates(
            self.x[near], self.y[near], tuple(centre), (radius * aspect, radius / aspect), angle
        )
        distance = np.sqrt(along**2 + across**2) + wobble
        labels = scene.labels[near]
        whole = len(scene.tissues)
        labels[distance < 1] = whole
        scene.details[near][distance < 1] = 0
        scene.tissues.append(CELL)
        scene.wholes.append(whole)
        if self.chance(0.85):
            offset, size = uniform(-0.3, 0.3, 2), uniform(0.25, 0.7)
            nucleus = ((along - offset[0]) ** 2 + (across - offset[1]) ** 2 < size**2) & (distance < 1)
            labels[nucleus] = whole + 1
            scene.tissues.append(NUCLEUS)
            scene.wholes.append(whole)
