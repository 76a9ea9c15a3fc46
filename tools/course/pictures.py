"""Draws the pictures of the course (Sources/SegmentAnything/Documentation.docc/Course) from real activations.

    python tools/course/pictures.py SWIFT_SAM    # the executable; needs numpy, pillow, safetensors

The example is a slice of the demo case's CT, cut to the body, with annotator 1's box of the liver, in the bundled model.
Backgrounds are transparent and letters grey, so that a picture can be read on white and on black. The numbers that the
articles quote are printed."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "Sources/SegmentAnything/Documentation.docc/Resources"
DEMO = ROOT / "weights/demo"
SLICE = 7
LIVER = 5
# Left, top, right and bottom of the body, in pixels of the slice.
BODY = (10, 44, 246, 208)
GREY = (128, 134, 144, 255)
ACCENT = (255, 176, 32, 255)
GAP = 12
FONT = ImageFont.truetype("DejaVuSans.ttf", 13)


# MARK: The run


def example(swift_sam: str, folder: Path) -> tuple[Image.Image, tuple[int, ...], dict[str, np.ndarray]]:
    """The picture, the box in it, and every activation."""
    run([swift_sam, "slices", DEMO / "ct.nii.gz", "--view", "array", "-o", folder / "slices"])
    stem = f"ct-slice{SLICE:03d}"
    whole = Image.open(folder / "slices" / f"{stem}.png").convert("RGB")
    picture = whole.crop(BODY)
    picture.save(folder / "slice.png")
    box = liver_box(DEMO / "boxes/annotator-1" / f"{stem}.txt", whole.size)
    corners = ",".join(str(corner) for corner in box)
    run([swift_sam, "activations", folder / "slice.png", "--box", corners, "--all", "-o", folder / "acts.safetensors"])
    return picture, box, load_file(folder / "acts.safetensors")


def run(command: Sequence[object]) -> None:
    """Runs a command, whose failure ends everything."""
    subprocess.run([str(word) for word in command], check=True)


def liver_box(path: Path, size: tuple[int, int]) -> tuple[int, ...]:
    """The box in pixels of the body, from a line of relative centre and size."""
    for line in path.read_text().splitlines():
        name, *numbers = line.split()
        if int(name) == LIVER:
            x, y, width, height = (float(number) for number in numbers)
            corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            return tuple(round(c * size[i % 2]) - BODY[i % 2] for i, c in enumerate(corners))
    raise SystemExit(f"{path}: no liver on this slice")


# MARK: Drawing


def ramp(values: np.ndarray, low: float | None = None, high: float | None = None) -> Image.Image:
    """Values as colours from dark blue through green to yellow."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    stops = np.array([[36, 22, 80], [58, 82, 139], [32, 144, 140], [94, 201, 97], [253, 231, 36]], float)
    place = np.clip((values - low) / max(high - low, 1e-12), 0, 1) * (len(stops) - 1)
    first = np.minimum(place.astype(int), len(stops) - 2)
    share = (place - first)[..., None]
    return Image.fromarray((stops[first] * (1 - share) + stops[first + 1] * share + 0.5).astype(np.uint8))


def signed(values: np.ndarray, limit: float | None = None) -> Image.Image:
    """Values as blue below 0, white at 0 and red above."""
    limit = limit or float(np.abs(values).max())
    share = np.clip(values / limit, -1, 1)[..., None]
    ends = np.where(share < 0, np.array([33, 102, 172]), np.array([178, 24, 43]))
    return Image.fromarray((255 + (ends - 255) * np.abs(share) + 0.5).astype(np.uint8))


def enlarged(image: Image.Image, factor: int) -> Image.Image:
    """Each pixel as a square."""
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def fitted(image: Image.Image, width: int) -> Image.Image:
    """The image at a width, smoothed."""
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def principal(tokens: np.ndarray) -> Image.Image:
    """Tokens `[grid, grid, channels]` by their first three principal components as red, green and blue."""
    rows = tokens.reshape(-1, tokens.shape[-1])
    rows = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(rows, full_matrices=False)
    colours = rows @ axes[:3].T
    low, high = np.percentile(colours, [2, 98], axis=0)
    scaled = np.clip((colours - low) / (high - low), 0, 1)
    return Image.fromarray((255 * scaled + 0.5).astype(np.uint8).reshape(*tokens.shape[:2], 3))


def panel(name: str, rows: Sequence[Sequence[tuple[str, Image.Image]]]) -> None:
    """Writes images side by side, each row below the one before, with a line of text under each image."""
    line = 20
    widths = [sum(image.width + GAP for _, image in row) - GAP for row in rows]
    heights = [max(image.height for _, image in row) + line for row in rows]
    sheet = Image.new("RGBA", (max(widths), sum(heights) + GAP * (len(rows) - 1)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(sheet)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for text, image in row:
            sheet.paste(image.convert("RGBA"), (left, top))
            draw.text((left, top + image.height + 3), text, font=FONT, fill=GREY)
            left += image.width + GAP
        top += height + GAP
    path = PICTURES / f"{name}.png"
    sheet.quantize(128, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    print(f"{path.name}: {sheet.width}×{sheet.height}, {path.stat().st_size // 1000} kB")


# MARK: The pictures


class Course:
    """The example's activations, and a picture for each article."""

    def __init__(self, picture: Image.Image, box: tuple[int, ...], acts: dict[str, np.ndarray]) -> None:
        self.picture, self.box, self.acts = picture, box, acts
        self.image_size = acts["input"].shape[-1]
        self.grid = acts["image_encoder"].shape[-1]
        self.patch = self.image_size // self.grid
        self.blocks = sum(name.endswith(".norm1") and ".blocks." in name for name in acts)
        self.scale = self.image_size / max(picture.size)
        # Tokens of the picture, without the filling; of the liver's middle; inside of the box.
        self.shown = -(-round(picture.height * self.scale) // self.patch)
        self.corners = [corner * self.scale / self.patch for corner in box]
        self.query = (int((self.corners[1] + self.corners[3]) / 2), int((self.corners[0] + self.corners[2]) / 2))

    def tokens(self, name: str) -> np.ndarray:
        """`[grid, grid, channels]` of any layout."""
        x = self.acts[name][0]
        return x if name.count(".blocks.") or name.endswith(("patch_embed", "pos_embed")) else x.transpose(1, 2, 0)

    def square(self, factor: int) -> Image.Image:
        """The model's square in colours: the input, with mean and deviation put back."""
        mean = np.array([123.675, 116.28, 103.53])[:, None, None]
        deviation = np.array([58.395, 57.12, 57.375])[:, None, None]
        pixels = np.clip(self.acts["input"][0] * deviation + mean + 0.5, 0, 255).astype(np.uint8)
        return enlarged(Image.fromarray(pixels.transpose(1, 2, 0)), factor)

    def cut(self, values: np.ndarray) -> np.ndarray:
        """A map of the grid without the filling's rows."""
        return values[: self.shown]

    def with_box(self, image: Image.Image) -> Image.Image:
        """The prompt's box over an image of the square's tokens or of the picture, whichever its width is."""
        image = image.convert("RGB")
        factor = image.width / self.grid
        ImageDraw.Draw(image).rectangle([corner * factor for corner in self.corners], outline=ACCENT, width=2)
        return image

    def with_query(self, image: Image.Image) -> Image.Image:
        """A mark on the token that asks."""
        image = image.convert("RGB")
        factor = image.width / self.grid
        y, x = self.query
        ImageDraw.Draw(image).rectangle(
            [x * factor - 1, y * factor - 1, (x + 1) * factor, (y + 1) * factor], outline=ACCENT, width=2)
        return image

    def window_map(self, block: int, head: int | None, name: str = "weights") -> np.ndarray:
        """What the query's row of `[windows · heads, tokens, tokens]` says of each place of the grid; 0 elsewhere."""
        x = self.acts[f"image_encoder.blocks.{block}.attn.{name}"]
        window = round(x.shape[-1] ** 0.5)
        across = -(-self.grid // window)
        heads = x.shape[0] // across**2
        (row, y), (column, x0) = divmod(self.query[0], window), divmod(self.query[1], window)
        items = x.reshape(across**2, heads, window**2, window, window)[row * across + column, :, y * window + x0]
        values = items.mean(axis=0) if head is None else items[head]
        full = np.zeros((across * window, across * window), np.float32)
        full[row * window : (row + 1) * window, column * window : (column + 1) * window] = values
        return full[: self.grid, : self.grid]

    def heads(self, block: int) -> int:
        """Heads of a block."""
        x = self.acts[f"image_encoder.blocks.{block}.attn.weights"]
        window = round(x.shape[-1] ** 0.5)
        return x.shape[0] // (-(-self.grid // window)) ** 2

    # MARK: One for each article

    def pixels(self) -> None:
        """The picture, and the square with its filling and the grid of patches."""
        square = self.square(2)
        lines = Image.new("RGBA", square.size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(lines)
        for place in range(0, square.width, self.patch * 2):
            draw.line([(place, 0), (place, square.height)], fill=(255, 255, 255, 60))
            draw.line([(0, place), (square.width, place)], fill=(255, 255, 255, 60))
        square = Image.alpha_composite(square.convert("RGBA"), lines)
        height = round(self.picture.height * self.scale)
        panel("course-pixels", [[
            (f"picture, {self.picture.width}×{self.picture.height}", enlarged(self.picture, 1)),
            (f"model's square, {self.image_size}×{self.image_size}; the picture takes {height} rows", square)]])

    def tokens_of_blocks(self) -> None:
        """Principal components of the tokens as they go through the blocks."""
        middle = self.blocks // 2 - 1
        names = [("patches", "image_encoder.patch_embed"), (f"after block {middle}", f"image_encoder.blocks.{middle}"),
                 (f"after block {self.blocks - 1}", f"image_encoder.blocks.{self.blocks - 1}")]
        panel("course-tokens", [[(text, enlarged(principal(self.cut(self.tokens(name))), 8)) for text, name in names]])

    def windows(self) -> None:
        """The windows over the picture, and one token's attention within its own."""
        window = round(self.acts["image_encoder.blocks.0.attn.weights"].shape[-1] ** 0.5)
        square = self.square(1).crop((0, 0, self.image_size, self.shown * self.patch))
        square = enlarged(square, 1)
        draw = ImageDraw.Draw(square)
        for place in range(0, self.image_size + 1, window * self.patch):
            draw.line([(place, 0), (place, square.height)], fill=(90, 170, 255))
            draw.line([(0, place), (square.width, place)], fill=(90, 170, 255))
        maps = []
        for head in range(self.heads(0)):
            row, column = (place // window * window for place in self.query)
            values = self.window_map(0, head)[row : row + window, column : column + window]
            image = enlarged(ramp(values, 0), 17)
            y, x = self.query[0] - row, self.query[1] - column
            ImageDraw.Draw(image).rectangle([x * 17, y * 17, x * 17 + 16, y * 17 + 16], outline=ACCENT, width=2)
            maps.append((f"head {head}", image))
        panel("course-windows", [[(f"{window}×{window} tokens a window", self.with_query(square)), *maps]])

    def relative(self) -> None:
        """The terms of a global block's query."""
        block = self.blocks - 1
        path = f"image_encoder.blocks.{block}.attn"
        head = int(np.argmax([self.acts[f"{path}.weights"][h].max() for h in range(self.heads(block))]))
        token = self.query[0] * self.grid + self.query[1]
        down = self.acts[f"{path}.rel_h"].reshape(self.heads(block), self.grid**2, self.grid)[head, token]
        across = self.acts[f"{path}.rel_w"].reshape(self.heads(block), self.grid**2, self.grid)[head, token]
        terms = down[:, None] + across[None, :]
        scores = self.window_map(block, head, "scores")
        limit = float(max(np.abs(terms).max(), np.abs(scores).max()))
        size = 6
        images = [("rows", signed(np.broadcast_to(down[:, None], terms.shape), limit)),
                  ("columns", signed(np.broadcast_to(across[None, :], terms.shape), limit)),
                  ("q·k/√headDim", signed(scores, limit)),
                  ("weights", ramp(self.window_map(block, head), 0))]
        print(f"relative: block {block}, head {head}: terms {terms.min():.2f}…{terms.max():.2f}, "
              f"scores {scores.min():.2f}…{scores.max():.2f}")
        panel("course-relative", [[
            (text, self.with_query(enlarged(image, size)).crop((0, 0, self.grid * size, self.shown * size)))
            for text, image in images]])

    def attention(self) -> None:
        """One token's attention in the last block."""
        block, size = self.blocks - 1, 5
        maps = [(f"head {head}", head) for head in range(self.heads(block))] + [("mean", None)]
        panel("course-global", [[
            (text, self.with_query(enlarged(ramp(self.window_map(block, head), 0), size))
                .crop((0, 0, self.grid * size, self.shown * size))) for text, head in maps]])
        left, top, right, bottom = self.corners
        for text, head in maps:
            weights = self.window_map(block, head)
            inside = weights[int(top) : int(bottom) + 1, int(left) : int(right) + 1].sum() / weights.sum()
            print(f"global: {text}: {inside:.0%} of the weight in the box")

    def neck(self) -> None:
        """Before and after the neck."""
        last = f"image_encoder.blocks.{self.blocks - 1}"
        before, after = self.tokens(last), self.tokens("image_encoder")
        panel("course-neck", [[
            (f"after the last block, {before.shape[-1]} channels", enlarged(principal(self.cut(before)), 10)),
            (f"embedding, {after.shape[-1]} channels", enlarged(principal(self.cut(after)), 10))]])

    def positions(self) -> None:
        """A corner's position against those of all places, and some channels."""
        dense = self.acts["prompt_encoder.pe_layer"].reshape(-1, self.grid, self.grid)
        y, x = int(self.corners[1]), int(self.corners[0])
        likeness = np.einsum("chw,c->hw", dense, dense[:, y, x]) / (dense[:, y, x] ** 2).sum()
        image = enlarged(signed(likeness, 1), 6)
        ImageDraw.Draw(image).rectangle([x * 6 - 1, y * 6 - 1, x * 6 + 6, y * 6 + 6], outline=ACCENT, width=2)
        channels = sorted(range(dense.shape[0] // 2), key=lambda c: float(np.abs(np.diff(dense[c], axis=0)).mean()))
        chosen = [channels[len(channels) * part // 8] for part in (0, 2, 5)]
        panel("course-positions", [[("cosine with the corner's", image),
                                    *[(f"channel {c}", enlarged(signed(dense[c], 1), 6)) for c in chosen]]])

    def decoder(self) -> None:
        """Where each token looks, and how much of that is inside of the box."""
        best = int(self.acts["mask_decoder.iou_predictions"][0].argmax())
        tokens = [("IoU", 0), (f"mask {best + 1}", 2 + best), ("corner 1", 5), ("corner 2", 6)]
        transformer = "mask_decoder.transformer"
        layers = [(f"block {layer}", f"{transformer}.layers.{layer}.cross_attn_token_to_image.weights")
                  for layer in range(2)] + [("at the end", f"{transformer}.final_attn_token_to_image.weights")]
        left, top, right, bottom = self.corners
        inside = np.zeros((self.grid, self.grid), bool)
        inside[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = True
        print(f"decoder: the box touches {inside.mean():.0%} of the patches")
        rows, size = [], 6
        for text, name in layers:
            weights = self.acts[name][0].mean(axis=0).reshape(-1, self.grid, self.grid)
            shares = [float(weights[token][inside].sum()) for token in range(len(weights))]
            print(f"decoder: {text}: shares in the box {' '.join(f'{share:.0%}' for share in shares)}")
            rows.append([(f"{token}, {text}: {shares[index]:.0%}",
                          self.with_box(enlarged(ramp(weights[index], 0), size))
                          .crop((0, 0, self.grid * size, self.shown * size))) for token, index in tokens])
        panel("course-decoder", rows)

    def hypernetworks(self) -> None:
        """The up-scaled channels, the weights of the mask chosen, and their sum."""
        best = 1 + int(self.acts["mask_decoder.iou_predictions"][0].argmax())
        upscaled = self.acts["mask_decoder.output_upscaling"][0]
        weights = self.acts[f"mask_decoder.output_hypernetworks_mlps.{best}"].reshape(-1)
        logits = self.acts["mask_decoder.low_res_logits"][0, best - 1]
        error = float(np.abs(np.tensordot(weights, upscaled, 1) - logits).max())
        print(f"hypernetworks: mask {best}, |Σ weight · channel − logits| ≤ {error:.1e}")
        share = [float(np.abs(w) * np.abs(c).mean()) for w, c in zip(weights, upscaled, strict=True)]
        chosen = sorted(np.argsort(share)[::-1][:8].tolist())
        height = self.shown * 4
        tiles = [(f"{weights[c]:+.2f} · channel {c}", ramp(upscaled[c, :height])) for c in chosen]
        total = ("all channels: logits", signed(logits[:height], float(logits.max())))
        panel("course-hypernetworks", [tiles[:4], tiles[4:], [total]])

    def logits(self) -> None:
        """Logits small and large, and the mask with its uncertain band."""
        scores = self.acts["mask_decoder.iou_predictions"][0]
        best = int(scores.argmax())
        small, large = self.acts["mask_decoder.low_res_logits"][0, best], self.acts["mask_logits"][0, best]
        stability = float((large > 1).sum() / (large > -1).sum())
        print(f"logits: predicted IoU {', '.join(f'{score:.3f}' for score in scores)}; mask {best + 1}: "
              f"{int((large > 0).sum())} pixels, stability {stability:.3f}")
        # Most places are far from the object, and very negative.
        limit = float(large.max())
        picture = np.asarray(self.picture, float)
        picture[large > 0] = picture[large > 0] * 0.6 + np.array([90, 170, 255]) * 0.4
        picture[np.abs(large) <= 1] = (255, 176, 32)
        panel("course-logits", [[
            (f"decoder's, {small.shape[1]}×{small.shape[0]}", signed(small, limit)),
            (f"picture's, {large.shape[1]}×{large.shape[0]}", signed(large, limit)),
            (f"mask {best + 1}, {int((large > 0).sum())} pixels", Image.fromarray(picture.astype(np.uint8)))]])


def main() -> None:
    """Runs the example and draws everything."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        picture, box, acts = example(sys.argv[1], Path(folder))
        print(f"slice {SLICE}, {picture.width}×{picture.height}, box {box}")
        course = Course(picture, box, acts)
        for draw in (course.pixels, course.tokens_of_blocks, course.windows, course.relative, course.attention,
                     course.neck, course.positions, course.decoder, course.hypernetworks, course.logits):
            draw()


if __name__ == "__main__":
    main()
