"""A folder's checkpoints, in step order, and where their steps come from."""

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tensorboard_picasso.checkpoints import CheckpointError, LogError, formats, steps
from tensorboard_picasso.checkpoints.steps import Progress
from tensorboard_picasso.summary.kit import report

# In this order where as many checkpoints have the one as the other.
KINDS = ("step", "number", "epoch")
# What has not changed for so many seconds is no longer being written.
SETTLED = 5.0
# An event's step has 64 bits.
MOST = 2**63 - 1
# Characters of an error.
MOST_SAID = 160

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint: where it is, and where in training it stands.

    path: of the file or folder, or the prefix of several files. name: the path within the
      folder of all. format: its name.
    step: of the records. epoch: recorded with them, where it is known.
    source: where the step was found, for people.
    """

    path: Path
    name: str
    format: str
    step: int
    epoch: int | None
    source: str


@dataclass(frozen=True)
class Scan:
    """What is in a folder at a moment.

    checkpoints: ascending in step.
    broken, left_out: names of others, with the reason.
    """

    checkpoints: list[Checkpoint] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def sources(self) -> str:
        """Where the steps come from, in a few words."""
        counted = Counter(each.source for each in self.checkpoints)
        if len(counted) == 1:
            return next(iter(counted))
        return ", ".join(f"{count} from {source}" for source, count in counted.items())


@dataclass(frozen=True)
class _Candidate:
    path: Path
    name: str
    format: formats.Format
    signature: Signature


@dataclass(frozen=True)
class _Placed:
    """Where a checkpoint stands by its name and by what is in it; or why nobody knows."""

    named: Progress
    stored: Progress
    problem: str = ""

    def of(self, kind: str) -> tuple[int, str] | None:
        """The step of a kind, with its source."""
        for progress in (self.named, self.stored):
            value = getattr(progress, kind)
            if value is not None:
                as_steps = "epochs, " if kind == "epoch" else ""
                return value, as_steps + progress.source
        return None

    @property
    def epoch(self) -> int | None:
        return self.stored.epoch if self.named.epoch is None else self.named.epoch


class Folder:
    """A folder that is scanned once or again and again."""

    def __init__(self, path: Path, pattern: str | None, trusted: bool) -> None:
        """Look at a folder.

        Args:
          path: the folder; those in it are looked into.
          pattern: a regular expression whose first group is the step in the path of each
            checkpoint, instead of what is found without.
          trusted: whether what runs code while it is read may do so.

        Raises:
          LogError: there is no such folder, or the pattern is none.
        """
        if not path.is_dir():
            raise LogError(f"--checkpoints {path}: no such directory")
        self._path = path.absolute()  # other processes work elsewhere
        self._trusted = trusted
        self._kind = ""
        self._placed: dict[tuple[str, Signature], _Placed] = {}
        try:
            self._pattern = re.compile(pattern) if pattern else None
        except re.error as e:
            raise LogError(f"--step-pattern {pattern!r}: {e}") from e
        if self._pattern is not None and self._pattern.groups < 1:
            raise LogError(f"--step-pattern {pattern!r}: put the step in a group, (\\d+)")

    def scan(self, growing: bool = False) -> Scan:
        """What is there.

        Args:
          growing: leave out what may still be written to.
        """
        now = time.time()
        placed: dict[_Candidate, _Placed] = {}
        for candidate in self._candidates():
            newest = max((at for _, _, at in candidate.signature), default=0) / 1e9
            if not (growing and now - newest < SETTLED):
                key = candidate.name, candidate.signature
                if key not in self._placed:
                    self._placed[key] = self._place(candidate)
                placed[candidate] = self._placed[key]
        # Counts of different things are no one order; as most have it, and that is kept.
        have = {kind: sum(each.of(kind) is not None for each in placed.values()) for kind in KINDS}
        if not self._kind and any(have.values()):
            self._kind = max(KINDS, key=lambda kind: have[kind])
        return self._ordered(placed)

    def _candidates(self) -> Iterator[_Candidate]:
        for around, folders, files in os.walk(self._path):
            folders.sort()
            folder, names = Path(around), sorted([*files, *folders])
            for reader in formats.known():
                for name in reader.found(folder, names):
                    path = folder / name if name else folder
                    if not name:
                        folders.clear()  # what lies within is its own
                    try:
                        signature = tuple(
                            (str(file), file.stat().st_size, file.stat().st_mtime_ns)
                            for file in reader.files(path)
                        )
                    except FileNotFoundError:  # removed meanwhile: trainers keep the newest few
                        continue
                    yield _Candidate(
                        path, path.relative_to(self._path).as_posix(), reader, signature
                    )

    def _place(self, candidate: _Candidate) -> _Placed:
        name = Path(candidate.name)
        if self._pattern is not None:
            return _Placed(steps.by_pattern(name, self._pattern), Progress())
        named = steps.in_name(name)
        if named.step is not None:
            return _Placed(named, Progress())
        try:
            return _Placed(named, candidate.format.progress(candidate.path, self._trusted))
        except Exception as e:
            problem = str(e) if isinstance(e, CheckpointError) else _short(e)
            return _Placed(named, Progress(), problem)

    def _ordered(self, placed: dict[_Candidate, _Placed]) -> Scan:
        scan = Scan()
        by_step: dict[int, tuple[bool, Checkpoint]] = {}
        for candidate, place in placed.items():
            at = place.of(self._kind) if self._kind else None
            if at is None:
                if place.problem:
                    scan.broken[candidate.name] = place.problem
                else:
                    scan.left_out[candidate.name] = self._stepless()
                continue
            step, source = at
            if step > MOST:
                scan.broken[candidate.name] = self._beyond(step)
                continue
            named = getattr(place.named, self._kind) is not None
            made = Checkpoint(
                candidate.path, candidate.name, candidate.format.name, step, place.epoch, source
            )
            if step in by_step:
                was_named, other = by_step[step]
                # `last.ckpt` is a copy: what bears its step in its name stays.
                first, second = (made, other) if named > was_named else (other, made)
                named = named or was_named
                scan.left_out[second.name] = f"step {step} is that of {first.name} too"
                made = first
            by_step[step] = named, made
        scan.checkpoints[:] = [by_step[step][1] for step in sorted(by_step)]
        return scan

    def _beyond(self, step: int) -> str:
        if self._pattern is not None:
            told = f"--step-pattern {self._pattern.pattern!r} finds {step}: steps end at {MOST}"
            return f"{told}: put fewer digits in the group"
        return f"its step would be {step}, and steps end at {MOST}: pass --step-pattern"

    def _stepless(self) -> str:
        if self._pattern is not None:
            return f"--step-pattern {self._pattern.pattern!r} finds no step in its path"
        if not self._kind:
            return "no step in its name or in it: pass --step-pattern"
        return f"no {self._kind}, as others have, in its name or in it"


def load(checkpoint: Checkpoint, model: object, trusted: bool) -> object:
    """A model with a checkpoint's weights: `Format.load` of its format.

    Raises:
      LogError: the format needs a model, and there is none.
      CheckpointError: it cannot be read, or is of another model, in one line.
    """
    (reader,) = (each for each in formats.known() if each.name == checkpoint.format)
    try:
        return reader.load(checkpoint.path, model, trusted)
    except (CheckpointError, LogError):
        raise
    except Exception as e:
        raise CheckpointError(_short(e)) from e


def _short(error: Exception) -> str:
    """Why something cannot be read, without the advice that frameworks add."""
    reason = report.reason(error)
    return reason if len(reason) <= MOST_SAID else f"{reason[:MOST_SAID]}…"
