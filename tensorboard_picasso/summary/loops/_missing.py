"""What a callback derives from where its framework is not installed: read, but not made."""

from typing import Any


def base(framework: str, remedy: str, error: ImportError) -> Any:
    """A class in place of the framework's own, so that `help` and signatures still work.

    Args:
      framework: its name.
      remedy: a command that installs it.
      error: what importing it raised.
    """

    class Missing:
        def __init__(self) -> None:
            raise ImportError(
                f"{type(self).__name__} needs {framework}: {error}; {remedy}"
            ) from error

    return Missing
