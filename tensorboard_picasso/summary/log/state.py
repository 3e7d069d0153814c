"""What is remembered of a probe between steps, for each writer and scoped name."""

import hashlib
import os
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.explain.records import Passes
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.kit import content
from tensorboard_picasso.summary.kit.locks import Lock
from tensorboard_picasso.summary.log.budget import Spending
from tensorboard_picasso.summary.methods.base import Method, RandomMethod
from tensorboard_picasso.summary.probe.outputs import Taken
from tensorboard_picasso.summary.probe.probe import Probe
from tensorboard_picasso.summary.writers.worker import Handed

# Held while a state is looked up, or made.
_finding = Lock()


@dataclass
class State:
    """Moves on only with what was written: `commit`.

    asked, output: the probe's `output=`, and what it was taken to be at the first
      computed call.
    tried: the methods, with their settings, that were computed once.
    hashes, targets: of the images that are watched, with the memory of each.
    counts: records of these images that were written, by the methods' labels.
    step: the last one written, with the labels written at it.
    written, since: how many steps were written, and the first of them.
    superseded: how many records of others stood in the log from there on; None: not known yet.
    inputs: digest of each image's input record as it was last written.
    said: what the person was told.
    arrived: what arrives at the model was compared with what it holds of training.
    tracing_seconds: spent so far on what is not repeated.
    handed: the record that was last handed to the worker. Whoever reads or changes the
      rest waits for it first (`worker.settle`), as the worker commits it.
    spending: of a budget, by it and by the methods that it pays for; with these, then with
      longer strides.
    lock: held by a call from its beginning to its end, so that several threads' calls are as
      good as one after the other.
    process: whose log it is; a fork has no part in it.
    """

    asked: str = ""
    output: Taken | None = None
    tried: set[Any] = field(default_factory=set)
    hashes: tuple[bytes, ...] = ()
    targets: list[Targets] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    step: int | None = None
    written: int = 0
    since: int | None = None
    superseded: int | None = None
    labels: set[str] = field(default_factory=set)
    inputs: dict[int, bytes] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    arrived: bool = False
    tracing_seconds: float = 0.0
    handed: Handed | None = None
    spending: dict[Any, tuple[list[list[Method]], Spending]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    process: int = field(default_factory=os.getpid)

    def decided(self, probe: Probe) -> Taken | None:
        """What this probe's output was taken to be, None before its first computed call."""
        return self.output if self.asked == probe.output else None

    def taken(self, step: int, probe: Probe) -> bool:
        """Whether other images were written at this step."""
        return step == self.step and probe.hashes != self.hashes

    def targets_of(self, probe: Probe) -> list[Targets]:
        """The memory of each of the probe's images; other images start with none."""
        settings = probe.targets, probe.top_k, probe.max_lasting
        if probe.hashes != self.hashes:
            return [Targets(*settings) for _ in probe.images]
        for targets in self.targets:
            targets.caller, targets.top_k, targets.max_lasting = settings
        return self.targets

    def second_seeds_due(self, probe: Probe, methods: Sequence[Method]) -> set[str]:
        """Labels of the methods that are to be computed with a second seed too."""
        counts = self.counts if probe.hashes == self.hashes else Counter[str]()
        return {
            method.label
            for method in methods
            if isinstance(method, RandomMethod) and method.second_due(counts[method.label])
        }

    def fresh_labels(self, step: int, labels: Sequence[str]) -> list[str]:
        """Those of the labels that were not written at this step."""
        written = self.labels if step == self.step else set()
        return [label for label in labels if label not in written]

    def fresh_inputs(self, step: int, probe: Probe) -> list[tuple[int, record.Input]]:
        """The input records that are not in the log as they are now.

        Later calls of a step write none: the first one has said what is shown.
        """
        if step == self.step:
            return []
        shown = [(index, probe.shown(index)) for index in range(len(probe.images))]
        return [(index, each) for index, each in shown if self.inputs.get(index) != _digest(each)]

    def computed(self, probe: Probe, methods: Sequence[Method], passes: Passes) -> None:
        """Remember what computing showed, whether or not it is written."""
        self.asked, self.output = probe.output, passes.taken
        self.tried |= {content.key(method) for method in methods}
        self.tracing_seconds += passes.tracing_seconds

    def count(self, step: int) -> None:
        """Remember that a step was written."""
        if step != self.step:
            self.written += 1
            self.since = step if self.since is None else self.since
        self.step = step

    def commit(
        self,
        step: int,
        probe: Probe,
        labels: Sequence[str],
        inputs: Sequence[tuple[int, record.Input]],
        passes: Passes,
    ) -> None:
        """Remember what was written at a step."""
        if step != self.step:
            self.labels = set()
            if probe.hashes != self.hashes:
                self.counts = Counter()
            self.targets, self.hashes = self.targets_of(probe), probe.hashes
            for targets, choice in zip(self.targets, passes.choices, strict=True):
                targets.commit(choice)
        self.count(step)
        self.labels |= set(labels)
        self.counts.update(labels)
        self.note_inputs(inputs)

    def note_inputs(self, inputs: Sequence[tuple[int, record.Input]]) -> None:
        """Remember which input records were written."""
        for index, input_record in inputs:
            self.inputs[index] = _digest(input_record)


S = TypeVar("S", bound=State)

# Several probes of one name write to the same series, so the state is theirs together.
_states: weakref.WeakKeyDictionary[Any, dict[tuple[type, str], State]] = weakref.WeakKeyDictionary()


def find(owner: Any, name: str) -> State:
    """The state under what owns the log (a writer, a model's history) and a scoped name."""
    return find_kind(owner, name, State)


def find_kind(owner: Any, name: str, kind: type[S]) -> S:
    """The same of another kind of record, each of which has its own."""
    with _finding:
        found: Any = _states.setdefault(owner, {}).setdefault((kind, name), kind())
        made: S = found
        return made


def forget(owner: Any, name: str) -> None:
    """Forget it, as the log is gone; its record under way is settled before."""
    for kind, of in list(_states.get(owner, {})):
        if of == name:
            _states[owner].pop((kind, of), None)


def _digest(shown: record.Input) -> bytes:
    return hashlib.blake2b(record.pack_input(shown), digest_size=16).digest()
