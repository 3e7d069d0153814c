"""What is said to the person at the terminal, each thing once."""

import sys
import warnings

_said: set[str] = set()


class PicassoWarning(UserWarning):
    """Something failed or was left out; training goes on."""


def tell(key: str, message: str, said: set[str] | None = None) -> None:
    """Print a notice to stderr, once a key.

    Args:
      key: what it is about.
      message: a line.
      said: the keys said so far; default those of this process.
    """
    if _first(key, said):
        print(f"picasso: {message}", file=sys.stderr, flush=True)


def warn(key: str, message: str, said: set[str] | None = None) -> None:
    """Warn of a failure, once a key; arguments as of `tell`."""
    if _first(key, said):
        warnings.warn(f"picasso: {message}", PicassoWarning, stacklevel=2)


def _first(key: str, said: set[str] | None) -> bool:
    known = _said if said is None else said
    new = key not in known
    known.add(key)
    return new
