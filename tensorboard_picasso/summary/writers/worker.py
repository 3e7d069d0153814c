"""One thread that makes and writes records, in the order in which they were handed over."""

import atexit
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.writers import losses

# So many records wait or are being written at most; the next one's call waits for room.
MOST = 8


class Handed:
    """A record that was handed over.

    Attributes:
      write: makes and writes it; let go of then, with the writer that it holds.
      process: that accepted it.
      done: it was tried.
      error: what that raised.
    """

    def __init__(self, write: Callable[[], object]) -> None:
        self.write: Callable[[], object] | None = write
        self.process = os.getpid()
        self.done = False
        self.error: BaseException | None = None


class _Worker:
    """A queue, and a thread while there is something in it.

    As the thread is no daemon the interpreter's exit waits for it, also in a child of
    `multiprocessing`, which runs no `atexit`; and a fork finds none as a rule.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """With nothing in the queue; what a fork copied of it is written by the older process."""
        # Held while a record is written: no fork copies half of one.
        self.writing = threading.RLock()
        self.changed = threading.Condition()
        self.queue: deque[Handed] = deque()
        self.failed: list[Handed] = []
        self.thread: threading.Thread | None = None

    def add(self, handed: Handed) -> None:
        with self.changed:
            self.changed.wait_for(lambda: len(self.queue) < MOST)
            self.queue.append(handed)
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="picasso")
                try:
                    self.thread.start()
                    return
                except RuntimeError:  # the interpreter ends
                    self.thread = threading.current_thread()
            elif self.thread is not threading.current_thread():
                return
        self._run()

    def _run(self) -> None:
        while True:
            with self.changed:
                if not self.queue:
                    self.thread = None
                    return
                handed = self.queue[0]
            with self.writing:
                try:
                    if handed.write:
                        handed.write()
                except BaseException as e:
                    handed.error = e
                handed.write = None
            with self.changed:
                self.queue.popleft()
                handed.done = True
                if handed.error is not None:
                    self.failed.append(handed)
                self.changed.notify_all()

    def drain(self) -> None:
        if self.thread is not threading.current_thread():  # else a writer that is writing flushes
            with self.changed:
                self.changed.wait_for(lambda: not self.queue)

    def hold(self) -> None:
        self.writing.acquire()

    def let_go(self) -> None:
        self.writing.release()

    def take(self, handed: Handed | None) -> BaseException | None:
        """The error of a record, or of the first one that failed; each once."""
        with self.changed:
            for failure in self.failed:
                if handed in (None, failure):
                    self.failed.remove(failure)
                    return failure.error
        return None


_worker = _Worker()


def hand_over(write: Callable[[], object]) -> Handed:
    """Have a record made and written, after those that were handed over before.

    Waits for room in the queue; where the interpreter ends, the record is written now.

    Args:
      write: makes and writes it. What it raises is raised once, by `settle` or `flush`.
    """
    handed = Handed(write)
    _worker.add(handed)
    return handed


def settle(handed: Handed | None) -> None:
    """Wait for a record.

    Raises:
      Exception: what its writing raised, where nobody was told.
    """
    if handed is not None and handed.process == os.getpid():
        with _worker.changed:
            _worker.changed.wait_for(lambda: handed.done)
        _raise(handed)


def flush() -> None:
    """Wait until all records that were accepted are written.

    Whoever reads a log while its training goes on needs it. The callbacks do it when
    training ends, and so do `flush` and `close` of a `SummaryWriter` that was logged to, and
    the interpreter's exit.

    Raises:
      Exception: in strict mode what a record's writing raised; else that was warned of.
    """
    drain()
    losses.tell_all()
    _raise(None)


def drain() -> None:
    """As `flush`, leaving it to the next call to raise."""
    _worker.drain()


def _raise(handed: Handed | None) -> None:
    error = _worker.take(handed)
    if error is not None:
        raise error


@atexit.register
def _tell_rest() -> None:
    drain()
    losses.tell_all()
    while (error := _worker.take(None)) is not None:
        reason = report.reason(error)
        report.warn(f"at exit {reason}", f"a record could not be written: {reason}")


with contextlib.suppress(AttributeError):  # Windows does not fork
    os.register_at_fork(
        before=_worker.hold, after_in_parent=_worker.let_go, after_in_child=_worker.begin
    )
