"""Scores of all windows of some images by a PyTorch module, reused or whole."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tensorboard_picasso.summary.backends._batch_size import BatchSizes, UnfitError
from tensorboard_picasso.summary.backends._sheets import Sheets, planes_of
from tensorboard_picasso.summary.backends._torch_models import array, home
from tensorboard_picasso.summary.backends.base import (
    Array,
    Function,
    Hiding,
    batches,
    hidden,
    out_of_memory,
)
from tensorboard_picasso.summary.reuse import schedule as schedules
from tensorboard_picasso.summary.reuse.rects import Ints, Rects
from tensorboard_picasso.summary.reuse.schedule import Chunk, Schedule
from tensorboard_picasso.summary.reuse.torch import Unoccluded
from tensorboard_picasso.summary.reuse.torch_trace import Trace, UntraceableError

# Schedules that are kept, of a probe's sizes and some windows.
_MAX_SCHEDULES = 64

_OTHERWISE = "the module does not compute what was traced of it"


class Sweep:
    """Sweeps windows over images, and remembers of the module what does not change.

    Attributes:
      told: what the last sweep did and why, for people.
    """

    def __init__(
        self,
        model: Any,
        tensor: Callable[[Array], Any],
        forward: Callable[[Any], Any],
        behind: Callable[[], bool],
        steady: bool,
    ) -> None:
        """Adapt a module.

        Args:
          model: the user's.
          tensor: from a batch of model inputs to what `forward` takes.
          forward: from that to scores.
          behind: whether the last scores were those before a final softmax or sigmoid.
          steady: see `Backend`.
        """
        self._model, self._tensor, self._forward, self._behind = model, tensor, forward, behind
        self._modules: Any = None
        self._traced: Trace | UntraceableError | None = None
        self._failed = 0
        self._schedules: OrderedDict[Any, Schedule] = OrderedDict()
        # Halved where memory does not suffice.
        self._held = schedules.HELD
        self._sizes = BatchSizes(steady)
        self._laid: set[Any] = set()
        self.told = "nothing was computed yet"

    def scores(
        self, hidings: Sequence[Hiding], model_input: Function, in_place: bool, whole: str
    ) -> list[Array]:
        """See `Backend.swept_scores`; `whole` is why there is no reuse, "" where there may be."""
        results: list[Any] = [None] * len(hidings)
        for part in _alike(hidings):
            group = [hidings[each] for each in part]
            found = None if whole else self._reused(group, model_input, in_place)
            if found is None:
                found = self._dense(group, model_input, in_place)
            for at, each in zip(part, found, strict=True):
                results[at] = each
        if whole:
            self.told = f"dense: {whole}"
        return results

    def _reused(
        self, group: Sequence[Hiding], model_input: Function, in_place: bool
    ) -> list[Array] | None:
        """None where whole passes are faster or the only way."""
        found = None
        try:
            for part in batches(len(group), 16 * group[0].image.size) if in_place else _each(group):
                found = (found or []) + self._backing_off(group[part], model_input, in_place)
        except _WholeError as e:
            self.told = f"dense: {e}"
            return None
        return found

    def _backing_off(self, group: Sequence[Hiding], model_input: Function, in_place: bool) -> Any:
        while True:
            try:
                attempt = self._by_boxes if in_place else self._by_difference
                return attempt(group, model_input)
            except (UntraceableError, _WholeError) as e:
                raise _WholeError(str(e)) from e
            except Exception as e:
                if not out_of_memory(e):
                    # Whatever the user's code raises taken apart: whole it may well run.
                    raise _WholeError(f"taken apart it raises {type(e).__name__}: {e}") from e
                if self._held < 1 << 16:
                    raise _WholeError("memory does not suffice") from e
                self._held //= 2

    def _by_boxes(self, group: Sequence[Hiding], model_input: Function) -> list[Array]:
        """Where a box changes the same box of the model's input."""
        boxes = group[0].boxes
        images, filled = (
            self._tensor(model_input(np.stack(each)))
            for each in ([one.image for one in group], [one.filled for one in group])
        )
        shape = group[0].image.shape[:2]
        if images.ndim != 4 or images.shape[2:] != shape:
            raise _WholeError(f"the model takes {tuple(images.shape[1:])}, no maps with channels")
        trace = self._trace()
        hiding = np.flatnonzero(boxes[:, 2:].all(1))
        if not hiding.size:
            raise _WholeError("no window hides anything")
        # One window of each group of images is scored by the module itself too.
        some = hiding[len(hiding) // 2 :][:1]
        expected = array(self._forward(_occluded(images[:1], filled[:1], boxes[some])))
        passed = self._passed(trace, images)
        schedule = self._schedule(passed, boxes[hiding], shape, len(group))
        whole = array(passed.output)
        result = np.repeat(whole[:, None], len(boxes), axis=1)

        def patches(chunk: Chunk) -> Any:
            return _patches(images, filled, boxes[hiding[chunk.windows]], chunk.plan.rects)

        for windows, found in self._scored(passed, schedule, patches):
            result[:, hiding[windows]] = found.reshape(len(group), len(windows), -1)
        self._check(result[0, some], expected, result, images)
        self.told = schedule.text()
        return list(result)

    def _by_difference(self, group: Sequence[Hiding], model_input: Function) -> list[Array]:
        """Where only what `preprocess` made of the windows shows what they change."""
        ((image, filled, boxes),) = ((each.image, each.filled, each.boxes) for each in group)
        images = self._tensor(model_input(image[None]))
        if images.ndim != 4:
            raise _WholeError(f"the model takes {tuple(images.shape[1:])}, no maps with channels")
        trace = self._trace()
        passed: Unoccluded | None = None
        expected: Any = None
        rows: list[Array] = []
        for part in batches(len(boxes), max(image.size, images[0].numel())):
            batch = self._tensor(model_input(hidden(image, filled, boxes[part])))
            if batch.shape[1:] != images.shape[1:]:
                raise _WholeError("preprocess makes inputs of several shapes")
            if passed is None:
                expected = array(self._forward(batch[-1:].clone()))
                passed = self._passed(trace, images)
            found = _changed(batch, images)
            schedule = self._schedule(passed, found, images.shape[2:], 1)
            part_rows: Any = None

            def patches(chunk: Chunk, batch: Any = batch) -> Any:
                return _cut(batch, chunk.windows, chunk.plan.rects)

            for windows, some in self._scored(passed, schedule, patches):
                if part_rows is None:
                    part_rows = np.empty((len(batch), some.shape[1]), some.dtype)
                part_rows[windows] = some
            if not rows:
                self._check(part_rows[-1:], expected, part_rows, images)
                self.told = schedule.text()
            rows.append(part_rows)
        return [np.concatenate(rows)]

    def _scored(
        self, passed: Unoccluded, schedule: Schedule, patches: Callable[[Chunk], Any]
    ) -> Iterator[tuple[Ints, Array]]:
        """Windows and their scores, image by image, in chunks."""
        waiting: list[tuple[Ints, Any]] = []
        for chunk in schedule.chunks:
            features = passed.features(chunk.plan, patches(chunk))
            waiting.append((chunk.windows, features))
            held = sum(each.numel() for _, each in waiting)
            if held + features.numel() > self._held or chunk is schedule.chunks[-1]:
                scores = passed.head(torch.cat([each for _, each in waiting]))
                for (windows, _), found in zip(
                    waiting, scores.split([len(each) for _, each in waiting]), strict=True
                ):
                    yield windows, array(found)
                waiting = []

    def _passed(self, trace: Trace, images: Any) -> Unoccluded:
        output = trace.output
        if self._behind():
            if output.op != "call_module":
                raise _WholeError("its last layer is not the last call of its graph")
            output = output.all_input_nodes[0]
        return Unoccluded(trace, images, output)

    def _trace(self) -> Trace:
        """The module's graph, anew where modules of it were exchanged."""
        modules = [
            (name, id(each), type(each), len(each._forward_hooks), len(each._forward_pre_hooks))
            for name, each in self._model.named_modules()
        ]
        if modules != self._modules:
            self._modules, self._traced, self._failed = modules, None, 0
        if self._traced is None:
            try:
                self._traced = Trace(self._model)
            except UntraceableError as e:
                self._traced = e
        if isinstance(self._traced, Trace):
            return self._traced
        raise _WholeError(str(self._traced))

    def _schedule(self, passed: Unoccluded, boxes: Ints, shape: Any, images: int) -> Schedule:
        """The schedule of such windows, made once.

        Raises:
          _WholeError: it does not pay.
        """
        key = passed.layers, boxes.tobytes(), tuple(shape), images, self._held
        if key not in self._schedules:
            self._schedules[key] = schedules.make(
                passed.layers, boxes, tuple(shape), images, self._held
            )
            while len(self._schedules) > _MAX_SCHEDULES:
                self._schedules.popitem(last=False)
        self._schedules.move_to_end(key)
        found = self._schedules[key]
        if not found.pays:
            raise _WholeError(found.text())
        return found

    def _check(self, found: Array, expected: Array, scores: Array, images: Any) -> None:
        """Python that was traced may do otherwise now: the module itself says so."""
        if _equal(found, expected, np.ptp(scores), images):
            self._failed = 0
        else:
            # Traced anew it may do; where it does not, as with random layers, that is all.
            self._failed += 1
            self._traced = None if self._failed == 1 else UntraceableError(_OTHERWISE)
            raise _WholeError(_OTHERWISE)

    def _dense(self, group: Sequence[Hiding], model_input: Function, in_place: bool) -> list[Array]:
        """Each occluded image as a whole, of images of one shape with the same boxes."""
        image = group[0].image
        device, dtype = home(self._model)
        kind = image.shape, image.dtype, device, dtype, torch.is_autocast_enabled(device.type)
        if in_place:
            example = self._tensor(model_input(image[None]))
            if planes_of(image.shape, tuple(example.shape[1:])):
                return self._made(group, model_input, (*kind, example.dtype), example)

        return [self._handed(each, model_input, ("handed", *kind)) for each in group]

    def _handed(self, hiding: Hiding, model_input: Function, kind: Any) -> Array:
        """Where occluded images are handed to the user's Python first."""
        image, filled, boxes = hiding.image, hiding.filled, hiding.boxes

        def run(part: slice, _: int) -> Array:
            batch = self._tensor(model_input(hidden(image, filled, boxes[part])))
            return array(self._forward(batch))

        return self._sizes.sweep(kind, len(boxes), image.size, run)

    def _made(
        self, group: Sequence[Hiding], model_input: Function, kind: Any, example: Any
    ) -> list[Array]:
        """Where occluded images are made on the device, of several images at once."""
        sheets = Sheets(group)
        shape = group[0].image.shape
        planes = planes_of(shape, tuple(example.shape[1:]))
        first = example.shape[1:] == (shape[2], *shape[:2])
        layouts = _layouts(self._model) if first else [torch.contiguous_format]
        held: Any = None

        def run(part: slice, way: int) -> Array:
            nonlocal held
            last = layouts[way] is torch.channels_last
            wanted = sheets.span(part), last
            if held is None or held[0] != wanted:
                held = None  # not both at once
                images = self._tensor(model_input(sheets.images(wanted[0])))
                held = wanted, images.movedim(1, 3).contiguous() if last else images
            rows = sheets.rows(part, 1 if last else planes)
            batch = _gathered(held[1], rows)
            if last:
                batch = batch.movedim(3, 1)
            if way:
                self._check_layout(kind, batch)
            return array(self._forward(batch))

        size = group[0].image.size
        found = self._sizes.sweep((kind, *layouts), sheets.count, size, run, len(layouts))
        return sheets.split(found)

    def _check_layout(self, kind: Any, batch: Any) -> None:
        """Code that heeds how numbers lie in memory may raise or do otherwise: seen once.

        Raises:
          UnfitError: it does.
        """
        if kind in self._laid:
            return
        plain = batch[-1:].clone(memory_format=torch.contiguous_format)
        try:
            found = array(self._forward(batch[-1:].clone()))
        except Exception as e:
            if out_of_memory(e):
                raise
            raise UnfitError from e
        expected = array(self._forward(plain))
        if not _equal(found, expected, np.ptp(expected), batch):
            raise UnfitError
        self._laid.add(kind)


class _WholeError(Exception):
    """Whole passes are faster, or the only way: why."""


def _alike(hidings: Sequence[Hiding]) -> list[list[int]]:
    """Indices of those with the same boxes and shape of image."""
    groups: dict[Any, list[int]] = {}
    for at, each in enumerate(hidings):
        groups.setdefault((each.image.shape, each.boxes.tobytes()), []).append(at)
    return list(groups.values())


def _each(group: Sequence[Hiding]) -> Iterator[slice]:
    return (slice(at, at + 1) for at in range(len(group)))


def _occluded(images: Any, filled: Any, boxes: Ints) -> Any:
    """Copies of images with each box filled, (images * windows, …), image by image."""
    batch = images.repeat_interleave(len(boxes), 0)
    each = batch.unflatten(0, (len(images), len(boxes)))
    for at, (top, left, height, width) in enumerate(boxes.tolist()):
        window = np.s_[:, :, top : top + height, left : left + width]
        each[:, at][window] = filled[window]
    return batch


def _patches(images: Any, filled: Any, boxes: Ints, rects: Rects) -> Any:
    """What images hold at rectangles where boxes in them are filled.

    Args:
      images, filled: (images, channels, height, width).
      boxes: (windows, 4). rects: of the windows, each with its box inside.

    Returns:
      (images * windows, channels, height, width), image by image.
    """
    rows, columns = _places(rects, images.device)
    at = np.s_[:, :, rows[:, :, None], columns[:, None, :]]
    found = filled[at]
    if (boxes[:, 2:] != np.array(rects.shape)).any():
        lows = torch.from_numpy(boxes[:, :2]).to(images.device)
        highs = torch.from_numpy(boxes[:, :2] + boxes[:, 2:]).to(images.device)
        inside = [
            (places >= lows[:, axis, None]) & (places < highs[:, axis, None])
            for axis, places in enumerate((rows, columns))
        ]
        found = torch.where(inside[0][:, :, None] & inside[1][:, None, :], found, images[at])
    return found.transpose(1, 2).flatten(0, 1)


def _cut(batch: Any, windows: Any, rects: Rects) -> Any:
    """Some of a batch at a rectangle each."""
    rows, columns = _places(rects, batch.device)
    which = torch.from_numpy(windows).to(batch.device)[:, None, None]
    return batch[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _layouts(model: Any) -> list[Any]:
    """How batches of images may lie in memory, what to begin with first."""
    plain, last = torch.contiguous_format, torch.channels_last
    if any(
        each.ndim == 4 and each.is_contiguous(memory_format=last) and not each.is_contiguous()
        for each in model.parameters()
    ):
        return [last]
    # Whoever watches calls sees the passes of windows, and what was asked for.
    watched = any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
    return [plain] if watched else [plain, last]


def _gathered(images: Any, rows: Any) -> Any:
    """A batch of images, (n, rows each), of rows of others."""
    every = images.reshape(-1, images[0].numel() // rows.shape[1])
    found = every.index_select(0, torch.from_numpy(rows.reshape(-1)).to(images.device))
    return found.view(len(rows), *images.shape[1:])


def _equal(found: Array, expected: Array, spread: float, batch: Any) -> bool:
    """Whether scores that vary so much are the same, but for rounding."""
    wide = batch.dtype in (torch.float32, torch.float64)
    wide = wide and not torch.is_autocast_enabled(batch.device.type)
    slack = 1e-3 if wide else 0.05
    return np.allclose(found, expected, slack, slack * spread, equal_nan=True)


def _places(rects: Rects, device: Any) -> list[Any]:
    return [
        torch.from_numpy(each.starts[:, None] + np.arange(each.size)).to(device)
        for each in rects.axes
    ]


def _changed(batch: Any, image: Any) -> Ints:
    """Boxes (n, 4) that hold all pixels in which a batch differs from an image."""
    differs = (batch != image).any(1)
    boxes = np.empty((len(batch), 4), np.int64)
    for axis, others in ((0, 2), (1, 1)):
        along = differs.any(others).cpu().numpy()
        low = along.argmax(1)
        high = along.shape[1] - along[:, ::-1].argmax(1)
        boxes[:, axis], boxes[:, axis + 2] = low, np.where(along.any(1), high - low, 1)
    return boxes
