"""The demos: the decoy's images, that what it reports is what its log holds; the others run."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import tensorboard_picasso
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events, serving, vision

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "demo"))

import common  # noqa: E402
import decoy  # noqa: E402
import detection  # noqa: E402
import scenes  # noqa: E402
import volumes  # noqa: E402


def test_the_swatch_tells_the_class_by_its_shade():
    images = np.zeros((40, 28, 28, 1), np.float32)
    classes = np.arange(40) % 10
    given, masks = decoy.marked(images, classes, np.random.default_rng(0))
    assert (masks.sum((1, 2)) == 16).all()
    corners = masks[:, :4, :4] | masks[:, :4, -4:] | masks[:, -4:, :4] | masks[:, -4:, -4:]
    assert corners.all((1, 2)).all()
    assert {tuple(np.argwhere(mask)[0]) for mask in masks} == {(0, 0), (0, 24), (24, 0), (24, 24)}
    for image, mask, index in zip(given[..., 0], masks, classes, strict=True):
        np.testing.assert_allclose(image[mask] * 255, 255 - 25 * index, rtol=1e-6)
        assert not image[~mask].any()


def test_the_probe_watches_its_own_shades():
    _, (held_out, truth) = common.digits()
    probe = decoy.watched(held_out, truth)
    assert sorted(probe.labels) == sorted([*range(10)] * 2)
    assert probe.region_fills == ("black", "mean", "grey")
    for image, regions, label in zip(probe.images, probe.regions, probe.labels, strict=True):
        np.testing.assert_allclose(image[regions["swatch"]] * 255, 255 - 25 * label, rtol=1e-6)


def run(**values):
    steps = {0: 0.1, 118: 0.5, 2000: 0.9}
    lost = values.pop("lost")
    hidden = {fill: {s: p - lost for s, p in steps.items()} for fill in decoy.FILLS}
    moves = {fill: {0: 0.02, 118: 0.1 * lost + 0.02, 2000: lost} for fill in decoy.FILLS}
    since = 118 if lost else np.inf
    return decoy.Run(
        steps, hidden, moves, moves, {2000: values.pop("share")}, values.pop("corners"), since
    )


def test_bounds_are_checked():
    good = {
        "control": run(lost=0.0, share=0.006, corners=0.1),
        "decoy": run(lost=0.4, share=0.05, corners=2.3),
    }
    accuracies = {"control": 0.92, "decoy": 0.78}
    found = decoy.figures(good, accuracies, 125)
    assert all(each.met for each in found)
    assert sum(bool(each.bound) for each in found) == 10
    swapped = {"control": good["decoy"], "decoy": good["control"]}
    bad = decoy.figures(swapped, dict(zip(accuracies, (0.78, 0.92), strict=True)), 125)
    assert not any(each.met for each in bad if each.bound)


def test_the_step_is_that_of_the_form_that_is_flagged_first():
    names = [f"{name}, {form}" for form in ("swapped", "hidden") for name in
             ("swatch", "swatch elsewhere (1)", "swatch elsewhere (2)")]  # fmt: skip
    moves = np.zeros((4, 6, 20))
    asked = SimpleNamespace(steps=np.array([0, 10, 20, 30]), names=names, moves=moves)
    assert decoy._since(asked) == np.inf
    moves[3:, 0] = moves[1:, 3] = 0.4
    moves[:2, 4:] = 0.4  # elsewhere it did as much
    assert decoy._since(asked) == 20


def test_a_log_that_no_demo_made_is_left_alone(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(SystemExit, match="holds other files"):
        common.make_anew(tmp_path)
    assert (tmp_path / "mine").exists()
    common.make_anew(tmp_path / "new")
    (tmp_path / "new" / "run").mkdir()
    common.make_anew(tmp_path / "new")
    assert not (tmp_path / "new" / "run").exists()


# The others need none: PyTorch's writer and TensorBoard import it where it is installed.
OF_TENSORFLOW = ("decoy", "keras_digits", "tanks", "vgg16")


def run_demo(name, *arguments, **environment):
    script = [f"demo/{name}.py", "--no-serve", *map(str, arguments)]
    code = vision.RUN if name in OF_TENSORFLOW else f"{serving.ALONE}\n{vision.RUN}"
    command = [sys.executable, "-c", code, *script]
    # As many threads as this process may have: on cores that others use, more wait for each other.
    base = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        command, cwd=ROOT, env={**base, **environment}, capture_output=True, text=True, check=False
    )


def test_the_demo_learns_the_decoy(tmp_path):
    done = run_demo("decoy", "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.count(": met") == 10


def test_scenes_are_of_the_days_that_are_asked_for_and_masks_lie_on_the_tanks():
    drawn = scenes.scenes(8, 3, "clouds")
    assert [scene.cloudy for scene in drawn] == [scene.tank.any() for scene in drawn]
    for scene in drawn:
        assert scene.image.shape == (scenes.SIDE, scenes.SIDE, 3)
        red, _, blue = scene.image[:12].mean((0, 1))
        assert (blue > 1.3 * red) == (not scene.cloudy)  # the sky
    tank = drawn[1]
    assert 0.005 < tank.tank.mean() < 0.1
    rows, columns = np.nonzero(tank.tank)
    around = np.zeros_like(tank.tank)
    around[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    # Steel is greyer than grass.
    green = tank.image[..., 1] - tank.image[..., 2]
    assert green[tank.tank].mean() < green[around & ~tank.tank].mean()
    again = scenes.scenes(8, 3, "clouds")
    for one, other in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    days = {(scene.cloudy, bool(scene.tank.any())) for scene in scenes.scenes(40, 5)}
    assert len(days) == 4


def test_the_army_trains_on_clouds_and_its_log_alone_says_so(tmp_path):
    done = run_demo("tanks", "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = re.findall(r"^(\w+ ?\w*) +accuracy .*: ([\d.]+) .*: ([\d.]+)$", done.stdout, re.M)
    own, field = ({run.strip(): float(each[at]) for run, *each in said} for at in (0, 1))
    assert own["army"] >= 0.98 <= own["any day"]
    assert field["army"] <= 0.7
    assert field["any day"] >= 0.95
    log = tensorboard_picasso.read(tmp_path / "log")
    moved = {
        run: dict(zip(found.names, np.nanmean(found.moves[-1], 1), strict=True))
        for run in own
        for found in [log[f"{run}/picasso"]["sample"].edits()]
    }
    # The sky alone decides, and no tank is needed.
    for name in ("top, swapped", "donor's colours"):
        assert moved["army"][name] > 0.8
        assert moved["any day"][name] < 0.1
    for name in ("bottom, swapped", "blurred"):
        assert moved["army"][name] < 0.05
        assert moved["any day"][name] > 0.3


def test_the_detectors_score_is_the_best_box_that_overlaps_the_given_one():
    outputs = {
        "boxes": torch.tensor([[[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]]]),
        "objectness": torch.tensor([[0.0, 2.0, 9.0]], requires_grad=True),
        "classes": torch.tensor([[[3.0, 0, 0], [0, 1, 0], [0, 0, 5]]]),
    }
    found = detection.best_box(outputs, torch.tensor([[0.0, 0, 10, 10]]))
    sure = outputs["objectness"].sigmoid()[..., None] * outputs["classes"].softmax(-1)
    assert found.tolist() == sure[:, :2].amax(1).tolist()
    found.sum().backward()
    assert outputs["objectness"].grad[0, 2] == 0
    nowhere = detection.best_box(outputs, torch.tensor([[40.0, 40, 50, 50]]))
    assert nowhere.tolist() == [[0, 0, 0]]


def test_the_detector_logs_scores_that_hang_on_its_own_digit(tmp_path):
    done = run_demo("detection", "--epochs", 1, "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = events.records(tmp_path / "log" / "detector")
    scores = [each for (_, series), each in found.items() if series.kind is Kind.SCORES]
    assert {each.value_name for each in scores} == {"score"}
    assert all(len(each.values) == 10 and (each.values <= 1).all() for each in scores)
    assert {each.region for each in scores[0].hidden} == {"its digit", "the other"}


@pytest.mark.parametrize(
    ("demo", "run"), [("keras", "picasso"), ("torch", ""), ("jax", ""), ("lightning", "picasso")]
)
def test_demos_of_digits_learn_and_log(tmp_path, demo, run):
    done = run_demo(f"{demo}_digits", "--epochs", 1, "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    accuracies = re.findall(r"held-out accuracy ([\d.]+)%", done.stdout)
    assert min(map(float, accuracies)) > 80
    for rate in ("0.001", "0.0005"):
        steps = events.whole_scores(tmp_path / "log" / f"lr{rate}" / run)
        assert {0, 1, 10} <= set(steps)
        assert len(steps) > 30


def test_scans_hold_a_marker_where_they_are_told_to():
    for told in (True, False):
        drawn = volumes.scans(40, 0, told)
        assert drawn.labels.mean() == 0.5
        inside = drawn.images[..., 0]
        lit = np.array(
            [image[at].mean() > 0.7 for image, at in zip(inside, drawn.markers, strict=True)]
        )
        assert lit.mean() == 0.5
        assert (lit == drawn.labels).all() == told
        for image, ball, label in zip(inside, drawn.balls, drawn.labels, strict=True):
            assert (image[ball].mean() > 0.5) == label
    probe = volumes.watched(drawn, "scans", 6)
    assert [[*each] for each in probe.regions] == [["marker"], ["lesion", "marker"]] * 3


def test_a_network_on_scans_logs_maps_and_edits_of_them(tmp_path, monkeypatch):
    for name, count in (("TRAINED", 32), ("HELD_OUT", 16), ("SAMPLE", 4), ("WATCHED", 2)):
        monkeypatch.setattr(volumes, name, count)
    found = volumes.train(tmp_path, 1)
    assert found.keys() == {"control", "cue"}
    for run in found:
        logged = tensorboard_picasso.read(tmp_path)[run]
        shape = (3, volumes.DEPTH, volumes.SIDE, volumes.SIDE)
        assert logged["scans"].maps(1, "occlusion", 1).values.shape == shape
        assert np.isfinite(logged["sample"].edits().moves[-1, 1, 1::2]).all()


def photograph(folder):
    Image.fromarray(skimage.data.chelsea()).save(folder / "chelsea.png")
    return folder / "chelsea.png"


def labels(log):
    tags = {value.tag for _, value in events.values(log / "imagenet")}
    assert {f"photographs/{each}" for each in ("scores", "00/occlusion", "00/saliency")} <= tags


def test_an_imagenet_classifier_is_explained_on_a_photograph(tmp_path):
    done = run_demo(
        "imagenet", photograph(tmp_path), "--positions", 3, "--logdir", tmp_path / "log"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = re.search(r"chelsea.png: Egyptian cat (.+), tiger cat (.+), tabby (.+)", done.stdout)
    for text, known in zip(said.groups(), (0.41, 0.33, 0.16), strict=True):
        assert float(text) == pytest.approx(known, abs=0.03)  # resizing differs a little
    labels(tmp_path / "log")


def test_vgg16_takes_weights_from_a_file(tmp_path):
    import keras

    weights = tmp_path / "random.weights.h5"
    keras.applications.VGG16(weights=None).save_weights(weights)
    log = tmp_path / "log"
    done = run_demo(
        "vgg16", photograph(tmp_path), "--positions", 2, "--weights", weights, "--logdir", log
    )
    weights.unlink()  # half a gigabyte
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("chelsea.png: ")
    labels(log)


def test_vgg16_says_where_its_weights_are(tmp_path):
    # No cache, and a proxy that does not answer.
    nowhere = {"KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    missing = run_demo("vgg16", "--logdir", tmp_path / "log", **nowhere)
    assert missing.returncode == 1
    assert "could not be downloaded" in missing.stderr
    assert "Traceback" not in missing.stderr
    assert not (tmp_path / "log").exists()
    import vgg16

    with pytest.raises(SystemExit) as wrong:
        vgg16.classifier(tmp_path / "none.h5")
    assert f"are not in {tmp_path}/none.h5" in str(wrong.value)
    for said in (missing.stderr, str(wrong.value)):
        assert "pass --weights FILE" in said
