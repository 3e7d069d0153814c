"""`python -m tensorboard_picasso explain` in this process, what it says, and what it logs."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_picasso.__main__ import main
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary.kit import report
from tests.kit import events

# Four windows an image.
QUICK = ("--window", "0.5", "--stride", "0.5")


def explain(*words):
    """The exit status, and what is said on both streams."""
    report._said.clear()
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(["explain", *map(str, words), "--no-serve"])
        except SystemExit as e:  # of argparse
            status = e.code
    return status, out.getvalue(), err.getvalue()


def picture(width, height, seed=0):
    """A smooth picture that is different everywhere, so that a shift of it shows."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of two pictures, one upright and one across."""
    path = tmp_path_factory.mktemp("photographs")
    picture(300, 260).save(path / "across.png")
    picture(240, 320, seed=1).save(path / "upright.png")
    return path


def sensitive(model, x=None):
    """Let a network's norms hold what it meets, so that its answers hang on its input."""
    norms = [each for each in model.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    for each in norms:
        each.momentum = None
    if x is None:
        seeds = torch.Generator().manual_seed(0)
        x = torch.rand(8, 3, 4, 4, generator=seeds) * 4 - 2
        x = torch.nn.functional.interpolate(x, (64, 64), mode="bilinear")
    with torch.no_grad():
        model.train()(x)
    return model.eval()


def tell_apart(model, head, x):
    """Scale the last layer of a network so that it answers two inputs differently, and not too surely."""
    with torch.no_grad():
        made = model.eval()(x)
        one, other = getattr(made, "logits", made)
        head.weight *= 3 / (one - other).abs().max()


def opened(photographs):
    return [Image.open(each).convert("RGB") for each in sorted(photographs.iterdir())]


def of_kind(logdir, kind, label=""):
    """The records of one series of all images."""
    found = {
        series.image: each
        for (step, series), each in events.records(Path(logdir)).items()
        if series.kind is kind and series.label == label and step == 0
    }
    return [found[image] for image in sorted(found)]


def check_logged(logdir, probabilities, shown, names, methods=("occlusion",)):
    """The log holds the probabilities of a framework's own pipeline, its names and its pictures.

    Args:
      logdir: of the log.
      probabilities: (images, classes) of the framework.
      shown: a uint8 array an image, as the framework's resize and crop make it.
      names: of the classes.
      methods: each has maps.
    """
    scores, inputs = of_kind(logdir, Kind.SCORES), of_kind(logdir, Kind.INPUT)
    assert len(scores) == len(inputs) == len(probabilities) == len(shown)
    for said, row in zip(scores, np.asarray(probabilities, np.float64), strict=True):
        assert said.class_count == len(row)
        assert said.values[said.classes == row.argmax()] == said.values.max()
        odds = np.log(row) - np.log1p(-row)
        np.testing.assert_allclose(said.values, odds[said.classes], atol=2e-3)
        np.testing.assert_allclose(maps.probability(said.values), row[said.classes], atol=1e-4)
    # Another crop or another scale of brightness would say something else.
    rows = np.log(np.asarray(probabilities, np.float64))
    assert np.abs(rows[0] - rows[1]).max() > 0.5
    for each, pixels in zip(inputs, shown, strict=True):
        assert each.class_names == tuple(names)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(each.png))), pixels)
    for method in methods:
        assert len(of_kind(logdir, Kind.METHOD, method)) == len(shown)


def told(probabilities, names, count=3):
    """What is printed of an image, behind its name."""
    best = np.argsort(-np.asarray(probabilities), kind="stable")[:count]
    return ", ".join(f"{names[each]} {probabilities[each]:.2f}" for each in best)
