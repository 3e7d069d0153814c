"""Scores of all images of a probe in one record a step, beside those of older logs."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso.export import source
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.numbers.moves import Move
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs
from tests.kit.serving import asked, tensorboard

LOADERS = pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
ALL = Series("p", 0, Kind.ALL_SCORES)
NOON = 1_700_000_000.0
OLD, NEW = "of each image", "of all"
# Of each process: the form in which it writes scores, its steps, and when it began.
PARTS = {
    "upgraded": [(OLD, range(8), NOON), (NEW, range(5, 10), NOON + 100)],
    "downgraded": [(NEW, range(8), NOON), (OLD, range(5, 10), NOON + 100)],
    "back": [
        (OLD, range(8), NOON),
        (NEW, range(4, 9), NOON + 100),
        (OLD, range(6, 12), NOON + 200),
    ],
    "on": [(OLD, range(4), NOON), (NEW, range(4, 8), NOON + 100)],
    "slow clock": [(OLD, range(8), NOON), (NEW, range(5, 10), NOON - 100)],
    "alone": [(NEW, range(6), NOON)],
}
# Which of the processes a step is left of.
LEFT = {
    "upgraded": [0] * 5 + [1] * 5,
    "downgraded": [0] * 5 + [1] * 5,
    "back": [0] * 4 + [1] * 2 + [2] * 6,
    "on": [0] * 4 + [1] * 4,
    "slow clock": [0] * 5 + [1] * 5,
    "alone": [0] * 6,
}
LOST = {"upgraded": 3, "downgraded": 3, "back": 7, "slow clock": 3}


def said(process, step, image, **more):
    values = np.array([process, step, image, 0.0][: 3 + image])
    hidden = {"sky": values - 1} if image else None
    return replace(logs.scores(values, hidden), targets=(image,), **more)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("forms")
    for run, parts in PARTS.items():
        for number, (form, steps, began) in enumerate(parts):
            log = logs.Log(path / run, f"events.out.tfevents.{int(began)}.host")
            for nth, step in enumerate(steps, 1):
                images = {
                    image: said(number, step, image, nth=nth, since=steps[0]) for image in range(2)
                }
                if form is NEW:
                    values = [(ALL, record.pack_all_scores(images))]
                else:
                    values = [
                        (Series("p", image, Kind.SCORES), record.pack_scores(each))
                        for image, each in images.items()
                    ]
                for image in range(2) if step == steps[0] else ():
                    given = record.pack_input(logs.shown((4, 4), image))
                    values.append((Series("p", image, Kind.INPUT), given))
                grid = logs.saliency({0: np.full((4, 4), number + step / 100 + 1)})[0]
                method = Series("p", 0, Kind.METHOD, "saliency", "saliency")
                log.write(step, [*values, (method, record.pack_attribution(grid))], began + step)
                log.scalar(step, "loss", number, began + step)
            log.close()
    return path


@LOADERS
def test_scores_of_both_forms_are_one_series_of_each_image(logdir, load_fast):
    with tensorboard(logdir, load_fast=load_fast) as url:
        for run, left in LEFT.items():
            found = asked(url, "scores", run=run, probe="p")
            assert (found["problems"], [each["image"] for each in found["images"]]) == ([], [0, 1])
            for entry in found["images"]:
                image, records = entry["image"], entry["records"]
                assert [each["step"] for each in records] == list(range(len(left))), run
                for (step, process), each in zip(enumerate(left), records, strict=True):
                    expected = said(process, step, image)
                    assert each["values"].tolist() == expected.values.tolist(), (run, image, step)
                    assert each["class_count"] == 3 + image
                    assert each["targets"] == [image]
                    hidden = [(of["region"], of["values"].tolist()) for of in each["hidden"]]
                    assert hidden == [("sky", (expected.values - 1).tolist())] * image
            (alone,) = asked(url, "scores", run=run, probe="p", images=1)["images"]
            assert (alone["image"], len(alone["records"])) == (1, len(left))
            remarks = found["remarks"]
            if load_fast:
                # What is stored the other way is known, what was stored so, TensorBoard dropped.
                assert bool(remarks) == (run in LOST), run
            else:
                counts = [f"{LOST[run]} older records from step"] if run in LOST else []
                assert [text[: len(counts[0])] for text in remarks] == counts, (run, remarks)


def test_readers_of_files_join_both_forms(logdir):
    log = tensorboard_picasso.read(logdir)
    for run, left in LEFT.items():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            probe = log[run]["p"]
            assert probe.steps().tolist() == list(range(len(left)))
            for image in range(2):
                found = probe.scores(image)
                assert found.steps.tolist() == list(range(len(left)))
                expected = [said(process, step, image).values for step, process in enumerate(left)]
                assert found.values.tolist() == np.stack(expected).tolist(), run
                assert set(found.hidden) == ({("sky", "image mean")} if image else set())
        assert not told
        reader = EventReader(logdir, print)
        subject = MapSubject(run, "p", 0, "saliency", 0)
        moments = source.gather(reader, subject, planes=False).moments
        assert [int(each.scores.values[0]) for each in moments] == left


def test_a_damaged_record_is_named_for_all_images(tmp_path):
    log = logs.Log(tmp_path / "run")
    for step in range(3):
        data = record.pack_all_scores({image: said(0, step, image) for image in range(2)})
        if step == 1:
            data = data[:-1] + bytes([data[-1] ^ 1])
        log.write(step, [(ALL, data)], 1000 + step)
    log.close()
    with tensorboard(tmp_path) as url:
        found = asked(url, "scores", run="run", probe="p")
    steps = [[each["step"] for each in entry["records"]] for entry in found["images"]]
    assert steps == [[0, 2], [0, 2]]
    (problem,) = found["problems"]
    assert (problem["images"], problem["step"], problem["problem"]) == ("all", 1, "damaged")
    probe = tensorboard_picasso.read(tmp_path)["run"]["p"]
    with pytest.warns(UserWarning, match="run, all images, step 1: damaged record"):
        assert probe.scores(1).steps.tolist() == [0, 2]


@LOADERS
@pytest.mark.parametrize("lost", [(2, 3), (3,), (2,)], ids=["all", "the last", "the first"])
def test_damaged_records_of_images_beside_those_of_all_are_named(tmp_path, lost, load_fast):
    first, second = (logs.Log(tmp_path / "r", f"events.out.tfevents.{n}") for n in (1, 2))
    for step in range(2):
        whole = record.pack_all_scores({0: said(0, step, 0, nth=step + 1, since=0)})
        first.write(step, [(ALL, whole)], NOON + step)
    for step in (2, 3):
        data = record.pack_scores(said(1, step, 0, nth=step - 1, since=2))
        data = data[:-1] + bytes([data[-1] ^ (step in lost)])
        second.write(step, [(Series("p", 0, Kind.SCORES), data)], NOON + step)
    first.close()
    second.close()
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        found = asked(url, "scores", run="r", probe="p")
    assert [(each["image"], each["step"]) for each in found["problems"]] == [(0, k) for k in lost]
    assert {each["problem"] for each in found["problems"]} == {"damaged"}
    (image,) = found["images"]
    left = [step for step in range(4) if step not in lost]
    assert [each["step"] for each in image["records"]] == left
    assert not any("left out" in each for each in found["remarks"])


def test_images_come_and_go_between_steps(tmp_path):
    log = logs.Log(tmp_path / "run")
    for step, images in enumerate(([0, 1], [1], [0, 1, 5])):
        given = {image: replace(said(0, step, 0), targets=(image,)) for image in images}
        log.write(step, [(ALL, record.pack_all_scores(given))], 1000 + step)
    log.close()
    with tensorboard(tmp_path) as url:
        found = asked(url, "scores", run="run", probe="p")
    steps = {
        entry["image"]: [each["step"] for each in entry["records"]] for entry in found["images"]
    }
    assert steps == {0: [0, 2], 1: [0, 1, 2], 5: [2]}


def test_all_that_is_recorded_of_an_image_comes_back():
    one = replace(
        said(1, 2, 1),
        hidden=(
            record.Hidden("sky", "black", np.float32([1, 2, 3, np.nan]), Move(0.25, True, 3)),
            record.Hidden("é", "white", np.float32([np.inf, -np.inf, 0, 1]), None),
        ),
        lasting=(2,), dropped=(3, 1), independent=True, nth=7, since=-5, superseded=9, epoch=1.5,
    )  # fmt: skip
    few = replace(
        one, class_count=1000, classes=np.array([3, 999]), values=np.float32([0.5, -1]), hidden=(),
        targets=(999,), input_hash=b"other",
    )  # fmt: skip
    none = replace(one, class_count=0, classes=np.array([]), values=np.float32([]), hidden=())
    back = record.unpack_all_scores(record.pack_all_scores({4: one, 0: few, 9: none}))
    assert list(back) == [4, 0, 9]
    for image, given in ((4, one), (0, few), (9, none)):
        for name, value in vars(given).items():
            found = getattr(back[image], name)
            if name == "hidden":
                for a, b in zip(found, value, strict=True):
                    assert (a.region, a.fill, a.move) == (b.region, b.fill, b.move)
                    np.testing.assert_array_equal(a.values, b.values)
            elif isinstance(value, np.ndarray):
                np.testing.assert_array_equal(found, value)
            else:
                assert found == value, name
    with pytest.raises(KeyError):
        back[1]


def test_one_record_takes_less_than_one_of_each_image():
    images = {image: said(0, 1, 1, nth=3) for image in range(16)}
    apart = sum(len(record.pack_scores(each)) for each in images.values())
    assert len(record.pack_all_scores(images)) < 0.75 * apart


def sealed(**changes):
    given = {
        "output": 1,
        "layouts": [record_pb2.Layout(class_count=2, hidden=[record_pb2.HiddenRegion()])],
        "images": [record_pb2.ScoredImage(image=3)],
        "values": bytes(16),
        "moves": bytes(4),
        "predicted": bytes(4),
        "flips": bytes(1),
    }
    return seal.seal(record_pb2.AllScores(**{**given, **changes}), 3)


MANY = record_pb2.Layout(hidden=[record_pb2.HiddenRegion() for _ in range(1 << 12)])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": [record_pb2.ScoredImage()] * 2}, "an image is there twice"),
        ({"images": [record_pb2.ScoredImage(layout=1)]}, "an image without a layout"),
        ({"values": bytes(12)}, "do not fill their shape"),
        ({"moves": b""}, "do not fill their shape"),
        ({"flips": bytes(2)}, "bits do not fill their shape"),
        ({"moves": np.float32(1.5).tobytes()}, "moves is out of bounds"),
        ({"predicted": np.uint32(2).tobytes()}, "moves is out of bounds"),
        ({"epoch": np.nan}, "epoch is not finite"),
        ({"output": 9}, "unknown output 9"),
        ({"layouts": [record_pb2.Layout(class_count=2, classes=[2])]}, "exceed their count 2"),
        ({"layouts": [record_pb2.Layout(class_count=1 << 21)]}, "exceed their count"),
        (
            {
                "layouts": [MANY],
                "images": [record_pb2.ScoredImage(image=each) for each in range(33)],
            },
            "135,168 hidden regions are out of bounds",
        ),
    ],
)
def test_what_does_not_hold_together_is_damaged(changes, reason):
    assert list(record.unpack_all_scores(sealed())) == [3]
    with pytest.raises(record.RecordError, match=reason):
        record.unpack_all_scores(sealed(**changes))


def test_scores_of_several_steps_are_not_packed():
    with pytest.raises(record.RecordError, match="scores of several steps or models"):
        record.pack_all_scores({0: said(0, 1, 0, nth=1), 1: said(0, 1, 1, nth=2)})
