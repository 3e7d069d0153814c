"""Parts that records of several kinds hold: masks, regions, statistics, places of windows, segments."""

import functools
import math
import operator
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import distances
from tensorboard_picasso.numbers.maps import (
    LOCATED,
    SHARES,
    STATISTICS,
    Located,
    Share,
    Statistics,
)
from tensorboard_picasso.numbers.places import Placed
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.metadata import BASE_VERSION, SEGMENTS_VERSION, VOLUMES_VERSION
from tensorboard_picasso.stored.seal import RecordError, check_finite, inflate

MAX_SIDE = 1 << 14
MAX_PIXELS = 1 << 26
MAX_MASKED = 1 << 28
MAX_POSITIONS = 1 << 20
MAX_GRID = 1 << 24
MAX_CLASSES = 1 << 20
MAX_SEGMENTS = 1 << 12
# Pixels of a label map that is remembered.
MAX_KEPT = 1 << 20
# How a PNG begins.
PNG = b"\x89PNG\r\n\x1a\n"


def check_shape(height: int, width: int, depth: int = 0) -> None:
    """Raise where an image has no pixel, or more than are read.

    height: of a volume that of its sheet, all slices; depth: how many these are, 0: a picture.
    """
    if depth and (height % depth or depth > MAX_SIDE):
        raise RecordError(f"damaged record: {depth} slices in a height of {height}")
    side = height // max(1, depth)
    if not (0 < side <= MAX_SIDE and 0 < width <= MAX_SIDE and height * width <= MAX_PIXELS):
        raise RecordError(f"damaged record: shape {height}x{width} is out of bounds")


def first_version(height: int, placed: Placed | None = None) -> int:
    """The first version of the format that knows such an image, and such places.

    height: as of `check_shape`.
    """
    if height > MAX_SIDE or (placed is not None and len(placed.fronts)):
        # A reader of before would take the windows of all fronts for those of one slice.
        return VOLUMES_VERSION
    if placed is not None and placed.segments is not None:
        return SEGMENTS_VERSION  # a reader of before would find no map
    return BASE_VERSION


def png_shape(png: bytes) -> tuple[int, int] | None:
    """Height and width that a PNG's head says; None where nobody decodes it."""
    if png[:8] != PNG or png[12:16] != b"IHDR" or len(png) < 24:
        return None
    width, height = struct.unpack(">II", png[16:24])
    return height, width


def check_masks(count: int, height: int, width: int) -> None:
    """Raise where masks of one record are more than are made."""
    # A byte of zlib may stand for a thousand of a mask, and masks may be many.
    if count * height * width > MAX_MASKED:
        raise RecordError(f"damaged record: {count} masks of {height}x{width} are out of bounds")


def pack_mask(mask: NDArray[np.bool_] | None) -> bytes:
    """A mask as zlib of packed bits, row-major; nothing for none."""
    return b"" if mask is None else zlib.compress(np.packbits(np.asarray(mask, bool)).tobytes())


def unpack_mask(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """A mask, (height, width)."""
    count = height * width
    bits = np.frombuffer(inflate(data, -(-count // 8)), np.uint8)
    return np.unpackbits(bits, count=count).reshape(height, width).astype(bool)


# What a region's numbers are compared with, where a record has it.
REFERENCES = ("ceiling", "tolerance", "chance_pointing", "chance_iou")


@dataclass(frozen=True)
class Region:
    """What a region's share is to be compared with.

    area: share of the image's area.
    ceiling: share that a model would give that uses this region alone and evenly, for methods
      with a grid; no bound, as one that uses its middle alone gives more.
    tolerance: how far the region is grown for the pointing game, pixels.
    chance_pointing, chance_iou: what a map gives that has nothing to do with the region.
      These three are None in older records.
    """

    name: str
    area: float
    ceiling: float | None = None
    tolerance: float | None = None
    chance_pointing: float | None = None
    chance_iou: float | None = None


def pack_regions(regions: Sequence[Region]) -> list[record_pb2.Region]:
    """Regions' references as messages."""
    return [record_pb2.Region(**vars(region)) for region in regions]


def unpack_regions(messages: Sequence[record_pb2.Region]) -> tuple[Region, ...]:
    """Regions' references."""
    result = []
    for region in messages:
        known = {name: getattr(region, name) for name in REFERENCES if region.HasField(name)}
        check_finite("a region's reference", region.area, *known.values())
        result.append(Region(region.name, region.area, **known))
    return tuple(result)


def pack_statistics(statistics: Statistics) -> record_pb2.Statistics:
    """Statistics as a message, whose fields have their names."""
    message = record_pb2.Statistics(
        **{name: getattr(statistics, name) for name in STATISTICS},
        shares=[
            record_pb2.Share(**{name: getattr(share, name) for name in SHARES})
            for share in statistics.shares
        ],
    )
    for name in LOCATED:
        getattr(message, name).extend(getattr(each, name) for each in statistics.located)
    return message


_numbers: Callable[[record_pb2.Statistics], tuple[Any, ...]] = operator.attrgetter(*STATISTICS)
_parts: Callable[[record_pb2.Share], tuple[Any, ...]] = operator.attrgetter(*SHARES)
_located: Callable[[record_pb2.Statistics], tuple[Sequence[float], ...]] = operator.attrgetter(
    *LOCATED
)


def unpack_statistics(message: record_pb2.Statistics) -> Statistics:
    """Statistics of a map, with the shares of regions."""
    shares = tuple(Share(*_parts(share)) for share in message.shares)
    check_located(message)
    located = tuple(starmap(Located, zip(*_located(message), strict=True)))
    return Statistics(*(*_numbers(message), shares, located))


def check_located(message: record_pb2.Statistics) -> None:
    """Raise where the numbers of regions are not of all regions or none, or out of bounds."""
    for values in _located(message):
        if len(values) not in (0, len(message.shares)) or len(values) != len(message.iou):
            raise RecordError("damaged record: regions and where they are found differ in length")
        if any(value < 0 or value > 1 for value in values):
            raise RecordError("damaged record: a share beyond 1")


def located_of(message: record_pb2.Statistics, regions: int) -> list[float]:
    """Of each region where it is found, in the order of the names; NaN where that is not known."""
    check_located(message)
    known = [number for each in zip(*_located(message), strict=True) for number in each]
    if len(known) not in (0, regions * len(LOCATED)):
        raise RecordError("damaged record: regions and where they are found differ in length")
    return known or [math.nan] * (regions * len(LOCATED))


def numbers_of(message: record_pb2.Statistics) -> list[float]:
    """Statistics in the order of their names, then the parts of each region's share."""
    numbers = [*_numbers(message)]
    for share in message.shares:
        numbers += _parts(share)
    return numbers


class Windows(NamedTuple):
    """Where windows lie; names as of `Placed`."""

    window: tuple[int, int]
    tops: NDArray[np.uint32]
    lefts: NDArray[np.uint32]
    fronts: NDArray[np.uint32]
    window_depth: int

    @property
    def shape(self) -> tuple[int, int]:
        """That of values: (tops, lefts), of volumes (fronts · tops, lefts)."""
        return max(1, len(self.fronts)) * len(self.tops), len(self.lefts)


def unpack_geometry(
    message: record_pb2.Grid | record_pb2.Mean, height: int, width: int, depth: int
) -> Windows:
    """Windows that lie within the image; height, depth: as of `check_shape`."""
    window = (message.window_height, message.window_width)
    side = height // max(1, depth)
    starts, extents, sizes = [message.tops, message.lefts], [*window], [side, width]
    if depth or message.fronts or message.window_depth:
        starts, extents, sizes = (
            [message.fronts, *starts], [message.window_depth, *extents], [depth, *sizes]
        )  # fmt: skip
    for start, extent, size in zip(starts, extents, sizes, strict=True):
        if not 0 < extent <= size or max(start, default=0) + extent > size:
            raise RecordError("damaged record: a window lies outside the image")
        # So there are no more than the side has pixels, whatever the record claims.
        if sorted(set(start)) != list(start):
            raise RecordError("damaged record: places of windows do not ascend")
    fronts = list(message.fronts)
    if depth and fronts[-1:] != [depth - message.window_depth]:
        raise RecordError("damaged record: windows do not end with the last slice")
    tops, lefts = np.array(message.tops[:], np.uint32), np.array(message.lefts[:], np.uint32)
    return Windows(window, tops, lefts, np.array(fronts, np.uint32), message.window_depth)


def check_positions(shape: tuple[int, ...]) -> None:
    """Raise where the windows of a grid are more than are read."""
    if shape[0] * shape[1] > MAX_POSITIONS:
        raise RecordError(f"damaged record: {shape[0]}x{shape[1]} windows are out of bounds")


def unpack_positions(data: bytes, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    """Four bytes a window position, as an array of this shape."""
    check_positions(shape)
    if len(data) != 4 * math.prod(shape):
        raise RecordError("damaged record: the grid's values do not fill its shape")
    return np.frombuffer(data, kind).reshape(shape)


def unpack_distances(
    data: bytes, shape: tuple[int, ...], whole: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Values of a shape, which were stored as their distances from whole."""
    check_positions(shape)
    if math.prod(shape) > MAX_GRID:
        raise RecordError(f"damaged record: a grid of {math.prod(shape)} is out of bounds")
    return distances.unpack(inflate(data, distances.packed_size(shape)), shape, whole)


def pack_labels(labels: NDArray[np.int16]) -> bytes:
    """Which segment each pixel is of, as zlib of little-endian numbers, row-major."""
    return zlib.compress(np.ascontiguousarray(labels, "<i2").tobytes())


def unpack_labels(data: bytes, count: int, height: int, width: int) -> NDArray[np.int16]:
    """The segment of each pixel, (height, width), of so many; -1: of none.

    Mostly it is that of the record before: then it is the same array, unless it is large.
    """
    small = height * width <= MAX_KEPT
    return (_kept_labels if small else _labels)(data, count, height, width)


def _labels(data: bytes, count: int, height: int, width: int) -> NDArray[np.int16]:
    if not 0 < count <= MAX_SEGMENTS:
        raise RecordError(f"damaged record: {count:,} segments are out of bounds")
    labels = np.frombuffer(inflate(data, 2 * height * width), "<i2").reshape(height, width)
    if labels.min() < -1 or labels.max() != count - 1 or not _all_there(labels):
        raise RecordError("damaged record: its pixels are of other segments than it has")
    return labels


def _all_there(labels: NDArray[np.int16]) -> bool:
    """Whether each segment has a pixel."""
    return bool(np.bincount(1 + labels.ravel())[1:].all())


_kept_labels = functools.lru_cache(4)(_labels)
