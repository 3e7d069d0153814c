"""Writing: what was computed becomes one event, here or on the worker's thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.stored.metadata import Series
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.log import resumed, state
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.log.state import State
from tensorboard_picasso.summary.writers import losses, worker

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Numbers:
    """What a record says of its place among others; see `record.Scores`."""

    nth: int
    since: int
    superseded: int


def settled(owner: Any, name: str) -> State:
    """What is remembered under an owner and a scoped name, once its record under way is written.

    Raises:
      Exception: as `settle`.
    """
    return settle(state.find(owner, name))


def settle(memory: S) -> S:
    """Wait for the record under way.

    Raises:
      Exception: in strict mode what writing that record raised.
    """
    with memory.lock:
        handed, memory.handed = memory.handed, None
        worker.settle(handed)
    return memory


def write(
    memory: State,
    where: Destination,
    when: Moment,
    terms: Terms,
    series: Sequence[Series],
    make: Callable[[Numbers], summary_pb2.Summary],
    done: Callable[[summary_pb2.Summary], str],
) -> bool:
    """Write one event, or hand it to the worker.

    Args:
      memory: what is remembered of the log, settled. where, when, terms: as asked.
      series: of which each record has one, by which those of earlier processes are counted.
      make: the event's values.
      done: once it is written: remembers it, and says what it cost.

    Returns:
      Whether it was accepted for writing; where the one before in its log could not be
      written, whether it was written.

    Raises:
      Exception: in strict mode whatever fails.
    """
    name, step = where.name, when.step
    lost = losses.of(where.owner)

    def finish() -> bool:
        try:
            since = step if memory.since is None else memory.since
            if memory.superseded is None and where.directory is not None:
                own = getattr(where.owner, "path", "")
                tags = [each.tag for each in series]
                memory.superseded = resumed.superseded(where.directory, tags, since, own)
            summary = make(Numbers(memory.written + 1, since, memory.superseded or 0))
            where.write(summary.SerializeToString(), step)
        except Exception as e:
            if terms.strict:
                raise
            reason = report.reason(e)
            lost.add(name, step, reason)
            text = f'"{name}" could not be written at step {step}: {reason}'
            report.warn(f"write {report.kind(reason)}", text, memory.said)
            return False
        if lost.failing:
            lost.over(name, step, getattr(where.owner, "path", ""))
            memory.said -= {key for key in memory.said if key.startswith("write ")}
        report.tell("cost", done(summary), memory.said)
        return True

    if not where.background:
        return finish()
    failing = lost.failing and not terms.strict
    memory.handed = worker.hand_over(finish)
    if failing:  # the answer is what became of this one
        settle(memory)
    return not (failing and lost.failing)
