"""Pixels do not move: what `preprocess` does to an image is undone in its map."""

import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tests.kit.explained import decoded, explain, linear, noise, painted, stored


def marked(height, width, rows, columns):
    images = np.full((1, height, width, 1), 0.2, np.float32)
    images[:, rows, columns] = 0.9
    return images


def bright_model(x):
    """Class 1 wherever it is bright."""
    light = tf.reduce_sum(tf.nn.relu(x - 0.5), axis=(1, 2, 3))
    return tf.stack([tf.zeros_like(light), light], axis=1)


def numpy_crop_and_resize(x):
    return np.repeat(np.repeat(np.asarray(x)[:, 4:16, 2:22], 2, axis=1), 2, axis=2)


def tensor_crop_and_resize(x):
    return tf.image.resize(tf.convert_to_tensor(x)[:, 4:16, 2:22], (24, 40), "nearest")


@pytest.mark.parametrize("preprocess", [numpy_crop_and_resize, tensor_crop_and_resize])
@pytest.mark.parametrize("method", [Saliency(), Occlusion(3, 1)], ids=["saliency", "occlusion"])
def test_crop_and_resize_leave_the_map_on_the_object(preprocess, method):
    rows, columns = slice(8, 12), slice(14, 18)
    probe = Probe(
        "p",
        marked(20, 24, rows, columns),
        targets=[1],
        top_k=0,
        preprocess=preprocess,
        output="raw",
    )
    result = explain(bright_model, probe, method)
    values = painted(result, 1) if method.name == "occlusion" else decoded(result, 1)
    assert values.shape == (20, 24)
    strong = np.argwhere(values > 0.5 * values.max())
    centre = strong.mean(axis=0) + 0.5
    np.testing.assert_allclose(centre, (10, 16), atol=0.6)
    assert np.ptp(strong, axis=0).max() <= 5


def test_what_the_model_never_sees_is_marked():
    probe = Probe(
        "p",
        marked(20, 24, slice(8, 12), slice(14, 18)),
        targets=[1],
        top_k=0,
        preprocess=numpy_crop_and_resize,
        output="raw",
    )
    result = explain(bright_model, probe, Saliency())
    seen = np.zeros((20, 24), bool)
    seen[4:16, 2:22] = True
    np.testing.assert_array_equal(stored(result)[1].unseen, ~seen)


def test_a_preprocess_in_the_framework_is_differentiated():
    probe = Probe(
        "p",
        marked(20, 24, slice(8, 12), slice(14, 18)),
        targets=[1],
        top_k=0,
        preprocess=tensor_crop_and_resize,
        output="raw",
    )
    attribution, planes = stored(explain(bright_model, probe, Saliency()))
    assert attribution.parameters["pixels"] == "differentiated through preprocess"
    # Each bright pixel became four.
    np.testing.assert_allclose(planes.decode(1)[8:12, 14:18], 4, rtol=1e-5)
    assert planes.unseen[0, 0]


def test_a_preprocess_that_means_something_else_for_floats_is_not_differentiated():
    def preprocess(x):
        return (
            tf.image.resize(tf.image.convert_image_dtype(x, tf.float32), (8, 8)).numpy()
            if (isinstance(x, np.ndarray))
            else tf.image.resize(tf.image.convert_image_dtype(x, tf.float32), (8, 8))
        )

    images = (noise(1, 16, 16, 1) * 255).astype(np.uint8)
    probe = Probe("p", images, targets=[1], top_k=0, preprocess=preprocess, output="raw")
    attribution, _ = stored(explain(linear(noise(8, 8, 1, 2)), probe, Saliency()))
    assert attribution.parameters["pixels"] == "brought back by an affine map"


def test_a_preprocess_that_cannot_be_undone_raises_with_the_remedy():
    probe = Probe(
        "p",
        noise(1, 9, 9, 1),
        targets=[1],
        top_k=0,
        output="raw",
        preprocess=lambda x: np.asarray(x)[:, np.random.default_rng(0).permutation(9)],
    )
    with pytest.raises(ValueError, match="pass alignment="):
        explain(linear(noise(9, 9, 1, 2)), probe, Saliency())
