"""Where a pixel of the viewed image lies in the model's input.

A gradient map belongs to the model's input. Where `preprocess` resizes, crops,
pads or flips, it is brought back by an affine map, which the caller gives or
`marks` finds. Coordinates are pixel edges: pixel i spans i to i + 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.kit.images import Array

# Top, left, bottom and right edge, pixels.
Box = tuple[int, int, int, int]


class AlignmentError(ValueError):
    """`preprocess` moves pixels in a way that was not understood."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"preprocess {reason}, so that a map over its output cannot be brought back: pass"
            " alignment=, the 2x3 matrix from viewed (x, y, 1) to input (x, y) in pixel edges"
        )


class MovedError(AlignmentError):
    """`preprocess` moves voxels of volumes, over which no map is brought back."""

    def __init__(self, reason: str) -> None:
        ValueError.__init__(
            self,
            f"preprocess {reason}, so that a map over its output does not lie on the volume: give"
            " the probe volumes that are resized, cropped and turned already, and let preprocess"
            " change values and channels alone",
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
