import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.summary import GradientTimesInput, Probe, Saliency
from tests.kit.explained import explain, noise, stored

EXACT = {"precision": "float32"}


def linear(weights):
    """Scores of an image: one sum of weighted pixels a class; weights (h, w, c, classes)."""
    flat = tf.constant(weights.reshape(-1, weights.shape[-1]), tf.float32)
    return lambda x: tf.reshape(x, (-1, flat.shape[0])) @ flat


def test_of_a_linear_model_it_is_each_pixels_part_of_the_score():
    weights, images = noise(5, 4, 3, 2) - 0.5, noise(2, 5, 4, 3, seed=1)
    probe = Probe("p", images, targets=[0, 1], top_k=0, output="raw")
    result = explain(linear(weights), probe, GradientTimesInput(**EXACT))
    for index in range(2):
        attribution, planes = stored(result, index)
        for target in attribution.targets:
            expected = (images[index] * weights[..., target.index]).sum(axis=-1)
            np.testing.assert_allclose(planes.decode(target.index), expected, rtol=1e-5, atol=1e-6)
            assert planes.decode(target.index).sum() == pytest.approx(target.whole, rel=1e-4)
    assert attribution.sign is Sign.CONTRIBUTION
    assert attribution.unit == "value"
    assert attribution.parameters["baseline"] == "0 of the model's input"


def test_it_is_the_signed_gradient_times_the_image():
    weights, images = noise(4, 4, 1, 3) - 0.5, noise(2, 4, 4, 1, seed=1)
    probe = Probe("p", images, targets=range(3), top_k=0, output="logits")
    both = GradientTimesInput(**EXACT), Saliency(signed=True, **EXACT)
    result = explain(linear(weights), probe, *both)
    for index in range(2):
        for target in range(3):
            ours, gradient = (stored(result, index, at)[1].decode(target) for at in (0, 1))
            np.testing.assert_allclose(ours, gradient * images[index, ..., 0], atol=1e-6)
    assert stored(result)[0].unit == "log-odds"


@pytest.mark.parametrize("side", [8, 32])
def test_brought_back_from_another_size_it_keeps_its_sum(side):
    weights = noise(16, 16, 1, 2)

    def preprocess(x):
        x = np.asarray(x)
        times = 16 // side
        if times:
            return np.repeat(np.repeat(x, times, axis=1), times, axis=2)
        return x.reshape(len(x), 16, 2, 16, 2, 1).mean((2, 4))

    probe = Probe(
        "p", noise(1, side, side, 1), targets=[1], top_k=0, output="raw", preprocess=preprocess
    )
    attribution, planes = stored(explain(linear(weights), probe, GradientTimesInput(**EXACT)))
    assert attribution.parameters["pixels"] == "brought back by an affine map"
    assert planes.decode(1).sum() == pytest.approx(attribution.targets[0].whole, rel=0.05)


def test_through_a_preprocess_in_the_framework_it_is_of_the_image_as_handed_in():
    weights, images = noise(4, 4, 1, 2), noise(1, 8, 8, 1, seed=1)
    probe = Probe(
        "p", images, targets=[1], top_k=0, output="raw",
        preprocess=lambda x: tf.nn.avg_pool2d(tf.convert_to_tensor(x), 2, 2, "VALID"),
    )  # fmt: skip
    attribution, planes = stored(explain(linear(weights), probe, GradientTimesInput(**EXACT)))
    each = np.repeat(np.repeat(weights[..., 0, 1], 2, axis=0), 2, axis=1) / 4
    np.testing.assert_allclose(planes.decode(1), images[0, ..., 0] * each, rtol=1e-5)
    assert attribution.parameters["baseline"] == "0 of the image as handed in"
