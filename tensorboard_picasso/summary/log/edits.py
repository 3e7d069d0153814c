"""Edits at a step: asked and written like other records, each log with a memory of its own."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.summary.edits import Edit, key_of
from tensorboard_picasso.summary.explain import edited, models
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.log import budget as budgets
from tensorboard_picasso.summary.log import event, failures, state, writing
from tensorboard_picasso.summary.log.budget import Budget, Spending
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.log.state import State
from tensorboard_picasso.summary.probe.probe import Probe


@dataclass
class Edits(State):
    """What is remembered of a probe's edits.

    first: what was predicted of each image at the first record; None before it.
    examples: that were written.
    chosen: how many images a budget pays for, by it and the edits; found at the first record, so
      that all records ask the same ones.
    paid: of a budget, by it and by the edits that it pays for.
    """

    first: tuple[int, ...] | None = None
    examples: edited.Examples = ()
    chosen: dict[Hashable, int] = field(default_factory=dict)
    paid: dict[Hashable, Spending] = field(default_factory=dict)


def log_edits(
    probe: Probe,
    model: Any,
    edits: Sequence[Edit],
    where: Destination,
    when: Moment,
    terms: Terms,
) -> bool:
    """Log what a model says of a probe's images once they are edited.

    Args, returns and raises: as `steps.log_record`. A budget leaves images out first, then records.
    """
    memory = state.find_kind(where.owner, where.name, Edits)
    if failures.of_fork(memory, where, when, terms):
        return False
    with memory.lock:
        if terms.budget is None:
            return _logged(probe, model, edits, where, when, terms)
        return _budgeted(probe, model, edits, where, when, terms, terms.budget)


def _budgeted(
    probe: Probe,
    model: Any,
    edits: Sequence[Edit],
    where: Destination,
    when: Moment,
    terms: Terms,
    budget: Budget,
) -> bool:
    """As `log_edits`, what the budget pays for."""
    memory = state.find_kind(where.owner, where.name, Edits)
    spending = memory.paid.setdefault(_key(budget, edits), Spending(budget, 0))
    began = budgets.clock()
    choice = spending.choose(began, when.last)
    if choice is None:
        return False
    traced = memory.tracing_seconds
    accepted = _logged(probe, model, edits, where, when, terms)
    ended = budgets.clock()
    traced = memory.tracing_seconds - traced
    spending.spent(choice, ended, ended - began, traced, whole=accepted)
    if choice.skipped:
        said = f'"{where.name}", edits: {spending.pays_for(0)}'
        report.tell("budget", said, memory.said)
    if accepted and models.backend(probe, model).deterministic:
        report.tell(
            "budget of deterministic runs", budgets.by_the_clock(where.name, budget), memory.said
        )
    return accepted


def _key(budget: Budget, edits: Sequence[Edit]) -> Hashable:
    return budget, key_of(edits)


def log_paid(
    probe: Probe,
    model: Any,
    edits: Sequence[Edit],
    where: Destination,
    when: Moment,
    terms: Terms,
) -> bool:
    """As `log_edits`, whenever it is called: a budget decides about images alone."""
    memory = state.find_kind(where.owner, where.name, Edits)
    if failures.of_fork(memory, where, when, terms):
        return False
    with memory.lock:
        return _logged(probe, model, edits, where, when, terms)


def _logged(
    probe: Probe,
    model: Any,
    edits: Sequence[Edit],
    where: Destination,
    when: Moment,
    terms: Terms,
) -> bool:
    memory = writing.settle(state.find_kind(where.owner, where.name, Edits))
    # Of the maps of the same name, which show the same pictures.
    maps = writing.settled(where.owner, where.name)
    known = maps.hashes or memory.hashes
    if known and known != probe.hashes:
        text = f'"{where.name}" has other images: give the probe a name of its own, name='
        if memory.step is None:
            raise ValueError(text)
        return failures.refuse("other images", text, memory, terms.strict)
    if when.step == memory.step:
        text = f'"{where.name}" already has edits at step {when.step}'
        return failures.refuse("doubled edits", text, memory, terms.strict)
    answers = compute(
        probe, model, edits, memory, f'"{where.name}" at step {when.step}', when, terms
    )
    if answers is None:
        return False
    memory.hashes = probe.hashes
    with maps.lock:
        inputs = maps.fresh_inputs(when.step, probe)
    examples = answers.examples if answers.examples != memory.examples else ()
    make = partial(_summary, where, terms, answers, (inputs, examples))

    def done(summary: summary_pb2.Summary) -> str:
        memory.count(when.step)
        maps.note_inputs(inputs)
        memory.examples = answers.examples
        sizes = event.sizes(summary, len(inputs) + len(examples))
        return _cost(probe, answers, memory, sizes, when.next_step)

    series = [Series(where.name, 0, Kind.EDITS)]
    accepted = writing.write(memory, where, when, terms, series, make, done)
    maps.handed = memory.handed  # which notes the inputs there
    return accepted


def compute(
    probe: Probe,
    model: Any,
    edits: Sequence[Edit],
    memory: Edits,
    what: str,
    when: Moment,
    terms: Terms,
) -> edited.Answers | None:
    """Ask the model; None where that failed and was warned of. Raises as `steps.compute`."""
    first, budget = memory.decided(probe) is None, terms.budget
    key = None if budget is None else (probe.hashes, _key(budget, edits))

    def asked() -> edited.Answers:
        backend = models.backend(probe, model)
        with backend.lock:
            return edited.ask(
                probe,
                backend,
                edits,
                taken=memory.decided(probe),
                first=memory.first,
                epoch=when.epoch,
                count=memory.chosen.get(key),
                pace=None if budget is None else edited.Pace(budget.soon, budgets.clock),
            )

    answers = failures.attempt(
        asked,
        probe,
        model,
        memory,
        f"edits of {what}",
        "edits",
        first=first,
        untried=first,
        strict=terms.strict,
    )
    if answers is not None:
        memory.asked, memory.output = probe.output, answers.taken
        memory.first = memory.first or answers.heads
        if key is not None:
            memory.chosen.setdefault(key, answers.count)
        memory.tracing_seconds += answers.tracing_seconds
    return answers


def _summary(
    where: Destination,
    terms: Terms,
    answers: edited.Answers,
    once: tuple[Sequence[tuple[int, record.Input]], edited.Examples],
    numbers: writing.Numbers,
) -> summary_pb2.Summary:
    told = replace(
        answers.record, nth=numbers.nth, since=numbers.since, superseded=numbers.superseded
    )
    return event.of_edits(where.name, told, *once, terms.scalars, where.tensors)


def _cost(
    probe: Probe,
    answers: edited.Answers,
    memory: Edits,
    size: tuple[int, int],
    next_step: str,
) -> str:
    again, once = (size_ / 1000 for size_ in size)
    images = f" + {once:.0f} KB once for the images" if once >= 0.5 else ""
    seconds = memory.tracing_seconds
    tracing = f" (tracing took {seconds:.1f} s once)" if seconds >= 0.05 else ""
    count, asked = len(probe), len(answers.record.edits)
    some = f"{answers.count} of " if answers.count < count else ""
    return (
        f"{some}{count} image{'s' if count > 1 else ''} × {asked} edit{'s' if asked > 1 else ''}:"
        f" {answers.seconds:.2f} s, {again:.0f} KB a record{images}{'; ' if next_step else ''}"
        f"{next_step}{tracing}"
    )
