"""Sketches: an activation's projections on seeded random signs, by which two activations of any size are compared.

Projection j of values x is the sum of s(i, j) * x[i] in float64, where every sign s is 1 or -1. The mean square of
the differences of two sketches estimates the squared L2 distance of what they were made of, within a share of
sqrt(2 / projections) in one standard deviation (Johnson and Lindenstrauss; Achlioptas 2003).

The sign of element i in projection j is bit j mod 64 of output 256 * i + j // 64 of SplitMix64, whose state begins
as SEED xor the FNV-1a hash of the activation's name; a bit of 1 means -1. Sources/Inspection/Sketch.swift is the
same to the bit."""

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
SEED = 1
WORDS_OF_AN_ELEMENT = 256
CHUNK = 1 << 14


def stream(name: str) -> int:
    """The state that a name's stream begins with."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    return state ^ SEED


def outputs(state: int, positions: np.ndarray) -> np.ndarray:
    """SplitMix64's outputs at positions from 0 on."""
    bits = np.uint64(state) + (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    bits = (bits ^ bits >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ bits >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return bits ^ bits >> np.uint64(31)


def signs(name: str, elements: range, projections: int) -> np.ndarray:
    """The signs `[elements, projections]`, 1.0 or -1.0."""
    words = (projections + 63) // 64
    positions = np.arange(elements.start, elements.stop)[:, None] * WORDS_OF_AN_ELEMENT + np.arange(words)
    bits = outputs(stream(name), positions)[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
    return 1.0 - 2.0 * bits.reshape(len(elements), 64 * words)[:, :projections].astype(np.float64)


def sketch(name: str, values: np.ndarray, projections: int) -> np.ndarray:
    """The projections of an activation, in float64."""
    flat = values.astype(np.float64).ravel()
    total = np.zeros(projections)
    with np.errstate(over="ignore"):
        for start in range(0, flat.size, CHUNK):
            part = flat[start : start + CHUNK]
            total += part @ signs(name, range(start, start + part.size), projections)
    return total
