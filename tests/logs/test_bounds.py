"""Small logs that stand for gigabytes: each answer and file says 413 before memory is taken."""

import json
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs

GIGABYTE = 1 << 30
LARGEST = 1 << 28
INPUT = Series("p", 0, Kind.INPUT)
SCORES = Series("p", 0, Kind.SCORES)


def series(label: str, kind: Kind = Kind.METHOD) -> Series:
    return Series("p", 0, kind, label, label)


def sealed(message) -> bytes:
    return seal.seal(message)


def zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.compress(bytes(size & (1 << 20) - 1)), packer.flush()])


def masks(step: int, side: int = 4096, count: int = 15) -> bytes:
    bits = zeros(side * side // 8)
    regions = [record_pb2.Mask(name=str(each), bits=bits) for each in range(count)]
    png = logs.shown((4, 4)).png
    return sealed(
        record_pb2.Input(
            png=png,
            height=side,
            width=side,
            hash=step.to_bytes(16, "big"),
            regions=regions,
            unseen=bits,
        )
    )


def grid(height: int, width: int, positions: int, classes: int) -> bytes:
    """A grid of zeros: `positions` squared windows of `classes` each."""
    message = record_pb2.Method(
        method="grid", label="grid", sign="CONTRIBUTION", unit="log-odds", score="log-odds",
        height=height, width=width, output="LOGITS",
        input_hash=(0).to_bytes(16, "big"),
    )  # fmt: skip
    part = message.grid
    part.window_height, part.window_width = 1, 1
    part.tops.extend(range(positions))
    part.lefts.extend(range(positions))
    part.classes.extend(range(classes))
    part.whole.extend([0.0] * classes)
    part.distances = zeros(4 * positions * positions * classes)
    about = message.targets.add(index=0)
    about.statistics.count = height * width
    return sealed(message)


def planes(side: int) -> tuple[bytes, list[bytes]]:
    about = record.Attribution(
        "plane", "plane", maps.Sign.UNSIGNED, "log-odds", "log-odds", maps.Output.LOGITS, side,
        side, (0).to_bytes(16, "big"),
        (record.Target(0, 0.0, maps.statistics(np.ones((2, 2)))),), precision=maps.Precision.Q8,
    )  # fmt: skip
    held = record.Plane(0, 1.0, zeros(side * side), b"")
    stored = record.Maps(
        side, side, maps.Precision.Q8, maps.Sign.UNSIGNED, about.input_hash, (held,),
        np.zeros((side, side), bool),
    )  # fmt: skip
    return record.pack_attribution(about), record.pack_maps(stored)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """Runs of some kilobytes each, as attacks they are."""
    logdir = tmp_path_factory.mktemp("logs")

    def run(name, steps, values):
        log = logs.Log(logdir / name)
        said = record.pack_scores(logs.scores(np.zeros(2)))
        for step in range(steps):
            log.write(step, [(SCORES, said), *values(step)], 1000.0 + step)
        log.close()

    run("masks", 40, lambda step: [(INPUT, masks(step))])
    method = grid(1024, 1024, 1024, 16)
    run("grids", 60, lambda step: [(series("grid"), method)])
    wide = grid(16384, 4096, 2, 1)
    run("wide", 200, lambda step: [(series("grid"), wide)])
    about, maps_of = planes(8192)
    run(
        "planes",
        60,
        lambda step: [(series("plane"), about), (series("plane", Kind.MAP), maps_of)],
    )
    many = sealed(
        record_pb2.Scores(
            output="LOGITS",
            hidden=[record_pb2.Hidden() for _ in range(4000)],
            input_hash=bytes(16),
        )
    )
    run("parts", 20, lambda step: [(SCORES, many), (series("grid"), grid(8, 8, 2, 2))])
    return logdir


def taken(logdir: Path, *requests: str) -> list[tuple[int, int, int, str]]:
    """Status, bytes, memory and words of each request, in a process of their own."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.attack.taken", str(logdir), *requests],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [tuple(json.loads(each)) for each in made.stdout.splitlines()]


GRIDS = "run=grids&probe=p&label=grid"
EXPORT = "/export?run={0}&probe=p&image=0&label={1}&format={2}"
REQUESTS = {
    "/index": 200,
    "/inputs?run=masks&probe=p": 413,
    "/scores?run=masks&probe=p": 200,
    f"/attributions?{GRIDS}": 200,
    f"/attributions?{GRIDS}&grids=all": 413,
    f"/attributions?{GRIDS}&grids=3": 200,
    "/maps?run=planes&probe=p&label=plane&of="
    + ",".join(f"0:{step}:{1000.0 + step}" for step in range(60)): 413,
    "/scores?run=parts&probe=p": 200,
    **{
        EXPORT.format(run, label, kind): status
        for run, label, statuses in (
            ("grids", "grid", {"png": 200, "gif": 413, "npz": 413, "csv": 200}),
            ("wide", "grid", {"png": 413, "gif": 413, "npz": 413, "csv": 200}),
            ("planes", "plane", {"png": 413, "gif": 413, "npz": 413, "csv": 200}),
            ("parts", "grid", {"csv": 200, "npz": 200}),
        )
        for kind, status in statuses.items()
    },
    EXPORT.format("grids", "grid", "npz") + "&step=3": 200,
}


def test_no_answer_is_larger_than_one_may_be_and_no_process_than_a_gigabyte(logdir):
    assert sum(each.stat().st_size for each in logdir.rglob("*tfevents*")) < 20 << 20
    found = taken(logdir, *REQUESTS)
    for (request, status), (got, size, memory, said) in zip(REQUESTS.items(), found, strict=True):
        assert got == status, (request, said)
        assert size <= LARGEST, request
        assert memory < GIGABYTE, (request, memory >> 20)
        if status == 413:
            assert "at most" in said or ": " in said, said


@pytest.mark.parametrize(
    ("run", "label", "kind"),
    [("wide", "grid", "png"), ("grids", "grid", "npz"), ("planes", "plane", "gif")],
)  # fmt: skip
def test_the_command_says_so_and_stays_below_a_gigabyte(logdir, tmp_path, run, label, kind):
    code = (
        "import sys; from tensorboard_picasso.__main__ import main;"
        " from tests.attack.taken import memory; before = memory('VmRSS');"
        " status = main(sys.argv[1:]); print(status, memory('VmHWM') - before)"
    )
    out = tmp_path / f"map.{kind}"
    words = ["--logdir", str(logdir), "--run", run, "--tag", f"p/00/{label}", "--out", str(out)]
    made = subprocess.run(
        [sys.executable, "-c", code, "export", *words], capture_output=True, text=True, check=True
    )
    status, memory = map(int, made.stdout.split())
    assert (status, out.exists()) == (2, False), made.stderr
    assert "too much" in made.stderr or "MB" in made.stderr or "at most" in made.stderr
    assert memory < GIGABYTE, memory >> 20


def test_a_record_of_more_parts_than_any_has_is_damaged():
    scores = record_pb2.Scores(output="LOGITS")
    scores.hidden.extend(record_pb2.Hidden() for _ in range(5000))
    with pytest.raises(record.RecordError, match="5,000 hidden are out of bounds"):
        record.unpack_scores(sealed(scores))
    with pytest.raises(record.RecordError, match="bytes are out of bounds"):
        record.unpack_scores(bytes(1 << 25))
    # What is written is what can be read.
    many = tuple(record.Hidden(str(k), "mean", np.zeros(2, np.float32)) for k in range(5000))
    with pytest.raises(record.RecordError, match="it cannot be recorded"):
        record.pack_scores(replace(logs.scores(np.zeros(2)), hidden=many))
