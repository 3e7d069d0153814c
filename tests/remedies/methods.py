"""Methods, schedules, budgets, ops and writers."""

import io
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.log.request import Terms
from tensorboard_picasso.summary.loops import _training
from tensorboard_picasso.summary.loops._watch import Watch
from tests.kit import events
from tests.remedies import OCCLUSION, Row, X, explained, linear

PROBE = Probe("p", X)
CHANNELS = Probe("p", np.moveaxis(X, -1, 1), data_format="channels_first", output="logits")


def of(make):
    """Make a method, and its maps where it is made."""
    return lambda: explained(PROBE, linear, make())


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten(), torch.nn.Linear(32, 3))


def gradients(make):
    return lambda: explained(CHANNELS, network(), make())


def logged(probe=None, model=linear, images=None, **options):
    """Log, and read the scores back."""

    def try_it():
        with tempfile.TemporaryDirectory() as path:
            given = {"writer": path, "step": 0, "methods": [OCCLUSION], "strict": True, **options}
            summary.attribution(PROBE if probe is None else probe, model, images, **given)
            found = events.records(Path(path))
            assert sum(series.kind is Kind.SCORES for _, series in found) == 3

    return try_it


def twice(**second):
    def try_it():
        with tempfile.TemporaryDirectory() as path:
            first = {"writer": path, "step": 0, "methods": [OCCLUSION], "strict": True}
            assert summary.attribution(Probe("p", X), linear, **first)
            given = {"probe": Probe("p", X), **first, **second}
            assert summary.attribution(given.pop("probe"), linear, **given)
            summary.flush()

    return try_it


def deterministic(on=True, **options):
    """Log while it is asked for; a budget is still said."""

    def try_it():
        try:
            summary.deterministic(on)
            logged(**options)()
        finally:
            summary.deterministic(False)

    return try_it


def said_nothing(try_it):
    def tried():
        stream = io.StringIO()
        with redirect_stderr(stream):
            try_it()
        assert "equal logs" not in stream.getvalue()

    return tried


def without_captum():
    with mock.patch.dict(sys.modules, {"captum.attr": None, "captum": None}):
        gradients(lambda: Captum("Saliency"))()


def scheduled(probe=PROBE, schedule=None):
    def made():
        _training.scheduled(schedule)
        Watch(probe, None, None, None, Terms())

    return made


def without_skimage():
    with mock.patch.dict(sys.modules, {"skimage.segmentation": None}):
        explained(Probe("p", X), linear, Occlusion(segments="slic"))


def parted(segments, probe=PROBE, **options):
    return lambda: explained(probe, linear, Occlusion(segments=segments, **options))


Captum, Occlusion, Saliency = summary.Captum, summary.Occlusion, summary.Saliency
# Black on the left, white on the right.
SPLIT = Probe(
    "p", np.repeat(np.arange(6) > 2, 3).reshape(1, 1, 6, 3).repeat(6, 1).astype(np.float32)
)
# Four quarters.
PARTS = np.kron(np.arange(4).reshape(2, 2), np.ones((3, 3), int))

ROWS = [
    Row("window=.*: pass one number, or .height, width.", of(lambda: Occlusion((1, 2, 3))), of(lambda: Occlusion((1, 2)))),
    Row("pass pixels .int., or a fraction up to 1.0", of(lambda: Occlusion(1.5)), of(lambda: Occlusion(0.5))),
    Row("pass stride= or positions=, not both", of(lambda: Occlusion(2, stride=1, positions=3)), of(lambda: Occlusion(2, positions=3))),
    Row("leave gaps: pass a larger window= or a smaller stride=", of(lambda: Occlusion(1, 3)), of(lambda: Occlusion(3, 3))),
    Row("leave gaps: pass a larger window= or a smaller stride=", of(lambda: Occlusion(1, 3)), of(lambda: Occlusion(1, 1))),
    Row("leave gaps: pass a larger window= or more positions=", of(lambda: Occlusion(1, positions=2)), of(lambda: Occlusion(1, positions=6))),
    Row("positions=1: pass a whole number from 2", of(lambda: Occlusion(2, positions=1)), of(lambda: Occlusion(3, positions=2))),
    Row("pass segments=, or window=, stride= and positions=, not both", parted(PARTS, window=2), parted(PARTS)),
    Row("count=3 is of segments='slic': leave it out", parted(PARTS, count=3), parted(PARTS)),
    Row("segments='grid': pass 'slic', label maps or boxes", parted("grid"), parted("slic", SPLIT, count=4)),
    Row("segments= has shape .*: pass a label map .height, width. or .depth, height, width., one an image, or boxes", parted(PARTS[0]), parted([PARTS] * 3)),
    Row("segments= is 5 x 6, image 0 6 x 6: pass a label map of the viewed image's size", parted(PARTS[1:]), parted(PARTS)),
    Row("lies outside image 0 of 6 x 6: pass .top, left, height, width. in its pixels", parted([(0, 0, 2, 2), (5, 0, 2, 2)]), parted([(0, 0, 2, 2), (4, 0, 2, 2)])),
    Row("overlap: pass those that do not, or", parted([(0, 0, 2, 2), (1, 1, 3, 3)]), parted([(0, 0, 1, 1), (1, 1, 3, 3)])),
    Row("each in an Occlusion of its own with another label=", parted([(0, 0, 2, 2), (1, 1, 3, 3)]), logged(methods=[Occlusion(segments=[(0, 0, 2, 2)]), Occlusion(segments=[(1, 1, 3, 3)], label="b")])),
    Row("scikit-image is not installed: pip install 'tensorboard-picasso.segments.'", without_skimage, parted("slic", SPLIT, count=4)),
    Row("segments= has 2 label maps for 3 images: pass one each", parted([PARTS] * 2), parted([PARTS] * 3)),
    Row("segments= has box .0, 0, 2.: pass .top, left, height, width. in pixels", parted([(0, 0, 2)]), parted([(0, 0, 2, 2)])),
    Row("holds float64: pass integers, such as labels.astype.int.", parted(PARTS / 2), parted((PARTS / 2).astype(int))),
    Row("segments= has 4900 segments: pass at most 4096", parted(np.arange(4900).reshape(70, 70)), parted(PARTS)),
    Row("count=2 has one part alone: pass a larger count=", parted("slic", SPLIT, count=2), parted("slic", SPLIT, count=4)),
    Row("has one part alone: pass two segments or more", parted(0 * PARTS), parted(PARTS)),
    Row("shown=2: pass a share between 0 and 1", of(lambda: summary.RISE(4, shown=2)), of(lambda: summary.RISE(4, shown=0.5))),
    Row("noise=-1: pass a share of the range, such as 0.15", gradients(lambda: summary.SmoothGrad(noise=-1)), gradients(lambda: summary.SmoothGrad(noise=0.15, samples=2))),
    Row("spacing='odd': pass one of", gradients(lambda: summary.IntegratedGradients(spacing="odd")), gradients(lambda: summary.IntegratedGradients(spacing="even"))),
    Row("hides windows of Occlusion alone: pass fill='mean' or another", of(lambda: summary.RISE(4, fill="dropped tokens")), of(lambda: summary.RISE(4, fill="mean"))),
    Row("is no vision transformer whose tokens can be dropped .*: pass fill='mean'", gradients(lambda: Occlusion(2, fill="dropped tokens")), gradients(lambda: Occlusion(2, fill="mean"))),
    Row("score=.*: pass one of", gradients(lambda: Saliency(score="odds")), gradients(lambda: Saliency(score="probability"))),
    Row("precision=.*: pass one of", gradients(lambda: Saliency(precision="q7")), gradients(lambda: Saliency(precision="q8"))),
    Row("label=.*: pass another name", of(lambda: Occlusion(2, label="scores")), of(lambda: Occlusion(2, 2, label="b"))),
    Row("maps are logged under /map, pass another end", of(lambda: Occlusion(2, label="a/map")), of(lambda: Occlusion(2, 2, label="a/maps"))),
    Row("is no method: pass Occlusion.. or Saliency..|pass a list", logged(methods=[3]), logged(methods=[summary.Occlusion(2, 2)])),
    Row("methods=.*: pass a list, such as", logged(methods=OCCLUSION), logged(methods=[OCCLUSION])),
    Row("pass label= to tell them apart", logged(methods=[OCCLUSION, Occlusion(3)]), logged(methods=[OCCLUSION, Occlusion(3, 3, label="three")])),
    Row("method 'occulsion' is unknown: pass one of", logged(methods=["occulsion"]), logged(methods=["rise"])),
    Row("is a function of NumPy arrays, which have no gradient: .* or methods=.summary.Occlusion...", logged(methods=None), logged(methods=[summary.Occlusion()])),
    Row("Captum is not installed: pip install 'tensorboard-picasso.captum.'", without_captum, gradients(lambda: Captum("Saliency"))),
    Row("on='yes': pass True or False", deterministic("yes"), deterministic(True)),
    Row("budget=10 s each goes by the clock, so another run logs other steps: leave it out for equal logs", deterministic(budget="10s"), said_nothing(deterministic())),
    Row("epoch='two': pass a number", logged(epoch="two"), logged(epoch=2)),
    Row("epoch=nan: pass a finite number", logged(epoch=np.nan), logged(epoch=2.5)),
    Row("a Probe has its own images: pass a name to give them here", logged(images=X), logged("p", images=X)),
    Row("pass images for 'p', or a Probe", logged("p"), logged("p", images=X)),
    Row("budget=.*: pass a share of training time, such as 0.02, or seconds", logged(budget=7), logged(budget="5s")),
    Row("no step: pass step=", logged(step=None), logged(step=3)),
    Row("step=1.5: pass an integer", logged(step=1.5), logged(step=1)),
    Row("writer= is a int: pass", logged(writer=3), logged()),
    Row("already has other images at step 0: pass another name", twice(probe=Probe("p", X[::-1])), twice(probe=Probe("q", X[::-1]))),
    Row("already has occlusion at step 0: pass label= to add more", twice(), twice(methods=[Occlusion(3, 3, label="three")])),
    Row("probe is str: pass a summary.Probe", scheduled(probe="p"), scheduled()),
    Row("schedule=10: pass summary.EverySteps", scheduled(schedule=10), scheduled(schedule=summary.EverySteps(10))),
    Row("n=0: pass a whole number from 1", lambda: summary.EverySteps(0), lambda: summary.EverySteps(1)),
    Row('attribution=3: pass a class, or "DeepLift"', lambda: Captum(3), gradients(lambda: Captum("Saliency"))),
    Row("direction=.*: pass one of", lambda: Captum(direction="up"), gradients(lambda: Captum("Saliency", direction="unsigned"))),
    Row("captum.attr has no 'Salient': pass 'Saliency'", gradients(lambda: Captum("Salient")), gradients(lambda: Captum("Saliency"))),
    Row("captum.attr has no 'Xyz': pass a class of its list", gradients(lambda: Captum("Xyz")), gradients(lambda: Captum("InputXGradient"))),
]  # fmt: skip
