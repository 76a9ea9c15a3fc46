"""The image encoder as a graphics card likes it: attention by one kernel, and everything that is launched recorded once."""

from types import MethodType

import torch
import torch.nn.functional as functional
from segment_anything.modeling import ImageEncoderViT
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def relative_positions(table: torch.Tensor) -> torch.Tensor:
    """[query, channels, key] of one axis: row `query - key + side - 1` of the table [2 · side - 1, channels].

    A window that slides over the table from its end; no index is copied to the card.
    """
    side = (len(table) + 1) // 2
    return table.flip(0).unfold(0, side, 1).flip(0)


def attend(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The official `Attention.forward`: softmax(q·k / √channels + what the relative positions add) · v."""
    images, height, width, _ = x.shape
    q, k, v = self.qkv(x).reshape(images, height * width, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
    grid = q.unflatten(2, (height, width))
    down = torch.einsum("bnhwc,hck->bnhwk", grid, relative_positions(self.rel_pos_h))
    across = torch.einsum("bnhwc,wck->bnhwk", grid, relative_positions(self.rel_pos_w))
    added = (down[..., :, None] + across[..., None, :]).flatten(4).flatten(2, 3)
    with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=added.to(q.dtype))
    return self.proj(mixed.transpose(1, 2).reshape(images, height, width, -1))


def with_fast_attention(encoder: ImageEncoderViT) -> None:
    for block in encoder.blocks:
        block.attn.forward = MethodType(attend, block.attn)


def record(encoder: ImageEncoderViT, images: int) -> None:
    """Records the encoder's forward and backward pass for so many images; from then on they are replayed."""
    device = encoder.pos_embed.device
    sample = torch.randn(images, 3, encoder.img_size, encoder.img_size, device=device)
    with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
        torch.cuda.make_graphed_callables(encoder, (sample,))
