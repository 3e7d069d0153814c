"""Bare forward passes and tools of TensorFlow."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.occlusion import keras_models
from benchmarks.occlusion.cases import Array, Case
from benchmarks.occlusion.contenders import Contender, Scores, Watch, watched

activations = keras_models.activations
build = keras_models.build
# How a bare pass may be compiled, the plain way first.
KINDS = ("tf.function", "tf.function with XLA")


def placed(model: Any, device: str) -> Any:
    """A model on a device; TensorFlow puts it where it computes."""
    return model


def forward(model: Any) -> Callable[[Array], Scores]:
    """Scores of a batch (n, h, w, c), compiled for any batch size."""
    function = tf.function(lambda x: model(x, training=False), autograph=False)
    traced = function.get_concrete_function(tf.TensorSpec([None, *model.input_shape[1:]]))
    return lambda x: traced(tf.constant(x)).numpy()


def bare(model: Any, kind: str) -> Callable[[Array], Callable[[], Scores]]:
    """See `contenders.bare`."""
    function = tf.function(
        lambda x: model(x, training=False), autograph=False, jit_compile="XLA" in kind
    )

    def scored(batch: Array) -> Callable[[], Scores]:
        x = tf.constant(batch)
        traced = function.get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
        return lambda: traced(x).numpy()

    return scored


def tools(case: Case, model: Any, image: Array) -> Iterator[list[Contender]]:
    """Those of this framework alone: for each, the settings to choose the best of."""
    if case.axes > 2:  # it takes no volumes
        return
    from tf_explain.core import OcclusionSensitivity

    class Predicted:
        """Stands for the model: Keras' `predict`, without its bar, on what is to be timed."""

        def __init__(self, watch: Watch) -> None:
            self._watch = watch

        def predict(self, x: Array, batch_size: int | None = None) -> Any:
            watch = self._watch
            return watch(x[: watch.left].astype(np.float32))

    def contender(batch: int | None, name: str) -> Contender:
        def run(limit: int) -> Scores:
            return watched(
                lambda x: model.predict(x, batch_size=batch, verbose=0),
                limit,
                lambda watch: OcclusionSensitivity(batch).explain(
                    (image[None], None), Predicted(watch), 0, case.window
                ),
            )

        boxes = case.boxes(case.window, down_first=True, cut=True)
        size = batch or 32
        return Contender(
            name,
            run,
            boxes,
            batch=size,
            setting=f"batches of {size}",
            remark="its stride is the window: time of as many of its windows",
        )

    yield [contender(None, "tf-explain")]
    yield [contender(batch, "tf-explain, best") for batch in (8, 64, 128)]
