"""What is said to the person at the terminal, each thing once."""

import sys
import warnings

_said: set[str] = set()


class PicassoWarning(UserWarning):
    """Something failed or was left out; training goes on."""


def tell(key: str, message: str, said: set[str] = _said) -> None:
    """Print a notice to stderr, once a key.

    Args:
      key: what it is about.
      message: a line.
      said: the keys said so far; default those of this process.
    """
    if key not in said:
        said.add(key)
        print(f"picasso: {message}", file=sys.stderr, flush=True)


def warn(key: str, message: str, said: set[str] = _said) -> None:
    """Warn of a failure, once a key; arguments as of `tell`."""
    if key not in said:
        said.add(key)
        warnings.warn(f"picasso: {message}", PicassoWarning, stacklevel=2)
