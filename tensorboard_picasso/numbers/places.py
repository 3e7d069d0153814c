"""Places: where the values of what was hidden lie on an image, and the map they make.

They are windows, which may overlap, or segments, which do not. The browser has a twin of this
module, `static/numbers/places.js`.
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
        """First rows of windows."""

    @property
    def lefts(self) -> NDArray[np.uint32]:
        """First columns of windows."""

    @property
    def segments(self) -> Labels | None:
        """Int16 (height, width), the segment of each pixel, from 0 on, -1: of none.

        There are no windows then.
        """


def shape_of(placed: Placed) -> tuple[int, int]:
    """Shape of the values, one a place: (tops, lefts), or (segments, 1)."""
    if placed.segments is None:
        return len(placed.tops), len(placed.lefts)
    return int(placed.segments.max()) + 1, 1


def paint(values: ArrayLike, placed: Placed, shape: tuple[int, int]) -> Floats:
    """Spread one value a place over the image, (height, width) float64; see `maps.paint`.

    NaN where no window reaches, and in no segment.
    """
    if placed.segments is None:
        return maps.paint(values, placed.tops, placed.lefts, placed.window, shape)
    # The last one is that of no segment, -1.
    of_each = np.append(np.asarray(values, np.float64).ravel(), np.nan)
    return np.asarray(of_each[placed.segments])


def ceiling(mask: ArrayLike, placed: Placed) -> float:
    """Share that occlusion would give a region that alone is used, and evenly; see `maps.ceiling`."""
    if placed.segments is None:
        return maps.ceiling(mask, placed.tops, placed.lefts, placed.window)
    inside = np.asarray(mask, bool)
    count, _ = shape_of(placed)
    hidden = np.bincount(placed.segments[inside & (placed.segments >= 0)], minlength=count)
    return maps.share(paint(hidden, placed, inside.shape), inside).positive


def untouched(placed: Placed) -> NDArray[np.bool_] | None:
    """Pixels that are never hidden, (height, width); None: there are none."""
    if placed.segments is None:
        return None
    outside = placed.segments < 0
    return outside if outside.any() else None


def key(placed: Placed) -> Hashable:
    """What tells places apart."""
    segments = None if placed.segments is None else placed.segments.tobytes()
    return (*placed.window,), (*placed.tops.tolist(),), (*placed.lefts.tolist(),), segments
