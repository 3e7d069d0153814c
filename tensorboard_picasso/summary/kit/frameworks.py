"""Which framework a thing comes from, told without importing any."""

import sys
from typing import Any


def packages(thing: Any) -> list[str]:
    """The top packages of the classes that a thing's type derives from, its own first."""
    return [base.__module__.partition(".")[0] for base in type(thing).__mro__[:-1]]


def is_a(thing: Any, package: str, *names: str) -> bool:
    """Whether a thing is an instance of a class of an imported framework.

    Args:
      thing: anything.
      package: the framework's; where it is not imported, nothing is of its classes.
      names: dotted, of the classes within the package.
    """
    framework = sys.modules.get(package)
    if framework is None or package not in packages(thing):
        return False
    for name in names:
        kind: Any = framework
        for part in name.split("."):
            kind = getattr(kind, part, None)
        if isinstance(kind, type) and isinstance(thing, kind):
            return True
    return False
