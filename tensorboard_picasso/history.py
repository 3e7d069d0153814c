"""What of a series is left: of a resumed run its newer records, of a long one a sample.

Records stand in the order in which they were written. Wall times decide nothing: the clock of
the machine on which a run is resumed may be behind.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from tensorboard_picasso.record import Scores


class At(Protocol):
    """When something was logged."""

    @property
    def step(self) -> int:
        """The step."""


R = TypeVar("R", bound=At)
Numbered = tuple[At, Scores]


def superseded(records: Iterable[R]) -> tuple[list[R], list[R]]:
    """What is left of a series in the order of writing, and what was written again.

    A record supersedes all before it with the same or a later step; what is left ascends.
    """
    kept: list[R] = []
    dropped: list[R] = []
    for each in records:
        while kept and kept[-1].step >= each.step:
            dropped.append(kept.pop())
        kept.append(each)
    return kept, dropped


def rewritten(dropped: Iterable[At]) -> str:
    """That records were superseded, and which; empty where none was."""
    steps = sorted(each.step for each in dropped)
    if not steps:
        return ""
    first, last = f"{steps[0]:,}", f"{steps[-1]:,}"
    where = f"at step {first}" if first == last else f"from step {first} to {last}"
    return _left_out(len(steps), where)


def missing(
    records: Sequence[Numbered], dropped: Sequence[Numbered] = (), samples: int | None = None
) -> str:
    """That steps were logged and are not here, and how many; empty where all are, or unknown.

    A record says the how many-th it is of the process that wrote it, which is told from the
    one before it by its first step. Numbers that are lacking were sampled away, or TensorBoard
    left them out as superseded; which of both shows where there were too few to sample.

    Args:
      records: what is left.
      dropped: what was superseded and is known.
      samples: how many records of a series TensorBoard keeps, 0 for all; None: not known.
    """
    if not records or any(not each.nth for _, each in (*records, *dropped)):
        return ""
    parts = _of_processes(records)
    gaps = [gap for part in parts for gap in _gaps(part, dropped)]
    gone = sum(number for _, number in gaps)
    if not gone:
        return ""
    held, offered = len(records) + len(dropped), records[-1][1].nth
    few = samples is not None and held < samples and offered <= samples and len(parts) == 1
    if few or samples == 0:
        return _left_out(gone, f"from step {min(step for step, _ in gaps):,} on")
    # How many a process logged after the last one that is here, before it was resumed, is lost.
    least = "at least " if len(parts) > 1 else ""
    logged, first = len(records) + gone, records[0][0].step
    return f"{len(records):,} of {least}{logged:,} logged steps kept, the first is {first:,}"


def _left_out(number: int, where: str) -> str:
    records = f"{number:,} older record{'s' * (number > 1)}"
    return f"{records} {where} left out: the run was logged again from there or before"


def _of_processes(records: Iterable[Numbered]) -> list[list[Numbered]]:
    """The records of each process that wrote some."""
    parts: list[list[Numbered]] = []
    for each in records:
        if not parts or _parted(parts[-1][-1], each):
            parts.append([])
        parts[-1].append(each)
    return parts


def _parted(now: Numbered, then: Numbered) -> bool:
    return now[1].since != then[1].since or now[1].nth >= then[1].nth


def _gaps(part: Sequence[Numbered], dropped: Iterable[Numbered]) -> Iterator[tuple[int, int]]:
    """How many numbers of a process are lacking before a step, but for those that were dropped."""
    known = {each.nth for _, each in dropped if each.since == part[0][1].since}
    if not known.isdisjoint(each.nth for _, each in part):
        known = set()  # of another process, which began at the same step
    before = 0
    for at, each in part:
        lacking = each.nth - before - 1 - sum(before < nth < each.nth for nth in known)
        if lacking:
            yield at.step, lacking
        before = each.nth
