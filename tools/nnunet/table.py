"""Lays out what the nets and the labels scored, as the right-hand half of the paper's Table 1.

    python table.py WORK SWIFT_SAM [--best]

WORK is the folder of `run`, SWIFT_SAM the program whose `evaluate` gave the scores and whose `compare` tests them; a net that
is not there yet is left out. With --best it prints no more than which filled arm's labels have the highest Dice.

Exits with 1 where the nets that were trained on the truth are too poor for a comparison.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy.stats import t as student

ENOUGH = 0.5  # mean Dice of the nets trained on the truth
AIM = 0.02  # Dice that labels may cost
SECONDS_PER_BOX = 3.29  # Kulkarni et al. 2024


class Scores:
    """Volume Dice by case and organ, of a table that `evaluate --csv` wrote."""

    def __init__(self, path: Path):
        with path.open(newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: row["path"])
        columns = [name for name in rows[0] if name.endswith("_dice")]
        self.header = ["path", *columns]
        self.cases = [row["path"] for row in rows]
        self.dice = np.array([[float(row[column]) for column in columns] for row in rows])
        self.organs = [name.removesuffix("_dice") for name in columns]


class Arm:
    """A line of `arms.txt`, with what is scored of it by now."""

    def __init__(self, line: str, work: Path):
        self.name, self.boxes, segment, _ = (column.strip() for column in line.split("|"))
        self.is_filled = "--fill" in segment
        nets = (work / "scores/nets").glob(f"{self.name}-*.csv")
        self.nets = {int(path.stem.rsplit("-")[-1]): Scores(path) for path in nets}
        labels = work / f"scores/labels/{self.name}.csv"
        self.labels = Scores(labels) if labels.exists() else None

    def dice(self, seeds: list[int]) -> np.ndarray:
        """By seed, case and organ."""
        return np.stack([self.nets[seed].dice for seed in seeds])


class Comparison:
    """An arm's nets beside the truth's of the same seeds."""

    def __init__(self, arm: Arm, truth: Arm, work: Path, swift_sam: str):
        self.seeds = sorted(arm.nets.keys() & truth.nets.keys())
        self.dice, self.truth = arm.dice(self.seeds), truth.dice(self.seeds)
        files = [work / f"scores/{name}-of-{arm.name}.csv" for name in ("nets", "truth")]
        for path, dice in zip(files, (self.dice, self.truth), strict=True):
            write_means(path, next(iter(arm.nets.values())), dice)
        command = [swift_sam, "compare", *map(str, files), "--quiet", "--json"]
        self.test = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def p(self, organ: str = "mean") -> float:
        return (self.test["mean"] if organ == "mean" else self.test["columns"][f"{organ}_dice"])["p"]

    def difference(self) -> tuple[float, float]:
        """The mean difference to the truth's nets, and half its 95% interval.

        Of `d`, a row a seed and a column a case, the squared standard errors of the rows' means and of the columns' means
        are added: cases and seeds are both drawn at random, and three seeds are too few to be resampled. The degrees of
        freedom are Satterthwaite's.
        """
        d = (self.dice - self.truth).mean(2)
        parts = [(means.var(ddof=1) / len(means), len(means) - 1) for means in (d.mean(1), d.mean(0)) if len(means) > 1]
        variance = sum(part for part, _ in parts)
        freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
        return float(d.mean()), float(student.ppf(0.975, freedom) * np.sqrt(variance))


def write_means(path: Path, like: Scores, dice: np.ndarray) -> None:
    """Each case's Dice, averaged over the seeds."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(like.header)
        writer.writerows([case, *row] for case, row in zip(like.cases, dice.mean(0), strict=True))


def cell(dice: np.ndarray) -> str:
    """The mean over cases, and 1.96·sd/√n, as in the paper."""
    return f"{dice.mean():.3f} ± {1.96 * dice.std() / np.sqrt(len(dice)):.3f}"


def boxes_of_a_case(work: Path, boxes: str) -> float:
    folder = work / "cases/train/boxes" / boxes
    drawn = sum(len(path.read_text().splitlines()) for path in folder.rglob("*.txt"))
    return drawn / len(list(folder.iterdir()))


def best_of(arms: list[Arm]) -> Arm | None:
    """The filled arm of the best labels on the cases to train on: what nets scored has no part in it."""
    filled = [arm for arm in arms if arm.is_filled and arm.labels]
    return max(filled, key=lambda arm: arm.labels.dice.mean(), default=None)


def print_arms(arms: list[Arm], comparisons: dict[str, Comparison], work: Path) -> None:
    truth = arms[0]
    every = boxes_of_a_case(work, "every")
    print("| trained on | nets | nnU-Net's Dice | less the truth's, 95% interval | p | labels' Dice | boxes | minutes saved |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print(f"| truth | {len(truth.nets)} | {cell(truth.dice(sorted(truth.nets)).mean((0, 2)))} | | | | | |")
    for arm in arms[1:]:
        cells = [""] * 4
        if compared := comparisons.get(arm.name):
            mean, half = compared.difference()
            cells = [len(compared.seeds), cell(compared.dice.mean((0, 2)))]
            cells += [f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})", f"{compared.p():.2g}"]
        if arm.labels:
            drawn = boxes_of_a_case(work, arm.boxes)
            saved = "" if arm.boxes == "exact" else f"{(every - drawn) * SECONDS_PER_BOX / 60:.1f}"
            cells += [cell(arm.labels.dice.mean(1)), f"{drawn:.1f}", saved]
            print(f"| {' | '.join(map(str, [arm.name, *cells]))} |")


def print_organs(chosen: list[Arm], comparisons: dict[str, Comparison], truth: Arm) -> None:
    """The paper's columns."""
    compared = [comparisons[arm.name] for arm in chosen]
    print(f"| | truth | {' | '.join(f'{arm.name} | p' for arm in chosen)} |")
    print("| --- " * (2 + 2 * len(chosen)) + "|")
    seeds = sorted(truth.nets)
    for index, organ in enumerate(truth.nets[seeds[0]].organs):
        cells = [cell(truth.dice(seeds)[:, :, index].mean(0))]
        for each in compared:
            cells += [cell(each.dice[:, :, index].mean(0)), f"{each.p(organ):.2g}"]
        print(f"| {organ} | {' | '.join(cells)} |")


def verdict(arm: Arm, compared: Comparison) -> str:
    mean, half = compared.difference()
    if mean - half >= -AIM:
        outcome = f"That is at most {AIM}."
    elif mean + half < -AIM:
        outcome = f"That is more than {AIM}."
    else:
        outcome = f"Whether that is at most {AIM} is not decided."
    known = "the spread of cases and seeds" if len(compared.seeds) > 1 else "the spread of cases alone"
    interval = f"95% interval {-mean - half:.3f} to {-mean + half:.3f}, by {known}"
    return f"Training on the labels of {arm.name} cost {-mean:.3f} Dice ({interval}). {outcome}"


def main() -> None:
    work, swift_sam = Path(sys.argv[1]), sys.argv[2]
    lines = (Path(__file__).resolve().parent / "arms.txt").read_text().splitlines()
    arms = [Arm(line, work) for line in lines if not line.startswith("#")]
    truth, best = arms[0], best_of(arms)
    if "--best" in sys.argv:
        print(best.name if best else "")
        return
    comparisons = {
        arm.name: Comparison(arm, truth, work, swift_sam) for arm in arms[1:] if arm.nets.keys() & truth.nets.keys()
    }
    if not truth.nets:
        sys.exit("No net that was trained on the truth has been scored yet.")
    some = truth.nets[min(truth.nets)]
    trained = next((len(arm.labels.cases) for arm in arms if arm.labels), 0)
    print(f"Volume Dice, mean over the organs ± 95% CI: the nets' on {len(some.cases)} cases left out, averaged over the seeds;")
    print(f"the labels' on the {trained} cases to train on. p: the paired Wilcoxon test against the truth's nets.")
    print("Boxes: drawn in a case; minutes saved: against every slice drawn by one person, at 3.29 s a box.")
    print()
    print_arms(arms, comparisons, work)
    print()
    chosen = [arm for arm in arms if arm.name in comparisons and (arm.name == "today" or arm is best)]
    print_organs(chosen, comparisons, truth)
    print()
    reached = truth.dice(sorted(truth.nets)).mean()
    if reached < ENOUGH:
        print(f"The nets trained on the truth reached only {reached:.3f} of {ENOUGH}: this comparison says nothing.")
        sys.exit(1)
    print(f"The nets trained on the truth reached {reached:.3f}, at least {ENOUGH}: the comparison counts.")
    if best:
        print(f"The best filled way, by its labels' own Dice on the cases to train on, is {best.name}.")
    for arm in chosen:
        print(verdict(arm, comparisons[arm.name]))


if __name__ == "__main__":
    main()
