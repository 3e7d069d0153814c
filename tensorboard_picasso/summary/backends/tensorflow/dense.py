"""Scores of all windows of some images by TensorFlow, each occluded image as a whole."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes
from tensorboard_picasso.summary.backends._common.sheets import Sheets, planes_of
from tensorboard_picasso.summary.backends._common.stacked import Stacked
from tensorboard_picasso.summary.backends.base import Array, Hiding, Question, Windows
from tensorboard_picasso.summary.backends.tensorflow.models import array


class Dense:
    """Runs a model on batches of occluded images that are made where it runs.

    sizes: of batches. deterministic: see `Adapter`.
    """

    def __init__(
        self,
        scores: Callable[[Question], Array],
        scorer: Callable[[Question], tuple[Question, Any]],
        traced: Callable[..., Any],
        deterministic: Callable[[], bool],
    ) -> None:
        """Adapt a model.

        Args:
          scores: of a batch of model inputs.
          scorer: model inputs in the dtype that the model takes, and the function from a
            batch of them, and of what it takes beside them, to scores.
          traced: a body, traced once for a key and the shapes and dtypes of arrays, from
            arrays to an array; and what the model takes beside an image.
          deterministic: see `Adapter`.
        """
        self._scores, self._scorer, self._traced = scores, scorer, traced
        self.deterministic, self.sizes = deterministic, BatchSizes(deterministic)

    def swept(self, windows: Windows) -> list[Array]:
        """See `Adapter.swept_scores`; of images of one shape and dtype."""
        if windows.in_place and windows.hidings[0].segments is not None:
            return self._stacked(windows)
        if windows.in_place and _planes(windows):
            return self._made(windows)
        return [self._handed(each, windows) for each in windows.hidings]

    def _handed(self, hiding: Hiding, windows: Windows) -> Array:
        """Scores of occluded images that are handed to the user's Python first."""
        image = hiding.image

        def run(part: slice, _: int) -> Array:
            return self._scores(windows.question(hiding.viewed(part)))

        return self.sizes.sweep(("handed", *_kind(image)), len(hiding.boxes), image.size, run)

    def _stacked(self, windows: Windows) -> list[Array]:
        """Scores of images of one shape with segments hidden: no rows of sheets are theirs."""
        image, stacked = windows.hidings[0].image, Stacked(windows.hidings)

        def run(part: slice, _: int) -> Array:
            return self._scores(windows.question(stacked.batch(part)))

        kind = "stacked", *_kind(image)
        return stacked.split(self.sizes.sweep(kind, stacked.count, image.size, run))

    def _made(self, windows: Windows) -> list[Array]:
        """Scores of images of one shape and dtype, (boxes, classes) each."""
        first = windows.hidings[0].image
        sheets, planes = Sheets(windows.hidings), _planes(windows)
        taken, scorer = self._scorer(windows.question(first[None]))
        example, *others = taken.arrays

        def body(held: Any, rows: Any, *others: Any) -> Any:
            length = example[0].size // rows.shape[1]
            batch = tf.gather(tf.reshape(held, (-1, length)), rows)
            batch = tf.reshape(batch, (-1, *example.shape[1:]))
            count = tf.shape(rows)[0]
            return scorer(batch, *(tf.repeat(each, count, axis=0) for each in others))

        rows = sheets.rows(slice(0, 1), planes)
        arrays = [example, rows, *others]
        function = self._traced(("occluded", planes), body, arrays, windows.others)
        constants = [tf.constant(each) for each in others]
        held: Any = None

        def run(part: slice, _: int) -> Array:
            nonlocal held
            span = sheets.span(part)
            if held is None or held[0] != span:
                held = None  # not both at once
                images = windows.model_input(sheets.images(span))
                held = span, tf.constant(images.astype(example.dtype, copy=False))
            return array(function(held[1], tf.constant(sheets.rows(part, planes)), *constants))

        kind = example.shape, example.dtype, *_kind(first)
        return sheets.split(self.sizes.sweep(kind, sheets.count, example.size, run))


def _planes(windows: Windows) -> int:
    image = windows.hidings[0].image
    return planes_of(image.shape, windows.model_input(image[None]).shape[1:])


def _kind(image: Array) -> tuple[Any, ...]:
    return image.shape, image.dtype
