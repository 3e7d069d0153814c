"""One file a framework. A new one is found by being here: nothing else is edited.

Each module has `adapts(model)`, which decides without importing a framework
that is not imported yet, and a `Backend` subclass named `Adapter`. A name that
starts with an underscore is a part of another file.
"""

import importlib
import pkgutil
from typing import Any

from tensorboard_picasso.summary.backends.base import Backend, UnsupportedError


def find(model: Any, look_behind: bool = True) -> Backend:
    """The backend for a model, from the model itself.

    Args:
      model: the user's.
      look_behind: whether to take the scores before a final softmax or sigmoid.

    Raises:
      UnsupportedError: no backend adapts it.
    """
    for info in pkgutil.iter_modules(__path__):
        if info.name == "base" or info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        if module.adapts(model):
            adapter: Backend = module.Adapter(model, look_behind)
            return adapter
    raise UnsupportedError(
        f"{type(model).__name__} is no model that can be explained: pass a Keras model,"
        " a tf.Module, a SavedModel or a TensorFlow function"
    )
