"""The seal of a record: its version and checksum around its bytes, and what no reader takes.

Logs are untrusted: lengths, shapes and decompressed sizes are bounded before anything is
allocated.
"""

import math
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from tensorboard_picasso.stored import record_pb2, unparsed
from tensorboard_picasso.stored.metadata import BASE_VERSION, FORMAT_VERSION

Packed = TypeVar("Packed", bytes, list[bytes])
# Bytes of a record without pictures or planes: its parts take up to fifty times as much.
MAX_RECORD = 1 << 24
# Of one with a picture or a plane, and of all planes of a step: while it is read it is held in
# several copies, and an answer holds no more.
MAX_PICTURED = 1 << 26
MAX_PLANES = 1 << 27
MAX_PARTS = 1 << 12


class RecordError(ValueError):
    """Bytes that are not a record, with the reason (damaged, as a rule), or what cannot be one."""


class NewerRecordError(RecordError):
    """A record of a newer format than this version reads."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(
            f"written in format {version}, newer than {FORMAT_VERSION}: update tensorboard-picasso"
        )


def checksum(version: int, payload: bytes) -> int:
    """CRC-32 over the version, four little-endian bytes, then the payload."""
    return zlib.crc32(payload, zlib.crc32(version.to_bytes(4, "little")))


def seal(message: Message, version: int = BASE_VERSION) -> bytes:
    """A record as it is stored, of the first version that knows it."""
    payload = message.SerializeToString(deterministic=True)
    return record_pb2.Sealed(
        version=version,
        crc32=checksum(version, payload),
        payload=payload,
    ).SerializeToString()


def readable(data: Packed, unpack: Callable[[Packed], Any]) -> Packed:
    """What is about to be written, once a reader has taken it."""
    try:
        unpack(data)
    except RecordError as e:
        raise RecordError(str(e).replace("damaged record", "it cannot be recorded")) from e
    return data


def unseal(data: bytes, message: type[Any], limit: int = MAX_RECORD) -> Any:
    """The message of a stored record.

    limit: bytes that it may have.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    check_bytes(len(data), limit)
    try:
        sealed = record_pb2.Sealed.FromString(data)
    except DecodeError as e:
        raise RecordError("damaged record: it cannot be parsed") from e
    if sealed.crc32 != checksum(sealed.version, sealed.payload) or not sealed.version:
        raise RecordError("damaged record: its checksum does not match")
    if sealed.version > FORMAT_VERSION:
        raise NewerRecordError(sealed.version)
    try:
        unparsed.check(sealed.payload, message)
        return message.FromString(sealed.payload)
    except unparsed.PartsError as e:
        raise RecordError(f"damaged record: {e}") from e
    except DecodeError as e:
        raise RecordError("damaged record: it cannot be parsed") from e


def check_bytes(size: int, limit: int) -> None:
    """Raise where a record has more bytes than any."""
    if size > limit:
        raise RecordError(f"damaged record: {size:,} bytes are out of bounds")


def inflate(data: bytes, size: int) -> bytes:
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


def check_inflated(data: bytes, size: int) -> None:
    """Raise as `inflate`, and keep nothing."""
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


def check_finite(name: str, *values: float) -> None:
    """JSON has no NaN: one in a header would spoil a whole answer."""
    if not all(map(math.isfinite, values)):
        raise RecordError(f"damaged record: {name} is not finite")


def check_parts(limit: int = MAX_PARTS, /, **parts: Collection[Any]) -> None:
    """An empty part takes two bytes of a log and hundreds of memory."""
    for name, part in parts.items():
        if len(part) > limit:
            raise RecordError(f"damaged record: {len(part):,} {name} are out of bounds")


def check_lengths(name: str, first: Sequence[Any], second: Sequence[Any]) -> None:
    """Raise where two lists that belong together are not as long."""
    if len(first) != len(second):
        raise RecordError(f"damaged record: {name} differ in length")


def member_of(kind: type[Any], wrapper: Any, number: int) -> Any:
    """The member of an enumeration that a number of protobuf's stands for."""
    try:
        return kind[wrapper.Name(number)]
    except (KeyError, ValueError) as e:
        raise RecordError(f"damaged record: unknown {kind.__name__.lower()} {number}") from e


def number_of(wrapper: Any, value: Any) -> Any:
    """The number that protobuf has for a member of an enumeration."""
    return wrapper.Value(value.name)
