"""Where the seconds and bytes of a checkpoint go: 12 images of three sizes, occlusion and saliency."""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from torch.utils.tensorboard import SummaryWriter

from benchmarks.text import plain
from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind, parse
from tensorboard_picasso.summary import backends, writers
from tensorboard_picasso.summary.explain import records
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.log import event

IMAGES = 12
SIZES = ((28, 1), (64, 3), (224, 3))
REPEATS = 5
WRITERS: dict[str, Callable[[str], Any]] = {
    "a directory": Path,
    "tf.summary": tf.summary.create_file_writer,
    "SummaryWriter": SummaryWriter,
}


def main() -> None:
    """Print a line a size; see `--help`."""
    parser = argparse.ArgumentParser("scripts/bench checkpoint", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("logs/bench/checkpoint.json"))
    options = parser.parse_args()
    found = {"sizes": [measured(*each) for each in SIZES]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=1))
    print(
        f"{IMAGES} images, occlusion and saliency of 3 targets, milliseconds, median of {REPEATS}"
    )
    print(plain(cells(found)))


def network(side: int, channels: int) -> keras.Model:
    """Two convolutions, the first of them strided for large images."""
    stride = max(1, side // 56)
    return keras.Sequential(
        [
            keras.Input((side, side, channels)),
            keras.layers.Conv2D(16, 3, strides=stride, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10),
        ]
    )


def measured(side: int, channels: int) -> dict[str, Any]:
    """Seconds of each part of a checkpoint, round by round, and its bytes."""
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).random((IMAGES, side, side, channels)).astype(np.float32)
    probe = summary.Probe("bench", images, labels=[*range(10), 0, 1])
    backend = backends.find(network(side, channels))
    memory = [Targets((), 2, 8) for _ in range(IMAGES)]
    methods = [summary.Occlusion(), summary.Saliency()]
    contents = event.Contents(scores=True, labels=["occlusion", "saliency"])
    seconds: dict[str, list[float]] = {}

    def clocked(part: str, call: Callable[..., Any], *given: Any) -> Any:
        started = time.perf_counter()
        result = call(*given)
        seconds.setdefault(part, []).append(time.perf_counter() - started)
        return result

    def packed(result: records.Result) -> bytes:
        return event.build("bench", result, contents).SerializeToString()

    with tempfile.TemporaryDirectory() as folder:
        opened = {name: writers.find(make(f"{folder}/{name}")) for name, make in WRITERS.items()}
        for step in range(REPEATS + 1):
            passes = clocked("passes", records.explain, probe, backend, methods, memory)
            result = clocked("maps", getattr, passes, "result")
            values = clocked("records", packed, result)
            for name, writer in opened.items():
                clocked(name, writer.write, values, step)
    return {
        "side": side,
        # The first traces.
        "seconds": {part: each[1:] for part, each in seconds.items()},
        "bytes": len(values),
        "records": _sizes(event.build("bench", result, contents)),
    }


def _sizes(built: Any) -> dict[str, float]:
    """Bytes of an image's records, by kind and label: medians over images."""
    sizes: dict[str, list[int]] = {}
    for value in built.value:
        if value.metadata.plugin_data.plugin_name == PLUGIN_NAME:
            series = parse(value.metadata.plugin_data.content)
            each = sum(map(len, value.tensor.string_val))
            if series.kind is Kind.ALL_SCORES:  # of all images
                each //= IMAGES
            sizes.setdefault(f"{series.kind} {series.label}".strip(), []).append(each)
    return {name: statistics.median(each) for name, each in sizes.items()}


def cells(found: dict[str, Any]) -> list[list[str]]:
    """A table of what was found."""
    parts = ("passes", "maps", "records", *WRITERS)
    header = ["size", *parts, "KB", *(f"{Kind.MAP} saliency, bytes",)]
    rows = []
    for each in found["sizes"]:
        middle = [1000 * statistics.median(each["seconds"][part]) for part in parts]
        rows.append(
            [
                f"{each['side']}×{each['side']}",
                *(f"{value:.3g}" for value in middle),
                f"{each['bytes'] / 1000:.0f}",
                f"{each['records'][f'{Kind.MAP} saliency']:,.0f}",
            ]
        )
    return [header, *rows]


if __name__ == "__main__":
    main()
