"""Examples: one image of a probe as its edits make it, small pictures for people."""

from collections.abc import Mapping
from dataclasses import dataclass

from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.stored.parts import png_shape
from tensorboard_picasso.stored.seal import (
    MAX_PICTURED,
    RecordError,
    check_parts,
    readable,
    seal,
    unseal,
)

# Pixels of a picture's sides.
MAX_SMALL = 256


@dataclass(frozen=True)
class Example:
    """One image as it is viewed, and as edits make it.

    All pictures are PNGs of at most `MAX_SMALL` pixels a side.

    whole: the viewed image. donor: the image whose pixels or colours are swapped in; None:
      there is none.
    edited: by the edit's name, of those that are asked about it.
    """

    input_hash: bytes
    whole: bytes
    donor: bytes | None
    edited: Mapping[str, bytes]


def pack_example(example: Example) -> bytes:
    """`Example` to bytes; raises as `pack_edits`."""
    message = record_pb2.Example(
        input_hash=example.input_hash,
        whole=example.whole,
        donor=example.donor or b"",
        edited=[record_pb2.Picture(edit=name, png=png) for name, png in example.edited.items()],
    )
    return readable(seal(message, Kind.EXAMPLE.since), unpack_example)


def unpack_example(data: bytes) -> Example:
    """Bytes to `Example`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = unseal(data, record_pb2.Example, MAX_PICTURED)
    check_parts(edited=message.edited)
    pictures = [message.whole, *(each.png for each in message.edited)]
    for png in [*pictures, message.donor] if message.donor else pictures:
        _check(png)
    edited = {each.edit: each.png for each in message.edited}
    return Example(message.input_hash, message.whole, message.donor or None, edited)


def _check(png: bytes) -> None:
    # Some bytes of a PNG may stand for gigabytes: its own head says so before it is decoded.
    sides = png_shape(png)
    if sides is None or not all(0 < side <= MAX_SMALL for side in sides):
        said = "no PNG" if sides is None else f"{sides[0]}x{sides[1]}"
        raise RecordError(f"damaged record: a picture of an edit is {said}")
