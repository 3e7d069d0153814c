"""Which tokens of a vision transformer are dropped: those whose patch is covered by half or more."""

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.places import Labels
from tensorboard_picasso.summary.probe.alignment import Alignment, AlignmentError

_HALF = 0.5 - 1e-9


def covered(
    boxes: NDArray[np.int64], alignment: Alignment, grid: tuple[int, int]
) -> NDArray[np.bool_]:
    """Which patches boxes cover by half or more, (boxes, rows, columns).

    Args:
      boxes: (n, 4) in the viewed image: top, left, height, width.
      alignment: from there to the model's input.
      grid: rows and columns of patches, which share that evenly.

    Raises:
      AlignmentError: a box is none in the model's input.
    """
    lows = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    rows, columns = (
        _shares(alignment, grid, axis, *(each[:, axis] for each in lows)) for axis in (0, 1)
    )
    return np.asarray(rows[:, :, None] * columns[:, None, :] >= _HALF)


def covered_by(labels: Labels, alignment: Alignment, grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Which patches segments cover by half or more, (1 + segments, rows, columns): first of none.

    Args:
      labels: (height, width) of the viewed image, the segment of each pixel; -1: of none.
      alignment, grid: as of `covered`.

    Raises:
      AlignmentError: as `covered`.
    """
    rows, columns = (
        _shares(alignment, grid, axis, np.arange(size), np.arange(1, size + 1))
        for axis, size in enumerate(labels.shape)
    )
    result = np.zeros((2 + int(labels.max()), *grid), bool)
    for number in range(len(result) - 1):
        result[1 + number] = rows.T @ (labels == number) @ columns >= _HALF
    return result


def _shares(
    alignment: Alignment,
    grid: tuple[int, int],
    axis: int,
    lows: NDArray[np.int64],
    highs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Share of each patch's side that lies in stretches of an axis, (stretches, patches)."""
    matrix = alignment.matrix
    if np.abs(matrix[[0, 1], [1, 0]]).max() > 1e-6:
        raise AlignmentError("turns or shears the image")
    scale, shift = matrix[1 - axis, 1 - axis], matrix[1 - axis, 2]
    ends = np.stack([lows, highs], 1) * scale + shift
    low, high = ends.min(1)[:, None], ends.max(1)[:, None]
    side = alignment.model[axis] / grid[axis]
    edges = np.arange(grid[axis] + 1) * side
    inside = np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])
    return np.asarray(np.maximum(inside, 0) / side)
