"""Writes safetensors files whose bytes depend on their content alone.

The `safetensors` package writes the metadata in the order of a hash map, which differs from run to run, and
it needs every tensor in memory at once. This writer keeps the given order and asks for one tensor at a time.
Files are read with the package's own reader."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import safe_open

DTYPE_NAMES = {"float64": "F64", "float32": "F32", "int64": "I64", "uint8": "U8"}


class TensorSpec(NamedTuple):
    """What a header says about one tensor."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def byte_count(self) -> int:
        """The tensor's size in the file."""
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Writes tensors that are in memory."""
    specs = {name: TensorSpec(tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    stream_safetensors(path, specs, tensors.__getitem__, metadata)


def stream_safetensors(
    path: Path,
    specs: Mapping[str, TensorSpec],
    load: Callable[[str], np.ndarray],
    metadata: Mapping[str, str],
) -> None:
    """Writes tensors one at a time: `load` is called once per name, in the file's order.

    Wider element types come first, so that every tensor is aligned to its elements. The file appears under
    its name only when it is complete.
    """
    order = sorted(specs, key=lambda name: -specs[name].dtype.itemsize)
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as file:
        header = encoded_header(order, specs, metadata)
        file.write(len(header).to_bytes(8, "little") + header)
        for name in order:
            tensor = np.ascontiguousarray(load(name))
            if (tensor.dtype, tensor.shape) != specs[name]:
                raise ValueError(f"{name}: expected {specs[name]}, found {tensor.dtype} {tensor.shape}")
            file.write(tensor.tobytes())
    os.replace(beside, path)


def encoded_header(order: list[str], specs: Mapping[str, TensorSpec], metadata: Mapping[str, str]) -> bytes:
    """The header's JSON, padded with spaces to a multiple of 8 bytes."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for name in order:
        end = start + specs[name].byte_count
        dtype = DTYPE_NAMES[specs[name].dtype.name]
        header[name] = {"dtype": dtype, "shape": list(specs[name].shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All tensors of a file, and its metadata."""
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
