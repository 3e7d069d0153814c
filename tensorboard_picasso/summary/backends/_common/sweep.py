"""Scores of all windows of some images, reused or whole, whatever the framework."""

import abc
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends._common.choice import Choice, Way
from tensorboard_picasso.summary.backends._common.ways import Ways, WholeError
from tensorboard_picasso.summary.backends.base import (
    Array,
    Hiding,
    Segments,
    Windows,
    batches,
    spread,
)
from tensorboard_picasso.summary.reuse.agenda import Agenda, Chunk, make
from tensorboard_picasso.summary.reuse.plan import COSTS, Costs
from tensorboard_picasso.summary.reuse.rects import Ints, Rects

# Agendas that are kept, of a probe's sizes and some windows.
_MAX_AGENDAS = 64
# By what share two ways to compute the same scores may differ: in float32 and float64; where
# products are rounded to 11 bits, as graphics processors do of float32 too; in what is narrower.
FINE, ROUNDED, COARSE = 1e-3, 0.01, 0.05


class Sweep(Ways):
    """Sweeps windows over images, and remembers of the model what does not change.

    A batch is what the framework makes of model inputs.

    costs: of the framework, on the device.
    """

    costs: Costs = COSTS

    def __init__(self, deterministic: Callable[[], bool]) -> None:
        """Know nothing yet.

        Args:
          deterministic: see `Adapter`.
        """
        super().__init__(deterministic)
        self._agendas: OrderedDict[Any, Agenda] = OrderedDict()

    def scores(self, windows: Windows, whole: str) -> list[Array]:
        """See `Adapter.swept_scores`; `whole` is why there is no reuse, "" where there may be."""
        results: list[Any] = [None] * len(windows.hidings)
        for part in alike(windows.hidings, bool(whole)):
            some = replace(windows, hidings=[windows.hidings[each] for each in part])
            made = self.dense(some) if whole else self.faster(some)
            for at, scores in zip(part, made, strict=True):
                results[at] = scores
        if whole:
            self.told, self.decided = f"dense: {whole}", True
        return results

    @abc.abstractmethod
    def batch(self, x: Array) -> Any:
        """A batch of model inputs."""

    @abc.abstractmethod
    def place(self, batch: Any) -> tuple[int, ...] | None:
        """Height and width of the maps in it, of volumes depth before; None: it holds no maps."""

    @abc.abstractmethod
    def rounding(self, batch: Any) -> float:
        """By what share two ways to compute a model's scores of it may differ."""

    @abc.abstractmethod
    def forward(self, batch: Any) -> Any:
        """The model's own scores."""

    @abc.abstractmethod
    def occluded(
        self, images: Any, filled: Any, boxes: Ints, segments: Segments | None = None
    ) -> Any:
        """Copies of images with each box filled, (images * windows, …), image by image.

        segments: as of `Hiding`.
        """

    @abc.abstractmethod
    def patches(
        self,
        images: Any,
        filled: Any,
        boxes: Ints,
        rects: Rects,
        segments: Segments | None = None,
    ) -> Any:
        """What images hold at rectangles where boxes in them are filled.

        Args:
          images, filled: batches.
          boxes: (windows, 4), of volumes (windows, 6). rects: of the windows, each with its box
            inside.
          segments: as of `Hiding`.

        Returns:
          A batch of images * windows, image by image.
        """

    @abc.abstractmethod
    def cut(self, batch: Any, boxes: Ints) -> list[Any]:
        """Of each of a batch what is in a box."""

    @abc.abstractmethod
    def pasted(self, image: Any, changes: Sequence[tuple[Ints, Any]], rects: Rects) -> Any:
        """What copies of an image hold at a rectangle each, with what is in a box replaced.

        Args:
          image: a batch of one.
          changes: boxes, each in its rectangle, and what is in them.
          rects: the rectangles.
        """

    @abc.abstractmethod
    def changed(self, batch: Any, image: Any) -> Ints:
        """Boxes, as of `Hiding`, around all pixels in which a batch differs from a batch of one."""

    @abc.abstractmethod
    def engine(self, images: Any) -> Any:
        """What has the `layers` of a model of such images.

        Raises:
          WholeError: the model cannot be taken apart.
        """

    @abc.abstractmethod
    def passed(self, engine: Any, images: Any, agenda: Agenda) -> Any:
        """A pass of the unoccluded images.

        It has their `output`; `features`, which makes patches at a plan into something with a
        length and a `shape`; and `head`, which makes scores of a list of those.
        """

    @abc.abstractmethod
    def arrays(self, scores: Sequence[Any]) -> list[Array]:
        """Several scores as they are returned, brought from the device at once."""

    @abc.abstractmethod
    def otherwise(self) -> str:
        """What to say, and to do, where a window's scores are not those of the model itself."""

    @abc.abstractmethod
    def agreed(self) -> None:
        """A window's scores are those of the model itself."""

    def reused(self, windows: Windows, choice: Choice) -> tuple[list[Array], float]:
        """See `Ways`."""
        return (self._by_boxes if windows.in_place else self._by_difference)(windows, choice)

    def _by_boxes(self, windows: Windows, choice: Choice) -> tuple[list[Array], float]:
        """Where a box changes the same box of the model's input."""
        group, model_input = windows.hidings, windows.model_input
        boxes, segments = group[0].boxes, group[0].segments
        images, filled = (
            self.batch(model_input(np.stack(stack)))
            for stack in ([one.image for one in group], [one.filled for one in group])
        )
        shape = group[0].image.shape[:-1]
        if self.place(images) != shape:
            raise WholeError(f"the model takes {tuple(images.shape[1:])}, no maps with channels")
        hiding = np.flatnonzero(boxes[:, len(shape) :].all(1))
        if not hiding.size:
            raise WholeError("no window hides anything")
        engine = self.engine(images)
        agenda = self._agenda(engine, boxes[hiding], shape, len(group))
        choice.weigh(agenda)
        if choice.turn is Way.WHOLE:
            return [], 0.0
        some, rest = self.sample(windows, choice, agenda, hiding)

        def patches(chunk: Chunk) -> Any:
            taken = group[0].taking(hiding[chunk.windows])
            return self.patches(images, filled, taken.boxes, chunk.plan.rects, taken.segments)

        # One window of each group of images is scored by the model itself too.
        one = hiding[_middle(rest)]
        checked = self.occluded(
            images[:1], filled[:1], boxes[one], segments and segments.taking(one)
        )
        whole, expected, parts = self.scored(engine, images, rest, patches, checked)
        result = np.repeat(whole[:, None], len(boxes), axis=1)
        for which, scores in [*some, *parts]:
            result[:, hiding[which]] = scores.reshape(len(group), len(which), -1)
        self._check(result[0, one], expected, result, images)
        return list(result), rest.cost / agenda.cost

    def _by_difference(self, windows: Windows, choice: Choice) -> tuple[list[Array], float]:
        """Where only what `preprocess` made of the windows shows what they change."""
        model_input = windows.model_input
        (shown,) = windows.hidings
        image, boxes = shown.image, shown.boxes
        images = self.batch(model_input(image[None]))
        shape = self.place(images)
        if shape is None:
            raise WholeError(f"the model takes {tuple(images.shape[1:])}, no maps with channels")
        engine: Any = None
        changes: list[tuple[Ints, Any]] = []
        numbers = int(np.prod(images.shape[1:]))
        for part in batches(len(boxes), max(image.size, numbers)):
            batch = self.batch(model_input(shown.viewed(part)))
            if batch.shape[1:] != images.shape[1:]:
                raise WholeError("preprocess makes inputs of several shapes")
            touched = self.changed(batch, images)
            if engine is None:
                engine = self.engine(images)
                # Before all is kept of what changes: whether so much of it does that none pays.
                self._agenda(engine, touched, shape, 1)
            changes += zip(touched, self.cut(batch, touched), strict=True)
        changed = np.array([box for box, _ in changes])
        agenda = self._agenda(engine, changed, shape, 1)
        choice.weigh(agenda)
        if choice.turn is Way.WHOLE:
            return [], 0.0
        some, rest = self.sample(windows, choice, agenda, np.arange(len(boxes)))

        def patches(chunk: Chunk) -> Any:
            return self.pasted(images, [changes[each] for each in chunk.windows], chunk.plan.rects)

        # One window is scored by the model itself too.
        one = _middle(rest)
        checked = self.batch(model_input(shown.viewed(one)))
        whole, expected, parts = self.scored(engine, images, rest, patches, checked)
        result = np.empty((len(boxes), whole.shape[1]), whole.dtype)
        for which, scores in [*some, *parts]:
            result[which] = scores
        self._check(result[one], expected, result, images)
        return [result], rest.cost / agenda.cost

    def scored(
        self,
        engine: Any,
        images: Any,
        agenda: Agenda,
        patches: Callable[[Chunk], Any],
        checked: Any,
    ) -> tuple[Array, Array, Iterator[tuple[Ints, Array]]]:
        """Scores of unoccluded images and of a batch that is checked, and those of windows.

        Args:
          engine: of the model.
          images: the unoccluded.
          agenda: of their windows.
          patches: what the images hold where a chunk's windows are.
          checked: a batch.

        Returns:
          Of the images; of the batch, by the model itself; in parts, windows and their scores,
          image by image.
        """
        expected = self.forward(checked)
        passed = self.passed(engine, images, agenda)
        parts = list(self._parts(passed, agenda, patches))
        output, expected, *scores = self.arrays(
            [passed.output, expected, *(each for _, each in parts)]
        )
        several = zip((windows for windows, _ in parts), scores, strict=True)
        return output, expected, (part for each in several for part in _split(*each))

    def _parts(
        self, passed: Any, agenda: Agenda, patches: Callable[[Chunk], Any]
    ) -> Iterator[tuple[list[tuple[Ints, int]], Any]]:
        """Windows of some chunks with how many rows each, and the scores of all of these."""
        waiting: list[tuple[Ints, Any]] = []
        held = 0
        for chunk in agenda.chunks:
            features = passed.features(chunk.plan, patches(chunk))
            waiting.append((chunk.windows, features))
            numbers = int(np.prod(features.shape))
            held += numbers
            if held + numbers > self.held or chunk is agenda.chunks[-1]:
                counts = [(windows, len(each)) for windows, each in waiting]
                yield counts, passed.head([each for _, each in waiting])
                waiting, held = [], 0

    def _agenda(self, engine: Any, boxes: Ints, shape: tuple[int, ...], images: int) -> Agenda:
        """The agenda of such windows, made once.

        Raises:
          WholeError: reuse is surely slower.
        """
        key = engine.layers, boxes.tobytes(), shape, images, self.held
        if key not in self._agendas:
            self._agendas[key] = make(engine.layers, boxes, shape, images, self.held, self.costs)
            while len(self._agendas) > _MAX_AGENDAS:
                self._agendas.popitem(last=False)
        self._agendas.move_to_end(key)
        agenda = self._agendas[key]
        if agenda.hopeless:
            raise WholeError(agenda.text(False))
        return agenda

    def _check(self, ours: Array, expected: Array, scores: Array, images: Any) -> None:
        """What was read of a model once it may do otherwise now: it says so itself."""
        if not same_scores(ours, expected, scores, self.rounding(images)):
            raise WholeError(self.otherwise())
        self.agreed()


def _middle(agenda: Agenda) -> Ints:
    """One window of an agenda."""
    which = np.sort(np.concatenate([chunk.windows for chunk in agenda.chunks]))
    return which[len(which) // 2 :][:1]


def same_scores(ours: Array, expected: Array, scores: Array, rounding: float) -> bool:
    """Whether two ways to compute some of these scores gave the same, but for rounding."""
    return ours.shape == expected.shape and np.allclose(
        ours, expected, rounding, rounding * spread(scores), equal_nan=True
    )


def _split(counts: Sequence[tuple[Ints, int]], scores: Array) -> Iterator[tuple[Ints, Array]]:
    """Windows of each chunk, and their scores."""
    ends = np.cumsum([count for _, count in counts])[:-1]
    parts = np.split(scores, ends)
    return ((windows, part) for (windows, _), part in zip(counts, parts, strict=True))


def boxes_of(differs: Array) -> Ints:
    """Boxes, as of `Hiding`, that hold all that is true of (n, height, width), or of volumes."""
    axes = differs.ndim - 1
    boxes = np.empty((len(differs), 2 * axes), np.int64)
    for axis in range(axes):
        along = np.any(differs, axis=tuple(1 + at for at in range(axes) if at != axis))
        low = along.argmax(1)
        high = along.shape[1] - along[:, ::-1].argmax(1)
        boxes[:, axis], boxes[:, axis + axes] = low, np.where(along.any(1), high - low, 1)
    return boxes


def alike(hidings: Sequence[Hiding], whole: bool = False) -> list[list[int]]:
    """Indices of those with the same shape and dtype of image, and the same places.

    whole: their places may differ, as each occluded image is run as a whole.
    """
    groups: dict[Any, list[int]] = {}
    for at, hiding in enumerate(hidings):
        key: tuple[Any, ...] = hiding.image.shape, hiding.image.dtype, hiding.segments is None
        if not whole:
            key += (hiding.boxes.tobytes(),)
            key += (hiding.segments.labels.tobytes(),) if hiding.segments is not None else ()
        groups.setdefault(key, []).append(at)
    return list(groups.values())
