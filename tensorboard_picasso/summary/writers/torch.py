"""`torch.utils.tensorboard.SummaryWriter`."""

import sys

from tensorboard.compat.proto import summary_pb2
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso.summary.writers import _closing
from tensorboard_picasso.summary.writers.base import Writer

KIND = SummaryWriter


class Adapter(Writer):
    """Adds whole summaries to the writer's own event file."""

    def __init__(self, writer: SummaryWriter) -> None:
        super().__init__(writer)
        # MLflow's autolog watches `add_event` for scalars, of the thread that began its run.
        mlflow = sys.modules.get("mlflow")
        self.background = mlflow is None or mlflow.active_run() is None
        _closing.drain_before(writer)
        # A closed one is opened again, as by add_scalar: here, where add_scalar is called too.
        writer._get_file_writer()

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        file = self.owner._get_file_writer()
        file.add_summary(summary_pb2.Summary.FromString(summary), step)
        file.flush()
