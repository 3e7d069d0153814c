"""What is measured: a model, a window and a stride, in one framework."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.reuse.rects import slices_of

Array = NDArray[np.float32]
Boxes = NDArray[np.int64]
Models = dict[str, tuple[int, int, tuple[tuple[int, int], ...]]]

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
# Of volumes, which are measured where they are asked for: their side, and the same.
VOLUMES = {"cnn3d64": (64, 1, ((16, 8), (8, 4)))}
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
    def axes(self) -> int:
        """How many axes of an image have places: three of a volume."""
        return 3 if self.model in VOLUMES else 2

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image: height, width, channels; of a volume depth before them."""
        side, channels, _ = {**MODELS, **OF_TORCH, **VOLUMES}[self.model]
        return (*(side,) * self.axes, channels)

    def boxes(
        self, stride: int | None = None, *, down_first: bool = False, cut: bool = False
    ) -> Boxes:
        """(n, 4): top, left, height, width of each window; of volumes (n, 6), as of `Hiding`.

        Args:
          stride: of a tool that has another.
          down_first: whether a tool goes down before it goes right.
          cut: whether its last windows are cut off by the edge.
        """
        end = self.shape[0] - (1 if cut else self.window)
        starts = range(0, end + 1, stride or self.stride)
        corners = itertools.product(starts, repeat=self.axes)
        sides = (self.window,) * self.axes
        return np.array(
            [(*(corner[::-1] if down_first else corner), *sides) for corner in corners], np.int64
        )


def every_case() -> Iterator[Case]:
    """All rows of pictures, the cheap ones first."""
    yield from _cases(MODELS)


def volume_cases() -> Iterator[Case]:
    """All rows of volumes."""
    yield from _cases(VOLUMES)


def _cases(models: Models) -> Iterator[Case]:
    for model, (_, _, windows) in models.items():
        for window, stride in windows:
            for framework in FRAMEWORKS:
                yield Case(model, window, stride, framework)


def images(count: int, shape: tuple[int, ...]) -> Array:
    """Made-up images (count, h, w, c), or volumes, with values of 0 to 255: coarse patches under noise."""
    random = np.random.default_rng(0)
    *sides, channels = shape
    coarse = random.random((count, *(7,) * len(sides), channels))
    places = (np.arange(side) * 7 // side for side in sides)
    noise = random.random((count, *shape))
    return (255 * (0.7 * coarse[np.ix_(np.arange(count), *places)] + 0.3 * noise)).astype(
        np.float32
    )


def occluded(image: Array, boxes: Boxes) -> Array:
    """One image (h, w, c), or volume, with each box filled, (boxes, h, w, c)."""
    batch = np.repeat(image[None], len(boxes), axis=0)
    for each, window in zip(batch, slices_of(boxes), strict=True):
        each[window] = FILL
    return batch
