"""`tensorboardX.SummaryWriter`, which has TensorBoard's messages as classes of its own."""

import contextlib
import time

from tensorboardX import SummaryWriter
from tensorboardX.proto import event_pb2, summary_pb2

from tensorboard_picasso.summary.writers import _closing, _watched
from tensorboard_picasso.summary.writers.base import Writer

KIND = SummaryWriter


class TensorboardXWriter(Writer):
    """Writes into the writer's own event file."""

    background = True

    def __init__(self, writer: SummaryWriter) -> None:
        self._writer = writer
        _closing.drain_before(writer)
        # A closed one is opened again, as by add_scalar: here, where add_scalar is called too.
        with contextlib.suppress(Exception):  # `write` tells
            _closing.opened(writer, writer.logdir)

    @property
    def owner(self) -> _watched.Watched:
        """See `Writer.owner`."""
        return _watched.of(self._writer)

    @property
    def directory(self) -> str:
        """See `Writer.directory`."""
        return str(self._writer.logdir)

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        file = _closing.opened(self._writer, self._writer.logdir)
        if not hasattr(file, "event_writer"):
            return  # write_to_disk=False
        given = summary_pb2.Summary.FromString(summary)
        # Past its queue: `flush` does not wait for what is in there.
        events = file.event_writer._ev_writer

        def put() -> None:
            events.write_event(event_pb2.Event(step=step, wall_time=time.time(), summary=given))
            events.flush()

        self.owner.write(summary, step, put, events._file_name)


def writer_of(writer: SummaryWriter) -> Writer:
    """See `writers`."""
    return TensorboardXWriter(writer)
