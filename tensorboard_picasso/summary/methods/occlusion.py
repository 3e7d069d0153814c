"""Occlusion: what hiding a window does to the scores.

Zeiler & Fergus 2014, arXiv 1311.2901.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso import maps
from tensorboard_picasso.maps import Sign
from tensorboard_picasso.record import Grid
from tensorboard_picasso.summary.methods.base import Answer, Method, Subject
from tensorboard_picasso.summary.probe import FILLS, Probe

Size = int | float | tuple[int | float, int | float]

# Up to so many classes all are stored, beyond that the targets.
ALL_CLASSES = 10


@dataclass(frozen=True)
class Occlusion(Method):
    """Slide a filled window over the image and record the log-odds at each place.

    Args:
      window: height and width of the window: pixels, or a fraction of the
        image; one number or a pair. Default 1/7 of each side.
      stride: distance between positions, likewise. Default 1/14.
      positions: instead of a stride, how many positions a side, spread evenly.
      fill: what the window is filled with: "mean" (of the image, per channel),
        "grey", "black", "white", "blur", "noise", or a value.
      label: the tag's last part.

    Raises:
      ValueError: a size that cannot be used.
    """

    name: ClassVar[str] = "occlusion"
    window: Size | None = None
    stride: Size | None = None
    positions: int | None = None
    fill: Any = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        for option in ("window", "stride"):
            value = getattr(self, option)
            for each in value if isinstance(value, tuple | list) else (value,):
                if each is None:
                    continue
                number = isinstance(each, int | float | np.number) and not isinstance(each, bool)
                fraction = isinstance(each, float)
                if not number or each <= 0 or (fraction and each > 1):
                    raise ValueError(f"{option}={value!r}: pass pixels, or a fraction up to 1.0")
            if isinstance(value, tuple | list) and len(value) != 2:
                raise ValueError(f"{option}={value!r}: pass (height, width)")
        if self.positions is not None:
            if self.stride is not None:
                raise ValueError("pass stride or positions, not both")
            if not isinstance(self.positions, int) or self.positions < 2:
                raise ValueError(f"positions={self.positions!r}: pass a number from 2")
        if isinstance(self.fill, str) and self.fill not in FILLS:
            raise ValueError(f"fill={self.fill!r}: pass one of {', '.join(FILLS)} or a value")

    def geometry(
        self, shape: tuple[int, int]
    ) -> tuple[tuple[int, int], NDArray[np.int64], NDArray[np.int64]]:
        """Window (height, width), tops and lefts for an image of this shape.

        The last row and column are pulled in, so that every pixel is covered.

        Raises:
          ValueError: a window larger than the image, or gaps between windows.
        """
        sides = [self._side(axis, size, shape) for axis, size in enumerate(shape)]
        return (sides[0][0], sides[1][0]), sides[0][1], sides[1][1]

    def _side(self, axis: int, size: int, shape: tuple[int, int]) -> tuple[int, NDArray[np.int64]]:
        window = _pixels(self.window, axis, size, 1 / 7)
        if window > size:
            raise ValueError(f"window {window} exceeds image {shape[0]}x{shape[1]}")
        if self.positions is not None:
            starts = np.linspace(0, size - window, min(self.positions, size - window + 1))
            starts = np.rint(starts).astype(np.int64)
            gap = int(np.diff(starts).max(initial=0))
        else:
            gap = _pixels(self.stride, axis, size, 1 / 14)
            starts = np.append(np.arange(0, size - window, gap), size - window)
        if gap > window:
            raise ValueError(
                f"windows of {window} pixels every {gap} leave gaps: enlarge the window"
                " or take more positions"
            )
        return window, starts

    def explain(self, subject: Subject, targets: Sequence[int]) -> Answer:
        """See `Method.explain`."""
        height, width = subject.image.shape[:2]
        window, tops, lefts = self.geometry((height, width))
        # The first box hides nothing: the whole image, scored in the same pass.
        boxes = [(0, 0, 0, 0)]
        boxes += [(top, left, *window) for top in tops for left in lefts]
        raw = subject.backend.occluded_scores(
            subject.image,
            np.array(boxes, np.int64),
            subject.probe.filled(subject.index, self.fill),
            subject.probe.model_input,
        )
        log_odds = subject.log_odds(raw).astype(np.float32)
        count = log_odds.shape[1]
        classes = np.arange(count) if count <= ALL_CLASSES else np.array(sorted(targets))
        values = log_odds[1:, classes].reshape(len(tops), len(lefts), len(classes))
        grid = Grid(window, tops, lefts, classes, log_odds[0, classes], values)
        painted = {}
        for target in targets:
            column = int(np.flatnonzero(classes == target)[0])
            important = maps.importance(values[:, :, column], grid.whole[column])
            painted[target] = maps.paint(important, tops, lefts, window, (height, width))
        return Answer(
            sign=Sign.CONTRIBUTION,
            unit="value" if subject.output is maps.Output.RAW else "log-odds",
            score="value" if subject.output is maps.Output.RAW else "log-odds",
            maps=painted,
            parameters={"fill": subject.probe.fill_name(self.fill)},
            grid=grid,
            rounding=float(np.finfo(np.float32).eps * max(1.0, np.abs(raw).max())),
        )

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        _, tops, lefts = self.geometry(probe.images[0].shape[:2])
        return f"{self.label} {len(tops)}×{len(lefts)}"


def _pixels(value: Size | None, axis: int, size: int, default: float) -> int:
    if isinstance(value, tuple | list):
        value = value[axis]
    if value is None:
        value = float(default)
    if isinstance(value, float):
        return max(1, round(value * size))
    return int(value)
