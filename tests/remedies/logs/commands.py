"""What the commands say: each is run again as it says, and its log or file is read."""

import csv
import io
import os
import shutil
import types
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing import parent_process
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events, logs
from tests.remedies import Row, directory
from tests.remedies.logs import given

BASE = {
    "--model": "tests.remedies.logs.given:build", "--checkpoints": "{}/checkpoints",
    "--images": "{}/pictures", "--normalized": ["0.5", "0.05"], "--methods": ["occlusion"],
    "--window": "2", "--stride": "2",
}  # fmt: skip
OWN = {"--images": None, "--normalized": None}
HERE = "tests.remedies.logs.commands:"


# What rows name as MODULE:FUNCTION.


def with_lambda():
    return given.probe(
        given.NORMAL, normalized=(given.MEAN, given.STD), score=lambda scores: scores
    )


def with_function():
    return given.probe(given.NORMAL, normalized=(given.MEAN, given.STD), score=same)


def other_images():
    """Called as `given.rightly` is, which has six."""
    return given.probe(given.NORMAL[:3], normalized=(given.MEAN, given.STD))


def other_name():
    made = given.NORMAL[:3]
    return summary.Probe(
        "sample", made.transpose(0, 3, 1, 2), normalized=(given.MEAN, given.STD),
        data_format="channels_first",
    )  # fmt: skip


def same(scores):
    return scores


def greedy():
    """As the system ends one of several processes that take too much memory."""
    if parent_process() is not None:
        os._exit(9)
    return given.build()


def wide():
    """The last class is never among the likeliest."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(108, 8))
    with torch.no_grad():
        model[1].bias[7] = -1000
    return model


def keras_model():
    import keras

    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])


def keras_model_that_is_called():
    model = keras_model()
    model(np.zeros((1, 6, 6, 3), np.float32))
    return model


@cache
def folder():
    """The folder of `given`, and what else rows are about."""
    path = given.folder()
    state = given.trained().state_dict()
    for name, steps in (("more", ("step=1.pt", "step=2.pt")), ("nameless", ("seven.ab9c.pt",)), ("huge", ("step=12345678901234567890.pt",)),
                        ("later", ("step=0.pt", "step=1.pt"))):  # fmt: skip
        (path / name).mkdir()
        for each in steps:
            torch.save(state, path / name / each)
    for name, held in (
        ("wide", wide().state_dict()),
        ("pickled", {"state_dict": state, "about": types.SimpleNamespace(who=1)}),
    ):
        (path / name).mkdir()
        torch.save(held, path / name / "step=1.pt")
    (path / "keras").mkdir()
    keras_model_that_is_called().save_weights(path / "keras" / "step=1.weights.h5")
    for name in ("mixed", "sorted"):
        shutil.copytree(path / "pictures", path / name)
        (path / name / "cat").mkdir()
        shutil.copy(path / "pictures" / "0.png", path / name / "cat")
    for name in ("dog", "emu"):
        (path / "sorted" / name).mkdir()
    for each in (path / "sorted").glob("*.png"):
        each.rename(path / "sorted" / ("dog" if each.name < "3" else "emu") / each.name)
    (path / "deep").mkdir()
    Image.fromarray(np.arange(36, dtype=np.uint16).reshape(6, 6)).save(path / "deep" / "0.png")
    (path / "converted").mkdir()
    with Image.open(path / "deep" / "0.png") as image:
        pixels = (np.asarray(image, float) * 7).astype(np.uint8)
    Image.fromarray(np.repeat(pixels[..., None], 3, 2)).save(path / "converted" / "0.png")
    (path / "no masks").mkdir()
    mask = np.zeros((6, 6), np.uint8)
    mask[:2] = 255
    (path / "masks" / "sky").mkdir(parents=True)
    for number in range(6):
        Image.fromarray(mask).save(path / "masks" / "sky" / f"{number}.png")
    labels = np.arange(36).reshape(6, 6) // 9
    np.save(path / "deep.npy", np.repeat(labels[..., None], 3, 2))
    np.save(path / "labels.npy", labels)
    painted = Image.fromarray(labels.astype(np.uint8))
    painted.save(path / "labels.png")
    painted.convert("RGB").save(path / "colours.png")
    (path / "labels").mkdir()
    for number in range(6):
        painted.save(path / "labels" / f"{number}.png")
    for name, first in (("a.csv", 0), ("b.csv", 1)):
        lines = [f"{each}.png,{(each + first) % 3}\n" for each in range(6)]
        (path / name).write_text("".join(lines))
    return path


def run(*words):
    """The exit status and what is said."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(each) for each in words])
        except SystemExit as e:  # of argparse
            status = e.code
    return status, out.getvalue(), err.getvalue()


def log(changes, logdir):
    words = []
    for option, value in {**BASE, **changes, "--logdir": logdir}.items():
        if value is not None:
            values = value if isinstance(value, list) else [value]
            words += [option, *(str(each).format(folder()) for each in values)]
    return run("log", *words)


def said(changes, logdir=None):
    raise ValueError(log(changes, logdir or directory())[2])


def logged(changes, logdir=None, images=6, steps=(1,), probe=None):
    """Log, and read the scores back."""
    path = Path(logdir or directory())
    status, _, err = log(changes, path)
    assert status == 0, err
    found = [
        (step, series.image)
        for step, series in events.records(path)
        if series.kind is Kind.SCORES and series.probe == (probe or series.probe)
    ]
    assert sorted(found) == [(step, image) for step in steps for image in range(images)]
    return err


def of(message, wrong, right, **expected):
    return Row(message, lambda: said(wrong), lambda: logged(right, **expected))


def spoken(message, changes, right, **expected):
    """What is said while the command does its work: with the remedy it is not."""

    def try_it():
        assert message.split(":")[0] not in logged(right, **expected)

    return Row(message, lambda: said(changes), try_it)


def begun(message, first, other, *remedies):
    """A log that was begun otherwise; remedies: changes, and what is then there."""

    def rows():
        for mended, expected in remedies:
            logdir = directory()

            def wrong(logdir=logdir):
                log(first, logdir)
                said(other, logdir)

            def right(logdir=logdir, mended=mended, expected=expected):
                there = {"logdir": logdir, **expected}
                logged({**other, **mended}, **there)

            yield Row(message, wrong, right)

    return list(rows())


@cache
def runs():
    path = Path(directory())
    for number, name in enumerate(("a", "b")):
        logs.plausible(path / name, number, range(3), 1, 14)
    return path


def export(message, wrong, right):
    """A row of the export of a map to a table."""

    def command(words, logdir):
        out = Path(directory()) / "map.csv"
        status, _, err = run("export", "--logdir", words.get("--logdir", logdir), "--out", out,
                             *(w for k, v in words.items() if k != "--logdir" for w in (k, v)))  # fmt: skip
        if status:
            raise ValueError(err)
        return [int(each["step"]) for each in csv.DictReader(out.read_text().splitlines())]

    def try_it():
        assert command(right, runs()) == [0, 1, 2]

    return Row(message, lambda: command(wrong, runs()), try_it)


def listed(one):
    path = directory()
    if one:
        summary.attribution(
            given.probe(given.NORMAL, normalized=(0.5, 0.05)),
            given.build(),
            methods=[summary.Occlusion(2, 2)],
            writer=path,
            step=7,
            strict=True,
        )
        summary.flush()
    assert "p/00/occlusion  1 step: 7" in refused_export(path)


def refused_export(path):
    status, out, err = run("export", "--logdir", path)
    if status:
        raise ValueError(err)
    return out


PROBE = {**OWN, "--probe": "tests.remedies.logs.given:rightly"}
NO_WINDOWS = {"--window": None, "--stride": None}
OF_A = {"--run": "a", "--tag": "digits/00/saliency"}
ANOTHER_NAME = {"--name": "q"}, {"probe": "q"}
ANOTHER_LOG: tuple = {}, {"logdir": None}

ROWS = [
    # What there is to explain, and by what.
    of("pass --images or --probe", {"--images": None}, {}),
    of("pass --images or --probe", {"--images": None}, {**OWN, "--probe": "tests.remedies.logs.given:rightly"}),
    of("s3://x: give a local path: copy it to this machine first", {"--images": "s3://x"}, {}),
    Row("--logdir s3://x: pass a local directory, as it is read too", lambda: said({}, "s3://x"), lambda: logged({})),
    of("returns Sequential: return a Probe", {**OWN, "--probe": "tests.remedies.logs.given:build"}, {**OWN, "--probe": "tests.remedies.logs.given:rightly"}),
    spoken("give the images as training did, in --probe", {**OWN, "--probe": "tests.remedies.logs.given:own"}, {**OWN, "--probe": "tests.remedies.logs.given:rightly"}),
    of("beside --probe: give the probe that itself", {**OWN, "--probe": HERE + "with_function", "--max-images": 3}, {**OWN, "--probe": HERE + "with_function"}),
    of("images lie beside the folders cat: put all into folders named for their classes", {"--images": "{}/mixed"}, {"--images": "{}/sorted"}, images=7),
    of("images lie beside the folders cat: .* or none", {"--images": "{}/mixed"}, {}),
    of("pixels: convert it to 8 bits a channel", {"--images": "{}/deep"}, {"--images": "{}/converted"}, images=1),
    of("no masks: put REGION.png", {"--regions": "{}/no masks"}, {"--regions": "{}/regions"}),
    of("or REGION/IMAGE.png there", {"--regions": "{}/no masks"}, {"--regions": "{}/masks"}),
    spoken("3 of 6 images are explained; --max-images 6 takes all", {"--max-images": 3}, {"--max-images": 6}),
    of("--max-images 0: pass a number from 1", {"--max-images": 0}, {"--max-images": 1}, images=1),
    of("--value-range 1 0: pass LOW HIGH", {"--value-range": ["1", "0"]}, {"--value-range": ["0", "1"]}),
    of("--normalized a: pass a number", {"--normalized": ["a", "b"]}, {}),
    of("--normalized a: .* or one a channel with commas", {"--normalized": ["a", "b"]}, {"--normalized": ["0.5,0.5,0.5", "0.05,0.05,0.05"]}),
    # What is hidden.
    of("--segments beside --window: pass one of them", {"--segments": "slic"}, {}),
    of("--segments beside --window: pass one of them", {"--segments": "slic"}, {**NO_WINDOWS, "--segments": "slic"}),
    of("/labels: pass one label map for all images", {**NO_WINDOWS, **PROBE, "--segments": "{}/labels"}, {**NO_WINDOWS, **PROBE, "--segments": "{}/labels.png"}),
    of("/labels: .*, or slic", {**NO_WINDOWS, **PROBE, "--segments": "{}/labels"}, {**NO_WINDOWS, **PROBE, "--segments": "slic"}),
    of(r"has shape \(6, 6, 3\): put \(height, width\) integers there", {**NO_WINDOWS, "--segments": "{}/deep.npy"}, {**NO_WINDOWS, "--segments": "{}/labels.npy"}),
    of("RGB pixels: convert it to one number a pixel", {**NO_WINDOWS, "--segments": "{}/colours.png"}, {**NO_WINDOWS, "--segments": "{}/labels"}),
    # What is edited.
    of("--edits top: pass --edited too", {"--edits": ["top"]}, {"--edits": ["top"], "--edited": []}),
    of("--edited given:own: pass a number of images", {"--edited": "given:own"}, {"--edited": 6}),
    of("--edited 3 beside --probe: pass MODULE:FUNCTION", {**PROBE, "--edited": 3}, {**PROBE, "--edited": HERE + "other_name"}, probe="p"),
    of("--edited 3 beside --probe: .*or no number", {**PROBE, "--edited": 3}, {**PROBE, "--edited": []}),
    of("called \"p\" as those that are explained: give its probe another name", {**PROBE, "--edited": HERE + "other_images"}, {**PROBE, "--edited": HERE + "other_name"}, probe="p"),
    *begun('begun with other edits ."blurred" is not in both.: pass the same --edits, or another --name or --logdir', {"--edited": [], "--edits": ["top"]}, {"--edited": [], "--edits": ["blurred"], "--checkpoints": "{}/more"}, ({"--edits": ["top"]}, {"steps": (1, 2)}), ({"--name": "q"}, {"probe": "q", "steps": (1, 2)}), ({}, {"logdir": None, "steps": (1, 2)})),
    *begun('edits of other images of "pictures sample": pass another --name or --logdir', {"--max-images": 2, "--edited": 3, "--edits": ["top"]}, {"--max-images": 2, "--edited": 4, "--edits": ["top"]}, ({"--name": "q"}, {"probe": "q", "images": 2}), ({}, {"logdir": None, "images": 2})),
    # Models and their checkpoints.
    of("--model build: pass module:function", {"--model": "build"}, {}),
    of("step=1.pt holds weights alone: pass --model my_module:build", {"--model": None}, {}),
    of("no step in its name or in it: pass --step-pattern", {"--checkpoints": "{}/nameless"}, {"--checkpoints": "{}/nameless", "--step-pattern": "ab([0-9])c"}, steps=(9,)),
    of(r"--step-pattern 'ab': put the step in a group, \(", {"--checkpoints": "{}/nameless", "--step-pattern": "ab"}, {"--checkpoints": "{}/nameless", "--step-pattern": r"ab(\d+)"}, steps=(9,)),
    of("its step would be 12345678901234567890, .*: pass --step-pattern", {"--checkpoints": "{}/huge"}, {"--checkpoints": "{}/huge", "--step-pattern": "step=([0-9]{{6}})"}, steps=(123456,)),
    of("steps end at .*: put fewer digits in the group", {"--checkpoints": "{}/huge", "--step-pattern": "step=([0-9]+)"}, {"--checkpoints": "{}/huge", "--step-pattern": "step=([0-9]{{6}})"}, steps=(123456,)),
    of("--trust-pickle reads it, and runs whatever code is in it", {"--checkpoints": "{}/pickled"}, {"--checkpoints": "{}/pickled", "--trust-pickle": []}),
    of("Sequential is not built: call it in --model", {"--model": HERE + "keras_model", "--checkpoints": "{}/keras"}, {"--model": HERE + "keras_model_that_is_called", "--checkpoints": "{}/keras"}),
    of("--workers 0: pass a number from 1", {"--workers": 0}, {"--workers": 1}),
    of("--workers 2: the probe cannot be sent .* give it functions that stand at the top of a module", {**OWN, "--probe": HERE + "with_lambda", "--workers": 2}, {**OWN, "--probe": HERE + "with_function", "--workers": 2}),
    of("a worker died, .*: pass fewer --workers", {"--model": HERE + "greedy", "--workers": 2}, {"--model": HERE + "greedy", "--workers": 1}),
    # A log that is gone on with.
    *begun("occlusion is in the log with fill .*, not black: pass the same, or another --name or --logdir", {}, {"--fill": "black", "--checkpoints": "{}/more"}, ({"--fill": None}, {"steps": (1, 2)}), ({"--name": "q"}, {"probe": "q", "steps": (1, 2)}), ({}, {"logdir": None, "steps": (1, 2)})),
    *begun("begun with --normalized 0.5 0.05, not with --normalized 0.4 0.05: pass the same, or another --name or --logdir", {}, {"--normalized": ["0.4", "0.05"]}, ({"--normalized": ["0.5", "0.05"]}, {}), ANOTHER_NAME, ANOTHER_LOG),
    *begun("begun with 3 images of probe .*, not with 6", {"--max-images": 3}, {}, ({"--max-images": 3}, {"images": 3}), ANOTHER_NAME, ANOTHER_LOG),
    *begun("the log has another label for 0.png: pass --name", {"--labels": "{}/a.csv"}, {"--labels": "{}/b.csv"}, ANOTHER_NAME),
    *begun("other regions for 0.png: pass the same", {"--regions": "{}/regions"}, {}, ({"--regions": "{}/regions"}, {}), ANOTHER_NAME, ANOTHER_LOG),
    *begun("without target 7 for 0.png: pass another --name or --logdir", {"--model": HERE + "wide", "--checkpoints": "{}/wide"}, {"--model": HERE + "wide", "--checkpoints": "{}/wide", "--targets": ["7"]}, ANOTHER_NAME, ANOTHER_LOG),
    *begun("other images of probe .*: pass another --name or --logdir", {"--name": "p"}, {"--name": "p", "--images": "{}/others"}, ANOTHER_NAME, ANOTHER_LOG),
    *begun("the log is at step 1 already, and only goes on: another --logdir takes step 0 too", {}, {"--checkpoints": "{}/later"}, ({}, {"logdir": None, "steps": (0, 1)})),
    # Export.
    export("give --run: there are a, b", {"--tag": OF_A["--tag"]}, OF_A),
    export("give --tag: there are digits/00/occlusion, digits/00/saliency", {"--run": "a"}, OF_A),
    Row("no run with a probe: log one with summary.attribution", lambda: listed(False), lambda: listed(True)),
    Row("nothing here reads nowhere://.*, or copy it to this machine", lambda: refused_export("nowhere://bucket"), lambda: refused_export(runs())),
    export("no directory /nowhere: give that which tensorboard --logdir shows", {"--logdir": "/nowhere", **OF_A}, OF_A),
]  # fmt: skip
