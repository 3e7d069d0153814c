"""`python -m tensorboard_picasso log`, as a user runs it: a process of its own."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.compat.proto import event_pb2

from tensorboard_picasso import summary
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import events, logs

ROOT = Path(__file__).parents[2]
STEPS = range(0, 60, 10)

MODELS = """
import time
import numpy as np
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))

def probe():
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)
    return summary.Probe(
        "own", images, labels=[2, 0], score=doubled, output="logits", data_format="channels_first"
    )

def doubled(outputs):
    return 2 * outputs

def segmenter():
    return nn.Conv2d(3, 3, 3, padding=1)

def dense():
    from tensorboard_picasso import summary
    images = np.random.default_rng(1).random((2, 3, 8, 8)).astype(np.float32)
    return summary.Probe(
        "dense", images, labels=[2, 0], mean_over="all", output="logits",
        data_format="channels_first",
    )

def with_lambda():
    from tensorboard_picasso import summary
    return summary.Probe("own", np.zeros((1, 8, 8, 3), np.float32), score=lambda y: y)

def scaled(x):
    return x.transpose(0, 3, 1, 2) / 255

class Slow(nn.Sequential):
    def forward(self, x):
        time.sleep(0.1)
        return super().forward(x)

def slow():
    return Slow(*build())

def normal():
    # Its batch norm comes to hold statistics of images that are normalised by 0.5 and 0.1.
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3)
    )

def in_keras():
    import keras
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)]
    )
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a module, images of three classes, and checkpoints of six steps."""
    path = tmp_path_factory.mktemp("work")
    (path / "models.py").write_text(MODELS)
    random = np.random.default_rng(0)
    for kind in ("cat", "dog", "emu"):
        (path / "images" / kind).mkdir(parents=True)
        for number in range(2):
            pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / "images" / kind / f"{number}.png")
    write(path / "checkpoints", path, STEPS)
    return path


def state(path, step):
    names: dict = {}
    exec((path / "models.py").read_text(), names)
    torch.manual_seed(step)
    model = names["build"]()
    return {f"model.{name}": value for name, value in model.state_dict().items()}


def write(where, path, steps):
    where.mkdir(exist_ok=True)
    for step in steps:
        held = {"state_dict": state(path, step), "epoch": step // 20, "global_step": step}
        torch.save(held, where / f"epoch={step // 20}-step={step}.ckpt")


def words(
    logdir, *more, model="models:build", checkpoints="checkpoints", of=("--images", "images")
):
    return [
        sys.executable, "-m", "tensorboard_picasso", "log", "--model", model,
        "--checkpoints", str(checkpoints), *of, "--logdir", str(logdir),
        "--window", "4", "--stride", "2", *map(str, more),
    ]  # fmt: skip


def start(folder, *given, **options):
    return subprocess.Popen(
        words(*given, **options), cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def command(folder, *given, **options):
    process = start(folder, *given, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def values(logdir):
    """All that was written, in order, wall time apart."""
    return [(step, value.tag, value.SerializeToString()) for step, value in events.values(logdir)]


def logged(logdir):
    return sorted({step for step, _ in events.records(logdir)})


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """The log of one uninterrupted run."""
    logdir = tmp_path_factory.mktemp("whole")
    status, out, err = command(folder, logdir)
    assert (status, out) == (0, f"logged 6 steps to {logdir}\n"), err
    assert '6 checkpoints, steps 0 to 50 (from "step=" in names)' in err
    return logdir


def test_each_image_has_one_set_of_targets_at_every_step(whole):
    records = events.records(whole)
    assert logged(whole) == list(STEPS)
    for image in range(6):
        of = {
            step: each
            for (step, series), each in records.items()
            if series.kind is Kind.SCORES and series.image == image
        }
        assert len({each.targets for each in of.values()}) == 1
        assert of[50].targets[0] == image // 2
        assert int(of[50].values.argmax()) in of[0].targets
        assert [each.epoch for each in of.values()] == [0, 0, 1, 1, 2, 2]
    shown = [each for (_, series), each in records.items() if series.kind is Kind.INPUT]
    assert [each.name for each in shown][:2] == ["0.png", "1.png"]
    assert {each.class_names for each in shown} == {("cat", "dog", "emu")}


def test_killed_and_started_again_the_log_is_that_of_one_run(folder, whole, tmp_path):
    """The model is slow, so that the signal comes between steps or within one."""
    random = np.random.default_rng()
    process = start(folder, tmp_path, model="models:slow")
    while not logs_of(tmp_path) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(float(random.uniform(0, 0.8)))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = logged(tmp_path)
    assert len(before) < len(STEPS)
    # As if the signal had come within a write, too.
    (cut,) = logs_of(tmp_path)
    with cut.open("ab") as file:
        file.write(cut.read_bytes()[-1000:-500])
    status, out, err = command(folder, tmp_path, model="models:slow")
    missing = len(STEPS) - len(before)
    steps = "step" if missing == 1 else "steps"
    assert (status, out) == (0, f"logged {missing} {steps} to {tmp_path}\n"), err
    assert values(tmp_path) == values(whole)
    again = command(folder, tmp_path, model="models:slow")
    assert again[:2] == (0, f"nothing new: {tmp_path} has all 6 steps\n")


def logs_of(logdir):
    return [each for each in logdir.glob("*tfevents*") if each.stat().st_size > 100]


def test_more_workers_write_the_same_events(folder, whole, tmp_path):
    status, _, err = command(folder, tmp_path, "--workers", 2)
    assert status == 0, err
    assert values(tmp_path) == values(whole)


def test_workers_end_with_the_process_that_started_them(folder, tmp_path):
    process = start(folder, tmp_path, "--workers", 2, model="models:slow")
    while not logs_of(tmp_path) and process.poll() is None:
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    assert len(children) >= 2
    until(lambda: not any(map(runs, children)))


def runs(process):
    """Whether a process does, and does not only wait to be reaped."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_records_are_counted_over_what_fails_and_over_a_new_start(folder, tmp_path, more):
    checkpoints, logdir = tmp_path / "some", tmp_path / "log"
    write(checkpoints, folder, (10, 20, 30, 40))
    (checkpoints / "epoch=1-step=20.ckpt").write_bytes(b"nothing")
    assert command(folder, logdir, *more, checkpoints=checkpoints)[0] == 1
    assert counted(logdir) == {10: {(1, 10)}, 30: {(2, 10)}, 40: {(3, 10)}}
    write(checkpoints, folder, (50, 60))
    # A log of a version that did not count goes on with the number of its steps.
    old = tmp_path / "old"
    log = logs.Log(old)
    for step, value in events.values(logdir):
        event = event_pb2.Event(step=step, wall_time=1.0 + step)
        event.summary.value.add().CopyFrom(value)
        told = event.summary.value[0]
        if told.tag.endswith("/scores"):
            scores = record.unpack_scores(told.tensor.string_val[0])
            assert record.pack_scores(scores) == told.tensor.string_val[0]
            told.tensor.string_val[0] = record.pack_scores(replace(scores, nth=0, since=0))
        log.event(event)
    log.close()
    for each, first in (logdir, (1, 2, 3)), (old, (0, 0, 0)):
        assert command(folder, each, *more, checkpoints=checkpoints)[0] == 1
        numbers = [number for found in counted(each).values() for number, _ in found]
        assert numbers == [*first, 4, 5]
        assert {since for step in (50, 60) for _, since in counted(each)[step]} == {10}


def counted(logdir):
    """What the records of scores at each step say of their number."""
    found: dict = {}
    for (step, series), each in events.records(logdir).items():
        if series.kind is Kind.SCORES:
            found.setdefault(step, set()).add((each.nth, each.since))
    return found


def test_a_step_beyond_64_bits_is_named_and_the_pattern_that_is_advised_helps(folder, tmp_path):
    checkpoints, logdir = tmp_path / "some", tmp_path / "log"
    write(checkpoints, folder, (10, 20))
    large = 10**19 + 30
    (checkpoints / "epoch=0-step=10.ckpt").rename(checkpoints / f"step={large}.ckpt")
    status, out, err = command(folder, logdir, checkpoints=checkpoints)
    assert (status, out) == (1, f"logged 1 step to {logdir}\n")
    said = f"step={large}.ckpt is skipped: its step would be {large}, and steps end at {2**63 - 1}"
    assert f"picasso: {said}: pass --step-pattern\n" in err
    assert "Traceback" not in err
    (checkpoints / "epoch=1-step=20.ckpt").unlink()
    status, _, err = command(folder, tmp_path / "none", checkpoints=checkpoints)
    assert (status, "steps end at" in err.splitlines()[-1]) == (2, True)
    wide = ["--step-pattern", r"step=(\d+)"]
    status, _, err = command(folder, tmp_path / "wide", *wide, checkpoints=checkpoints)
    assert (status, "put fewer digits in the group" in err.splitlines()[-1]) == (2, True)
    narrow = ["--step-pattern", r"step=\d+(\d{3})\."]
    status, _, err = command(folder, tmp_path / "narrow", *narrow, checkpoints=checkpoints)
    assert (status, logged(tmp_path / "narrow")) == (0, [30]), err


def test_second_seeds_come_at_the_same_steps_however_often_it_was_started(folder, tmp_path):
    checkpoints, logdir = tmp_path / "some", tmp_path / "log"
    for steps in range(0, 40, 10), range(40, 120, 10):
        write(checkpoints, folder, steps)
        status, _, err = command(
            folder, logdir, "--methods", "occlusion", "smoothgrad", checkpoints=checkpoints
        )
        assert status == 0, err
    found = {
        step
        for (step, series), each in events.records(logdir).items()
        if series.kind is Kind.METHOD and each.second_seed is not None
    }
    assert found == {0, 100}


def test_a_broken_checkpoint_is_reported_and_skipped(folder, tmp_path):
    checkpoints = tmp_path / "some"
    write(checkpoints, folder, (0, 20))
    (checkpoints / "step=10.pt").write_bytes(b"PK\x03\x04")
    status, out, err = command(folder, tmp_path / "log", checkpoints=checkpoints)
    assert (status, out) == (1, f"logged 2 steps to {tmp_path / 'log'}\n")
    assert "step=10.pt (step 10) is skipped" in err
    assert err.splitlines()[-1] == "picasso: not in the log: step=10.pt"
    assert logged(tmp_path / "log") == [0, 20]
    # The log only goes on: what is mended later cannot be put in between.
    write(checkpoints, folder, (10, 30))
    (checkpoints / "step=10.pt").unlink()
    status, out, err = command(folder, tmp_path / "log", checkpoints=checkpoints)
    assert (status, out) == (1, f"logged 1 step to {tmp_path / 'log'}\n")
    assert "the log is at step 20 already" in err
    assert logged(tmp_path / "log") == [0, 20, 30]


def test_what_appears_is_followed_with_the_targets_of_before(folder, tmp_path):
    checkpoints, logdir = tmp_path / "growing", tmp_path / "log"
    write(checkpoints, folder, (0, 10))
    for each in checkpoints.iterdir():
        os.utime(each, (1, 1))
    process = start(folder, logdir, "--follow", checkpoints=checkpoints)
    try:
        until(lambda: logdir.exists() and logged(logdir) == [0, 10])
        write(checkpoints, folder, (20,))
        until(lambda: logged(logdir) == [0, 10, 20])
    finally:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"logged 3 steps to {logdir}\n"), err
    command(folder, logdir, checkpoints=checkpoints)
    scores = [
        each.targets
        for (_, series), each in events.records(logdir).items()
        if series.kind is Kind.SCORES and series.image == 0
    ]
    assert len(scores) == 3
    assert len(set(scores)) == 1


def until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_another_method_is_added_and_other_settings_are_refused(folder, tmp_path):
    write(tmp_path / "some", folder, (0, 20))
    options = {"checkpoints": tmp_path / "some"}
    logdir = tmp_path / "log"
    assert command(folder, logdir, "--methods", "occlusion", **options)[0] == 0
    assert command(folder, logdir, "--methods", "occlusion", "saliency", **options)[0] == 0
    for step in (0, 20):
        labels = [s.label for at, s in events.records(logdir) if at == step and s.image == 1]
        assert sorted(labels) == ["", *[""] * (step == 0), "occlusion", "saliency", "saliency"]
    write(tmp_path / "some", folder, (40,))
    status, _, err = command(folder, logdir, "--fill", "black", **options)
    assert status == 2
    assert "occlusion is in the log with fill image mean, not black" in err
    status, _, err = command(folder, logdir, "--value-range", "-1", "1", **options)
    assert status == 2
    assert "begun with --value-range 0 1, not with --value-range -1 1" in err
    # The same settings, and another image.
    shutil.copytree(folder / "images", tmp_path / "images")
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "dog" / "1.png")
    status, _, err = command(folder, logdir, of=("--images", tmp_path / "images"), **options)
    assert status == 2
    assert 'other images of probe "images" (1.png is not the same)' in err


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


def test_many_checkpoints_with_the_same_problem_are_told_in_a_few_lines(folder, tmp_path):
    where = tmp_path / "of another model"
    where.mkdir()
    for step in range(20):
        torch.save({"state_dict": {"other.weight": torch.zeros(1)}}, where / f"step={step}.ckpt")
    status, _, err = command(folder, tmp_path / "log", checkpoints=where)
    assert status == 1
    assert err.count(" is skipped: ") == 3
    assert "17 more were skipped, as " in err


def test_no_framework_but_the_models_is_imported(folder, tmp_path):
    code = (
        "import sys\nfrom tensorboard_picasso.__main__ import main\n"
        f"assert main({words(tmp_path, '--max-images', 1)[3:]!r}) == 0\n"
        "assert 'torch' in sys.modules\n"
        "assert not {'tensorflow', 'keras', 'jax'} & sys.modules.keys()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
    assert logged(tmp_path) == list(STEPS)


def test_a_bar_tells_the_time_left(folder, tmp_path):
    parent, child = pty.openpty()
    process = subprocess.Popen(
        words(tmp_path, "--max-images", 1), cwd=folder, stderr=child,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(child)
    text = b""
    while True:
        try:
            text += os.read(parent, 1000)
        except OSError:  # its end
            break
    assert process.wait() == 0
    shown = text.decode()
    assert "scoring" in shown
    assert "explaining" in shown
    assert " s left" in shown


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--model", "models:nothing"], "--model models:nothing: module 'models' has no attribute"),
        (["--model", "models"], "--model models: pass module:function"),
        (["--checkpoints", "images"], "no checkpoints in images"),
        (["--images", "checkpoints"], "--images checkpoints: no images"),
        (["--methods", "occlusion", "magic"], "method 'magic' is unknown"),
        (["--methods", "saliency"], "--window: is of occlusion"),
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


def test_checkpoints_of_keras_and_tensorflow(folder, tmp_path):
    """Written by a process of their own, as this one has PyTorch."""
    code = (
        "import keras, models, sys\n"
        "import tensorflow as tf\n"
        "for epoch in (1, 2):\n"
        "    keras.utils.set_random_seed(epoch)\n"
        "    model = models.in_keras()\n"
        "    path = f'{sys.argv[1]}/model.epoch-{epoch}'\n"
        "    model.save(path + '1.keras')\n"
        "    model.save_weights(path + '2.weights.h5')\n"
        "    tf.train.Checkpoint(net=model).write(path + '3')\n"
        "    model.export(path + '4', verbose=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", code, tmp_path], env=environment, check=True)
    status, _, err = command(
        folder, tmp_path / "log", model="models:in_keras", checkpoints=tmp_path
    )
    assert status == 0, err
    assert '8 checkpoints, steps 11 to 24 (from epochs, "epoch-" in names)' in err
    assert logged(tmp_path / "log") == [11, 12, 13, 14, 21, 22, 23, 24]
    scores = events.whole_scores(tmp_path / "log")
    for epoch in (10, 20):
        assert scores[epoch + 1] == scores[epoch + 2] == scores[epoch + 3]
        assert scores[epoch + 4] == pytest.approx(scores[epoch + 1], abs=1e-4)
    assert scores[11] != scores[21]
