"""Planes: full-resolution maps of methods without a grid, one a target, as they are stored."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Precision, Sign
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.parts import check_shape, first_version, pack_mask, unpack_mask
from tensorboard_picasso.stored.seal import (
    MAX_PICTURED,
    MAX_PLANES,
    RecordError,
    check_bytes,
    check_finite,
    check_inflated,
    inflate,
    member_of,
    number_of,
    readable,
    seal,
    unseal,
)

# Mean change of levels from pixel to pixel up to which differences may be smaller; above it
# they are not tried, as compressing takes longer than all else.
SMOOTH = 16
# What the peak of a float16 plane is stored as: as far from the smallest number as it goes.
HALF_PEAK = 2.0**15
_FLOATS: dict[Precision, np.dtype[Any]] = {
    Precision.FLOAT16: np.dtype("<f2"),
    Precision.FLOAT32: np.dtype("<f4"),
}


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
    depth: of a volume, whose maps are sheets, as of `Attribution`.
    """

    height: int
    width: int
    precision: Precision
    sign: Sign
    input_hash: bytes
    planes: tuple[Plane, ...]
    unseen: NDArray[np.bool_] | None = None
    depth: int = 0

    @classmethod
    def encode(
        cls,
        values: Mapping[int, ArrayLike],
        sign: Sign,
        input_hash: bytes,
        precision: Precision = Precision.Q8,
        unseen: NDArray[np.bool_] | None = None,
        depth: int = 0,
    ) -> "Maps":
        """Store (height, width) maps, one a target; of a volume sheets."""
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
        return cls(shape[0], shape[1], precision, sign, input_hash, tuple(planes), unseen, depth)

    def check(self, target: int) -> None:
        """See that the map of one target can be decoded, without making it.

        Raises:
          RecordError: it cannot.
        """
        plane = self._plane(target)
        count = self.height * self.width
        floats = _FLOATS.get(self.precision)
        check_inflated(plane.values, count * (floats.itemsize if floats else 1))
        if plane.special and floats is None:
            check_inflated(plane.special, count)

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
            data = inflate(plane.values, count * floats.itemsize)
            values = np.frombuffer(data, floats).reshape(shape).astype(np.float32)
            half = self.precision is Precision.FLOAT16 and plane.peak
            return (values * (plane.peak / HALF_PEAK)).astype(np.float32) if half else values
        kind = np.uint8 if self.sign is Sign.UNSIGNED else np.int8
        level = np.frombuffer(inflate(plane.values, count), np.uint8).reshape(shape)
        if plane.differences:
            level = maps.summed(level)
        value = maps.dequantise(level.view(kind), plane.peak, self.sign)
        if plane.special:
            special = np.frombuffer(inflate(plane.special, count), np.uint8).reshape(shape)
            for code, mark in ((1, np.nan), (2, np.inf), (3, -np.inf)):
                value[special == code] = mark
        return value


def _deflated(level: NDArray[Any], special: bytes) -> tuple[bytes, bytes, bool]:
    """A plane's `values`, `special` and `differences`, in the way that takes fewer bytes."""
    values = zlib.compress(level.tobytes())
    changes = maps.differences(level)
    if np.abs(changes.view(np.int8).astype(np.int16)).mean() <= SMOOTH:
        smooth = zlib.compress(changes.tobytes())
        if len(smooth) < len(values):
            return smooth, special, True
    return values, special, False


def pack_maps(stored: Maps) -> list[bytes]:
    """`Maps` to the elements of a blob sequence: a header, then one plane a target.

    Raises as `pack_scores`.
    """
    header = record_pb2.MapHeader(
        height=stored.height,
        width=stored.width,
        precision=number_of(record_pb2.Precision, stored.precision),
        sign=number_of(record_pb2.Sign, stored.sign),
        targets=[plane.target for plane in stored.planes],
        input_hash=stored.input_hash,
        unseen=pack_mask(stored.unseen),
        depth=stored.depth,
    )
    planes = [
        record_pb2.Plane(
            target=plane.target,
            peak=plane.peak,
            values=plane.values,
            special=plane.special,
            differences=plane.differences,
        )
        for plane in stored.planes
    ]
    return readable([seal(header, first_version(stored.height)), *map(seal, planes)], unpack_maps)


def unpack_map_header(data: bytes) -> Maps:
    """The first element of a blob sequence: `Maps` without its planes.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = unseal(data, record_pb2.MapHeader, MAX_PICTURED)
    check_shape(message.height, message.width, message.depth)
    return Maps(
        height=message.height,
        width=message.width,
        precision=member_of(Precision, record_pb2.Precision, message.precision),
        sign=member_of(Sign, record_pb2.Sign, message.sign),
        input_hash=message.input_hash,
        planes=(),
        unseen=unpack_mask(message.unseen, message.height, message.width)
        if message.unseen
        else None,
        depth=message.depth,
    )


def unpack_plane(data: bytes) -> Plane:
    """One further element of a blob sequence, still compressed.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = unseal(data, record_pb2.Plane, MAX_PICTURED)
    check_finite("peak", message.peak)
    return Plane(message.target, message.peak, message.values, message.special, message.differences)


def unpack_maps(elements: Sequence[bytes]) -> Maps:
    """All elements of a blob sequence to `Maps`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    if not elements:
        raise RecordError("damaged record: no header")
    check_bytes(sum(map(len, elements)), MAX_PLANES)
    return replace(unpack_map_header(elements[0]), planes=tuple(map(unpack_plane, elements[1:])))
