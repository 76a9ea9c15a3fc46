"""How much arithmetic an image encoder takes."""

import math
from typing import Protocol


class EncoderSizes(Protocol):
    """The fields of `tools/oracle/sam_model.py`'s `Config` that count here."""

    width: int
    depth: int
    grid: int
    patch_size: int
    window: int
    mlp_ratio: float
    global_blocks: tuple[int, ...]
    decoder_width: int


def encoder_flop(sizes: EncoderSizes) -> float:
    """Floating-point operations of one image: twice the multiply-adds of its matrix products.

    Linear layers count the image's tokens alone; attention counts those that pad its windows as well, since
    the model attends to them.
    """
    linear = sizes.depth * tokens(sizes) * (4 + 2 * sizes.mlp_ratio) * sizes.width**2
    attention = sum(attention_multiply_adds(sizes, block) for block in range(sizes.depth))
    return 2 * (patch_multiply_adds(sizes) + linear + attention + neck_multiply_adds(sizes))


def tokens(sizes: EncoderSizes) -> int:
    """The image's tokens, without padding."""
    return sizes.grid**2


def attention_multiply_adds(sizes: EncoderSizes, block: int) -> float:
    """Queries with keys, weights with values, and queries with relative positions along both axes."""
    is_global = block in sizes.global_blocks or sizes.window == 0
    side = sizes.grid if is_global else sizes.window
    windows = math.ceil(sizes.grid / side) ** 2
    return windows * side**2 * (2 * side**2 + 2 * side) * sizes.width


def patch_multiply_adds(sizes: EncoderSizes) -> float:
    """Each token from its patch of three channels."""
    return tokens(sizes) * 3 * sizes.patch_size**2 * sizes.width


def neck_multiply_adds(sizes: EncoderSizes) -> float:
    """A convolution of 1 × 1 and one of 3 × 3."""
    return tokens(sizes) * (sizes.width + 9 * sizes.decoder_width) * sizes.decoder_width
