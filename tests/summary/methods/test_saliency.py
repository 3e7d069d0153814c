"""Saliency: gradients are those computed by hand, of inputs and of layers."""

import numpy as np
import pytest

from tensorboard_picasso.numbers.maps import Precision, Sign
from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tests.kit.explained import decoded, explain, linear, noise, painted, stored


def test_gradient_of_a_raw_linear_model_is_its_weights():
    weights = noise(5, 7, 3, 4) - 0.5
    probe = Probe("p", noise(2, 5, 7, 3), targets=range(4), top_k=0, output="raw")
    result = explain(
        linear(weights),
        probe,
        Saliency(precision="float32"),
        Saliency(signed=True, precision="float32", label="signed"),
    )
    for image in range(2):
        for target in range(4):
            each = weights[..., target]
            np.testing.assert_allclose(
                decoded(result, target, image, 0), np.abs(each).max(axis=-1), rtol=1e-5
            )
            np.testing.assert_allclose(
                decoded(result, target, image, 1), each.sum(axis=-1), rtol=1e-4, atol=1e-6
            )
    unsigned, signed = (stored(result, 0, method)[0] for method in range(2))
    assert (unsigned.sign, signed.sign) == (Sign.UNSIGNED, Sign.DIRECTION)
    assert (unsigned.score, unsigned.unit) == ("value", "value per unit of input")


def test_gradient_of_log_odds_is_the_weights_minus_the_weighted_mean_of_the_others():
    weights = noise(4, 4, 1, 3) - 0.5
    image = noise(1, 4, 4, 1)
    probe = Probe("p", image, targets=range(3), top_k=0, output="logits")
    method = Saliency(signed=True, precision="float32")
    result = explain(linear(weights), probe, method)
    z = np.einsum("hwc,hwck->k", image[0], weights).astype(np.float64)
    for target in range(3):
        others = [each for each in range(3) if each != target]
        share = np.exp(z[others]) / np.exp(z[others]).sum()
        expected = weights[..., 0, target] - weights[..., 0, others] @ share
        np.testing.assert_allclose(decoded(result, target), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_other_scores_are_their_own_gradient(score):
    weights, image = noise(4, 4, 1, 3) - 0.5, noise(1, 4, 4, 1)
    probe = Probe("p", image, targets=[2], top_k=0, output="logits")
    result = explain(
        linear(weights), probe, Saliency(signed=True, score=score, precision="float32")
    )
    expected = weights[..., 0, 2]
    if score == "probability":
        z = np.einsum("hwc,hwck->k", image[0], weights)
        p = np.exp(z) / np.exp(z).sum()
        expected = p[2] * (expected - weights[..., 0, :] @ p)
    np.testing.assert_allclose(decoded(result, 2), expected, rtol=1e-4, atol=1e-6)
    assert stored(result)[0].score == score


def test_inverted_images_negate_the_signed_gradient_and_leave_occlusion_alone():
    weights, images = noise(6, 6, 1, 3) - 0.5, noise(2, 6, 6, 1)
    plain = linear(weights)
    own = (Occlusion(2, 1), Saliency(signed=True, precision="float32"))
    first = explain(plain, Probe("p", images, targets=range(3), output="logits"), *own)
    second = explain(
        lambda x: plain(1 - x), Probe("p", 1 - images, targets=range(3), output="logits"), *own
    )
    for image in range(2):
        for target in range(3):
            np.testing.assert_allclose(
                painted(first, target, image), painted(second, target, image), atol=1e-5
            )
            np.testing.assert_allclose(
                decoded(first, target, image, 1), -decoded(second, target, image, 1), atol=1e-6
            )


def test_a_layers_gradient_goes_through_postprocess():
    seen = []

    def postprocess(gradient):
        seen.append(gradient.shape)
        return np.repeat(np.repeat(np.abs(gradient).max(axis=-1), 2, axis=1), 2, axis=2)

    keras_model, weights = pooled()
    probe = Probe("p", noise(2, 6, 8, 1), targets=[1], top_k=0, postprocess=postprocess)
    result = explain(keras_model, probe, Saliency(layer="pool", score="logit"))
    assert seen == [(1, 3, 4, 1)] * 2
    expected = np.abs(weights[:, 1]).reshape(3, 4)
    np.testing.assert_allclose(
        decoded(result, 1)[::2, ::2], expected, rtol=0.01, atol=1e-3 * expected.max()
    )
    assert stored(result)[0].layer == "pool"


def pooled():
    import keras

    model = keras.Sequential(
        [
            keras.Input((6, 8, 1)),
            keras.layers.AveragePooling2D(2, name="pool"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    return model, model.layers[-1].get_weights()[0]


def test_without_postprocess_a_layers_gradient_is_resized():
    model, weights = pooled()
    weights[:] = 0
    weights[5, 1] = 1.0  # pooled pixel (1, 1): the middle of rows and columns 2 and 3
    model.layers[-1].set_weights([weights, np.zeros(3)])
    probe = Probe("p", noise(1, 6, 8, 1), targets=[1], top_k=0)
    found = decoded(explain(model, probe, Saliency(layer="pool", score="logit")), 1)
    rows, columns = np.nonzero(found > 0.5)
    assert (set(rows), set(columns)) == ({2, 3}, {2, 3})


def test_a_layer_without_height_and_width_is_named():
    model, _ = pooled()
    method = Saliency(layer=model.layers[1].name)
    with pytest.raises(
        ValueError, match=r"layer 'flatten\w*' returns \(12,\) for an image: it has no rows"
    ):
        explain(model, Probe("p", noise(1, 6, 8, 1)), method)


@pytest.mark.parametrize("settings", [{"score": "loss"}, {"precision": "int8"}])
def test_unknown_saliency_settings_raise_at_once(settings):
    with pytest.raises(ValueError, match="pass one of"):
        Saliency(**settings)


@pytest.mark.parametrize("precision", list(Precision))
def test_precision_is_kept(precision):
    probe = Probe("p", noise(1, 4, 4), targets=[0], output="raw")
    attribution, planes = stored(
        explain(linear(noise(4, 4, 1, 2)), probe, Saliency(precision=precision))
    )
    assert attribution.precision is planes.precision is precision
