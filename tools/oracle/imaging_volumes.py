"""NIfTI files of every kind, and the values and the affine that nibabel reads in them."""

import gzip
import itertools
from collections.abc import Iterator

import nibabel as nib
import numpy as np

SEED = 20240519
SHAPE = (3, 2, 4)
TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
HEADERS = {1: nib.Nifti1Header, 2: nib.Nifti2Header}
IMAGES = {1: nib.Nifti1Image, 2: nib.Nifti2Image}
MAGIC = {1: b"n+1", 2: b"n+2\0\r\n\x1a\n"}
RAS = np.array([[2.0, 0, 0, -9], [0, 3, 0, -19.5], [0, 0, 4, 5], [0, 0, 0, 1]])
TURNED = np.array([[0, 0, 2.5, 7], [-1.5, 0, 0, 8], [0, 0.75, 0, -9], [0, 0, 0, 1]])

Row = dict[str, object]
Header = nib.Nifti1Header


def rows() -> list[Row]:
    """Every file with what is in it."""
    generator = np.random.default_rng(SEED)
    return [
        *type_rows(generator),
        *scaling_rows(generator),
        *layout_rows(generator),
        *geometry_rows(generator),
    ]


# MARK: Files


def header(
    version: int,
    order: str,
    data: np.ndarray,
    sform: np.ndarray | None = RAS,
    qform: np.ndarray | None = None,
    slope: float = 1,
    intercept: float = 0,
) -> Header:
    """A header in a byte order ("<" or ">"); a form that is none has the code 0."""
    head = HEADERS[version](endianness=order)
    head.set_data_dtype(data.dtype.newbyteorder(order))
    head.set_data_shape(data.shape)
    head["magic"] = MAGIC[version]
    head["vox_offset"] = 352 if version == 1 else 544
    head["scl_slope"], head["scl_inter"] = slope, intercept
    head.set_xyzt_units("mm", "sec")
    head["descrip"] = b"a fixture"
    if qform is not None:
        head.set_qform(qform, code=1)
    if sform is not None:
        head.set_sform(sform, code=2)
    if sform is not None and qform is None:
        head["pixdim"][1:4] = nib.affines.voxel_sizes(sform)
    return head


def file_bytes(head: Header, data: np.ndarray, between: bytes = bytes(4)) -> bytes:
    """A file with the values as they are: header, the bytes before the voxels, voxels."""
    voxels = data.astype(head.get_data_dtype()).tobytes(order="F")
    return head.binaryblock + between + voxels


def row(
    name: str, head: Header, data: np.ndarray, between: bytes = bytes(4), compressed: bool = False
) -> Row:
    """A file with nibabel's values in single precision, its affine, and which warnings are due."""
    file = file_bytes(head, data, between)
    image = IMAGES[2 if head["sizeof_hdr"] == 540 else 1].from_bytes(file)
    shape = [*image.shape, 1, 1][:3]
    source = "sform" if head["sform_code"] > 0 else "qform" if head["qform_code"] > 0 else "none"
    # Without a form nibabel guesses; the standard's "method 1" has the voxel sizes alone.
    affine = image.affine if source != "none" else np.diag([*head["pixdim"][1:4].astype(float), 1])
    return {
        "name": name + (".nii.gz" if compressed else ".nii"),
        "file": gzip.compress(file, mtime=0) if compressed else file,
        "size": shape,
        "values": image.get_fdata(dtype=np.float64).astype(np.float32).ravel(order="F"),
        "affine": affine[:3].ravel().tolist(),
        "orientation": "".join(nib.aff2axcodes(affine)),
        "source": source,
        "millimetresPerUnit": {"meter": 1000, "micron": 0.001}.get(head.get_xyzt_units()[0], 1),
        "warnings": warnings(affine, source, head, shape),
    }


def warnings(affine: np.ndarray, source: str, head: Header, shape: list[int]) -> list[str]:
    """A word of each warning that is due: a hundredth of a voxel is what counts."""
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = np.abs(unit.T @ unit - np.eye(3))
    assert not 1e-6 < cosines.max() < 1e-3, "too close to what ITK refuses"
    if source == "none":
        return ["unknown"]
    is_sheared = cosines.max() > 1e-3
    words = ["perpendicular"] * bool(is_sheared)
    sizes, pixdim = nib.affines.voxel_sizes(affine), np.abs(head["pixdim"][1:4])
    if source == "sform" and (np.abs(pixdim / sizes - 1) > 0.01)[np.array(shape) > 1].any():
        words.append("by pixdim")
    if source == "sform" and head["qform_code"] > 0 and not is_sheared:
        qform = head.get_qform()
        qform[:3, :3] *= sizes / nib.affines.voxel_sizes(qform)
        corners = np.array(list(itertools.product(*[(0, side - 1) for side in shape])))
        apart = nib.affines.apply_affine(affine, corners) - nib.affines.apply_affine(qform, corners)
        words += ["disagree"] * bool(np.linalg.norm(apart, axis=1).max() > 0.01 * sizes.min())
    return words


# MARK: Values


def random_data(generator: np.random.Generator, dtype: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Values over the whole range of an integer type, its ends included, or real numbers and NaN."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        data = generator.normal(0, 1000, shape).astype(kind)
        data.flat[1] = np.nan
        return data
    limits = np.iinfo(kind)
    data = generator.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    data.flat[:2] = (limits.min, limits.max)[: data.size]
    return data


def type_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Every type in both versions and byte orders."""
    for dtype in TYPES:
        data = random_data(generator, dtype)
        for version in (1, 2):
            for order, name in (("<", "little"), (">", "big")):
                yield row(f"{dtype}-{name}-{version}", header(version, order, data), data)


def scaling_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Slopes and intercepts that count and that do not, and labels stored as multiples of 51."""
    data = random_data(generator, "i2")
    for version, order in ((1, "<"), (2, ">")):
        for slope, intercept in (
            (0.5, -1024), (1, -1024), (-3.7, 0.1), (1e-7, 0), (0, 5), (np.nan, 3), (np.nan, np.nan),
            (np.inf, 1),
        ):  # fmt: skip
            head = header(version, order, data, slope=slope, intercept=intercept)
            yield row(f"slope-{slope}-{intercept}-{version}", head, data)
    labels = (np.arange(24, dtype=np.uint8) * 5 % 6 * 51).reshape(SHAPE)
    yield row("labels-51", header(1, "<", labels, slope=1 / 51), labels, compressed=True)
    real = random_data(generator, "f4")
    yield row("slope-real", header(1, "<", real, slope=2.5, intercept=7), real)


# MARK: Layout


def layout_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Compression, extensions before the voxels, fewer and more than three axes."""
    data = random_data(generator, "i2")
    for version, order in ((1, "<"), (1, ">"), (2, "<"), (2, ">")):
        name = f"{version}-{'little' if order == '<' else 'big'}"
        yield row(f"gzip-{name}", header(version, order, data), data, compressed=True)
        for size in (32, 1600):
            head = header(version, order, data)
            head["vox_offset"] += size
            head_and_code = np.array([size, 6], order + "i4").tobytes()
            between = b"\1\0\0\0" + head_and_code + b"x" * (size - 8)
            yield row(f"extension-{size}-{name}", head, data, between, compressed=size > 1000)
        head = header(version, order, data)
        head["vox_offset"] = 1008
        yield row(f"gap-{name}", head, data, bytes(1008 - len(head.binaryblock)))
    for shape in ((7,), (5, 3), (3, 2, 4, 1), (3, 2, 4, 1, 1), (3, 2, 1), (1, 1, 1), (3, 2, 4, 1, 1, 1, 1)):
        data = random_data(generator, "i2", shape)
        yield row(f"axes-{'x'.join(map(str, shape))}", header(1, "<", data), data)


# MARK: Geometry


def oblique(axes: np.ndarray) -> np.ndarray:
    """An affine of these axes turned by some 20 degrees about a skew line."""
    x, y, z = 0.2, -0.15, 0.25
    turn_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    turn_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    turn_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn_x @ turn_y @ turn_z @ axes
    affine[:3, 3] = (-101.5, 77.25, -350.125)
    return affine


def geometry_rows(generator: np.random.Generator) -> Iterator[Row]:
    """Which form is used, axes that point everywhere, shear, and units."""
    data = random_data(generator, "i2")
    flip = np.diag([-1.0, -1, 1])
    sheared = RAS.copy()
    sheared[0, 1] = 0.4
    forms = {
        "both": {"sform": RAS, "qform": TURNED},
        "sform": {"sform": TURNED, "qform": None},
        "qform": {"sform": None, "qform": TURNED},
        "neither": {"sform": None, "qform": None},
        "oblique-sform": {"sform": oblique(np.diag([0.7, 0.8, 5]))},
        "oblique-qform": {"sform": None, "qform": oblique(np.diag([0.7, 0.8, 5]))},
        "left-handed-qform": {"sform": None, "qform": oblique(np.diag([0.7, 0.8, -5]))},
        "half-turn-qform": {"sform": None, "qform": np.diag([-2.0, -2, 3, 1])},
        "oblique-LPS": {"sform": oblique(flip @ np.diag([0.9, 0.9, 2.5]))},
        "sheared": {"sform": sheared},
        "LPS": {"sform": np.diag([-1.5, -1.5, 3, 1])},
        "LAS": {"sform": np.diag([-1.5, 1.5, 3, 1])},
        "RAI": {"sform": np.diag([1.5, 1.5, -3, 1])},
    }
    for name, form in forms.items():
        for version, order in ((1, "<"), (2, ">")):
            head = header(version, order, data, **form)
            if name == "neither":
                head["pixdim"][1:4] = (0.75, 1.25, 6)
            yield row(f"{name}-{version}", head, data)
    for unit in ("meter", "micron", "unknown"):
        head = header(1, "<", data)
        head.set_xyzt_units(unit, "sec")
        yield row(f"unit-{unit}", head, data)
