"""Small logs that stand for gigabytes: each answer and file says 413 before memory is taken."""

import json
import subprocess
import sys
import time
import zlib
from dataclasses import replace

import google_crc32c
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from tensorboard.compat.proto import (
    event_pb2,
    summary_pb2,
    tensor_pb2,
    tensor_shape_pb2,
    types_pb2,
)
from tensorboard.summary.writer import record_writer

import tensorboard_picasso
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.logs import events, tensors
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import input as stored_input
from tensorboard_picasso.stored import planes as planes_of
from tensorboard_picasso.stored import record, record_pb2, seal, unparsed
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs, packs
from tests.kit.serving import get, tensorboard

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
    return sealed(
        record_pb2.Input(
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


def taken(*words: str) -> list[tuple[int, int, int, str]]:
    """Status, bytes, memory and words of each request, in a process of their own."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.attack.tools.taken", *words],
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
    found = taken(str(logdir), *REQUESTS)
    for (request, status), (got, size, memory, said) in zip(REQUESTS.items(), found, strict=True):
        assert got == status, (request, said)
        assert size <= LARGEST, request
        assert memory < GIGABYTE, (request, memory >> 20)
        if status == 413:
            assert "at most" in said or ": " in said, said


def test_nor_does_one_that_is_asked_for_much_at_once(logdir):
    """As the tab does, and several of them."""
    much = [f"/attributions?{GRIDS}&grids=overview"] * 8
    much.append(EXPORT.format("grids", "grid", "gif"))
    found = taken("--at-once", str(logdir), *much)
    assert {status for status, _, _, _ in found} == {413}
    assert max(memory for _, _, memory, _ in found) < GIGABYTE


@pytest.mark.parametrize(
    ("run", "label", "kind"),
    [("wide", "grid", "png"), ("grids", "grid", "npz"), ("planes", "plane", "gif")],
)  # fmt: skip
def test_the_command_says_so_and_stays_below_a_gigabyte(logdir, tmp_path, run, label, kind):
    code = (
        "import sys; from tensorboard_picasso.__main__ import main;"
        " from tests.attack.tools.taken import memory; before = memory('VmRSS');"
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


# TensorBoard whose default loader hands over a megabyte, where it is 256.
SMALL = """
import tensorboard.data.server_ingester as server
import grpc
channel = grpc.secure_channel
def small(address, credentials, options):
    most = "grpc.max_receive_message_length"
    options = [each for each in options if each[0] != most]
    return channel(address, credentials, [*options, (most, 1 << 20)])
server.grpc.secure_channel = small
from tensorboard.main import run_main
run_main()
"""


def test_what_the_default_loader_does_not_hand_over_the_other_one_does(tmp_path):
    """TensorBoard is started as the refusal says."""
    log = logs.Log(tmp_path / "run")
    for step in range(5):
        shown = replace(logs.shown((4, 4)), name="x" * 300_000)
        said = record.pack_scores(logs.scores(np.zeros(2)))
        log.write(step, [(SCORES, said), (INPUT, record.pack_input(shown))], 1000.0 + step)
    log.close()
    for load_fast in (True, False):
        with tensorboard(tmp_path, load_fast=load_fast, program=("-c", SMALL)) as url:
            status, body, _ = get(f"{url}data/plugin/picasso/inputs?run=run&probe=p")
            if load_fast:
                assert status == 413
                assert b'series "p/00/input"' in body
                assert b"start TensorBoard with --load_fast=false" in body
                # Smaller ones are.
                assert get(f"{url}data/plugin/picasso/scores?run=run&probe=p")[0] == 200
            else:
                assert status == 200
                (image,) = packs.read(body)["images"]
                assert [each["step"] for each in image["records"]] == [0, 1, 2, 3, 4]


MANY = 2000
EMPTY = {
    "values": [summary_pb2.Summary.Value()] * MANY,
    "sides": [summary_pb2.Summary.Value(tag=SCORES.tag, tensor=tensor_pb2.TensorProto())],
    "numbers": [summary_pb2.Summary.Value(tensor=tensor_pb2.TensorProto(int64_val=[0] * 8 * MANY))],
}
EMPTY["sides"][0].tensor.tensor_shape.dim.extend([tensor_shape_pb2.TensorShapeProto.Dim()] * MANY)


@pytest.mark.parametrize("what", EMPTY)
def test_an_event_of_more_parts_than_any_has_is_named_before_it_is_parsed(
    tmp_path, capsys, monkeypatch, what
):
    log = logs.Log(tmp_path / "run")
    said = record.pack_scores(logs.scores(np.zeros(2)))
    log.write(0, [(SCORES, said)], 1000.0)
    summary = summary_pb2.Summary(value=EMPTY[what])
    log.event(event_pb2.Event(step=1, wall_time=1001.0, summary=summary))
    log.write(2, [(SCORES, said)], 1002.0)
    log.close()
    main(["export", "--logdir", str(tmp_path)])
    assert "parts" not in capsys.readouterr().err
    monkeypatch.setattr(unparsed, "MAX_PARTS", 1000)
    with pytest.warns(UserWarning, match="is of more than 1,000 parts: skipped"):
        found = tensorboard_picasso.read(tmp_path)
    assert found["run"]["p"].steps().tolist() == [0, 2]
    main(["export", "--logdir", str(tmp_path)])
    assert "is of more than 1,000 parts: skipped" in capsys.readouterr().err


def test_what_is_of_many_parts_is_parsed_up_to_a_million(monkeypatch):
    assert unparsed.MAX_PARTS == 1 << 20
    monkeypatch.setattr(unparsed, "MAX_PARTS", 1000)
    text = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="x" * 3000)])
    data = text.SerializeToString()
    unparsed.check(data, summary_pb2.Summary)
    unparsed.check(b"\x0a\0" * 1000, summary_pb2.Summary)
    with pytest.raises(unparsed.PartsError):
        unparsed.check(b"\x0a\0" * 1001, summary_pb2.Summary)
    for damaged in (data[:-1], data[:-100], data + b"\x0a", b"\xff" * len(data)):
        with pytest.raises(DecodeError):
            unparsed.check(damaged, summary_pb2.Summary)
    # Tensors in variants in tensors.
    deep = tensor_pb2.TensorProto(tensor_content=bytes(3000)).SerializeToString()
    for _ in range(120):
        inner = b"\x1a" + varint(len(deep)) + deep
        deep = b"\x7a" + varint(len(inner)) + inner
    with pytest.raises(DecodeError):
        unparsed.check(deep, tensor_pb2.TensorProto)


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


@pytest.mark.parametrize(
    ("limit", "what"), [("MAX_SMALL", "values that are no records"), ("MAX_SERIES", "series")]
)
def test_so_many_values_are_kept_that_are_small_or_of_series_of_their_own(
    tmp_path, monkeypatch, limit, what
):
    monkeypatch.setattr(events, limit, 10)
    log = logs.Log(tmp_path / "run")
    said = record.pack_scores(logs.scores(np.zeros(2)))
    log.write(0, [(SCORES, said)], 1000.0)
    for step in range(1, 20):
        made = summary_pb2.Summary.Value(tag=SCORES.tag)
        if limit == "MAX_SERIES":
            other = Series("p", step, Kind.SCORES)
            made = summary_pb2.Summary.Value(tag=other.tag, metadata=other.summary_metadata())
        log.event(event_pb2.Event(step=step, summary=summary_pb2.Summary(value=[made])))
    log.close()
    with pytest.warns(UserWarning, match=f"more than 10 {what}: the rest of the file is left out"):
        found = tensorboard_picasso.read(tmp_path)["run"]["p"]
    assert found.steps().tolist() == [*range(11 if limit == "MAX_SMALL" else 1)]


def test_a_record_of_more_parts_than_any_has_is_damaged_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(unparsed, "MAX_PARTS", 1000)
    shown = record_pb2.Input(height=8, width=8, hash=bytes(16))
    shown.class_names.extend([""] * MANY)
    for unpack in (
        record.unpack_input,
        record.unpack_picture,
        lambda data: record.unpack_shown(data, lambda size: None),
    ):
        with pytest.raises(record.RecordError, match="damaged record: of more than 1,000 parts"):
            unpack(sealed(shown))


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


def quick(monkeypatch):
    """Checksums of events in C: in Python they take a second for 8 MB."""

    def masked(data):
        crc = google_crc32c.value(bytes(data))
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    monkeypatch.setattr(record_writer, "masked_crc32c", masked)


def test_of_a_long_series_one_record_is_held_at_a_time(tmp_path, monkeypatch):
    """TensorBoard's Python loader has it already, a file need not be read at once."""
    quick(monkeypatch)
    log = logs.Log(tmp_path / "run")
    about = record.pack_attribution(
        logs.occlusion(
            np.ones((2, 2, 2), np.float32), np.ones(2, np.float32), (8, 8), (4, 4),
            np.arange(0, 8, 4), np.arange(0, 8, 4), (0, 1),
        )
    )  # fmt: skip
    said = record.pack_scores(logs.scores(np.zeros(2)))
    log.write(0, [(SCORES, said), (series("occlusion"), about)], 1000.0)
    for step in range(1, 16):
        log.write(step, [(SCORES, bytes(16 << 20))], 1000.0 + step)
    log.close()
    for status, _, memory, text in taken(
        str(tmp_path), "/scores?run=run&probe=p", "/index?steps=true"
    ):
        assert status == 200, text
        assert memory < 100 << 20, memory >> 20
    code = (
        "import sys; from tensorboard_picasso.logs.events import EventReader;"
        " from tensorboard_picasso.logs.records import Problems, unpacked;"
        " from tensorboard_picasso.stored import record;"
        " from tests.attack.tools.taken import memory; before = memory('VmRSS'); bad = Problems();"
        " reader = EventReader(sys.argv[1], print);"
        " [list(unpacked(s, r, record.unpack_scores, bad)) for s, r in"
        " reader.tensors('run', reader.of_probe('run', 'p')) if s.kind.name == 'SCORES'];"
        " print(len(bad), memory('VmHWM') - before)"
    )
    made = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    bad, memory = map(int, made.stdout.split())
    assert bad == 15
    assert memory < 160 << 20, memory >> 20


def test_a_picture_or_maps_of_more_bytes_than_any_are_refused_before_they_are_copied(monkeypatch):
    shown = logs.shown((8, 8))
    data = record.pack_input(shown)
    _, maps_of = logs.saliency({0: np.ones((8, 8)), 1: np.ones((8, 8))})
    parts = record.pack_maps(maps_of)
    monkeypatch.setattr(stored_input, "MAX_PICTURED", len(data) - 1)
    monkeypatch.setattr(planes_of, "MAX_PLANES", sum(map(len, parts)) - 1)
    for unpack, what in (
        (record.unpack_input, data),
        (record.unpack_picture, data),
        (record.unpack_maps, parts),
    ):
        with pytest.raises(record.RecordError, match=r"damaged record: .* bytes are out of bounds"):
            unpack(what)
    with pytest.raises(record.RecordError, match=r"it cannot be recorded: .* out of bounds"):
        record.pack_input(shown)
    with pytest.raises(record.RecordError, match=r"it cannot be recorded: .* out of bounds"):
        record.pack_maps(maps_of)
    # As they stand in a log.
    monkeypatch.setattr(tensors, "MOST", (1000, 2000))
    for rank, strings in ((0, [bytes(1000)]), (1, [bytes(1000)] * 2)):
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=strings)
        if rank:
            tensor.tensor_shape.dim.add(size=2)
        assert tensors.strings(tensor, rank) == strings
        tensor.string_val[0] = bytes(1300)
        with pytest.raises(record.RecordError, match="bytes are out of bounds"):
            tensors.strings(tensor, rank)


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_large_maps_are_handed_over_and_larger_ones_are_named(tmp_path, monkeypatch, load_fast):
    quick(monkeypatch)
    about, maps_of = logs.saliency({0: np.ones((8, 8)), 1: np.ones((8, 8))})
    plane = Series("p", 0, Kind.MAP, "saliency", "saliency")
    said = record.pack_scores(logs.scores(np.zeros(2)))
    parts = record.pack_maps(maps_of)
    # More than is read beside others, and more than any have.
    large = [*parts, bytes(5 << 20)]
    for step, blobs in enumerate((parts, large, [*parts, *[bytes(48 << 20)] * 3])):
        log = logs.Log(tmp_path / "run", f"events.out.tfevents.{step}.test")
        log.write(
            step,
            [
                (SCORES, said),
                (series("saliency"), record.pack_attribution(about)),
                (plane, blobs),
            ],
            1000.0 + step,
        )
        log.close()
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        route = "run=run&probe=p&label=saliency&of=0:0:1000.0,0:1:1001.0,0:2:1002.0"
        end, answer = time.monotonic() + 240, {"missing": [0]}
        while answer["missing"] and time.monotonic() < end:  # the last file is still read
            status, body, _ = get(f"{url}data/plugin/picasso/maps?{route}")
            assert status == 200, body
            answer = packs.read(body)
    assert [each["step"] for each in answer["records"]] == [0]
    told = {each["step"]: each["message"] for each in answer["problems"]}
    assert "it cannot be parsed" in told[1] or "checksum" in told[1], told
    assert "bytes are out of bounds" in told[2], told
