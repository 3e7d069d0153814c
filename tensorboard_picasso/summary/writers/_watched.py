"""Writers of other libraries, which may lose what they were given without a word.

What one of them was given is read back from its event file. Where that is beyond mending,
as nothing is read behind half an event, records go on in a file of ours beside it.
"""

import contextlib
import os
import re
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2

from tensorboard_picasso.stored.frames import TAIL, DamagedError, frames, whole_data
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.writers import _event_files
from tensorboard_picasso.summary.writers._event_files import EventFile, Held

_OPEN = re.compile(r"(.*/[^/]*tfevents[^/]*?)(?: \(deleted\))?")
# Clocks of other libraries may be rounded; a record before this one is further away.
_ROUNDING = 1e-5


class EndedError(Exception):
    """A writer takes nothing any more."""


class Watched:
    """The log of one writer of another library.

    Attributes:
      path: the file that the last record went to, "" where it is not known.
      held: what the files hold of ours.
    """

    def __init__(self, known: str = "") -> None:
        self.path = ""
        self.held = Held()
        self.known = known
        self._own = EventFile("")
        self._spoiled = self._why = ""
        # Up to where each file was found whole.
        self._ends: dict[str, int] = {}
        self._writing = threading.RLock()

    def write(self, summary: bytes, step: int, put: Callable[[], None], path: str = "") -> None:
        """Have the other writer write and flush one event, and see that it did.

        Args:
          summary: a serialized `Summary`.
          step: of the event.
          put: writes and flushes it.
          path: that writer's event file; "" finds it among those that the process has open.

        Raises:
          Exception: it was not written.
        """
        with self._writing:
            mine = path or self.known
            if mine and mine == self._spoiled:
                self._write_beside(summary, step)
                return
            # Each with what tells its size, also once it was removed.
            opened = {mine: mine} if mine else _open_files()
            files = [] if any("://" in each for each in opened) else list(opened)
            if len(files) == 1:
                _event_files.check_room(os.path.dirname(files[0]), summary)
            before = {each: _size(opened[each]) for each in files}
            began, error = time.time() - _ROUNDING, None
            try:
                put()
            except Exception as e:
                error = e
            try:
                held = [each for each in files if self._holds(each, summary, step, began)]
            except OSError:  # as where no file can be opened any more: it cannot be known
                held = files = []
            if held:
                self.known = self.path = held[0]
                self.held.add(self.path, step)
            elif files:
                grown = [each for each in files if _size(opened[each]) != before[each]]
                self._lost(files if len(files) == 1 else grown, error)
                self._write_beside(summary, step)
            elif error is not None:
                raise error

    def _holds(self, path: str, summary: bytes, step: int, began: float) -> bool:
        """Whether an event that was written since then can be read.

        Raises:
          OSError: that cannot be known.
        """
        try:
            file = open(path, "rb")  # noqa: SIM115
        except (FileNotFoundError, NotADirectoryError):
            return False
        with file:
            size = os.fstat(file.fileno()).st_size
            with contextlib.suppress(DamagedError):
                for begin, end in frames(file, size, self._ends.get(path, 0)):
                    self._ends[path] = end + TAIL
                    if end - begin < len(summary):
                        continue
                    data = whole_data(file, begin, end, summary)
                    if data is not None and _is(data, summary, step, began):
                        return True
        return False

    def _lost(self, files: list[str], error: Exception | None) -> None:
        """An event is not there: either its file can take the next one, or it is spoiled.

        Raises:
          Exception: in the first case.
        """
        if len(files) != 1:
            raise error or OSError("it is in none of the event files that are open")
        (self.known,) = (path,) = files
        size = _size(path)
        ended = isinstance(error, EndedError)
        if size == self._ends.get(path, 0) and not ended:
            raise error or OSError(f"nothing was written to {path}")
        if size < 0:
            self._why = "is gone"
        elif size != self._ends.get(path, 0):
            self._why = "ends in half an event, behind which nothing is read"
        else:
            self._why = f"is not written any more ({error})"
        self._spoiled, self._own = path, EventFile(os.path.dirname(path))

    def _write_beside(self, summary: bytes, step: int) -> None:
        self._own.write(summary, step)
        self.path = self._own.path
        self.held.add(self.path, step)
        report.warn(
            f"spoiled {self._spoiled}",
            f"{self._spoiled} {self._why}: maps go on in {self.path}, from step {step} on; what"
            " else is logged with that writer is lost until it is closed and another one opened",
        )


_watched: weakref.WeakKeyDictionary[Any, Watched] = weakref.WeakKeyDictionary()


def of(writer: Any) -> Watched:
    """The log of a writer; another one where its file was removed.

    In a fork it is that of the older process, which alone may go on with it.
    """
    watched = _watched.setdefault(writer, Watched())
    gone = watched.held.gone()
    if gone:
        watched = _watched[writer] = Watched(watched.known)
        report.tell(gone, gone)
    return watched


def _is(data: bytes, summary: bytes, step: int, began: float) -> bool:
    """Whether an event is one of ours: another library may write its fields in its own order."""
    event = event_pb2.Event.FromString(data)
    if event.step != step or event.wall_time < began:
        return False
    given = summary_pb2.Summary.FromString(summary).value
    return [each.tag for each in event.summary.value] == [each.tag for each in given]


def _size(path: str) -> int:
    """Bytes of a file, -1 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def directory(log: Watched) -> str | None:
    """Where the files of a log are, None where that is not known."""
    files = [log.known] if log.known else list(_open_files())
    return os.path.dirname(files[0]) if len(files) == 1 else None


def _open_files() -> dict[str, str]:
    """The event files that this process has open, also those that were removed; on Linux.

    Returns:
      Their paths, each with a link to the open file.
    """
    links = {}
    try:
        for name in os.listdir("/proc/self/fd"):
            link = f"/proc/self/fd/{name}"
            try:
                path = _OPEN.fullmatch(os.readlink(link))
            except OSError:  # closed meanwhile
                continue
            if path:
                links[path[1]] = link
    except OSError:
        return {}
    return links
