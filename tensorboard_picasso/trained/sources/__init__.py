"""One file a framework that keeps trained models. A new one is found by being here.

Each module has a `Source` subclass named `Models`. A name that starts with an underscore is a
part of other files.
"""

import functools
import importlib
import pkgutil

from tensorboard_picasso.trained.sources.base import Source, Trained

__all__ = ["Source", "Trained", "find", "names"]

_PARTS = ("base", "own")


@functools.cache
def names() -> tuple[str, ...]:
    """What may stand before the colon of `--model`."""
    modules = (each.name for each in pkgutil.iter_modules(__path__))
    return tuple(each for each in modules if each not in _PARTS and not each.startswith("_"))


def find(name: str) -> Source:
    """The source of that name; of "", models of one's own."""
    made: Source = importlib.import_module(f"{__name__}.{name or 'own'}").Models()
    return made
