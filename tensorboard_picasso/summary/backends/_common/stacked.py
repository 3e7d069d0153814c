"""Occluded images of several images, one after the other, made one by one."""

from collections.abc import Sequence

import numpy as np

from tensorboard_picasso.summary.backends.base import Array, Hiding


class Stacked:
    """All that is hidden in images of one shape, of which batches are made in NumPy.

    Attributes:
      count: occluded images of all.
    """

    def __init__(self, hidings: Sequence[Hiding]) -> None:
        """Count them."""
        self._hidings = hidings
        self._ends = np.cumsum([len(each.boxes) for each in hidings])
        self.count = int(self._ends[-1])

    def batch(self, part: slice) -> Array:
        """A slice of them, (n, height, width, channels), or of volumes."""
        starts = [0, *self._ends[:-1]]
        parts = [
            each.viewed(slice(max(part.start - start, 0), part.stop - start))
            for each, start, end in zip(self._hidings, starts, self._ends, strict=True)
            if part.start < end and part.stop > start
        ]
        return np.concatenate(parts)

    def split(self, rows: Array) -> list[Array]:
        """One row an occluded image, as those of each image."""
        return np.split(rows, self._ends[:-1])
