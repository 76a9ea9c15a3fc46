"""Measures one of swift-sam's competitors in this process, and prints what `swift-sam bench --json` prints.

The first run of each stage warms caches and memory up; whoever reads the numbers leaves it out."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inputs import PROMPTS, boxes, random_image

UNSUPPORTED = 3
"""The exit code where a system doesn't compute in the precision on this machine."""


@dataclass(frozen=True)
class System:
    """A loaded model: how to encode pixels `[3, side, side]`, and to decode boxes `[count, 4]` into masks."""

    version: str
    encode: Callable[[np.ndarray], Any]
    decode: Callable[[Any, np.ndarray], Any]
    embedding: Callable[[Any], np.ndarray]
    """What `encode` returned, as float32 `[channels, grid, grid]`."""


# MARK: Systems


def open_pytorch(folder: Path, precision: str, threads: int) -> System:
    """The official package's predictor.

    In bfloat16 the encoder's weights are converted, which is faster than autocast; the decoder runs under
    autocast, since the official prompt encoder can't compute in bfloat16.
    """
    import torch
    from segment_anything import SamPredictor

    from prepare import load, read_config

    torch.set_num_threads(threads)
    weights = folder / "weights.safetensors"
    predictor = SamPredictor(load(read_config(weights, "model"), weights))
    encoder, side = predictor.model.image_encoder, predictor.model.image_encoder.img_size
    is_low = precision == "bfloat16"
    if is_low:
        encoder.bfloat16()
        encoder.register_forward_pre_hook(lambda _module, inputs: inputs[0].bfloat16())

    def encode(pixels: np.ndarray) -> torch.Tensor:
        predictor.set_torch_image(torch.from_numpy(pixels)[None], (side, side))
        return predictor.features

    @torch.inference_mode()
    def decode(_embedding: torch.Tensor, corners: np.ndarray) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=is_low):
            return predictor.predict_torch(None, None, torch.from_numpy(corners))[0]

    return System(
        f"PyTorch {torch.__version__}", encode, decode, lambda features: features[0].float().numpy()
    )


def open_onnxruntime(folder: Path, precision: str, threads: int) -> System:
    """ONNX Runtime on the CPU, which has no bfloat16 kernels for x86."""
    if precision != "float32":
        sys.exit(UNSUPPORTED)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    sessions = {
        stage: onnxruntime.InferenceSession(
            folder / stage / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        for stage in ("encoder", *PROMPTS)
    }

    def run(stage: str, **inputs: np.ndarray) -> np.ndarray:
        return sessions[stage].run(None, inputs)[0]

    return exported_system(f"ONNX Runtime {onnxruntime.__version__}", run)


def open_openvino(folder: Path, precision: str, threads: int) -> System:
    """OpenVINO's CPU plugin, tuned for latency."""
    import openvino
    from openvino import Core

    core = Core()
    if precision == "bfloat16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        sys.exit(UNSUPPORTED)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
    }
    requests = {
        stage: core.compile_model(folder / stage / "model.onnx", "CPU", settings).create_infer_request()
        for stage in ("encoder", *PROMPTS)
    }

    def run(stage: str, **inputs: np.ndarray) -> np.ndarray:
        requests[stage].infer(inputs, share_inputs=True)
        return requests[stage].get_output_tensor(0).data

    return exported_system(f"OpenVINO {openvino.__version__.partition('-')[0]}", run)


def exported_system(version: str, run: Callable[..., np.ndarray]) -> System:
    """A system that runs what `prepare.py` exported: `run(stage, **inputs)` returns the first output."""
    stages = {count: stage for stage, count in PROMPTS.items()}
    return System(
        version,
        encode=lambda pixels: run("encoder", pixels=pixels[None].astype(np.float32)),
        decode=lambda embedding, corners: run(stages[len(corners)], embedding=embedding, corners=corners),
        embedding=lambda output: output[0],
    )


SYSTEMS = {"pytorch": open_pytorch, "onnxruntime": open_onnxruntime, "openvino": open_openvino}


# MARK: Measuring


def timed(run: Callable[..., Any], *inputs: Any) -> tuple[Any, float]:
    """What `run` returns, and its seconds."""
    started = time.perf_counter()
    result = run(*inputs)
    return result, time.perf_counter() - started


def measure(open_system: Callable[[], System], side: int, runs: int) -> tuple[dict[str, Any], np.ndarray]:
    """The report, and the last run's embedding."""
    image = random_image(side)
    prompts = {stage: boxes(count, side) for stage, count in PROMPTS.items()}
    system, load = timed(open_system)
    seconds: dict[str, Any] = {"load": load, "encode": [], **{stage: [] for stage in PROMPTS}}
    for _ in range(runs):
        encoded, duration = timed(system.encode, image)
        seconds["encode"].append(duration)
        for stage, corners in prompts.items():
            seconds[stage].append(timed(system.decode, encoded, corners)[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    report = {"version": system.version, "seconds": seconds, "peak_memory_bytes": peak}
    return report, system.embedding(encoded)


def main() -> None:
    """Measures one system in one precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("folder", type=Path, help="what prepare.py wrote")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True, help="including the one that warms up")
    parser.add_argument("--save-embedding", type=Path, required=True, help=".npy")
    options = parser.parse_args()
    side = json.loads((options.folder / "model.json").read_text())["side"]
    report, embedding = measure(
        lambda: SYSTEMS[options.system](options.folder, options.precision, options.threads),
        side,
        options.runs,
    )
    np.save(options.save_embedding, embedding)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
