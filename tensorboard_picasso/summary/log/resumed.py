"""What stands in a directory in which a run goes on: the records that its new ones supersede.

TensorBoard's default loader drops them before anything here sees them, so whoever writes tells.
"""

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import event_pb2

from tensorboard_picasso.stored import unparsed
from tensorboard_picasso.stored.frames import DamagedError, frames

# Bytes of event files that are read for it, which takes a second.
MOST = 1 << 30


def superseded(directory: str, tags: Collection[str], step: int, own: str = "") -> int:
    """How many records of a probe a run supersedes that goes on at a step.

    Args:
      directory: into which it writes.
      tags: of series of which each of its records has one.
      step: its first one.
      own: the file that it writes itself; "": none yet.

    Returns:
      The number of steps; 0 also where it cannot be known: no local directory, files that
      cannot be read, or more than `MOST` bytes of them.
    """
    if "://" in directory:
        return 0
    left: list[int] = []
    try:
        files = sorted(each for each in Path(directory).glob("*tfevents*") if each != Path(own))
        if sum(each.stat().st_size for each in files) > MOST:
            return 0
        for path in files:
            for logged in _steps(path, tags):
                while left and left[-1] >= logged:
                    left.pop()
                left.append(logged)
    except (OSError, DecodeError):
        return 0
    return sum(each >= step for each in left)


def _steps(path: Path, tags: Collection[str]) -> list[int]:
    """The steps at which a file has one of these tags, in the order of writing."""
    steps = []
    with path.open("rb") as file, contextlib.suppress(DamagedError):
        for begin, end in frames(file, os.fstat(file.fileno()).st_size):
            file.seek(begin)
            data = file.read(end - begin)
            if any(
                tag.encode() in data for tag in tags
            ):  # most events of a training hold scalars alone
                unparsed.check(data, event_pb2.Event)
                event = event_pb2.Event.FromString(data)
                if any(value.tag in tags for value in event.summary.value):
                    steps.append(event.step)
    return steps
