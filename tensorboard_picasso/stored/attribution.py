"""Attributions: one method's answer for one image at one step, with occlusion's grid."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
from tensorboard_picasso.stored.grid import (
    Grid,
    pack_grid,
    take_out_numbers,
    unpack_grid,
    values_of,
)
from tensorboard_picasso.stored.parts import (
    Region,
    check_shape,
    first_version,
    located_of,
    numbers_of,
    pack_regions,
    pack_statistics,
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
class Attribution:
    """One method's answer for one image at one step.

    sign, unit, score, layer, seed, parameters: what was used.
    height, width: of the viewed image, pixels; of a volume those of its sheet, `depth` slices
      beneath each other (`numbers.volumes`). depth: 0: a picture.
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
    depth: int = 0


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
        depth=attribution.depth,
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
    pack_grid(attribution.grid, message)
    if attribution.precision is not None:
        message.precision = number_of(record_pb2.Precision, attribution.precision)
    version = first_version(attribution.height, attribution.grid)
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
    check_shape(message.height, message.width, message.depth)
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
        grid=unpack_grid(message, values, bare),
        precision=(
            member_of(Precision, record_pb2.Precision, message.precision)
            if message.precision
            else None
        ),
        depth=message.depth,
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
        part = values_of(message)
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
        take_out_numbers(message)
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
