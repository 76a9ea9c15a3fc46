"""Makes the scores of trained weights mean something, without changing a mask.

The predicted IoU is mapped by a line onto the true IoU of held-out scenes, and logits are multiplied by a number
at which the official stability, whose threshold is 1, follows the true IoU best. Both are folded into the last
layers; the mask input's first layer divides again what was multiplied.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from segment_anything.modeling import Sam

from batches import model_input
from evaluate import HeldOut, correlation, prompts_of
from objective import quality, stability
from prompts import Targets

SHARPNESS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # multiples of the logits that are tried


@dataclass
class Calibration:
    """True IoU is about slope * score + offset; logits are multiplied by `sharpness`."""

    slope: float
    offset: float
    sharpness: float


@torch.no_grad()
def calibration(sam: Sam, held_out: HeldOut) -> Calibration:
    """Fitted on the masks of boxes and of one and three points, mask 0 included."""
    scores, overlaps, stabilities = [], [], []
    for index, batch in enumerate(held_out.batches):
        embedding = sam.image_encoder(model_input(batch, sam)).expand(len(batch.masks), -1, -1, -1)
        truth = torch.from_numpy(batch.masks)[:, None]
        targets = Targets(batch.masks, batch.boxes, np.random.default_rng([held_out.seed, 2, index]))
        for kind, prompt in prompts_of(targets):
            if kind == "clicks":
                continue
            logits, predicted = prompt.decoded(sam, embedding, truth.shape[-1])
            large = functional.interpolate(logits, size=truth.shape[2:], mode="bilinear", align_corners=False)
            scores.append(predicted.flatten())
            overlaps.append(quality(large > 0, truth)[0].flatten())
            stabilities.append(torch.stack([stability(large, 1 / times).flatten() for times in SHARPNESS]))
    iou, stable = torch.cat(overlaps), torch.cat(stabilities, 1)
    slope, offset = np.polyfit(torch.cat(scores).numpy(), iou.numpy(), 1)
    best = int(np.argmax([correlation(row, iou) for row in stable]))
    for times, row in zip(SHARPNESS, stable):
        print(
            f"logits times {times}: mean stability {row.mean():.3f}, correlation {correlation(row, iou):.3f}"
        )
    return Calibration(float(slope), float(offset), SHARPNESS[best])


@torch.no_grad()
def fold(sam: Sam, found: Calibration) -> None:
    """Changes the last layers of the predicted IoU and of the masks, and the first of the mask input."""
    last = sam.mask_decoder.iou_prediction_head.layers[-1]
    last.weight.mul_(found.slope)
    last.bias.mul_(found.slope).add_(found.offset)
    for network in sam.mask_decoder.output_hypernetworks_mlps:
        network.layers[-1].weight.mul_(found.sharpness)
        network.layers[-1].bias.mul_(found.sharpness)
    sam.prompt_encoder.mask_downscaling[0].weight.div_(found.sharpness)
