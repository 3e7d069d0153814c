"""One file a method. A new one is found by being here: nothing else is edited.

A name that starts with an underscore is a part of other files. Other packages add
methods through the entry-point group `tensorboard_picasso.methods`.
"""

import importlib
import inspect
import pkgutil
from importlib import metadata
from typing import Any

from tensorboard_picasso.summary.methods.base import Method

__all__ = ["Method", "installed", "known", "named"]

GROUP = "tensorboard_picasso.methods"


def known() -> dict[str, type[Method]]:
    """The methods of this package by name."""
    methods: dict[str, type[Method]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if _is_method(value) and value.__module__ == module.__name__:
                methods[value.name] = value
    return methods


def installed() -> dict[str, type[Method] | Exception]:
    """All methods by name, those of other packages too; why one cannot be had."""
    methods: dict[str, type[Method] | Exception] = {}
    for name in sorted({*known(), *metadata.entry_points(group=GROUP).names}):
        try:
            methods[name] = named(name)
        except Exception as e:  # whatever another package raises as it is imported
            methods[name] = e
    return methods


def named(name: str) -> type[Method]:
    """A method by its name: one of this package, else one that another has registered.

    Nothing else that is registered is imported.

    Raises:
      ValueError: there is none of that name, or several.
      TypeError: what is registered is no method, or one of another name.
    """
    ours = known()
    if name in ours:
        return ours[name]
    registered = metadata.entry_points(group=GROUP)
    entries = {each.value: each for each in registered if each.name == name}
    if not entries:
        others = sorted({*ours, *registered.names})
        raise ValueError(f"method {name!r} is unknown: pass one of {', '.join(others)}")
    if len(entries) > 1:
        raise ValueError(f"method {name!r} is registered by {' and '.join(sorted(entries))}")
    ((value, entry),) = entries.items()
    method = entry.load()
    if not _is_method(method) or method.name != name:
        raise TypeError(f"method {name!r}: {value} is no method of that name")
    return method  # type: ignore[no-any-return]


def _is_method(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Method) and not inspect.isabstract(value)
