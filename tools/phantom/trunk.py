"""What lies around the organs: skin, fat, muscle, bones, diaphragm and lungs."""

import numpy as np

from space import BONE, CORD, DISC, FAT, LUNG, MARROW, MUSCLE, SKIN, Slice, Space


def draw_trunk(here: Slice) -> np.ndarray:
    """Skin, fat, muscle wall and ribs; returns the cavity inside, [height, width] bool."""
    space = here.space.bent(1.3, 0.4)
    left, front, up = space.left, space.front, space.up
    width, depth = 163 - 0.00045 * (up - 70) ** 2, 109 + 3 * np.sin(up / 50)
    distance = (np.abs(left / width) ** 2.35 + np.abs(front / depth) ** 2.35) ** (1 / 2.35)
    flat = np.where(
        front < 0, 1 + 0.05 * np.exp(-((left / 30) ** 2)) * (front / depth) ** 2, 1
    )  # the furrow of the back
    distance = distance * flat
    angle = np.arctan2(front / depth, left / width)
    sides = np.abs(np.cos(angle))
    here.fill(distance < 1, SKIN)
    here.fill(distance < 0.985, FAT)
    muscle_end = 0.885 + 0.025 * sides - 0.02 * np.clip(np.sin(angle), 0, 1)
    wall_end = muscle_end - 0.075 - 0.03 * (front < 0)
    here.fill(distance < muscle_end, MUSCLE)
    seams = np.abs(distance - (muscle_end + wall_end) / 2 - 0.012 * np.sin(3 * angle)) < 0.006
    here.fill(seams & (sides > 0.55), FAT)  # between the layers of the wall
    here.fill((np.abs(left) < 4) & (front > 0) & (distance < muscle_end) & (distance > wall_end), 20)
    for side in (-1, 1):
        back = space.ellipsoid((side * 37, -79, up), (31, 18, 1), turn=side * 12)
        here.fill(back < 1.1, FAT)
        here.fill(back < 1, MUSCLE - 4)
        here.fill(
            (np.abs(space.ellipsoid((side * 37, -79, up), (16, 30, 1)) - 0.7) < 0.03) & (back < 0.9), -30
        )
    cavity = distance < wall_end
    here.fill(cavity, FAT)
    draw_ribs(here, distance, angle, (muscle_end + wall_end) / 2)
    return cavity


def draw_ribs(here: Slice, distance: np.ndarray, angle: np.ndarray, depth: np.ndarray) -> None:
    """Ribs run around the wall and fall towards the front: in a slice each is a short arc."""
    around = np.abs(np.angle(np.exp(1j * (angle + np.pi / 2)))) / np.pi  # 0 at the back, 1 at the front
    for number in range(7):
        height = 52 + 27 * number - 150 * around
        across, radial = (here.space.up - height) / 7.5, (distance - depth - 0.012) / 0.036
        bone = across**2 + radial**2
        reach = (around > 0.13) & (around < 0.72)
        here.fill((bone < 1) & reach, BONE - 120)
        here.fill((bone < 0.35) & reach, MARROW)
    edge = (np.abs(distance - depth - 0.012) < 0.03) & (around > 0.72) & (around < 0.9) & (here.space.up > 62)
    stripe = np.sin(around * 60 + here.space.up / 9) > 0.75
    here.fill(edge & stripe, 105)  # cartilage of the costal arch


def draw_spine(here: Slice) -> None:
    space = here.space
    up = space.up
    between = np.abs((up + 4) % 33 - 16.5) > 12.5  # a disc every 33 mm
    for side in (-1, 1):  # psoas and the crura of the diaphragm
        psoas = space.ellipsoid((side * 36, -50, -25), (19, 16, 95), lean=(-side * 0.13, 0))
        here.fill(psoas < 1, MUSCLE)
        here.fill(
            space.ellipsoid((side * 15, -24, up), (8, 13, 1), turn=side * 25) < (0.8 if up > 45 else 0),
            MUSCLE,
        )
        here.fill(space.tube((side * 15, -66, up), (side * 37, -76, up), 4.2), BONE - 180)
    body = space.ellipsoid((0, -49, up), (24, 17.5, 1))
    here.fill(body < 1, DISC if between else BONE)
    if not between:
        here.fill(body < 0.87, MARROW)
        here.fill(
            space.tube((-14, -63, up), (-15, -74, up), 5) | space.tube((14, -63, up), (15, -74, up), 5),
            BONE - 90,
        )
    ring = space.ellipsoid((0, -72, up), (16, 13, 1))
    here.fill((ring < 1) & (space.front < -70), BONE - 60)
    here.fill(space.tube((0, -82, up), (0, -97, up), 3.6), BONE - 130)
    here.fill(space.ellipsoid((0, -71, up), (11, 8.5, 1)) < 1, -20)
    here.fill(space.ellipsoid((0, -71, up), (7.5, 6, 1)) < 1, CORD)


def dome(space: Space) -> np.ndarray:
    """Inside of the diaphragm: below 1."""
    right = space.ellipsoid((-66, 4, 30), (91, 96, 104))
    middle = space.ellipsoid((0, 25, 20), (95, 80, 102))
    left = space.ellipsoid((72, -2, 25), (88, 96, 99))
    return np.minimum(np.minimum(right, left), middle)


def draw_lungs(here: Slice, cavity: np.ndarray) -> None:
    if here.space.up < 40:
        return
    inside = dome(here.space.bent(1, 1.1))
    here.fill(cavity & (inside > 1) & (np.hypot(here.space.left, here.space.front + 50) > 34), LUNG)
    here.fill(cavity & (inside > 0.975) & (inside < 1), MUSCLE)


def near_spine(space: Space) -> np.ndarray:
    return np.hypot(space.left / 36, (space.front + 52) / 34) < 1
