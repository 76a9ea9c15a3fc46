"""Label maps of synthetic scenes, of four families.

`abstract` scenes know nothing of anatomy. `body` scenes look like a section through a trunk: rim of fat,
muscle wall, spine and ribs, and either a cavity of fat filled with lobed, bean-shaped and round organs, and
with some in two pieces that embrace others, all touching the wall, bones and each other; or an abdomen whose organs
lie where anatomy has them; or lungs with a heart between them. `cells` are microscopy. `photo` scenes are coloured
things before a ground. Nothing in them comes from a patient: sizes and places are drawn from wide ranges.
"""

from pathlib import Path

import numpy as np

from abstract import AbstractDrawer
from body import BodyDrawer
from cells import CellDrawer
from label_map import ABSTRACT, BODY, CELLS, PHOTO, Scene
from things import PhotoDrawer

SHARES = {BODY: 0.64, ABSTRACT: 0.1, CELLS: 0.05, PHOTO: 0.21}


class SceneMaker(BodyDrawer, AbstractDrawer, CellDrawer, PhotoDrawer):
    """Draws scenes; each is a function of the bank of fields and of the generator that is handed over."""

    def __init__(self, size: int, seed: int, cutouts: Path, held_out: bool):
        super().__init__(size, seed)
        self.open_cutouts(cutouts, held_out)

    def draw(self, random: np.random.Generator) -> Scene:
        """A scene of a family drawn by `SHARES`."""
        self.random, self.frame = random, (self.x, self.y)
        empty = np.zeros((self.size, self.size), np.int16)
        scene = Scene(empty, empty.copy())
        family = str(random.choice(list(SHARES), p=list(SHARES.values())))
        drawers = {
            BODY: self.draw_body,
            ABSTRACT: self.draw_abstract,
            CELLS: self.draw_cells,
            PHOTO: self.draw_photo,
        }
        drawers[family](scene)
        return scene
