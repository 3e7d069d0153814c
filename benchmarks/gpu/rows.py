"""Occlusion on a device against the best bare passes, Captum and a plain loop, in one process."""

import contextlib
import dataclasses
import importlib.util
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.checks import rounded
from benchmarks.occlusion import contenders, torch_side
from benchmarks.occlusion.cases import FILL, Array, Case
from benchmarks.occlusion.contenders import Contender, Ours, Scores, watched
from benchmarks.occlusion.results import ROUNDING, scaled
from benchmarks.occlusion.row import PROBE, Setup
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends.base import out_of_memory
from tensorboard_picasso.summary.probe import outputs

Row = dict[str, Any]
# The largest first: what shows most, where the time is short.
CASES = (
    "vgg16 16/8", "resnet50 16/8", "mobilenetv2 16/8", "vitb16 16/8", "resnet20 8/2",
    "vgg16 32/16", "resnet50 32/16", "mobilenetv2 32/16", "vitb16 32/16", "resnet20 4/1",
)  # fmt: skip
QUICK = ("cnn28 8/2",)
# In JAX, whose windows are all run whole.
JAX = ("resnet50 16/8", "vgg16 16/8", "resnet20 8/2")
JAX_QUICK = ("cnn28 8/2",)
# How often ours is run at most before it is timed, until what timing decides is known.
SETTLED = 12
# Windows whose scores are compared.
CHECKED = 32
# A tool's scores may be so many times as far from the exact ones as plain passes are, in the
# precision in which all of them compute.
FURTHER = 3
LIKE_CAPTUM = "as Captum does it"


def named(name: str, framework: str = "torch") -> Case:
    """A case by its name."""
    model, _, windows = name.partition(" ")
    window, stride = map(int, windows.split("/"))
    return Case(model, window, stride, framework)


@dataclasses.dataclass(frozen=True)
class Terms:
    """How rows are measured.

    device: of the model. rounds: how often all contenders run by turns. least: seconds that a
    contender's run takes at least, by repeating it. most: seconds of it, else windows are
    sampled. batches: those of bare passes that are tried.
    compile: whether `torch.compile` is tried too, which takes long.
    """

    device: str
    rounds: int = 3
    least: float = 0.2
    most: float = 1.0
    batches: tuple[int, ...] = (16, 64, 256, 512)
    compile: bool = False


@contextlib.contextmanager
def precision(tf32: bool) -> Iterator[None]:
    """See `checks.rounded`, in each framework."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(rounded(tf32))
        if not tf32 and "jax" in sys.modules:
            stack.enter_context(sys.modules["jax"].default_matmul_precision("highest"))
        yield


def measured(setup: Setup, tf32: bool, terms: Terms) -> Row:
    """One row: seconds of all windows of one image, round by round.

    Args:
      setup: of the case, its model on the device.
      tf32: see `precision`.
      terms: how.
    """
    with precision(tf32):
        return _measured(setup, tf32, terms)


def _measured(setup: Setup, tf32: bool, terms: Terms) -> Row:
    case = setup.case
    boxes = case.boxes()
    pictures = _probe(setup)
    started = time.perf_counter()
    one, many = (Ours(case, setup.model, some) for some in (pictures[:1], pictures))
    one.run()
    first = time.perf_counter() - started
    for ours in (one, many):
        ours.settle(SETTLED)
    some = np.unique(np.linspace(0, len(boxes) - 1, CHECKED).astype(np.int64))
    with precision(tf32=False):
        expected = setup.scores(boxes[some])
    effect = float(expected.std(axis=0).mean())
    off = float(np.abs(setup.scores(boxes[some]) - expected).max())
    bound = max(ROUNDING * effect, FURTHER * off)
    found: dict[str, Any] = {}
    runs: dict[str, Callable[[], float]] = {}

    def add(name: str, run: Callable[[], float], difference: float, **more: Any) -> None:
        found[name] = {"difference": difference, "seconds": [], **more}
        if not difference <= bound:
            found[name]["refused"] = f"scores differ by {difference:.1e}, allowed {bound:.1e}"
        runs[name] = run

    log_odds = outputs.log_odds(expected, Output.LOGITS)
    for name, ours, count in (("ours", one, 1), ("ours, a probe", many, PROBE)):
        _, classes, values = ours.log_odds
        difference = float(np.abs(values[some] - log_odds[:, classes]).max())
        add(name, lambda o=ours, n=count: _clocked(o.run, terms) / n, difference, told=ours.told)
    dense = contenders.ours_dense(case, setup.model, setup.image, terms.most)
    settings: dict[str, Iterable[Contender]] = {
        "ours, dense": [dense],
        "dense limit": _bare(setup, terms),
        **_tools(setup),
    }
    for name, choices in settings.items():
        best, limit = _best(choices, len(boxes), terms)
        if best is None:
            continue
        made = best.run(limit)[best.whole :]
        at = np.arange(len(made))[:: max(1, len(made) // CHECKED)]
        with precision(tf32=False):
            plain = setup.scores(best.boxes[at])
        difference = float(np.abs(made[at] - plain).max())

        def run(contender: Contender = best, most: int = limit) -> float:
            return _scaled(contender, most, len(boxes), terms)

        add(name, run, difference, setting=best.setting, sampled=limit < len(boxes))
    names = list(runs)
    for turn in range(terms.rounds):
        at_turn = turn % len(names)
        for name in names[at_turn:] + names[:at_turn]:
            found[name]["seconds"].append(runs[name]())
    return {
        **dataclasses.asdict(case),
        "precision": "TF32" if tf32 else "float32",
        "windows": len(boxes),
        "effect": effect,
        "plain_off": off,
        "first_call_seconds": first,
        "compiled": terms.compile,
        "contenders": found,
    }


def _probe(setup: Setup) -> Array:
    """As many images as a probe of a training has."""
    pictures = setup.pictures
    return np.concatenate([pictures] * -(-PROBE // len(pictures)))[:PROBE] * np.linspace(
        1, 0.7, PROBE, dtype=np.float32
    ).reshape(-1, 1, 1, 1)


def _bare(setup: Setup, terms: Terms) -> Iterator[Contender]:
    """Bare passes of each kind and size; those that memory does not suffice for are left out."""
    kinds = [each for each in setup.kinds if "compile" not in each or terms.compile]
    for kind in kinds:
        forward = setup.side.bare(setup.model, kind)
        for batch in terms.batches if "compile" not in kind else terms.batches[-2:-1]:
            try:
                yield contenders.bare(setup.case, setup.image, batch, kind, forward)
            except Exception as e:
                if not out_of_memory(e):
                    raise


def _tools(setup: Setup) -> dict[str, list[Contender]]:
    case, image = setup.case, setup.image
    most = min(512, 2 * setup.numbers // image.size)
    found = {"plain loop": [contenders.plain_loop(case, image, setup.forward, most)]}
    if case.framework != "torch":
        return found
    if importlib.util.find_spec("captum"):
        plain, best = torch_side.tools(case, setup.model, image)
        return {"Captum": plain, "Captum, best": best, **found}
    sizes = (1, 32, 128)
    return {LIKE_CAPTUM: [like_captum(case, setup.model, image, each) for each in sizes], **found}


def like_captum(case: Case, model: Any, image: Array, at_once: int) -> Contender:
    """What Captum's `Occlusion` does, where it is not installed.

    For each window a mask of the input's shape; copies of the input times one less the mask,
    and what it is filled with times the mask; so many of them in a pass; and then the
    difference of the scores, times the mask, added up.
    """
    x = torch.from_numpy(np.moveaxis(image, -1, 0)[None].copy())
    x = x.to(next(model.parameters()).device)
    boxes = case.boxes(down_first=True)

    def run(limit: int) -> Scores:
        def use(watch: Any) -> None:
            whole = watch(x)[:, 0]
            total = torch.zeros_like(x)
            for start in range(0, len(boxes), at_once):
                some = boxes[start : start + at_once].tolist()
                masks = torch.zeros(len(some), *x.shape[1:], device=x.device)
                for mask, (top, left, height, width) in zip(masks, some, strict=True):
                    mask[:, top : top + height, left : left + width] = 1
                scores = watch(x * (1 - masks) + FILL * masks)[:, 0]
                total += ((whole - scores).reshape(-1, 1, 1, 1) * masks).sum(0, keepdim=True)

        with torch.no_grad():
            return watched(model, limit + 1, use)

    setting = f"perturbations_per_eval={at_once}"
    return Contender(LIKE_CAPTUM, run, boxes, whole=1, batch=at_once, setting=setting)


def _best(choices: Iterable[Contender], windows: int, terms: Terms) -> tuple[Contender | None, int]:
    """The fastest of several settings, and how many windows it is asked for.

    Of the others nothing is kept: a graph holds all memory that its pass takes.
    """
    best, least = None, math.inf
    for contender in choices:
        if least / windows * contender.batch > 4 * terms.most and best is not None:
            continue
        try:
            contender.run(contender.batch)
            seconds = _scaled(contender, contender.batch, windows, terms)
        except Exception as e:
            if not out_of_memory(e):
                raise
            continue
        if seconds < least:
            best, least = contender, seconds
    if best is None:
        return None, 0
    limit = min(windows, best.most or windows)
    if least / windows * limit > terms.most:
        limit = min(limit, max(best.batch, int(terms.most / least * windows)))
    return best, limit


def _scaled(contender: Contender, limit: int, windows: int, terms: Terms) -> float:
    made = [0]

    def run() -> None:
        made[0] = len(contender.run(limit))

    seconds = _clocked(run, terms)
    return scaled(seconds, made[0], windows, contender.whole)


def _clocked(run: Callable[[], None], terms: Terms) -> float:
    """Seconds of a run, a mean of several where it is short; what it returns waits for the device."""
    count, started = 0, time.perf_counter()
    while not count or time.perf_counter() - started < terms.least:
        run()
        count += 1
    return (time.perf_counter() - started) / count


def ratio(row: Row, name: str, ours: str = "ours") -> float | None:
    """How many times as long as ours another took: the median of the rounds."""
    if name not in row["contenders"] or "refused" in row["contenders"][name]:
        return None
    mine, other = (row["contenders"][each]["seconds"] for each in (ours, name))
    return statistics.median(b / a for a, b in zip(mine, other, strict=True))
