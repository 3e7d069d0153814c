"""`torch.utils.tensorboard.SummaryWriter`."""

from tensorboard.compat.proto import summary_pb2
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso.summary.writers.base import Writer

KIND = SummaryWriter


class Adapter(Writer):
    """Adds whole summaries to the writer's own event file."""

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        file = self.owner._get_file_writer()  # opened again where it was closed, as by add_scalar
        file.add_summary(summary_pb2.Summary.FromString(summary), step)
        file.flush()
