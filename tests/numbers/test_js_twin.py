"""The browser's twins of Python's modules, on the same inputs in Chromium."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tensorboard_picasso.numbers import edits, maps, palettes, places
from tensorboard_picasso.numbers.volumes import Plane, cut, sheet
from tensorboard_picasso.presentation import readings, wording
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.serving.entries import (
    LabelMaps,
    mean_settings_of,
    numbers_of,
    settings_of,
)
from tensorboard_picasso.serving.pack import Pack
from tensorboard_picasso.summary.probe import fills
from tests.kit import logs, volumes
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SPECIAL = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
CASES = {
    "random": np.random.default_rng(0).normal(0, 2, (5, 4)),
    "zero": np.zeros((5, 4)),
    "constant": np.full((5, 4), -1.5),
    "nan": np.where(np.arange(20).reshape(5, 4) == 7, np.nan, 1.0),
    "infinite": np.where(np.arange(20).reshape(5, 4) == 7, np.inf, -0.5),
    "both infinities": np.select([np.eye(5, 4) > 0, np.eye(5, 4, 1) > 0], [np.inf, -np.inf], 0.25),
}
CASES["all three"] = np.where(CASES["nan"] == 1, CASES["both infinities"], np.nan)
GEOMETRY = {"tops": [0, 2, 4, 6, 7], "lefts": [0, 3, 6, 7], "window": [4, 5]}
SIZE = (11, 12)


@pytest.fixture(scope="module")
def js(browser, tmp_path_factory):
    """Calls `expression` with the twins' modules and one argument; NaN and infinity survive."""
    logdir = tmp_path_factory.mktemp("twin")
    from tests.kit.logs import plausible

    plausible(logdir, 0, [0], 1, 8)
    with tensorboard(logdir) as url:
        page = browser.new_page()
        page.goto(f"{url}data/plugin/picasso/index")

        def call(expression, argument=None):
            text = page.evaluate(
                """async ([base, expression, argument]) => {
                  const files = ["numbers/maps", "numbers/palette", "numbers/ranks", "numbers/newest",
                                 "numbers/reading", "numbers/edits", "log/records", "log/statistics", "kit/format", "pictures/legend", "numbers/places",
                                 "numbers/volumes", "numbers/regionshare",
                                 "shown/shares", "kit/steps", "large/film"];
                  const names = files.map((each) => each.split("/")[1]);
                  const modules = await Promise.all(files.map((each) => import(`${base}${each}.js`)));
                  const special = {NaN, Infinity, "-Infinity": -Infinity};
                  const back = (key, value) => (value in special ? special[value] : value);
                  const given = JSON.parse(argument, back);
                  const result = new Function(...names, "given", "return " + expression)(
                    ...modules, given);
                  return JSON.stringify(result, (key, value) =>
                    typeof value === "number" && !Number.isFinite(value) ? String(value)
                    : ArrayBuffer.isView(value) ? Array.from(value) : value);
                }""",
                [f"{url}data/plugin/picasso/static/", expression, encode(argument)],
            )
            return decode(json.loads(text))

        yield call
        page.close()


def encode(value):
    def plain(each):
        if isinstance(each, np.ndarray):
            return plain(each.tolist())
        if isinstance(each, dict):
            return {key: plain(part) for key, part in each.items()}
        if isinstance(each, list | tuple):
            return [plain(part) for part in each]
        if isinstance(each, float) and not np.isfinite(each):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(each)]
        return each

    return json.dumps(plain(value))


def decode(value):
    if isinstance(value, list):
        return [decode(each) for each in value]
    if isinstance(value, dict):
        return {key: decode(each) for key, each in value.items()}
    return SPECIAL.get(value, value) if isinstance(value, str) else value


ODDS = np.array([0.0, 1e-9, -0.3, 2.0, 40.0, -40.0, 800.0, -800.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize(
    ("expression", "function"),
    [("maps.probability", maps.probability), ("maps.logProbability", maps.log_probability)],
)
def test_readings_of_log_odds(js, expression, function):
    with np.errstate(invalid="ignore"):
        expected = function(ODDS)
    np.testing.assert_allclose(js(f"given.map({expression})", ODDS), expected, rtol=1e-14)


def test_evidence_and_importance(js):
    special = np.array(np.meshgrid([np.inf, -np.inf, np.nan, 2.0], [np.inf, -np.inf, np.nan, 2.0]))
    a, b = np.hstack([np.random.default_rng(1).normal(0, 10, (2, 50)), special.reshape(2, 16)])
    pairs = np.stack([a, b], 1)
    evidence = js("given.map(([a, b]) => maps.evidence(a, b))", pairs)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(evidence, maps.evidence(a, b), rtol=1e-12)
    importance = js("given.map(([a, b]) => maps.importance(a, b))", pairs)
    np.testing.assert_array_equal(importance, maps.importance(a, b))


@pytest.mark.parametrize("case", CASES)
def test_painting_a_grid(js, case):
    given = {"grid": CASES[case].ravel(), "geometry": GEOMETRY, "height": SIZE[0], "width": SIZE[1]}
    found = js("maps.paint(given.grid, given.geometry, given.height, given.width)", given)
    expected = maps.paint(
        CASES[case], GEOMETRY["tops"], GEOMETRY["lefts"], tuple(GEOMETRY["window"]), SIZE
    )
    np.testing.assert_allclose(np.reshape(found, SIZE), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("bad", ["none", *SPECIAL])
def test_painting_a_volume(js, bad):
    values = volumes.hidden(0)[..., 0].astype(float)
    if bad != "none":
        values[1, 1, 1] = SPECIAL[bad]
        values[2, 1, 1] = -np.inf
    placed = volumes.occluded(0).grid
    geometry = {
        "fronts": volumes.FRONTS, "tops": volumes.TOPS, "lefts": volumes.LEFTS,
        "window": volumes.WINDOW[1:], "window_depth": volumes.WINDOW[0],
    }  # fmt: skip
    given = {"values": values.ravel(), "geometry": geometry, "size": volumes.SHEET}
    found = js("places.paint(given.values, given.geometry, ...given.size)", given)
    expected = places.paint(sheet(values), placed, volumes.SHEET)
    np.testing.assert_allclose(np.reshape(found, volumes.SHEET), expected, rtol=1e-12, atol=1e-15)
    # A region's share, and what it is compared with.
    mask = sheet(volumes.REGION).astype(int)
    canvas = {"geometry": geometry, "height": volumes.SHEET[0], "width": volumes.SHEET[1]}
    given = {"canvas": canvas, "mask": mask.ravel()}
    found = js("regionshare.referencesOf(given.canvas, given.mask)", given)
    assert found["area"] == pytest.approx(volumes.REGION.mean())
    assert found["ceiling"] == pytest.approx(places.ceiling(mask, placed), rel=1e-6)


def test_cutting_volumes(js):
    solid = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    size = {"height": 6, "width": 4}
    for axis, plane in enumerate(Plane):
        for index in range(solid.shape[axis]):
            expected = cut(sheet(solid), 2, plane, index)
            given = {"sheet": sheet(solid).ravel(), "size": size}
            given["cut"] = {"depth": 2, "plane": plane.value, "index": index}
            found = js(
                "volumes.cutOut(Float64Array.from(given.sheet), given.size, given.cut)", given
            )
            shape = js("volumes.sizeOf(given.size, given.cut)", given)
            assert (shape["height"], shape["width"]) == expected.shape
            np.testing.assert_array_equal(np.reshape(found, expected.shape), expected)
    strongest = js("volumes.strongestSlice(Float64Array.from(given), 3)", [1, -2, 0, -4, np.nan, 3])
    assert strongest == 1
    assert js("volumes.strongestSlice(new Float64Array(6), 3)") is None


@pytest.mark.parametrize("bad", SPECIAL)
def test_painting_segments(js, bad):
    labels = np.random.default_rng(8).integers(-1, 9, SIZE).astype(np.int16)
    values = np.random.default_rng(9).normal(0, 2, 9)
    values[3] = SPECIAL[bad]
    geometry = {"tops": [], "lefts": [], "window": [0, 0]}
    geometry["segments"] = {"key": "", "count": 9, "labels": labels.ravel()}
    given = {"values": values, "geometry": geometry, "height": SIZE[0], "width": SIZE[1]}
    found = js("places.paint(given.values, given.geometry, given.height, given.width)", given)
    expected = np.where(labels < 0, np.nan, values[labels])
    np.testing.assert_array_equal(np.array(found, float).reshape(SIZE), expected)
    for number in range(9):
        given = {"segments": geometry["segments"], "number": number, "width": SIZE[1]}
        box = js("places.boxOf(given.segments, given.number, given.width)", given)
        rows, columns = np.nonzero(labels == number)
        assert box == {
            "top": rows.min(), "left": columns.min(),
            "height": np.ptp(rows) + 1, "width": np.ptp(columns) + 1,
        }  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_times_uniform(js, case):
    uniform = js("maps.timesUniform(given)", CASES[case].ravel())
    np.testing.assert_allclose(uniform, maps.times_uniform(CASES[case]).ravel(), rtol=1e-12)


@pytest.mark.parametrize("rounding", [0.0, 10.0])
def test_share(js, rounding):
    values = CASES["both infinities"] + CASES["random"]
    mask = np.arange(20).reshape(5, 4) % 3 == 0
    given = {"values": values.ravel(), "mask": mask.ravel().tolist(), "rounding": rounding}
    found = js("maps.share(given.values, given.mask, given.rounding)", given)
    expected = maps.share(values, mask, rounding)
    for name in ("positive", "negative", "absolute"):
        assert found[name] == pytest.approx(getattr(expected, name), nan_ok=True)


@pytest.mark.parametrize("sign", list(maps.Sign))
def test_square_law(js, sign):
    level = np.arange(0 if sign is maps.Sign.UNSIGNED else -127, maps.levels(sign) + 1)
    peak = 0.37
    given = {"level": level, "peak": peak, "sign": sign.value}
    found = js("maps.dequantise(given.level, given.peak, given.sign)", given)
    expected = maps.dequantise(level, peak, sign)
    np.testing.assert_array_equal(np.array(found, np.float32), expected)
    halves = js(
        "given.value.map(v => maps.halfLevel(v, given.peak, given.sign))",
        {"value": expected.astype(float), "peak": peak, "sign": sign.value},
    )
    np.testing.assert_allclose(halves, maps.half_level(expected, peak, sign), rtol=1e-9)


random = np.random.default_rng(3)
PAIRS = {
    "signed": (random.normal(0, 1, 300), random.normal(0, 1, 300)),
    "alike": (random.normal(0, 1, 300), None),
    "ties": (random.integers(-3, 4, 400), random.integers(-3, 4, 400)),
    "unsigned": (random.integers(0, 9, 400) ** 2, random.integers(0, 9, 400) ** 2),
    "mostly empty": (np.maximum(random.normal(-2, 1, 400), 0), np.maximum(random.normal(-2, 1, 400), 0)),
    "two places": ([0, 1, 2], [0, 5, 3]),
    "same": (np.arange(9.0), np.arange(9.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_rank_correlation_equals_scipys(js, name):
    a, b = (np.asarray(each, float) if each is not None else None for each in PAIRS[name])
    b = a**3 + 0.3 * np.roll(a, 1) if b is None else b
    counted = (a != 0) | (b != 0)
    expected = stats.spearmanr(a[counted], b[counted]).statistic
    assert maps.rank_correlation(a, b) == pytest.approx(expected, abs=1e-12)
    assert js("ranks.rankCorrelation(given[0], given[1])", [a, b]) == pytest.approx(
        expected, abs=1e-12
    )
    np.testing.assert_array_equal(js("ranks.ranks(given)", a), stats.rankdata(a))
    np.testing.assert_array_equal(maps.ranks(a), stats.rankdata(a))


def test_rank_correlation_passes_over_what_is_not_finite(js):
    a = np.array([1.0, np.nan, 3, 2, np.inf, 0, 0])
    b = np.array([2.0, 1, -1, -np.inf, 4, 0, 3])
    expected = stats.spearmanr([1, 3, 0], [2, -1, 3]).statistic
    assert maps.rank_correlation(a, b) == pytest.approx(expected)
    assert js("ranks.rankCorrelation(given[0], given[1])", [a, b]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("a", "b"), [([0, 0], [0, 0]), ([0, 1], [0, 2]), ([2, 2, 2], [1, 2, 3]), ([], [])]
)
def test_rank_correlation_that_is_not_defined_is_nan(js, a, b):
    assert np.isnan(maps.rank_correlation(a, b))
    assert np.isnan(js("ranks.rankCorrelation(given[0], given[1])", [a, b]))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 300])
def test_what_is_counted_first_has_no_wide_gaps(js, count):
    order = js("shares.coarseFirst(given)", list(range(count)))
    assert sorted(order) == list(range(count))
    assert set(order[:2]) == {0, count - 1} & set(range(count))
    for k in range(2, count):
        gaps = np.diff(sorted(order[:k]))
        assert gaps.max() <= 2 * (count - 1) / (k - 1) + 1


def newest(lists):
    """What newest.js says, by NumPy: lists (images, steps), None where a step was not kept."""
    values = np.array([[np.nan if each is None else each for each in row] for row in lists], float)
    kept = [any(row[k] is not None for row in lists) for k in range(values.shape[1])]
    step = np.flatnonzero(kept)[-1]
    there = values[np.isfinite(values[:, step]), step]
    error = there.std(ddof=1) / np.sqrt(there.size) if there.size > 1 else None
    mean = there.mean() if there.size else np.nan
    return {"newest": step, "mean": mean, "error": error, "count": there.size}


@pytest.mark.parametrize("images", [1, 2, 7])
def test_the_newest_mean_has_its_error(js, images):
    lists = np.random.default_rng(images).normal(0.2, 0.1, (images, 6)).tolist()
    assert js("newest.newestOf(given)", lists) == pytest.approx(newest(lists))
    for row in lists:
        row[5] = None  # a step of other runs
    lists[0][4] = np.nan
    assert js("newest.newestOf(given)", lists) == pytest.approx(newest(lists), nan_ok=True)
    assert js("newest.newestOf(given)", [[None, None]]) is None
    assert js("newest.newestOf(given)", []) is None


def test_float16(js):
    values = np.array([0, -0.0, 1, -2.5, 6e-8, 65504, np.inf, -np.inf, np.nan], np.float16)
    found = js("maps.halves(Uint8Array.from(given))", np.frombuffer(values.tobytes(), np.uint8))
    np.testing.assert_array_equal(np.array(found), values.astype(float))


def test_palettes_are_equal(js):
    found = js("[...palette.PALETTES.values()]")
    assert [each["name"] for each in found] == list(palettes.PALETTES)
    for each in found:
        twin = palettes.PALETTES[each["name"]]
        assert each["signed"] == twin.signed
        np.testing.assert_array_equal(each["colours"], twin.colours)
        np.testing.assert_array_equal(each["beyond"], twin.beyond)


@pytest.mark.parametrize("name", palettes.PALETTES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_overlay(js, name, case, scale):
    palette = palettes.PALETTES[name]
    values = CASES[case] if palette.signed else np.abs(CASES[case])
    ground = np.arange(20, dtype=np.uint8).reshape(5, 4) * 13
    unseen = np.eye(5, 4, -1) > 0
    given = {
        "values": values.ravel(), "ground": ground.ravel(), "unseen": unseen.ravel().tolist(),
        "name": name, "scale": scale,
    }  # fmt: skip
    found = js(
        "(() => { const out = new Uint8ClampedArray(80);"
        " palette.overlay(out, given.values, Uint8Array.from(given.ground), {width: 4,"
        " palette: palette.PALETTES.get(given.name), scale: given.scale, opacity: 0.8,"
        " unseen: given.unseen}); return out; })()",
        given,
    )
    expected = palettes.overlay(values, ground, palette, scale, 0.8, unseen=unseen)
    np.testing.assert_array_equal(np.reshape(found, (5, 4, 4))[..., :3], expected)


def test_grey(js):
    rgba = np.random.default_rng(2).integers(0, 256, (6, 4), dtype=np.uint8)
    found = js("palette.grey(Uint8Array.from(given))", rgba.ravel())
    np.testing.assert_array_equal(found, palettes.grey(rgba[None])[0])


def about(case="random", output=maps.Output.LOGITS, sign=None, classes=4):
    """A record: with a grid, or (with a sign) without; class 2 has no statistics."""
    if sign is not None:
        plane = np.abs(CASES["random"]) if sign is maps.Sign.UNSIGNED else CASES["random"]
        return logs.saliency({0: plane, 1: 0 * plane, 3: plane**2}, sign)[0]
    shape = (*CASES[case].shape, classes)
    grid = np.random.default_rng(3).normal(0, 3, shape).astype(np.float32)
    grid[:, :, 0] += CASES[case].astype(np.float32)
    whole = np.random.default_rng(4).normal(0, 3, classes).astype(np.float32)
    targets = tuple(each for each in (0, 1, 3) if each < classes)
    tops, lefts = np.array(GEOMETRY["tops"]), np.array(GEOMETRY["lefts"])
    with np.errstate(invalid="ignore"):
        made = logs.occlusion(grid, whole, SIZE, tuple(GEOMETRY["window"]), tops, lefts, targets)
    return replace(made, output=output)


def segmented():
    """A record of segments, some of whose pixels are of none."""
    random = np.random.default_rng(6)
    labels = random.integers(-1, 7, SIZE)
    values, whole = random.normal(0, 3, (7, 3)), random.normal(0, 3, 3)
    return logs.segmented(values.astype(np.float32), whole.astype(np.float32), labels, (0, 1))


def settings(record):
    """As the browser has them: the labels are numbers, not what refers to them."""
    made = settings_of(record, LabelMaps(Pack()))
    if record.grid is not None and record.grid.segments is not None:
        made["geometry"]["segments"]["labels"] = record.grid.segments.ravel()
    return made


def as_read(record):
    """What the browser's `Attribution` is made from."""
    grid = record.grid
    return {
        "settings": settings(record),
        "record": {
            "targets": [each.index for each in record.targets],
            "statistics": [
                part
                for each in record.targets
                for part in (each.whole, *numbers_of(each.statistics))
            ],
            "names": ["whole", *maps.STATISTICS],
            "whole": None if grid is None else grid.whole,
            "grid": None if grid is None else grid.values.ravel(),
        },
    }


RECORD = (
    "const read = {array: (given) => given && Float64Array.from(given)};"
    " const {names, statistics: numbers, targets, whole, grid} = given.record;"
    " const rows = new statistics.Rows(names, given.settings.regions, read.array(numbers));"
    " const record = new records.Attribution({step: 0, wall: 0, hash: ''}, given.settings, targets,"
    " {rows, whole: read.array(whole), grid: read.array(grid), agreement: null, found: null, second: null});"
)
RECORDS = [
    segmented(), replace(segmented(), output=maps.Output.RAW), about(), about("nan"), about("both infinities"), about(output=maps.Output.RAW),
    about(classes=1), about(classes=2), *[about(sign=sign) for sign in maps.Sign],
    replace(about(sign=maps.Sign.CONTRIBUTION), parameters={"baseline": "grey"}),
    replace(about(sign=maps.Sign.UNSIGNED), method="grad-cam", layer="conv5"),
    replace(about(), parameters={"fill": fills.DROPPED}),
]  # fmt: skip


def test_statistics_go_by_the_names_that_are_declared_once(js):
    """Of several targets and regions, and of a mean: each number is found under its name."""
    regions = {"sky": np.arange(132).reshape(SIZE) < 40, "road": np.arange(132).reshape(SIZE) > 90}
    grid = np.random.default_rng(5).normal(0, 3, (5, 4, 3)).astype(np.float32)
    starts = (np.array(GEOMETRY["tops"]), np.array(GEOMETRY["lefts"]))
    made = logs.occlusion(grid, grid[0, 0], SIZE, (4, 5), *starts, (0, 2), regions)
    mean = replace(logs.mean([made], [2]), regions=made.regions)
    mean = replace(mean, statistics=made.targets[1].statistics)
    found = js(
        f"(() => {{ {RECORD} const mean = new records.Mean(given.mean, given.of, read, given.names);"
        " return {targets: [0, 2].map((each) => record.statistics(each)), none: record.statistics(1),"
        " peak: mean.peak()}; })()",
        {
            **as_read(made),
            "names": maps.STATISTICS,
            "of": mean_settings_of(mean, LabelMaps(Pack())),
            "mean": {
                "statistics": numbers_of(mean.statistics),
                **{name: getattr(mean, name).ravel() for name in ("means", "errors", "counts")},
            },
        },
    )
    assert found["none"] is None
    for target, read in zip(made.targets, found["targets"], strict=True):
        expected = {name: getattr(target.statistics, name) for name in maps.STATISTICS}
        assert {name: read[name] for name in read if name != "shares"} == {
            "whole": target.whole, **expected,
        }  # fmt: skip
        for region, share, said in zip(
            made.regions, target.statistics.shares, read["shares"], strict=True
        ):
            parts = {name: getattr(share, name) for name in maps.SHARES}
            assert said == {**vars(region), **parts}
    assert found["peak"] == made.targets[1].statistics.p99


@pytest.mark.parametrize("record", RECORDS)
def test_readings_and_scales(js, record):
    expression = (
        f"(() => {{ {RECORD} const {{settings}} = record;"
        " return {fit: reading.readingsFor(settings), comparable: reading.comparable(settings),"
        " shown: given.asked.map(([target, name]) => ["
        " reading.ownScale(record, target, name), reading.isSigned(settings, name),"
        " reading.shown(record, target, name, {values: given.plane})])}; })()"
    )
    fit = readings.readings_for(record)
    targets = [each for each in (0, 1, 2, 3) if each in readings.explained(record)]
    asked = [(target, name) for target in targets for name in fit]
    found = js(expression, {**as_read(record), "asked": asked, "plane": CASES["random"].ravel()})
    assert found["fit"] == fit
    assert found["comparable"] == readings.comparable(record)
    for (target, name), (scale, signed, values) in zip(asked, found["shown"], strict=True):
        assert scale == pytest.approx(readings.own_scale(record, target, name), rel=1e-12)
        assert signed == readings.is_signed(record, name)
        expected = readings.shown(record, target, name, CASES["random"])
        np.testing.assert_allclose(np.array(values, float), expected.ravel(), rtol=1e-9, atol=1e-12)


def test_dead_maps_set_no_common_scale(js):
    """An early map of one bright pixel is many times a uniform map, and next to nothing."""
    late = [(4.0 + each / 10, 1.0) for each in range(20)]
    cases = [
        ([*late, (900.0, 0.001)], 5.9),
        ([*late, *[(900.0, 0.001)] * 30], 5.9),
        ([*late, (30.0, 1.0)], 30.0),  # sharp, and as strong as others
        ([(3.0, 0.0), (2.0, 0.0)], 0.0),
        ([], 0.0),
        ([(3.0, None), (2.0, None)], 3.0),  # in a common unit the largest counts
    ]
    for given, expected in cases:
        assert readings.common_scale(given) == expected
        listed = [{"scale": scale, "strength": strength} for scale, strength in given]
        assert js("reading.commonScale(given)", listed) == expected


def test_a_map_of_zeros_is_told(js):
    values = [[0, 0, 0], [0, 1e-30, 0], [0, np.nan, 0], [0, np.inf, 0]]
    assert js("given.map((each) => reading.isZero(each, 'importance'))", values) == [
        True, False, False, False,
    ]  # fmt: skip
    assert not js("reading.isZero(given, 'score')", values[0])
    assert js("reading.ZERO", None) == wording.ZERO


@pytest.mark.parametrize("record", RECORDS)
def test_the_sentence_of_the_legend(js, record):
    for name in readings.readings_for(record):
        given = {"settings": settings(record), "name": name}
        found = js("legend.sentence(given.settings, given.name, '“7”')", given)
        assert tuple(found) == wording.sentence(record, Reading(name), "“7”")


def test_the_legend_names_no_fill_where_nothing_is_put():
    said = wording.sentence(RECORDS[-1], Reading.IMPORTANCE, "“7”")
    assert said == ("supports “7” (less likely when hidden)", "opposes it", "")


def test_the_legend_says_what_grad_cam_is():
    """What a layer finds, not what changing a pixel does."""
    (record,) = (each for each in RECORDS if each.method == "grad-cam")
    assert wording.sentence(record, Reading.IMPORTANCE, "“7”") == (
        "what conv5 finds here raises the score of “7” little",
        "much",
        "(what lowers it is cut off)",
    )


NUMBERS = [
    0, 1, -1, 0.5, 12.345, 12.355, 99.95, 999.5, 1234, 99949, 99950, 1e5, 123456.789, 1.5e10, 9.995e20,
    1e-3, 9.994e-4, 0.00099951, 1.25e-7, -3.14159, 2.125, np.nan, np.inf, -np.inf, 1 / 3, 7e-300,
]  # fmt: skip


def test_numbers_in_words(js):
    assert js("given.map((v) => '=' + format.number(v))", NUMBERS) == [
        "=" + wording.number(each) for each in NUMBERS
    ]
    shares = [0, 1, 0.5, 0.005, 0.0049, 0.015, 0.995, 0.9995, 0.99951, 0.0001, 0.25, 0.105, np.nan]
    assert js("given.map((v) => '=' + format.percent(v))", shares) == [
        "=" + wording.percent(each) for each in shares
    ]
    steps = [(0, None), (1240, 20), (1234567, 0.125), (5, 1e-9), (7, 1.005), (8, 12345.678)]
    assert js("given.map(([step, epoch]) => format.stepText(step, epoch))", steps) == [
        wording.step_text(*each) for each in steps
    ]


def test_levels_come_from_their_differences(js):
    level = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
    changes = maps.differences(level).ravel().tolist()
    given = {"bytes": changes, "width": 7}
    assert (
        js("maps.sumUp(Uint8Array.from(given.bytes), given.width)", given) == level.ravel().tolist()
    )


STEPS = [
    0, 1, -1, 7, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, -(2**53) + 1, -(2**53), -(2**53) - 1,
    1_732_900_000_000_000_000, 1_732_900_000_000_000_001, 2**63 - 1, -(2**63),
]  # fmt: skip


def test_steps_are_exact_and_each_is_one_key(js):
    texts = [str(each) for each in STEPS]
    found = js(
        """(() => { const all = given.map(steps.stepOf); return {
          back: all.map(String), sorted: [...all].sort(steps.ascending).map(String),
          keys: new Map([...all, ...given.map(steps.stepOf)].map((each) => [each, 0])).size,
          less: all.map((a) => all.map((b) => [a < b, a === b])),
          apart: all.map((a) => all.map((b) => String(steps.distance(a, b)))),
          ahead: all.map((a) => all.map((b) => steps.advance(a, b))),
          grouped: all.map(format.count), text: all.map((each) => format.stepText(each)),
          array: steps.stepsOf(BigInt64Array.from(given.map(BigInt))).every((each, i) => each === all[i]),
        }; })()""",
        texts,
    )
    assert found["back"] == texts
    assert found["sorted"] == [str(each) for each in sorted(STEPS)]
    assert found["keys"] == len(STEPS)
    assert found["less"] == [[[a < b, a == b] for b in STEPS] for a in STEPS]
    assert found["apart"] == [[str(abs(a - b)) for b in STEPS] for a in STEPS]
    assert [[float(each) for each in row] for row in found["ahead"]] == [
        [float(b - a) for b in STEPS] for a in STEPS
    ]
    assert found["grouped"] == [wording.count(each) for each in STEPS]
    assert found["text"] == [wording.step_text(each, None) for each in STEPS]
    assert found["array"]


def test_what_is_no_step_is_none(js):
    wrong = ["", "-", "1.5", "1e3", "+1", " 1", "0x1", "one", str(2**63), str(-(2**63) - 1)]
    wrong += ["9" * 20, "1_000", "١"]
    assert js("given.map((each) => steps.stepOf(each) === undefined)", wrong) == [True] * len(wrong)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 200, [0, 50, 100, 150, 200]),
        (3, 47, [10, 20, 30, 40]),
        (0, 3, [0, 1, 2, 3]),
        (5, 5, [5]),
        (-12, 13, [-10, -5, 0, 5, 10]),
        (2**60 + 1, 2**60 + 9, [2**60 + k for k in (2, 4, 6, 8)]),
        (-(2**63), 2**63 - 1, [-5 * 10**18, 0, 5 * 10**18]),
    ],
)
def test_round_steps(js, low, high, expected):
    found = js("steps.roundSteps(...given.map(steps.stepOf)).map(String)", [str(low), str(high)])
    assert [int(each) for each in found] == expected


@pytest.mark.parametrize("start", [0, -5, 2**53 - 3, 1_732_900_000_000_000_000, -(2**63)])
def test_a_film_is_spaced_by_distances_alone(js, start):
    away = [0, 1, 2, 5, 9, 20, 50, 51, 90, 200, 1000]
    given = [str(start + each) for each in away]
    spaced = js("film.logSpaced(given.map(steps.stepOf), 6)", given)
    assert spaced == js("film.logSpaced(given, 6)", away)
    assert spaced[0] == 0
    assert spaced[-1] == len(away) - 1


def test_estimates_and_onsets_are_pythons(js):
    random = np.random.default_rng(0)
    values = random.normal(0.2, 0.3, 40)
    values[::7] = np.nan
    found = js("edits.estimate(given)", values.tolist())
    expected = edits.estimate(values)
    for name in ("value", "low", "high", "count"):
        assert found[name] == pytest.approx(getattr(expected, name), rel=1e-12)
    wider = js("edits.estimate(given, 0.01)", values.tolist())
    assert wider["low"] == pytest.approx(edits.estimate(values, 0.01).low, rel=1e-12)
    matched = random.normal(0, 0.1, (2, 40))
    matched[0, 3] = np.nan
    beyond = js("edits.beyond(given[0], given[1])", [values.tolist(), matched.tolist()])
    np.testing.assert_allclose(np.array(beyond, float), edits.beyond(values, matched))
    rising = np.linspace(-0.2, 0.4, 30)[:, None] + random.normal(0, 0.2, (1, 60))
    rising[::3, 5] = np.nan
    rising[4] = 0.3  # above, and not for good
    for count in (1, 100):
        onset = js(f"edits.onset(given, {count})", rising.tolist())
        expected = edits.onset(rising, count)
        assert (onset["place"], onset["early"], onset["late"]) == (
            expected.place, expected.early, expected.late,
        )  # fmt: skip
    assert js("edits.onset(given)", (rising - 1).tolist()) is None
    assert js("edits.onset(given)", (rising + 1).tolist()) == {"place": 0, "early": 0, "late": 0}
    assert js("edits.onset([])") is None
    # Of too few images nothing is flagged.
    few = np.full((3, 20), np.nan)
    for images, asked in ((5, 1), (6, 1), (8, 10), (9, 10)):
        few[:, :images] = 0.4
        found = js(f"edits.onset(given, {asked})", few.tolist())
        assert (found is None) == (edits.onset(few, asked) is None) == (images in (5, 8))


def test_differences_of_two_runs_are_pythons(js):
    random = np.random.default_rng(0)
    own, other = random.normal(0.3, 0.2, 20), random.normal(0.2, 0.2, 30)
    own[3] = np.nan
    for names in ([f"{at}" for at in range(2, 22)], [*"abcdefghijklmnopqrst"]):
        given = {"own": own.tolist(), "other": other.tolist(), "names": names}
        found = js(
            "edits.difference(given.own, given.other, edits.paired(given.names, given.other.map((_, i) => String(i))))",
            given,
        )
        expected = edits.difference(own, other, edits.paired(names, [str(at) for at in range(30)]))
        assert found["paired"] == expected.paired == (names[0] == "2")
        for name in ("value", "low", "high", "count"):
            assert found[name] == pytest.approx(getattr(expected, name), rel=1e-12)
