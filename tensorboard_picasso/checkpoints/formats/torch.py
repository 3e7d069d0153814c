"""PyTorch: `.pt`, `.pth` and Lightning's `.ckpt`, read with `weights_only` unless trusted."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tensorboard_picasso.checkpoints import CheckpointError
from tensorboard_picasso.checkpoints.formats import _torch_states as states
from tensorboard_picasso.checkpoints.formats.base import Format, needed, whole
from tensorboard_picasso.checkpoints.steps import Progress

ENDINGS = (".pt", ".pth", ".ckpt")
# What trainers keep beside their checkpoints.
_OTHERS = ("optimizer", "scheduler", "scaler", "rng_state")
_STATES = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "module",
    "weights",
)
_STEPS = ("global_step", "step", "iteration", "iter")


class Reader(Format):
    """A state dict, alone or within a dictionary; or, where trusted, a whole module."""

    name: ClassVar[str] = "PyTorch"

    def found(self, folder: Path, names: Sequence[str]) -> list[str]:
        """See `Format.found`."""
        return [n for n in names if n.endswith(ENDINGS) and not n.startswith(_OTHERS)]

    def progress(self, path: Path, trusted: bool) -> Progress:
        """What stands beside the state: Lightning's and others' names for steps and epochs."""
        held = _read(path, trusted)
        if not isinstance(held, Mapping):
            return Progress()
        steps = {name: whole(held[name]) for name in _STEPS if name in held}
        for name, step in steps.items():
            if step is not None:
                return Progress(step, whole(held.get("epoch")), source=f'"{name}" in the file')
        return Progress(epoch=whole(held.get("epoch")), source='"epoch" in the file')

    def load(self, path: Path, model: Any, trusted: bool) -> Any:
        """See `Format.load`."""
        import torch

        held = _read(path, trusted)
        if isinstance(held, torch.nn.Module):
            if model is None:
                return held
            held = held.state_dict()
        model = needed(model, path.name)
        states.load(model, _state(held))
        return model


def _read(path: Path, trusted: bool) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=not trusted)
    except pickle.UnpicklingError as e:
        if trusted:
            raise
        # PyTorch's own text names the class in its second paragraph, after advice in Python.
        raise CheckpointError(
            f"it cannot be read as weights alone ({_unsupported(str(e))});"
            " --trust-pickle reads it, and runs whatever code is in it"
        ) from e


def _unsupported(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "WeightsUnpickler error" in line]
    said = lines[0].partition("WeightsUnpickler error:")[2].strip() if lines else text
    return said.partition(". Please use")[0].partition(" was not an allowed global")[0][:120]


def _state(held: Any) -> Mapping[str, Any]:
    """The state dict in what a file holds.

    Raises:
      CheckpointError: there is none.
    """
    if isinstance(held, Mapping):
        for name in _STATES:
            if states.is_state(held.get(name)):
                state: Mapping[str, Any] = held[name]
                return state
        if states.is_state(held):
            return held
    what = f"a dictionary of {', '.join(map(str, held))}" if isinstance(held, Mapping) else ""
    raise CheckpointError(f"it holds {what or type(held).__name__}, and no state dict")
