"""Pictures of plain objects out of packages' own data, with an outline drawn by hand for each.

    python photos.py weights.safetensors [--root DEBS] [--overlays overlays.jpg]

`photos/objects.json` names each picture's package, file and licence; the pictures are read where the packages
are installed and are not part of this repository. Debian packages may be unpacked into a folder (`dpkg-deb -x`)
that is handed over as `--root`. Never use these pictures for training or for choosing.
"""

import argparse
import bz2
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from segment_anything import SamPredictor

from model import load_model
from surroundings import settle

OBJECTS = Path(__file__).parent / "photos" / "objects.json"
MAY_BE_SHOWN = ("public domain", "CC0", "CC-BY 2", "CC-BY 4", "no known restrictions")
TILE = 200  # pixels along the long side of a picture among the overlays


@dataclass
class Photo:
    """A picture, the object that is meant, and its outline."""

    name: str
    licence: str
    image: np.ndarray  # [height, width, 3] uint8
    box: np.ndarray  # x0, y0, x1, y1
    polygon: list[tuple[float, float]]

    def mask(self) -> np.ndarray:
        """What the outline encloses, [height, width]."""
        canvas = Image.new("1", self.image.shape[1::-1])
        ImageDraw.Draw(canvas).polygon(self.polygon, fill=1)
        return np.asarray(canvas)


def find(file: str, root: Path) -> Path | None:
    """The file of an installed Python package, or of a Debian package below `root`."""
    if file.startswith("usr/"):
        path = root / file
    else:
        package, rest = file.split("/", 1)
        spec = find_spec(package)
        path = Path(spec.submodule_search_locations[0]) / rest if spec else root / file
    return path if path.exists() else None


def read(path: Path) -> np.ndarray:
    """RGB of a picture; SciPy's raccoon is packed bytes of 768 by 1024 pixels."""
    if path.suffix == ".dat":
        return np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8).reshape(768, 1024, 3)
    return np.asarray(Image.open(path).convert("RGB"))


def photos(root: Path) -> list[Photo]:
    """All pictures that can be found; says which cannot."""
    found = []
    for entry in json.loads(OBJECTS.read_text()):
        path = find(entry["file"], root)
        if path is None:
            print(f"{entry['name']}: no {entry['file']}; it is in the package {entry['package']}")
            continue
        polygon = [tuple(point) for point in entry["polygon"]]
        found.append(
            Photo(entry["name"], entry["licence"], read(path), np.array(entry["box"], float), polygon)
        )
    return found


def dice(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (predicted & truth).sum() / max(1, predicted.sum() + truth.sum()))


def evaluate(weights: str, root: Path) -> None:
    """Dice of the mask of the highest score for each exact box, beside that of filling the box."""
    predictor = SamPredictor(load_model(weights))
    rows = []
    for photo in photos(root):
        predictor.set_image(photo.image)
        masks, scores, _ = predictor.predict(box=photo.box, multimask_output=True)
        truth, filled = photo.mask(), np.zeros(photo.image.shape[:2], bool)
        x0, y0, x1, y1 = photo.box.astype(int)
        filled[y0:y1, x0:x1] = True
        each = [dice(mask, truth) for mask in masks]
        rows.append((each[scores.argmax()], max(each), float(scores.max()), dice(filled, truth)))
        print(f"{photo.name:12}" + "  ".join(f"{value:.3f}" for value in rows[-1]))
    means = "  ".join(f"{value:.3f}" for value in np.mean(rows, 0))
    print(f"{'mean':12}{means}   (chosen, best of three, predicted IoU, filled box; {len(rows)} pictures)")


def draw_overlays(root: Path, output: Path, columns: int = 6) -> None:
    """The pictures that may be shown, small, with their outlines and boxes."""
    tiles = []
    for photo in photos(root):
        if photo.licence.startswith(MAY_BE_SHOWN):
            picture = Image.fromarray(photo.image)
            scale = TILE / max(picture.size)
            picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
            draw = ImageDraw.Draw(picture)
            draw.polygon([(x * scale, y * scale) for x, y in photo.polygon], outline=(0, 255, 255), width=2)
            draw.rectangle(tuple(photo.box * scale), outline=(255, 255, 0))
            tiles.append(picture)
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * TILE, rows * TILE))
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % columns * TILE, index // columns * TILE))
    sheet.save(output, quality=80)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", nargs="?", help="a checkpoint or an exported file to score")
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--overlays", type=Path, help="write the outlines over the pictures")
    arguments = parser.parse_args()
    settle()
    torch.set_num_threads(2)
    if arguments.overlays:
        draw_overlays(arguments.root, arguments.overlays)
    if arguments.weights:
        evaluate(arguments.weights, arguments.root)


if __name__ == "__main__":
    main()
