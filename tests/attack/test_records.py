"""Mutated records and event files: each is right or named, and takes no more than its bound.

Records are mutated under their seal too, sealed again: a checksum keeps no attacker out.
"""

import contextlib
import io
import json
import random
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from tensorboard.compat.proto import types_pb2

from tensorboard_picasso.__main__ import main
from tensorboard_picasso.logs.tensors import number, strings
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.metadata import Kind, Series, SeriesError, parse
from tests.attack.tools.app import App
from tests.attack.tools.settings import attack
from tests.attack.tools.taken import memory
from tests.kit import logs
from tests.logs.test_hostile_logs import SERIES, records, tensor

GIGABYTE = 1 << 30
LARGEST = 1 << 28
RECORDS = 3000  # of a plain run
FILES = 15


@cache
def samples():
    """One record of each kind with what unpacks it."""
    found = records(1)
    planes = {0: np.arange(64.0).reshape(8, 8), 1: np.ones((8, 8))}
    elements = record.pack_maps(record.Maps.encode(planes, maps.Sign.CONTRIBUTION, logs.HASH))
    values, labels = np.arange(8.0).reshape(4, 2), np.arange(64).reshape(8, 8) // 16
    parted = logs.segmented(values.astype(np.float32), np.ones(2, np.float32), labels, (0,))
    masked = logs.shown((8, 8), regions={"a": np.eye(8) > 0}, unseen=np.eye(8) > 0)

    def all_unpacked(data):
        return list(record.unpack_all_scores(data).values())

    def decoded(data):
        stored = record.unpack_maps([elements[0], data])
        (plane,) = stored.planes
        stored.check(plane.target)
        return stored.decode(plane.target)

    return [
        (found["scores"], record.unpack_scores),
        (record.pack_all_scores(logs.all_scores(3)), all_unpacked),
        (found["attributions"], record.unpack_attribution),
        (record.pack_attribution(parted), record.unpack_attribution),
        (found["means"], record.unpack_mean),
        (record.pack_edits(logs.edits()), record.unpack_edits),
        (record.pack_example(logs.example()), record.unpack_example),
        (record.pack_input(masked), record.unpack_input),
        (elements[0], record.unpack_map_header),
        (elements[1], decoded),
    ]


def mutated(data: bytes, luck: random.Random) -> bytes:
    """Flipped, cut, doubled, spliced or with other numbers in it."""
    made = bytearray(data)
    for _ in range(luck.choice((1, 1, 1, 2, 5))):
        at, end = sorted(luck.randrange(len(made) + 1) for _ in range(2)) if made else (0, 0)
        kind = luck.randrange(6)
        if kind == 0 and made:
            made[luck.randrange(len(made))] ^= 1 << luck.randrange(8)
        elif kind == 1:
            del made[at:end]
        elif kind == 2:
            made[at:at] = made[at:end]
        elif kind == 3:
            made[at:end] = luck.randbytes(min(end - at, 64))
        elif kind == 4:
            made[at:at] = luck.choice((b"\xff" * 9 + b"\x01", b"\x80" * 9, b"\x00\x00\xc0\x7f"))
        elif made:
            made[luck.randrange(len(made))] = luck.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(made)


def test_a_mutated_record_is_right_or_named(trials):
    luck = random.Random(0)
    named = 0
    before = memory("VmHWM")
    for trial in range(trials(RECORDS)):
        data, unpack = samples()[trial % len(samples())]
        if luck.random() < 0.8:
            inner = record_pb2.Sealed.FromString(data)
            payload = mutated(inner.payload, luck)
            crc = seal.checksum(inner.version, payload)
            hostile = record_pb2.Sealed(
                version=inner.version, crc32=crc, payload=payload
            ).SerializeToString()
        else:
            hostile = mutated(data, luck)
        try:
            unpack(hostile)
        except record.RecordError:
            named += 1
    print(f"\n{trial + 1:,} records, {named:,} named; {memory('VmHWM') - before >> 20} MB taken")
    assert 0 < named < trial + 1
    assert memory("VmHWM") - before < GIGABYTE


def test_plugin_data_is_a_series_or_named(trials):
    good = Series("p", 3, Kind.MEAN, "m", "l", 4, "name").summary_metadata().plugin_data.content
    luck = random.Random(1)
    for _ in range(trials(RECORDS)):
        with contextlib.suppress(SeriesError):
            assert isinstance(parse(mutated(good, luck)).tag, str)


SIDES = st.lists(st.one_of(st.integers(-3, 5), st.integers(-(2**62), 2**62)), max_size=4)
WORDS = st.lists(st.binary(max_size=8), max_size=4)


def test_tensors_of_any_kind_are_right_or_named(trials):
    def check(dtype, sides, words, floats, ints, content, rank):
        made = tensor(dtype, *sides, string_val=words, float_val=floats, int_val=ints)
        made.tensor_content = content
        with contextlib.suppress(record.RecordError):
            assert strings(made, rank) == words
            assert (dtype, len(sides)) == (types_pb2.DT_STRING, rank)
        with contextlib.suppress(record.RecordError):
            assert isinstance(number(made), float)

    floats = st.lists(st.floats(width=32), max_size=3)
    attack(
        trials(300), dtype=st.one_of(st.just(types_pb2.DT_STRING), st.integers(0, 130)),
        sides=SIDES, words=WORDS, floats=floats, ints=st.lists(st.integers(-999, 999), max_size=3),
        content=st.binary(max_size=9), rank=st.integers(0, 1),
    )(check)  # fmt: skip


ROUTES = {
    "/index": "",
    **{f"/{name}": "run=run&probe=digits&label=occlusion&grids=all" for name in SERIES},
    "/scalars": "run=run",
    "/export": "run=run&probe=digits&image=0&label=occlusion&format=npz",
}


def test_a_mutated_event_file_is_served_and_exported(trials, tmp_path):
    log = logs.Log(tmp_path / "good")
    for step in range(4):
        found = records(step)
        log.write(step, [(SERIES[name], found[name]) for name in SERIES], 1000.0 + step)
    log.close()
    data = log.path.read_bytes()
    luck = random.Random(2)
    largest, before = 0, memory("VmHWM")
    for trial in range(trials(FILES)):
        path = tmp_path / str(trial) / "run" / log.path.name
        path.parent.mkdir(parents=True)
        path.write_bytes(mutated(data, luck))
        app = App(path.parent.parent)
        for route, query in ROUTES.items():
            status, body = app.get(route, query)
            assert status in (200, 400, 404, 413), (trial, route, body)
            largest = max(largest, len(body))
            if status == 200 and route == "/index":
                json.loads(body)
        out = tmp_path / "map.csv"
        words = ["--logdir", str(path.parent.parent), "--force", "--out", str(out)]
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            status = main(["export", *words, "--tag", "digits/00/occlusion"])
        assert status in (0, 2)
        Path(path).unlink()
    print(f"\n{trial + 1:,} files; largest answer {largest:,} bytes")
    assert largest <= LARGEST
    assert memory("VmHWM") - before < GIGABYTE
