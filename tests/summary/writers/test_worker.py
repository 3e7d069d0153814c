"""Records are made and written after the call that hands them over, in order, and none is lost."""

import gc
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest
import tensorboardX
import tensorflow as tf
import torch
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary
from tensorboard_picasso.summary.log import state
from tensorboard_picasso.summary.log import steps as log
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.loops._training import Training
from tensorboard_picasso.summary.loops._watch import Watch
from tensorboard_picasso.summary.methods.rise import RISE
from tensorboard_picasso.summary.writers import worker
from tests.kit import events

IMAGES = np.random.default_rng(0).random((2, 6, 6)).astype(np.float32)


def scores(images):
    return np.asarray(images).reshape(-1, 36) @ np.linspace(-1, 1, 108).reshape(36, 3)


class Disk:
    """A writer that can be held up, and can fail."""

    def __init__(self):
        self.free = threading.Event()
        self.free.set()
        self.full = False
        self.steps = []

    def write(self, data, step):
        assert self.free.wait(20)
        if self.full:
            raise OSError("disk full")
        self.steps.append(step)


def checkpoint(disk, step, name="p", methods=(), **options):
    probe = summary.Probe(name, IMAGES, labels=[0, 1], output="raw")
    where = Destination(name, disk, disk.write, background=True)
    return log.log_record(probe, scores, methods, where, Moment(step), Terms(**options))


@pytest.fixture
def disk():
    disk = Disk()
    yield disk
    disk.full = False
    disk.free.set()
    worker.drain()


def later(call):
    """Start a call that is expected to wait."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join(0.2)
    return thread


def test_a_call_returns_before_its_record_is_written(disk):
    disk.free.clear()
    assert checkpoint(disk, 0) is True
    assert disk.steps == []
    disk.free.set()
    summary.flush()
    assert disk.steps == [0]


def test_records_of_all_probes_are_written_in_the_order_of_the_calls(disk):
    disk.free.clear()
    for step in range(5):
        checkpoint(disk, step, f"probe {step}")
    disk.free.set()
    summary.flush()
    assert disk.steps == [0, 1, 2, 3, 4]


def test_the_next_call_of_a_probe_waits_for_the_record_before(disk):
    disk.free.clear()
    checkpoint(disk, 0)
    waiting = later(lambda: checkpoint(disk, 1))
    assert waiting.is_alive()
    disk.free.set()
    waiting.join()
    summary.flush()
    assert disk.steps == [0, 1]


def test_a_full_queue_makes_a_call_wait_and_drops_nothing(disk):
    disk.free.clear()
    for step in range(worker.MOST):
        checkpoint(disk, step, f"probe {step}")
    waiting = later(lambda: checkpoint(disk, worker.MOST, "one more"))
    assert waiting.is_alive()
    disk.free.set()
    waiting.join()
    summary.flush()
    assert disk.steps == list(range(worker.MOST + 1))


def test_a_failed_write_is_warned_of_once_and_counts_as_not_written(disk):
    disk.full = True
    method = RISE(10)

    def checkpoints():
        for step in (0, 1):
            assert checkpoint(disk, step, methods=[method]) is (step == 0)  # then it is known
        summary.flush()

    with pytest.warns(summary.PicassoWarning, match=r"step 0: OSError: disk full") as caught:
        checkpoints()
    assert len(caught) == 1
    memory = state.find(disk, "p")
    assert (memory.step, memory.inputs, memory.counts) == (None, {}, {})
    disk.full = False
    assert checkpoint(disk, 1, methods=[method])
    summary.flush()
    assert (memory.step, len(memory.inputs), memory.counts["rise"]) == (1, 2, 1)


def test_in_strict_mode_the_next_call_raises_what_was_not_written_and_then_goes_on(disk):
    disk.full = True
    assert checkpoint(disk, 0, strict=True)
    worker.drain()
    disk.full = False
    with pytest.raises(OSError, match="disk full"):
        checkpoint(disk, 1, strict=True)
    assert checkpoint(disk, 1, strict=True)
    summary.flush()
    assert disk.steps == [1]


def test_in_strict_mode_flush_raises_each_failure_once(disk):
    disk.full = True
    for name in "ab":
        checkpoint(disk, 0, name, strict=True)
    for _ in "ab":
        with pytest.raises(OSError, match="disk full"):
            summary.flush()
    summary.flush()


@pytest.mark.parametrize("kind", [SummaryWriter, tensorboardX.SummaryWriter])
@pytest.mark.parametrize("end", ["flush", "close", "with"])
def test_flush_and_close_of_a_writer_wait_for_its_records(tmp_path, kind, end):
    probe = summary.Probe("p", IMAGES)
    writer = kind(str(tmp_path))
    for step in range(3):
        assert summary.class_probabilities(probe, scores, writer=writer, step=step)
    if end == "with":
        with writer:
            pass
    else:
        getattr(writer, end)()
    with worker._worker.changed:
        assert not worker._worker.queue
    assert sorted(events.whole_scores(tmp_path)) == [0, 1, 2]


@pytest.mark.parametrize("kind", [SummaryWriter, tensorboardX.SummaryWriter])
def test_a_writer_goes_when_its_user_lets_go_of_it(tmp_path, kind):
    writer = kind(str(tmp_path))
    assert summary.class_probabilities(summary.Probe("p", IMAGES), scores, writer=writer, step=0)
    writer.close()
    gone = weakref.ref(writer)
    del writer
    gc.collect()
    assert gone() is None


def test_a_tf_summary_writer_is_written_to_in_the_call(tmp_path, disk):
    disk.free.clear()
    checkpoint(disk, 0)  # keeps the worker busy
    writer = tf.summary.create_file_writer(str(tmp_path))
    probe = summary.Probe("p", IMAGES)
    assert summary.class_probabilities(probe, scores, writer=writer, step=0)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    disk.free.set()
    summary.flush()
    assert size == sum(path.stat().st_size for path in tmp_path.iterdir()) > 0
    assert sorted(events.whole_scores(tmp_path)) == [0]


def trained(directory):
    watch = Watch(summary.Probe("p", IMAGES, output="raw"), [], None, None, Terms(strict=True))
    training = Training(summary.EverySteps(1), watch)
    training.begin(scores, directory, 0, 0.0)
    return training


def test_the_end_of_a_callbacks_training_waits_for_its_records(tmp_path):
    training = trained(tmp_path)
    training.reached(1, None)
    training.end()
    with worker._worker.changed:
        assert not worker._worker.queue
    assert sorted(events.whole_scores(tmp_path)) == [0, 1]


def test_in_strict_mode_the_end_of_training_raises_what_was_not_written(tmp_path):
    (tmp_path / "file").touch()
    training = trained(tmp_path / "file")
    with pytest.raises(OSError, match="exists"):
        training.end()
    assert not training.running


TRAINING = """
    import sys, time, numpy as np
    from tensorboard_picasso import summary
    from tensorboard_picasso.summary.writers._event_files import EventFile
    images = np.random.default_rng(0).random((2, 6, 6)).astype("float32")
    scores = lambda x: np.asarray(x).reshape(-1, 36)[:, :3] * 9 - 5
    now = EventFile.write
    def late(self, *arguments):
        time.sleep(0.3)
        now(self, *arguments)
    EventFile.write = late

    def train(writer):
        for name in "abc":
            probe = summary.Probe(name, images)
            assert summary.class_probabilities(probe, scores, writer=writer, step=0)
"""
ENDS = {
    "the end": "train(sys.argv[1])",
    "sys.exit": "train(sys.argv[1]); sys.exit(0)",
    "an exception": "train(sys.argv[1]); 1 / 0",
    "atexit": "import atexit; atexit.register(train, sys.argv[1])",
    "a child": """
import multiprocessing
child = multiprocessing.get_context("fork").Process(target=train, args=sys.argv[1:])
child.start()
child.join()
""",
    "tensorflow": """
import tensorflow as tf
writer = tf.summary.create_file_writer(sys.argv[1] + "/tf")
with writer.as_default(step=0):
    tf.summary.scalar("loss", 1.0)
train(sys.argv[1])
""",
    "torch": """
from torch.utils.tensorboard import SummaryWriter
train(SummaryWriter(sys.argv[1]))
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_exit_waits_for_what_is_in_the_queue(tmp_path, end):
    code = textwrap.dedent(TRAINING) + ENDS[end]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, stderr=subprocess.PIPE
    )
    assert done.returncode == (1 if end == "an exception" else 0), done.stderr.decode()
    assert {series.probe for _, series in events.records(tmp_path)} == {"a", "b", "c"}


def test_what_strict_mode_could_not_raise_is_told_at_exit(tmp_path):
    (tmp_path / "file").touch()
    code = textwrap.dedent(TRAINING) + textwrap.dedent("""
        probe = summary.Probe("a", images)
        summary.class_probabilities(probe, scores, writer=sys.argv[1], step=0, strict=True)
    """)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", code, str(tmp_path / "file")]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert done.stderr.count("a record could not be written: FileExistsError") == 1


class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.ones(3) * index


def test_workers_of_a_data_loader_start_while_records_are_written(tmp_path):
    probes = [summary.Probe(name, IMAGES) for name in "abcd"]
    context = multiprocessing.get_context("fork")
    loader = torch.utils.data.DataLoader(
        Numbers(), 2, num_workers=2, multiprocessing_context=context
    )
    for step in range(3):
        for probe in probes:
            assert summary.attribution(probe, scores, methods=[], writer=tmp_path, step=step)
        assert len(list(loader)) == 4
    (path,) = tmp_path.rglob("*tfevents*")
    found = events.values(tmp_path)
    assert path.is_file()
    assert {step for step, _ in found} == {0, 1, 2}
    assert sum(value.tag.endswith("/scores") for _, value in found) == 3 * 4


def test_a_fork_leaves_the_queue_to_the_older_process(disk, tmp_path):
    disk.free.clear()
    checkpoint(disk, 0)
    memory = state.find(disk, "p")
    threading.Timer(0.2, disk.free.set).start()  # a fork waits for the record under way

    def child():
        worker.settle(memory.handed)
        summary.flush()
        probe = summary.Probe("q", IMAGES)
        assert summary.class_probabilities(probe, scores, writer=tmp_path, step=0)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(20)
    assert process.exitcode == 0
    summary.flush()
    assert disk.steps == [0]
    assert sorted(events.whole_scores(tmp_path)) == [0]
