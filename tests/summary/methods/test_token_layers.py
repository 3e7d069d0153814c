"""Tokens of vision transformers in Keras and Flax: Grad-CAM as computed by hand."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import tensorflow as tf
from flax import nnx

from tensorboard_picasso.summary import GradCAM, Probe
from tests.kit.explained import explain, noise, stored

SIZE, GRID = (24, 16), (3, 2)
RAW = {"targets": [0, 1], "top_k": 0, "output": "raw"}


class ClassToken(keras.layers.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), initializer="random_normal")

    def call(self, x):
        count = keras.ops.shape(x)[0]
        return keras.ops.concatenate([keras.ops.tile(self.token, (count, 1, 1)), x], 1)


def keras_vit():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((*SIZE, 1))
    x = layers.Conv2D(6, 8, 8, name="patches")(image)
    x = ClassToken(name="token")(layers.Reshape((6, 6), name="flat")(x))
    for block in range(2):
        y = layers.LayerNormalization(name=f"norm{block}")(x)
        x = x + layers.MultiHeadAttention(2, 3, name=f"mixing{block}")(y, y)
        y = layers.LayerNormalization(name=f"second{block}")(x)
        x = x + layers.Dense(6, "gelu", name=f"mlp{block}")(y)
    return keras.Model(image, layers.Dense(2)(x[:, 0]))


class Vit(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.patches = nnx.Conv(1, 6, (8, 8), (8, 8), padding="VALID", rngs=rngs)
        self.token = nnx.Param(jax.random.normal(rngs.params(), (1, 1, 6)))
        self.norm = nnx.LayerNorm(6, rngs=rngs)
        self.mixing = nnx.MultiHeadAttention(2, 6, decode=False, rngs=rngs)
        self.second = nnx.LayerNorm(6, rngs=rngs)
        self.mlp = nnx.Linear(6, 6, rngs=rngs)
        self.head = nnx.Linear(6, 2, rngs=rngs)

    def __call__(self, x):
        return self.rest(self.norm(self.before(x)), self.before(x))

    def before(self, x):
        x = self.patches(x).reshape(len(x), 6, 6)
        return jnp.concatenate([jnp.repeat(self.token[...], len(x), 0), x], 1)

    def rest(self, normed, x):
        x = x + self.mixing(normed)
        return self.head((x + nnx.gelu(self.mlp(self.second(x))))[:, 0])


def keras_parts(model, image, target):
    tail = keras.Model(model.input, [model.get_layer("norm1").output, model.output])
    with tf.GradientTape() as tape:
        activations, scores = tail(image[None])
        score = scores[0, target]
    return activations.numpy()[0], tape.gradient(score, activations).numpy()[0]


def flax_parts(model, image, target):
    x = model.before(jnp.asarray(image[None]))
    normed = model.norm(x)
    slope = jax.grad(lambda each: model.rest(each, x)[0, target])(normed)
    return np.asarray(normed[0]), np.asarray(slope[0])


@pytest.mark.parametrize(
    ("make", "layer", "parts"), [(keras_vit, "norm1", keras_parts), (Vit, "norm", flax_parts)]
)
def test_grad_cam_of_tokens_is_as_computed_by_hand(make, layer, parts):
    model, images = make(), noise(1, *SIZE, 1, seed=4)
    result = explain(model, Probe("p", images, **RAW), GradCAM(precision="float32"))
    about, planes = stored(result)
    assert about.layer == layer
    assert about.parameters["tokens"] == "1 token set aside"
    strongest = 0.0
    for target in range(2):
        activations, slope = (each[1:] for each in parts(model, images[0], target))
        coarse = np.maximum(activations @ slope.mean(axis=0), 0).reshape(*GRID, 1)
        expected = tf.image.resize(coarse, SIZE).numpy()[..., 0]
        strongest = max(strongest, expected.max())
        np.testing.assert_allclose(planes.decode(target), expected, atol=1e-5 * expected.max())
    assert strongest > 0
