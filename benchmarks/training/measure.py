"""Seconds and bytes of one project's checkpoints: `python -m benchmarks.training.measure NAME`.

Each round trains some steps, logs a checkpoint of occlusion and saliency, one of all methods,
and one of edits, as a training loop would; a checkpoint has ended when its record is in the file. A
first round, in which models are traced and the random methods take a second seed, is counted
apart.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing import event_file_loader

from benchmarks.training import EDITED, IMAGES, loops
from benchmarks.training.projects import ALL
from tensorboard_picasso import summary
from tensorboard_picasso.stored import metadata
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind, Series
from tensorboard_picasso.summary.log import steps as log
from tensorboard_picasso.summary.methods import Method

FEW = ("occlusion", "saliency")
MANY = (*FEW, "gradient-times-input", "integrated-gradients", "smoothgrad", "vargrad",
        "grad-cam", "rise")  # fmt: skip
ROUNDS = {"digits": 7, "pictures": 3, "tiles": 3, "photographs": 2}


def project(name: str, folder: Path) -> dict[str, Any]:
    """What one project's checkpoints take.

    Args:
      name: of the project.
      folder: where they are logged: into `few` and `many`.
    """
    made, rounds = ALL[name](), ROUNDS[name]
    # By method: those of the checkpoint with all of them.
    by_method: dict[str, list[float]] = defaultdict(list)
    watched = {
        "few": (log.wanted(FEW), made.probe(made.few)),
        "many": (_timed(log.wanted(MANY), by_method), made.probe(made.many)),
    }
    sample = made.sample()
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        steps = _clocked(lambda: [made.step() for _ in range(made.timed)])
        seconds["step"].append(steps / made.timed)
        for what, (methods, probe) in watched.items():
            call = partial(_logged, probe, made.model, methods, folder / what, number)
            seconds[what].append(_clocked(call) * IMAGES / len(probe.images))
        call = partial(_asked, sample, made.model, folder / "edits", number)
        seconds["edits"].append(_clocked(call) * EDITED / len(sample))
    scale = IMAGES / made.many
    found = {
        "name": name,
        "says": made.says,
        "steps": made.steps,
        "sampled": {"few": made.few, "many": made.many, "edits": made.edited},
        "seconds": {what: values[1:] for what, values in seconds.items()},
        "first": {what: values[0] for what, values in seconds.items()},
        "methods": {
            method: [each * scale for each in values[-rounds:]]
            for method, values in by_method.items()
        },
        "bytes": {what: _bytes(folder / what) for what in ("few", "many")},
        "edits": events(folder / "edits")[-1].ByteSize() * EDITED / len(sample),
    }
    if name == "digits":
        found["graph"] = loops.in_graph(made, folder / "graph", rounds)
        found["demo"] = loops.in_demo(folder / "demo")
    return found


def _logged(
    probe: summary.Probe, model: Any, methods: Sequence[Method], directory: Path, step: int
) -> None:
    """One checkpoint, until it is in the file."""
    summary.attribution(
        probe, model, methods=methods, writer=directory, step=step, epoch=step, strict=True
    )
    summary.flush()


def _asked(sample: summary.Probe, model: Any, directory: Path, step: int) -> None:
    """One checkpoint of all edits, until it is in the file."""
    summary.edited(sample, model, writer=directory, step=step, epoch=step, strict=True)
    summary.flush()


def _timed(methods: Sequence[Method], into: dict[str, list[float]]) -> Sequence[Method]:
    """The methods, each of which notes how long it takes."""

    def noting(label: str, explain: Callable[..., Any]) -> Callable[..., Any]:
        def noted(subjects: Any) -> Any:
            started = time.perf_counter()
            answers = explain(subjects)
            into[label].append(time.perf_counter() - started)
            return answers

        return noted

    for method in methods:
        # Methods are frozen; what is noted is no setting of theirs.
        object.__setattr__(method, "explain", noting(method.label, method.explain))
    return methods


def _clocked(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def events(directory: Path) -> list[Any]:
    """The checkpoints in a directory's event file."""
    (path,) = directory.glob("*tfevents*")
    found = event_file_loader.EventFileLoader(str(path)).Load()
    return [each for each in found if each.summary.value]


def _bytes(directory: Path) -> dict[str, Any]:
    """Bytes of records, as a mean over images, and of what the newest checkpoint is made of.

    records: by kind, and for methods and maps by label; the records alone.
    parts: of the checkpoint: records, plugin data, tags and the rest. Images that were
      logged once with the first checkpoint are apart: `once`.
    """
    every = events(directory)
    images = {
        series.image for series, _ in map(_series, every[-1].summary.value) if series is not None
    }
    scale = IMAGES / len(images)
    records: dict[str, list[int]] = defaultdict(list)
    parts: dict[str, float] = defaultdict(float)
    for value in every[-1].summary.value:
        series, data = _series(value)
        if series is None:
            parts["scalars"] += value.ByteSize()
            continue
        # Of fewer images than the probe has, only means are not more.
        times = 1 if series.kind is Kind.MEAN else scale
        about = f" {series.label}" if series.label else ""
        records[f"{series.kind}{about}"].append(data)
        parts["records"] += times * data
        parts["plugin data"] += times * value.metadata.ByteSize()
        parts["tags"] += times * len(value.tag.encode())
        parts["the rest"] += times * (
            value.ByteSize() - data - value.metadata.ByteSize() - len(value.tag.encode())
        )
    once = sum(
        scale * value.ByteSize()
        for value in every[0].summary.value
        if (series := _series(value)[0]) is not None and series.kind is Kind.INPUT
    )
    return {
        "records": {kind: sum(sizes) / len(sizes) for kind, sizes in records.items()},
        "parts": dict(parts),
        "checkpoint": sum(parts.values()),
        "once": once,
    }


def _series(value: Any) -> tuple[Series | None, int]:
    """What series a value is of, None of a scalar, and the bytes of its record."""
    if value.metadata.plugin_data.plugin_name != PLUGIN_NAME:
        return None, 0
    return metadata.parse(value.metadata.plugin_data.content), sum(
        map(len, value.tensor.string_val)
    )


if __name__ == "__main__":
    print(json.dumps(project(sys.argv[1], Path(sys.argv[2]))))
