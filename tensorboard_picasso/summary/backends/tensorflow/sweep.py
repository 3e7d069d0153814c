"""Scores of all windows of some images by a Keras model on TensorFlow, reused or whole."""

import functools
import operator
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tensorboard_picasso.summary.backends._common import sweep
from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes
from tensorboard_picasso.summary.backends._common.sweep import FINE, ROUNDED, boxes_of
from tensorboard_picasso.summary.backends._common.ways import WholeError
from tensorboard_picasso.summary.backends.base import Array, Question, Segments, Windows, hidden
from tensorboard_picasso.summary.backends.tensorflow.dense import Dense
from tensorboard_picasso.summary.reuse.agenda import Agenda, Chunk
from tensorboard_picasso.summary.reuse.keras import COSTS, Engine, Unoccluded
from tensorboard_picasso.summary.reuse.keras_trace import Trace, UntraceableError
from tensorboard_picasso.summary.reuse.rects import (
    Ints,
    Rects,
    ends_of,
    slices_of,
    spread,
)

_OTHERWISE = "the model does not compute what its layers say"


class Sweep(sweep.Sweep):
    """Of arrays with their channels last; the executor alone makes tensors of them."""

    costs = COSTS

    def __init__(
        self,
        model: Any,
        layers: Callable[[], Any],
        scorer: Callable[[Question], tuple[Question, Any]],
        scores: Callable[[Question], Array],
        dense: Dense,
        end: Callable[[Any], Any],
    ) -> None:
        """Adapt a model.

        Args:
          model: the user's.
          layers: what is another where layers of it were exchanged.
          scorer: model inputs in the dtype that it takes, and the function that scores them.
          scores: the model's own, of those.
          dense: the scores of all windows of images by whole passes.
          end: from the model's output, in a graph, to its scores.
        """
        super().__init__(dense.deterministic)
        self._model, self._layers, self._scorer, self._scores = model, layers, scorer, scores
        self._dense, self._end = dense, end
        self._signature: Any = None
        self._engines: dict[Any, Engine | str] = {}
        self.seconds = 0.0

    def dense(self, windows: Windows) -> list[Array]:
        """See `sweep.Sweep`."""
        return self._dense.swept(windows)

    @property
    def sizes(self) -> BatchSizes:
        """See `sweep.Sweep`."""
        return self._dense.sizes

    def kind(self) -> Hashable:
        """See `sweep.Sweep`."""
        return self.processor

    @property
    def processor(self) -> bool:
        """See `sweep.Sweep`."""
        return not self._on_graphics()

    def wait(self) -> None:
        """See `sweep.Sweep`."""
        if not self.processor:
            tf.test.experimental.sync_devices()

    def check(self) -> None:
        """See `sweep.Sweep`; what was read is forgotten where layers were exchanged."""
        known = self._layers()
        if known != self._signature:
            self._signature, self._engines = known, {}
            self._choices.clear()

    def batch(self, x: Array) -> Any:
        """See `sweep.Sweep`."""
        return self._scorer(Question(x))[0].x

    def place(self, batch: Any) -> tuple[int, ...] | None:
        """See `sweep.Sweep`."""
        return batch.shape[1:-1] if batch.ndim in (4, 5) else None

    def rounding(self, batch: Any) -> float:
        """See `sweep.Sweep`; what computes in narrower numbers is not taken apart."""
        return ROUNDED if self._on_graphics() else FINE

    def forward(self, batch: Any) -> Array:
        """See `sweep.Sweep`."""
        return self._scores(Question(batch))

    def occluded(
        self, images: Any, filled: Any, boxes: Ints, segments: Segments | None = None
    ) -> Any:
        """See `sweep.Sweep`."""
        pairs = zip(images, filled, strict=True)
        return np.concatenate([hidden(image, fill, boxes, segments) for image, fill in pairs])

    def patches(
        self,
        images: Any,
        filled: Any,
        boxes: Ints,
        rects: Rects,
        segments: Segments | None = None,
    ) -> Any:
        """See `sweep.Sweep`."""
        places = rects.places
        at = np.s_[:, *spread(places)]
        patches = filled[at]
        if segments is not None:
            patches = np.where(segments.within(places)[..., None], patches, images[at])
        elif (boxes[:, len(places) :] != np.array(rects.shape)).any():
            ends = (each.T[:, :, None] for each in ends_of(boxes))
            along = [
                (each >= low) & (each < high) for each, low, high in zip(places, *ends, strict=True)
            ]
            inside = functools.reduce(operator.and_, spread(along))
            patches = np.where(inside[..., None], patches, images[at])
        return patches.reshape(-1, *patches.shape[2:])

    def cut(self, batch: Any, boxes: Ints) -> list[Any]:
        """See `sweep.Sweep`."""
        return [image[at].copy() for image, at in zip(batch, slices_of(boxes), strict=True)]

    def pasted(self, image: Any, changes: Sequence[tuple[Ints, Any]], rects: Rects) -> Any:
        """See `sweep.Sweep`."""
        made = image[0][spread(rects.places)]
        inner = slices_of(rects.local(np.array([box for box, _ in changes])))
        for patch, window, (_, change) in zip(made, inner, changes, strict=True):
            patch[window] = change
        return made

    def changed(self, batch: Any, image: Any) -> Ints:
        """See `sweep.Sweep`."""
        return boxes_of((batch != image).any(-1))

    def engine(self, images: Any) -> Engine:
        """See `sweep.Sweep`; made once a shape."""
        shape = images.shape[1:]
        if shape not in self._engines:
            try:
                self._engines[shape] = Engine(Trace(self._model, shape), self._end)
            except UntraceableError as e:
                self._engines[shape] = str(e)
        engine = self._engines[shape]
        if isinstance(engine, str):
            raise WholeError(engine)
        return engine

    def passed(self, engine: Engine, images: Any, agenda: Agenda) -> Unoccluded:
        """See `sweep.Sweep`."""
        return engine.passed(images, [each.plan for each in agenda.chunks])

    def scored(
        self,
        engine: Engine,
        images: Any,
        agenda: Agenda,
        patches: Callable[[Chunk], Any],
        checked: Any,
    ) -> tuple[Array, Array, Iterator[tuple[Ints, Array]]]:
        """See `sweep.Sweep`."""
        if len(agenda.chunks) > 1:
            return super().scored(engine, images, agenda, patches, checked)
        (chunk,) = agenda.chunks
        _, function = self._scorer(Question(checked))
        made = engine.at_once(images, chunk.plan, patches(chunk), checked, function)
        output, scores, expected = self.arrays(made)
        return output, expected, iter([(chunk.windows, scores)])

    def arrays(self, scores: Sequence[Any]) -> list[Array]:
        """See `sweep.Sweep`."""
        return [np.asarray(each) for each in scores]

    def otherwise(self) -> str:
        """See `sweep.Sweep`; it will not do as its layers say at the next checkpoint either."""
        self._engines = dict.fromkeys(self._engines, _OTHERWISE)
        return _OTHERWISE

    def agreed(self) -> None:
        """See `sweep.Sweep`."""

    def _on_graphics(self) -> bool:
        return bool(tf.config.list_logical_devices("GPU"))

    @property
    def traced(self) -> float:
        """Seconds that were spent on what is not repeated, since this was last read."""
        seconds = [each.seconds for each in self._engines.values() if isinstance(each, Engine)]
        new = sum(seconds) - self.seconds
        self.seconds = sum(seconds)
        return max(0.0, new)
