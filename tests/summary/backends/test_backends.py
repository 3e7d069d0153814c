"""Which backend a model gets, and functions of NumPy arrays."""

import functools
import subprocess
import sys

import jax
import numpy as np
import pytest
import tensorflow as tf
import torch

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, backends
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.backends._common.attempts import Attempts
from tensorboard_picasso.summary.backends.base import Backend
from tensorboard_picasso.summary.explain.views import View
from tests.kit.explained import explain, noise

X = noise(3, 6, 6, 1)
WEIGHTS = noise(36, 3, seed=1)


def plain(x):
    """Logits in NumPy, which no framework can trace."""
    return np.asarray(x, np.float32).reshape(len(x), -1) @ WEIGHTS


def flattened(x):
    return tf.reshape(x, [-1, 36]) @ WEIGHTS


class Module(tf.Module):
    def score(self, x):
        return flattened(x)


class Estimator:
    def predict_proba(self, x):
        logits = np.asarray(x, np.float64).reshape(len(x), -1) @ WEIGHTS
        return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (torch.nn.Flatten(), ["torch"]),
        (Module().score, ["tensorflow"]),
        (tf.function(flattened), ["tensorflow"]),
        (flattened, ["tensorflow", "function"]),
        (Estimator().predict_proba, ["tensorflow", "function"]),
        ("model", []),
        (3, []),
    ],
)
def test_a_model_tells_its_backend(model, expected):
    assert backends.names(model) == expected


class Holding:
    """A function of NumPy's that holds what is asked about by others."""

    def __init__(self, held):
        self.held = held

    def __call__(self, x):
        return plain(x)


class Raising(Holding):
    def __getattr__(self, name):
        raise RuntimeError(name)


class Echoing(Holding):
    def __getattr__(self, name):
        return self


@jax.tree_util.register_pytree_node_class
class Unflattened:
    def tree_flatten(self):
        raise RuntimeError("no tree")

    @classmethod
    def tree_unflatten(cls, *_):
        return cls()


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.held = {1: jax, "a": 2}

    def forward(self, x):
        return x.flatten(1) @ torch.tensor(WEIGHTS)


MIXED = {1: np.ones(2), "a": {None: [3], (4,): {5, 6}}}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Holding(MIXED), ["tensorflow", "function"]),
        (Holding(Unflattened()), ["tensorflow", "function"]),
        (Holding([MIXED, {2: jax.numpy.ones(2), "b": 0}]), ["jax", "tensorflow", "function"]),
        (functools.partial(lambda x, held: plain(x), held=MIXED), ["tensorflow", "function"]),
        (functools.partial(Holding(MIXED)), ["tensorflow", "function"]),
        (Raising(MIXED), ["function"]),
        (Echoing(MIXED), ["function"]),
        (Network(), ["torch"]),
    ],
    ids=["mixed", "raises", "jax", "keyword", "partial", "raising", "echoing", "torch"],
)
def test_what_a_model_holds_is_no_frameworks_to_judge(model, expected):
    assert sorted(backends.names(model)) == sorted(expected)


def test_an_object_that_holds_unsorted_keys_is_explained():
    found = explain(Holding(MIXED), Probe("p", X, output="raw"), Occlusion(3, 3))
    expected = explain(plain, Probe("p", X, output="raw"), Occlusion(3, 3))
    for one, other in zip(found.images, expected.images, strict=True):
        np.testing.assert_array_equal(one.scores.values, other.scores.values)


def test_finding_a_backend_imports_no_framework():
    code = (
        "import sys; from tensorboard_picasso.summary import backends\n"
        "print(backends.find(print).name)\n"
        "print(sorted({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "function\n[]\n"


def test_where_tensorflow_is_imported_a_numpy_function_is_still_one():
    backend = backends.find(plain)
    np.testing.assert_array_equal(backend.scores(X), plain(X))
    with pytest.raises(
        UnsupportedError, match=r"plain is a function of NumPy.*methods=\[summary.Occlus"
    ):
        backend.gradient(X, np.eye(3))
    assert backend.handles(X) == []


def test_a_tensorflow_function_stays_tensorflows():
    backend = backends.find(flattened)
    np.testing.assert_allclose(backend.scores(X), plain(X), rtol=1e-6)
    np.testing.assert_allclose(
        backend.gradient(X, np.eye(3)), WEIGHTS.T.reshape(X.shape), rtol=1e-6
    )
    assert backend.shown is Output.LOGITS
    assert backend.tracing_seconds > 0


@pytest.mark.parametrize("model", [plain, Estimator().predict_proba])
def test_occlusion_of_a_numpy_function_is_that_of_the_same_in_tensorflow(model):
    grids = [
        explain(each, Probe("p", X, labels=[0, 1, 2]), Occlusion(2, 1)).images[1].attributions[0]
        for each in (model, flattened)
    ]
    np.testing.assert_allclose(grids[0][0].grid.values, grids[1][0].grid.values, atol=1e-5)
    with pytest.raises(UnsupportedError, match="which have no gradient"):
        explain(model, Probe("p", X), Saliency())


def test_where_no_backend_scores_the_surest_one_says_why():
    with pytest.raises(UnsupportedError, match=r"cannot be traced.*division by zero"):
        backends.find(lambda x: 1 / 0).scores(X)
    with pytest.raises(UnsupportedError, match="returns 2 outputs: pass pick="):
        backends.find(lambda x: (x, x)).scores(X)


def test_memory_that_runs_out_is_not_taken_for_another_framework():
    def greedy(x):
        raise MemoryError("too much")

    with pytest.raises(MemoryError):
        backends.find(greedy).scores(X)


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        (lambda x: [1, 2], "returns a list: return one array"),
        (lambda x: np.array(["a"]), "dtype <U1: return numbers"),
        (lambda x: None, "hold no numbers"),
    ],
)
def test_what_a_function_may_return(returned, match):
    with pytest.raises(TypeError, match=match):
        backends.function.Adapter(returned).scores(X)


def test_a_function_may_return_any_tensor_and_write_into_its_input():
    def model(x):
        x *= 2
        return torch.from_numpy(x).flatten(1)

    given = X.copy()
    np.testing.assert_array_equal(backends.find(model).scores(given), 2 * X.reshape(3, -1))
    np.testing.assert_array_equal(given, X)


def test_an_error_names_what_a_function_is_given():
    def model(x):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        backends.function.Adapter(model).scores(X)
    assert "model is given a NumPy batch of float32 (3, 6, 6, 1)" in caught.value.__notes__[0]


def test_who_passes_a_backends_questions_on_forgets_none():
    """A method that is not passed on is one that the model is said not to have."""
    own = {"beside"}  # of what it has itself
    asked = {
        name
        for name, each in vars(Backend).items()
        if not name.startswith("_") and (callable(each) or isinstance(each, property))
    }
    for kind in (View, Attempts):
        assert asked - own - set(vars(kind)) == set()
    assert {"scores", "gradient", "handed", "layers", "reaches", "sweep_told"} < asked
