"""Finds an alignment by moving a mark over the viewed image and seeing which inputs change."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe.alignment import Alignment, AlignmentError, Box, MovedError

# The mark is moved to this many places along each side, and is this share of it.
_PLACES = 9
_MARK = 1 / 16

# Changes below this share of a mark's largest do not count: a preprocess that
# standardises each image changes every input a little.
_NOTICED = 0.05

# So far, in voxels, the middle of a mark may lie off where it was put: what smooths a volume takes
# in what is beside it.
_STILL = 0.75


@dataclass(frozen=True)
class _Marks:
    """Where marks were put and where they came out.

    viewed, model: (marks, 2) centres x, y. seen: (marks,) bool, whether any
    input changed. whole: (marks, 2) bool, false where the change reaches the
    footprint's edge along x, y, so that part of it may be cut off.
    """

    viewed: Array
    model: Array
    seen: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    shape: tuple[int, int]


def find(inputs: Callable[[Array], Array], image: Array, spare: Array) -> Alignment:
    """Find the alignment by moving a mark over the viewed image.

    Args:
      inputs: viewed (n, h, w, c) to the model's inputs (n, height, width, channels).
      image: one viewed image (h, w, c).
      spare: (2, c) two values for channels in which the image is constant.

    Raises:
      AlignmentError: `preprocess` is random, or no affine map fits.
    """
    if not np.array_equal(inputs(image[None]), inputs(image[None]), equal_nan=True):
        raise AlignmentError("gives the same image another input each time")
    viewed = (image.shape[0], image.shape[1])
    ink = _ink(image, spare)
    footprint = _footprint(inputs, image, ink)
    marks = _move(inputs, image, ink, footprint, (0, 0, *viewed))
    if not marks.seen.all() and marks.seen.any():
        # Part of the image is cropped away: measure again within what is seen.
        marks = _move(inputs, image, ink, footprint, _around(marks, viewed))
    return Alignment(_fit(marks, viewed), viewed, marks.shape, footprint)


def agrees(
    alignment: Alignment, inputs: Callable[[Array], Array], image: Array, spare: Array
) -> bool:
    """Whether another image of the same size is moved in the same way, by four marks."""
    height, width = alignment.viewed
    box = (height // 4, width // 4, height - height // 4, width - width // 4)
    marks = _move(inputs, image, _ink(image, spare), alignment.footprint, box, places=2)
    if marks.shape != alignment.model:
        return False
    expected = _apply(alignment.matrix, marks.viewed)
    near = np.abs(expected - marks.model) <= _tolerance(alignment.matrix)
    return bool((near | ~marks.whole)[marks.seen].all())


def check_still(inputs: Callable[[Array], Array], volume: Array, spare: Array) -> None:
    """See that each voxel of a volume stays where it is: marks come out where they were put.

    Args:
      inputs: viewed (n, d, h, w, c) to the model's inputs (n, depth, height, width, channels).
      volume: one viewed volume (d, h, w, c).
      spare: as of `find`.

    Raises:
      MovedError: they do not, or `preprocess` is random.
    """
    whole = inputs(volume[None])
    sides, made = volume.shape[:-1], whole.shape[1:-1]
    if made != sides:
        of = " x ".join(map(str, sides))
        raise MovedError(f"makes {' x '.join(map(str, made))} of a volume of {of}")
    if not np.array_equal(whole, inputs(volume[None]), equal_nan=True):
        raise MovedError("gives the same volume another input each time")
    ink = _ink(volume, spare)
    extents = [max(1, round(side * _MARK)) for side in sides]
    lows = [
        (side // 4, max(0, side - side // 4 - extent))
        for side, extent in zip(sides, extents, strict=True)
    ]
    for corner in itertools.product(*lows):
        # Two at a time bound the memory.
        batch = np.stack([volume, volume])
        where = tuple(slice(low, low + extent) for low, extent in zip(corner, extents, strict=True))
        for marked, shade in zip(batch, ink, strict=True):
            marked[where] = shade
        result = inputs(batch).astype(np.float64)
        change = np.nan_to_num(np.abs(result[1] - result[0]).max(-1))
        change[change <= _NOTICED * change.max()] = 0
        if not change.any():
            continue  # cut off by its value, as by a mask
        for axis, (low, extent) in enumerate(zip(corner, extents, strict=True)):
            others = tuple(each for each in range(len(sides)) if each != axis)
            along = change.sum(others)
            centre = along @ (np.arange(len(along)) + 0.5) / along.sum()
            if abs(centre - (low + extent / 2)) > _STILL:
                raise MovedError("moves voxels")


def _ink(image: Array, spare: Array) -> Array:
    """(2, c) the two values that a mark changes between: the image's own extremes."""
    # Its own, so that a preprocess that stretches the contrast has nothing new to stretch.
    places = tuple(range(image.ndim - 1))
    ink = np.stack([image.min(places), image.max(places)])
    constant = ink[0] == ink[1]
    ink[:, constant] = spare.astype(image.dtype)[:, constant]
    if image.shape[-1] == 4:
        ink[:, 3] = image[..., 3].max()  # opaque: clear marks might not be seen
    return ink


def _footprint(inputs: Callable[[Array], Array], image: Array, ink: Array) -> Box:
    """The part of the input that changes with the image: all but the padding."""
    # Every pixel moves to the far end of its channel, so that the image still varies.
    other = np.where(image > ink.mean(0), ink[0], ink[1]).astype(image.dtype)
    result = inputs(np.stack([image, other])).astype(np.float64)
    change = np.nan_to_num(np.abs(result[1] - result[0]).max(-1))
    changed = change > _NOTICED * change.max()
    if not changed.any():
        raise AlignmentError("gives the same input whatever the image is")
    rows, columns = (np.flatnonzero(changed.any(axis)) for axis in (1, 0))
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _move(
    inputs: Callable[[Array], Array],
    image: Array,
    ink: Array,
    footprint: Box,
    box: Box,
    *,
    places: int = _PLACES,
) -> _Marks:
    """Move the mark over a box of the image."""
    high, wide = (max(1, round(side * _MARK)) for side in image.shape[:2])
    tops = np.unique(np.linspace(box[0], max(box[2] - high, box[0]), places).astype(int))
    lefts = np.unique(np.linspace(box[1], max(box[3] - wide, box[1]), places).astype(int))
    viewed, model, seen, whole = [], [], [], []
    for top in tops:
        # A row of marks at a time, each once in either ink, bounds the memory.
        batch = np.repeat(image[None], 2 * len(lefts), axis=0)
        for k, left in enumerate(lefts):
            for shade in (0, 1):
                batch[2 * k + shade, top : top + high, left : left + wide] = ink[shade]
        result = inputs(batch).astype(np.float64)
        changes = np.abs(result[1::2] - result[::2]).max(-1)
        for left, change in zip(lefts, changes, strict=True):
            viewed.append((left + wide / 2, top + high / 2))
            centre, inside = _centre(np.nan_to_num(change), footprint)
            model.append(centre)
            whole.append(inside)
            seen.append(bool(np.any(change > 0)))
    shape = (changes.shape[1], changes.shape[2])
    return _Marks(np.array(viewed), np.array(model), np.array(seen), np.array(whole), shape)


def _centre(change: Array, footprint: Box) -> tuple[tuple[float, float], tuple[bool, bool]]:
    top, left, bottom, right = footprint
    strength = np.where(change > _NOTICED * change.max(initial=0.0), change, 0.0)
    along, down = strength.sum(0), strength.sum(1)
    total = strength.sum() or 1.0
    x = float(along @ (np.arange(along.size) + 0.5) / total)
    y = float(down @ (np.arange(down.size) + 0.5) / total)
    return (x, y), (not along[[left, right - 1]].any(), not down[[top, bottom - 1]].any())


def _around(marks: _Marks, viewed: tuple[int, int]) -> Box:
    seen = marks.viewed[marks.seen]
    step = np.array(viewed[::-1]) / _PLACES
    left, top = np.maximum(seen.min(0) - step, 0).astype(int)
    right, bottom = np.minimum(np.ceil(seen.max(0) + step), viewed[::-1]).astype(int)
    return (int(top), int(left), int(bottom), int(right))


def _apply(matrix: Array, points: Array) -> Array:
    moved: Array = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def _tolerance(matrix: Array) -> float:
    """Distance in inputs that resizing to the nearest pixel explains."""
    return float(0.75 * max(1.0, np.hypot(*matrix[:, :2]).max()))


def _fit(marks: _Marks, viewed: tuple[int, int]) -> NDArray[np.float64]:
    if not marks.seen.any():
        raise AlignmentError("shows the model too small a part of the image")
    if viewed == marks.shape and np.abs(marks.viewed - marks.model)[marks.seen].max() < 0.25:
        return np.eye(2, 3)
    matrix = np.zeros((2, 3))
    points = np.column_stack([marks.viewed, np.ones(len(marks.viewed))])
    for axis in (0, 1):
        used = marks.seen & marks.whole[:, axis]
        if np.linalg.matrix_rank(points[used]) < 3:
            raise AlignmentError("shows the model too small a part of the image")
        matrix[axis] = np.linalg.lstsq(points[used], marks.model[used, axis], rcond=None)[0]
        error = np.abs(points[used] @ matrix[axis] - marks.model[used, axis]).max()
        if error > _tolerance(matrix):
            raise AlignmentError("moves pixels in no affine way")
    if abs(np.linalg.det(matrix[:, :2])) < 1e-4:
        raise AlignmentError("moves pixels in no affine way")
    return matrix
