"""One file a format of checkpoints. A new one is found by being here: nothing else is edited.

Each module has a `Format` subclass named `Reader`. A name that starts with an underscore
is a part of other files.
"""

import functools
import importlib
import pkgutil

from tensorboard_picasso.checkpoints.formats.base import Format

__all__ = ["Format", "known"]


@functools.cache
def known() -> tuple[Format, ...]:
    """All formats."""
    readers: list[Format] = []
    for info in pkgutil.iter_modules(__path__):
        if info.name != "base" and not info.name.startswith("_"):
            readers.append(importlib.import_module(f"{__name__}.{info.name}").Reader())
    return tuple(readers)
