"""Segments: parts of an image that are hidden one at a time, whatever their shape."""

import abc
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_picasso.numbers.places import Labels
from tensorboard_picasso.stored.record import MAX_SEGMENTS
from tensorboard_picasso.summary.backends.base import Array, Hiding, Segments
from tensorboard_picasso.summary.kit.images import to_numpy
from tensorboard_picasso.summary.methods.base import whole
from tensorboard_picasso.summary.probe.probe import Probe

# Of SLIC, about, where it is not said how many.
COUNT = 50
SLIC = "slic"
# The number of the box that hides nothing: no pixel has it.
_NOTHING = -2
_SEVERAL = "two segments or more"

Box = tuple[int, int, int, int]


class Parting(abc.ABC):
    """How images are parted into segments."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What legends call it."""

    @abc.abstractmethod
    def labels(self, probe: Probe, index: int) -> Labels:
        """The segment of each pixel of an image, (height, width), from 0 on; -1: of none.

        Raises:
          ValueError: it has none, or too many.
        """


@dataclass(frozen=True, eq=False)
class LabelMaps(Parting):
    """Label maps, one for all images or one each."""

    maps: tuple[Labels, ...]
    each: bool

    @property
    def name(self) -> str:
        """See `Parting.name`."""
        return "label map"

    def labels(self, probe: Probe, index: int) -> Labels:
        """See `Parting.labels`."""
        labels = self.maps[_place(probe, index, len(self.maps), self.each, "label maps")]
        shape = probe.images[index].shape[:2]
        if labels.shape != shape:
            sizes = f"{labels.shape[0]} x {labels.shape[1]}, image {index} {shape[0]} x {shape[1]}"
            raise ValueError(f"segments= is {sizes}: pass a label map of the viewed image's size")
        return labels


@dataclass(frozen=True, eq=False)
class Boxes(Parting):
    """Rectangles (top, left, height, width), the same in all images or a list for each."""

    boxes: tuple[tuple[Box, ...], ...]
    each: bool

    @property
    def name(self) -> str:
        """See `Parting.name`."""
        return "boxes"

    def labels(self, probe: Probe, index: int) -> Labels:
        """See `Parting.labels`."""
        boxes = self.boxes[_place(probe, index, len(self.boxes), self.each, "lists of boxes")]
        image = probe.images[index]
        size = image.shape[0], image.shape[1]
        labels = np.full(size, -1, np.int16)
        for number, (top, left, height, width) in enumerate(boxes):
            window = np.s_[top : top + height, left : left + width]
            sides = zip((top, left), (height, width), size, strict=True)
            if any(low < 0 or extent < 1 or low + extent > side for low, extent, side in sides):
                raise ValueError(
                    f"box {boxes[number]} lies outside image {index} of {size[0]} x"
                    f" {size[1]}: pass (top, left, height, width) in its pixels"
                )
            if (other := int(labels[window].max())) >= 0:
                raise ValueError(
                    f"boxes {boxes[other]} and {boxes[number]} overlap: pass those that do not, or"
                    " each in an Occlusion of its own with another label="
                )
            labels[window] = number
        return _checked(labels, f"segments= of image {index}")


@dataclass(frozen=True)
class Slic(Parting):
    """Superpixels of what is shown of each image, computed once a probe."""

    count: int

    @property
    def name(self) -> str:
        """See `Parting.name`."""
        return f"SLIC, about {self.count}"

    def labels(self, probe: Probe, index: int) -> Labels:
        """See `Parting.labels`."""
        kept = probe.kept.setdefault(__name__, {})
        key = self.count, probe.hashes[index]
        if key not in kept:
            kept[key] = self._made(probe.shown(index).png)
        labels: Labels = kept[key]
        return labels

    def _made(self, png: bytes) -> Labels:
        try:
            segmentation = importlib.import_module("skimage.segmentation")
        except ModuleNotFoundError as e:
            raise ValueError(
                "segments='slic': scikit-image is not installed: pip install"
                " 'tensorboard-picasso[segments]'"
            ) from e
        pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB"))
        found = segmentation.slic(pixels, n_segments=self.count, start_label=0, channel_axis=-1)
        return _compact(found, f"count={self.count}", "a larger count=")


def read(given: Any, count: int | None) -> Parting:
    """What `Occlusion(segments=)` was given.

    Raises:
      TypeError, ValueError: it cannot be read, whatever the images.
    """
    if isinstance(given, Parting):
        return given
    if isinstance(given, str) and given == SLIC:
        return Slic(whole("count", COUNT if count is None else count, 2))
    if count is not None:
        raise ValueError(f"count={count!r} is of segments='slic': leave it out")
    if isinstance(given, str):
        raise ValueError(f"segments={given!r}: pass 'slic', label maps or boxes")
    listed = isinstance(given, list | tuple)
    if listed and given and all(isinstance(each, list | tuple) for each in given):
        each = all(isinstance(box, list | tuple) for boxes in given for box in boxes)
        lists = given if each else [given]
        read_boxes = tuple(tuple(map(_box, boxes)) for boxes in lists)
        _check_count(max(map(len, read_boxes)), "segments=")
        return Boxes(read_boxes, each)
    if listed:
        maps = [to_numpy(one, "segments") for one in given]
    else:
        array = to_numpy(given, "segments")
        maps = list(array) if array.ndim == 3 else [array]
        listed = array.ndim == 3
    if not maps or any(one.ndim != 2 for one in maps):
        raise ValueError(
            f"segments= has shape {np.shape(maps[0]) if maps else ()}: pass a label map (height,"
            " width), one an image, or boxes as lists of (top, left, height, width)"
        )
    return LabelMaps(tuple(_compact(one, "segments=") for one in maps), listed)


def hiding(image: Array, filled: Array, labels: Labels) -> Hiding:
    """An image, with nothing hidden first and then each of its segments."""
    count = int(labels.max()) + 1
    numbers = np.append(_NOTHING, np.arange(count)).astype(np.int16)
    return Hiding(image, filled, boxes_of(labels, count), Segments(labels, numbers))


def boxes_of(labels: Labels, count: int) -> NDArray[np.int64]:
    """The least rectangle (1 + segments, 4) around each segment; the first one is empty."""
    ends = np.zeros((1 + count, 4), np.int64)
    places = np.nonzero(labels >= 0)
    of_each = 1 + labels[places].astype(np.int64)
    for axis, (at, size) in enumerate(zip(places, labels.shape, strict=True)):
        low, high = np.full(1 + count, size), np.zeros(1 + count, np.int64)
        np.minimum.at(low, of_each, at)
        np.maximum.at(high, of_each, at + 1)
        ends[1:, axis], ends[1:, axis + 2] = low[1:], (high - low)[1:]
    return ends


def _place(probe: Probe, index: int, count: int, each: bool, what: str) -> int:
    """Which of so many is an image's."""
    if each and count != len(probe):
        raise ValueError(f"segments= has {count} {what} for {len(probe)} images: pass one each")
    return index if each else 0


def _box(given: Sequence[Any]) -> Box:
    numbers = [each for each in given if isinstance(each, int | np.integer)]
    if len(given) != 4 or len(numbers) != 4 or any(isinstance(each, bool) for each in given):
        raise ValueError(f"segments= has box {given!r}: pass (top, left, height, width) in pixels")
    top, left, height, width = map(int, numbers)
    return top, left, height, width


def _compact(labels: Array, what: str, remedy: str = _SEVERAL) -> Labels:
    """Labels as numbers from 0 on, in their order; those below 0 are of no segment."""
    if labels.dtype.kind not in "biu":
        raise ValueError(f"{what} holds {labels.dtype}: pass integers, such as labels.astype(int)")
    values, places = np.unique(labels, return_inverse=True)
    below = int((values < 0).sum())
    _check_count(len(values) - below, what)
    numbers = np.maximum(places.reshape(labels.shape) - below, -1)
    return _checked(numbers.astype(np.int16), what, remedy)


def _check_count(count: int, what: str) -> None:
    if count > MAX_SEGMENTS:
        raise ValueError(f"{what} has {count} segments: pass at most {MAX_SEGMENTS}")


def _checked(labels: Labels, what: str, remedy: str = _SEVERAL) -> Labels:
    if labels.min() == labels.max():
        raise ValueError(f"{what} has one part alone: pass {remedy}")
    labels.setflags(write=False)
    return labels
