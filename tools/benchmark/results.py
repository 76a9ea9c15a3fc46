"""What was measured, and the statistics of it."""

from dataclasses import dataclass
from statistics import median

LABELS = {
    "swift": "swift-sam",
    "pytorch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
}
LOW_PRECISION_GAIN = 2.0
"""How many times faster than float32 a processor multiplies bfloat16 where it can: half the bits."""


@dataclass(frozen=True)
class Contender:
    """A system in a precision."""

    system: str
    precision: str

    @property
    def name(self) -> str:
        """How it is called in tables."""
        return f"{LABELS[self.system]} {self.precision}"


@dataclass(frozen=True)
class Run:
    """One process of a contender: each stage's seconds without the run that warms up."""

    version: str
    seconds: dict[str, list[float]]
    peak_memory: int
    error: float


@dataclass(frozen=True)
class Round:
    """One process of each contender, and how fast matrices were multiplied beside them.

    `other_load` is the number of cores that other programs kept busy before.
    """

    flop_per_second: float
    other_load: float
    runs: dict[Contender, Run]

    def speed(self, contender: Contender, other: Contender, stage: str) -> float:
        """How many times as fast as another a contender is."""
        return median(self.runs[other].seconds[stage]) / median(self.runs[contender].seconds[stage])


@dataclass(frozen=True)
class ModelResult:
    """All rounds of one model, whose encoder takes `flop` operations for an image."""

    name: str
    side: int
    flop: float
    rounds: list[Round]

    @property
    def contenders(self) -> list[Contender]:
        """In the order of the first round."""
        return list(self.rounds[0].runs)

    @property
    def flop_per_second(self) -> float:
        """The float32 matrix products' rate."""
        return median(round.flop_per_second for round in self.rounds)

    @property
    def other_load(self) -> float:
        """The most cores that other programs kept busy."""
        return max(round.other_load for round in self.rounds)

    def runs(self, contender: Contender) -> list[Run]:
        """A contender's processes."""
        return [round.runs[contender] for round in self.rounds]

    def seconds(self, contender: Contender, stage: str) -> list[float]:
        """All timed runs of a stage."""
        return [value for run in self.runs(contender) for value in run.seconds[stage]]

    def speed(self, contender: Contender, other: Contender, stage: str = "encode") -> float | None:
        """The median over rounds of how many times as fast as another a contender is."""
        if other not in self.contenders:
            return None
        return median(round.speed(contender, other, stage) for round in self.rounds)

    def bound(self, precision: str) -> float:
        """The seconds that the encoder's matrix products alone would take, at the rate of one large one."""
        return self.flop / self.flop_per_second / gain(precision)

    def share_of_bound(self, contender: Contender) -> float:
        """The bound divided by the encoder's time: the median over rounds."""
        return median(
            self.flop
            / (round.flop_per_second * gain(contender.precision))
            / median(round.runs[contender].seconds["encode"])
            for round in self.rounds
        )

    def peak_memory(self, contender: Contender) -> int:
        """The most bytes that any of its processes held."""
        return max(run.peak_memory for run in self.runs(contender))

    def error(self, contender: Contender) -> float:
        """The embedding's largest relative L2 error."""
        return max(run.error for run in self.runs(contender))


def gain(precision: str) -> float:
    """How many times as fast as float32 a precision can be."""
    return LOW_PRECISION_GAIN if precision == "bfloat16" else 1.0
