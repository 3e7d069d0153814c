"""What Keras' calls do with places."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from tensorboard_picasso.summary.reuse.keras_trace import Node, Place, Trace
from tensorboard_picasso.summary.reuse.plan import Kind, Layer
from tensorboard_picasso.summary.reuse.rects import Window

Sides = Sequence[int]

# Axes of one image's map, and of one volume's: places and channels.
_MAPS = 3, 4

ACTIVATIONS = {
    getattr(keras.activations, name, None)
    for name in (
        "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
        "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "mish", "relu", "relu6", "selu",
        "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "squareplus", "tanh",
        "tanh_shrink", "threshold",
    )
}  # fmt: skip
# Element by element; what is random is so in training alone.
POINTWISE = (
    layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Dropout, layers.SpatialDropout2D,
    layers.SpatialDropout3D, layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout,
    layers.Identity, layers.ActivityRegularization, layers.RandomFlip, layers.RandomRotation,
    layers.RandomTranslation, layers.RandomZoom, layers.RandomContrast, layers.RandomBrightness,
)  # fmt: skip
# With a kernel for all channels, and all; the largest and the mean of a window.
PLAIN = layers.Conv2D, layers.Conv3D
CONVOLUTIONS = *PLAIN, layers.DepthwiseConv2D, layers.SeparableConv2D
LARGEST = layers.MaxPooling2D, layers.MaxPooling3D
AVERAGES = layers.AveragePooling2D, layers.AveragePooling3D
MERGES = (
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum,
)  # fmt: skip
# Operations on tensors, by their names: element by element, of tensors and numbers.
ELEMENTWISE = {
    "Absolute", "Add", "Celu", "Clip", "Divide", "Elu", "Exp", "Expm1", "Gelu", "HardShrink",
    "HardSigmoid", "HardSilu", "HardTanh", "LeakyRelu", "Log", "Log1p", "LogSigmoid", "Maximum",
    "Minimum", "Multiply", "Negative", "Power", "Reciprocal", "Relu", "Relu6", "Round", "Selu",
    "Sigmoid", "Silu", "SoftShrink", "Softplus", "Softsign", "Sqrt", "Square", "Subtract", "Tanh",
    "TanhShrink", "Threshold", "TrueDivide",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class CalledLayer:
    """A layer, and how Keras computes it.

    Attributes:
      layer: as the plan knows it.
      node: of the trace.
      weights: of a convolution, the tensors that `on_crop` takes, read anew.
      folds: they do what the batch norm behind it does. passes: is that batch norm.
      on_crop: of WINDOW, of an input with its padding in it, and of the weights. Of a
        convolution it takes a whole input too, with `padding`.
      lowest: the padding is the lowest number, not zero.
      factors: (height, width), of volumes (depth, height, width), that `on_crop`'s output is
        multiplied by at its place.
    """

    layer: Layer
    node: Node
    weights: Callable[[], tuple[Any, ...]] | None = None
    folds: bool = False
    passes: bool = False
    on_crop: Callable[..., Any] | None = None
    padding: str = "valid"
    lowest: bool = False
    factors: Any = None


def read(trace: Trace) -> list[CalledLayer]:
    """All calls of a model in their order."""
    reader = _Reader(trace)
    return [reader.read(at) for at in range(len(trace.nodes))]


class _Reader:
    def __init__(self, trace: Trace) -> None:
        self._nodes = trace.nodes
        self._users: dict[int, list[int]] = {at: [] for at in range(len(trace.nodes))}
        for at, node in enumerate(trace.nodes):
            for source in node.inputs:
                self._users[source].append(at)
        self._output = trace.output.node
        self._folded: set[int] = set()

    def read(self, at: int) -> CalledLayer:
        node = self._nodes[at]
        if node.operation is None:
            return self._called(node, Kind.INPUT)
        if at in self._folded:
            return self._called(node, Kind.PIXEL, passes=True)
        called = self._known(at, node)
        if called is not None:
            return called
        dense = type(node.operation) is layers.Dense
        weights = math.prod(node.operation.kernel.shape) if dense else 0
        taps = int(node.operation.kernel.shape[0]) if dense else 0
        return self._called(node, Kind.OTHER, taps=taps, read=weights)

    def _called(
        self, node: Node, kind: Kind, taps: int = 0, read: int = 0, **known: Any
    ) -> CalledLayer:
        options = {key: known.pop(key) for key in ("windows", "before") if key in known}
        shape = _places_last(node.shapes[0])
        layer = Layer(
            node.name,
            kind,
            node.inputs,
            shape,
            float(taps) * float(math.prod(shape)),
            read,
            **options,
        )
        return CalledLayer(layer, node, **known)

    def _known(self, at: int, node: Node) -> CalledLayer | None:
        """None where it is not known what a call does with places."""
        shapes = [self._shape(each) for each in _places(node)]
        if len(node.shapes) != 1 or not shapes or any(len(shape) not in _MAPS for shape in shapes):
            return None
        if not isinstance(node.operation, keras.Layer):
            return self._operation(node, shapes)
        quantized = getattr(node.operation, "quantization_mode", None) is not None
        if quantized or _set(node) or len(node.args) != 1:
            return None
        if isinstance(node.args[0], Place):
            return self._single(at, node, shapes[0])
        return self._merge(node, shapes)

    def _merge(self, node: Node, shapes: Sequence[tuple[int, ...]]) -> CalledLayer | None:
        kind = type(node.operation)
        over_channels = kind is layers.Concatenate and node.operation.axis in (-1, len(shapes[0]))
        return self._pixels(node, shapes) if over_channels or kind in MERGES else None

    def _single(self, at: int, node: Node, given: tuple[int, ...]) -> CalledLayer | None:
        operation: Any = node.operation
        kind = type(operation)
        if kind in CONVOLUTIONS:
            known = operation.activation in ACTIVATIONS
            return self._convolution(at, node, given) if known else None
        if kind in (*LARGEST, *AVERAGES):
            return self._pool(node, given, kind in LARGEST)
        if kind in (layers.ZeroPadding2D, layers.ZeroPadding3D):
            before = tuple(each for each, _ in operation.padding)
            return self._called(node, Kind.PAD, before=before)
        if kind in (layers.Cropping2D, layers.Cropping3D):
            windows = tuple(Window(1, before=-each) for each, _ in operation.cropping)
            return self._called(node, Kind.WINDOW, windows=windows, on_crop=lambda x: x)
        if kind in (layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D):
            return self._called(node, Kind.MEAN)
        return self._called(node, Kind.PIXEL) if _pointwise(operation, len(given)) else None

    def _operation(self, node: Node, shapes: Sequence[tuple[int, ...]]) -> CalledLayer | None:
        operation: Any = node.operation
        name, last = type(operation).__name__, len(shapes[0])
        if not type(operation).__module__.startswith("keras.src.ops."):
            return None
        if name in ELEMENTWISE:
            return self._pixels(node, shapes)
        if name == "Concatenate":
            return self._called(node, Kind.PIXEL) if operation.axis in (-1, last) else None
        if name == "GetItem":
            return self._called(node, Kind.PIXEL) if _of_channels(node, last) else None
        if name == "Mean" and len(node.args) == 1 and not node.kwargs:
            axes = operation.axis if isinstance(operation.axis, list | tuple) else ()
            places = sorted(each % (last + 1) for each in axes) == [*range(1, last)]
            return self._called(node, Kind.MEAN) if places else None
        return None

    def _pixels(self, node: Node, shapes: Sequence[tuple[int, ...]]) -> CalledLayer | None:
        """Of maps of one size, and of what is the same at all places."""
        rest = [
            argument
            for argument in keras.tree.flatten((node.args, node.kwargs))
            if not isinstance(argument, Place)
        ]
        alike = len({shape[:-1] for shape in shapes}) == 1
        placeless = all(_placeless(each, len(shapes[0]) - 1) for each in rest)
        return self._called(node, Kind.PIXEL) if alike and placeless else None

    def _shape(self, place: Place) -> tuple[int, ...]:
        return self._nodes[place.node].shapes[place.output]

    def _convolution(self, at: int, node: Node, given: tuple[int, ...]) -> CalledLayer:
        layer: Any = node.operation
        kernel = layer.kernel_size
        same = layer.padding == "same"
        windows = _windows(kernel, layer.strides, layer.dilation_rate, same, given)
        if type(layer) in PLAIN:
            taps = math.prod(layer.kernel.shape[:-1])
            read = math.prod(layer.kernel.shape)
        elif type(layer) is layers.DepthwiseConv2D:
            taps, read = math.prod(kernel), math.prod(layer.kernel.shape)
        else:
            inner = given[-1] * layer.depth_multiplier
            taps = inner + math.prod(kernel) * inner // layer.filters
            read = inner * (math.prod(kernel) + layer.filters)
        norm = self._norm(at, layer)
        activation = layer.activation

        def on_crop(x: Any, *weights: Any, padding: str = "valid") -> Any:
            *kernels, bias = weights
            x = _convolved(layer, ops.cast(x, layer.compute_dtype), kernels, padding)
            # What TensorFlow computes as one with the convolution and the activation behind it.
            return activation(x if bias is None else tf.nn.bias_add(x, bias))

        return self._called(
            node,
            Kind.PIXEL if all(each.single for each in windows) else Kind.WINDOW,
            taps,
            read,
            windows=windows,
            weights=lambda: _weights(layer, norm),
            folds=norm is not None,
            on_crop=on_crop,
            padding=layer.padding,
        )

    def _norm(self, at: int, layer: Any) -> Any:
        """The batch norm that is folded into a convolution; None where there is none."""
        users = self._users[at]
        if len(users) != 1 or at == self._output:
            return None
        norm: Any = self._nodes[users[0]].operation
        fits = (
            layer.activation is keras.activations.linear
            and type(norm) is layers.BatchNormalization
            and norm.axis in (-1, len(self._nodes[at].shapes[0]))
            and not getattr(norm, "renorm", False)
            and not _set(self._nodes[users[0]])
            and norm.compute_dtype == layer.compute_dtype
        )
        if not fits:
            return None
        self._folded.add(users[0])
        return norm

    def _pool(self, node: Node, given: tuple[int, ...], largest: bool) -> CalledLayer:
        layer: Any = node.operation
        size, strides = layer.pool_size, layer.strides
        windows = _windows(size, strides, (1,) * len(size), layer.padding == "same", given)
        factors = None
        if not largest:
            along = map(_uncounted, windows, given[:-1], node.shapes[0][:-1])
            factors = functools.reduce(np.multiply.outer, along)
            factors = None if (factors == 1).all() else factors

        def on_crop(x: Any) -> Any:
            x = ops.cast(x, layer.compute_dtype)
            pool = ops.max_pool if largest else ops.average_pool
            return pool(x, size, strides, "valid", "channels_last")

        return self._called(
            node, Kind.WINDOW, windows=windows, on_crop=on_crop, lowest=largest, factors=factors
        )


def _convolved(layer: Any, x: Any, kernels: Sequence[Any], padding: str) -> Any:
    settings = layer.strides, padding, "channels_last", layer.dilation_rate
    if type(layer) in PLAIN:
        return ops.conv(x, kernels[0], *settings)
    if type(layer) is layers.DepthwiseConv2D:
        return ops.depthwise_conv(x, kernels[0], *settings)
    return ops.separable_conv(x, *kernels, *settings)


def _weights(layer: Any, norm: Any) -> tuple[Any, ...]:
    """A convolution's kernels and its bias or None; of one that does what batch norm does too."""
    if type(layer) is layers.SeparableConv2D:
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    else:
        kernels = [layer.kernel]
    kernels = [ops.convert_to_tensor(each) for each in kernels]
    bias = ops.convert_to_tensor(layer.bias) if layer.use_bias else None
    if norm is None:
        return (*kernels, bias)
    scale = ops.rsqrt(ops.convert_to_tensor(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma
    shift = -norm.moving_mean if bias is None else bias - norm.moving_mean
    shift = shift * scale
    if norm.center:
        shift = shift + norm.beta
    depthwise = type(layer) is layers.DepthwiseConv2D
    last = ops.reshape(scale, kernels[-1].shape[2:]) if depthwise else scale
    return (*kernels[:-1], kernels[-1] * last, shift)


def _windows(
    kernel: Sides, strides: Sides, dilation: Sides, same: bool, given: Sides
) -> tuple[Window, ...]:
    axes = zip(kernel, strides, dilation, given[:-1], strict=True)
    return tuple(_window(*axis, same) for axis in axes)


def _window(kernel: int, stride: int, dilation: int, extent: int, same: bool) -> Window:
    window = Window(kernel, stride, dilation)
    if not same:
        return window
    made = -(-extent // stride)
    missing = max(0, (made - 1) * stride + window.reach - extent)
    return Window(kernel, stride, dilation, missing // 2)


def _uncounted(window: Window, extent: int, made: int) -> Any:
    """The kernel's size by how many of its pixels lie in the map, at each place of an axis."""
    starts = np.arange(made) * window.stride - window.before
    seen = np.minimum(starts + window.kernel, extent) - np.maximum(starts, 0)
    return window.kernel / np.maximum(seen, 1)


# What layers of which it depends must be to compute element by element, or pixel by pixel, where
# the channels are an axis of this number.
_POINTWISE_IF: dict[Any, Callable[[Any, int], bool]] = {
    layers.Activation: lambda layer, _: layer.activation in ACTIVATIONS,
    layers.Softmax: lambda layer, last: layer.axis in (-1, last),
    layers.PReLU: lambda layer, last: set(layer.shared_axes or ()) >= set(range(1, last)),
    layers.BatchNormalization: lambda layer, last: layer.axis in (-1, last),
    layers.Rescaling: lambda layer, _: np.ndim(layer.scale) <= 1 and np.ndim(layer.offset) <= 1,
    layers.Normalization: lambda layer, last: layer.axis in ((-1,), (last,), ()),
}


def _pointwise(layer: Any, last: int) -> bool:
    kind = type(layer)
    return kind in POINTWISE or (kind in _POINTWISE_IF and _POINTWISE_IF[kind](layer, last))


def _places(node: Node) -> list[Place]:
    flat = keras.tree.flatten((node.args, node.kwargs))
    return [each for each in flat if isinstance(each, Place)]


def _set(node: Node) -> set[str]:
    """Names of what a layer is told beside its inputs; Keras itself adds some as None."""
    return {name for name, value in node.kwargs.items() if value is not None} - {"training"}


def _placeless(value: Any, axes: int) -> bool:
    """Whether an argument is the same at all places of a map of so many axes."""
    shape = getattr(value, "shape", ())
    sides = shape[-1 - axes : -1]
    return value is None or isinstance(value, str) or all(side == 1 for side in sides)


def _of_channels(node: Node, last: int) -> bool:
    """Whether what is taken of a map are channels, axis `last`, of all its places."""
    if len(node.args) != 2 or node.kwargs or not isinstance(node.args[1], tuple):
        return False
    *places, channels = node.args[1]
    everything = slice(None, None, None)
    whole = places in ([Ellipsis], [everything] * last)
    return whole and isinstance(channels, slice)


def _places_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of a map (height, width, channels), or of a volume's, as the plan knows it."""
    return (shape[-1], *shape[:-1]) if len(shape) in _MAPS else shape
