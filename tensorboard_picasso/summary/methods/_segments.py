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

from tensorboard_picasso.numbers import volumes
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

Box = tuple[int, ...]
# What a box is made of, by how many numbers.
_BOXES = {4: "(top, left, height, width)", 6: "(front, top, left, depth, height, width)"}


class Parting(abc.ABC):
    """How images are parted into segments."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What legends call it."""

    @abc.abstractmethod
    def labels(self, probe: Probe, index: int) -> Labels:
        """The segment of each pixel of an image, from 0 on; -1: of none.

        (height, width), of a volume (depth, height, width).

        Raises:
          ValueError: it has none, or too many.
        """


@dataclass(frozen=True, eq=False)
class LabelMaps(Parting):
    """Label maps, one for all images or one each.

    volume: of an array that may be one of pictures each, the same as one of volumes.
    """

    maps: tuple[Labels, ...]
    each: bool
    volume: Labels | None = None

    @property
    def name(self) -> str:
        """See `Parting.name`."""
        return "label map"

    def labels(self, probe: Probe, index: int) -> Labels:
        """See `Parting.labels`."""
        if self.volume is not None and probe.depth(index):
            labels = self.volume
        else:
            at = _place(probe, index, len(self.maps), self.each, "label maps")
            labels = self.maps[at]
        shape = probe.images[index].shape[:-1]
        if labels.shape != shape:
            sizes = f"{_sides(labels.shape)}, image {index} {_sides(shape)}"
            raise ValueError(f"segments= is {sizes}: pass a label map of the viewed image's size")
        return labels if self.volume is None else _checked(labels, "segments=")


@dataclass(frozen=True, eq=False)
class Boxes(Parting):
    """Boxes (top, left, height, width), the same in all images or a list for each.

    Of volumes (front, top, left, depth, height, width).
    """

    boxes: tuple[tuple[Box, ...], ...]
    each: bool

    @property
    def name(self) -> str:
        """See `Parting.name`."""
        return "boxes"

    def labels(self, probe: Probe, index: int) -> Labels:
        """See `Parting.labels`."""
        boxes = self.boxes[_place(probe, index, len(self.boxes), self.each, "lists of boxes")]
        size = probe.images[index].shape[:-1]
        labels = np.full(size, -1, np.int16)
        for number, box in enumerate(boxes):
            if len(box) != 2 * len(size):
                raise ValueError(
                    f"box {box} of image {index} of {_sides(size)}: pass {_BOXES[2 * len(size)]} in"
                    " its pixels"
                )
            lows, extents = box[: len(size)], box[len(size) :]
            window = tuple(
                slice(low, low + extent) for low, extent in zip(lows, extents, strict=True)
            )
            sides = zip(lows, extents, size, strict=True)
            if any(low < 0 or extent < 1 or low + extent > side for low, extent, side in sides):
                raise ValueError(
                    f"box {box} lies outside image {index} of {_sides(size)}: pass"
                    f" {_BOXES[len(box)]} in its pixels"
                )
            if (other := int(labels[window].max())) >= 0:
                raise ValueError(
                    f"boxes {boxes[other]} and {box} overlap: pass those that do not, or each in an"
                    " Occlusion of its own with another label="
                )
            labels[window] = number
        return _checked(labels, f"segments= of image {index}")


@dataclass(frozen=True)
class Slic(Parting):
    """Superpixels of what is shown of each image, of volumes supervoxels, computed once a probe."""

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
            kept[key] = self._made(probe.shown(index).png, probe.depth(index))
        labels: Labels = kept[key]
        return labels

    def _made(self, png: bytes, depth: int) -> Labels:
        try:
            segmentation = importlib.import_module("skimage.segmentation")
        except ModuleNotFoundError as e:
            raise ValueError(
                "segments='slic': scikit-image is not installed: pip install"
                " 'tensorboard-picasso[segments]'"
            ) from e
        pixels = volumes.natural(np.asarray(Image.open(BytesIO(png)).convert("RGB")), depth)
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
        if array.ndim == 3:
            # One each of pictures, or one of volumes: what is wrong shows once these are known.
            return LabelMaps(tuple(map(_numbered, array)), True, _numbered(array))
        listed = array.ndim == 4
        maps = list(array) if listed else [array]
    if not maps or any(one.ndim not in (2, 3) for one in maps):
        raise ValueError(
            f"segments= has shape {np.shape(maps[0]) if maps else ()}: pass a label map (height,"
            " width) or (depth, height, width), one an image, or boxes as lists of (top, left,"
            " height, width)"
        )
    return LabelMaps(tuple(_compact(one, "segments=") for one in maps), listed)


def hiding(image: Array, filled: Array, labels: Labels) -> Hiding:
    """An image, with nothing hidden first and then each of its segments."""
    count = int(labels.max()) + 1
    numbers = np.append(_NOTHING, np.arange(count)).astype(np.int16)
    return Hiding(image, filled, boxes_of(labels, count), Segments(labels, numbers))


def boxes_of(labels: Labels, count: int) -> NDArray[np.int64]:
    """The least box (1 + segments, 4 or 6) around each segment; the first one is empty."""
    axes = labels.ndim
    ends = np.zeros((1 + count, 2 * axes), np.int64)
    places = np.nonzero(labels >= 0)
    of_each = 1 + labels[places].astype(np.int64)
    for axis, (at, size) in enumerate(zip(places, labels.shape, strict=True)):
        low, high = np.full(1 + count, size), np.zeros(1 + count, np.int64)
        np.minimum.at(low, of_each, at)
        np.maximum.at(high, of_each, at + 1)
        ends[1:, axis], ends[1:, axis + axes] = low[1:], (high - low)[1:]
    return ends


def _place(probe: Probe, index: int, count: int, each: bool, what: str) -> int:
    """Which of so many is an image's."""
    if each and count != len(probe):
        raise ValueError(f"segments= has {count} {what} for {len(probe)} images: pass one each")
    return index if each else 0


def _box(given: Sequence[Any]) -> Box:
    numbers = [each for each in given if isinstance(each, int | np.integer)]
    other = any(isinstance(each, bool) for each in given) or len(numbers) != len(given)
    if other or len(given) not in _BOXES:
        raise ValueError(
            f"segments= has box {given!r}: pass (top, left, height, width) in pixels, or of volumes"
            f" {_BOXES[6]}"
        )
    return tuple(map(int, numbers))


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _numbered(labels: Array, what: str = "segments=") -> Array:
    """Labels as numbers from 0 on, in their order, and -1: those below 0 are of no segment."""
    if labels.dtype.kind not in "biu":
        raise ValueError(f"{what} holds {labels.dtype}: pass integers, such as labels.astype(int)")
    values, places = np.unique(labels, return_inverse=True)
    below = int((values < 0).sum())
    numbers = np.maximum(places.reshape(labels.shape) - below, -1)
    many = len(values) - below > MAX_SEGMENTS
    numbered: Array = numbers.astype(np.int32 if many else np.int16)
    numbered.setflags(write=False)
    return numbered


def _compact(labels: Array, what: str, remedy: str = _SEVERAL) -> Labels:
    return _checked(_numbered(labels, what), what, remedy)


def _check_count(count: int, what: str) -> None:
    if count > MAX_SEGMENTS:
        raise ValueError(f"{what} has {count} segments: pass at most {MAX_SEGMENTS}")


def _checked(labels: Array, what: str, remedy: str = _SEVERAL) -> Labels:
    """Numbers of segments, if they are several, and not too many."""
    _check_count(int(labels.max()) + 1, what)
    if labels.min() == labels.max():
        raise ValueError(f"{what} has one part alone: pass {remedy}")
    labels.setflags(write=False)
    return labels
