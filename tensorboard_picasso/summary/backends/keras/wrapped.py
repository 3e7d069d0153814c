"""PyTorch modules within a Keras model: each runs as its twin, as a module of its own would.

Keras' call of such a layer sets the module's modes, and its weights are the module's own: a
training in another thread would meet the one, and change the other between a pass and its
gradient.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import torch

from tensorboard_picasso.summary.backends.torch.confined import ALONE, Confined, Drawing, eagerly
from tensorboard_picasso.summary.backends.torch.models import evaluating
from tensorboard_picasso.summary.reuse.keras_taps import replaced


class Wrapped:
    """Knows the twins of a model's wrapped modules."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: dict[int, tuple[Any, Confined]] = {}

    @contextmanager
    def confined(self, seed: int | None = None) -> Iterator[None]:
        """For what runs the model statelessly in this thread.

        Args:
          seed: of random numbers that others than the model draw.
        """
        with ExitStack() as stack:
            stack.enter_context(eagerly())
            stack.enter_context(Drawing(seed or 0))
            for layer in self._model._flatten_layers():
                if not isinstance(layer, keras.layers.TorchModuleWrapper):
                    continue
                if type(layer).call is keras.layers.TorchModuleWrapper.call:
                    stack.enter_context(replaced(layer, "call", self._as_twin(layer)))
                else:
                    stack.enter_context(_alone(layer))
            yield

    def _as_twin(self, layer: Any) -> Callable[[Any], Any]:
        module, confined = self._known.get(id(layer), (None, None))
        if confined is None or module is not layer.module:
            confined = Confined(layer.module, type(layer.module).__name__)
            self._known[id(layer)] = layer.module, confined

        def call(*args: Any, training: bool | None = None, **kwargs: Any) -> Any:
            return confined.run(lambda twin: twin(*args, **kwargs))

        return lambda _: call


@contextmanager
def _alone(layer: Any) -> Iterator[None]:
    """For a layer whose call is its own: itself, with no other of ours."""
    # What a hook keeps has no version to compare.
    hooks = torch.autograd.graph.saved_tensors_hooks(_bare, _bare)
    with ALONE, evaluating(layer), hooks:
        yield


def _bare(tensor: Any) -> Any:
    return tensor.data
