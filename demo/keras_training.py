"""What the demos that train with Keras share."""

import sys

import keras


def compiled(
    layers: list[keras.Layer], learning_rate: float, shape: tuple[int, ...] = (28, 28, 1)
) -> keras.Model:
    """A sequential network of these layers that returns logits, compiled for training."""
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile(
        keras.optimizers.Adam(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def verbosity() -> int:
    """Keras' progress bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2
