"""Measures one row in a process of its own: `python -m benchmarks.occlusion.row JSON`."""

import functools
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.occlusion import weights
from benchmarks.occlusion.cases import Array, Boxes, Case, images, occluded
from benchmarks.occlusion.contenders import (
    Contender,
    Ours,
    OursOfVolumes,
    Scores,
    bare,
    ours_dense,
    plain_loop,
    saliency,
)
from benchmarks.occlusion.results import (
    OURS,
    OURS_DENSE,
    OURS_PROBE,
    DisagreementError,
    agree,
    scaled,
)
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.probe import outputs

# Small images of a probe, which are computed together too.
PROBE = 16
BATCHES = (1, 4, 8, 16, 32, 64, 256)
# Numbers that the images of a batch hold at most: 64 photographs.
BATCH_NUMBERS = 64 * 224 * 224 * 3
# On a GPU larger ones are tried too.
OF_GPU, GPU_NUMBERS = (*BATCHES, 512, 1024), 512 * 224 * 224 * 3
# What takes less is repeated until it has taken so long.
LEAST_SECONDS = 0.2
# How many windows' scores are compared at most.
CHECKED = 128
# Seconds in which our engine may look for the best size of its batches.
SEARCHING = 10.0
# So many calls at most go by until the faster way is known, as of the first records of a training.
SETTLED = 40
# How often the settings of a contender are tried, but for those that took so many times the least.
TURNS, FAR = 2, 1.5
# Least standard deviation of a class's log-odds over windows: numbers that do not vary prove nothing.
LEAST_EFFECT = 1e-2


class Took(NamedTuple):
    """Seconds by the clock, and of the processor in all threads."""

    seconds: float
    cpu_seconds: float


class Setup:
    """A model, an image and how the framework scores batches."""

    def __init__(self, case: Case, device: str = "cpu") -> None:
        side = {"tensorflow": "keras_side"}.get(case.framework, f"{case.framework}_side")
        self.case = case
        self.side: Any = importlib.import_module(f"benchmarks.occlusion.{side}")
        few = case.axes > 2 or case.shape[0] > 100
        self.pictures = images(4 if few else PROBE, case.shape)
        self.image: Array = self.pictures[0]
        self.model = self.side.placed(self.side.build(case.model, self.pictures), device)
        self.batches, self.numbers = BATCHES, BATCH_NUMBERS
        if device == "cuda":
            self.batches, self.numbers = OF_GPU, GPU_NUMBERS
        self.kinds = (*self.side.KINDS, *(self.side.ON_GPU if device == "cuda" else ()))
        self.forward: Callable[[Array], Scores] = self.side.forward(self.model)

    def bare(self, kind: str, batch: int) -> Contender:
        """A bare forward pass; see `contenders.bare`."""
        forward = self.side.bare(self.model, kind)
        return bare(self.case, self.image, batch, kind, forward)

    def ours(self, pictures: Array) -> Ours | OursOfVolumes:
        """Our occlusion of images."""
        made = Ours if self.case.axes == 2 else OursOfVolumes
        return made(self.case, self.model, pictures)

    def scores(self, boxes: Boxes) -> Scores:
        """Scores of windows, by plain passes."""
        parts = np.array_split(boxes, max(1, len(boxes) // 16))
        return np.concatenate([self.forward(occluded(self.image, part)) for part in parts])


def times(case: Case, repeats: int, seconds: float, device: str = "cpu") -> dict[str, Any]:
    """All contenders' seconds for all windows, round by round.

    Args:
      repeats: how many rounds.
      seconds: a contender that takes longer is timed on a sample of windows.
      device: where the model lies.

    Raises:
      DisagreementError, ValueError: the numbers must not be compared.
    """
    setup = Setup(case, device)
    weights.check(setup.side.activations(setup.model, setup.pictures[:1]))
    windows = len(case.boxes())
    started = time.perf_counter()
    ours = setup.ours(setup.pictures[:1])
    ours.run()
    first = time.perf_counter() - started
    ours.settle(SETTLED)
    difference, effect = _check_ours(setup, ours)
    found: dict[str, dict[str, Any]] = {OURS: {"difference": difference, "sampled": 0}}
    runs: dict[str, Callable[[], Took]] = {OURS: lambda: _clocked(ours.run)}
    if len(setup.pictures) == PROBE:
        probe = setup.ours(setup.pictures)
        probe.settle(SETTLED)
        found[OURS_PROBE] = {"difference": _check_ours(setup, probe)[0], "sampled": 0}
        runs[OURS_PROBE] = lambda: _clocked(probe.run, PROBE)
    for contender in _contenders(setup, windows, seconds):
        per_image = _timed(contender, contender.batch, windows).seconds / windows
        limit = min(windows, contender.most or windows)
        if per_image * limit > seconds:
            limit = max(contender.batch, int(seconds / per_image))
        found[contender.name] = {
            "difference": _check(setup, contender, limit, effect),
            "sampled": 0 if limit >= windows else limit,
            "setting": contender.setting,
            "remark": contender.remark,
        }
        runs[contender.name] = lambda c=contender, n=limit: _timed(c, n, windows)
    names = list(runs)
    for each in found.values():
        each["seconds"], each["cpu_seconds"] = [], []
    for turn in range(repeats):
        # Each round begins with another: none always follows the same.
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            for clock, value in runs[name]()._asdict().items():
                found[name][clock].append(value)
    return {
        "windows": windows,
        "effect": effect,
        "first_call_seconds": first,
        "load": os.getloadavg(),
        "contenders": found,
    }


def peak(case: Case, what: str, kind: str, batch: int) -> dict[str, float]:
    """Memory (MB) of this process before a run and at its peak, as Linux counts it.

    Args:
      what: `OURS`, `OURS_DENSE`, else bare passes.
      kind, batch: of bare passes.
    """
    setup = Setup(case)
    if what == OURS:
        run = setup.ours(setup.pictures[:1]).run
    elif what == OURS_DENSE:
        run = functools.partial(ours_dense(case, setup.model, setup.image, SEARCHING).run, CHECKED)
    else:
        some = case.boxes()[: 4 * batch]
        forward = setup.side.bare(setup.model, kind)

        def run() -> None:
            for at in range(0, len(some) - batch + 1, batch):
                forward(occluded(setup.image, some[at : at + batch]))()

    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    run()
    run()
    return {"before_mb": before, "peak_mb": _resident("VmHWM")}


def _resident(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1000


def _contenders(setup: Setup, windows: int, seconds: float) -> list[Contender]:
    """All but ours as it comes, each in its best setting."""
    case, image = setup.case, setup.image
    numbers = image.size
    plain, *others = setup.kinds
    sizes = [each for each in setup.batches if each * numbers <= setup.numbers]
    dense = _best([lambda b=b: setup.bare(plain, b) for b in sizes], windows, seconds)
    kinds = [lambda k=kind: setup.bare(k, dense.batch) for kind in others]
    chosen = [_best([lambda: dense, *kinds], windows, seconds)]
    chosen.append(ours_dense(case, setup.model, image, seconds))
    for settings in setup.side.tools(case, setup.model, image):
        chosen.append(_best([lambda s=s: s for s in settings], windows, seconds))
    if case.axes == 2:  # it takes no volumes
        chosen.append(saliency(case, image, setup.forward))
    chosen.append(plain_loop(case, image, setup.forward, max(1, 2 * BATCH_NUMBERS // numbers)))
    return chosen


def _best(makers: Sequence[Callable[[], Contender]], windows: int, seconds: float) -> Contender:
    """The fastest; batches that would take longer than `seconds` are not tried.

    Each has its best time of several turns: what else the machine does only adds to it.
    """
    least: dict[Contender, float] = {}
    for make in makers:
        contender = make()
        if not least or min(least.values()) / windows * contender.batch < seconds:
            _timed(contender, contender.batch, windows)
            least[contender] = _timed(contender, contender.batch, windows).seconds
    for _ in range(TURNS):
        for contender, before in list(least.items()):
            if before < FAR * min(least.values()):
                found = _timed(contender, contender.batch, windows).seconds
                least[contender] = min(before, found)
    return min(least, key=lambda contender: least[contender])


def _timed(contender: Contender, limit: int, windows: int) -> Took:
    """What all windows take, from a run over at most about `limit`."""
    made: list[int] = []
    took = _clocked(lambda: made.append(len(contender.run(limit))))
    return Took(*(scaled(each, made[0], windows, contender.whole) for each in took))


def _clocked(run: Callable[[], None], images: int = 1) -> Took:
    """What one run takes by image, the mean of several where it is short."""
    count, started, before = 0, time.perf_counter(), time.process_time()
    while not count or time.perf_counter() - started < LEAST_SECONDS:
        run()
        count += 1
    wall, cpu = time.perf_counter() - started, time.process_time() - before
    return Took(wall / count / images, cpu / count / images)


def _check_ours(setup: Setup, ours: Ours | OursOfVolumes) -> tuple[float, float]:
    """The largest difference of our log-odds, and their deviation over windows."""
    boxes, classes, log_odds = ours.log_odds
    if not np.array_equal(boxes, setup.case.boxes()):
        raise DisagreementError(f"ours: {len(boxes)} windows, expected {len(setup.case.boxes())}")
    some = _some(len(boxes))
    raw = setup.scores(boxes[some])
    expected = outputs.log_odds(raw, Output.LOGITS)[:, classes]
    effect = float(expected.std(axis=0).mean())
    if not effect >= LEAST_EFFECT:
        raise ValueError(f"windows change the log-odds by {effect:.1e} only")
    return agree(OURS, log_odds[some], expected, effect), effect


def _check(setup: Setup, contender: Contender, limit: int, effect: float) -> float:
    made = contender.run(limit)[contender.whole :]
    some = _some(len(made))
    return agree(contender.name, made[some], setup.scores(contender.boxes[some]), effect)


def _some(count: int) -> NDArray[np.int64]:
    """Windows whose scores are compared, spread over all."""
    return np.unique(np.linspace(0, count - 1, CHECKED).astype(np.int64))


def main() -> None:
    """Print one JSON line."""
    asked = json.loads(sys.argv[1])
    case = Case(**asked.pop("case"))
    measure = peak if "what" in asked else times
    try:
        print(json.dumps(measure(case, **asked)))
    except ValueError as e:
        sys.exit(f"{case.name} in {case.framework}: {e}")


if __name__ == "__main__":
    main()
