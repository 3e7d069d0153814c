"""Deterministic mode: what is chosen follows from shapes, memory and device, never from the clock.

Two trainings of one seed log the same bytes, whatever else the machine does. That a size of
batch is not timed then is tested in `test_dense.py`.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from tensorflow.python.framework import config

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Occlusion, Probe
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.kit import determinism
from tests.kit.explained import noise

ROOT = Path(__file__).parents[2]

# A process for each of two runs, beside one of which another keeps a core busy. In each model
# is a layer whose rounding depends on all of its batch, so that batches must be the same ones.
BEGIN = """
import hashlib, json, os, random, subprocess, sys
from pathlib import Path

busy = []
if sys.argv[2] == "busy":
    loop = "import os\\nparent = os.getppid()\\nwhile os.getppid() == parent: pass"
    busy = [subprocess.Popen([sys.executable, "-c", loop])]

import numpy as np
from tensorboard_picasso import summary
from tensorboard_picasso.summary import (
    GradCAM, GradientTimesInput, IntegratedGradients, Occlusion, Probe, RISE, Saliency, SmoothGrad,
)

random.seed(0)
np.random.seed(0)
draw = np.random.default_rng(0)
X = draw.random((64, 28, 28, 1)).astype(np.float32)
Y = draw.integers(0, 3, 64)
SCORES = [Occlusion(6, 2), Occlusion(6, 2, reuse=False, label="whole"), RISE(60)]
ALL = [*SCORES, Saliency(), GradientTimesInput(), IntegratedGradients(steps=4), SmoothGrad(samples=3)]
OPTIONS = dict(labels=Y[:3].tolist(), targets=[0, 1, 2], regions={"top": np.arange(28)[:, None] < 9 + np.zeros((1, 28))})
FIRST = np.moveaxis(X, -1, 1)


def probe(**more):
    return Probe("p", X[:3], **OPTIONS, **more)


def together(x):
    mean = x.mean(0)
    return (x + mean) - mean


def folder(name):
    return str(Path(sys.argv[1]) / name)

"""
END = """
for each in busy:
    each.kill()
summary.flush()
from tests.kit import events
found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    logged = events.values(path)
    assert len(logged) > 20
    for step, value in logged:
        digest = hashlib.sha256(value.SerializeToString(deterministic=True)).hexdigest()
        found[f"{path.name} {step} {value.tag}"] = digest
print(json.dumps(found))
"""

FIT = """
import keras
layers = keras.layers


class Together(layers.Layer):
    def call(self, x):
        mean = keras.ops.mean(x, axis=0)
        return (x + mean) - mean


def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(4, 3, activation="relu"),
        layers.BatchNormalization(), layers.Dropout(0.5), layers.Flatten(), Together(),
        layers.Dense(3),
    ])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


callback = summary.KerasCallback(
    probe(), folder("fit"), summary.EverySteps(2), methods=[*ALL, GradCAM()], strict=True
)
build().fit(X, Y, batch_size=16, verbose=0, callbacks=[callback])
"""

TENSORFLOW = (
    """
import tensorflow as tf
tf.config.experimental.enable_op_determinism()
"""
    + FIT
    + """
model, writer = build(), tf.summary.create_file_writer(folder("function"))
optimizer = keras.optimizers.Adam()
watched = probe()


@tf.function
def train(x, y, step):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(y=y, y_pred=model(x, training=True))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    with writer.as_default(step=step):
        summary.attribution(watched, model, methods=ALL, strict=True)


model(X[:1])
optimizer.build(model.trainable_variables)
for step in range(3):
    train(tf.constant(X[:16]), tf.constant(Y[:16]), tf.constant(step, tf.int64))
writer.close()
"""
)

PYTORCH = """
os.environ["KERAS_BACKEND"] = "torch"
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter


class Together(nn.Module):
    def forward(self, x):
        mean = x.mean(0)
        return (x + mean) - mean


torch.manual_seed(0)
torch.use_deterministic_algorithms(True)
network = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), Together(),
    nn.Linear(4 * 26 * 26, 3),
)
optimizer = torch.optim.Adam(network.parameters())
watched, plain, log = probe(), probe(), SummaryWriter(folder("module"))
for step in range(3):
    network.train()
    optimizer.zero_grad()
    x, y = torch.tensor(FIRST[:16]), torch.tensor(Y[:16])
    nn.functional.cross_entropy(network(x), y).backward()
    optimizer.step()
    summary.attribution(
        watched, network, methods=[*ALL, GradCAM()], writer=log, step=step, strict=True
    )
log.close()

torch.use_deterministic_algorithms(False)
summary.deterministic()
weights = draw.normal(size=(784, 3)).astype(np.float32)
for step in range(3):
    weights += 0.1 * (X.reshape(64, -1).T @ np.eye(3, dtype=np.float32)[Y] / 64 - 1 / 6)
    summary.attribution(
        plain, lambda x: together(x.reshape(len(x), -1)) @ weights, methods=SCORES,
        writer=folder("function"), step=step, strict=True,
    )
"""

JAX = """
import functools
os.environ["KERAS_BACKEND"] = "jax"
import jax, jax.numpy as jnp
summary.deterministic()


def forward(params, x):
    x = jax.lax.conv_general_dilated(
        x, params["kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return together(jax.nn.relu(x).reshape(len(x), -1)) @ params["head"]


def loss(params, x, y):
    return -jax.nn.log_softmax(forward(params, x))[jnp.arange(len(y)), y].mean()


keys = jax.random.split(jax.random.key(0))
params = {
    "kernel": 0.3 * jax.random.normal(keys[0], (3, 3, 1, 4)),
    "head": 0.02 * jax.random.normal(keys[1], (4 * 26 * 26, 3)),
}
watched = probe(output="logits")
for step in range(3):
    slope = jax.jit(jax.grad(loss))(params, X[:16], Y[:16])
    params = jax.tree.map(lambda value, by: value - 0.1 * by, params, slope)
    summary.attribution(
        watched, functools.partial(forward, params), methods=ALL, writer=folder("jax"),
        step=step, strict=True,
    )
"""

WAYS = {
    "Keras and a tf.function": TENSORFLOW,
    "PyTorch, a function of NumPy, Keras on PyTorch": PYTORCH + FIT,
    "JAX, Keras on JAX": JAX + FIT,
}


def logged(script, directory):
    """Digests of every value of two runs, by folder, step and tag."""
    runs = []
    for number, busy in enumerate(("quiet", "busy")):
        folder = directory / busy
        folder.mkdir()
        runs.append(
            subprocess.Popen(
                [sys.executable, "-c", BEGIN + script + END, str(folder), busy],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={
                    **os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(number),
                    "TF_CPP_MIN_LOG_LEVEL": "2",
                },
            )
        )  # fmt: skip
    found = []
    try:
        for run in runs:
            out, err = run.communicate(timeout=600)
            assert run.returncode == 0, err[-4000:]
            found.append(json.loads(out.splitlines()[-1]))
    finally:
        for run in runs:
            run.kill()
    return found


@pytest.mark.parametrize("way", WAYS)
def test_two_runs_of_one_seed_log_equal_records_also_beside_a_busy_loop(way, tmp_path):
    quiet, busy = logged(WAYS[way], tmp_path)
    assert list(quiet) == list(busy)
    different = [key for key, digest in quiet.items() if busy[key] != digest]
    assert not different


class Watched(torch.nn.Module):
    """Notes how many images each call has; of a twin of it, too."""

    counts: ClassVar[list[int]] = []

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(784, 3))
        self.counts.clear()

    def forward(self, x):
        self.counts.append(len(x))
        return x.flatten(1) @ self.weight


class WatchedByTensorFlow(tf.Module):
    """The same, where a graph calls it."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(tf.ones((784, 3)))
        self.counts = []

    def __call__(self, x):
        noted = tf.numpy_function(self.counts.append, [tf.shape(x)[0]], [])
        with tf.control_dependencies([noted]):
            return tf.reshape(x, (-1, 784)) @ self.weight


@contextmanager
def pytorch():
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def tensorflow():
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        config.disable_op_determinism()


@contextmanager
def ours():
    summary.deterministic()
    try:
        yield
    finally:
        summary.deterministic(False)


@pytest.mark.parametrize(
    ("make", "switch"),
    [(Watched, pytorch), (Watched, ours), (WatchedByTensorFlow, tensorflow),
     (WatchedByTensorFlow, ours)],
)  # fmt: skip
def test_whoever_asks_is_heeded_from_the_next_call_on(make, switch):
    model, probe = make(), Probe("p", noise(1, 28, 28, 1), targets=[0], output="raw")

    def counts():
        del model.counts[:]
        summary.explain_plan(probe, model, Occlusion(4, 2, reuse=False))
        return model.counts[-3:]

    assert 83 not in counts()
    with switch():
        assert models.backend(probe, model).deterministic
        assert counts() == [83, 83, 4]  # and the whole image
    assert not models.backend(probe, model).deterministic
    assert 83 not in counts()


def test_it_may_be_required_for_a_while_whatever_was_asked_for():
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    backend = models.backend(Probe("p", noise(1, 4, 4, 1)), model)
    assert not backend.deterministic
    with determinism.required(), determinism.required():
        assert backend.deterministic
    assert not backend.deterministic
    with pytest.raises(TypeError, match="on='yes': pass True or False"):
        summary.deterministic("yes")


def test_a_budget_that_goes_by_the_clock_all_the_same_is_said(tmp_path, capsys):
    def model(x):
        return x.reshape(len(x), -1) @ np.eye(16, 3, dtype=np.float32)

    options = {"methods": [Occlusion(2)], "writer": tmp_path, "budget": "10s", "strict": True}
    with ours():
        for step in range(2):
            assert summary.attribution(
                "p", model, noise(1, 4, 4, 1), output="logits", step=step, **options
            )
    assert capsys.readouterr().err.count("goes by the clock, so another run logs other steps") == 1
