"""A run that crashed and is resumed from an earlier step: how many of its records were left out."""

import json
import time
from urllib.parse import quote

import numpy as np
import pytest
import tensorboardX
import tensorflow as tf
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Probe
from tests.kit import packs
from tests.kit.browser import tab
from tests.kit.serving import get, tensorboard

ROUTE = "data/plugin/picasso/"
LEFT_OUT = "left out: the run was logged again from there or before"
IMAGES = np.arange(72, dtype=np.uint8).reshape(2, 6, 6, 1)
WRITERS = {
    "torch": lambda path: SummaryWriter(str(path)),
    "tensorboardX": lambda path: tensorboardX.SummaryWriter(str(path)),
    "tensorflow": lambda path: tf.summary.create_file_writer(str(path)),
}


def _next_second():
    """Files are named by it: tensorboardX's alone, TensorFlow's with a count of which 10 is before 9."""
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.05)


def train(made, path, steps):
    """Until the process ends."""
    _next_second()
    writer = made(path)
    probe = Probe("p", IMAGES, labels=[0, 1], output="logits")
    for step in steps:
        assert summary.occlusion(
            probe, lambda x: x.reshape(len(x), -1)[:, :3] / 99.0, window=3, writer=writer, step=step
        )
    summary.flush()
    writer.close()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("resumed")
    for name, made in WRITERS.items():
        train(made, path / name, range(0, 60, 10))
        train(made, path / name, range(30, 80, 10))
    # By a process that has several event files open, so that the first record shows which is whose.
    other = tf.summary.create_file_writer(str(path / "other"))
    for steps in range(0, 60, 10), range(30, 80, 10):
        train(WRITERS["tensorflow"], path / "several", steps)
    other.close()
    # Twice; what the first resumption superseded is not counted again.
    train(SummaryWriter, str(path / "twice"), range(0, 60, 10))
    train(SummaryWriter, str(path / "twice"), range(20, 50, 10))
    train(SummaryWriter, str(path / "twice"), range(40, 60, 10))
    # On from where it was.
    train(SummaryWriter, str(path / "apart"), range(0, 30, 10))
    train(SummaryWriter, str(path / "apart"), range(30, 60, 10))
    return path


def remarks(url, run):
    _, body, _ = get(f"{url}{ROUTE}scores?run={quote(run)}&probe=p")
    return packs.read(body)["remarks"]


def said(url, run, expected):
    """What is said of a run, once its last file is read: a busy machine shows the first alone."""
    end = time.monotonic() + 60
    while (found := remarks(url, run)) != expected and time.monotonic() < end:
        time.sleep(0.2)
    return found == expected or found


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_both_loaders_say_how_many(logdir, load_fast):
    with tensorboard(logdir, load_fast=load_fast) as url:
        where = "on" if load_fast else "to 50"
        for name in (*WRITERS, "several"):
            assert said(url, name, [f"3 older records from step 30 {where} {LEFT_OUT}"]) is True
        assert said(url, "twice", [f"5 older records from step 20 {where} {LEFT_OUT}"]) is True
        assert remarks(url, "apart") == []
        _, body, _ = get(f"{url}{ROUTE}index")
        assert sum(each["problem"] == "steps" for each in json.loads(body)["problems"]) == 5


@pytest.mark.browser
def test_the_tab_says_it(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as picasso:
        picasso.open(runs="torch").at(70)
        picasso.frame.get_by_text(f"torch: 3 older records from step 30 on {LEFT_OUT}").wait_for()
