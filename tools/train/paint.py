"""From a label map to an image: brightness per region, texture, blur, resolution, noise, 8 bits."""

import numpy as np
import torch
import torch.nn.functional as functional

from label_map import AIR, BONE, FAT, Scene
from shapes import Fields


def paint(scene: Scene, fields: Fields, random: np.random.Generator) -> np.ndarray:
    """An image [height, width] float32 of whole numbers 0..255."""
    as_body = scene.is_body and random.random() < 0.8
    image, contrast = (
        body_brightness(scene, fields, random) if as_body else any_brightness(scene, fields, random)
    )
    low, high = (0.005, 0.1) if as_body else (0.001, 0.12)
    noise = np.exp(random.uniform(np.log(low), np.log(high))) * contrast
    image = imaged(image, noise, random)
    if as_body:
        image = np.clip(image, 0, 1) ** np.exp(random.uniform(-0.2, 0.2))
    else:
        lowest, highest = np.quantile(image, [random.uniform(0, 0.02), 1 - random.uniform(0, 0.02)])
        image = np.clip((image - lowest) / (highest - lowest + 1e-6), 0, 1) ** np.exp(
            random.uniform(-0.4, 0.4)
        )
    if random.random() < (0.03 if as_body else 0.15):
        image = 1 - image
    return np.floor(image * 255 + 0.5).astype(np.float32)


def any_brightness(scene: Scene, fields: Fields, random: np.random.Generator) -> tuple[np.ndarray, float]:
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
    return image + offset.astype(np.float32)[scene.details], contrast


def body_brightness(scene: Scene, fields: Fields, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """Air and fat dark, soft organs (which differ little, or much after contrast), bone bright."""
    uniform = random.uniform
    soft = uniform(0.4, 0.65)
    fat = soft - uniform(0.12, 0.4)
    contrast = max(soft - fat, 0.2)
    spread = np.exp(uniform(np.log(0.005), np.log(0.12)))
    enhanced = random.random() < 0.35
    value, roughness = np.zeros(len(scene.tissues)), np.zeros(len(scene.tissues))
    air = uniform(0, 0.04) if random.random() < 0.9 else uniform(0, 0.3)
    for index, tissue in enumerate(scene.tissues):
        if tissue == AIR:
            value[index] = air
        elif tissue == FAT:
            value[index], roughness[index] = fat + random.normal(0, 0.01), uniform(0, 0.06)
        elif tissue == BONE:
            value[index], roughness[index] = soft + uniform(0.1, 0.8), uniform(0, 0.3)
        else:
            value[index] = soft + random.normal(0, spread) + (uniform(0, 0.4) if enhanced else 0)
            roughness[index] = uniform(0, 0.05) if random.random() < 0.7 else uniform(0, 0.15)
    scale = int(random.integers(3, 8))
    image = value.astype(np.float32)[scene.labels]
    image += roughness.astype(np.float32)[scene.labels] * fields.draw(random, scale, min(scale + 1, 8))
    image += np.float32(uniform(0, 0.04)) * fields.draw(random, 0, 1)
    for index, tissue in enumerate(scene.detail_tissues[1:], 1):
        where = scene.details == index
        if tissue == AIR:
            image[where] = air
        elif tissue == BONE:
            image[where] = soft + uniform(0.1, 0.6)
        else:
            image[where] += random.choice([-1, 1]) * uniform(0.01, 0.12)
    return image, contrast * 1.5


def imaged(image: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Blur, a coarser grid of voxels with noise on it, and bilinear up-sampling, as a scanner would."""
    size = image.shape[0]
    pixels = blurred(torch.from_numpy(image)[None, None], random.uniform(0.3, 1.6) * size / 256)
    coarse = size
    if random.random() < 0.75:
        coarse = int(random.uniform(0.3, 1) * size)
        pixels = functional.interpolate(pixels, size=(coarse, coarse), mode="area")
    grain = torch.from_numpy(random.standard_normal((coarse, coarse), np.float32) * np.float32(noise))[
        None, None
    ]
    if random.random() < 0.6:  # a smooth reconstruction kernel: the noise is correlated
        grain = blurred(grain, random.uniform(0.3, 1.2)) * 1.5
    pixels = pixels + grain
    if coarse != size:
        pixels = functional.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False)
    return pixels[0, 0].numpy()


def blurred(pixels: torch.Tensor, deviation: float) -> torch.Tensor:
    """Gaussian blur of [1, 1, height, width]."""
    kernel = torch.exp(-torch.arange(-5, 6).float() ** 2 / 2 / max(deviation, 0.2) ** 2)
    kernel /= kernel.sum()
    padded = functional.pad(pixels, (5, 5, 5, 5), mode="replicate")
    rows = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return functional.conv2d(rows, kernel.view(1, 1, -1, 1))
