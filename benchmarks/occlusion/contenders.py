"""What is timed: each a way to score windows of one image."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.occlusion.cases import FILL, Array, Boxes, Case, occluded
from benchmarks.occlusion.results import OURS_DENSE
from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends.base import Hiding
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.methods.base import Subject
from tensorboard_picasso.summary.probe import outputs
from tensorboard_picasso.summary.reuse.rects import slices_of

Scores = NDArray[Any]
Forward = Callable[[Any], Any]

TARGETS = 3
# Windows among which our engine looks for the best size of its batches.
SEARCHED = 1 << 14


@dataclass(frozen=True, eq=False)
class Contender:
    """A way to score windows.

    name: in tables.
    run: scores at most about so many windows, and returns the scores (n, classes) that
      it made.
    boxes: the windows in the order of the scores.
    whole: how many scores of the whole image come before those of windows.
    batch: how many it scores at once, at least.
    most: how many windows it is asked for at most, as it holds them all at once.
    setting: what was chosen for it.
    remark: what a reader must know of its number.
    """

    name: str
    run: Callable[[int], Scores]
    boxes: Boxes
    whole: int = 0
    batch: int = 1
    most: int | None = None
    setting: str = ""
    remark: str = ""


class Enough(Exception):  # noqa: N818
    """Raised through a tool that has scored as many windows as are to be timed."""


class Watch:
    """The forward pass that a tool is given: keeps the scores, and stops it after enough."""

    def __init__(self, forward: Forward, limit: int) -> None:
        self._forward, self._limit = forward, limit
        self._count = 0
        self._rows: list[Any] = []

    def __call__(self, x: Any) -> Any:
        """Scores of a batch."""
        scores = self._forward(x)
        self._rows.append(scores)
        self._count += len(scores)
        if self._count >= self._limit:
            raise Enough
        return scores

    @property
    def left(self) -> int:
        """How many more images are to be scored."""
        return self._limit - self._count

    @property
    def scores(self) -> Scores:
        """All that were made."""
        # PyTorch's may lie on a device.
        rows = (each.cpu() if hasattr(each, "is_cuda") else each for each in self._rows)
        return np.concatenate([np.asarray(each) for each in rows])


def watched(forward: Forward, limit: int, use: Callable[[Watch], Any]) -> Scores:
    """The scores that a tool makes of at most about so many images."""
    watch = Watch(forward, limit)
    with contextlib.suppress(Enough):
        use(watch)
    return watch.scores


class Ours:
    """Our occlusion of images for a few targets each, as a summary op computes it."""

    def __init__(self, case: Case, model: Any, images: Array) -> None:
        self._count = len(images)
        probe = summary.Probe("bench", images, value_range=(0, 255), output="logits")
        backend = models.backend(probe, model)
        x = probe.model_input(images)
        raw = backend.scores(x)
        self._method = summary.Occlusion(case.window, case.stride, fill=FILL)
        self._subjects = [
            Subject(probe, at, backend, Output.LOGITS, x[at], raw[at], _targets(raw[at]))
            for at in range(self._count)
        ]

    def run(self) -> None:
        """Compute the maps."""
        self._answers = self._method.explain(self._subjects)

    def settle(self, most: int) -> None:
        """Compute the maps until what is chosen by timing is known, so many times at most."""
        backend = self._subjects[0].backend
        for _ in range(most):
            self.run()
            if backend.sweep_decided:
                break

    @property
    def told(self) -> str:
        """What was done and why, as `summary.explain_plan` says it."""
        return self._subjects[0].backend.sweep_told

    @property
    def log_odds(self) -> tuple[Boxes, NDArray[np.int64], Scores]:
        """Of the first image the windows, classes and log-odds (windows, classes) of the last run."""
        grid = self._answers[0].grid
        boxes = [(top, left, *grid.window) for top in grid.tops for left in grid.lefts]
        values = grid.values.reshape(len(boxes), -1)
        return np.array(boxes, np.int64), grid.classes.astype(np.int64), values


class OursOfVolumes:
    """The same of volumes: what occlusion asks the model's backend for, and log-odds of it."""

    def __init__(self, case: Case, model: Any, volumes: Array) -> None:
        boxes = case.boxes()
        self._backend, self._model_input = _asked(case, model)
        self._boxes = np.concatenate([np.zeros_like(boxes[:1]), boxes])  # the whole one first
        self._hidings = [Hiding(each, np.full_like(each, FILL), self._boxes) for each in volumes]

    def run(self) -> None:
        """Compute the scores."""
        self._scores = self._backend.swept_scores(self._hidings, self._model_input, in_place=True)

    def settle(self, most: int) -> None:
        """As of `Ours`."""
        for _ in range(most):
            self.run()
            if self._backend.sweep_decided:
                break

    @property
    def told(self) -> str:
        """As of `Ours`."""
        return self._backend.sweep_told

    @property
    def log_odds(self) -> tuple[Boxes, NDArray[np.int64], Scores]:
        """As of `Ours`."""
        whole, *hidden = outputs.log_odds(self._scores[0], Output.LOGITS)
        classes = np.array(_targets(whole))
        return self._boxes[1:], classes, np.stack(hidden)[:, classes]


def _asked(case: Case, model: Any) -> tuple[backends.Backend, Forward]:
    """The backend of a model of volumes, and what makes its inputs of these."""

    def model_input(batch: Array) -> Array:
        first = case.framework == "torch"
        return np.ascontiguousarray(np.moveaxis(batch, -1, 1)) if first else batch

    return backends.find(model), model_input


def _targets(raw: Scores) -> tuple[int, ...]:
    return tuple(sorted(map(int, np.argsort(-raw)[:TARGETS])))


def ours_dense(case: Case, model: Any, image: Array, seconds: float) -> Contender:
    """Our occlusion without reuse, once it has found its batch size.

    Args:
      seconds: that it is given to find it, at most.
    """
    boxes = case.boxes()
    if case.axes == 2:
        probe = summary.Probe("bench", image[None], value_range=(0, 255), output="logits")
        backend, model_input = models.backend(probe, model), probe.model_input
        filled = probe.filled(0, FILL)
    else:
        backend, model_input = _asked(case, model)
        filled = np.full_like(image, FILL)

    def run(limit: int) -> Scores:
        shown = Hiding(image, filled, boxes[:limit])
        return backend.swept_scores([shown], model_input, in_place=True, reuse=False)[0]

    # All windows of small images, as a checkpoint has them; of photographs some at once.
    some = max(64, 1_000_000 // image.size)
    started, tried = time.perf_counter(), 0
    while tried < SEARCHED and time.perf_counter() - started < seconds:
        tried += len(run(some))
    return Contender(OURS_DENSE, run, boxes, batch=32)


def plain_loop(case: Case, image: Array, forward: Forward, most: int) -> Contender:
    """Picasso's way: images made one by one, and one pass over all of them."""
    boxes = case.boxes()

    def run(limit: int) -> Scores:
        images = []
        for window in slices_of(boxes[:limit]):
            each = image.copy()
            each[window] = FILL
            images.append(each)
        return np.asarray(forward(np.stack(images)))

    return Contender("plain loop", run, boxes, most=most)


def saliency(case: Case, image: Array, forward: Forward) -> Contender:
    """PAIR's, whose stride is always 1."""
    from saliency.core import OUTPUT_LAYER_VALUES, Occlusion

    def run(limit: int) -> Scores:
        def use(watch: Watch) -> None:
            def call(x: Array, call_model_args: Any = None, expected_keys: Any = None) -> Any:
                return {OUTPUT_LAYER_VALUES: np.asarray(watch(x))[:, 0]}

            Occlusion().GetMask(image, call, size=case.window, value=FILL)

        return watched(lambda x: forward(x.astype(np.float32)), limit + 1, use)

    remark = "" if case.stride == 1 else "its stride is 1: time of as many of its windows"
    return Contender("saliency", run, case.boxes(1), whole=1, remark=remark)


def bare(case: Case, image: Array, batch: int, kind: str, forward: Forward) -> Contender:
    """The dense limit: a forward pass over a batch that is already made.

    Args:
      forward: from a batch (n, h, w, c) to a function that scores it where it lies.
    """
    boxes = case.boxes()[np.arange(batch) % len(case.boxes())]
    scored = forward(occluded(image, boxes))

    def run(limit: int) -> Scores:
        return np.concatenate([scored() for _ in range(max(1, limit // batch))])

    rows = np.tile(boxes, (max(1, len(case.boxes()) // batch) + 1, 1))
    return Contender("dense limit", run, rows, batch=batch, setting=f"{kind}, batches of {batch}")
