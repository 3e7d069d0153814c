"""What is remembered of a probe between steps, for each writer and scoped name."""

import weakref
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


@dataclass
class State:
    """Moves on only with what was written: `commit`.

    output: decided at the first computed call, None before it.
    step: the last one written, with the labels written at it.
    """

    targets: list[Targets]
    output: Output | None = None
    step: int | None = None
    labels: set[str] = field(default_factory=set)
    inputs: dict[int, bytes] = field(default_factory=dict)
    told_cost: bool = False

    def fresh_labels(self, step: int, labels: Sequence[str]) -> list[str]:
        """Those of the labels that were not written at this step."""
        written = self.labels if step == self.step else set()
        return [label for label in labels if label not in written]

    def fresh_inputs(self, probe: Probe) -> list[tuple[int, record.Input]]:
        """The input records that are not in the log as they are now."""
        shown = [(index, probe.shown(index)) for index in range(len(probe.images))]
        return [
            (index, each)
            for index, each in shown
            if self.inputs.get(index) != record.pack_input(each)
        ]

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
            self.inputs[index] = record.pack_input(each)


def find(probe: Probe, writer: Any, name: str) -> State:
    """The state of a probe under a writer and a scoped name."""
    per_writer = probe.states.setdefault("writers", weakref.WeakKeyDictionary())
    states: dict[str, State] = per_writer.setdefault(writer, {})
    if name not in states:
        targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in probe.images]
        states[name] = State(targets)
    return states[name]


def backend(probe: Probe, model: Any) -> Backend:
    """The backend of a model, the same at every step, so that nothing is traced twice."""
    known = probe.states.get("backend")
    if known is None or known[0] is not model:
        look_behind = probe.output in outputs.LOOK_BEHIND
        known = probe.states["backend"] = (model, backends.find(model, look_behind))
    found: Backend = known[1]
    return found
