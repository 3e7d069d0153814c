"""What a checkpoint costs inside a `tf.function`, and in the loop of the demo of digits."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.training.projects import Project
from tensorboard_picasso import summary

ROOT = Path(__file__).parents[2]
# A checkpoint of the demo each so many of its steps, for so many epochs.
EVERY, EPOCHS = 25, 2


def in_graph(made: Project, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of a checkpoint of occlusion and saliency, round by round.

    Returns:
      step: a compiled training step alone. graph: by how much longer it takes that also
      writes the record. eager: the same checkpoint by a call between steps.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(1e-4)
    optimizer.build(made.model.trainable_variables)
    inside, outside = made.probe(), made.probe()
    x = tf.constant(np.repeat(made.images, made.batch // len(made.images), 0))
    y = tf.constant(np.repeat(made.labels, made.batch // len(made.labels), 0))

    def train() -> None:
        with tf.GradientTape() as tape:
            value = loss(y, made.model(x, training=True))
        variables = made.model.trainable_variables
        optimizer.apply(tape.gradient(value, variables), variables)

    writer = tf.summary.create_file_writer(str(folder))
    at = tf.Variable(0, dtype=tf.int64)

    def record(probe: summary.Probe) -> Any:
        return summary.attribution(probe, made.model, step=at, strict=True)

    def both() -> None:
        train()
        record(inside)

    bare, recording = tf.function(train), tf.function(both)
    seconds: dict[str, list[float]] = {"step": [], "graph": [], "eager": []}
    with writer.as_default():
        for number in range(rounds + 1):
            at.assign_add(1)
            step = _seconds(bare)
            graph = _seconds(recording) - step
            at.assign_add(1)
            eager = _seconds(lambda: record(outside))
            if number:  # the first one traces
                for name, value in (("step", step), ("graph", graph), ("eager", eager)):
                    seconds[name].append(value)
    return seconds


def in_demo(folder: Path) -> dict[str, Any]:
    """Seconds of the demo's checkpoints: 12 digits, occlusion (window 4, stride 2), saliency.

    Returns:
      first: the first one's. call: of each later one until training goes on. written: until
      its record is in the file.
    """
    sys.path.insert(0, str(ROOT / "demo"))
    import common
    import keras_digits

    call: list[float] = []
    written: list[float] = []

    class Timed(summary.KerasCallback):
        """Times its own checkpoints."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """See `KerasCallback`."""
            started = time.perf_counter()
            super().on_train_batch_end(batch, logs)
            returned = time.perf_counter()
            if (batch + 1) % EVERY == 0:
                summary.flush()
                call.append(returned - started)
                written.append(time.perf_counter() - started)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            """See `KerasCallback`."""
            started = time.perf_counter()
            super().on_epoch_begin(epoch, logs)
            summary.flush()
            first.append(time.perf_counter() - started)

    first: list[float] = []
    training, held_out = common.digits()
    methods = [summary.Occlusion(4, 2), summary.Saliency()]
    probe = keras_digits.watched(*held_out, training)
    schedule = summary.EverySteps(EVERY)
    callback = Timed(probe, folder, schedule, methods=methods, strict=True)
    model = keras_digits.network(1e-3)
    model.fit(
        *training, batch_size=keras_digits.BATCH, epochs=EPOCHS, verbose=0, callbacks=[callback]
    )
    return {"first": first[0], "call": call, "written": written}


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
