"""Clip art with a transparent ground, in the public domain: Debian's package `openclipart-png`."""

from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path("/usr/share/openclipart/png")
SUBJECTS = (
    "animals",
    "buildings",
    "containers",
    "computer/hardware",
    "education",
    "electronics",
    "food",
    "office",
    "people",
    "plants",
    "recreation/music",
    "recreation/sports",
    "recreation/toys",
    "tools",
    "transportation",
    "unsorted",
)
HELD_OUT = 10  # one of so many pieces is kept for held-out scenes
LEAST_SIDE, LARGEST_SIDE = 60, 256  # pixels; larger pieces are kept smaller
LEAST_COVER, LARGEST_COVER = 0.12, 0.92  # share of the bounding box that is not transparent


class Cutouts:
    """Pieces of clip art, read when they are first drawn."""

    def __init__(self, folder: Path, held_out: bool):
        files = sorted(file for subject in SUBJECTS for file in (folder / subject).rglob("*.png"))
        if not files:
            raise SystemExit(
                f"{folder}: found no clip art; install Debian's openclipart-png, or unpack it (dpkg-deb -x) and "
                "name its folder usr/share/openclipart/png with --cutouts"
            )
        self.files = [file for index, file in enumerate(files) if (index % HELD_OUT == 0) == held_out]
        self.read: dict[int, Image.Image | None] = {}

    def draw(self, random: np.random.Generator) -> Image.Image:
        """RGBA of a piece, cut to what is not transparent."""
        while True:
            index = int(random.integers(len(self.files)))
            if index not in self.read:
                self.read[index] = usable(self.files[index])
            if self.read[index] is not None:
                return self.read[index]


def usable(file: Path) -> Image.Image | None:
    """The piece, or nothing where it is tiny, nearly a line, or fills a rectangle."""
    try:
        picture = Image.open(file).convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.BOX)
    alpha = np.asarray(picture)[..., 3] > 127
    if not alpha.any():
        return None
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    cover = alpha[top:bottom, left:right].mean()
    if min(right - left, bottom - top) < LEAST_SIDE or not LEAST_COVER <= cover <= LARGEST_COVER:
        return None
    return picture.crop((left, top, right, bottom))
