"""What a model says of a probe's images once they are edited: one sweep over images and edits."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.numbers.moves import moved
from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.edits import Edit, Variant, View, key_of
from tensorboard_picasso.summary.explain import examples, scoring
from tensorboard_picasso.summary.kit import content
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe.outputs import Taken
from tensorboard_picasso.summary.probe.probe import Probe

# Numbers of edited images that are kept from record to record, as the model takes them.
_MOST_KEPT = 1 << 25

# Fewer images than this say too little, so none are left out.
_LEAST = 16

Floats = NDArray[np.float64]
Examples: TypeAlias = tuple[tuple[int, record.Example], ...]


@dataclass(frozen=True)
class Answers:
    """What is recorded of a probe's edits at a step.

    record: without its numbers among those of the process.
    examples: index and pictures of a few images.
    count: how many images were edited.
    heads: the class that is predicted of each whole image.
    taken: what the model's output was taken to be.
    seconds: what it took, without tracing_seconds that only the first one takes.
    """

    record: record.Edits
    examples: Examples
    count: int
    heads: tuple[int, ...]
    taken: Taken
    seconds: float
    tracing_seconds: float


@dataclass(frozen=True)
class Pace:
    """What asking all edits may take, which is measured while they are first asked.

    seconds: at most. clock: what they are measured with.
    """

    seconds: float
    clock: Callable[[], float]


class _Sheet:
    """The edited images of a probe.

    variants: what is asked. donors: of each image, None where there is none.
    examples: as of `Answers`.
    order: of the images where fewer are asked about: the first ones, which no order of the
      probe decides.
    """

    def __init__(self, probe: Probe, variants: Sequence[Variant]) -> None:
        self.variants = variants
        self.donors = _donors(probe)
        self._probe = probe
        self._kept: list[Array] | None = []
        self._rows: list[list[int]] = []
        size = 0
        for index in range(len(probe)):
            rows, batch = self._edited(index)
            self._rows.append(rows)
            if self._kept is not None:
                size += batch.size
                self._kept.append(batch)
                if size > _MOST_KEPT:
                    self._kept = None
        classes = [probe.truths_of(index) for index in range(len(probe))]
        self.examples = examples.drawn(probe, variants, self.donors, classes)
        self.order = sorted(range(len(probe)), key=lambda index: (probe.hashes[index], index))

    def _edited(self, index: int) -> tuple[list[int], Array]:
        """Which variants are asked about an image, and the edited images as the model takes them."""
        view = View(self._probe, index, self.donors[index])
        made = {}
        for at, variant in enumerate(self.variants):
            image = variant.make(view)
            if image is None:
                continue
            _check(variant, image, view.image)
            if view.differs(image):
                made[at] = image
        batch = np.stack([*made.values()]) if made else np.empty((0, 1), np.float32)
        return [*made], self._probe.model_input(batch) if made else batch

    def batches(self, images: Iterable[int]) -> Iterator[tuple[int, Array]]:
        """An image's number and its edited images, of those about which something is asked."""
        for index in images:
            if self._rows[index]:
                kept = self._kept
                yield index, self._edited(index)[1] if kept is None else kept[index]

    def rows(self, index: int) -> list[int]:
        """Which variants are asked about an image."""
        return self._rows[index]


def _check(variant: Variant, made: Array, image: Array) -> None:
    if made.shape != image.shape or made.dtype != image.dtype:
        raise ValueError(
            f'edit "{variant.about.name}" makes {made.dtype} of shape {made.shape} of'
            f" {image.dtype} of {image.shape}: return the same kind"
        )


def ask(
    probe: Probe,
    backend: Backend,
    edits: Sequence[Edit],
    *,
    taken: Taken | None = None,
    first: Sequence[int] | None = None,
    epoch: float | None = None,
    count: int | None = None,
    pace: Pace | None = None,
) -> Answers:
    """Ask a model about each image, whole and with each edit made of it.

    Args:
      probe: the images.
      backend: the model.
      edits: what is asked.
      taken: what was decided before, None at the first record.
      first: what was predicted of each at the first record, which stands for a label where
        there is none; None: this is it.
      epoch: recorded.
      count: how many images are edited, always the same ones; None: all, or what `pace` allows.
      pace: what it may take, where that was not found out before.

    Raises:
      OutputError, UnsupportedError, ValueError: the probe, the edits and the model do not
        go together.
    """
    started, traced = time.perf_counter(), backend.tracing_seconds
    if taken is None:
        scoring.check_preprocess(probe)
    scored = scoring.score(probe, backend, scoring.whole_inputs(probe), taken)
    odds = scored.log_odds(scored.whole, backend.behind)
    probe.check_classes(odds.shape[1])
    raw = scored.kind is Output.RAW
    if not raw and len(told := odds[~np.isnan(odds).any(axis=1)]):
        probe.name_classes(maps.probability(told))
    sheet = _sheet(probe, edits)
    heads = tuple(map(int, np.where(np.isnan(odds), -np.inf, odds).argmax(1)))
    images = _images(probe, sheet.donors, heads, heads if first is None else first)
    classes = _classes(images)
    shape = len(sheet.variants), len(probe)
    asked = np.zeros(shape, bool)
    edited = np.full((*shape, len(record.OF_CLASSES)), np.nan)
    moves, flips = np.full(shape, np.nan), np.zeros(shape, bool)
    predicted = np.zeros(shape, np.uint32)

    def sweep(some: Sequence[int]) -> None:
        for index, rows in scoring.further_scores(probe, backend, scored, sheet.batches(some)):
            after, at = scored.log_odds(rows, backend.behind), sheet.rows(index)
            asked[at, index] = True
            edited[at, index] = _values(after, classes[index])
            apart, other, head = moved(odds[index], after, scored.independent)
            predicted[at, index] = head
            if not raw:
                moves[at, index], flips[at, index] = apart, other

    done = 0
    if count is None and pace is not None:
        done, count = _paced(sweep, sheet.order, backend, pace)
    count = len(probe) if count is None else min(count, len(probe))
    sweep(sheet.order[done:count])
    for values, nothing in ((edited, np.nan), (moves, np.nan), (flips, False), (asked, False)):
        values[:, sheet.order[count:]] = nothing
    predicted[:, sheet.order[count:]] = 0
    named = probe.task.name_of(scored.taken.output) if raw else "value"
    tracing = backend.tracing_seconds - traced
    answered = record.Edits(
        output=Output.RAW if raw else scored.taken.output,
        class_count=odds.shape[1],
        edits=tuple(variant.about for variant in sheet.variants),
        images=images,
        whole=maps.single(
            np.stack([_values(each, at) for each, at in zip(odds, classes, strict=True)])
        ),
        edited=maps.single(edited),
        predicted=predicted,
        moves=maps.single(moves),
        asked=asked,
        flips=flips,
        labelled=probe.labels is not None,
        independent=scored.independent,
        value_name="" if named == "value" else named,
        epoch=epoch,
    )
    took = time.perf_counter() - started - tracing
    return Answers(answered, sheet.examples, count, heads, scored.taken, took, tracing)


def _paced(
    sweep: Callable[[Sequence[int]], None], order: Sequence[int], backend: Backend, pace: Pace
) -> tuple[int, int]:
    """How many images were edited, and how many are to be.

    All, or half as many, and so on: those whose edits take no longer than they may. A first few
    pay for what is made once, and the next ones are measured.
    """
    levels = [len(order)]
    while levels[0] // 2 >= _LEAST:
        levels.insert(0, levels[0] // 2)
    if len(levels) == 1:
        return 0, levels[0]
    first, second = levels[:2]
    sweep(order[:first])
    began, traced = pace.clock(), backend.tracing_seconds
    sweep(order[first:second])
    seconds = pace.clock() - began - (backend.tracing_seconds - traced)
    each = seconds / (second - first)
    return second, max((level for level in levels if level * each <= pace.seconds), default=first)


def _sheet(probe: Probe, edits: Sequence[Edit]) -> _Sheet:
    """The same at every record, as the edited images are."""
    key = key_of(edits), content.key(probe.regions)
    kept = probe.kept.setdefault(__name__, {})
    if key not in kept:
        variants = [variant for edit in edits for variant in edit.variants(probe)]
        names = [variant.about.name for variant in variants]
        if len(set(names)) < len(names):
            raise ValueError(f"edits ask {names}: give each variant a name of its own")
        kept.clear()
        kept[key] = _Sheet(probe, variants)
    found: _Sheet = kept[key]
    return found


def _donors(probe: Probe) -> list[int | None]:
    """Of each image another one: of another class where labels say so.

    Which one is decided by both images alone, so that the order does not matter.
    """
    truths = [probe.truths_of(index) for index in range(len(probe))]
    found: list[int | None] = []
    for index, own in enumerate(probe.hashes):
        others = [
            at
            for at in range(len(probe))
            if at != index and (truths[index] is None or truths[at] != truths[index])
        ]
        found.append(min(others, key=lambda at: _drawn(own, probe.hashes[at]), default=None))
    return found


def _drawn(image: bytes, donor: bytes) -> bytes:
    return hashlib.blake2b(image + donor, digest_size=8).digest()


def _images(
    probe: Probe, donors: Sequence[int | None], heads: Sequence[int], first: Sequence[int]
) -> tuple[record.Edited, ...]:
    truths = [
        (first[index],) if probe.labels is None else probe.truths_of(index) or ()
        for index in range(len(probe))
    ]
    return tuple(
        record.Edited(
            probe.hashes[index],
            truths[index],
            heads[index],
            donor,
            None if donor is None or not truths[donor] else truths[donor][0],
            None if probe.groups is None else probe.groups[index],
        )
        for index, donor in enumerate(donors)
    )


def _classes(images: Sequence[record.Edited]) -> list[list[int | None]]:
    """The classes of which values are kept: `record.OF_CLASSES`."""
    return [[next(iter(each.truths), None), each.head, each.donor_class] for each in images]


def _values(odds: Floats, classes: Sequence[int | None]) -> Floats:
    """Of odds (…, classes) those of some classes, NaN where there is none."""
    columns = [
        np.full(odds.shape[:-1], np.nan) if each is None else odds[..., each] for each in classes
    ]
    return np.stack(columns, -1)
