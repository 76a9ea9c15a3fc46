"""Writes the checkpoint fixtures: files as PyTorch, safetensors and NumPy write them, and hostile ones.

`good/NAME` come from those libraries, and `good/expected.json` holds what they themselves read from each.
`hostile/NAME` are made byte by byte, but for a few; what is wrong with each, the test says that opens it."""

import argparse
import io
import json
import os
import pickle
import re
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from export_model import FIXTURES as MODELS

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "CheckpointsTests" / "Fixtures"
TYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL",
}  # fmt: skip


# MARK: State dicts


def ramp(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Values −1, −0.75, −0.5, …: exact in every floating type."""
    count = int(torch.tensor(shape).prod()) if shape else 1
    return (torch.arange(count) * 0.25 - 1).reshape(shape).to(dtype)


def module() -> nn.Module:
    """A module with parameters, a buffer, and so notes on versions in its state dict's `_metadata`."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.LayerNorm(2))


def state_dicts() -> dict[str, tuple[object, int]]:
    """What is saved, and with which protocol of pickle."""
    base = ramp(4, 6)
    integers = {str(dtype): torch.tensor([-3, 0, 1, 100]).to(dtype) for dtype in TYPES}
    plain = {"weight": ramp(2, 3), "bias": ramp(3)}
    return {
        "float32": (plain, 2),
        "float16": ({name: tensor.half() for name, tensor in plain.items()}, 2),
        "bfloat16": ({name: tensor.bfloat16() for name, tensor in plain.items()}, 2),
        "types": (integers, 2),
        "shared": (
            {"whole": base, "part": base[1:3], "row": base[2], "again": base, "column": base[:, 4]},
            2,
        ),
        "shared16": ({"part": base.half()[1:3], "first": base.half()[0]}, 2),
        "strided": (
            {"transposed": base.T, "steps": base[::2, 1::3], "permuted": ramp(2, 3, 4).permute(2, 0, 1)},
            2,
        ),
        "module": (module().state_dict(), 2),
        "parameters": (module().state_dict(keep_vars=True), 2),
        "ordered": (OrderedDict(plain), 2),
        "protocol3": (OrderedDict(plain), 3),
        "protocol4": (module().state_dict(), 4),
        "protocol5": (module().state_dict(), 5),
        "small": ({"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "one": ramp(1, 1, 1)}, 2),
        "many": ({f"tensor.{index}": torch.tensor([float(index)]) for index in range(60)}, 2),
        "nothing": ({}, 2),
        "training": (training(), 2),
        "tensor": (ramp(2, 3), 2),
    }


def training() -> dict[str, object]:
    """What training scripts save: the weights with an optimizer's state and notes, wrapped in a class and for several GPUs."""
    model = nn.DataParallel(module())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model(ramp(4, 3)).sum().backward()
    optimizer.step()
    shared = model.state_dict()
    return {
        "epoch": 3, "best": 0.5, "name": "run", "done": True, "model": shared, "again": shared,
        "optimizer": optimizer.state_dict(), "options": argparse.Namespace(lr=1e-4), "losses": [1.5, np.float64(0.25)],
        "wide": ramp(3).to(torch.complex64), "expanded": ramp(1).expand(5),
    }  # fmt: skip


def arrays() -> dict[str, tuple[np.ndarray, tuple[int, int]]]:
    """What is saved as `.npy`, and in which version of the format."""
    values = ramp(2, 3).numpy()
    return {
        "version1": (values, (1, 0)),
        "version2": (values, (2, 0)),
        "version3": (values.astype(np.float64) / 3, (3, 0)),
        "scalar": (np.array(2.5, np.float32), (1, 0)),
        "vector": (values[0], (1, 0)),
        "empty": (np.zeros((0, 4), np.float32), (1, 0)),
        "float16": (values.astype(np.float16), (1, 0)),
        "bool": (values > 0, (1, 0)),
        "int64": (np.arange(-3, 3).reshape(3, 2), (1, 0)),
        "uint16": (np.array([0, 1, 65535], np.uint16), (1, 0)),
        "fortran": (np.asfortranarray(ramp(2, 3, 4).numpy()), (1, 0)),
    }


def flat(state: object, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of dictionaries in dictionaries, each dictionary once, as our reader names them."""
    waiting, known = [(path, state)], {id(state)}
    while waiting:
        path, value = waiting.pop(0)
        if isinstance(value, Tensor):
            # Those that are refused: elements of two numbers, and elements that repeat.
            if not value.is_complex() and 0 not in value.stride():
                yield path, value
        for key, inner in value.items() if isinstance(value, dict) else ():
            if not isinstance(inner, dict) or id(inner) not in known:
                known.add(id(inner))
                waiting.append((f"{path}/{key}" if path else str(key), inner))


def as_read(state: object) -> dict[str, object]:
    """Of each tensor the type, the shape and the values in the order of its axes."""
    return {
        name: {
            "dtype": TYPES.get(tensor.dtype, "U16"),
            "shape": list(tensor.shape),
            "values": tensor.double().flatten().tolist(),
        }
        for name, tensor in flat(state)
    }


def deflated(data: bytes) -> bytes:
    """A zip packed anew with compression, its files without a folder, as people do by hand."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name.split("/", 1)[1]), old.read(name), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def zip64(data: bytes) -> bytes:
    """The same zip with its sizes and places in 64 bits, as files beyond 4 GiB have them (APPNOTE.TXT 4.3.14, 4.5.3)."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members, start = file.infolist(), file.start_dir
    directory = b""
    for member in members:
        name, sizes = member.filename.encode(), struct.pack("<QQQ", member.file_size, member.compress_size, member.header_offset)
        extra = struct.pack("<HH", 1, len(sizes)) + sizes
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, member.compress_type, 0, 0x21, member.CRC, 0xFFFFFFFF,
            0xFFFFFFFF, len(name), len(extra), 0, 0, 0, 0, 0xFFFFFFFF) + name + extra  # fmt: skip
    count, end = len(members), start + len(directory)
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), start)
    locator = struct.pack("<IIQI", 0x07064B50, 0, end, 1)
    last = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:start] + directory + record + locator + last


def write_good(folder: Path) -> None:
    """Writes the files and what their libraries read from them."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, (state, protocol) in state_dicts().items():
        path = folder / f"{name}.pth"
        torch.save(state, path, pickle_protocol=protocol)
        # `weights_only` knows no protocol above 2; the file is our own.
        expected[path.name] = as_read(torch.load(path, weights_only=protocol == 2 and name != "training"))
    (folder / "deflated.pth").write_bytes(deflated((folder / "module.pth").read_bytes()))
    expected["deflated.pth"] = expected["module.pth"]
    (folder / "zip64.pth").write_bytes(zip64((folder / "module.pth").read_bytes()))
    expected["zip64.pth"] = as_read(torch.load(folder / "zip64.pth"))
    path = folder / "library.safetensors"
    save_file(state_dicts()["types"][0] | {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}, path)
    expected[path.name] = as_read(load_file(path))
    for name, (array, version) in arrays().items():
        path = folder / f"{name}.npy"
        with open(path, "wb") as file:
            np.lib.format.write_array(file, array, version)
        expected[path.name] = as_read({"": torch.from_numpy(np.load(path))})
    several = {name: array for name, (array, _) in arrays().items() if name in ("version1", "bool")}
    for name, save in [("plain.npz", np.savez), ("compressed.npz", np.savez_compressed)]:
        save(folder / name, **several)
        with np.load(folder / name) as file:
            expected[name] = as_read({key: torch.from_numpy(file[key]) for key in file})
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))


# MARK: Pickles by hand (CPython's `Lib/pickletools.py` describes the opcodes)


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def whole(value: int) -> bytes:
    """LONG1."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_of(*parts: bytes) -> bytes:
    """MARK … TUPLE."""
    return b"(" + b"".join(parts) + b"t"


def storage(key: str = "0", count: int = 6, kind: str = "FloatStorage", tag: str = "storage") -> bytes:
    """A persistent id as PyTorch has it for a storage."""
    return tuple_of(text(tag), f"ctorch\n{kind}\n".encode(), text(key), text("cpu"), whole(count)) + b"Q"


def tensor(
    shape: Iterable[int] = (2, 3), strides: Iterable[int] = (3, 1), offset: int = 0, of: bytes | None = None
) -> bytes:
    """A call of `_rebuild_tensor_v2`."""
    arguments = [
        storage() if of is None else of, whole(offset),
        tuple_of(*map(whole, shape)), tuple_of(*map(whole, strides)),
        b"\x89", b"ccollections\nOrderedDict\n)R",
    ]  # fmt: skip
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + tuple_of(*arguments) + b"R"


def pickled(*items: bytes) -> bytes:
    """A dictionary of alternating keys and values."""
    return b"\x80\x02}(" + b"".join(items) + b"u."


def archive(data: bytes, compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    """A zip as PyTorch writes it: the pickle and a storage of six floats, or others."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr(zipfile.ZipInfo("x/data.pkl"), data, compression)
        for name, content in {"data/0": ramp(6).numpy().tobytes(), **members}.items():
            file.writestr(zipfile.ZipInfo("x/" + name), content, compression)
    return buffer.getvalue()


def patched(data: bytes, signature: bytes, offset: int, value: bytes, occurrence: int = 0) -> bytes:
    """The bytes with others put in `offset` after one of the occurrences of a signature."""
    place = -1
    for _ in range(occurrence + 1):
        place = data.index(signature, place + 1)
    return data[: place + offset] + value + data[place + offset + len(value) :]


class Command:
    """What runs a command when it is unpickled carelessly."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch swift-sam-was-here",)


# MARK: Files to be refused


def hostile_pickles() -> dict[str, bytes]:
    """Pickles, by what is wrong with them."""
    good = (text("weight"), tensor())
    deep = b")" + b"\x85" * 5000
    return {
        "global-command": pickle.dumps({"weight": Command()}, 2),
        "global-command-4": pickle.dumps({"weight": Command()}, 4),
        "global-eval": pickled(text("weight"), b"cbuiltins\neval\n" + tuple_of(text("1")) + b"R"),
        "global-attribute": pickled(text("weight"), b"ctorch\nload\n" + tuple_of(text("x")) + b"R"),
        "global-module": pickle.dumps({"weight": zipfile.ZipFile}, 2),
        "global-called-storage": pickled(
            text("weight"), b"ctorch\nFloatStorage\n" + tuple_of(whole(1 << 40)) + b"R"),
        "opcode-instance": pickled(text("weight"), b"(ios\nsystem\n"),
        "opcode-persid": pickled(text("weight"), b"P0\n"),
        "opcode-unknown": pickled(text("weight"), b"\xff"),
        "id-text": pickled(text("weight"), tensor(of=text("0") + b"Q")),
        "id-tag": pickled(text("weight"), tensor(of=storage(tag="module"))),
        "id-missing-member": pickled(text("weight"), tensor(of=storage(key="7"))),
        "id-other-member": pickled(text("weight"), tensor(of=storage(key="../data.pkl"))),
        "id-negative-count": pickled(text("weight"), tensor(of=storage(count=-6))),
        "id-huge-count": pickled(text("weight"), tensor(of=storage(count=(1 << 62) + 6))),
        "id-smaller-type": pickled(text("weight"), tensor(of=storage(kind="HalfStorage"))),
        "id-unknown-type": pickled(text("weight"), tensor(of=storage(kind="ComplexFloatStorage"))),
        "view-beyond": pickled(text("weight"), tensor(shape=(2, 4), strides=(4, 1))),
        "view-offset": pickled(text("weight"), tensor(offset=1)),
        "view-huge-offset": pickled(text("weight"), tensor(offset=(1 << 63) - 1)),
        "view-huge-stride": pickled(text("weight"), tensor(strides=(1 << 62, 1 << 62))),
        "view-overflow": pickled(text("weight"), tensor(shape=(1 << 62, 4), strides=(4, 1))),
        "view-empty-overflow": pickled(
            text("weight"), tensor(shape=(0, 1 << 31, 1 << 32), strides=(1, 1 << 32, 1))),
        "view-stride-0": pickled(text("weight"), tensor(shape=(1 << 40,), strides=(0,))),
        "view-negative-size": pickled(text("weight"), tensor(shape=(-2, -3))),
        "view-negative-stride": pickled(text("weight"), tensor(strides=(-3, 1), offset=3)),
        "view-negative-offset": pickled(text("weight"), tensor(offset=-1)),
        "view-other-rank": pickled(text("weight"), tensor(strides=(1,))),
        "key-twice": pickled(*good, *good),
        "value-number": pickled(text("epoch"), whole(3)),
        "value-text": pickled(text("weight"), text("weight")),
        "list": pickle.dumps([1, 2], 2),
        "tuple-deep": pickled(text("weight"), deep),
        "memo-empty": pickled(text("weight"), b"h\x05"),
        "stack-empty": b"\x80\x02u.",
        "stack-two": b"\x80\x02}}.",
        "stop-missing": pickled(*good)[:-1],
        "text-cut": b"\x80\x02}(X\xff\xff\xff\xff",
        "text-not-utf8": pickled(b"X\x02\x00\x00\x00\xff\xfe", tensor()),
        "number-huge": b"\x80\x04\x8d" + b"\xff" * 8 + b"}.",
        "empty": b"",
    }  # fmt: skip


def hostile_archives() -> dict[str, bytes]:
    """Zips, by what is wrong with them; the pickle is good."""
    good = archive(pickled(text("weight"), tensor()))
    deflated = archive(pickled(text("weight"), tensor()), zipfile.ZIP_DEFLATED)
    local, central, end = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
    full = (0xFFFFFFFF).to_bytes(4, "little")
    legacy, whole_module = io.BytesIO(), io.BytesIO()
    torch.save({"weight": ramp(2, 3)}, legacy, _use_new_zipfile_serialization=False)
    torch.save(module(), whole_module)
    first = good.index(central)
    twice = patched(good, end, 10, (3).to_bytes(2, "little"))
    second = good[good.index(central, first + 1) : good.index(end)]
    return {
        "zip-cut": good[: len(good) // 2],
        "zip-cut-directory": good[: good.index(central) + 20],
        "zip-cut-end": good[:-10],
        "zip-compressed": archive(pickled(text("weight"), tensor()), zipfile.ZIP_BZIP2),
        "zip-deflated-other-size": patched(deflated, central, 24, (25).to_bytes(4, "little"), occurrence=1),
        "zip-deflated-checksum": patched(deflated, central, 16, bytes(4), occurrence=1),
        "zip-deflated-bomb": patched(deflated, central, 24, (1 << 30).to_bytes(4, "little"), occurrence=1),
        "zip-encrypted": patched(good, central, 8, b"\x01\x00"),
        "zip-member-overlap": patched(good, central, 42, bytes(4), occurrence=1),
        "zip-member-longer": patched(good, central, 20, (1000).to_bytes(4, "little"), occurrence=1),
        "zip-member-outside": patched(good, central, 42, (1 << 30).to_bytes(4, "little")),
        "zip-member-no-header": patched(good, local, 0, b"XXXX", occurrence=1),
        "zip-member-twice": twice[: good.index(end)] + second + twice[good.index(end) :],
        "zip-directory-outside": patched(good, end, 16, (1 << 30).to_bytes(4, "little")),
        "zip-more-entries": patched(good, end, 10, (9).to_bytes(2, "little")),
        "zip64-missing": patched(good, end, 16, full),
        "zip64-size": patched(good, central, 20, full),
        "zip-no-pickle": archive(b"").replace(b"data.pkl", b"data.txt"),
        "zip-two-pickles": archive(pickled(text("weight"), tensor()), **{"y/data.pkl": b"\x80\x02}."}),
        "zip-big-endian": archive(pickled(text("weight"), tensor()), byteorder=b"big"),
        "zip-storage-short": archive(pickled(text("weight"), tensor()), **{"data/0": bytes(20)}),
        # With its memory addresses made zeros, for the same bytes every time.
        "torch-legacy": re.sub(rb"\d{9,}", lambda match: b"0" * len(match[0]), legacy.getvalue()),
        "torch-module": whole_module.getvalue(),
    }  # fmt: skip


def write_hostile(folder: Path) -> None:
    """Writes the files to be refused."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in hostile_pickles().items():
        (folder / f"{name}.pth").write_bytes(archive(data))
    for name, data in hostile_archives().items():
        (folder / f"{name}.pth").write_bytes(data)
    for name, array in {
        "npy-big-endian": np.zeros(3, ">f4"), "npy-structured": np.zeros(2, [("x", "<f4"), ("y", "<f4")]),
    }.items():  # fmt: skip
        np.save(folder / f"{name}.npy", array)


def write_model() -> None:
    """Writes the weights of one of the model fixtures as a `.pth` in float16."""
    weights = load_file(MODELS / "global.weights.safetensors")
    torch.save({name: tensor.half() for name, tensor in weights.items()}, MODELS / "global.float16.pth")


def main() -> None:
    """Writes every fixture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FIXTURES, help="where to write")
    folder = parser.parse_args().folder
    write_good(folder / "good")
    write_hostile(folder / "hostile")
    write_model()


if __name__ == "__main__":
    main()
