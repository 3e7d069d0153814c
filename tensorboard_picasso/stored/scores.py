"""The stored format: records to bytes and back; the only writer and reader.

A record is a protobuf sealed with a version and a checksum (`record.proto`;
`docs/format.md` describes it in one page). Logs are untrusted: shapes and
decompressed sizes are bounded before anything is allocated.
"""

import math
import operator
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import distances, maps
from tensorboard_picasso.numbers.maps import Output, Precision, Share, Sign, Statistics
from tensorboard_picasso.numbers.moves import Move, move
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.metadata import FORMAT_VERSION

_Packed = TypeVar("_Packed", bytes, list[bytes])

MAX_SIDE = 1 << 14
MAX_PIXELS = 1 << 26
MAX_POSITIONS = 1 << 20
MAX_GRID = 1 << 24
MAX_CLASSES = 1 << 20
MAX_MASKED = 1 << 28
# Bytes of a record without pictures or planes: its parts take up to fifty times as much.
MAX_RECORD = 1 << 24
MAX_PARTS = 1 << 12
MAX_MEMBERS = 1 << 16
MAX_SHARES = 1 << 18
# Of a dataset's examples: whole numbers that a browser keeps apart.
MAX_SOURCES = 1 << 53


class RecordError(ValueError):
    """Bytes that are not a record, with the reason (damaged, as a rule), or what cannot be one."""


class NewerRecordError(RecordError):
    """A record of a newer format than this version reads."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(
            f"written in format {version}, newer than {FORMAT_VERSION}: update tensorboard-picasso"
        )


@dataclass(frozen=True)
class Hidden:
    """Scores with a whole region filled: `values` as in `Scores`.

    move: how the answer over all classes differs from that of the whole image; None in
      older records, of raw values, and where a score is no number. `Scores.move_of` knows more.
    """

    region: str
    fill: str
    values: NDArray[np.float32]
    move: Move | None = None


@dataclass(frozen=True)
class Scores:
    """What the model said of one image at one step.

    classes: class of each value, ascending: all up to 100, beyond that the top
      20 and all targets.
    values: log-odds, float32; for `Output.RAW` the value itself.
    targets: the classes explained at this step.
    lasting: those of them kept because they headed the prediction for long.
    dropped: lasting classes that lost their place at this step.
    value_name: what the values of `Output.RAW` are called; empty: "value".
    independent: each class is a label of its own, true or not, whatever the others are:
      values are logits, and predicted are those from zero on. `Output.LOGITS` are then
      those before a sigmoid.
    nth: this record's number, from 1, among those that the same process wrote of the image;
      0: not known. since: step of the first of them.
    superseded: how many records of earlier processes stood in the log from there on; 0
      also where that was not known.
    """

    output: Output
    class_count: int
    classes: NDArray[np.uint32]
    values: NDArray[np.float32]
    input_hash: bytes
    hidden: tuple[Hidden, ...] = ()
    epoch: float | None = None
    targets: tuple[int, ...] = ()
    lasting: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    value_name: str = ""
    independent: bool = False
    nth: int = 0
    since: int = 0
    superseded: int = 0

    def move_of(self, hidden: Hidden) -> Move | None:
        """How hiding a region moves the answer: as recorded, else from the scores.

        None of raw values, of scores that are no numbers, and of older records that keep
        some of the classes only.
        """
        if hidden.move is not None or self.output is Output.RAW:
            return hidden.move
        if len(self.classes) < self.class_count:
            return None
        return move(self.values, hidden.values, self.independent)


@dataclass(frozen=True)
class Region:
    """What a region's share is to be compared with.

    area: share of the image's area.
    ceiling: share that a model using only this region would reach, for methods
      with a grid.
    """

    name: str
    area: float
    ceiling: float | None = None


@dataclass(frozen=True)
class Target:
    """One explained class.

    whole: its log-odds for the whole image.
    agreement: rank correlation of its map with that of `Attribution.second_seed`, both
      as stored; NaN where there is none, None where no second seed was computed.
    """

    index: int
    whole: float
    statistics: Statistics
    agreement: float | None = None


@dataclass(frozen=True)
class Grid:
    """Occlusion's values: log-odds at each window position.

    window: height and width, pixels. tops, lefts: first row and column of each
    position. classes: of the last axis. whole: (classes,) the image unoccluded.
    values: float32 (tops, lefts, classes).
    """

    window: tuple[int, int]
    tops: NDArray[np.uint32]
    lefts: NDArray[np.uint32]
    classes: NDArray[np.uint32]
    whole: NDArray[np.float32]
    values: NDArray[np.float32]


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


@dataclass(frozen=True)
class Member:
    """One image of a mean: `target` is the class that its importance is for."""

    image: int
    target: int
    input_hash: bytes


@dataclass(frozen=True)
class Mean:
    """The mean over several images of a method's importance at each window position.

    sign, unit, parameters: what was used. height, width: of each image, pixels.
    members: the images. labelled: whether their targets are their labels; else
      they are what was predicted at this step.
    window, tops, lefts: as in `Grid`.
    means: float32 (tops, lefts), over the members that are finite there; NaN
      where none is.
    errors: float32 (tops, lefts), standard error of the mean; NaN below two.
    counts: uint32 (tops, lefts), how many members are finite there.
    regions: those whose mask is the same in all members.
    statistics: of the painted means.
    """

    method: str
    label: str
    sign: Sign
    unit: str
    output: Output
    parameters: Mapping[str, str]
    height: int
    width: int
    members: tuple[Member, ...]
    labelled: bool
    window: tuple[int, int]
    tops: NDArray[np.uint32]
    lefts: NDArray[np.uint32]
    means: NDArray[np.float32]
    errors: NDArray[np.float32]
    counts: NDArray[np.uint32]
    regions: tuple[Region, ...]
    statistics: Statistics


@dataclass(frozen=True)
class Plane:
    """One target's map as stored; `Maps.decode` gives the numbers.

    peak: maximum of |value|. values, special: zlib (see record.proto).
    differences: whether `values` are those of `maps.differences`, only of `Precision.Q8`.
    """

    target: int
    peak: float
    values: bytes
    special: bytes = b""
    differences: bool = False


@dataclass(frozen=True)
class Maps:
    """Full-resolution maps of one image at one step, a plane a target.

    unseen: (height, width) bool, true where the model never sees the pixel;
      None where it sees all.
    """

    height: int
    width: int
    precision: Precision
    sign: Sign
    input_hash: bytes
    planes: tuple[Plane, ...]
    unseen: NDArray[np.bool_] | None = None

    @classmethod
    def encode(
        cls,
        values: Mapping[int, ArrayLike],
        sign: Sign,
        input_hash: bytes,
        precision: Precision = Precision.Q8,
        unseen: NDArray[np.bool_] | None = None,
    ) -> "Maps":
        """Store (height, width) maps, one a target."""
        planes = []
        shape: tuple[int, ...] = (0, 0)
        for target, value in values.items():
            array = np.asarray(value, np.float64)
            shape = array.shape
            finite = np.abs(array[np.isfinite(array)])
            if precision is Precision.Q8:
                level, peak, special = maps.quantise(array, sign)
                marks = zlib.compress(special.tobytes()) if special.any() else b""
                planes.append(Plane(target, peak, *_deflated(level, marks)))
            else:
                peak = float(finite.max(initial=0.0))
                half = precision is Precision.FLOAT16 and peak
                scaled = array * (HALF_PEAK / peak) if half else array
                data = scaled.astype(_FLOATS[precision]).tobytes()
                planes.append(Plane(target, peak, zlib.compress(data)))
        return cls(shape[0], shape[1], precision, sign, input_hash, tuple(planes), unseen)

    def check(self, target: int) -> None:
        """See that the map of one target can be decoded, without making it.

        Raises:
          RecordError: it cannot.
        """
        plane = self._plane(target)
        count = self.height * self.width
        floats = _FLOATS.get(self.precision)
        _check_inflated(plane.values, count * (floats.itemsize if floats else 1))
        if plane.special and floats is None:
            _check_inflated(plane.special, count)

    def peak(self, target: int) -> float:
        """The maximum of |value| of one target's map: what its levels are fractions of."""
        return self._plane(target).peak

    def _plane(self, target: int) -> Plane:
        return next(each for each in self.planes if each.target == target)

    def decode(self, target: int) -> NDArray[np.float32]:
        """The map of one target, (height, width) float32."""
        plane = self._plane(target)
        count = self.height * self.width
        shape = (self.height, self.width)
        if self.precision is not Precision.Q8:
            floats = _FLOATS[self.precision]
            data = _inflate(plane.values, count * floats.itemsize)
            found = np.frombuffer(data, floats).reshape(shape).astype(np.float32)
            half = self.precision is Precision.FLOAT16 and plane.peak
            return (found * (plane.peak / HALF_PEAK)).astype(np.float32) if half else found
        kind = np.uint8 if self.sign is Sign.UNSIGNED else np.int8
        level = np.frombuffer(_inflate(plane.values, count), np.uint8).reshape(shape)
        if plane.differences:
            level = maps.summed(level)
        value = maps.dequantise(level.view(kind), plane.peak, self.sign)
        if plane.special:
            special = np.frombuffer(_inflate(plane.special, count), np.uint8).reshape(shape)
            for code, mark in ((1, np.nan), (2, np.inf), (3, -np.inf)):
                value[special == code] = mark
        return value


@dataclass(frozen=True)
class Input:
    """What is shown of one image, and what is known of it.

    png: the viewed image, or the caller's `display=` of the same size.
    label: the one true class. labels: where any number may be true, those that are,
      ascending; None where not.
    regions: named (height, width) bool masks.
    source_index: of the example in the dataset that the image was drawn from.
    """

    png: bytes
    height: int
    width: int
    hash: bytes
    name: str = ""
    label: int | None = None
    class_names: tuple[str, ...] = ()
    regions: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    display: bool = False
    unseen: NDArray[np.bool_] | None = None
    source_index: int | None = None
    labels: tuple[int, ...] | None = None

    @property
    def truths(self) -> tuple[int, ...] | None:
        """The true classes; None where they are not known."""
        return self.labels if self.label is None else (self.label,)


# Sealing


def _checksum(version: int, payload: bytes) -> int:
    """CRC-32 over the version, four little-endian bytes, then the payload."""
    return zlib.crc32(payload, zlib.crc32(version.to_bytes(4, "little")))


def _seal(message: Message) -> bytes:
    payload = message.SerializeToString(deterministic=True)
    return record_pb2.Sealed(
        version=FORMAT_VERSION,
        crc32=_checksum(FORMAT_VERSION, payload),
        payload=payload,
    ).SerializeToString()


def _readable(data: _Packed, unpack: Callable[[_Packed], Any]) -> _Packed:
    """What is about to be written, once a reader has taken it."""
    try:
        unpack(data)
    except RecordError as e:
        raise RecordError(str(e).replace("damaged record", "it cannot be recorded")) from e
    return data


def _unseal(data: bytes, message: type[Any], limit: int | None = MAX_RECORD) -> Any:
    if limit is not None and len(data) > limit:
        raise RecordError(f"damaged record: {len(data):,} bytes are out of bounds")
    try:
        sealed = record_pb2.Sealed.FromString(data)
    except DecodeError as e:
        raise RecordError("damaged record: it cannot be parsed") from e
    if sealed.crc32 != _checksum(sealed.version, sealed.payload) or not sealed.version:
        raise RecordError("damaged record: its checksum does not match")
    if sealed.version > FORMAT_VERSION:
        raise NewerRecordError(sealed.version)
    try:
        return message.FromString(sealed.payload)
    except DecodeError as e:
        raise RecordError("damaged record: it cannot be parsed") from e


# Parts


# Mean change of levels from pixel to pixel up to which differences may be smaller; above it
# they are not tried, as compressing takes longer than all else.
SMOOTH = 16


def _deflated(level: NDArray[Any], special: bytes) -> tuple[bytes, bytes, bool]:
    """A plane's `values`, `special` and `differences`, in the way that takes fewer bytes."""
    values = zlib.compress(level.tobytes())
    changes = maps.differences(level)
    if np.abs(changes.view(np.int8).astype(np.int16)).mean() <= SMOOTH:
        smooth = zlib.compress(changes.tobytes())
        if len(smooth) < len(values):
            return smooth, special, True
    return values, special, False


# What the peak of a float16 plane is stored as: as far from the smallest number as it goes.
HALF_PEAK = 2.0**15

_FLOATS: dict[Precision, np.dtype[Any]] = {
    Precision.FLOAT16: np.dtype("<f2"),
    Precision.FLOAT32: np.dtype("<f4"),
}


def _inflate(data: bytes, size: int) -> bytes:
    """Decompress to exactly `size` bytes, never allocating more."""
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, max(size, 1))  # 0 would be no limit
        done = stream.eof or not stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as e:
        raise RecordError("damaged record: it cannot be decompressed") from e
    if len(plain) != size or not done:
        raise RecordError(f"damaged record: not {size} bytes once decompressed")
    return plain


def _check_inflated(data: bytes, size: int) -> None:
    """Raise as `_inflate`, and keep nothing."""
    stream, done, rest = zlib.decompressobj(), 0, data
    try:
        while not stream.eof and done <= size:
            part = stream.decompress(rest, 1 << 20)
            rest = stream.unconsumed_tail
            done += len(part)
            if not part and not rest:
                break
    except zlib.error as e:
        raise RecordError("damaged record: it cannot be decompressed") from e
    if done != size:
        raise RecordError(f"damaged record: not {size} bytes once decompressed")


def _check_shape(height: int, width: int) -> None:
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE and height * width <= MAX_PIXELS):
        raise RecordError(f"damaged record: shape {height}x{width} is out of bounds")


def _pack_mask(mask: NDArray[np.bool_] | None) -> bytes:
    return b"" if mask is None else zlib.compress(np.packbits(np.asarray(mask, bool)).tobytes())


def _unpack_mask(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    count = height * width
    bits = np.frombuffer(_inflate(data, -(-count // 8)), np.uint8)
    return np.unpackbits(bits, count=count).reshape(height, width).astype(bool)


def _check_finite(name: str, *values: float) -> None:
    """JSON has no NaN: one in a header would spoil a whole answer."""
    if not all(map(math.isfinite, values)):
        raise RecordError(f"damaged record: {name} is not finite")


def _check_masks(count: int, height: int, width: int) -> None:
    # A byte of zlib may stand for a thousand of a mask, and masks may be many.
    if count * height * width > MAX_MASKED:
        raise RecordError(f"damaged record: {count} masks of {height}x{width} are out of bounds")


def _enum(kind: type[Any], wrapper: Any, number: int) -> Any:
    try:
        return kind[wrapper.Name(number)]
    except (KeyError, ValueError) as e:
        raise RecordError(f"damaged record: unknown {kind.__name__.lower()} {number}") from e


def _number(wrapper: Any, value: Any) -> Any:
    return wrapper.Value(value.name)


def _check_parts(limit: int = MAX_PARTS, /, **parts: Collection[Any]) -> None:
    """An empty part takes two bytes of a log and hundreds of memory."""
    for name, each in parts.items():
        if len(each) > limit:
            raise RecordError(f"damaged record: {len(each):,} {name} are out of bounds")


def _same_length(name: str, first: Sequence[Any], second: Sequence[Any]) -> None:
    if len(first) != len(second):
        raise RecordError(f"damaged record: {name} differ in length")


# Records


def _pack_hidden(hidden: Hidden) -> record_pb2.Hidden:
    message = record_pb2.Hidden(
        region=hidden.region,
        fill=hidden.fill,
        values=np.asarray(hidden.values, np.float32).tolist(),
    )
    if hidden.move is not None:
        message.moves = hidden.move.moves
        message.flips = hidden.move.flips
        message.predicted = hidden.move.predicted
    return message


def pack_scores(scores: Scores) -> bytes:
    """`Scores` to bytes.

    Raises:
      RecordError: a reader would not take it.
    """
    message = record_pb2.Scores(
        output=_number(record_pb2.Output, scores.output),
        class_count=scores.class_count,
        classes=np.asarray(scores.classes).tolist(),
        values=np.asarray(scores.values, np.float32).tolist(),
        hidden=[_pack_hidden(each) for each in scores.hidden],
        input_hash=scores.input_hash,
        targets=scores.targets,
        lasting=scores.lasting,
        dropped=scores.dropped,
        value_name=scores.value_name,
        independent=scores.independent,
        nth=scores.nth,
        since=scores.since,
        superseded=scores.superseded,
    )
    if scores.epoch is not None:
        message.epoch = scores.epoch
    return _readable(_seal(message), unpack_scores)


def unpack_scores(data: bytes) -> Scores:
    """Bytes to `Scores`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _unseal(data, record_pb2.Scores)
    _same_length("classes and values", message.classes, message.values)
    _check_parts(hidden=message.hidden)
    for each in message.hidden:
        _same_length("classes and hidden values", message.classes, each.values)
    if message.class_count > MAX_CLASSES or max(message.classes, default=-1) >= message.class_count:
        raise RecordError(f"damaged record: classes exceed their count {message.class_count}")
    _check_finite("epoch", message.epoch)
    output = _enum(Output, record_pb2.Output, message.output)
    moves = [_unpack_move(each, message.class_count) for each in message.hidden]
    return Scores(
        output=output,
        class_count=message.class_count,
        classes=np.array(message.classes[:], np.uint32),
        values=np.array(message.values[:], np.float32),
        hidden=tuple(
            Hidden(each.region, each.fill, np.array(each.values[:], np.float32), moved)
            for each, moved in zip(message.hidden, moves, strict=True)
        ),
        input_hash=message.input_hash,
        epoch=message.epoch if message.HasField("epoch") else None,
        targets=tuple(message.targets),
        lasting=tuple(message.lasting),
        dropped=tuple(message.dropped),
        value_name=message.value_name,
        # Older records do not say so; of two classes one may be the other's opposite.
        independent=message.independent or (output is Output.SIGMOID and message.class_count > 2),
        nth=message.nth,
        since=message.since,
        superseded=message.superseded,
    )


def _unpack_move(message: record_pb2.Hidden, class_count: int) -> Move | None:
    there = {name: message.HasField(name) for name in ("moves", "flips", "predicted")}
    if not any(there.values()):
        return None
    lacking = [name for name, held in there.items() if not held]
    if lacking:
        raise RecordError(f"damaged record: a hidden region without {lacking[0]}")
    # One score alone stands for two classes.
    if not 0 <= message.moves <= 1 or message.predicted >= max(class_count, 2):
        raise RecordError("damaged record: what hiding a region moves is out of bounds")
    return Move(message.moves, message.flips, message.predicted)


_NUMBERS = (
    "minimum", "maximum", "positive", "negative", "p50", "p99", "p999", "nan", "infinite", "count",
)  # fmt: skip


def _pack_statistics(statistics: Statistics) -> record_pb2.Statistics:
    return record_pb2.Statistics(
        **{name: getattr(statistics, name) for name in _NUMBERS},
        shares=[
            record_pb2.Share(positive=each.positive, negative=each.negative, absolute=each.absolute)
            for each in statistics.shares
        ],
    )


_numbers: Callable[[record_pb2.Statistics], tuple[Any, ...]] = operator.attrgetter(*_NUMBERS)


def _unpack_statistics(message: record_pb2.Statistics) -> Statistics:
    shares = tuple(Share(each.positive, each.negative, each.absolute) for each in message.shares)
    return Statistics(*(*_numbers(message), shares))


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
    _same_length("classes and their scores", message.classes, message.whole)
    window, tops, lefts = _unpack_geometry(message, height, width)
    shape = (len(tops), len(lefts), len(message.classes))
    whole = np.array(message.whole[:], np.float32)
    if not with_values:
        values = np.empty((0, 0, 0), np.float32)
    elif message.HasField("distances"):
        _check_positions(shape)
        if math.prod(shape) > MAX_GRID:
            raise RecordError(f"damaged record: a grid of {math.prod(shape)} is out of bounds")
        plain = _inflate(message.distances, distances.packed_size(shape))
        values = distances.unpack(plain, shape, whole)
    else:
        values = _unpack_positions(message.values, shape, "<f4")
    classes = np.array(message.classes[:], np.uint32)
    return Grid(window, tops, lefts, classes, whole, values)


def _unpack_geometry(
    message: record_pb2.Grid | record_pb2.Mean, height: int, width: int
) -> tuple[tuple[int, int], NDArray[np.uint32], NDArray[np.uint32]]:
    """Window, tops and lefts of windows that lie within the image."""
    window = (message.window_height, message.window_width)
    for starts, extent, size in zip(
        (message.tops, message.lefts), window, (height, width), strict=True
    ):
        if not 0 < extent <= size or max(starts, default=0) + extent > size:
            raise RecordError("damaged record: a window lies outside the image")
    return window, np.array(message.tops[:], np.uint32), np.array(message.lefts[:], np.uint32)


def _check_positions(shape: tuple[int, ...]) -> None:
    if shape[0] * shape[1] > MAX_POSITIONS:
        raise RecordError(f"damaged record: {shape[0]}x{shape[1]} windows are out of bounds")


def _unpack_positions(data: bytes, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    _check_positions(shape)
    if len(data) != 4 * math.prod(shape):
        raise RecordError("damaged record: the grid's values do not fill its shape")
    return np.frombuffer(data, kind).reshape(shape)


def _pack_regions(regions: Sequence[Region]) -> list[record_pb2.Region]:
    return [
        record_pb2.Region(name=each.name, area=each.area, ceiling=each.ceiling) for each in regions
    ]


def _unpack_regions(messages: Sequence[record_pb2.Region]) -> tuple[Region, ...]:
    for each in messages:
        _check_finite("a region's reference", each.area, each.ceiling)
    return tuple(
        Region(each.name, each.area, each.ceiling if each.HasField("ceiling") else None)
        for each in messages
    )


def pack_attribution(attribution: Attribution) -> bytes:
    """`Attribution` to bytes; raises as `pack_scores`."""
    message = record_pb2.Method(
        method=attribution.method,
        label=attribution.label,
        sign=_number(record_pb2.Sign, attribution.sign),
        unit=attribution.unit,
        score=attribution.score,
        layer=attribution.layer,
        parameters=dict(attribution.parameters),
        input_hash=attribution.input_hash,
        output=_number(record_pb2.Output, attribution.output),
        height=attribution.height,
        width=attribution.width,
        regions=_pack_regions(attribution.regions),
        targets=[
            record_pb2.Target(
                index=each.index,
                whole=each.whole,
                statistics=_pack_statistics(each.statistics),
                agreement=each.agreement,
            )
            for each in attribution.targets
        ],
    )
    if attribution.seed is not None:
        message.seed = attribution.seed
    if attribution.second_seed is not None:
        message.second_seed = attribution.second_seed
    if attribution.grid is not None:
        message.grid.CopyFrom(_pack_grid(attribution.grid))
    if attribution.precision is not None:
        message.precision = _number(record_pb2.Precision, attribution.precision)
    return _readable(_seal(message), unpack_attribution)


def unpack_attribution(data: bytes, values: bool = True) -> Attribution:
    """Bytes to `Attribution`.

    values: whether those of the grid are wanted; else they are an empty array.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _unseal(data, record_pb2.Method)
    _check_shape(message.height, message.width)
    _check_parts(regions=message.regions, targets=message.targets, parameters=message.parameters)
    if len(message.regions) * len(message.targets) > MAX_SHARES:
        raise RecordError("damaged record: shares of regions are out of bounds")
    regions = _unpack_regions(message.regions)
    for each in message.targets:
        _same_length("regions and shares", message.regions, each.statistics.shares)
        if abs(each.agreement) > 1:
            raise RecordError("damaged record: a correlation beyond 1")
    return Attribution(
        method=message.method,
        label=message.label,
        sign=_enum(Sign, record_pb2.Sign, message.sign),
        unit=message.unit,
        score=message.score,
        output=_enum(Output, record_pb2.Output, message.output),
        height=message.height,
        width=message.width,
        input_hash=message.input_hash,
        targets=tuple(
            Target(
                each.index,
                each.whole,
                _unpack_statistics(each.statistics),
                each.agreement if each.HasField("agreement") else None,
            )
            for each in message.targets
        ),
        regions=regions,
        layer=message.layer,
        seed=message.seed if message.HasField("seed") else None,
        second_seed=message.second_seed if message.HasField("second_seed") else None,
        parameters=dict(message.parameters),
        grid=(
            _unpack_grid(message.grid, message.height, message.width, values)
            if message.HasField("grid")
            else None
        ),
        precision=(
            _enum(Precision, record_pb2.Precision, message.precision) if message.precision else None
        ),
    )


def pack_mean(mean: Mean) -> bytes:
    """`Mean` to bytes; raises as `pack_scores`."""
    everywhere = (np.asarray(mean.counts) == len(mean.members)).all()
    message = record_pb2.Mean(
        method=mean.method,
        label=mean.label,
        sign=_number(record_pb2.Sign, mean.sign),
        unit=mean.unit,
        output=_number(record_pb2.Output, mean.output),
        parameters=dict(mean.parameters),
        height=mean.height,
        width=mean.width,
        members=[
            record_pb2.Member(image=each.image, target=each.target, input_hash=each.input_hash)
            for each in mean.members
        ],
        labelled=mean.labelled,
        window_height=mean.window[0],
        window_width=mean.window[1],
        tops=np.asarray(mean.tops).tolist(),
        lefts=np.asarray(mean.lefts).tolist(),
        means=np.asarray(mean.means, "<f4").tobytes(),
        errors=np.asarray(mean.errors, "<f4").tobytes(),
        counts=b"" if everywhere else np.asarray(mean.counts, "<u4").tobytes(),
        regions=_pack_regions(mean.regions),
        statistics=_pack_statistics(mean.statistics),
    )
    return _readable(_seal(message), unpack_mean)


def unpack_mean(data: bytes) -> Mean:
    """Bytes to `Mean`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _unseal(data, record_pb2.Mean)
    _check_shape(message.height, message.width)
    _same_length("regions and shares", message.regions, message.statistics.shares)
    if not message.members:
        raise RecordError("damaged record: a mean of no image")
    _check_parts(regions=message.regions, parameters=message.parameters)
    _check_parts(MAX_MEMBERS, members=message.members)
    window, tops, lefts = _unpack_geometry(message, message.height, message.width)
    shape = (len(tops), len(lefts))
    means = _unpack_positions(message.means, shape, "<f4")
    return Mean(
        method=message.method,
        label=message.label,
        sign=_enum(Sign, record_pb2.Sign, message.sign),
        unit=message.unit,
        output=_enum(Output, record_pb2.Output, message.output),
        parameters=dict(message.parameters),
        height=message.height,
        width=message.width,
        members=tuple(Member(each.image, each.target, each.input_hash) for each in message.members),
        labelled=message.labelled,
        window=window,
        tops=tops,
        lefts=lefts,
        means=means,
        errors=_unpack_positions(message.errors, shape, "<f4"),
        counts=(
            _unpack_positions(message.counts, shape, "<u4")
            if message.counts
            else np.full(shape, len(message.members), np.uint32)
        ),
        regions=_unpack_regions(message.regions),
        statistics=_unpack_statistics(message.statistics),
    )


def pack_maps(stored: Maps) -> list[bytes]:
    """`Maps` to the elements of a blob sequence: a header, then one plane a target.

    Raises as `pack_scores`.
    """
    header = record_pb2.MapHeader(
        height=stored.height,
        width=stored.width,
        precision=_number(record_pb2.Precision, stored.precision),
        sign=_number(record_pb2.Sign, stored.sign),
        targets=[plane.target for plane in stored.planes],
        input_hash=stored.input_hash,
        unseen=_pack_mask(stored.unseen),
    )
    planes = [
        record_pb2.Plane(
            target=each.target,
            peak=each.peak,
            values=each.values,
            special=each.special,
            differences=each.differences,
        )
        for each in stored.planes
    ]
    return _readable([_seal(header), *map(_seal, planes)], unpack_maps)


def unpack_map_header(data: bytes) -> Maps:
    """The first element of a blob sequence: `Maps` without its planes.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _unseal(data, record_pb2.MapHeader, None)
    _check_shape(message.height, message.width)
    return Maps(
        height=message.height,
        width=message.width,
        precision=_enum(Precision, record_pb2.Precision, message.precision),
        sign=_enum(Sign, record_pb2.Sign, message.sign),
        input_hash=message.input_hash,
        planes=(),
        unseen=_unpack_mask(message.unseen, message.height, message.width)
        if message.unseen
        else None,
    )


def unpack_plane(data: bytes) -> Plane:
    """One further element of a blob sequence, still compressed.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _unseal(data, record_pb2.Plane, None)
    _check_finite("peak", message.peak)
    return Plane(message.target, message.peak, message.values, message.special, message.differences)


def unpack_maps(elements: Sequence[bytes]) -> Maps:
    """All elements of a blob sequence to `Maps`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    if not elements:
        raise RecordError("damaged record: no header")
    return replace(unpack_map_header(elements[0]), planes=tuple(map(unpack_plane, elements[1:])))


def pack_input(shown: Input) -> bytes:
    """`Input` to bytes; raises as `pack_scores`."""
    message = record_pb2.Input(
        png=shown.png,
        height=shown.height,
        width=shown.width,
        hash=shown.hash,
        name=shown.name,
        class_names=shown.class_names,
        regions=[
            record_pb2.Mask(name=name, bits=_pack_mask(mask))
            for name, mask in shown.regions.items()
        ],
        display=shown.display,
        unseen=_pack_mask(shown.unseen),
        labels=shown.labels,
        multilabel=shown.labels is not None,
    )
    if shown.label is not None:
        message.label = shown.label
    if shown.source_index is not None:
        message.source_index = shown.source_index
    return _readable(_seal(message), unpack_input)


def unpack_input(data: bytes) -> Input:
    """Bytes to `Input`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _open_input(data)
    height, width = message.height, message.width
    return replace(
        _plain(message),
        regions={each.name: _unpack_mask(each.bits, height, width) for each in message.regions},
        unseen=_unpack_mask(message.unseen, height, width) if message.unseen else None,
    )


@dataclass(frozen=True)
class Bits:
    """Masks of an image as packed bits, row-major, most significant bit first."""

    regions: tuple[tuple[str, bytes], ...]
    unseen: bytes | None


def unpack_shown(data: bytes, room: Callable[[int], None]) -> tuple[Input, Bits]:
    """`unpack_input` with the masks beside it, still packed.

    room: is told how many bytes they take before any is made.
    """
    message = _open_input(data)
    size = -(-message.height * message.width // 8)
    room(size * (len(message.regions) + bool(message.unseen)))
    regions = tuple((each.name, _inflate(each.bits, size)) for each in message.regions)
    unseen = _inflate(message.unseen, size) if message.unseen else None
    return _plain(message), Bits(regions, unseen)


def unpack_picture(data: bytes, unseen: Callable[[int], None] | None = None) -> Input:
    """`unpack_input` without regions, of which none is made.

    unseen: is told how many bytes the mask of unseen pixels takes, before it is made; without,
      it is not made either.
    """
    message = _open_input(data)
    found = _plain(message)
    if unseen is None or not message.unseen:
        return found
    unseen(found.height * found.width)
    return replace(found, unseen=_unpack_mask(message.unseen, found.height, found.width))


def _open_input(data: bytes) -> Any:
    message = _unseal(data, record_pb2.Input, None)
    _check_shape(message.height, message.width)
    _check_parts(regions=message.regions)
    _check_masks(len(message.regions) + 1, message.height, message.width)
    if message.source_index >= MAX_SOURCES:
        raise RecordError(f"damaged record: example {message.source_index} of a dataset")
    return message


def _plain(message: record_pb2.Input) -> Input:
    return Input(
        png=message.png,
        height=message.height,
        width=message.width,
        hash=message.hash,
        name=message.name,
        label=message.label if message.HasField("label") else None,
        class_names=tuple(message.class_names),
        display=message.display,
        source_index=message.source_index if message.HasField("source_index") else None,
        labels=_unpack_labels(message) if message.multilabel else None,
    )


def _unpack_labels(message: record_pb2.Input) -> tuple[int, ...]:
    labels = tuple(message.labels)
    if message.HasField("label") or list(labels) != sorted(set(labels)):
        raise RecordError("damaged record: labels do not ascend, or stand beside one label")
    if labels and labels[-1] >= MAX_CLASSES:
        raise RecordError(f"damaged record: label {labels[-1]} is out of bounds")
    return labels
