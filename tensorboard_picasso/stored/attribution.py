"""Attributions: one method's answer for one image at one step, with occlusion's values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import distances
from tensorboard_picasso.numbers.maps import (
    LOCATED,
    SHARES,
    STATISTICS,
    Output,
    Precision,
    Sign,
    Statistics,
)
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.metadata import BASE_VERSION, FORMAT_VERSION
from tensorboard_picasso.stored.parts import (
    Region,
    check_shape,
    located_of,
    numbers_of,
    pack_labels,
    pack_regions,
    pack_statistics,
    unpack_distances,
    unpack_geometry,
    unpack_labels,
    unpack_positions,
    unpack_regions,
    unpack_statistics,
)
from tensorboard_picasso.stored.seal import (
    RecordError,
    check_lengths,
    check_parts,
    member_of,
    number_of,
    readable,
    seal,
    unseal,
)

MAX_SHARES = 1 << 18
# Settings of a series that are remembered at once.
MAX_KNOWN = 64


@dataclass(frozen=True)
class Target:
    """One explained class.

    whole: its log-odds for the whole image.
    agreement: rank correlation of its map with that of `Attribution.second_seed`, both
      as stored; NaN where there is none, None where no second seed was computed.
    second: statistics of that other map; None in older records too.
    """

    index: int
    whole: float
    statistics: Statistics
    agreement: float | None = None
    second: Statistics | None = None


@dataclass(frozen=True)
class Grid:
    """Occlusion's values: log-odds at each window position, or with each segment hidden.

    window: height and width, pixels. tops, lefts: first row and column of each
    position. classes: of the last axis. whole: (classes,) the image unoccluded.
    values: float32 (tops, lefts, classes).
    segments: int16 (height, width), the segment of each pixel, from 0 on, -1: of none; then
      there are no windows (window (0, 0), no tops, no lefts), and values are
      (segments, 1, classes).
    """

    window: tuple[int, int]
    tops: NDArray[np.uint32]
    lefts: NDArray[np.uint32]
    classes: NDArray[np.uint32]
    whole: NDArray[np.float32]
    values: NDArray[np.float32]
    segments: NDArray[np.int16] | None = None


@dataclass(frozen=True)
class Attribution:
    """One method's answer for one image at one step.

    sign, unit, score, layer, seed, parameters: what was used.
    height, width: of the viewed image, pixels.
    second_seed: that the maps were computed with too, only to tell how alike they are.
    grid: for methods that have one; otherwise the maps are a series of their
      own, stored in `precision`.
    """

    method: str
    label: str
    sign: Sign
    unit: str
    score: str
    output: Output
    height: int
    width: int
    input_hash: bytes
    targets: tuple[Target, ...]
    regions: tuple[Region, ...] = ()
    layer: str = ""
    seed: int | None = None
    second_seed: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    grid: Grid | None = None
    precision: Precision | None = None


def pack_attribution(attribution: Attribution) -> bytes:
    """`Attribution` to bytes; raises as `pack_scores`."""
    message = record_pb2.Method(
        method=attribution.method,
        label=attribution.label,
        sign=number_of(record_pb2.Sign, attribution.sign),
        unit=attribution.unit,
        score=attribution.score,
        layer=attribution.layer,
        parameters=dict(attribution.parameters),
        input_hash=attribution.input_hash,
        output=number_of(record_pb2.Output, attribution.output),
        height=attribution.height,
        width=attribution.width,
        regions=pack_regions(attribution.regions),
        targets=[
            record_pb2.Target(
                index=target.index,
                whole=target.whole,
                statistics=pack_statistics(target.statistics),
                agreement=target.agreement,
                second=None if target.second is None else pack_statistics(target.second),
            )
            for target in attribution.targets
        ],
    )
    if attribution.seed is not None:
        message.seed = attribution.seed
    if attribution.second_seed is not None:
        message.second_seed = attribution.second_seed
    version = BASE_VERSION
    if attribution.grid is not None and attribution.grid.segments is not None:
        message.segments.CopyFrom(_pack_segments(attribution.grid, attribution.grid.segments))
        version = FORMAT_VERSION  # a reader of before would find no map
    elif attribution.grid is not None:
        message.grid.CopyFrom(_pack_grid(attribution.grid))
    if attribution.precision is not None:
        message.precision = number_of(record_pb2.Precision, attribution.precision)
    return readable(seal(message, version), unpack_attribution)


def unpack_attribution(data: bytes, values: bool = True) -> Attribution:
    """Bytes to `Attribution`.

    values: whether those of the grid are wanted, with the pixels of segments; else they are empty
      arrays.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    return _unpack(unseal(data, record_pb2.Method), values)


def _unpack(message: record_pb2.Method, values: bool, bare: bool = False) -> Attribution:
    """What a message says; bare: its grid's numbers were taken out."""
    check_shape(message.height, message.width)
    check_parts(regions=message.regions, targets=message.targets, parameters=message.parameters)
    if len(message.regions) * len(message.targets) > MAX_SHARES:
        raise RecordError("damaged record: shares of regions are out of bounds")
    regions = unpack_regions(message.regions)
    for target in message.targets:
        check_lengths("regions and shares", message.regions, target.statistics.shares)
        if target.HasField("second"):
            check_lengths("regions and shares", message.regions, target.second.shares)
        if abs(target.agreement) > 1:
            raise RecordError("damaged record: a correlation beyond 1")
    return Attribution(
        method=message.method,
        label=message.label,
        sign=member_of(Sign, record_pb2.Sign, message.sign),
        unit=message.unit,
        score=message.score,
        output=member_of(Output, record_pb2.Output, message.output),
        height=message.height,
        width=message.width,
        input_hash=message.input_hash,
        targets=tuple(
            Target(
                target.index,
                target.whole,
                unpack_statistics(target.statistics),
                target.agreement if target.HasField("agreement") else None,
                unpack_statistics(target.second) if target.HasField("second") else None,
            )
            for target in message.targets
        ),
        regions=regions,
        layer=message.layer,
        seed=message.seed if message.HasField("seed") else None,
        second_seed=message.second_seed if message.HasField("second_seed") else None,
        parameters=dict(message.parameters),
        grid=_unpack_places(message, values, bare),
        precision=(
            member_of(Precision, record_pb2.Precision, message.precision)
            if message.precision
            else None
        ),
    )


@dataclass(frozen=True)
class MethodNumbers:
    """What differs from step to step of a method's record, its grid's values left out.

    settings: all else, without targets, hash, second seed and the grid's numbers: the same object
      where it is the same.
    targets: the classes explained. rows: of each its log-odds for the whole image, its statistics
      in the order of their names, then the three parts of each region's share. located: of each
      where each region is found, NaN where that is not known.
    whole: log-odds of the classes of the grid; None: there is none.
    agreements: with the second seed's maps, NaN for none. seconds: of each target the parts of
      each region's share in that other map and where it is found; NaN where that is not known.
    """

    settings: Attribution
    input_hash: bytes
    targets: tuple[int, ...]
    rows: list[float]
    located: list[float]
    whole: NDArray[np.float32] | None
    second_seed: int | None
    agreements: tuple[float, ...]
    seconds: list[float]


class MethodReader:
    """Unpacks records of a series that mostly have the same settings, which are then read once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Attribution] = {}

    def unpack(self, data: bytes) -> MethodNumbers:
        """Bytes to `MethodNumbers`; raises as `unpack_attribution`."""
        message = unseal(data, record_pb2.Method)
        check_parts(targets=message.targets)
        targets = list(message.targets)
        part = _places(message)
        whole = None if part is None else np.array(part.whole[:], np.float32)
        digest = message.input_hash
        second = message.second_seed if message.HasField("second_seed") else None
        rows: list[float] = []
        located: list[float] = []
        agreements = []
        seconds: list[float] = []
        regions = len(message.regions)
        shares = regions * len(SHARES)
        for target in targets:
            numbers = numbers_of(target.statistics)
            if len(numbers) != len(STATISTICS) + shares:
                raise RecordError("damaged record: regions and shares differ in length")
            agreement = target.agreement if target.HasField("agreement") else math.nan
            if abs(agreement) > 1:
                raise RecordError("damaged record: a correlation beyond 1")
            rows.append(target.whole)
            rows += numbers
            located += located_of(target.statistics, regions)
            agreements.append(agreement)
            if second is not None:
                seconds += _second(target, regions)
        indices = tuple(target.index for target in targets)
        settings = self._settings(message)
        if whole is not None and settings.grid and len(whole) != len(settings.grid.classes):
            raise RecordError("damaged record: classes and their scores differ in length")
        return MethodNumbers(
            settings, digest, indices, rows, located, whole, second, tuple(agreements), seconds
        )

    def _settings(self, message: record_pb2.Method) -> Attribution:
        if len(message.regions) * len(message.targets) > MAX_SHARES:
            raise RecordError("damaged record: shares of regions are out of bounds")
        for name in ("targets", "input_hash", "second_seed"):
            message.ClearField(name)
        part = _places(message)
        for name in _NUMBERS.get(type(part), ()):
            part.ClearField(name)
        key = message.SerializeToString(deterministic=True)
        if key not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = _unpack(message, False, True)
        return self._known[key]


def _second(target: record_pb2.Target, regions: int) -> list[float]:
    """Of each region its share in the second seed's map, then where it is found in it."""
    of = target.second
    if not target.HasField("second"):
        return [math.nan] * (regions * (len(SHARES) + len(LOCATED)))
    check_lengths("regions and shares", of.shares, range(regions))
    shares, located = numbers_of(of)[len(STATISTICS) :], located_of(of, regions)
    numbers: list[float] = []
    for place in range(regions):
        numbers += shares[place * len(SHARES) : (place + 1) * len(SHARES)]
        numbers += located[place * len(LOCATED) : (place + 1) * len(LOCATED)]
    return numbers


# What differs from step to step of a message of values.
_NUMBERS: dict[Any, tuple[str, ...]] = {
    record_pb2.Grid: ("whole", "values", "distances"),
    record_pb2.Segments: ("whole", "distances"),
}


def _places(message: record_pb2.Method) -> Any:
    """The message of values by window, or segment; None where the maps are stored in full."""
    for name in ("segments", "grid"):
        if message.HasField(name):
            return getattr(message, name)
    return None


def _unpack_places(message: record_pb2.Method, with_values: bool, bare: bool) -> Grid | None:
    part, size = _places(message), (message.height, message.width)
    if part is None:
        return None
    if not bare:
        check_lengths("classes and their scores", part.classes, part.whole)
    if message.HasField("segments"):
        return _unpack_segments(part, *size, with_values, with_values or bare)
    return _unpack_grid(part, *size, with_values)


def _pack_segments(grid: Grid, labels: NDArray[np.int16]) -> record_pb2.Segments:
    return record_pb2.Segments(
        count=len(grid.values),
        labels=pack_labels(labels),
        classes=np.asarray(grid.classes).tolist(),
        whole=np.asarray(grid.whole, np.float32).tolist(),
        distances=distances.pack(grid.values, grid.whole),
    )


def _unpack_segments(
    message: record_pb2.Segments, height: int, width: int, with_values: bool, with_labels: bool
) -> Grid:
    none, labels = np.empty(0, np.uint32), np.empty((0, 0), np.int16)
    if with_labels:
        labels = unpack_labels(message.labels, message.count, height, width)
    whole = np.array(message.whole[:], np.float32)
    values = np.empty((0, 0, 0), np.float32)
    if with_values:
        values = unpack_distances(message.distances, (message.count, 1, len(whole)), whole)
    classes = np.array(message.classes[:], np.uint32)
    return Grid((0, 0), none, none, classes, whole, values, labels)


def _pack_grid(grid: Grid) -> record_pb2.Grid:
    return record_pb2.Grid(
        window_height=grid.window[0],
        window_width=grid.window[1],
        tops=np.asarray(grid.tops).tolist(),
        lefts=np.asarray(grid.lefts).tolist(),
        classes=np.asarray(grid.classes).tolist(),
        whole=np.asarray(grid.whole, np.float32).tolist(),
        distances=distances.pack(grid.values, grid.whole),
    )


def _unpack_grid(message: record_pb2.Grid, height: int, width: int, with_values: bool) -> Grid:
    window, tops, lefts = unpack_geometry(message, height, width)
    shape = (len(tops), len(lefts), len(message.classes))
    whole = np.array(message.whole[:], np.float32)
    if not with_values:
        values = np.empty((0, 0, 0), np.float32)
    elif message.HasField("distances"):
        values = unpack_distances(message.distances, shape, whole)
    else:
        values = unpack_positions(message.values, shape, "<f4")
    classes = np.array(message.classes[:], np.uint32)
    return Grid(window, tops, lefts, classes, whole, values)
