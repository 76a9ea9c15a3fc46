"""Photographs' statistics: coloured, textured, lit things before a ground, with shadows and occlusion.

Some things are put together from ovals and polygons; others have the outline, and mostly the colours, of clip
art in the public domain: Debian's package `openclipart-png`. One of ten pieces is kept for held-out scenes.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from cutouts import Cutouts
from drawer import Drawer
from label_map import GROUND, PHOTO, THING, Scene
from shapes import Mask

Colours = np.ndarray  # [height, width, 3] float32 in 0..1


class PhotoDrawer(Drawer):
    """Draws a photograph's scene; `canvas` is its colours while it is drawn."""

    canvas: Colours

    def open_cutouts(self, folder: Path, held_out: bool) -> None:
        self.cutouts = Cutouts(folder, held_out)

    def draw_photo(self, scene: Scene) -> None:
        scene.family = PHOTO
        uniform = self.random.uniform
        self.light = uniform(0, 2 * np.pi)
        self.draw_ground(scene)
        for _ in range(self.random.integers(0, 8)):  # what is far off: seen, never meant
            self.blend(
                self.random_ellipse(self.warped(0.1), np.exp(uniform(-3, -0.5))), self.random.random(3)
            )
        if self.chance(0.6):
            self.canvas = self.out_of_focus(self.canvas, int(2 ** uniform(1, 4.5)))
        largest = np.exp(uniform(np.log(0.15), np.log(0.8)))
        for size in np.sort(largest * uniform(0.3, 1, self.random.integers(1, 8)))[::-1]:
            draw = self.draw_cutout if self.chance(0.6) else self.draw_compound
            draw(scene, uniform(-0.9, 0.9, 2), size)
        scene.colours = (np.clip(self.canvas, 0, 1) * 255 + 0.5).astype(np.uint8)

    def draw_ground(self, scene: Scene) -> None:
        """A wall or sky, and mostly a floor whose texture grows towards the viewer."""
        uniform = self.random.uniform
        everywhere = np.ones((self.size, self.size), bool)
        scene.add(everywhere, GROUND)
        self.canvas = self.texture(self.random.random(3), uniform(0, 0.25), everywhere.shape)
        self.canvas = self.canvas + (uniform(-0.3, 0.3) * self.y)[..., None]
        if self.chance(0.6):
            horizon = uniform(-0.6, 0.6)
            floor = self.y + uniform(-0.15, 0.15) * self.x > horizon
            scene.add(floor, GROUND)
            texture = self.texture(self.random.random(3), uniform(0, 0.4), everywhere.shape)
            nearness = np.clip(self.y[:, 0] - horizon, 0.02, None)
            rows = (self.size * 0.25 / nearness).astype(int) % self.size
            columns = (self.x[0] * self.size * 0.4 / nearness[:, None]).astype(int) % self.size
            self.canvas[floor] = texture[rows[:, None], columns][floor]

    def draw_cutout(self, scene: Scene, centre: np.ndarray, size: float) -> None:
        """Clip art: turned, stretched, mostly with shading and texture of its own."""
        uniform = self.random.uniform
        picture = self.cutouts.draw(self.random)
        if self.chance(0.5):
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        scale = size * self.size / max(picture.size)
        shape = np.maximum(8, np.array(picture.size) * scale * np.exp(uniform(-0.2, 0.2, 2))).astype(int)
        picture = picture.resize(tuple(shape), Image.Resampling.BILINEAR)
        angle = self.random.normal(0, 25)
        picture = picture.rotate(angle, Image.Resampling.BILINEAR, expand=True)
        pixels = np.asarray(picture, np.float32) / 255
        colours, alpha = pixels[..., :3], pixels[..., 3]
        if self.chance(0.25):  # the outline alone
            colours = self.texture(self.random.random(3), uniform(0, 0.3), alpha.shape)
        else:
            colours = self.recoloured(colours) * (1 + uniform(0, 0.4) * self.window(alpha.shape)[..., None])
        near, inside = self.placed(centre, alpha.shape)
        self.cast_shadow(near, (alpha > 0.5)[inside], size)
        self.blend_into(near, self.shaded(colours, alpha > 0.5)[inside], alpha[inside])
        self.mark(scene, near, (alpha > 0.5)[inside])

    def draw_compound(self, scene: Scene, centre: np.ndarray, size: float) -> None:
        """Ovals and polygons that are one thing, of one or more materials."""
        uniform, whole = self.random.uniform, None
        colour = self.random.random(3)
        for index in range(self.random.integers(1, 5)):
            place = centre + (uniform(-0.5, 0.5, 2) * size if index else 0)
            radius = size * uniform(0.3, 0.7)
            if self.chance(0.5):
                part = self.oval(tuple(place), radius)
            else:
                angles = np.sort(uniform(0, 2 * np.pi, self.random.integers(3, 8)))
                part = self.polygon(place + radius * np.stack([np.cos(angles), np.sin(angles)], 1))
            if not part.any():
                continue
            if index == 0:
                self.cast_shadow(np.s_[:, :], part, size)
            colour = np.clip(colour + self.random.normal(0, 0.3 if self.chance(0.5) else 0.03, 3), 0, 1)
            self.blend(part, colour)
            number = scene.add(part, THING, whole)
            whole = number if whole is None else whole

    # -- parts

    def texture(self, colour: np.ndarray, amount: float, shape: tuple[int, int]) -> Colours:
        """A colour with grain, stripes or patches."""
        scale = int(self.random.integers(2, 9))
        pattern = self.window(shape, scale)
        if self.chance(0.25):
            pattern = np.sign(np.sin(pattern * self.random.uniform(2, 12)))
        elif self.chance(0.25):
            slope, period = self.random.uniform(-1, 1), self.random.uniform(4, 60)
            rows, columns = np.ogrid[: shape[0], : shape[1]]
            pattern = np.sin((rows * slope + columns) / period * 6.3)
        tint = np.clip(self.random.normal(1, 0.4, 3), 0, 2)
        return (colour + amount * pattern[..., None] * tint).astype(np.float32)

    def window(self, shape: tuple[int, int], scale: int | None = None) -> np.ndarray:
        """A field of that many pixels, repeated where it is larger than the scene."""
        scale = int(self.random.integers(2, 9)) if scale is None else scale
        field = self.field(scale, scale)
        return field[np.arange(shape[0]) % self.size][:, np.arange(shape[1]) % self.size]

    def recoloured(self, colours: Colours) -> Colours:
        """Channels exchanged, contrast and tint changed."""
        if self.chance(0.5):
            colours = colours[..., self.random.permutation(3)]
        gain, offset = self.random.uniform(0.4, 1.1, 3), self.random.uniform(0, 0.25, 3)
        return (colours * gain + offset * (1 - gain)).astype(np.float32)

    def shaded(self, colours: Colours, mask: Mask) -> Colours:
        """Brighter towards the light."""
        rows, columns = np.ogrid[-1 : 1 : mask.shape[0] * 1j, -1 : 1 : mask.shape[1] * 1j]
        ramp = columns * np.cos(self.light) + rows * np.sin(self.light)
        return colours * (1 + self.random.uniform(0, 0.45) * ramp[..., None]).astype(np.float32)

    def cast_shadow(self, near: tuple, mask: Mask, size: float) -> None:
        """Darkens what lies behind, beside the thing."""
        if self.chance(0.4) or not mask.any():
            return
        reach = size * self.size * self.random.uniform(0.02, 0.25)
        down, right = round(-np.sin(self.light) * reach), round(-np.cos(self.light) * reach)
        shadow = np.zeros((self.size, self.size), np.float32)
        shadow[near] = mask
        shadow = np.roll(shadow, (down, right), (0, 1))
        soft = self.out_of_focus(shadow[..., None], int(2 ** self.random.uniform(1, 3.5)))
        self.canvas *= 1 - self.random.uniform(0.2, 0.7) * soft

    def out_of_focus(self, colours: Colours, factor: int) -> Colours:
        """Blurred, by shrinking and enlarging."""
        side = max(4, self.size // factor)
        layers = []
        for channel in np.moveaxis(colours, -1, 0):
            small = Image.fromarray(channel).resize((side, side), Image.Resampling.BOX)
            layers.append(np.asarray(small.resize((self.size, self.size), Image.Resampling.BICUBIC)))
        return np.stack(layers, -1)

    def blend(self, mask: Mask, colour: np.ndarray) -> None:
        """Paints a mask of the whole canvas with a textured, shaded colour."""
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return
        near = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        texture = self.texture(colour, self.random.uniform(0, 0.25), mask[near].shape)
        self.blend_into(near, self.shaded(texture, mask[near]), mask[near].astype(np.float32))

    def blend_into(self, near: tuple, colours: Colours, alpha: np.ndarray) -> None:
        self.canvas[near] += alpha[..., None] * (colours - self.canvas[near])

    def mark(self, scene: Scene, near: tuple, mask: Mask) -> None:
        """The thing's label where it is seen."""
        if mask.any():
            full = np.zeros(scene.labels.shape, bool)
            full[near] = mask
            scene.add(full, THING)

    def placed(self, centre: np.ndarray, shape: tuple[int, int]) -> tuple[tuple, tuple]:
        """The part of the scene which an array around a centre covers, and the part of the array within."""
        corner = (self.pixels(centre[::-1]) - np.array(shape) / 2).astype(int)
        low, high = np.maximum(corner, 0), np.minimum(corner + shape, self.size)
        high = np.maximum(high, low)
        outside = np.s_[low[0] : high[0], low[1] : high[1]]
        start, end = low - corner, high - corner
        return outside, np.s_[start[0] : end[0], start[1] : end[1]]
