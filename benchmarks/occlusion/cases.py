"""What is measured: a model, a window and a stride, in one framework."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Boxes = NDArray[np.int64]

FRAMEWORKS = ("tensorflow", "torch")
# Side and channels of the images, and (window, stride), pixels.
MODELS = {
    "cnn28": (28, 1, ((4, 1), (8, 2))),
    "resnet20": (32, 3, ((4, 1), (8, 2))),
    "mobilenetv2": (224, 3, ((32, 16), (16, 8))),
    "resnet50": (224, 3, ((32, 16), (16, 8))),
    "vgg16": (224, 3, ((32, 16), (16, 8))),
}
# What no other framework here has.
OF_TORCH = {"vitb16": (224, 3, ((32, 16), (16, 8)))}
QUICK = ("cnn28 4/1", "resnet20 8/2", "mobilenetv2 32/16")
# tf-explain fills windows with this number and no other, so all do.
FILL = 127.5


@dataclass(frozen=True)
class Case:
    """One row of the tables."""

    model: str
    window: int
    stride: int
    framework: str

    @property
    def name(self) -> str:
        """The model and its windows, as `--rows` takes it."""
        return f"{self.model} {self.window}/{self.stride}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image: height, width, channels."""
        side, channels, _ = {**MODELS, **OF_TORCH}[self.model]
        return side, side, channels

    def boxes(
        self, stride: int | None = None, *, down_first: bool = False, cut: bool = False
    ) -> Boxes:
        """(n, 4): top, left, height, width of each window.

        Args:
          stride: of a tool that has another.
          down_first: whether a tool goes down before it goes right.
          cut: whether its last windows are cut off by the edge.
        """
        end = self.shape[0] - (1 if cut else self.window)
        starts = range(0, end + 1, stride or self.stride)
        corners = [(b, a) if down_first else (a, b) for a in starts for b in starts]
        return np.array([(top, left, self.window, self.window) for top, left in corners], np.int64)


def every_case() -> Iterator[Case]:
    """All rows, the cheap ones first."""
    for model, (_, _, windows) in MODELS.items():
        for window, stride in windows:
            for framework in FRAMEWORKS:
                yield Case(model, window, stride, framework)


def images(count: int, shape: tuple[int, int, int]) -> Array:
    """Made-up images (count, h, w, c) with values of 0 to 255: coarse patches under noise."""
    random = np.random.default_rng(0)
    height, width, channels = shape
    coarse = random.random((count, 7, 7, channels))
    rows, columns = (np.arange(side) * 7 // side for side in (height, width))
    noise = random.random((count, *shape))
    return (255 * (0.7 * coarse[:, rows][:, :, columns] + 0.3 * noise)).astype(np.float32)


def occluded(image: Array, boxes: Boxes) -> Array:
    """One image (h, w, c) with each box filled, (boxes, h, w, c)."""
    batch = np.repeat(image[None], len(boxes), axis=0)
    for each, (top, left, height, width) in zip(batch, boxes, strict=True):
        each[top : top + height, left : left + width] = FILL
    return batch
