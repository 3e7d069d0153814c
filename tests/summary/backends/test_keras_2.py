"""Keras 2 (`tf_keras`, which `tf.keras` is with TF_USE_LEGACY_KERAS=1): ops and callback, by hand."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events

ROOT = Path(__file__).parents[3]
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((4, 6, 6, 1)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(36, 3)).astype(np.float32)
layers = tf_keras.layers


def linear(activation=None):
    model = tf_keras.Sequential(
        [layers.Input((6, 6, 1)), layers.Flatten(), layers.Dropout(0.5),
         layers.Dense(3, activation, use_bias=False)]
    )  # fmt: skip
    model.set_weights([WEIGHTS])
    return model


class Own(tf_keras.Model):
    """Written with Python's `if` over tensors, which AutoGraph turns into a graph."""

    def __init__(self):
        super().__init__()
        self.flat, self.drop = layers.Flatten(), layers.Dropout(0.5)
        self.last = layers.Dense(3, use_bias=False)

    def call(self, x, training=None):
        x = self.drop(self.flat(x), training=training)
        if tf.reduce_mean(x) < -1:
            x = -x
        return self.last(x)


def own():
    model = Own()
    model(IMAGES)
    model.set_weights([WEIGHTS])
    return model


@pytest.mark.parametrize("made", [linear, own, lambda: linear("softmax")])
def test_scores_occlusion_and_saliency_are_those_by_hand(made, tmp_path):
    model = made()
    probe = summary.Probe("p", IMAGES, labels=[0, 1, 2, 0], targets=[0])
    methods = [summary.Occlusion(2, 2, fill="black"), summary.Saliency(precision="float32")]
    assert summary.attribution(probe, model, methods=methods, writer=tmp_path, step=0, strict=True)

    def odds(image):
        raw = image.ravel().astype(np.float64) @ WEIGHTS
        return np.array([raw[k] - np.log(np.exp(np.delete(raw, k)).sum()) for k in range(3)])

    for index, image in enumerate(IMAGES):
        whole = odds(image)
        scores = events.logged(tmp_path, Kind.SCORES, index)
        np.testing.assert_allclose(scores.values, whole, rtol=1e-4, atol=1e-5)
        grid = events.logged(tmp_path, Kind.METHOD, index, "occlusion").grid
        for row in range(3):
            for column in range(3):
                hidden = image.copy()
                hidden[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 0
                expected = odds(hidden)
                np.testing.assert_allclose(grid.values[row, column], expected, rtol=1e-4, atol=1e-5)
        raw = image.ravel() @ WEIGHTS
        others = np.exp(raw[1:]) / np.exp(raw[1:]).sum()
        slope = np.abs(WEIGHTS[:, 0] - WEIGHTS[:, 1:] @ others).reshape(6, 6)
        found = events.logged(tmp_path, Kind.MAP, index, "saliency").decode(0)
        np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-6)
    assert "dense: " in summary.explain_plan(probe, model)


def test_grad_cam_is_that_by_hand(tmp_path):
    conv = layers.Conv2D(2, 1, use_bias=False, name="conv")
    model = tf_keras.Sequential(
        [layers.Input((6, 6, 1)), conv, layers.GlobalAveragePooling2D(),
         layers.Dense(3, use_bias=False)]
    )  # fmt: skip
    kernel, last = np.array([1.0, -2.0], np.float32), WEIGHTS[:2]
    model.set_weights([kernel.reshape(1, 1, 1, 2), last])
    probe = summary.Probe("p", IMAGES, targets=[1], output="raw")
    methods = [
        summary.GradCAM(precision="float32"),
        summary.GradCAM("conv", precision="float32", label="named"),
    ]
    assert summary.attribution(probe, model, methods=methods, writer=tmp_path, step=0, strict=True)
    for index, image in enumerate(IMAGES):
        # The score is the mean of the activations, weighed.
        features = image * kernel
        expected = np.maximum((features * last[:, 1] / 36).sum(-1), 0)
        for label in ("grad-cam", "named"):
            assert events.logged(tmp_path, Kind.METHOD, index, label).layer == "conv"
            found = events.logged(tmp_path, Kind.MAP, index, label).decode(1)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(TypeError, match="no layer 'other': the model ends in"):
        summary.saliency("q", model, IMAGES, layer="other", output="raw", writer=tmp_path, step=0)


def test_layers_that_are_exchanged_are_followed(tmp_path):
    model, probe = linear(), summary.Probe("p", IMAGES, output="logits")
    for step, scale in enumerate([1, 2]):
        if step:
            model.pop()
            model.add(layers.Dense(3, use_bias=False))
            model.set_weights([scale * WEIGHTS])
        assert summary.attribution(
            probe, model, methods=[], writer=tmp_path, step=step, strict=True
        )
    found = events.whole_scores(tmp_path)
    raw = 2 * IMAGES[0].ravel() @ WEIGHTS
    expected = [raw[k] - np.log(np.exp(np.delete(raw, k)).sum()) for k in range(3)]
    np.testing.assert_allclose(found[1], expected, rtol=1e-4)


def trained(*callbacks):
    tf_keras.utils.set_random_seed(1)
    model = tf_keras.Sequential(
        [layers.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.BatchNormalization(),
         layers.Flatten(), layers.Dropout(0.5), layers.Dense(3, "softmax")]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    labels = np.arange(24) % 3
    images = np.random.default_rng(2).random((24, 6, 6, 1)).astype(np.float32)
    for _ in range(2):
        model.fit(images, labels, batch_size=4, epochs=2, verbose=0, callbacks=list(callbacks))
    model.evaluate(images, labels, verbose=0, callbacks=list(callbacks))
    model.predict(images, verbose=0, callbacks=list(callbacks))
    return [each.numpy() for each in [*model.variables, *model.optimizer.variables]]


@pytest.mark.parametrize("agenda", [summary.EverySteps(4), summary.EveryEpochs(2)])
def test_the_callback_logs_and_changes_nothing(agenda, tmp_path):
    probe = summary.Probe("p", IMAGES, labels=[0, 1, 2, 0])
    with_it = trained(summary.KerasCallback(probe, tmp_path, agenda, strict=True))
    for mine, alone in zip(with_it, trained(), strict=True):
        np.testing.assert_array_equal(mine, alone)
    steps = range(0, 25, 4) if agenda == summary.EverySteps(4) else (0, 12, 24)
    assert sorted(events.whole_scores(tmp_path)) == list(steps)


def test_the_callback_logs_where_the_model_is_saved(tmp_path):
    probe = summary.Probe("p", IMAGES, labels=[0, 1, 2, 0])
    trained(
        summary.KerasCallback(probe, tmp_path, summary.OnCheckpoint(), strict=True),
        tf_keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras")),
    )
    assert sorted(events.whole_scores(tmp_path)) == [6, 12, 18, 24]


def test_so_does_tensorflows_own_where_that_is_keras_2(tmp_path):
    script = f"""
import numpy as np
import tensorflow as tf
from tensorboard_picasso import summary
assert tf.keras.__name__.startswith("tf_keras")
layers = tf.keras.layers
model = tf.keras.Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(3, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
images = np.random.default_rng(0).random((6, 6, 6, 1)).astype(np.float32)
probe = summary.Probe("p", images, labels=np.arange(6) % 3)
callback = summary.KerasCallback(probe, {str(tmp_path / "fit")!r}, strict=True)
model.fit(images, np.arange(6) % 3, batch_size=2, verbose=0, callbacks=[callback])
with tf.summary.create_file_writer({str(tmp_path / "op")!r}).as_default(step=7):
    assert summary.attribution(probe, model, strict=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "TF_USE_LEGACY_KERAS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(events.whole_scores(tmp_path / "fit")) == [0, 1, 2, 3]
    assert sorted(events.whole_scores(tmp_path / "op")) == [7]
