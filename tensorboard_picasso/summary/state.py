"""What is remembered of a probe between steps, for each writer and scoped name."""

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tensorboard_picasso import record
from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary import output as outputs
from tensorboard_picasso.summary.backends.base import Backend
from tensorboard_picasso.summary.checkpoint import Result
from tensorboard_picasso.summary.probe import Probe
from tensorboard_picasso.summary.targets import Targets

# Backends that a probe keeps: of a model, its moving average, a teacher.
_MAX_BACKENDS = 4


@dataclass
class State:
    """Moves on only with what was written: `commit`.

    output: decided at the first computed call, None before it.
    step: the last one written, with the labels written at it.
    inputs: digest of each image's input record as it was last written.
    said: what the person was told of this probe.
    tracing_seconds: spent so far on what is not repeated.
    """

    targets: list[Targets]
    output: Output | None = None
    step: int | None = None
    labels: set[str] = field(default_factory=set)
    inputs: dict[int, bytes] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    tracing_seconds: float = 0.0

    def fresh_labels(self, step: int, labels: Sequence[str]) -> list[str]:
        """Those of the labels that were not written at this step."""
        written = self.labels if step == self.step else set()
        return [label for label in labels if label not in written]

    def fresh_inputs(self, probe: Probe) -> list[tuple[int, record.Input]]:
        """The input records that are not in the log as they are now."""
        shown = [(index, probe.shown(index)) for index in range(len(probe.images))]
        return [(index, each) for index, each in shown if self.inputs.get(index) != _digest(each)]

    def commit(
        self,
        step: int,
        labels: Sequence[str],
        inputs: Sequence[tuple[int, record.Input]],
        result: Result,
    ) -> None:
        """Remember what was written at a step."""
        if step != self.step:
            self.labels = set()
            for targets, image in zip(self.targets, result.images, strict=True):
                targets.commit(image.choice)
        self.step = step
        self.labels |= set(labels)
        for index, each in inputs:
            self.inputs[index] = _digest(each)


def find(probe: Probe, owner: Any, name: str) -> State:
    """The state of a probe under what owns its log (a writer, a callback) and a scoped name."""
    per_owner = probe.states.setdefault("owners", weakref.WeakKeyDictionary())
    states: dict[str, State] = per_owner.setdefault(owner, {})
    if name not in states:
        targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in probe.images]
        states[name] = State(targets)
    return states[name]


def backend(probe: Probe, model: Any) -> Backend:
    """The backend of a model, the same at every step, so that nothing is traced twice."""
    kept: OrderedDict[tuple[int, bool], tuple[Any, Backend]]
    kept = probe.states.setdefault("backends", OrderedDict())
    look_behind = probe.output in outputs.LOOK_BEHIND
    # The model is kept beside its backend: the id of a live object is its own.
    key = (id(model), look_behind)
    if key not in kept:
        kept[key] = (model, backends.find(model, look_behind))
        while len(kept) > _MAX_BACKENDS:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key][1]


def share_backends(of: Probe, to: Probe) -> None:
    """Let a probe of other images use the backends that one of the same name has."""
    to.states["backends"] = of.states.setdefault("backends", OrderedDict())


def _digest(shown: record.Input) -> bytes:
    return hashlib.blake2b(record.pack_input(shown), digest_size=16).digest()
