"""What arrives at the normalizing layers of a PyTorch module."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tensorboard_picasso.summary.backends._common.arrival import Arrival, fitted
from tensorboard_picasso.summary.backends.torch.models import array


@contextmanager
def arriving(model: Any, over: bool) -> Iterator[list[Arrival] | None]:
    """Collect what arrives at layers that normalize by what they hold of a training.

    Args:
      model: the layers'.
      over: whether that training is over, see `fitted`.

    Those are known by their buffers: batch norm, also a frozen one.

    Yields:
      What has arrived so far, in order; None where the model has no such layer.
    """
    arrived: list[Arrival] = []

    def noting(name: str) -> Any:
        def note(layer: Any, given: Any) -> None:
            held = array(layer.running_mean), array(layer.running_var)
            arrived.append(Arrival.of(name, *held, array(given[0]), (1,)))

        return note

    layers = [(name or type(each).__name__, each) for name, each in model.named_modules()]
    hooks = [
        layer.register_forward_pre_hook(noting(name))
        for name, layer in layers
        if _fitted(layer, over)
    ]
    try:
        yield arrived if hooks else None
    finally:
        for hook in hooks:
            hook.remove()


def _fitted(layer: Any, over: bool) -> bool:
    import torch

    mean, variance = (getattr(layer, name, None) for name in ("running_mean", "running_var"))
    if not (isinstance(mean, torch.Tensor) and isinstance(variance, torch.Tensor)):
        return False
    if isinstance(layer, torch.jit.ScriptModule):
        return False  # it takes no hooks
    tracked, momentum = getattr(layer, "num_batches_tracked", None), getattr(layer, "momentum", 0)
    left = None if momentum is None else 1 - float(momentum)
    updates: int | None = 0 if tracked is None else int(tracked)
    if isinstance(layer, torch.nn.modules.instancenorm._InstanceNorm):
        updates = None  # which it does not count
    return fitted(array(mean), array(variance), left, updates, over)
