"""Where a pixel of the viewed image lies in the model's input.

A gradient map belongs to the model's input. Where `preprocess` resizes, crops,
pads or flips, the map is brought back by an axis-aligned affine map, which is
found once by moving a mark over the viewed image and seeing which inputs
change. Coordinates are pixel edges: pixel i spans i to i + 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

# A mark is moved to this many places along each side.
MARKS = 9


class AlignmentError(ValueError):
    """`preprocess` moves pixels in a way that was not understood."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"preprocess moves pixels and {reason}: pass alignment=[[a, b, c], [d, e, f]] that"
            " takes a viewed (x, y, 1) to the model's input (x, y), in pixel edges"
        )


@dataclass(frozen=True)
class Alignment:
    """Takes viewed (x, y, 1) to the model's input (x, y).

    matrix: (2, 3). viewed, model: (height, width), pixels.
    """

    matrix: NDArray[np.float64]
    viewed: tuple[int, int]
    model: tuple[int, int]

    @property
    def identity(self) -> bool:
        """True where every pixel stays in its place."""
        same = np.allclose(self.matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-3)
        return bool(same and self.viewed == self.model)

    def bring_back(self, values: Array) -> tuple[Array, NDArray[np.bool_] | None]:
        """A map over the model's input as one over the viewed image.

        Args:
          values: (model height, model width).

        Returns:
          (height, width) values, bilinear between the inputs' centres; and a
          mask of the pixels that the model never sees, None where it sees all.
        """
        if self.identity:
            return values, None
        height, width = self.viewed
        y, x = np.mgrid[:height, :width] + 0.5
        mapped = self.matrix @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        column, row = mapped.reshape(2, height, width)
        rows, columns = self.model
        slack = 1e-6
        unseen = (
            (column < -slack) | (column > columns + slack) | (row < -slack) | (row > rows + slack)
        )
        sampled = _bilinear(values, row - 0.5, column - 0.5)
        return np.where(unseen, 0.0, sampled), unseen if unseen.any() else None


def _bilinear(values: Array, row: Array, column: Array) -> Array:
    rows, columns = values.shape
    row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    top = np.minimum(row.astype(int), max(rows - 2, 0))
    left = np.minimum(column.astype(int), max(columns - 2, 0))
    bottom, right = np.minimum(top + 1, rows - 1), np.minimum(left + 1, columns - 1)
    down, along = row - top, column - left
    upper = values[top, left] * (1 - along) + values[top, right] * along
    lower = values[bottom, left] * (1 - along) + values[bottom, right] * along
    return np.asarray(upper * (1 - down) + lower * down)


def given(matrix: object, viewed: tuple[int, int], model: tuple[int, int]) -> Alignment:
    """The caller's own 2x3 matrix.

    Raises:
      ValueError: it is not one that can be undone.
    """
    array = np.asarray(matrix, np.float64)
    if array.shape != (2, 3) or abs(np.linalg.det(array[:, :2])) < 1e-9:
        raise ValueError(f"alignment={matrix!r}: pass an invertible 2x3 matrix")
    return Alignment(array, viewed, model)


def find(
    model_input: Callable[[Array], Array], image: Array, spatial: Callable[[Array], Array]
) -> Alignment:
    """Find the alignment by moving a mark over the viewed image.

    Args:
      model_input: viewed (n, h, w, c) to a batch of model inputs.
      image: one viewed image (h, w, c).
      spatial: one pair's difference of model inputs to its (H, W) strength.

    Raises:
      AlignmentError: no axis-aligned scale, shift and flip fits.
    """
    height, width = image.shape[:2]
    base = model_input(image[None])
    if not np.array_equal(base, model_input(image[None])):
        raise AlignmentError("is random")
    ink = _ink(image)
    size = (max(1, height // 16), max(1, width // 16))
    tops = np.unique(np.linspace(0, height - size[0], MARKS).round().astype(int))
    lefts = np.unique(np.linspace(0, width - size[1], MARKS).round().astype(int))
    viewed, mapped = [], []
    shape = (0, 0)
    for top in tops:
        for left in lefts:
            marked = image.copy()
            patch = (slice(top, top + size[0]), slice(left, left + size[1]))
            marked[patch] = ink[patch]
            moved = spatial(np.asarray(model_input(marked[None]), np.float64)[0] - base[0])
            shape = (moved.shape[0], moved.shape[1])
            strength = moved * (moved > 0.05 * moved.max(initial=0.0))
            if strength.sum() <= 0:
                continue
            y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
            cut = strength[[0, -1]].any() or strength[:, [0, -1]].any()
            total = strength.sum()
            point = ((x * strength).sum() / total, (y * strength).sum() / total)
            spread = np.ptp(np.argwhere(strength > 0), axis=0)
            viewed.append((left + size[1] / 2, top + size[0] / 2))
            mapped.append((*point, float(cut), *spread))
    if not viewed:
        raise AlignmentError("a mark on the image changes no input")
    return Alignment(
        _fit(np.array(viewed), np.array(mapped), shape, (height, width)), (height, width), shape
    )


def _ink(image: Array) -> Array:
    """The image with every value moved to the far end of its own range."""
    low, high = image.min(axis=(0, 1)), image.max(axis=(0, 1))
    if np.array_equal(low, high):
        step = 1 if np.issubdtype(image.dtype, np.integer) else 0.5
        high = low + step
    middle = low + (high - low) / 2
    return np.where(image > middle, low, high).astype(image.dtype)


def _fit(
    viewed: Array, mapped: Array, shape: tuple[int, int], source: tuple[int, int]
) -> NDArray[np.float64]:
    # Marks cut by the border of the input, and those beside it, pull their centres inwards.
    whole = mapped[:, 2] == 0
    same = shape == source and np.allclose(viewed, mapped[:, :2], atol=0.51)
    if same:
        return np.array([[1.0, 0, 0], [0, 1.0, 0]])
    matrix = np.zeros((2, 3))
    for axis in (0, 1):
        a, b = viewed[whole, axis], mapped[whole, axis]
        if np.unique(a).size < 2:
            raise AlignmentError("too few marks are seen whole")
        scale, shift = np.polyfit(a, b, 1)
        residual = np.abs(scale * a + shift - b).max()
        if residual > max(0.75, abs(scale)) or abs(scale) < 1e-3:
            raise AlignmentError("no scale, shift and flip of each axis fits")
        matrix[axis, axis], matrix[axis, 2] = scale, shift
    return matrix
