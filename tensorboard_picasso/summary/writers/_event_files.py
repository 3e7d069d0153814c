"""Event files without TensorFlow, on whatever TensorBoard's own file system layer opens."""

import contextlib
import errno
import glob
import itertools
import os
import re
import socket
import tempfile
import threading
import time

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.io import gfile

from tensorboard_picasso.stored.frames import framed

_numbers = itertools.count()
_STAMP = re.compile(r"events\.out\.tfevents\.(\d{10})\.")
# What would end a writer that meets it in a thread of its own.
_NO_ROOM = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE
}  # fmt: skip
# What others may write between asking for room and taking it.
_SPARE = 1 << 16


class Held:
    """What files hold: records of which steps."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._steps: tuple[int, int] | None = None

    def add(self, path: str, step: int) -> None:
        """A record was written."""
        if path not in self.paths:
            self.paths.append(path)
        first, last = self._steps or (step, step)
        self._steps = min(first, step), max(last, step)

    def gone(self) -> str:
        """What is to be said where one of the files was removed, else nothing."""
        missing = [path for path in self.paths if not gfile.exists(path)]
        if not (missing and self._steps):
            return ""
        first, last = self._steps
        steps = f"step {first}" if first == last else f"steps {first} to {last}"
        return f"{missing[0]} is gone, and what it held of {steps}: the log begins anew"


class EventFile:
    """The one event file that this process writes in a directory, begun with its first event.

    Attributes:
      path: of the file, "" before it is begun.
      held: what it holds.
    """

    def __init__(self, directory: str) -> None:
        self.path = ""
        self.held = Held()
        self._directory = directory
        self._remote: gfile.GFile | None = None
        self._writing = threading.Lock()

    def write(self, summary: bytes, step: int) -> None:
        """Append one event, so that it survives the process.

        What could not be written wholly is taken back, and the next event begins a new
        file: a TensorBoard that reads on may have seen the half of it.

        Raises:
          Exception: it could not be written.
        """
        given = summary_pb2.Summary.FromString(summary)
        event = event_pb2.Event(step=step, wall_time=time.time(), summary=given)
        append = self._append_remote if "://" in self._directory else self._append
        with self._writing:
            append(framed(event.SerializeToString()))
            self.held.add(self.path, step)

    def _append(self, data: bytes) -> None:
        if self.path:
            path, self.path = self.path, ""
            with contextlib.suppress(OSError):  # a new file tells what is wrong
                _append_whole(path, data, begin=False)
                self.path = path
                return
        os.makedirs(self._directory, exist_ok=True)
        path = os.path.join(self._directory, _name(self._directory))
        _append_whole(path, _first() + data, begin=True)
        self.path = path

    def _append_remote(self, data: bytes) -> None:
        if self._remote is None:
            gfile.makedirs(self._directory)
            system = gfile.get_filesystem(self._directory)
            self.path = system.join(self._directory, _name(""))
            self._remote = gfile.GFile(self.path, "wb")
            data = _first() + data
        try:
            self._remote.write(data)
            self._remote.flush()
        except BaseException:
            self._remote = None
            raise


def check_room(directory: str, data: bytes) -> None:
    """Try whether a file of another library's has room for an event, and leave it alone if not.

    Such a writer spoils its file with the half that fits, and leaves no room to others.

    Raises:
      OSError: there is none.
    """
    try:
        with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
            _write_all(file.fileno(), data + data[:_SPARE].ljust(_SPARE))
    except OSError as e:
        if e.errno in _NO_ROOM:
            e.filename = directory
            raise


def _append_whole(path: str, data: bytes, begin: bool) -> None:
    flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
    # Opened each time: a file that was removed is noticed, and one of NFS tells what it lost.
    descriptor = os.open(path, flags | (os.O_CREAT | os.O_EXCL if begin else 0), 0o666)
    try:
        before = os.fstat(descriptor).st_size
        try:
            _write_all(descriptor, data)
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
            raise
        finally:
            os.close(descriptor)
    except BaseException:
        if begin:
            with contextlib.suppress(OSError):
                os.unlink(path)
        raise


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _name(directory: str) -> str:
    """A name behind those of all event files there: TensorBoard goes through them in that order."""
    stamp = int(time.time())
    for path in glob.iglob(os.path.join(glob.escape(directory), "*tfevents*")) if directory else ():
        stamped = _STAMP.match(os.path.basename(path))
        stamp = max(stamp, int(stamped[1]) + 1) if stamped else stamp
    # The end tells it from files of PyTorch's writer, which has a count of its own.
    parts = [f"{stamp:010d}", socket.gethostname(), str(os.getpid()), str(next(_numbers))]
    return ".".join(["events.out.tfevents", *parts, "picasso"])


def _first() -> bytes:
    """What an event file begins with."""
    event = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    return framed(event.SerializeToString())
