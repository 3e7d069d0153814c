"""The models in Keras, with random weights."""

from typing import Any

import keras
import numpy as np
from keras import layers

from benchmarks.occlusion import weights

_BY_NAME = {
    "mobilenetv2": keras.applications.MobileNetV2,
    "resnet50": keras.applications.ResNet50,
    "vgg16": keras.applications.VGG16,
}
_CONVOLUTIONS = (layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D, layers.Dense)


def build(name: str, calibration: np.ndarray) -> keras.Model:
    """A model whose activations and scores have a sensible scale.

    Args:
      name: of the model.
      calibration: images (n, h, w, c), or volumes, that the scale is taken from.
    """
    model = _made(name)
    random = np.random.default_rng(0)
    weighted = [each for each in model.layers if isinstance(each, _CONVOLUTIONS)]
    for layer in weighted:
        old = layer.get_weights()
        shape = old[0].shape
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        fan_in = int(np.prod(shape[:2] if depthwise else shape[:-1]))
        kernel, offset = weights.kernel(random, shape, fan_in), np.zeros(shape[-1], np.float32)
        if layer is weighted[0]:
            kernel, offset = weights.first(kernel, tuple(range(kernel.ndim - 1)))
        layer.set_weights([kernel, offset][: len(old)])
    norms = [each for each in model.layers if isinstance(each, layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(calibration, training=True)
    scale, shift = weights.head(np.asarray(model(calibration, training=False)))
    weighted[-1].set_weights([weighted[-1].get_weights()[0] * scale, shift])
    return model


def activations(model: keras.Model, x: np.ndarray) -> dict[str, np.ndarray]:
    """What each layer makes of a batch (n, h, w, c)."""
    inner = model.layers[1:]
    outputs = keras.Model(model.inputs[0], [each.output for each in inner])(x, training=False)
    return {each.name: np.asarray(y) for each, y in zip(inner, outputs, strict=True)}


def _made(name: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    if name in _BY_NAME:
        return _BY_NAME[name](weights=None, input_shape=(224, 224, 3), classifier_activation=None)
    return {"cnn28": _cnn28, "resnet20": _resnet20, "cnn3d64": _cnn3d64}[name]()


def _cnn28() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )


def _cnn3d64() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((64, 64, 64, 1)),
            layers.Conv3D(16, 3, activation="relu"),
            layers.MaxPooling3D(),
            layers.Conv3D(32, 3, activation="relu"),
            layers.MaxPooling3D(),
            layers.Conv3D(64, 3, activation="relu"),
            layers.GlobalAveragePooling3D(),
            layers.Dense(10),
        ]
    )


def _normed(x: Any, outputs: int, kernel: int, strides: int = 1) -> Any:
    x = layers.Conv2D(outputs, kernel, strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def _resnet20() -> keras.Model:
    given = keras.Input((32, 32, 3))
    x, inputs = layers.ReLU()(_normed(given, 16, 3)), 16
    for outputs in (16, 32, 64):
        for _ in range(3):
            strides = 1 if inputs == outputs else 2
            y = layers.ReLU()(_normed(x, outputs, 3, strides))
            y = _normed(y, outputs, 3)
            shortcut = x if strides == 1 else _normed(x, outputs, 1, strides)
            x, inputs = layers.ReLU()(layers.Add()([y, shortcut])), outputs
    return keras.Model(given, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
