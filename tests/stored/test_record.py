"""The stored format: what goes in comes out, and what is damaged is found."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from google.protobuf.message import Message

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record, record_pb2
from tensorboard_picasso.stored.seal import seal
from tests.kit import logs

SIZE = (6, 9)
TOPS, LEFTS = np.array([0, 2, 3]), np.array([0, 3, 6])


def grid_record() -> record.Attribution:
    values = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)
    mask = np.zeros(SIZE, bool)
    mask[:3, :3] = True
    whole = np.arange(4, dtype=np.float32)
    return logs.occlusion(values, whole, SIZE, (3, 3), TOPS, LEFTS, (2, 0), {"corner": mask})


def mean_record(**changes: object) -> record.Mean:
    return replace(logs.mean([grid_record(), grid_record()], [0, 2], [0, 5]), **changes)


def test_scores_come_back():
    values = np.array([1.5, -2.0, np.inf])
    packed = record.pack_scores(logs.scores(values, {"sky": values - 1}))
    back = record.unpack_scores(packed)
    np.testing.assert_array_equal(back.values, values.astype(np.float32))
    np.testing.assert_array_equal(back.hidden[0].values, values.astype(np.float32) - 1)
    assert (back.output, back.class_count, back.epoch) == (maps.Output.LOGITS, 3, 0.5)
    assert (back.targets, back.input_hash, back.hidden[0].region) == ((0, 1), logs.HASH, "sky")


def test_grids_come_back_with_their_statistics():
    given = grid_record()
    back = record.unpack_attribution(record.pack_attribution(given))
    np.testing.assert_array_equal(back.grid.values, given.grid.values)
    np.testing.assert_array_equal(back.grid.tops, TOPS)
    assert back.grid.window == (3, 3)
    assert str(back.targets) == str(given.targets)  # NaN is not itself
    assert back.regions == given.regions
    assert back.parameters == {"fill": "image mean"}


def test_grids_come_back_bit_by_bit_whatever_is_in_them():
    given = grid_record()
    values, whole = given.grid.values.copy(), given.grid.whole.copy()
    values[0, 0] = [np.nan, np.inf, -np.inf, -0.0]
    values[2, 2] = [1e-45, -3.4e38, 3.4e38, 0.0]
    whole[:] = [np.inf, np.nan, -3.4e38, -0.0]
    grid = replace(given.grid, values=values, whole=whole)
    back = record.unpack_attribution(record.pack_attribution(replace(given, grid=grid))).grid
    assert back.values.tobytes() == values.tobytes()
    assert back.whole.tobytes() == whole.tobytes()


def test_grids_near_the_whole_image_take_four_fifths_of_their_floats():
    """Importance well below the log-odds, with all the noise that float32 holds."""
    random = np.random.default_rng(0)
    whole = random.normal(0, 5, 10).astype(np.float32)
    starts = np.arange(0, 26, 2)
    values = (whole + random.normal(0, 0.3, (13, 13, 10))).astype(np.float32)
    given = logs.occlusion(values, whole, (28, 28), (4, 4), starts, starts, ())
    empty = logs.occlusion(values[:0], whole, (28, 28), (4, 4), starts[:0], starts, ())
    size = len(record.pack_attribution(given)) - len(record.pack_attribution(empty))
    assert size < 0.8 * values.nbytes


@pytest.mark.parametrize("agreement", [0.75, -1.0, 0.0, np.nan, None])
def test_how_a_second_seed_agrees_comes_back(agreement):
    about, _ = logs.saliency({3: np.ones(SIZE)})
    seed = None if agreement is None else 3964924996
    targets = (replace(about.targets[0], agreement=agreement),)
    given = replace(about, targets=targets, second_seed=seed)
    back = record.unpack_attribution(record.pack_attribution(given))
    assert back.second_seed == seed
    assert str(back.targets) == str(given.targets)  # NaN is not itself


def test_where_regions_are_found_comes_back():
    found = (maps.Located(0.25, 0.5), maps.Located(np.nan, np.nan))
    about, _ = logs.saliency({3: np.ones(SIZE), 4: np.ones(SIZE)})
    shares = (maps.Share(0.5, np.nan, 0.25),) * 2
    known = replace(about.targets[0].statistics, shares=shares, located=found)
    older = replace(known, located=())
    regions = (record.Region("a", 0.25, 0.5, 1.5, 0.4, 0.1), record.Region("b", 0.25))
    targets = (
        replace(about.targets[0], statistics=known, second=known),
        replace(about.targets[1], statistics=older, second=older),
    )
    given = replace(about, targets=targets, regions=regions, second_seed=7)
    data = record.pack_attribution(given)
    back = record.unpack_attribution(data)
    assert back.regions == regions
    assert str(back.targets) == str(given.targets)  # NaN is not itself
    numbers = record.MethodReader().unpack(data)
    nan = [np.nan] * 2
    np.testing.assert_array_equal(numbers.located, [0.25, 0.5, *nan, *nan, *nan])
    share = [0.5, np.nan, 0.25]
    np.testing.assert_array_equal(
        numbers.seconds, [*share, 0.25, 0.5, *share, *nan, *share, *nan, *share, *nan]
    )
    assert numbers.settings.regions == regions


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda of: of.pointing.append(0.5), "differ in length"),
        (lambda of: of.iou.pop(), "differ in length"),
        (lambda of: of.pointing.__setitem__(0, 1.5), "a share beyond 1"),
        (lambda of: of.iou.__setitem__(0, -0.5), "a share beyond 1"),
        (lambda of: of.ClearField("shares"), "differ in length"),
    ],
)
@pytest.mark.parametrize("where", ["statistics", "second"])
def test_damage_to_where_regions_are_found_is_named(change, message, where):
    about, _ = logs.saliency({3: np.ones(SIZE)})
    known = replace(
        about.targets[0].statistics, shares=(maps.Share(1, 1, 1),), located=(maps.Located(1, 1),)
    )
    targets = (replace(about.targets[0], statistics=known, second=known),)
    given = replace(about, targets=targets, regions=(record.Region("a", 0.5),), second_seed=7)
    sealed = record_pb2.Sealed.FromString(record.pack_attribution(given))
    method = record_pb2.Method.FromString(sealed.payload)
    change(getattr(method.targets[0], where))
    damaged = seal(method)
    for read in (record.unpack_attribution, record.MethodReader().unpack):
        with pytest.raises(record.RecordError, match=message):
            read(damaged)


def test_means_come_back():
    counts = np.full((3, 3), 2, np.uint32)
    counts[1, 2] = 1
    region = record.Region("corner", 0.25, 0.5)
    statistics = replace(mean_record().statistics, shares=(maps.Share(0.5, np.nan, 0.25),))
    changes = {"counts": counts, "regions": (region,), "statistics": statistics}
    for given in (mean_record(), mean_record(**changes)):
        back = record.unpack_mean(record.pack_mean(given))
        for name in ("means", "errors", "counts", "tops", "lefts"):
            np.testing.assert_array_equal(getattr(back, name), getattr(given, name))
        assert back.members == given.members
        assert [each.image for each in back.members] == [0, 5]
        assert (back.window, back.labelled, back.unit) == ((3, 3), True, "log-odds")
        assert str(back.statistics) == str(given.statistics)  # NaN is not itself
        assert back.regions == given.regions
        assert back.parameters == {"fill": "image mean"}


def test_means_that_do_not_fill_their_shape_are_refused():
    for name in ("means", "errors", "counts"):
        given = mean_record(**{name: np.ones((3, 2), np.float32)})
        with pytest.raises(record.RecordError, match="do not fill its shape"):
            record.unpack_mean(record.pack_mean(given))
    with pytest.raises(record.RecordError, match="outside the image"):
        record.unpack_mean(record.pack_mean(mean_record(window=(3, 4))))


@pytest.mark.parametrize("precision", list(maps.Precision))
@pytest.mark.parametrize("sign", [maps.Sign.UNSIGNED, maps.Sign.DIRECTION])
def test_maps_come_back_within_their_precision(precision, sign):
    values = np.random.default_rng(1).normal(size=SIZE) ** 3
    if sign is maps.Sign.UNSIGNED:
        values = np.abs(values)
    stored = record.Maps.encode({7: values}, sign, b"h", precision)
    back = record.unpack_maps(record.pack_maps(stored)).decode(7)
    peak = np.abs(values).max()
    if precision is maps.Precision.Q8:
        allowed = maps.half_level(back, peak, sign) + 1e-6 * peak
    else:
        allowed = np.abs(values) * (1e-3 if precision is maps.Precision.FLOAT16 else 1e-7) + 1e-7
    assert (np.abs(back - values) <= allowed).all()


@pytest.mark.parametrize("size", [1e-11, 1e7])
def test_half_floats_hold_maps_of_any_strength(size):
    values = size * np.random.default_rng(1).normal(size=SIZE)
    stored = record.Maps.encode({7: values}, maps.Sign.DIRECTION, b"h", maps.Precision.FLOAT16)
    back = record.unpack_maps(record.pack_maps(stored)).decode(7)
    np.testing.assert_allclose(back, values, rtol=1e-3)


def test_special_values_and_masks_come_back():
    values = np.zeros(SIZE)
    values[0, :4] = [np.nan, np.inf, -np.inf, -3]
    unseen = np.zeros(SIZE, bool)
    unseen[5] = True
    stored = record.Maps.encode({0: values}, maps.Sign.DIRECTION, b"h", unseen=unseen)
    back = record.unpack_maps(record.pack_maps(stored))
    np.testing.assert_array_equal(back.decode(0), values.astype(np.float32))
    np.testing.assert_array_equal(back.unseen, unseen)


def test_levels_are_told_by_how_they_change_where_that_is_smaller():
    y, x = np.mgrid[:40, :50] / 20
    smooth = (np.sin(x) * np.cos(y)) ** 2
    noise = np.random.default_rng(0).normal(size=(40, 50))
    for values, sign, expected in (
        (smooth, maps.Sign.UNSIGNED, True),
        (smooth - 0.5, maps.Sign.DIRECTION, True),
        (noise, maps.Sign.DIRECTION, False),
        (np.abs(noise), maps.Sign.UNSIGNED, False),
    ):
        stored = record.Maps.encode({0: values}, sign, b"h")
        back = record.unpack_maps(record.pack_maps(stored))
        (plane,) = back.planes
        assert plane.differences == expected
        level, peak, _ = maps.quantise(values, sign)
        np.testing.assert_array_equal(back.decode(0), maps.dequantise(level, peak, sign))
        plain = zlib.compress(level.tobytes())
        assert len(plane.values) < 0.6 * len(plain) if expected else plane.values == plain


def test_inputs_come_back():
    mask = np.zeros(SIZE, bool)
    mask[1, 2] = True
    given = logs.shown(SIZE, 3, regions={"дом/空 x": mask}, name="a/b")
    back = record.unpack_input(record.pack_input(given))
    assert (back.png, back.label, back.name) == (given.png, 3, "a/b")
    assert back.class_names == given.class_names
    np.testing.assert_array_equal(back.regions["дом/空 x"], mask)


def test_a_plane_of_224_is_small_enough():
    values = np.random.default_rng(2).normal(size=(224, 224))
    stored = record.Maps.encode({0: values}, maps.Sign.DIRECTION, b"h")
    assert len(record.pack_maps(stored)[1]) <= 52 * 1024


@pytest.mark.parametrize(
    ("packed", "unpack"),
    [
        (record.pack_scores(logs.scores(np.arange(4.0))), record.unpack_scores),
        (record.pack_attribution(grid_record()), record.unpack_attribution),
        (record.pack_mean(mean_record()), record.unpack_mean),
        (record.pack_input(logs.shown(SIZE)), record.unpack_input),
    ],
)
def test_every_flipped_byte_is_found(packed, unpack):
    unpack(packed)
    for at in range(len(packed)):
        damaged = bytearray(packed)
        damaged[at] ^= 0x41
        with pytest.raises(record.RecordError):
            unpack(bytes(damaged))
    for length in range(len(packed)):
        with pytest.raises(record.RecordError):
            unpack(packed[:length])


def sealed(payload: bytes | Message, version: int = 2) -> bytes:
    if isinstance(payload, Message):
        payload = payload.SerializeToString()
    crc = zlib.crc32(payload, zlib.crc32(version.to_bytes(4, "little")))
    return record_pb2.Sealed(version=version, crc32=crc, payload=payload).SerializeToString()


def test_a_newer_version_is_named():
    with pytest.raises(record.NewerRecordError, match="format 5, newer than 4"):
        record.unpack_scores(sealed(b"whatever comes", version=5))


def test_hostile_sizes_are_refused_before_anything_is_allocated():
    bomb = zlib.compress(bytes(1 << 24))
    plane = record.Plane(0, 1.0, bomb)
    stored = record.Maps(2, 2, maps.Precision.Q8, maps.Sign.UNSIGNED, b"", (plane,))
    with pytest.raises(record.RecordError, match="not 4 bytes"):
        stored.decode(0)
    hostile = record_pb2.Method(height=64, width=64, sign=1, output=1)
    hostile.grid.CopyFrom(
        record_pb2.Grid(
            window_height=1, window_width=1, tops=[0, 1], lefts=[0, 1], classes=[0], whole=[0],
            distances=bomb,
        )
    )  # fmt: skip
    with pytest.raises(record.RecordError, match="not 16 bytes"):
        record.unpack_attribution(sealed(hostile))
    del hostile.grid.tops[:]
    with pytest.raises(record.RecordError, match="not 0 bytes"):
        record.unpack_attribution(sealed(hostile))
    hostile.grid.tops.extend([0] * 1000)
    with pytest.raises(record.RecordError, match="do not ascend"):
        record.unpack_attribution(sealed(hostile))
    hostile.height = hostile.width = 1 << 10
    hostile.grid.tops[:] = range(1000)
    hostile.grid.lefts.extend(range(2, 1002))
    hostile.grid.classes.extend([0] * 20)
    hostile.grid.whole.extend([0] * 20)
    with pytest.raises(record.RecordError, match="a grid of 21042000 is out of bounds"):
        record.unpack_attribution(sealed(hostile))
    huge = record.Maps(1 << 20, 1 << 20, maps.Precision.Q8, maps.Sign.UNSIGNED, b"", ())
    with pytest.raises(record.RecordError, match="out of bounds"):
        record.unpack_maps(record.pack_maps(huge))


def test_what_could_not_be_read_is_not_written():
    scores, attribution = logs.scores(np.zeros(3), {}), grid_record()
    planes = record.Maps.encode({0: np.ones(SIZE)}, maps.Sign.UNSIGNED, b"h")
    wrong = [
        (record.pack_scores, replace(scores, epoch=np.nan), "epoch is not finite"),
        (record.pack_scores, replace(scores, class_count=2), "classes exceed their count 2"),
        (record.pack_attribution, replace(attribution, height=1), "lies outside the image"),
        (record.pack_mean, mean_record(members=()), "a mean of no image"),
        (record.pack_input, record.Input(b"", 1 << 15, 1, b"h"), "shape 32768x1 is out of bounds"),
        (record.pack_maps, replace(planes, width=0), "shape 6x0 is out of bounds"),
    ]
    for pack, value, match in wrong:
        with pytest.raises(record.RecordError, match=f"it cannot be recorded: .*{match}"):
            pack(value)


def test_the_stored_statistics_have_the_names_that_are_declared():
    fields = {each.name for each in record_pb2.Statistics.DESCRIPTOR.fields}
    assert fields == {*maps.STATISTICS, "shares", *maps.LOCATED}
    assert {each.name for each in record_pb2.Share.DESCRIPTOR.fields} == set(maps.SHARES)
