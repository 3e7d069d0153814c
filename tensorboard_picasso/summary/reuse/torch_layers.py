"""What PyTorch's calls do with places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import fx, nn

from tensorboard_picasso.summary.reuse.plan import Kind, Layer
from tensorboard_picasso.summary.reuse.rects import Window
from tensorboard_picasso.summary.reuse.torch_trace import Trace

Sides = tuple[int, ...]

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU,
    nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Hardsigmoid, nn.Softplus, nn.Softsign,
    nn.Hardshrink, nn.Softshrink, nn.Tanhshrink, nn.LogSigmoid, nn.Threshold, nn.Softmax2d,
    nn.LocalResponseNorm, nn.BatchNorm2d, nn.BatchNorm3d, nn.Identity, nn.Dropout, nn.Dropout2d,
    nn.Dropout3d, nn.AlphaDropout,
)  # fmt: skip
# Element by element, of one tensor or of several and numbers; as functions or methods.
ELEMENTWISE = {
    "relu", "relu_", "relu6", "hardtanh", "leaky_relu", "elu", "selu", "celu", "gelu", "silu",
    "mish", "sigmoid", "sigmoid_", "tanh", "tanh_", "hardswish", "hardsigmoid", "softplus",
    "softsign", "logsigmoid", "threshold", "abs", "neg", "exp", "sqrt", "rsqrt", "square", "pow",
    "clamp", "clamp_", "clip", "add", "add_", "sub", "mul", "mul_", "div", "truediv", "iadd",
    "isub", "imul", "itruediv", "subtract", "multiply", "divide", "maximum", "minimum",
    "contiguous", "clone", "detach", "float",
}  # fmt: skip
# By their names and modules; each takes inplace=.
OVERWRITING: dict[Any, Callable[..., Any]] = {
    "relu": F.relu, nn.ReLU: F.relu, "relu6": F.relu6, nn.ReLU6: F.relu6,
    "silu": F.silu, nn.SiLU: F.silu, "hardswish": F.hardswish, nn.Hardswish: F.hardswish,
}  # fmt: skip
# Weights that a convolution has for a number of its input, at most, where batch norm is folded.
_LIGHT = 8
CONCATENATE = (torch.cat, torch.concat, torch.concatenate)


@dataclass(frozen=True)
class CalledModule:
    """A layer, and how PyTorch computes it.

    Attributes:
      layer: as the plan knows it.
      node: of the trace.
      whole: of its inputs' values, and its kernel, its output.
      kernel: of a convolution its weight and bias, of its inputs' values, read anew.
      on_crop: of WINDOW, of an input with its padding in it, and of its kernel.
      lowest: the padding is the lowest number, not zero.
      taps: multiply-adds of one number of its output. weights: as the layer's.
      factor: array (height, width), of volumes (depth, height, width), that `on_crop`'s output is
        multiplied by at its place.
    """

    layer: Layer
    node: fx.Node
    whole: Callable[..., Any]
    kernel: Callable[[Callable[[fx.Node], Any]], tuple[Any, Any]] | None = None
    on_crop: Callable[..., Any] | None = None
    lowest: bool = False
    taps: int = 0
    weights: int = 0
    factor: Any = None


class Reader:
    """Reads nodes one after the other, while the unoccluded images are computed.

    called: the layers so far. index: of each node among them.
    """

    def __init__(self, trace: Trace, fold: bool) -> None:
        self._trace = trace
        self._fold = fold
        self._folded: set[fx.Node] = set()
        self.called: list[CalledModule] = []
        self.index: dict[fx.Node, int] = {}

    def read(self, node: fx.Node, values: dict[fx.Node, Any]) -> CalledModule:
        """How a node is called, knowing the values of what it takes."""
        called = self._read(node, values)
        self.index[node] = len(self.called)
        self.called.append(called)
        return called

    def _read(self, node: fx.Node, values: dict[fx.Node, Any]) -> CalledModule:
        trace = self._trace
        if node is trace.input:
            return self._called(node, Kind.INPUT)
        inputs = [self._kind(each) for each in node.all_input_nodes]
        if all(kind is Kind.CONSTANT for kind in inputs):
            return self._called(node, Kind.CONSTANT)
        if _reads_shape(node) or all(kind in (Kind.CONSTANT, Kind.SHAPE) for kind in inputs):
            return self._called(node, Kind.SHAPE)
        if node in self._folded:
            (before,) = node.all_input_nodes[:1]
            return self._called(node, Kind.PIXEL, whole=lambda value: value(before))
        module = self._trace.module(node) if node.op == "call_module" else None
        before = node.all_input_nodes[0]
        overwrite = OVERWRITING.get(type(module) if module else _name(node))
        if overwrite and _is_map(values[before]) and trace.single(before):
            # Nobody else reads what it takes: no memory is asked for.
            return self._called(
                node, Kind.PIXEL, whole=lambda value: overwrite(value(before), inplace=True)
            )
        called = self._with_map(node, values)
        if called is None and isinstance(module, nn.Linear):
            weights = module.weight.numel()
            called = self._called(node, Kind.OTHER, taps=module.in_features, weights=weights)
        return called or self._called(node, Kind.OTHER)

    def _called(self, node: fx.Node, kind: Kind, whole: Any = None, **known: Any) -> CalledModule:
        options = {key: known.pop(key) for key in ("windows", "before") if key in known}
        inputs = tuple(self.index[each] for each in node.all_input_nodes)
        layer = Layer(node.name, kind, inputs, **options)
        trace = self._trace
        return CalledModule(layer, node, whole or (lambda value: trace.call(node, value)), **known)

    def _with_map(self, node: fx.Node, values: dict[fx.Node, Any]) -> CalledModule | None:
        """None where it is not known what a call does with places."""
        first = node.args[0] if node.args else None
        if isinstance(first, list | tuple):
            return self._concatenated(node, first, values)
        if node.op == "call_module":
            known = isinstance(first, fx.Node) and _is_map(values[first])
            return self._module(node, values[first]) if known else None
        if _name(node) in ELEMENTWISE:
            return self._elementwise(node, values)
        if not isinstance(first, fx.Node) or not _is_map(values[first]):
            return None
        return self._function(node, values)

    def _module(self, node: fx.Node, given: Any) -> CalledModule | None:
        module: Any = self._trace.module(node)
        kind, name = type(module), _plain(type(module), _axes(given))
        if name in ("MaxPool", "AvgPool"):
            return self._pool(node, name == "MaxPool", vars(module), given)
        if name == "AdaptiveAvgPool":
            return self._adaptive(node, module.output_size, given)
        if name in ("ZeroPad", "ConstantPad"):
            return self._padded(node, module.padding, _axes(given))
        if name == "Conv":
            return self._convolution(node, module, given)
        # Without running statistics they are the batch's, of all places.
        pointwise = kind in ACTIVATIONS and getattr(module, "running_mean", True) is not None
        return self._called(node, Kind.PIXEL) if pointwise else None

    def _function(self, node: fx.Node, values: dict[fx.Node, Any]) -> CalledModule | None:
        given = values[node.args[0]]
        name = _name(node).removesuffix(f"{_axes(given)}d")
        bound = _bound(node, _SETTINGS.get(name, {}))
        others = node.all_input_nodes[1:]
        if bound is None or any(self._kind(each) is not Kind.CONSTANT for each in others):
            return None
        if name == "conv":
            return self._convolution_of(node, bound, values)
        if name in ("max_pool", "avg_pool"):
            return self._pool(node, name == "max_pool", bound, given)
        if name == "adaptive_avg_pool":
            return self._adaptive(node, bound["output_size"], given)
        if name == "pad" and bound["mode"] == "constant":
            return self._padded(node, bound["pad"], _axes(given))
        kind = None
        if name == "mean" and bound["dtype"] is None and _all_places(bound["dim"], given.ndim):
            kind = Kind.MEAN
        elif name == "dropout" and not bound["training"]:
            kind = Kind.PIXEL
        return self._called(node, kind) if kind else None

    def _kind(self, node: fx.Node) -> Kind:
        return self.called[self.index[node]].layer.kind

    def _elementwise(self, node: fx.Node, values: dict[fx.Node, Any]) -> CalledModule | None:
        """Of maps of one size, and of what is the same at all places."""
        sizes: set[Sides] = set()
        constants: list[Sides] = []
        for source in node.all_input_nodes:
            value = values[source]
            if self._kind(source) is Kind.CONSTANT:
                constants.append(tuple(value.shape) if isinstance(value, torch.Tensor) else ())
            elif self._kind(source) is not Kind.SHAPE and _is_map(value):
                sizes.add(tuple(value.shape[2:]))
            else:
                return None
        if len(sizes) != 1:
            return None
        axes = len(sizes.pop())
        alike = all(side == 1 for each in constants for side in each[-axes:])
        return self._called(node, Kind.PIXEL) if alike else None

    def _concatenated(
        self, node: fx.Node, parts: Sequence[Any], values: dict[fx.Node, Any]
    ) -> CalledModule | None:
        if node.target not in CONCATENATE or not all(isinstance(each, fx.Node) for each in parts):
            return None
        dim = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
        changing = all(
            self._kind(part) not in (Kind.CONSTANT, Kind.SHAPE)
            and _is_map(values[part])
            and dim in (1, 1 - values[part].ndim)
            for part in parts
        )
        return self._called(node, Kind.PIXEL) if changing else None

    def _convolution(self, node: fx.Node, module: Any, given: Any) -> CalledModule | None:
        if module.padding_mode != "zeros":
            return None
        follower = next(iter(node.users)) if len(node.users) == 1 else None
        called = follower is not None and follower.op == "call_module"
        norm: Any = self._trace.module(follower) if called else None
        # Of a small map batch norm is next to nothing, and folded weights are a copy.
        light = module.weight.numel() <= _LIGHT * given[0].numel()
        fits = _plain(type(norm), _axes(given)) == "BatchNorm" and norm.running_mean is not None
        folded = self._fold and light and fits
        if folded:
            self._folded.add(follower)

        def kernel(value: Any) -> tuple[Any, Any]:
            own = module.weight, module.bias
            return _folded(*own, norm) if folded else own

        # For F.pad: the last axis first.
        pad = module._reversed_padding_repeated_twice
        rest = module.stride, pad, module.dilation, module.groups
        return self._convolved(node, kernel, module.weight, *rest)

    def _convolution_of(
        self, node: fx.Node, bound: dict[str, Any], values: dict[fx.Node, Any]
    ) -> CalledModule | None:
        if isinstance(bound["padding"], str):
            return None
        sides = _sides(bound["padding"], _axes(values[node.args[0]]))
        given = bound["weight"], bound["bias"]

        def kernel(value: Any) -> tuple[Any, Any]:
            weight, bias = (value(each) if isinstance(each, fx.Node) else each for each in given)
            return weight, bias

        pad = [side for each in reversed(sides) for side in (each, each)]
        rest = bound["stride"], pad, bound["dilation"], bound["groups"]
        return self._convolved(node, kernel, kernel(values.__getitem__)[0], *rest)

    def _convolved(
        self,
        node: fx.Node,
        kernel: Callable[[Any], tuple[Any, Any]],
        like: Any,
        stride: Any,
        pad: Any,
        dilation: Any,
        groups: int,
    ) -> CalledModule:
        axes = _axes(like)
        before, after = tuple(pad[-2::-2]), tuple(pad[::-2])
        stride, dilation = _sides(stride, axes), _sides(dilation, axes)
        given, convolution = node.args[0], getattr(F, f"conv{axes}d")

        def on_crop(x: Any, weight: Any, bias: Any) -> Any:
            return convolution(x, weight, bias, stride, 0, dilation, groups)

        def whole(value: Any, weight: Any, bias: Any) -> Any:
            x = value(given)
            if before == after:
                return convolution(x, weight, bias, stride, before, dilation, groups)
            return on_crop(F.pad(x, pad), weight, bias)

        windows = tuple(map(Window, like.shape[2:], stride, dilation, before))
        counted = {"taps": like[0].numel(), "weights": like.numel(), "kernel": kernel}
        if all(each.single for each in windows):
            return self._called(node, Kind.PIXEL, whole=whole, **counted)
        return self._called(
            node,
            Kind.WINDOW,
            whole=whole,
            windows=windows,
            on_crop=on_crop,
            **counted,
        )

    def _pool(self, node: fx.Node, largest: bool, bound: Any, given: Any) -> CalledModule | None:
        axes = _axes(given)
        kernel = _sides(bound["kernel_size"], axes)
        stride = _sides(bound["stride"] or kernel, axes)
        padding = _sides(bound["padding"], axes)
        dilation = _sides(bound.get("dilation", 1), axes)
        if bound.get("return_indices"):
            return None
        windows = tuple(map(Window, kernel, stride, dilation, padding))
        trace = self._trace
        size = trace.call(node, lambda _: given[:1, :1]).shape[2:]
        after = tuple(
            max(0, (out - 1) * window.stride + window.reach - window.before - extent)
            for out, window, extent in zip(size, windows, given.shape[2:], strict=True)
        )

        pool = getattr(F, f"{'max' if largest else 'avg'}_pool{axes}d")
        rest = (0, dilation) if largest else ()

        def on_crop(x: Any) -> Any:
            return pool(x, kernel, stride, *rest)

        factor = None
        if not largest:
            ones = torch.ones_like(given[:1, :1])
            pairs = zip(reversed(padding), reversed(after), strict=True)
            border = [side for pair in pairs for side in pair]
            whole = on_crop(F.pad(ones, border))[..., *map(slice, size)]
            factor = (trace.call(node, lambda _: ones) / whole)[0, 0]
            factor = None if bool((factor == 1).all()) else _numbers(factor)
        return self._called(
            node,
            Kind.WINDOW,
            windows=windows,
            on_crop=on_crop,
            lowest=largest,
            factor=factor,
        )

    def _adaptive(self, node: fx.Node, size: Any, given: Any) -> CalledModule | None:
        extents = tuple(given.shape[2:])
        sides = [
            extent if side is None else side
            for side, extent in zip(_sides(size, len(extents)), extents, strict=True)
        ]
        if all(side == 1 for side in sides):
            return self._called(node, Kind.MEAN)
        if any(extent % side for side, extent in zip(sides, extents, strict=True)):
            return None
        kernel = tuple(extent // side for side, extent in zip(sides, extents, strict=True))
        if all(each == 1 for each in kernel):
            # Of a part of the map the call itself would make a whole one.
            first = node.args[0]
            return self._called(node, Kind.PIXEL, whole=lambda value: value(first))
        windows = tuple(Window(each, each) for each in kernel)
        pool = getattr(F, f"avg_pool{len(extents)}d")
        return self._called(node, Kind.WINDOW, windows=windows, on_crop=lambda x: pool(x, kernel))

    def _padded(self, node: fx.Node, pad: Any, axes: int) -> CalledModule | None:
        pad = list(pad) + [0] * (2 * axes - len(pad))
        if len(pad) != 2 * axes or min(pad) < 0:
            return None
        return self._called(node, Kind.PAD, before=tuple(pad[-2::-2]))


# Arguments of functions and methods, without the number of axes behind their names, in their
# order, with their defaults.
_SETTINGS: dict[str, dict[str, Any]] = {
    "conv": {
        "input": None, "weight": None, "bias": None, "stride": 1, "padding": 0, "dilation": 1,
        "groups": 1,
    },
    "max_pool": {
        "input": None, "kernel_size": None, "stride": None, "padding": 0, "dilation": 1,
        "ceil_mode": False, "return_indices": False,
    },
    "avg_pool": {
        "input": None, "kernel_size": None, "stride": None, "padding": 0, "ceil_mode": False,
        "count_include_pad": True, "divisor_override": None,
    },
    "adaptive_avg_pool": {"input": None, "output_size": None},
    "mean": {"input": None, "dim": None, "keepdim": False, "dtype": None},
    "pad": {"input": None, "pad": None, "mode": "constant", "value": None},
    "dropout": {"input": None, "p": 0.5, "training": True, "inplace": False},
}  # fmt: skip


# Those that tell no name of theirs.
_UNNAMED = {F.max_pool2d: "max_pool2d", F.max_pool3d: "max_pool3d"}


def _all_places(dim: Any, ndim: int) -> bool:
    """Whether it names height and width, of a volume depth too, no more and no less."""
    named = isinstance(dim, list | tuple) and sorted(each % ndim for each in dim)
    return named == [*range(2, ndim)]


def _bound(node: fx.Node, defaults: dict[str, Any]) -> dict[str, Any] | None:
    """A call's arguments by name."""
    if len(node.args) > len(defaults) or set(node.kwargs) - set(defaults):
        return None
    return {**defaults, **dict(zip(defaults, node.args, strict=False)), **node.kwargs}


def _name(node: fx.Node) -> str:
    """Of a function of PyTorch's or of `operator`, or of a method."""
    if node.op == "call_method":
        return str(node.target)
    if node.op != "call_function":
        return ""
    if node.target in _UNNAMED:
        return _UNNAMED[node.target]
    name: str = getattr(node.target, "__name__", "")
    home = (getattr(node.target, "__module__", None) or "").partition(".")[0]
    # PyTorch's own built-in functions name no module.
    ours = home in ("torch", "_operator") or getattr(torch, name, None) is node.target
    return name if ours else ""


def _reads_shape(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in ("size", "dim")
    named = ("shape", "dtype", "device", "ndim")
    return node.target is getattr and node.args[1] in named


def _is_map(value: Any) -> bool:
    """Of images (n, channels, height, width), or of volumes (n, channels, depth, height, width)."""
    return isinstance(value, torch.Tensor) and value.ndim in (4, 5)


def _axes(value: Any) -> int:
    """How many axes of a map, or a kernel, have places."""
    return int(value.ndim) - 2


def _plain(kind: type, axes: int) -> str:
    """One of PyTorch's layers for maps of so many axes, without their number; "" of any other."""
    name = kind.__name__.removesuffix(f"{axes}d")
    return name if getattr(nn, f"{name}{axes}d", None) is kind else ""


def _sides(value: Any, axes: int) -> Sides:
    """What was told once for all axes, or of each."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values * axes if len(values) == 1 else values


def _numbers(values: Any) -> Any:
    """In NumPy, in float32 at least; not all devices have float64."""
    return (values if values.dtype is torch.float64 else values.float()).cpu().numpy()


def _folded(weight: Any, bias: Any, norm: Any) -> tuple[Any, Any]:
    """A convolution's weight and bias that do what batch norm does after it."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight
    shift = -norm.running_mean if bias is None else bias - norm.running_mean
    shift = shift * scale
    if norm.bias is not None:
        shift = shift + norm.bias
    return weight * scale.reshape(-1, *(1,) * (weight.ndim - 1)), shift
