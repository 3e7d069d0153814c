"""The models in JAX, with the weights that PyTorch's have, and their bare passes."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp
from torch import nn

from benchmarks.occlusion import torch_models
from benchmarks.occlusion.cases import Array, Case
from benchmarks.occlusion.contenders import Contender, Scores

Step = Callable[[Any, Any], Any]
# How a bare pass may be compiled.
KINDS = ("jit",)
ON_GPU = ()
_KINDS = ("NHWC", "HWIO", "NHWC")


def build(name: str, calibration: np.ndarray) -> Any:
    """A function of images (n, h, w, c), with its weights bound."""
    held: list[Any] = []
    step = _step(torch_models.build(name, calibration), held)
    return functools.partial(step, held)


def placed(model: Any, device: str) -> Any:
    """A model with its weights on a device."""
    (there, *_) = jax.devices("gpu" if device == "cuda" else device)
    return functools.partial(model.func, jax.device_put(*model.args, there))


def forward(model: Any) -> Callable[[Array], Scores]:
    """Scores of a batch (n, h, w, c)."""
    compiled = jax.jit(model.func)
    return lambda x: np.asarray(compiled(*model.args, x))


def bare(model: Any, kind: str) -> Callable[[Array], Callable[[], Scores]]:
    """See `contenders.bare`."""
    compiled = jax.jit(model.func)

    def scored(batch: Array) -> Callable[[], Scores]:
        x = jax.device_put(batch, next(iter(model.args[0][0].devices())))
        return lambda: np.asarray(compiled(*model.args, x))

    return scored


def tools(case: Case, model: Any, image: Array) -> Iterator[list[Contender]]:
    """There is none of this framework alone."""
    yield from ()


def _step(module: nn.Module, held: list[Any]) -> Step:
    """What a module does to a batch; its weights are appended to those that are held."""
    if isinstance(module, nn.Sequential):
        return _after_another([_step(each, held) for each in module])
    if isinstance(module, torch_models._Residual):
        body, shortcut, end = (
            _step(each, held) for each in (module.body, module.shortcut, module.end)
        )
        return lambda given, x: end(given, body(given, x) + shortcut(given, x))
    return _layer(module, held)


def _layer(module: Any, held: list[Any]) -> Step:
    """What one layer does."""
    at = len(held)
    if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
        held += _weights(module)
    if isinstance(module, nn.Conv2d):
        stride, (down, across), groups = module.stride, module.padding, module.groups
        return lambda given, x: (
            given[at + 1]
            + lax.conv_general_dilated(
                x,
                given[at],
                stride,
                [(down, down), (across, across)],
                dimension_numbers=_KINDS,
                feature_group_count=groups,
            )
        )
    if isinstance(module, nn.Linear):
        return lambda given, x: x @ given[at] + given[at + 1]
    if isinstance(module, nn.BatchNorm2d):
        return lambda given, x: x * given[at] + given[at + 1]
    if isinstance(module, nn.MaxPool2d):
        side, step, border = module.kernel_size, module.stride, module.padding
        pads = [(0, 0), (border, border), (border, border), (0, 0)]
        return lambda given, x: lax.reduce_window(
            x, -jnp.inf, lax.max, (1, side, side, 1), (1, step, step, 1), pads
        )
    steps: dict[type, Step] = {
        nn.ReLU: lambda given, x: jnp.maximum(x, 0),
        nn.ReLU6: lambda given, x: jnp.clip(x, 0, 6),
        nn.Identity: lambda given, x: x,
        nn.AdaptiveAvgPool2d: lambda given, x: x.mean((1, 2), keepdims=True),
        # In PyTorch's order.
        nn.Flatten: lambda given, x: jnp.moveaxis(x, -1, 1).reshape(len(x), -1),
    }
    return steps[type(module)]


def _after_another(steps: list[Step]) -> Step:
    def all_steps(given: Any, x: Any) -> Any:
        for each in steps:
            x = each(given, x)
        return x

    return all_steps


def _weights(module: Any) -> list[Any]:
    """Kernel and bias, or scale and shift, as JAX takes them."""
    if isinstance(module, nn.BatchNorm2d):
        held = (module.weight, module.bias, module.running_mean, module.running_var)
        weight, bias, mean, variance = (each.detach().numpy() for each in held)
        scale = weight / np.sqrt(variance + module.eps)
        return [scale, bias - mean * scale]
    kernel = module.weight.detach().numpy()
    kernel = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel.T
    count = kernel.shape[-1]
    bias = np.zeros(count, np.float32) if module.bias is None else module.bias.detach().numpy()
    return [np.ascontiguousarray(kernel), bias]
