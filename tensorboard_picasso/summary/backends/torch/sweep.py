"""Scores of all windows of some images by a PyTorch module, reused or whole."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import torch

from tensorboard_picasso.summary.backends._common import sweep
from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes, UnfitError
from tensorboard_picasso.summary.backends._common.choice import Choice
from tensorboard_picasso.summary.backends._common.question import Others
from tensorboard_picasso.summary.backends._common.room import PROCESSOR, Room
from tensorboard_picasso.summary.backends._common.sheets import planes_of
from tensorboard_picasso.summary.backends._common.sweep import (
    COARSE,
    FINE,
    ROUNDED,
    boxes_of,
    same_scores,
)
from tensorboard_picasso.summary.backends._common.ways import WholeError
from tensorboard_picasso.summary.backends.base import (
    Array,
    Hiding,
    Segments,
    Windows,
    out_of_memory,
)
from tensorboard_picasso.summary.backends.torch.dense import LAST, Gathered, Placed, inside
from tensorboard_picasso.summary.backends.torch.device import costs, sent, waited
from tensorboard_picasso.summary.backends.torch.models import array, home
from tensorboard_picasso.summary.reuse.agenda import Agenda
from tensorboard_picasso.summary.reuse.gathers import KeptGathers
from tensorboard_picasso.summary.reuse.rects import Ints, Rects, slices_of, spread
from tensorboard_picasso.summary.reuse.torch import Reading, Unoccluded
from tensorboard_picasso.summary.reuse.torch_trace import Trace, UntraceableError

_OTHERWISE = "the module does not compute what was traced of it"


class Sweep(sweep.Sweep):
    """Of tensors with their channels first, on the module's device.

    Attributes:
      model: the module that is run; set before each sweep.
    """

    def __init__(
        self,
        tensor: Callable[[Array], Any],
        forward: Callable[[Any, Others], Any],
        behind: Callable[[], bool],
        deterministic: Callable[[], bool],
        room: Callable[[], Room] = lambda: PROCESSOR,
    ) -> None:
        """Adapt a module.

        Args:
          tensor: from a batch of model inputs to what `forward` takes.
          forward: from that, and what the call takes beside an image, to scores.
          behind: whether the last scores were those before a final softmax or sigmoid.
          deterministic, room: see `Adapter`.
        """
        super().__init__(deterministic)
        self._tensor, self._forward, self._behind = tensor, forward, behind
        self.model: Any = None
        self._room, self._heeded = room, PROCESSOR
        self._modules: Any = None
        self._traced: Trace | UntraceableError | None = None
        self._failed = 0
        self._gathers = KeptGathers()
        self._readings: dict[Any, Reading] = {}
        self._shapes: Any = None
        self._sizes = BatchSizes(deterministic)
        self._laid: set[Any] = set()

    def scores(self, windows: Windows, whole: str) -> list[Array]:
        """See `sweep.Sweep`."""
        self.costs = costs(home(self.model)[0])
        if (room := self._room()) != self._heeded:
            self._heeded, self.held, self.images = room, room.step, room.images
        return super().scores(windows, whole)

    @property
    def sizes(self) -> BatchSizes:
        """See `sweep.Sweep`."""
        return self._sizes

    def kind(self) -> Hashable:
        """See `sweep.Sweep`."""
        device, dtype = home(self.model)
        return device, dtype, torch.is_autocast_enabled(device.type)

    @property
    def processor(self) -> bool:
        """See `sweep.Sweep`."""
        return bool(home(self.model)[0].type == "cpu")

    def wait(self) -> None:
        """See `sweep.Sweep`."""
        waited(torch.empty(0, device=home(self.model)[0]))

    def batch(self, x: Array) -> Any:
        """See `sweep.Sweep`."""
        return self._tensor(x)

    def place(self, batch: Any) -> tuple[int, ...] | None:
        """See `sweep.Sweep`."""
        return tuple(batch.shape[2:]) if batch.ndim in LAST else None

    def rounding(self, batch: Any) -> float:
        """See `sweep.Sweep`."""
        if torch.is_autocast_enabled(batch.device.type):
            return COARSE
        if batch.dtype is torch.float32:
            # Convolutions of graphics processors round products unless they are told not to.
            return FINE if batch.device.type == "cpu" else ROUNDED
        return FINE if batch.dtype is torch.float64 else COARSE

    def forward(self, batch: Any) -> Any:
        """See `sweep.Sweep`; of a copy, as modules may work in place."""
        return self._forward(batch.clone(), ())  # what is reused has no other inputs

    def occluded(
        self, images: Any, filled: Any, boxes: Ints, segments: Segments | None = None
    ) -> Any:
        """See `sweep.Sweep`."""
        batch = images.repeat_interleave(len(boxes), 0)
        each = batch.unflatten(0, (len(images), len(boxes)))
        for at, places in enumerate(slices_of(boxes)):
            window = np.s_[:, :, *places]
            fill = filled[window]
            if segments is not None:
                inside = segments.labels[places] == segments.numbers[at]
                fill = torch.where(sent(inside, images.device), fill, images[window])
            each[:, at][window] = fill
        return batch

    def patches(
        self,
        images: Any,
        filled: Any,
        boxes: Ints,
        rects: Rects,
        segments: Segments | None = None,
    ) -> Any:
        """See `sweep.Sweep`."""
        places = _places(rects, images.device)
        at = np.s_[:, :, *spread(places)]
        patches = filled[at]
        if segments is not None:
            within = sent(segments.within(rects.places), images.device)
            patches = torch.where(within, patches, images[at])
        elif (boxes[:, len(places) :] != np.array(rects.shape)).any():
            within = inside(boxes, places)
            patches = torch.where(within, patches, images[at])
        return patches.transpose(1, 2).flatten(0, 1)

    def cut(self, batch: Any, boxes: Ints) -> list[Any]:
        """See `sweep.Sweep`."""
        pairs = zip(batch, slices_of(boxes), strict=True)
        return [image[:, *places].clone() for image, places in pairs]

    def pasted(self, image: Any, changes: Sequence[tuple[Ints, Any]], rects: Rects) -> Any:
        """See `sweep.Sweep`."""
        places = spread(_places(rects, image.device))
        made = image[0][:, *places].transpose(0, 1).contiguous()
        inner = slices_of(rects.local(np.array([box for box, _ in changes])))
        for patch, window, (_, change) in zip(made, inner, changes, strict=True):
            patch[:, *window] = change
        return made

    def changed(self, batch: Any, image: Any) -> Ints:
        """See `sweep.Sweep`."""
        return boxes_of((batch != image).any(1).cpu().numpy())

    def check(self) -> None:
        """See `sweep.Sweep`."""
        self._trace()

    def engine(self, images: Any) -> Unoccluded:
        """See `sweep.Sweep`; shapes of layers are known by running them."""
        trace = self._trace()
        output = trace.output
        if self._behind():
            if output.op != "call_module":
                raise WholeError("its last layer is not the last call of its graph")
            output = output.all_input_nodes[0]
        shapes = [each.shape for each in (*self.model.parameters(), *self.model.buffers())]
        if shapes != self._shapes:
            self._shapes, self._readings = shapes, {}
        return Unoccluded(trace, images, output, self._gathers, self._readings)

    def reused(self, windows: Windows, choice: Choice) -> tuple[list[Array], float]:
        """See `Ways`; after an error all is read anew, as settings of a layer may be others."""
        try:
            return super().reused(windows, choice)
        except Exception:
            self._readings = {}
            raise

    def passed(self, engine: Unoccluded, images: Any, agenda: Agenda) -> Unoccluded:
        """See `sweep.Sweep`."""
        engine.prepare([each.plan for each in agenda.chunks])
        return engine

    def arrays(self, scores: Sequence[Any]) -> list[Array]:
        """See `sweep.Sweep`."""
        if len({(each.shape[1:], each.dtype, each.device) for each in scores}) > 1:
            return [array(each) for each in scores]
        ends = np.cumsum([len(each) for each in scores])[:-1]
        return np.split(array(torch.cat(list(scores))), ends)

    def otherwise(self) -> str:
        """See `sweep.Sweep`.

        Traced anew it may do; where it does not, as with random layers, that is all.
        """
        self._failed += 1
        self._traced = None if self._failed == 1 else UntraceableError(_OTHERWISE)
        return _OTHERWISE

    def agreed(self) -> None:
        """See `sweep.Sweep`."""
        self._failed = 0

    def _trace(self) -> Trace:
        """The module's graph, anew where modules of it were exchanged."""
        modules = [
            (
                name,
                id(module),
                type(module),
                len(module._forward_hooks),
                len(module._forward_pre_hooks),
            )
            for name, module in self.model.named_modules()
        ]
        if modules != self._modules:
            self._modules, self._traced, self._failed = modules, None, 0
            self._choices.clear()
        if self._traced is None:
            try:
                self._traced, self._readings = Trace(self.model), {}
            except UntraceableError as e:
                self._traced = e
        if isinstance(self._traced, Trace):
            return self._traced
        raise WholeError(str(self._traced))

    def dense(self, windows: Windows) -> list[Array]:
        """See `sweep.Sweep`."""
        image = windows.hidings[0].image
        kind = image.shape, image.dtype, self.kind()
        if windows.in_place:
            example = self._tensor(windows.model_input(image[None]))
            if planes_of(image.shape, tuple(example.shape[1:])):
                # A row of a sheet is hidden from one column to another, as no segment is.
                rows = windows.hidings[0].segments is None and self.gathers(example.device)
                made = Gathered if rows else Placed
                return self._made(windows, (*kind, example.dtype, made), example, made)

        return [self._handed(each, windows, ("handed", *kind)) for each in windows.hidings]

    def _handed(self, hiding: Hiding, windows: Windows, kind: Any) -> Array:
        """Where occluded images are handed to the user's Python first."""
        image = hiding.image

        def run(part: slice, _: int) -> Array:
            batch = self._tensor(windows.model_input(hiding.viewed(part)))
            return array(self._forward(batch, windows.others))

        return self._sizes.sweep(kind, len(hiding.boxes), image.size, run, room=self._room())

    def _made(
        self, windows: Windows, kind: Any, example: Any, maker: type[Gathered | Placed]
    ) -> list[Array]:
        """Where occluded images are made on the device, of several images at once."""
        made = maker(windows, self._tensor, tuple(example.shape[1:]))
        size = windows.hidings[0].image.size
        rows = self.in_batches(kind, made.count, size, made.batch, made.first, windows.others)
        return made.split(rows)

    def gathers(self, device: Any) -> bool:
        """Whether occluded images are gathered of sheets, by the processor's caches; else placed."""
        return bool(device.type == "cpu")

    def in_batches(
        self,
        kind: Any,
        count: int,
        numbers: int,
        batch: Callable[[slice, bool], Any],
        first: bool,
        others: Others,
    ) -> Array:
        """Scores of so many inputs, in batches of the size and the layout that is fastest.

        Args:
          kind: of inputs whose batches take as long.
          count: inputs. numbers: that one of them holds.
          batch: from a slice of them, and whether their channels lie last in memory, to what
            the module takes.
          first: whether channels come before rows and columns, and may lie otherwise.
          others: what the call takes beside an image.
        """
        layouts = _layouts(self.model) if first else [torch.contiguous_format]

        def run(part: slice, way: int) -> Any:
            made = batch(part, layouts[way] is torch.channels_last)
            if way:
                self._check_layout(kind, made, others)
            return self._forward(made, others)

        return self._sizes.sweep(
            (kind, *layouts),
            count,
            numbers,
            run,
            len(layouts),
            room=self._room(),
            joined=lambda scores: np.concatenate(self.arrays(scores)),
            wait=waited,
        )

    def _check_layout(self, kind: Any, batch: Any, others: Others) -> None:
        """Code that heeds how numbers lie in memory may raise or do otherwise: seen once.

        Raises:
          UnfitError: it does.
        """
        if kind in self._laid:
            return
        plain = batch[-1:].clone(memory_format=torch.contiguous_format)
        try:
            scores = array(self._forward(batch[-1:].clone(), others))
        except Exception as e:
            if out_of_memory(e):
                raise
            raise UnfitError from e
        expected = array(self._forward(plain, others))
        if not same_scores(scores, expected, expected, self.rounding(batch)):
            raise UnfitError
        self._laid.add(kind)


def _layouts(model: Any) -> list[Any]:
    """How batches of images may lie in memory, what to begin with first."""
    plain, last = torch.contiguous_format, torch.channels_last
    if any(
        parameter.ndim in LAST
        and parameter.is_contiguous(memory_format=LAST[parameter.ndim])
        and not parameter.is_contiguous()
        for parameter in model.parameters()
    ):
        return [last]
    # Whoever watches calls sees the passes of windows, and what was asked for.
    watched = any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
    return [plain] if watched else [plain, last]


def _places(rects: Rects, device: Any) -> list[Any]:
    return [sent(each, device) for each in rects.places]
