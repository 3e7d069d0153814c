"""`torch.utils.tensorboard.SummaryWriter`."""

import contextlib
import sys

from tensorboard.compat.proto import summary_pb2
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso.summary.writers import _closing, _watched
from tensorboard_picasso.summary.writers.base import Writer

KIND = SummaryWriter


class TorchWriter(Writer):
    """Adds whole summaries to the writer's own event file."""

    def __init__(self, writer: SummaryWriter) -> None:
        self._writer = writer
        # MLflow's autolog watches `add_event` for scalars, of the thread that began its run.
        mlflow = sys.modules.get("mlflow")
        self.background = mlflow is None or mlflow.active_run() is None
        _closing.drain_before(writer)
        # A closed one is opened again, as by add_scalar: here, where add_scalar is called too.
        with contextlib.suppress(Exception):  # `write` tells
            _closing.opened(writer, writer.log_dir)

    @property
    def owner(self) -> _watched.Watched:
        """See `Writer.owner`."""
        return _watched.of(self._writer)

    @property
    def directory(self) -> str:
        """See `Writer.directory`."""
        return str(self._writer.log_dir)

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        file = _closing.opened(self._writer, self._writer.log_dir)
        events = file.event_writer

        def put() -> None:
            thread = events._async_writer._worker
            # In a fork there is none, and `flush` would wait for it forever.
            if thread.exception is not None or not thread.is_alive():
                raise _watched.EndedError(str(thread.exception or "its thread is gone"))
            file.add_summary(summary_pb2.Summary.FromString(summary), step)
            file.flush()

        self.owner.write(summary, step, put, events._file_name)


def writer_of(writer: SummaryWriter) -> Writer:
    """See `writers`."""
    return TorchWriter(writer)
