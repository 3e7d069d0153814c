"""The base of formats of checkpoints: what one must be able to do."""

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tensorboard_picasso.checkpoints import CheckpointError, LogError
from tensorboard_picasso.checkpoints.steps import Progress


class Format(abc.ABC):
    """Finds and reads checkpoints of one format.

    Attributes:
      name: of the format, for people.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def found(self, folder: Path, names: Sequence[str]) -> list[str]:
        """The names of the checkpoints that lie directly in a folder.

        Called for each folder, of every format, and while `--follow` waits again and again.

        Args:
          folder: where.
          names: of its files and folders.

        Returns:
          Names in the folder, not necessarily of files; "" for the folder itself.
        """

    def files(self, path: Path) -> list[Path]:
        """What a checkpoint consists of: it is whole where none of them changes any more.

        Called as often as `found`, of what that found.
        """
        return [path]

    def progress(self, path: Path, trusted: bool) -> Progress:
        """Where in training a checkpoint stands, by what is stored in it.

        Called where its name tells no step, again where its files have changed.

        Raises:
          Exception: it cannot be read.
        """
        return Progress()

    @abc.abstractmethod
    def load(self, path: Path, model: Any, trusted: bool) -> Any:
        """A model with a checkpoint's weights. Called where its record is made: in a worker, if any.

        Args:
          path: of the checkpoint.
          model: the user's, whose weights are replaced; None where there is none.
          trusted: whether what runs code while it is read may do so.

        Returns:
          The same model, or the one that the checkpoint holds.

        Raises:
          LogError: the format needs a model, and there is none.
          Exception: the checkpoint cannot be read, or is of another model.
        """


def needed(model: Any, name: str) -> Any:
    """The model, of formats that hold weights alone.

    Raises:
      LogError: there is none.
    """
    if model is None:
        raise LogError(f"{name} holds weights alone: pass --model my_module:build")
    return model


def whole(value: Any) -> int | None:
    """A count of steps or epochs as metadata hold it: a number, a tensor, a string of digits."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number >= 0 and number.is_integer() else None


__all__ = ["CheckpointError", "Format", "needed", "whole"]
