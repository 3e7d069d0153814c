import keras
import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.summary import GradCAM, Probe
from tensorboard_picasso.summary.backends import UnsupportedError
from tests.kit.explained import explain, noise, stored

EXACT = {"precision": "float32"}
RAW = {"targets": [0, 1], "top_k": 0, "output": "raw"}


def network(size=(8, 6), channels=1):
    """Convolution, pooling, and a weighted mean of each channel for each class."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((*size, channels)),
            keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="features"),
            keras.layers.AveragePooling2D(2, name="pool"),
            keras.layers.GlobalAveragePooling2D(keepdims=True),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )


def coarse(model, image, target):
    """By hand: behind a global mean, the weight of a channel is that of the class over places."""
    pooled = keras.Sequential(model.layers[:2])(image[None]).numpy()[0]
    weights = model.layers[-1].get_weights()[0][:, target]
    return np.maximum(pooled @ weights, 0) / (pooled.shape[0] * pooled.shape[1])


def test_behind_a_global_mean_it_is_the_class_activation_map_of_the_last_image_layer():
    model, images = network(), noise(3, 8, 6, 1, seed=1)
    result = explain(model, Probe("p", images, **RAW), GradCAM(**EXACT))
    for index in range(3):
        attribution, planes = stored(result, index)
        for target in range(2):
            found, expected = planes.decode(target), coarse(model, images[index], target)
            resized = tf.image.resize(expected[..., None], (8, 6))[..., 0].numpy()
            np.testing.assert_allclose(found, resized, rtol=1e-4, atol=1e-7)
    assert attribution.layer == "pool"
    assert attribution.sign is Sign.UNSIGNED
    assert attribution.parameters == {"positions": "4 × 3", "pixels": "as they are"}


def test_looking_at_the_layers_leaves_the_model_as_it_was():
    model = network()
    before = [set(vars(layer)) for layer in model.layers]
    explain(model, Probe("p", noise(1, 8, 6, 1), **RAW), GradCAM())
    assert [set(vars(layer)) for layer in model.layers] == before


def test_a_named_layer_is_used():
    result = explain(network(), Probe("p", noise(1, 8, 6, 1), **RAW), GradCAM("features"))
    attribution, _ = stored(result)
    assert (attribution.layer, attribution.parameters["positions"]) == ("features", "8 × 6")


def test_a_layer_called_twice_and_one_pooled_to_a_single_place_are_passed_over():
    shared = keras.layers.ReLU(name="shared")
    given = keras.Input((8, 6, 1))
    inner = keras.layers.Conv2D(4, 3, padding="same", name="inner")(given)
    again = shared(keras.layers.Conv2D(4, 1, name="between")(shared(inner)))
    pooled = keras.layers.GlobalMaxPooling2D(keepdims=True)(again)
    scores = keras.layers.Dense(2)(keras.layers.Flatten()(pooled))
    model = keras.Model(given, scores)
    attribution, _ = stored(explain(model, Probe("p", noise(1, 8, 6, 1), **RAW), GradCAM()))
    assert attribution.layer == "between"


def spot(rows, columns, size):
    image = np.zeros((1, *size, 1), np.float32)
    image[:, rows, columns] = 1
    return image


def bright():
    """Scores class 1 by where it is bright, in a layer of half the input's size."""
    model = network((24, 40))
    model.layers[0].set_weights([np.zeros((3, 3, 1, 5)), np.zeros(5)])
    kernel = np.zeros((3, 3, 1, 5))
    kernel[1, 1, 0] = 1
    model.layers[0].set_weights([kernel, np.zeros(5)])
    model.layers[-1].set_weights([np.array([[0, 1.0]] * 5), np.zeros(2)])
    return model


@pytest.mark.parametrize("written", ["NumPy", "TensorFlow"])
def test_where_preprocess_crops_and_enlarges_the_map_stays_on_the_object(written):
    def preprocess(x):
        if written == "NumPy":
            return np.repeat(np.repeat(np.asarray(x)[:, 4:16, 2:22], 2, axis=1), 2, axis=2)
        return tf.image.resize(tf.convert_to_tensor(x)[:, 4:16, 2:22], (24, 40), "nearest")

    image = spot(slice(8, 12), slice(14, 18), (20, 24))
    probe = Probe("p", image, **RAW, preprocess=preprocess)
    attribution, planes = stored(explain(bright(), probe, GradCAM(**EXACT)))
    found = planes.decode(1)
    assert found.shape == (20, 24)
    strong = np.argwhere(found > 0.5 * found.max())
    np.testing.assert_allclose(strong.mean(axis=0) + 0.5, (10, 16), atol=0.3)
    assert attribution.parameters["pixels"] == "brought back by an affine map"
    assert planes.unseen[0, 0]
    assert not planes.unseen[8, 14]
    np.testing.assert_array_equal(planes.decode(0), 0)  # nothing raises that class


def test_what_has_no_such_layer_says_so():
    probe = Probe("p", noise(1, 8, 6, 1), **RAW)
    flat = keras.Sequential([keras.Input((8, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(UnsupportedError, match="the model has no layer that returns images"):
        explain(flat, probe, GradCAM())
    with pytest.raises(UnsupportedError, match="is no Keras model: its layers are unknown"):
        explain(lambda x: tf.reshape(x, (-1, 48))[:, :2], probe, GradCAM())
    with pytest.raises(
        ValueError, match=r"layer 'flatten\w*' returns \(48,\) for an image: it has no rows"
    ):
        explain(flat, probe, GradCAM(flat.layers[0].name))
