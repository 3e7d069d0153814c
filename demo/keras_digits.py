"""Train a small network on real digits twice, and watch what it uses.

Two runs differ in their learning rate alone. Each logs class scores, occlusion
and saliency of 12 held-out digits at about 60 checkpoints, dense early and
sparse late, to a directory that TensorBoard then serves.
"""

from pathlib import Path

import common
import keras
import keras_training
import numpy as np

from tensorboard_picasso import summary

LEARNING_RATES = (1e-3, 5e-4)
BATCH = 32


def network(learning_rate: float) -> keras.Model:
    """A small convolutional network."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(10),
    ]
    return keras_training.compiled(layers, learning_rate)


def watched(images: np.ndarray, labels: np.ndarray, training: tuple) -> summary.Probe:
    """12 held-out digits, hard and easy ones for a network that has seen a tenth of an epoch."""
    novice = network(1e-3)
    novice.fit(training[0][:800], training[1][:800], batch_size=BATCH, epochs=1, verbose=0)
    return common.watched(images, labels, novice.predict(images, verbose=0))


def train(logdir: Path, epochs: int) -> None:
    """Train once for each learning rate, logging to `<logdir>/lr<rate>`."""
    training, held_out = common.digits()
    for rate in LEARNING_RATES:
        run = logdir / f"lr{rate:g}"
        print(f"\nlearning rate {rate:g}, logging to {run}", flush=True)
        model = network(rate)
        model.fit(
            *training,
            batch_size=BATCH,
            epochs=epochs,
            validation_data=held_out,
            verbose=keras_training.verbosity(),
            callbacks=[
                keras.callbacks.TensorBoard(run, write_graph=False),
                summary.KerasCallback(
                    watched(*held_out, training), run, summary.LogSpaced(per_decade=28)
                ),
            ],
        )
        accuracy = model.evaluate(*held_out, verbose=0)[1]
        print(f"learning rate {rate:g}: held-out accuracy {accuracy:.1%}", flush=True)


def main() -> None:
    """Train, then serve."""
    common.run(train, __doc__.splitlines()[0], "logs/digits", epochs=8)


if __name__ == "__main__":
    main()
