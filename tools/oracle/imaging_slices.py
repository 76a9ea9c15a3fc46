"""Volumes with the pictures of their slices, and values with their 8 bits."""

import nibabel as nib
import numpy as np

from imaging_volumes import file_bytes, header, oblique

SEED = 20240518
SHAPE = (3, 4, 5)
# Three mutually perpendicular axes each, in every permutation, and both directions of each.
ORIENTATIONS = ("RAS", "LPS", "LAS", "RAI", "PIR", "ASL", "SLA", "IPR", "RSA", "ALI")

Row = dict[str, object]

# MARK: Slices


def slice_rows() -> list[Row]:
    """A volume of its own offsets for each orientation, with the images of its slices in both views."""
    affines = {name: oriented(name) for name in ORIENTATIONS}
    affines["oblique-RAS"] = oblique(np.diag([2.0, 3.0, 4.0]))
    affines["oblique-PIR"] = oblique(oriented("PIR")[:3, :3])
    return [slice_row(name, affine) for name, affine in affines.items()]


def oriented(orientation: str) -> np.ndarray:
    """An affine whose axes point where the letters say, with voxels of 2, 3 and 4 mm."""
    axes = nib.orientations.axcodes2ornt(orientation)
    affine = np.eye(4)
    affine[:3, :3] = 0
    for voxel_axis, (world_axis, direction) in enumerate(axes):
        affine[int(world_axis), voxel_axis] = direction * (2 + voxel_axis)
    affine[:3, 3] = (-10, 20, 30)
    return affine


def slice_row(name: str, affine: np.ndarray) -> Row:
    """The images of every slice along every axis, `[axis][slice, row, column]` flattened."""
    offsets = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE, order="F")
    head = header(1, "<", offsets, sform=affine)
    image = nib.Nifti1Image.from_bytes(file_bytes(head, offsets))
    canonical = np.asarray(nib.as_closest_canonical(image).dataobj)
    array = [array_view(offsets, axis) for axis in range(3)]
    # For each axis of the volume the canonical one, and whether it runs the same way.
    orientation = [(int(axis), direction > 0) for axis, direction in nib.io_orientation(image.affine)]
    radiological = [radiological_view(canonical, axis, forwards) for axis, forwards in orientation]
    return {
        "name": name,
        "file": file_bytes(head, offsets),
        "orientation": "".join(nib.aff2axcodes(image.affine)),
        "array": [view.ravel().tolist() for view in array],
        "radiological": [view.ravel().tolist() for view in radiological],
        "arrayHeights": [view.shape[1] for view in array],
        "radiologicalHeights": [view.shape[1] for view in radiological],
        "axial": [axis == 2 for axis, _ in orientation],
    }


def array_view(volume: np.ndarray, axis: int) -> np.ndarray:
    """`rot90` of each slice along an axis, `[slice, row, column]`."""
    return np.stack([np.rot90(plane) for plane in np.moveaxis(volume, axis, 0)])


def radiological_view(canonical: np.ndarray, axis: int, forwards: bool) -> np.ndarray:
    """Slices of a volume turned to RAS, right and front on the left, front and head on top.

    Their order is that of the volume as stored: `forwards` says whether its axis runs as the canonical."""
    planes = np.moveaxis(canonical, axis, 0)
    return np.stack([plane.T[::-1, ::-1] for plane in (planes if forwards else planes[::-1])])


# MARK: Intensity


def eight_bits(values: np.ndarray, level: float, width: float) -> np.ndarray:
    """The design's formula in float64, NaN as 0."""
    share = np.clip((values.astype(np.float64) - level + width / 2) / width, 0, 1)
    return np.where(np.isnan(values), 0, np.floor(255 * np.nan_to_num(share) + 0.5)).astype(np.uint8)


def intensity_rows() -> list[Row]:
    """Windows over values around their ends, at exact halves, not finite; and least to greatest."""
    generator = np.random.default_rng(SEED)
    special = [np.inf, -np.inf, np.nan]
    hounsfield = np.concatenate([generator.uniform(-1100, 1500, 200), np.arange(-165, 245), special])
    # With a window from 0 to 510 a grey value is half the stored one: every odd one is a tie.
    ties = np.arange(-3, 515)
    windows = {
        "soft-tissue": (40, 400, hounsfield),
        "lung": (-600, 1500, hounsfield),
        "bone": (400, 1800, hounsfield),
        "window:255,510": (255, 510, ties),
        "window:0.5,1": (0.5, 1, generator.uniform(-0.2, 1.2, 100)),
        "window:-12.25,0.125": (-12.25, 0.125, generator.uniform(-12.4, -12.1, 100)),
        "window:1e6,3e5": (1e6, 3e5, generator.uniform(8e5, 1.2e6, 100)),
    }
    rows = [
        intensity_row(name, values.astype(np.float32), level, width)
        for name, (level, width, values) in windows.items()
    ]
    for name, values in {
        "minmax": np.append(generator.uniform(-900, 2000, 200), np.nan),
        "minmax-ties": np.arange(511),
        "minmax-infinite": np.array([np.inf, 3, 7, 5, -np.inf]),
        "minmax-two": np.array([-1, 1, 0]),
    }.items():
        values = values.astype(np.float32)
        finite = values[np.isfinite(values)].astype(np.float64)
        rows.append(
            intensity_row(name, values, (finite.min() + finite.max()) / 2, finite.max() - finite.min())
        )
    return rows


def intensity_row(name: str, values: np.ndarray, level: float, width: float) -> Row:
    """Values in single precision and their 8 bits."""
    return {"name": name, "values": values, "grey": eight_bits(values, level, width)}
