"""One network with the same weights in Keras/TensorFlow, Keras/JAX, PyTorch and JAX."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.kit.explained import noise

ROOT = Path(__file__).parents[3]

# A process each: it explains the network and trains it, with and without that.
BEGIN = """
import random, sys
import numpy as np
from tensorboard_picasso import summary
from tensorboard_picasso.summary import RISE, IntegratedGradients, Occlusion, Probe, Saliency
from tensorboard_picasso.summary import SmoothGrad
from tests.kit.explained import explain

given = dict(np.load(sys.argv[1]))
x, batch, classes = given["x"], given["batch"], given["classes"]
options = dict(targets=[0, 1, 2])
"""
END = """
model = build()
many = SmoothGrad(5, signed=True), IntegratedGradients(steps=5), RISE(20, cells=2)
methods = Occlusion(2, 1), Saliency(signed=True), *many
for each in methods[1:]:
    object.__setattr__(each, "precision", "float32")
result = explain(model, Probe("p", x, **options), *methods)
images = result.images
targets = [each.scores.targets for each in images]
found = dict(
    targets=np.array(targets),
    scores=np.array([each.scores.values for each in images]),
    grids=np.array([each.attributions[0][0].grid.values for each in images]),
    gradients=np.array([
        [each.attributions[1][1].decode(target) for target in each.scores.targets]
        for each in images
    ]),
    passes=np.array([
        [
            [each.attributions[at][1].decode(target) for target in each.scores.targets]
            for at in (2, 3, 4)
        ]
        for each in images
    ]).swapaxes(0, 1),
)
probe = Probe("p", x, **options)
for name in ("plain", "logged"):
    def log(step, model):
        if name == "logged":
            assert summary.attribution(probe, model, writer=sys.argv[3], step=step, strict=True)

    for index, each in enumerate(train(log)):
        found[f"{name}{index}"] = np.array(each)
np.savez(sys.argv[2], **found)
"""

KERAS = """
import keras
layers = keras.layers


def build():
    random.seed(0)
    model = keras.Sequential([
        keras.Input((6, 6, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.BatchNormalization(epsilon=1e-3),
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dense(3),
    ])
    names = ["kernel", "bias", "scale", "shift", "mean", "variance", "head", "head_bias"]
    model.set_weights([given[name] for name in names])
    return model


def train(log):
    keras.utils.set_random_seed(0)
    model = build()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for step in range(4):
        model.train_on_batch(batch, classes)
        log(step, model)
    return model.get_weights()
"""

PYTORCH = """
import torch
from torch import nn
x = np.moveaxis(x, -1, 1)
options["data_format"] = "channels_first"


def build():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4, eps=1e-3), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(64, 3),
    )
    head = given["head"].reshape(4, 4, 4, 3).transpose(3, 2, 0, 1).reshape(3, 64)
    state = {
        "0.weight": given["kernel"].transpose(3, 2, 0, 1), "0.bias": given["bias"],
        "2.weight": given["scale"], "2.bias": given["shift"], "2.running_mean": given["mean"],
        "2.running_var": given["variance"], "5.weight": head, "5.bias": given["head_bias"],
    }
    tensors = {name: torch.tensor(np.ascontiguousarray(each)) for name, each in state.items()}
    model.load_state_dict(tensors, strict=False)
    return model


def train(log):
    torch.manual_seed(0)
    model = build()
    optimizer = torch.optim.Adam(model.parameters())
    inputs = torch.tensor(np.ascontiguousarray(np.moveaxis(batch, -1, 1)))
    for step in range(4):
        model.train()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), torch.tensor(classes)).backward()
        optimizer.step()
        log(step, model)
    return [each.numpy() for each in model.state_dict().values()]
"""

# As a function and its parameters.
JAX = """
import functools
import jax
import jax.numpy as jnp


def forward(params, x, key=None):
    shape = "NHWC", "HWIO", "NHWC"
    x = jax.lax.conv_general_dilated(x, params["kernel"], (1, 1), "VALID", dimension_numbers=shape)
    x = jax.nn.relu(x + params["bias"])
    x = (x - params["mean"]) / jnp.sqrt(params["variance"] + 1e-3) * params["scale"]
    x = x + params["shift"]
    if key is not None:
        x = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), 2 * x, 0)
    return x.reshape(len(x), -1) @ params["head"] + params["head_bias"]


def parameters():
    names = ["kernel", "bias", "scale", "shift", "mean", "variance", "head", "head_bias"]
    return {name: jnp.asarray(given[name]) for name in names}


def build():
    return functools.partial(forward, parameters())


def train(log):
    @jax.jit
    def stepped(params, key):
        def loss(params):
            odds = jax.nn.log_softmax(forward(params, batch, key))
            return -odds[jnp.arange(len(classes)), classes].mean()

        slopes = jax.grad(loss)(params)
        return jax.tree.map(lambda each, slope: each - 0.1 * slope, params, slopes)

    params = parameters()
    for step, key in enumerate(jax.random.split(jax.random.key(0), 4)):
        params = stepped(params, key)
        log(step, functools.partial(forward, params))
    return [np.asarray(each) for each in jax.tree.leaves(params)]
"""

NNX = """
import jax
import jax.numpy as jnp
import optax
from flax import nnx


class Net(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(1, 4, (3, 3), padding="VALID", rngs=rngs)
        self.norm = nnx.BatchNorm(4, epsilon=1e-3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(64, 3, rngs=rngs)

    def __call__(self, x):
        x = self.dropout(self.norm(nnx.relu(self.conv(x))))
        return self.head(x.reshape(len(x), -1))


def build():
    model = Net()
    for variable, name in (
        (model.conv.kernel, "kernel"), (model.conv.bias, "bias"), (model.norm.scale, "scale"),
        (model.norm.bias, "shift"), (model.norm.mean, "mean"), (model.norm.var, "variance"),
        (model.head.kernel, "head"), (model.head.bias, "head_bias"),
    ):
        variable[...] = jnp.asarray(given[name])
    return model


def train(log):
    model = build()
    optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)

    @nnx.jit
    def stepped(model, optimizer):
        def loss(model):
            logits = model(batch)
            return optax.softmax_cross_entropy_with_integer_labels(logits, classes).mean()

        optimizer.update(model, nnx.grad(loss)(model))

    for step in range(4):
        model.train()
        stepped(model, optimizer)
        log(step, model)
    state = nnx.state(model, nnx.Not(nnx.RngKey))
    return [np.asarray(each) for each in jax.tree.leaves(state)]
"""

WAYS = {
    "Keras/TensorFlow": (KERAS, "tensorflow"),
    "Keras/JAX": (KERAS, "jax"),
    "Keras/PyTorch": (KERAS, "torch"),
    "PyTorch": (PYTORCH, ""),
    "JAX": (JAX, ""),
    "nnx": (NNX, ""),
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """What each way found; one process after another."""
    folder = tmp_path_factory.mktemp("ways")
    draw = np.random.default_rng(0)
    np.savez(
        folder / "given.npz",
        x=noise(3, 6, 6, 1),
        batch=noise(16, 6, 6, 1, seed=1),
        classes=np.arange(16) % 3,
        kernel=draw.normal(0, 0.5, (3, 3, 1, 4)).astype(np.float32),
        bias=draw.normal(0, 0.1, 4).astype(np.float32),
        scale=draw.uniform(0.5, 1.5, 4).astype(np.float32),
        shift=draw.normal(0, 0.1, 4).astype(np.float32),
        mean=draw.normal(0, 0.1, 4).astype(np.float32),
        variance=draw.uniform(0.5, 1.5, 4).astype(np.float32),
        head=draw.normal(0, 0.2, (64, 3)).astype(np.float32),
        head_bias=draw.normal(0, 0.1, 3).astype(np.float32),
    )
    results = {}
    for index, (name, (code, backend)) in enumerate(WAYS.items()):
        out = folder / f"{index}.npz"
        done = subprocess.run(
            [sys.executable, "-c", BEGIN + code + END, folder / "given.npz", out, folder / "log"],
            cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend or "tensorflow"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr[-3000:]}"
        with np.load(out) as found:
            results[name] = dict(found)
    return results


@pytest.mark.parametrize("way", list(WAYS)[1:])
def test_the_same_weights_give_the_same_numbers(ways, way):
    expected, found = ways["Keras/TensorFlow"], ways[way]
    np.testing.assert_array_equal(found["targets"], expected["targets"])
    for what in ("scores", "grids", "gradients", "passes"):
        # Of methods of many passes each for itself.
        pairs = zip(found[what], expected[what], strict=True) if what == "passes" else None
        for one, other in pairs or [(found[what], expected[what])]:
            worst = np.abs(one - other).max()
            assert worst <= 1e-5 * np.ptp(other), f"{what}: {worst}"


@pytest.mark.parametrize("way", WAYS)
def test_training_ends_in_equal_weights_with_and_without_the_call(ways, way):
    found = ways[way]
    plain = {name[5:]: each for name, each in found.items() if name.startswith("plain")}
    assert len(plain) >= 8
    for index, each in plain.items():
        np.testing.assert_array_equal(found[f"logged{index}"], each)
