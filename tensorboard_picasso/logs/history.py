"""The history of a series, what of it is left: of a resumed run its newer records, of a long one a sample.

Wall times decide nothing: the clock of the machine on which a run is resumed may be behind.
Files stand in the order of their names, which begin with such a clock too. So a file supersedes
another only where both hold the same steps, and where the one that is named first began later
in training, and nothing before it holds what it went on from, it is the newer one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar


class At(Protocol):
    """When something was logged."""

    @property
    def step(self) -> int:
        """The step."""


class Counted(Protocol):
    """Scores, of one image or of all: which of the records of a process."""

    @property
    def nth(self) -> int:
        """As of `record.Scores`."""

    @property
    def since(self) -> int:
        """Likewise."""

    @property
    def superseded(self) -> int:
        """Likewise."""


class AtTime(At, Protocol):
    """And by whose clock."""

    @property
    def wall(self) -> float:
        """Seconds since 1970."""


class Numbers(NamedTuple):
    """What of scores is counted, without the scores."""

    nth: int
    since: int
    superseded: int

    @classmethod
    def of(cls, scores: Counted) -> "Numbers":
        """Those of a record."""
        return cls(scores.nth, scores.since, scores.superseded)


T = TypeVar("T")
R = TypeVar("R", bound=At)
Numbered = tuple[At, Counted]
Timed = tuple[AtTime, Counted]
N = TypeVar("N", bound=Numbered)


@dataclass(frozen=True)
class Span:
    """What a file holds of a probe.

    first, last: steps.
    since: step at which the process began that wrote it.
    numbers: of its first and last record among those of the process; 0: not known.
    """

    first: int
    last: int
    since: int
    numbers: tuple[int, int] = (0, 0)

    def holds(self, step: int) -> bool:
        """Whether a step may be of this file."""
        return self.first <= step <= self.last

    def overlaps(self, other: "Span") -> bool:
        """Whether one may supersede the other."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class FileOrder:
    """In which order files were written; they are counted in the order of their names.

    Attributes:
      spans: what they hold, in the order of their names.
      places: the files.
      rivals: of each, those before it that it supersedes.
      unsure: those of which only the names say which is newer.
    """

    spans: Sequence[Span]
    places: list[int]
    rivals: dict[int, list[int]]
    unsure: list[int]

    @classmethod
    def of(cls, spans: Sequence[Span]) -> "FileOrder":
        """Put files in order, which are given in that of their names."""
        places: list[int] = []
        for new in range(len(spans)):
            later = (at for at, old in enumerate(places) if _after(spans, old, new))
            places.insert(next(later, len(places)), new)
        rivals = {
            number: [other for other in places[:at] if spans[other].overlaps(spans[number])]
            for at, number in enumerate(places)
        }
        unsure = {
            file
            for number, others in rivals.items()
            for other in others
            if other < number and not _told(spans[other], spans[number])
            for file in (other, number)
        }
        return cls(spans, places, rivals, sorted(unsure))


def _after(spans: Sequence[Span], old: int, new: int) -> bool:
    """Whether a file was written after one that is named behind it."""
    one, other = spans[old], spans[new]
    if not one.overlaps(other):
        return one.first > other.first
    if one.since == other.since:
        return 0 < other.numbers[1] < one.numbers[0]
    return one.since > other.since and all(each.first >= one.since for each in spans[:old])


def _told(one: Span, other: Span) -> bool:
    """Whether what is recorded says that one file was written before the other."""
    if one.since == other.since:
        return 0 < one.numbers[1] < other.numbers[0]
    return one.since < other.since


def settled(
    files: Sequence[Sequence[R]], order: FileOrder, began: bool = False
) -> tuple[list[R], list[R]]:
    """What is left of a series, ascending, and what was written again.

    A record supersedes all that were written before it with the same or a later step: in its
    own file, and in those whose steps overlap.

    Args:
      files: records of each, in the order of writing.
      order: of the files.
      began: whether each is all of a process, whose first record is in the series: it
        supersedes also where it was sampled away.
    """
    kept: dict[int, list[R]] = {}
    dropped: list[R] = []
    for number in order.places:
        kept[number] = []
        for record in files[number]:
            _give_up(kept[number], record.step, dropped)
            kept[number].append(record)
        if kept[number]:
            first = kept[number][0].step
            if began:
                first = min(first, order.spans[number].since)
            for rival in order.rivals[number]:
                _give_up(kept[rival], first, dropped)
    return sorted((at for part in kept.values() for at in part), key=lambda at: at.step), dropped


def _give_up(kept: list[R], step: int, dropped: list[R]) -> None:
    while kept and kept[-1].step >= step:
        dropped.append(kept.pop())


def parted(
    records: Sequence[R],
    known: Sequence[int | None],
    order: FileOrder,
    among: Sequence[int] | None = None,
) -> list[list[R]]:
    """The records of each file, of a series that has them in the order of the names.

    known: which file each is of; None: not known, and told by its step.
    among: the files that may hold the series, at least one; None: all.
    """
    files: list[list[R]] = [[] for _ in order.spans]
    places = range(len(files)) if among is None else among
    number = places[0]
    for record, of in zip(records, known, strict=True):
        told = of
        if told is None:
            goes_on = not files[number] or record.step > files[number][-1].step
            if not (goes_on and order.spans[number].holds(record.step)):
                later = (at for at in places if at > number)
                told = next((at for at in later if order.spans[at].holds(record.step)), None)
        number = number if told is None else told
        files[number].append(record)
    return files


def superseded(records: Iterable[R]) -> tuple[list[R], list[R]]:
    """The same of records as they come, of which nobody says where one file ends.

    Where steps fall below the first of a file another begins, and where they pass all of one
    that was named before, which may be of a third.
    """
    files = _files(records, lambda each: each)
    steps = [[each.step for each in file] for file in files]
    return settled(files, FileOrder.of([Span(min(file), max(file), file[0]) for file in steps]))


def _files(records: Iterable[T], at: Callable[[T], At]) -> list[list[T]]:
    """Records as they come, parted where a file must have ended."""
    files: list[list[T]] = []
    for record in records:
        step = at(record).step
        if (
            not files
            or step < at(files[-1][0]).step
            or any(at(files[-1][-1]).step <= at(past[-1]).step < step for past in files[:-1])
        ):
            files.append([])
        files[-1].append(record)
    return files


def processes(scores: Sequence[N]) -> list[list[N]]:
    """The records of each process, in the order of the files' names; empty: not known.

    Args:
      scores: of one series, in the order of the files' names.
    """
    if any(not each.nth for _, each in scores):
        return []
    return _of_processes(scores)


def joined(one: Sequence[Timed], other: Sequence[Timed]) -> list[list[Timed]]:
    """The records of each process, of scores that are stored in two ways, each as of `processes`.

    No file's name says which of two processes came first that wrote another way each: the times
    of their first records do, as names do.
    """
    rests = [processes(scores) or _files(scores, lambda each: each[0]) for scores in (one, other)]
    parts = []
    while any(rests):
        soonest = min((rest for rest in rests if rest), key=lambda rest: rest[0][0][0].wall)
        parts.append(soonest.pop(0))
    return parts


def span(part: Sequence[Numbered]) -> Span:
    """What a process holds."""
    steps = [at.step for at, _ in part]
    if any(not each.nth for _, each in part):
        return Span(min(steps), max(steps), steps[0])
    numbers = part[0][1].nth, part[-1][1].nth
    return Span(min(steps), max(steps), part[0][1].since, numbers)


def rewritten(dropped: Iterable[At]) -> str:
    """That records were superseded, and which; empty where none was."""
    steps = sorted(each.step for each in dropped)
    if not steps:
        return ""
    first, last = f"{steps[0]:,}", f"{steps[-1]:,}"
    where = f"at step {first}" if first == last else f"from step {first} to {last}"
    return _left_out(len(steps), where)


def resumed(records: Sequence[Numbered]) -> str:
    """That processes superseded records of earlier ones; empty where none did, or unknown.

    They counted them when they began. TensorBoard's default loader does not give them; where
    they are known, `rewritten` tells.

    Args:
      records: what is left.
    """
    # A process may know it from its second record on.
    began = [part[-1][1] for part in _of_processes(records) if part[-1][1].superseded]
    if not began:
        return ""
    where = f"from step {min(each.since for each in began):,} on"
    return _left_out(sum(each.superseded for each in began), where)


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


def _of_processes(records: Iterable[N]) -> list[list[N]]:
    """The records of each process that wrote some."""
    parts: list[list[N]] = []
    for record in records:
        if not parts or _parted(parts[-1][-1], record):
            parts.append([])
        parts[-1].append(record)
    return parts


def _parted(now: Numbered, then: Numbered) -> bool:
    return now[1].since != then[1].since or now[1].nth >= then[1].nth


def _gaps(part: Sequence[Numbered], dropped: Iterable[Numbered]) -> Iterator[tuple[int, int]]:
    """How many numbers of a process are lacking before a step, but for those that were dropped."""
    known = {each.nth for _, each in dropped if each.since == part[0][1].since}
    if not known.isdisjoint(each.nth for _, each in part):
        known = set()  # of another process, which began at the same step
    before = 0
    for at, scores in part:
        lacking = scores.nth - before - 1 - sum(before < nth < scores.nth for nth in known)
        if lacking:
            yield at.step, lacking
        before = scores.nth
