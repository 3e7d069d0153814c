"""Keras 3: `.keras` files and `.weights.h5`, on any of its backends."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tensorboard_picasso.checkpoints import CheckpointError
from tensorboard_picasso.checkpoints.formats.base import Format, needed, whole
from tensorboard_picasso.checkpoints.steps import Progress

WHOLE, WEIGHTS = ".keras", ".weights.h5"
# What an optimizer's first variable is.
_ITERATIONS = "optimizer/vars/0"


class Reader(Format):
    """A `.keras` file holds the model too: `--model` may be left out."""

    name: ClassVar[str] = "Keras"

    def found(self, folder: Path, names: Sequence[str]) -> list[str]:
        """See `Format.found`."""
        return [name for name in names if name.endswith((WHOLE, WEIGHTS))]

    def progress(self, path: Path, trusted: bool) -> Progress:
        """The optimizer's count of steps, where the model was saved with it."""
        import h5py

        file: Any = path
        if path.name.endswith(WHOLE):
            with zipfile.ZipFile(path) as archive:
                file = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(file, "r") as weights:
            stored = weights.get(_ITERATIONS)
            # A multi-dimensional one is a moment of an optimizer that does not count.
            step = whole(stored[()]) if stored is not None and stored.shape == () else None
        return Progress(step=step, source="the optimizer's iterations")

    def load(self, path: Path, model: Any, trusted: bool) -> Any:
        """See `Format.load`; a file with Lambda layers must be trusted."""
        import keras

        if model is None and path.name.endswith(WHOLE):
            return keras.models.load_model(path, compile=False, safe_mode=not trusted)
        model = needed(model, path.name)
        if not isinstance(model, keras.Model):
            raise CheckpointError(f"{type(model).__name__} is no Keras model")
        if not model.built:
            raise CheckpointError(f"{type(model).__name__} is not built: call it in --model")
        model.load_weights(path)
        return model
