"""What `tensorboard_picasso.read` says where there is no one array."""

from functools import cache
from pathlib import Path

import numpy as np

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs
from tests.kit.explained import noise
from tests.remedies import Row, directory


@cache
def changing():
    """The image is larger at the second step, and its windows too."""
    path = Path(directory())
    for step, side in enumerate((4, 6)):
        probe = summary.Probe("p", noise(1, side, side, 1), labels=[0], output="raw")
        methods = [summary.Occlusion(2 + step, 2 + step)]
        writer = path / str(step)
        assert summary.attribution(
            probe, lambda x: x.reshape(len(x), -1)[:, :2], methods=methods, writer=writer, step=step
        )
    summary.flush()
    whole = path / "run"
    whole.mkdir()
    for number, file in enumerate(sorted(path.glob("[01]/*"))):
        file.rename(whole / f"events.out.tfevents.{number}.test")
    return tensorboard_picasso.read(path)["run"]["p"]


@cache
def smooth():
    path = Path(directory())
    about, planes = logs.saliency({0: np.ones((4, 4), np.float32)})
    log = logs.Log(path / "run")
    series = [Series("p", 0, kind, "saliency", "saliency") for kind in (Kind.METHOD, Kind.MAP)]
    log.write(
        0,
        [
            (Series("p", 0, Kind.SCORES), record.pack_scores(logs.scores(np.zeros(2)))),
            (series[0], record.pack_attribution(about)),
            (series[1], record.pack_maps(planes)),
        ],
        1.0,
    )
    log.close()
    return tensorboard_picasso.read(path)["run"]["p"]


@cache
def parted(changing=False):
    """Segments, other ones at the second step where that is asked for."""
    path = Path(directory())
    probe = summary.Probe("p", noise(1, 4, 4, 1), labels=[0], output="raw")
    for step in range(2):
        labels = np.arange(16).reshape(4, 4) // (8 if step and changing else 4)
        assert summary.attribution(
            probe, lambda x: x.reshape(len(x), -1)[:, :2],
            methods=[summary.Occlusion(segments=labels)], writer=path / "run", step=step,
        )  # fmt: skip
    summary.flush()
    return tensorboard_picasso.read(path)["run"]["p"]


def segments_of():
    assert parted().segments(0).hidden.shape == (2, 4, 2)


def windows_of():
    path = Path(directory())
    probe = summary.Probe("p", noise(1, 4, 4, 1), labels=[0], output="raw")
    assert summary.attribution(
        probe, lambda x: x.reshape(len(x), -1)[:, :2], methods=[summary.Occlusion(2, 2)],
        writer=path / "run", step=0,
    )  # fmt: skip
    summary.flush()
    return tensorboard_picasso.read(path)["run"]["p"]


def step_of_segments():
    assert parted(True).maps(0, "occlusion", 0, step=1).values.shape == (1, 4, 4)


def step_of():
    assert changing().maps(0, "occlusion", 0, step=1).values.shape == (1, 6, 6)


ROWS = [
    Row("maps of several sizes: pass step=", lambda: changing().maps(0, "occlusion", 0), step_of),
    Row("windows changed during training: use maps.step=.", lambda: changing().windows(0), step_of),
    Row("segments changed during training: use maps.step=.", lambda: parted(True).segments(0), step_of_segments),
    Row("occlusion hides segments, no windows: use segments..", lambda: parted().windows(0), segments_of),
    Row("occlusion hides windows, no segments: use windows..", lambda: windows_of().segments(0), lambda: windows_of().windows(0)),
    Row("saliency has no windows: use maps..", lambda: smooth().windows(0, "saliency"), lambda: smooth().maps(0, "saliency", 0)),
]  # fmt: skip
