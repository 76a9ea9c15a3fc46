"""Colours: photographs of scenes by light and a camera, stained or glowing cells, tinted grey images.

Each image is [3, height, width] float32 in 0..1.
"""

import io

import numpy as np
import torch
from PIL import Image

from label_map import CELL, NUCLEUS, Scene
from scanner import blurred
from shapes import Fields

Painted = tuple[np.ndarray, None]


def photographed(scene: Scene, fields: Fields, random: np.random.Generator) -> Painted:
    """The scene's colours under another light, with shadows from outside the picture, by a camera."""
    uniform = random.uniform
    image = np.moveaxis(scene.colours, -1, 0).astype(np.float32) / 255
    if random.random() < 0.4:
        image = image[random.permutation(3)]
    image = image * uniform(0.75, 1.15, (3, 1, 1)).astype(np.float32)
    image *= 1 + np.float32(uniform(0, 0.25)) * fields.draw(random, 0, 1)
    if random.random() < 0.3:
        image *= 1 - np.float32(uniform(0.2, 0.55)) * (fields.draw(random, 0, 3) > uniform(0, 1.5))
    if random.random() < 0.15:
        image = np.broadcast_to(image.mean(0), image.shape)
    return camera(image, random), None


def camera(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Gamma, blur, noise, and mostly the traces of JPEG."""
    uniform = random.uniform
    image = np.clip(image, 0, 1) ** np.float32(np.exp(uniform(-0.4, 0.4)))
    image = blurred(torch.from_numpy(image)[None], float(np.exp(uniform(np.log(0.4), np.log(2)))))[0].numpy()
    noise = np.exp(uniform(np.log(0.002), np.log(0.05)))
    image = image + random.standard_normal(image.shape, np.float32) * np.float32(noise)
    return compressed(image, int(uniform(25, 95))) if random.random() < 0.5 else image


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG and back."""
    pixels = np.moveaxis((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), 0, -1)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=quality)
    return np.moveaxis(np.asarray(Image.open(file)), -1, 0).astype(np.float32) / 255


def coloured_cells(scene: Scene, fields: Fields, random: np.random.Generator) -> Painted:
    """Dark stains on a bright ground, or light on a dark one; cells of a kind look alike."""
    uniform = random.uniform
    glows = random.random() < 0.4
    ground = uniform(0, 0.1, 3) if glows else uniform(0.75, 1, 3)
    cell, nucleus = (
        (uniform(0, 0.8, 3), uniform(0.1, 1, 3)) if glows else (uniform(0.4, 0.95, 3), uniform(0.1, 0.7, 3))
    )
    values = np.stack([{CELL: cell, NUCLEUS: nucleus}.get(tissue, ground) for tissue in scene.tissues])
    values = (values + random.normal(0, uniform(0.01, 0.08), values.shape)).astype(np.float32)
    image = np.moveaxis(values[scene.labels], -1, 0).copy()
    grain = fields.draw(random, 5, 8) * np.float32(uniform(0, 0.12)) * (scene.labels > 0)
    image += grain + np.float32(uniform(0, 0.08)) * fields.draw(random, 0, 1)
    detail = (scene.details > 0) * np.float32(uniform(-0.3, 0.3))
    return camera(image + detail, random), None


def tinted(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Grey levels as shades between two colours."""
    dark, bright = random.uniform(0, 0.3, (3, 1, 1)), random.uniform(0.3, 1, (3, 1, 1))
    return (dark + (bright - dark) * image).astype(np.float32)
