"""Registries: what is found by standing in a folder, a file each, and what other packages register."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any


def known(package: str, path: Iterable[str], base: type[Any]) -> dict[str, Any]:
    """The classes of a kind that are made in a package's modules, by their `name`.

    Args:
      package: its name. path: where its modules are, `__path__`.
      base: what they derive from.
    """
    classes: dict[str, Any] = {}
    for info in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{info.name}")
        for value in vars(module).values():
            if _is_a(value, base) and value.__module__ == module.__name__:
                classes[value.name] = value
    return classes


def named(name: str, ours: Mapping[str, Any], group: str, what: str, base: type[Any]) -> Any:
    """A class by its name: one of ours, else one that another package has registered.

    Nothing else that is registered is imported.

    Args:
      name: that is asked for. ours: as of `known`.
      group: of entry points. what: it is called in errors. base: what it derives from.

    Raises:
      ValueError: there is none of that name, or several.
      TypeError: what is registered is none, or one of another name.
    """
    if name in ours:
        return ours[name]
    registered = metadata.entry_points(group=group)
    entries = {entry.value: entry for entry in registered if entry.name == name}
    if not entries:
        others = sorted({*ours, *registered.names})
        raise ValueError(f"{what} {name!r} is unknown: pass one of {', '.join(others)}")
    if len(entries) > 1:
        raise ValueError(f"{what} {name!r} is registered by {' and '.join(sorted(entries))}")
    ((value, entry),) = entries.items()
    loaded = entry.load()
    if not _is_a(loaded, base) or loaded.name != name:
        raise TypeError(f"{what} {name!r}: {value} is no {what} of that name")
    return loaded


def _is_a(value: Any, base: type[Any]) -> bool:
    return isinstance(value, type) and issubclass(value, base) and not inspect.isabstract(value)
