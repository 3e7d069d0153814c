"""Layers of PyTorch's modules: how they are found and listened to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tensorboard_picasso.summary.backends.base import Layer, UnsupportedError, attends, scripted


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

    noted: list[Layer] = []
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
            noted.append(Layer(name, row, channels, images, inside))

        return note

    hooks = [module.register_forward_hook(noting(name, module)) for name, module in layers.items()]
    try:
        yield noted
    finally:
        for hook in hooks:
            hook.remove()
    if not noted and any(isinstance(each, torch.jit.ScriptModule) for each in model.modules()):
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
    return ("first", len(row) in (3, 4)) if isinstance(module, kinds) else ("", False)
