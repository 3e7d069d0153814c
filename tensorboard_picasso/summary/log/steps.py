"""Steps: a record is computed and written, and what fails never takes the training down."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.summary.backends.base import UnsupportedError
from tensorboard_picasso.summary.explain import misfits, models, records
from tensorboard_picasso.summary.kit import content, report
from tensorboard_picasso.summary.log import budget as budgets
from tensorboard_picasso.summary.log import event, failures, state, writing
from tensorboard_picasso.summary.log.budget import Budget, Spending
from tensorboard_picasso.summary.log.edits import Edits
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.methods import named
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.methods.occlusion import Occlusion
from tensorboard_picasso.summary.methods.saliency import Saliency
from tensorboard_picasso.summary.probe.probe import Probe

TERMS = Terms()


def wanted(methods: Sequence[Method | str] | None) -> tuple[Method, ...]:
    """The methods that are asked for; None asks for `[Occlusion(), Saliency()]`.

    A name asks for a method as it is by default, also for one that another package has
    registered.

    Raises:
      TypeError: no sequence of methods.
      ValueError: two of one label, or an unknown name.
    """
    if methods is None:
        return Occlusion(), Saliency()
    if isinstance(methods, str | Method) or not isinstance(methods, Iterable):
        raise TypeError(f"methods={methods!r}: pass a list, such as [Occlusion(), Saliency()]")
    listed = tuple(named(each)() if isinstance(each, str) else each for each in methods)
    for method in listed:
        if not isinstance(method, Method):
            raise TypeError(f"methods: {method!r} is no method: pass Occlusion() or Saliency()")
    labels = [method.label for method in listed]
    if len(set(labels)) < len(labels):
        raise ValueError(f"methods have labels {labels}: pass label= to tell them apart")
    return listed


def log_record(
    probe: Probe,
    model: Any,
    methods: Sequence[Method],
    where: Destination,
    when: Moment,
    terms: Terms = TERMS,
    beside: Callable[[], float] = float,
) -> bool:
    """Log one record of a probe.

    A probe has one record under way: the next call waits for it, so that what it knows of
    the log is what was written.

    Args:
      probe, model, methods: what is explained, and how.
      where, when, terms: what is asked of the record.
      beside: logs what the budget pays for with it; returns seconds that were spent on what is
        not repeated.

    Returns:
      Whether a record was accepted for writing; where the one before in its log could not
      be written, whether it was written.

    Raises:
      ValueError, TypeError: as `compute`.
      Exception: in strict mode whatever fails, also writing the record before.
    """
    memory = state.find(where.owner, where.name)
    if failures.of_fork(memory, where, when, terms):
        return False
    with memory.lock:
        if terms.budget is not None:
            return _budgeted(probe, model, methods, where, when, terms, terms.budget, beside)
        accepted = _logged(probe, model, methods, where, when, terms)
        beside()
        return accepted


def _budgeted(
    probe: Probe,
    model: Any,
    methods: Sequence[Method],
    where: Destination,
    when: Moment,
    terms: Terms,
    budget: Budget,
    beside: Callable[[], float],
) -> bool:
    """As `log_record`, what the budget pays for."""
    memory = state.find(where.owner, where.name)
    key = budget, tuple(map(content.key, methods))
    if key not in memory.spending:
        grids = _ever_coarser(probe, methods)
        memory.spending[key] = grids, Spending(budget, len(grids) - 1)
    grids, spending = memory.spending[key]
    began = budgets.clock()
    choice = spending.choose(began, when.last)
    if choice is None:
        return False
    traced = memory.tracing_seconds
    about = {"budget": f"{budget}: {choice}"}
    accepted = _logged(probe, model, grids[choice.doublings], where, when, terms, about)
    traced = memory.tracing_seconds - traced + beside()
    ended = budgets.clock()
    spending.spent(choice, ended, ended - began, traced, whole=accepted)
    if choice.skipped or choice.doublings:
        said = f'"{where.name}": {spending.pays_for(choice.doublings)}'
        report.tell(f"budget {choice.doublings}", said, memory.said)
    if accepted and models.backend(probe, model).deterministic:
        said = budgets.by_the_clock(where.name, budget)
        report.tell("budget of deterministic runs", said, memory.said)
    return accepted


def _ever_coarser(probe: Probe, methods: Sequence[Method]) -> list[list[Method]]:
    """The methods as asked for, then with strides doubled once more each time, where any can be."""
    grids = [list(methods)]
    while True:
        coarser = [each.coarser(probe) for each in grids[-1]]
        if not any(coarser):
            return grids
        grids.append([new or old for new, old in zip(coarser, grids[-1], strict=True)])


def _logged(
    probe: Probe,
    model: Any,
    methods: Sequence[Method],
    where: Destination,
    when: Moment,
    terms: Terms,
    about: Mapping[str, str] = MappingProxyType({}),
) -> bool:
    """As `log_record`, whatever it costs; `about` is recorded with the methods' parameters."""
    name, step = where.name, when.step
    memory = writing.settled(where.owner, name)
    if memory.taken(step, probe):
        text = f'"{name}" already has other images at step {step}: pass another name'
        return failures.refuse("doubled images", text, memory, terms.strict)
    others = state.find_kind(where.owner, name, Edits).hashes
    if others and others != probe.hashes:
        text = f'"{name}" has edits of other images: give the probe a name of its own, name='
        return failures.refuse("other images", text, memory, terms.strict)
    labels = memory.fresh_labels(step, [method.label for method in methods])
    doubled = [method.label for method in methods if method.label not in labels]
    if doubled:
        text = f'"{name}" already has {", ".join(doubled)} at step {step}: pass label= to add more'
        failures.refuse(f"doubled {doubled}", text, memory, terms.strict)
        if not labels:
            return False
    new_step = step != memory.step
    if not (new_step or labels):
        return True  # the scores alone are asked for, and the step has them
    fresh = [method for method in methods if method.label in labels]
    what = f'"{name}" at step {step}'
    passes = compute(probe, model, fresh, memory, what, terms.strict, when.epoch, about)
    if passes is None:
        return False
    inputs = memory.fresh_inputs(step, probe)

    def make(numbers: writing.Numbers) -> summary_pb2.Summary:
        contents = event.Contents(
            scores=new_step,
            inputs=inputs,
            labels=labels,
            scalars=terms.scalars,
            nth=numbers.nth,
            since=numbers.since,
            superseded=numbers.superseded,
            tensors=where.tensors,
        )
        return event.build(name, passes.result, contents)

    def done(summary: summary_pb2.Summary) -> str:
        memory.commit(step, probe, labels, inputs, passes)
        size = event.sizes(summary, len(inputs))
        return _cost(probe, fresh, passes.result, memory, size, when.next_step)

    series = [Series(name, 0, kind) for kind in (Kind.ALL_SCORES, Kind.SCORES)]  # as older ones
    return writing.write(memory, where, when, terms, series, make, done)


@contextmanager
def gathered(probe: Probe, model: Any, what: str, strict: bool = False) -> Iterator[bool]:
    """Around a record: whether this process makes it, of those that train a model together.

    Args:
      probe, model: what is explained.
      what: the scoped name. strict: raise what fails, instead of warning once.

    Raises:
      UnsupportedError: at the first call, that the model's parameters cannot be brought
        together.
    """
    backend, made = models.backend(probe, model), False
    with ExitStack() as stack:
        try:
            leads = stack.enter_context(backend.gathered())
            made = backend.known["gathered"] = True
        except Exception as e:
            if strict or (isinstance(e, UnsupportedError) and "gathered" not in backend.known):
                raise
            reason = report.reason(e)
            report.warn(
                f'"{what}" {report.kind(reason)}', f'"{what}" could not be computed: {reason}'
            )
        yield made and leads


def compute(
    probe: Probe,
    model: Any,
    methods: Sequence[Method],
    memory: state.State,
    what: str,
    strict: bool = False,
    epoch: float | None = None,
    about: Mapping[str, str] = MappingProxyType({}),
) -> records.Passes | None:
    """Compute a record; None where it failed and was warned of.

    Args:
      probe, model, methods, strict, epoch: see `log_record`.
      about: recorded among the methods' parameters.
      memory: learns what the probe's output is, and which settings work.
      what: of the warning: the scoped name, and where in training.

    Raises:
      ValueError, TypeError: the first call of a probe, or of a method with these
        settings, shows that it cannot work.
      Exception: in strict mode whatever fails.
    """
    with memory.lock:
        first = memory.decided(probe) is None
        untried = [method for method in methods if content.key(method) not in memory.tried]
        for method in untried:
            method.check(probe)

        def passed() -> records.Passes:
            backend = models.backend(probe, model)
            with backend.lock:
                found = records.explain(
                    probe,
                    backend,
                    methods,
                    memory.targets_of(probe),
                    taken=memory.decided(probe),
                    second_seeds=memory.second_seeds_due(probe, methods),
                    epoch=epoch,
                    about=about,
                )
            if untried:
                _ = found.result  # what a method answers is fit to be recorded, or that is said now
            return found

        passes = failures.attempt(
            passed,
            probe,
            model,
            memory,
            what,
            str([method.label for method in methods]),
            first=first,
            untried=bool(untried),
            strict=strict,
        )
        if passes is None:
            return None
        memory.computed(probe, methods, passes)
        if not memory.arrived:
            with models.backend(probe, model).lock:
                _compare_arrivals(probe, passes, memory)
        return passes


def _compare_arrivals(probe: Probe, passes: records.Passes, memory: state.State) -> None:
    """Tell where the model is given something else than in training, once it can tell."""
    subjects = passes.subjects
    try:
        asked = [each.backend for each in subjects]
        arrival = misfits.arrived(asked, [each.x for each in subjects], over=False)
        text = misfits.of_statistics(arrival) if arrival else ""
    except Exception as e:  # a remark is not worth a record
        memory.arrived = True
        what = f'"{probe.name}" was not compared with what the model holds of training: '
        report.warn("arrivals", what + report.reason(e), memory.said)
        return
    if arrival is None:
        return  # training has hardly begun, or holds nothing
    memory.arrived = True
    if text:
        remedy = "bring the probe's images to what training feeds, and pass normalized=(mean, std)"
        report.tell("arrivals", f'"{probe.name}": {text}: {remedy} or preprocess=', memory.said)


def _cost(
    probe: Probe,
    methods: Sequence[Method],
    result: records.Result,
    memory: state.State,
    size: tuple[int, int],
    next_step: str,
) -> str:
    what = " + ".join(method.cost(probe) for method in methods) or "class scores"
    count = len(probe.images)
    again, once = (each / 1000 for each in size)
    images = f" + {once:.0f} KB once for the images" if once >= 0.5 else ""
    seconds = memory.tracing_seconds
    tracing = f" (tracing took {seconds:.1f} s once)" if seconds >= 0.05 else ""
    extra = result.second_seed_seconds
    second = f" (+ {extra:.2f} s where a second seed is due)" if extra >= 0.005 else ""
    return (
        f"{count} image{'s' if count > 1 else ''}, {what}: {result.seconds:.2f} s{second},"
        f" {again:.0f} KB a record{images}{'; ' if next_step else ''}{next_step}{tracing}"
    )
