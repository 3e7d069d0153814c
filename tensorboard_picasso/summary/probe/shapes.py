"""Boxes and polygons: what may stand in place of a mask, drawn once the image's size is known."""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

# Pixels that a shape may reach beyond its image: what is rounded on the way from shares of it.
SLACK = 1e-6


class Shape(abc.ABC):
    """A part of an image, in its pixels.

    A pixel is inside where its centre is: that of the first one lies at 0.5, 0.5. Shapes that
    share an edge share no pixel and leave none out.
    """

    @abc.abstractmethod
    def mask(self, height: int, width: int) -> Mask:
        """Which pixels of an image are inside: (height, width), bool.

        Raises:
          ValueError: the shape does not lie on such an image.
        """

    def clipped(self, height: int, width: int) -> Mask:
        """The same of what of it lies on the image."""
        return self.mask(height, width)


@dataclass(frozen=True)
class Box(Shape):
    """A rectangle, in place of a mask: see `regions=` of `Probe`.

    A pixel is inside where its centre is. Boxes of one image may overlap.

    Args:
      top, left: of its edges, pixels from those of the viewed image; 0.5 is half a pixel.
      height, width: its own, pixels.

    Raises:
      TypeError, ValueError: these are no numbers, or not above zero.

    Example:
        box = summary.Box(top=2, left=3, height=4, width=5)
        probe = summary.Probe("p", np.zeros((2, 28, 28, 1)), regions={"tag": box})
        assert probe.regions[0]["tag"][2:6, 3:8].all() and probe.regions[0]["tag"].sum() == 20
    """

    top: float
    left: float
    height: float
    width: float

    def __post_init__(self) -> None:
        for name in ("top", "left", "height", "width"):
            _number(f"{name} of a box", getattr(self, name))
        if self.height <= 0 or self.width <= 0:
            raise ValueError(f"{self} has no area: pass a height and a width above 0")

    def mask(self, height: int, width: int) -> Mask:
        """As `Shape.mask`."""
        _check_within(self, self.top, self.left, self.height, self.width, (height, width))
        return self.clipped(height, width)

    def clipped(self, height: int, width: int) -> Mask:
        """The same of what of it lies on the image."""
        rows = _between(self.top, self.top + self.height, height)
        columns = _between(self.left, self.left + self.width, width)
        inside = np.zeros((height, width), bool)
        inside[rows[0] : rows[1], columns[0] : columns[1]] = True
        return inside


@dataclass(frozen=True)
class Polygon(Shape):
    """A polygon, in place of a mask: see `regions=` of `Probe`.

    A pixel is inside where its centre is; where edges cross each other, by the even-odd rule.

    Args:
      points: its corners in order, (x, y) each: pixels from the left and the upper edge of the
        viewed image. The last one is joined to the first.

    Raises:
      TypeError, ValueError: these are no three points, or no numbers.

    Example:
        triangle = summary.Polygon([(0, 0), (8, 0), (0, 8)])
        probe = summary.Probe("p", np.zeros((2, 28, 28, 1)), regions={"corner": triangle})
        assert probe.regions[0]["corner"].sum() == 28
    """

    points: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        given = self.points
        if isinstance(given, str) or not hasattr(given, "__len__"):
            raise TypeError(f"points of a polygon of type {type(given).__name__}: pass [(x, y), …]")
        if len(given) < 3:
            raise ValueError(f"a polygon of {len(given)} points: pass three (x, y) or more")
        points = []
        for each in given:
            if isinstance(each, str) or not hasattr(each, "__len__") or len(each) != 2:
                raise TypeError(f"a polygon has the point {each!r}: pass (x, y)")
            x, y = (_number("a point of a polygon", value) for value in each)
            points.append((x, y))
        object.__setattr__(self, "points", tuple(points))

    def __repr__(self) -> str:
        return f"Polygon of {len(self.points)} points"

    def mask(self, height: int, width: int) -> Mask:
        """As `Shape.mask`."""
        x, y = np.array(self.points).T
        _check_within(self, y.min(), x.min(), np.ptp(y), np.ptp(x), (height, width))
        return self.clipped(height, width)

    def clipped(self, height: int, width: int) -> Mask:
        """The same of what of it lies on the image."""
        # Of each row, the columns from which on one is on the other side of an edge.
        turns = np.zeros((height, width + 1), bool)
        for edge in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            # From above, so that an edge is the same for the shape on its other side.
            (x, y), (to_x, to_y) = sorted(edge, key=lambda point: (point[1], point[0]))
            first, end = _between(y, to_y, height)
            if first >= end:
                continue
            rows = np.arange(first, end)
            crossed = x + (rows + 0.5 - y) * ((to_x - x) / (to_y - y))
            turns[rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)] ^= True
        inside: Mask = np.logical_xor.accumulate(turns, axis=1)[:, :width]
        return inside


def is_drawn(value: Any) -> bool:
    """Whether this is a shape, or a list of shapes, which is their union."""
    if isinstance(value, Shape):
        return True
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return listed and len(value) > 0 and all(isinstance(each, Shape) for each in value)


def drawn(value: Shape | Sequence[Shape], height: int, width: int) -> Mask:
    """The mask of a shape, or of the union of several.

    Raises:
      ValueError: one does not lie on the image.
    """
    each = [value] if isinstance(value, Shape) else value
    return reduce(np.logical_or, (shape.mask(height, width) for shape in each))


def _between(low: float, high: float, size: int) -> tuple[int, int]:
    """First pixel whose centre is at or beyond `low`, and first of those at or beyond `high`."""
    first, end = (min(max(math.ceil(value - 0.5), 0), size) for value in (low, high))
    return first, end


def _check_within(
    shape: Shape, top: float, left: float, height: float, width: float, size: tuple[int, int]
) -> None:
    least, most = min(top, left), max(top + height - size[0], left + width - size[1])
    if least < -SLACK or most > SLACK:
        raise ValueError(
            f"{shape} reaches beyond the image, {size[0]} x {size[1]}: give it in pixels of the"
            " viewed image"
        )


def _number(what: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} is {value!r}: pass a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{what} is {value!r}: pass a finite number")
    return number
