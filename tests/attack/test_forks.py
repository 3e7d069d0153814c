"""An op in a fork, as of a loader's workers, writes nothing into its parent's log and never waits
for a thread that it does not have."""

import os
import subprocess
import sys
import textwrap

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tests.kit import events

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")

SCRIPT = """
import json, os, signal, sys, threading, time, warnings
from pathlib import Path

import numpy as np, tensorboardX, torch
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary

torch.set_num_threads(1)
directory, count = Path(sys.argv[1]), int(sys.argv[2])
X = np.random.default_rng(0).random((2, 1, 8, 8)).astype(np.float32)
model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(108, 3)
)


def probe():
    return summary.Probe("p", X, labels=[0, 1], data_format="channels_first", output="logits")


shared = probe()
writers = {
    "torch": SummaryWriter(directory / "torch"),
    "tensorboardX": tensorboardX.SummaryWriter(str(directory / "tensorboardX")),
    "path": str(directory / "path"),
}
for writer in writers.values():
    assert summary.attribution(shared, model, writer=writer, step=0, strict=True)
summary.flush()
over = threading.Event()
errors = []


def go(name):
    "Holds each of the locks again and again, as a fork comes."
    writer = str(directory / name)
    try:
        for step in range(1_000_000):
            if over.is_set():
                return
            summary.attribution(
                shared, model, methods=[summary.Occlusion(2, 2), summary.Saliency()],
                writer=writer, step=step, strict=True,
            )
    except BaseException as e:
        errors.append(repr(e))


def child():
    signal.alarm(100)
    warnings.simplefilter("ignore")
    said = []
    for name, writer in writers.items():
        said.append(summary.attribution(shared, model, writer=writer, step=7))
        said.append(summary.attribution(probe(), model, writer=writer, step=8))
    # The log of the parent is not this process's; a directory has a file of it.
    assert said == [False] * 4 + [True] * 2, said
    try:
        summary.saliency(shared, model, writer=writers["torch"], step=9, strict=True)
    except ValueError as e:
        assert "pass a log directory" in str(e)
    else:
        raise AssertionError
    summary.flush()


threads = [threading.Thread(target=go, args=(f"thread {at}",)) for at in range(2)]
for each in threads:
    each.start()
codes = []
for _ in range(count):
    time.sleep(0.02)
    pid = os.fork()
    if not pid:
        code = 1
        try:
            child()
            code = 0
        except BaseException as e:
            print(repr(e), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
over.set()
for each in threads:
    each.join()
for writer in writers.values():
    assert summary.saliency(shared, model, writer=writer, step=20, strict=True)
summary.flush()
for each in ("torch", "tensorboardX"):
    writers[each].close()
print(json.dumps([codes, errors]))
"""


def test_ops_in_forks_leave_the_log_of_their_parent_alone(tmp_path, trials):
    count = trials(6)
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110 * count, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith(f"[[{', '.join('0' * count)}], []]"), done.stderr[-3000:]
    for name in ("torch", "tensorboardX"):
        assert {step for step, _ in events.values(tmp_path / name)} == {0, 20}
    files = sorted((tmp_path / "path").iterdir())
    assert len(files) == 1 + count
    loaded = [EventFileLoader(str(each)).Load() for each in files]
    steps = [sorted({each.step for each in found if each.HasField("summary")}) for found in loaded]
    assert steps.count([0, 20]) == 1
    assert steps.count([7, 8]) == count


CACHED = """
import os, signal, threading
from tensorboard_picasso.summary.explain.records import Passes

cached = vars(Passes)["result"]
held = threading.Event()


def hold():
    with getattr(cached, "lock", threading.Lock()):
        held.set()
        threading.Event().wait(60)


threading.Thread(target=hold, daemon=True).start()
held.wait()
pid = os.fork()
if not pid:
    signal.alarm(30)
    try:
        cached.__get__(object.__new__(Passes), Passes)
    except AttributeError:  # it has computed nothing
        os._exit(0)
    os._exit(1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_fork_finds_no_cached_property_that_another_thread_computes():
    assert subprocess.run([sys.executable, "-c", CACHED], timeout=100, check=False).returncode == 0
