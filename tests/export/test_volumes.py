"""Volumes taken away: arrays in natural axes, pictures of each plane pixel by pixel, tables of a slice."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

import tensorboard_picasso
from tensorboard_picasso.export.cut import Cut
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.means import MeanSubject, gather_mean
from tensorboard_picasso.export.picture import Look, Painter, Scale
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.export.source import gather, largest
from tensorboard_picasso.logs.errors import ExportError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.numbers.volumes import Plane
from tensorboard_picasso.presentation.readings import Reading
from tests.kit import logs, volumes

STEPS = [0, 10]
OF = {
    "occlusion": MapSubject("run", "p", 0, "occlusion"),
    "saliency": MapSubject("run", "p", 0, "saliency"),
}
MEAN = MeanSubject("run", "p", "occlusion")


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("volumes")
    volumes.write(path / "run", STEPS)
    logs.plausible(path / "flat", 0, [0], 1, 8, "p")
    return path


def reader(logdir):
    return EventReader(logdir, lambda text: None)


def exported(logdir, subject, kind, **words):
    return make(reader(logdir), subject, ExportRequest.parse({"format": kind, **words}), ["run"])


def test_arrays_are_read_in_natural_axes(logdir):
    probe = tensorboard_picasso.read(logdir)["run"]["p"]
    picture = probe.picture(1)
    np.testing.assert_array_equal(picture.pixels, np.stack([volumes.pixels(1)] * 3, axis=-1))
    np.testing.assert_array_equal(picture.regions["inside"], volumes.REGION)
    found = probe.windows(1)
    np.testing.assert_array_equal(found.hidden, [volumes.hidden(step, 1) for step in STEPS])
    assert found.window == volumes.WINDOW
    for starts, expected in (
        (found.fronts, volumes.FRONTS), (found.tops, volumes.TOPS), (found.lefts, volumes.LEFTS),
    ):  # fmt: skip
        assert starts.dtype == np.int64
        np.testing.assert_array_equal(starts, expected)
    occluded = probe.maps(1, "occlusion")
    expected = [volumes.painted(volumes.lost(step, 1)) for step in STEPS]
    np.testing.assert_allclose(occluded.values, expected, rtol=1e-5, atol=1e-6)
    saliency = probe.maps(0, "saliency").values
    for step, values in zip(STEPS, saliency, strict=True):
        logged = volumes.plane(step)
        half = maps.half_level(values, np.abs(logged).max(), maps.Sign.DIRECTION)
        assert (np.abs(values - logged) <= half * (1 + 1e-6)).all()


def test_arrays_of_pictures_are_as_ever(logdir):
    probe = tensorboard_picasso.read(logdir)["flat"]["p"]
    assert probe.picture(0).pixels.shape == (8, 8, 3)
    assert probe.maps(0, "saliency").values.shape == (1, 8, 8)
    windows = probe.windows(0)
    assert (len(windows.window), windows.fronts.size, windows.hidden.ndim) == (2, 0, 4)


def ground(pixels):
    return palettes.grey(np.stack([pixels] * 3 + [np.full_like(pixels, 255)], axis=-1))


@pytest.mark.parametrize(
    ("plane", "index", "shape"),
    [
        ("axial", 1, (6, 5)),
        ("coronal", 4, (4, 5)),
        ("sagittal", 0, (4, 6)),
        ("axial", None, (6, 5)),
    ],
)
def test_a_picture_is_of_one_plane_pixel_by_pixel(logdir, plane, index, shape):
    words = {} if index is None else {"plane": plane, "slice": str(index)}
    made = exported(logdir, OF["occlusion"], "png", size="60", **words)
    assert made.name == f"run-p-00-occlusion-yes-{plane}-{2 if index is None else index}.png"
    scales = largest(reader(logdir), ["run"], "p", "occlusion", None, Reading.IMPORTANCE)
    cut = Cut(Plane(plane), index)
    look = Look(Reading.IMPORTANCE, Scale("shared", *scales), size=60, cut=cut)
    painter = Painter(gather(reader(logdir), OF["occlusion"]), look)
    top, left, height, width = painter.place
    times = 60 // max(shape)
    assert (height, width) == (shape[0] * times, shape[1] * times)
    with Image.open(io.BytesIO(made.data)) as image:
        found = np.asarray(image)[top : top + height, left : left + width]
    at = 2 if index is None else index
    # The scale is that of all slices, and what is below is the slice of the picture.
    values = volumes.taken(volumes.painted(volumes.lost(10)), plane, at)
    below = ground(volumes.taken(volumes.pixels(), plane, at))
    painted = palettes.overlay(values, below, palettes.ORANGE_BLUE, scales[1], look.opacity)
    np.testing.assert_array_equal(found, painted.repeat(times, 0).repeat(times, 1))
    assert scales[1] == max(
        volumes.occluded(step, image).targets[0].statistics.p99
        for step in STEPS
        for image in (0, 1)
    )


def test_an_animation_and_a_mean_are_of_a_slice_too(logdir):
    made = exported(logdir, MEAN, "webp", plane="coronal", slice="2", size="60")
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.n_frames == 2
        image.seek(1)
        frame = np.asarray(image.convert("RGB"))
    scale = max(volumes.mean(step).statistics.p99 for step in STEPS)
    look = Look(
        Reading.IMPORTANCE, Scale("fixed", shared=scale), size=60, cut=Cut(Plane.CORONAL, 2)
    )
    painter = Painter(gather_mean(reader(logdir), MEAN), look)
    top, left, height, width = painter.place
    values = volumes.painted(volumes.mean(10).means.reshape(3, 3, 3).astype(float))[:, 2]
    both = np.stack([volumes.pixels(0), volumes.pixels(1)]).astype(float)
    below = ground(np.floor(both.mean(0) + 0.5).astype(np.uint8)[:, 2])
    painted = palettes.overlay(values, below, palettes.ORANGE_BLUE, scale, look.opacity)
    found = frame[top : top + height, left : left + width]
    np.testing.assert_array_equal(found, painted.repeat(12, 0).repeat(12, 1))


def test_npz_holds_whole_volumes_or_a_slice_of_them(logdir):
    whole = np.load(io.BytesIO(exported(logdir, OF["occlusion"], "npz").data))
    expected = np.stack([volumes.painted(volumes.lost(step)) for step in STEPS])
    np.testing.assert_allclose(whole["values"], expected, rtol=1e-5, atol=1e-6)
    logged = np.stack([volumes.hidden(step)[..., 1] for step in STEPS])
    np.testing.assert_array_equal(whole["hidden_log_odds"], logged)
    np.testing.assert_allclose(whole["windows"], [volumes.lost(step) for step in STEPS])
    assert whole["window"].tolist() == list(volumes.WINDOW)
    np.testing.assert_array_equal(whole["fronts"], volumes.FRONTS)
    one = np.load(
        io.BytesIO(exported(logdir, OF["occlusion"], "npz", plane="sagittal", slice="3").data)
    )
    np.testing.assert_array_equal(one["values"], whole["values"][..., 3])
    np.testing.assert_array_equal(one["windows"], whole["windows"])
    about = json.loads(str(one["metadata"]))
    assert (about["plane"], about["slice"]) == ("sagittal", 3)
    assert "slice" not in json.loads(str(whole["metadata"]))
    mean = np.load(io.BytesIO(exported(logdir, MEAN, "npz").data))
    assert mean["values"].shape == (2, *volumes.SHAPE)
    assert mean["errors"].shape == mean["counts"].shape == (2, 3, 3, 3)
    plane = np.load(io.BytesIO(exported(logdir, OF["saliency"], "npz", plane="coronal").data))
    assert plane["values"].shape == (2, 4, 5)
    assert json.loads(str(plane["metadata"]))["slice"] == 3  # the middle of six


def rows(made):
    return list(csv.DictReader(io.StringIO(made.data.decode())))


def test_a_table_has_the_statistics_of_the_volume_and_of_a_slice_where_one_is_named(logdir):
    plain = rows(exported(logdir, OF["occlusion"], "csv"))
    assert "slice" not in plain[0]
    named = rows(exported(logdir, OF["occlusion"], "csv", slice="1"))
    of_mean = rows(exported(logdir, MEAN, "csv", slice="1", plane="sagittal"))
    of_plane = rows(exported(logdir, OF["saliency"], "csv", slice="0"))
    for step, old, row, mean, other in zip(STEPS, plain, named, of_mean, of_plane, strict=True):
        assert {name: row[name] for name in old} == old
        values = volumes.painted(volumes.lost(step))[1]
        assert (row["plane"], row["slice"]) == ("axial", "1")
        assert float(row["slice_maximum"]) == pytest.approx(values.max())
        assert float(row["slice_positive"]) == pytest.approx(np.maximum(values, 0).sum())
        assert int(row["slice_count"]) == values.size
        values = volumes.painted(volumes.mean(step).means.reshape(3, 3, 3))[:, :, 1]
        assert float(mean["slice_minimum"]) == pytest.approx(values.min(), rel=1e-5)
        assert (mean["plane"], mean["slice"]) == ("sagittal", "1")
        # As stored, in the method's unit.
        _, stored = volumes.explained(step)
        assert float(other["slice_maximum"]) == pytest.approx(stored.decode(1)[:6].max(), rel=1e-6)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"slice": "4"}, "slice 4: give 0 to 3"),
        ({"slice": "6", "plane": "coronal"}, "slice 6: give 0 to 5"),
        ({"slice": "5", "plane": "sagittal"}, "slice 5: give 0 to 4"),
        ({"slice": "-1"}, 'slice "-1"|slice "-1": give|give 0 to'),
        ({"slice": "one"}, 'slice "one": give a whole number'),
        ({"plane": "oblique"}, 'plane "oblique": give axial, coronal, sagittal'),
    ],
)
def test_a_slice_that_is_not_there_is_refused(logdir, words, reason):
    for kind in ("png", "npz", "csv"):
        with pytest.raises(ExportError, match=reason):
            exported(logdir, OF["occlusion"], kind, **words)


def test_a_picture_has_no_slices(logdir):
    flat = MapSubject("flat", "p", 0, "occlusion")
    for words in ({"slice": "0"}, {"plane": "axial"}):
        with pytest.raises(ExportError, match="the image is a picture and has no slices"):
            exported(logdir, flat, "png", **words)


def test_volumes_of_other_depths_are_no_one_array(tmp_path):
    log = logs.Log(tmp_path / "run")
    for step, depth in enumerate((4, 6)):  # of the same sheet
        about, planes = logs.saliency({1: np.ones(volumes.SHEET)}, depth=depth)
        given = volumes.shown()
        values = logs.image_values(
            0, logs.scores(volumes.odds(step)), volumes.occluded(step), (about, planes), given
        )
        log.write(step, values, 1000 + step)
    log.close()
    probe = tensorboard_picasso.read(tmp_path)["run"]["p"]
    with pytest.raises(ExportError, match="maps of several sizes: pass step="):
        probe.maps(0, "saliency")
    assert probe.maps(0, "saliency", step=1).values.shape == (1, 6, 4, 5)
    with pytest.raises(ExportError, match="other windows or another size than step 1"):
        exported(tmp_path, OF["saliency"], "npz")
