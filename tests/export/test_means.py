"""Exports of means equal what was logged: arrays, tables and pixels."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.export.means import MeanSubject, gather_mean, largest_mean
from tensorboard_picasso.export.picture import Look, Painter, Scale
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.logs.bounds import COMMAND, TooLargeError
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tests.kit import logs

SIZE = (9, 12)
WINDOW = (4, 5)
TOPS, LEFTS = logs.starts(9, 4, 3), logs.starts(12, 5, 4)
CLASSES = 3
LABELS = [1, 2, 1, 2]
GROUPS = {WHOLE_PROBE: [0, 1, 2, 3], 1: [0, 2], 2: [1, 3]}
NAMES = ("no", "yes", "maybe")
STEPS = {"run": [0, 5, 30], "other": [0, 7]}
SKY = np.arange(9)[:, None] + np.zeros(12, int) < 3


def about(run, step, image):
    random = np.random.default_rng((len(run), step, image))
    whole = random.normal(0, 2, CLASSES).astype(np.float32)
    grid = (whole + random.normal(0, 1, (len(TOPS), len(LEFTS), CLASSES))).astype(np.float32)
    if (step, image) == (30, 0):
        grid[0, 0] = np.inf
    found = logs.occlusion(grid, whole, SIZE, WINDOW, TOPS, LEFTS, (LABELS[image],))
    return replace(found, input_hash=bytes([image] * 16))


def logged(run, step, group=WHOLE_PROBE, targets=LABELS):
    """The mean record of a group."""
    images = GROUPS[group]
    found = logs.mean(
        [about(run, step, k) for k in images], [targets[k] for k in images], images,
        labelled=targets is LABELS,
    )  # fmt: skip
    painted = maps.paint(found.means, TOPS, LEFTS, WINDOW, SIZE)
    return replace(
        found,
        members=tuple(record.Member(k, targets[k], bytes([k] * 16)) for k in images),
        regions=(record.Region("sky", float(SKY.mean()), 0.5),),
        statistics=maps.statistics(painted, [SKY]),
    )


def series(group, name=None):
    of = "" if group == WHOLE_PROBE else name or NAMES[group]
    return Series("p", 0, Kind.MEAN, "occlusion", "occlusion", group, of)


def write(run, steps, inputs=True):
    log = logs.Log(run)
    for number, step in enumerate(steps):
        written = []
        for image, label in enumerate(LABELS):
            of_image = about(run.name, step, image)
            if inputs and not number:
                given = logs.shown(SIZE, image, bytes([image] * 16), label=label, class_names=NAMES)
                written.append((Series("p", image, Kind.INPUT), record.pack_input(given)))
            said = logs.scores(np.zeros(CLASSES))
            packed = record.pack_attribution(of_image)
            written += [
                (Series("p", image, Kind.SCORES), record.pack_scores(said)),
                (Series("p", image, Kind.METHOD, "occlusion", "occlusion"), packed),
            ]
        for group in GROUPS:
            written.append((series(group), record.pack_mean(logged(run.name, step, group))))
        log.write(step, written, 1000.0 + number)
    log.close()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("means")
    for run, steps in STEPS.items():
        write(path / run, steps)
    return path


def reader(logdir):
    return EventReader(logdir, lambda text: None)


def exported(logdir, kind, group=WHOLE_PROBE, runs=("run",), **words):
    subject = MeanSubject("run", "p", "occlusion", group)
    return make(reader(logdir), subject, ExportRequest.parse({"format": kind, **words}), list(runs))


def arrays(*given, **words):
    return np.load(io.BytesIO(exported(*given, **words).data))


@pytest.mark.parametrize("group", GROUPS)
def test_the_numbers_are_those_that_were_logged(logdir, group):
    found = arrays(logdir, "npz", group)
    records = [logged("run", step, group) for step in STEPS["run"]]
    assert found["steps"].tolist() == STEPS["run"]
    assert found["wall_times"].tolist() == [1000, 1001, 1002]
    assert found["epochs"].tolist() == [0.5] * 3
    for name, attribute in (("windows", "means"), ("errors", "errors"), ("counts", "counts")):
        expected = np.stack([getattr(each, attribute) for each in records])
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype
    painted = [maps.paint(each.means, TOPS, LEFTS, WINDOW, SIZE) for each in records]
    np.testing.assert_allclose(found["values"], painted, rtol=1e-6)
    for name, expected in (("tops", TOPS), ("lefts", LEFTS), ("window", WINDOW)):
        np.testing.assert_array_equal(found[name], expected)
    assert found["images"].tolist() == GROUPS[group]
    assert found["targets"].tolist() == [[LABELS[k] for k in GROUPS[group]]] * 3
    said = json.loads(str(found["metadata"]))
    assert said["group"] == (None if group == WHOLE_PROBE else group)
    assert said["group_name"] == ("" if group == WHOLE_PROBE else NAMES[group])
    assert said["parameters"] == {"fill": "image mean"}
    unknown = dict.fromkeys(("tolerance", "chance_pointing", "chance_iou"))
    sky = {"name": "sky", "area": float(SKY.mean()), "ceiling": 0.5}
    assert said["regions"] == [{**sky, **unknown}]


def test_the_table_is_what_was_recorded(logdir):
    text = exported(logdir, "csv", 1).data.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["step"] for row in rows] == ["0", "5", "30"]
    for row, step in zip(rows, STEPS["run"], strict=True):
        statistics = logged("run", step, 1).statistics
        assert (row["images"], row["epoch"]) == ("2", "0.5")
        for name in ("p99", "nan", "count"):
            assert float(row[f"map_{name}"]) == getattr(statistics, name)
        assert float(row["positive share of sky"]) == statistics.shares[0].positive


def test_means_over_the_probe_share_one_scale_and_those_over_classes_another(logdir):
    runs = list(STEPS)
    for groups in ([WHOLE_PROBE], [1, 2]):
        for group in groups:
            subject = MeanSubject("run", "p", "occlusion", group)
            found, shared = largest_mean(reader(logdir), runs, subject)
            assert shared == max(found.values())
            assert found == {
                step: max(
                    logged(run, step, each).statistics.p99
                    for run in runs if step in STEPS[run] for each in groups
                )
                for step in (0, 5, 7, 30)
            }  # fmt: skip


def ground(group):
    pixels = []
    for image in GROUPS[group]:
        with Image.open(io.BytesIO(logs.shown(SIZE, image).png)) as opened:
            pixels.append(np.asarray(opened.convert("RGBA"), float))
    return palettes.grey(np.floor(np.mean(pixels, 0) + 0.5).astype(np.uint8))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_frame_has_the_pixels_of_the_mean_over_the_mean_of_the_images(logdir, kind, group):
    data = exported(logdir, kind, group, tuple(STEPS), size="60").data
    source, subject = reader(logdir), MeanSubject("run", "p", "occlusion", group)
    _, scale = largest_mean(source, list(STEPS), subject)
    look = Look(Reading.IMPORTANCE, Scale("fixed", shared=scale), size=60)
    painter = Painter(gather_mean(source, subject), look)
    top, left, height, width = painter.place
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.n_frames == 3
        for number, step in enumerate(STEPS["run"]):
            animation.seek(number)
            pixels = np.asarray(animation.convert("RGB"))[top:, left:][:height, :width]
            values = maps.paint(logged("run", step, group).means, TOPS, LEFTS, WINDOW, SIZE)
            expected = palettes.overlay(
                values, ground(group), palettes.ORANGE_BLUE, scale, look.opacity
            )
            np.testing.assert_array_equal(pixels[::5, ::5], expected)
    whose = "the true class" if group == WHOLE_PROBE else f"“{NAMES[group]}”"
    assert painter.sentence[0] == f"supports {whose} (less likely when hidden)"


def test_images_that_were_not_kept_are_grey(tmp_path):
    write(tmp_path / "run", [0], inputs=False)
    shown = gather_mean(reader(tmp_path), MeanSubject("run", "p", "occlusion"))
    assert shown.ground(shown.drawn[0]) is None
    look = Look(Reading.IMPORTANCE, Scale("fixed", shared=1e9))
    assert (np.asarray(Painter(shown, look).map(shown.drawn[0])) == 60 + 128 // 2).all()


def test_without_labels_each_step_has_targets_of_its_own_and_a_class_may_be_renamed(tmp_path):
    log = logs.Log(tmp_path / "run")
    for step, targets in ((0, [0, 0, 1, 1]), (1, [2, 2, 1, 0])):
        mean = record.pack_mean(logged("run", step, targets=targets))
        of_class = record.pack_mean(logged("run", step, 1))
        log.write(step, [(series(WHOLE_PROBE), mean), (series(1, f"name {step}"), of_class)], 1.0)
    log.close()
    found = arrays(tmp_path, "npz")
    assert found["targets"].tolist() == [[0, 0, 1, 1], [2, 2, 1, 0]]
    assert np.isnan(found["epochs"]).all()
    shown = gather_mean(reader(tmp_path), MeanSubject("run", "p", "occlusion"))
    assert shown.subject_of(str) == "what each step predicts"
    assert arrays(tmp_path, "npz", 1)["steps"].tolist() == [0, 1]


def test_a_damaged_record_is_named_and_skipped(tmp_path):
    write(tmp_path / "run", [0])
    log = logs.Log(tmp_path / "run", "events.out.tfevents.2.test")
    log.write(1, [(series(WHOLE_PROBE), b"damaged")], 2000)
    log.close()
    made = exported(tmp_path, "gif")
    assert made.remarks[0].startswith("run, mean, step 1: damaged")


def test_what_is_not_there_is_said(logdir):
    with pytest.raises(NotThereError, match='no mean of class 7 of "occlusion"'):
        exported(logdir, "png", 7)
    with pytest.raises(NotThereError, match="no step 9 of occlusion: there are 0, 5, 30"):
        exported(logdir, "png", step="9")
    with pytest.raises(ExportError, match='reading "score": a mean has importance'):
        exported(logdir, "png", reading="score")


def test_work_is_bounded_where_a_limit_is_set(logdir):
    asked, subject = ExportRequest.parse({"format": "gif"}), MeanSubject("run", "p", "occlusion")
    with pytest.raises(TooLargeError, match="3 steps of this size are too much"):
        make(reader(logdir), subject, asked, ["run"], limits=COMMAND._replace(pixels=1 << 19))
    assert make(
        reader(logdir), subject, asked, ["run"], limits=COMMAND._replace(pixels=1 << 21)
    ).data
