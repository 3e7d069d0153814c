"""TensorFlow's SavedModel folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tensorboard_picasso.checkpoints.formats.base import Format


class Reader(Format):
    """A folder that holds the model: `--model` is not used."""

    name: ClassVar[str] = "SavedModel"

    def found(self, folder: Path, names: Sequence[str]) -> list[str]:
        """See `Format.found`."""
        return [""] if "saved_model.pb" in names else []

    def files(self, path: Path) -> list[Path]:
        """See `Format.files`."""
        return sorted(each for each in path.rglob("*") if each.is_file())

    def load(self, path: Path, model: Any, trusted: bool) -> Any:
        """See `Format.load`."""
        import tensorflow as tf

        return tf.saved_model.load(str(path))
