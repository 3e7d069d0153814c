"""Under `tf.distribute` one process writes, and maps are computed once."""

import json
import os
import socket
import subprocess
import sys
import textwrap

from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events

# Devices are set before TensorFlow starts, so each needs a process of its own.
COMMON = """
    import sys, numpy as np, tensorflow as tf
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((24, 8, 8, 1)).astype("float32")
    labels = np.arange(24) % 3
    run, computed = sys.argv[1], []
    def counted(batch):
        computed.append(len(batch))
        return batch
    def probe():
        return summary.Probe("p", images[:2], labels=labels[:2], preprocess=counted)
"""

MIRRORED = """
    import keras
    cpu, = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    def fitted(*callbacks):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([
            keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization(),
            keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(3),
        ])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss)
        model.fit(images, labels, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
        return model
    def callback(name):
        asked = {"edited": summary.Probe("sample", images, labels=labels), "edits": ["top"]}
        return summary.KerasCallback(
            probe(), f"{run}/{name}", summary.EverySteps(2), strict=True, **asked
        )
    fitted(callback("alone"))
    # Images that were preprocessed; how they are batched depends on what is fast.
    once = sum(computed)
    with strategy.scope():
        computed.clear()
        watched = fitted(callback("mirrored"))
        assert sum(computed) == once, (sum(computed), once)
        for a, b in zip(watched.get_weights(), fitted().get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    # Both a custom loop between two steps, and within one.
    def log(step, name):
        with writers[name].as_default(step=step):
            accepted = summary.attribution(watched_probe, watched, strict=True)
            return accepted, summary.edited(sample, watched, edits=["top"], strict=True)
    writers = {name: tf.summary.create_file_writer(f"{run}/{name}") for name in ("cross", "replica")}
    inside = tf.function(lambda step: strategy.run(log, args=(step, "replica")))
    counts = []
    watched_probe = probe()
    sample = summary.Probe("sample", images, labels=labels, max_images=24)
    for name, call in (("cross", lambda step: log(step, "cross")), ("replica", inside)):
        for step in range(2):
            computed.clear()
            call(tf.constant(step, tf.int64))
            counts.append(sum(computed))
    assert counts[1] == counts[3] > 0, counts
"""

SEVERAL_WORKERS = """
    import sys
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    chief = strategy.cluster_resolver.task_id == 0
    with strategy.scope():
        weights = tf.Variable(np.ones((64, 3), "float32"))
    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = weights
        def __call__(self, x):
            return tf.reshape(x, [-1, 64]) @ self.weights
    model, watched = Model(), probe()
    @tf.function
    def train():
        strategy.run(lambda: weights.assign_add(tf.ones_like(weights) * [1.0, 2.0, 3.0]))
    if chief:
        writer = tf.summary.create_file_writer(f"{run}/chief")
    for step in range(2):
        train()
        if chief:
            summary.attribution(watched, model, writer=writer, step=step, strict=True)
    assert bool(computed) == chief
    computed.clear()
    each = tf.summary.create_file_writer(f"{run}/{strategy.cluster_resolver.task_id}")
    @tf.function
    def inside(step):
        def replica():
            with each.as_default(step=step):
                accepted = summary.attribution(watched, model, strict=True)
                edited = summary.edited(watched, model, edits=["top"], strict=True)
                return tf.logical_and(accepted, edited)
        return strategy.run(replica)
    assert [bool(inside(tf.constant(step, tf.int64))) for step in range(2)] == [chief] * 2
    # Tracing asks for the shape of the model's input.
    assert sum(computed) <= 2 or chief, computed
"""


def start(code, run, **environment):
    command = [sys.executable, "-c", textwrap.dedent(COMMON) + textwrap.dedent(code), str(run)]
    known = {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(command, env={**known, **environment})


def written(run):
    """Steps of the class scores, one of each image and step."""
    found = [(step, value.tag) for step, value in events.values(run)]
    assert len(found) == len(set(found))
    return sorted({step for step, _ in found})


def edited(run):
    """Steps of edits."""
    return [step for step, series in events.records(run) if series.kind is Kind.EDITS]


def test_under_a_mirrored_strategy_maps_are_computed_once(tmp_path):
    assert start(MIRRORED, tmp_path).wait(timeout=300) == 0
    assert written(tmp_path / "mirrored" / "picasso") == [0, 2, 4, 6]
    assert edited(tmp_path / "mirrored" / "picasso") == [0, 2, 4, 6]
    for way in ("cross", "replica"):
        assert written(tmp_path / way) == edited(tmp_path / way) == [0, 1]


def test_of_several_workers_the_chief_writes(tmp_path):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    cluster = {"worker": addresses}
    both = [
        start(
            SEVERAL_WORKERS,
            tmp_path,
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}}),
        )
        for rank in range(2)
    ]
    try:
        assert [each.wait(timeout=300) for each in both] == [0, 0]
    finally:
        for each in both:
            each.kill()
    assert written(tmp_path / "chief") == [0, 1]
    assert written(tmp_path / "0") == edited(tmp_path / "0") == [0, 1]
    assert written(tmp_path / "1") == []
