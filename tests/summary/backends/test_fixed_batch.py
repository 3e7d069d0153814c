"""Models that take batches of one size alone are given such: the scores are those of any size."""

import functools

import numpy as np
import pytest

from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tensorboard_picasso.summary.backends._common.fixed_batch import FixedBatch
from tests.kit.explained import explain, noise, stored

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")

X = noise(5, 6, 6, 1)
W = noise(36, 3, seed=1) - 0.5
METHODS = Occlusion(2, 2, fill=0), Saliency(signed=True, precision="float32")


def exported(size):
    """As ONNX Runtime says it of a graph with fixed shapes."""

    def run(x):
        if len(x) != size:
            raise ValueError(
                "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: x for"
                f" the following indices\n index: 0 Got: {len(x)} Expected: {size}\n Please fix"
                " either the inputs/outputs or the model."
            )
        return x.reshape(size, -1) @ W

    return run


class Viewing(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.register_buffer("weights", torch.tensor(W))

    def forward(self, x):
        return x.reshape(self.size, 36) @ self.weights


def of_torch(size):
    return torch.export.export(Viewing(size), (torch.zeros(size, 1, 6, 6),)).module()


def linear(x):
    return x.reshape(-1, 36) @ W


def of_jax(size, kind):
    shape = jax.ShapeDtypeStruct((size, 6, 6, 1), np.float32)
    if kind == "compiled":
        return jax.jit(linear).lower(shape).compile()
    from jax import export

    return export.export(jax.jit(linear))(shape).call


@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize(
    ("make", "gradients"),
    [
        (exported, False),
        (Viewing, True),
        (of_torch, True),
        (lambda size: torch.jit.trace(Viewing(size), torch.zeros(size, 1, 6, 6)), True),
        (functools.partial(of_jax, kind="exported"), True),
        (functools.partial(of_jax, kind="compiled"), False),
    ],
)
def test_batches_are_cut_and_padded_to_the_size_that_is_taken(make, gradients, size, capfd):
    methods = METHODS if gradients else METHODS[:1]
    result = explain(make(size), Probe("p", X, output="raw", targets=[0, 1, 2]), *methods)
    for index, image in enumerate(X):
        expected = image.ravel() @ W
        np.testing.assert_allclose(result.images[index].scores.values, expected, atol=1e-5)
        grid = stored(result, index)[0].grid
        hidden = (image.reshape(36, 1) * W).reshape(3, 2, 3, 2, 3).sum((1, 3))
        np.testing.assert_allclose(grid.whole - grid.values, hidden, atol=1e-5)
        if gradients:
            found = stored(result, index, 1)[1].decode(1)
            np.testing.assert_allclose(found.ravel(), W[:, 1], atol=1e-6)


def test_it_is_said_once_and_other_failures_are_raised_as_they_are(capfd):
    batch = FixedBatch("graph 1")
    for _ in range(2):
        parts = batch.run(9, lambda rows: exported(4)(X.repeat(2, 0)[rows]))
        np.testing.assert_allclose(np.concatenate(parts), linear(X.repeat(2, 0)[:9]), atol=1e-6)
    assert batch.size == 4
    assert capfd.readouterr().err.count("graph 1 takes batches of 4 alone") == 1

    def fails(rows):
        raise ValueError("expected 3 channels")

    with pytest.raises(ValueError, match="expected 3 channels"):
        FixedBatch("fails").run(9, fails)


@pytest.mark.parametrize("count", [1, 5])
def test_a_failure_that_passes_says_nothing_of_sizes(count, capfd):
    batch, calls = FixedBatch(f"passing {count}"), []

    def service(rows):
        calls.append(rows)
        if len(calls) == 1:
            raise TimeoutError("did not answer in 30 s")
        return linear(X.repeat(3, 0)[:count][rows])

    for _ in range(2):
        (found,) = batch.run(count, service)
        np.testing.assert_allclose(found, linear(X.repeat(3, 0)[:count]), atol=1e-6)
    assert batch.size is None
    assert calls[-1] == slice(None)
    assert "alone" not in capfd.readouterr().err


def test_a_model_that_has_taken_two_sizes_has_none():
    batch, calls = FixedBatch("service"), []

    def service(rows):
        calls.append(rows)
        if len(calls) == 3:
            raise OSError("timed out after 1 s")
        return X[rows].reshape(-1, 36)

    batch.run(5, service)
    batch.run(4, lambda rows: service(np.arange(4)[rows]))
    with pytest.raises(OSError, match="timed out"):
        batch.run(5, service)
    assert (batch.size, len(calls)) == (None, 3)
