"""Writes `resize.json`: what Pillow's 8-bit bilinear resize gives for random pixels, as SHA-256 of its bytes.

The pixels come from splitmix64, so that a test can make them again without a file. Also lists what the
official `ResizeLongestSide.get_preprocess_shape` gives, ties and sums that float64 rounds the wrong way
included."""

import argparse
import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from segment_anything.utils.transforms import ResizeLongestSide

from export_model import FIXTURES, versions

SEED = 20230402
NOTE = (
    "resize: sha256 of the raw bytes of Pillow's Image.resize((targetWidth, targetHeight), Image.BILINEAR) "
    "on an RGB image of height x width x 3 bytes in row-major order (row, column, channel). Byte n (from 0) "
    "of the source is the top 8 bits of output n of splitmix64 begun at `seed`; per output, modulo 2^64: "
    "state += 0x9E3779B97F4A7C15; z = state; z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9; z = (z ^ (z >> 27)) "
    "* 0x94D049BB133111EB; output = z ^ (z >> 31). Seeds fit in 53 bits. Since 13.0 Pillow resizes "
    "vertically first where the height shrinks, and by more than twice the pixels that the width loses: "
    "height - targetHeight > max(0, 2 * (width - targetWidth)). Where that changes the bytes, "
    "sha256HorizontalFirst is what the fixed order of Pillow 12.2 and before gives. preprocessShape: "
    "ResizeLongestSide.get_preprocess_shape(height, width, longSide) gives newHeight, newWidth; a side of 0 "
    "is what the official code returns and what swift-sam calls bad data."
)
EXTREMES = [
    (1, 1, 57, 3), (1, 1, 1, 1), (1, 3000, 1, 64), (3000, 1, 64, 1), (2, 3000, 1, 64), (3000, 2, 64, 1),
    (2, 3000, 2, 64), (1, 64, 1, 3000), (1, 7, 200, 200), (7, 1, 200, 200), (200, 200, 1, 1),
    (200, 1, 1, 200), (1, 200, 200, 1),
    (2, 2, 200, 200), (199, 200, 200, 199), (200, 200, 199, 199), (100, 100, 200, 200), (200, 200, 100, 100),
    (200, 150, 50, 37), (3, 200, 200, 3), (1000, 3, 10, 3), (512, 512, 1024, 1024), (1024, 768, 512, 384),
    (431, 300, 1024, 713), (100, 200, 50, 100), (100, 200, 50, 99), (100, 200, 51, 100), (90, 199, 120, 199),
    (90, 199, 120, 198), (90, 199, 120, 200), (120, 400, 19, 64), (400, 120, 64, 19),
]  # fmt: skip


class Resize(NamedTuple):
    """The sizes of a source and of its target."""

    width: int
    height: int
    target_width: int
    target_height: int


# MARK: Pixels


def splitmix64_bytes(seed: int, count: int) -> np.ndarray:
    """The top 8 bits of each of the first `count` outputs of splitmix64."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(56)).astype(np.uint8)


def random_pixels(seed: int, height: int, width: int) -> np.ndarray:
    """An image `[height, width, 3]` of independent bytes."""
    return splitmix64_bytes(seed, height * width * 3).reshape(height, width, 3)


# MARK: Resizing


def resize_sizes(generator: np.random.Generator) -> list[Resize]:
    """The extremes, then random sizes: any, thin, of equal size, and with one side kept."""
    cases = [Resize(*sizes) for sizes in EXTREMES]
    side = lambda: int(generator.integers(1, 201))  # noqa: E731
    cases += [Resize(side(), side(), side(), side()) for _ in range(220)]
    cases += [Resize(1, side(), side(), side()) for _ in range(20)]
    cases += [Resize(side(), 1, side(), side()) for _ in range(20)]
    cases += [Resize(side(), side(), 1, side()) for _ in range(10)]
    cases += [Resize(side(), side(), side(), 1) for _ in range(10)]
    for _ in range(15):
        width, height, other = side(), side(), side()
        cases += [Resize(width, height, width, other), Resize(width, height, other, height)]
    for _ in range(10):
        width, height = side(), side()
        cases.append(Resize(width, height, width, height))
    return cases


def digest(image: Image.Image, *targets: tuple[int, int]) -> str:
    """SHA-256 of the bytes after bilinear resizes to each `(width, height)` in turn."""
    for target in targets:
        image = image.resize(target, Image.Resampling.BILINEAR)
    return hashlib.sha256(image.tobytes()).hexdigest()


def resize_case(seed: int, sizes: Resize) -> dict[str, object]:
    """One case with the digest of Pillow's result, and of the fixed order of passes where that differs."""
    source = Image.fromarray(random_pixels(seed, sizes.height, sizes.width))
    target = (sizes.target_width, sizes.target_height)
    result = digest(source, target)
    horizontal_first = digest(source, (sizes.target_width, sizes.height), target)
    return {
        "seed": seed,
        "width": sizes.width,
        "height": sizes.height,
        "targetWidth": sizes.target_width,
        "targetHeight": sizes.target_height,
        "sha256": result,
    } | ({} if horizontal_first == result else {"sha256HorizontalFirst": horizontal_first})


# MARK: The target's size


def rounded_exactly(side: int, longest: int, long_side: int) -> int:
    """The side's target in exact arithmetic, ties upwards."""
    return int(Fraction(side * long_side, longest) + Fraction(1, 2))


def shape_case(height: int, width: int, long_side: int) -> dict[str, int]:
    """One case with the official result."""
    new_height, new_width = ResizeLongestSide.get_preprocess_shape(height, width, long_side)
    source = {"height": height, "width": width, "longSide": long_side}
    return source | {"newHeight": new_height, "newWidth": new_width}


def random_sizes(generator: np.random.Generator, limit: int) -> tuple[int, int, int]:
    """A height, a width and a long side, each below `limit`."""
    height, width, long_side = generator.integers(1, limit, 3)
    return int(height), int(width), int(long_side)


def shape_cases(generator: np.random.Generator) -> list[dict[str, int]]:
    """Random sizes, ties at one half, and sizes for which float64 rounds unlike exact arithmetic."""
    cases = [shape_case(*random_sizes(generator, 4000)[:2], 1024) for _ in range(80)]
    cases += [shape_case(*random_sizes(generator, 300)) for _ in range(40)]
    cases += [shape_case(1001 + 2 * step, 2048, 1024) for step in range(10)]
    cases += [shape_case(2048, 3 + 202 * step, 1024) for step in range(10)]
    cases += [shape_case(1, 3000, 64), shape_case(3000, 1, 1024)]
    cases += [shape_case(1, 2048, 1024), shape_case(1, 2049, 1024)]
    return cases + float_sensitive_cases(generator, count=20)


def float_sensitive_cases(generator: np.random.Generator, count: int) -> list[dict[str, int]]:
    """Random sizes where `side * (longSide / longest)` falls just below or above a tie."""
    cases: list[dict[str, int]] = []
    while len(cases) < count:
        height, width, long_side = random_sizes(generator, 4000)
        longest = max(height, width)
        exact = rounded_exactly(height, longest, long_side), rounded_exactly(width, longest, long_side)
        if ResizeLongestSide.get_preprocess_shape(height, width, long_side) != exact:
            cases.append(shape_case(height, width, long_side))
    return cases


def rows_of_json(name: str, rows: list[dict]) -> str:
    """A JSON member with one row per line."""
    return f'"{name}": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]"


def main() -> None:
    """Writes `resize.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FIXTURES, help="where to write")
    folder = parser.parse_args().folder
    generator = np.random.default_rng(SEED)
    sizes = resize_sizes(generator)
    seeds = [int(generator.integers(0, 2**53)) for _ in sizes]
    resized = [resize_case(seed, size) for seed, size in zip(seeds, sizes, strict=True)]
    members = [
        f'"note": {json.dumps(NOTE)}',
        f'"versions": {json.dumps(versions())}',
        rows_of_json("resize", resized),
        rows_of_json("preprocessShape", shape_cases(generator)),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resize.json").write_text("{\n" + ",\n".join(members) + "\n}\n")


if __name__ == "__main__":
    main()
