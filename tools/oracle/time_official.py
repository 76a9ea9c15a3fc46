"""Times the official package on a seeded random image, as JSON, to print beside `swift-sam bench` in one run.

Its sizes are read off the weights' shapes. The image is of the model's own size, so that nothing is resized.
`encode` is the predictor's preprocessing and image encoder; `prompt` and `prompts32` are one call of its
`predict_torch` with 1 and with 32 boxes, up to the thresholded masks at the image's size. Runs before the
timed ones, which warm caches and memory, are left out."""

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import Sam

from sam_model import build_model, checkpoint_shapes, config_from_shapes, load_file


def load(path: Path) -> Sam:
    """The model of a float32 safetensors file with official names."""
    sam = build_model(config_from_shapes(path.stem, checkpoint_shapes(path)), torch.float32)
    load_file(sam, path)
    return sam


def random_boxes(count: int, side: int, seed: int) -> torch.Tensor:
    """Boxes `[count, 4]` inside a square image, at least an eighth of it wide and high."""
    generator = np.random.default_rng(seed)
    start = generator.uniform(0.0, 0.5, (count, 2))
    extent = generator.uniform(0.125, 0.5, (count, 2))
    return torch.from_numpy(np.concatenate([start, start + extent], axis=1) * side).float()


def timed(run: Callable[[], object], runs: int, warm_up: int) -> list[float]:
    """The seconds of each run after the first `warm_up`."""
    seconds = []
    for _ in range(warm_up + runs):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return seconds[warm_up:]


def measure(path: Path, runs: int, warm_up: int, prompt_runs: int, seed: int) -> dict[str, object]:
    """Loads, encodes and decodes, and reports the seconds of each."""
    started = time.perf_counter()
    predictor = SamPredictor(load(path))
    seconds: dict[str, object] = {"load": time.perf_counter() - started}
    side = predictor.model.image_encoder.img_size
    pixels = np.random.default_rng(seed).integers(0, 256, (1, 3, side, side), dtype=np.uint8)
    image = torch.from_numpy(pixels)
    seconds["encode"] = timed(lambda: predictor.set_torch_image(image, (side, side)), runs, warm_up)
    for name, count in (("prompt", 1), ("prompts32", 32)):
        boxes = random_boxes(count, side, seed)
        seconds[name] = timed(partial(predictor.predict_torch, None, None, boxes), prompt_runs, 1)
    best = {name: min(values) for name, values in seconds.items() if isinstance(values, list) and values}
    return {"seconds": seconds, "best": best}


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path, help="float32 safetensors with official names")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of the encoder")
    parser.add_argument("--warm-up", type=int, default=1, help="runs of the encoder before the timed ones")
    parser.add_argument("--prompt-runs", type=int, default=5, help="timed runs of each decoding; 0 for none")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = {"model": str(options.weights), "threads": options.threads, "torch": torch.__version__}
    result |= measure(options.weights, options.runs, options.warm_up, options.prompt_runs, options.seed)
    result["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
