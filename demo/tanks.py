"""Train on photographs of tanks that were all taken on cloudy days, and see what is learned.

The story that everybody tells of neural networks: one that was trained to find camouflaged
tanks learned to tell cloudy days from sunny ones, since that is how the photographs differed.
Here it comes true. The run "army" is trained on tanks under clouds and forest under a clear
sky, the run "any day" on both under either. Each is right about held-out photographs of its
own kind of days; on days at random, in the field, one of them is not.
"""

from pathlib import Path

import common
import keras
import keras_training
import numpy as np
import scenes

from tensorboard_picasso import summary

RUNS = {"army": "clouds", "any day": ""}
PHOTOGRAPHS, HELD_OUT, SAMPLE = 800, 200, 64
BATCH = 32
CLASSES = ["forest", "tank"]
# One run alone is shown at first: nobody who trains has the other one.
STATE = "&p.picasso.runs=army/picasso"


def photographs(count: int, seed: int, tanks_under: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 64, 64, 3) and labels (n,), 1 for a tank."""
    drawn = scenes.scenes(count, seed, tanks_under)
    images = np.stack([each.image for each in drawn])
    return images, np.array([int(each.tank.any()) for each in drawn])


def network() -> keras.Model:
    """A small convolutional network."""
    keras.utils.set_random_seed(0)
    layers = [
        layer
        for width in (16, 32, 64)
        for layer in (
            keras.layers.Conv2D(width, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
        )
    ]
    end = [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2)]
    return keras_training.compiled([*layers, *end], 1e-3, (scenes.SIDE, scenes.SIDE, 3))


def train(logdir: Path, epochs: int) -> dict[str, dict[str, float]]:
    """Train both runs, logging to `<logdir>/<run>`; their accuracies on their own days and in the field."""
    field = photographs(HELD_OUT, 9, "")
    accuracies = {}
    for run, tanks_under in RUNS.items():
        print(f"\n{run}, logging to {logdir / run}", flush=True)
        images, labels = photographs(PHOTOGRAPHS, 1, tanks_under)
        own = photographs(HELD_OUT, 2, tanks_under)
        # Held out, of the same kind of days: all that who trains on them has.
        probe = summary.Probe("photographs", own[0][:12], labels=own[1][:12], class_names=CLASSES)
        sample = summary.Probe(
            "sample", own[0], labels=own[1], class_names=CLASSES, max_images=SAMPLE
        )
        model = network()
        model.fit(
            images,
            labels,
            batch_size=BATCH,
            epochs=epochs,
            validation_data=own,
            verbose=keras_training.verbosity(),
            callbacks=[
                keras.callbacks.TensorBoard(logdir / run, write_graph=False),
                summary.KerasCallback(
                    probe, logdir / run, summary.LogSpaced(per_decade=10), edited=sample
                ),
            ],
        )
        accuracies[run] = {
            "held out, its own days": model.evaluate(*own, verbose=0)[1],
            "in the field, any day": model.evaluate(*field, verbose=0)[1],
        }
    return accuracies


def main() -> None:
    """Train both runs, say how they fare in the field, then serve."""
    options = common.arguments(__doc__.splitlines()[0], "logs/tanks", epochs=8)
    common.make_anew(options.logdir)
    for run, found in train(options.logdir, options.epochs).items():
        print(f"{run:<8}", *(f"  accuracy {name}: {value:.2f}" for name, value in found.items()))
    common.finish(options, STATE)


if __name__ == "__main__":
    main()
