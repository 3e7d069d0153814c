"""Grids: what occlusion found, a value a window position, or a segment, and class."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import distances
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.parts import (
    pack_labels,
    unpack_distances,
    unpack_geometry,
    unpack_labels,
    unpack_positions,
)
from tensorboard_picasso.stored.seal import check_lengths


def no_fronts() -> NDArray[np.uint32]:
    """Those of a picture's windows."""
    return np.empty(0, np.uint32)


@dataclass(frozen=True)
class Grid:
    """Occlusion's values: log-odds at each window position, or with each segment hidden.

    window: height and width, pixels. tops, lefts: first row and column of each
    position. classes: of the last axis. whole: (classes,) the image unoccluded.
    values: float32 (tops, lefts, classes).
    segments: int16 (height, width), the segment of each pixel, from 0 on, -1: of none; then
      there are no windows (window (0, 0), no tops, no lefts), and values are
      (segments, 1, classes).
    fronts, window_depth: of a volume's windows, first slice of each position and slices of each
      window; then tops are within a slice, and values are (fronts · tops, lefts, classes),
      a front's beneath those of the one before. The last window ends with the last slice.
    """

    window: tuple[int, int]
    tops: NDArray[np.uint32]
    lefts: NDArray[np.uint32]
    classes: NDArray[np.uint32]
    whole: NDArray[np.float32]
    values: NDArray[np.float32]
    segments: NDArray[np.int16] | None = None
    fronts: NDArray[np.uint32] = field(default_factory=no_fronts)
    window_depth: int = 0


def pack_grid(grid: Grid | None, message: record_pb2.Method) -> None:
    """Put a grid into the message of a method's record."""
    if grid is None:
        return
    if grid.segments is not None:
        message.segments.CopyFrom(_pack_segments(grid, grid.segments))
        return
    message.grid.CopyFrom(
        record_pb2.Grid(
            window_height=grid.window[0],
            window_width=grid.window[1],
            tops=np.asarray(grid.tops).tolist(),
            lefts=np.asarray(grid.lefts).tolist(),
            classes=np.asarray(grid.classes).tolist(),
            whole=np.asarray(grid.whole, np.float32).tolist(),
            distances=distances.pack(grid.values, grid.whole),
            window_depth=grid.window_depth,
            fronts=np.asarray(grid.fronts).tolist(),
        )
    )


def unpack_grid(message: record_pb2.Method, with_values: bool, bare: bool) -> Grid | None:
    """The grid of a method's record; bare: its numbers were taken out."""
    part, size = values_of(message), (message.height, message.width)
    if part is None:
        return None
    if not bare:
        check_lengths("classes and their scores", part.classes, part.whole)
    if message.HasField("segments"):
        return _unpack_segments(part, *size, with_values, with_values or bare)
    return _unpack_windows(part, *size, message.depth, with_values)


def values_of(message: record_pb2.Method) -> Any:
    """The message of values by window, or segment; None where the maps are stored in full."""
    for name in ("segments", "grid"):
        if message.HasField(name):
            return getattr(message, name)
    return None


# What differs from step to step of a message of values.
_NUMBERS: dict[Any, tuple[str, ...]] = {
    record_pb2.Grid: ("whole", "values", "distances"),
    record_pb2.Segments: ("whole", "distances"),
}


def take_out_numbers(message: record_pb2.Method) -> None:
    """Leave of a grid what its series mostly has from step to step."""
    part = values_of(message)
    for name in _NUMBERS.get(type(part), ()):
        part.ClearField(name)


def _pack_segments(grid: Grid, labels: NDArray[np.int16]) -> record_pb2.Segments:
    return record_pb2.Segments(
        count=len(grid.values),
        labels=pack_labels(labels),
        classes=np.asarray(grid.classes).tolist(),
        whole=np.asarray(grid.whole, np.float32).tolist(),
        distances=distances.pack(grid.values, grid.whole),
    )


def _unpack_segments(
    message: record_pb2.Segments, height: int, width: int, with_values: bool, with_labels: bool
) -> Grid:
    none, labels = np.empty(0, np.uint32), np.empty((0, 0), np.int16)
    if with_labels:
        labels = unpack_labels(message.labels, message.count, height, width)
    whole = np.array(message.whole[:], np.float32)
    values = np.empty((0, 0, 0), np.float32)
    if with_values:
        values = unpack_distances(message.distances, (message.count, 1, len(whole)), whole)
    classes = np.array(message.classes[:], np.uint32)
    return Grid((0, 0), none, none, classes, whole, values, labels)


def _unpack_windows(
    message: record_pb2.Grid, height: int, width: int, depth: int, with_values: bool
) -> Grid:
    windows = unpack_geometry(message, height, width, depth)
    shape = (*windows.shape, len(message.classes))
    whole = np.array(message.whole[:], np.float32)
    if not with_values:
        values = np.empty((0, 0, 0), np.float32)
    elif message.HasField("distances"):
        values = unpack_distances(message.distances, shape, whole)
    else:
        values = unpack_positions(message.values, shape, "<f4")
    classes = np.array(message.classes[:], np.uint32)
    return Grid(classes=classes, whole=whole, values=values, **windows._asdict())
