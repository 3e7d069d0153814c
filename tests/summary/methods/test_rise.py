import numpy as np
import pytest

from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.summary import RISE, Probe
from tensorboard_picasso.summary.methods.rise import Draw
from tests.kit.explained import explain, noise, stored

EXACT = {"precision": "float32"}
RAW = {"targets": [1], "top_k": 0, "output": "raw"}


def linear(weights):
    """Scores of an image by NumPy alone: one sum of weighted pixels a class."""
    flat = weights.reshape(-1, weights.shape[-1])
    return lambda x: x.reshape(len(x), -1) @ flat


def map_of(model, probe, method, target=1):
    return stored(explain(model, probe, method))[1].decode(target)


def test_masks_show_every_pixel_as_often_and_are_0_to_1():
    masks = Draw.of(np.random.default_rng(0), 4000, 5, 0.3).over((20, 33)).made(slice(4000))
    assert masks.shape == (4000, 20, 33)
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert {0.0, 1.0} <= set(np.unique(masks))
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.04)


def test_a_pixel_of_a_linear_model_gets_what_showing_it_adds():
    """With cells as large as pixels and no shift, masks are independent: the mean over those
    that show a pixel is above that over all by its part of the score, times the share hidden."""
    image, weights = noise(1, 4, 4, 1), noise(4, 4, 1, 2, seed=1) - 0.5
    method = RISE(40000, cells=4, shown=0.7, fill="black", **EXACT)
    found = map_of(linear(weights), Probe("p", image, **RAW), method)
    part = image[0, ..., 0] * weights[..., 0, 1]
    np.testing.assert_allclose(found, 0.3 * part, atol=0.01)


def test_a_constant_model_has_a_map_of_zeros():
    probe = Probe("p", noise(1, 14, 10, 3), **RAW)
    found = map_of(lambda x: np.full((len(x), 2), 3.7), probe, RISE(50, **EXACT))
    np.testing.assert_allclose(found, 0, atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_supports_the_class_is_positive_and_lies_where_it_is(sign):
    image = noise(1, 28, 28, 1)
    image[0, 5:10, 15:20] = 1
    weights = np.zeros((28, 28, 1, 2))
    weights[5:10, 15:20, 0, 1] = sign
    attribution, planes = stored(
        explain(linear(weights), Probe("p", image, **RAW), RISE(800, fill="black", **EXACT))
    )
    found = sign * planes.decode(1)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 4 <= row <= 10
    assert 14 <= column <= 20
    assert attribution.sign is Sign.CONTRIBUTION
    assert attribution.seed == 0
    assert attribution.parameters == {
        "fill": "black",
        "masks": "800",
        "cells": "7 × 7, 50 % shown",
    }


def test_masks_are_the_same_in_any_batches():
    masks = Draw.of(np.random.default_rng(0), 10, 7, 0.5).over((9, 8))
    parts = [masks.made(slice(start, start + 3)) for start in range(0, 10, 3)]
    np.testing.assert_array_equal(np.concatenate(parts), masks.made(slice(10)))


def test_sums_of_masks_are_those_of_the_masks_made():
    masks = Draw.of(np.random.default_rng(0), 60, 3, 0.5).over((11, 8))
    weights = noise(2, 60, seed=1).astype(np.float64) - 0.5
    expected = np.tensordot(weights, masks.made(slice(60)), 1)
    np.testing.assert_allclose(masks.sums(weights), expected, atol=1e-12)


def test_a_seed_gives_the_same_map_again_whatever_the_other_images():
    images, weights = noise(2, 9, 8, 3), noise(9, 8, 3, 2, seed=1)
    first = map_of(linear(weights), Probe("p", images, **RAW), RISE(100, seed=3, **EXACT))
    again = map_of(linear(weights), Probe("q", images[:1], **RAW), RISE(100, seed=3, **EXACT))
    np.testing.assert_array_equal(first, again)
    other = map_of(linear(weights), Probe("p", images, **RAW), RISE(100, seed=4, **EXACT))
    assert np.abs(first - other).max() > 0.01 * np.abs(first).max()


def test_integer_images_are_hidden_in_their_own_values():
    seen = []

    def model(x):
        if isinstance(x, np.ndarray):  # it is tried on TensorFlow's tensors first
            seen.append(x.dtype)
        return x.reshape(len(x), -1).astype(float)[:, :2]

    images = (noise(1, 9, 8, 3) * 255).astype(np.uint8)
    explain(model, Probe("p", images, **RAW), RISE(20))
    assert set(seen) == {np.dtype(np.uint8)}


def test_probabilities_that_round_to_zero_and_one_have_a_map_in_probability():
    def model(x):
        bright = x[:, 3:6, 3:6].mean((1, 2, 3)) > 0.5
        return np.stack([~bright, bright], 1).astype(np.float32)

    image = np.zeros((1, 12, 12, 1), np.float32)
    image[:, 3:6, 3:6] = 1
    probe = Probe("p", image, targets=[1], top_k=0, output="probabilities")
    found = map_of(model, probe, RISE(400, cells=4, score="probability", fill="black", **EXACT))
    assert np.isfinite(found).all()
    assert found[4, 4] > 0.3
    assert found[4, 4] > 2 * found[9, 9]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"masks": 0}, "masks=0: pass a whole number from 1"),
        ({"cells": 2.5}, r"cells=2\.5: pass a whole number"),
        ({"shown": 1}, "shown=1: pass a share between 0 and 1"),
        ({"fill": "red"}, "fill 'red' is unknown"),
    ],
)
def test_settings_that_cannot_be_used_raise_at_once(settings, match):
    with pytest.raises(ValueError, match=match):
        RISE(**settings)
