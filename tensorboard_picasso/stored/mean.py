"""Means: of a method's importance at each window position, or of each segment, over several images."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output, Sign, Statistics
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.grid import no_fronts
from tensorboard_picasso.stored.parts import (
    Region,
    Windows,
    check_shape,
    first_version,
    pack_labels,
    pack_regions,
    pack_statistics,
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

MAX_MEMBERS = 1 << 16


@dataclass(frozen=True)
class Member:
    """One image of a mean: `target` is the class that its importance is for."""

    image: int
    target: int
    input_hash: bytes


@dataclass(frozen=True)
class Mean:
    """The mean over several images of a method's importance at each window position, or segment.

    sign, unit, parameters: what was used. height, width, depth: of each image, as of
      `Attribution`.
    members: the images. labelled: whether their targets are their labels; else
      they are what was predicted at this step.
    window, tops, lefts, segments, fronts, window_depth: as in `Grid`; of segments means, errors
      and counts are (segments, 1), of volumes (fronts · tops, lefts).
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
    segments: NDArray[np.int16] | None = None
    fronts: NDArray[np.uint32] = field(default_factory=no_fronts)
    window_depth: int = 0
    depth: int = 0


def pack_mean(mean: Mean) -> bytes:
    """`Mean` to bytes; raises as `pack_scores`."""
    everywhere = (np.asarray(mean.counts) == len(mean.members)).all()
    message = record_pb2.Mean(
        method=mean.method,
        label=mean.label,
        sign=number_of(record_pb2.Sign, mean.sign),
        unit=mean.unit,
        output=number_of(record_pb2.Output, mean.output),
        parameters=dict(mean.parameters),
        height=mean.height,
        width=mean.width,
        depth=mean.depth,
        members=[
            record_pb2.Member(
                image=member.image, target=member.target, input_hash=member.input_hash
            )
            for member in mean.members
        ],
        labelled=mean.labelled,
        window_height=mean.window[0],
        window_width=mean.window[1],
        tops=np.asarray(mean.tops).tolist(),
        lefts=np.asarray(mean.lefts).tolist(),
        window_depth=mean.window_depth,
        fronts=np.asarray(mean.fronts).tolist(),
        means=np.asarray(mean.means, "<f4").tobytes(),
        errors=np.asarray(mean.errors, "<f4").tobytes(),
        counts=b"" if everywhere else np.asarray(mean.counts, "<u4").tobytes(),
        regions=pack_regions(mean.regions),
        statistics=pack_statistics(mean.statistics),
    )
    if mean.segments is not None:
        message.segment_count, message.labels = len(mean.means), pack_labels(mean.segments)
    return readable(seal(message, first_version(mean.height, mean)), unpack_mean)


def unpack_mean(data: bytes) -> Mean:
    """Bytes to `Mean`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = unseal(data, record_pb2.Mean)
    check_shape(message.height, message.width, message.depth)
    check_lengths("regions and shares", message.regions, message.statistics.shares)
    if not message.members:
        raise RecordError("damaged record: a mean of no image")
    check_parts(regions=message.regions, parameters=message.parameters)
    check_parts(MAX_MEMBERS, members=message.members)
    size = (message.height, message.width)
    segments = None
    if message.segment_count:
        segments = unpack_labels(message.labels, message.segment_count, *size)
        none = np.empty(0, np.uint32)
        windows, shape = Windows((0, 0), none, none, none, 0), (message.segment_count, 1)
    else:
        windows = unpack_geometry(message, *size, message.depth)
        shape = windows.shape
    means = unpack_positions(message.means, shape, "<f4")
    return Mean(
        method=message.method,
        label=message.label,
        sign=member_of(Sign, record_pb2.Sign, message.sign),
        unit=message.unit,
        output=member_of(Output, record_pb2.Output, message.output),
        parameters=dict(message.parameters),
        height=message.height,
        width=message.width,
        members=tuple(Member(each.image, each.target, each.input_hash) for each in message.members),
        labelled=message.labelled,
        means=means,
        errors=unpack_positions(message.errors, shape, "<f4"),
        counts=(
            unpack_positions(message.counts, shape, "<u4")
            if message.counts
            else np.full(shape, len(message.members), np.uint32)
        ),
        regions=unpack_regions(message.regions),
        statistics=unpack_statistics(message.statistics),
        segments=segments,
        depth=message.depth,
        **windows._asdict(),
    )
