"""Inputs: the picture shown of one image, and what is known of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.parts import (
    MAX_CLASSES,
    check_masks,
    check_shape,
    first_version,
    pack_mask,
    png_shape,
    unpack_mask,
)
from tensorboard_picasso.stored.seal import (
    MAX_PICTURED,
    RecordError,
    check_parts,
    inflate,
    readable,
    seal,
    unseal,
)

# Of a dataset's examples: whole numbers that a browser keeps apart.
MAX_SOURCES = 1 << 53


@dataclass(frozen=True)
class Input:
    """What is shown of one image, and what is known of it.

    png: the viewed image, or the caller's `display=` of the same size. A head that says
      another size is damage; whether the rest can be decoded shows when it is.
    label: the one true class. labels: where any number may be true, those that are,
      ascending; None where not.
    height, width: of the picture, pixels; of a volume, whose slices stand beneath each other in the
      picture and the masks, those of the sheet. depth: of it, 0: a picture.
    regions: named (height, width) bool masks.
    source_index: of the example in the dataset that the image was drawn from.
    group: which of a few groups it belongs to; None: none.
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
    group: str | None = None
    depth: int = 0

    @property
    def truths(self) -> tuple[int, ...] | None:
        """The true classes; None where they are not known."""
        return self.labels if self.label is None else (self.label,)


def pack_input(shown: Input) -> bytes:
    """`Input` to bytes; raises as `pack_scores`."""
    message = record_pb2.Input(
        png=shown.png,
        height=shown.height,
        width=shown.width,
        depth=shown.depth,
        hash=shown.hash,
        name=shown.name,
        class_names=shown.class_names,
        regions=[
            record_pb2.Mask(name=name, bits=pack_mask(mask)) for name, mask in shown.regions.items()
        ],
        display=shown.display,
        unseen=pack_mask(shown.unseen),
        labels=shown.labels,
        multilabel=shown.labels is not None,
        group=shown.group,
    )
    if shown.label is not None:
        message.label = shown.label
    if shown.source_index is not None:
        message.source_index = shown.source_index
    return readable(seal(message, first_version(shown.height)), unpack_input)


def unpack_input(data: bytes) -> Input:
    """Bytes to `Input`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = _open_input(data)
    height, width = message.height, message.width
    return replace(
        _plain(message),
        regions={each.name: unpack_mask(each.bits, height, width) for each in message.regions},
        unseen=unpack_mask(message.unseen, height, width) if message.unseen else None,
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
    regions = tuple((each.name, inflate(each.bits, size)) for each in message.regions)
    unseen = inflate(message.unseen, size) if message.unseen else None
    return _plain(message), Bits(regions, unseen)


def unpack_picture(data: bytes, unseen: Callable[[int], None] | None = None) -> Input:
    """`unpack_input` without regions, of which none is made.

    unseen: is told how many bytes the mask of unseen pixels takes, before it is made; without,
      it is not made either.
    """
    message = _open_input(data)
    picture = _plain(message)
    if unseen is None or not message.unseen:
        return picture
    unseen(picture.height * picture.width)
    return replace(picture, unseen=unpack_mask(message.unseen, picture.height, picture.width))


def _open_input(data: bytes) -> Any:
    message = unseal(data, record_pb2.Input, MAX_PICTURED)
    check_shape(message.height, message.width, message.depth)
    check_parts(regions=message.regions)
    check_masks(len(message.regions) + 1, message.height, message.width)
    _check_picture(message.png, message.height, message.width)
    if message.source_index >= MAX_SOURCES:
        raise RecordError(f"damaged record: example {message.source_index} of a dataset")
    return message


def _check_picture(png: bytes, height: int, width: int) -> None:
    # Some bytes of a PNG may stand for gigabytes: its own head says so before it is decoded.
    sides = png_shape(png)
    if sides is not None and sides != (height, width):
        raise RecordError(
            f"damaged record: a picture of {sides[0]}x{sides[1]} in place of {height}x{width}"
        )


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
        group=message.group or None,
        depth=message.depth,
    )


def _unpack_labels(message: record_pb2.Input) -> tuple[int, ...]:
    labels = tuple(message.labels)
    if message.HasField("label") or list(labels) != sorted(set(labels)):
        raise RecordError("damaged record: labels do not ascend, or stand beside one label")
    if labels and labels[-1] >= MAX_CLASSES:
        raise RecordError(f"damaged record: label {labels[-1]} is out of bounds")
    return labels
