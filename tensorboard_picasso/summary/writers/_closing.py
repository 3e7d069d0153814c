"""Writers of others, flushed and closed by who made them, who then takes the log for complete."""

import functools
import weakref
from collections.abc import Callable
from typing import Any

from tensorboard_picasso.summary import worker


def drain_before(writer: Any) -> None:
    """Have `flush` and `close` of a writer wait for what was handed to the worker."""
    for name in ("flush", "close"):
        if name not in vars(writer):
            setattr(writer, name, _draining(getattr(writer, name)))


def _draining(method: Callable[..., Any]) -> Callable[..., Any]:
    # Weakly: a writer that held itself would stay open longer than without us.
    found = weakref.WeakMethod(method)

    @functools.wraps(method)
    def after(*args: Any, **kwargs: Any) -> Any:
        worker.drain()
        bound = found()
        return bound(*args, **kwargs) if bound else None

    del after.__wrapped__  # it holds the writer
    return after
