"""What of a series is left: of a resumed run its newer records, of a long one a sample.

Records stand in the order in which they were written. Wall times decide nothing: the clock of
the machine on which a run is resumed may be behind.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from tensorboard_picasso.record import Scores


class At(Protocol):
    """When something was logged."""

    @property
    def step(self) -> int:
        """The step."""


R = TypeVar("R", bound=At)


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
    records = f"{len(steps):,} older record{'s' * (len(steps) > 1)}"
    first, last = f"{steps[0]:,}", f"{steps[-1]:,}"
    where = f"at step {first}" if first == last else f"from step {first} to {last}"
    return f"{records} {where} left out: the run was logged again from there or before"


def sampled(records: Sequence[tuple[At, Scores]]) -> str:
    """That steps were logged and are not here, and how many; empty where all are, or unknown.

    A record says the how many-th it is of the process that wrote it, which is told from the
    one before it by its first step.
    """
    if not records or any(not each.nth for _, each in records):
        return ""
    ends = [now for now, then in itertools.pairwise(records) if _parted(now, then)]
    logged = sum(each.nth for _, each in [*ends, records[-1]])
    if logged <= len(records):
        return ""
    # How many a process logged after the last one that is here, before it was resumed, is lost.
    least = "at least " if ends else ""
    first = records[0][0].step
    return f"{len(records):,} of {least}{logged:,} logged steps kept, the first is {first:,}"


def _parted(now: tuple[At, Scores], then: tuple[At, Scores]) -> bool:
    return now[1].since != then[1].since or now[1].nth >= then[1].nth
