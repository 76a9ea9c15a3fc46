#!/usr/bin/env python3
"""Writes the small corpus of a fuzzing target into a folder: seeds.py TARGET FOLDER."""
import base64, gzip, io, json, pathlib, struct, sys, zipfile, zlib


def nifti(voxels=b"\0\1\2\3" * 6):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 4, 3, 2, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352, 1, 0)
    struct.pack_into("<hh", header, 252, 1, 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + voxels


def png(width=4, height=3, kind=2, bits=8):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes(width * (3 if kind == 2 else 1) * bits // 8) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
            + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def safetensors():
    header = json.dumps({"__metadata__": {"a": "b"}, "x": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(24)


def npy():
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(24)


def pth():
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" + b"0X\3\0\0\0cpuK\6tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0K\2K\3\x86K\3K\1\x86\x89ccollections\nOrderedDict\n)RtR"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\2}q\0X\1\0\0\0x" + tensor + b"s.")
        archive.writestr("m/data/0", bytes(24))
        archive.writestr("m/version", b"3\n")
    return data.getvalue()


def voc():
    box = "<xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>"
    return ("<annotation><size><width>64</width><height>48</height></size><object><name>liver</name>"
            f"<bndbox>{box}</bndbox></object></annotation>").encode()


# A gradient of 17 x 9 pixels: in one scan, and in several.
JPEGS = [base64.b64decode(text) for text in (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb"
    "qmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAJ"
    "ABEDASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAABAAF/8QAGBABAQEBAQAAAAAAAAAAAAAAAANhBBT/xAAVAQEBAAAAAAAAAAAAAAAAAA"
    "ADBf/EABkRAAMAAwAAAAAAAAAAAAAAAAACBAMTFP/aAAwDAQACEQMRAD8AFLgwuXBhci5BfMwU1Dmf4MTWQNzFLoc//9k=",
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb"
    "qmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wgARCAAJ"
    "ABEDASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAwAE/8QAFgEBAQEAAAAAAAAAAAAAAAAAAgME/9oADAMBAAIQAxAAAAEGVgM9rp6f/8"
    "QAGBAAAwEBAAAAAAAAAAAAAAAAAAECEBL/2gAIAQEAAQUCUCg4ELP/xAAXEQADAQAAAAAAAAAAAAAAAAAAAQMT/9oACAEDAQE/AZ0Zoz//xAAX"
    "EQEBAQEAAAAAAAAAAAAAAAABAAIS/9oACAECAQE/AXbdt//EABQQAQAAAAAAAAAAAAAAAAAAACD/2gAIAQEABj8CX//EABQQAQAAAAAAAAAAAA"
    "AAAAAAACD/2gAIAQEAAT8hSz//2gAMAwEAAgADAAAAEKQ//8QAFBEBAAAAAAAAAAAAAAAAAAAAEP/aAAgBAwEBPxAr/8QAFBEBAAAAAAAAAAAA"
    "AAAAAAAAEP/aAAgBAgEBPxAh/8QAFxAAAwEAAAAAAAAAAAAAAAAAACBhcf/aAAgBAQABPxCZMyn/AP/Z",
)]


def seeds(target):
    record = {"axis": "k", "intensity": "soft-tissue", "view": "array", "volumes": {"ct": {"i": 64, "j": 48, "k": 8}}}
    return {
        "safetensors": [safetensors()], "pth": [pth()], "npy": [npy()], "nifti": [nifti()],
        "gzip": [gzip.compress(nifti(), mtime=0)], "jpeg": JPEGS, "png": [png(), png(kind=0, bits=16)],
        "yolo": [b"0 0.5 0.5 0.25 0.5\n1 0.1 0.2 0.1 0.1\r\n\n"], "voc": [voc()],
        "boxes": [b"slice,class,x0,y0,x1,y1,annotator,seconds\n3,liver,1,2,30,40,anna,2.5\nct-slice004,1,1,2,3,4,\"b,c\",\n"],
        "classes": [b"liver\nspleen\n\nkidney\r\n"],
        "scores": [b"path,a_dice,b_dice\nx,0.5,nan\ny,,0.25\n"],
        "record": [json.dumps(record).encode()],
        "tasks": [b"annotator,class,case,first,last\nanna,liver,ct,0,3\nb,1,ct,4,7\n"],
        "labels": [b"0=1,spleen=2,3=-", b"liver=1"], "pattern": [b"{case}-slice{slice}", b"img{case}_{slice}_x"],
    }[target]


if __name__ == "__main__":
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    for number, seed in enumerate(seeds(target)):
        (folder / f"{target}-{number}").write_bytes(seed)
