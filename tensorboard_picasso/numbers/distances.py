"""Floats as their distances from others, without loss, in a fraction of the bytes.

Between two float32 numbers lie countably many others. A value is kept as how many steps it
is away from one that it should resemble, in 32 bits that wrap around, so that every value
comes back bit by bit, NaN and infinities too. Near values have small distances, whose high
bytes are mostly equal: they are stored byte by byte of their weight, highest first, and each
weight in blocks of its own, since zlib would mix the few that compress with the many that
are noise.
"""

import math
import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SIZE = 4


def pack(values: ArrayLike, near: ArrayLike) -> bytes:
    """Float32 values, of any shape, as zlib of their distances.

    Args:
      values: what is packed.
      near: what each should resemble; of a shape that broadcasts to that of the values.
    """
    distance = _steps(values) - _steps(near)
    # 0, -1, 1, -2, …: as numbers without a sign, small ones have empty high bytes.
    folded = distance << 1 ^ distance >> 31
    weights = np.ascontiguousarray(folded, "<i4").view(np.uint8).reshape(-1, _SIZE)
    packer = zlib.compressobj()
    parts = []
    for place in reversed(range(_SIZE)):
        parts.append(packer.compress(weights[:, place].tobytes()))
        parts.append(packer.flush(zlib.Z_FULL_FLUSH if place else zlib.Z_FINISH))
    return b"".join(parts)


def packed_size(shape: tuple[int, ...]) -> int:
    """Bytes that the distances of values of this shape inflate to."""
    return _SIZE * math.prod(shape)


def unpack(plain: bytes, shape: tuple[int, ...], near: ArrayLike) -> NDArray[np.float32]:
    """The values of a shape, from what was packed, inflated, and what they resemble."""
    count = math.prod(shape)
    weights = np.empty((count, _SIZE), np.uint8)
    for row, place in enumerate(reversed(range(_SIZE))):
        weights[:, place] = np.frombuffer(plain, np.uint8, count, row * count)
    folded = weights.view("<u4").reshape(shape)
    distance = (folded >> 1).view("<i4") ^ -(folded & 1).view("<i4")
    return _turned(distance + _steps(near)).view("<f4")


def _steps(values: ArrayLike) -> NDArray[np.int32]:
    """How many steps from zero each value is, with its sign; of NaN its bits, likewise."""
    return _turned(np.ascontiguousarray(values, "<f4").view("<i4"))


def _turned(bits: NDArray[np.int32]) -> NDArray[np.int32]:
    """Bits of negative floats count upwards away from zero; turned, downwards. Its own inverse."""
    return bits ^ (bits >> 31 & 0x7FFFFFFF)
