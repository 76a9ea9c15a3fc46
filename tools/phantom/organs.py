"""The organs, each a region of space with a density."""

import numpy as np

from space import (
    AIR,
    AORTA,
    BILE,
    BOWEL,
    BOWEL_WALL,
    CAVA,
    CORTEX,
    FAT,
    LABELS,
    LIVER,
    LIVER_VEIN,
    MEDULLA,
    PANCREAS,
    SPLEEN,
    STOMACH,
    STOMACH_WALL,
    Slice,
    Space,
)
from trunk import dome, near_spine


def draw_bowel(here: Slice, room: np.ndarray) -> None:
    """Colon on both sides and across, loops of small bowel, pancreas."""
    space = here.space.bent(2.5, 2.0)
    loops = [
        ((-96, 18, 0), (23, 25, 34), 4, True),
        ((102, 8, 12), (18, 20, 46), 4, True),
        ((-20, 70, 14), (40, 15, 15), 3, True),
        ((45, 66, 20), (36, 14, 16), 3, False),
        ((-28, 22, 0), (19, 15, 20), 3, False),
        ((12, 38, 4), (22, 13, 18), 3, False),
        ((44, 22, 2), (17, 19, 22), 3, False),
        ((70, 42, 6), (17, 15, 20), 3, True),
        ((28, 6, 14), (15, 11, 14), 3, False),
        ((-62, 52, 4), (20, 15, 22), 3, False),
        ((30, 74, 44), (48, 13, 17), 3, True),
        ((84, 44, 40), (19, 20, 26), 3, False),
        ((60, 18, 34), (16, 18, 17), 3, False),
        ((30, 34, 32), (20, 12, 16), 3, False),
        ((6, 58, 34), (15, 13, 16), 3, False),
        ((96, 14, 62), (15, 16, 30), 3, True),
    ]
    for index, (centre, radii, wall, gas) in enumerate(loops):
        shape = space.bent(2, 0.7 * index).ellipsoid(centre, radii, turn=23 * index)
        here.fill(room & (shape < 1), BOWEL_WALL)
        inner = shape < 1 - wall / min(radii)
        here.fill(room & inner, BOWEL + 6 * (index % 3))
        if gas:
            here.fill(room & inner & (here.space.front > centre[1] + radii[1] * 0.1), AIR + 30)
    for start, end, radius in (
        ((-30, 6, 44), (4, 14, 54), 11),
        ((4, 14, 54), (45, -2, 64), 9),
        ((45, -2, 64), (82, -18, 72), 8),
    ):
        here.fill(room & space.tube(start, end, radius), PANCREAS)


def draw_stomach(here: Slice, room: np.ndarray) -> None:
    space = here.space.bent(3, 3.1)
    fundus = space.ellipsoid((58, 20, 84), (36, 42, 34), turn=25)
    antrum = space.ellipsoid((20, 52, 58), (44, 20, 20), turn=-18)
    shape = np.minimum(fundus, antrum)
    room = room & (dome(here.space) < 0.97)
    here.fill(room & (shape < 1), STOMACH_WALL)
    here.fill(room & (shape < 0.87), STOMACH)
    here.fill(room & (shape < 0.86) & (here.space.front > 38), AIR + 20)


def draw_kidneys(here: Slice, cavity: np.ndarray) -> None:
    """Cortex and medulla; the fat and the pelvis of the sinus are not part of the label."""
    for side, name, centre in ((-1, "right kidney", (-62, -44, 34)), (1, "left kidney", (63, -43, 47))):
        space = here.space.bent(1.5, 1.3 + side)
        radii, turn, lean = (26, 31, 53), side * 38, (-side * 0.18, -0.08)
        shape = space.ellipsoid(centre, radii, turn, lean)
        here.fill(cavity & (shape < 1.14), FAT)
        here.fill(cavity & (shape < 1), CORTEX, LABELS[name])
        wedges = np.sin(9 * np.arctan2(space.front - centre[1], space.left - centre[0]) + here.space.up / 6)
        here.fill(cavity & (shape < 0.8) & (wedges > 0.1), MEDULLA, LABELS[name])
        sinus = space.ellipsoid(
            (centre[0] - side * 13, centre[1] + 9, centre[2]), (20, 9, 25), side * -42, lean
        )
        here.fill(cavity & (sinus < 1) & (shape < 1), FAT)
        pelvis = space.ellipsoid(
            (centre[0] - side * 15, centre[1] + 10, centre[2] - 2), (15, 4.5, 12), side * -42, lean
        )
        here.fill(cavity & (pelvis < 1) & (shape < 1.1), 25)


def draw_liver(here: Slice, cavity: np.ndarray) -> None:
    space = here.space.bent(3, 0.2)
    right = space.ellipsoid((-76, 4, 58), (83, 83, 63), turn=-8)
    left = space.ellipsoid((-4, 50, 84), (66, 36, 38), turn=6)
    tongue = space.ellipsoid((-112, -6, 30), (35, 52, 46))
    caudate = space.ellipsoid((-14, 8, 78), (17, 15, 26))
    inside = np.minimum(np.minimum(right, left), np.minimum(tongue, caudate)) < 1
    fissure = space.tube((-24, 88, 60), (-18, 20, 76), 3.2)
    hilum = space.ellipsoid((-28, 14, 60), (19, 11, 14), turn=-20) < 1
    kidney = np.isin(here.labels, [LABELS["right kidney"]])
    renal_fat = here.space.ellipsoid((-62, -44, 34), (30, 36, 60), -38, (0.18, -0.08)) < 1
    bladder = space.ellipsoid((-52, 44, 38), (15, 17, 27), lean=(0.1, -0.2))
    room = cavity & (dome(here.space) < 0.965) & ~kidney & ~renal_fat & ~near_spine(here.space)
    here.fill(room & inside & ~fissure & ~hilum & (bladder > 1.08), LIVER, LABELS["liver"])
    own = here.labels == LABELS["liver"]
    for start, end, radius in LIVER_VEINS:
        here.fill(own & space.tube(start, end, radius), LIVER_VEIN, LABELS["liver"])
    here.fill(own & (space.ellipsoid((-104, 28, 70), (9, 8, 9)) < 1), 18, LABELS["liver"])  # a cyst
    here.fill(cavity & (bladder < 1.08) & (here.labels == 0), 50)
    here.fill(cavity & (bladder < 0.95) & (here.labels == 0), BILE)
    here.fill(cavity & hilum & space.tube((-50, 8, 62), (8, 6, 52), 6), CAVA)  # the portal vein


LIVER_VEINS = [
    ((-24, -14, 96), (-82, 22, 88), 4.2),
    ((-24, -14, 96), (-110, -26, 84), 4.6),
    ((-24, -14, 96), (-30, 50, 86), 3.8),
    ((-82, 22, 88), (-112, 52, 78), 3.0),
    ((-50, 8, 62), (-92, 8, 62), 4.8),
    ((-92, 8, 62), (-122, 28, 58), 3.4),
    ((-92, 8, 62), (-116, -28, 54), 3.6),
    ((-92, 8, 62), (-96, 44, 74), 3.0),
    ((-50, 8, 62), (-6, 44, 78), 3.4),
    ((-116, -28, 54), (-124, -20, 26), 2.8),
]


def draw_spleen(here: Slice, cavity: np.ndarray) -> None:
    space = here.space.bent(2, 4.0)
    outer = space.ellipsoid((96, -30, 80), (46, 60, 42), turn=12)
    hollow = space.ellipsoid((66, -6, 80), (42, 46, 60), turn=25)
    room = cavity & (dome(here.space) < 0.965) & (here.labels == 0)
    room &= here.space.ellipsoid((63, -43, 47), (31, 37, 62), 38, (-0.18, -0.08)) > 1
    here.fill(room & (outer < 1) & (hollow > 1), SPLEEN, LABELS["spleen"])
    here.fill(space.tube((66, -14, 76), (30, 0, 60), 3), CAVA)  # its vein


def draw_vessels(here: Slice) -> None:
    space = here.space
    up = space.up
    sway = 2.5 * np.sin(up / 26)
    aorta = space.ellipsoid((9 + sway, -20 - 0.03 * up, up), (11.2 - 0.012 * (90 - up), 11, 1))
    here.fill(aorta < 1.1, 40)
    here.fill(aorta < 1, AORTA, LABELS["aorta"])
    here.fill((aorta < 1) & (space.tube((1, -27, 10), (2, -28, 26), 2.6)), 700, LABELS["aorta"])  # a plaque
    cava = space.ellipsoid((-20 - 0.03 * up, -18 + 0.05 * up, up), (13, 9.5, 1), turn=-15)
    here.fill((cava < 1) & (here.labels != LABELS["aorta"]), CAVA)
    here.fill(space.tube((9, -9, 40), (6, 12, 28), 4) & (up < 52), AORTA - 10)  # the upper mesenteric artery
    for side, height in ((-1, 34), (1, 44)):  # the renal veins
        if abs(up - height) < 5:
            here.fill(space.tube((side * 16, -18, up), (side * 44, -32, up), 4.2) & (here.labels == 0), CAVA)
