"""The command line, as a user runs it: a process of its own."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tensorboard_picasso import __version__
from tensorboard_picasso.summary import methods
from tests.kit import logs
from tests.serving.test_imports import FRAMEWORKS, POISON

ROOT = Path(__file__).parents[2]


def command(*words, folder=ROOT, environment=None):
    return subprocess.run(
        [sys.executable, "-m", "tensorboard_picasso", *map(str, words)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("logs")
    logs.plausible(path / "a" / "run 1", 0, range(0, 40, 10), 2, 14)
    logs.plausible(path / "b", 1, range(3), 1, 14)
    return path


def test_the_version():
    assert command("--version").stdout.decode().strip() == __version__


def test_the_methods_are_listed_with_what_they_say_of_themselves(tmp_path):
    about = tmp_path / "other-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    registered = (
        "[tensorboard_picasso.methods]\nrows = picasso_rows:Rows\nlost = not_there:Method\n"
    )
    (about / "entry_points.txt").write_text(registered)
    (module,) = re.findall(
        r"```python\n(from dataclasses.*?)```",
        (ROOT / "docs/extending/new-method.md").read_text(),
        re.S,
    )
    (tmp_path / "picasso_rows.py").write_text(module)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = command("methods", environment={"PYTHONPATH": path}, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert set(re.findall(r"^[^ ].*$", text, re.M)) == {*methods.known(), "rows", "lost"}
    assert (
        """
rise
  The mean score over random masks that show a pixel, less that over all masks.
  contribution, in the unit of the score; needs scores; 1000 scores
  RISE(masks=1000, cells=7, shown=0.5, fill='mean', label='', score='log-odds', precision='q8', \
seed=0, second_seed_every=10)
  Petsiuk et al. 2018, arXiv 1806.07421
rows
  What hiding each row of pixels takes from the score.
  contribution, in the unit of the score; needs scores; 1 score a row of pixels
  Rows(fill='mean', label='', score='log-odds', precision='q8')
"""
        in text
    )
    assert "lost\n  cannot be used: ModuleNotFoundError: No module named 'not_there'\n" in text
    shown = command("methods", "--markdown").stdout.decode()
    assert shown in (ROOT / "docs/methods.md").read_text()


def test_what_there_is_is_listed(logdir):
    done = command("export", "--logdir", logdir)
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "a/run 1",
        "  digits/mean/occlusion  4 steps: 0 to 30",
        "  digits/00/occlusion  4 steps: 0 to 30",
        "  digits/00/saliency  4 steps: 0 to 30",
        "  digits/01/occlusion  4 steps: 0 to 30",
        "  digits/01/saliency  4 steps: 0 to 30",
        "b",
        "  digits/00/occlusion  3 steps: 0 to 2",
        "  digits/00/saliency  3 steps: 0 to 2",
    ]
    alone = command("export", "--logdir", logdir, "--run", "b").stdout.decode()
    assert alone.splitlines() == done.stdout.decode().splitlines()[6:]


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "npz", "csv"])
def test_each_format_is_written_where_the_user_is(logdir, tmp_path, kind):
    done = command(
        "export", "--logdir", logdir, "--run", "b", "--tag", "digits/00/saliency/map",
        "--format", kind, folder=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    name = f"b-digits-00-saliency-0.{kind}"
    assert done.stdout.decode().strip() == name
    start = {"png": b"\x89PNG", "gif": b"GIF89a", "webp": b"RIFF", "npz": b"PK", "csv": b"step,"}
    assert (tmp_path / name).read_bytes().startswith(start[kind])


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "npz", "csv"])
def test_a_mean_is_written_by_its_tag(logdir, tmp_path, kind):
    done = command(
        "export", "--logdir", logdir, "--run", "a/run 1", "--tag", "digits/mean/occlusion",
        "--format", kind, folder=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().strip() == f"a-run-1-digits-mean-occlusion.{kind}"


def test_out_names_the_format_and_a_dash_is_standard_output(logdir, tmp_path):
    words = ("export", "--logdir", logdir / "b", "--tag", "digits/00/occlusion", "--target", "3")
    assert command(*words, "--out", tmp_path / "x.npz").returncode == 0
    done = command(*words, "--out", "-", "--format", "npz")
    found, written = np.load(io.BytesIO(done.stdout)), np.load(tmp_path / "x.npz")
    np.testing.assert_array_equal(found["values"], written["values"])
    assert json.loads(str(found["metadata"]))["target_name"] == "3"
    done = command(*words[:-1], "predicted", "--out", "-", "--format", "csv")
    (*_, row) = csv.DictReader(io.StringIO(done.stdout.decode()))
    assert float(row["probability"]) == float(row["probability of the predicted class"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--run", "x", "--format", "gif"], 'no run "x" with a probe: there are a/run 1, b'),
        (["--format", "gif"], "give --run: there are a/run 1, b"),
        (
            ["--run", "b", "--tag", "x", "--format", "gif"],
            'no method under tag "x": there are digits/00/occlusion, digits/00/saliency',
        ),
        (["--run", "b", "--format", "gif"], "give --tag: there are digits/00/occlusion"),
        (
            [
                "--run",
                "a/run 1",
                "--tag",
                "digits/mean/occlusion",
                "--out",
                "x.png",
                "--target",
                "3",
            ],
            "--target: a mean is of each image's own class",
        ),
        (["--run", "b", "--format", "bmp"], 'format "bmp": give png, gif, webp, npz, csv'),
        (
            ["--run", "b", "--tag", "digits/00/occlusion", "--format", "png", "--target", "cat"],
            'no class "cat": there are 0, 1, 2',
        ),
        (
            ["--run", "b", "--tag", "digits/00/occlusion", "--format", "png", "--step", "9"],
            "no step 9 of occlusion: there are 0, 1, 2",
        ),
        (
            ["--run", "b", "--tag", "digits/00/saliency", "--format", "png", "--reading", "score"],
            'reading "score": saliency has importance',
        ),
        (
            ["--run", "b", "--tag", "digits/00/saliency", "--format", "png", "--palette", "x"],
            'palette "x": here there are ember, lagoon',
        ),
        (
            ["--run", "b", "--tag", "digits/00/saliency", "--out", "/nowhere/x.png"],
            "/nowhere/x.png: No such file or directory",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_few_words(logdir, words, reason):
    done = command("export", "--logdir", logdir, *words)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert reason in line


def test_a_directory_without_logs(tmp_path):
    assert b"no run with a probe" in command("export", "--logdir", tmp_path).stderr
    missing = command("export", "--logdir", tmp_path / "x")
    assert missing.returncode == 2
    assert b"no directory" in missing.stderr


def test_no_framework_is_imported(logdir, tmp_path):
    told = tmp_path / "told"
    for name in FRAMEWORKS:
        (tmp_path / "poisoned" / name).mkdir(parents=True)
        text = POISON.format(told=str(told), name=name)
        (tmp_path / "poisoned" / name / "__init__.py").write_text(text)
    path = os.pathsep.join([str(tmp_path / "poisoned"), str(ROOT)])
    done = command(
        "export", "--logdir", logdir, "--run", "b", "--tag", "digits/00/occlusion",
        "--out", tmp_path / "x.gif", environment={"PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not told.exists()


def test_a_file_that_is_there_is_kept_and_a_full_disk_is_told(logdir, tmp_path):
    words = ("export", "--logdir", logdir, "--run", "b", "--tag", "digits/00/occlusion")
    out = tmp_path / "map.csv"
    out.write_text("mine")
    done = command(*words, "--out", out)
    assert done.returncode == 2
    assert f"{out} is there: pass --force to replace it" in done.stderr.decode()
    assert out.read_text() == "mine"
    assert command(*words, "--out", out, "--force").returncode == 0
    assert out.read_text().startswith("step,")
    full = command(*words, "--format", "csv", "--out", "/dev/full")
    assert full.returncode == 2
    assert (
        full.stderr.decode().splitlines()[-1].endswith("export: /dev/full: No space left on device")
    )
    for more in (("--format", "csv", "--out", "-"), ()):
        with open("/dev/full", "wb") as stream:
            given = [*words, *more] if more else ["export", "--logdir", logdir]
            done = subprocess.run(
                [sys.executable, "-m", "tensorboard_picasso", *map(str, given)],
                stdout=stream, stderr=subprocess.PIPE,
            )  # fmt: skip
        assert done.returncode == 2
        assert (
            done.stderr.decode()
            .splitlines()[-1]
            .endswith("standard output: No space left on device")
        )
        assert b"Traceback" not in done.stderr
