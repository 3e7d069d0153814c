"""One file a method. A new one is found by being here: nothing else is edited.

A name that starts with an underscore is a part of other files.
"""

import importlib
import inspect
import pkgutil
from typing import Any

from tensorboard_picasso.summary.methods.base import Method

__all__ = ["Method", "known"]


def known() -> dict[str, type[Method]]:
    """All methods by name."""
    found: dict[str, type[Method]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for each in vars(module).values():
            if _is_method(each) and each.__module__ == module.__name__:
                found[each.name] = each
    return found


def _is_method(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Method) and not inspect.isabstract(value)
