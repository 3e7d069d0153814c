"""Rectangles over a layer's map, one a window position, all of one size."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Rows and columns of each rectangle."""

    rows: Spans
    columns: Spans

    @classmethod
    def of_boxes(cls, boxes: Ints, shape: tuple[int, int]) -> "Rects":
        """Rectangles of boxes (n, 4): top, left, height, width, over a map of this shape."""
        return cls(
            *(
                Spans.covering(boxes[:, axis], boxes[:, axis] + boxes[:, axis + 2], shape[axis])
                for axis in (0, 1)
            )
        )

    @classmethod
    def hull(cls, several: Sequence["Rects"], shape: tuple[int, int]) -> "Rects":
        """At each position the smallest one that holds all the others."""
        first, *others = several
        if all(first.same(other) for other in others):
            return first
        axes = [[each.axes[axis] for each in several] for axis in (0, 1)]
        return cls(
            *(
                Spans.covering(
                    np.min([each.starts for each in spans], axis=0),
                    np.max([each.ends for each in spans], axis=0),
                    extent,
                )
                for spans, extent in zip(axes, shape, strict=True)
            )
        )

    @property
    def axes(self) -> tuple[Spans, Spans]:
        """Rows, then columns."""
        return self.rows, self.columns

    @property
    def places(self) -> tuple[Ints, Ints]:
        """Rows and columns of each, (rectangles, height) and (rectangles, width)."""
        rows, columns = (each.starts[:, None] + np.arange(each.size) for each in self.axes)
        return rows, columns

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows.size, self.columns.size

    @property
    def area(self) -> int:
        """Pixels of one."""
        return self.rows.size * self.columns.size

    def same(self, other: "Rects") -> bool:
        """Whether both are the same everywhere."""
        return self.rows.same(other.rows) and self.columns.same(other.columns)

    def taking(self, some: Ints) -> "Rects":
        """Some of them."""
        return Rects(*(each.taking(some) for each in self.axes))

    def shifted(self, down: int, right: int) -> "Rects":
        """The same ones elsewhere."""
        rows, columns = self.axes
        return Rects(
            Spans(rows.starts + down, rows.size), Spans(columns.starts + right, columns.size)
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
