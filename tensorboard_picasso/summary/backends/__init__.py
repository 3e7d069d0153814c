"""One file a framework. A new one is found by being here: nothing else is edited.

Each module has `adapts(model)`, which tells how sure it is that a model is its own
without importing a framework that is not imported yet, and a `Backend` subclass named
`Adapter`. A name that starts with an underscore is a part of another file.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from tensorboard_picasso.summary.backends._common.attempts import Attempts
from tensorboard_picasso.summary.backends.base import Backend, Call, Claim, UnsupportedError

PLAIN = Call()


def find(
    model: Any, look_behind: bool = True, channels_last: bool = False, call: Call = PLAIN
) -> Backend:
    """The backend for a model, from the model itself.

    Args:
      model: the user's.
      look_behind: whether to take the scores before a final softmax or sigmoid.
      channels_last, call: as `Backend` has them.

    Raises:
      UnsupportedError: no backend adapts it.
    """
    adapters: list[Backend] = []
    for module in _claiming(model):
        adapter: Backend = module.Adapter(model, look_behind)
        if call != PLAIN and not adapter.calls:
            raise UnsupportedError(
                f"{adapter.name} models take an image and return scores: wrap what inputs=, pick="
                " or score= say in a function"
            )
        adapter.channels_last = channels_last
        adapters.append(adapter)
    if not adapters:
        raise UnsupportedError(
            f"{type(model).__name__} is no model that can be explained: pass a Keras model, a"
            " tf.Module, a SavedModel, a PyTorch or Flax nnx module, or a function from images to scores"
        )
    found = adapters[0] if len(adapters) == 1 else Attempts(adapters)
    found.call = call
    return found


def names(model: Any) -> list[str]:
    """The names of the backends that may adapt a model, the surest first."""
    return [module.Adapter.name for module in _claiming(model)]


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
