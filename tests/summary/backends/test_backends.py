"""Which backend a model gets, and functions of NumPy arrays."""

import functools
import inspect
import subprocess
import sys

import jax
import numpy as np
import pytest
import tensorflow as tf
import torch

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, backends
from tensorboard_picasso.summary.backends import Masks, UnsupportedError
from tensorboard_picasso.summary.backends._common.backend import Adapted, Backend
from tensorboard_picasso.summary.backends._common.call import PLAIN
from tensorboard_picasso.summary.backends.base import Adapter, Setup, Tool
from tensorboard_picasso.summary.explain.views import DenseView
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
        of_numpy(returned).scores(X)


def of_numpy(function):
    """The backend of a function that is known to be of no framework."""
    return Backend(Adapted([backends.function.adapter_of(function, Setup())], PLAIN))


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
        of_numpy(model).scores(X)
    assert "model is given a NumPy batch of float32 (3, 6, 6, 1)" in caught.value.__notes__[0]


def public(kind):
    return {name for name in vars(kind) if not name.startswith("_")}


def recording(asked):
    """An adapter that notes what it is asked, and answers with the name of that."""

    def noting(name):
        def note(self, *given):
            asked.append((name, given))
            return name

        return note

    methods = {name for name in public(Adapter) if callable(getattr(Adapter, name))}
    told = {name: property(noting(name)) for name in public(Adapter) - methods - SET}
    return type("Recording", (Adapter,), {**told, **{name: noting(name) for name in methods}})


# What an adapter has for itself; and what it sets, for who asks to read.
OWN, SET = {"calls"}, {"name", "calls", "layers_channels_first", "shown", "behind"}
SET |= {"each_size_compiles", "tracing_seconds"}
# What the questions of a backend are made of.
GIVEN = {
    "x": X, "cotangent": np.eye(3), "layer": "conv", "preprocess": plain, "places": np.ones(3),
    "tool": Tool(plain, plain, plain), "given": X, "inputs": X, "over": True, "hidings": [],
    "model_input": plain, "in_place": True, "reuse": False, "cotangents": plain, "count": 2,
    "dropped": np.ones((2, 3, 3), bool), "image": X[0], "filled": X[1], "masks": Masks(X, X, X, X, (6, 6)),
}  # fmt: skip


def test_a_backend_passes_on_whatever_an_adapter_can_be_asked():
    """A capability that is not passed on is one that all models are said not to have."""
    asked = []
    others = (np.ones(2),)
    backend = Backend(Adapted([recording(asked)(None, Setup())], PLAIN)).beside(others)
    assert {"scores", "gradient", "handed", "layers", "reaches", "sweep_told"} < public(Adapter)
    for name in sorted(public(Adapter) - OWN - SET):
        asked.clear()
        if isinstance(vars(Adapter)[name], property):
            found = getattr(backend, name)
            assert found if name == "deterministic" else found == name
            continue
        takes = inspect.signature(getattr(Backend, name)).parameters
        given = {each: GIVEN[each] for each in takes if each != "self"}
        assert getattr(backend, name)(**given) == name
        ((called, (*questions,)),) = asked
        assert called == name
        if not given:
            continue
        # All that was said arrives: in the one value that goes through, or beside it.
        question, *rest = questions
        assert question.others is others
        held = [*vars(question).values(), *rest]
        for each in given.values():
            assert any(each is value for value in held)
    assert not SET - OWN - public(Backend)


def test_means_over_pixels_are_heeded_by_all_that_makes_scores():
    of_pixels = {"scores", "gradient", "slopes", "handed", "swept_scores", "blended_scores"}
    of_pixels |= {"scores_without"}
    # What knows of no scores is asked as ever.
    of_none = {
        "tokens",
        "activations",
        "layers",
        "reaches",
        "differentiates",
        "fed",
        "arrives",
        "handles",
    }
    assert of_pixels <= public(DenseView)
    methods = {name for name in public(Backend) if callable(getattr(Backend, name))}
    assert methods - {"beside", "gathered"} == of_pixels | of_none
