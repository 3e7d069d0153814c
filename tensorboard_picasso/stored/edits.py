"""Edits: what a model said of a probe's images at one step, whole and each edit made of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.stored.parts import MAX_CLASSES
from tensorboard_picasso.stored.seal import (
    RecordError,
    check_finite,
    check_parts,
    member_of,
    number_of,
    readable,
    seal,
    unseal,
)

# The classes of which values are kept of each image, in this order.
OF_CLASSES = ("true", "predicted", "donor")
FORMS = ("", "hidden", "swapped")
MAX_IMAGES = 1 << 14
MAX_VALUES = 1 << 21

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Edit:
    """What is asked of every image.

    name: of one edit in a record. takes: a sentence, what it takes away.
    form: "hidden" or "swapped" where a part of the image is replaced, else "".
    region: of a named region's edits its name, else "".
    matched: of the same region at another place, the edit that it is the reference of; else "".
    """

    name: str
    takes: str
    form: str = ""
    region: str = ""
    matched: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Edited:
    """An image that was asked about.

    truths: its true classes; of the first one are the values. head: the class that is
      predicted of the whole image.
    donor: the image whose pixels or colours are swapped in, and its class; None: none.
    group: as of `Input`.
    """

    input_hash: bytes
    truths: tuple[int, ...]
    head: int
    donor: int | None = None
    donor_class: int | None = None
    group: str | None = None


@dataclass(frozen=True)
class Edits:
    """What a model said of a probe's images at one step, whole and edited.

    labelled: whether truths are labels; else they are what was predicted at the first record
      of the process that wrote this one.
    whole: float32 (images, 3), log-odds of the true class, of `head` and of the donor's; of
      `Output.RAW` the values. NaN where there is no such class.
    edited: float32 (edits, images, 3), of the same classes once edited; NaN where not asked.
    predicted: uint32 (edits, images), the class that is likeliest once edited.
    moves: float32 (edits, images), as of `numbers.moves.Move`; NaN where not asked, and of
      `Output.RAW`.
    asked: bool (edits, images): an edit that changes nothing of an image is not asked about it,
      nor is any of an image that a budget left out.
    flips: bool (edits, images), whether the prediction is another one.
    output, class_count, independent, value_name, epoch, nth, since, superseded: as of `Scores`.
    """

    output: Output
    class_count: int
    edits: tuple[Edit, ...]
    images: tuple[Edited, ...]
    whole: Floats
    edited: Floats
    predicted: NDArray[np.uint32]
    moves: Floats
    asked: Bools
    flips: Bools
    labelled: bool = True
    independent: bool = False
    value_name: str = ""
    epoch: float | None = None
    nth: int = 0
    since: int = 0
    superseded: int = 0


def pack_edits(edits: Edits) -> bytes:
    """`Edits` to bytes.

    Raises:
      RecordError: a reader would not take it.
    """
    message = record_pb2.Edits(
        output=number_of(record_pb2.Output, edits.output),
        class_count=edits.class_count,
        independent=edits.independent,
        value_name=edits.value_name,
        labelled=edits.labelled,
        edits=[
            record_pb2.Edit(
                name=each.name,
                takes=each.takes,
                form=each.form,
                region=each.region,
                matched=each.matched,
                parameters=dict(each.parameters),
            )
            for each in edits.edits
        ],
        images=[
            record_pb2.EditedImage(
                input_hash=each.input_hash,
                truths=each.truths,
                head=each.head,
                donor=each.donor,
                donor_class=each.donor_class,
                group=each.group,
            )
            for each in edits.images
        ],
        whole=_bytes(edits.whole, "<f4"),
        edited=_bytes(edits.edited, "<f4"),
        predicted=_bytes(edits.predicted, "<u4"),
        moves=_bytes(edits.moves, "<f4"),
        asked=np.packbits(np.asarray(edits.asked, bool)).tobytes(),
        flips=np.packbits(np.asarray(edits.flips, bool)).tobytes(),
        epoch=edits.epoch,
        nth=edits.nth,
        since=edits.since,
        superseded=edits.superseded,
    )
    return readable(seal(message, Kind.EDITS.since), unpack_edits)


def unpack_edits(data: bytes) -> Edits:
    """Bytes to `Edits`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = unseal(data, record_pb2.Edits)
    check_parts(edits=message.edits)
    check_parts(MAX_IMAGES, images=message.images)
    if not message.images or message.class_count > MAX_CLASSES:
        raise RecordError("damaged record: edits of no image, or of too many classes")
    check_finite("epoch", message.epoch)
    rows, columns = len(message.edits), len(message.images)
    if rows * columns > MAX_VALUES:
        raise RecordError(f"damaged record: {rows} edits of {columns} images are out of bounds")
    images = tuple(_image(each, columns, message.class_count) for each in message.images)
    return Edits(
        output=member_of(Output, record_pb2.Output, message.output),
        class_count=message.class_count,
        edits=tuple(map(_edit, message.edits)),
        images=images,
        whole=_array(message.whole, (columns, len(OF_CLASSES)), "<f4"),
        edited=_array(message.edited, (rows, columns, len(OF_CLASSES)), "<f4"),
        predicted=_classes(message.predicted, (rows, columns), message.class_count),
        moves=_array(message.moves, (rows, columns), "<f4"),
        asked=_bits(message.asked, (rows, columns)),
        flips=_bits(message.flips, (rows, columns)),
        labelled=message.labelled,
        independent=message.independent,
        value_name=message.value_name,
        epoch=message.epoch if message.HasField("epoch") else None,
        nth=message.nth,
        since=message.since,
        superseded=message.superseded,
    )


def _edit(message: record_pb2.Edit) -> Edit:
    check_parts(parameters=message.parameters)
    if message.form not in FORMS:
        raise RecordError(f"damaged record: unknown form {message.form!r}")
    return Edit(
        message.name,
        message.takes,
        message.form,
        message.region,
        message.matched,
        dict(message.parameters),
    )


def _image(message: record_pb2.EditedImage, images: int, classes: int) -> Edited:
    check_parts(truths=message.truths)
    donor = message.donor if message.HasField("donor") else None
    donor_class = message.donor_class if message.HasField("donor_class") else None
    named = [*message.truths, message.head, *([] if donor_class is None else [donor_class])]
    # One score alone stands for two classes.
    if max(named) >= max(classes, 2) or (donor is not None and donor >= images):
        raise RecordError("damaged record: an image's class or donor is out of bounds")
    truths, group = tuple(message.truths), message.group or None
    return Edited(message.input_hash, truths, message.head, donor, donor_class, group)


def _bytes(values: NDArray[Any], kind: str) -> bytes:
    return np.asarray(values, kind).tobytes()


def _array(data: bytes, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    if len(data) != 4 * math.prod(shape):
        raise RecordError("damaged record: the edits' values do not fill their shape")
    return np.frombuffer(data, kind).reshape(shape)


def _classes(data: bytes, shape: tuple[int, ...], count: int) -> NDArray[Any]:
    found = _array(data, shape, "<u4")
    if found.size and found.max() >= max(count, 2):
        raise RecordError(f"damaged record: classes exceed their count {count}")
    return found


def _bits(data: bytes, shape: tuple[int, int]) -> Bools:
    count = math.prod(shape)
    if len(data) != -(-count // 8):
        raise RecordError("damaged record: the edits' bits do not fill their shape")
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count).reshape(shape).astype(bool)
