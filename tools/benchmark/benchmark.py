"""Times swift-sam beside the official package, ONNX Runtime and OpenVINO, and checks what each computed.

In every round each system gets a process of its own, one after the other, so that what slows the machine down
meets all of them; the next round goes the other way round. Writes table.md, chart.png and record.json. Exits
with 1 where a system's embedding is wrong."""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

import report
from idle import QUIET, busy_cores
from results import LABELS, Contender, ModelResult, Round, Run

HERE = Path(__file__).resolve().parent
PRECISIONS = {
    "swift": ("float32", "bfloat16"),
    "pytorch": ("float32", "bfloat16"),
    "onnxruntime": ("float32",),
    "openvino": ("float32", "bfloat16"),
}
EXPORTED = {"onnxruntime", "openvino"}
LARGEST_ERROR = {"float32": 1e-3, "bfloat16": 0.1}
"""Relative L2 errors of the embedding above which a system is wrong, not fast."""
LONG_ENCODER_FLOP = 2e12
WORKER_UNSUPPORTED = 3
VARIANTS = ("vit_b", "vit_l", "vit_h")
WORK = Path.home() / ".cache" / "swift-sam-benchmark" / "work"
RECORDS = HERE / "records.jsonl"


class UnsupportedError(Exception):
    """A system doesn't compute in the precision on this machine."""


@dataclass(frozen=True)
class Settings:
    """What the user chose."""

    binary: Path
    models: list[str]
    systems: list[str]
    rounds: int
    threads: int
    work: Path
    output: Path


@dataclass(frozen=True)
class Model:
    """A prepared model: `folder` is as prepare.py wrote it."""

    folder: Path
    name: str
    side: int
    flop: float

    @property
    def timed_runs(self) -> int:
        """Runs of a process after the one that warms it up."""
        return 1 if self.flop > LONG_ENCODER_FLOP else 3


# MARK: Processes


def output_of(command: list[str]) -> dict[str, Any]:
    """The JSON that a command prints; its progress goes on to standard error."""
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode == WORKER_UNSUPPORTED:
        raise UnsupportedError
    if result.returncode != 0:
        sys.exit(
            f"benchmark.py: exit code {result.returncode} (-9: perhaps memory ran out) from\n"
            f"    {' '.join(command)}\nLeave it out with --systems, or run it alone to see why."
        )
    return json.loads(result.stdout)


def python(script: str, *arguments: object) -> list[str]:
    """A command that runs one of the scripts beside this one."""
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def prepare(name: str, settings: Settings) -> Model:
    """Writes weights, the reference embedding and ONNX files, unless the work folder has them."""
    folder = settings.work / (f"{Path(name).stem}-{digest(name)}" if is_file(name) else name)
    note(f"{name}: preparing {folder}")
    onnx = ["--onnx"] if EXPORTED & set(settings.systems) else []
    subprocess.run(python("prepare.py", name, folder, *onnx), check=True)
    return Model(folder, **json.loads((folder / "model.json").read_text()))


def is_file(name: str) -> bool:
    """Whether a model is named by its path."""
    return name.endswith(".safetensors")


def digest(path: str) -> str:
    """The beginning of a file's SHA-256: other weights never meet a folder prepared for these."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


# MARK: Measuring


def swift_command(contender: Contender, model: Model, settings: Settings, embedding: Path) -> list[str]:
    """The command that measures swift-sam, which reads the same weights."""
    return [
        str(settings.binary), "bench", "--quiet", "--json",
        "--model", str(model.folder / "weights.safetensors"), "--runs", str(1 + model.timed_runs),
        "--threads", str(settings.threads), "--save-embedding", str(embedding),
        "--precision", contender.precision,
    ]  # fmt: skip


def worker_command(contender: Contender, model: Model, settings: Settings, embedding: Path) -> list[str]:
    """The command that measures another system."""
    return python(
        "worker.py", contender.system, model.folder, "--precision", contender.precision,
        "--threads", settings.threads, "--runs", 1 + model.timed_runs, "--save-embedding", embedding,
    )  # fmt: skip


def measure(contender: Contender, model: Model, settings: Settings) -> Run:
    """One process of one system."""
    with tempfile.TemporaryDirectory() as folder:
        is_swift = contender.system == "swift"
        embedding = Path(folder) / ("embedding.safetensors" if is_swift else "embedding.npy")
        command = swift_command if is_swift else worker_command
        printed = output_of(command(contender, model, settings, embedding))
        error = relative_error(read_embedding(embedding), np.load(model.folder / "reference.npy"))
    seconds = {
        stage: values[1:] if isinstance(values, list) else [values]
        for stage, values in printed["seconds"].items()
    }
    version = printed.get("version", "swift-sam")
    return Run(version, seconds, printed["peak_memory_bytes"], error)


def read_embedding(path: Path) -> np.ndarray:
    """An embedding `[channels, grid, grid]` as a system saved it."""
    if path.suffix == ".npy":
        return np.load(path)
    with safe_open(path, framework="numpy") as file:
        return file.get_tensor("image_encoder")


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The relative L2 error; infinite where shapes differ or values aren't finite."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    difference = found.astype(np.float64) - expected
    return float(np.linalg.norm(difference) / np.linalg.norm(expected))


def measure_model(model: Model, settings: Settings) -> ModelResult:
    """All rounds of one model; what isn't offered here is left out of all of them."""
    contenders = [
        Contender(system, precision) for system in settings.systems for precision in PRECISIONS[system]
    ]
    rounds = []
    for index in range(settings.rounds):
        title = f"{model.name}, round {index + 1} of {settings.rounds}"
        note(f"{title}: matrix products")
        other_load = busy_cores()
        if other_load > QUIET:
            note(f"    beware: other programs keep {other_load:.1f} cores busy; end them first")
        gemm = output_of(python("gemm.py", "--threads", settings.threads))
        runs: dict[Contender, Run] = {}
        for contender in contenders if index % 2 == 0 else reversed(contenders):
            note(f"{title}: {contender.name}")
            try:
                runs[contender] = measure(contender, model, settings)
            except UnsupportedError:
                note(f"    skipped: {contender.name} isn't offered here")
            else:
                note(f"    encoder {report.spread(runs[contender].seconds['encode'])} s")
        contenders = [contender for contender in contenders if contender in runs]
        in_order = {contender: runs[contender] for contender in contenders}
        rounds.append(Round(gemm["flop_per_second"], other_load, in_order))
    return ModelResult(model.name, model.side, model.flop, rounds)


# MARK: Command


def failures(results: list[ModelResult]) -> list[str]:
    """What computed something else than the official package."""
    return [
        f"{result.name}: {contender.name}'s embedding has a relative error of {result.error(contender):.1e}, "
        f"above {LARGEST_ERROR[contender.precision]:g}"
        for result in results
        for contender in result.contenders
        if not result.error(contender) <= LARGEST_ERROR[contender.precision]
    ]


def write_results(results: list[ModelResult], settings: Settings, recording: bool) -> None:
    """Writes the table, the picture and the record, and prints the table."""
    machine = report.this_machine(settings.threads, HERE)
    settings.output.mkdir(parents=True, exist_ok=True)
    table = report.table(results, machine)
    print(table)
    (settings.output / "table.md").write_text(table)
    report.draw(results, machine, settings.output / "chart.png")
    (settings.output / "record.json").write_text(json.dumps(report.record(results, machine), indent=1) + "\n")
    note(f"written: table.md, chart.png and record.json in {settings.output}")
    latest = report.short_record(results, machine)
    for line in report.slowdowns(latest, report.read_records(RECORDS)):
        note(line)
    if recording:
        with RECORDS.open("a") as file:
            file.write(json.dumps(latest) + "\n")
        note(f"appended a line to {RECORDS}")


def note(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def names(text: str) -> list[str]:
    """A list that is separated by commas."""
    return text.split(",")


def count(text: str) -> int:
    """A positive number."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(text)


def parse_arguments() -> tuple[Settings, bool]:
    """What to measure, and whether to record it."""
    parser = argparse.ArgumentParser(
        prog="tools/benchmark/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument(
        "--models", type=names, default=["vit_b"], metavar="LIST",
        help="vit_b, vit_l, vit_h with random weights, or safetensors files (default: vit_b)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=count, default=5)
    parser.add_argument(
        "--systems", type=names, default=list(LABELS), metavar="LIST", help=f"default: {','.join(LABELS)}"
    )
    parser.add_argument("--threads", type=count, default=report.core_count(), help="default: all cores")
    parser.add_argument(
        "--work", type=Path, default=WORK, metavar="FOLDER",
        help=f"weights and exported models, kept for the next run (default: {WORK})",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=Path("benchmark"), metavar="FOLDER", help="default: benchmark, here"
    )
    parser.add_argument("--record", action="store_true", help="append a line to records.jsonl")
    options = vars(parser.parse_args())
    for model in options["models"]:
        if model not in VARIANTS and not (is_file(model) and Path(model).is_file()):
            parser.error(f"--models: {model} is neither {', '.join(VARIANTS)} nor a safetensors file")
    for system in options["systems"]:
        if system not in LABELS:
            parser.error(f"--systems: {system} is none of {', '.join(LABELS)}")
    recording = options.pop("record")
    return Settings(**options), recording


def main() -> None:
    """Prepares, measures, writes, and judges."""
    settings, recording = parse_arguments()
    models = [prepare(name, settings) for name in settings.models]
    results = [measure_model(model, settings) for model in models]
    wrong = failures(results)
    write_results(results, settings, recording and not wrong)
    if wrong:
        sys.exit("benchmark.py: wrong results\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
