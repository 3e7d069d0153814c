"""Ends of PyTorch's modules: the last layer, where it tells what scores are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tensorboard_picasso.numbers.maps import Output


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
