"""A log directory, written without importing TensorFlow."""

import os

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.writers._event_files import EventFile
from tensorboard_picasso.summary.writers.base import Writer

KIND = (str, os.PathLike)

# A directory's file in this process; a fork writes its own.
_files: dict[tuple[int, str], EventFile] = {}


class DirectoryWriter(Writer):
    """Writes into an event file of its own.

    Of two event files in one directory TensorBoard may follow the newer one only: give
    it a directory of its own, or the writer that already writes there.
    """

    background = True

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        path = os.fsdecode(directory)
        self._directory = path if "://" in path else os.path.abspath(path)

    @property
    def directory(self) -> str:
        """See `Writer.directory`."""
        return self._directory

    @property
    def owner(self) -> EventFile:
        """See `Writer.owner`."""
        key = os.getpid(), self._directory
        gone = _files[key].held.gone() if key in _files else ""
        if gone:
            report.tell(gone, gone)
        if gone or key not in _files:
            _files[key] = EventFile(self._directory)
        return _files[key]

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        self.owner.write(summary, step)


def writer_of(writer: str | os.PathLike[str]) -> Writer:
    """See `writers`."""
    return DirectoryWriter(writer)
