"""Records of volumes: what goes in comes out, what is damaged is found, and older readers are told."""

from dataclasses import replace

import numpy as np
import pytest

from tensorboard_picasso.numbers import places, volumes
from tensorboard_picasso.stored import record, record_pb2, seal
from tests.kit import logs
from tests.kit import volumes as known


def version(data):
    return record_pb2.Sealed.FromString(data).version


def test_windows_with_fronts_come_back():
    given = known.occluded(0)
    packed = record.pack_attribution(given)
    back = record.unpack_attribution(packed)
    assert (back.height, back.width, back.depth) == (*known.SHEET, 4)
    assert back.grid.values.tobytes() == known.hidden(0).tobytes()
    assert back.grid.values.shape == (9, 3, 3)
    assert (back.grid.window, back.grid.window_depth) == ((3, 2), 2)
    np.testing.assert_array_equal(back.grid.fronts, known.FRONTS)
    np.testing.assert_array_equal(back.grid.tops, known.TOPS)
    assert str(back.targets) == str(given.targets)
    numbers = record.MethodReader().unpack(packed)
    np.testing.assert_array_equal(numbers.settings.grid.fronts, known.FRONTS)
    assert numbers.settings.depth == 4
    assert record.unpack_attribution(packed, values=False).grid.values.size == 0


def test_means_with_fronts_come_back():
    given = known.mean(0)
    back = record.unpack_mean(record.pack_mean(given))
    for name in ("means", "errors", "counts", "fronts", "tops", "lefts"):
        np.testing.assert_array_equal(getattr(back, name), getattr(given, name))
    assert (back.depth, back.window_depth, back.means.shape) == (4, 2, (9, 3))


def test_maps_segments_and_inputs_come_back():
    about, planes = known.explained(0)
    assert record.unpack_attribution(record.pack_attribution(about)).depth == 4
    stored = record.unpack_maps(record.pack_maps(planes))
    assert stored.depth == 4
    np.testing.assert_array_equal(stored.decode(1), planes.decode(1))
    labels = np.arange(4)[:, None, None] // 2 + np.zeros(known.SHAPE, np.int16)
    parted = logs.segmented(
        np.ones((2, 3), np.float32), np.zeros(3, np.float32), volumes.sheet(labels), (1,)
    )
    back = record.unpack_attribution(record.pack_attribution(replace(parted, depth=4)))
    assert (back.depth, len(back.grid.fronts)) == (4, 0)
    np.testing.assert_array_equal(back.grid.segments, volumes.sheet(labels))
    shown = record.unpack_input(record.pack_input(known.shown()))
    assert (shown.height, shown.width, shown.depth) == (*known.SHEET, 4)
    np.testing.assert_array_equal(shown.regions["inside"], volumes.sheet(known.REGION))
    assert record.unpack_picture(record.pack_input(known.shown())).depth == 4


def test_an_older_reader_refuses_windows_with_fronts_and_takes_the_rest(monkeypatch):
    packed, mean = record.pack_attribution(known.occluded(0)), record.pack_mean(known.mean(0))
    about, planes = known.explained(0)
    others = (
        record.pack_attribution(about),
        record.pack_maps(planes)[0],
        record.pack_input(known.shown()),
    )
    assert [version(each) for each in (packed, mean, *others)] == [4, 4, 2, 2, 2]
    monkeypatch.setattr(seal, "FORMAT_VERSION", 3)
    for data, unpack in (
        (packed, record.unpack_attribution),
        (packed, record.MethodReader().unpack),
        (mean, record.unpack_mean),
    ):
        with pytest.raises(record.NewerRecordError, match="format 4, newer than 3"):
            unpack(data)
    record.unpack_attribution(others[0])
    record.unpack_maps(record.pack_maps(planes))
    assert record.unpack_input(others[2]).height == 24  # a tall picture to it


def test_what_is_of_pictures_is_written_as_ever():
    about = logs.occlusion(
        np.zeros((2, 2, 3), np.float32), np.zeros(3, np.float32), (6, 5), (3, 3),
        np.array([0, 3]), np.array([0, 2]), (1,),
    )  # fmt: skip
    packed = record.pack_attribution(about)
    assert version(packed) == 2
    message = record_pb2.Method.FromString(record_pb2.Sealed.FromString(packed).payload)
    assert not any(
        field.name in ("depth", "window_depth", "fronts")
        for part in (message, message.grid)
        for field, _ in part.ListFields()
    )


def test_a_sheet_may_be_taller_than_a_picture_and_is_then_refused_by_name_by_older_readers():
    values = np.ones((1 << 15, 1), np.float32)
    about, planes = logs.saliency({0: values}, depth=1 << 9)
    shown = record.Input(b"", 1 << 15, 1, b"h", depth=1 << 9)
    packed = [
        record.pack_attribution(about), record.pack_maps(planes)[0], record.pack_input(shown),
    ]  # fmt: skip
    assert [version(each) for each in packed] == [4, 4, 4]
    assert record.unpack_map_header(packed[1]).depth == 1 << 9
    with pytest.raises(record.RecordError, match="shape 32768x1 is out of bounds"):
        record.pack_input(replace(shown, depth=0))


def damaged(**changes):
    """A record of windows with other numbers in it; `method_` before those of the whole record."""
    payload = record_pb2.Sealed.FromString(record.pack_attribution(known.occluded(0))).payload
    message = record_pb2.Method.FromString(payload)
    for name, value in changes.items():
        part = message if name.startswith("method_") else message.grid
        name = name.removeprefix("method_")
        if isinstance(value, list):
            part.ClearField(name)
            getattr(part, name).extend(value)
        else:
            setattr(part, name, value)
    return seal.seal(message, 4)


OUTSIDE, NOT_LAST = "a window lies outside the image", "windows do not end with the last slice"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"method_depth": 5}, "5 slices in a height of 24"),
        ({"method_depth": 25}, "25 slices in a height of 24"),
        ({"method_depth": 1 << 31}, "slices in a height of 24"),
        ({"method_depth": 0}, OUTSIDE),
        ({"method_depth": 3}, OUTSIDE),
        ({"method_depth": 6}, OUTSIDE),  # slices of four rows
        ({"fronts": [0, 1, 3]}, OUTSIDE),
        ({"fronts": [0, 1, 1 << 31]}, OUTSIDE),
        ({"fronts": [0, 2, 2]}, "do not ascend"),
        ({"fronts": [1, 0, 2]}, "do not ascend"),
        ({"fronts": [0, 1]}, NOT_LAST),
        ({"fronts": []}, NOT_LAST),
        ({"window_depth": 0}, OUTSIDE),
        ({"window_depth": 5}, OUTSIDE),
        ({"window_depth": 1}, NOT_LAST),
        ({"fronts": [0], "window_depth": 4}, "not 324 bytes|not 108 bytes"),
        ({"fronts": [], "window_depth": 0}, OUTSIDE),
        ({"tops": [0, 2, 4]}, OUTSIDE),  # within the sheet, not within a slice
        ({"lefts": [0, 2]}, "once decompressed"),
    ],
)
def test_what_does_not_hold_together_is_refused(changes, match):
    data = damaged(**changes)
    with pytest.raises(record.RecordError, match=match):
        record.unpack_attribution(data)
    if "bytes" not in match and "once" not in match:
        with pytest.raises(record.RecordError, match=match):
            record.MethodReader().unpack(data)


def test_windows_of_a_picture_have_no_fronts():
    about = logs.occlusion(
        np.zeros((2, 2, 3), np.float32), np.zeros(3, np.float32), (6, 5), (3, 3),
        np.array([0, 3]), np.array([0, 2]), (1,),
    )  # fmt: skip
    grid = replace(about.grid, fronts=np.array([0], np.uint32), window_depth=1)
    with pytest.raises(record.RecordError, match=f"it cannot be recorded: {OUTSIDE}"):
        record.pack_attribution(replace(about, grid=grid))


def test_means_whose_windows_do_not_hold_together_are_refused():
    given = known.mean(0)
    for changes, match in (
        ({"depth": 5}, "5 slices in a height of 24"),
        ({"depth": 0}, OUTSIDE),
        ({"window_depth": 5}, OUTSIDE),
        ({"fronts": np.array([0, 1], np.uint32)}, NOT_LAST),
        ({"fronts": np.array([0, 2], np.uint32)}, "do not fill its shape"),
        ({"means": given.means[:-1]}, "do not fill its shape"),
    ):
        with pytest.raises(record.RecordError, match=match):
            record.pack_mean(replace(given, **changes))


def test_inputs_and_maps_whose_slices_do_not_fill_their_height_are_refused():
    about, planes = known.explained(0)
    for pack, given in (
        (record.pack_input, known.shown()), (record.pack_maps, planes), (record.pack_attribution, about),
    ):  # fmt: skip
        with pytest.raises(record.RecordError, match="7 slices in a height of 24"):
            pack(replace(given, depth=7))


def test_what_is_read_is_painted_as_what_was_written():
    back = record.unpack_attribution(record.pack_attribution(known.occluded(3)))
    values = back.grid.whole[1].astype(float) - back.grid.values[:, :, 1]
    painted = places.paint(values, back.grid, known.SHEET)
    np.testing.assert_allclose(
        volumes.natural(painted, 4), known.painted(known.lost(3)), rtol=1e-12, atol=1e-12
    )
