"""Batches of occluded images, made on the device where a module lies."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from tensorboard_picasso.summary.backends._common.sheets import Sheets, planes_of
from tensorboard_picasso.summary.backends.base import Array, Windows
from tensorboard_picasso.summary.backends.torch.device import sent
from tensorboard_picasso.summary.reuse.rects import Ints, ends_of, spread

# How batches of images, and of volumes, lie in memory with their channels last, by their axes.
LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
# Numbers of images that lie there at once, with what windows are filled with.
_PLACED = 1 << 25


class Gathered:
    """Of rows of sheets, see `Sheets`: where copying rows is all that it takes.

    Attributes:
      count: windows of all images. first: channels come before rows and columns.
    """

    def __init__(self, windows: Windows, tensor: Callable[[Array], Any], given: Any) -> None:
        """Sort the windows.

        Args:
          windows: of images of one shape.
          tensor: from a batch of model inputs to what the module takes.
          given: shape of one of these.
        """
        shape = windows.hidings[0].image.shape
        self._windows, self._tensor = windows, tensor
        self._sheets = Sheets(windows.hidings)
        self._planes = planes_of(shape, given)
        self.first = given == (shape[-1], *shape[:-1])
        self.count = self._sheets.count
        self._held: Any = None

    def batch(self, part: slice, last: bool) -> Any:
        """Some of the windows; with their channels last in memory, where that is asked for."""
        sheets = self._sheets
        wanted = sheets.span(part), last
        if self._held is None or self._held[0] != wanted:
            self._held = None  # not both at once
            images = self._tensor(self._windows.model_input(sheets.images(wanted[0])))
            self._held = wanted, images.movedim(1, -1).contiguous() if last else images
        images = self._held[1]
        rows = sheets.rows(part, 1 if last else self._planes)
        every = images.reshape(-1, images[0].numel() // rows.shape[1])
        gathered = every.index_select(0, sent(rows.reshape(-1), images.device))
        batch = gathered.view(len(rows), *images.shape[1:])
        return batch.movedim(-1, 1) if last else batch

    def split(self, rows: Array) -> list[Array]:
        """One row a window, as those of each image."""
        return self._sheets.split(rows)


class Placed:
    """Number by number of an image or of what fills it: where nothing but them is to be sent.

    Attributes:
      count, first: as of `Gathered`.
    """

    def __init__(self, windows: Windows, tensor: Callable[[Array], Any], given: Any) -> None:
        """As of `Gathered`."""
        hidings = windows.hidings
        shape = hidings[0].image.shape
        self._windows, self._tensor = windows, tensor
        self.first = given == (shape[-1], *shape[:-1])
        # Axes of rows and columns, of volumes of slices before them, in a batch.
        self._axes = range(1 + self.first, len(shape) + self.first)
        counts = [len(each.boxes) for each in hidings]
        self.count = sum(counts)
        self._ends = np.cumsum(counts)[:-1]
        self._which = np.repeat(np.arange(len(hidings)), counts)
        self._boxes = np.concatenate([each.boxes for each in hidings])
        segments = [each.segments for each in hidings if each.segments is not None]
        self._labels = np.stack([each.labels for each in segments]) if segments else None
        self._numbers = np.concatenate([each.numbers for each in segments]) if segments else None
        self._most = max(1, _PLACED // max(1, hidings[0].image.size))
        self._held: Any = None

    def batch(self, part: slice, last: bool) -> Any:
        """As of `Gathered`."""
        which, boxes = self._which[part], self._boxes[part]
        span = int(which[0]) // self._most, int(which[-1]) // self._most + 1
        if self._held is None or self._held[0] != span:
            self._held = None  # not both at once
            self._held = span, *self._images(slice(*(each * self._most for each in span)))
        _, images, filled = self._held
        at = sent(which - span[0] * self._most, images.device)
        within = self._within(which, boxes, part, images)
        if images.ndim > within.ndim:
            within = within[:, None] if self.first else within[..., None]
        batch = torch.where(within, filled[at], images[at])
        layout = LAST[batch.ndim] if last else torch.contiguous_format
        return batch.contiguous(memory_format=layout)

    def _within(self, which: Ints, boxes: Ints, part: slice, images: Any) -> Any:
        """Which pixels are hidden, (windows, height, width), or of volumes with depth before."""
        if self._labels is not None and self._numbers is not None:
            numbers = self._numbers[part].reshape(-1, *(1,) * len(self._axes))
            return sent(self._labels[which] == numbers, images.device)
        sides = (images.shape[axis] for axis in self._axes)
        return inside(boxes, [torch.arange(side, device=images.device)[None] for side in sides])

    def _images(self, some: slice) -> list[Any]:
        hidings = self._windows.hidings[some]
        stacks = [each.image for each in hidings], [each.filled for each in hidings]
        return [self._tensor(self._windows.model_input(np.stack(stack))) for stack in stacks]

    def split(self, rows: Array) -> list[Array]:
        """As of `Gathered`."""
        return np.split(rows, self._ends)


def inside(boxes: Ints, places: Sequence[Any]) -> Any:
    """Which places are in their window's box, (windows, rows, columns), or with three axes.

    Args:
      boxes: (windows, 4), of volumes (windows, 6).
      places: of rows and columns, or of all three axes, (windows or 1, n) each, on the device.
    """
    lows, highs = (sent(each, places[0].device) for each in ends_of(boxes))
    along = [
        (each >= lows[:, axis, None]) & (each < highs[:, axis, None])
        for axis, each in enumerate(places)
    ]
    return functools.reduce(operator.and_, spread(along))
