"""What arrives at a model's first normalization, beside what it holds: by hand, and by training."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends._common.arrival import Arrival, fitted
from tensorboard_picasso.summary.explain import misfits
from tests.kit import events

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(6, 5, 7, 3)).astype(np.float32)


def arrival(mean, variance, held_mean=0.0, held_variance=1.0, images=100):
    held = (
        np.broadcast_to(np.float64(each), np.shape(mean)) for each in (held_mean, held_variance)
    )
    return Arrival("norm", images, *held, np.asarray(mean, float), np.asarray(variance, float))


def test_moments_are_over_all_axes_but_the_channels():
    for axes, moved in (((1,), np.moveaxis(X, -1, 1)), ((-1,), X), ((3,), X)):
        found = Arrival.of("norm", [1, 2, 3], 4, moved, axes)
        np.testing.assert_allclose(found.mean, X.mean((0, 1, 2)), rtol=1e-5)
        np.testing.assert_allclose(found.variance, X.var((0, 1, 2)), rtol=1e-5)
        np.testing.assert_array_equal(found.held_variance, [4, 4, 4])
    assert Arrival.of("norm", 0, 1, X, ()).mean == pytest.approx(X.mean(), abs=1e-6)


def test_images_taken_one_by_one_are_as_all_together():
    parts = [Arrival.of("norm", 0, 1, each[None], (-1,)) for each in X]
    joined, whole = Arrival.joined(parts), Arrival.of("norm", 0, 1, X, (-1,))
    np.testing.assert_allclose(joined.mean, whole.mean, rtol=1e-6)
    np.testing.assert_allclose(joined.variance, whole.variance, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (arrival([0, 0], [1, 1]), ""),
        (arrival([0.4, -0.4], [0.7, 1.4]), ""),  # as a few images are
        (arrival([0, 0, 9], [1, 1, 1]), ""),  # one channel of three
        (arrival([0, 0], [1 / 16, 1 / 16]), "spreads 0.25 times as wide and lies 0 "),
        (arrival([2, -2], [1, 1]), "1 times as wide and lies 2 standard deviations off"),
        (arrival([0, 0], [65025, 65025]), "spreads 255 times as wide"),
        (arrival([1.5], [0.5], 1, 0.5), ""),
        (arrival([0], [1 / 4], images=100), "0.5 times as wide"),
        (arrival([0], [1 / 4], images=1), ""),  # which one image may well be
        (arrival([4], [0], 1, 0.5), "lies 4.2 standard deviations off:"),
        (arrival([0, 0], [1e-30, 1], 0, [1e-30, 1]), ""),  # a dead channel
        (arrival([np.nan, 0], [1, 1]), ""),
        (arrival([0, 0], [1, 1], 0, 0), ""),
    ],
)
def test_what_does_not_fit_is_said_in_numbers(given, expected):
    said = misfits.of_statistics(given)
    assert bool(said) == bool(expected)
    assert expected in said + ":"


def test_statistics_that_have_just_begun_are_none():
    assert not fitted([0, 0], [1, 1], 0.9, 0, True)
    assert not fitted([0.1], [0.9], 0.9, 10, True)
    assert fitted([0.1], [0.9], 0.9, 40, False)
    assert not fitted([0.1], [0.9], 0.99, 40, False)
    assert fitted([0.1], [0.9], None, 1, False)
    assert fitted([0.1], [0.9], 0.9, 0, False)  # read from a file
    assert fitted([0.1], [0.9], 0.9, None, True)
    assert not fitted([0.1], [0.9], 0.9, None, False)


def trained(*layers):
    """In evaluation mode, after a hundred batches that spread twice as wide around three."""
    torch.manual_seed(0)
    model = nn.Sequential(*layers)
    for _ in range(100):
        with torch.no_grad():
            model(2 * torch.randn(16, 3, 5, 7) + 3)
    return model


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ((nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(105, 2)), "0"),
        ((nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(140, 2)), "1"),
        ((nn.Flatten(), nn.BatchNorm1d(105, momentum=None), nn.Linear(105, 2)), "1"),
        ((nn.InstanceNorm2d(3, track_running_stats=True), nn.Flatten(), nn.Linear(105, 2)), "0"),
    ],
)
def test_pytorch_layers_that_hold_statistics(layers, name):
    model = trained(*layers)
    backend = backends.find(model)
    alike = (2 * RANDOM.normal(size=(16, 3, 5, 7)) + 3).astype(np.float32)
    found = backend.arrives(alike, True)
    assert found.layer == name
    assert not misfits.of_statistics(found)
    assert misfits.of_statistics(backend.arrives((alike - 3) / 2, True))
    assert model.training
    assert not any(each._forward_pre_hooks for each in model.modules())


def test_pytorch_moments_are_those_of_what_the_layer_is_given():
    model = trained(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(140, 2))
    x = np.ascontiguousarray(np.moveaxis(X, -1, 1))
    given = model[0](torch.from_numpy(x)).detach().numpy()
    found = backends.find(model).arrives(x, True)
    np.testing.assert_allclose(found.mean, given.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.variance, given.var((0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(found.held_mean, model[1].running_mean.numpy(), rtol=1e-6)
    np.testing.assert_allclose(found.held_variance, model[1].running_var.numpy(), rtol=1e-6)


def test_without_statistics_of_a_training_there_is_nothing_to_compare():
    fresh = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(105, 2))
    x = np.ascontiguousarray(np.moveaxis(X, -1, 1))
    assert backends.find(fresh).arrives(x, True) is None
    for layer in (nn.GroupNorm(1, 3), nn.BatchNorm2d(3, track_running_stats=False)):
        model = nn.Sequential(layer, nn.Flatten(), nn.Linear(105, 2))
        assert backends.find(model).arrives(x, True) is None
    assert backends.find(lambda batch: np.zeros((len(batch), 2))).arrives(X, True) is None


def in_keras(first):
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((5, 7, 3)), layers.Conv2D(4, 1), first, layers.Flatten(), layers.Dense(2)]
    )


def test_keras_batch_norm_and_normalization():
    keras.utils.set_random_seed(0)
    model = in_keras(keras.layers.BatchNormalization(name="norm"))
    backend = backends.find(model)
    assert backend.arrives(X, True) is None  # as it began
    given = model.layers[0](X).numpy()
    model.get_layer("norm").moving_mean.assign(given.mean((0, 1, 2)))
    model.get_layer("norm").moving_variance.assign(given.var((0, 1, 2)))
    found = backend.arrives(X, True)
    np.testing.assert_allclose(found.mean, found.held_mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.variance, found.held_variance, rtol=1e-4)
    assert not misfits.of_statistics(found)
    assert misfits.of_statistics(backend.arrives(255 * X, True))
    assert "call" not in vars(model.get_layer("norm"))
    adapted = keras.layers.Normalization(name="adapted")
    adapted.adapt(255 * (X + 3))
    model = keras.Sequential([keras.Input((5, 7, 3)), adapted, keras.layers.Flatten()])
    assert not misfits.of_statistics(backends.find(model).arrives(255 * (X + 3), True))
    assert '"adapted"' in misfits.of_statistics(backends.find(model).arrives(X, True))


def test_keras_statistics_count_once_training_has_warmed_them():
    model = in_keras(keras.layers.BatchNormalization(momentum=0.9))
    model.compile("sgd", "mse", jit_compile=False)
    backend = backends.find(model)
    for epochs, known in ((1, False), (5, True)):
        model.fit(np.repeat(X, 16, 0), np.zeros((96, 2)), batch_size=8, epochs=epochs, verbose=0)
        assert (backend.arrives(X, True) is not None) is known


OTHER_BACKENDS = """
import keras
import numpy as np
from tensorboard_picasso.summary.explain import misfits
from tensorboard_picasso.summary import backends

x = np.random.default_rng(0).normal(size=(6, 5, 7, 3)).astype("f")
layers = keras.layers
model = keras.Sequential([
    keras.Input((5, 7, 3)), layers.BatchNormalization(name="norm"), layers.Flatten(), layers.Dense(2)
])
assert backends.find(model).arrives(x, True) is None
model.layers[0].moving_mean.assign(x.mean((0, 1, 2)))
model.layers[0].moving_variance.assign(x.var((0, 1, 2)))
found = backends.find(model).arrives(x, True)
np.testing.assert_allclose(found.mean, found.held_mean, rtol=1e-4, atol=1e-6)
assert not misfits.of_statistics(found)
assert misfits.of_statistics(backends.find(model).arrives(255 * x, True))
assert "call" not in vars(model.layers[0])
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_keras_on_other_backends(backend):
    root = Path(__file__).parents[3]
    environment = {"KERAS_BACKEND": backend, "PYTHONPATH": str(root), "PATH": ""}
    subprocess.run([sys.executable, "-c", OTHER_BACKENDS], env=environment, check=True)


def test_a_probe_that_is_not_what_was_trained_on_is_told_once_it_can_be(tmp_path, capsys):
    """Where training has just begun nothing is said; then once, and the log is the same."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(105, 2))
    other = summary.Probe("other", np.clip(X, 0, 1), top_k=1)
    same = summary.Probe("same", X, value_range=(-9, 9), top_k=1)
    told = []
    for step in range(4):
        for probe in (other, same):
            assert summary.saliency(probe, model, writer=tmp_path, step=step, strict=True)
        told.append(capsys.readouterr().err.count("does not fit the mean and variance"))
        with torch.no_grad():
            for _ in range(20):
                model(torch.randn(16, 3, 5, 7))
    assert told == [0, 0, 1, 0]
    assert len(events.whole_scores(tmp_path)) == 4


def test_the_remedy_that_is_told_is_one(tmp_path, capsys):
    """Images that training normalizes, given to the probe as they were before and after."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(105, 2))
    pictures = RANDOM.random((200, 3, 5, 7)).astype(np.float32)
    normal = (pictures - 0.485) / 0.0229
    for at in range(0, 200, 4):
        with torch.no_grad():
            model(torch.from_numpy(normal[at : at + 4]))
    options = {"top_k": 1, "data_format": "channels_first"}
    summary.saliency(
        summary.Probe("before", pictures[:4], **options), model, writer=tmp_path, step=0
    )
    assert "pass normalized=(mean, std) or preprocess=" in capsys.readouterr().err
    probes = (
        summary.Probe("after", normal[:4], normalized=(0.485, 0.0229), **options),
        summary.Probe(
            "prepared", pictures[:4], preprocess=lambda batch: (batch - 0.485) / 0.0229, **options
        ),
    )
    for probe in probes:
        summary.saliency(probe, model, writer=tmp_path, step=0, strict=True)
    assert "does not fit" not in capsys.readouterr().err


def test_inside_a_tf_function_too(tmp_path, capsys):
    model = in_keras(keras.layers.Normalization(mean=9.0, variance=1.0))
    writer = tf.summary.create_file_writer(str(tmp_path))
    probe = summary.Probe("p", np.clip(X, 0, 1), top_k=1)

    @tf.function
    def log(step):
        with writer.as_default(step=step):
            summary.class_probabilities(probe, model)

    log(tf.constant(0, tf.int64))
    assert "does not fit the mean and variance" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("heads", "labels", "said"),
    [
        ([1] * 12, [0, 1, 2] * 4, '12 of 12 images are predicted as "b", and 4 of them are'),
        ([1] * 11 + [0], [0, 1, 2] * 4, "11 of 12 images"),
        ([1] * 10 + [0, 2], [0, 1, 2] * 4, ""),
        ([1] * 12, [1] * 12, ""),
        ([1] * 12, [1] * 10 + [0] * 2, ""),
        ([5] * 6, [0, 1, 2] * 2, "6 of 6 images are predicted as class 5, and none of them are"),
        ([1] * 6, None, '6 of 6 images are predicted as "b"'),
        ([1] * 4, [0, 1, 2, 0], ""),  # too few to tell
        ([1] * 8, [(0, 1), (2,), (), (0, 2)] * 2, "and 2 of them are"),
        ([1] * 8, [(0, 1), (1,), (1, 2), (1,)] * 2, ""),
        ([-1] * 12, [0, 1, 2] * 4, ""),
    ],
)
def test_nearly_all_images_of_one_class(heads, labels, said):
    found = misfits.one_class(heads, labels, ["a", "b", "c"])
    assert bool(found) == bool(said)
    assert said in found


@pytest.mark.parametrize(
    ("heads", "labels", "said"),
    [
        (
            [1, 1, 2, 2, 0, 0],
            [0, 0, 1, 1, 2, 2],
            '6 of 6 images .*: "a" as "b", "b" as "c", "c" as "a"$',
        ),
        ([1] * 10 + [0] * 9 + [1], [0] * 10 + [1] * 10, '19 of 20 .*: "a" as "b", "b" as "a"$'),
        ([4, 4, 4, 4], [3, 3, 3, 3], ""),  # too few to tell
        ([4, 4, 4, 4, 4], [3, 3, 3, 3, 3], '"3" as "4"$|class 3 as class 4$'),
        ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], ""),
        ([1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 2, 2], ""),  # two classes as one
        ([1, 2, 2, 0, 0, 1], [0, 0, 1, 1, 2, 2], ""),  # no rule
        ([1, 2, 3, 4, 0], [0, 1, 2, 3, 4], ""),  # one image each is always alike
        ([1, 1, 0, 0, 2, 2, 3, 3], [0, 0, 1, 1, 2, 2, 3, 3], ""),  # half of them are right
        ([1, 1, 2, 2, 0, 0], None, ""),
        ([-1] * 6, [0, 0, 1, 1, 2, 2], ""),
        ([1] * 6, [(0,), (0, 1), (), (2,), (1,), (0,)], ""),
    ],
)
def test_classes_in_another_order(heads, labels, said):
    found = misfits.other_order(heads, labels, ["a", "b", "c"])
    assert bool(found) == bool(said)
    assert re.search(said, found)
