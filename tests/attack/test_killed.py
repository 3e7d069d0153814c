"""A process that is killed at any moment: what was accepted is read, no half of a record is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack.test_full_disk import PROCESSES, shown, whole
from tests.attack.tools import kinds
from tests.kit.serving import with_tensorflow as tensorboard

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def logs(trials, tmp_path_factory):
    """A folder of the logs of all trials, and what each did, by its log."""
    out = tmp_path_factory.mktemp("killed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for names in PROCESSES:
        command = [
            sys.executable,
            "-m",
            "tests.attack.tools.killed",
            str(out),
            str(trials(4)),
            *names,
        ]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
    return out, {each.parent: json.loads(each.read_text()) for each in out.glob("*/said.json")}


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_what_was_accepted_is_read_and_no_half_of_a_record(logs, kind):
    for path, said in logs[1].items():
        if said["kind"] != kind:
            continue
        readable, accepted = whole(path), said["accepted"]
        assert readable >= {step for step in accepted if step <= said["flushed"]}, (path, said)
        # A probe has one record under way.
        assert len(set(accepted) - readable) <= 1, (path, said)
        assert set(said["resumed"]) <= readable, (path, said)
        assert readable <= {*accepted, max(accepted) + 1, *said["resumed"]}, (path, said)
        assert len(list(path.glob("*tfevents*"))) <= 2, (path, said)


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_tensorboard_shows_what_is_readable(logs, load_fast):
    out, found = logs
    with tensorboard(out, load_fast=load_fast, seconds=60 + 2 * len(found)) as url:
        for path in found:
            assert shown(url, path.name) == whole(path)
