"""PNG and JPEG files of every kind, and the pixels that Pillow reads in them."""

import io
import struct
import subprocess
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from png_file import GREY, GREY_ALPHA, PALETTE, PNG, RGB, RGBA, chunk

SEED = 20240517
WIDTH, HEIGHT = 13, 9
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
NAMES = {GREY: "grey", RGB: "rgb", PALETTE: "palette", GREY_ALPHA: "grey-alpha", RGBA: "rgba"}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}

Row = dict[str, object]


def rows() -> list[Row]:
    """Every file with its size, pixels and the word of its warning, where one is due."""
    generator = np.random.default_rng(SEED)
    return [*png_rows(generator), *jpeg_rows(generator)]


def row(name: str, file: bytes, warning: str | None = None) -> Row:
    """A file with the pixels that Pillow reads."""
    image = Image.open(io.BytesIO(file))
    with warnings.catch_warnings():
        # It warns that a transparent palette loses its alpha, which is what is meant.
        warnings.simplefilter("ignore", UserWarning)
        pixels = np.asarray(image.convert("RGB"))
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey at 255. Of 16 bits the high byte is meant, as it takes it itself in colour.
        high = (np.asarray(image) >> 8).astype(np.uint8)
        pixels = np.repeat(high[..., None], 3, axis=2)
    return {
        "name": name,
        "file": file,
        "width": image.width,
        "height": image.height,
        "rgb": pixels,
        "warning": warning,
    }


# MARK: PNG


def png_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Every colour type and depth, plain, transparent and interlaced; chunks that are ignored; odd sizes."""
    for colour, depths in DEPTHS.items():
        for depth in depths:
            kind = f"{NAMES[colour]}-{depth}"
            yield row(f"{kind}.png", random_png(generator, colour, depth).encoded())
            if colour in (GREY, RGB, PALETTE):
                transparent = transparency(generator, colour, depth)
                png = random_png(generator, colour, depth, chunks=(transparent,))
                yield row(f"{kind}-transparent.png", png.encoded())
            interlaced = random_png(generator, colour, depth, interlaced=True)
            yield row(f"{kind}-interlaced.png", interlaced.encoded())
    for width, height in [(1, 1), (1, 7), (5, 1), (4, 2)]:
        png = random_png(generator, RGB, 8, (width, height), interlaced=True)
        yield row(f"interlaced-{width}x{height}.png", png.encoded())
    for width, height in [(1, 1), (1, 17), (17, 1), (1, 3000), (3000, 1), (31, 47)]:
        yield row(f"{width}x{height}.png", random_png(generator, GREY, 4, (width, height)).encoded())
    yield from png_chunk_rows(generator)
    yield from odd_png_rows()


def png_chunk_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Gamma and orientation: ignored, with a warning where following them would make a difference."""
    for exponent, warning in [(100_000, "gamma"), (45_455, None), (220_000, "gamma")]:
        chunk = (b"gAMA", exponent.to_bytes(4, "big"))
        yield row(f"gamma-{exponent}.png", random_png(generator, RGB, 8, chunks=(chunk,)).encoded(), warning)
        deep = random_png(generator, GREY, 16, chunks=(chunk,))
        yield row(f"gamma-{exponent}-16.png", deep.encoded(), warning)
    for orientation, order, warning in [
        (1, "little", None), (6, "little", "orientation"), (8, "big", "orientation"), (1, "big", None),
        (9, "little", None),
    ]:  # fmt: skip
        png = random_png(generator, RGB, 8, chunks=((b"eXIf", tiff(orientation, order)),))
        yield row(f"orientation-{orientation}-{order}.png", png.encoded(), warning)


def odd_png_rows() -> Iterator[Row]:
    """What other writers do, and Pillow reads: a window that is too small, no end, orientation in other types."""
    generator = np.random.default_rng(SEED + 1)
    # Every tenth row is the same, and has the same filter: matches lie 1,000 bytes back.
    samples = np.tile(generator.integers(0, 256, (10, 33, 3)), (5, 1, 1))
    whole = PNG(samples, 8, RGB).encoded()
    place = whole.index(b"IDAT")
    length = int.from_bytes(whole[place - 4 : place], "big")
    data = zlib.compress(zlib.decompress(whole[place + 4 : place + 4 + length]), 9)
    # 512 bytes of window, and the check of these 16 bits by 31.
    small = bytes([0x18, 31 - 0x1800 % 31]) + data[2:]
    yield row("small-window.png", whole[: place - 4] + chunk(b"IDAT", small) + chunk(b"IEND", b""), "window")
    yield row("no-end.png", whole[:-12], "end is missing")
    yield row("end-cut.png", whole[:-3], "end is missing")
    for kind, exif in orientations():
        png = random_png(generator, RGB, 8, chunks=((b"eXIf", exif),))
        yield row(f"orientation-{kind}.png", png.encoded(), "orientation")
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0<rdf tiff:Orientation=\"6\"/>"
    yield row("orientation-xmp.png", random_png(generator, RGB, 8, chunks=((b"iTXt", xmp),)).encoded(), "orientation")


def orientations() -> Iterator[tuple[str, bytes]]:
    """EXIF with orientation 6 as every type that holds a number, big-endian, the value in place or after the directory."""
    start = b"MM\0*" + (8).to_bytes(4, "big") + (1).to_bytes(2, "big") + b"\x01\x12"
    for kind, code, value in [
        ("byte", 1, b"\6\0\0\0"), ("short", 3, b"\0\6\0\0"), ("long", 4, b"\0\0\0\6"),
        ("signed-short", 8, b"\0\6\0\0"), ("signed-long", 9, b"\0\0\0\6"), ("float", 11, struct.pack(">f", 6)),
    ]:  # fmt: skip
        yield kind, start + code.to_bytes(2, "big") + (1).to_bytes(4, "big") + value + bytes(4)
    for kind, code, value in [("rational", 5, struct.pack(">II", 6, 1)), ("double", 12, struct.pack(">d", 6))]:
        place = (26).to_bytes(4, "big")
        yield kind, start + code.to_bytes(2, "big") + (1).to_bytes(4, "big") + place + bytes(4) + value


def random_png(
    generator: np.random.Generator,
    colour: int,
    depth: int,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    chunks: tuple[tuple[bytes, bytes], ...] = (),
    interlaced: bool = False,
) -> PNG:
    """Independent samples over the whole range; a palette of as many random colours."""
    samples = generator.integers(0, 1 << depth, (size[1], size[0], CHANNELS[colour]))
    if colour == PALETTE:
        chunks = ((b"PLTE", generator.bytes(3 << depth)), *chunks)
    return PNG(samples, depth, colour, chunks, interlaced)


def transparency(generator: np.random.Generator, colour: int, depth: int) -> tuple[bytes, bytes]:
    """Some palette entries that are transparent, or one grey or colour that is."""
    if colour == PALETTE:
        return b"tRNS", generator.bytes(max(1, (1 << depth) - 1))
    keys = generator.integers(0, 1 << depth, CHANNELS[colour])
    return b"tRNS", keys.astype(">u2").tobytes()


def tiff(orientation: int, order: str) -> bytes:
    """EXIF data with an image description before the orientation."""
    mark, number = (b"II", "<") if order == "little" else (b"MM", ">")
    short, long = np.dtype(number + "u2"), np.dtype(number + "u4")
    one = np.array(1, long).tobytes()
    description = np.array([0x010E, 2], short).tobytes() + one + b"x\0\0\0"
    turned = np.array([0x0112, 3], short).tobytes() + one + np.array([orientation, 0], short).tobytes()
    start = mark + np.array(42, short).tobytes() + np.array(8, long).tobytes()
    return start + np.array(2, short).tobytes() + description + turned + bytes(4)


# MARK: JPEG


def jpeg_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Grey, colour with every subsampling, sequential and progressive, turned, odd sizes, and CMYK."""
    colours = Image.fromarray(picture(generator, 33, 21))
    grey = colours.convert("L")
    yield row("grey.jpg", jpeg(grey, quality=90))
    yield row("grey-progressive.jpg", jpeg(grey, quality=80, progressive=True))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        name = subsampling.replace(":", "")
        yield row(f"rgb-{name}.jpg", jpeg(colours, quality=85, subsampling=subsampling))
        progressive = jpeg(colours, quality=85, subsampling=subsampling, progressive=True)
        yield row(f"rgb-{name}-progressive.jpg", progressive)
    yield row("stored-as-rgb.jpg", jpeg(colours, quality=85, keep_rgb=True))
    yield row("restarts.jpg", jpeg(colours, quality=85, restart_marker_blocks=2))
    yield row("coarse.jpg", jpeg(colours, quality=5))
    for orientation, order in [(1, "big"), (6, "big"), (3, "little")]:
        warning = None if orientation == 1 else "orientation"
        exif = b"Exif\0\0" + tiff(orientation, order)
        yield row(f"orientation-{orientation}-{order}.jpg", jpeg(colours, exif=exif), warning)
    for width, height in [(1, 1), (1, 17), (17, 1), (16, 16), (7, 50), (1, 3000)]:
        yield row(f"{width}x{height}.jpg", jpeg(Image.fromarray(picture(generator, width, height))))
    cmyk = jpeg(colours.convert("CMYK"))
    yield row("cmyk.jpg", cmyk)
    # Adobe's transform 2: the same samples are then luminance, two colours and black.
    yield row("ycck.jpg", patched(cmyk, b"Adobe", 11, b"\2"))
    for name, file, options in [
        ("grey", jpeg(grey, quality=90), []), ("rgb-420", jpeg(colours, quality=85), []),
        ("rgb-444-progressive", jpeg(colours, quality=85, subsampling="4:4:4"), ["-progressive"]),
        ("cmyk", cmyk, []), ("restarts", jpeg(colours, quality=85, subsampling="4:4:4"), ["-restart", "2B"]),
    ]:  # fmt: skip
        yield row(f"arithmetic-{name}.jpg", arithmetic(file, *options))
    yield from odd_jpeg_rows(colours)


def arithmetic(file: bytes, *options: str) -> bytes:
    """The same coefficients in arithmetic instead of Huffman codes, by libjpeg-turbo's jpegtran (Debian:
    libjpeg-turbo-progs)."""
    return subprocess.run(["jpegtran", "-arithmetic", *options], input=file, stdout=subprocess.PIPE, check=True).stdout


def picture(generator: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Waves of colour under noise: smooth enough to compress, with every kind of block."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 5), np.cos(y / 4), np.sin((x + y) / 7)], axis=2)
    noise = generator.normal(0, 12, (height, width, 3))
    return np.clip(128 + 90 * waves + noise, 0, 255).astype(np.uint8)


def jpeg(image: Image.Image, **options: object) -> bytes:
    """The image as Pillow encodes it."""
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def odd_jpeg_rows(colours: Image.Image) -> Iterator[Row]:
    """What phones and cameras write against the standard, and Pillow reads; each changes no pixel."""
    plain = jpeg(colours, quality=85, subsampling="4:4:4")
    restarts = jpeg(colours, quality=85, subsampling="4:4:4", restart_marker_blocks=2)
    scan = plain.index(b"\xff\xda")
    spectrum = scan + 2 + int.from_bytes(plain[scan + 2 : scan + 4], "big") - 3
    adobe = jpeg(colours.convert("CMYK"))
    place = adobe.index(b"Adobe") - 4
    marker = patched(adobe[place : place + 16], b"Adobe", 11, b"\7")
    restart = restarts.index(b"\xff\xd0")
    odd = {
        "samsung-scan": plain[:spectrum] + b"\0\0\0" + plain[spectrum + 3 :],
        "bytes-before-end": plain[:-2] + b"thirteen more" + plain[-2:],
        "zeros-before-segment": plain[:2] + b"\xff\0\xff\0" + plain[2:],
        "byte-before-restart": restarts[:restart] + b"\x55" + restarts[restart:],
        "jfif-7": patched(plain, b"JFIF", 5, b"\7"),
        "adobe-7": plain[:2] + marker + plain[2 + 18 :],
    }
    for name, file in odd.items():
        # libjpeg has taken the byte before a restart for the last bits of the data, and says nothing.
        yield row(f"{name}.jpg", file, None if name == "byte-before-restart" else "standard")
    for kind, exif in orientations():
        yield row(f"orientation-{kind}.jpg", jpeg(colours, exif=b"Exif\0\0" + exif), "orientation")
    xmp = b"http://ns.adobe.com/xap/1.0/\0<rdf><tiff:Orientation>3</tiff:Orientation></rdf>"
    segment = b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp
    yield row("orientation-xmp.jpg", plain[:2] + segment + plain[2:], "orientation")


def patched(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """The bytes with others put in `offset` after a signature."""
    place = data.index(signature) + offset
    return data[:place] + value + data[place + len(value) :]
