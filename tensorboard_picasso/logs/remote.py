"""Log directories that are not on this machine, through the file layer of TensorBoard itself."""

import posixpath
import tempfile
from pathlib import Path

from tensorboard.compat.tensorflow_stub.io import gfile

from tensorboard_picasso.logs.errors import ExportError

CHUNK = 16 << 20
INSTALL = "pip install boto3 for s3://, gcsfs for gs://, or the fsspec package of your storage"


def is_remote(name: str) -> bool:
    """Whether a name is a URL, such as s3://bucket/logs, and no path."""
    return "://" in name


class Remote:
    """The event files of a directory; those that are read are copied to this machine first."""

    def __init__(self, logdir: str) -> None:
        """Find what reads it.

        Raises:
          ExportError: nothing does, or there is no such directory.
        """
        self._logdir = logdir.rstrip("/")
        try:
            self._system = gfile.get_filesystem(logdir)
        except (ValueError, ImportError) as e:  # fsspec lacks a package
            scheme = logdir.partition("://")[0]
            raise ExportError(
                f"{logdir}: nothing here reads {scheme}:// ({INSTALL}), or copy it to this machine"
            ) from e
        try:
            there = gfile.isdir(self._logdir)
        except Exception as e:  # of whatever package reads it
            raise ExportError(f"{logdir}: {_reason(e)}") from e
        if not there:
            raise ExportError(f"no directory {logdir}: give that which tensorboard --logdir shows")
        self._copies = tempfile.TemporaryDirectory(prefix="picasso-")
        self._count = 0

    def run_files(self) -> dict[str, list[str]]:
        """Event files of each run, in the order of their names.

        Raises:
          ExportError: the directory cannot be listed.
        """
        by_run = {}
        try:
            for folder, _, names in gfile.walk(self._logdir):
                # Object stores list folders with a slash behind them.
                files = sorted(
                    self._system.join(folder, name) for name in names if "tfevents" in name
                )
                if files:
                    run = posixpath.relpath(folder.rstrip("/"), self._logdir)
                    by_run[run] = files
        except Exception as e:
            raise ExportError(f"{self._logdir}: {_reason(e)}") from e
        return dict(sorted(by_run.items()))

    def copy(self, name: str) -> Path:
        """A copy of a file, for as long as this lives.

        Raises:
          ExportError: it cannot be read.
        """
        self._count += 1
        path = Path(self._copies.name) / str(self._count)
        try:
            with path.open("wb") as file:
                data, place = self._system.read(name, binary_mode=True, size=CHUNK)
                while data:
                    file.write(data)
                    if len(data) < CHUNK:
                        break
                    data, place = self._system.read(
                        name, binary_mode=True, size=CHUNK, continue_from=place
                    )
        except Exception as e:
            raise ExportError(f"{name}: {_reason(e)}") from e
        return path


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
