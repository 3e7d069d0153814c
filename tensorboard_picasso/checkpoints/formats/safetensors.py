"""safetensors files of PyTorch modules."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tensorboard_picasso.checkpoints.formats import _torch_states as states
from tensorboard_picasso.checkpoints.formats.base import Format, needed, whole
from tensorboard_picasso.checkpoints.steps import Progress

ENDING = ".safetensors"
# One part of a model that is spread over files.
_PART = re.compile(r"-\d+-of-\d+\.safetensors$")
# What the trainer of `transformers` keeps in a checkpoint's folder.
_TRAINER = "trainer_state.json"


class Reader(Format):
    """Tensors by name; read by the library `safetensors`."""

    name: ClassVar[str] = "safetensors"

    def found(self, folder: Path, names: Sequence[str]) -> list[str]:
        """See `Format.found`; models spread over several files are not read."""
        return [name for name in names if name.endswith(ENDING) and not _PART.search(name)]

    def progress(self, path: Path, trusted: bool) -> Progress:
        """The file's own metadata, else those of the trainer beside it."""
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            held: dict[str, Any] = file.metadata() or {}
        source, beside = "metadata", path.with_name(_TRAINER)
        if not {"step", "global_step", "epoch"} & held.keys() and beside.is_file():
            held, source = json.loads(beside.read_text()), _TRAINER
        step = whole(held.get("global_step", held.get("step")))
        name = "epoch" if step is None else "global_step" if "global_step" in held else "step"
        return Progress(step, whole(held.get("epoch")), source=f'"{name}" in {source}')

    def load(self, path: Path, model: Any, trusted: bool) -> Any:
        """See `Format.load`."""
        model = needed(model, path.name)
        from safetensors.torch import load_file

        states.load(model, load_file(path))
        return model
