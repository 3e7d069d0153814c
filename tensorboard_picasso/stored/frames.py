"""Frames of event files: around each event its length, data and the masked CRC-32C of each."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

try:
    from google_crc32c import value as crc32c
except ImportError:  # TensorBoard's is pure Python: 8 MB/s, and nothing else runs meanwhile
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c

# Before the data its length and a checksum of that; behind it one of the data.
HEAD, TAIL = 12, 4


class DamagedError(ValueError):
    """An event file that is not read from some byte on, with the reason."""


def framed(data: bytes) -> bytes:
    """One event as it stands in a file."""
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def masked(data: bytes) -> bytes:
    """The checksum of a length or of data."""
    checksum = crc32c(data)
    turned = (checksum >> 15 | checksum << 17) + 0xA282EAD8
    return struct.pack("<I", turned & 0xFFFFFFFF)


def frames(file: BinaryIO, size: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where the data of each event begins and ends; a tail that is not whole ends the file.

    The checksum of the data is not computed: `whole_data` does.

    Args:
      file: an event file.
      size: its bytes.
      start: where one of its events begins.

    Raises:
      DamagedError: a length is not what was written; nothing behind it can be found.
    """
    while True:
        file.seek(start)
        head = file.read(HEAD)
        if len(head) < HEAD:
            return
        if head[8:] != masked(head[:8]):
            raise DamagedError(f"damaged at byte {start}: the rest of the file is lost")
        begin = start + HEAD
        end = begin + int.from_bytes(head[:8], "little")
        if end + TAIL > size:
            return
        yield begin, end
        start = end + TAIL


def whole_data(file: BinaryIO, begin: int, end: int, known: bytes) -> bytes | None:
    """The data of an event that begins and ends there; None where they are damaged.

    Args:
      file: an event file.
      begin, end: of the data.
      known: where these bytes are part of the data, no checksum is computed.
    """
    file.seek(begin)
    data = file.read(end - begin)
    return data if known in data or file.read(TAIL) == masked(data) else None
