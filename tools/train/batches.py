"""Batches as a function of the seed and the step alone, so that a run resumes exactly."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from paint import paint
from prompts import jittered_box, targets
from label_map import AIR, ANY, BONE, FAT, SOFT, Scene
from scenes import SceneMaker

WINDOW = 400  # scenes alive at a time
TARGET_WEIGHTS = {ANY: 1.0, SOFT: 1.0, BONE: 0.5, FAT: 0.3, AIR: 0.3}  # organs are what people mark
REUSE = 4  # how often a label map is used, each time turned and painted anew


@dataclass
class Batch:
    images: np.ndarray  # [images, height, width] float32, 0..255; NaN where padding is
    masks: np.ndarray  # [images * prompts, height, width] bool
    boxes: np.ndarray  # [images * prompts, 4] float32


class Batches(Dataset):
    """Item `step` is the batch of that step."""

    def __init__(self, size: int, seed: int, images: int, prompts: int, steps: int):
        self.size, self.seed, self.images, self.prompts, self.steps = size, seed, images, prompts, steps
        self.maker: SceneMaker | None = None
        self.pool: dict[int, Scene] = {}

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        random = np.random.default_rng([self.seed, 1, step])
        newest = 64 + step * self.images // REUSE
        self.pool = {index: scene for index, scene in self.pool.items() if index >= newest - 2 * WINDOW}
        samples = []
        while len(samples) < self.images:
            scene = self.scene(int(random.integers(max(0, newest - WINDOW), newest)))
            sample = self.sample(scene.turned(int(random.integers(4)), random.random() < 0.5), random)
            if sample is not None:
                samples.append(sample)
        images, masks, boxes = zip(*samples)
        return Batch(np.stack(images), np.concatenate(masks), np.concatenate(boxes))

    def scene(self, index: int) -> Scene:
        """Scene number `index`: from its own generator, so it does not matter when it is drawn."""
        if self.maker is None:
            torch.set_num_threads(1)  # in a worker process
            self.maker = SceneMaker(self.size, self.seed)
        if index not in self.pool:
            self.pool[index] = self.maker.draw(np.random.default_rng([self.seed, 0, index]))
        return self.pool[index]

    def sample(
        self, scene: Scene, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """An image with its targets, or nothing where a scene has fewer than two."""
        height, width = self.content(random)
        image = paint(scene, self.maker.fields, random)
        labels = scene.labels + 1  # the background of an abstract scene is a region as well
        labels[height:], labels[:, width:] = 0, 0
        weights = np.array([0.0] + [TARGET_WEIGHTS[tissue] for tissue in scene.tissues])
        found = targets(labels, image, weights, self.prompts, random)
        if len(found) < 2:
            return None
        masks = [found[index % len(found)] for index in range(self.prompts)]
        jitter = random.uniform(0, 0.05)
        boxes = [jittered_box(mask, jitter, random) for mask in masks]
        image[height:], image[:, width:] = np.nan, np.nan
        return image, np.stack(masks), np.stack(boxes)

    def content(self, random: np.random.Generator) -> tuple[int, int]:
        """Height and width of what is not padding: half of the images are not square."""
        short = int(self.size * random.uniform(0.6, 1)) if random.random() < 0.5 else self.size
        return (short, self.size) if random.random() < 0.5 else (self.size, short)


def model_input(images: np.ndarray, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Normalised as by `Sam.preprocess`, [images, 3, height, width]; padding becomes 0."""
    pixels = torch.from_numpy(images)[:, None].expand(-1, 3, -1, -1)
    return torch.nan_to_num((pixels - mean) / deviation, nan=0.0)
