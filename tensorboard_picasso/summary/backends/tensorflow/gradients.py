"""Derivatives in TensorFlow's graphs.

By the graph, not by a tape: a tape does not know what lies behind a softmax.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends.base import Array, Function, no_gradient
from tensorboard_picasso.summary.backends.tensorflow.models import array
from tensorboard_picasso.summary.kit import report


def slope(name: str, scores: Any, wanted: Any, cotangent: Any, layer: str | None = None) -> Any:
    """Derivative of sum(cotangent * scores) by a tensor of their graph.

    Args:
      name: of the model's type.
      scores, wanted, cotangent: tensors.
      layer: whose output is wanted; None: the input.

    Raises:
      UnsupportedError: there is none.
    """
    import tensorflow as tf

    try:
        (result,) = tf.gradients(scores, [wanted], [tf.cast(cotangent, scores.dtype)])
    except LookupError as e:  # an operation that has none
        raise no_gradient(name, layer, report.reason(e)) from e
    if result is None:
        raise no_gradient(name, layer)
    return tf.convert_to_tensor(result)


def slopes(name: str, scores: Any, x: Any, cotangents: Function, count: int) -> Any:
    """The same by the input for several cotangents, (count, n, …), which NumPy makes of the scores.

    Raises:
      UnsupportedError: there is none.
    """
    import tensorflow as tf

    def made(raw: Any) -> Array:
        return np.asarray(cotangents(array(raw)), np.float64)

    sums = tf.numpy_function(made, [scores], tf.float64)
    return tf.stack([slope(name, scores, x, sums[at]) for at in range(count)])


def sloped(preprocess: Function) -> Callable[[Any], Any]:
    """What preprocess makes of a batch, and a derivative of it by the batch."""
    import tensorflow as tf

    def both(batch: Any) -> Any:
        made = tf.cast(preprocess(batch), tf.float32)
        # Of a random sum: the plain one of standardised images does not move.
        weights = tf.random.stateless_normal(tf.shape(made), (1, 2))
        (slope,) = tf.gradients(made, [batch], [weights], unconnected_gradients="zero")
        return made, slope

    return both
