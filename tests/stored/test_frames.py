"""Frames of event files, beside TensorBoard's own writer of them."""

import io
from itertools import accumulate

import pytest
from tensorboard.summary.writer.record_writer import RecordWriter

from tensorboard_picasso.stored.frames import HEAD, TAIL, DamagedError, framed, frames, whole_data

EVENTS = [b"", b"one", bytes(range(256)) * 40]


def written():
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    for event in EVENTS:
        writer.write(event)
    return stream.getvalue()


def test_a_frame_is_that_of_tensorboards_writer():
    assert b"".join(map(framed, EVENTS)) == written()


@pytest.mark.parametrize("first", range(3))
def test_events_are_found_from_any_of_them_on(first):
    data = written()
    starts = [0, *accumulate(HEAD + len(each) + TAIL for each in EVENTS)]
    found = list(frames(io.BytesIO(data), len(data), starts[first]))
    assert [data[begin:end] for begin, end in found] == EVENTS[first:]
    for begin, end in found:
        assert whole_data(io.BytesIO(data), begin, end, b"not in there") == data[begin:end]


def test_a_tail_that_is_not_whole_ends_the_file():
    data = written()
    ends = list(accumulate(HEAD + len(each) + TAIL for each in EVENTS))
    for size in (0, 1, ends[0], ends[0] + 5, ends[1] - 1, ends[1], ends[1] + HEAD, len(data) - 1):
        found = list(frames(io.BytesIO(data[:size]), size))
        assert len(found) == sum(end <= size for end in ends)
    # What is written meanwhile is of the next reading.
    assert len(list(frames(io.BytesIO(data), ends[1]))) == 2


def test_a_flipped_length_loses_the_rest_and_flipped_data_the_event():
    data = bytearray(written())
    (_, _), (begin, end), _ = frames(io.BytesIO(data), len(data))
    data[begin] ^= 1
    assert len(list(frames(io.BytesIO(data), len(data)))) == 3
    assert whole_data(io.BytesIO(data), begin, end, b"not in there") is None
    data[begin - HEAD] ^= 1
    found = frames(io.BytesIO(data), len(data))
    next(found)
    with pytest.raises(DamagedError, match=f"damaged at byte {begin - HEAD}: the rest"):
        next(found)
