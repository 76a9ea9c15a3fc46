"""Trains the small SAM on synthetic scenes; everything follows from the seed and the step.

    python train.py RUN [--init weights.safetensors] --steps 3000 --decay-steps 600 ...
    python train.py RUN --resume [--steps 2500]

RUN is a folder: `last.pt` (to resume from), `best.pt` (the best average on held-out scenes), `log.jsonl`.
SIGTERM or SIGINT writes `last.pt` and ends; a resumed run continues as if it had not been interrupted.
The learning rate warms up, stays, and falls linearly to 0 over the last `--decay-steps`.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from segment_anything.modeling import Sam
from torch.utils.data import DataLoader, Subset

from batches import Batch, Batches, model_input
from evaluate import SELECTION_SEED, HeldOut
from model import Configuration, build, decode, load_resized
from objective import draw_prompt, objective

# Large tensors that are mapped and unmapped at every use cost more in page faults than in arithmetic, and
# threads that spin at a barrier take the processor from the one they wait for where there is other work.
SURROUNDINGS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "300000000",
    "OMP_WAIT_POLICY": "passive",
}

WEIGHT_DECAY = 0.05
# Two axes, but no hidden layer: embeddings, positions, and the last layer of the predicted IoU.
NOT_HIDDEN = ("embed", "iou_token", "mask_tokens", "rel_pos", "iou_prediction_head.layers.2")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument(
        "--resume", action="store_true", help="continue; other options given here take effect"
    )
    parser.add_argument(
        "--init",
        type=Path,
        help="weights to start from (safetensors or a checkpoint), interpolated where the image size differs",
    )
    parser.add_argument(
        "--configuration", type=json.loads, default={}, help="JSON, fields of model.Configuration"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--warmup-steps", type=int, default=100)
    parser.add_argument("--decay-steps", type=int, default=600)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--images", type=int, default=4, help="per step")
    parser.add_argument("--prompts", type=int, default=8, help="per image")
    parser.add_argument("--average", type=float, default=0.998, help="decay of the weights' moving average")
    parser.add_argument("--evaluate-every", type=int, default=250)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--held-out-scenes", type=int, default=60)
    parser.add_argument(
        "--bfloat16", action="store_true", help="autocast; helps only where the CPU has bfloat16"
    )
    return parser.parse_args()


def learning_rate(step: int, options: argparse.Namespace) -> float:
    warmup = min(1, (step + 1) / max(1, options.warmup_steps))
    decay = min(1, (options.steps - step) / max(1, options.decay_steps))
    return options.learning_rate * min(warmup, decay)


def initial_weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights of an exported file, or of a checkpoint: the averaged ones where it has them."""
    if path.suffix == ".safetensors":
        return {name: value.float() for name, value in load_file(path).items()}
    found = torch.load(path, weights_only=True)
    return found.get("average") or found["model"]


def optimizers(sam: Sam) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of hidden layers, AdamW for all else; at these settings they share a rate."""
    hidden, other = [], []
    for name, value in sam.named_parameters():
        is_hidden = value.ndim == 2 and not any(word in name for word in NOT_HIDDEN)
        (hidden if is_hidden else other).append(value)
    return [
        torch.optim.Muon(hidden, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(other, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY, fused=True),
    ]


class Run:
    """The state of a training: weights, their average, the optimizers, the step and the best score."""

    def __init__(self, options: argparse.Namespace):
        self.options, self.step, self.best = options, 0, 0.0
        saved = torch.load(options.run / "last.pt", weights_only=True) if options.resume else None
        settings = saved["configuration"] if saved else options.configuration
        settings = {**settings, "global_blocks": tuple(settings.get("global_blocks", (2, 5)))}
        self.configuration = Configuration(**settings)
        torch.manual_seed(options.seed)
        self.sam, self.average = build(self.configuration), build(self.configuration)
        self.optimizers = optimizers(self.sam)
        if saved:
            self.sam.load_state_dict(saved["model"])
            for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            self.step, self.best = saved["step"], saved["best"]
        elif options.init:
            load_resized(self.sam, initial_weights(options.init))
        self.average.load_state_dict(saved["average"] if saved else self.sam.state_dict())

    def learn(self, batch: Batch) -> tuple[str, float, float, float, float]:
        """One step; kind of prompt, loss, and the Dice of the chosen, the best and the single mask."""
        random = np.random.default_rng([self.options.seed, 3, self.step])
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(self.step, self.options)
        truth, boxes = torch.from_numpy(batch.masks).float(), torch.from_numpy(batch.boxes)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bfloat16):
            embeddings = self.sam.image_encoder(
                model_input(batch.images, self.sam.pixel_mean, self.sam.pixel_std)
            )
            embeddings = embeddings.repeat_interleave(len(truth) // len(embeddings), 0)
            kind, prompt = draw_prompt(self.sam, embeddings, truth, boxes, random)
            logits, scores = decode(self.sam, embeddings, prompt.boxes, prompt.points, prompt.masks)
        outcome = objective(logits.float(), scores.float(), truth, boxes, is_ambiguous=kind == "point")
        self.sam.zero_grad()
        outcome.loss.backward()
        torch.nn.utils.clip_grad_norm_(self.sam.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self.follow()
        return kind, outcome.loss.item(), outcome.chosen, outcome.best, outcome.single

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the weights."""
        keep = min(self.options.average, (1 + self.step) / (10 + self.step))
        for averaged, current in zip(self.average.parameters(), self.sam.parameters()):
            averaged.lerp_(current, 1 - keep)

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


class Progress:
    """A line every 25 steps: recent means per kind of prompt, seconds a step, time of the end."""

    def __init__(self, steps: int):
        self.steps, self.recent, self.times = steps, {}, [time.time()]

    def add(self, step: int, rate: float, kind: str, loss: float, *dice: float) -> None:
        self.times = (self.times + [time.time()])[-100:]
        before = self.recent.get(kind, np.array([loss, *dice]))
        self.recent[kind] = 0.95 * before + 0.05 * np.array([loss, *dice])
        if step % 25 == 0:
            seconds = (self.times[-1] - self.times[0]) / (len(self.times) - 1)
            end = time.strftime("%H:%M", time.gmtime(time.time() + seconds * (self.steps - step)))
            means = "  ".join(
                f"{name} {value[0]:.2f} {value[1]:.3f}/{value[2]:.3f}/{value[3]:.3f}"
                for name, value in sorted(self.recent.items())
            )
            print(
                f"step {step}/{self.steps} {seconds:.2f} s, end {end} UTC, rate {rate:.1e} | {means}",
                flush=True,
            )


def evaluate(run: Run, held_out: HeldOut) -> None:
    scores = held_out.score(run.average)
    run.log(**{name: round(value, 4) for name, value in scores.items()})
    print(
        f"step {run.step} held out: " + " ".join(f"{name} {value:.3f}" for name, value in scores.items()),
        flush=True,
    )
    if scores["selection"] > run.best:
        run.best = scores["selection"]
        run.save("best.pt", with_optimizer=False)


def main() -> None:
    options = parse()
    if not SURROUNDINGS.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | SURROUNDINGS)
    torch.set_num_threads(2)
    options.run.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    run.log(options={name: str(value) for name, value in vars(options).items()})
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stop.append(number))
    size = run.configuration.image
    held_out = HeldOut(size, SELECTION_SEED, options.held_out_scenes)
    batches = Batches(size, options.seed, options.images, options.prompts, options.steps)
    loader = DataLoader(
        Subset(batches, range(run.step, options.steps)),
        batch_size=None,
        num_workers=1,
        prefetch_factor=4,
        collate_fn=lambda item: item,
        worker_init_fn=ignore_signals,
    )
    if run.step == 0:
        evaluate(run, held_out)
    progress = Progress(options.steps)
    for batch in loader:
        progress.add(run.step + 1, learning_rate(run.step, options), *run.learn(batch))
        last = run.step == options.steps or bool(stop)
        if run.step % options.evaluate_every == 0 or run.step == options.steps:
            evaluate(run, held_out)
        if last or run.step % options.save_every == 0:
            run.save("last.pt")
        if stop:
            print(f"stopped at step {run.step}", flush=True)
            break


def ignore_signals(worker: int) -> None:
    """The worker ends with its parent, not before it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
