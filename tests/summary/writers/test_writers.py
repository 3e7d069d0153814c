"""Writers: log directories without TensorFlow, and those of PyTorch, tensorboardX and TensorFlow."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import tensorboardX
import tensorflow as tf
import torch
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary
from tensorboard_picasso.stored import frames
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.writers import _event_files
from tests.kit import events
from tests.kit.serving import get, tensorboard

IMAGES = np.random.default_rng(0).random((2, 6, 6)).astype(np.float32)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))


@pytest.fixture
def probe():
    return summary.Probe("digits", IMAGES, labels=[0, 1])


WRITERS = {
    "path": lambda path: path,
    "str": str,
    "torch": lambda path: SummaryWriter(path),
    "tensorboardX": lambda path: tensorboardX.SummaryWriter(str(path)),
    "tensorflow": lambda path: tf.summary.create_file_writer(str(path)),
}


def written(directory):
    """Serialized values by step, in order; of ordinary scalars, which tf.summary has its own way
    to write, tag and number."""
    return [
        (step, value.SerializeToString())
        if value.metadata.plugin_data.plugin_name != "scalars"
        else (step, f"{value.tag}: {value.tensor.float_val[0]}".encode())
        for step, value in events.values(directory)
    ]


@pytest.mark.parametrize("kind", WRITERS)
def test_all_writers_write_the_same(tmp_path, kind):
    def log(name, writer):
        probe = summary.Probe("digits", IMAGES, labels=[0, 1])
        for step in (0, 5):
            with determinism.required():
                assert summary.attribution(probe, network(), writer=writer, step=step, strict=True)
        return [each for each in written(tmp_path / name) if b"digits" in each[1]]

    found = log(kind, WRITERS[kind](tmp_path / kind))
    assert found == log("reference", tmp_path / "reference")
    # Beside the records two scalars a step: of the true class, and of the predicted one.
    assert len(found) == 10 + 8 + 2 * 2


@pytest.mark.parametrize("kind", WRITERS)
def test_a_step_is_read_while_the_writer_is_open(tmp_path, probe, kind):
    writer = WRITERS[kind](tmp_path / kind)
    for step in range(2):
        assert summary.class_probabilities(probe, network(), writer=writer, step=step)
        assert sorted(events.whole_scores(tmp_path / kind)) == list(range(step + 1))


@pytest.mark.parametrize("kind", ["torch", "tensorboardX"])
def test_a_users_own_scalars_and_the_maps_share_one_file(tmp_path, probe, kind):
    writer = WRITERS[kind](tmp_path)
    writer.add_scalar("loss", 0.5, 3)
    assert summary.attribution(probe, network(), writer=writer, step=3)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 1
    assert {"loss", "digits/00/occlusion"} <= {value.tag for _, value in events.values(tmp_path)}


def test_a_closed_writer_opens_a_new_file_as_add_scalar_does(tmp_path, probe):
    writer = SummaryWriter(tmp_path)
    for step in (3, 4):
        assert summary.attribution(probe, network(), writer=writer, step=step)
        writer.close()
    assert sorted(events.whole_scores(tmp_path)) == [3, 4]


def test_a_directory_has_one_file_whatever_it_is_called(tmp_path, probe, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for step, path in enumerate(["run", tmp_path / "run", "./run", b"run".decode()]):
        assert summary.class_probabilities(probe, network(), writer=path, step=step)
    assert len(list((tmp_path / "run").iterdir())) == 1
    inputs = [step for step, each in events.records(tmp_path) if each.kind is Kind.INPUT]
    assert inputs == [0, 0]


def test_a_directory_that_was_removed_is_begun_anew(tmp_path, probe):
    for _ in range(2):
        assert summary.class_probabilities(probe, network(), writer=tmp_path / "run", step=0)
        found = events.records(tmp_path / "run")
        assert {each.kind for _, each in found} == {Kind.INPUT, Kind.SCORES}
        shutil.rmtree(tmp_path / "run")


def accepted_and_flushed(probe, writer, step):
    assert summary.class_probabilities(probe, network(), writer=writer, step=step)
    summary.flush()


def test_after_a_failed_write_elsewhere_a_new_file_is_begun(tmp_path, probe, monkeypatch):
    log = f"memory://{tmp_path.name}"
    assert summary.class_probabilities(probe, network(), writer=log, step=0)
    summary.flush()
    write = _event_files.gfile.GFile.write

    def half(self, data):
        write(self, data[:50])
        self.flush()
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_event_files.gfile.GFile, "write", half)
        with pytest.warns(summary.PicassoWarning, match="could not be written at step 1: OSError"):
            accepted_and_flushed(probe, log, 1)
    assert summary.class_probabilities(probe, network(), writer=log, step=1)
    summary.flush()
    names = sorted(_event_files.gfile.listdir(log))
    assert len(names) == 2
    for name in names:
        with _event_files.gfile.GFile(f"{log}/{name}", "rb") as file:
            (tmp_path / name).write_bytes(file.read())
    first = tmp_path / names[0]
    first.write_bytes(first.read_bytes()[:-50])  # this reader does not go past half an event
    assert sorted(events.whole_scores(tmp_path)) == [0, 1]


def test_a_directory_on_another_file_system(tmp_path, probe):
    for step in (0, 1):
        assert summary.class_probabilities(probe, network(), writer="memory://logs/run", step=step)
    summary.flush()
    (name,) = _event_files.gfile.listdir("memory://logs/run")
    with _event_files.gfile.GFile(f"memory://logs/run/{name}", "rb") as file:
        (tmp_path / name).write_bytes(file.read())
    assert sorted(events.whole_scores(tmp_path)) == [0, 1]


def test_a_module_of_a_users_own_that_is_called_as_a_file_here(probe):
    kind = type("Writer", (), {"__module__": "base"})
    with pytest.raises(TypeError, match="writer= is a Writer: pass a log directory"):
        summary.attribution(probe, network(), writer=kind(), step=0)


def test_what_cannot_be_written_is_reported_and_training_goes_on(tmp_path, probe):
    (tmp_path / "file").touch()
    with pytest.warns(summary.PicassoWarning, match="could not be written at step 0"):
        accepted_and_flushed(probe, tmp_path / "file", 0)
    assert summary.attribution(probe, network(), writer=tmp_path / "file", step=0, strict=True)
    with pytest.raises(OSError, match="exists"):
        summary.flush()


def test_wrong_writers_and_steps_are_named(tmp_path, probe):
    for wrong in (3, probe, network(), torch.zeros(1), tf.Module()):
        with pytest.raises(
            TypeError, match=r"writer= is a .*: pass a log directory, a SummaryWriter"
        ):
            summary.attribution(probe, network(), writer=wrong, step=0)
    with pytest.raises(ValueError, match="no step: pass step="):
        summary.attribution(probe, network(), writer=tmp_path)
    with pytest.raises(TypeError, match=r"step=1.5: pass an integer"):
        summary.attribution(probe, network(), writer=tmp_path, step=1.5)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("step", [3, np.int64(3), torch.tensor(3)])
def test_steps_of_any_integer_kind(tmp_path, probe, step):
    assert summary.class_probabilities(probe, network(), writer=tmp_path, step=step)
    assert list(events.whole_scores(tmp_path)) == [3]


def test_where_tensorflow_has_no_default_writer_its_models_record_nothing_and_others_say_so(probe):
    assert summary.attribution(probe, lambda x: tf.reshape(x, [-1, 36]), step=0) is False
    with pytest.raises(ValueError, match="no writer: pass writer=, a log directory"):
        summary.attribution(probe, network(), step=0)


def test_a_pytorch_model_is_logged_to_tensorflows_default_writer_too(tmp_path, probe):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=7), tf.name_scope("a"):
        assert summary.class_probabilities(probe, network())
    assert {(step, series.probe) for step, series in events.records(tmp_path)} == {(7, "a/digits")}


def test_a_given_tensorflow_writer_keeps_step_scopes_and_conditions(tmp_path, probe):
    writer = tf.summary.create_file_writer(str(tmp_path / "given"))
    other = tf.summary.create_file_writer(str(tmp_path / "default"))
    model = tf.function(lambda x: tf.reshape(x, [-1, 36])[:, :3] * 9 - 5)
    with other.as_default(step=7), tf.name_scope("a"):
        assert summary.class_probabilities(probe, model, writer=writer)
        with tf.summary.record_if(False):
            assert not summary.class_probabilities(probe, model, writer=writer, step=8)

        @tf.function
        def step(index):
            return summary.class_probabilities(probe, model, writer=writer, step=index)

        assert bool(step(tf.constant(9, tf.int64)))
        assert tf.summary.should_record_summaries()
    found = {(at, series.probe) for at, series in events.records(tmp_path / "given")}
    assert found == {(7, "a/digits"), (9, "digits")}
    assert events.records(tmp_path / "default") == {}
    writer.close()
    with pytest.warns(summary.PicassoWarning, match="could not be written at step 10"):
        assert not summary.class_probabilities(probe, model, writer=writer, step=10)


def test_a_directory_inside_a_tensorflow_graph_is_refused(tmp_path, probe):
    model = tf.function(lambda x: tf.reshape(x, [-1, 36])[:, :3] * 9 - 5)

    @tf.function
    def step(index):
        return summary.class_probabilities(probe, model, writer=tmp_path, step=index)

    with pytest.raises(TypeError, match=r"inside a tf\.function .*tf\.summary writer"):
        step(tf.constant(9, tf.int64))


PURE = """
    import sys, numpy as np, torch
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((2, 6, 6)).astype("float32")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    probe = summary.Probe("digits", torch.from_numpy(images), labels=[0, 1])
    try:
        summary.attribution(probe, model, step=0)
    except ValueError as e:
        print(e)
    assert summary.attribution(probe, model, writer=sys.argv[1], step=0, strict=True)
    print(sorted({"tensorflow", "keras", "jax", "tensorboardX"} & set(sys.modules)))
"""


def run(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_writing_to_a_directory_imports_no_tensorflow(tmp_path):
    output, errors = run(PURE, tmp_path).communicate()
    first, second = output.splitlines() or [errors, ""]
    assert first.startswith("no writer: pass writer=, a log directory")
    assert second == "[]"
    assert len(events.records(tmp_path)) == 11


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_a_log_in_a_directory_is_shown(tmp_path, probe, load_fast):
    for step in (0, 10):
        assert summary.attribution(probe, network(), writer=tmp_path / "run", step=step)
    summary.flush()
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        _, body, _ = get(url + "data/plugin/picasso/index")
        (found,) = json.loads(body)["runs"]
        assert found["name"] == "run"
        assert [each["name"] for each in found["probes"]] == ["digits"]
        where = "run=run&probe=digits&label=occlusion&grids=all"
        status, body, _ = get(f"{url}data/plugin/picasso/attributions?{where}")
        assert status == 200


KILLED = """
    import sys, numpy as np, torch
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((2, 6, 6)).astype("float32")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    probe = summary.Probe("digits", images)
    for step in range(100000):
        summary.attribution(probe, model, writer=sys.argv[1], step=step)
        print(step, flush=True)
"""


def test_a_killed_training_leaves_a_log_in_which_every_record_shows(tmp_path):
    process = run(KILLED, tmp_path)
    last = -1
    for line in process.stdout:
        last = int(line)
        if last == 5:
            time.sleep(0.013)
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found = events.records(tmp_path)
    steps = {step for step, _ in found}
    assert set(range(last)) <= steps  # but what was in the queue
    for step in steps:
        assert sum(1 for at, _ in found if at == step) == (11 if step == 0 else 9)


def test_checksums_are_tensorboards():
    data = bytes(range(256)) * 3
    assert frames.crc32c(data) == crc32c(data)
    google = pytest.importorskip("google_crc32c")
    assert frames.crc32c is google.value
    assert google.implementation == "c"


def training(explained, directory):
    """Weights, buffers and a random number after some steps of training."""
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, 6)),
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.5),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 3),
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    probe = summary.Probe("digits", IMAGES)
    for step in range(6):
        optimizer.zero_grad()
        loss = model(torch.rand(8, 6, 6)).logsumexp(1).sum()
        loss.backward()
        if explained:  # between the gradients and what they are for
            assert summary.attribution(probe, model, writer=directory, step=step, strict=True)
        optimizer.step()
    return [*model.state_dict().values(), torch.rand(3)]


def test_training_ends_with_the_same_weights_with_and_without(tmp_path):
    for one, other in zip(training(False, None), training(True, tmp_path), strict=True):
        assert torch.equal(one, other)
    assert sorted(events.whole_scores(tmp_path)) == [0, 1, 2, 3, 4, 5]
