"""Records of segments: what goes in comes out, and what is damaged is found."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from tensorboard_picasso.stored import record, record_pb2
from tensorboard_picasso.stored.seal import seal
from tests.kit import logs

LABELS = np.array([[0, 0, 1, -1], [2, 0, 1, -1], [2, 2, 2, 3]])
MASK = LABELS == 2


def segments_record():
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    values[1] = [np.nan, np.inf, -0.0]
    whole = np.array([1.5, -2.0, 0.0], np.float32)
    return logs.segmented(values, whole, LABELS, (2, 0), {"two": MASK})


def test_segments_come_back():
    given = segments_record()
    packed = record.pack_attribution(given)
    back = record.unpack_attribution(packed)
    assert back.grid.values.tobytes() == given.grid.values.tobytes()
    assert back.grid.values.shape == (4, 1, 3)
    assert back.grid.whole.tobytes() == given.grid.whole.tobytes()
    np.testing.assert_array_equal(back.grid.segments, LABELS)
    assert (back.grid.window, len(back.grid.tops), len(back.grid.lefts)) == ((0, 0), 0, 0)
    assert str(back.targets) == str(given.targets)  # NaN is not itself
    assert back.regions == given.regions
    numbers = record.MethodReader().unpack(packed)
    np.testing.assert_array_equal(numbers.whole, given.grid.whole)
    np.testing.assert_array_equal(numbers.settings.grid.segments, LABELS)
    assert record.unpack_attribution(packed, values=False).grid.values.size == 0


def test_settings_of_a_series_are_read_once():
    reader, given = record.MethodReader(), segments_record()
    other = replace(given, grid=replace(given.grid, values=given.grid.values + 1))
    moved = replace(given, grid=replace(given.grid, segments=given.grid.segments[:, ::-1]))
    first, second, third = (
        reader.unpack(record.pack_attribution(each)).settings for each in (given, other, moved)
    )
    assert first is second
    np.testing.assert_array_equal(third.grid.segments, LABELS[:, ::-1])


def test_a_reader_of_before_names_the_version_and_one_of_grids_finds_none():
    message = record_pb2.Sealed.FromString(record.pack_attribution(segments_record()))
    assert message.version == 3
    assert not record_pb2.Method.FromString(message.payload).HasField("grid")


def mean_record():
    return logs.mean([segments_record(), segments_record()], [0, 2], [0, 5])


def test_means_of_segments_come_back():
    given = mean_record()
    back = record.unpack_mean(record.pack_mean(given))
    for name in ("means", "errors", "counts", "segments"):
        np.testing.assert_array_equal(getattr(back, name), getattr(given, name))
    assert back.means.shape == (4, 1)
    assert record_pb2.Sealed.FromString(record.pack_mean(given)).version == 3


def damaged(**changes):
    sealed = record_pb2.Sealed.FromString(record.pack_attribution(segments_record()))
    message = record_pb2.Method.FromString(sealed.payload)
    for name, value in changes.items():
        setattr(message.segments, name, value)
    return seal(message, 3)


def packed(labels):
    return zlib.compress(np.asarray(labels, "<i2").tobytes())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"count": 3}, "of other segments than it has"),
        ({"count": 5}, "of other segments than it has"),
        ({"count": 0}, "0 segments are out of bounds"),
        ({"count": 1 << 20}, "segments are out of bounds"),
        ({"labels": packed(LABELS - 1)}, "of other segments than it has"),
        ({"labels": packed(np.where(LABELS == 1, 2, LABELS))}, "of other segments than it has"),
        ({"labels": packed(LABELS[:2])}, "not 24 bytes once decompressed"),
        ({"labels": zlib.compress(bytes(1 << 20))}, "not 24 bytes once decompressed"),
        ({"labels": b"no zlib"}, "it cannot be decompressed"),
        ({"distances": zlib.compress(bytes(12))}, "not 48 bytes once decompressed"),
    ],
)
def test_what_does_not_hold_together_is_refused(changes, match):
    data = damaged(**changes)
    with pytest.raises(record.RecordError, match=match):
        record.unpack_attribution(data)
    if "distances" not in changes:
        with pytest.raises(record.RecordError, match=match):
            record.MethodReader().unpack(data)


def test_classes_without_scores_are_refused():
    sealed = record_pb2.Sealed.FromString(record.pack_attribution(segments_record()))
    message = record_pb2.Method.FromString(sealed.payload)
    message.segments.whole.append(1.0)
    for read in (record.unpack_attribution, record.MethodReader().unpack):
        with pytest.raises(record.RecordError, match="classes and their scores differ in length"):
            read(seal(message, 3))


def test_what_no_reader_takes_is_not_written():
    given = segments_record()
    labels = np.where(LABELS == 3, 2, LABELS).astype(np.int16)
    with pytest.raises(record.RecordError, match="it cannot be recorded"):
        record.pack_attribution(replace(given, grid=replace(given.grid, segments=labels)))
