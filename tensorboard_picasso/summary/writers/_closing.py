"""Writers of others, flushed and closed by who made them, who then takes the log for complete."""

import functools
import os
import weakref
from collections.abc import Callable
from typing import Any

from tensorboard_picasso.summary.writers import _event_files, losses, worker


def drain_before(writer: Any) -> None:
    """Have `flush` and `close` of a writer wait for what was handed to the worker."""
    for name in ("flush", "close"):
        if name not in vars(writer):
            setattr(writer, name, _draining(getattr(writer, name), closes=name == "close"))


def opened(writer: Any, directory: Any) -> Any:
    """What writes the file of a `SummaryWriter`.

    One that was closed is opened again, as by `add_scalar`, where the disk has room for it.

    Raises:
      Exception: it has none; what opening a file raises.
    """
    if writer.file_writer is None and "://" not in str(directory):
        _event_files.check_room(os.fspath(directory), b"")
    return writer._get_file_writer()


def _draining(method: Callable[..., Any], closes: bool) -> Callable[..., Any]:
    # Weakly: a writer that held itself would stay open longer than without us.
    weak = weakref.WeakMethod(method)

    @functools.wraps(method)
    def after(*args: Any, **kwargs: Any) -> Any:
        worker.drain()
        if closes:
            losses.tell_all()
        bound = weak()
        return bound(*args, **kwargs) if bound else None

    del after.__wrapped__  # it holds the writer
    return after
