"""The work on one checkpoint, in this process, in another, or on another machine."""

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.checkpoints import CheckpointError, LogError, folder
from tensorboard_picasso.checkpoints.folder import Checkpoint
from tensorboard_picasso.checkpoints.past import Chosen
from tensorboard_picasso.checkpoints.sample import EDITS, Begun, Sample
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.explain import edited, misfits, models, records, scoring, views
from tensorboard_picasso.summary.kit import determinism, report
from tensorboard_picasso.summary.log import event
from tensorboard_picasso.summary.methods.base import Method, RandomMethod
from tensorboard_picasso.summary.probe.outputs import Taken


@dataclass
class NamedFunction:
    """A function of the user's by the name of its module and its own: travels as text.

    Raises:
      LogError: when it is first called, that there is none.
    """

    word: str
    option: str
    folder: str = field(default_factory=os.getcwd)

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        module, _, name = self.word.partition(":")
        if self.folder not in sys.path:
            sys.path.insert(0, self.folder)
        try:
            function: Any = importlib.import_module(module)
            for part in name.split("."):
                function = getattr(function, part)
        except (ImportError, AttributeError) as e:
            raise LogError(f"{self.option} {self.word}: {e}") from e
        if not callable(function):
            raise LogError(f"{self.option} {self.word} is {type(function).__name__}: no function")
        return function(*arguments)


@dataclass(frozen=True)
class Setup:
    """What is the same for all checkpoints: images, methods, the model without weights.

    about: recorded among the methods' parameters.
    sample: whose images are edited; None: none.
    """

    probe: Probe
    methods: tuple[Method, ...]
    build: NamedFunction | None
    trusted: bool
    about: dict[str, str] = field(default_factory=dict)
    sample: Sample | None = None


@dataclass(frozen=True)
class Looked:
    """What a model is given, in a line; and what tells that it was trained on something else."""

    fed: str
    misfit: str


@dataclass(frozen=True)
class Said:
    """What the model of a checkpoint says of the images: raw scores (images, classes).

    taken: of dense outputs, of which the scores are means, what they are taken to be.
    shown, behind: see `Backend`.
    """

    raw: NDArray[Any]
    taken: Taken | None
    shown: Output | None
    behind: bool


@dataclass(frozen=True)
class Wanted:
    """What is asked for at a step: of the methods these labels, and whether scores too.

    place: how many checkpoints come before this one.
    begun: of the edits, where `EDITS` is among the labels.
    """

    chosen: Chosen
    place: int
    labels: tuple[str, ...]
    scores: bool
    begun: Begun | None = None


@dataclass(frozen=True)
class Outcome:
    """A value; or the problem, and whose it is.

    misfit: the weights were loaded, and the images or methods do not go with the model.
    fatal: no checkpoint will be better off.
    """

    value: Any = None
    problem: str = ""
    misfit: bool = False
    fatal: bool = False


class Worker:
    """Answers for a process; the model is built once, and gets each checkpoint's weights."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._model: Any = None
        if setup.sample is not None:
            models.share(setup.sample.probe, setup.probe)

    def look(self, checkpoint: Checkpoint) -> Outcome:
        """What the model of a checkpoint is given: `Looked`."""
        probe = self._setup.probe

        def looked(model: Any) -> Looked:
            backend = models.backend(probe, model)
            asked = views.of_images(probe, backend)
            given = [each[0] for each in scoring.whole_inputs(probe)]
            fed = asked[0].fed(given[0][None])
            arrival = misfits.arrived(asked, given, over=True)
            return Looked(
                misfits.described(given, probe.images, fed),
                "" if arrival is None else misfits.of_statistics(arrival),
            )

        return self._answer(checkpoint, looked)

    def scores(self, checkpoint: Checkpoint, of_sample: bool = False) -> Outcome:
        """The scores of a checkpoint, of the probe or of the sample: `Said`."""
        sample = self._setup.sample
        probe = sample.probe if of_sample and sample is not None else self._setup.probe

        def said(model: Any) -> Said:
            backend, taken = models.backend(probe, model), None
            scoring.check_preprocess(probe)
            given = scoring.whole_inputs(probe)
            if probe.task.over is None:
                raw = np.concatenate(scoring.raw_scores(probe, backend, given))
            else:
                scored = scoring.score(probe, backend, given)
                raw, taken = scored.whole, scored.taken
            return Said(raw, taken, backend.shown, backend.behind)

        return self._answer(checkpoint, said)

    def explain(self, checkpoint: Checkpoint, wanted: Wanted) -> Outcome:
        """The event of a checkpoint but for the probe's input records: a serialized `Summary`."""
        probe = self._setup.probe
        methods = [each for each in self._setup.methods if each.label in wanted.labels]
        second_seeds = {
            method.label
            for method in methods
            if isinstance(method, RandomMethod) and method.second_due(wanted.place)
        }

        def summary(model: Any) -> bytes:
            # One message behind another is both together.
            return maps(model) + edits(model)

        def edits(model: Any) -> bytes:
            sample, begun = self._setup.sample, wanted.begun
            if sample is None or begun is None or EDITS not in wanted.labels:
                return b""
            answers = edited.ask(
                sample.probe,
                models.backend(sample.probe, model),
                sample.edits,
                taken=begun.taken,
                first=begun.heads,
                epoch=None if checkpoint.epoch is None else float(checkpoint.epoch),
            )
            # The probe's own are written with its maps.
            own = sample.probe is probe
            shown = () if own else [(i, sample.probe.shown(i)) for i in range(len(sample.probe))]
            name = sample.probe.name
            told = event.of_edits(name, answers.record, shown, answers.examples, True, False)
            made: bytes = told.SerializeToString()
            return made

        def maps(model: Any) -> bytes:
            if not (methods or wanted.scores):
                return b""
            result = records.explain(
                probe,
                models.backend(probe, model),
                methods,
                wanted.chosen.targets,
                taken=wanted.chosen.taken,
                second_seeds=second_seeds,
                epoch=None if checkpoint.epoch is None else float(checkpoint.epoch),
                about=self._setup.about,
            ).result
            contents = event.Contents(scores=wanted.scores, labels=wanted.labels)
            built = event.build(probe.name, result, contents)
            made: bytes = built.SerializeToString()
            return made

        return self._answer(checkpoint, summary)

    def _answer(self, checkpoint: Checkpoint, make: Callable[[Any], Any]) -> Outcome:
        try:
            model = folder.load(checkpoint, self._built(), self._setup.trusted)
        except CheckpointError as e:
            return Outcome(problem=str(e))
        except LogError as e:
            return Outcome(problem=str(e), fatal=True)
        try:
            with determinism.required():  # several workers, or a run that goes on, make one log
                return Outcome(make(model))
        except LogError as e:
            return Outcome(problem=str(e), fatal=True)
        except Exception as e:
            plain = isinstance(e, ValueError | TypeError)
            return Outcome(problem=str(e) if plain else report.reason(e), misfit=True)

    def _built(self) -> Any:
        build = self._setup.build
        if self._model is None and build is not None:
            try:
                self._model = build()
            except LogError:
                raise
            except Exception as e:
                raise LogError(f"{build.option} {build.word}: {report.reason(e)}") from e
        return self._model
