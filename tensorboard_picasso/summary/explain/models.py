"""Models that were explained on a probe, each behind its backend, so that none is traced twice."""

from collections import OrderedDict
from typing import Any

from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.kit import content
from tensorboard_picasso.summary.kit.locks import Lock
from tensorboard_picasso.summary.probe import outputs
from tensorboard_picasso.summary.probe.probe import Probe

# So many are kept: of a model, its moving average, a teacher.
_MOST = 4

_Kept = OrderedDict[Any, tuple[Any, Backend]]

# Held while a backend is looked up, or made.
_finding = Lock()


def backend(probe: Probe, model: Any) -> Backend:
    """The backend of a model, the same at every step."""
    call = probe.task.call
    look_behind = probe.output in outputs.LOOK_BEHIND and call.score is None
    # The model is kept beside its backend: the id of a live object is its own.
    key = (id(model), look_behind, probe.gives_channels_last, content.key(call))
    with _finding:
        kept = _of(probe)
        # A fork copied what another thread was about to change there.
        if key not in kept or kept[key][1].lock.torn:
            kept[key] = (model, backends.find(model, *key[1:3], call))
            while len(kept) > _MOST:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key][1]


def share(probe: Probe, other: Probe) -> None:
    """Let a probe that was just made find the models that were explained on another."""
    with _finding:
        probe.kept[__name__] = _of(other)


def _of(probe: Probe) -> _Kept:
    kept: _Kept = probe.kept.setdefault(__name__, OrderedDict())
    return kept
