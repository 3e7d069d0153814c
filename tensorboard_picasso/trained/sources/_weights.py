"""Weights from a file, in whichever format `checkpoints` reads."""

from pathlib import Path
from typing import Any

from tensorboard_picasso.checkpoints import formats
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.sources.base import short


def read(model: Any, file: Path) -> Any:
    """A model with a file's weights; code in the file is not run.

    Raises:
      ModelError: it cannot be read, or is of another model.
    """
    for reader in formats.known():
        if reader.found(file.parent, [file.name]) == [file.name]:
            try:
                return reader.load(file, model, trusted=False)
            except Exception as e:
                reason = str(e) if isinstance(e, ValueError) else short(e)
                raise ModelError(f"--weights {file}: {reason}") from e
    raise ModelError(
        f"--weights {file}: its name ends as that of no format: name it .pt, .pth, .safetensors,"
        " .keras or .weights.h5"
    )
