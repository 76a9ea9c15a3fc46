"""What every system is given: image and boxes of `swift-sam bench` (Sources/swift-sam/Bench.swift)."""

import numpy as np

PROMPTS = {"prompt": 1, "prompts32": 32}
"""The stages that decode boxes, and how many."""


def random_image(side: int) -> np.ndarray:
    """Seeded pixels `[3, side, side]` of type uint8: SplitMix64's top bytes, in the order of RGB pixels."""
    count = 3 * side * side
    bits = np.uint64(1) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ bits >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ bits >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    pixels = (bits >> np.uint64(56)).astype(np.uint8)
    return np.ascontiguousarray(pixels.reshape(side, side, 3).transpose(2, 0, 1))


def boxes(count: int, side: int) -> np.ndarray:
    """The first `count` boxes `[count, 4]` as x0, y0, x1, y1 in pixels."""
    start = np.arange(count)[:, None] * side / 64
    extent = np.array([[0, 0, side / 2, side / 3]])
    return (start + extent).astype(np.float32)
