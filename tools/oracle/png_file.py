"""Writes PNG files of every kind, also those that Pillow reads only: depths, colour types, interlacing."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
# First column, first row, step along the row, step down: the seven passes of Adam7.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


@dataclass(frozen=True)
class PNG:
    """An image `[height, width, channels]` of integers below 2^depth, and chunks to go before its pixels."""

    samples: np.ndarray
    depth: int
    colour: int
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    interlaced: bool = False

    def encoded(self) -> bytes:
        """The file's bytes."""
        height, width, _ = self.samples.shape
        header = struct.pack(">IIBBBBB", width, height, self.depth, self.colour, 0, 0, self.interlaced)
        data = zlib.compress(b"".join(self._rows()), 9)
        chunks = [(b"IHDR", header), *self.chunks, (b"IDAT", data), (b"IEND", b"")]
        return SIGNATURE + b"".join(chunk(name, contents) for name, contents in chunks)

    def _rows(self) -> list[bytes]:
        """Each row's filter (0 to 4 in turn) and filtered bytes, pass by pass."""
        images = [self.samples]
        if self.interlaced:
            images = [self.samples[y::down, x::right] for x, y, right, down in PASSES]
        return [row for image in images if image.size > 0 for row in self._filtered(image)]

    def _filtered(self, image: np.ndarray) -> list[bytes]:
        step = max(1, image.shape[2] * self.depth // 8)
        packed = [self._packed(row.ravel()) for row in image]
        above = [np.zeros_like(packed[0]), *packed[:-1]]
        return [
            bytes([y % 5]) + filtered(row, above, step, y % 5).tobytes()
            for y, (row, above) in enumerate(zip(packed, above, strict=True))
        ]

    def _packed(self, row: np.ndarray) -> np.ndarray:
        """A row's bytes: several samples in one, most significant first, or two for each."""
        if self.depth == 16:
            return np.frombuffer(row.astype(">u2").tobytes(), np.uint8)
        bits = row[:, None] >> np.arange(self.depth - 1, -1, -1) & 1
        return np.packbits(bits.astype(np.uint8).ravel())


def chunk(name: bytes, contents: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(contents)) + name + contents + struct.pack(">I", zlib.crc32(name + contents))


def filtered(row: np.ndarray, above: np.ndarray, step: int, kind: int) -> np.ndarray:
    """What is left of a row when PNG's filter is taken off: none, left, upper, their mean, or Paeth's."""
    row, above = row.astype(int), above.astype(int)
    left, upper_left = (np.concatenate([np.zeros(step, int), line])[: len(line)] for line in (row, above))
    estimate = left + above - upper_left
    distances = np.abs(estimate - np.stack([left, above, upper_left]))
    paeth = np.choose(np.argmin(distances, axis=0), [left, above, upper_left])
    predictions = [np.zeros_like(row), left, above, (left + above) // 2, paeth]
    return ((row - predictions[kind]) % 256).astype(np.uint8)
