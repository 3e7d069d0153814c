"""Disks that fill and empty, log directories that go: what is lost is told, the rest is readable."""

import re
import shutil
from urllib.parse import quote

import pytest

from tensorboard_picasso.stored.metadata import Kind
from tests.attack.tools import disks, kinds
from tests.kit import events, packs
from tests.kit.serving import get
from tests.kit.serving import with_tensorflow as tensorboard

# By process: TensorFlow is loaded once, and one of PyTorch's writers knows nothing of it.
PROCESSES = [["path", "tensorboardX", "torch alone"], ["torch", "tensorflow"]]
# Of each writer and kind of failure so many logs are shown; TensorBoard lists all that it has at
# each request, so it is given some at a time.
SHOWN, AT_ONCE = 10, 25
LOST = re.compile(r'steps? ([\d, and]+) of "p"')


@pytest.fixture(scope="module")
def logs(trials, tmp_path_factory):
    """A folder of the logs of all trials, and what each did, by its log."""
    out = tmp_path_factory.mktemp("disks")
    started = [disks.start(names, out, trials(1)) for names in PROCESSES]
    for each in started:
        disks.finished(each)
    return out, disks.results(out)


def chosen(logs, kind):
    return {path: said for path, said in logs[1].items() if said["kind"] == kind}


def lost(said):
    """The steps that were told as lost, each once."""
    listed = [int(step) for line in said["told"] for found in LOST.findall(line)
              for step in re.findall(r"\d+", found) if "lost: " in line]  # fmt: skip
    assert len(listed) == len(set(listed)), said
    return set(listed)


def gone(said):
    """The steps that were in a directory that was removed."""
    return set(range(said["parts"][0])) if said["disk"] in ("Removed", "Replaced") else set()


def whole(path):
    """The steps of a log, of which none may be a part only."""
    found = events.records(path)
    counts = {}
    for step, series in found:
        counts[step] = counts.get(step, 0) + (series.kind is not Kind.INPUT)
    assert set(counts.values()) == {kinds.SERIES}, counts
    images = {series.image for _, series in found if series.kind is Kind.INPUT}
    assert images == set(range(len(kinds.IMAGES)))
    return set(counts)


def shown(url, run):
    """The steps that TensorBoard has of a run."""
    status, body, _ = get(f"{url}data/plugin/picasso/scores?run={quote(run)}&probe=p&images=0")
    assert status == 200, body
    (image,) = packs.read(body)["images"]
    return {each["step"] for each in image["records"]}


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_what_is_lost_is_told_and_the_rest_is_readable(logs, kind):
    for path, said in chosen(logs, kind).items():
        steps = {int(step) for step in said["answers"]}
        before, during, _ = said["parts"]
        removed = gone(said)
        after = {step for step in steps if step >= before + during}
        readable, missing = whole(path), lost(said)
        assert readable.isdisjoint(missing), (path, said)
        assert readable | missing | removed == steps, (path, said)
        assert set(range(before)) | after <= readable | removed, (path, said)
        failed = [text for text in said["warned"] if "could not be written at step" in text]
        assert len(failed) == bool(missing), (path, said)
        told = any(" is gone, and what it held of step" in line for line in said["told"])
        assert told == bool(removed), (path, said)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_an_op_is_true_of_what_the_disk_took(logs, kind):
    for path, said in chosen(logs, kind).items():
        steps = {int(step) for step in said["answers"]}
        missing = steps - whole(path) - gone(said)
        # Of a record that is written behind its call that is known from the next one on.
        unknown = {min(missing)} if missing and kind != "tensorflow" else set()
        for step, answer in said["answers"].items():
            if int(step) not in unknown:
                assert answer == (int(step) not in missing), (path, said)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_failures_leave_no_files(logs, kind):
    for path, said in chosen(logs, kind).items():
        sizes = [each.stat().st_size for each in path.iterdir() if each.name != "said.json"]
        assert all(sizes), (path, said, sizes)
        assert len(sizes) <= 2, (path, said, sizes)


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_tensorboard_shows_what_is_readable(logs, load_fast, tmp_path):
    found = {}
    for path, said in logs[1].items():
        found.setdefault((said["kind"], said["disk"]), []).append(path)
    some = [path for paths in found.values() for path in paths[:SHOWN]]
    for start in range(0, len(some), AT_ONCE):
        paths = some[start : start + AT_ONCE]
        logdir = tmp_path / str(start)
        for path in paths:
            shutil.copytree(path, logdir / path.name)
        with tensorboard(logdir, load_fast=load_fast, seconds=60 + 2 * len(paths)) as url:
            for path in paths:
                said, steps = logs[1][path], shown(url, path.name)
                assert steps == whole(path), (path, said)
                kept = {int(step) for step in said["answers"]} - lost(said)
                assert kept - gone(said) <= steps <= kept, (path, said)
