"""No op changes what a training of Keras computes, bit for bit, on each of its backends.

A process a backend: trained alone, with a callback after each step, and with ops in two other
threads all the while.
"""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, json, os, random, sys, threading, time
from pathlib import Path

os.environ["KERAS_BACKEND"] = sys.argv[1]
directory, count = Path(sys.argv[2]), int(sys.argv[3])
if sys.argv[1] == "torch":
    import torch
    torch.set_num_threads(1)
import keras, numpy as np
from tensorboard_picasso import summary
from tensorboard_picasso.summary import GradCAM, Occlusion, Probe, RISE, Saliency

layers = keras.layers
draw = np.random.default_rng(0)
X, Y = draw.random((32, 12, 12, 1)).astype(np.float32), draw.integers(0, 3, 32)
# Each is compiled anew on JAX.
FEW = [Occlusion(3, 3), Saliency()]
METHODS = FEW if sys.argv[1] == "jax" else [Occlusion(3, 3), Occlusion(3, 3, reuse=False, label="whole"), RISE(4), Saliency(), GradCAM()]


def probe():
    return Probe("p", X[:2], labels=Y[:2].tolist(), output="logits")


class Noise(layers.Layer):
    "As a variational model has it: in inference too. And it counts."

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(1)

    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign(self.calls + 1)
        return x + 0.01 * keras.random.normal(keras.ops.shape(x), seed=self.seeds)


def wrapped():
    "A module of PyTorch with modes and statistics of its own."
    nn = torch.nn
    made = nn.Sequential(nn.Linear(400, 16), nn.BatchNorm1d(16), nn.Dropout(0.3))
    return [layers.TorchModuleWrapper(made)]


def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((12, 12, 1)), layers.Conv2D(4, 3, activation="relu"),
        layers.BatchNormalization(), layers.Dropout(0.3), Noise(), layers.Flatten(),
        *(wrapped() if sys.argv[1] == "torch" else ()), layers.Dense(3),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile="auto")
    model(X[:1])  # which builds what stands behind a module of PyTorch
    return model


def trained(model, *callbacks, threads=()):
    for _ in range(2):
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    # While an op runs, its layers pass what other threads call through a function.
    slow.over = True
    for each in threads:
        each.join()
    found = {f"variable {at}": digest(each) for at, each in enumerate(model.variables)}
    found |= {f"optimizer {at}": digest(each) for at, each in enumerate(model.optimizer.variables)}
    found["random"] = str((np.random.get_state(), random.getstate()))
    if sys.argv[1] == "torch":
        found["torch"] = hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()
        module = next(each.module for each in model.layers if hasattr(each, "module"))
        found["modes"] = [each.training for each in module.modules()]
        found["buffers"] = {name: digest(each) for name, each in module.named_buffers()}
    for layer in model._flatten_layers():
        kind = type(layer).__name__
        found[f"attributes {kind}"] = sorted(map(str, vars(layer)))
        found[f"trainable {kind}"] = layer.trainable
    return found


def digest(variable):
    value = getattr(variable, "value", variable)
    values = np.ascontiguousarray(keras.ops.convert_to_numpy(value))
    return hashlib.sha256(values.tobytes()).hexdigest()


class Slow(keras.callbacks.Callback):
    "Waits for ops, so that there are some beside each step."

    def __init__(self):
        super().__init__()
        self.steps = self.ops = 0
        self.over = False

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        until = time.monotonic() + 60
        while self.ops < min(self.steps, count) and time.monotonic() < until:
            time.sleep(0.001)


def ops(model, slow, name):
    watched = probe()
    try:
        for step in range(10_000):
            if slow.over:
                return
            accepted = summary.attribution(
                watched, model, methods=METHODS, writer=directory / name, step=step, strict=True
            )
            slow.ops += bool(accepted)
    except BaseException as e:
        errors.append(repr(e))
        slow.ops = 10_000


errors, slow = [], Slow()
alone = trained(build())
between = summary.KerasCallback(
    probe(), directory / "between", summary.EverySteps(1), methods=METHODS, strict=True
)
called = trained(build(), between)
model, slow = build(), Slow()
threads = [threading.Thread(target=ops, args=(model, slow, name)) for name in "ab"]
for each in threads:
    each.start()
beside = trained(model, slow, threads=threads)
summary.flush()
differ = {
    name: [key for key in alone if alone[key] != found.get(key)]
    for name, found in (("between", called), ("beside", beside))
}
print(json.dumps({"differ": differ, "ops": slow.ops, "errors": errors, "keys": len(alone)}))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_training_of_keras_is_the_same_with_ops_between_its_steps_and_beside_them(
    backend, tmp_path, trials
):
    command = [sys.executable, "-c", SCRIPT, backend, str(tmp_path), str(trials(4))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == []
    assert found["differ"] == {"between": [], "beside": []}
    assert trials(4) <= found["ops"] < 10_000
    assert found["keys"] > 10


GRAPH = """
import os, sys, threading, time
import keras, numpy as np, tensorflow as tf
from tensorboard_picasso import summary

images = np.random.default_rng(0).random((2, 12, 12, 1)).astype(np.float32)
model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
probe = summary.Probe("p", images, labels=[0, 1], output="logits")
writer = tf.summary.create_file_writer(sys.argv[1])


@tf.function
def step(number):
    with writer.as_default(step=number):
        return summary.occlusion(probe, model, window=3, stride=3, step=number)


assert step(tf.constant(0, tf.int64))


def go(first):
    for number in range(first, first + 3):
        step(tf.constant(number, tf.int64))


threads = [threading.Thread(target=go, args=(3 * at + 1,), daemon=True) for at in range(8)]
for each in threads:
    each.start()
end = time.monotonic() + 90
for each in threads:
    each.join(max(0.0, end - time.monotonic()))
print(sum(each.is_alive() for each in threads), flush=True)
os._exit(0)
"""


def test_threads_that_run_one_graph_do_not_wait_for_each_other_for_good(tmp_path):
    command = [sys.executable, "-c", GRAPH, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split() == ["0"], done.stderr[-3000:]


BETWEEN = """
import os, sys, threading
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np, torch
from tensorboard_picasso import summary
from tensorboard_picasso.summary import GradCAM, Saliency


def train(*weights):
    "A step of a training in another thread."

    def step():
        with torch.no_grad():
            for each in weights:
                each.mul_(1.0)

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()


class Ours(keras.layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

    def call(self, x):
        output = keras.ops.matmul(x, self.kernel)
        train(*kernels)
        return output


class Wrapped(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(64, 3)

    def forward(self, x):
        output = self.linear(x)
        train(*kernels)
        return output


kernels = []
images = np.random.default_rng(0).random((2, 6, 6, 1)).astype(np.float32)
last = {"ours": Ours, "wrapped": lambda: keras.layers.TorchModuleWrapper(Wrapped())}[sys.argv[2]]()
model = keras.Sequential([
    keras.Input((6, 6, 1)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), last,
])
kernels.append(last.trainable_variables[0]._value)
before = kernels[0]._version
probe = summary.Probe("p", images, labels=[0, 1], output="logits")
accepted = summary.attribution(
    probe, model, methods=[Saliency(), GradCAM()], writer=sys.argv[1], step=0, strict=True
)
print(accepted, kernels[0]._version > before)
"""


@pytest.mark.parametrize("last", ["ours", "wrapped"])
def test_weights_that_are_trained_between_a_pass_and_its_gradient_are_no_error(last, tmp_path):
    command = [sys.executable, "-c", BETWEEN, str(tmp_path), last]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split() == ["True", "True"], done.stderr[-3000:]


STARVED = """
import os, sys, threading, time
os.environ["KERAS_BACKEND"] = "jax"
import keras, numpy as np
from tensorboard_picasso import summary
from tensorboard_picasso.summary import Saliency


class Starved(keras.Sequential):
    "Its thread waits for a core where its weights are out and it has not said that it trains."

    def _purge_model_variables(self, **kinds):
        super()._purge_model_variables(**kinds)
        out.set()
        time.sleep(0.5)


out = threading.Event()
images = np.random.default_rng(0).random((2, 6, 6, 1)).astype(np.float32)
model = Starved([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
probe = summary.Probe("p", images, labels=[0, 1], output="logits")
training = threading.Thread(target=model.fit, args=(images, np.zeros(2)), kwargs={"verbose": 0})
training.start()
assert out.wait(60)
print(summary.attribution(
    probe, model, methods=[Saliency()], writer=sys.argv[1], step=0, strict=True
))
training.join()
"""


def test_a_training_that_waits_for_a_core_with_its_weights_out_is_waited_for(tmp_path):
    command = [sys.executable, "-c", STARVED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split() == ["True"], done.stderr[-3000:]
