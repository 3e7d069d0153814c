"""Models behind their frameworks: one file or folder a framework, found by being here.

Each module has `adapts(model)`, which tells how sure it is that a model is its own without
importing a framework that is not imported yet, and `adapter_of(model, setup)`, which makes an
`Adapter` of it. A name that starts with an underscore is a part of another file.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from tensorboard_picasso.summary.backends._common.backend import Adapted, Backend
from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes, in_batches
from tensorboard_picasso.summary.backends._common.call import PLAIN
from tensorboard_picasso.summary.backends._common.question import Masks
from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Call,
    Claim,
    Setup,
    UnsupportedError,
)

__all__ = ["Backend", "BatchSizes", "Masks", "UnsupportedError", "find", "in_batches", "names"]


def find(
    model: Any, look_behind: bool = True, channels_last: bool = False, call: Call = PLAIN
) -> Backend:
    """The backend for a model, from the model itself.

    Args:
      model: the user's.
      look_behind, channels_last, call: as of `Setup`.

    Raises:
      UnsupportedError: nothing adapts it.
    """
    setup = Setup(look_behind, channels_last, call)
    adapters: list[Adapter] = []
    for module in _claiming(model):
        adapter: Adapter = module.adapter_of(model, setup)
        if call != PLAIN and not adapter.calls:
            raise UnsupportedError(
                f"{adapter.name} models take an image and return scores: wrap what inputs=, pick="
                " or score= say in a function"
            )
        adapters.append(adapter)
    if not adapters:
        raise UnsupportedError(
            f"{type(model).__name__} is no model that can be explained: pass a Keras model, a"
            " tf.Module, a SavedModel, a PyTorch or Flax nnx module, or a function from images to scores"
        )
    return Backend(Adapted(adapters, call))


def names(model: Any) -> list[str]:
    """The names of the frameworks that a model may be of, the surest first."""
    return [module.__name__.rpartition(".")[2] for module in _claiming(model)]


def _claiming(model: Any) -> list[ModuleType]:
    claims: list[tuple[Claim, ModuleType]] = []
    for info in pkgutil.iter_modules(__path__):
        if info.name == "base" or info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        try:
            claim = module.adapts(model)
        except Exception:  # whatever an object says to being looked at; it is another's
            claim = Claim.NO
        if claim is Claim.YES:
            return [module]
        if claim is not Claim.NO:
            claims.append((claim, module))
    return [module for _, module in sorted(claims, key=lambda each: -each[0])]
