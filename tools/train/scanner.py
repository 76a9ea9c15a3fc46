"""What an instrument does to an image: blur, a grid of larger voxels with noise on it, up-sampling."""

import numpy as np
import torch
import torch.nn.functional as functional


def scanned(image: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """[height, width] blurred, with noise on a coarser grid of voxels, and enlarged again (bilinear)."""
    size = image.shape[0]
    pixels = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None]
    # From a slice of thick voxels, some 60 pixels wide, to all that the model sees: as often twice as fine at any size.
    coarse = int(np.exp(random.uniform(np.log(0.12), 0)) * size) if random.random() < 0.75 else size
    if coarse != size:
        pixels = functional.interpolate(pixels, size=(coarse, coarse), mode="area")
    pixels = blurred(pixels, random.uniform(0.3, 1.3))
    grain = torch.from_numpy(random.standard_normal((coarse, coarse), np.float32) * np.float32(noise))
    grain = grain[None, None]
    if random.random() < 0.6:  # a smooth reconstruction kernel: the noise is correlated
        grain = blurred(grain, random.uniform(0.3, 1.2)) * 1.5
    pixels = pixels + grain
    if coarse != size:
        pixels = functional.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False)
    return pixels[0, 0].numpy()


def blurred(pixels: torch.Tensor, deviation: float | tuple[float, float]) -> torch.Tensor:
    """Gaussian blur of [1, channels, height, width]; deviations down and across may differ."""
    down, across = (deviation, deviation) if isinstance(deviation, float) else deviation
    channels = pixels.shape[1]
    for value, axis in ((down, 2), (across, 3)):
        reach = max(1, min(9, round(3 * value)))
        kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / 2 / max(value, 0.2) ** 2)
        shape = (-1, 1) if axis == 2 else (1, -1)
        kernel = (kernel / kernel.sum()).view(1, 1, *shape).expand(channels, -1, -1, -1)
        margin = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        pixels = functional.conv2d(functional.pad(pixels, margin, mode="replicate"), kernel, groups=channels)
    return pixels
