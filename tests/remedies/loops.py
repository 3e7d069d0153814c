"""Callbacks of loops, and models of TensorFlow and JAX with what surrounds them."""

import functools

import jax
import keras
import numpy as np
import tensorflow as tf

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Probe, Saliency, backends
from tests.remedies import OCCLUSION, Row, W, X, explained
from tests.remedies.methods import CHANNELS, PROBE, logged, network

GRADIENT = Saliency(signed=True, precision="float32")
WEIGHTS = W.astype(np.float32)


def by(model):
    return lambda: explained(Probe("p", X, output="raw"), model(), OCCLUSION, GRADIENT)


def signed(size):
    """A function of TensorFlow's that takes batches of this size."""

    def run(x):
        return tf.reshape(x, [-1, 108]) @ WEIGHTS

    spec = tf.TensorSpec([size, 6, 6, 3], tf.float32)
    return tf.function(run, input_signature=[spec])


def dense():
    return keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])


def bound(weights):
    return functools.partial(lambda w, x: x.reshape(-1, 108) @ w, weights)


def traced():
    jax.jit(lambda weights: backends.find(bound(weights)).scores(X))(WEIGHTS)


def lightning(**options):
    return lambda: summary.LightningCallback(PROBE, **options)


def of_keras(log_dir):
    return lambda: summary.KerasCallback(PROBE, log_dir)


def transformers(**options):
    return lambda: summary.TransformersCallback(PROBE, **options)


ROWS = [
    Row("its signature takes batches of 4; give it a batch size of None", by(lambda: signed(4)), by(lambda: signed(None))),
    Row("pass the model, not model.predict", by(lambda: dense().predict), by(dense)),
    Row("is being traced: explain it outside jax.jit", traced, by(lambda: bound(jax.numpy.asarray(WEIGHTS)))),
    Row("no writer: pass writer=", lambda: summary.attribution(CHANNELS, network(), step=0), logged(CHANNELS, network())),
    Row("log_dir= and writer=: pass one of them", lightning(log_dir="a", writer="b"), lightning(log_dir="a")),
    Row("log_dir=None: pass the run's directory, a path", of_keras(None), of_keras("a")),
    Row("log_dir=3: pass the run's directory, a path", lightning(log_dir=3), lightning(log_dir="a")),
    Row("log_dir=3: pass the run's directory, a path", transformers(log_dir=3), transformers(log_dir="a")),
    Row("pass log_dir=, or writer= instead of it", transformers(), transformers(writer="b")),
]  # fmt: skip
