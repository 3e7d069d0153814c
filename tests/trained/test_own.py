"""`explain --model my_module:build`: what is logged is what the model says of what it is given."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events
from tests.kit.serving import get
from tests.trained.asked import explain, of_kind, picture

ROOT = Path(__file__).parents[2]
MODULE = """
import time
import numpy as np
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12 * 8 * 3, 4))

def function():
    weights = np.random.default_rng(0).normal(size=(12 * 8 * 3, 4))
    return lambda x: x.reshape(len(x), -1) @ weights

def turned(x):
    return x[..., ::-1].transpose(0, 3, 1, 2).copy()

def broken():
    raise RuntimeError("no data here")

class Slow(nn.Sequential):
    def forward(self, x):
        time.sleep(0.05 * len(x))
        return super().forward(x)

def slow():
    return Slow(*build())
"""
SIZE = ("--size", 12, 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A module, and pictures in folders of which one is named for a class."""
    path = tmp_path_factory.mktemp("own")
    (path / "its_models.py").write_text(MODULE)
    (path / "names.txt").write_text("ant\nqueen bee\ncat\ndog\n")
    for place, size in (("Queen_Bee/0.png", (30, 24)), ("cat/deep/1.png", (16, 40))):
        (path / "photos" / place).parent.mkdir(parents=True)
        picture(*size, seed=len(place)).save(path / "photos" / place)
    picture(16, 24).save(path / "photos" / "2.jpg")
    return path


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def middle(path):
    """The largest middle part of 12:8, at that size, by hand."""
    with Image.open(path) as image:
        image = image.convert("RGB")
    width, height = image.size
    across = min(width, height * 8 / 12)
    down = across * 12 / 8
    left, top = (width - across) / 2, (height - down) / 2
    box = (left, top, left + across, top + down)
    return np.asarray(image.resize((8, 12), Image.Resampling.BILINEAR, box))


def model(name="build"):
    names: dict = {}
    exec(MODULE, names)
    return names[name]()


def odds(logits):
    logits = np.asarray(logits, np.float64)
    others = [np.log(np.exp(np.delete(logits, k)).sum()) for k in range(len(logits))]
    return logits - others


def test_the_model_is_given_the_middle_of_each_picture_as_options_say(here, tmp_path):
    status, out, err = explain(
        "--model", "its_models:build", "--images", "photos", "--logdir", tmp_path, *SIZE,
        "--value-range", -1, 1, "--normalized", "0.1,0.2,0.3", 0.5, "--class-names", "names.txt",
    )  # fmt: skip
    assert status == 0, err
    files = ["photos/2.jpg", "photos/Queen_Bee/0.png", "photos/cat/deep/1.png"]
    pixels = [middle(each) for each in files]
    given = (np.stack(pixels) / 127.5 - 1 - [0.1, 0.2, 0.3]) / 0.5
    x = torch.from_numpy(given.transpose(0, 3, 1, 2).astype(np.float32))
    with torch.no_grad():
        logits = model()(x).numpy()
    for said, row in zip(of_kind(tmp_path, Kind.SCORES), logits, strict=True):
        np.testing.assert_allclose(said.values, odds(row), atol=1e-4)
    for line, row in zip(out.splitlines(), logits, strict=False):
        rest = line.partition(": ")[2]
        names = ["ant", "queen bee", "cat", "dog"]
        best = [names[each] for each in np.argsort(-row)[:3]]
        assert [each.rpartition(" ")[0] for each in rest.split(", ")] == best
    inputs = of_kind(tmp_path, Kind.INPUT)
    assert [each.name for each in inputs] == ["2.jpg", "0.png", "1.png"]
    assert (inputs[0].height, inputs[0].width) == (12, 8)
    # One picture alone is in a folder that is named for a class.
    assert "1 of 3 pictures are in a folder that is named for a class" in err
    assert all(each.label is None for each in inputs)


def test_folders_that_are_named_for_classes_are_labels(here, tmp_path):
    (tmp_path / "some" / "cat").mkdir(parents=True)
    shutil.copy("photos/cat/deep/1.png", tmp_path / "some" / "cat")
    shutil.copytree("photos/Queen_Bee", tmp_path / "some" / "Queen_Bee")
    status, _, err = explain(
        "--model", "its_models:build", "--images", tmp_path / "some", "--class-names",
        "names.txt", "--methods", "occlusion", "--logdir", tmp_path / "log", *SIZE,
    )  # fmt: skip
    assert status == 0, err
    assert [each.label for each in of_kind(tmp_path / "log", Kind.INPUT)] == [1, 2]


def test_segments_are_hidden_in_place_of_windows(here, tmp_path):
    labels = np.arange(12 * 8).reshape(12, 8) // 30
    np.save(tmp_path / "labels.npy", labels)
    for number, (asked, name) in enumerate(
        ((tmp_path / "labels.npy", "label map"), ("slic:6", "SLIC, about 6"))
    ):
        logdir = tmp_path / str(number)
        status, out, err = explain(
            "--model", "its_models:build", "--images", "photos", *SIZE, "--segments", asked,
            "--methods", "occlusion", "--logdir", logdir,
        )  # fmt: skip
        assert status == 0, err
        found = events.logged(logdir, Kind.METHOD, 0, "occlusion")
        assert found.parameters["segments"] == name
        assert f"occlusion {found.grid.values.shape[0]} segments" in out
        if not number:
            np.testing.assert_array_equal(found.grid.segments, labels)


def test_of_a_function_occlusion_alone_is_made_and_preprocess_is_its_own(here, tmp_path):
    status, _, err = explain(
        "--model", "its_models:function", "--preprocess", "its_models:turned", "--images",
        "photos/*.jpg", "--logdir", tmp_path, *SIZE,
    )  # fmt: skip
    assert status == 0, err
    assert "picasso: saliency is left out: " in err
    given = (middle("photos/2.jpg") / 255).astype(np.float32)[..., ::-1].transpose(2, 0, 1)
    (said,) = of_kind(tmp_path, Kind.SCORES)
    np.testing.assert_allclose(
        said.values, odds(model("function")(given[None])[0]), rtol=1e-5, atol=1e-4
    )
    labels = {series.label for (_, series) in events.records(tmp_path)} - {""}
    assert labels == {"occlusion"}


def test_a_picture_is_turned_as_its_camera_says(here, tmp_path):
    lying = picture(24, 16)
    exif = Image.Exif()
    exif[0x0112] = 6  # the top is at the right
    lying.save(tmp_path / "turned.png", exif=exif)
    lying.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    status, _, err = explain(
        "--model", "its_models:build", "--images", tmp_path, "--methods", "occlusion",
        "--logdir", tmp_path / "log", *SIZE,
    )  # fmt: skip
    assert status == 0, err
    one, other = of_kind(tmp_path / "log", Kind.INPUT)
    assert one.png == other.png


def test_what_is_no_picture_is_named_and_the_others_are_explained(here, tmp_path):
    shutil.copy("photos/2.jpg", tmp_path / "good.jpg")
    (tmp_path / "bad.png").write_text("no picture")
    Image.fromarray(np.zeros((16, 16), np.uint16)).save(tmp_path / "deep.png")
    (tmp_path / "notes.txt").write_text("no picture either, and not meant")
    options = ("--methods", "occlusion", "--logdir", tmp_path / "log", *SIZE)
    status, out, err = explain("--model", "its_models:build", "--images", tmp_path, *options)
    assert status == 0, err
    assert re.search(r"bad\.png: no picture .*: left out", err)
    assert re.search(r"deep\.png: I;16 pixels, .*: left out", err)
    assert "notes" not in err
    assert out.splitlines()[0].startswith("good.jpg: ")
    (tmp_path / "good.jpg").unlink()
    options = ("--logdir", tmp_path / "other", *SIZE)
    status, _, err = explain("--model", "its_models:build", "--images", tmp_path, *options)
    assert status == 2
    assert "none can be read" in err


def test_a_file_of_weights_is_read(here, tmp_path):
    torch.manual_seed(5)
    other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12 * 8 * 3, 4))
    torch.save(other.state_dict(), tmp_path / "it.pt")
    status, _, err = explain(
        "--model", "its_models:build", "--weights", tmp_path / "it.pt", "--images",
        "photos/2.jpg", "--methods", "occlusion", "--logdir", tmp_path / "log", *SIZE,
    )  # fmt: skip
    assert status == 0, err
    x = torch.from_numpy((middle("photos/2.jpg") / 255).transpose(2, 0, 1)[None]).float()
    (said,) = of_kind(tmp_path / "log", Kind.SCORES)
    with torch.no_grad():
        np.testing.assert_allclose(said.values, odds(other(x)[0].numpy()), atol=1e-4)


def test_logs_that_are_there_are_left_alone(here, tmp_path, monkeypatch):
    shutil.copytree(here, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    words = ("--model", "its_models:build", "--images", "photos", "--methods", "occlusion", *SIZE)
    for number in ("", "-2"):
        status, out, _ = explain(*words)
        assert status == 0
        assert out.endswith(f"now: tensorboard --logdir logs/explain/its_models-build{number}\n")
        assert len(of_kind(f"logs/explain/its_models-build{number}", Kind.SCORES)) == 3


def test_what_the_models_code_raises_is_one_line(here, tmp_path):
    for name, reason in (
        ("its_models:broken", "--model its_models:broken: RuntimeError: no data here"),
        ("its_models:nothing", "--model its_models:nothing: module 'its_models' has no attribute"),
        ("no_module:build", "--model no_module:build: No module named 'no_module'"),
    ):
        status, out, err = explain(
            "--model", name, "--images", "photos", "--logdir", tmp_path, *SIZE
        )
        assert (status, out) == (2, "")
        assert err.splitlines()[-1].startswith(f"python -m tensorboard_picasso explain: {reason}")
    wrong = explain(
        "--model", "its_models:build", "--images", "photos", "--size", 9, "--logdir", tmp_path
    )
    assert wrong[0] == 2
    assert "Traceback" not in wrong[2]


# As a terminal starts it: where the tests run in the background, Ctrl-C is ignored by all that they start.
STARTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tensorboard_picasso.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def start(folder, *words):
    command = [sys.executable, "-c", STARTED, "explain", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def test_cut_off_what_is_done_stays(folder, tmp_path):
    process = start(
        folder, "--model", "its_models:slow", "--images", "photos/2.jpg", "--methods", "saliency",
        "rise", "--logdir", tmp_path / "log", "--no-serve", *SIZE,
    )  # fmt: skip
    end = time.monotonic() + 240
    while not _has(tmp_path / "log", b"saliency") and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert f"what was done by then is in {tmp_path / 'log'}" in err
    assert len(of_kind(tmp_path / "log", Kind.METHOD, "saliency")) == 1
    assert not of_kind(tmp_path / "log", Kind.METHOD, "rise")


def _has(logdir, text):
    return any(text in each.read_bytes() for each in logdir.glob("*tfevents*"))


def test_the_tab_is_served_until_it_is_stopped(folder, tmp_path):
    process = start(
        folder, "--model", "its_models:build", "--images", "photos/2.jpg", "--methods",
        "occlusion", "--logdir", tmp_path / "log", *SIZE,
    )  # fmt: skip
    try:
        lines = iter(process.stdout.readline, "")
        address = next(line for line in lines if line.startswith("open "))
        found = re.fullmatch(r"open (http://localhost:\d+/)#picasso\n", address)
        assert found, address
        end = time.monotonic() + 240
        body = b""
        while b'"occlusion"' not in body and time.monotonic() < end:
            time.sleep(0.3)
            try:
                body = get(f"{found[1]}data/plugin/picasso/index")[1]
            except OSError:
                continue
        assert b'"occlusion"' in body
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "Traceback" not in err
