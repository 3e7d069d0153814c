"""Event files without TensorFlow, on whatever TensorBoard's own file system layer opens."""

import itertools
import os
import socket
import struct
import time

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.io import gfile

try:
    from google_crc32c import value as crc32c
except ImportError:  # TensorBoard's is pure Python: 8 MB/s, and nothing else runs meanwhile
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c

_numbers = itertools.count()


class EventFile:
    """The one event file that this process writes in a directory, begun with its first event."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._path = ""
        self._file: gfile.GFile | None = None

    def lost(self) -> bool:
        """Whether the file was removed, as in a notebook that trains once more."""
        return self._file is not None and not gfile.exists(self._path)

    def write(self, summary: bytes, step: int) -> None:
        """Append one event, so that it survives the process.

        Raises:
          Exception: it could not be written; the next one begins a new file, as nothing
            is read that stands behind half an event.
        """
        now = time.time()
        given = summary_pb2.Summary.FromString(summary)
        events = [event_pb2.Event(step=step, wall_time=now, summary=given)]
        if self._file is None:
            gfile.makedirs(self._directory)
            system = gfile.get_filesystem(self._directory)
            self._path = system.join(self._directory, _name(now))
            self._file = gfile.GFile(self._path, "wb")
            events.insert(0, event_pb2.Event(wall_time=now, file_version="brain.Event:2"))
        try:
            self._file.write(b"".join(_framed(each.SerializeToString()) for each in events))
            self._file.flush()
        except BaseException:
            self._file = None
            raise


def _name(now: float) -> str:
    # TensorBoard goes through a directory's files in the order of their names.
    parts = [f"{int(now):010d}", socket.gethostname(), str(os.getpid()), str(next(_numbers))]
    return ".".join(["events.out.tfevents", *parts])


def _framed(data: bytes) -> bytes:
    """One record of an event file: length, data and the masked CRC-32C of each."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    checksum = crc32c(data)
    turned = (checksum >> 15 | checksum << 17) + 0xA282EAD8
    return struct.pack("<I", turned & 0xFFFFFFFF)
