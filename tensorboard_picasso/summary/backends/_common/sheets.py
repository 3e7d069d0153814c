"""Occluded images as rows of a few: what a batch of them is gathered of in one go.

In a sheet some columns are hidden from top to bottom. An occluded image has the rows that its
window meets from the sheet with the window's columns, and all others from the whole image. The
rows of a volume are those of all its slices, one after the other.
"""

import math
from collections.abc import Sequence

import numpy as np

from tensorboard_picasso.summary.backends.base import Array, Hiding, hidden
from tensorboard_picasso.summary.reuse.rects import ends_of

# Sheets that are held at once hold about this many numbers, or are those of one batch.
SHEET_NUMBERS = 1 << 22


class Sheets:
    """The windows of images of one shape, in an order that asks for few sheets at once.

    Attributes:
      count: windows of all images.
    """

    def __init__(self, hidings: Sequence[Hiding], numbers: int = SHEET_NUMBERS) -> None:
        """Sort windows by the sheets that they need.

        Args:
          hidings: images of one shape and dtype with their windows.
          numbers: that sheets hold at once.
        """
        sides = hidings[0].image.shape[:-2]
        self._length = math.prod(sides)  # in rows
        self._counts = [len(each.boxes) for each in hidings]
        self.count = sum(self._counts)
        # The whole image comes before the sheets of each block.
        most = max(1, numbers // max(1, hidings[0].image.size) - 1)
        self._blocks: list[tuple[Hiding, Array]] = []
        blocks, sheets = [], []
        for hiding in hidings:
            columns, which = np.unique(
                hiding.boxes[:, _columns(hiding)], axis=0, return_inverse=True
            )
            which = which.reshape(-1)
            blocks.append(len(self._blocks) + which // most)
            sheets.append(1 + which % most)
            self._blocks += [
                (hiding, columns[start : start + most]) for start in range(0, len(columns), most)
            ]
        block, boxes = np.concatenate(blocks), np.concatenate([each.boxes for each in hidings])
        self._order = np.argsort(block, kind="stable")
        self._block, boxes = block[self._order], boxes[self._order]
        starts = np.cumsum([0, *(1 + len(columns) for _, columns in self._blocks)])
        # Of each window, in sheets: where its block begins, and its own sheet from there on in
        # the rows that it hides; of volumes in each slice that it meets, which are put together
        # batch by batch, as all rows of all slices would take much memory.
        self._first = starts[self._block].astype(np.int32)
        ends = (each.T for each in ends_of(boxes))
        *self._slices, hides = [
            (np.arange(side) >= low[:, None]) & (np.arange(side) < high[:, None])
            for low, high, side in zip(*ends, sides, strict=False)
        ]
        own = np.concatenate(sheets)[self._order].astype(np.int32)
        self._sheet = np.where(hides, own[:, None], np.int32(0))

    def span(self, part: slice) -> tuple[int, int]:
        """What names the sheets that a slice of the windows needs."""
        return int(self._block[part.start]), int(self._block[part.stop - 1]) + 1

    def images(self, span: tuple[int, int]) -> Array:
        """These sheets, (sheets, height, width, channels), or volumes."""
        return np.concatenate([_sheets(*each) for each in self._blocks[slice(*span)]])

    def rows(self, part: slice, planes: int = 1) -> Array:
        """Which of its span's rows make a slice of the windows, (windows, planes * height).

        Args:
          planes: parts of a sheet with all rows each, one after the other: channels, where
            those come before rows.
        """
        first, sheets = self._first[part], self._sheet[part]
        for met in self._slices:
            every = np.where(met[part][:, :, None], sheets[:, None], np.int32(0))
            sheets = every.reshape(len(sheets), -1)
        sheets = sheets + (first - first[0])[:, None]
        rows: Array = sheets * np.int32(planes * self._length) + np.arange(
            self._length, dtype=np.int32
        )
        if planes > 1:
            offsets = np.arange(0, planes * self._length, self._length, dtype=np.int32)
            rows = (rows[:, None] + offsets[:, None]).reshape(len(rows), -1)
        return rows

    def split(self, rows: Array) -> list[Array]:
        """One row a window, in the order of `rows`, as those of each image."""
        result = np.empty_like(rows)
        result[self._order] = rows
        return np.split(result, np.cumsum(self._counts)[:-1])


def planes_of(image: tuple[int, ...], given: tuple[int, ...]) -> int:
    """How many planes with all rows each a model's input has; see `Sheets.rows`.

    Args:
      image: height, width, channels; of a volume depth before them.
      given: shape of the input that is made of it by another order of axes.

    Returns:
      0 where the shapes do not tell.
    """
    *place, channels = image
    if place[0] == channels:
        return 0
    if given == (channels, *place):
        return channels
    return 1 if given in (image, image[:-1]) else 0


def _columns(hiding: Hiding) -> list[int]:
    """Which numbers of a box are its left and its width."""
    sides = hiding.boxes.shape[1]
    return [sides // 2 - 1, sides - 1]


def _sheets(hiding: Hiding, columns: Array) -> Array:
    """The whole image, and for each (left, width) one in which these columns are filled."""
    axes = hiding.boxes.shape[1] // 2
    boxes = np.zeros((1 + len(columns), 2 * axes), np.int64)
    boxes[1:, axes:] = hiding.image.shape[:-1]
    boxes[1:, _columns(hiding)] = columns
    return hidden(hiding.image, hiding.filled, boxes)
