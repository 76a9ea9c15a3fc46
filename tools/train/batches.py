"""Batches as a function of the seed and the step alone, so that a run resumes exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam
from torch.utils.data import Dataset

from cutouts import FOLDER
from label_map import BODY, Scene
from paint import paint
from prompts import jittered_box
from scenes import SceneMaker
from targets import targets

SIZE = 512  # pixels along a side of a scene
# Step n uses scenes of lane n % LANES alone, so that workers whose number divides LANES share no scene and none is
# drawn twice; a batch does not depend on that number.
LANES = 16
WINDOW = 15  # scenes alive at a time in a lane
FIRST = 4  # scenes of a lane at the beginning
REUSE = 5  # how often a scene is used, each time turned, cut and painted anew
UPRIGHT = 0.6  # share of bodies that are not turned: axial sections are shown so
ZOOMED = 0.35  # share of scenes of which a part is shown


@dataclass
class Batch:
    images: np.ndarray  # [images, 3, height, width] uint8
    contents: np.ndarray  # [images, 2] height and width of what is not padding
    masks: np.ndarray  # [images * prompts, height, width] bool
    boxes: np.ndarray  # [images * prompts, 4] float32
    families: list[str]  # of each image's scene


class Batches(Dataset):
    """Item `step` is the batch of that step."""

    def __init__(
        self,
        seed: int,
        images: int,
        prompts: int,
        steps: int,
        cutouts: Path = FOLDER,
        held_out: bool = False,
    ):
        self.seed, self.images, self.prompts, self.steps = seed, images, prompts, steps
        self.cutouts, self.held_out = cutouts, held_out
        self.maker: SceneMaker | None = None
        self.pool: dict[tuple[int, int], Scene] = {}

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        random = np.random.default_rng([self.seed, 1, step])
        lane, turn = step % LANES, step // LANES
        newest = FIRST + turn * self.images // REUSE
        oldest = max(0, newest - WINDOW)
        self.pool = {key: scene for key, scene in self.pool.items() if key[0] != lane or key[1] >= oldest}
        samples = []
        while len(samples) < self.images:
            scene = self.scene(lane, int(random.integers(oldest, newest)))
            sample = self.sample(varied(scene, random), random)
            if sample is not None:
                samples.append(sample)
        images, contents, masks, boxes, families = zip(*samples)
        return Batch(
            np.stack(images), np.stack(contents), np.concatenate(masks), np.concatenate(boxes), list(families)
        )

    def scene(self, lane: int, index: int) -> Scene:
        """A scene of a lane: from its own generator, so it does not matter when it is drawn."""
        if self.maker is None:
            torch.set_num_threads(1)  # in a worker process
            self.maker = SceneMaker(SIZE, self.seed, self.cutouts, self.held_out)
        if (lane, index) not in self.pool:
            self.pool[lane, index] = self.maker.draw(np.random.default_rng([self.seed, 0, lane, index]))
        return self.pool[lane, index]

    def sample(self, scene: Scene, random: np.random.Generator) -> tuple | None:
        """An image with its targets, or nothing where a scene has fewer than two."""
        height, width = content(random)
        image, visible = paint(scene, self.maker.fields, random)
        if visible is not None:
            scene.labels[~visible] = 0
        scene.labels[height:], scene.labels[:, width:] = 0, 0
        found = targets(scene, image, self.prompts, random)
        if len(found) < 2:
            return None
        masks = [found[index % len(found)] for index in range(self.prompts)]
        boxes = [jittered_box(mask, random) for mask in masks]
        return image, np.array([height, width]), np.stack(masks), np.stack(boxes), scene.family


def varied(scene: Scene, random: np.random.Generator) -> Scene:
    """The scene turned and mirrored, or a part of it; its labels are its own."""
    is_upright = scene.colours is not None or (scene.family == BODY and random.random() < UPRIGHT)
    quarters, flipped = (0, False) if is_upright else (int(random.integers(4)), random.random() < 0.5)
    turned = scene.turned(quarters, flipped)
    if random.random() < ZOOMED:
        side = int(SIZE * random.uniform(0.5, 0.95))
        top, left = random.integers(0, SIZE - side + 1, 2)
        turned = turned.cropped(int(top), int(left), side)
    turned.labels = turned.labels + np.int16(1)  # the background of a scene is a region as well
    turned.tissues, turned.wholes = [0, *turned.tissues], [0, *(whole + 1 for whole in turned.wholes)]
    return turned


def content(random: np.random.Generator) -> tuple[int, int]:
    """Height and width of what is not padding: half of the images are not square."""
    short = int(SIZE * random.uniform(0.6, 1)) if random.random() < 0.5 else SIZE
    return (short, SIZE) if random.random() < 0.5 else (SIZE, short)


def model_input(batch: Batch, sam: Sam) -> torch.Tensor:
    return normalised(torch.from_numpy(batch.images), torch.from_numpy(batch.contents), sam)


def normalised(images: torch.Tensor, contents: torch.Tensor, sam: Sam) -> torch.Tensor:
    """As by `Sam.preprocess`, [images, 3, height, width]; padding becomes 0.

    For a model of another image size the pixels are averaged or interpolated first.
    """
    size = sam.image_encoder.img_size
    pixels, contents = images.to(sam.device).float(), contents.to(sam.device)
    if size != SIZE:
        mode = "area" if size < SIZE else "bilinear"
        pixels = functional.interpolate(pixels, size=(size, size), mode=mode)
    pixels = (pixels - sam.pixel_mean) / sam.pixel_std
    at, (heights, widths) = torch.arange(size, device=sam.device), (contents * size // SIZE).unbind(1)
    is_shown = (at < heights[:, None])[:, None, :, None] & (at < widths[:, None])[:, None, None]
    return torch.where(is_shown, pixels, 0)
