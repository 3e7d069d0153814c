"""What a model is given by a probe and by `log`, logs of other settings, missing frameworks."""

import io
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.summary.loops import _missing
from tests.remedies import Row, directory

MEAN, STD = 0.5, 0.05
PICTURES = np.random.default_rng(0).integers(0, 256, (6, 6, 6, 3), dtype=np.uint8)
NORMAL = ((PICTURES / 255 - MEAN) / STD).astype(np.float32)


def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 3))


def own():
    return probe((PICTURES / 255).astype(np.float32))


def rightly():
    return probe(NORMAL, normalized=(MEAN, STD))


@cache
def trained():
    """Its batch norm holds statistics of normalised images."""
    model = build()
    with torch.no_grad():
        for _ in range(60):
            model(torch.from_numpy(NORMAL.transpose(0, 3, 1, 2)))
    return model


@cache
def folder():
    path = Path(directory())
    for name in ("pictures", "others", "checkpoints", "regions"):
        (path / name).mkdir()
    for number, each in enumerate(PICTURES):
        Image.fromarray(each).save(path / "pictures" / f"{number}.png")
        Image.fromarray(255 - each).save(path / "others" / f"{number}.png")
    mask = np.zeros((6, 6), np.uint8)
    mask[:2] = 255
    Image.fromarray(mask).save(path / "regions" / "sky.png")
    torch.save(trained().state_dict(), path / "checkpoints" / "step=1.pt")
    return path


def log(*words, logdir=None, of=("--images", "pictures")):
    """What the command says to standard error, which is passed on."""
    stream, path = io.StringIO(), folder()
    places = [
        str(path / each) if each in ("pictures", "others", "regions") else each
        for each in (*of, *words)
    ]
    given = [
        "--model",
        "tests.remedies.logs.given:build",
        "--checkpoints",
        str(path / "checkpoints"),
    ]
    given += ["--name", "p", "--window", "2", "--stride", "2", *places]
    with redirect_stderr(stream), redirect_stdout(io.StringIO()):
        status = main(["log", *given, "--logdir", str(logdir or directory())])
    return status, stream.getvalue()


AS_TRAINED = ("--normalized", str(MEAN), str(STD))


def wrong(*words, **options):
    def run():
        raise ValueError(log(*words, **options)[1])

    return run


def right(*words, **options):
    def run():
        status, text = log(*words, **options)
        assert (status, "does not fit" in text) == (0, False), text

    return run


def begun(message, *words, of=("--images", "pictures")):
    """A log goes on with the same settings, or under another name."""
    logdir = directory()

    def other():
        log(*AS_TRAINED, logdir=logdir)
        wrong(*words, logdir=logdir, of=of)()

    def mended():
        right(*AS_TRAINED, logdir=logdir)()
        assert log(*words, "--name", "q", logdir=logdir, of=of)[0] == 0

    return Row(message, other, mended)


def probe(images, **options):
    return summary.Probe("p", images, top_k=1, **options)


def explained(make, told):
    stream = io.StringIO()
    with redirect_stderr(stream):
        summary.saliency(make(), trained(), writer=directory(), step=0, strict=True)
    assert ("does not fit" in stream.getvalue()) is told
    if told:
        raise ValueError(stream.getvalue())


class KerasCallback(
    _missing.base("Keras", "pip install 'tensorboard-picasso[tensorflow]'", ImportError("none"))
):
    pass


class LightningCallback(_missing.base("Lightning", "pip install lightning", ImportError("none"))):
    pass


class TransformersCallback(
    _missing.base("transformers", "pip install transformers", ImportError("none"))
):
    pass


def installed(name):
    return lambda: getattr(summary, name)(probe(NORMAL, value_range=(-10, 10)), directory())


ROWS = [
    Row(r"feeds, and pass normalized=\(mean, std\) or preprocess=", lambda: explained(own, True), lambda: explained(rightly, False)),
    Row("give the images as training did, by --normalized MEAN STD, --value-range or --preprocess", wrong(), right(*AS_TRAINED)),
    begun("begun with --normalized .*, not with no --normalized: pass the same, or another --name or --logdir"),
    begun("other regions for 0.png: pass the same, or another --name or --logdir", *AS_TRAINED, "--regions", "regions"),
    begun(r"other images of probe \"p\" \(0.png is not the same\): pass another --name or --logdir", *AS_TRAINED, of=("--images", "others")),
    Row("pass --images or --probe: what is explained", wrong(of=()), right(*AS_TRAINED)),
    Row("pass --logdir: where maps are logged", lambda: main(["log", "--checkpoints", "c", "--images", "i"]), right(*AS_TRAINED)),
    Row(r"pip install 'tensorboard-picasso\[tensorflow\]'", KerasCallback, installed("KerasCallback")),
    Row("pip install lightning", LightningCallback, installed("LightningCallback")),
    Row("pip install transformers", TransformersCallback, installed("TransformersCallback")),
]  # fmt: skip
