"""How much of a label volume filling gives back where only every 2nd, 3rd or 5th slice has boxes.

    python measure.py CT --boxes FOLDER --truth LABELS --classes class_list.txt --labels 0=1,1=2 \\
        [--every 2,3,5] [--offsets 1] [--swift-sam PROGRAM] [--work FOLDER] [--options "--view array"]

Prints the mean volume Dice over the organs of each way, beside boxes on every slice with the same weights, and the minutes of
drawing that each kept pattern saves: 3.29 s a slice and organ (Kulkarni et al. 2024). With more offsets the kept slices begin
at 0, 1, and so on, and scores are their mean. Needs Python's standard library alone.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

WAYS = {
    "nothing": [],
    "shape": ["--fill", "shape"],
    "box": ["--fill", "box"],
    "shape, ends": ["--fill", "shape,ends"],
    "box, ends": ["--fill", "box,ends"],
    "auto, ends": ["--fill", "auto,ends"],
}
SECONDS_PER_BOX = 3.29


class Study:
    """A volume with its boxes, and the program that labels it."""

    def __init__(self, arguments: argparse.Namespace, work: Path):
        self.arguments, self.work = arguments, work

    def run(self, *words: str) -> str:
        command = [str(self.arguments.swift_sam), *words, "--quiet"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(f"{' '.join(command)}\n{result.stderr}")
        return result.stdout

    def files(self) -> list[Path]:
        """The files of boxes that hold any."""
        return [path for path in sorted(self.arguments.boxes.glob("*.txt")) if path.read_text().strip() and slice_of(path) is not None]

    def kept(self, every: int, offset: int) -> tuple[Path, int]:
        """A folder with the boxes of every so many slices, and how many boxes that are."""
        folder = self.work / f"boxes-{every}-{offset}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        count = 0
        for path in self.files():
            if slice_of(path) % every == offset:
                shutil.copy(path, folder)
                count += len(path.read_text().split("\n")) - path.read_text().endswith("\n")
        for record in self.arguments.boxes.glob("slices.json"):
            shutil.copy(record, folder)
        return folder, count

    def dice(self, boxes: Path, options: list[str]) -> dict[str, float]:
        """The volume Dice of each organ."""
        labels = self.work / "labels.nii.gz"
        own = self.arguments
        self.run(
            "segment", str(own.volume), "--boxes", str(boxes), "--classes", str(own.classes), "--labels", own.labels,
            "--cache", str(self.work / "cache"), "--force", "-o", str(labels), *own.options.split(), *options,
        )
        words = ["evaluate", "--truth", str(own.truth), "--predicted", str(labels), "--no-distances", "--json"]
        return volume_dice(json.loads(self.run(*words)))


def slice_of(path: Path) -> int | None:
    """The number that a file's name ends with."""
    match = re.search(r"(\d+)$", path.stem)
    return int(match.group(1)) if match else None


def volume_dice(report: dict) -> dict[str, float]:
    return {name: organ["volume_dice"]["mean"] for name, organ in report["organs"].items()}


def mean(values) -> float:
    values = [value for value in values if value is not None]
    return sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("volume", type=Path)
    parser.add_argument("--boxes", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--classes", type=Path, required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--every", default="2,3,5")
    parser.add_argument("--offsets", type=int, default=1)
    parser.add_argument("--swift-sam", type=Path, default=Path(".build/release/swift-sam"))
    parser.add_argument("--work", type=Path, default=None)
    parser.add_argument("--options", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study = Study(arguments, arguments.work or Path(temporary))
        study.work.mkdir(parents=True, exist_ok=True)
        everything, boxes = study.kept(1, 0)
        whole = study.dice(everything, [])
        print(f"every slice: {mean(whole.values()):.4f}  " + organs(whole) + f"  ({boxes} boxes)")
        for every in map(int, arguments.every.split(",")):
            table: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for offset in range(min(every, arguments.offsets)):
                folder, count = study.kept(every, offset)
                for way, options in WAYS.items():
                    table[way].append(study.dice(folder, options))
            saved = (boxes - count) * SECONDS_PER_BOX / 60
            print(f"every {every}. slice ({count} boxes; {saved:.1f} minutes of drawing saved):")
            for way, scores in table.items():
                each = {name: mean(score[name] for score in scores) for name in scores[0]}
                difference = mean(each.values()) - mean(whole.values())
                print(f"  {way:12} {mean(each.values()):.4f} {difference:+.4f}  {organs(each)}", flush=True)


def organs(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {score:.3f}" for name, score in scores.items())


if __name__ == "__main__":
    main()
