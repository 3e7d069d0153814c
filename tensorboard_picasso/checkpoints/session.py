"""A session goes through the checkpoints of a folder and logs each one's maps."""

import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.checkpoints import LogError, parts, past, pictures, sample
from tensorboard_picasso.checkpoints.folder import Checkpoint, Folder, Scan
from tensorboard_picasso.checkpoints.past import Chosen
from tensorboard_picasso.checkpoints.sample import EDITS, Begun, Edited
from tensorboard_picasso.checkpoints.settings import Settings
from tensorboard_picasso.checkpoints.work import NamedFunction, Outcome, Said, Setup, Wanted
from tensorboard_picasso.checkpoints.workers import Alone, Processes, Workers
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.presentation.terminal import Bar, printed
from tensorboard_picasso.summary import Probe, writers
from tensorboard_picasso.summary.explain import misfits, scoring, targets
from tensorboard_picasso.summary.log import event
from tensorboard_picasso.summary.probe import outputs

POLL = 2.0  # seconds between two looks at a folder that is followed
# How many checkpoints with the same problem are named.
_NAMED = 3
# How many are tried for one that tells what its model is given.
_LOOKED_AT = 3


def run(settings: Settings) -> int:
    """Log what is there, and with `--follow` what appears.

    Returns:
      The exit status: 0; 1 where a checkpoint is not in the log.

    Raises:
      LogError, RecordError, ValueError, TypeError, OSError: nothing can be done.
    """
    folder = Folder(settings.checkpoints, settings.step_pattern, settings.trust)
    if settings.listed:
        return _list(folder.scan())
    probe, files = pictures.probe(settings)
    methods = parts.segmented(settings.methods, settings.segments, settings.images, files)
    for method in methods:
        method.check(probe)
    build = NamedFunction(settings.model, "--model") if settings.model else None
    edited = pictures.sample(settings, probe)
    setup = Setup(probe, methods, build, settings.trust, settings.about, edited)
    session = Session(settings, folder, setup)
    interrupted = _interruptions() if settings.follow else threading.Event()
    try:
        session.work()
        while settings.follow and not interrupted.wait(POLL):
            session.work()
    except KeyboardInterrupt:
        if not settings.follow:
            raise
    finally:
        session.close()
    return session.status()


def _interruptions() -> threading.Event:
    """Set by Ctrl-C, which Python drops where it comes within a finalizer or a callback."""
    interrupted = threading.Event()

    def note(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    return interrupted


def _list(scan: Scan) -> int:
    width = max((len(each.name) for each in scan.checkpoints), default=0)
    for checkpoint in scan.checkpoints:
        origin = f"{checkpoint.format}, from {checkpoint.source}"
        print(f"{checkpoint.step:>8}  {checkpoint.name:<{width}}  {origin}")
    for name, reason in [*scan.broken.items(), *scan.left_out.items()]:
        print(f"{'-':>8}  {name}: {reason}")
    if not scan.checkpoints:
        raise LogError("no checkpoint with a step was found")
    return int(bool(scan.broken))


class Session:
    """One run of the command."""

    def __init__(self, settings: Settings, folder: Folder, setup: Setup) -> None:
        self._bar: Bar | None = None
        self._settings = settings
        self._folder = folder
        self._setup = setup
        self._past = past.read(settings.logdir, setup.probe, setup.about, self._say)
        self._labels = tuple(method.label for method in setup.methods)
        self._edited = Edited()
        if setup.sample is not None:
            self._edited = sample.read(settings.logdir, setup.sample)
            self._labels = (*self._labels, EDITS)
            if self._edited.last is not None:
                self._past.last[EDITS] = self._edited.last
        self._workers: Workers | None = None
        self._writer = writers.find(settings.logdir)
        self._failed: set[Checkpoint] = set()
        self._missing: set[str] = set()
        self._said: set[str] = set()
        self._alike: Counter[str] = Counter()
        self._worked = self._looked = False
        self._logged = 0

    def work(self) -> None:
        """Log all that is there and not logged."""
        scan = self._folder.scan(growing=self._settings.follow)
        self._tell(scan)
        due = [each for each in scan.checkpoints if each not in self._failed]
        due = [each for each in due if self._past.due(each.step, self._labels)]
        if due and not self._looked:
            self._look(due)
        if due and (self._past.chosen is None or self._past.chosen.open):
            due = self._choose(due)
        if due and self._setup.sample is not None and self._edited.begun is None:
            self._begin(due, self._setup.sample.probe)
            due = [each for each in due if each not in self._failed]
        if due and self._past.chosen is not None:
            # Counted over the folder: a run that was cut off takes second seeds where one that
            # was not does.
            places = {each: place for place, each in enumerate(scan.checkpoints)}
            self._explain(due, [places[each] for each in due], self._past.chosen)
        # Mended or removed meanwhile, it is missing no longer.
        there = {each.name for each in scan.checkpoints if self._is_missing(each)}
        self._missing = there | scan.broken.keys()

    def status(self) -> int:
        """The exit status, and what is to be said at the end."""
        for reason, count in self._alike.items():
            if count > _NAMED:
                self._say(f"{count - _NAMED} more were skipped, as {reason}")
        if self._logged or self._missing:
            steps = f"{self._logged} step{'s' * (self._logged != 1)}"
            print(f"logged {steps} to {self._settings.logdir}")
        else:
            print(f"nothing new: {self._settings.logdir} has all {len(self._past.steps)} steps")
        if self._missing:
            self._say(f"not in the log: {', '.join(sorted(self._missing))}")
        return int(bool(self._missing))

    def close(self) -> None:
        """End the processes."""
        if self._workers is not None:
            self._workers.close()

    def _is_missing(self, each: Checkpoint) -> bool:
        return each in self._failed or each.step not in self._past.steps

    def _tell(self, scan: Scan) -> None:
        """Say what is found, and what is wrong with it; each thing once."""
        if not scan.checkpoints and not self._settings.follow:
            reasons = [
                f"{name}: {reason}" for name, reason in (scan.broken | scan.left_out).items()
            ]
            told = f" ({reasons[0]})" if reasons else ""
            raise LogError(f"no checkpoints in {self._settings.checkpoints}{told}")
        if scan.checkpoints:
            steps = [each.step for each in scan.checkpoints]
            self._once(
                "found",
                f"{len(steps)} checkpoint{'s' * (len(steps) > 1)}, steps {steps[0]} to {steps[-1]}"
                f" (from {scan.sources()})",
            )
        else:
            self._once("found nothing", f"waiting for checkpoints in {self._settings.checkpoints}")
        for name, reason in scan.broken.items():
            self._once(f"{name}: {reason}", f"{name} is skipped: {reason}")
        for name, reason in scan.left_out.items():
            self._once(f"{name}: {reason}", f"{name} is left out: {reason}")
        for checkpoint in scan.checkpoints:
            if not self._past.is_new(checkpoint.step) and checkpoint.step not in self._past.steps:
                self._once(
                    f"{checkpoint.name} behind",
                    f"{checkpoint.name} is left out: the log is at step {self._past.steps[-1]}"
                    f" already, and only goes on: another --logdir takes step {checkpoint.step} too",
                )

    def _look(self, due: Sequence[Checkpoint]) -> None:
        """Say what the model is given; of the last checkpoint, which was trained for longest."""
        self._looked = True
        # What cannot be loaded is told when it is scored.
        for checkpoint in list(reversed(due))[:_LOOKED_AT]:
            (answer,) = self._at_work().answers("look", [(checkpoint,)])
            if answer.fatal:
                raise LogError(answer.problem)
            if not answer.problem:
                self._say(answer.value.fed)
                if answer.value.misfit:
                    self._say(f"{checkpoint.name}: {answer.value.misfit}: {self._remedy()}")
                return

    def _remedy(self) -> str:
        if self._settings.images is None:
            return "give the images as training did, in --probe"
        return (
            "give the images as training did, by --normalized MEAN STD, --value-range or"
            " --preprocess"
        )

    def _choose(self, due: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Score all checkpoints, and choose each image's targets; those that can be scored."""
        probe = self._setup.probe
        scored: list[Checkpoint] = []
        said: list[Said] = []
        answers = self._at_work().answers("scores", ((each,) for each in due))
        counted = self._counted("scoring", len(due), answers)
        for checkpoint, answer in zip(due, counted, strict=True):
            if self._fine(checkpoint, answer):
                scored.append(checkpoint)
                said.append(answer.value)
        if not scored:
            return []
        # As in training, the first checkpoint decides; one that has broken down says nothing.
        first = max(said, key=lambda each: np.isfinite(each.raw).all(axis=1).sum())
        taken = first.taken
        if taken is None:
            taken = outputs.decide(
                first.raw, probe.output, first.shown, first.behind, probe.multilabel
            )
            for later in said:
                taken = outputs.again(taken, later.raw, later.behind, probe.output)
                scoring.doubt(probe, taken, later.raw, later.behind)
            if taken.decided:
                scoring.tell(probe, taken, first.raw.shape[-1])
        kind = taken.kind if first.taken is None else Output.RAW
        odds = np.stack(
            [outputs.log_odds(each.raw, kind, each.behind or taken.logits) for each in said]
        )
        probe.check_classes(odds.shape[2])
        fixed = tuple(
            targets.over_all(
                probe.truths_of(index) or (),
                probe.targets,
                odds[:, index],
                probe.top_k,
                probe.max_lasting,
            )
            for index in range(len(probe))
        )
        self._past.chosen = Chosen(taken, fixed)
        if kind is not Output.RAW:
            self._check_heads(scored[-1], odds[-1])
        return scored

    def _begin(self, due: Sequence[Checkpoint], probe: Probe) -> None:
        """Let the first checkpoint that says something decide what is the same of all edits."""
        for checkpoint in due:
            (answer,) = self._at_work().answers("scores", [(checkpoint, True)])
            if not self._fine(checkpoint, answer):
                continue
            said: Said = answer.value
            taken = said.taken or outputs.decide(
                said.raw, probe.output, said.shown, said.behind, probe.multilabel
            )
            kind = taken.kind if said.taken is None else Output.RAW
            odds = outputs.log_odds(said.raw, kind, said.behind or taken.logits)
            probe.check_classes(odds.shape[1])
            heads = np.where(np.isnan(odds), -np.inf, odds).argmax(1)
            of_all = None if said.taken is not None else taken
            self._edited.begun = Begun(of_all, tuple(map(int, heads)))
            if taken.decided:
                return

    def _check_heads(self, last: Checkpoint, odds: NDArray[Any]) -> None:
        """Warn where the last checkpoint gives nearly all images one class, or each another."""
        probe = self._setup.probe
        heads = [-1 if np.isnan(row).all() else int(np.nanargmax(row)) for row in odds]
        of = heads, probe.labels, probe.class_names
        if odds.shape[1] > 1 and (text := misfits.one_class(*of)):
            self._say(f"{last.name}: {text}: {self._remedy()}, unless that is what it says")
        elif text := misfits.other_order(*of):
            order = "by --class-names" if self._settings.images else "in --probe"
            self._say(f"{last.name}: {text}: give the model's own order of classes, {order}")

    def _explain(self, due: Sequence[Checkpoint], places: Sequence[int], chosen: Chosen) -> None:
        """Compute and write each checkpoint's event, in step order."""
        asked = [self._past.due(each.step, self._labels) for each in due]
        new = [self._past.is_new(each.step) for each in due]
        wanted = (
            (checkpoint, Wanted(chosen, place, labels, scores, self._edited.begun))
            for checkpoint, place, labels, scores in zip(due, places, asked, new, strict=True)
        )
        answers = self._at_work().answers("explain", wanted)
        counted = self._counted("explaining", len(due), answers)
        for checkpoint, labels, answer in zip(due, asked, counted, strict=True):
            if not self._fine(checkpoint, answer):
                continue
            probe = self._setup.probe
            summary = summary_pb2.Summary.FromString(answer.value)
            self._past.check(summary)
            self._past.count(summary, checkpoint.step)
            self._edited.place(summary, checkpoint.step)
            inputs = event.input_values(
                probe.name, self._past.fresh_inputs(probe)
            ).SerializeToString()
            # One message behind another is both together: the inputs' values come first.
            self._writer.write(inputs + summary.SerializeToString(), checkpoint.step)
            self._past.written(checkpoint.step, labels, probe)
            self._logged += 1

    def _fine(self, each: Checkpoint, answer: Outcome) -> bool:
        """Whether there is an answer; what is wrong with all checkpoints is raised."""
        if not answer.problem:
            self._worked = True
            return True
        # A misfit of the first one that could be loaded is that of all.
        if answer.fatal or (answer.misfit and not self._worked):
            raise LogError(answer.problem if answer.fatal else f"{each.name}: {answer.problem}")
        self._failed.add(each)
        self._alike[answer.problem] += 1
        if self._alike[answer.problem] <= _NAMED:
            self._say(f"{each.name} (step {each.step}) is skipped: {answer.problem}")
        return False

    def _at_work(self) -> Workers:
        if self._workers is None:
            self._workers = _workers(self._settings, self._setup)
        return self._workers

    def _counted(self, what: str, count: int, answers: Iterator[Outcome]) -> Iterator[Outcome]:
        """The answers, while a bar shows how many there are."""
        self._bar = bar = Bar(what)
        bar(0, count)
        for done, answer in enumerate(answers, 1):
            yield answer
            bar(done, count)
        bar.close()

    def _once(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._say(text)

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.close()
        print(f"picasso: {printed(text)}", file=sys.stderr, flush=True)


def _workers(settings: Settings, setup: Setup) -> Workers:
    if settings.ray is not None:
        from tensorboard_picasso.checkpoints.ray import Cluster

        return Cluster(setup, settings.ray, settings.workers)
    count = settings.workers or 1
    return Alone(setup) if count == 1 else Processes(setup, count)
