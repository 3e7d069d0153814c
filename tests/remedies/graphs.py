"""TensorFlow's graphs, SavedModels and writers; Keras models that are built, and trained by another."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import IntegratedGradients, Probe
from tests.kit import events
from tests.remedies import OCCLUSION, Row, W, X, directory, explained, linear

WEIGHTS = W.astype(np.float32)
IMAGE = tf.TensorSpec([None, 6, 6, 3], tf.float32)
NUMBER = tf.TensorSpec([None], tf.float32)
OTHER = np.array([1.0, 2.0, 3.0], np.float32)
ROOT = Path(__file__).parents[2]


class Linear(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(WEIGHTS)

    def __call__(self, x):
        return tf.reshape(x, [-1, 108]) @ self.weights


class Served(tf.Module):
    """Cannot be called; two signatures."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(WEIGHTS)

    @tf.function(input_signature=[IMAGE])
    def plain(self, x):
        return tf.reshape(x, [-1, 108]) @ self.weights

    @tf.function(input_signature=[IMAGE, NUMBER])
    def scaled(self, x, other):
        return self.plain(x) * other[:, None]


@cache
def saved():
    path, module = directory(), Served()
    signatures = {"plain": module.plain, "scaled": module.scaled}
    tf.saved_model.save(module, path, signatures=signatures)
    return tf.saved_model.load(path)


def scored(make, expected=linear, *methods, **options):
    """Explain, and compare the scores with what they are by hand."""

    def try_it():
        found = explained(Probe("p", X, output="raw", **options), make(), *methods)
        for each, values in zip(found.images, expected(X), strict=True):
            np.testing.assert_allclose(each.scores.values, values, atol=1e-4)

    return try_it


def scaled(x):
    return linear(x) * OTHER[:, None]


def written(steps, act):
    """Do something with a directory; what is read back are the scores of X at these steps."""

    def try_it():
        path = directory()
        act(path)
        summary.flush()
        found = [
            step
            for step, series in events.records(Path(path))
            if series.kind is Kind.SCORES and series.image == 0
        ]
        assert found == steps

    return try_it


def eager(**options):
    def act(path):
        with tf.summary.create_file_writer(path).as_default(**options):
            summary.attribution(Probe("p", X), Linear(), methods=[OCCLUSION], strict=True)

    return act


def graph(record, **options):
    """A step that is compiled into a graph."""

    def act(path):
        writer, model = tf.summary.create_file_writer(path), Linear()

        @tf.function(**options)
        def step(number, images):
            with writer.as_default(step=number):
                return record(model, images, path)

        step(tf.constant(3, tf.int64), tf.constant(X))

    return act


def of_probe(model, images, path):
    return summary.attribution(Probe("p", X), model, methods=[OCCLUSION])


PROBE = Probe("p", X)


def into_directory(model, images, path):
    step = tf.constant(3, tf.int64)
    return summary.attribution(PROBE, model, methods=[OCCLUSION], writer=path, step=step)


def of_tensors(model, images, path):
    return summary.occlusion("p", lambda x: model(x), images, window=2, stride=2)


def once_probe(model, images, path):
    return summary.attribution(PROBE, lambda x: model(x), methods=[OCCLUSION])


def dense():
    return keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])


class Logging(keras.Sequential):
    """Logs in each step of training."""

    def log_into(self, path):
        self.log_writer = tf.summary.create_file_writer(path)
        self.counter = tf.Variable(0, dtype=tf.int64)

    def train_step(self, data):
        with self.log_writer.as_default(step=self.counter):
            summary.attribution(PROBE, self, methods=[OCCLUSION])
        self.counter.assign_add(1)
        return super().train_step(data)


def fitted(model, path, *callbacks, **options):
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    model.fit(X, np.arange(3), batch_size=3, epochs=2, verbose=0, callbacks=[*callbacks])


def trained(**options):
    def act(path):
        model = Logging(dense().layers)
        model.log_into(path)
        fitted(model, path, **options)

    return act


def with_callback(path):
    callback = summary.KerasCallback(
        PROBE, path, schedule=summary.EverySteps(1), methods=[OCCLUSION]
    )
    fitted(dense(), path, callback, jit_compile=True)


def fit_with_callback(built):
    def act(path):
        model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
        if built:
            model.build((None, 6, 6, 3))
        fitted(
            model,
            path,
            summary.KerasCallback(PROBE, path, schedule=summary.EverySteps(1), methods=[OCCLUSION]),
        )

    return act


BYTES = (X * 255).astype(np.uint8)


def casting(x):
    return Linear()(tf.image.convert_image_dtype(x, tf.float32))


def integrated(model, **options):
    probe = Probe("p", BYTES, output="raw", **options)
    return lambda: explained(probe, model, IntegratedGradients("black", 2))


# Keras on JAX trains with the weights outside the model; in a process of its own, once for all.
ON_JAX = """
import json
import keras
import numpy as np
from tensorboard_picasso.summary import Occlusion, Probe
from tests.kit.explained import explain

x = np.random.default_rng(0).random((3, 6, 6, 3)).astype("f")
layers = keras.layers
inner = keras.Sequential([keras.Input((6, 6, 3)), layers.Flatten(), layers.Dense(4)])
outer = keras.Sequential([keras.Input((6, 6, 3)), inner, layers.Dense(3)])
unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(3)])
said = {}


def explained(name, model, trained=None):
    try:
        found = explain(model, Probe("p", x, output="raw"), Occlusion(3, 3))
    except Exception as e:
        said[name] = str(e)
        return
    if trained is not None:
        trained.jax_state_sync()  # who calls it by hand in there needs that
    for each, values in zip(found.images, np.asarray(model(x))):
        np.testing.assert_allclose(each.scores.values, values, atol=1e-4)
    said[name] = ""


class Explaining(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        explained("inner", inner)
        explained("outer", outer, outer)


outer.compile("sgd", "mse")
outer.fit(x, np.zeros((3, 3)), epochs=1, verbose=0, callbacks=[Explaining()])
explained("unbuilt", unbuilt)
unbuilt(x)
explained("called", unbuilt)
print(json.dumps(said))
"""


@cache
def all_on_jax():
    environment = {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def on_jax(name):
    def run():
        if text := all_on_jax()[name]:
            raise ValueError(text)

    return run


REFUSED = "cannot run in a step that XLA compiles: "

ROWS = [
    Row("cannot be called and has signatures plain, scaled: pass model.signatures", scored(saved), scored(lambda: saved().signatures["plain"])),
    Row("the SavedModel takes 2 inputs .*: give the probe inputs= with all but the image", scored(lambda: saved().signatures["scaled"]), scored(lambda: saved().signatures["scaled"], scaled, inputs={"other": OTHER})),
    Row("no step: pass step=, or writer.as_default.step=", written([], eager()), written([4], eager(step=4))),
    Row("does not tell its variables: pass a Probe, not tensors", written([], graph(of_tensors)), written([3], graph(once_probe))),
    Row(REFUSED + ".* or tf.function.jit_compile=False.", written([], graph(of_probe, jit_compile=True)), written([3], graph(of_probe, jit_compile=False))),
    Row(REFUSED + "compile.jit_compile=False.", written([], trained(jit_compile=True)), written([0, 1], trained(jit_compile=False))),
    Row(REFUSED + ".* or use summary.KerasCallback", written([], trained(jit_compile=True)), written([0, 1, 2], with_callback)),
    Row("inside a tf.function writes while it is traced only: pass a tf.summary writer there", written([], graph(into_directory)), written([3], graph(of_probe))),
    Row("the model is not built yet: .*; build the model, and it is checked before training", written([1, 2], fit_with_callback(False)), written([0, 1, 2], fit_with_callback(True))),
    Row("Sequential is not built: call it on a batch first", on_jax("unbuilt"), on_jax("called")),
    Row("differently: move its cast to preprocess=", integrated(casting), integrated(Linear(), preprocess=lambda x: tf.image.convert_image_dtype(x, tf.float32))),
    Row("has no weights while another model trains it: pass the one that is trained", on_jax("inner"), on_jax("outer")),
]  # fmt: skip
