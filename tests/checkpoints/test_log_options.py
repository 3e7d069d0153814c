"""What `python -m tensorboard_picasso log` is told of models, images and probes, and what it says of them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.checkpoints.trained import MODELS, ROOT, STEPS, command, folder, state, whole
from tests.kit import events

__all__ = ["folder", "whole"]


@pytest.fixture(scope="module")
def normalised(folder, tmp_path_factory):
    """Weights of a model that tells the three classes of images, given normalised ones."""
    where = tmp_path_factory.mktemp("normalised")
    names: dict = {}
    exec(MODELS, names)
    torch.manual_seed(0)
    model = names["normal"]()
    files = sorted((folder / "images").rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(each)) for each in files]) / 255
    x = torch.from_numpy((pixels.transpose(0, 3, 1, 2) - 0.5) / 0.1).float()
    y = torch.arange(3).repeat_interleave(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for step in range(101):
        if step in (0, 100):
            torch.save(model.state_dict(), where / f"step={step}.pt")
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return where


def test_what_the_model_is_given_is_said_and_what_does_not_fit_is_warned_of(
    folder, normalised, tmp_path
):
    options = {"model": "models:normal", "checkpoints": normalised}
    status, _, err = command(folder, tmp_path / "without", **options)
    assert status == 0, err
    lines = err.splitlines()
    assert lines[0].startswith("picasso: 2 checkpoints")
    assert lines[1].startswith(
        "picasso: 6 images of 8×8×3; the model is given (n, 3, 8, 8), channels first, float32 from"
        " 0"
    )
    pixels = [np.asarray(Image.open(each)) / 255 for each in (folder / "images").rglob("*.png")]
    numbers = f"(mean {np.mean(pixels):.2g}, standard deviation {np.std(pixels):.2g})"
    assert lines[1].endswith(f" to 1 {numbers}")
    assert lines[2].startswith('picasso: step=100.pt: what arrives at "1" does not fit the mean')
    assert "--normalized MEAN STD, --value-range or --preprocess" in lines[2]
    # The remedy: with it nothing is warned of, and the labels are what is predicted.
    status, _, err = command(folder, tmp_path / "with", "--normalized", "0.5", "0.1", **options)
    assert status == 0, err
    lines = err.splitlines()
    assert "float32 from -5 to 5" in lines[1]
    assert "does not fit" not in err
    assert "are predicted as" not in err
    for (step, series), said in events.records(tmp_path / "with").items():
        if series.kind is Kind.SCORES and step == 100:
            assert int(said.values.argmax()) == series.image // 2


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_one_class_for_all_images_is_warned_of(folder, tmp_path, more):
    held = state(folder, 0)
    held["model.3.bias"] = torch.tensor([0.0, 0.0, 99.0])
    (tmp_path / "some").mkdir()
    torch.save(held, tmp_path / "some" / "step=5.pt")
    status, _, err = command(folder, tmp_path / "log", *more, checkpoints=tmp_path / "some")
    assert status == 0, err
    assert 'step=5.pt: 6 of 6 images are predicted as "emu", and 2 of them are: give the' in err


def test_another_order_of_classes_is_warned_of(folder, normalised, tmp_path):
    def log(name, *classes):
        (tmp_path / name).write_text("\n".join(classes))
        return command(
            folder, tmp_path / f"log {name}", "--normalized", "0.5", "0.1", "--class-names",
            tmp_path / name, model="models:normal", checkpoints=normalised,
        )  # fmt: skip

    status, _, err = log("turned", "dog", "emu", "cat")
    assert status == 0, err
    assert (
        'step=100.pt: 6 of 6 images are predicted alike, class by class, and wrong: "dog" as "emu",'
        ' "emu" as "cat", "cat" as "dog": give the model\'s own order of classes, by --class-names'
    ) in err
    status, _, err = log("own", "cat", "dog", "emu")
    assert status == 0, err
    assert "class by class" not in err


def test_another_setting_is_named_with_both_values(folder, normalised, tmp_path):
    def log(*more):
        return command(folder, tmp_path, *more, model="models:normal", checkpoints=normalised)

    begun = ("--normalized", "0.5", "0.1")
    assert log(*begun)[0] == 0
    mask = Image.new("L", (8, 8))
    mask.paste(255, (0, 0, 4, 4))
    (tmp_path / "regions").mkdir()
    mask.save(tmp_path / "regions" / "corner.png")
    for more, reason in (
        ([], "begun with --normalized 0.5 0.1, not with no --normalized: pass the same, or"),
        (["--normalized", "0.5", "0.2"], "--normalized 0.5 0.1, not with --normalized 0.5 0.2"),
        ([*begun, "--value-range", "-1", "1"], "--value-range 0 1, not with --value-range -1 1"),
        ([*begun, "--channels", "1"], "begun with no --channels, not with --channels 1"),
        ([*begun, "--preprocess", "models:scaled"], "no --preprocess, not with --preprocess model"),
        ([*begun, "--output", "raw"], "begun with no --output, not with --output raw"),
        ([*begun, "--max-images", "3"], 'with 6 images of probe "images", not with 3'),
        ([*begun, "--regions", tmp_path / "regions"], "the log has other regions for 0.png"),
    ):
        status, _, err = log(*more)
        assert status == 2, more
        assert reason in err.splitlines()[-1]
        assert "other images" not in err
    assert log(*begun)[:2] == (0, f"nothing new: {tmp_path} has all 2 steps\n")


def test_listing_needs_the_checkpoints_alone(folder):
    def listed(*more):
        done = subprocess.run(
            [sys.executable, "-m", "tensorboard_picasso", "log", *more], cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    status, out, err = listed("--checkpoints", "checkpoints", "--list")
    assert (status, err) == (0, "")
    assert [int(line.split()[0]) for line in out.splitlines()] == list(STEPS)
    for more, reason in (
        ([], "pass --images or --probe"),
        (["--images", "images"], "pass --logdir"),
    ):
        status, out, err = listed("--checkpoints", "checkpoints", *more)
        assert (status, out) == (2, "")
        assert reason in err.splitlines()[-1]


def test_options_that_describe_the_images(folder, tmp_path):
    (tmp_path / "flat").mkdir()
    for number in range(3):
        Image.new("L", (8, 8), 51 * number).save(tmp_path / "flat" / f"{number}.png")
    (tmp_path / "labels").write_text("0.png,b\n1.png,2\n2.png,a\n")
    (tmp_path / "names").write_text("a\nb\nc\n")
    (tmp_path / "regions").mkdir()
    mask = Image.new("L", (8, 8))
    mask.paste(255, (0, 0, 4, 4))
    mask.save(tmp_path / "regions" / "corner.png")
    status, _, err = command(
        folder, tmp_path / "log", "--images", tmp_path / "flat", "--labels", tmp_path / "labels",
        "--class-names", tmp_path / "names", "--regions", tmp_path / "regions", "--channels", 3,
        "--normalized", "0.5,0.5,0.5", "0.25", "--targets", "c", "--methods", "occlusion",
        "--output", "logits", "--max-images", 2, "--name", "greys", "--fill", "black",
    )  # fmt: skip
    assert status == 0, err
    assert "2 of 3 images" in err
    records = events.records(tmp_path / "log")
    shown = {s.image: each for (_, s), each in records.items() if s.kind is Kind.INPUT}
    assert [shown[i].label for i in (0, 1)] == [1, 2]
    assert shown[0].class_names == ("a", "b", "c")
    assert shown[0].regions["corner"].sum() == 16
    said = next(each for (_, s), each in records.items() if s.kind is Kind.SCORES and not s.image)
    assert set(said.targets) >= {1, 2}
    assert said.hidden
    assert {series.probe for _, series in records} == {"greys"}


# In none, and three of any form.
LABELS = np.add.outer(np.arange(8), np.arange(8)) // 3 - 1


def coco(where):
    images = [
        {"id": 2 * place + number, "file_name": f"{kind}/{number}.png", "height": 8, "width": 8}
        for place, kind in enumerate(("cat", "dog", "emu"))
        for number in range(2)
    ]
    objects = [
        {"image_id": each["id"], "category_id": 1, "bbox": [each["id"], 1, 2, 3]} for each in images
    ]
    held = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "beak"}]}
    (where / "instances.json").write_text(json.dumps(held))
    return where / "instances.json"


def voc(where):
    """An object in the first image of each class, which are all called alike."""
    (where / "Annotations").mkdir()
    sides = "<xmin>1</xmin><ymin>2</ymin><xmax>2</xmax><ymax>4</ymax>"
    (where / "Annotations" / "0.xml").write_text(
        "<annotation><size><height>8</height><width>8</width></size><object><name>beak</name>"
        f"<bndbox>{sides}</bndbox></object></annotation>"
    )
    return where / "Annotations"


@pytest.mark.parametrize("shared", [False, True], ids=["one an image, COCO", "one for all, VOC"])
def test_segments_and_annotated_objects_lie_in_files_beside_the_images(folder, tmp_path, shared):
    labels = [LABELS if shared else np.roll(LABELS, image, 1) for image in range(6)]
    segments = tmp_path / "labels.npy"
    if shared:
        np.save(segments, LABELS)
    else:
        segments = tmp_path / "labels"
        for image, each in enumerate(labels):
            kind = segments / ("cat", "dog", "emu")[image // 2]
            kind.mkdir(parents=True, exist_ok=True)
            if image % 2:
                np.save(kind / "1.npy", each)
            else:
                Image.fromarray((each + 1).astype(np.uint8)).save(kind / "0.png")
    status, _, err = command(
        folder, tmp_path / "log", "--segments", segments, "--regions",
        (voc if shared else coco)(tmp_path), "--methods", "occlusion", windows=(), edits=(),
    )  # fmt: skip
    assert status == 0, err
    for image in range(6):
        grid = events.logged(tmp_path / "log", Kind.METHOD, image, "occlusion").grid
        # A picture's numbers are none below zero.
        first = -1 if shared or image % 2 else 0
        np.testing.assert_array_equal(grid.segments, labels[image] - (-1 - first))
        beaks = events.logged(tmp_path / "log", Kind.INPUT, image).regions
        expected = np.zeros((8, 8), bool)
        left = 0 if shared else image
        expected[1:4, left : left + 2] = True
        if shared and image % 2:
            assert not beaks
        else:
            np.testing.assert_array_equal(beaks["beak"], expected)


def test_images_go_to_the_model_as_asked(folder, whole, tmp_path):
    """Values of 0 to 255 that `--preprocess` brings to 0 to 1 are what is given by default."""
    more = ("--value-range", 0, 255, "--preprocess", "models:scaled", "--methods", "occlusion")
    status, _, err = command(folder, tmp_path, *more)
    assert status == 0, err
    for step, scores in events.whole_scores(whole).items():
        assert events.whole_scores(tmp_path)[step] == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_a_probe_of_ones_own_is_explained(folder, tmp_path, more):
    """Its score is twice the model's, which images from a folder cannot ask for."""
    status, _, err = command(folder, tmp_path, *more, of=("--probe", "models:probe"))
    assert status == 0, err
    found = events.records(tmp_path)
    names: dict = {}
    exec(MODELS, names)
    model = names["build"]()
    model.load_state_dict(
        {name.removeprefix("model."): each for name, each in state(folder, STEPS[-1]).items()}
    )
    images = names["probe"]().images
    for index, image in enumerate(images):
        last = found[STEPS[-1], Series("own", index, Kind.SCORES)]
        raw = 2 * model(torch.tensor(image.transpose(2, 0, 1)[None])).detach().numpy()[0]
        others = [np.logaddexp.reduce(np.delete(raw, each)) for each in range(3)]
        np.testing.assert_allclose(last.values, raw - others, rtol=1e-4, atol=1e-5)


def test_a_probe_of_dense_outputs_is_explained(folder, tmp_path):
    """Each score is the mean log-odds over all pixels, as the ops record it."""
    torch.manual_seed(0)
    networks = [torch.nn.Conv2d(3, 3, 3, padding=1) for _ in range(3)]
    (tmp_path / "checkpoints").mkdir()
    for step, each in enumerate(networks):
        torch.save(each.state_dict(), tmp_path / "checkpoints" / f"step={step}.pt")
    status, _, err = command(
        folder, tmp_path / "log", model="models:segmenter", of=("--probe", "models:dense"),
        checkpoints=tmp_path / "checkpoints",
    )  # fmt: skip
    assert status == 0, err
    names: dict = {}
    exec(MODELS, names)
    probe = names["dense"]()
    for step, network in enumerate(networks):
        summary.attribution(
            probe, network, methods=[summary.Occlusion(4, 2)], writer=tmp_path / "ops", step=step
        )
    found, expected = events.records(tmp_path / "log"), events.records(tmp_path / "ops")
    for index in range(2):
        for step in range(3):
            at = step, Series("dense", index, Kind.SCORES)
            np.testing.assert_allclose(found[at].values, expected[at].values, rtol=1e-5)
            assert found[at].targets[0] == probe.labels[index]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--probe", "models:with_lambda", "--workers", "2"], "at the top of a module"),
        (["--probe", "models:build"], "returns Sequential: return a Probe"),
        (["--probe", "models:probe", "--max-images", "3"], "--max-images beside --probe"),
    ],
)
def test_a_probe_that_cannot_be_used_is_refused(folder, tmp_path, more, reason):
    status, out, err = command(folder, tmp_path, *more, of=())
    assert (status, out) == (2, "")
    assert reason in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--model", "models:nothing"], "--model models:nothing: module 'models' has no attribute"),
        (["--model", "models"], "--model models: pass module:function"),
        (["--checkpoints", "images"], "no checkpoints in images"),
        (["--images", "checkpoints"], "--images checkpoints: no images"),
        (["--methods", "occlusion", "magic"], "method 'magic' is unknown"),
        (["--methods", "saliency"], "--window: is of occlusion"),
        (["--regions", "nowhere"], "--regions nowhere: no such file or directory"),
        (["--output", "probabilities"], "output='probabilities', but scores span"),
        (["--channels", "1"], "channels"),
        (["--logdir", "s3://bucket/log"], "pass a local directory"),
        (["--probe", "models:probe"], "not allowed with argument --images"),
    ],
)
def test_what_is_wrong_is_said_in_a_few_words(folder, tmp_path, more, reason):
    status, out, err = command(folder, tmp_path, *more)
    assert (status, out) == (2, "")
    assert reason in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
