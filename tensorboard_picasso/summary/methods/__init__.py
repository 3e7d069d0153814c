"""One file a method. A new one is found by being here: nothing else is edited.

A name that starts with an underscore is a part of other files. Other packages add
methods through the entry-point group `tensorboard_picasso.methods`.
"""

from importlib import metadata

from tensorboard_picasso.summary.kit import registry
from tensorboard_picasso.summary.methods.base import Method

__all__ = ["Method", "installed", "known", "named"]

GROUP = "tensorboard_picasso.methods"


def known() -> dict[str, type[Method]]:
    """The methods of this package by name."""
    return registry.known(__name__, __path__, Method)


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
    method: type[Method] = registry.named(name, known(), GROUP, "method", Method)
    return method
