"""How PyTorch's modules are unwrapped, run without a trace and looked into."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends.base import (
    Array,
    Function,
    Layer,
    UnsupportedError,
    attends,
    scripted,
)


def unwrapped(model: Any) -> Any:
    """The user's own module: not the one that compiles it, nor that which spreads its batches."""
    return [*_unwrapping(model)][-1]


def leads(model: Any) -> bool:
    """Whether this process is the one that logs a module.

    Of the processes that train copies of it in DistributedDataParallel only the first is.
    """
    import torch

    parallel = torch.nn.parallel.DistributedDataParallel
    groups = [each.process_group for each in _unwrapping(model) if isinstance(each, parallel)]
    return all(torch.distributed.get_rank(group) == 0 for group in groups)


def _unwrapping(model: Any) -> Iterator[Any]:
    import torch

    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while True:
        yield model
        if isinstance(model, parallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), torch.nn.Module):
            model = inner
        else:
            return


def check_initialized(model: Any) -> None:
    """Refuse a model that running it would initialize.

    Raises:
      UnsupportedError: it is one.
    """
    import torch

    if any(map(torch.nn.parameter.is_lazy, [*model.parameters(), *model.buffers()])):
        raise UnsupportedError(
            f"{type(model).__name__} has lazy layers that are not initialized: call it on a batch"
            " first"
        )


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Set a module itself to evaluation mode for a while.

    Modes are set one by one, past `eval()` and `train()`: modules may override them, to
    freeze a part or to merge weights, and would not come back to where they were.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def recording() -> Iterator[None]:
    """Record gradients, whatever is off around it."""
    import torch

    with torch.inference_mode(False), torch.enable_grad():
        yield


def home(model: Any) -> tuple[Any, Any]:
    """Device and floating dtype of a module's first weights; else the processor and float32."""
    import torch

    kinds = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    for tensors in (model.parameters(), model.buffers()):
        for each in tensors:
            if each.dtype in kinds:
                return each.device, each.dtype
    return torch.device("cpu"), torch.float32


def layer_named(model: Any, name: str) -> Any:
    """A module by its dotted name, as `named_modules()` has it.

    Raises:
      UnsupportedError: there is none of that name, or it takes no hooks.
    """
    import torch

    layers = dict(model.named_modules())
    if isinstance(layers.get(name, model), torch.jit.ScriptModule):
        raise scripted(f"layer {name!r}")
    if name in layers:
        return layers[name]
    # The last ones see most of the image, and are the ones that are asked for.
    some = ", ".join(repr(each) for each in list(layers)[-8:] if each)
    raise UnsupportedError(f"no layer {name!r}: the model ends in {some}")


@contextmanager
def calls(model: Any, count: int) -> Iterator[list[Layer]]:
    """Collect the calls of a model's layers as they end, for a batch of so many inputs.

    Raises:
      UnsupportedError: TorchScript has compiled all of them.
    """
    import torch

    found: list[Layer] = []
    # What TorchScript has compiled takes no hooks.
    layers = {
        name: module
        for name, module in model.named_modules()
        if name and not isinstance(module, torch.jit.ScriptModule)
    }
    attentions = {
        name
        for name, module in layers.items()
        if attends(name.rpartition(".")[2], type(module).__name__)
    }

    def noting(name: str, module: Any) -> Any:
        parts = name.split(".")
        inside = any(".".join(parts[:end]) in attentions for end in range(1, len(parts) + 1))

        def note(_: Any, __: Any, output: Any) -> None:
            shape = getattr(output, "shape", None)
            row = tuple(shape[1:]) if shape and shape[0] == count else None
            channels, images = _kind(module, row or ())
            found.append(Layer(name, row, channels, images, inside))

        return note

    hooks = [module.register_forward_hook(noting(name, module)) for name, module in layers.items()]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
    if not found and any(isinstance(each, torch.jit.ScriptModule) for each in model.modules()):
        raise scripted(type(model).__name__)


def _kind(module: Any, row: tuple[int, ...]) -> tuple[str, bool]:
    """Where a module's kind puts the channels of an output, and whether it makes images."""
    from torch import nn

    # Norms of layers are derived from for channels that come first: the numbers tell.
    sides: tuple[int, ...] = getattr(module, "normalized_shape", ())
    if len(sides) == 1 and len(row) > 1:
        places = [each for each, at in (("first", 0), ("last", -1)) if row[at] == sides[0]]
        if type(module) is nn.LayerNorm or len(places) == 1:
            return places[-1] if places else "", False
    if isinstance(module, nn.Linear):
        return "last", False
    kinds = (
        nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.Upsample,
        nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd,
        nn.modules.pooling._AdaptiveMaxPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd,
    )  # fmt: skip
    return ("first", len(row) == 3) if isinstance(module, kinds) else ("", False)


@dataclass(frozen=True)
class End:
    """What may be a model's last layer.

    given, output: tensors of its last call. activation: what the scores before it are,
    None where its own output is logits. place: see `_place`, as the layer left it.
    """

    given: Any
    output: Any
    activation: Output | None
    place: tuple[int, int] | None

    def made(self, output: Any) -> bool:
        """Whether it made an output as it is, or but for axes of length one, as `squeeze` takes."""
        place = _place(output)
        if place is None:
            return output is self.output
        kinds = [(each.dtype, each.requires_grad, _sides(each)) for each in (output, self.output)]
        return place == self.place and kinds[0] == kinds[1]


def _place(tensor: Any) -> tuple[int, int] | None:
    """Where its numbers lie, and how often they were changed in place; None where nobody tells."""
    try:
        at, version = tensor.data_ptr(), tensor._version
    except RuntimeError:  # of inference mode, or of a batch that `vmap` goes through
        return None
    return (at, version) if at else None


def _sides(tensor: Any) -> list[tuple[int, int]]:
    """Lengths and strides of the axes that are longer than one."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    return [(length, step) for length, step in pairs if length != 1]


@contextmanager
def ends(model: Any) -> Iterator[list[End]]:
    """Collect the calls of layers that say what scores are, the last one first."""
    import torch

    layers = {
        torch.nn.Softmax: Output.LOGITS,
        torch.nn.Sigmoid: Output.SIGMOID,
        torch.nn.LogSoftmax: None,
        torch.nn.Linear: None,
    }
    last: list[End] = []

    def note(module: Any, given: Any, output: Any) -> None:
        over_classes = getattr(module, "dim", None) in (None, 1, -1)
        # Of scores that lost an axis before it, only a sigmoid is one of each.
        ranks = (1, 2, 4) if type(module) is torch.nn.Sigmoid else (2, 4)
        if given and over_classes and getattr(output, "ndim", 0) in ranks:
            last.insert(0, End(given[0], output, layers[type(module)], _place(output)))

    hooks = [
        module.register_forward_hook(note) for module in model.modules() if type(module) in layers
    ]
    try:
        yield last
    finally:
        for hook in hooks:
            hook.remove()


def scored(model: Any, raw: Function, score: Function, slope: Function) -> Any:
    """A module that holds a model and returns one score of it, (n,).

    Args:
      model: its part, for tools that put hooks on what a module holds.
      raw: from a batch to raw scores (n, classes).
      score, slope: (n,) of them, and its derivative by them, in NumPy.
    """
    import torch

    class Score(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, values: Any) -> Any:
            context.save_for_backward(values)
            return torch.from_numpy(np.asarray(score(array(values)))).to(values)

        @staticmethod
        def backward(context: Any, *weights: Any) -> Any:
            (values,) = context.saved_tensors
            slopes = torch.from_numpy(np.asarray(slope(array(values)))).to(values)
            return slopes * weights[0].reshape(-1, *[1] * (slopes.ndim - 1))

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, batch: Any) -> Any:
            return Score.apply(raw(batch))

    # Not `eval()`, which modules override.
    whole = Scored()
    whole.training = False
    return whole


def array(tensor: Any) -> Array:
    """A tensor as float32 or float64, of its own; other precisions are widened."""
    import torch

    tensor = tensor.detach().cpu()
    wide = tensor.dtype in (torch.float32, torch.float64)
    result: Array = np.array((tensor if wide else tensor.float()).numpy())
    return result
