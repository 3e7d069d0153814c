"""Methods that take many passes an image: in common batches, one run of the model for all classes."""

import numpy as np
import pytest
import tensorflow as tf
import torch
from torch import nn

from tensorboard_picasso.summary import RISE, IntegratedGradients, Probe, SmoothGrad, VarGrad
from tensorboard_picasso.summary.backends import find
from tensorboard_picasso.summary.backends.base import Adapter
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.explain.records import compute
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.methods.rise import Draw
from tests.kit.explained import explain, noise, stored

EXACT = {"precision": "float32"}
# What the network was run on: its twin, which is what is run, has no list of its own.
BATCHES = []


class Counted(nn.Module):
    """A small network of images with their channels first, which notes its batches."""

    def __init__(self, channels=3, cast=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv2d(channels, 4, 3), nn.LazyLinear(3)
        self.cast = cast

    def forward(self, x):
        BATCHES.append(len(x))
        x = x.float() / 255 if self.cast else x
        return self.head(torch.tanh(self.conv(x)).flatten(1))


def timed(model, probe, *methods):
    """As in a training, where sizes of batches are found by timing."""
    targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in probe.images]
    return compute(probe, models.backend(probe, model), methods, targets)


def images_of(count, dtype=np.float32):
    return (noise(count, 9, 8, 3) * (255 if dtype == np.uint8 else 1)).astype(dtype)


def test_maps_are_those_of_each_image_alone_in_batches_of_several():
    network = Counted().eval()
    network(torch.zeros(1, 3, 9, 8))
    probe = Probe("p", images_of(5), targets=[0, 2], top_k=0, output="logits")
    methods = (
        SmoothGrad(6, signed=True, **EXACT), VarGrad(6, **EXACT),
        IntegratedGradients(steps=7, **EXACT), RISE(30, cells=3, **EXACT),
    )  # fmt: skip
    alone = explain(network, probe, *methods)
    del BATCHES[:]
    together = timed(network, probe, *methods)
    assert 8 in BATCHES  # more copies than an image has
    for image in range(5):
        for method in range(len(methods)):
            for target in (0, 2):
                one, other = (
                    stored(each, image, method)[1].decode(target) for each in (alone, together)
                )
                np.testing.assert_allclose(other, one, atol=2e-5 * np.abs(one).max())


def test_images_with_other_numbers_of_classes_are_explained_each_for_its_own():
    network = Counted().eval()
    network(torch.zeros(1, 3, 9, 8))
    probe = Probe("p", images_of(4), labels=[0, 1, 2, 0], top_k=1, output="logits")
    method = SmoothGrad(5, **EXACT)
    alone, together = explain(network, probe, method), timed(network, probe, method)
    counts = {len(each.choice.targets) for each in alone.images}
    assert counts == {1, 2}
    for one, other in zip(alone.images, together.images, strict=True):
        assert one.choice.targets == other.choice.targets
        for target in one.choice.targets:
            maps = [each.attributions[0][1].decode(target) for each in (one, other)]
            np.testing.assert_allclose(maps[1], maps[0], rtol=1e-4, atol=1e-6)


def test_a_model_is_run_once_at_each_point_for_all_classes_and_methods_of_one_noise():
    network = Counted().eval()
    network(torch.zeros(1, 3, 9, 8))
    probe = Probe("p", images_of(1), targets=[0, 1, 2], top_k=0, output="logits")
    del BATCHES[:]
    explain(network, probe)
    scored = sum(BATCHES)
    for methods, points in (
        ([SmoothGrad(6)], 6),
        ([SmoothGrad(6), VarGrad(6)], 6),
        ([SmoothGrad(6), VarGrad(6, seed=1)], 12),
        ([IntegratedGradients(steps=4)], 6),  # and at both ends
    ):
        del BATCHES[:]
        explain(network, probe, *methods)
        assert sum(BATCHES) - scored == points


def blended(backend, probe, count=12, in_place=True):
    """Scores of a probe's first image under masks, as the adapter makes them and generically."""
    masks = Draw.of(np.random.default_rng(0), count, 3, 0.5).over(probe.images[0].shape[:2])
    given = probe.images[0], probe.filled(0, "mean"), masks, probe.model_input, in_place
    ours = backend.blended_scores(*given)
    adapter = backend.adapter
    generic = Adapter.blended_scores
    backend.adapted.left = [type("Generic", (type(adapter),), {"blended_scores": generic})(
        adapter.model, adapter.setup)]  # fmt: skip
    return ours, backend.blended_scores(*given)


@pytest.mark.parametrize("layout", ["first", "last", "flat"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_images_blended_where_the_module_lies_are_those_made_in_numpy(layout, dtype):
    channels = 1 if layout == "flat" else 3
    network = Counted(channels, cast=dtype == np.uint8).eval()
    given = images_of(1, dtype)
    if layout == "flat":
        given, model = given[..., 0], nn.Sequential(nn.Unflatten(1, (1, 9)), network)
    elif layout == "first":
        given, model = np.moveaxis(given, -1, 1), network
    else:
        model = network
    network(torch.zeros(1, channels, 9, 8))
    options = {"data_format": "channels_first"} if layout == "first" else {}
    probe = Probe("p", given, targets=[0], top_k=0, output="logits", **options)
    backend = models.backend(probe, model)
    ours, generic = blended(backend, probe)
    assert ours.shape == (12, 3)
    assert np.ptp(ours, axis=0).min() > 1e-3
    np.testing.assert_allclose(ours, generic, atol=1e-5)


def test_masks_are_blended_before_preprocess_makes_the_models_input():
    network = Counted().eval()
    network(torch.zeros(1, 3, 9, 8))
    probe = Probe(
        "p", images_of(1), targets=[0], top_k=0, output="logits",
        preprocess=lambda x: np.ascontiguousarray(np.moveaxis(np.asarray(x), -1, 1)[:, ::-1] ** 2),
    )  # fmt: skip
    ours, generic = blended(models.backend(probe, network), probe, in_place=False)
    np.testing.assert_allclose(ours, generic, atol=1e-5)


def functions():
    weights = [noise(12, 5) - 0.5, noise(5, 3, seed=1) - 0.5]

    def of_tensorflow(x):
        return tf.tanh(tf.reshape(x, (-1, 12)) @ weights[0]) @ weights[1]

    import jax.numpy as jnp

    def of_jax(x):
        return jnp.tanh(jnp.reshape(x, (-1, 12)) @ weights[0]) @ weights[1]

    of_torch = nn.Sequential(
        nn.Flatten(), nn.Linear(12, 5, False), nn.Tanh(), nn.Linear(5, 3, False)
    )
    with torch.no_grad():
        of_torch[1].weight.copy_(torch.from_numpy(weights[0].T))
        of_torch[3].weight.copy_(torch.from_numpy(weights[1].T))
    return {"tensorflow": of_tensorflow, "jax": of_jax, "torch": of_torch}


@pytest.mark.parametrize("framework", ["tensorflow", "jax", "torch"])
def test_slopes_of_several_sums_are_the_gradients_of_each(framework):
    backend = find(functions()[framework])
    x, sums = noise(5, 3, 4, 1, seed=2), noise(2, 5, 3, seed=3)
    raw = backend.scores(x)
    seen = []

    def cotangents(raw):
        seen.append(raw)
        return sums * raw  # they hang on the scores

    found = backend.slopes(x, cotangents, 2)
    assert found.shape == (2, 5, 3, 4, 1)
    np.testing.assert_allclose(seen[0], raw, rtol=1e-5, atol=1e-6)
    for at in range(2):
        expected = backend.gradient(x, sums[at] * raw)
        np.testing.assert_allclose(found[at], expected, rtol=1e-4, atol=1e-6)
