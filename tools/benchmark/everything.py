"""Times everything-mode beside the official package and OpenVINO: 1,024 points on one embedding.

    tools/benchmark/run --everything --model vit_b

How long it takes depends on how many masks the predicted IoU rejects. So the IoU head is shifted until a given share of
all masks survives; none is rejected for its stability; what survives becomes runs and is freed of duplicates. `PyTorch`
is the official generator with its batches of 64 points, `OpenVINO` the same with the exported decoder, which ends with
masks at the image's size as the official predictor does. `filtered` gives both what swift-sam does: masks that the
predicted IoU rejects are not scaled up.

Every contender gets a process of its own in every round, one after the other, the next round the other way round.
Prints a table, and writes everything.json into the work folder."""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import Sam
from segment_anything.utils import amg
from torch import Tensor, nn

from idle import QUIET, busy_cores
from inputs import random_image
from prepare import export, load, note, read_config

HERE = Path(__file__).resolve().parent
BATCH = 64
THRESHOLD = 0.88
CONTENDERS = ("swift-sam", "PyTorch", "PyTorch, filtered", "OpenVINO", "OpenVINO, filtered")
Decode = Callable[[np.ndarray], tuple[Tensor, Tensor]]
"""Points `[count, 2]` become logits `[count, 3, height, width]` and predicted IoU `[count, 3]`."""


# MARK: Contenders


class PointDecoder(nn.Module):
    """A batch of points becomes logits, at the image's size or as the decoder makes them."""

    def __init__(self, sam: Sam, is_scaled: bool) -> None:
        super().__init__()
        self.sam, self.is_scaled = sam, is_scaled

    def forward(self, embedding: Tensor, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and predicted IoU."""
        points = coordinates[:, None, :], torch.ones(coordinates.shape[0], 1)
        sparse, dense = self.sam.prompt_encoder(points=points, boxes=None, masks=None)
        position = self.sam.prompt_encoder.get_dense_pe()
        logits, quality = self.sam.mask_decoder(embedding, position, sparse, dense, multimask_output=True)
        return (self.scaled(logits) if self.is_scaled else logits), quality

    def scaled(self, logits: Tensor) -> Tensor:
        """At the image's size, which is the model's."""
        side = self.sam.image_encoder.img_size
        return nn.functional.interpolate(logits, (side, side), mode="bilinear", align_corners=False)


class Generator(SamAutomaticMaskGenerator):
    """The official generator on an embedding that is there, with a decoder of ours in the official steps
    (`automatic_mask_generator.py:266`), and perhaps with the filter before the scaling."""

    def __init__(self, sam: Sam, decode: Decode, scale: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__(
            sam, points_per_batch=BATCH, pred_iou_thresh=THRESHOLD, stability_score_thresh=0.0,
            output_mode="uncompressed_rle",
        )  # fmt: skip
        keep_embedding(self)
        self.decode, self.scale = decode, scale

    def _process_batch(
        self, points: np.ndarray, im_size: tuple[int, ...], crop_box: list[int], orig_size: tuple[int, ...]
    ) -> amg.MaskData:
        logits, quality = self.decode(points)
        data = amg.MaskData(
            masks=logits.flatten(0, 1), iou_preds=quality.flatten(0, 1),
            points=torch.as_tensor(points.repeat(logits.shape[1], axis=0)),
        )  # fmt: skip
        data.filter(data["iou_preds"] > self.pred_iou_thresh)
        if self.scale is not None:
            data["masks"] = self.scale(data["masks"][:, None])[:, 0]
        data["stability_score"] = amg.calculate_stability_score(data["masks"], 0.0, self.stability_score_offset)
        data["masks"] = data["masks"] > 0.0
        data["boxes"] = amg.batched_mask_to_box(data["masks"])
        data["rles"] = amg.mask_to_rle_pytorch(data["masks"])
        del data["masks"]
        return data


def keep_embedding(generator: SamAutomaticMaskGenerator) -> None:
    """Lets `generate` use the features that the predictor has."""
    generator.predictor.set_image = lambda *_: None
    generator.predictor.reset_image = lambda: None


def open_openvino(folder: Path, embedding: np.ndarray, is_scaled: bool, threads: int) -> Decode:
    """The exported decoder."""
    from openvino import Core

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    path = folder / ("points" if is_scaled else "points-low") / "model.onnx"
    request = Core().compile_model(path, "CPU", settings).create_infer_request()

    def decode(points: np.ndarray) -> tuple[Tensor, Tensor]:
        request.infer({"embedding": embedding, "coordinates": points.astype(np.float32)}, share_inputs=True)
        logits, quality = (torch.from_numpy(request.get_output_tensor(place).data) for place in (0, 1))
        return logits, quality

    return decode


@torch.inference_mode()
def work(name: str, folder: Path, shares: list[float], runs: int, threads: int) -> dict[str, Any]:
    """Measures a contender in this process."""
    torch.set_num_threads(threads)
    sam = load(read_config(folder / "weights.safetensors", "model"), folder / "weights.safetensors")
    side = sam.image_encoder.img_size
    image = np.ascontiguousarray(random_image(side).transpose(1, 2, 0))
    embedding = np.load(folder / "reference.npy")[None]
    generator, set_shift = open_contender(name, sam, folder, embedding, threads)
    scores = sorted_scores(sam, torch.from_numpy(embedding))
    rows = []
    for share in shares:
        count = round(share * len(scores))
        set_shift(THRESHOLD - (scores[count] if count < len(scores) else scores[-1] - 1))
        seconds = []
        for _ in range(runs):
            started = time.perf_counter()
            masks = generator.generate(image)
            seconds.append(time.perf_counter() - started)
        rows.append({"survivors": share, "masks": len(masks), "seconds": seconds})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"rows": rows, "peak_memory_bytes": peak}


def open_contender(
    name: str, sam: Sam, folder: Path, embedding: np.ndarray, threads: int
) -> tuple[SamAutomaticMaskGenerator, Callable[[float], None]]:
    """A generator that has the embedding, and what shifts the scores which it sees."""
    low, features, is_filtered = PointDecoder(sam, is_scaled=False), torch.from_numpy(embedding), name.endswith("filtered")
    bias = sam.mask_decoder.iou_prediction_head.layers[-1].bias
    original, shift = bias.clone(), [0.0]

    def set_shift(value: float) -> None:
        shift[0] = value
        bias.copy_(original + value)

    def decode(points: np.ndarray) -> tuple[Tensor, Tensor]:
        return low(features, torch.from_numpy(points).float())

    if name.startswith("OpenVINO"):
        run = open_openvino(folder, embedding, not is_filtered, threads)

        def decode(points: np.ndarray) -> tuple[Tensor, Tensor]:
            logits, quality = run(points)
            return logits, quality + shift[0]

    if name == "PyTorch":
        generator = SamAutomaticMaskGenerator(
            sam, points_per_batch=BATCH, pred_iou_thresh=THRESHOLD, stability_score_thresh=0.0,
            output_mode="uncompressed_rle",
        )  # fmt: skip
        keep_embedding(generator)
    else:
        generator = Generator(sam, decode, low.scaled if is_filtered else None)
    predictor, side = generator.predictor, sam.image_encoder.img_size
    predictor.features, predictor.is_image_set = features, True
    predictor.original_size = predictor.input_size = (side, side)
    return generator, set_shift


def sorted_scores(sam: Sam, features: Tensor) -> np.ndarray:
    """The predicted IoU of all masks, the greatest first."""
    points = (amg.build_point_grid(32) * sam.image_encoder.img_size).astype(np.float32)
    decoder = PointDecoder(sam, is_scaled=False)
    batches = torch.from_numpy(points).split(BATCH)
    return np.sort(np.concatenate([decoder(features, batch)[1].flatten().numpy() for batch in batches]))[::-1]


# MARK: Rounds


def command(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """What measures a contender."""
    if name == "swift-sam":
        return [
            str(options.binary), "bench", "--everything", "--quiet", "--json", "--runs", str(options.runs),
            "--model", str(folder / "weights.safetensors"), "--threads", str(options.threads),
        ]  # fmt: skip
    shares = ",".join(map(str, options.shares))
    return [
        sys.executable, __file__, "--worker", name, "--work", str(options.work), "--model", options.model,
        "--shares", shares, "--runs", str(options.runs), "--threads", str(options.threads),
    ]  # fmt: skip


@torch.inference_mode()
def prepare(folder: Path, model: str) -> None:
    """Weights and embedding as prepare.py writes them, and the decoders of points."""
    subprocess.run([sys.executable, str(HERE / "prepare.py"), model, str(folder)], check=True)
    sam = load(read_config(folder / "weights.safetensors", "model"), folder / "weights.safetensors")
    embedding = torch.from_numpy(np.load(folder / "reference.npy"))[None]
    coordinates = torch.rand(BATCH, 2) * sam.image_encoder.img_size
    for name, is_scaled in (("points", True), ("points-low", False)):
        decoder = PointDecoder(sam, is_scaled).eval()
        export(decoder, folder / name / "model.onnx", embedding=embedding, coordinates=coordinates)


def table(rounds: list[dict[str, dict[str, Any]]], shares: list[float]) -> str:
    """Medians, and swift-sam's time divided by each other's within rounds."""
    lines = ["| survive | contender | seconds | swift-sam takes | masks |", "| ---: | --- | ---: | ---: | ---: |"]
    for share in shares:
        rows = [
            {name: next(row for row in result["rows"] if row["survivors"] == share) for name, result in results.items()}
            for results in rounds
        ]
        seconds = [{name: median(row["seconds"]) for name, row in results.items()} for results in rows]
        for name in rows[0]:
            own = median(results[name] for results in seconds)
            ratio = median(results["swift-sam"] / results[name] for results in seconds)
            lines.append(f"| {share:.0%} | {name} | {own:.3g} | {ratio:.3f} | {rows[0][name]['masks']} |")
    return "\n".join(lines)


def main() -> None:
    """Measures all contenders, or as a worker one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vit_b", help="vit_b, vit_l, vit_h or a safetensors file")
    parser.add_argument("--binary", type=Path, help="swift-sam")
    parser.add_argument("--contenders", default=";".join(CONTENDERS), help="swift-sam first; separated by semicolons")
    parser.add_argument("--shares", type=lambda text: [float(part) for part in text.split(",")], default=[1, 0.3, 0.05])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "swift-sam-benchmark" / "work")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.work / Path(options.model).stem
    if options.worker:
        print(json.dumps(work(options.worker, folder, options.shares, options.runs, options.threads)))
        return
    prepare(folder, options.model)
    rounds = []
    for index in range(options.rounds):
        if (busy := busy_cores()) > QUIET:
            note(f"beware: other programs keep {busy:.1f} cores busy")
        names = options.contenders.split(";")
        results = {}
        for name in names if index % 2 == 0 else reversed(names):
            note(f"round {index + 1} of {options.rounds}: {name}")
            output = subprocess.run(command(name, folder, options), stdout=subprocess.PIPE, check=True, text=True).stdout
            results[name] = json.loads(output)
            note("    " + ", ".join(f"{row['survivors']:.0%} {median(row['seconds']):.3g} s" for row in results[name]["rows"]))
        rounds.append({name: results[name] for name in names})
    (options.work / "everything.json").write_text(json.dumps(rounds, indent=1) + "\n")
    print(table(rounds, options.shares))


if __name__ == "__main__":
    main()
