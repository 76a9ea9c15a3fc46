"""The table, the picture and the record of a benchmark."""

import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

from idle import QUIET
from results import Contender, ModelResult

STAGES = {"encode": "encoder (s)", "prompt": "1 box (s)", "prompts32": "32 boxes (s)"}
PYTORCH = Contender("pytorch", "float32")
COLORS = {("swift", "float32"): "#d9480f", ("swift", "bfloat16"): "#f59f64"}
OTHER_COLORS = {"float32": "#495057", "bfloat16": "#adb5bd"}
NOISE = 1.1
"""Stages that take at most this many times as long as before count as unchanged."""
PACKAGES = ("torch", "segment-anything", "onnxruntime", "openvino", "numpy")


@dataclass(frozen=True)
class Machine:
    """Where and when."""

    cpu: str
    threads: int
    cores: int
    date: str
    commit: str
    packages: dict[str, str]

    @property
    def line(self) -> str:
        """For people."""
        names = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return (
            f"{self.cpu}, {self.threads} threads on {self.cores} cores; {self.date}; "
            f"swift-sam {self.commit}; {names}."
        )


def this_machine(threads: int, project: Path) -> Machine:
    """The machine, the day and the versions."""
    commit = subprocess.run(
        ["git", "-C", project, "describe", "--always", "--dirty"], capture_output=True, text=True
    ).stdout.strip()
    packages = {name: version(name) for name in PACKAGES}
    return Machine(
        cpu_name(), threads, core_count(), datetime.date.today().isoformat(), commit or "unknown", packages
    )


def cpu_name() -> str:
    """The processor as the system names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown CPU"


def core_count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


# MARK: Table


def table(results: list[ModelResult], machine: Machine) -> str:
    """Markdown: a table for each model, under the machine's name."""
    lines = [machine.line, ""]
    for result in results:
        lines += [*model_lines(result), ""]
    return "\n".join(lines)


def model_lines(result: ModelResult) -> list[str]:
    """One model's table."""
    columns = [
        "", STAGES["encode"], "GFLOP/s", "share of bound", "× PyTorch float32", "× OpenVINO, same precision",
        *list(STAGES.values())[1:], "load (s)", "memory (GB)", "embedding's error",
    ]  # fmt: skip
    bounds = ", ".join(
        f"{precision} {result.bound(precision):.3g} s" for precision in ("float32", "bfloat16")
    )
    return [
        f"**{result.name}**, {result.side} × {result.side}: {result.flop / 1e12:.3g} TFLOP an image; "
        f"sgemm {result.flop_per_second / 1e9:.0f} GFLOP/s, so the bound is {bounds}. "
        f"Rounds: {len(result.rounds)}."
        + (f" Other programs kept {result.other_load:.1f} cores busy." if result.other_load > QUIET else ""),
        "",
        "| " + " | ".join(columns) + " |",
        "| --- |" + " ---: |" * (len(columns) - 1),
        *(row(result, contender) for contender in result.contenders),
    ]


def row(result: ModelResult, contender: Contender) -> str:
    """One contender's line."""
    encode = median(result.seconds(contender, "encode"))
    cells = [
        contender.name,
        spread(result.seconds(contender, "encode")),
        f"{result.flop / encode / 1e9:.0f}",
        f"{result.share_of_bound(contender):.0%}",
        ratio(result.speed(contender, PYTORCH)),
        ratio(result.speed(contender, Contender("openvino", contender.precision))),
        *(spread(result.seconds(contender, stage)) for stage in list(STAGES)[1:]),
        f"{median(result.seconds(contender, 'load')):.2f}",
        f"{result.peak_memory(contender) / 1e9:.2f}",
        f"{result.error(contender):.1e}",
    ]
    return "| " + " | ".join(cells) + " |"


def spread(seconds: list[float]) -> str:
    """The median, and best and worst."""
    return f"{median(seconds):.3g} ({min(seconds):.3g}–{max(seconds):.3g})"


def ratio(value: float | None) -> str:
    """A ratio, or a dash where there is nothing to compare with."""
    return "–" if value is None else f"{value:.2f}"


# MARK: Picture


def draw(results: list[ModelResult], machine: Machine, path: Path) -> None:
    """Bars of the encoder's seconds, a panel for each model."""
    heights = [len(result.contenders) for result in results]
    figure, panels = pyplot.subplots(
        len(results), figsize=(8, 1.1 + sum(0.4 * height + 0.9 for height in heights)),
        height_ratios=heights, squeeze=False, layout="constrained",
    )  # fmt: skip
    for axes, result in zip(panels[:, 0], results, strict=True):
        draw_model(axes, result)
    figure.supxlabel(
        f"{machine.cpu}, {machine.threads} threads, {machine.date}. Bars: median; lines: best to worst.",
        fontsize=9, color="#495057",
    )  # fmt: skip
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def draw_model(axes: Axes, result: ModelResult) -> None:
    """One model's bars, and its bounds as dotted lines."""
    names = [contender.name for contender in result.contenders]
    for contender in result.contenders:
        seconds = result.seconds(contender, "encode")
        middle = median(seconds)
        whiskers = [[middle - min(seconds)], [max(seconds) - middle]]
        axes.barh(
            contender.name, middle, xerr=whiskers, color=color(contender), height=0.7,
            error_kw={"elinewidth": 1, "capsize": 2},
        )  # fmt: skip
        axes.annotate(
            f"{middle:.3g} s", (max(seconds), contender.name), (5, 0), textcoords="offset points",
            va="center", fontsize=9,
        )  # fmt: skip
    for precision, style in (("float32", "-"), ("bfloat16", "--")):
        if any(contender.precision == precision for contender in result.contenders):
            axes.axvline(
                result.bound(precision), color="#1971c2", linestyle=style, linewidth=1,
                label=f"bound, {precision}",
            )  # fmt: skip
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_title(f"{result.name}: seconds to encode an image of {result.side} × {result.side}", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", fontsize=8, frameon=False)


def color(contender: Contender) -> str:
    """swift-sam's bars are coloured; bfloat16's are lighter."""
    return COLORS.get((contender.system, contender.precision), OTHER_COLORS[contender.precision])


# MARK: Record


def record(results: list[ModelResult], machine: Machine) -> dict[str, Any]:
    """Every number, for machines: each timed run of each stage of each round."""
    return {
        "date": machine.date,
        "commit": machine.commit,
        "cpu": machine.cpu,
        "threads": machine.threads,
        "packages": machine.packages,
        "models": {result.name: model_record(result) for result in results},
    }


def model_record(result: ModelResult) -> dict[str, Any]:
    """One model's numbers, in seconds and bytes."""
    return {
        "flop": result.flop,
        "other_load_cores": [round.other_load for round in result.rounds],
        "sgemm_flop_per_second": [round.flop_per_second for round in result.rounds],
        "systems": {contender.name: contender_record(result, contender) for contender in result.contenders},
    }


def contender_record(result: ModelResult, contender: Contender) -> dict[str, Any]:
    """One contender's numbers, a list for each round."""
    runs = result.runs(contender)
    return {
        "seconds": {stage: [run.seconds[stage] for run in runs] for stage in runs[0].seconds},
        "share_of_bound": result.share_of_bound(contender),
        "peak_memory_bytes": result.peak_memory(contender),
        "embedding_error": result.error(contender),
    }


def short_record(results: list[ModelResult], machine: Machine) -> dict[str, Any]:
    """One line for records.jsonl: swift-sam's medians, and how many times as fast as the others it is."""
    return {
        "date": machine.date,
        "commit": machine.commit,
        "cpu": machine.cpu,
        "threads": machine.threads,
        "models": {
            result.name: {
                contender.precision: swift_record(result, contender)
                for contender in result.contenders
                if contender.system == "swift"
            }
            for result in results
        },
    }


def swift_record(result: ModelResult, contender: Contender) -> dict[str, Any]:
    """swift-sam's numbers in one precision, to three digits."""
    others = [other for other in result.contenders if other.system != "swift"]
    return {
        **{stage: digits(median(result.seconds(contender, stage))) for stage in STAGES},
        "share_of_bound": digits(result.share_of_bound(contender)),
        "memory_gb": digits(result.peak_memory(contender) / 1e9),
        "times_as_fast_as": {
            other.name: digits(result.speed(contender, other) or 0)
            for other in others
            if contender.precision in (other.precision, "bfloat16")
        },
    }


def digits(value: float) -> float:
    """Three significant digits."""
    return float(f"{value:.3g}")


def slowdowns(latest: dict[str, Any], before: list[dict[str, Any]]) -> list[str]:
    """What is slower than in the last record of the same machine, beyond the noise."""
    same = [entry for entry in before if all(entry[key] == latest[key] for key in ("cpu", "threads"))]
    lines = []
    for name, precisions in latest["models"].items():
        for precision, numbers in precisions.items():
            entries = [entry for entry in same if precision in entry["models"].get(name, {})]
            if not entries:
                continue
            last = entries[-1]
            old = last["models"][name][precision]
            lines += [
                f"slower: {name} {precision} {stage}: {numbers[stage]} s, on {last['date']} "
                f"({last['commit']}) {old[stage]} s"
                for stage in STAGES
                if numbers[stage] > NOISE * old[stage]
            ]
    return lines


def read_records(path: Path) -> list[dict[str, Any]]:
    """The lines of records.jsonl, oldest first."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
