"""The state of a training: weights, their average, the optimizers, the step and the best score."""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as processes
from segment_anything.modeling import Sam

from asking import draw_prompt
from card_prompts import CardTargets
from cutouts import FOLDER
from model import Configuration, build, configuration_from, load_resized, read_weights
from muon import Muon
from objective import Outcome, objective
from prompts import Targets

WEIGHT_DECAY = 0.05
# Two axes, but no hidden layer: embeddings, positions, and the last layer of the predicted IoU.
NOT_HIDDEN = ("embed", "iou_token", "mask_tokens", "rel_pos", "iou_prediction_head.layers.2")


def learning_rate(step: int, options: argparse.Namespace) -> float:
    """Warms up, stays, and falls linearly to 0 at the end."""
    warmup = min(1, (step + 1) / max(1, options.warmup_steps))
    decay = min(1, (options.steps - step) / max(1, options.decay_steps))
    return options.learning_rate * min(warmup, decay)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run needs, however it is trained."""
    parser.add_argument("run", type=Path)
    parser.add_argument(
        "--init",
        type=Path,
        help="weights to start from (safetensors or a checkpoint), resized where the image or patch differs",
    )
    parser.add_argument(
        "--configuration",
        type=json.loads,
        default={},
        help="JSON, fields of model.Configuration that differ from those of --init",
    )
    parser.add_argument("--cutouts", type=Path, default=FOLDER, help="where openclipart-png's pictures are")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--average", type=float, default=0.998, help="decay of the weights' moving average")


def optimizers(sam: Sam) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of hidden layers, AdamW for all else; at these settings they share a rate."""
    hidden, other = [], []
    for name, value in sam.named_parameters():
        is_hidden = value.ndim == 2 and not any(word in name for word in NOT_HIDDEN)
        (hidden if is_hidden else other).append(value)
    return [
        Muon(hidden, WEIGHT_DECAY),
        torch.optim.AdamW(other, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY, fused=True),
    ]


class Run:
    """A training that saves to, and resumes from, the folder `options.run`.

    It begins with `options.init`, whose configuration `options.configuration` changes.
    """

    def __init__(self, options: argparse.Namespace):
        self.options, self.step, self.best = options, 0, 0.0
        is_shared = processes.is_initialized()
        self.process, self.processes = (
            (processes.get_rank(), processes.get_world_size()) if is_shared else (0, 1)
        )
        saved = (
            torch.load(options.run / "last.pt", map_location="cpu", weights_only=True)
            if options.resume
            else None
        )
        start, weights = read_weights(options.init) if options.init and not saved else (Configuration(), None)
        self.configuration = configuration_from(
            saved["configuration"] if saved else start.as_dict() | options.configuration
        )
        torch.manual_seed(options.seed)
        self.sam = build(self.configuration).to(options.device)
        self.average = build(self.configuration).to(options.device)
        self.optimizers = optimizers(self.sam)
        if saved:
            self.sam.load_state_dict(saved["model"])
            self.step, self.best = saved["step"], saved["best"]
            for optimizer, state in zip(self.optimizers, saved["optimizers"]):
                optimizer.load_state_dict(state)
        elif weights:
            load_resized(self.sam, weights)
        self.average.load_state_dict(saved["average"] if saved else self.sam.state_dict())

    def learn(
        self, pixels: torch.Tensor, targets: Targets | CardTargets, rate: float, random: np.random.Generator
    ) -> tuple[str, Outcome]:
        """One step at a learning rate; the kind of prompt, and what came of it in this process.

        Pixels [images, 3, height, width], normalised; the targets of each image follow each other.
        """
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        with torch.autocast(self.options.device, torch.bfloat16, enabled=self.options.bfloat16):
            embeddings = self.sam.image_encoder(pixels)
            embeddings = embeddings.repeat_interleave(len(targets.masks) // len(embeddings), 0)
            kind, prompt = draw_prompt(self.sam, embeddings, targets, random)
            logits, scores = prompt.decoded(self.sam, embeddings, targets.size)
        truth = torch.as_tensor(targets.masks, device=logits.device).float()
        boxes = targets.boxes.to(logits.device)
        outcome = objective(logits.float(), scores.float(), truth, boxes, is_ambiguous=kind == "point")
        self.sam.zero_grad()
        outcome.loss.backward()
        if self.processes > 1:
            self.share_gradients()
        torch.nn.utils.clip_grad_norm_(self.sam.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self.follow()
        return kind, outcome

    def share_gradients(self) -> None:
        """Each process gets the mean of all; a weight that one did not use has a gradient of 0 there."""
        weights = list(self.sam.parameters())
        every = torch.cat(
            [torch.zeros_like(w).flatten() if w.grad is None else w.grad.flatten() for w in weights]
        )
        processes.all_reduce(every)
        every /= self.processes
        for weight, gradient in zip(weights, every.split([weight.numel() for weight in weights])):
            weight.grad = gradient.view_as(weight)

    def any_process(self, flag: bool) -> bool:
        """Whether the flag is set in any process, so that all stop after the same step."""
        if self.processes == 1:
            return flag
        flags = torch.tensor(float(flag))
        processes.all_reduce(flags)
        return bool(flags > 0)

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the weights."""
        keep = min(self.options.average, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.sam.parameters()), 1 - keep)

    def save(self, name: str, with_optimizer: bool = True) -> None:
        """Writes a checkpoint beside, then renames."""
        state = {
            "average": self.average.state_dict(),
            "step": self.step,
            "best": self.best,
            "configuration": self.configuration.as_dict(),
            "seed": self.options.seed,
        }
        if with_optimizer:
            state["model"] = self.sam.state_dict()
            state["optimizers"] = [optimizer.state_dict() for optimizer in self.optimizers]
        beside = self.options.run / f"{name}.part"
        with open(beside, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.options.run / name)

    def log(self, **record) -> None:
        with open(self.options.run / "log.jsonl", "a") as file:
            file.write(json.dumps({"step": self.step, "time": round(time.time()), **record}) + "\n")
