"""The record of one probe at one step: scores, maps and statistics of all its images."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.numbers.moves import move
from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.explain import means, scalars, scoring
from tensorboard_picasso.summary.explain.regions import Regions
from tensorboard_picasso.summary.explain.targets import Choice, Chooser
from tensorboard_picasso.summary.methods.base import Answer, Method, RandomMethod, Subject
from tensorboard_picasso.summary.probe.outputs import Taken
from tensorboard_picasso.summary.probe.probe import Probe

# Scores of up to so many classes are all kept, beyond that the top and the targets.
ALL_CLASSES = 100
TOP_CLASSES = 20


@dataclass(frozen=True)
class Image:
    """What is recorded of one image."""

    choice: Choice
    scores: record.Scores
    attributions: tuple[tuple[record.Attribution, record.Maps | None], ...]


@dataclass(frozen=True)
class Result:
    """What is recorded of a probe at a step.

    taken: what the model's output was taken to be.
    means: over groups of images, of the methods with a grid.
    scalars: means over the probe by name, for each method's label; those of the
      class scores under "". Nothing where no image has a number: charts draw a gap.
    seconds: what it took, without tracing_seconds that only the first one takes, and
      without second_seed_seconds that few take.
    """

    images: tuple[Image, ...]
    taken: Taken
    means: tuple[tuple[means.Group, record.Mean], ...]
    scalars: Mapping[str, Mapping[str, float]]
    seconds: float
    tracing_seconds: float
    second_seed_seconds: float

    @property
    def output(self) -> Output:
        """What the model's scores were taken to be."""
        return self.taken.output


@dataclass(frozen=True)
class Passes:
    """What a model's passes said of a probe; making records of it needs no model.

    choices: of each image, which classes are explained.
    taken: what the model's output was taken to be.
    independent: whether each class is a label of its own, true or not.
    seconds, tracing_seconds, second_seed_seconds: as of `Result`, of the passes alone.
    """

    subjects: Sequence[Subject]
    log_odds: NDArray[np.float64]
    hidden: Sequence[Mapping[tuple[str, str], NDArray[np.float64]]]
    choices: Sequence[Choice]
    methods: Sequence[Method]
    answers: Sequence[Sequence[Answer]]
    second_answers: Sequence[Sequence[Answer | None]]
    taken: Taken
    independent: bool
    epoch: float | None
    about: Mapping[str, str]
    seconds: float
    tracing_seconds: float
    second_seed_seconds: float

    @cached_property
    def result(self) -> Result:
        """What is recorded, made when it is first asked for."""
        started = time.perf_counter()
        probe, of_scores = self.subjects[0].probe, self.subjects[0].output
        images = []
        for index, subject in enumerate(self.subjects):
            odds, choice = self.log_odds[index], self.choices[index]
            scores = self._scores(subject, odds, self.hidden[index], choice)
            attributions = tuple(
                _record(subject, method, answer[index], odds, second[index], self.about)
                for method, answer, second in zip(
                    self.methods, self.answers, self.second_answers, strict=True
                )
            )
            images.append(Image(choice, scores, attributions))
        heads = [choice.head for choice in self.choices]
        averaged = [
            mean
            for method, answer in zip(self.methods, self.answers, strict=True)
            for mean in means.of_method(method, self.subjects, answer, heads)
        ]
        value = "probability"
        if of_scores is Output.RAW:
            value = probe.task.name_of(self.taken.output)
        told = [(each.scores, [about for about, _ in each.attributions]) for each in images]
        shown = scalars.of_images(probe, told, of_scores, value)
        return Result(
            tuple(images),
            self.taken,
            tuple(averaged),
            shown,
            self.seconds + time.perf_counter() - started,
            self.tracing_seconds,
            self.second_seed_seconds,
        )

    def _scores(
        self,
        subject: Subject,
        log_odds: NDArray[np.float64],
        hidden: Mapping[tuple[str, str], NDArray[np.float64]],
        choice: Choice,
    ) -> record.Scores:
        count = log_odds.size
        classes = np.arange(count)
        if count > ALL_CLASSES:
            top = np.argsort(-log_odds, kind="stable")[:TOP_CLASSES]
            # All that are predicted: whether they are the true ones is read from them.
            predicted = np.flatnonzero(log_odds >= 0) if self.independent else classes[:0]
            classes = np.unique([*top, *choice.targets, *predicted])
        raw = subject.output is Output.RAW
        return record.Scores(
            output=Output.RAW if raw else self.taken.output,
            class_count=count,
            classes=classes.astype(np.uint32),
            values=maps.single(log_odds[classes]),
            input_hash=subject.probe.hashes[subject.index],
            hidden=tuple(
                record.Hidden(
                    region,
                    fill,
                    maps.single(odds[classes]),
                    None if raw else move(log_odds, odds, self.independent),
                )
                for (region, fill), odds in hidden.items()
            ),
            epoch=self.epoch,
            targets=choice.targets,
            lasting=choice.lasting,
            dropped=choice.dropped,
            value_name=_value_name(subject),
            independent=self.independent,
        )


def compute(
    probe: Probe,
    backend: Backend,
    methods: Sequence[Method],
    targets: Sequence[Chooser],
    *,
    taken: Taken | None = None,
    second_seeds: Collection[str] = (),
    epoch: float | None = None,
) -> Result:
    """Explain a model on a probe: the passes of `explain`, and what is recorded of them."""
    return explain(
        probe, backend, methods, targets, taken=taken, second_seeds=second_seeds, epoch=epoch
    ).result


def explain(
    probe: Probe,
    backend: Backend,
    methods: Sequence[Method],
    targets: Sequence[Chooser],
    *,
    taken: Taken | None = None,
    second_seeds: Collection[str] = (),
    epoch: float | None = None,
    about: Mapping[str, str] = MappingProxyType({}),
) -> Passes:
    """Run the passes of a model that explain it on a probe.

    Args:
      probe: the images.
      backend: the model.
      methods: which maps to make.
      targets: what chooses the classes of each image; it is left as it is.
      taken: what was decided at the probe's first record.
      second_seeds: labels of the random methods to compute with a second seed too.
      epoch: recorded with the scores.
      about: recorded among the methods' parameters.

    Raises:
      OutputError, AlignmentError, UnsupportedError, ValueError: the probe and
        the model do not go together.
    """
    started = time.perf_counter()
    traced = backend.tracing_seconds
    if taken is None:
        scoring.check_preprocess(probe)
    inputs, keys = scoring.inputs(probe)
    scored = scoring.score(probe, backend, inputs, taken)
    whole = scored.whole
    log_odds = scored.log_odds(whole, backend.behind)
    probe.check_classes(log_odds.shape[1])
    if scored.kind is not Output.RAW:
        # What the user's function makes of no number is not asked.
        told = log_odds[~np.isnan(log_odds).any(axis=1)]
        if len(told):
            probe.name_classes(maps.probability(told))
    choices = [
        memory.choose(probe.truths_of(index) or (), log_odds[index])
        for index, memory in enumerate(targets)
    ]
    subjects = [
        Subject(
            probe,
            index,
            scored.asked[index],
            scored.kind,
            inputs[index][0],
            whole[index],
            choice.targets,
            probe.task.name_of(scored.taken.output),
            scored.taken.logits,
        )
        for index, choice in enumerate(choices)
    ]
    answers = [method.answered(subjects) for method in methods]
    tracing = backend.tracing_seconds - traced
    began = time.perf_counter()
    second_answers = [
        method.second.answered(subjects)
        if isinstance(method, RandomMethod) and method.label in second_seeds
        else [None] * len(subjects)
        for method in methods
    ]
    extra = time.perf_counter() - began
    hidden = [
        dict(zip(keys[index][1:], subject.log_odds(scored.raw[index])[1:], strict=True))
        for index, subject in enumerate(subjects)
    ]
    took = time.perf_counter() - started - tracing - extra
    return Passes(
        subjects,
        log_odds,
        hidden,
        choices,
        methods,
        answers,
        second_answers,
        scored.taken,
        scored.independent,
        epoch,
        about,
        took,
        tracing,
        extra,
    )


def _value_name(subject: Subject) -> str:
    named = subject.output is Output.RAW and subject.value_name != "value"
    return subject.value_name if named else ""


def _record(
    subject: Subject,
    method: Method,
    answer: Answer,
    log_odds: NDArray[np.float64],
    second: Answer | None,
    about: Mapping[str, str],
) -> tuple[record.Attribution, record.Maps | None]:
    probe, index = subject.probe, subject.index
    within = Regions(probe, index)
    stored = _stored(subject, method, answer)
    other = None if second is None else _stored(subject, method, second)
    agreements = _agreements(stored, other)
    targets = []
    for target, values in answer.maps.items():
        whole = log_odds[target]
        if answer.grid is not None:
            whole = answer.grid.whole[np.flatnonzero(answer.grid.classes == target)[0]]
        statistics = within.statistics(values, method.sign, answer.rounding)
        repeated = None
        if second is not None:
            repeated = within.statistics(second.maps[target], method.sign, second.rounding)
        targets.append(
            record.Target(target, float(whole), statistics, agreements.get(target), repeated)
        )
    attribution = record.Attribution(
        method=method.name,
        label=method.label,
        sign=method.sign,
        unit=answer.unit,
        score=answer.score,
        output=subject.output,
        height=subject.shape[0],
        width=subject.shape[1],
        depth=subject.depth,
        input_hash=probe.hashes[index],
        targets=tuple(targets),
        regions=within.references(answer.grid),
        layer=answer.layer,
        seed=answer.seed,
        second_seed=second.seed if second else None,
        parameters={**answer.parameters, **probe.task.about, **about},
        grid=answer.grid,
        precision=answer.precision,
    )
    return attribution, stored


def _stored(subject: Subject, method: Method, answer: Answer) -> record.Maps | None:
    """An answer's maps as they are stored, None where they are made from a grid."""
    if answer.precision is None:
        return None
    digest = subject.probe.hashes[subject.index]
    return record.Maps.encode(
        answer.maps, method.sign, digest, answer.precision, answer.unseen, subject.depth
    )


def _agreements(first: record.Maps | None, second: record.Maps | None) -> dict[int, float]:
    """Rank correlation of two seeds' maps by target.

    Both are compared as they are stored, as a reader compares maps of two steps.
    """
    if first is None or second is None:
        return {}
    targets = [plane.target for plane in first.planes]
    return {
        target: maps.rank_correlation(first.decode(target), second.decode(target))
        for target in targets
    }
