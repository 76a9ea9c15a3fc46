"""Writes a reference for `swift-sam verify`: what PyTorch makes of your checkpoint, picture and prompts, stage by stage.

    python tools/reference/export.py sam_vit_h_4b8939.pth photo.jpg --box 40,30,220,180 -o reference.safetensors
    swift-sam verify reference.safetensors --model sam_vit_h_4b8939.pth

IMAGE may be a reference too: its picture and prompts are taken again. The reference of the bundled model, by which
`swift-sam verify` checks an installation, is made anew by

    python tools/reference/export.py weights/swift-sam-small.safetensors weights/swift-sam-small.reference.safetensors \\
        --sketch 64 -o weights/swift-sam-small.reference.safetensors

CHECKPOINT is a .pth or .safetensors with official names, which the package segment-anything runs; or a folder of
Hugging Face's SamModel, which transformers runs. Needed from PyPI: torch, numpy, pillow, safetensors, and
segment-anything with torchvision, or transformers.

Values are in float64 where the memory allows, with the float32 run's own error beside each; --float32 gives float32
values alone. With --sketch 64, 64 numbers are kept of each activation: a reference of some 100 kB, from which verify
estimates the errors. Exit codes: 0 done, 1 not enough memory, 2 usage."""

import argparse
import fnmatch
import json
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

try:
    import numpy as np
    import torch
    from PIL import Image
    from safetensors import safe_open
    from torch import Tensor
except ModuleNotFoundError as missing:
    print(f"{__doc__}\n\nThis Python lacks {missing.name}: pip install torch torchvision numpy pillow safetensors "
          "segment-anything", file=sys.stderr)  # fmt: skip
    sys.exit(2)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from activations import Prompts, relative_error  # noqa: E402
from safetensors_file import TensorSpec, stream_safetensors  # noqa: E402
from sketch import SEED, sketch  # noqa: E402


@dataclass
class Recording:
    """Activations as files of a folder, in the order in which they arose, and the float32 run's errors."""

    folder: Path
    names: list[str] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where an activation is."""
        return self.folder / f"{name}.npy"

    def load(self, name: str) -> np.ndarray:
        """An activation, mapped."""
        return np.load(self.path(name), mmap_mode="r")

    def keep(self, name: str, tensor: Tensor) -> None:
        """Writes an activation."""
        self.names.append(name)
        np.save(self.path(name), tensor.contiguous().numpy())

    def compare(self, name: str, tensor: Tensor) -> None:
        """Notes the relative L2 error of the float32 run."""
        self.errors[name] = float(f"{relative_error(tensor.numpy(), self.load(name)):.3g}")


# MARK: Arguments


def numbers(text: str) -> list[float]:
    """Numbers with commas between."""
    return [float(part) for part in text.split(",")]


def labelled_point(text: str) -> list[float]:
    """x, y, a label, and the prompt's number where there is one."""
    values = numbers(text)
    # The package pads prompts with points of the label -1 by itself.
    if len(values) not in (3, 4) or values[2] not in (0, 1):
        raise argparse.ArgumentTypeError(f"expected X,Y,LABEL[,N] with a label of 0 or 1, found {text}")
    return values


def parse_arguments() -> argparse.Namespace:
    """What is asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a PNG or JPEG, or a reference")
    parser.add_argument("--box", action="append", type=numbers, metavar="X0,Y0,X1,Y1", help="each is a prompt")
    parser.add_argument(
        "--point", action="append", type=labelled_point, metavar="X,Y,LABEL[,N]",
        help="label 1 is inside, 0 outside; it joins prompt N, by default 1",
    )  # fmt: skip
    parser.add_argument("--mask-input", type=Path, metavar="M.npy", help="logits [4*grid, 4*grid] for every prompt")
    parser.add_argument("--single-mask", action="store_true", help="the one mask in place of three")
    parser.add_argument("--parts", action="store_true", help="also the parts of each stage: queries, scores, ...")
    parser.add_argument("--only", default="*", metavar="GLOB", help="only activations whose name matches")
    parser.add_argument("--sketch", type=int, metavar="N", help="keep N projections of each, in place of its values")
    parser.add_argument("--float32", action="store_true", help="run in float32 alone")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="R.safetensors")
    arguments = parser.parse_args()
    has_prompts = bool(arguments.box or arguments.point or arguments.mask_input)
    if has_prompts == (arguments.image.suffix.lower() == ".safetensors"):
        parser.error("a picture needs a --box, a --point or a --mask-input; a reference has its own")
    if arguments.sketch is not None and not 1 <= arguments.sketch <= 16384:
        parser.error("--sketch must be from 1 to 16384")
    return arguments


def make_prompts(arguments: argparse.Namespace) -> Prompts:
    """The prompts as arrays; all have equally many points, and all a box or none."""
    boxes = arguments.box or []
    points: dict[int, list[list[float]]] = {}
    for point in arguments.point or []:
        points.setdefault(int(point[3]) if len(point) > 3 else 1, []).append(point)
    count = max(len(boxes), *points, 1) if points else max(len(boxes), 1)
    each = {len(points.get(number, [])) for number in range(1, count + 1)}
    if len(each) != 1 or len(boxes) not in (0, count):
        sys.exit("error: all prompts must have equally many points, and all a box or none")
    mask = np.load(arguments.mask_input).astype(np.float32).squeeze() if arguments.mask_input else None
    if mask is not None and mask.ndim != 2:
        sys.exit("error: a reference has one mask input for every prompt: run once for each")
    sorted_points = [points[number] for number in range(1, count + 1)] if points else None
    return Prompts(
        boxes=np.array(boxes, dtype=np.float64) if boxes else None,
        points=np.array([[p[:2] for p in own] for own in sorted_points]) if sorted_points else None,
        labels=np.array([[int(p[2]) for p in own] for own in sorted_points]) if sorted_points else None,
        mask=mask,
    )


def read_question(arguments: argparse.Namespace) -> tuple[np.ndarray, Prompts]:
    """The picture and what is asked of it."""
    if arguments.image.suffix.lower() != ".safetensors":
        return np.asarray(Image.open(arguments.image).convert("RGB")), make_prompts(arguments)
    with safe_open(arguments.image, framework="numpy") as file:
        prompts = {name: file.get_tensor(f"prompt.{name}") for name in ("boxes", "points", "labels", "mask")
                   if f"prompt.{name}" in file.keys()}  # fmt: skip
        return file.get_tensor("image"), Prompts(**prompts)


# MARK: Memory


def available_memory() -> int:
    """Bytes that the system can give."""
    lines = Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else []
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else 1 << 62


def chosen_types(model: object, arguments: argparse.Namespace) -> list[torch.dtype]:
    """Float64 and float32 where the memory allows, else float32 alone; says how much is needed."""
    have = available_memory() / 2**30
    needed = {dtype: model.memory(dtype) / 2**30 for dtype in (torch.float64, torch.float32)}
    print(
        f"memory: {needed[torch.float64]:.1f} GiB in float64, {needed[torch.float32]:.1f} GiB in float32; "
        f"there are {have:.1f} GiB",
        file=sys.stderr,
    )
    if not arguments.float32 and needed[torch.float64] < have:
        return [torch.float64, torch.float32]
    if needed[torch.float32] >= have:
        print("error: not enough memory for float32 either", file=sys.stderr)
        sys.exit(1)
    if not arguments.float32:
        print("float64 does not fit: float32 alone", file=sys.stderr)
    return [torch.float32]


# MARK: Writing


def write(arguments: argparse.Namespace, recording: Recording, image: np.ndarray, prompts: Prompts,
          metadata: dict[str, str]) -> None:  # fmt: skip
    """Writes the reference file."""
    extra = {"image": image} | prompts.tensors()
    metadata |= {"reference": "1", "order": json.dumps(recording.names)}
    if recording.errors:
        metadata["float32_error"] = json.dumps(recording.errors)
    specs = {name: TensorSpec(array.dtype, array.shape) for name, array in extra.items()}
    load = dict(extra)
    if arguments.sketch:
        shapes, norms = {}, {}
        for name in recording.names:
            values = recording.load(name)
            shapes[name], norms[name] = list(values.shape), float(np.linalg.norm(values.astype(np.float64).ravel()))
            load[name] = sketch(name, values, arguments.sketch)
            specs[name] = TensorSpec(load[name].dtype, load[name].shape)
        metadata["sketch"] = json.dumps({"seed": SEED, "shapes": shapes, "norms": norms})
    else:
        for name in recording.names:
            values = recording.load(name)
            specs[name] = TensorSpec(values.dtype, values.shape)
    stream_safetensors(
        arguments.output, specs, lambda name: load[name] if name in load else recording.load(name), metadata
    )


def main() -> None:
    """Runs the model in each element type, then writes."""
    arguments = parse_arguments()
    image, prompts = read_question(arguments)
    if arguments.checkpoint.is_dir():
        from huggingface import HuggingFaceModel as Model
    else:
        from official import OfficialModel as Model
    model = Model(arguments.checkpoint)
    types = chosen_types(model, arguments)
    with tempfile.TemporaryDirectory(dir=arguments.output.resolve().parent) as folder:
        recording = Recording(Path(folder))
        for dtype, sink in zip(types, (recording.keep, recording.compare), strict=False):
            print(f"running in {str(dtype).removeprefix('torch.')}", file=sys.stderr)

            def wanted(name: str, tensor: Tensor, sink=sink) -> None:  # noqa: ANN001
                if fnmatch.fnmatch(name, arguments.only):
                    sink(name, tensor)

            model.run(dtype, image, prompts, wanted, parts=arguments.parts, multimask=not arguments.single_mask)
        metadata = model.metadata() | {"torch": version("torch"), "numpy": version("numpy")}
        write(arguments, recording, image, prompts, metadata)
    print(f"wrote {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
