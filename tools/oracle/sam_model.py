"""Official `segment-anything` models of any size, with seeded random weights, in float32 or true float64."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.modeling.prompt_encoder import PositionEmbeddingRandom
from torch import Tensor, nn

PIXEL_MEAN = [123.675, 116.28, 103.53]
PIXEL_DEVIATION = [58.395, 57.12, 57.375]
DECODER_HEADS = 8
DECODER_DEPTH = 2
MASK_TOKENS = 4


@dataclass(frozen=True)
class Config:
    """The sizes of a model; the defaults are those which ViT-B, L and H share."""

    name: str
    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    image_size: int = 1024
    patch_size: int = 16
    window: int = 14
    mlp_ratio: float = 4.0
    decoder_width: int = 256
    decoder_mlp_width: int = 2048
    iou_hidden_width: int = 256
    mask_channels: int = 16

    @property
    def grid(self) -> int:
        """The number of patches along a side."""
        return self.image_size // self.patch_size

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        return asdict(self) | {"global_blocks": list(self.global_blocks)}


VARIANTS = {
    "vit_b": Config("vit_b", width=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11)),
    "vit_l": Config("vit_l", width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23)),
    "vit_h": Config("vit_h", width=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31)),
}


# MARK: Building


class PositionEmbeddingFloat64(PositionEmbeddingRandom):
    """The official random Fourier features without their casts to float32."""

    def forward(self, size: tuple[int, int]) -> Tensor:
        """The encoding `[channels, height, width]` of the centres of a grid's cells."""
        height, width = size
        rows = (torch.arange(height, dtype=torch.float64) + 0.5) / height
        columns = (torch.arange(width, dtype=torch.float64) + 0.5) / width
        centres = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
        return self._pe_encoding(centres).movedim(-1, 0)

    def forward_with_coords(self, coords_input: Tensor, image_size: tuple[int, int]) -> Tensor:
        """The encoding `[prompts, points, channels]` of coordinates in model pixels."""
        height, width = image_size
        return self._pe_encoding(coords_input.double() / torch.tensor([width, height], dtype=torch.float64))


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Makes `dtype` what the official modules create their tensors in."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def build_model(config: Config, dtype: torch.dtype) -> Sam:
    """An official model of the given sizes; its weights are not yet set."""
    with default_dtype(dtype):
        sam = Sam(build_image_encoder(config), build_prompt_encoder(config), build_mask_decoder(config),
                  PIXEL_MEAN, PIXEL_DEVIATION)  # fmt: skip
        if dtype == torch.float64:
            sam.prompt_encoder.pe_layer = PositionEmbeddingFloat64(config.decoder_width // 2)
    return sam.eval().requires_grad_(False)


def build_image_encoder(config: Config) -> ImageEncoderViT:
    """The image encoder, with relative positions and an epsilon of 1e-6 as in every published model."""
    return ImageEncoderViT(
        img_size=config.image_size,
        patch_size=config.patch_size,
        embed_dim=config.width,
        depth=config.depth,
        num_heads=config.heads,
        mlp_ratio=config.mlp_ratio,
        out_chans=config.decoder_width,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=config.window,
        global_attn_indexes=config.global_blocks,
    )


def build_prompt_encoder(config: Config) -> PromptEncoder:
    """The prompt encoder."""
    return PromptEncoder(
        embed_dim=config.decoder_width,
        image_embedding_size=(config.grid, config.grid),
        input_image_size=(config.image_size, config.image_size),
        mask_in_chans=config.mask_channels,
    )


def build_mask_decoder(config: Config) -> MaskDecoder:
    """The mask decoder with its two-way transformer."""
    transformer = TwoWayTransformer(
        depth=DECODER_DEPTH,
        embedding_dim=config.decoder_width,
        num_heads=DECODER_HEADS,
        mlp_dim=config.decoder_mlp_width,
    )
    return MaskDecoder(
        transformer_dim=config.decoder_width,
        transformer=transformer,
        num_multimask_outputs=MASK_TOKENS - 1,
        iou_head_hidden_dim=config.iou_hidden_width,
    )


def load_model(config: Config, weights: Mapping[str, np.ndarray], dtype: torch.dtype) -> Sam:
    """A model with the given weights, which are widened where `dtype` is float64."""
    sam = build_model(config, dtype)
    sam.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return sam


def load_file(sam: Sam, path: Path) -> None:
    """Copies a checkpoint's tensors into a model one at a time, in the model's element types."""
    with safe_open(path, framework="pt") as file:
        for name, tensor in sam.state_dict().items():
            tensor.copy_(file.get_tensor(name))


# MARK: Reading the sizes off a checkpoint


def checkpoint_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a safetensors file's tensors, from its header alone."""
    with safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}


def config_from_shapes(name: str, shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """The sizes of the model whose tensors have these shapes, under official names."""
    _, grid, _, width = shapes["image_encoder.pos_embed"]
    patch_size = shapes["image_encoder.patch_embed.proj.weight"][-1]
    depth = 1 + max(int(key.split(".")[2]) for key in shapes if key.startswith("image_encoder.blocks."))
    rows = [shapes[f"image_encoder.blocks.{block}.attn.rel_pos_h"][0] for block in range(depth)]
    windowed = [count for count in rows if count != 2 * grid - 1]
    return Config(
        name=name,
        width=width,
        depth=depth,
        heads=width // shapes["image_encoder.blocks.0.attn.rel_pos_h"][1],
        global_blocks=tuple(block for block, count in enumerate(rows) if count == 2 * grid - 1),
        image_size=grid * patch_size,
        patch_size=patch_size,
        window=(windowed[0] + 1) // 2 if windowed else 0,
        mlp_ratio=shapes["image_encoder.blocks.0.mlp.lin1.weight"][0] / width,
        decoder_width=shapes["image_encoder.neck.0.weight"][0],
        decoder_mlp_width=shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
        iou_hidden_width=shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
        mask_channels=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
    )


def named(config: Config, name: str) -> Config:
    """The same sizes under another name."""
    return replace(config, name=name)


# MARK: Random weights


def weight_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of a checkpoint, in the official order."""
    with torch.device("meta"):
        state = build_model(config, torch.float32).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def random_weights(config: Config, seed: int) -> dict[str, np.ndarray]:
    """Every tensor of a checkpoint, random everywhere."""
    return {name: random_weight(name, shape, seed) for name, shape in weight_shapes(config).items()}


def random_weight(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """One normally distributed float32 tensor, which depends on its name and the seed alone."""
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    mean, deviation = weight_distribution(name, shape)
    values = generator.standard_normal(shape, dtype=np.float32)
    values *= np.float32(deviation)
    values += np.float32(mean)
    return values


def weight_distribution(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Mean and deviation of a tensor's values.

    Activations stay of order 1, attention is neither uniform nor one-hot with relative positions that weigh
    as much as contents, and mask logits spread over several units on both sides of 0. Nothing is left at 0
    or 1.
    """
    if name.endswith("gaussian_matrix"):
        return 0.0, 1.0
    if name.endswith("pos_embed"):
        return 0.0, 0.3
    if "rel_pos" in name:
        return 0.0, 0.7 * shape[1] ** -0.5
    if name.endswith(".bias"):
        return 0.0, 0.2
    if len(shape) == 1:
        return 1.0, 0.2
    if "_embed.weight" in name or "tokens.weight" in name or "token.weight" in name or "point_embed" in name:
        return 0.0, 0.7
    return 0.0, gain(name) * fan_in(name, shape) ** -0.5


def fan_in(name: str, shape: tuple[int, ...]) -> int:
    """How many inputs each output sums."""
    transposed_convolution = "output_upscaling" in name
    return shape[0] if transposed_convolution else int(np.prod(shape[1:]))


def gain(name: str) -> float:
    """The deviation of a layer's output for inputs of deviation 1.

    Outputs that are normalised next stay small, so that the epsilons of the normalisations show.
    """
    by_part = {
        ".attn.qkv.": 1.2, "q_proj": 1.4, "k_proj": 1.4, "v_proj": 1.0, "out_proj": 0.4, ".attn.proj.": 0.4,
        "lin1": 1.4, "lin2": 0.4, "patch_embed": 0.4, "neck": 0.4, "mask_downscaling": 1.0,
        "output_upscaling.0": 0.4, "output_upscaling.3": 1.2, "output_hypernetworks_mlps": 2.2,
        "iou_prediction_head": 1.0,
    }  # fmt: skip
    return next(value for part, value in by_part.items() if part in name)
