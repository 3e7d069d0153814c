"""Locks that no child of a fork finds held by a thread that it does not have."""

import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from functools import cached_property
from types import TracebackType
from typing import Any


class BusyError(RuntimeError):
    """Another thread has what is asked for, and this one may not wait."""


class _Here(threading.local):
    """Seconds that this thread may wait; -1: as long as it takes."""

    seconds = -1.0


_here = _Here()


@contextlib.contextmanager
def impatient(seconds: float) -> Iterator[None]:
    """Wait no longer for a lock in this thread, which others need to get on.

    Raises:
      BusyError: it was not free by then.
    """
    before, _here.seconds = _here.seconds, seconds
    try:
        yield
    finally:
        _here.seconds = before


class Lock:
    """A lock that the thread which holds it may take again.

    Attributes:
      torn: another thread held it when this process was forked, and what it guards may be half
        done here.
    """

    def __init__(self) -> None:
        self.torn = False
        self._lock = threading.RLock()
        _made.add(self)

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_here.seconds):
            raise BusyError("another thread's call is under way")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Open it in a child, where the thread that held it was left behind."""
        if self._lock._is_owned():  # type: ignore[attr-defined]
            return  # by the one that forked, which goes on here too
        held = not self._lock.acquire(blocking=False)
        if not held:
            self._lock.release()
        self.torn = self.torn or held
        self._lock = threading.RLock()


_made: weakref.WeakSet[Lock] = weakref.WeakSet()


def _renew() -> None:
    for lock in list(_made):
        lock.renew()
    for cached in _cached():
        if hasattr(cached, "lock"):  # up to Python 3.11 all instances of a class share one
            cached.lock = threading.RLock()


def _cached() -> Iterator[Any]:
    """The cached properties of this package's classes."""
    # Copies are made at once; of a list's making, what is collected meanwhile may import.
    for name, module in sys.modules.copy().items():
        if name.startswith("tensorboard_picasso."):
            kinds = [each for each in vars(module).copy().values() if isinstance(each, type)]
            for kind in kinds:
                properties = vars(kind).copy().values()
                yield from (each for each in properties if isinstance(each, cached_property))


with contextlib.suppress(AttributeError):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew)
