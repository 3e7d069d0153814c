"""As `test_threads.py`, of Flax modules and functions of JAX."""

import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import RISE, Occlusion, Probe, Saliency
from tests.attack.tools.beside import OPTIONS, X, assert_same, beside
from tests.kit import events


class Flax(nnx.Module):
    def __init__(self, rngs):
        self.conv, self.norm = nnx.Conv(1, 4, (3, 3), rngs=rngs), nnx.BatchNorm(4, rngs=rngs)
        self.drop, self.head = nnx.Dropout(0.3, rngs=rngs), nnx.Linear(576, 3, rngs=rngs)

    def __call__(self, x):
        x = self.drop(nnx.relu(self.norm(self.conv(x))))
        return self.head(x.reshape(len(x), -1))


class OfJax:
    """A training of a Flax module, and of a function whose parameters are given away."""

    def __init__(self):
        self.model = Flax(nnx.Rngs(0))
        self.optimizer = nnx.Optimizer(self.model, optax.adam(1e-2), wrt=nnx.Param)
        self.weights = {"w": jnp.ones((144, 3)) / 144, "b": jnp.zeros(3)}
        self.draw = np.random.default_rng(0)
        self.steps = 0

    def step(self):
        x = self.draw.random((8, 12, 12, 1)).astype(np.float32)
        y = self.draw.integers(0, 3, 8)
        _train(self.model, self.optimizer, x, y)
        self.weights = _descend(self.weights, x, y)
        self.steps += 1

    def left(self):
        states = {**split("model", self.model), **split("optimizer", self.optimizer)}
        own = {name: np.asarray(each).tobytes() for name, each in self.weights.items()}
        return {**states, **own, "attributes": sorted(vars(self.model))}


def split(name, module):
    state = jax.tree.leaves_with_path(nnx.to_pure_dict(nnx.state(module)))
    return {
        f"{name} {path}": np.asarray(
            jax.random.key_data(each) if jnp.issubdtype(each.dtype, jax.dtypes.prng_key) else each
        ).tobytes()
        for path, each in state
    }


@nnx.jit
def _train(model, optimizer, x, y):
    def loss(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    optimizer.update(model, nnx.grad(loss)(model))


def linear(weights, x):
    return x.reshape(len(x), -1) @ weights["w"] + weights["b"]


@jax.jit
def _descend(weights, x, y):
    def loss(weights):
        return optax.softmax_cross_entropy_with_integer_labels(linear(weights, x), y).mean()

    return jax.tree.map(lambda each, slope: each - 0.1 * slope, weights, jax.grad(loss)(weights))


def of_jax(training, directory):
    """Ops on both models, each as it is by then."""
    options = {**OPTIONS, "data_format": "channels_last"}
    probes = [Probe(name, np.moveaxis(X, 1, -1), **options) for name in ("flax", "function")]
    methods = [Occlusion(3, 3), Saliency(), RISE(4)]
    for step in range(10_000):
        function = functools.partial(linear, training.weights)
        for probe, model in zip(probes, (training.model, function), strict=True):
            yield summary.attribution(
                probe, model, methods=methods, writer=directory, step=step, strict=True
            )


def test_a_training_of_jax_is_the_same_with_ops_between_its_steps_and_beside_them(tmp_path, trials):
    between, beside_it = OfJax(), OfJax()
    ops = of_jax(between, tmp_path / "between")
    for _ in range(3):
        assert next(ops)
        assert next(ops)
        between.step()
    alone = OfJax()
    for _ in range(3):
        alone.step()
    assert_same(between.left(), alone.left())
    threads = [of_jax(beside_it, tmp_path / name) for name in "ab"]
    beside(beside_it.step, threads, trials(6))
    alone = OfJax()
    while alone.steps < beside_it.steps:
        alone.step()
    assert_same(beside_it.left(), alone.left())


class Torn(nnx.Module):
    """Without its last layer until it is called, as in the middle of another thread's update."""

    def __init__(self):
        self.head = nnx.Linear(144, 3, rngs=nnx.Rngs(0))

    def __call__(self, x):
        if not hasattr(self, "head"):
            thread = threading.Thread(target=setattr, args=(TORN["model"], "head", TORN["head"]))
            thread.start()
            thread.join()
        return self.head(x.reshape(len(x), -1))


TORN = {}


def test_a_flax_module_that_is_read_in_the_middle_of_an_update_is_read_again(tmp_path):
    model = Torn()
    expected = np.asarray(model(np.moveaxis(X, 1, -1)))
    TORN.update(model=model, head=model.head)
    del model.head
    probe = Probe("p", np.moveaxis(X, 1, -1), output="raw")
    assert summary.class_probabilities(probe, model, writer=tmp_path, step=0, strict=True)
    summary.flush()
    found = events.logged(tmp_path, Kind.SCORES, 2)
    np.testing.assert_allclose(found.values, expected[2], rtol=1e-5)
