"""From a scene to an image: a modality's brightness or colours, then what the instrument does to them."""

import numpy as np

from camera import coloured_cells, photographed, tinted
from label_map import BODY, CELLS, PHOTO, Scene
from modalities import any_brightness, computed_tomography, magnetic_resonance, ultrasound
from shapes import Fields, Mask

# Of each family's scenes: how they are painted, and how often.
PAINTERS = {
    BODY: {computed_tomography: 0.7, magnetic_resonance: 0.14, ultrasound: 0.05, any_brightness: 0.11},
    CELLS: {coloured_cells: 0.7, any_brightness: 0.3},
    PHOTO: {photographed: 1.0},
}
OTHERS = {any_brightness: 0.75, magnetic_resonance: 0.1, ultrasound: 0.15}
TINTED = 0.12  # share of grey images that become shades of one colour


def paint(scene: Scene, fields: Fields, random: np.random.Generator) -> tuple[np.ndarray, Mask | None]:
    """An image [3, height, width] uint8, and which pixels it shows where it does not show all."""
    painters = PAINTERS.get(scene.family, OTHERS)
    paint_it = random.choice(list(painters), p=list(painters.values()))
    image, visible = paint_it(scene, fields, random)
    if image.ndim == 2:
        image = np.stack([image] * 3) if random.random() > TINTED else tinted(image, random)
    return np.floor(np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), visible
