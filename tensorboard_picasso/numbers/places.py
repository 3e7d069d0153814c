"""Places: where the values of what was hidden lie on an image, and the map they make.

They are windows, which may overlap, or segments, which do not. Of a volume all maps are sheets
(`volumes`), and values of windows likewise: of each front those of its tops. The browser has a
twin of this module, `static/numbers/places.js`.
"""

from collections.abc import Hashable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Floats

Labels = NDArray[np.int16]


class Placed(Protocol):
    """What has a value a window, or a segment."""

    @property
    def window(self) -> tuple[int, int]:
        """Height and width of each window, pixels."""

    @property
    def tops(self) -> NDArray[np.uint32]:
        """First rows of windows, within a slice."""

    @property
    def lefts(self) -> NDArray[np.uint32]:
        """First columns of windows."""

    @property
    def segments(self) -> Labels | None:
        """Int16 (height, width), the segment of each pixel, from 0 on, -1: of none.

        There are no windows then.
        """

    @property
    def fronts(self) -> NDArray[np.uint32]:
        """First slices of windows, ascending: the last window ends with the volume. Empty: a picture."""

    @property
    def window_depth(self) -> int:
        """Slices of each window; 0: a picture."""


def shape_of(placed: Placed) -> tuple[int, int]:
    """Shape of the values, one a place: (tops, lefts), (fronts · tops, lefts) or (segments, 1)."""
    if placed.segments is None:
        return max(1, len(placed.fronts)) * len(placed.tops), len(placed.lefts)
    return int(placed.segments.max()) + 1, 1


def extent(placed: Placed) -> tuple[int, ...]:
    """Height and width of each window; of a volume depth, height and width."""
    return (placed.window_depth, *placed.window) if len(placed.fronts) else placed.window


def paint(values: ArrayLike, placed: Placed, shape: tuple[int, int]) -> Floats:
    """Spread one value a place over the image, (height, width) float64; see `maps.paint`.

    NaN where no window reaches, and in no segment.
    """
    if placed.segments is not None:
        # The last one is that of no segment, -1.
        of_each = np.append(np.asarray(values, np.float64).ravel(), np.nan)
        return np.asarray(of_each[placed.segments])
    if not len(placed.fronts):
        return maps.paint(values, placed.tops, placed.lefts, placed.window, shape)
    slices, rows, columns = _coverage(placed, shape)

    def spread(each: Floats) -> Floats:
        of_fronts = each.reshape(len(slices), len(rows) * len(columns))
        windows = (slices.T @ of_fronts).reshape(slices.shape[1], len(rows), len(columns))
        return np.asarray((rows.T @ windows @ columns).reshape(shape))

    return maps.averaged(values, spread)


def ceiling(mask: ArrayLike, placed: Placed) -> float:
    """Share that occlusion would give a region that alone is used, and evenly; see `maps.ceiling`."""
    inside = np.asarray(mask, bool)
    if placed.segments is None and not len(placed.fronts):
        return maps.ceiling(inside, placed.tops, placed.lefts, placed.window)
    return maps.share(paint(_hidden(inside, placed), placed, inside.shape), inside).positive


def _hidden(mask: NDArray[np.bool_], placed: Placed) -> Floats:
    """How many pixels of a mask each segment, or window of a volume, hides; as values are."""
    if placed.segments is not None:
        labels = placed.segments[mask & (placed.segments >= 0)]
        return np.bincount(labels, minlength=shape_of(placed)[0]).astype(np.float64)
    slices, rows, columns = _coverage(placed, mask.shape)
    of_slices = mask.reshape(slices.shape[1], rows.shape[1], columns.shape[1])
    windows = rows @ of_slices.astype(np.float64) @ columns.T
    flat = windows.reshape(len(windows), len(rows) * len(columns))
    return np.asarray((slices @ flat).reshape(shape_of(placed)))


def _coverage(placed: Placed, shape: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
    """`maps.coverage` of each axis of a volume; shape: of its sheet."""
    depth = int(placed.fronts[-1]) + placed.window_depth
    return (
        maps.coverage(placed.fronts, placed.window_depth, depth),
        maps.coverage(placed.tops, placed.window[0], shape[0] // depth),
        maps.coverage(placed.lefts, placed.window[1], shape[1]),
    )


def untouched(placed: Placed) -> NDArray[np.bool_] | None:
    """Pixels that are never hidden, (height, width); None: there are none."""
    if placed.segments is None:
        return None
    outside = placed.segments < 0
    return outside if outside.any() else None


def key(placed: Placed) -> Hashable:
    """What tells places apart."""
    segments = None if placed.segments is None else placed.segments.tobytes()
    starts = (placed.fronts, placed.tops, placed.lefts)
    return extent(placed), *((*each.tolist(),) for each in starts), segments
