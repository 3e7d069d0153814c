"""What arrives at the normalizing layers of a Keras model, on whichever of its backends."""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tensorboard_picasso.summary.backends._common.arrival import Arrival, fitted
from tensorboard_picasso.summary.reuse.keras_taps import replaced


@contextmanager
def arriving(model: Any, over: bool) -> Iterator[list[Arrival] | None]:
    """Collect what arrives at layers that normalize by what they hold of a training.

    Args:
      model: the layers'.
      over: whether that training is over, see `fitted`.

    Yields:
      What has arrived so far, in order; None where the model has no such layer.
    """
    arrived: list[Arrival] = []

    def noting(layer: Any, held: tuple[Any, Any], call: Callable[..., Any]) -> Callable[..., Any]:
        def note(given: Any, *args: Any, **kwargs: Any) -> Any:
            axes = layer.axis if isinstance(layer.axis, tuple | list) else (layer.axis,)
            arrived.append(Arrival.of(layer.name, *held, _numbers(given), axes))
            return call(given, *args, **kwargs)

        return note

    layers = [(layer, held) for layer in _normalizing(model) if (held := _held(layer, model, over))]
    with ExitStack() as stack:
        for layer, held in layers:
            stack.enter_context(replaced(layer, "call", functools.partial(noting, layer, held)))
        yield arrived if layers else None


def _normalizing(model: Any) -> list[Any]:
    import keras

    kinds = keras.layers.BatchNormalization, keras.layers.Normalization
    return [each for each in model._flatten_layers() if isinstance(each, kinds) and each.built]


def _held(layer: Any, model: Any, over: bool) -> tuple[Any, Any] | None:
    """The mean and variance that a layer normalizes by, None where they are not of a training."""
    import keras

    if isinstance(layer, keras.layers.Normalization):
        return None if layer.mean is None else (_numbers(layer.mean), _numbers(layer.variance))
    mean, variance = _numbers(layer.moving_mean), _numbers(layer.moving_variance)
    optimizer = getattr(model, "optimizer", None)
    # None are counted where a loop of one's own trains the model.
    updates = (0 if optimizer is None else int(_numbers(optimizer.iterations))) or None
    known = fitted(mean, variance, layer.momentum, updates, over)
    return (mean, variance) if known else None


def _numbers(value: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(value)
