"""What is said of lost records, and writers of other libraries whose files are spoiled."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorboardX
import tensorflow as tf
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary.writers import losses
from tests.attack.tools import kinds
from tests.kit import events

PROBE = summary.Probe("p", kinds.IMAGES[:2], labels=[0, 1], output="raw")


def log(writer, step, probe=PROBE):
    return summary.class_probabilities(probe, kinds.scores, writer=writer, step=step)


def inputs(directory):
    return {series.image for _, series in events.records(directory) if series.kind is Kind.INPUT}


@pytest.mark.filterwarnings("ignore::tensorboard_picasso.summary.PicassoWarning")
def test_lost_steps_are_told_by_probe_where_writing_works_again(tmp_path, capsys):
    other = summary.Probe("q", kinds.IMAGES[:1], output="raw")
    (tmp_path / "run").touch()
    for step in (3, 5):
        log(tmp_path / "run", step)
    log(tmp_path / "run", 5, other)
    (tmp_path / "run").unlink()
    assert log(tmp_path / "run", 7)
    assert log(tmp_path / "run", 8)
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "lost: " in each]
    assert '"p" is written again from step 7 on, in ' in line
    assert 'lost: steps 3 and 5 of "p" and step 5 of "q" (FileExistsError' in line
    assert set(events.whole_scores(tmp_path)) == {7, 8}


def test_a_second_failure_is_told_as_the_first(tmp_path, capsys, recwarn):
    for step in range(4):
        blocked = step % 2 == 0
        if blocked:
            (tmp_path / "run").touch()
        log(tmp_path / "run", step)
        summary.flush()
        if blocked:
            (tmp_path / "run").unlink()
        else:
            shutil.rmtree(tmp_path / "run")
    assert re.findall(r"lost: step (\d) of", capsys.readouterr().err) == ["0", "2"]
    assert [re.search(r"step \d", str(each.message))[0] for each in recwarn] == ["step 0", "step 2"]


def test_many_steps_are_counted():
    assert losses.listed([4]) == "step 4"
    assert losses.listed([4, 2, 2]) == "steps 2 and 4"
    assert losses.listed(range(0, 2000, 10)) == "200 steps from 0 to 1990"


AT_EXIT = """
import sys
from tests.summary.writers.test_losses import log
for step in (1, 2):
    log(sys.argv[1], step)
"""


def test_what_is_lost_until_the_end_is_told_at_exit(tmp_path):
    (tmp_path / "run").touch()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", AT_EXIT, str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stderr.count('lost: steps 1 and 2 of "p" (FileExistsError') == 1, done.stderr


@pytest.mark.parametrize("kind", [SummaryWriter, tensorboardX.SummaryWriter])
def test_behind_half_an_event_maps_go_on_beside_until_another_writer_is_opened(tmp_path, kind):
    writer = kind(str(tmp_path))
    assert log(writer, 0)
    summary.flush()
    events_of = writer.file_writer.event_writer
    theirs = (
        events_of._ev_writer._py_recordio_writer._writer
        if kind is tensorboardX.SummaryWriter
        else events_of._general_file_writer
    )
    (path,) = tmp_path.iterdir()
    theirs.write(path.read_bytes()[-100:] + b"half")
    theirs.flush()

    def twice():
        assert log(writer, 1)
        assert log(writer, 2)
        summary.flush()

    with pytest.warns(summary.PicassoWarning, match="ends in half an event") as warned:
        twice()
    assert len(warned) == 1
    assert set(events.whole_scores(tmp_path)) == {0, 1, 2}
    assert len(list(tmp_path.iterdir())) == 2
    writer.close()
    time.sleep(1.001 - time.time() % 1)  # tensorboardX names its files by the second
    writer.add_scalar("loss", 0.5, 3)
    assert log(writer, 3)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 3
    assert "loss" in {value.tag for _, value in events.values(tmp_path)}
    assert set(events.whole_scores(tmp_path)) == {0, 1, 2, 3}


class Removing(keras.callbacks.Callback):
    """Removes the log directory after the first epoch."""

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            summary.flush()
            shutil.rmtree(self.directory)


@pytest.mark.filterwarnings("ignore::tensorboard_picasso.summary.PicassoWarning")
def test_a_log_directory_that_goes_in_fit_is_begun_anew_with_its_images(tmp_path, capsys):
    model = keras.Sequential(
        [keras.Input((16, 16)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = summary.KerasCallback(
        summary.Probe("p", kinds.IMAGES[:2]), tmp_path, summary.EveryEpochs(1), methods=[]
    )
    x, y = kinds.IMAGES, np.zeros(len(kinds.IMAGES))
    removing = Removing(tmp_path / "picasso")
    model.fit(x, y, epochs=3, verbose=0, callbacks=[removing, callback])
    assert set(events.whole_scores(tmp_path)) == {2, 3}
    assert inputs(tmp_path) == {0, 1}
    assert "what it held of step" in capsys.readouterr().err


def test_a_tf_writer_is_known_among_others_though_its_directory_went_first(tmp_path):
    other = tf.summary.create_file_writer(str(tmp_path / "other"))
    writer = tf.summary.create_file_writer(str(tmp_path / "run"))
    shutil.rmtree(tmp_path / "run")
    with pytest.warns(summary.PicassoWarning, match="is gone: maps go on in"):
        assert log(writer, 0)
    assert log(writer, 1)
    assert log(other, 2)
    assert set(events.whole_scores(tmp_path / "run")) == {0, 1}
    assert set(events.whole_scores(tmp_path / "other")) == {2}
