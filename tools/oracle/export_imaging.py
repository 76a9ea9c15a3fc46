"""Writes the fixtures of the imaging tests: small files, and what Pillow, nibabel and numpy read in them.

`images.json` has PNG and JPEG files with the pixels of Pillow's `convert("RGB")`; `volumes.json` NIfTI files
with nibabel's values and affine; `slices.json` volumes with the pictures of their slices by `numpy.rot90` and
by `nibabel.as_closest_canonical`; `intensity.json` values with their 8 bits. Files and arrays are in base64.
Pillow's JPEG decoder shows in the pixels, its encoder in the files: keep to requirements.txt's versions."""

import argparse
import base64
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

import imaging_images
import imaging_slices
import imaging_volumes

TESTS = Path(__file__).resolve().parents[2] / "Tests"
PACKAGES = ("pillow", "nibabel", "numpy")


def plain(value: object) -> object:
    """Bytes as base64, arrays as the base64 of their little-endian values, for JSON."""
    if isinstance(value, np.ndarray):
        return plain(value.astype(value.dtype.newbyteorder("<")).tobytes())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value)} in a fixture")


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    """Writes a fixture, a row per line."""
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names)), f"a name twice in {name}"
    options = {"default": plain, "allow_nan": False, "separators": (",", ":")}
    lines = ",\n".join(json.dumps(row, **options) for row in rows)
    versions = {package: version(package) for package in PACKAGES}
    text = f'{{\n"versions": {json.dumps(versions)},\n"rows": [\n{lines}\n]\n}}\n'
    (folder / name).write_text(text)


def main() -> None:
    """Writes the four fixtures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", type=Path, default=TESTS, help="where the tests are")
    tests = parser.parse_args().tests
    pictures, folder = tests / "PictureFilesTests" / "Fixtures", tests / "ImagingTests" / "Fixtures"
    for path in (pictures, folder):
        path.mkdir(parents=True, exist_ok=True)
    write(pictures, "images.json", imaging_images.rows())
    write(folder, "volumes.json", imaging_volumes.rows())
    write(folder, "slices.json", imaging_slices.slice_rows())
    write(folder, "intensity.json", imaging_slices.intensity_rows())


if __name__ == "__main__":
    main()
