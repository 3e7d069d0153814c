"""All scores: what the model said of all images of a probe at one step, in one record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.numbers.moves import Move
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.stored.parts import MAX_CLASSES
from tensorboard_picasso.stored.scores import Hidden, Scores
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

MAX_IMAGES = 1 << 16
# Hidden regions of all images of a record: each takes some hundred bytes of memory.
MAX_HIDDEN = 1 << 17
# What all images of a record have in common.
_COMMON = ("output", "value_name", "independent", "epoch", "nth", "since", "superseded")

LayoutKey = tuple[int, bytes, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, eq=False)
class Layout:
    """Which values there are of an image.

    classes: of each value, ascending; None: all. regions: that were hidden, each with its fill.
    """

    class_count: int
    classes: NDArray[np.uint32] | None
    regions: tuple[tuple[str, str], ...]

    @property
    def length(self) -> int:
        """How many values are those of the whole image, or with one region hidden."""
        return self.class_count if self.classes is None else len(self.classes)

    @cached_property
    def kept(self) -> NDArray[np.uint32]:
        """The classes of the values."""
        return (
            np.arange(self.class_count, dtype=np.uint32) if self.classes is None else self.classes
        )


@dataclass(frozen=True)
class ScoredImage:
    """Where in a record's values an image stands, and what is recorded of it.

    layout: index of its layout. values, hidden: places of its first value and hidden region.
    """

    layout: int
    values: int
    hidden: int
    input_hash: bytes
    targets: tuple[int, ...]
    lasting: tuple[int, ...]
    dropped: tuple[int, ...]


class Placement:
    """Where the images of a record stand in its values.

    Attributes:
      layouts: of the images, each once.
      images: by image number.
      values, hidden: how many values there are, and how many hidden regions.
      classes: int64, of each hidden region how many classes its image's model tells apart.
    """

    def __init__(self, message: record_pb2.AllScores) -> None:
        """Take a message that was unsealed; raises RecordError where it does not hold together."""
        check_parts(layouts=message.layouts)
        check_parts(MAX_IMAGES, images=message.images)
        self.layouts = tuple(map(_layout, message.layouts))
        chosen = [each.layout for each in message.images]
        if max(chosen, default=-1) >= len(self.layouts):
            raise RecordError("damaged record: an image without a layout")
        counts = [len(each.regions) for each in self.layouts]
        sizes = [each.length * (1 + len(each.regions)) for each in self.layouts]
        *values, self.values = accumulate((sizes[each] for each in chosen), initial=0)
        *hidden, self.hidden = accumulate((counts[each] for each in chosen), initial=0)
        if self.hidden > MAX_HIDDEN:
            raise RecordError(f"damaged record: {self.hidden:,} hidden regions are out of bounds")
        places = zip(message.images, values, hidden, strict=True)
        self.images = {each.image: _placed(each, *at) for each, *at in places}
        if len(self.images) < len(message.images):
            raise RecordError("damaged record: an image is there twice")
        # One score alone stands for two classes.
        classes = np.array([max(each.class_count, 2) for each in self.layouts], np.int64)
        self.classes = np.repeat(classes[chosen], np.array(counts, np.int64)[chosen])
        self._said = message.layouts, message.images

    def fits(self, message: record_pb2.AllScores) -> bool:
        """Whether another record says the same of its images."""
        return self._said == (message.layouts, message.images)


class AllScores(Mapping[int, Scores]):
    """What the model said of all images of a probe at one step: `Scores` by image, made when asked for.

    Attributes:
      output, value_name, independent, epoch, nth, since, superseded: as of `Scores`.
      placement: of its images.
      numbers: float32, of each image in turn the values of its layout's classes, then the same
        with each region hidden.
      moves, predicted, flips: float32, uint32, bool, of each image and hidden region in turn; a
        move is NaN where it is not known.
    """

    def __init__(self, message: record_pb2.AllScores, before: Placement | None = None) -> None:
        """Take a message that was unsealed.

        before: of another record, which is taken where it fits.

        Raises:
          RecordError: it does not hold together.
        """
        check_finite("epoch", message.epoch)
        self.output: Output = member_of(Output, record_pb2.Output, message.output)
        self.value_name = message.value_name
        self.independent = message.independent
        self.epoch = message.epoch if message.HasField("epoch") else None
        self.nth, self.since = message.nth, message.since
        self.superseded = message.superseded
        self.placement = before if before and before.fits(message) else Placement(message)
        hidden = self.placement.hidden
        self.numbers = _array(message.values, self.placement.values, "<f4")
        self.moves = _array(message.moves, hidden, "<f4")
        self.predicted = _array(message.predicted, hidden, "<u4")
        if len(message.flips) != -(-hidden // 8):
            raise RecordError("damaged record: the scores' bits do not fill their shape")
        bits = np.frombuffer(message.flips, np.uint8)
        self.flips = np.unpackbits(bits, count=hidden).astype(bool)
        beyond = self.predicted >= self.placement.classes
        if beyond.any() or (self.moves < 0).any() or (self.moves > 1).any():
            raise RecordError("damaged record: what hiding a region moves is out of bounds")

    def __getitem__(self, image: int) -> Scores:
        at = self.placement.images[image]
        layout = self.placement.layouts[at.layout]
        count = layout.length
        ends = range(at.values, at.values + count * (1 + len(layout.regions)), count or 1)
        parts = [self.numbers[start : start + count] for start in ends]
        parts += [self.numbers[:0]] * (1 + len(layout.regions) - len(parts))  # of no class
        return Scores(
            output=self.output,
            class_count=layout.class_count,
            classes=layout.kept,
            values=parts[0],
            hidden=tuple(
                Hidden(region, fill, values, self.move(at.hidden + number))
                for number, ((region, fill), values) in enumerate(
                    zip(layout.regions, parts[1:], strict=True)
                )
            ),
            input_hash=at.input_hash,
            epoch=self.epoch,
            targets=at.targets,
            lasting=at.lasting,
            dropped=at.dropped,
            value_name=self.value_name,
            independent=self.independent,
            nth=self.nth,
            since=self.since,
            superseded=self.superseded,
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self.placement.images)

    def __len__(self) -> int:
        return len(self.placement.images)

    def move(self, hidden: int) -> Move | None:
        """How hiding a region moves an answer, by its place among all; None: not known."""
        moves = float(self.moves[hidden])
        if np.isnan(moves):
            return None
        return Move(moves, bool(self.flips[hidden]), int(self.predicted[hidden]))


def pack_all_scores(images: Mapping[int, Scores]) -> bytes:
    """The scores of a probe's images at one step to bytes, by image.

    Raises:
      RecordError: a reader would not take it; or they are not of one step and model.
    """
    said = list(images.values())
    common = [tuple(getattr(each, name) for name in _COMMON) for each in said]
    if any(each != common[0] for each in common):
        raise RecordError("it cannot be recorded: scores of several steps or models")
    layouts: dict[LayoutKey, int] = {}
    chosen = [layouts.setdefault(_key(each), len(layouts)) for each in said]
    hidden = [part for each in said for part in each.hidden]
    moves = [part.move for part in hidden]
    message = record_pb2.AllScores(
        layouts=[
            record_pb2.Layout(
                class_count=count,
                classes=np.frombuffer(classes, np.uint32).tolist(),
                hidden=[record_pb2.HiddenRegion(region=of, fill=fill) for of, fill in regions],
            )
            for count, classes, regions in layouts
        ],
        images=[
            record_pb2.ScoredImage(
                image=image,
                layout=layout,
                input_hash=each.input_hash,
                targets=each.targets,
                lasting=each.lasting,
                dropped=each.dropped,
            )
            for (image, each), layout in zip(images.items(), chosen, strict=True)
        ],
        values=b"".join(
            np.asarray(part.values, "<f4").tobytes() for each in said for part in _parts(each)
        ),
        moves=np.array([np.nan if each is None else each.moves for each in moves], "<f4").tobytes(),
        predicted=np.array([each.predicted if each else 0 for each in moves], "<u4").tobytes(),
        flips=np.packbits(np.array([bool(each and each.flips) for each in moves], bool)).tobytes(),
    )
    if said:
        message.output = number_of(record_pb2.Output, said[0].output)
        for name in _COMMON[1:]:
            if getattr(said[0], name) is not None:
                setattr(message, name, getattr(said[0], name))
    return readable(seal(message, Kind.ALL_SCORES.since), unpack_all_scores)


def unpack_all_scores(data: bytes) -> AllScores:
    """Bytes to `AllScores`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    return AllScores(unseal(data, record_pb2.AllScores))


class AllScoresReader:
    """Unpacks records of a series that mostly say the same of their images, which is then read once."""

    def __init__(self) -> None:
        self._before: Placement | None = None

    def unpack(self, data: bytes) -> AllScores:
        """Bytes to `AllScores`; raises as `unpack_all_scores`."""
        found = AllScores(unseal(data, record_pb2.AllScores), self._before)
        self._before = found.placement
        return found


def _placed(said: record_pb2.ScoredImage, values: int, hidden: int) -> ScoredImage:
    return ScoredImage(
        said.layout, values, hidden, said.input_hash,
        tuple(said.targets), tuple(said.lasting), tuple(said.dropped),
    )  # fmt: skip


def _parts(scores: Scores) -> tuple[Scores | Hidden, ...]:
    return scores, *scores.hidden


def _key(scores: Scores) -> LayoutKey:
    classes = np.asarray(scores.classes, np.uint32)
    regions = tuple((each.region, each.fill) for each in scores.hidden)
    if any(len(each.values) != len(classes) for each in _parts(scores)):
        raise RecordError("it cannot be recorded: classes and values differ in length")
    whole = np.array_equal(classes, np.arange(scores.class_count))
    return scores.class_count, b"" if whole else classes.tobytes(), regions


def _layout(message: record_pb2.Layout) -> Layout:
    check_parts(hidden=message.hidden)
    count = message.class_count
    if count > MAX_CLASSES or max(message.classes, default=-1) >= count:
        raise RecordError(f"damaged record: classes exceed their count {count}")
    classes = np.array(message.classes[:], np.uint32) if message.classes else None
    return Layout(count, classes, tuple((each.region, each.fill) for each in message.hidden))


def _array(data: bytes, length: int, kind: str) -> NDArray[Any]:
    if len(data) != 4 * length:
        raise RecordError("damaged record: the scores' values do not fill their shape")
    return np.frombuffer(data, kind)
