"""A folder with a training behind it, and `python -m tensorboard_picasso log` run in it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.kit import events

ROOT = Path(__file__).parents[2]
STEPS = range(0, 60, 10)

MODELS = """
import time
import numpy as np
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))

def probe():
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)
    return summary.Probe(
        "own", images, labels=[2, 0], score=doubled, output="logits", data_format="channels_first"
    )

def doubled(outputs):
    return 2 * outputs

def segmenter():
    return nn.Conv2d(3, 3, 3, padding=1)

def dense():
    from tensorboard_picasso import summary
    images = np.random.default_rng(1).random((2, 3, 8, 8)).astype(np.float32)
    return summary.Probe(
        "dense", images, labels=[2, 0], mean_over="all", output="logits",
        data_format="channels_first",
    )

def with_lambda():
    from tensorboard_picasso import summary
    return summary.Probe("own", np.zeros((1, 8, 8, 3), np.float32), score=lambda y: y)

def scaled(x):
    return x.transpose(0, 3, 1, 2) / 255

class Slow(nn.Sequential):
    def forward(self, x):
        time.sleep(0.1)
        return super().forward(x)

def slow():
    return Slow(*build())

def normal():
    # Its batch norm comes to hold statistics of images that are normalised by 0.5 and 0.1.
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3)
    )

def in_keras():
    import keras
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)]
    )
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a module, images of three classes, and checkpoints of six steps."""
    path = tmp_path_factory.mktemp("work")
    (path / "models.py").write_text(MODELS)
    random = np.random.default_rng(0)
    for kind in ("cat", "dog", "emu"):
        (path / "images" / kind).mkdir(parents=True)
        for number in range(2):
            pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / "images" / kind / f"{number}.png")
    write(path / "checkpoints", path, STEPS)
    return path


def state(path, step):
    names: dict = {}
    exec((path / "models.py").read_text(), names)
    torch.manual_seed(step)
    model = names["build"]()
    return {f"model.{name}": value for name, value in model.state_dict().items()}


def write(where, path, steps):
    where.mkdir(exist_ok=True)
    for step in steps:
        held = {"state_dict": state(path, step), "epoch": step // 20, "global_step": step}
        torch.save(held, where / f"epoch={step // 20}-step={step}.ckpt")


# Of the same images as the maps, in the same events.
EDITS = ("--edited", "--edits", "blurred", "mirrored", "top")


def words(
    logdir,
    *more,
    model="models:build",
    checkpoints="checkpoints",
    of=("--images", "images"),
    edits=EDITS,
    windows=("--window", "4", "--stride", "2"),
):
    return [
        sys.executable, "-m", "tensorboard_picasso", "log", "--model", model,
        "--checkpoints", str(checkpoints), *of, "--logdir", str(logdir),
        *map(str, (*windows, *more, *edits)),
    ]  # fmt: skip


def start(folder, *given, **options):
    return subprocess.Popen(
        words(*given, **options), cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def command(folder, *given, **options):
    process = start(folder, *given, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def values(logdir):
    """All that was written, in order, wall time apart."""
    return [(step, value.tag, value.SerializeToString()) for step, value in events.values(logdir)]


def logged(logdir):
    return sorted({step for step, _ in events.records(logdir)})


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """The log of one uninterrupted run."""
    logdir = tmp_path_factory.mktemp("whole")
    status, out, err = command(folder, logdir)
    assert (status, out) == (0, f"logged 6 steps to {logdir}\n"), err
    assert '6 checkpoints, steps 0 to 50 (from "step=" in names)' in err
    return logdir
