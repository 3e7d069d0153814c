"""Rectangles over a layer's map, of a volume boxes: one a window position, all of one size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spans:
    """One axis: where each span starts, and the length that all have."""

    starts: Ints
    size: int

    @classmethod
    def covering(cls, lows: Ints, highs: Ints, extent: int) -> "Spans":
        """The shortest spans within an axis that hold [low, high) each.

        All have the longest one's length, at least 1: at the border they are shifted
        inwards, which recomputes a little more than has changed.
        """
        size = min(extent, max(1, int((highs - lows).max())))
        return cls(np.clip(lows, 0, extent - size), size)

    @property
    def ends(self) -> Ints:
        """Where each one ends, exclusive."""
        return self.starts + self.size

    def taking(self, some: Ints) -> "Spans":
        """Some of them."""
        return Spans(self.starts[some], self.size)

    def same(self, other: "Spans") -> bool:
        """Whether both are the same everywhere."""
        return self.size == other.size and np.array_equal(self.starts, other.starts)


@dataclass(frozen=True, eq=False)
class Rects:
    """Spans of each along every axis: rows and columns, of a volume's map slices before them."""

    axes: tuple[Spans, ...]

    @classmethod
    def of_boxes(cls, boxes: Ints, shape: tuple[int, ...]) -> "Rects":
        """Rectangles of boxes over a map of this shape.

        Args:
          boxes: (n, 2 * axes): where each starts along the axes, then how long it is.
          shape: the map's sides.
        """
        lows, highs = ends_of(boxes)
        return cls(tuple(map(Spans.covering, lows.T, highs.T, shape)))

    @classmethod
    def hull(cls, several: Sequence["Rects"], shape: tuple[int, ...]) -> "Rects":
        """At each position the smallest one that holds all the others."""
        first, *others = several
        if all(first.same(other) for other in others):
            return first
        axes = zip(*(each.axes for each in several), strict=True)
        return cls(
            tuple(
                Spans.covering(
                    np.min([each.starts for each in spans], axis=0),
                    np.max([each.ends for each in spans], axis=0),
                    extent,
                )
                for spans, extent in zip(axes, shape, strict=True)
            )
        )

    @property
    def places(self) -> tuple[Ints, ...]:
        """Rows of each, (rectangles, height), and likewise along the other axes."""
        return tuple(each.starts[:, None] + np.arange(each.size) for each in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width, of a volume's map depth before them."""
        return tuple(each.size for each in self.axes)

    @property
    def area(self) -> int:
        """Pixels of one."""
        return math.prod(self.shape)

    def same(self, other: "Rects") -> bool:
        """Whether both are the same everywhere."""
        return all(map(Spans.same, self.axes, other.axes))

    def taking(self, some: Ints) -> "Rects":
        """Some of them."""
        return Rects(tuple(each.taking(some) for each in self.axes))

    def local(self, boxes: Ints) -> Ints:
        """Boxes, one in each, by where they are in it."""
        starts = np.stack([each.starts for each in self.axes], axis=1)
        return np.concatenate([boxes[:, : len(self.axes)] - starts, boxes[:, len(self.axes) :]], 1)

    def shifted(self, by: tuple[int, ...]) -> "Rects":
        """The same ones elsewhere, so far along each axis."""
        pairs = zip(self.axes, by, strict=True)
        return Rects(tuple(Spans(each.starts + far, each.size) for each, far in pairs))


def ends_of(boxes: Ints) -> tuple[Ints, Ints]:
    """Where boxes (n, 2 * axes) start and end along each axis, (n, axes) each."""
    axes = boxes.shape[1] // 2
    return boxes[:, :axes], boxes[:, :axes] + boxes[:, axes:]


def slices_of(boxes: Ints) -> list[tuple[slice, ...]]:
    """What each of the boxes is of an image, a slice an axis."""
    lows, highs = (each.tolist() for each in ends_of(boxes))
    return [tuple(map(slice, low, high)) for low, high in zip(lows, highs, strict=True)]


def spread(places: Sequence[Any]) -> tuple[Any, ...]:
    """Places along each axis so that together they index a map at each rectangle's pixels.

    Args:
      places: (rectangles or 1, n), an axis each, in NumPy or a framework.

    Returns:
      The same as (rectangles or 1, n, 1), (rectangles or 1, 1, n), or likewise of more axes.
    """
    after = len(places) - 1
    return tuple(
        each.reshape(len(each), *(1,) * at, -1, *(1,) * (after - at))
        for at, each in enumerate(places)
    )


@dataclass(frozen=True)
class Window:
    """One axis of a layer that looks at its input through a window.

    before: how much padding stands before the first pixel.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0

    @property
    def reach(self) -> int:
        """Pixels from the window's first to its last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def single(self) -> bool:
        """Whether each output has one input, at its own place."""
        return (self.kernel, self.stride, self.before) == (1, 1, 0)

    def changed(self, spans: Spans, extent: int) -> Spans:
        """Outputs, of so many along the axis, that see any of these inputs."""
        first = -(-(spans.starts + self.before - self.reach + 1) // self.stride)
        last = (spans.ends - 1 + self.before) // self.stride
        return Spans.covering(np.clip(first, 0, extent), np.clip(last + 1, 0, extent), extent)

    def seen(self, spans: Spans) -> Spans:
        """Inputs that these outputs see; some may lie in the padding, before 0 or beyond."""
        return Spans(
            spans.starts * self.stride - self.before, (spans.size - 1) * self.stride + self.reach
        )
