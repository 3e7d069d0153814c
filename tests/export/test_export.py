"""Exports equal what was logged: arrays, tables and pixels, of every logged step."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.export import files
from tensorboard_picasso.export.evolution import PREDICTED, MapSubject
from tensorboard_picasso.export.picture import Look, Painter, Scale
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.export.source import gather, largest
from tensorboard_picasso.logs.bounds import COMMAND, TooLargeError
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.presentation import readings
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.frames import HEAD
from tensorboard_picasso.stored.frames import frames as event_frames
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs

SIZE = (9, 12)
WINDOW = (4, 5)
TOPS, LEFTS = logs.starts(9, 4, 3), logs.starts(12, 5, 4)
SKY = np.arange(9)[:, None] + np.zeros(12, int) < 3
CLASSES = 3


def odds(step, image=0):
    return np.random.default_rng((step, image)).normal(0, 2, CLASSES).astype(np.float32)


def grid(step, image=0):
    shape = (len(TOPS), len(LEFTS), CLASSES)
    noise = np.random.default_rng((step, image, 1)).normal(0, 1, shape)
    return (odds(step, image) + noise).astype(np.float32)


def plane(step, image=0):
    return np.random.default_rng((step, image, 2)).normal(0, 1, SIZE) ** 3


def values(step, image=0, first=False):
    """All records of one image at one step; class 1 is its label."""
    whole = odds(step, image)
    about = logs.occlusion(grid(step, image), whole, SIZE, WINDOW, TOPS, LEFTS, (1,), {"sky": SKY})
    gradient, planes = logs.saliency({1: plane(step, image)}, maps.Sign.DIRECTION)
    said = logs.scores(whole, {"sky": whole - 1})
    written = [
        (Series("p", image, Kind.SCORES), record.pack_scores(said)),
        (Series("p", image, Kind.METHOD, "occlusion", "occlusion"), record.pack_attribution(about)),
        (Series("p", image, Kind.METHOD, "saliency", "saliency"),
         record.pack_attribution(gradient)),
        (Series("p", image, Kind.MAP, "saliency", "saliency"), record.pack_maps(planes)),
    ]  # fmt: skip
    if first:
        names = ("no", "=yes", "maybe")
        given = logs.shown(SIZE, image, label=1, class_names=names, regions={"sky": SKY})
        written.append((Series("p", image, Kind.INPUT), record.pack_input(given)))
    return written


def write(run, steps, images=1, name="events.out.tfevents.1.test", start=1000.0):
    log = logs.Log(run, name)
    for number, step in enumerate(steps):
        written = [each for k in range(images) for each in values(step, k, first=not number)]
        log.write(step, written, start + number)
    log.close()


def reader(logdir, said=None):
    return EventReader(logdir, (said if said is not None else []).append)


def exported(logdir, label, kind, *, said=None, runs=("run",), image=0, target=None, **words):
    asked = ExportRequest.parse({"format": kind, **words})
    subject = MapSubject("run", "p", image, label, target)
    made = make(reader(logdir, said), subject, asked, list(runs))
    return made.data


def arrays(*given, **words):
    return np.load(io.BytesIO(exported(*given, "npz", **words)))


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("known")
    write(path / "run", [0, 5, 30], 2)
    write(path / "other", [0, 7], 2)
    return path


def test_a_grid_is_exported_as_it_was_logged(logdir):
    found = arrays(logdir, "occlusion")
    steps = [0, 5, 30]
    assert found["steps"].tolist() == steps
    assert found["wall_times"].tolist() == [1000, 1001, 1002]
    assert found["epochs"].tolist() == [0.5] * 3
    hidden = np.stack([grid(step)[:, :, 1] for step in steps])
    np.testing.assert_array_equal(found["hidden_log_odds"], hidden)
    whole = np.array([odds(step)[1] for step in steps])
    np.testing.assert_array_equal(found["whole_log_odds"], whole)
    important = maps.importance(hidden, whole[:, None, None])
    np.testing.assert_array_equal(found["windows"], important)
    painted = [maps.paint(each, TOPS, LEFTS, WINDOW, SIZE) for each in important]
    np.testing.assert_allclose(found["values"], painted, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(found["tops"], TOPS)
    np.testing.assert_array_equal(found["lefts"], LEFTS)
    np.testing.assert_array_equal(found["window"], WINDOW)
    logged = np.stack([odds(step) for step in steps])
    np.testing.assert_array_equal(found["log_odds"], logged)
    np.testing.assert_array_equal(found["probabilities"], maps.probability(logged))
    about = json.loads(str(found["metadata"]))
    assert about["parameters"] == {"fill": "image mean"}
    assert (about["unit"], about["sign"], about["target"]) == ("log-odds", "contribution", 1)


def test_a_plane_is_exported_within_its_quantisation(logdir):
    found = arrays(logdir, "saliency")
    exact = np.stack([plane(step) for step in (0, 5, 30)])
    for value, peak, logged in zip(found["values"], found["peaks"], exact, strict=True):
        assert peak == pytest.approx(np.abs(logged).max())
        half = maps.half_level(value, peak, maps.Sign.DIRECTION)
        assert (np.abs(value - logged) <= half * (1 + 1e-6)).all()
    np.testing.assert_allclose(found["means"], np.abs(exact).mean((1, 2)))


@pytest.mark.parametrize("name", ["score", "evidence"])
def test_the_other_readings(logdir, name):
    found = arrays(logdir, "occlusion", reading=name, step="5")
    about = record.unpack_attribution(values(5)[1][1])
    expected = readings.shown(about, 1, Reading(name))
    np.testing.assert_allclose(found["values"], [expected], rtol=1e-6)
    assert json.loads(str(found["metadata"]))["reading"] == name


def test_the_table_is_what_was_recorded(logdir):
    rows = list(csv.DictReader(io.StringIO(exported(logdir, "occlusion", "csv").decode())))
    assert [row["step"] for row in rows] == ["0", "5", "30"]
    for row, step in zip(rows, (0, 5, 30), strict=True):
        whole, about = odds(step), record.unpack_attribution(values(step)[1][1])
        statistics = about.targets[0].statistics
        assert float(row["log_odds"]) == whole[1]
        assert float(row["probability"]) == maps.probability(whole[1])
        assert float(row["log_odds with sky hidden (image mean)"]) == np.float32(whole[1] - 1)
        assert int(row["prediction"]) == whole.argmax()
        assert float(row["map_p99"]) == statistics.p99
        assert float(row["positive share of sky"]) == statistics.shares[0].positive
        assert float(row["epoch"]) == 0.5
    # A name that a spreadsheet would take for a formula is text.
    assert {row["predicted_class"] for row in rows} <= {"no", "'=yes", "maybe"}


def test_what_hiding_does_to_the_answer_stands_in_the_table(logdir):
    rows = list(csv.DictReader(io.StringIO(exported(logdir, "occlusion", "csv").decode())))
    for row, step in zip(rows, (0, 5, 30), strict=True):
        p, q = (maps.probability(odds(step) - np.float32(part)) for part in (0, 1))
        hidden = "with sky hidden (image mean)"
        assert float(row[f"moves {hidden}"]) == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-6)
        assert (row[f"prediction {hidden}"], row[f"prediction changed {hidden}"]) == (
            str(p.argmax()),
            "0",
        )
        assert float(row["probability of the predicted class"]) == pytest.approx(p.max())
        assert float(row[f"probability of the predicted class {hidden}"]) == pytest.approx(q.max())


def test_of_raw_values_the_table_holds_no_moves(tmp_path):
    log = logs.Log(tmp_path / "run")
    whole = odds(0)
    said = dataclasses.replace(logs.scores(whole, {"sky": whole - 1}), output=maps.Output.RAW)
    written = values(0, first=True)
    written[0] = (written[0][0], record.pack_scores(said))
    log.write(0, written, 1000)
    log.close()
    (row,) = csv.DictReader(io.StringIO(exported(tmp_path, "occlusion", "csv").decode()))
    assert float(row["value with sky hidden (image mean)"]) == np.float32(whole[1] - 1)
    assert not [each for each in row if "moves" in each or "of the predicted class" in each]


def test_the_newest_prediction_can_be_the_target(logdir):
    # Class 0 at the newest step of image 0, class 1 of image 1; the label is 1.
    found = arrays(logdir, "occlusion", target=PREDICTED)
    assert json.loads(str(found["metadata"]))["target"] == odds(30).argmax() == 0
    np.testing.assert_array_equal(found["whole_log_odds"], [odds(step)[0] for step in (0, 5, 30)])
    scales, _ = largest(reader(logdir), ["run"], "p", "occlusion", PREDICTED, Reading.IMPORTANCE)
    abouts = [record.unpack_attribution(values(30, image)[1][1]) for image in range(2)]
    both = zip(abouts, (0, 1), strict=True)
    own = [readings.own_scale(about, k, Reading.IMPORTANCE) for about, k in both]
    assert scales[30] == max(own)


def frames(data):
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append((np.asarray(image.convert("RGB")), image.info["duration"]))
        return found


def expected_map(step, look, size):
    """The map area, pixel by pixel, from the formula alone."""
    about = record.unpack_attribution(values(step)[1][1])
    with Image.open(io.BytesIO(logs.shown(SIZE).png)) as image:
        ground = palettes.grey(np.asarray(image.convert("RGBA")))
    shown = readings.shown(about, 1, look.reading)
    scale = look.scale.shared
    painted = palettes.overlay(shown, ground, palettes.ORANGE_BLUE, scale, look.opacity)
    times = size // max(SIZE)
    return painted.repeat(times, 0).repeat(times, 1)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_has_a_frame_a_step_with_the_pixels_of_its_map(logdir, kind):
    found = frames(exported(logdir, "occlusion", kind, size="60", fps="20", runs=("run", "other")))
    assert len(found) == 3
    assert [held for _, held in found] == [50, 50, files.HOLD]
    source = reader(logdir)
    scales = largest(source, ["run", "other"], "p", "occlusion", None, Reading.IMPORTANCE)
    look = Look(Reading.IMPORTANCE, Scale("shared", *scales), size=60)
    painter = Painter(gather(source, MapSubject("run", "p", 0, "occlusion")), look)
    top, left, height, width = painter.place
    assert (height, width) == (45, 60)
    for (pixels, _), step in zip(found, (0, 5, 30), strict=True):
        assert pixels.shape[:2] == painter.shape
        inside = pixels[top : top + height, left : left + width]
        np.testing.assert_array_equal(inside, expected_map(step, look, 60))
    # The caption tells the steps apart.
    assert (found[0][0][:top] != found[1][0][:top]).any()


def test_one_scale_is_the_largest_of_all_steps_images_and_runs(logdir):
    found, shared = largest(
        reader(logdir), ["run", "other"], "p", "occlusion", None, Reading.IMPORTANCE
    )
    assert sorted(found) == [0, 5, 7, 30]
    assert shared == max(found.values())
    for step in found:
        peaks = []
        for image in range(2):
            about = record.unpack_attribution(values(step, image)[1][1])
            peaks.append(about.targets[0].statistics.p99)
        assert found[step] == max(peaks)


def test_a_picture_is_of_the_newest_step_that_explains_the_class(logdir):
    with Image.open(io.BytesIO(exported(logdir, "occlusion", "png", scale="map"))) as image:
        newest = np.asarray(image)
    with Image.open(
        io.BytesIO(exported(logdir, "occlusion", "png", scale="map", step="30"))
    ) as image:
        np.testing.assert_array_equal(np.asarray(image), newest)
    with pytest.raises(NotThereError, match='no map of class "no": there are =yes'):
        exported(logdir, "saliency", "png", target=0)


def test_a_small_reduced_or_score_map_is_drawn(logdir):
    for words in ({"size": "16"}, {"reading": "score"}, {"palette": "green-violet"}):
        with Image.open(io.BytesIO(exported(logdir, "occlusion", "png", **words))) as image:
            image.load()


def test_every_logged_step_is_exported(tmp_path):
    write(tmp_path / "run", range(700))
    found = arrays(tmp_path, "occlusion")
    assert found["steps"].tolist() == list(range(700))
    np.testing.assert_array_equal(found["hidden_log_odds"][699], grid(699)[:, :, 1])


def test_a_resumed_run_has_its_new_history_only(tmp_path):
    write(tmp_path / "run", range(10))
    write(tmp_path / "run", range(6, 12), name="events.out.tfevents.2.test", start=2000.0)
    found = arrays(tmp_path, "saliency")
    assert found["steps"].tolist() == list(range(12))
    assert found["wall_times"].tolist() == [*range(1000, 1006), *range(2000, 2006)]


def test_what_cannot_be_read_is_named_and_skipped(tmp_path):
    write(tmp_path / "run", [0])
    log = logs.Log(tmp_path / "run", "events.out.tfevents.2.test")
    series = Series("p", 0, Kind.METHOD, "occlusion", "occlusion")
    newer = record_pb2.Sealed(version=9, crc32=seal.checksum(9, b"new"), payload=b"new")
    log.write(1, [(series, b"damaged")], 2000)
    log.write(2, [(series, newer.SerializeToString())], 2001)
    log.write(3, [(logs.Newer("q", 1, Kind.SCORES), b"anything")], 2002)
    log.write(4, values(4), 2003)
    log.close()
    said = []
    source = reader(tmp_path, said)
    made = make(
        source, MapSubject("run", "p", 0, "occlusion"), ExportRequest.parse({"format": "npz"}), []
    )
    assert np.load(io.BytesIO(made.data))["steps"].tolist() == [0, 4]
    assert [each.split(":")[0] for each in made.remarks] == [
        "run, image 0, step 1",
        "run, image 0, step 2",
    ]
    assert "format 9, newer than 4" in made.remarks[1]
    (line,) = said
    assert "q/01/scores" in line
    assert "format 9" in line


def test_a_file_that_breaks_off_or_is_damaged_gives_what_precedes(tmp_path):
    write(tmp_path / "run", range(3))
    path = tmp_path / "run" / "events.out.tfevents.1.test"
    data = path.read_bytes()
    path.write_bytes(data[:-20])
    said = []
    assert reader(tmp_path, said).runs == ["run"]
    assert arrays(tmp_path, "occlusion", said=said)["steps"].tolist() == [0, 1]
    assert said == []
    starts = []
    with path.open("rb") as file:
        starts += [begin for begin, _ in event_frames(file, path.stat().st_size)]
    broken = bytearray(data)
    broken[starts[-1] - HEAD] ^= 1
    path.write_bytes(broken)
    assert arrays(tmp_path, "occlusion", said=said)["steps"].tolist() == [0]
    assert "damaged at byte" in said[0]


def test_an_image_that_was_not_kept_is_grey(tmp_path):
    log = logs.Log(tmp_path / "run")
    log.write(0, values(0), 1000)
    log.close()
    source = reader(tmp_path)
    subject = MapSubject("run", "p", 0, "occlusion", 1)
    look = Look(Reading.IMPORTANCE, Scale("fixed", shared=1e9))
    painter = Painter(gather(source, subject), look)
    (moment,) = gather(source, subject).moments
    assert (np.asarray(painter.map(moment)) == 60 + 128 // 2).all()


def test_a_name_that_no_font_has_is_replaced_by_the_index(tmp_path):
    sentences = []
    for run, name in enumerate(("cat", "𒀀")):
        given = logs.shown(SIZE, class_names=("no", name), label=1)
        log = logs.Log(tmp_path / str(run))
        log.write(0, [*values(0), (Series("p", 0, Kind.INPUT), record.pack_input(given))], 1000)
        log.close()
        evolution = gather(reader(tmp_path), MapSubject(str(run), "p", 0, "occlusion"))
        look = Look(Reading.IMPORTANCE, Scale("map"))
        sentences.append(Painter(evolution, look).sentence[0])
    assert sentences == [
        "supports “cat” (less likely when hidden)",
        "supports class 1 (less likely when hidden)",
    ]


def test_hostile_names_do_no_harm(tmp_path):
    log = logs.Log(tmp_path / "run")
    picture = logs.shown(SIZE).png
    given = record.Input(picture, *SIZE, logs.HASH, "x" * 10**6, 1, ("a\n\x1b[31m" * 10**5,) * 3)
    log.write(0, [*values(0), (Series("p", 0, Kind.INPUT), record.pack_input(given))], 1000)
    log.close()
    made = make(
        reader(tmp_path),
        MapSubject("run", "p", 0, "occlusion"),
        ExportRequest.parse({"format": "png"}),
        ["run"],
    )
    assert len(made.name) < 140
    assert made.name.isascii()
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.width < 600


def test_a_map_of_another_size_than_its_record_is_left_out(tmp_path):
    log = logs.Log(tmp_path / "run")
    log.write(0, values(0, first=True), 1000)
    written = values(1)
    stored = logs.saliency({1: np.ones((3, 3))}, maps.Sign.DIRECTION)[1]
    log.write(1, [*written[:3], (written[3][0], record.pack_maps(stored))], 1001)
    log.close()
    asked = ExportRequest.parse({"format": "gif"})
    made = make(reader(tmp_path), MapSubject("run", "p", 0, "saliency"), asked, ["run"])
    assert len(frames(made.data)) == 1
    assert made.remarks == ('no map of class "=yes" at 1 of 2 steps: left out',)


def test_windows_that_change_are_no_array(tmp_path):
    log = logs.Log(tmp_path / "run")
    log.write(0, values(0, first=True), 1000)
    whole = odds(1)
    tops = logs.starts(9, 4, 5)
    about = logs.occlusion(
        grid(1)[: len(tops)], whole, SIZE, WINDOW, tops, LEFTS, (1,), {"sky": SKY}
    )
    series = Series("p", 0, Kind.METHOD, "occlusion", "occlusion")
    log.write(1, [(series, record.pack_attribution(about))], 1001)
    log.close()
    with pytest.raises(ExportError, match="step 0 has other windows"):
        arrays(tmp_path, "occlusion")
    assert arrays(tmp_path, "occlusion", step="0")["steps"].tolist() == [0]
    assert len(frames(exported(tmp_path, "occlusion", "gif"))) == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({}, "give a format"),
        ({"format": "bmp"}, 'format "bmp": give png, gif'),
        ({"format": "gif", "fps": "nan"}, 'fps "nan"'),
        ({"format": "gif", "size": "9999"}, "give 16 to 4096"),
        ({"format": "gif", "size": "1" * 5000}, "give a whole number"),
        ({"format": "gif", "opacity": "2"}, "from 0 to 1"),
        ({"format": "gif", "scale": "big"}, "shared, step, map or a value"),
        ({"format": "gif", "step": "x"}, 'step "x"'),
    ],
)
def test_wrong_orders_are_refused(words, reason):
    with pytest.raises(ExportError, match=reason):
        ExportRequest.parse(words)


def test_work_is_bounded_where_a_limit_is_set(logdir):
    asked = ExportRequest.parse({"format": "gif", "size": "448"})
    subject = MapSubject("run", "p", 0, "occlusion")
    with pytest.raises(TooLargeError, match="3 steps of this size are too much"):
        make(reader(logdir), subject, asked, ["run"], limits=COMMAND._replace(pixels=1 << 19))
    assert make(
        reader(logdir), subject, asked, ["run"], limits=COMMAND._replace(pixels=1 << 21)
    ).data
