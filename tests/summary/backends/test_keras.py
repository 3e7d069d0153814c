"""Keras on PyTorch and on JAX: what is computed, and that nothing else changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Each backend of Keras needs a process of its own.
BEGIN = """
import random
import sys
import keras
import numpy as np
from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, backends
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods._places import Layers

layers = keras.layers
X = np.random.default_rng(0).random((3, 6, 6, 1)).astype(np.float32)


def seed():
    # Keras' own function imports TensorFlow.
    random.seed(0)
    np.random.seed(0)
    if keras.backend.backend() == "torch":
        sys.modules["torch"].manual_seed(0)


def network(*last, units=3):
    seed()
    return keras.Sequential([
        keras.Input((6, 6, 1)),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dense(units, name="head"),
        *last,
    ])


def expected(model):
    return keras.ops.convert_to_numpy(model(X, training=False))


def weights(model):
    return [np.array(keras.ops.convert_to_numpy(each)) for each in model.variables]


def same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)
"""


def run(backend: str, code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


BACKENDS = pytest.mark.parametrize("backend", ["torch", "jax"])

COMPUTED = """
model = network()
assert backends.names(model) == ["keras"]
backend = backends.find(model, True, True)
before = weights(model)
np.testing.assert_allclose(backend.scores(X), expected(model), atol=1e-5)
assert backend.shown is Output.LOGITS and not backend.behind
by_input = backend.gradient(X, np.eye(3))
by_head = backend.gradient(X, np.eye(3), layer="head")
np.testing.assert_allclose(by_head, np.eye(3), atol=1e-6)
assert backend.gradient(X, np.eye(3), layer="conv").shape == (3, 4, 4, 4)
step = 1e-2
moved = np.repeat(X[:1], 2, 0)
moved[0, 2, 2] += step
moved[1, 2, 2] -= step
up, down = backend.scores(moved)
np.testing.assert_allclose((up - down)[0] / (2 * step), by_input[0, 2, 2, 0], atol=1e-3)
same(before, weights(model))
assert "call" not in vars(model.get_layer("conv"))
assert "tensorflow" not in sys.modules
try:
    backend.gradient(X, np.eye(3), layer="dense")
except UnsupportedError as e:
    assert "no layer 'dense': the model ends in 'input_layer', 'conv'" in str(e), e
else:
    raise AssertionError

for last, shown in (
    ([layers.Softmax()], Output.LOGITS),
    ([layers.Activation("softmax")], Output.LOGITS),
    ([layers.Activation("sigmoid")], Output.SIGMOID),
    ([layers.Dense(3, activation="softmax")], Output.LOGITS),
    ([keras.Sequential([layers.Dense(3, activation="softmax")])], Output.LOGITS),
    ([layers.Activation("tanh")], None),
    ([layers.Softmax(axis=0)], None),
):
    model = network(*last)
    backend = backends.find(model)
    found = backend.scores(X)
    assert (backend.shown, backend.behind) == (shown, shown is not None), last
    act = {Output.LOGITS: keras.ops.softmax, Output.SIGMOID: keras.ops.sigmoid, None: lambda z: z}
    made = keras.ops.convert_to_numpy(act[shown](keras.ops.convert_to_tensor(found)))
    np.testing.assert_allclose(made, expected(model), atol=1e-5)
    backend = backends.find(model, look_behind=False)
    np.testing.assert_allclose(backend.scores(X), expected(model), atol=1e-5)
    assert not backend.behind and backend.shown is None
    assert model.layers[-1].__dict__.get("call") is None
    assert getattr(model.layers[-1], "activation", None) in (
        None, keras.activations.softmax, keras.activations.sigmoid, keras.activations.tanh
    )
"""


@BACKENDS
def test_scores_gradients_and_final_activations(backend):
    run(backend, COMPUTED)


TRAINED = """
from pathlib import Path
where = Path(sys.argv[1])
images = np.random.default_rng(1).random((64, 6, 6, 1)).astype(np.float32)
classes = np.arange(64) % 3
probe = Probe("digits", X, labels=[0, 1, 2])
current = []


class Current(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        current.append(backends.find(self.model).scores(X))


def train(*callbacks):
    model = network()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, classes, batch_size=16, epochs=2, verbose=0, callbacks=list(callbacks))
    return model


plain = train()
logged = train(summary.KerasCallback(probe, where / "run", summary.EverySteps(1), strict=True))
seen = train(Current())
same(weights(plain), weights(logged))
same(weights(plain), weights(seen))
np.testing.assert_allclose(current[-1], expected(plain), atol=1e-5)
assert len(current) == 8 and np.ptp(current, axis=0).min() > 0
assert summary.attribution(probe, plain, writer=where / "op", step=0, strict=True)
assert "tensorflow" not in sys.modules
"""


@BACKENDS
def test_training_is_followed_and_ends_in_equal_weights(backend, tmp_path):
    from tests.kit import events

    run(backend, TRAINED, tmp_path)
    assert sorted(events.whole_scores(tmp_path / "run" / "picasso")) == list(range(9))
    assert sorted(events.whole_scores(tmp_path / "op")) == [0]


REFUSED = """
def refused(model, text):
    try:
        backends.find(model).scores(X)
    except UnsupportedError as e:
        assert text in str(e), e
    else:
        raise AssertionError(text)


unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(3)])
refused(unbuilt, "Sequential is not built: call it on a batch first")
unbuilt(X)
np.testing.assert_allclose(backends.find(unbuilt).scores(X), expected(unbuilt), atol=1e-5)


class Untold(layers.Flatten):
    "Keras cannot tell its output's shape, and says that what holds it is built."

    def compute_output_spec(self, *args, **kwargs):
        raise NotImplementedError


half = keras.Sequential([keras.Input((6, 6, 1)), Untold(), layers.Dense(3)])
assert half.built and not half.layers[-1].built
refused(half, "Sequential is not built: call it on a batch first")
assert not half.layers[-1].built
half(X)
np.testing.assert_allclose(backends.find(half).scores(X), expected(half), atol=1e-5)
one = keras.Input((6, 6, 1))
two = keras.Input((6, 6, 1))
refused(keras.Model([one, two], layers.Add()([one, two])), "takes 2 inputs")
refused(keras.Model(one, [one, one]), "returns 2 outputs: pass pick=")
"""


@BACKENDS
def test_what_cannot_be_explained_says_why(backend):
    run(backend, REFUSED)


LAYERS = """
model = network()
found = backends.find(model)
found.scores(X)
name, _ = Layers(found, X[0], lambda values: values).last()
assert name == model.layers[2].name, name  # dropout comes after batch norm
np.testing.assert_allclose(
    found.activations(X, "conv"), keras.ops.convert_to_numpy(model.layers[0](X)), atol=1e-6
)
"""


@BACKENDS
def test_layers_are_keras_own(backend):
    run(backend, LAYERS)


SEVERAL = """
other, image = keras.Input((3,), name="other"), keras.Input((6, 6, 1), name="image")
seed()
flat = layers.Dense(2, use_bias=False)(layers.Flatten()(image))
scaled = layers.Multiply()([flat, layers.Dense(1, use_bias=False, name="summed")(other)])
heads = {"one": layers.Softmax(name="one")(scaled), "two": scaled}
model = keras.Model([other, image], heads)
model.get_layer("summed").set_weights([np.ones((3, 1), np.float32)])
weights = next(each for each in model.get_weights() if each.shape == (36, 2))
rows = np.random.default_rng(1).random((3, 3)).astype(np.float32)
logits = rows.sum(1, keepdims=True) * (X.reshape(3, 36) @ weights)
for pick, output in ("one", Output.LOGITS), ("two", Output.RAW):
    for inputs in {"other": rows}, (rows, None):
        asked = "raw" if pick == "two" else "auto"
        probe = Probe("p", X, inputs=inputs, pick=pick, output=asked, targets=[0, 1])
        result = explain(model, probe, Occlusion(2, 2, fill=0), Saliency(signed=True, score="logit"))
        assert result.output is output, result.output
        for index, each in enumerate(result.images):
            values = logits[index]
            whole = values if pick == "two" else values - values[::-1]
            np.testing.assert_allclose(each.scores.values, whole, atol=1e-5)
            found = each.attributions[1][1].decode(0)
            expected = rows[index].sum() * weights[:, 0].reshape(6, 6)
            np.testing.assert_allclose(found, expected, atol=np.abs(expected).max() / 100)

dense = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(2, 1), layers.Softmax()])
probe = Probe("p", X, mean_over="predicted", targets=[0, 1])
result = explain(dense, probe, Occlusion(2, 2, fill=0), Saliency())
assert result.output is Output.LOGITS
assert result.images[0].scores.value_name == "mean log-odds"
"""


@BACKENDS
def test_several_inputs_and_outputs_and_outputs_over_pixels(backend):
    run(backend, "from tests.kit.explained import explain\n" + SEVERAL)
