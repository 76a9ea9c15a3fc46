"""Lays out what `swift-sam evaluate --json` and `compare --json` said, as the right-hand half of the paper's Table 1.

    python table.py SCORES

Exits with 1 where the net that was trained on the truth is too poor for a comparison.
"""

import json
import sys
from pathlib import Path

ENOUGH = 0.5  # mean Dice on the cases left out


def main() -> None:
    folder = Path(sys.argv[1])
    labels, truth, sam, test = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("labels", "1", "2", "compare")
    )
    print(f"Volume Dice, mean ± 95% CI: the nets' on {truth['volumes']} cases left out, the labels' on the")
    print(f"{labels['volumes']} cases to train on. p: the paired Wilcoxon test of the two nets.")
    print()
    print("| | nnU-Net trained on truth | on swift-sam's labels | p | these labels themselves |")
    print("| --- | --- | --- | --- | --- |")
    for name in ("mean", *sorted(truth["organs"])):
        cells = [dice(report, name) for report in (truth, sam, labels)]
        p = (test["mean"] if name == "mean" else test["columns"][f"{name}_dice"])["p"]
        print(f"| {name} | {cells[0]} | {cells[1]} | {p:.3g} | {cells[2]} |")
    print()
    reached = truth["mean_volume_dice"]["mean"]
    if reached < ENOUGH:
        print(f"The net trained on the truth reached only {reached:.3f} of {ENOUGH}: this comparison says nothing.")
        sys.exit(1)
    lost = reached - sam["mean_volume_dice"]["mean"]
    print(f"The net trained on the truth reached {reached:.3f}, at least {ENOUGH}: the comparison counts.")
    print(f"Training on swift-sam's labels instead {'cost' if lost > 0 else 'gained'} {abs(lost):.3f} Dice.")


def dice(report: dict, name: str) -> str:
    summary = report["mean_volume_dice"] if name == "mean" else report["organs"][name]["volume_dice"]
    return f"{summary['mean']:.3f} ± {summary['ci95']:.3f}"


if __name__ == "__main__":
    main()
