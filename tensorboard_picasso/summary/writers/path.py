"""A log directory, written without importing TensorFlow."""

import os

from tensorboard_picasso.summary.writers._event_files import EventFile
from tensorboard_picasso.summary.writers.base import Writer

KIND = (str, os.PathLike)

# A directory's file in this process; a fork writes its own.
_files: dict[tuple[int, str], EventFile] = {}


class Adapter(Writer):
    """Writes into an event file of its own.

    Of two event files in one directory TensorBoard may follow the newer one only: give
    it a directory of its own, or the writer that already writes there.
    """

    owner: EventFile
    background = True

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        path = os.fsdecode(directory)
        key = os.getpid(), path if "://" in path else os.path.abspath(path)
        if key not in _files or _files[key].lost():
            _files[key] = EventFile(key[1])
        super().__init__(_files[key])

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        self.owner.write(summary, step)
