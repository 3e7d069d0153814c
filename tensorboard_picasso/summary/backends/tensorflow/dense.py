"""Scores of all windows of some images by TensorFlow, each occluded image as a whole."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes
from tensorboard_picasso.summary.backends._common.sheets import Sheets, planes_of
from tensorboard_picasso.summary.backends.base import Array, Function, Hiding, hidden
from tensorboard_picasso.summary.backends.tensorflow.models import array


class Dense:
    """Runs a model on batches of occluded images that are made where it runs."""

    def __init__(
        self,
        scores: Callable[[Array], Array],
        scorer: Callable[[Array], tuple[Array, Any]],
        traced: Callable[..., Any],
        deterministic: Callable[[], bool],
    ) -> None:
        """Adapt a model.

        Args:
          scores: of a batch of model inputs.
          scorer: model inputs in the dtype that the model takes, and the function from a
            batch of them, and of what it takes beside them, to scores.
          traced: a body, traced once for a key and the shapes and dtypes of arrays, from
            arrays to an array.
          deterministic: see `Backend`.
        """
        self._scores, self._scorer, self._traced = scores, scorer, traced
        self._sizes = BatchSizes(deterministic)

    def swept(
        self,
        group: Sequence[Hiding],
        model_input: Function,
        in_place: bool,
        others: Sequence[Array],
    ) -> list[Array]:
        """See `Backend.swept_scores`.

        Args:
          group: images of one shape and dtype.
          others: what the model takes beside an image, (1, …) each.
        """
        if in_place and _planes(group[0], model_input):
            return self._made(group, model_input, others)
        return [self._handed(each, model_input) for each in group]

    def _handed(self, hiding: Hiding, model_input: Function) -> Array:
        """Scores of occluded images that are handed to the user's Python first."""
        image, filled, boxes = hiding.image, hiding.filled, hiding.boxes

        def run(part: slice, _: int) -> Array:
            return self._scores(model_input(hidden(image, filled, boxes[part])))

        return self._sizes.sweep(("handed", *_kind(image)), len(boxes), image.size, run)

    def _made(
        self, group: Sequence[Hiding], model_input: Function, others: Sequence[Array]
    ) -> list[Array]:
        """Scores of images of one shape and dtype, (boxes, classes) each."""
        sheets, planes = Sheets(group), _planes(group[0], model_input)
        example, scorer = self._scorer(model_input(group[0].image[None]))

        def body(held: Any, rows: Any, *others: Any) -> Any:
            length = example[0].size // rows.shape[1]
            batch = tf.gather(tf.reshape(held, (-1, length)), rows)
            batch = tf.reshape(batch, (-1, *example.shape[1:]))
            count = tf.shape(rows)[0]
            return scorer(batch, *(tf.repeat(each, count, axis=0) for each in others))

        rows = sheets.rows(slice(0, 1), planes)
        function = self._traced(("occluded", planes), body, example, rows, *others)
        constants = [tf.constant(each) for each in others]
        held: Any = None

        def run(part: slice, _: int) -> Array:
            nonlocal held
            span = sheets.span(part)
            if held is None or held[0] != span:
                held = None  # not both at once
                images = model_input(sheets.images(span))
                held = span, tf.constant(images.astype(example.dtype, copy=False))
            return array(function(held[1], tf.constant(sheets.rows(part, planes)), *constants))

        kind = example.shape, example.dtype, *_kind(group[0].image)
        return sheets.split(self._sizes.sweep(kind, sheets.count, example.size, run))


def _planes(hiding: Hiding, model_input: Function) -> int:
    return planes_of(hiding.image.shape, model_input(hiding.image[None]).shape[1:])


def _kind(image: Array) -> tuple[Any, ...]:
    return image.shape, image.dtype
