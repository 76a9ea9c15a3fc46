"""Trains the small SAM on synthetic scenes; everything follows from the seed and the step.

    python train.py RUN [--init weights.safetensors] --steps 3000 --decay-steps 600 ...
    python train.py RUN --resume --steps 3000 --decay-steps 600 ...

RUN is a folder: `last.pt` (to resume from), `best.pt` (the best average on held-out scenes), `log.jsonl`.
SIGTERM or SIGINT writes `last.pt` and ends; a resumed run continues as if it had not been interrupted, where the
options are given again: RUN keeps only the model's configuration.
The learning rate warms up, stays, and falls linearly to 0 over the last `--decay-steps`.

`torchrun --nproc-per-node 2 train.py ... --threads 1` learns with as many processes, each of `--images` a step: with
a process to a core nothing waits for what cannot be divided. Their number belongs to a run as its seed does.
"""

import argparse
import os
import signal
import time
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.distributed as processes
from torch.utils.data import DataLoader, Subset

from batches import Batches, model_input
from evaluate import SELECTION_SEED, HeldOut
from objective import Outcome
from prompts import Targets
from run import Run, add_arguments, learning_rate
from surroundings import settle


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    parser.add_argument(
        "--resume", action="store_true", help="continue; other options given here take effect"
    )
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--warmup-steps", type=int, default=100)
    parser.add_argument("--decay-steps", type=int, default=600)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--images", type=int, default=4, help="per step")
    parser.add_argument("--prompts", type=int, default=8, help="per image")
    parser.add_argument("--evaluate-every", type=int, default=250)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--held-out-scenes", type=int, default=60)
    parser.add_argument(
        "--threads", type=int, default=2, help="of the training itself; 1 wastes least on a shared machine"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that draw scenes: 1, 2, 4, 8 or 16")
    parser.add_argument(
        "--bfloat16", action="store_true", help="autocast; helps only where the processor has bfloat16"
    )
    parser.add_argument("--pause-while", type=Path, help="a file: no step begins while it exists")
    parser.set_defaults(device="cpu")
    return parser.parse_args()


class Progress:
    """Recent means per kind of prompt, and seconds a step."""

    def __init__(self):
        self.recent, self.times = {}, [time.time()]

    def add(self, kind: str, outcome: Outcome) -> None:
        self.times = (self.times + [time.time()])[-100:]
        values = torch.stack([outcome.loss.detach(), outcome.chosen, outcome.best, outcome.single])
        self.recent[kind] = values.lerp(self.recent.get(kind, values), 0.95)

    @property
    def seconds(self) -> float:
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)

    def __str__(self) -> str:
        """Of each kind the loss, and the Dice of the chosen, of the best and of the single mask."""
        return "  ".join(
            f"{name} {value[0]:.2f} {value[1]:.3f}/{value[2]:.3f}/{value[3]:.3f}"
            for name, value in sorted(self.recent.items())
        )


@cache
def held_out(scenes: int, cutouts: Path) -> HeldOut:
    """Drawn at the first evaluation, not before the first step."""
    return HeldOut(SELECTION_SEED, scenes, cutouts)


def evaluate(run: Run) -> None:
    """Scores the average, logs it, and keeps it where it is the best so far."""
    scores = held_out(run.options.held_out_scenes, run.options.cutouts).score(run.average)
    run.log(**{name: round(value, 4) for name, value in scores.items()})
    print(
        f"step {run.step} held out: " + " ".join(f"{name} {value:.3f}" for name, value in scores.items()),
        flush=True,
    )
    if scores["selection"] > run.best:
        run.best = scores["selection"]
        run.save("best.pt", with_optimizer=False)


def batches_of(run: Run) -> DataLoader:
    """The batches that are left, drawn in other processes and fetched ahead."""
    options, count = run.options, run.processes
    batches = Batches(options.seed, options.images, options.prompts, options.steps * count, options.cutouts)
    return DataLoader(
        Subset(batches, range(run.step * count + run.process, options.steps * count, count)),
        batch_size=None,
        num_workers=options.workers,
        prefetch_factor=4,
        collate_fn=lambda item: item,
        worker_init_fn=ignore_signals,
    )


def ignore_signals(worker: int) -> None:
    """The worker ends with its parent, not before it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main() -> None:
    options = parse()
    settle()
    torch.set_num_threads(options.threads)
    options.run.mkdir(parents=True, exist_ok=True)
    if "RANK" in os.environ:  # by torchrun
        processes.init_process_group("gloo")
    run = Run(options)
    is_first = run.process == 0
    if is_first:
        run.log(options={name: str(value) for name, value in vars(options).items()})
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stop.append(number))
    progress = Progress()
    for batch in batches_of(run):
        while options.pause_while and options.pause_while.exists() and not stop:
            time.sleep(1)
        random = np.random.default_rng([options.seed, 3, run.step * run.processes + run.process])
        rate = learning_rate(run.step, options)
        kind, outcome = run.learn(
            model_input(batch, run.sam), Targets(batch.masks, batch.boxes, random), rate, random
        )
        is_stopped = run.any_process(bool(stop))
        if is_first:
            progress.add(kind, outcome)
            if run.step % 25 == 0:
                left = progress.seconds * (options.steps - run.step)
                end = time.strftime("%H:%M", time.gmtime(time.time() + left))
                print(
                    f"step {run.step}/{options.steps} {progress.seconds:.2f} s, end {end} UTC, rate {rate:.1e} | {progress}",
                    flush=True,
                )
            if run.step % options.evaluate_every == 0 or run.step == options.steps:
                evaluate(run)
            if is_stopped or run.step == options.steps or run.step % options.save_every == 0:
                run.save("last.pt")
        if is_stopped:
            break
    if is_first:
        print(f"at step {run.step}", flush=True)


if __name__ == "__main__":
    main()
