"""Where a pixel of the viewed image lies in the model's input.

A gradient map belongs to the model's input. Where `preprocess` resizes, crops,
pads or flips, it is brought back by an affine map, which is found once by
moving a mark over the viewed image and seeing which inputs change. Coordinates
are pixel edges: pixel i spans i to i + 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.images import Array

# Top, left, bottom and right edge, pixels.
Box = tuple[int, int, int, int]

# The mark is moved to this many places along each side, and is this share of it.
_PLACES = 9
_MARK = 1 / 16

# Changes below this share of a mark's largest do not count: a preprocess that
# standardises each image changes every input a little.
_NOTICED = 0.05


class AlignmentError(ValueError):
    """`preprocess` moves pixels in a way that was not understood."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"preprocess {reason}, so that a map over its output cannot be brought back: pass"
            " alignment=, the 2x3 matrix from viewed (x, y, 1) to input (x, y) in pixel edges"
        )


@dataclass(frozen=True)
class Alignment:
    """Takes viewed (x, y, 1) to the model's input (x, y).

    matrix: (2, 3). viewed, model: height and width, pixels. footprint: the part
    of the input that shows the image; around it is padding.
    """

    matrix: NDArray[np.float64]
    viewed: tuple[int, int]
    model: tuple[int, int]
    footprint: Box

    @property
    def identity(self) -> bool:
        """True where every pixel stays in its place."""
        corners = np.array([[0, self.viewed[1]], [0, self.viewed[0]], [1, 1]], float)
        moved = np.abs(self.matrix @ corners - corners[:2]).max()
        return bool(self.viewed == self.model and moved < 0.25)

    def bring_back(self, values: Array) -> tuple[Array, NDArray[np.bool_] | None]:
        """A map over the model's input as one over the viewed image.

        Args:
          values: (model height, model width).

        Returns:
          (height, width) float64: the mean over the inputs that a pixel covers,
          bilinear between them where it covers less than one; and a mask of the
          pixels that the model never sees, where the map is zero, or None where
          it sees all.
        """
        values = np.asarray(values, np.float64)
        if values.shape != self.model:
            raise ValueError(f"map of shape {values.shape} over inputs of shape {self.model}")
        if self.identity:
            return values, None
        height, width = self.viewed
        # As many samples a pixel as it covers inputs, so that none is skipped.
        across, down = (int(np.ceil(each - 1e-6)) for each in np.hypot(*self.matrix[:, :2]))
        across, down = max(across, 1), max(down, 1)
        y, x = np.mgrid[: height * down, : width * across] + 0.5
        points = np.stack([x.ravel() / across, y.ravel() / down, np.ones(x.size)])
        column, row = (self.matrix @ points).reshape(2, *x.shape)
        top, left, bottom, right = self.footprint
        seen = (column > left) & (column < right) & (row > top) & (row < bottom)
        shown = values[top:bottom, left:right]
        sampled = np.where(seen, _bilinear(shown, row - top - 0.5, column - left - 0.5), 0.0)
        blocks = (height, down, width, across)
        count = seen.reshape(blocks).sum((1, 3))
        total = sampled.reshape(blocks).sum((1, 3))
        return total / np.maximum(count, 1), count == 0 if (count == 0).any() else None


def _bilinear(values: Array, row: Array, column: Array) -> Array:
    rows, columns = values.shape
    row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    top, left = row.astype(int), column.astype(int)
    bottom, right = np.minimum(top + 1, rows - 1), np.minimum(left + 1, columns - 1)
    down, along = row - top, column - left
    upper = values[top, left] * (1 - along) + values[top, right] * along
    lower = values[bottom, left] * (1 - along) + values[bottom, right] * along
    return np.asarray(upper * (1 - down) + lower * down)


def same(shape: tuple[int, int]) -> Alignment:
    """The alignment of a model that eats the viewed image as it is."""
    return Alignment(np.eye(2, 3), shape, shape, (0, 0, *shape))


def given(matrix: Any, viewed: tuple[int, int], model: tuple[int, int]) -> Alignment:
    """The caller's own matrix, as `check` passed it."""
    return Alignment(np.asarray(matrix, np.float64), viewed, model, (0, 0, *model))


def check(matrices: Any, count: int) -> NDArray[np.float64]:
    """The caller's matrices as (n, 2, 3): one for all images, or one each.

    Raises:
      ValueError: it is no such matrix, or one that squashes the image flat.
    """
    try:
        array = np.asarray(matrices, np.float64)
    except (TypeError, ValueError) as e:
        raise ValueError(f"alignment={matrices!r}: pass a 2x3 matrix of numbers") from e
    if array.shape == (2, 3):
        array = np.broadcast_to(array, (count, 2, 3))
    if array.shape != (count, 2, 3):
        raise ValueError(f"alignment has shape {array.shape}: pass 2x3, or {count}x2x3")
    if not np.isfinite(array).all() or (np.abs(np.linalg.det(array[:, :, :2])) < 1e-9).any():
        raise ValueError(f"alignment={matrices!r}: it squashes the image flat or is not finite")
    return array


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


def _ink(image: Array, spare: Array) -> Array:
    """(2, c) the two values that a mark changes between: the image's own extremes."""
    # Its own, so that a preprocess that stretches the contrast has nothing new to stretch.
    ink = np.stack([image.min((0, 1)), image.max((0, 1))])
    constant = ink[0] == ink[1]
    ink[:, constant] = spare.astype(image.dtype)[:, constant]
    if image.shape[2] == 4:
        ink[:, 3] = image[:, :, 3].max()  # opaque: clear marks might not be seen
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
