"""The official `segment-anything` modules in a small configuration, and their decoding for training."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors import safe_open
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

Points = tuple[torch.Tensor, torch.Tensor]
PIXEL_MEAN, PIXEL_DEVIATION = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


@dataclass(frozen=True)
class Configuration:
    """Everything that decides the tensors' shapes."""

    image: int = 512  # model pixels along a side
    patch: int = 16
    width: int = 128  # channels of the encoder
    depth: int = 6
    heads: int = 4
    window: int = 8
    global_blocks: tuple[int, ...] = (2, 5)
    decoder_width: int = 128

    @property
    def grid(self) -> int:
        return self.image // self.patch

    def as_dict(self) -> dict:
        return asdict(self)


def build(configuration: Configuration) -> Sam:
    c = configuration
    encoder = ImageEncoderViT(
        depth=c.depth,
        embed_dim=c.width,
        img_size=c.image,
        mlp_ratio=4,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=c.heads,
        patch_size=c.patch,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=c.global_blocks,
        window_size=c.window,
        out_chans=c.decoder_width,
    )
    prompts = PromptEncoder(
        embed_dim=c.decoder_width,
        image_embedding_size=(c.grid, c.grid),
        input_image_size=(c.image, c.image),
        mask_in_chans=16,
    )
    transformer = TwoWayTransformer(
        depth=2, embedding_dim=c.decoder_width, mlp_dim=4 * c.decoder_width, num_heads=8
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=transformer,
        transformer_dim=c.decoder_width,
        iou_head_depth=3,
        iou_head_hidden_dim=c.decoder_width,
    )
    return Sam(encoder, prompts, decoder, PIXEL_MEAN, PIXEL_DEVIATION)


def decode(
    sam: Sam,
    embeddings: torch.Tensor,
    boxes: torch.Tensor | None,
    points: Points | None,
    masks: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [prompts, 4, 4·grid, 4·grid] and predicted IoU [prompts, 4], mask 0 first.

    `embeddings` [prompts, channels, grid, grid] holds each prompt's own image. This is the official
    `MaskDecoder.predict_masks` except that it repeats one image for all prompts.
    """
    decoder = sam.mask_decoder
    with torch.autocast(embeddings.device.type, enabled=False):  # bfloat16 rounds positions to whole pixels
        sparse = sparse_embeddings(sam.prompt_encoder, boxes, points)
        dense = sam.prompt_encoder(points=None, boxes=None, masks=masks)[1]
        position = sam.prompt_encoder.get_dense_pe()
    prompts = len(embeddings)
    output_tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([output_tokens[None].expand(prompts, -1, -1), sparse], 1)
    queries, keys = decoder.transformer(embeddings + dense, position.expand(prompts, -1, -1, -1), tokens)
    keys = keys.transpose(1, 2).reshape(embeddings.shape)
    upscaled = decoder.output_upscaling(keys)
    weights = [
        decoder.output_hypernetworks_mlps[index](queries[:, 1 + index])
        for index in range(decoder.num_mask_tokens)
    ]
    logits = torch.stack(weights, 1) @ upscaled.flatten(2)
    return logits.unflatten(2, upscaled.shape[2:]), decoder.iou_prediction_head(queries[:, 0])


def sparse_embeddings(
    encoder: PromptEncoder, boxes: torch.Tensor | None, points: Points | None
) -> torch.Tensor:
    """The official `PromptEncoder`'s [prompts, tokens, channels], without indices by masks: a graphics card would wait."""
    parts = []
    if points is not None:
        at, labels = points
        if boxes is None:  # the official padding: a point that is none
            at = functional.pad(at, (0, 0, 0, 1))
            labels = functional.pad(labels, (0, 1), value=-1.0)
        places = encoder.pe_layer.forward_with_coords(at + 0.5, encoder.input_image_size)
        outside, inside = (encoder.point_embeddings[label].weight for label in (0, 1))
        labels = labels[..., None]
        meant = places + torch.where(labels == 0, outside, inside)
        parts.append(torch.where(labels == -1, encoder.not_a_point_embed.weight, meant))
    if boxes is not None:
        parts.append(encoder._embed_boxes(boxes))
    return torch.cat(parts, 1)


def configuration_from(settings: dict) -> Configuration:
    """A configuration read from JSON or a checkpoint, where tuples are lists."""
    settings = dict(settings)
    if "global_blocks" in settings:
        settings["global_blocks"] = tuple(settings["global_blocks"])
    return Configuration(**settings)


def read_weights(path: str | Path) -> tuple[Configuration, dict[str, torch.Tensor]]:
    """Of an exported file, or of a checkpoint: the averaged ones where it has them."""
    if str(path).endswith(".safetensors"):
        with safe_open(path, "pt") as file:
            settings = json.loads(file.metadata()["configuration"])
            state = {name: file.get_tensor(name).float() for name in file.keys()}
    else:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if "configuration" not in saved:
            raise SystemExit(f"{path}: not a checkpoint of train.py")
        settings = saved["configuration"]
        state = {name: value.float() for name, value in (saved.get("average") or saved["model"]).items()}
    return configuration_from(settings), state


def load_model(path: str | Path) -> Sam:
    """The model of an exported file or a checkpoint."""
    configuration, state = read_weights(path)
    sam = build(configuration)
    load_resized(sam, state)
    return sam.eval()


def load_resized(sam: Sam, state: dict[str, torch.Tensor]) -> None:
    """Loads weights trained at another image or patch size.

    Position embeddings are interpolated; a patch kernel twice as large repeats each weight, so that the model
    does what it did with the mean of each four pixels.
    """
    wanted = sam.state_dict()
    missing = [name for name in wanted if name not in state and not name.startswith("pixel_")]
    if missing:
        raise ValueError(f"{len(missing)} weights are missing, the first {missing[0]}")
    for name, value in state.items():
        shape = wanted[name].shape
        if value.shape != shape:
            if name.endswith("pos_embed"):
                value = functional.interpolate(
                    value.permute(0, 3, 1, 2), size=shape[1:3], mode="bicubic", align_corners=False
                ).permute(0, 2, 3, 1)
            elif "rel_pos" in name:
                value = functional.interpolate(
                    value.T[None], size=shape[0], mode="linear", align_corners=False
                )[0].T
            elif name.endswith("patch_embed.proj.weight") and shape[2] % value.shape[2] == 0:
                times = shape[2] // value.shape[2]
                value = value.repeat_interleave(times, 2).repeat_interleave(times, 3) / times**2
            else:
                raise ValueError(f"{name}: found {tuple(value.shape)}, expected {tuple(shape)}")
        wanted[name] = value
    sam.load_state_dict(wanted)
