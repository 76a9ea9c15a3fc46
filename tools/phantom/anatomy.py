"""An abdomen made of formulas: each organ is a region of space, with a radiodensity in Hounsfield units.

Coordinates are millimetres: `left` grows towards the patient's left, `front` towards the front, `up` towards
the head. Sizes are those of an adult after contrast agent, rounded; they come from no patient.
"""

import numpy as np

from organs import draw_bowel, draw_kidneys, draw_liver, draw_spleen, draw_stomach, draw_vessels
from space import Slice, Space
from trunk import draw_lungs, draw_spine, draw_trunk, near_spine


def draw(left: np.ndarray, front: np.ndarray, up: float, table: bool = True) -> Slice:
    """One slice at height `up` (0 at the lower poles of the kidneys, 120 under the diaphragm's domes)."""
    here = Slice(Space(left, front, up))
    if table:
        below = front + 128 - left**2 / 1500
        here.fill((np.abs(below) < 2.2) & (np.abs(left) < 185), -150)
        here.fill((below < -2.2) & (below > -14) & (np.abs(left) < 180), -930)
    cavity = draw_trunk(here)
    draw_spine(here)
    draw_lungs(here, cavity)
    draw_kidneys(here, cavity)
    draw_liver(here, cavity)
    draw_spleen(here, cavity)
    room = cavity & (here.labels == 0) & (here.density < 0) & ~near_spine(here.space)
    draw_stomach(here, room)
    draw_bowel(here, room)
    draw_vessels(here)
    return here
