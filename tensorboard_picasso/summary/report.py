"""What is said to the person at the terminal, each thing once."""

import sys
import warnings

_said: set[str] = set()


class PicassoWarning(UserWarning):
    """Something failed or was left out; training goes on."""


def tell(key: str, message: str) -> None:
    """Print a notice to stderr, once a key."""
    if key not in _said:
        _said.add(key)
        print(f"picasso: {message}", file=sys.stderr, flush=True)


def warn(key: str, message: str) -> None:
    """Warn of a failure, once a key."""
    if key not in _said:
        _said.add(key)
        warnings.warn(f"picasso: {message}", PicassoWarning, stacklevel=2)
