"""What parsing a message would take, told from its bytes before any of it is parsed.

Logs are untrusted: an empty part of a message is two of their bytes, and some hundred of memory.
"""

import functools
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

MAX_PARTS = 1 << 20
MAX_DEPTH = 100  # as of protobuf itself
# A number of a packed list is one byte of a log or more, and at most so many of memory.
NUMBER = 8
PART = 64


class PartsError(DecodeError):
    """A message of more parts than any has."""

    def __init__(self) -> None:
        super().__init__(f"of more than {MAX_PARTS:,} parts")


class _Field(NamedTuple):
    message: Any  # descriptor; None of what is no message
    packed: bool  # whether several values stand in one


def check(data: bytes, kind: Any) -> None:
    """See that a message can be parsed within memory.

    kind: its class.

    Raises:
      DecodeError: it cannot; `PartsError` where it is too large.
    """
    if len(data) > 2 * MAX_PARTS:  # each takes two bytes, or more
        try:
            _left(data, 0, len(data), kind.DESCRIPTOR, MAX_PARTS, 0)
        except IndexError as e:  # it ends within a part
            raise DecodeError("it cannot be parsed") from e


def _left(data: bytes, at: int, end: int, kind: Any, left: int, depth: int) -> int:
    """How many parts may follow a message that stands between two bytes."""
    if depth > MAX_DEPTH:
        raise DecodeError("it cannot be parsed")
    fields = _fields(kind)
    while at < end:
        left -= 1
        key, at = _number(data, at)
        form = key & 7
        if form == 0:
            _, at = _number(data, at)
        elif form == 2:
            size, at = _number(data, at)
            if at + size > end:
                raise DecodeError("it cannot be parsed")
            field = fields.get(key >> 3)
            if field is not None and field.message is not None:
                left = _left(data, at, at + size, field.message, left, depth + 1)
            elif field is not None and field.packed:
                left -= size * NUMBER // PART
            at += size
        elif form in (1, 5):
            at += 8 if form == 1 else 4
        else:
            raise DecodeError("it cannot be parsed")  # groups, which none of ours has
        if left < 0:
            raise PartsError
    return left


@functools.cache
def _fields(kind: Any) -> dict[int, _Field]:
    return {
        field.number: _Field(field.message_type, field.cpp_type != field.CPPTYPE_STRING)
        for field in kind.fields
    }


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of a message, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise DecodeError("it cannot be parsed")
