"""`python -m tensorboard_picasso log`, as a user runs it: a process of its own, that fails, is killed, goes on."""

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

import tensorboard_picasso
from tensorboard_picasso.stored import metadata, record
from tensorboard_picasso.stored.metadata import Kind
from tests.checkpoints.trained import (
    ROOT,
    STEPS,
    command,
    folder,
    logged,
    start,
    state,
    values,
    whole,
    words,
    write,
)
from tests.kit import events, logs

__all__ = ["folder", "whole"]


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


def test_edits_are_those_of_the_op_at_every_step(folder, whole):
    logged_ = tensorboard_picasso.read(whole)["."]["images"].edits()
    assert logged_.steps.tolist() == list(STEPS)
    assert logged_.names == ("blurred", "mirrored", "top, swapped", "top, hidden")
    assert logged_.epochs.tolist() == [0, 0, 1, 1, 2, 2]
    pixels = [np.asarray(Image.open(each)) for each in sorted((folder / "images").glob("*/*.png"))]
    images = np.stack(pixels).astype(np.float32) / 255
    names: dict = {}
    exec((folder / "models.py").read_text(), names)
    for step in (0, 50):
        model = names["build"]()
        held = state(folder, step)
        model.load_state_dict({name.removeprefix("model."): each for name, each in held.items()})
        with torch.no_grad():
            whole_, turned = (
                torch.softmax(model(torch.from_numpy(each.copy()).permute(0, 3, 1, 2)), 1).numpy()
                for each in (images, images[:, :, ::-1])
            )
        moves = abs(whole_ - turned).sum(1) / 2
        found = logged_.moves[step // 10, logged_.names.index("mirrored")]
        np.testing.assert_allclose(found, moves, atol=1e-5)


def test_edits_of_more_images_are_added_to_all_steps_and_gone_on_with(folder, tmp_path):
    """Without labels, so that what is predicted at the first one stands for the class."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, each in enumerate(sorted((folder / "images").glob("*/*.png"))):
        shutil.copy(each, flat / f"{number}.png")
    given = ("--max-images", 2, "--methods", "occlusion")
    of = ("--images", flat)
    more = ("--edited", 64, "--edits", "top", "mirrored")
    at_once, later = tmp_path / "at once", tmp_path / "later"
    assert command(folder, at_once, *given, of=of, edits=more)[0] == 0
    some = {"of": of, "checkpoints": tmp_path / "some"}
    for steps, edits, count in ((STEPS[:2], (), 2), (STEPS[:4], more, 4), (STEPS, more, 2)):
        write(tmp_path / "some", folder, steps)
        status, out, err = command(folder, later, *given, **some, edits=edits)
        assert (status, out) == (0, f"logged {count} steps to {later}\n"), err
    one, other = (tensorboard_picasso.read(each)["."] for each in (at_once, later))
    assert len(one["flat sample"].images) == 6
    assert not one["flat sample"].edits().labelled
    assert one["flat"].steps().tolist() == other["flat"].steps().tolist() == list(STEPS)
    for kind, count in ((Kind.EDITS, 6), (Kind.INPUT, 6), (Kind.EXAMPLE, 3)):
        assert len(values_of(at_once, kind)) == count
        assert values_of(at_once, kind) == values_of(later, kind)


def values_of(logdir, kind):
    return [
        (step, value.SerializeToString())
        for step, value in events.values(logdir)
        if value.metadata.plugin_data.plugin_name == metadata.PLUGIN_NAME
        and (series := metadata.parse(value.metadata.plugin_data.content)).kind is kind
        and series.probe == "flat sample"
    ]


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
            said = record.unpack_all_scores(told.tensor.string_val[0])
            assert record.pack_all_scores(said) == told.tensor.string_val[0]
            older = {image: replace(each, nth=0, since=0) for image, each in said.items()}
            told.tensor.string_val[0] = record.pack_all_scores(older)
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
