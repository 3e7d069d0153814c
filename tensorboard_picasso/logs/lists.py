"""What was listed of runs lately, which requests share."""

import math
import time
from collections.abc import Mapping
from typing import NamedTuple

from tensorboard_picasso.stored.metadata import Series

# Seconds for which what was listed is taken as it was.
LISTED = 1.0

# Step and wall time of a series' last record.
Mark = tuple[float, ...]


class Lists:
    """What was listed of runs, which several requests share that come within a second.

    TensorBoard's client waits some 40 ms for each list of the data server. An index always lists
    anew, so what is asked for after one knows of no less than it.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[float, Listed]] = {}

    def find(self, experiment: str, run: str) -> "Listed | None":
        """What was listed of a run lately; None: nothing."""
        at, listed = self._held.get((experiment, run), (-math.inf, None))
        return listed if time.monotonic() - at < LISTED else None

    def put(self, experiment: str, at: float, listed: Mapping[str, "Listed"]) -> None:
        """Keep what was listed of runs, which was asked for at that time."""
        left = {of: each for of, each in list(self._held.items()) if at - each[0] < LISTED}
        # One thread's may be lost to another's, and is listed again.
        self._held = left | {(experiment, run): (at, each) for run, each in listed.items()}


class Listed(NamedTuple):
    """Of a run.

    tags: of its series. marks: of the last record of each. blobs: whether those of blobs are there.
    """

    tags: Mapping[Series, str]
    marks: Mapping[Series, Mark]
    blobs: bool
