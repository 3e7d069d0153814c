import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.summary import Probe, Saliency, SmoothGrad, VarGrad
from tests.kit.explained import explain, noise, stored

EXACT = {"precision": "float32"}
RAW = {"targets": [1], "top_k": 0, "output": "raw"}


def powers(weights, power):
    """Scores of an image: weighted sums of its pixels' powers; weights (h, w, c, classes)."""
    flat = tf.constant(weights.reshape(-1, weights.shape[-1]), tf.float32)
    return lambda x: tf.reshape(x, (-1, flat.shape[0])) ** power @ flat


def maps_of(model, probe, *methods, target=1):
    result = explain(model, probe, *methods)
    return [stored(result, 0, at)[1].decode(target) for at in range(len(methods))]


def network(x):
    weights = [
        tf.constant(noise(*shape, seed=at) - 0.5) for at, shape in enumerate([(75, 20), (20, 3)])
    ]
    return 3 * tf.nn.tanh(tf.reshape(x, (-1, 75)) @ weights[0]) @ weights[1]


@pytest.mark.parametrize("signed", [False, True])
def test_without_noise_it_is_saliency_and_has_no_variance(signed):
    probe = Probe("p", noise(1, 5, 5, 3), targets=[1], top_k=0, output="logits")
    ours, other, variance = maps_of(
        network, probe, SmoothGrad(3, 0, signed=signed, **EXACT), Saliency(signed=signed, **EXACT),
        VarGrad(3, 0, **EXACT),
    )  # fmt: skip
    np.testing.assert_allclose(ours, other, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(variance, 0, atol=1e-12)


def test_of_a_linear_model_noise_changes_nothing():
    weights = noise(4, 5, 1, 2) - 0.5
    ours, variance = maps_of(
        powers(weights, 1), Probe("p", noise(1, 4, 5, 1, seed=1), **RAW),
        SmoothGrad(signed=True, **EXACT), VarGrad(**EXACT),
    )  # fmt: skip
    np.testing.assert_allclose(ours, weights[..., 0, 1], rtol=1e-5)
    np.testing.assert_allclose(variance, 0, atol=1e-12)


def test_of_squares_the_variance_is_that_of_the_noise_and_the_mean_stays():
    weights, image = noise(4, 5, 1, 2) - 0.5, noise(1, 4, 5, 1, seed=1)
    ours, variance = maps_of(
        powers(weights, 2), Probe("p", image, **RAW),
        SmoothGrad(4000, 0.2, signed=True, **EXACT), VarGrad(4000, 0.2, **EXACT),
    )  # fmt: skip
    slope, sigma = 2 * weights[..., 0, 1], 0.2 * np.ptp(image)
    np.testing.assert_allclose(variance, (slope * sigma) ** 2, rtol=0.12)
    np.testing.assert_allclose(ours, slope * image[0, ..., 0], atol=5 * sigma / 4000**0.5)


def test_a_seed_gives_the_same_maps_again_and_another_gives_others():
    images = noise(2, 5, 5, 3)
    options = {"targets": [0, 1], "top_k": 0, "output": "logits"}
    method = SmoothGrad(seed=7, **EXACT)
    (first,) = maps_of(network, Probe("p", images, **options), method)
    (again,) = maps_of(network, Probe("q", images[:1], **options), method)
    np.testing.assert_array_equal(first, again)
    (other,) = maps_of(network, Probe("p", images, **options), SmoothGrad(seed=8, **EXACT))
    assert np.abs(first - other).max() > 1e-3 * first.max()
    attribution, _ = stored(explain(network, Probe("p", images, **options), method))
    assert attribution.seed == 7
    assert attribution.parameters["noise"] == "15 % of the range"
    assert attribution.sign is Sign.UNSIGNED
    assert attribution.unit == "log-odds per unit of input"


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: SmoothGrad(0), "samples=0: pass a whole number from 1"),
        (lambda: VarGrad(1), "samples=1: pass a whole number from 2"),
        (lambda: SmoothGrad(noise=-0.1), "noise=-0.1: pass a share"),
        (lambda: SmoothGrad(seed=-1), "seed=-1: pass a whole number from 0"),
        (lambda: SmoothGrad(seed=0.5), "seed=0.5: pass a whole number"),
    ],
)
def test_settings_that_cannot_be_used_raise_at_once(made, match):
    with pytest.raises(ValueError, match=match):
        made()
