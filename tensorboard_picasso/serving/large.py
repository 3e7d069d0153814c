"""Large answers: one is made at a time, as requests come many at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Bytes from which on an answer is large.
LARGE = 32 << 20
_making = threading.Lock()


class _Held(threading.local):
    """What the request that a thread serves holds; None: it serves none."""

    size: int | None = None
    alone: bool = False


_held = _Held()


@contextmanager
def request() -> Iterator[None]:
    """Around all that a request makes."""
    _held.size, _held.alone = 0, False
    try:
        yield
    finally:
        _held.size = None
        if _held.alone:
            _making.release()


def hold(size: int) -> None:
    """Count bytes that a request holds to its end; where these are many, wait for another that does."""
    if _held.size is not None:
        _held.size += size
        reach(0)


def reach(size: int) -> None:
    """The same of bytes that are not counted yet: they are once they are in the answer."""
    if _held.size is not None and _held.size + size > LARGE and not _held.alone:
        _making.acquire()
        _held.alone = True
