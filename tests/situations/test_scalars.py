"""The ordinary scalars beside our records, read by others as those of `add_scalar` are."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import keras
import numpy as np
import pytest
import tensorboardX
import tensorflow as tf
import torch
from tbparse import SummaryReader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary
from tests.kit import events, logs, packs
from tests.kit.explained import noise
from tests.kit.serving import get, tensorboard

ROOT = Path(__file__).parents[2]
IMAGES = noise(4, 8, 8, 1)
HIDDEN = ("", " with top hidden in black", " with top hidden in image mean")
TAGS = [
    *(f"digits/accuracy of {group}" for group in ("north a", "southb")),
    *(f"digits/moves{hidden}" for hidden in HIDDEN[1:]),
    "digits/occlusion/IoU of top",
    "digits/occlusion/pointing game of top",
    "digits/occlusion/share of top",
    *(f"digits/predictions changed{hidden}" for hidden in HIDDEN[1:]),
    *(f"digits/probability of the predicted class{hidden}" for hidden in HIDDEN),
    "digits/probability of the true class",
    *(f"digits/probability of the true class of {group}" for group in ("north a", "southb")),
    *(f"digits/probability of the true class{hidden}" for hidden in HIDDEN[1:]),
]


def probe():
    top = np.zeros((8, 8), bool)
    top[:3] = True
    return summary.Probe(
        "digits", IMAGES, labels=[0, 1, 2, 0], regions={"top": top}, region_fill=["mean", "black"],
        groups=["north, (a)", "south/b", "north, (a)", None],
    )  # fmt: skip


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))


def steps(writer, watched=None):
    """Three steps of a training of one's own, with a loss of its own."""
    watched = watched or probe()
    for step in (3, 6, 9):
        own = getattr(writer, "add_scalar", None)
        if own:
            own("loss", 1 / step, step)
        assert summary.attribution(
            watched, network(), methods=[summary.Occlusion(2)], writer=writer, step=step,
            strict=True,
        )  # fmt: skip
    getattr(writer, "close", summary.flush)()


def fitted(directory):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callback = summary.KerasCallback(
        probe(), directory, summary.EverySteps(3), methods=[summary.Occlusion(2)], strict=True
    )
    model.fit(np.repeat(IMAGES, 9, 0), np.zeros(36), batch_size=4, verbose=0, callbacks=[callback])


LOGS = {
    "torch": lambda directory: steps(SummaryWriter(directory)),
    "tensorboardX": lambda directory: steps(tensorboardX.SummaryWriter(str(directory))),
    "a directory": lambda directory: steps(directory),
    "KerasCallback": fitted,
}


@pytest.mark.parametrize("kind", LOGS)
def test_event_accumulator_and_tbparse_read_them(tmp_path, kind):
    LOGS[kind](tmp_path)
    expected = events.scalars(tmp_path)
    run = tmp_path / "picasso" if kind == "KerasCallback" else tmp_path
    read = EventAccumulator(str(run)).Reload()
    own = ["loss"] if "tensorboard" in kind or kind == "torch" else []
    assert sorted(read.Tags()["scalars"]) == [*TAGS, *own]
    wanted = [0, 3, 6, 9] if kind == "KerasCallback" else [3, 6, 9]
    table = SummaryReader(str(run)).scalars
    for tag in TAGS:
        found = {each.step: each.value for each in read.Scalars(tag)}
        assert list(found) == wanted
        assert found == {step: expected[step, tag] for step in found}
        rows = table[table.tag == tag]
        assert dict(zip(rows.step, rows.value, strict=True)) == pytest.approx(found)


def test_with_a_writer_of_tensorflow_they_are_as_its_own(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=0):
        tf.summary.scalar("loss", 1.0)
        assert summary.attribution(probe(), network(), strict=True, writer=writer)
    writer.close()
    tags = EventAccumulator(str(tmp_path)).Reload().Tags()
    assert not tags["scalars"]
    assert {"loss", *TAGS} <= set(tags["tensors"])


# Its patches stay for a process.
MLFLOW = """
import json, sys
import mlflow
from torch.utils.tensorboard import SummaryWriter
from tests.situations.test_scalars import SummaryReader, TAGS, probe, steps, summary

mlflow.set_tracking_uri("file://" + sys.argv[1] + "/mlruns")
mlflow.pytorch.autolog(log_every_n_step=3, log_models=False)
with mlflow.start_run() as run:
    steps(SummaryWriter(sys.argv[1] + "/run"))
from mlflow.utils.autologging_utils.metrics_queue import flush_metrics_queue
flush_metrics_queue()  # as MLflow itself does at exit
client = mlflow.MlflowClient()
names = client.get_run(run.info.run_id).data.metrics
print(json.dumps({
    name: {each.step: each.value for each in client.get_metric_history(run.info.run_id, name)}
    for name in names
}))
"""


def test_mlflow_logs_them_beside_those_of_the_user(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", MLFLOW, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
        env={
            **os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
            "MLFLOW_ALLOW_FILE_STORE": "true",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert sorted(found) == [*TAGS, "loss"], done.stderr[-4000:]
    expected = events.scalars(tmp_path / "run")
    for name, values in found.items():
        assert {int(step): value for step, value in values.items()} == pytest.approx(
            {step: value for (step, tag), value in expected.items() if tag == name}
        )


def series(url, run, tag):
    query = urlencode({"run": run, "tag": tag})
    status, body, _ = get(f"{url}data/plugin/picasso/scalar?{query}")
    assert status == 200, body
    return packs.read(body)


def test_of_a_summary_writer_and_of_a_log_that_changes_its_kind_all_steps_are_shown(tmp_path):
    """As where a run that was begun with a writer of TensorFlow goes on with another, and back."""
    steps(SummaryWriter(tmp_path / "own"))
    for name, first in (("tensors first", True), ("tensors last", False)):
        logs.plausible(tmp_path / name, 0, [0], 1, 8)
        log = logs.Log(tmp_path / name, "events.out.tfevents.2.test")
        for step in range(6):
            if (step < 3) is first:
                log.scalar(step, "loss", step / 2, 1000 + step)
            else:
                event = event_pb2.Event(step=step, wall_time=1000 + step)
                event.summary.value.add(tag="loss", simple_value=step / 2)
                log.event(event)
        log.close()
    expected = events.scalars(tmp_path / "own")
    for load_fast in (True, False):
        with tensorboard(tmp_path, load_fast=load_fast) as url:
            for name in ("tensors first", "tensors last"):
                found = series(url, name, "loss")
                assert found["steps"].tolist() == list(range(6))
                assert found["values"].tolist() == [step / 2 for step in range(6)]
            _, body, _ = get(f"{url}data/plugin/picasso/scalars?run=own")
            (listed,) = json.loads(body)["scalars"]
            assert set(listed["tags"]) == {*TAGS, "loss"}
            for tag in TAGS:
                found = series(url, "own", tag)
                assert found["values"].tolist() == [expected[step, tag] for step in (3, 6, 9)]
