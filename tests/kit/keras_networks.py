"""Keras models for tests of reuse, with random weights under which outputs vary."""

from contextlib import contextmanager

import keras
import numpy as np
from keras import layers, ops


@contextmanager
def float64():
    """Models made meanwhile compute in float64."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def settled(model, seed=0):
    """A model whose maps keep their scale, with statistics of its own in batch norms."""
    draw = np.random.default_rng(seed)
    norms = []
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            norms.append(layer)
        if hasattr(layer, "layers"):
            continue
        for weight in layer.trainable_variables:
            shape = weight.shape
            if weight.name in ("gamma", "alpha") or "scale" in weight.path:
                weight.assign(draw.uniform(0.5, 1.5, shape))
            elif len(shape) > 1:
                depthwise = "depthwise" in weight.path.rsplit("/", 2)[-2] or (
                    weight.name == "depthwise_kernel"
                )
                fan_in = np.prod(shape[:2] if depthwise else shape[:-1])
                weight.assign(draw.normal(0, np.sqrt(2 / fan_in), shape))
            else:
                weight.assign(draw.normal(0, 0.2, shape))
    momenta = [each.momentum for each in norms]
    for each in norms:
        each.momentum = 0.0
    if norms:
        model(draw.random((8, *model.input_shape[1:])), training=True)
    for each, momentum in zip(norms, momenta, strict=True):
        each.momentum = momentum
    return model


def stem(x):
    return layers.Conv2D(8, 3, 2, padding="same", activation="relu")(x)


def ended(given, x, classes=4):
    return keras.Model(given, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))


def one(*between, shape=(24, 20, 3)):
    """Layers between a stem and a head."""
    given = keras.Input(shape)
    x = stem(given)
    for each in between:
        x = each(x)
    return ended(given, x)


def squeezed(x):
    scale = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return layers.Multiply()([x, layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(scale)])


def residual(x):
    y = layers.Conv2D(x.shape[-1], 3, padding="same")(x)
    return layers.ReLU()(layers.Add()([layers.BatchNormalization()(y), x]))


def shared(x):
    layer = layers.Conv2D(8, 3, padding="same")
    return layer(layers.ReLU()(layer(x)))


def nested(x):
    inner = keras.Sequential([layers.Conv2D(4, 3), layers.ReLU(), layers.Conv2D(8, 3)])
    given = keras.Input(x.shape[1:])
    outer = keras.Model(given, inner(layers.ReLU()(given)))
    return outer(x) + 1.0


def transformer(side=48, patch=8, width=16):
    given = keras.Input((side, side, 3))
    x = layers.Conv2D(width, patch, patch)(given)
    x = layers.Reshape((-1, width))(x)
    y = layers.LayerNormalization()(x)
    x = x + layers.MultiHeadAttention(2, 8)(y, y)
    x = x + layers.Dense(width, "gelu")(layers.LayerNormalization()(x))
    return keras.Model(given, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def followed():
    """What is followed, by name: a function of a map."""
    both = layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D
    found = {}
    for kind in both:
        for padding in ("same", "valid"):
            for size, stride in ((3, 1), (3, 2), (2, 2), (2, 3)):
                made = kind(*((6,) if kind is layers.Conv2D else ()), size, stride, padding)
                found[f"{kind.__name__} {size} {stride} {padding}"] = made
    for padding in ("same", "valid"):
        found |= {
            f"dilated {padding}": layers.Conv2D(6, 3, dilation_rate=2, padding=padding),
            f"uneven {padding}": layers.Conv2D(6, (3, 1), (2, 1), padding),
            f"grouped {padding}": layers.Conv2D(8, 3, groups=2, padding=padding),
            f"depthwise {padding}": layers.DepthwiseConv2D(
                3, 2, padding, depth_multiplier=2, activation="silu"
            ),
            f"separable {padding}": layers.SeparableConv2D(6, 3, padding=padding),
            f"separable dilated {padding}": layers.SeparableConv2D(
                6, 3, padding=padding, dilation_rate=2, depth_multiplier=2, activation="gelu"
            ),
        }
    activations = ("elu", "hard_sigmoid", "mish", "relu6", "softplus", "tanh", "softmax")
    found |= {name: layers.Activation(name) for name in activations}
    for layer in (
        layers.ReLU(6.0), layers.LeakyReLU(0.1), layers.PReLU(shared_axes=(1, 2)), layers.ELU(),
        layers.Softmax(), layers.Dropout(0.5), layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(1.0), layers.GaussianDropout(0.5), layers.BatchNormalization(),
        layers.Rescaling(2.0, 0.5), layers.RandomFlip(), layers.RandomZoom(0.3),
        layers.ZeroPadding2D(((1, 2), (0, 3))), layers.Cropping2D(((1, 2), (0, 3))),
    ):  # fmt: skip
        found[type(layer).__name__] = layer
    found["Dropout as in training"] = lambda x: layers.Dropout(0.5)(x, training=True)
    normalization = layers.Normalization(mean=[0.1] * 8, variance=[2.0] * 8)
    merges = "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"
    for name in merges:

        def merged(x, layer=getattr(layers, name)):  # noqa: B008
            return layer()([layers.Conv2D(8, 3, padding="same")(x), layers.ReLU()(x)])

        found[name] = merged
    return found | {
        "Normalization": normalization,
        "folded": lambda x: layers.BatchNormalization()(layers.Conv2D(6, 3, use_bias=False)(x)),
        "folded depthwise": lambda x: layers.BatchNormalization(scale=False)(
            layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
        ),
        "folded separable": lambda x: layers.BatchNormalization(center=False)(
            layers.SeparableConv2D(6, 3)(x)
        ),
        "operators": lambda x: ops.relu6(x + 3.0) * x / 6.0 - np.linspace(0, 1, 8),
        "channels turned": lambda x: x[..., ::-1],
        "residual": residual,
        "shared": shared,
        "nested": nested,
    }


def unfollowed():
    """What makes all whole, by name, with the layer that does and why."""
    everything = "needs all of its input"
    return {
        "Conv2DTranspose": (layers.Conv2DTranspose(4, 2, 2), everything),
        "LayerNormalization": (layers.LayerNormalization(), everything),
        "BatchNormalization": (layers.BatchNormalization(axis=1), everything),
        "PReLU": (layers.PReLU(), everything),
        "UpSampling2D": (layers.UpSampling2D(), everything),
        "Resizing": (layers.Resizing(7, 9), everything),
        "Lambda": (layers.Lambda(lambda x: x[:, ::-1], lambda shape: shape), everything),
        "Softmax": (lambda x: layers.Multiply()([x, layers.Softmax(axis=1)(x)]), everything),
        "GlobalMaxPooling2D": (
            lambda x: layers.Reshape((1, 1, 8))(layers.GlobalMaxPooling2D()(x)), everything
        ),
        "Concatenate": (
            lambda x: layers.Concatenate(axis=1)([x, layers.ReLU()(x)]), everything
        ),
        "places": (lambda x: x * np.linspace(0, 1, 10)[:, None], everything),
        "rows": (lambda x: x[:, ::-1], everything),
        "squeezed": (squeezed, "another input changes everywhere"),
    }  # fmt: skip


def drawn(seed):
    """A random graph of layers that are followed."""
    draw = np.random.default_rng(seed)
    given = keras.Input((24, 20, 3))
    maps = [given]

    def pick(*values):
        return values[draw.integers(len(values))]

    for _ in range(draw.integers(3, 9)):
        x = maps[draw.integers(max(0, len(maps) - 3), len(maps))]
        room = min(x.shape[1:3])
        alike = [each for each in maps if each is not x and each.shape == x.shape]
        padding = "same" if room < 8 else pick("same", "valid")
        size, strides = (tuple(draw.integers(1, 4, 2).tolist()) for _ in range(2))
        kind = pick("conv", "conv", "depthwise", "pool", "point", "pad", "norm", "merge")
        if kind == "conv":
            dilation = int(draw.integers(1, 3))
            strides = 1 if dilation > 1 else strides
            layer = layers.Conv2D(6, size, strides, padding, dilation_rate=dilation)
        elif kind == "depthwise":
            layer = layers.DepthwiseConv2D(size, int(draw.integers(1, 4)), padding)
        elif kind == "pool":
            layer = pick(layers.MaxPooling2D, layers.AveragePooling2D)(size, strides, padding)
        elif kind == "pad":
            layer = layers.ZeroPadding2D(
                tuple(tuple(each) for each in draw.integers(0, 3, (2, 2)).tolist())
            )
        elif kind == "norm":
            layer = layers.BatchNormalization()
        elif kind == "merge" and alike:
            merge = pick(layers.Add, layers.Multiply, layers.Concatenate)()
            maps.append(merge([x, pick(*alike)]))
            continue
        else:
            layer = pick(layers.ReLU(), layers.Activation("gelu"), layers.Dropout(0.3))
        maps.append(layer(x))
    x = maps[-1]
    last = layers.Flatten() if draw.random() < 0.5 else layers.GlobalAveragePooling2D()
    return keras.Model(given, layers.Dense(4)(last(x)))
