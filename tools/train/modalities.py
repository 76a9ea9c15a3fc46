"""Grey images of label maps: CT in several windows, MR-like, ultrasound-like, and any brightness at all.

Each function gives an image [height, width] float32, mostly 0..1, and which pixels are seen, or None for all.
"""

import numpy as np
import torch

from label_map import AIR, ANY, BLOOD, BONE, FAT, FLUID, LUNG, MUSCLE, SOFT, Scene
from scanner import blurred, scanned
from shapes import Fields, Mask

Painted = tuple[np.ndarray, Mask | None]
# Level and width in Hounsfield units, each drawn around these; how often.
WINDOWS = {
    (40, 400): 0.55,
    (60, 200): 0.12,
    (100, 900): 0.1,
    (-500, 1500): 0.1,
    (300, 1800): 0.08,
    (0, 2400): 0.05,
}


def any_brightness(scene: Scene, fields: Fields, random: np.random.Generator) -> Painted:
    """Each region its own random brightness, with a contrast that may be small."""
    uniform, count = random.uniform, len(scene.tissues)
    contrast = np.exp(uniform(np.log(0.12), 0))
    base = uniform(0, 1)
    value = base + (uniform(0, 1, count) - base) * contrast
    if random.random() < 0.5:
        value[0] = 0
    if random.random() < 0.3:
        value[random.integers(count)] = uniform(1, 2)
    roughness = (uniform(0, 0.09, count) * contrast).astype(np.float32)
    scale = int(random.integers(2, 8))
    image = value.astype(np.float32)[scene.labels]
    image += roughness[scene.labels] * fields.draw(random, scale, min(scale + 1, 8))
    image += np.float32(uniform(0, 0.07) * contrast) * fields.draw(random, 0, 1)
    offset = uniform(-0.25, 0.25, len(scene.detail_tissues)) * contrast
    offset[0] = 0
    image += offset.astype(np.float32)[scene.details]
    noise = np.exp(uniform(np.log(0.001), np.log(0.12))) * contrast
    return stretched(scanned(image, noise, random), random), None


def stretched(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """From about the smallest value to about the largest, with a gamma, sometimes inverted."""
    lowest, highest = np.quantile(image[::4, ::4], [random.uniform(0, 0.02), 1 - random.uniform(0, 0.02)])
    image = np.clip((image - lowest) / (highest - lowest + 1e-6), 0, 1) ** np.exp(random.uniform(-0.4, 0.4))
    return 1 - image if random.random() < 0.15 else image


def computed_tomography(scene: Scene, fields: Fields, random: np.random.Generator) -> Painted:
    """Hounsfield units per tissue, soft organs that differ little or, after contrast, much; a window."""
    uniform = random.uniform
    spread, enhanced = np.exp(uniform(np.log(2), np.log(50))), random.random() < 0.4
    blood = uniform(0, 260) if enhanced else uniform(-10, 15)

    def units(tissue: int) -> float:
        """A value of one region of a tissue."""
        if tissue in (MUSCLE, SOFT):
            return 45 + random.normal(0, spread) + (uniform(0, 130) if enhanced and tissue == SOFT else 0)
        if tissue == BLOOD:
            return 45 + blood * uniform(0.5, 1.1) + random.normal(0, spread / 2)
        others = {
            AIR: -1000.0,
            LUNG: uniform(-900, -650),
            FAT: random.normal(-100, 12),
            FLUID: random.normal(10, 8),  # it takes up no contrast agent
        }
        return others.get(tissue, uniform(120, 900))

    roughest = {FAT: 20, BONE: 150, LUNG: 60, AIR: 0}
    values = np.array([units(tissue) for tissue in scene.tissues], np.float32)
    rough = np.array([uniform(0, roughest.get(tissue, 14)) for tissue in scene.tissues], np.float32)
    scale = int(random.integers(3, 8))
    image = values[scene.labels]
    image += rough[scene.labels] * fields.draw(random, scale, min(scale + 1, 8))
    image += np.float32(uniform(0, 14)) * fields.draw(random, 0, 1)
    for index, tissue in enumerate(scene.detail_tissues[1:], 1):
        where = scene.details == index
        if tissue in (AIR, BONE, BLOOD, FLUID):
            image[where] = units(tissue)
        else:
            image[where] += random.choice([-1, 1]) * uniform(5, 60)
    level, width = list(WINDOWS)[random.choice(len(WINDOWS), p=list(WINDOWS.values()))]
    level, width = level + random.normal(0, 0.06) * width, width * np.exp(random.normal(0, 0.12))
    image = scanned(image, np.exp(uniform(np.log(3), np.log(40))), random)
    return np.clip((image - level) / width + 0.5, 0, 1), None


def magnetic_resonance(scene: Scene, fields: Fields, random: np.random.Generator) -> Painted:
    """Any contrast between tissues, little within one; a coil's bias; Rician noise."""
    uniform = random.uniform
    base = uniform(0.1, 1, 13)
    base[AIR], base[LUNG], base[ANY] = 0, uniform(0, 0.1), uniform(0.1, 0.9)
    base[BONE] = uniform(0, 0.3) if random.random() < 0.6 else base[BONE]
    spread = np.exp(uniform(np.log(0.02), np.log(0.3)))
    values = np.array(
        [base[tissue] * np.exp(random.normal(0, spread)) for tissue in scene.tissues], np.float32
    )
    if scene.tissues[-1] == ANY:
        values += uniform(0, 0.6, len(values)).astype(np.float32)
    image = values[scene.labels]
    scale = int(random.integers(3, 8))
    image *= 1 + np.float32(uniform(0, 0.12)) * fields.draw(random, scale, min(scale + 1, 8))
    offset = uniform(-0.2, 0.2, len(scene.detail_tissues)).astype(np.float32)
    offset[0] = 0
    image += offset[scene.details]
    image *= np.exp(np.float32(uniform(0, 0.35)) * fields.draw(random, 0, 0))
    image = np.abs(scanned(image, np.exp(uniform(np.log(0.005), np.log(0.08))), random))
    image /= max(0.2, np.quantile(image[::4, ::4], 1 - uniform(0, 0.02)))
    return np.clip(image, 0, 1) ** np.exp(uniform(-0.25, 0.25)), None


def ultrasound(scene: Scene, fields: Fields, random: np.random.Generator) -> Painted:
    """Speckle whose strength a region has, bright borders across the beam, attenuation, a sector."""
    uniform, size = random.uniform, scene.labels.shape[0]
    values = np.exp(uniform(-3.5, 0, len(scene.tissues))).astype(np.float32)
    echo = values[scene.labels] * np.exp(np.float32(uniform(0, 0.4)) * fields.draw(random, 2, 5))
    border = scene.labels[1:] != scene.labels[:-1]
    echo[1:][border] += np.float32(uniform(0, 1)) * (0.5 + 0.5 * fields.draw(random, 3, 5)[1:][border])
    grain = torch.from_numpy(random.standard_normal((1, 2, size, size), np.float32))
    grain = blurred(grain, (uniform(0.6, 1.6), uniform(1, 3.5)))
    speckle = torch.linalg.vector_norm(grain[0], dim=0).numpy()
    image = echo * speckle / max(1e-6, float(speckle.mean()))
    depth = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    image *= np.exp(-np.float32(uniform(0, 1.5)) * depth)
    floor = np.exp(uniform(-7, -4))  # the decibels that are shown
    image = np.clip(1 - np.log(np.clip(image, floor, 1.5)) / np.log(floor), 0, 1.2)
    if random.random() < 0.4:
        return image, None
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    apex = uniform(-0.5, -0.05)
    angle = np.arctan2(columns - 0.5, rows - apex)
    distance = np.hypot(columns - 0.5, rows - apex)
    sector = (np.abs(angle) < uniform(0.4, 0.8)) & (distance > -apex) & (distance < 1 - apex)
    return image * sector, sector
