"""Records of a series as a reader gives them, and what could not be read of them.

Both readers, of `provider` and of `events`, give records with their step and wall time,
still packed; they are unpacked one at a time.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from tensorboard_picasso.numbers.steps import exact
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import MEANS, WHOLE_PROBE, Kind, Series

T = TypeVar("T")
# The blobs of a record, why there are none, or None where they are gone.
Elements: TypeAlias = list[bytes] | record.RecordError | None


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored record: `data` are its bytes, what has them, why there are none, or what leads to its blobs."""

    step: int
    wall: float
    data: Any


class RefusedError(record.RecordError):
    """TensorBoard holds a blob and does not give it, with its reason."""


class Problems(list[dict[str, Any]]):
    """What could not be read, for the answer."""

    def note(self, error: record.RecordError, **where: Any) -> None:
        """Add one, with where it is."""
        kind = "damaged"
        if isinstance(error, record.NewerRecordError):
            kind = "newer"
        elif isinstance(error, RefusedError):
            kind = "refused"
        self.append({**where, "problem": kind, "message": str(error)})


def content(stored: Stored) -> bytes:
    """The bytes of a record of one string.

    Raises:
      RecordError: there are none.
    """
    held = stored.data
    if isinstance(held, record.RecordError):
        raise held
    if isinstance(held, bytes):
        return held
    data: bytes = held.string()
    return data


def opened(stored: Stored, unpack: Callable[[bytes], T]) -> T:
    """What a record holds.

    Raises:
      RecordError: it cannot be read, is no string, or has a time that JSON cannot hold.
    """
    if not math.isfinite(stored.wall):
        raise record.RecordError(f"damaged record: wall time {stored.wall}")
    return unpack(content(stored))


def unpacked(
    series: Series,
    stored: Sequence[Stored],
    unpack: Callable[[bytes], T],
    problems: Problems,
) -> Iterator[tuple[Stored, T]]:
    """The records that can be read, one at a time; the others become problems."""
    where: dict[str, Any] = {"image": series.image}
    if series.kind in MEANS:
        where = {"group": named(series.over)}
    elif series.kind is Kind.EDITS:
        where = {}
    elif series.kind is Kind.ALL_SCORES:
        where = {"images": "all"}
    for entry in stored:
        try:
            held = opened(entry, unpack)
        except record.RecordError as e:
            problems.note(e, **where, step=exact(entry.step))
        else:
            yield entry, held


def named(over: int | str) -> int | str | None:
    """Whose mean it is in an answer: a class's, a group's by its name, None: the whole probe's."""
    return None if over == WHOLE_PROBE else over


def means_of(series: Mapping[Series, str], label: str) -> dict[Series, str]:
    """All means of a method: over the probe, its classes and its groups."""
    return {key: tag for kind in MEANS for key, tag in only(series, kind, None, label).items()}


def only(
    series: Mapping[Series, str], kind: Kind, images: Collection[int] | None, label: str = ""
) -> dict[Series, str]:
    """The series of one kind and label, of some images or of all, by image."""
    return {
        key: tag
        for key, tag in sorted(series.items())
        if key.kind is kind and key.label == label and (images is None or key.image in images)
    }


def unpacked_maps(elements: list[bytes] | record.RecordError) -> record.Maps:
    """The maps of one record of `ProviderReader.contents`.

    Raises:
      RecordError: they cannot be read, or were refused.
    """
    if isinstance(elements, record.RecordError):
        raise elements
    return record.unpack_maps(elements)
