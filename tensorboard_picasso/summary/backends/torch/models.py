"""Models of PyTorch: how its modules are unwrapped and run without a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tensorboard_picasso.summary.backends.base import Array, Function, UnsupportedError


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
        for tensor in tensors:
            if tensor.dtype in kinds:
                return tensor.device, tensor.dtype
    return torch.device("cpu"), torch.float32


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
