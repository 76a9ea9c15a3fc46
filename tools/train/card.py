"""Trains on one graphics card for a given time: what `train.py` learns, from an endless stream of pictures.

    python card.py RUN --init ../../weights/swift-sam-small.safetensors --seconds 575

The processor's cores draw pictures as fast as they can into a pool on the card; each step takes a batch of whatever the
pool holds and prompts it there. The learning rate follows the clock: it warms up, stays, and falls linearly to 0 at
the end. RUN gets `average.pt`, the weights' moving average in float16, once a minute and when it ends or is stopped.
No run repeats another to the bit. `--device cpu --images 1` tries it out without a card.
"""

import argparse
import ctypes
import mmap
import multiprocessing
import os
import signal
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np
import torch

from batches import LANES, SIZE, Batches, normalised
from card_encoder import record, with_fast_attention
from card_prompts import CardTargets
from run import Run, add_arguments
from surroundings import settle
from train import Progress

PROMPTS = 8  # per picture, one bit of a byte each
DRAWN_AT_ONCE = 4
SLOTS = 512  # pictures that wait between the cores and the card
LEAST_BATCHES = 16  # that the pool holds before the first step
STEPS_PER_SYNCHRONISATION = 8
WARM_UP, DECAY = 0.02, 0.7  # shares of the time
LEAST_SEED = 1_000_000  # of pictures: held-out scenes have smaller ones
DIE_WITH_PARENT = 1  # `prctl`'s PR_SET_PDEATHSIG


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    parser.add_argument(
        "--seconds", type=float, default=575, help="from the first picture drawn to the last step"
    )
    parser.add_argument("--learning-rate", type=float, default=1.2e-3)
    parser.add_argument("--images", type=int, default=32, help="per step")
    parser.add_argument("--pool", type=int, default=30000, help="pictures on the card, 1.05 MB each")
    parser.add_argument(
        "--workers", type=int, default=max(1, len(os.sched_getaffinity(0)) - 1), help="processes that draw"
    )
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try it out, slowly"
    )
    options = parser.parse_args()
    options.resume, options.bfloat16 = False, options.device == "cuda"
    if options.device == "cpu":
        options.pool = min(options.pool, 500)
    if (options.run / "average.pt").exists():
        raise SystemExit(f"{options.run} has an average.pt: name another folder, and begin there with --init")
    return options


class Pictures:
    """Memory for pictures that forked processes share: images, their targets (a bit of a byte each), and contents."""

    def __init__(self, count: int):
        sizes = 3 * SIZE**2, SIZE**2, 4
        flat = np.frombuffer(mmap.mmap(-1, count * sum(sizes)), np.uint8)
        images, planes, contents = np.split(flat, np.cumsum([size * count for size in sizes])[:2])
        self.images = images.reshape(count, 3, SIZE, SIZE)
        self.planes = planes.reshape(count, SIZE, SIZE)
        self.contents = contents.view(np.int16).reshape(count, 2)  # height and width of what is not padding


class Drawers:
    """Processes that fill `pictures`: a slot is `free` until one takes it, and `ready` when it is drawn."""

    def __init__(self, options: argparse.Namespace):
        fork = multiprocessing.get_context("fork")
        self.pictures, self.free, self.ready = Pictures(SLOTS), fork.SimpleQueue(), fork.SimpleQueue()
        for slot in range(SLOTS):
            self.free.put(slot)
        first = LEAST_SEED * (options.seed + 1)
        seeds = range(first, first + options.workers)
        self.processes = [
            fork.Process(target=self.draw, args=(seed, options.cutouts), daemon=True) for seed in seeds
        ]
        for process in self.processes:
            process.start()

    def draw(self, seed: int, cutouts: Path) -> None:
        """For ever, scenes that no other process draws."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        os.nice(5)
        batches, pictures = Batches(seed, DRAWN_AT_ONCE, PROMPTS, 0, cutouts), self.pictures
        for turn in count():
            batch = batches[turn * LANES]
            masks = batch.masks.reshape(DRAWN_AT_ONCE, PROMPTS, SIZE, SIZE)
            for image, content, targets in zip(batch.images, batch.contents, masks):
                slot = self.free.get()
                pictures.images[slot], pictures.contents[slot] = image, content
                pictures.planes[slot] = np.packbits(targets, axis=0, bitorder="little")[0]
                self.ready.put(slot)

    @property
    def alive(self) -> int:
        return sum(process.is_alive() for process in self.processes)


class Pool:
    """Pictures on the card, of which the newest replace the oldest."""

    def __init__(self, capacity: int, drawers: Drawers, device: str):
        self.images = torch.empty(capacity, 3, SIZE, SIZE, dtype=torch.uint8, device=device)
        self.planes = torch.empty(capacity, SIZE, SIZE, dtype=torch.uint8, device=device)
        self.contents = torch.empty(capacity, 2, dtype=torch.int16, device=device)
        self.bits = torch.arange(PROMPTS, dtype=torch.uint8, device=device)[:, None, None]
        self.drawers, self.taken, self.copied = drawers, 0, []
        pictures = drawers.pictures
        self.slots = [
            torch.from_numpy(part) for part in (pictures.images, pictures.planes, pictures.contents)
        ]
        if device == "cuda":
            for part in self.slots:  # only copies out of pinned memory do not wait
                size = part.numel() * part.element_size()
                torch.cuda.check_error(torch.cuda.cudart().cudaHostRegister(part.data_ptr(), size, 0))

    def take(self) -> None:
        """Begins to copy all that is ready."""
        while not self.drawers.ready.empty():
            slot, at = self.drawers.ready.get(), self.taken % len(self.images)
            for kept, drawn in zip((self.images, self.planes, self.contents), self.slots):
                kept[at].copy_(drawn[slot], non_blocking=True)
            self.copied.append(slot)
            self.taken += 1

    def release(self) -> None:
        """Waits for the copies, and gives their slots back."""
        if self.images.is_cuda:
            torch.cuda.synchronize()
        for slot in self.copied:
            self.drawers.free.put(slot)
        self.copied = []

    def batch(self, images: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images, contents, and masks [images · prompts, height, width] bool."""
        chosen = torch.randint(min(self.taken, len(self.images)), (images,), device=self.images.device)
        masks = (self.planes[chosen][:, None] >> self.bits & 1).bool()
        return self.images[chosen], self.contents[chosen].long(), masks.flatten(0, 1)


def train(options: argparse.Namespace, run: Run, pool: Pool, begin: float) -> None:
    least, drawers = LEAST_BATCHES * options.images, pool.drawers
    print(f"{options.workers} processes draw {least} pictures before the first step", flush=True)
    while pool.taken < least and time.time() < begin + options.seconds:
        pool.take()
        pool.release()
        if drawers.alive < options.workers:
            raise SystemExit("a process that draws pictures has ended")
        time.sleep(0.05)
    random, progress = np.random.default_rng(options.seed), Progress()
    first_step = saved = time.time()
    while (now := time.time()) < begin + options.seconds:
        share = (now - first_step) / (begin + options.seconds - first_step)
        rate = options.learning_rate * min(1, share / WARM_UP, (1 - share) / DECAY)
        pool.take()
        images, contents, masks = pool.batch(options.images)
        progress.add(*run.learn(normalised(images, contents, run.sam), CardTargets(masks), rate, random))
        if run.step % STEPS_PER_SYNCHRONISATION == 0:
            pool.release()
        if run.step % 25 == 0:
            print(
                f"{now - begin:.0f} s of {options.seconds:.0f}, step {run.step}, {progress.seconds:.2f} s, "
                f"{pool.taken} pictures, rate {rate:.1e} | {progress}",
                flush=True,
            )
        if now > saved + 60:
            if drawers.alive < options.workers:
                print(f"{drawers.alive} of {options.workers} processes still draw", flush=True)
            save(run)
            saved = now


def save(run: Run) -> None:
    """Writes a checkpoint of the average beside, then renames."""
    state = {
        "average": {name: value.half().cpu() for name, value in run.average.state_dict().items()},
        "step": run.step,
        "configuration": run.configuration.as_dict(),
        "seed": run.options.seed,
    }
    beside = run.options.run / "average.part"
    torch.save(state, beside)
    os.replace(beside, run.options.run / "average.pt")


def main() -> None:
    options, begin = parse(), time.time()
    settle()
    drawers = Drawers(options)  # before anything starts a thread
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    torch.set_float32_matmul_precision("high")
    options.run.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    with_fast_attention(run.sam.image_encoder)
    if options.device == "cuda":
        record(run.sam.image_encoder, options.images)
    pool = Pool(options.pool, drawers, options.device)
    try:
        train(options, run, pool, begin)
    finally:
        if run.step > 0:
            save(run)
        print(f"step {run.step}, {pool.taken} pictures drawn, {time.time() - begin:.0f} s", flush=True)
    if run.step == 0:
        raise SystemExit("no step was made: give it more --seconds")


if __name__ == "__main__":
    main()
