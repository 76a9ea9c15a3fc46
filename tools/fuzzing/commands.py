#!/usr/bin/env python3
"""Whole commands with hostile inputs: commands.py EXECUTABLE SECONDS [SEED].

Each round takes a command with --json and every second output, and changes one of its inputs: bytes, pieces that are repeated
up to megabytes, its end cut off, another kind of file in its place, a folder, a link, or all of that while the command runs. It
must end with one of its own exit codes, within a budget of time and memory by what it was given, print no control
character, print one JSON object where it says that all is well, and leave no temporary file. A finding is printed with its
seed and ends the run with 1; the inputs stay in the folder that is named.
"""

import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from seeds import seeds

root = pathlib.Path(__file__).resolve().parents[2]
executable, seconds = str(pathlib.Path(sys.argv[1]).resolve()), float(sys.argv[2])
first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
model = str(root / "Tests/SegmentAnythingTests/Fixtures/small.weights.safetensors")

CODES = {0, 1, 64, 65, 66, 73, 74, 75}
MEMORY = 3 << 30
VIEW = "--boxes boxes --classes c.txt --view array --intensity minmax-slice"
SEGMENT = f"ct {VIEW} --model m.safetensors --json --log runs.jsonl -o out/{{case}}.nii.gz"
# Each with the inputs that it reads.
COMMANDS = [
    ("predict p.png --box 1,1,3,2 --model m.safetensors --json --mask-input x.npy -o mask.png", "p.png x.npy m.safetensors"),
    ("predict p.jpg --point 2,2 --model m.safetensors --json --all-masks --preview look.png", "p.jpg m.safetensors"),
    ("encode p.png p.jpg --model m.safetensors -o e", "p.png p.jpg m.safetensors"),
    (f"segment {SEGMENT} --preview out/{{case}}.png --cache cache", "ct/a.nii ct/b.nii.gz boxes/a-slice001.txt boxes/b-slice000.xml c.txt m.safetensors"),
    (f"segment {SEGMENT} --boxes b.csv --skip-bad", "b.csv c.txt ct/a.nii ct/b.nii.gz"),
    (f"status {SEGMENT} --verify 2", "ct/a.nii out/a.json out/a.nii.gz boxes/a-slice001.txt runs.jsonl"),
    (f"precompute ct {VIEW} --model m.safetensors --cache cache", "ct/b.nii.gz boxes/a-slice001.txt"),
    ("slices ct --intensity minmax-volume -o slices", "ct/a.nii ct/b.nii.gz"),
    (f"annotations check ct {VIEW} --json --csv check.csv", "boxes/a-slice001.txt boxes/b-slice000.xml c.txt ct/a.nii"),
    ("annotations check ct --boxes b.csv --classes c.txt --tasks t.csv --json --csv check.csv", "b.csv c.txt t.csv"),
    ("annotations coverage ct --boxes b.csv --classes c.txt --json", "b.csv c.txt"),
    ("annotations agreement ct --boxes b.csv --classes c.txt --json", "b.csv c.txt ct/b.nii.gz"),
    ("annotations merge ct --boxes b.csv --classes c.txt -o merged.csv", "b.csv c.txt"),
    ("evaluate --truth ct --predicted ct --json --csv v.csv --slice-csv s.csv", "ct/a.nii ct/b.nii.gz"),
    ("evaluate --truth ct/a.nii --predicted l.nii.gz --json --csv v.csv --slice-csv s.csv", "ct/a.nii l.nii.gz l.json"),
    ("summarize s.csv --json", "s.csv"),
    ("compare s.csv v.csv --json", "s.csv v.csv"),
    ("export nnunet --images ct --labels ct --names 1=one,2=two,3=three --allow-missing -o data", "ct/a.nii ct/b.nii.gz"),
    ("model m.safetensors --json", "m.safetensors"),
    ("model w.pth", "w.pth"),
    ("convert w.pth -o w.safetensors", "w.pth"),
    ("convert m.safetensors --dtype bfloat16 -o w.safetensors", "m.safetensors"),
    ("activations p.png --box 1,1,3,2 --model m.safetensors -o acts.safetensors", "p.png m.safetensors"),
]


def write_inputs(folder):
    def write(name, data):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    for name, target in [("ct/a.nii", "nifti"), ("ct/b.nii.gz", "gzip"), ("l.nii.gz", "gzip"), ("p.png", "png"),
                         ("p.jpg", "jpeg"), ("x.npy", "npy"), ("w.pth", "pth")]:
        write(name, seeds(target)[0])
    # As `segment` would have written them.
    write("out/a.nii.gz", seeds("gzip")[0])
    write("out/a.json", json.dumps({"labels": {"1": {"name": "one", "color": [1, 2, 3]}}, "axis": "k", "view": "array"}))
    write("l.json", (folder / "out/a.json").read_bytes())
    write("runs.jsonl", '{"case":"a","outcome":"failed","error":"e","slices":1,"seconds":1,"host":"h"}\n')
    write("boxes/a-slice001.txt", "0 0.5 0.5 0.5 0.5\n")
    write("boxes/b-slice000.xml", "<annotation><object><name>two</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>2</xmax>"
          "<ymax>2</ymax></bndbox></object></annotation>")
    write("c.txt", "one\ntwo\nthree\n")
    write("b.csv", "slice,class,x0,y0,x1,y1,annotator,seconds\n" + "".join(
        f"{case}-slice00{k},{k % 3},0,0,{k + 1},2,{who},1\n" for case in "ab" for k in range(2) for who in ("x", "y")))
    write("t.csv", "annotator,class,case,first,last\nx,one,a,0,1\ny,0,b,1,1\n")
    write("s.csv", "path,a_dice,b_dice\nx,0.5,nan\ny,,0.25\nz,1,0.5\n")
    write("v.csv", "path,a_dice,b_dice\nx,0.25,0.5\ny,0.5,0.25\nz,0,1\n")
    shutil.copy(model, folder / "m.safetensors")


def changed(data, rng):
    """Some bytes made of others: small damage, large repetition, or another file."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        kind = rng.randrange(6)
        place = rng.randrange(len(data) + 1)
        if kind == 0 and data:
            data[min(place, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[place:place + rng.choice([1, 8, 100, 1 << 20])]
        elif kind == 2 and data:
            piece = bytes(data[place:place + rng.choice([1, 3, 20, 200, 5000])]) or b"0"
            data[place:place] = piece * rng.choice([1, 10, 1000, max(1, rng.choice([1 << 16, 1 << 20, 1 << 22]) // len(piece))])
        elif kind == 3:
            data[place:place] = rng.choice([b"\x1b[31m", b"\0", b"\xff\xfe", b"\r", b"nan", b"1e999", b"-", b"\n", b'"', b",", b"9" * 400])
        elif kind == 4 and len(data) > 400:
            number = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
            data[place % 400] = number
        elif kind == 5 and rng.randrange(4) == 0:
            target = rng.choice(["nifti", "gzip", "png", "jpeg", "npy", "pth", "safetensors", "boxes", "voc", "record"])
            data = bytearray(rng.choice(seeds(target)))
    return bytes(data)


def change(path, rng):
    kind = rng.randrange(12)
    data = path.read_bytes() if path.is_file() else b""
    if kind < 9:
        path.write_bytes(changed(data, rng))
        return
    path.unlink(missing_ok=True)
    if kind == 9:
        path.mkdir(exist_ok=True)
    elif kind == 10:
        path.symlink_to(rng.choice(["nowhere", path.name, "/dev/zero", "/etc/passwd"]))


def round_of(seed, folder):
    rng = random.Random(seed)
    write_inputs(folder)
    command, inputs = rng.choice(COMMANDS)
    victim = folder / rng.choice(inputs.split())
    later = rng.randrange(5) == 0
    if not later:
        change(victim, rng)
    before = {path for path in folder.rglob("*")}
    size = sum(path.stat().st_size for path in before if path.is_file() and not path.is_symlink())
    budget = 20 + 20 * size / (1 << 20)
    start = time.monotonic()
    process = subprocess.Popen(
        ["sh", "-c", f'ulimit -v {MEMORY // 1024 + 2_000_000}; exec "$@"', "sh", executable, *command.split(), "--limit", "16M"]
        if rng.randrange(8) == 0 else [executable, *command.split()],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    def change_later():
        time.sleep(rng.uniform(0, 0.15))
        try:
            change(victim, rng)
        except OSError:
            pass

    changer = threading.Thread(target=change_later)
    if later:
        changer.start()
    try:
        output, errors = process.communicate(timeout=budget)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return command, f"{size} bytes took more than {budget:.0f} s"
    finally:
        if later:  # before the folder goes
            changer.join()
    if process.returncode not in CODES:
        return command, f"exit {process.returncode}: {errors[-2000:]!r}"
    if any(byte < 32 and byte not in b"\n" or byte == 127 for byte in errors + (b"" if "--json" in command else output)):
        return command, f"a control character in {(errors + output)[-2000:]!r}"
    if "--json" in command and process.returncode == 0:
        try:
            json.loads(output)
        except ValueError as error:
            return command, f"no JSON ({error}): {output[-500:]!r}"
    left = [path for path in folder.rglob(".*") if path not in before]
    if left:
        return command, f"left {left}"
    if process.returncode not in (0, 1) and not errors:
        return command, f"exit {process.returncode} without a word"
    return None


start, rounds = time.monotonic(), 0
while time.monotonic() - start < seconds:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="commands-", dir="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None))
    finding = round_of(first + rounds, folder)
    if finding:
        sys.exit(f"seed {first + rounds}: swift-sam {finding[0]}: {finding[1]}\nthe inputs are in {folder}")
    shutil.rmtree(folder)
    rounds += 1
print(f"{rounds} commands from seed {first}: each ended with its own exit code, in time, and left nothing")
