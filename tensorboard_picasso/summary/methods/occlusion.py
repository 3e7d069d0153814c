"""Occlusion: what hiding a window, or a segment, does to the scores.

References:
  Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks",
  arXiv 1311.2901.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.stored.record import Grid
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.backends.base import Hiding
from tensorboard_picasso.summary.kit.images import flat
from tensorboard_picasso.summary.methods import _segments
from tensorboard_picasso.summary.methods._tokens import covered, covered_by
from tensorboard_picasso.summary.methods.base import (
    Answer,
    Floats,
    Method,
    Subject,
    pictures_alone,
    whole,
)
from tensorboard_picasso.summary.probe import fills
from tensorboard_picasso.summary.probe.probe import Probe

Size = int | float | tuple[int | float, ...]
Shape = tuple[int, ...]
Starts = NDArray[np.int64]

# Up to so many classes all are stored, beyond that the targets.
ALL_CLASSES = 10
# Seconds in which it is found out for a plan which way is faster.
PLANNING = 3.0
WINDOW = 1 / 7
STRIDE = 1 / 14
# Of volumes of several slices: of 343 windows, where the above would make 2,197.
WINDOW_3D = 1 / 4
STRIDE_3D = 1 / 8
# The sides of images by how many there are.
_SIDES = {2: "(height, width)", 3: "(depth, height, width)"}


@dataclass(frozen=True)
class Occlusion(Method):
    """Slide a filled window over the image, or fill its segments, and record the log-odds of each.

    Args:
      window: height and width of the window: an int is pixels, a float is a
        fraction of the image; one number or a pair, of volumes one number or (depth, height,
        width). Default 1/7 of each side, of volumes of several slices 1/4; with `positions`
        twice the distance between two of them.
      stride: distance between positions, likewise. Default 1/14, of volumes 1/8, which makes
        7 × 7 × 7 windows.
      positions: instead of a stride, how many positions a side, spread evenly.
      fill: what the window is filled with: "mean" (of the image, per channel),
        "grey", "black", "white", "blur", "noise", a number or one a channel; or
        "dropped tokens" of a vision transformer in PyTorch: it is not given those whose
        patches a window covers by half or more, instead of pixels painted over.
      segments: instead of windows, parts that do not overlap, hidden one at a time: a label map,
        integers (height, width), of volumes (depth, height, width), for all images, or one an
        image (a list, or an array with an axis more), negative where nothing is ever hidden;
        "slic", superpixels of what is shown, found once (needs scikit-image); or boxes, a list
        of (top, left, height, width) in pixels for all images, or one such list an image, of
        volumes (front, top, left, depth, height, width).
      count: of "slic", about how many segments; default 50.
      reuse: whether what a window cannot change is taken from the whole image's pass
        where that is faster; the numbers are the same but for rounding.
      label: last part of the tag.

    Windows that leave pixels between them uncovered are refused.

    Raises:
      ValueError: a size that cannot be used.

    Example:
        method = summary.Occlusion(window=8, stride=4, fill="grey")
        window, tops, lefts = method.geometry((28, 28))
        assert window == (8, 8)
        assert list(tops) == list(lefts) == [0, 4, 8, 12, 16, 20]
    """

    name: ClassVar[str] = "occlusion"
    paper: ClassVar[str] = "Zeiler & Fergus 2014, arXiv 1311.2901"
    window: Size | None = None
    stride: Size | None = None
    positions: int | None = None
    fill: Any = "mean"
    segments: Any = field(default=None, kw_only=True)
    count: int | None = field(default=None, kw_only=True)
    reuse: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for option in ("window", "stride"):
            value = getattr(self, option)
            sides = value if isinstance(value, tuple | list) else (value, value)
            if len(sides) not in _SIDES:
                raise ValueError(
                    f"{option}={value!r}: pass (height, width), or of volumes (depth, height, width)"
                )
            if value is not None and not all(map(_is_size, sides)):
                raise ValueError(f"{option}={value!r}: pass pixels (int), or a fraction up to 1.0")
        if self.positions is not None:
            if self.stride is not None:
                raise ValueError("pass stride= or positions=, not both")
            object.__setattr__(self, "positions", whole("positions", self.positions, 2))
        if self.segments is not None:
            if (self.window, self.stride, self.positions) != (None, None, None):
                raise ValueError("pass segments=, or window=, stride= and positions=, not both")
            object.__setattr__(self, "segments", _segments.read(self.segments, self.count))
        elif self.count is not None:
            raise ValueError(f"count={self.count!r} is of segments='slic': leave it out")
        if not self._drops:
            object.__setattr__(self, "fill", fills.plain(self.fill))

    @property
    def _drops(self) -> bool:
        return isinstance(self.fill, str) and self.fill == fills.DROPPED

    def geometry(self, shape: Shape) -> tuple[Shape, *tuple[Starts, ...]]:
        """Window (height, width), tops and lefts for an image of this shape, pixels.

        Of a volume (depth, height, width) its window likewise, fronts, tops and lefts. The last
        ones are pulled in, so that every pixel is covered.

        Raises:
          ValueError: a window larger than the image, or gaps between windows; segments.
        """
        if self.segments is not None:
            raise ValueError(f"{self.label} hides segments, no windows")
        sides = [self._side(axis, size, shape) for axis, size in enumerate(shape)]
        return tuple(window for window, _ in sides), *(starts for _, starts in sides)

    def _side(self, axis: int, size: int, shape: Shape) -> tuple[int, Starts]:
        default, stride_default = defaults(shape)
        if self.positions is not None:
            default = min(1.0, 2 / (self.positions + 1))
        window = _pixels("window", self.window, axis, shape, default)
        if window > size:
            raise ValueError(f"window {window} exceeds image {'x'.join(map(str, shape))}")
        last = size - window
        if self.positions is not None:
            starts = np.rint(np.linspace(0, last, min(self.positions, last + 1))).astype(np.int64)
        else:
            stride = _pixels("stride", self.stride, axis, shape, stride_default)
            starts = np.append(np.arange(0, last, stride, dtype=np.int64), last)
        gap = int(np.diff(starts).max(initial=0))
        if gap > window:
            closer = "a smaller stride=" if self.positions is None else "more positions="
            raise ValueError(
                f"windows of {window} pixels every {gap} leave gaps: pass a larger window= or"
                f" {closer}"
            )
        return window, starts

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.CONTRIBUTION

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return "1 score a window position"

    def check(self, probe: Probe) -> None:
        """See `Method.check`."""
        if self._drops:
            pictures_alone(probe, f"fill={self.fill!r}", "pass fill='mean'")
        for index, image in enumerate(probe.images):
            if self.segments is None:
                self.geometry(image.shape[:-1])
            else:
                self.segments.labels(probe, index)
            if not self._drops:
                probe.filled(index, self.fill)

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`."""
        answers: list[Answer] = []
        # Images share a sweep where the model is asked about them alike.
        for backend, group in groupby(subjects, lambda each: each.backend):
            some = list(group)
            raw = self.swept(backend, some[0].probe, [each.index for each in some])
            answers += [self._answer(*each) for each in zip(some, raw, strict=True)]
        return answers

    def plan(self, backend: Backend, probe: Probe) -> str:
        """How the windows of a probe's first image are computed, and why."""
        started = time.perf_counter()
        while True:
            self.swept(backend, probe, [0])
            if backend.sweep_decided or time.perf_counter() - started > PLANNING:
                return backend.sweep_told

    def swept(self, backend: Backend, probe: Probe, indices: Sequence[int]) -> list[NDArray[Any]]:
        """Raw scores (1 + windows, classes) of some images: first of the whole image."""
        if self._drops:
            return [self._dropped(backend, probe, index) for index in indices]
        hidings = [self._hiding(probe, index) for index in indices]
        in_place = probe.preprocess is None
        return backend.swept_scores(hidings, probe.model_input, in_place, self.reuse)

    def _hiding(self, probe: Probe, index: int) -> Hiding:
        image, filled = probe.images[index], probe.filled(index, self.fill)
        if self.segments is None:
            return Hiding(image, filled, self._boxes(image))
        return _segments.hiding(image, filled, self.segments.labels(probe, index))

    def _boxes(self, image: NDArray[Any]) -> Starts:
        """Windows (1 + windows, 4 or 6) as of `Hiding`, of which the first one hides nothing."""
        window, *starts = self.geometry(image.shape[:-1])
        axes = len(starts)
        corners = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, axes)
        boxes = np.zeros((1 + len(corners), 2 * axes), np.int64)
        boxes[1:, :axes], boxes[1:, axes:] = corners, window
        return boxes

    def _dropped(self, backend: Backend, probe: Probe, index: int) -> NDArray[Any]:
        image = probe.images[index]
        x = probe.model_input(image[None])
        grid = backend.tokens(x)
        if self.segments is None:
            dropped = covered(self._boxes(image), probe.align(index), grid)
        else:
            labels = self.segments.labels(probe, index)
            dropped = covered_by(labels, probe.align(index), grid)
        return backend.scores_without(x, dropped)

    def _answer(self, subject: Subject, raw: NDArray[Any]) -> Answer:
        probe = subject.probe
        parameters = {"fill": fills.DROPPED if self._drops else probe.fill_name(self.fill)}
        # Rounded before anything is made of it: readers have the stored numbers.
        log_odds = maps.single(subject.log_odds(raw))
        count = log_odds.shape[1]
        classes = np.arange(count) if count <= ALL_CLASSES else np.array(sorted(subject.targets))
        found = classes.astype(np.uint32), log_odds[0, classes]
        if self.segments is None:
            grid = self._grid(subject.image.shape[:-1], found, log_odds[1:, classes])
        else:
            parameters["segments"] = self.segments.name
            none = np.empty(0, np.uint32)
            labels = self.segments.labels(probe, subject.index)
            values = log_odds[1:, None, classes]
            grid = Grid((0, 0), none, none, *found, values, flat(labels))
        unit = subject.score_name("log-odds")
        return Answer(
            maps={target: _painted(grid, target, subject.shape) for target in subject.targets},
            unit=unit,
            score=unit,
            parameters=parameters,
            grid=grid,
            rounding=subject.rounding,
        )

    def _grid(
        self,
        shape: Shape,
        found: tuple[NDArray[np.uint32], NDArray[np.float32]],
        values: NDArray[np.float32],
    ) -> Grid:
        """The stored grid of values (windows, classes), with classes and what is said of the whole image."""
        window, *starts = self.geometry(shape)
        *fronts, tops, lefts = (each.astype(np.uint32) for each in starts)
        laid = values.reshape(-1, len(lefts), values.shape[-1])
        if not fronts:
            return Grid((window[0], window[1]), tops, lefts, *found, laid)
        depth, height, width = window
        return Grid(
            (height, width), tops, lefts, *found, laid, fronts=fronts[0], window_depth=depth
        )

    def coarser(self, probe: Probe) -> Self | None:
        """See `Method.coarser`; windows stay, and may not leave gaps."""
        if self.segments is not None:
            return None
        shape = probe.images[0].shape[:-1]
        stride: Size = defaults(shape)[1] if self.stride is None else self.stride
        try:
            if self.positions is None:
                sides = stride if isinstance(stride, tuple | list) else (stride,) * len(shape)
                coarser = replace(self, stride=tuple(2 * each for each in sides))
            else:
                # By itself the window of fewer positions would be larger.
                window = 2 / (self.positions + 1) if self.window is None else self.window
                coarser = replace(self, positions=(self.positions + 1) // 2, window=window)
            coarser.check(probe)
        except ValueError:
            return None
        return coarser

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        if self.segments is not None:
            count = int(self.segments.labels(probe, 0).max()) + 1
            return f"{self.label} {count} segments"
        _, *starts = self.geometry(probe.images[0].shape[:-1])
        return f"{self.label} {'×'.join(str(len(each)) for each in starts)}"


def _painted(grid: Grid, target: int, shape: tuple[int, int]) -> Floats:
    column = int(np.searchsorted(grid.classes, target))
    importance = maps.importance(grid.values[:, :, column], grid.whole[column])
    painted = places.paint(importance, grid, shape)
    return painted.astype(np.float64, copy=False)


def _is_size(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    return bool(0 < value <= 1 if isinstance(value, float | np.floating) else value > 0)


def defaults(shape: Shape) -> tuple[float, float]:
    """Window and stride, as shares of each side, where none are given.

    A volume of one slice is a picture.
    """
    return (WINDOW_3D, STRIDE_3D) if len(shape) == 3 and shape[0] > 1 else (WINDOW, STRIDE)


def _pixels(option: str, value: Size | None, axis: int, shape: Shape, default: float) -> int:
    if isinstance(value, tuple | list):
        if len(value) != len(shape):
            raise ValueError(
                f"{option}={value!r} of image {'x'.join(map(str, shape))}: pass one number, or"
                f" {_SIDES[len(shape)]}"
            )
        value = value[axis]
    if value is None:
        value = default
    if isinstance(value, float | np.floating):
        return max(1, round(value * shape[axis]))
    return int(value)
