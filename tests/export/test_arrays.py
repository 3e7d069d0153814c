"""`tensorboard_picasso.read`: what was logged, as arrays, by hand."""

import subprocess
import sys

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.numbers import located, maps
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 6, 4, 1), np.uint8)
WEIGHTS = np.random.default_rng(1).normal(size=(24, 3)).astype(np.float32)
TOP = np.arange(6)[:, None] < np.full(4, 2)


def model(step):
    return lambda x: (x.reshape(len(x), -1) @ WEIGHTS / 255 * (1 + step)).astype(np.float32)


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays")
    made = summary.Probe(
        "p", IMAGES, labels=[2, 0], class_names=["a", "b", "c"], names=["one", "two"],
        output="raw", regions={"top": TOP}, region_fill="black",
    )  # fmt: skip
    for step in (0, 10):
        occlusion = summary.Occlusion(2, 2, fill="black")
        assert summary.attribution(
            made, model(step), methods=[occlusion], writer=path / "run", step=step, epoch=step / 10
        )
    summary.flush()
    log = tensorboard_picasso.read(path)
    assert {run: list(probes) for run, probes in log.items()} == {"run": ["p"]}
    return log["run"]["p"]


def test_what_there_is(probe):
    assert (probe.images, probe.methods, probe.class_names) == (
        [0, 1],
        ["occlusion"],
        ("a", "b", "c"),
    )
    assert probe.steps().tolist() == probe.steps("occlusion").tolist() == [0, 10]
    picture = probe.picture(0)
    np.testing.assert_array_equal(picture.pixels, np.repeat(IMAGES[0], 3, axis=2))
    assert (picture.name, picture.labels, picture.source_index) == ("one", (2,), None)
    np.testing.assert_array_equal(picture.regions["top"], TOP)
    assert probe.picture(1).labels == (0,)


def test_scores_are_the_models(probe):
    found = probe.scores(1)
    assert (found.steps.tolist(), found.epochs.tolist(), found.output) == ([0, 10], [0, 1], "raw")
    assert found.classes.tolist() == [0, 1, 2]
    without = np.where(TOP[:, :, None], 0, IMAGES[1]).astype(np.uint8)
    for number, step in enumerate(found.steps):
        np.testing.assert_allclose(found.values[number], model(step)(IMAGES[1:])[0], rtol=1e-5)
        ((key, hidden),) = found.hidden.items()
        assert key == ("top", "black")
        np.testing.assert_allclose(hidden[number], model(step)(without[None])[0], rtol=1e-5)
    assert np.all(np.diff(found.wall_times) >= 0)


def test_windows_and_the_maps_that_they_make(probe):
    windows, maps = probe.windows(0), probe.maps(0, "occlusion")
    assert (windows.tops.tolist(), windows.lefts.tolist(), windows.window) == (
        [0, 2, 4],
        [0, 2],
        (2, 2),
    )
    assert (maps.target, maps.reading, maps.parameters["fill"]) == (2, "importance", "black")
    assert maps.steps.tolist() == windows.steps.tolist() == [0, 10]
    for number, step in enumerate(windows.steps):
        np.testing.assert_allclose(windows.whole[number], model(step)(IMAGES[:1])[0], rtol=1e-5)
        for i, top in enumerate(windows.tops):
            for j, left in enumerate(windows.lefts):
                image = IMAGES[0].copy()
                image[top : top + 2, left : left + 2] = 0
                expected = model(step)(image[None])[0]
                np.testing.assert_allclose(windows.hidden[number, i, j], expected, rtol=1e-5)
    taken = (windows.whole[:, None, None] - windows.hidden)[..., 2]
    np.testing.assert_allclose(maps.values, taken.repeat(2, 1).repeat(2, 2), rtol=1e-4, atol=1e-5)
    one = probe.maps(0, "occlusion", target=0, step=10)
    taken = (windows.whole[:, None, None] - windows.hidden)[1, ..., 0]
    np.testing.assert_allclose(one.values[0], taken.repeat(2, 0).repeat(2, 1), rtol=1e-4, atol=1e-5)


def write(path, step, height, plane, spoil=False):
    log = logs.Log(path / "run", f"events.out.tfevents.{step}.test")
    about, planes = logs.saliency({0: plane})
    odds = record.pack_scores(logs.scores(np.zeros(2)))
    named = ("p", 0), ("saliency", "saliency")
    log.write(
        step,
        [
            (Series("p", 0, Kind.INPUT), record.pack_input(logs.shown((height, 4)))),
            (Series("p", 0, Kind.SCORES), odds[:-1] + b"x" if spoil else odds),
            (Series(*named[0], Kind.METHOD, *named[1]), record.pack_attribution(about)),
            (Series(*named[0], Kind.MAP, *named[1]), record.pack_maps(planes)),
        ],
        100.0 + step,
    )
    log.close()


def test_maps_without_windows_and_sizes_that_change(tmp_path):
    planes = [np.random.default_rng(step).random((4, 4)).astype(np.float32) for step in range(2)]
    for step, plane in enumerate(planes):
        write(tmp_path, step, 4, plane)
    probe = tensorboard_picasso.read(tmp_path)["run"]["p"]
    found = probe.maps(0, "saliency", target=0)
    np.testing.assert_allclose(found.values, planes, atol=0.01)
    with pytest.raises(NotThereError, match=r"saliency has no windows: use maps\(\)"):
        probe.windows(0, "saliency")
    write(tmp_path, 2, 6, np.ones((6, 4), np.float32))
    probe = tensorboard_picasso.read(tmp_path)["run"]["p"]
    with pytest.raises(ExportError, match="maps of several sizes: pass step="):
        probe.maps(0, "saliency", target=0)
    assert probe.maps(0, "saliency", target=0, step=2).values.shape == (1, 6, 4)


def test_what_is_damaged_is_warned_of_and_left_out(tmp_path):
    for step in range(3):
        write(tmp_path, step, 4, np.ones((4, 4), np.float32), spoil=step == 1)
    probe = tensorboard_picasso.read(tmp_path)["run"]["p"]
    with pytest.warns(UserWarning, match="run, image 0, step 1: damaged record"):
        assert probe.scores(0).steps.tolist() == [0, 2]


def test_what_is_not_there_says_what_is(probe, tmp_path):
    write(tmp_path, 0, 4, np.ones((4, 4), np.float32))
    log = tensorboard_picasso.read(tmp_path)
    with pytest.raises(KeyError, match="no run 'other': there are run"):
        log["other"]
    with pytest.raises(KeyError, match="no probe 'q': there are p"):
        log["run"]["q"]
    with pytest.raises(NotThereError, match="no image 7: there are 0, 1"):
        probe.scores(7)
    with pytest.raises(NotThereError, match='no method "rise": there are occlusion'):
        probe.windows(0, "rise")
    with pytest.raises(NotThereError, match="no step 5"):
        probe.maps(0, "occlusion", step=5)
    with pytest.raises(ExportError, match="no directory"):
        tensorboard_picasso.read(tmp_path / "nothing")
    with pytest.raises(AttributeError, match="no attribute 'write'"):
        tensorboard_picasso.write  # noqa: B018


def test_importing_the_package_reads_nothing():
    code = "import sys, tensorboard_picasso as t; assert 'numpy' not in sys.modules; t.read"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_regions_are_those_of_the_maps_that_are_read(probe):
    """By NumPy, from what `maps` gives."""
    for image, target in ((0, 2), (1, 0)):
        made = probe.maps(image, "occlusion", target)
        found = probe.regions(image, "occlusion", target)
        assert list(found) == ["top"]
        top = found["top"]
        assert top.steps.tolist() == made.steps.tolist() == [0, 10]
        for number, values in enumerate(made.values.astype(np.float64)):
            share = maps.share(values, TOP).positive
            grown = located.grown(TOP, top.tolerance)
            [of] = located.located(values, [(TOP, grown)], maps.Sign.CONTRIBUTION)
            assert top.share[number] == pytest.approx(share, rel=1e-5)
            assert (top.pointing[number], top.iou[number]) == (of.pointing, pytest.approx(of.iou))
        assert top.chance == {
            "share": TOP.mean(),
            "pointing": grown.mean(),
            "iou": located.iou_by_chance(int(TOP.sum()), TOP.size),
        }
        assert top.tolerance == located.tolerance(*TOP.shape)
        for name in ("share", "pointing", "iou"):
            assert np.isnan(top.second[name]).all()
    assert probe.regions(0, "occlusion")["top"].share.tolist() == (
        probe.regions(0, "occlusion", 2)["top"].share.tolist()
    )
